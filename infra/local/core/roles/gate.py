"""Where every request passes, and is refused when its caller may not do it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from infra.local.core import registry
from infra.local.core.refused import Refused
from infra.local.core.roles import authorization, identities, requests, resource_policies
from infra.local.core.roles.authorization import Caller
from infra.local.core.roles.denial import sentence
from infra.local.core.roles.evaluation import Ask, Decision
from infra.local.core.roles.requests import Check

if TYPE_CHECKING:
    from infra.local.core.request import Request

_ROOT = re.compile(r"\d{12}")
_KEY = re.compile(r"A[KS]IA[A-Z0-9]{16}")  # as IAM and STS give them out
_BY_ITSELF = {  # operations that decide themselves, or that everybody may call
    "sts": {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetSessionToken"},
}
_ROOT_MAY = {"GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"}  # whatever the bucket's policy denies
_PER_KEY = "DeleteObjects"  # answers for each key; see `refused_keys`


def authorize(request: Request, operation: str, parameters: dict[str, Any]) -> None:
    """Check that the caller of a request may do an operation with these parameters; raises Refused where it may not.

    Called for every signed and every anonymous request before its service sees it: by the front, and by the wires of S3 and Kinesis.
    Of S3 it needs no parameter but the `Bucket`: it reads off the request itself what that asks for.
    The front itself refuses what is not signed; an anonymous request to S3 arrives here with `request.signed` False.

    Parameters
    ----------
    request: as it came, with its credential and operation
    operation: by its name in AWS's model
    parameters: of `validation.check`
    """
    key = request.credential.key
    if not key:
        return
    if len(key) == 12 and key.isdecimal():
        if request.service == "s3" and operation not in _ROOT_MAY:
            _check_root(request, parameters["Bucket"])
        return
    caller = known(request)
    if caller is None or operation in _BY_ITSELF.get(request.service, ()):
        return
    if request.service == "s3" and operation == _PER_KEY:
        return
    question = _question(request, operation, parameters)
    if question is not None and _allowed.get(question) == identities.version():
        return
    for check in _checks(request, operation, parameters):
        refusal = _refusal(caller, request.region, check)
        if refusal is not None:
            raise _refused(request.service, operation, *refusal)
    if question is not None and caller.policies().are_plain:
        if len(_allowed) >= _ALLOWED_LIMIT:
            _allowed.clear()
        _allowed[question] = identities.version()


# Hot requests that were allowed by policies whose answer depends on nothing but action and resource → IAM's version then
_allowed: dict[tuple[str, ...], int] = {}
_ALLOWED_LIMIT = 10_000
_READ_OFF = {
    "glue",
    "firehose",
}  # what a request asks for can be read off its parameters, and no resource has a policy of its own
_CHANGES_CHECKS = ("x-amz-acl", "x-amz-tagging", "x-amz-copy-source", "x-amz-grant")


def _question(request: Request, operation: str, parameters: dict[str, Any]) -> tuple[str, ...] | None:
    """Return what a hot request asks, as far as the answer depends on it; None for one that is evaluated each time."""
    key, region = request.credential.key, request.region
    if request.service == "kinesis" and operation in ("PutRecord", "PutRecords"):
        return key, region, operation, str(parameters.get("StreamName")), str(parameters.get("StreamARN"))
    if request.service == "kinesis" and operation == "GetRecords":
        asked = requests.Request("kinesis", operation, parameters, request.account, region)
        own = registry.get("kinesis").resources
        return (key, region, operation, *(own(asked) or ())) if own is not None else None
    if request.service in _READ_OFF:
        values = tuple(parameters.values())
        return (key, region, operation, *parameters, *values) if all(map(_is_text, values)) else None
    if request.service != "s3" or any(name.startswith(_CHANGES_CHECKS) for name in request.headers):
        return None
    bucket = unquote(request.raw_path).lstrip("/").partition("/")[0]
    if resource_policies.of_bucket(request.account, bucket)[0]:
        return None
    return key, request.method, request.raw_path, request.query_string


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def known(request: Request) -> Caller | None:
    """Return the caller of a request, None for a key that was not given out here and so stands for the default account's root.

    Raises Refused: the key is one of an account here and nobody has it any more, the session's token is another, or it has expired.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    key = request.credential.key
    caller = authorization.find(key)
    if caller is None:
        if _KEY.fullmatch(key) and identities.iam(identities.account_in(key)) is not None:
            raise unknown(request)
        return None
    session = caller.session
    if session is not None:
        if (request.headers.get("x-amz-security-token") or request.query.get("X-Amz-Security-Token")) != session.token:
            raise unknown(request)
        if session.expires is not None and time.time() > session.expires:
            raise _expired(request)
    return caller


def refused_keys(request: Request, bucket: str, body: bytes) -> list[tuple[str, str]]:
    """Return key and version of the objects of a DeleteObjects that the caller may not delete.

    Parameters
    ----------
    request: as it came, with its credential and operation
    bucket: its name
    body: the list in XML
    """
    key = request.credential.key
    caller = known(request) if key and not _ROOT.fullmatch(key) else None
    if caller is None:
        return []
    checks = requests.s3.checks("POST", f"/{bucket}", "delete", {}, body)
    named = requests.s3.deleted(body)
    return [each for each, check in zip(named, checks, strict=True) if _refusal(caller, request.region, check)]


def missing(request: Request, bucket: str) -> Refused | None:
    """Return what S3 says of a key that is not there to a caller who may not list the bucket, None where it may: 403, not 404.

    Parameters
    ----------
    request: as it came, with its credential and operation
    bucket: its name

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    key = request.credential.key
    caller = authorization.find(key) if key and not _ROOT.fullmatch(key) else None
    if caller is None:
        return None
    key = unquote(request.raw_path).lstrip("/").partition("/")[2]
    check = Check("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": (key,)})
    refusal = _refusal(caller, request.region, check)
    return _refused("s3", "ListBucket", *refusal) if refusal is not None else None


def _check_root(request: Request, bucket: str) -> None:
    """Check what a bucket's own policy denies to root: all else it may. Raises Refused."""
    text, owner = resource_policies.of_bucket(request.account, bucket)
    if not text or owner != request.account:
        return
    policy = (identities.stored(text),)
    caller = Caller(authorization.root(request.account))
    for check in _checks(request, request.operation, {}):
        ask, decision = authorization.decide(
            caller, request.region, check.action, check.resource, dict(check.keys), policy, owner
        )
        if decision.explicit:
            raise _refused("s3", request.operation, ask, decision)


def _checks(request: Request, operation: str, parameters: dict[str, Any]) -> Iterator[Check]:
    if request.service == "s3":
        yield from requests.s3.checks(request.method, request.raw_path, request.query_string, request.headers)
        return
    service = registry.get(request.service)
    prefix = requests.prefix_of(service.name)
    asked = requests.Request(prefix, operation, parameters, request.account, request.region)
    own = service.resources(asked) if service.resources is not None else None
    yield from requests.checks(asked, own)


def _refusal(caller: Caller, region: str, check: Check) -> tuple[Ask, Decision] | None:
    """Return why one check is refused, None when it is allowed."""
    policy, owner = resource_policies.of(caller.principal.account, region, check.resource)
    keys = dict(check.keys)
    ask, decision = authorization.decide(caller, region, check.action, check.resource, keys, policy, owner)
    if decision.allowed:
        return None
    if check.other_form and not decision.explicit:
        _, other = authorization.decide(caller, region, check.action, check.other_form, keys, policy, owner)
        if other.allowed:
            return None
    return ask, decision


def _refused(service: str, operation: str, ask: Ask, decision: Decision) -> Refused:
    """Return the denial in the words of a service.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html and messages of the services
    """
    if service == "athena" and ask.action.startswith("athena:"):
        return Refused(
            400,
            "AccessDeniedException",
            f"You are not authorized to perform: {ask.action} on the resource. After your AWS administrator or you have updated your "
            "permissions, please try again.",
        )
    if service == "s3":
        foreign = ask.resource_account not in ("", ask.principal.account)
        return Refused(403, "AccessDenied", "Access Denied" if foreign else sentence(ask, decision, quoted=True))
    if service == "sqs":
        return Refused(403, "AccessDenied", sentence(ask, decision).replace(ask.action, ask.action.lower()))
    if service in FORMS:
        return Refused(403, "AccessDenied", sentence(ask, decision))
    return Refused(403 if service in REST else 400, "AccessDeniedException", sentence(ask, decision))


FORMS = {"cloudformation", "iam", "sts", "monitoring", "sns"}  # the query protocol, or compatible with it
REST = {"lambda", "databrew", "scheduler", "pipes"}


def unknown(request: Request) -> Refused:
    """Return what a service says of a key that nobody has.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    if request.service == "s3":
        return Refused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    message = "The security token included in the request is invalid."
    if request.service in FORMS:
        return Refused(403, "InvalidClientTokenId", message)
    return Refused(403 if request.service in REST else 400, "UnrecognizedClientException", message)


def _expired(request: Request) -> Refused:
    if request.service == "s3":
        return Refused(400, "ExpiredToken", "The provided token has expired.")
    message = "The security token included in the request is expired"
    if request.service in FORMS:
        return Refused(403, "ExpiredToken", message)
    return Refused(403 if request.service in REST else 400, "ExpiredTokenException", message)
