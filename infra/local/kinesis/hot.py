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

from infra.local.core import limits as write_limits
from infra.local.core import telemetry
from infra.local.kinesis.errors import KinesisError
from infra.local.kinesis.storage import READ_RECORDS, StoredShard
from infra.local.kinesis.streams import LocalStream, find_stream

RECORDS_A_CALL = 500
BYTES_A_CALL = 10 * 1024 * 1024
ITERATOR_SECONDS = 300
HASH_KEY = re.compile(r"0|[1-9]\d{0,38}")


def put_record(account: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    stream = find_stream(account, region, parameters)
    record = _prepared(parameters, stream, "data", "partitionKey")
    shard, entry, size = record
    if _throttled(stream, shard, size):
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
    if not isinstance(records, list) or not records:
        raise KinesisError(
            "ValidationException",
            "1 validation error detected: Value at 'records' failed to satisfy constraint: "
            + ("Member must have length greater than or equal to 1" if records == [] else "Member must not be null"),
        )
    if len(records) > RECORDS_A_CALL:
        raise KinesisError(
            "ValidationException",
            "1 validation error detected: Value at 'records' failed to satisfy constraint: "
            f"Member must have length less than or equal to {RECORDS_A_CALL}",
        )
    prepared = [
        _prepared(record, stream, f"records.{number}.member.data", f"records.{number}.member.partitionKey")
        for number, record in enumerate(records, 1)
    ]
    if sum(size for _, _, size in prepared) > BYTES_A_CALL:
        raise KinesisError("InvalidArgumentException", "Records size exceeds 10 MB limit")
    by_shard: dict[StoredShard, list[int]] = defaultdict(list)
    answers: list[dict[str, Any]] = [{}] * len(prepared)
    failed = 0
    for number, (shard, _, size) in enumerate(prepared):
        if _throttled(stream, shard, size):
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
        for number in numbers:
            answers[number] = {"SequenceNumber": f"{prefix}{position:029d}", "ShardId": shard_id}
            position += 1
    if len(by_shard):
        stored = [number for numbers in by_shard.values() for number in numbers]
        _count(stream, len(stored), sum(prepared[number][2] for number in stored))
    return {"FailedRecordCount": failed, "Records": answers, **encryption(stream)}


def _prepared(
    record: Any, stream: LocalStream, data_at: str, key_at: str
) -> tuple[StoredShard, tuple[str, bytes], int]:
    """Return (shard, (partition key, data), bytes) of one record. Raises KinesisError."""
    try:
        data, key = record["Data"], record["PartitionKey"]
        if isinstance(data, str):
            data = binascii.a2b_base64(data, strict_mode=True)
        explicit = record.get("ExplicitHashKey")
        if not 1 <= len(key) <= 256:
            raise KinesisError(
                "ValidationException",
                f"1 validation error detected: Value at '{key_at}' failed to satisfy constraint: "
                + (
                    "Member must have length greater than or equal to 1"
                    if not key
                    else "Member must have length less than or equal to 256"
                ),
            )
        size = len(data) + len(key)
    except (KeyError, TypeError) as error:
        missing = data_at if "Data" in str(error) else key_at
        raise KinesisError(
            "ValidationException",
            f"1 validation error detected: Value null at '{missing}' failed to satisfy constraint: Member must not be null",
        ) from None
    except binascii.Error:
        raise KinesisError("SerializationException", "The data of a record is not valid base64.") from None
    limit = getattr(stream, "max_record_size_kib", 1024) * 1024
    if size > limit:
        raise KinesisError(
            "ValidationException",
            f"1 validation error detected: Value at '{data_at}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limit}",
        )
    if explicit is None:
        hash_key = int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")
    elif isinstance(explicit, str) and HASH_KEY.fullmatch(explicit) and int(explicit) < 2**128:
        hash_key = int(explicit)
    else:
        raise KinesisError(
            "InvalidArgumentException",
            f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {explicit}",
        )
    return stream.shard_for(hash_key), (key, data), size


def _throttled(stream: LocalStream, shard: StoredShard, size: int) -> bool:
    if not write_limits.apply_to(stream.tags) or stream.stream_mode.get("StreamMode") == "ON_DEMAND":
        return False
    return not shard.allowance.takes(1, size, now=time.time())


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
    limit = parameters.get("Limit")
    if limit is not None and (not isinstance(limit, int) or not 1 <= limit <= READ_RECORDS):
        raise KinesisError(
            "ValidationException",
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            + (
                f"Member must have value less than or equal to {READ_RECORDS}"
                if isinstance(limit, int) and limit > 0
                else "Member must have value greater than or equal to 1"
            ),
        )
    try:
        name, created, shard_id, place, issued = (
            base64.b64decode(parameters["ShardIterator"], validate=True).decode().split("/")
        )
        position, age = int(place), time.time() - float(issued)
    except (KeyError, TypeError, ValueError):
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
