"""The front: an ASGI application that finds out which service and operation a request is for.

The hot operations (Kinesis puts and reads, S3 object calls) are answered here on moto's own state; all others go to moto, one at a time a service, in
worker threads, and a change is on disk before its answer leaves.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

import cbor2
import orjson

from infra.local.core import registry, roles, state, telemetry
from infra.local.core.service import Service

log = logging.getLogger("workshop.front")

DEFAULT_ACCOUNT = "123456789012"
ACCOUNT = re.compile(r"\d{12}")
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d+)/([^/]+)/([^/]+)/aws4_request")
PRESIGNED = re.compile(r"X-Amz-Credential=([^&]+)")
JSON_TYPES = ("application/x-amz-json-1.1", "application/x-amz-json-1.0")
CBOR_TYPE = "application/x-amz-cbor-1.1"
_waiting = ThreadPoolExecutor(100, "waiting")  # operations that may wait must not take the threads of those that answer
READS = re.compile(r"(Get|List|Describe|Head|BatchGet|Search|Lookup|Check|Estimate|Validate|Filter|Test|Preview|Poll)")
BODY_LIMIT = 128 * 1024 * 1024  # of requests that are no S3 uploads; AWS's own limits are lower

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Refused(Exception):
    """A request that is answered with an AWS error before any service sees it."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code = status, code


class Request:
    """What the front knows of a request: who, where, which service and operation."""

    def __init__(self, scope: dict[str, Any]):
        self.method: str = scope["method"]
        self.raw_path: str = scope["raw_path"].decode("latin-1")
        self.query_string: str = scope["query_string"].decode("latin-1")
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.original_headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        key, self.region, self.service = _signature(self.headers, self.query_string)
        self.target = self.headers.get("x-amz-target", "")
        if not self.service:
            self.service = _unsigned_service(self.target)
        self.account = account_of(key)
        self.content_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.operation = self.target.rpartition(".")[2]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_string, keep_blank_values=True))


def _signature(headers: dict[str, str], query: str) -> tuple[str, str, str]:
    """Return access key, region and service of a signed request; region us-east-1 and service "" when it is not signed."""
    match = CREDENTIAL.search(headers.get("authorization", ""))
    if match:
        return match[1], match[3], match[4].lower()
    presigned = PRESIGNED.search(query)
    if presigned:
        parts = unquote(presigned[1]).split("/")
        if len(parts) == 5:
            return parts[0], parts[2], parts[3].lower()
    return "", "us-east-1", ""


_UNSIGNED_TARGETS = {
    "Kinesis_20131202": "kinesis",
    "Firehose_20150804": "firehose",
    "AWSGlue": "glue",
    "AmazonAthena": "athena",
}


def _unsigned_service(target: str) -> str:
    return _UNSIGNED_TARGETS.get(target.partition(".")[0], "" if target else "s3")


def account_of(access_key: str) -> str:
    """Return the account of an access key: 12 digits are the account itself, in AWS's keys it is written, others are the default's."""
    if ACCOUNT.fullmatch(access_key):
        return access_key
    return roles.account_of(access_key) or DEFAULT_ACCOUNT


# --- the application ------------------------------------------------------------------------------------------------


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    request = Request(scope)
    try:
        if request.raw_path.startswith("/_workshop/"):
            await _respond(send, 200, {"content-type": "application/json"}, orjson.dumps({"status": "running"}))
        elif hosting := registry.of_host(request.headers.get("host", "")):
            await _hosted(hosting, request, await _body(receive), send)
        elif request.service == "s3":
            await _s3(request, receive, send)
        elif request.service == "kinesis" and request.operation in _hot_kinesis():
            await _kinesis(request, receive, send)
        else:
            await _cold(request, await _body(receive), send)
    except Refused as error:
        await _error(request, send, error.status, error.code, str(error))
    except ConnectionAbortedError:
        pass  # the client went away in the middle of its upload; nothing was stored
    except OSError as error:
        log.exception("%s %s", request.service, request.operation)
        await _error(
            request, send, 500, "InternalFailure", f"The local AWS could not write to its disk: {error.strerror}."
        )
    except Exception as error:
        log.exception("%s %s %s %s", request.service, request.operation, request.method, request.raw_path)
        await _error(
            request,
            send,
            500,
            "InternalFailure",
            f"The local AWS failed at this request ({type(error).__name__}); see its log file.",
        )


async def _body(receive: Receive) -> bytes:
    parts, size = [], 0
    async for data in _stream(receive):
        size += len(data)
        if size > BODY_LIMIT:
            raise Refused(413, "RequestEntityTooLargeException", f"The request is larger than {BODY_LIMIT} bytes.")
        parts.append(data)
    return b"".join(parts)


async def _hosted(name: str, request: Request, body: bytes, send: Send) -> None:
    """Let a service answer a request to one of its own host names."""
    answer = (await asyncio.to_thread(_service, name)).hosted
    assert answer is not None
    given = (request.method, request.headers["host"], request.raw_path, request.query_string, request.headers, body)
    status, headers, content = await asyncio.get_running_loop().run_in_executor(_waiting, partial(answer, *given))
    listed = [(key.encode("latin-1"), value.encode("utf-8")) for key, value in headers]
    listed.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else content})


async def _stream(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _respond(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    names = {name.lower() for name in headers}
    listed = [(name.encode("latin-1"), str(value).encode("utf-8")) for name, value in headers.items()]
    if "x-amzn-requestid" not in names and "x-amz-request-id" not in names:
        request_id = str(uuid.uuid4()).encode()
        listed += [(b"x-amzn-RequestId", request_id), (b"x-amz-request-id", request_id)]
    if "content-length" not in names:
        listed.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})


async def _error(request: Request, send: Send, status: int, code: str, message: str) -> None:
    """Answer an error in the protocol of the request."""
    if request.service == "s3":
        body = _s3_error(code, message, request.raw_path)
        await _respond(send, status, {"content-type": "application/xml"}, b"" if request.method == "HEAD" else body)
    elif request.content_type == CBOR_TYPE:
        await _respond(send, status, {"content-type": CBOR_TYPE}, cbor2.dumps({"__type": code, "message": message}))
    elif request.target or request.content_type in JSON_TYPES:
        kind = request.content_type if request.content_type in JSON_TYPES else JSON_TYPES[0]
        await _respond(
            send,
            status,
            {"content-type": kind, "x-amzn-ErrorType": code},
            orjson.dumps({"__type": code, "message": message}),
        )
    elif request.content_type.startswith("application/x-www-form-urlencoded") or "Action=" in request.query_string:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        )
        await _respond(send, status, {"content-type": "text/xml"}, body.encode())
    else:
        await _respond(
            send,
            status,
            {"content-type": "application/json", "x-amzn-ErrorType": code},
            orjson.dumps({"message": message}),
        )


def _s3_error(code: str, message: str, resource: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(message)}</Message>'
        f"<Resource>{escape(unquote(resource))}</Resource><RequestId>{uuid.uuid4()}</RequestId></Error>"
    ).encode()


# --- moto -----------------------------------------------------------------------------------------------------------


async def _cold(request: Request, body: bytes, send: Send) -> None:
    """Let moto answer, in a worker thread; save what it changed before the answer leaves."""
    if not request.service:
        raise Refused(403, "MissingAuthenticationToken", "Missing Authentication Token")
    service = await asyncio.to_thread(_service, request.service)
    if request.content_type == CBOR_TYPE and request.service == "kinesis":
        parameters = _parse_cbor(body)
        body = orjson.dumps(parameters, default=_json_value)
        request.original_headers = {**request.original_headers, "content-type": JSON_TYPES[0]}
        request.original_headers.pop("Content-Type", None)
    operation = request.operation or _operation(request, body)
    if not operation and service.operation is not None:
        operation = service.operation(request.method, request.raw_path, request.query_string)
    if request.target:
        _check_json(request, operation, body)
    if operation in service.unlocked:
        call = partial(_call_moto, service, request, operation, body)
        status, headers, content = await asyncio.get_running_loop().run_in_executor(_waiting, call)
    else:
        status, headers, content = await asyncio.to_thread(_locked_call, service, request, operation, body)
    if request.content_type == CBOR_TYPE and request.service == "kinesis":
        content = cbor2.dumps(_cbor_value(orjson.loads(content))) if content else b""
        headers = {
            **{name: value for name, value in headers.items() if name.lower() != "content-type"},
            "content-type": CBOR_TYPE,
        }
    await _respond(send, status, headers, content)


def _service(name: str) -> Service:
    try:
        return registry.get(name)
    except registry.UnknownService:
        raise Refused(
            501,
            "NotImplemented",
            f"The service '{name}' is not part of the local AWS. Choose a real AWS profile to use it.",
        ) from None


def _locked_call(service: Service, request: Request, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    with service.lock:
        return _call_moto(service, request, operation, body)


def _call_moto(service: Service, request: Request, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    from moto.core.exceptions import HTTPException
    from moto.core.request import Request as MotoRequest

    if service.name == "monitoring":
        telemetry.flush_metrics()
    host = service.host.format(region=request.region)
    query = f"?{request.query_string}" if request.query_string else ""
    handler = service.handler(f"https://{host}{request.raw_path}") or service.handler(
        f"https://{service.name}.amazonaws.com{request.raw_path}"
    )
    if handler is None:
        raise Refused(
            404, "UnknownOperationException", f"No operation of {service.name} has the path {request.raw_path}."
        )
    headers = {
        name: value
        for name, value in request.original_headers.items()
        if name.lower() not in ("host", "x-moto-account-id")
    }
    headers.update({"Host": host, "x-moto-account-id": request.account})
    moto_request = MotoRequest.from_primitives(
        request.method, f"https://{host}{request.raw_path}{query}", headers, body
    )
    moto_request.environ["RAW_URI"] = request.raw_path + query
    try:
        status, answer_headers, content = handler(moto_request, moto_request.raw_url, moto_request.headers)
    except HTTPException as error:
        status, answer_headers, content = error.code, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise Refused(
            501, "NotImplemented", f"The local AWS does not have the operation {operation} of {service.name}."
        ) from None
    if operation not in service.unsaved and _changes(service.name, request, operation):
        _save(service.name, request)
    if isinstance(content, str):
        content = content.encode()
    return (
        int(status),
        {name: str(value) for name, value in answer_headers.items() if name.lower() not in ("date", "server")},
        content or b"",
    )


def _changes(service: str, request: Request, operation: str) -> bool:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    return not READS.match(operation)


def _save(name: str, request: Request) -> None:
    service = registry.get(name)
    if service.changes_all:
        state.save_all()
        return
    for each in (name, *service.changes):
        registry.get(each)
        state.save(each, request.account, request.region)


def _operation(request: Request, body: bytes) -> str:
    """Return the Action of a query-protocol request, "" for REST."""
    if request.content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)).get("Action", "")
    return request.query.get("Action", "") if "Action=" in request.query_string else ""


def _check_json(request: Request, operation: str, body: bytes) -> None:
    """Refuse bodies that are not what the service's model says. Raises Refused."""
    from moto.core.utils import get_service_model

    try:
        parameters = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise Refused(400, "SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(parameters, dict):
        raise Refused(400, "SerializationException", "Start of structure or map found where not expected.")
    model = get_service_model(registry.MODEL_NAMES.get(request.service, request.service))
    if operation not in model.operation_names:
        raise Refused(400, "UnknownOperationException", f"Unknown operation {operation}.")
    shape = model.operation_model(operation).input_shape
    if shape is not None:
        _check_shape(parameters, shape, "", request.service)


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int, float),
    "long": (int, float),
    "float": (int, float, str),
    "double": (int, float, str),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    "blob": (str,),
}
_CODES = {"athena": "InvalidRequestException"}


def _check_shape(value: Any, shape: Any, path: str, service: str) -> None:
    expected = _TYPES.get(shape.type_name)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean")):
        raise Refused(
            400,
            "SerializationException",
            f"{_json_kind(value)} can not be converted to {shape.type_name} at '{path or '$'}'.",
        )
    if shape.type_name == "structure":
        if getattr(shape, "is_document_type", False):
            return
        for name in shape.required_members:
            if value.get(name) is None:
                raise Refused(
                    400,
                    _CODES.get(service, "ValidationException"),
                    f"1 validation error detected: Value null at '{_member(path, name)}' failed to satisfy constraint: Member must not be null",
                )
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _check_shape(value[name], member, _member(path, name), service)
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            if item is not None:
                _check_shape(item, shape.member, f"{path}.{number}.member", service)
    elif shape.type_name == "map":
        for key, item in value.items():
            if item is not None:
                _check_shape(item, shape.value, f"{path}.{key}", service)


def _member(path: str, name: str) -> str:
    lower = name[:1].lower() + name[1:]
    return f"{path}.{lower}" if path else lower


def _json_kind(value: Any) -> str:
    return {dict: "START_OBJECT", list: "START_ARRAY", str: "STRING_VALUE", bool: "TRUE_VALUE"}.get(
        type(value), "NUMBER_VALUE"
    )


# --- Kinesis --------------------------------------------------------------------------------------------------------


def _hot_kinesis() -> dict[str, Any]:
    from infra.local import kinesis

    return kinesis.HOT


async def _kinesis(request: Request, receive: Receive, send: Send) -> None:
    from infra.local import kinesis

    registry.get("kinesis")
    body = await _body(receive)
    is_cbor = request.content_type == CBOR_TYPE
    if is_cbor:
        parameters = _parse_cbor(body)
    else:
        try:
            parameters = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Refused(400, "SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(parameters, dict):
        raise Refused(400, "SerializationException", "Start of structure or map found where not expected.")
    try:
        with state.lock("kinesis"):
            answer = kinesis.HOT[request.operation](request.account, request.region, parameters)
    except kinesis.KinesisError as error:
        raise Refused(400, error.code, str(error)) from None
    if request.operation == "GetRecords":
        answer["Records"] = [_record(record, is_cbor) for record in answer["Records"]]
    if is_cbor:
        await _respond(send, 200, {"content-type": CBOR_TYPE}, cbor2.dumps(answer))
    else:
        await _respond(send, 200, {"content-type": JSON_TYPES[0]}, orjson.dumps(answer))


def _record(record: Any, is_cbor: bool) -> dict[str, Any]:
    return {
        "SequenceNumber": record.sequence_number,
        "ApproximateArrivalTimestamp": cbor2.CBORTag(1, record.arrival_ms) if is_cbor else record.arrival_ms / 1000,
        "Data": record.data if is_cbor else binascii.b2a_base64(record.data, newline=False).decode("ascii"),
        "PartitionKey": record.partition_key,
    }


def _milliseconds(value: Any, immutable: bool) -> datetime:
    """AWS's CBOR gives timestamps (tag 1) in milliseconds, not in the seconds of the CBOR standard."""
    return datetime.fromtimestamp(value / 1000, UTC)


def _parse_cbor(body: bytes) -> Any:
    try:
        return cbor2.loads(body, semantic_decoders={1: _milliseconds}) if body else {}
    except (cbor2.CBORDecodeError, TypeError, ValueError, OverflowError):
        raise Refused(400, "SerializationException", "The request body is not valid CBOR.") from None


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value))


_CBOR_TIMESTAMPS = {"StreamCreationTimestamp", "ConsumerCreationTimestamp", "ApproximateArrivalTimestamp"}


def _cbor_value(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _cbor_value(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_cbor_value(item) for item in value]
    if name in _CBOR_TIMESTAMPS and isinstance(value, (int, float)):
        return cbor2.CBORTag(1, int(value * 1000))
    return value


# --- S3 -------------------------------------------------------------------------------------------------------------


class ChunkedBody:
    """Takes the aws-chunked framing off an upload as it arrives.

    `feed` returns the data so far, `done` tells whether the last chunk came, `trailer` holds the headers after it.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0
        self.done = False
        self.trailer: dict[str, str] = {}

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        out = bytearray()
        while self._buffer:
            if self._left > 0:
                take = min(self._left, len(self._buffer))
                out += self._buffer[:take]
                del self._buffer[:take]
                self._left -= take
                if self._left == 0:
                    self._left = -2  # the line end after the data
                continue
            if self._left == -2:
                if len(self._buffer) < 2:
                    break
                del self._buffer[:2]
                self._left = 0
                continue
            line, found, _ = bytes(self._buffer).partition(b"\r\n")
            if not found:
                break
            del self._buffer[: len(line) + 2]
            if self.done:
                name, _, value = line.decode("latin-1").partition(":")
                if value:
                    self.trailer[name.strip().lower()] = value.strip()
                continue
            try:
                self._left = int(line.partition(b";")[0], 16)
            except ValueError:
                raise Refused(
                    400, "InvalidChunkSizeError", "The chunk size of the upload is not a hexadecimal number."
                ) from None
            self.done = self._left == 0
        return bytes(out)


async def _s3(request: Request, receive: Receive, send: Send) -> None:
    from infra.local import s3

    registry.get("s3")
    bucket_name, _, key = unquote(request.raw_path).lstrip("/").partition("/")
    query = request.query
    bucket = s3.find_bucket(request.account, bucket_name) if bucket_name else None
    if request.method == "PUT" and key:
        await _s3_put(request, bucket, bucket_name, key, query, receive, send)
        return
    body = await _body(receive)
    if bucket is not None and "authorization" in request.headers:
        if request.method in ("GET", "HEAD") and key and not query.keys() - {"x-id"}:
            answer = s3.read_object(bucket, key, request.headers)
            if answer is not None:
                await _s3_send(request, answer, send)
                return
        elif request.method == "GET" and not key and query.get("list-type") == "2":
            listing = s3.list_objects_v2(bucket, query)
            if listing is not None:
                await _respond(send, 200, {"content-type": "application/xml"}, listing)
                return
        elif (
            request.method == "DELETE"
            and key
            and not query.keys() - {"x-id"}
            and s3.delete_object(request.account, bucket, key)
        ):
            await _respond(send, 204, {}, b"")
            return
    await _s3_cold(request, bucket_name, key, body, send)


async def _s3_put(
    request: Request, bucket: Any, bucket_name: str, key: str, query: dict[str, str], receive: Receive, send: Send
) -> None:
    from infra.local import s3

    headers = request.headers
    is_part = query.keys() - {"x-id"} == {"uploadId", "partNumber"} and query["partNumber"].isdigit()
    plain = bucket is not None and s3.is_plain_put(headers) and (is_part or not query.keys() - {"x-id"})
    chunked = ChunkedBody() if headers.get("x-amz-content-sha256", "").startswith("STREAMING-") else None
    announced = headers.get("x-amz-decoded-content-length" if chunked else "content-length", "-1")
    received = s3.Receiver(request.account, int(announced) if announced.lstrip("-").isdigit() else -1)
    stored = False
    try:
        async for data in _stream(receive):
            received.write(chunked.feed(data) if chunked else data)
        if chunked and not chunked.done or announced.isdigit() and received.size != int(announced):
            raise Refused(
                400,
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header.",
            )
        if chunked:
            headers.update(
                {name: value for name, value in chunked.trailer.items() if name.startswith("x-amz-checksum-")}
            )
        if plain:
            try:
                if is_part:
                    answer = s3.put_part(
                        request.account, bucket, query["uploadId"], int(query["partNumber"]), received, headers
                    )
                else:
                    answer = s3.put_object(request.account, bucket_name, key, received, headers)
            except s3.BadChecksum as error:
                raise Refused(400, error.code, str(error)) from None
            if answer is not None:
                stored = True
                await _respond(send, 200, answer, b"")
                return
        value = received.value()
        body = value if isinstance(value, bytes) else value.read_bytes()
    finally:
        if not stored:
            received.discard()
    if chunked:
        request.original_headers = {
            name: value
            for name, value in request.original_headers.items()
            if name.lower() not in ("x-amz-content-sha256", "content-length")
        }
        request.original_headers.update({**chunked.trailer, "content-length": str(len(body))})
    await _s3_cold(request, bucket_name, key, body, send)


async def _s3_send(request: Request, answer: tuple[int, dict[str, str], Any, int, int], send: Send) -> None:
    from infra.local import s3

    status, headers, stored, first, length = answer
    if request.method == "HEAD" or length == 0:
        await _respond(send, status, headers, b"")
        return
    parts = s3.chunks(stored, first, length)
    data = next(parts)
    if len(data) == length:
        await _respond(send, status, headers, data)
        return
    listed = [(name.encode("latin-1"), str(value).encode()) for name, value in headers.items()]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*listed, (b"x-amz-request-id", uuid.uuid4().hex.encode())],
        }
    )
    await send({"type": "http.response.body", "body": data, "more_body": True})
    for data in parts:
        await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _s3_cold(request: Request, bucket: str, key: str, body: bytes, send: Send) -> None:
    from infra.local import s3

    service = registry.get("s3")
    if key and request.method in ("PUT", "POST"):
        s3.changed(request.account, bucket, key)
    try:
        status, headers, content = await asyncio.to_thread(_locked_call, service, request, "", body)
    except (ExpatError, KeyError):
        log.info("malformed S3 request", exc_info=True)
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise Refused(400, "MalformedXML", message) from None
    if request.method == "HEAD":
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), "0")
        headers = {
            **{name: value for name, value in headers.items() if name.lower() != "content-length"},
            "content-length": length,
        }
        content = b""
    else:
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    await _respond(send, status, headers, content)
