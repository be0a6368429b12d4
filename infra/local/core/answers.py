"""Errors in the form of each protocol of AWS."""

from __future__ import annotations

import uuid
from typing import NamedTuple
from urllib.parse import unquote
from xml.sax.saxutils import escape

import cbor2
import orjson

from infra.local.core.request import Request

JSON_TYPES = ("application/x-amz-json-1.1", "application/x-amz-json-1.0")
CBOR_TYPE = "application/x-amz-cbor-1.1"


class Answer(NamedTuple):
    """A whole answer of a service."""

    status: int
    headers: dict[str, str]
    body: bytes


def error(request: Request, status: int, code: str, message: str) -> Answer:
    """Return an error in the protocol of the request.

    Parameters
    ----------
    request: whose protocol is meant
    status: of HTTP
    code: AWS's name of the error
    message: for people
    """
    if request.service == "s3":
        body = b"" if request.method == "HEAD" else _s3_error(code, message, request.raw_path)
        return Answer(status, {"content-type": "application/xml"}, body)
    if request.content_type == CBOR_TYPE:
        return Answer(status, {"content-type": CBOR_TYPE}, cbor2.dumps({"__type": code, "message": message}))
    if request.target or request.content_type in JSON_TYPES:
        kind = request.content_type if request.content_type in JSON_TYPES else JSON_TYPES[0]
        return Answer(
            status,
            {"content-type": kind, "x-amzn-ErrorType": code},
            orjson.dumps({"__type": code, "message": message}),
        )
    if request.is_form or "Action=" in request.query_string:
        text = (
            f"<ErrorResponse><Error><Type>{'Receiver' if status >= 500 else 'Sender'}</Type><Code>{code}</Code>"
            f"<Message>{escape(message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        )
        return Answer(status, {"content-type": "text/xml"}, text.encode())
    return Answer(
        status, {"content-type": "application/json", "x-amzn-ErrorType": code}, orjson.dumps({"message": message})
    )


def _s3_error(code: str, message: str, resource: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(message)}</Message>'
        f"<Resource>{escape(unquote(resource))}</Resource><RequestId>{uuid.uuid4()}</RequestId></Error>"
    ).encode()
