"""Signatures of requests, checked when a class shares the local AWS: Version 4 in headers and in URLs, Version 2 of S3.

What is signed of S3's body is the hash that the request states; single chunks of a stream are not checked. The body of every other service is
hashed here.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from calendar import timegm
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote

from infra.local.core import members
from infra.local.core.refused import Refused
from infra.local.core.request import ACCOUNT, SIGNED_V2, Request
from infra.local.core.roles import authorization, gate, identities

SKEW_SECONDS, SKEW_SECONDS_S3 = 300, 900
LONGEST_SECONDS = 604_800  # that a URL may be good for
UNSIGNED = "UNSIGNED-PAYLOAD"
HEADER = re.compile(r"AWS4-HMAC-SHA256\s+(.*)")
BUCKET_HOST = re.compile(r"(.+?)(?:\.s3(?:\.[a-z0-9-]+)?)?\.localhost")
S3_WRONG = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
WRONG = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)


class Signed(NamedTuple):
    """What a Version 4 signature says of itself."""

    scope: str  # date/region/service/aws4_request
    headers: list[str]
    signature: str
    moment: str  # 20261129T010203Z


async def check(request: Request) -> None:
    """Check the signature of a signed request; a member acts as the root of its account from then on. Raises Refused.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    key = request.credential.key
    member = members.find(key)
    secret = member.secret_key if member else secret_of(key)
    if secret is None:
        raise gate.unknown(request)
    if "AWSAccessKeyId" in request.query or SIGNED_V2.match(request.headers.get("authorization", "")):
        _check_v2(request, key, secret)
    else:
        _check_v4(request, (secret,), await _payload(request))
    if member is not None:
        members.note(member)
        request.credential = request.credential._replace(key=member.account)
        request.account = member.account


def check_whole(request: Request, body: bytes, root_secrets: tuple[str, ...]) -> None:
    """Check the Version 4 signature of a request to a host of a service's own, whether there is a class or not. Raises Refused.

    Parameters
    ----------
    body: the whole of it
    root_secrets: with one of which an account's root signs where there is no class
    """
    member = members.find(request.credential.key)
    secret = member.secret_key if member else secret_of(request.credential.key)
    secrets: tuple[str, ...] = (secret,) if secret is not None else ()
    if not members.enforced() and authorization.find(request.credential.key) is None:
        secrets += root_secrets
    if not secrets:
        raise gate.unknown(request)
    stated = request.headers.get("x-amz-content-sha256", "")
    _check_v4(request, secrets, stated if stated == UNSIGNED else hashlib.sha256(body).hexdigest())


def secret_of(key: str) -> str | None:
    """Return the secret of a key that is no member's: the server's own for the root of an account, what STS and IAM gave out, None for others.

    Parameters
    ----------
    key: an access key id
    """
    if ACCOUNT.fullmatch(key):
        return members.KEY
    caller = authorization.find(key)
    if caller is None:
        return None
    if caller.session is not None:
        return caller.session.secret_key
    return identities.iam(caller.principal.account).access_keys[key].secret_access_key


def check_form(policy: str, scope: str, given: str, key: str) -> bool:
    """Tell whether an HTML form's policy was signed, by Version 4, by who has this key.

    Parameters
    ----------
    policy: base64, as the form has it
    scope: day, region, service and end of the credential
    given: the signature, in hexadecimal
    key: an access key id
    """
    member = members.find(key)
    secret = member.secret_key if member else secret_of(key)
    return secret is not None and hmac.compare_digest(_sign(secret, scope, policy).encode(), given.encode())


def _check_v4(request: Request, secrets: tuple[str, ...], payload: str) -> None:
    """Check that one of the secrets made a signature. Raises Refused."""
    signed = _presigned(request) if request.credential.presigned else _of_header(request)
    _check_moment(request, signed)
    canonical = "\n".join(
        (
            request.method,
            _path(request),
            _query(request.query_string),
            *(f"{name}:{_value(request, name)}" for name in signed.headers),
            "",
            ";".join(signed.headers),
            payload,
        )
    )
    text = "\n".join(("AWS4-HMAC-SHA256", signed.moment, signed.scope, hashlib.sha256(canonical.encode()).hexdigest()))
    given = signed.signature.encode()
    if "host" not in signed.headers or not any(
        hmac.compare_digest(_sign(secret, signed.scope, text).encode(), given) for secret in secrets
    ):
        raise _wrong(request)


def _of_header(request: Request) -> Signed:
    match = HEADER.match(request.headers.get("authorization", ""))
    parts = dict(part.strip().partition("=")[::2] for part in match[1].split(",")) if match else {}
    if not {"Credential", "SignedHeaders", "Signature"} <= parts.keys():
        raise _wrong(request)
    scope = parts["Credential"].partition("/")[2]
    moment = request.headers.get("x-amz-date") or _moment_of(request.headers.get("date", ""))
    return Signed(scope, parts["SignedHeaders"].lower().split(";"), parts["Signature"], moment)


def _moment_of(date: str) -> str:
    try:
        return parsedate_to_datetime(date).strftime("%Y%m%dT%H%M%SZ")
    except (TypeError, ValueError):
        return ""


def _presigned(request: Request) -> Signed:
    fields = request.query
    scope = unquote(fields["X-Amz-Credential"]).partition("/")[2]
    names = fields.get("X-Amz-SignedHeaders", "").lower().split(";")
    return Signed(scope, names, fields["X-Amz-Signature"], fields.get("X-Amz-Date", ""))


def _check_moment(request: Request, signed: Signed) -> None:
    """Check when a request was signed, and how long a URL is good for. Raises Refused."""
    try:
        moment = timegm(time.strptime(signed.moment, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise _wrong(request) from None
    if not signed.scope.startswith(f"{signed.moment[:8]}/"):
        raise _wrong(request)
    now = time.time()
    if request.credential.presigned:
        if request.service != "s3":  # S3 says this in words of its own
            seconds = request.query.get("X-Amz-Expires", "900")
            if not seconds.isdigit() or int(seconds) > LONGEST_SECONDS or now > moment + int(seconds):
                raise _wrong(request, "Signature expired")
        return
    if request.service == "s3":
        if abs(now - moment) > SKEW_SECONDS_S3:
            message = "The difference between the request time and the current time is too large."
            raise Refused(403, "RequestTimeTooSkewed", message)
    elif abs(now - moment) > SKEW_SECONDS:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        late = "Signature expired" if moment < now else "Signature not yet current"
        raise _wrong(request, f"{late}: {signed.moment} is not within 5 min. of {stamp}")


def _path(request: Request) -> str:
    """Return the canonical path: S3's as it stands, that of others without dots and encoded once more."""
    if request.credential.service == "s3":
        return quote(unquote(request.raw_path), safe="/-_.~") or "/"
    from botocore.utils import normalize_url_path

    return quote(normalize_url_path(request.raw_path), safe="/~")


def _query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part)
    encoded = ((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded) if name != "X-Amz-Signature")


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _value(request: Request, name: str) -> str:
    return " ".join(request.headers.get(name, "").split())


async def _payload(request: Request) -> str:
    stated = request.headers.get("x-amz-content-sha256", "")
    if request.credential.service == "s3":
        return UNSIGNED if request.credential.presigned else stated or UNSIGNED
    if stated == UNSIGNED:
        return stated
    return hashlib.sha256(await request.body()).hexdigest()


@lru_cache(maxsize=1024)
def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _sign(secret: str, scope: str, text: str) -> str:
    return hmac.digest(_signing_key(secret, scope), text.encode(), "sha256").hex()


def _check_v2(request: Request, key: str, secret: str) -> None:
    """Check S3's older signature, which boto3 still puts into URLs of us-east-1. Raises Refused."""
    from botocore.auth import HmacV1Auth
    from botocore.compat import HTTPHeaders
    from botocore.credentials import Credentials

    match = SIGNED_V2.match(request.headers.get("authorization", ""))
    given = request.headers["authorization"].rpartition(":")[2] if match else request.query.get("Signature", "")
    auth = HmacV1Auth(Credentials(key, secret))
    moment = request.headers.get("date", "") if match else request.query.get("Expires", "")
    auth._get_date = lambda: moment  # botocore signs the moment; here it is the one that was signed
    headers = HTTPHeaders()
    for name, value in request.original_headers.items():
        headers[name] = value
    url = SplitResult("", "", request.raw_path, request.query_string, "")
    host = BUCKET_HOST.fullmatch(request.host)
    path = f"/{host[1]}{request.raw_path}" if host else request.raw_path
    paths = (
        [path, f"{path}/"] if path.count("/") == 1 else [path]
    )  # boto3 signs a bucket as `/bucket/`, wherever it stands
    texts = [auth.canonical_string(request.method, url, headers, auth_path=each) for each in paths]
    if match:
        _check_date(request.headers.get("x-amz-date") or request.headers.get("date", ""))
    if not any(hmac.compare_digest(auth.sign_string(text).encode(), given.encode()) for text in texts):
        raise _wrong(request)


def _check_date(date: str) -> None:
    """Check that a request with S3's older signature is not an old one. Raises Refused."""
    moment = _moment_of(date)
    if not moment or abs(time.time() - timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))) > SKEW_SECONDS_S3:
        message = "The difference between the request time and the current time is too large."
        raise Refused(403, "RequestTimeTooSkewed", message)


def _wrong(request: Request, message: str = "") -> Refused:
    """Return what a service says of a signature that is not right."""
    if request.service == "s3":
        return Refused(403, "SignatureDoesNotMatch", message or S3_WRONG)
    if request.service in gate.FORMS:
        return Refused(403, "SignatureDoesNotMatch", message or WRONG)
    return Refused(403 if request.service in gate.REST else 400, "InvalidSignatureException", message or WRONG)
