"""Who may reach a bucket that is not its own: other accounts and anybody, by the bucket's policy and by access control lists.

What an account's users and roles may is decided by core/roles before; here is what its root may in buckets and with objects of others, and
what somebody may who has not signed. Whoever is admitted works in the account of the bucket's owner.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any, NamedTuple

from moto.s3.models import s3_backends

from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.roles import authorization, gate, identities, requests
from infra.local.core.roles.authorization import Caller
from infra.local.core.roles.evaluation import Kind, Principal
from infra.local.core.roles.requests import Check
from infra.local.s3 import acl, public_access

PARTITION = "aws"
COPY = "x-amz-copy-source"
ROOT = re.compile(r"\d{12}")
NOT_FOR_ANYBODY = ("CreateBucket", "DeleteObjects")
ANYBODY = Caller(Principal(Kind.ANONYMOUS, "", ""))
OBJECT, BUCKET = "object", "bucket"
GRANTED_BY = {  # action → whose list gives it, by which permission
    "s3:GetObject": (OBJECT, "READ"),
    "s3:GetObjectVersion": (OBJECT, "READ"),
    "s3:GetObjectAttributes": (OBJECT, "READ"),
    "s3:GetObjectAcl": (OBJECT, "READ_ACP"),
    "s3:GetObjectVersionAcl": (OBJECT, "READ_ACP"),
    "s3:PutObjectAcl": (OBJECT, "WRITE_ACP"),
    "s3:PutObjectVersionAcl": (OBJECT, "WRITE_ACP"),
    "s3:ListBucket": (BUCKET, "READ"),
    "s3:ListBucketVersions": (BUCKET, "READ"),
    "s3:ListBucketMultipartUploads": (BUCKET, "READ"),
    "s3:PutObject": (BUCKET, "WRITE"),
    "s3:DeleteObject": (BUCKET, "WRITE"),
    "s3:AbortMultipartUpload": (BUCKET, "WRITE"),
    "s3:ListMultipartUploadParts": (BUCKET, "WRITE"),
    "s3:GetBucketAcl": (BUCKET, "READ_ACP"),
    "s3:PutBucketAcl": (BUCKET, "WRITE_ACP"),
}
WITH_THE_OBJECT = {"s3:PutObjectAcl", "s3:PutObjectTagging"}  # of an object that is being written
OF_OBJECTS = {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAcl", "s3:PutObjectAcl", "s3:GetObjectTagging", "s3:PutObjectTagging"}  # fmt: skip
OWNERS_ONLY = {"GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"}
WRITES = {"PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload"}


class Asking(NamedTuple):
    """For whom S3 works: the account, "" for somebody who has not signed, and the other accounts' buckets that it may read now."""

    account: str
    sources: frozenset[str] = frozenset()


asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


def owner_of(bucket: str) -> str:
    """Return the account that has a bucket, "" where there is none."""
    found = s3_backends.bucket_accounts.get(bucket)
    return found[1] if found else ""


def bucket_of(name: str) -> Any:
    """Return a bucket of whatever account, None where there is none; to be looked at, not to be changed."""
    owner = owner_of(name)
    return dict.get(s3_backends[owner][PARTITION].buckets, name) if owner else None


def admit(request: Request, bucket_name: str, key: str) -> None:
    """Let a request into the account of the bucket's owner, if it may do there what it asks for. Raises Refused."""
    account = request.account if request.signed else ""
    owner = owner_of(bucket_name)
    asking.set(Asking(account))
    if request.method == "OPTIONS":  # a browser's question whether it may ask
        request.account = owner or request.account
        return
    if not request.signed and (not bucket_name or request.operation in NOT_FOR_ANYBODY):
        raise _denied()
    if not owner or request.operation == "CreateBucket":
        return  # S3 says NoSuchBucket, or that the name is taken
    if account == owner and COPY not in request.headers and not _holds_another_s(bucket_name, key):
        request.account = owner
        return
    checks = list(requests.s3.checks(request.method, request.raw_path, request.query_string, request.headers))
    if _is_nobody_s_user(request):
        for check in checks:
            _check(request, account, check)
    if account != owner and request.operation in OWNERS_ONLY:
        raise Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    sources = {name for check in checks if (name := _place(check)[0]) and name != bucket_name}
    asking.set(Asking(account, frozenset(sources)))
    request.account = owner


def _holds_another_s(bucket_name: str, key: str) -> bool:
    """Tell whether a version of an object belongs to another account than its bucket."""
    bucket = bucket_of(bucket_name)
    versions = bucket.keys.getlist(key, ()) if bucket is not None and key else ()
    return any(getattr(each, "owner", None) for each in versions)


def _is_nobody_s_user(request: Request) -> bool:
    """Tell whether an account's root asks, or anybody: users and sessions were judged before."""
    key = request.credential.key
    return not key or ROOT.fullmatch(key) is not None or gate.known(request) is None


def refused_keys(request: Request, bucket_name: str, body: bytes) -> list[tuple[str, str]]:
    """Return key and version of the objects of a DeleteObjects that another account, or anybody, may not delete."""
    who = asking.get()
    account = who.account if who is not None else request.account
    if not _is_nobody_s_user(request) or account == owner_of(bucket_name):
        return gate.refused_keys(request, bucket_name, body)
    checks = requests.s3.checks("POST", f"/{bucket_name}", "delete", {}, body)
    named = requests.s3.deleted(body)
    return [each for each, check in zip(named, checks, strict=True) if not _may(request, account, check)]


def _denied() -> Refused:
    return Refused(403, "AccessDenied", "Access Denied")


def _place(check: Check) -> tuple[str, str]:
    """Return bucket and key that a check is about."""
    name, _, key = check.resource.partition(":::")[2].partition("/")
    return name, key


def _check(request: Request, account: str, check: Check) -> None:
    if not _may(request, account, check):
        raise _denied()


def _may(request: Request, account: str, check: Check) -> bool:
    name, key = _place(check)
    bucket = bucket_of(name)
    if bucket is None:
        return True  # the operation says that there is no such bucket
    stored = _object(request, bucket, key, check)
    if account == bucket.account_id and not _is_another_s(bucket, stored, check):
        return True
    decision = _by_policy(request, account, bucket, check)
    if decision is not None and not _is_another_s(bucket, stored, check):
        return decision
    if decision is False:
        return False
    return _by_list(request, account, bucket, stored, check)


def _object(request: Request, bucket: Any, key: str, check: Check) -> Any:
    """Return the object, or the version of it, that a check is about; None where it is none or a delete marker."""
    if not key:
        return None
    version = request.query.get("versionId") if request.operation != "CopyObject" else None
    found = next(
        (each for each in reversed(bucket.keys.getlist(key, [])) if version is None or str(each.version_id) == version),
        None,
    )
    return found if hasattr(found, "acl") else None


def _is_another_s(bucket: Any, stored: Any, check: Check) -> bool:
    """Tell whether an object belongs to another account than its bucket, so that neither its root nor its policy gives it away."""
    return check.action in OF_OBJECTS and stored is not None and owner(bucket, stored) != bucket.account_id


def owner(bucket: Any, stored: Any) -> str:
    """Return the account that owns an object."""
    if bucket.ownership_rule == "BucketOwnerEnforced":
        return str(bucket.account_id)
    return stored.owner or str(bucket.account_id)


def _by_policy(request: Request, account: str, bucket: Any, check: Check) -> bool | None:
    """Return what the bucket's policy says, None where it does not speak of the request."""
    text = bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy
    if not text:
        return None
    caller = Caller(authorization.root(account)) if account else ANYBODY
    policy = (identities.stored(text),)
    _, decision = authorization.decide(
        caller, request.region, check.action, check.resource, dict(check.keys), policy, bucket.account_id
    )
    if decision.allowed and account != bucket.account_id and public_access.of(bucket).restrict_public_buckets:
        return None if public_access.is_public(policy[0]) else True
    return True if decision.allowed else False if decision.explicit else None


def _by_list(request: Request, account: str, bucket: Any, stored: Any, check: Check) -> bool:
    """Tell whether the access control list of the bucket or of the object gives what is asked."""
    place, permission = GRANTED_BY.get(check.action, ("", ""))
    if check.action in WITH_THE_OBJECT and request.operation in WRITES:
        place, permission = BUCKET, "WRITE"
    if not place or bucket.ownership_rule == "BucketOwnerEnforced":
        return False
    ignored = public_access.of(bucket).ignore_public_acls
    if place == OBJECT and stored is None:  # who may list may know that it is not there
        name, key = _place(check)
        if _by_policy(request, account, bucket, Check("s3:ListBucket", f"arn:aws:s3:::{name}", {"s3:prefix": (key,)})):
            return True
        place, permission = BUCKET, "READ"
    listed, whose = (bucket.acl, bucket.account_id) if place == BUCKET else (stored.acl, owner(bucket, stored))
    if place == OBJECT and account and account == whose and permission.endswith("_ACP"):
        return True  # an owner may always read and write the list
    return acl.allows(listed, whose, permission, account, ignored)


def owners(bucket: Any) -> acl.Owners:
    """Return who will own what is written now into a bucket, and who owns the bucket."""
    who = asking.get()
    writer = who.account if who is not None and who.account else bucket.account_id
    return acl.Owners(writer, bucket.account_id)
