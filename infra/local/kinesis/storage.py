"""A shard's records in append-only files.

A shard has two files: `data` (header, partition key, bytes of each record, one after another) and `index` (the offset of each record, 8 bytes).
One PutRecords call is one write to each file per shard. A record counts once it is in both files; what a kill left behind is cut off at the next start.
An index that is lost or damaged is made anew from the data.
"""

from __future__ import annotations

import base64
import logging
import os
import shutil
import struct
import time
from array import array
from bisect import bisect_left
from pathlib import Path
from typing import Any, NamedTuple

from moto.kinesis.models import Shard

from infra.local.core import state
from infra.local.core.limits import Allowance

log = logging.getLogger("workshop.kinesis")

READ_RECORDS = 10_000
READ_BYTES = 10 * 1024 * 1024
SHARD_RECORDS_A_SECOND = 1000
SHARD_BYTES_A_SECOND = 1024 * 1024
RECORDS_A_CALL = 500  # that a kill may leave in the data before they are in the index
HEADER = struct.Struct("<QHI")  # arrival in epoch milliseconds, length of the partition key, length of the data


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
        for name in ("data", "index"):
            if (folder / name).is_dir():
                state.set_aside(folder / name, "it is a folder")
        self.offsets = array("Q")
        self._data = os.open(folder / "data", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._index = os.open(folder / "index", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        count, size = os.fstat(self._index).st_size // 8, os.fstat(self._data).st_size
        with open(folder / "index", "rb") as file:
            self.offsets.fromfile(file, count)
        if self._is_damaged(size):
            self._index_anew(size)
        known = len(self.offsets)
        while self.offsets and self._end_of(len(self.offsets) - 1) > size:
            self.offsets.pop()
        if lost := known - len(self.offsets):
            state.say(f"{folder / 'data'} is shorter than it was: {lost} records of the shard are lost.")
        self.end = self._end_of(len(self.offsets) - 1) if self.offsets else 0
        os.ftruncate(self._data, self.end)
        os.ftruncate(self._index, len(self.offsets) * 8)
        self.allowance = Allowance(SHARD_RECORDS_A_SECOND, SHARD_BYTES_A_SECOND)

    def close(self) -> None:
        """Close the files; they stay."""
        if self.folder is not None:
            os.close(self._data)
            os.close(self._index)
            self.folder = None

    def __del__(self) -> None:
        """A backend that was taken back to what is on disk leaves its shards behind."""
        if self.__dict__.get("folder") is not None:
            self.close()

    def _is_damaged(self, size: int) -> bool:
        """Tell whether the index cannot be that of a file of data with so many bytes, or lacks more than the call that a kill left behind."""
        offsets = self.offsets
        if os.fstat(self._index).st_size % 8 or (size and not offsets):
            return True
        if not offsets:
            return False
        if offsets[0] != 0 or sorted(offsets) != offsets.tolist():
            return True
        at, more = self._end_of(len(offsets) - 1), 0
        while more <= RECORDS_A_CALL and (end := self._end(at)) <= size:
            at, more = end, more + 1
        return more > RECORDS_A_CALL

    def _index_anew(self, size: int) -> None:
        """Make the index from the data, as far as that can be read. What was set aside is told; the data stays whole beside it."""
        assert self.folder is not None
        index, data = self.folder / "index", self.folder / "data"
        self.offsets, at = array("Q"), 0
        while (end := self._end(at)) <= size:
            self.offsets.append(at)
            at = end
        if at < size:
            shutil.copyfile(data, self.folder / f"data.{time.strftime('%Y%m%dT%H%M%S')}.set-aside")
        os.close(self._index)
        state.set_aside(index, f"it does not fit its data; it was made anew, with {len(self.offsets)} records")
        self._index = os.open(index, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        _write(self._index, self.offsets.tobytes())

    def _end_of(self, position: int) -> int:
        return self._end(self.offsets[position])

    def _end(self, offset: int) -> int:
        """Return where the record that begins at an offset ends, a place behind every file where there is none."""
        header = os.pread(self._data, HEADER.size, offset)
        if len(header) < HEADER.size:
            return 1 << 62
        arrival, key_length, data_length = HEADER.unpack(header)
        if arrival == 0:  # zeros, after a power cut
            return 1 << 62
        return offset + HEADER.size + key_length + data_length

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("offsets", "_data", "_index", "end", "allowance")
        values = {name: value for name, value in self.__dict__.items() if name not in left_out}
        return {**values, "folder": None}

    @property
    def count(self) -> int:
        """How many records were ever put, and the position that the next one gets."""
        return len(self.offsets)

    def append(self, records: list[tuple[bytes, bytes]], arrival_ms: int) -> int:
        """Store (partition key, data) pairs, all or nothing; return the position of the first. Raises OSError (disk full)."""
        first, end, pack, head = len(self.offsets), self.end, HEADER.pack, HEADER.size
        parts: list[bytes] = []
        offsets = array("Q")
        for key, data in records:
            offsets.append(end)
            key_length, data_length = len(key), len(data)
            parts += (pack(arrival_ms, key_length, data_length), key, data)
            end += head + key_length + data_length
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
        ends = self.offsets[position + 1 : last]
        ends.append(end)
        records, at, prefix, unpack, head = [], 0, self.prefix, HEADER.unpack_from, HEADER.size
        for number, behind in enumerate(ends, position):
            arrival, key_length, data_length = unpack(block, at)
            at_key = at + head
            middle = at_key + key_length
            at = behind - start
            if middle + data_length != at:  # damaged: what is there, and the place of the others
                log.error("record %s of shard %s is damaged", number, self.folder)
                arrival, middle = self.created_ms, at_key
            key = str(block[at_key:middle], "utf-8", "replace")
            records.append(StoredRecord(prefix + str(number).zfill(29), arrival, key, block[middle:at]))
        return records

    def arrival(self, position: int) -> int:
        """Return when a record arrived, in epoch milliseconds."""
        return HEADER.unpack(os.pread(self._data, HEADER.size, self.offsets[position]))[0]

    def position_at(self, epoch_ms: float) -> int:
        """Return the position of the first record that arrived at or after a time."""
        return bisect_left(range(len(self.offsets)), epoch_ms, key=self.arrival)

    def sequence_before(self, position: int) -> str:
        """Return the sequence number behind which a position is: that of the record before it, or the shard's own."""
        return str(self.base + position - 1)

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
        position = self.append([(partition_key.encode(), base64.b64decode(data))], int(time.time() * 1000))
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
