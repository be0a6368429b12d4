"""Uploads by an HTML form: its fields, the policy that was signed, and the put that it stands for.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from infra.local.core import members, signature
from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Credential, Request
from infra.local.s3.documents import name_of

BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
PARAMETER = re.compile(r';\s*(\w+)="((?:[^"\\]|\\.)*)"|;\s*(\w+)=([^;\s]+)')
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
FIELDS_BYTES = 20_480  # of all fields before the file
NOT_ASKED = {"policy", "x-amz-signature", "signature", "awsaccesskeyid", "file"}  # need no condition of the policy
HEADERS = {"cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "expires"}
SPECIAL = {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token"}
INVALID = "Invalid according to Policy: "


class Form(NamedTuple):
    """A form: its fields by name in small letters, the file's bytes and the name that it had."""

    fields: dict[str, str]
    data: bytes
    filename: str


def read(content_type: str, body: bytes) -> Form:
    """Take a form apart. Raises Refused."""
    match = BOUNDARY.search(content_type)
    if match is None:
        raise _malformed()
    mark = b"\r\n--" + re.escape(match[1].encode("latin-1")) + rb"(?=--|[ \t]*\r\n)"
    fields: dict[str, str] = {}
    for part in re.split(mark, b"\r\n" + body)[1:]:
        if part.startswith(b"--"):
            break
        head, gap, value = part.partition(b"\r\n\r\n")
        if not gap:
            raise _malformed()
        name, filename = _named(head)
        if name == "file":  # fields after it are ignored
            if sum(map(len, fields.values())) > FIELDS_BYTES:
                raise Refused(400, "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large.")  # fmt: skip
            return Form(fields, value, filename)
        fields[name] = value.decode("utf-8", "replace")
    raise Refused(400, "InvalidArgument", "POST requires exactly one file upload per request.")


def _named(head: bytes) -> tuple[str, str]:
    """Return the name of a field in small letters, and that of its file."""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        kind, _, rest = line.partition(":")
        if kind.strip().lower() == "content-disposition":
            given = {str(m[1] or m[3]).lower(): str(m[2] if m[1] else m[4]) for m in PARAMETER.finditer(rest)}
            return given.get("name", "").lower(), given.get("filename", "").replace("\\", "/").rpartition("/")[2]
    raise _malformed()


def _malformed() -> Refused:
    return Refused(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")


def credential(form: Form) -> Credential:
    """Return who has signed a form's policy, an empty credential where it has none. Raises Refused."""
    fields = form.fields
    if "policy" not in fields:
        return Credential(service="s3")
    if "awsaccesskeyid" in fields or "signature" in fields:
        needed: tuple[str, ...] = ("awsaccesskeyid", "signature")
    else:
        needed = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
    for name in needed:
        if not fields.get(name):
            raise _lacks(_spelled(name))
    if needed[0] == "awsaccesskeyid":
        return Credential(fields["awsaccesskeyid"], service="s3")
    parts = fields["x-amz-credential"].split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise Refused(400, "InvalidArgument", "The X-Amz-Credential field is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")  # fmt: skip
    return Credential(parts[0], parts[2], "s3")


def _lacks(name: str) -> Refused:
    return Refused(400, "InvalidArgument", f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields.")  # fmt: skip


def _spelled(name: str) -> str:
    return {"awsaccesskeyid": "AWSAccessKeyId", "signature": "Signature"}.get(name) or name.title()


def check_signature(request: Request, form: Form) -> None:
    """Check who has signed the policy; a member of the class acts as the root of its account. Raises Refused."""
    key = request.credential.key
    scope = form.fields.get("x-amz-credential", "").partition("/")[2]
    given = form.fields.get("x-amz-signature", "")
    if not scope or not signature.check_form(form.fields["policy"], scope, given, key):
        raise Refused(403, "SignatureDoesNotMatch", signature.S3_WRONG)
    if (member := members.find(key)) is not None:
        request.credential = request.credential._replace(key=member.account)
        request.account = member.account


def as_put(request: Request, form: Form, bucket: str) -> str:
    """Check a form against its policy, and make the request the put that it stands for; return the key. Raises Refused."""
    fields = form.fields
    if not fields.get("key"):
        raise _lacks("key")
    key = fields["key"].replace("${filename}", form.filename)
    if "policy" in fields:
        check_policy(fields["policy"], {**fields, "key": key, "bucket": bucket}, len(form.data))
    headers = {name: value for name, value in fields.items() if name in HEADERS or name.startswith("x-amz-")}
    headers = {name: value for name, value in headers.items() if name not in SPECIAL}
    if "acl" in fields:
        headers["x-amz-acl"] = fields["acl"]
    if "tagging" in fields:
        headers["x-amz-tagging"] = _tags(fields["tagging"])
    kept = {name: value for name, value in request.headers.items() if name in ("host", "origin", "authorization")}
    request.headers = {**kept, **headers, "content-length": str(len(form.data))}
    request.original_headers = dict(request.headers)
    request.method, request.content_type = "PUT", headers.get("content-type", "")
    request.raw_path = f"/{bucket}/{quote(key)}"
    request.query_string = ""
    request.replace_body(form.data)
    return key


def _tags(document: str) -> str:
    """Return tags of a form as a put's header has them. Raises Refused."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError:
        raise Refused(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema") from None  # fmt: skip
    tags = [element for element in root.iter() if name_of(element) == "Tag"]
    values = [{name_of(child): child.text or "" for child in tag} for tag in tags]
    return urlencode([(each.get("Key", ""), each.get("Value", "")) for each in values])


# --- the policy -----------------------------------------------------------------------------------------------------


def check_policy(text: str, fields: Mapping[str, str], size: int) -> None:
    """Check what a form says against the policy that was signed.

    Parameters
    ----------
    text: the policy as the form has it, base64
    fields: of the form, and the bucket
    size: of the file in bytes

    Raises
    ------
    Refused: the policy is none, has expired, or forbids this upload
    """
    policy = _parsed(text)
    if datetime.now(UTC) > _moment(policy["expiration"]):
        raise Refused(403, "AccessDenied", f"{INVALID}Policy expired.")
    named = {"bucket"} if "bucket" in {name for each in policy["conditions"] for name in _names(each)} else set()
    for condition in policy["conditions"]:
        _check_condition(condition, fields, size)
        named |= _names(condition)
    for name in fields:
        if name not in named | NOT_ASKED and not name.startswith("x-ignore-"):
            raise Refused(403, "AccessDenied", f"{INVALID}Extra input fields: {name}")


def _parsed(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(b64decode(text))
    except ValueError:
        raise _no_policy("Invalid JSON.") from None
    if not isinstance(policy, dict):
        raise _no_policy("Invalid JSON.")
    if "expiration" not in policy:
        raise _no_policy("Policy missing expiration.")
    if not isinstance(policy.get("conditions"), list) or not policy["conditions"]:
        raise _no_policy("Policy missing conditions.")
    return policy


def _no_policy(reason: str) -> Refused:
    return Refused(400, "InvalidPolicyDocument", f"Invalid Policy: {reason}")


def _moment(text: Any) -> datetime:
    try:
        if MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        pass
    raise _no_policy(f"Invalid 'expiration' value: '{text}'")


def _names(condition: Any) -> set[str]:
    """Return the fields that a condition speaks of, in small letters."""
    if isinstance(condition, dict):
        return {str(name).lower() for name in condition}
    if isinstance(condition, list) and len(condition) == 3 and str(condition[1]).startswith("$"):
        return {str(condition[1])[1:].lower()}
    return set()


def _check_condition(condition: Any, fields: Mapping[str, str], size: int) -> None:
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise _no_policy("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        ((name, value),) = condition.items()
        if not isinstance(value, str):
            raise _no_policy("Invalid Simple-Condition: value must be a string.")
        _check_value("eq", name.lower(), value, fields, condition)
        return
    if not isinstance(condition, list) or len(condition) != 3 or not isinstance(condition[0], str):
        raise _no_policy("Invalid condition.")
    operator = condition[0].lower()
    if operator == "content-length-range":
        _check_size(condition, size)
    elif operator in ("eq", "starts-with"):
        name, value = condition[1:]
        if not isinstance(name, str) or not name.startswith("$") or not isinstance(value, str):
            raise _no_policy(f"Invalid {operator} condition.")
        _check_value(operator, name[1:].lower(), value, fields, condition)
    else:
        raise _no_policy(f"Unknown condition operation: {condition[0]}")


def _check_value(operator: str, name: str, value: str, fields: Mapping[str, str], condition: Any) -> None:
    given = fields.get(name)
    met = given is not None and (given == value if operator == "eq" else _begins(name, given, value))
    if not met:
        told = json.dumps(["eq", f"${name}", value] if isinstance(condition, dict) else condition)
        raise Refused(403, "AccessDenied", f"{INVALID}Policy Condition failed: {told}")


def _begins(name: str, given: str, value: str) -> bool:
    if name == "content-type":  # a list of types: each must
        return all(each.strip().startswith(value) for each in given.split(","))
    return given.startswith(value)


def _check_size(condition: list[Any], size: int) -> None:
    try:
        least, most = int(condition[1]), int(condition[2])
    except (TypeError, ValueError):
        raise _no_policy("Invalid content-length-range condition.") from None
    if size > most:
        raise Refused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    if size < least:
        raise Refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")


# --- the answer -----------------------------------------------------------------------------------------------------


def _address(text: str) -> SplitResult | None:
    """Return the parts of an address of the web, None where a text is none."""
    try:
        parts = urlsplit(text)
    except ValueError:  # half an address of IPv6
        return None
    return parts if parts.scheme in ("http", "https") else None


def answered(form: Form, bucket: str, key: str, host: str, answer: Answer) -> Answer:
    """Return the answer to a form of the put that it stands for."""
    if answer.status != 200:
        return answer
    etag = answer.headers.get("ETag") or answer.headers.get("etag", "")
    location = f"http://{host}/{bucket}/{quote(key)}"
    headers = {**answer.headers, "Location": location}
    redirect = form.fields.get("success_action_redirect") or form.fields.get("redirect")
    parts = _address(redirect or "")
    if parts is not None:
        query = [*parse_qsl(parts.query), ("bucket", bucket), ("key", key), ("etag", etag)]
        headers["Location"] = urlunsplit(parts._replace(query=urlencode(query)))
        return Answer(303, headers, b"")
    status = form.fields.get("success_action_status")
    if status == "200":
        return Answer(200, headers, b"")
    if status != "201":
        return Answer(204, headers, b"")
    told = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>{escape(location)}</Location>'
        f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><ETag>{escape(etag)}</ETag></PostResponse>"
    )
    return Answer(201, {**headers, "content-type": "application/xml"}, told.encode())
