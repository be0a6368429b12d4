"""Kinesis requests as they come: JSON, and the CBOR of the Java SDKs. The hot operations are answered here on the streams' files."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import partial
from typing import Any

import cbor2
import orjson

from infra.local.core import clients, pace, rates, registry, roles, state, validation
from infra.local.core.answers import CBOR_TYPE, JSON_TYPES, Answer
from infra.local.core.front import ordinary
from infra.local.core.locks import holding
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.kinesis.errors import KinesisError
from infra.local.kinesis.hot import HOT, UNREAD, told
from infra.local.kinesis.subscriptions import subscribe


async def wire(request: Request) -> Answer | None:
    """Answer a request to Kinesis; None where a subscription was answered. Raises Refused."""
    body = await request.body()
    if request.operation in HOT:
        return await _hot(request, body)
    if request.operation == "SubscribeToShard":
        await subscribe(request, validation.check(registry.get("kinesis"), request, _as_json(request, body)))
        return None
    if request.content_type != CBOR_TYPE:
        return await ordinary(request, body)
    body = _as_json(request, body)
    request.original_headers = {
        **{name: value for name, value in request.original_headers.items() if name.lower() != "content-type"},
        "content-type": JSON_TYPES[0],
    }
    status, headers, content = await ordinary(request, body)
    kept = {name: value for name, value in headers.items() if name.lower() not in ("content-type", "content-length")}
    return Answer(
        status,
        {**kept, "content-type": CBOR_TYPE},
        cbor2.dumps(_cbor_value(orjson.loads(content))) if content else b"",
    )


async def _hot(request: Request, body: bytes) -> Answer:
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
    roles.authorize(request, request.operation, parameters)
    read = _read(request, parameters) if pace.factor else None
    if read is not None:
        rates.check_read(request.account, request.region, request.operation, *read)
    try:
        work = partial(HOT[request.operation], request.account, request.region, parameters)
        answer = await holding(state.lock("kinesis", request.account), work)
    except KinesisError as error:
        raise Refused(400, error.code, str(error)) from None
    except UNREAD:
        validation.check(registry.get("kinesis"), request, _as_json(request, body))
        raise
    if request.operation == "GetRecords":
        if read is not None:
            size = sum(len(record.data) for record in answer["Records"])
            rates.count_read(request.account, request.region, *read, size)
        answer["Records"] = told(answer["Records"], is_cbor, answer.pop("Encryption"))
    if is_cbor:
        return Answer(200, {"content-type": CBOR_TYPE}, cbor2.dumps(answer))
    return Answer(200, {"content-type": JSON_TYPES[0]}, orjson.dumps(answer))


def _read(request: Request, parameters: dict[str, Any]) -> tuple[str, str] | None:
    """Return stream and shard of what a caller reads, as far as the request says it; None for puts, and for what services read."""
    if clients.OF_SERVICES in request.headers.get("user-agent", ""):
        return None
    if request.operation == "GetShardIterator":
        name = str(parameters.get("StreamName") or parameters.get("StreamARN") or "").rpartition("/")[2]
        return name, str(parameters.get("ShardId"))
    if request.operation != "GetRecords":
        return None
    try:
        name, _, shard, *_ = base64.b64decode(parameters["ShardIterator"], validate=True).decode().split("/")
    except (KeyError, TypeError, ValueError):
        return None  # the operation says what is wrong with it
    return name, shard


def _milliseconds(value: Any, immutable: bool) -> datetime:
    """AWS's CBOR gives timestamps (tag 1) in milliseconds, not in the seconds of the CBOR standard."""
    return datetime.fromtimestamp(value / 1000, UTC)


def _parse_cbor(body: bytes) -> Any:
    try:
        return cbor2.loads(body, semantic_decoders={1: _milliseconds}) if body else {}
    except (cbor2.CBORDecodeError, TypeError, ValueError, OverflowError):
        raise Refused(400, "SerializationException", "The request body is not valid CBOR.") from None


def _as_json(request: Request, body: bytes) -> bytes:
    """Return the body of a request as the JSON that it would be without CBOR."""
    return orjson.dumps(_parse_cbor(body), default=_json_value) if request.content_type == CBOR_TYPE else body


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
