"""What S3 refuses before it looks at a bucket: numbers, choices and documents that are not what its model says.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

from moto.core.utils import get_service_model

from infra.local.core.refused import Refused
from infra.local.s3 import access, documents, lifecycle

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
KEY_BYTES = 1024
METADATA_BYTES = 2048
METADATA = "x-amz-meta-"
DEEPEST = 50
LARGEST = (1 << 31) - 1
NUMBERS = {
    "max-keys": "maxKeys",
    "max-uploads": "max-uploads",
    "max-parts": "max-parts",
    "part-number-marker": "part-number-marker",
}
MOST_KEYS = 1000  # of a DeleteObjects
FED_BYTES = 64 * 1024
MAY_BE_EMPTY = {
    "CreateBucket",
    "PutBucketAcl",
    "PutObjectAcl",
    "RestoreObject",
}  # which say all in headers, or need nothing
WRITES = {"PutObject", "CopyObject", "CreateMultipartUpload"}
NO_XML = {"PutBucketPolicy", "PutObject", "UploadPart"}  # JSON, or an object's bytes
CHOICES = {  # header → code where a value is none of the model's
    "x-amz-acl": "InvalidArgument",
    "x-amz-storage-class": "InvalidStorageClass",
    "x-amz-server-side-encryption": "InvalidArgument",
    "x-amz-metadata-directive": "InvalidArgument",
    "x-amz-tagging-directive": "InvalidArgument",
    "x-amz-object-lock-mode": "InvalidArgument",
    "x-amz-object-lock-legal-hold": "InvalidArgument",
    "x-amz-object-ownership": "InvalidArgument",
}
MESSAGES = {
    "InvalidStorageClass": "The storage class you specified is not valid",
    "x-amz-server-side-encryption": "The encryption method specified is not supported",
}
GRANTS = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?[^",]+"?\s*', re.IGNORECASE)


def check(operation: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
    """Check what stands in the path, the query and the headers. Raises Refused."""
    if len(key.encode("utf-8", "surrogateescape")) > KEY_BYTES:
        raise Refused(400, "KeyTooLongError", "Your key is too long")
    for name, said in NUMBERS.items():
        if name in query:
            _check_number(query[name], said)
    if "partNumber" in query:
        text = query["partNumber"]
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 10_000):
            raise Refused(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    if query.get("encoding-type", "url") != "url":
        raise Refused(400, "InvalidArgument", "Invalid Encoding Method specified in Request")
    for header, value in headers.items():
        if header.startswith("x-amz-grant-") and not all(GRANTS.fullmatch(each) for each in value.split(",")):
            raise Refused(400, "InvalidArgument", "Argument format not recognized")
    _check_choices(operation, headers)
    if operation in WRITES:
        _check_metadata(headers)


def _check_metadata(headers: Mapping[str, str]) -> None:
    """Check the user metadata and the tags of what is to be written. Raises Refused.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
    """
    named = {name: value for name, value in headers.items() if name.startswith(METADATA)}
    if sum(len(name) - len(METADATA) + len(value.encode()) for name, value in named.items()) > METADATA_BYTES:
        raise Refused(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    if tags := headers.get("x-amz-tagging"):
        try:
            documents.check_tags(parse_qsl(tags, keep_blank_values=True))
        except Refused:
            said = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."  # fmt: skip
            raise Refused(400, "InvalidArgument", said) from None


def check_owner(headers: Mapping[str, str], bucket: str) -> None:
    """Check that a bucket, and that of a copy's source, belongs to whom the caller expects. Raises Refused."""
    source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/").partition("/")[0]
    for header, name in (("x-amz-expected-bucket-owner", bucket), ("x-amz-source-expected-bucket-owner", source)):
        expected = headers.get(header)
        if expected is None:
            continue
        if not re.fullmatch(r"\d{12}", expected):
            raise Refused(400, "InvalidBucketOwnerAWSAccountID", "The value of the expected bucket owner parameter must be an AWS account ID")  # fmt: skip
        owner = access.owner_of(name)
        if owner and owner != expected:
            raise Refused(403, "AccessDenied", "Access Denied")


def check_preflight(headers: Mapping[str, str], bucket: Any) -> None:
    """Check a browser's question whether it may ask. Raises Refused.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors-troubleshooting.html
    """
    for header, said in (("origin", "Origin"), ("access-control-request-method", "Access-Control-Request-Method")):
        if header not in headers:
            raise Refused(400, "BadRequest", f"Insufficient information. {said} request header needed.")
    if bucket is not None and not bucket.cors:
        raise Refused(403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")


def _check_number(text: str, name: str) -> None:
    if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise Refused(400, "InvalidArgument", f"Provided {name} not an integer or within integer range")
    if not 0 <= int(text) <= LARGEST:
        raise Refused(400, "InvalidArgument", f"Argument {name} must be an integer between 0 and {LARGEST}")


def _check_choices(operation: str, headers: Mapping[str, str]) -> None:
    if not operation or not CHOICES.keys() & headers.keys():
        return
    shape = get_service_model("s3").operation_model(operation).input_shape
    members = {m.serialization.get("name", "").lower(): m for m in shape.members.values()} if shape else {}
    for header, code in CHOICES.items():
        allowed = members[header].metadata.get("enum") if header in members else None
        if allowed and header in headers and headers[header] not in allowed:
            raise Refused(400, code, MESSAGES.get(header) or MESSAGES.get(code) or "")


def check_body(operation: str, body: bytes, bucket: str) -> None:
    """Check an operation's XML: well-formed, no definitions of its own, and what the model requires. Raises Refused."""
    if operation == "PutBucketPolicy":
        documents.check_policy(body, bucket)
    if not operation or operation in NO_XML:
        return
    shape = get_service_model("s3").operation_model(operation).input_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload is None or shape.members[payload].type_name != "structure":
        return
    if not body.strip():
        if operation == "CompleteMultipartUpload":
            raise Refused(400, "MalformedXML", MALFORMED)
        if operation not in MAY_BE_EMPTY:
            raise Refused(400, "MissingRequestBodyError", "Request Body is empty")
        return
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Refused(400, "MalformedXML", MALFORMED)
    try:
        root = _parsed(body)
        _check_structure(root, shape.members[payload])
        documents.check(operation, root)
        if operation == "PutBucketLifecycleConfiguration":
            lifecycle.check(root)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise Refused(400, "MalformedXML", MALFORMED) from None
    if operation == "DeleteObjects" and len([each for each in root if documents.name_of(each) == "Object"]) > MOST_KEYS:
        raise Refused(400, "MalformedXML", MALFORMED)


def _parsed(body: bytes) -> ElementTree.Element:
    """Return a document's root. Raises ParseError, ValueError where elements are nested too deeply."""
    parser: Any = ElementTree.XMLPullParser(events=("start", "end"))
    depth, root = 0, None
    for at in range(0, len(body), FED_BYTES):  # a deep document is given up before all of it is read
        parser.feed(body[at : at + FED_BYTES])
        for event, element in parser.read_events():
            root = element if root is None else root
            depth += 1 if event == "start" else -1
            if depth > DEEPEST:
                raise ValueError("too deep")
    parser.close()
    if root is None:
        raise ValueError("empty")
    return root


def _check_structure(element: ElementTree.Element, shape: Any) -> None:
    """Check an element against the model. Raises ValueError."""
    places = {_wire(member, name): (name, member) for name, member in shape.members.items()}
    given: dict[str, list[ElementTree.Element]] = {}
    for child in element:
        given.setdefault(documents.name_of(child), []).append(child)
    if unknown := given.keys() - places.keys():
        raise ValueError(f"unknown elements {unknown}")
    for wire, (name, member) in places.items():
        found = given.get(wire, [])
        if not found and name in shape.required_members and member.serialization.get("location") is None:
            if not member.serialization.get("xmlAttribute"):
                raise ValueError(f"{name} is missing")
        for child in found:
            _check_value(child, member)


def _wire(member: Any, name: str) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        return member.serialization.get("name") or member.member.serialization.get("name", name)
    return member.serialization.get("name", name)


def _check_value(element: ElementTree.Element, shape: Any) -> None:
    kind, text = shape.type_name, (element.text or "").strip()
    if kind == "structure":
        _check_structure(element, shape)
    elif kind == "list":
        if shape.serialization.get("flattened"):
            _check_value(element, shape.member)
        else:
            for item in element:
                _check_value(item, shape.member)
    elif len(element):
        raise ValueError(f"{documents.name_of(element)} holds elements")
    elif kind in ("integer", "long"):
        int(text)
    elif kind == "boolean" and text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(text)
    elif kind == "string" and shape.metadata.get("enum") and text not in shape.metadata["enum"]:
        raise ValueError(text)
