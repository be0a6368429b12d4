"""Amazon Kinesis Data Streams: shards are append-only files, streams and all other settings are moto's.

A shard has two files: `data` (header, partition key, bytes of each record, one after another) and `index` (the offset of each record, 8 bytes).
One PutRecords call is one write to each file per shard. A record counts once it is in both files; what a kill left behind is cut off at the next start.

Sources: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html, API_PutRecords, API_GetRecords.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shutil
import struct
import time
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from moto.kinesis import models
from moto.kinesis.exceptions import InvalidArgumentError, ResourceNotFoundError
from moto.kinesis.models import KinesisBackend, Shard, Stream, kinesis_backends

from infra.local.core import limits as write_limits
from infra.local.core import pace, state, telemetry
from infra.local.core.limits import Allowance
from infra.local.kinesis.states import READABLE, StreamWithStates

BACKENDS = kinesis_backends

RECORDS_A_CALL = 500
BYTES_A_CALL = 10 * 1024 * 1024
READ_RECORDS = 10_000
READ_BYTES = 10 * 1024 * 1024
ITERATOR_SECONDS = 300
SHARD_RECORDS_A_SECOND = 1000
SHARD_BYTES_A_SECOND = 1024 * 1024
HEADER = struct.Struct("<QHI")  # arrival in epoch milliseconds, length of the partition key, length of the data
HASH_KEY = re.compile(r"0|[1-9]\d{0,38}")
STREAM_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")


class KinesisError(Exception):
    """An AWS error of the hot operations: `code` is the exception's name, `str()` the message."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class StoredRecord(NamedTuple):
    sequence_number: str
    arrival_ms: int
    partition_key: str
    data: bytes


class StoredShard(Shard):
    """A shard whose records are in files.

    Sequence numbers have 56 digits: `49`, the shard's creation in epoch milliseconds (13), its number (12), the record's position (29).
    """

    def __init__(
        self,
        shard_id: int,
        starting_hash: int,
        ending_hash: int,
        parent: str | None = None,
        adjacent_parent: str | None = None,
    ):
        super().__init__(shard_id, starting_hash, ending_hash, parent, adjacent_parent)
        del self.records
        self.created_ms = int(time.time() * 1000)
        self.base = int(f"49{self.created_ms:013d}{shard_id:012d}{0:029d}")
        self.prefix = f"49{self.created_ms:013d}{shard_id:012d}"
        self.folder: Path | None = None

    def open(self, folder: Path) -> None:
        """Use (and make, if needed) the shard's files in `folder`; cuts off what was not acknowledged."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.offsets = array("Q")
        self._data = os.open(folder / "data", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._index = os.open(folder / "index", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        count = os.fstat(self._index).st_size // 8
        with open(folder / "index", "rb") as file:
            self.offsets.fromfile(file, count)
        size = os.fstat(self._data).st_size
        while self.offsets and self._end_of(len(self.offsets) - 1) > size:
            self.offsets.pop()
        self.end = self._end_of(len(self.offsets) - 1) if self.offsets else 0
        os.ftruncate(self._data, self.end)
        os.ftruncate(self._index, len(self.offsets) * 8)
        self.allowance = Allowance(SHARD_RECORDS_A_SECOND, SHARD_BYTES_A_SECOND)

    def close(self) -> None:
        if self.folder is not None:
            os.close(self._data)
            os.close(self._index)
            self.folder = None

    def _end_of(self, position: int) -> int:
        offset = self.offsets[position]
        header = os.pread(self._data, HEADER.size, offset)
        if len(header) < HEADER.size:
            return 1 << 62
        _, key_length, data_length = HEADER.unpack(header)
        return offset + HEADER.size + key_length + data_length

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("offsets", "_data", "_index", "end", "allowance")
        values = {name: value for name, value in self.__dict__.items() if name not in left_out}
        return {**values, "folder": None}

    @property
    def count(self) -> int:
        """How many records were ever put, and the position that the next one gets."""
        return len(self.offsets)

    def append(self, records: list[tuple[str, bytes]], arrival_ms: int) -> int:
        """Store (partition key, data) pairs, all or nothing; return the position of the first. Raises OSError (disk full)."""
        first, end = len(self.offsets), self.end
        parts: list[bytes] = []
        offsets = array("Q")
        for partition_key, data in records:
            key = partition_key.encode()
            offsets.append(end)
            parts += (HEADER.pack(arrival_ms, len(key), len(data)), key, data)
            end += HEADER.size + len(key) + len(data)
        try:
            _write(self._data, b"".join(parts))
            _write(self._index, offsets.tobytes())
        except OSError:
            os.ftruncate(self._data, self.end)
            os.ftruncate(self._index, first * 8)
            raise
        self.offsets.extend(offsets)
        self.end = end
        return first

    def read(self, position: int, limit: int = READ_RECORDS, max_bytes: int = READ_BYTES) -> list[StoredRecord]:
        """Return up to `limit` records and `max_bytes` bytes of data from a position on; always one if there is one."""
        position = max(position, 0)
        last = min(position + limit, len(self.offsets))
        if position >= last:
            return []
        start = self.offsets[position]
        last = min(last, max(position + 1, bisect_left(self.offsets, start + max_bytes, position, last)))
        end = self.offsets[last] if last < len(self.offsets) else self.end
        block = os.pread(self._data, end - start, start)
        records, at, prefix, unpack = [], 0, self.prefix, HEADER.unpack_from
        for number in range(position, last):
            arrival, key_length, data_length = unpack(block, at)
            middle = at + HEADER.size + key_length
            at_key, at = at + HEADER.size, middle + data_length
            records.append(
                StoredRecord(f"{prefix}{number:029d}", arrival, block[at_key:middle].decode(), block[middle:at])
            )
        return records

    def arrival(self, position: int) -> int:
        """Return when a record arrived, in epoch milliseconds."""
        return HEADER.unpack(os.pread(self._data, HEADER.size, self.offsets[position]))[0]

    def position_at(self, epoch_ms: float) -> int:
        """Return the position of the first record that arrived at or after a time."""
        return bisect_left(range(len(self.offsets)), epoch_ms, key=self.arrival)

    def position_of(self, sequence_number: int) -> int:
        """Return the position that a sequence number stands for; may lie outside of what is stored."""
        return sequence_number - self.base

    def retained(self, position: int, retention_hours: int) -> int:
        """Return `position`, or that of the oldest record within the retention period if that comes later."""
        oldest_ms = (time.time() - retention_hours * 3600) * 1000
        if position < self.count and self.arrival(position) < oldest_ms:
            return self.position_at(oldest_ms)
        return position

    # what moto asks of a shard

    def put_record(self, partition_key: str, data: str, explicit_hash_key: str) -> str:
        position = self.append([(partition_key, base64.b64decode(data))], int(time.time() * 1000))
        return f"{self.prefix}{position:029d}"

    def get_min_sequence_number(self) -> int:
        """The shard's own starting number: one before that of its first record, as on AWS."""
        return self.base - 1

    def get_max_sequence_number(self) -> int:
        return self.base + max(self.count - 1, 0)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class LocalStream(StreamWithStates):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.created_ms = int(time.time() * 1000)
        self.open()

    @property
    def folder(self) -> Path:
        return state.folder("kinesis", self.account_id, self.region) / f"{self.stream_name}-{self.created_ms}"

    def open(self) -> None:
        """Open the files of all shards and note which of them take records."""
        for shard in self.shards.values():
            if shard.folder is None:
                shard.open(self.folder / shard.shard_id)
        open_shards = sorted((s for s in self.shards.values() if s.is_open), key=lambda s: s.starting_hash)
        self.ranges = [shard.starting_hash for shard in open_shards]
        self.writable = open_shards

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("ranges", "writable")}

    def delete(self) -> None:
        for shard in self.shards.values():
            shard.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def shard_for(self, hash_key: int) -> StoredShard:
        """Return the open shard whose range holds a hash key."""
        low, high = 0, len(self.ranges)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.ranges[middle] <= hash_key else (low, middle)
        return self.writable[low]

    def split_shard(self, shard_to_split: str, new_starting_hash_key: str) -> None:
        shard = self.shards[shard_to_split]
        shard.records = {}  # moto would move the records to the children; on AWS they stay in the closed parent
        super().split_shard(shard_to_split, new_starting_hash_key)
        del shard.records
        self._reshaped()

    def merge_shards(self, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        pair = [self.shards[shard_to_merge], self.shards[adjacent_shard_to_merge]]
        if any(not shard.is_open for shard in pair):
            raise InvalidArgumentError(
                f"Shard {next(s for s in pair if not s.is_open).shard_id} in stream {self.stream_name} under account "
                f"{self.account_id} has already been merged or split, and thus is not eligible for merging or splitting."
            )
        pair.sort(key=lambda shard: shard.starting_hash)
        if pair[0].ending_hash + 1 != pair[1].starting_hash:
            raise InvalidArgumentError(
                f"Shards {shard_to_merge} and {adjacent_shard_to_merge} in stream {self.stream_name} under account "
                f"{self.account_id} are not an adjacent pair of shards eligible for merging"
            )
        for shard in pair:
            shard.records = {}
        super().merge_shards(pair[0].shard_id, pair[1].shard_id)
        for shard in pair:
            del shard.records
        self._reshaped()

    def _reshaped(self) -> None:
        self.open()
        self.shard_count = len(self.writable)


class LocalKinesisBackend(KinesisBackend):
    def create_stream(
        self,
        stream_name: str,
        shard_count: int,
        stream_mode: dict[str, str] | None = None,
        retention_period_hours: int | None = None,
    ) -> Stream:
        if not isinstance(stream_name, str) or not STREAM_NAME.fullmatch(stream_name):
            raise models.ValidationException(str(stream_name), "streamName", "[a-zA-Z0-9_.-]+")
        if stream_name in self.streams:
            raise models.ResourceInUseError(f"Stream {stream_name} under account {self.account_id} already exists.")
        if (stream_mode or {}).get("StreamMode") != "ON_DEMAND" and (not shard_count or shard_count < 1):
            raise InvalidArgumentError(
                "ShardCount must be set to a value of at least 1 for a stream in PROVISIONED mode."
            )
        made = super().create_stream(stream_name, shard_count, stream_mode, retention_period_hours)
        made.begin("CREATING", "stream creating")
        return made

    def delete_stream(self, stream_arn: str | None, stream_name: str | None) -> Stream:
        stream = self.describe_stream(stream_arn, stream_name)
        stream.begin("DELETING", "stream deleting")
        pace.after("stream deleting", lambda: self.drop(stream))
        return stream

    def drop(self, stream: LocalStream) -> None:
        """Finish the deletion of a stream."""
        with state.lock("kinesis", self.account_id):
            if self.streams.get(stream.stream_name) is stream:
                del self.streams[stream.stream_name]
                stream.delete()
                state.save("kinesis", self.account_id, self.region_name)

    def changing(self, stream_arn: str | None, stream_name: str | None) -> LocalStream:
        """Return the stream that a request is to change. Raises ResourceInUseError while another change is under way."""
        stream = self.describe_stream(stream_arn, stream_name)
        stream.must_be_active()
        return stream

    def split_shard(self, stream_arn: str, stream_name: str, *given: Any) -> None:
        stream = self.changing(stream_arn, stream_name)
        super().split_shard(stream_arn, stream_name, *given)
        stream.begin("UPDATING", "stream updating")

    def merge_shards(self, stream_arn: str, stream_name: str, *given: Any) -> None:
        stream = self.changing(stream_arn, stream_name)
        super().merge_shards(stream_arn, stream_name, *given)
        stream.begin("UPDATING", "stream updating")

    def update_shard_count(self, stream_arn: str, stream_name: str, target_shard_count: int) -> int:
        stream = self.changing(stream_arn, stream_name)
        before = super().update_shard_count(stream_arn, stream_name, target_shard_count)
        stream.begin("UPDATING", "stream updating")
        return before

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        for stream in self.streams.values():
            stream.open()


models.Shard = StoredShard
models.Stream = LocalStream
kinesis_backends.backend = LocalKinesisBackend


def find_stream(account: str, region: str, parameters: dict[str, Any]) -> LocalStream:
    """Return the stream that a request names by StreamName or StreamARN. Raises KinesisError."""
    name, arn = parameters.get("StreamName"), parameters.get("StreamARN")
    if name is None and arn is None:
        raise KinesisError("InvalidArgumentException", "Either StreamName or StreamARN must be provided.")
    wanted = name if name is not None else str(arn).rpartition("/")[2]
    if not isinstance(wanted, str):
        raise KinesisError("SerializationException", "STRING_VALUE can not be converted to a String")
    stream = kinesis_backends[account][region].streams.get(wanted)
    if stream is None or stream.status not in READABLE:
        raise KinesisError("ResourceNotFoundException", f"Stream {wanted} under account {account} not found.")
    return stream


# --- hot operations, answered by the front --------------------------------------------------------------------------


def put_record(account: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    stream = find_stream(account, region, parameters)
    record = _prepared(parameters, stream, "data", "partitionKey")
    shard, entry, size = record
    if _throttled(stream, shard, size):
        raise KinesisError("ProvisionedThroughputExceededException", _throttle_message(stream, shard))
    position = shard.append([entry], int(time.time() * 1000))
    _count(stream, 1, size)
    return {"ShardId": shard.shard_id, "SequenceNumber": f"{shard.prefix}{position:029d}"}


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
    return {"FailedRecordCount": failed, "Records": answers}


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
    shard = _find_shard(stream, parameters.get("ShardId"))
    kind = parameters.get("ShardIteratorType")
    if kind == "TRIM_HORIZON":
        position = 0
    elif kind == "LATEST":
        position = shard.count
    elif kind == "AT_TIMESTAMP":
        at = parameters.get("Timestamp")
        if at is None:
            raise KinesisError(
                "InvalidArgumentException", "Must specify timestamp parameter for iterator of type AT_TIMESTAMP."
            )
        position = shard.position_at(_epoch_ms(at))
    elif kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        position = _sequence_position(stream, shard, parameters.get("StartingSequenceNumber"), kind)
    else:
        raise KinesisError(
            "ValidationException",
            f"1 validation error detected: Value '{kind}' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy "
            "enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
        )
    return {"ShardIterator": _iterator(stream, shard, position)}


def _find_shard(stream: LocalStream, shard_id: Any) -> StoredShard:
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
    shard = _find_shard(stream, shard_id)
    position = shard.retained(position, stream.retention_period_hours)
    records = shard.read(position, limit or READ_RECORDS)
    following = position + len(records)
    behind = 0
    if following < shard.count:
        behind = max(0, int(time.time() * 1000) - shard.arrival(following))
    answer: dict[str, Any] = {"Records": records, "MillisBehindLatest": behind}
    if shard.is_open or following < shard.count:
        answer["NextShardIterator"] = _iterator(stream, shard, following)
    else:
        answer["ChildShards"] = [
            {
                "ShardId": child.shard_id,
                "ParentShards": [parent for parent in (child.parent, child.adjacent_parent) if parent],
                "HashKeyRange": {"StartingHashKey": str(child.starting_hash), "EndingHashKey": str(child.ending_hash)},
            }
            for child in stream.shards.values()
            if shard_id in (child.parent, child.adjacent_parent)
        ]
    return answer


def _clock(seconds: float) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(seconds))


HOT: dict[str, Callable[[str, str, dict[str, Any]], dict[str, Any]]] = {
    "PutRecord": put_record,
    "PutRecords": put_records,
    "GetShardIterator": get_shard_iterator,
    "GetRecords": get_records,
}


# --- what services call ---------------------------------------------------------------------------------------------


def stream(account: str, region: str, name: str) -> LocalStream:
    """Return a stream by name or ARN, in whatever state; `.shards[id].read(position)`, `.count` give its records. Raises ResourceNotFoundError."""
    found = kinesis_backends[account][region].streams.get(name.rpartition("/")[2])
    if found is None:
        raise ResourceNotFoundError(f"Stream {name.rpartition('/')[2]} under account {account} not found.")
    return found


def resume() -> None:
    """Finish what was being deleted; the files were opened when the streams were loaded."""
    for _, _, backend in list(kinesis_backends.iter_backends()):
        for each in list(backend.streams.values()):
            if each.change[0] == "DELETING":
                backend.drop(each)


def stop() -> None:
    for _, _, backend in kinesis_backends.iter_backends():
        for each in backend.streams.values():
            for shard in each.shards.values():
                shard.close()
