"""The hot operations of Kinesis, answered on the streams' files without moto.

Sources: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html, API_PutRecords, API_GetRecords.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

import cbor2

from infra.local.core import limits as write_limits
from infra.local.core import telemetry
from infra.local.core.shapes import below
from infra.local.kinesis.errors import KinesisError
from infra.local.kinesis.storage import READ_RECORDS, RECORDS_A_CALL, StoredRecord, StoredShard
from infra.local.kinesis.streams import LocalStream, find_stream

# What an operation raises for a value that is not as AWS's model says: the model itself says then what is wrong, the hot way looks at no types
UNREAD = (AttributeError, KeyError, TypeError, ValueError)
BYTES_A_CALL = 10 * 1024 * 1024
ITERATOR_SECONDS = 300
HASH_KEY = re.compile(r"0|[1-9]\d{0,38}")


def put_record(account: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    stream = find_stream(account, region, parameters)
    shard, entry, size = _prepared(parameters, stream, _most_bytes(stream))
    if _is_limited(stream) and not shard.allowance.takes(1, size, now=time.time()):
        raise KinesisError("ProvisionedThroughputExceededException", _throttle_message(stream, shard))
    position = shard.append([entry], int(time.time() * 1000))
    _count(stream, 1, size)
    return {"ShardId": shard.shard_id, "SequenceNumber": f"{shard.prefix}{position:029d}", **encryption(stream)}


def encryption(stream: LocalStream) -> dict[str, str]:
    """Return what answers about records say of a stream that is encrypted."""
    return {} if stream.encryption_type == "NONE" else {"EncryptionType": stream.encryption_type}


def put_records(account: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    stream = find_stream(account, region, parameters)
    records = parameters.get("Records")
    if not isinstance(records, list) or not 1 <= len(records) <= RECORDS_A_CALL:
        raise ValueError("the records of a call")
    most = _most_bytes(stream)
    prepared = [_prepared(record, stream, most, number) for number, record in enumerate(records, 1)]
    if sum([size for _, _, size in prepared]) > BYTES_A_CALL:
        raise KinesisError("InvalidArgumentException", "Records size exceeds 10 MB limit")
    by_shard: dict[StoredShard, list[int]] = defaultdict(list)
    answers: list[dict[str, Any]] = [{}] * len(prepared)
    failed, is_limited = 0, _is_limited(stream)
    for number, (shard, _, size) in enumerate(prepared):
        if is_limited and not shard.allowance.takes(1, size, now=time.time()):
            failed += 1
            answers[number] = {
                "ErrorCode": "ProvisionedThroughputExceededException",
                "ErrorMessage": _throttle_message(stream, shard),
            }
        else:
            by_shard[shard].append(number)
    arrival_ms = int(time.time() * 1000)
    for shard, numbers in by_shard.items():
        try:
            position = shard.append([prepared[number][1] for number in numbers], arrival_ms)
        except OSError:
            failed += len(numbers)
            for number in numbers:
                answers[number] = {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"}
            continue
        shard_id, prefix = shard.shard_id, shard.prefix
        for at, number in enumerate(numbers, position):
            answers[number] = {"SequenceNumber": prefix + str(at).zfill(29), "ShardId": shard_id}
    if len(by_shard):
        stored = [number for numbers in by_shard.values() for number in numbers]
        _count(stream, len(stored), sum(prepared[number][2] for number in stored))
    return {"FailedRecordCount": failed, "Records": answers, **encryption(stream)}


def _most_bytes(stream: LocalStream) -> int:
    return getattr(stream, "max_record_size_kib", 1024) * 1024


def _prepared(
    record: Any, stream: LocalStream, most: int, number: int = 0
) -> tuple[StoredShard, tuple[bytes, bytes], int]:
    """Return (shard, (partition key, data), bytes) of one record: the `number`th of a call, 0 for the only one.

    Raises KinesisError, UNREAD.
    """
    if record is None or record.get("PartitionKey") is None:  # which AWS's model does not say
        at = f"records.{number}.member" if number else ""
        raise _null(at if record is None else below(at, "PartitionKey"))
    data, key = record["Data"], record["PartitionKey"]
    if isinstance(data, str):
        data = binascii.a2b_base64(data, strict_mode=True)
    if not isinstance(data, bytes) or not 1 <= len(key) <= 256:
        raise ValueError("a record")
    size = len(data) + len(key)
    if size > most:
        raise KinesisError(
            "ValidationException",
            f"1 validation error detected: Value at '{below(f'records.{number}.member' if number else '', 'data')}' failed to satisfy "
            f"constraint: Member must have length less than or equal to {most}",
        )
    explicit = record.get("ExplicitHashKey")
    encoded = key.encode()
    if explicit is None:
        if len(stream.writable) == 1:
            return stream.writable[0], (encoded, data), size
        hash_key = int.from_bytes(hashlib.md5(encoded, usedforsecurity=False).digest(), "big")
    elif HASH_KEY.fullmatch(explicit) and int(explicit) < 2**128:
        hash_key = int(explicit)
    else:
        raise KinesisError(
            "InvalidArgumentException",
            f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {explicit}",
        )
    return stream.shard_for(hash_key), (encoded, data), size


def _null(at: str) -> KinesisError:
    return KinesisError(
        "ValidationException",
        f"1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member must not be null",
    )


def _is_limited(stream: LocalStream) -> bool:
    """Tell whether the shards of a stream take only what AWS allows in a second."""
    return write_limits.apply_to(stream.tags) and stream.stream_mode.get("StreamMode") != "ON_DEMAND"


def _throttle_message(stream: LocalStream, shard: StoredShard) -> str:
    return f"Rate exceeded for shard {shard.shard_id} in stream {stream.stream_name} under account {stream.account_id}."


def _count(stream: LocalStream, records: int, size: int) -> None:
    telemetry.metric(
        stream.account_id,
        stream.region,
        "AWS/Kinesis",
        {"StreamName": stream.stream_name},
        {"IncomingRecords": (records, "Count"), "IncomingBytes": (size, "Bytes")},
    )


def get_shard_iterator(account: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    stream = find_stream(account, region, parameters)
    shard = find_shard(stream, parameters.get("ShardId"))
    kind = parameters.get("ShardIteratorType")
    where = parameters.get("StartingSequenceNumber"), parameters.get("Timestamp")
    return {"ShardIterator": _iterator(stream, shard, position_of(stream, shard, kind, *where))}


def position_of(stream: LocalStream, shard: StoredShard, kind: Any, sequence: Any, at: Any) -> int:
    """Return the position in a shard that a type of iterator, with its sequence number or time, means. Raises KinesisError."""
    if kind == "TRIM_HORIZON":
        return 0
    if kind == "LATEST":
        return shard.count
    if kind == "AT_TIMESTAMP":
        if at is None:
            raise KinesisError(
                "InvalidArgumentException", "Must specify timestamp parameter for iterator of type AT_TIMESTAMP."
            )
        return shard.position_at(_epoch_ms(at))
    if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        return _sequence_position(stream, shard, sequence, kind)
    raise KinesisError(
        "ValidationException",
        f"1 validation error detected: Value '{kind}' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy "
        "enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
    )


def find_shard(stream: LocalStream, shard_id: Any) -> StoredShard:
    shard = stream.shards.get(shard_id)
    if shard is None:
        raise KinesisError(
            "ResourceNotFoundException",
            f"Shard {shard_id} in stream {stream.stream_name} under account {stream.account_id} does not exist",
        )
    return shard


def _sequence_position(stream: LocalStream, shard: StoredShard, sequence: Any, kind: str) -> int:
    if sequence is None:
        raise KinesisError(
            "InvalidArgumentException", f"Must specify startingSequenceNumber parameter for iterator of type {kind}."
        )
    position = shard.position_of(int(sequence)) if str(sequence).isdigit() else -1
    if str(sequence) in ("0", str(shard.get_min_sequence_number())):
        position = 0
    elif not 0 <= position < max(shard.count, 1):
        raise KinesisError(
            "InvalidArgumentException",
            f"StartingSequenceNumber {sequence} used in GetShardIterator on shard {shard.shard_id} in stream "
            f"{stream.stream_name} under account {stream.account_id} is invalid.",
        )
    elif kind == "AFTER_SEQUENCE_NUMBER":
        position += 1
    return position


def _epoch_ms(value: Any) -> float:
    return value.timestamp() * 1000 if isinstance(value, datetime) else float(value) * 1000


def _iterator(stream: LocalStream, shard: StoredShard, position: int) -> str:
    text = f"{stream.stream_name}/{stream.created_ms}/{shard.shard_id}/{position}/{time.time():.3f}"
    return base64.b64encode(text.encode()).decode()


def get_records(account: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    limit, iterator = parameters.get("Limit"), parameters["ShardIterator"]
    if (limit is not None and not 1 <= limit <= READ_RECORDS) or not isinstance(iterator, str):
        raise ValueError("a call for records")
    try:
        name, created, shard_id, place, issued = base64.b64decode(iterator, validate=True).decode().split("/")
        position, age = int(place), time.time() - float(issued)
    except ValueError:
        raise KinesisError("InvalidArgumentException", "Invalid ShardIterator.") from None
    stream = find_stream(account, region, {"StreamName": name})
    if str(stream.created_ms) != created:
        raise KinesisError("ResourceNotFoundException", f"Stream {name} under account {account} not found.")
    if age > ITERATOR_SECONDS:
        raise KinesisError(
            "ExpiredIteratorException",
            f"Iterator expired. The iterator was created at time {_clock(float(issued))} while right now it is "
            f"{_clock(time.time())} which is further in the future than the tolerated delay of {ITERATOR_SECONDS * 1000} milliseconds.",
        )
    shard = find_shard(stream, shard_id)
    position = shard.retained(position, stream.retention_period_hours)
    records = shard.read(position, limit or READ_RECORDS)
    following = position + len(records)
    behind = 0
    if following < shard.count:
        behind = max(0, int(time.time() * 1000) - shard.arrival(following))
    answer: dict[str, Any] = {"Records": records, "Encryption": encryption(stream), "MillisBehindLatest": behind}
    if shard.is_open or following < shard.count:
        answer["NextShardIterator"] = _iterator(stream, shard, following)
    else:
        answer["ChildShards"] = children(stream, shard)
    return answer


def told(records: list[StoredRecord], is_cbor: bool, of_stream: dict[str, str]) -> list[dict[str, Any]]:
    """Return records as answers have them, each with what they say of its stream's encryption."""
    if is_cbor:
        return [
            {
                "SequenceNumber": sequence_number,
                "ApproximateArrivalTimestamp": cbor2.CBORTag(1, arrival_ms),
                "Data": data,
                "PartitionKey": key,
                **of_stream,
            }
            for sequence_number, arrival_ms, key, data in records
        ]
    encoded = binascii.b2a_base64
    return [
        {
            "SequenceNumber": sequence_number,
            "ApproximateArrivalTimestamp": arrival_ms / 1000,
            "Data": str(encoded(data, newline=False), "ascii"),
            "PartitionKey": key,
            **of_stream,
        }
        for sequence_number, arrival_ms, key, data in records
    ]


def children(stream: LocalStream, shard: StoredShard) -> list[dict[str, Any]]:
    """Return the shards that a closed one became, as answers have them."""
    return [
        {
            "ShardId": child.shard_id,
            "ParentShards": [parent for parent in (child.parent, child.adjacent_parent) if parent],
            "HashKeyRange": {"StartingHashKey": str(child.starting_hash), "EndingHashKey": str(child.ending_hash)},
        }
        for child in stream.shards.values()
        if shard.shard_id in (child.parent, child.adjacent_parent)
    ]


def _clock(seconds: float) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(seconds))


HOT: dict[str, Callable[[str, str, dict[str, Any]], dict[str, Any]]] = {
    "PutRecord": put_record,
    "PutRecords": put_records,
    "GetShardIterator": get_shard_iterator,
    "GetRecords": get_records,
}
