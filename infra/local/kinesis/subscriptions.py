"""SubscribeToShard: a consumer is pushed the records of a shard for five minutes, as an event stream.

Sources: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html and API_SubscribeToShardEvent.html,
https://smithy.io/2.0/aws/amazon-eventstream.html (messages; the first is an empty initial response)
"""

from __future__ import annotations

import asyncio
import binascii
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cbor2
import orjson
from moto.core.exceptions import JsonRESTError
from moto.kinesis.models import kinesis_backends

from infra.local.core import roles, state
from infra.local.core.answers import CBOR_TYPE, JSON_TYPES
from infra.local.core.locks import holding
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.kinesis import consumers, hot
from infra.local.kinesis.errors import KinesisError
from infra.local.kinesis.storage import StoredRecord

SECONDS = 300.0  # that a subscription lasts
AGAIN_SECONDS = (
    5.0  # before the same consumer may subscribe to the same shard again; it takes the place of the first then
)
HEARTBEAT_SECONDS = 5.0  # an event without records tells how far the consumer is
POLL_SECONDS = 0.1
EVENT_BYTES = 1024 * 1024
EVENT_RECORDS = 1000
STREAM_TYPE = "application/vnd.amazon.eventstream"


@dataclass
class _Subscription:
    began: float
    replaced: asyncio.Event = field(default_factory=asyncio.Event)


_active: dict[tuple[str, str], _Subscription] = {}  # consumer's ARN, shard; only the event loop looks at it


@dataclass
class _Batch:
    """What a consumer gets next: records, behind which number to go on, how late it is, and the children of a shard that has ended."""

    records: list[StoredRecord]
    position: int
    continuation: str
    behind_ms: int
    encryption: dict[str, str]
    children: list[dict[str, Any]] | None


async def subscribe(request: Request, parameters: dict[str, Any]) -> None:
    """Send the events of a subscription. Raises Refused before the first of them."""
    roles.authorize(request, request.operation, parameters)
    consumer, shard = parameters["ConsumerARN"], parameters["ShardId"]
    lock = state.lock("kinesis", request.account)
    read = partial(_read, request.account, request.region, consumer, shard)
    try:
        position = await holding(lock, partial(_start, request.account, request.region, parameters))
    except KinesisError as error:
        raise Refused(400, error.code, str(error)) from None
    except JsonRESTError as error:
        raise Refused(400, error.error_type, error.message) from None
    mine = _begin(consumer, shard)
    try:
        await _push(request, mine, lock, read, position)
    finally:
        if _active.get((consumer, shard)) is mine:
            del _active[consumer, shard]


def _begin(consumer: str, shard: str) -> _Subscription:
    """Take the place of the subscription before. Raises Refused while that is younger than five seconds."""
    before, now = _active.get((consumer, shard)), time.monotonic()
    if before is not None:
        if now - before.began < AGAIN_SECONDS:
            raise Refused(
                400,
                "ResourceInUseException",
                f"Another active subscription exists for this consumer: {consumer}, shard: {shard}.",
            )
        before.replaced.set()
    mine = _active[consumer, shard] = _Subscription(now)
    return mine


def _start(account: str, region: str, parameters: dict[str, Any]) -> int:
    """Return the position where a subscription begins. The caller holds the lock."""
    stream, _ = consumers.find(kinesis_backends[account][region], parameters["ConsumerARN"])
    where = parameters["StartingPosition"]
    shard = hot.find_shard(stream, parameters["ShardId"])
    return hot.position_of(stream, shard, where["Type"], where.get("SequenceNumber"), where.get("Timestamp"))


def _read(account: str, region: str, consumer: str, shard_id: str, position: int) -> _Batch:
    """Return what is next. The caller holds the lock. Raises KinesisError, JsonRESTError when stream or consumer are gone."""
    stream, _ = consumers.find(kinesis_backends[account][region], consumer)
    shard = hot.find_shard(stream, shard_id)
    position = shard.retained(position, stream.retention_period_hours)
    records = shard.read(position, EVENT_RECORDS, EVENT_BYTES)
    following = position + len(records)
    has_more = following < shard.count
    behind = max(0, int(time.time() * 1000) - shard.arrival(following)) if has_more else 0
    ended = not shard.is_open and not has_more
    children = hot.children(stream, shard) if ended else None
    return _Batch(records, following, shard.sequence_before(following), behind, hot.encryption(stream), children)


async def _push(request: Request, mine: _Subscription, lock: Any, read: Any, position: int) -> None:
    is_cbor = request.content_type == CBOR_TYPE
    await request.start(200, {"content-type": STREAM_TYPE})
    await request.send(_message("event", "initial-response", _encoded({}, is_cbor), is_cbor), more=True)
    gone, replaced = asyncio.ensure_future(request.gone()), asyncio.ensure_future(mine.replaced.wait())
    ends, told_at = time.monotonic() + SECONDS, 0.0
    try:
        while time.monotonic() < ends and not gone.done() and not replaced.done():
            try:
                batch = await holding(lock, partial(read, position))
            except (KinesisError, JsonRESTError) as error:
                told = {"message": str(getattr(error, "message", error))}
                code = error.code if isinstance(error, KinesisError) else error.error_type
                await request.send(_message("exception", code, _encoded(told, is_cbor), is_cbor), more=True)
                break
            if batch.records or batch.children is not None or time.monotonic() - told_at >= HEARTBEAT_SECONDS:
                event = _encoded(_event(batch, is_cbor), is_cbor)
                await request.send(_message("event", "SubscribeToShardEvent", event, is_cbor), more=True)
                position, told_at = batch.position, time.monotonic()
            if batch.children is not None:
                break
            if not batch.records:
                await asyncio.wait({gone, replaced}, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        replaced.cancel()
    await request.send(b"", more=False)


def _event(batch: _Batch, is_cbor: bool) -> dict[str, Any]:
    records = hot.told(batch.records, is_cbor, batch.encryption)
    told: dict[str, Any] = {"Records": records, "MillisBehindLatest": batch.behind_ms}
    if batch.children is None:
        return {**told, "ContinuationSequenceNumber": batch.continuation}
    return {**told, "ChildShards": batch.children}


def _encoded(value: dict[str, Any], is_cbor: bool) -> bytes:
    return cbor2.dumps(value) if is_cbor else orjson.dumps(value)


def _message(kind: str, name: str, payload: bytes, is_cbor: bool) -> bytes:
    """Return one message of an event stream: lengths, headers, payload, and checksums of the lengths and of all."""
    named = {
        ":message-type": kind,
        f":{kind}-type": name,
        ":content-type": CBOR_TYPE if is_cbor else JSON_TYPES[0],
    }
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for key, value in named.items()
    )
    prelude = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = prelude + binascii.crc32(prelude).to_bytes(4, "big") + headers + payload
    return message + binascii.crc32(message).to_bytes(4, "big")
