"""Who asks S3 without a signature in a header: forms and URLs that were signed before, and anybody.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from collections.abc import Mapping
from typing import Any

from moto.s3.models import s3_backends

from infra.local.core import members, signature
from infra.local.core.refused import Refused
from infra.local.core.request import Credential, Request
from infra.local.core.roles.evaluation import Ask, Kind, Policies, Principal, evaluate
from infra.local.core.roles.policy import MalformedPolicy, parse

PARTITION = "aws"
LONGEST_SECONDS = 604_800
FORM_FIELD = rb'name="?%s"?\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n'
PUBLIC = {"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "ListObjects": "s3:ListBucket",
          "ListObjectsV2": "s3:ListBucket", "HeadBucket": "s3:ListBucket"}  # fmt: skip


def credential_of_form(form: bytes) -> Credential:
    """Return the credential of an upload by an HTML form; an empty one where its policy is not signed."""
    fields = {name: _field(form, name) for name in ("x-amz-credential", "x-amz-signature", "policy", "AWSAccessKeyId")}
    parts = fields["x-amz-credential"].split("/")
    if fields["policy"] and fields["x-amz-signature"] and len(parts) == 5:
        return Credential(parts[0], parts[2], "s3")
    if fields["policy"] and fields["AWSAccessKeyId"] and _field(form, "signature"):
        return Credential(fields["AWSAccessKeyId"], service="s3")
    return Credential(service="s3")


def check_form(request: Request, form: bytes) -> None:
    """Check who has signed the policy of a form; a member of the class acts as the root of its account. Raises Refused."""
    key = request.credential.key
    scope = _field(form, "x-amz-credential").partition("/")[2]
    if not scope or not signature.check_form(_field(form, "policy"), scope, _field(form, "x-amz-signature"), key):
        raise Refused(403, "SignatureDoesNotMatch", signature.S3_WRONG)
    if (member := members.find(key)) is not None:
        request.credential = request.credential._replace(key=member.account)
        request.account = member.account


def _field(form: bytes, name: str) -> str:
    match = re.search(FORM_FIELD % re.escape(name).encode(), form, re.IGNORECASE)
    return match[1].decode("latin-1") if match else ""


def check_not_expired(query: Mapping[str, str]) -> None:
    """Check how long a presigned URL is good for. Raises Refused."""
    if "X-Amz-Credential" in query:
        try:
            signed = timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
            seconds = int(query["X-Amz-Expires"])
        except (KeyError, ValueError):
            message = (
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
                "X-Amz-SignedHeaders, and X-Amz-Expires parameters."
            )
            raise Refused(400, "AuthorizationQueryParametersError", message) from None
        if not 0 <= seconds <= LONGEST_SECONDS:
            message = "X-Amz-Expires must be non-negative" if seconds < 0 else (
                "X-Amz-Expires must be less than a week (in seconds) that is 604800"
            )  # fmt: skip
            raise Refused(400, "AuthorizationQueryParametersError", message)
        expires = signed + seconds
    else:
        if not query.get("Expires", "").isdigit():
            raise Refused(
                403,
                "AccessDenied",
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            )
        expires = int(query["Expires"])
    if time.time() > expires:
        raise Refused(403, "AccessDenied", "Request has expired")


def owner_of(bucket: str) -> str:
    """Return the account that has a bucket, "" where there is none."""
    found = s3_backends.bucket_accounts.get(bucket)
    return found[1] if found else ""


def check_anonymous(request: Request, bucket_name: str, key: str) -> None:
    """Check that anybody may ask for this: reading what an ACL or the bucket's policy gives to all. Raises Refused."""
    if request.method == "OPTIONS":  # a browser's question whether it may ask
        return
    action = PUBLIC.get(request.operation)
    bucket = s3_backends[request.account][PARTITION].buckets.get(bucket_name)
    if action and bucket is None and bucket_name:
        return  # S3 says NoSuchBucket
    if action is None or bucket is None or not _may_read(bucket, key, action):
        raise Refused(403, "AccessDenied", "Access Denied")


def _may_read(bucket: Any, key: str, action: str) -> bool:
    resource = f"arn:aws:s3:::{bucket.name}/{key}" if key else f"arn:aws:s3:::{bucket.name}"
    ask = Ask(Principal(Kind.ANONYMOUS, "", ""), action, resource, resource_account=bucket.account_id)
    try:
        policies = (
            (parse(bucket.policy if isinstance(bucket.policy, str) else bucket.policy.decode()),)
            if bucket.policy
            else ()
        )
    except MalformedPolicy:
        policies = ()
    decision = evaluate(ask, Policies(resource=policies))
    if decision.allowed or decision.explicit:
        return decision.allowed
    owner = bucket.keys.get(key) if key else bucket
    return owner is not None and owner.acl is not None and bool(owner.acl.public_read)
