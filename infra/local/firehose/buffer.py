"""Records on their way to S3, in files: what a producer was told is stored, or was read from a data stream, survives kill -9.

A buffer is a folder of numbered segments, each one object-to-be, the highest number open for appending:

- `N.data`: the object's bytes before compression
- `N.log`: JSON lines. The first one holds the places read up to in the source stream, and whether `data` keeps its records apart (records.py); each
  later one tells that `data` up to `end` counts, and where in a shard it came from. Bytes and place are thus stored by one write.
- `N.key`: where the segment is being delivered to, written before the delivery begins: after a kill it tells whether the object is in S3 already
- `N.gone`: the log of a segment that was delivered, while its files are removed: what has neither is damaged, and set aside
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from infra.local.core import state


@dataclass
class Segment:
    """One object-to-be: its number, bytes, records, and the arrival of its oldest record (epoch milliseconds).

    `framed`: the file keeps the records apart, for they are worked on one by one.
    """

    number: int
    framed: bool = False
    size: int = 0
    records: int = 0
    oldest_ms: int = 0


@dataclass
class Places:
    """How far a source stream was read: which stream (its creation, epoch milliseconds), and for each shard the next position."""

    source: int = 0
    shards: dict[str, int] = field(default_factory=dict)


class Buffer:
    """Takes records and hands out sealed segments, oldest first. The caller serialises all calls."""

    def __init__(self, folder: Path, places: Places | None = None, framed: bool = False):
        """Open the buffer in `folder`, or make one that begins to read its source at `places`.

        Parameters
        ----------
        framed: whether new segments keep their records apart
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.framed = framed
        self.places = places or Places()
        self.sealed: deque[Segment] = deque()
        numbers = self._tidy()
        if not numbers:
            self._begin(1)
            return
        for number in numbers:
            segment = self._replay(number)
            if number == numbers[-1]:
                self.open = segment
            elif segment.records:
                self.sealed.append(segment)
            else:
                self._remove(number)
        self._use(self.open, *self._files(self.open.number))
        self.keep_apart(framed)

    def _tidy(self) -> list[int]:
        """Remove what a kill left, set aside what is damaged, and return the numbers of the segments."""
        folder = self.folder
        for path in folder.glob(".*"):  # what a kill left of half-written files
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in _numbered(folder, "gone"):
            self._remove(int(path.stem))
        for path in _numbered(folder, "log"):
            if path.is_dir():
                state.set_aside(path, "it is a folder")
        numbers = [int(path.stem) for path in _numbered(folder, "log")]
        for path in _numbered(folder, "data"):
            if int(path.stem) not in numbers:
                state.set_aside(path, "its log is missing, so its records are not delivered")
        for path in _numbered(folder, "key"):
            if int(path.stem) not in numbers:
                path.unlink()
        return numbers

    # --- files ------------------------------------------------------------------------------------------------------

    def path(self, segment: Segment) -> Path:
        """Return the file with a segment's bytes."""
        return self._path(segment.number, "data")

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:08d}.{kind}"

    def _begin(self, number: int) -> None:
        log = self._path(number, "log")
        try:
            state.write_atomically(log, self._places_line())
            files = self._files(number)
        except OSError:
            log.unlink(missing_ok=True)  # else the next start would take it for the newest
            raise
        self._use(Segment(number, self.framed), *files)

    def _files(self, number: int) -> tuple[int, int]:
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.open(self._path(number, "data"), mode), os.open(self._path(number, "log"), mode)

    def _use(self, segment: Segment, data: int, log: int) -> None:
        self.open, self._data, self._log = segment, data, log
        self._log_size = os.fstat(log).st_size

    def _places_line(self) -> bytes:
        told = {"source": self.places.source, "shards": self.places.shards}
        return orjson.dumps({**told, "framed": True} if self.framed else told) + b"\n"

    def close(self) -> None:
        os.close(self._data)
        os.close(self._log)

    def _replay(self, number: int) -> Segment:
        """Read a segment's log, and cut off what a kill left behind it. What is damaged is kept beside it, and told."""
        segment, valid, is_damaged = Segment(number), 0, False
        data, log = self._path(number, "data"), self._path(number, "log")
        if data.is_dir():
            state.set_aside(data, "it is a folder")
        there = data.stat().st_size if data.exists() else 0
        content = log.read_bytes()
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            entry = _entry(line)
            try:
                if entry is None or not segment.size <= entry.get("end", segment.size) <= there:
                    raise ValueError
                self._apply(segment, entry)
            except (KeyError, TypeError, ValueError):
                is_damaged = True
                break
            valid += len(line)
        if is_damaged or not valid:
            self._keep_damaged(segment, content)
        if not valid:
            state.write_atomically(log, self._places_line())
        else:
            os.truncate(log, valid)
        if there > segment.size:
            os.truncate(data, segment.size)
        return segment

    def _keep_damaged(self, segment: Segment, log: bytes) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%S")
        data = self._path(segment.number, "data")
        copy = data.with_name(f"{data.name}.{stamp}.set-aside")
        if data.exists():
            shutil.copyfile(data, copy)
        self._path(segment.number, f"log.{stamp}.set-aside").write_bytes(log)
        state.say(
            f"{data} does not fit its log: {segment.records} of its records are delivered, the rest is not; "
            f"both are kept as they were in {copy.name} and beside it."
        )

    def _apply(self, segment: Segment, entry: dict[str, Any]) -> None:
        if "shards" in entry:
            self.places = Places(entry["source"], entry["shards"])
            segment.framed = entry.get("framed", False)
            return
        if "end" in entry:
            segment.size = entry["end"]
            segment.records += entry["records"]
            segment.oldest_ms = min(segment.oldest_ms or entry["oldest"], entry["oldest"])
        if "shard" in entry:
            self.places.shards[entry["shard"]] = entry["next"]

    def _write(self, data: bytes, entry: dict[str, Any]) -> None:
        """Store bytes and the entry about them, or nothing. Raises OSError (disk full)."""
        line = orjson.dumps(entry) + b"\n"
        try:
            _write_all(self._data, data)
            _write_all(self._log, line)
        except OSError:
            os.ftruncate(self._log, self._log_size)
            os.ftruncate(self._data, self.open.size)
            raise
        self._log_size += len(line)
        self._apply(self.open, entry)

    # --- records ----------------------------------------------------------------------------------------------------

    def append(
        self,
        records: Sequence[bytes],
        oldest_ms: int,
        limit: int,
        shard: str | None = None,
        following: int = 0,
        counts: Sequence[int] | None = None,
    ) -> int:
        """Store records, and seal a segment each time it reaches `limit` bytes; return how many were stored.

        Parameters
        ----------
        oldest_ms: arrival of the oldest of them, epoch milliseconds
        shard: the shard they were read from, None for records that were put
        following: position in the shard after the last of them
        counts: how many of a producer's records each of them holds, where that is not one

        Fewer are stored than given when the disk is full. Raises OSError when not even the first could be stored.
        """
        first, size = 0, self.open.size
        for number, record in enumerate(records, 1):
            size += len(record)
            if size < limit and number < len(records):
                continue
            held = number - first if counts is None else sum(counts[first:number])
            entry: dict[str, Any] = {"end": size, "oldest": oldest_ms, "records": held}
            if shard is not None:
                entry |= {"shard": shard, "next": following - len(records) + number}
            try:
                self._write(b"".join(records[first:number]), entry)
            except OSError:
                if first == 0:
                    raise
                return first
            if size >= limit:
                with contextlib.suppress(
                    OSError
                ):  # no room for the next segment: this one stays open, the records are stored
                    self.seal()
            first, size = number, self.open.size
        return len(records)

    def keep_apart(self, framed: bool) -> None:
        """From now on keep records apart, or no longer; what was taken before stays as it is. Raises OSError."""
        before, self.framed = self.framed, framed
        if self.open.framed == framed:
            return
        try:
            if self.open.records:
                self.seal()
            else:
                self.move(self.places)
                self.open.framed = framed
        except OSError:
            self.framed = before
            raise

    def seal(self) -> None:
        """Close the open segment for delivery and begin the next one; an empty one stays open. Raises OSError."""
        if not self.open.records:
            return
        done = self.open
        data, log = self._data, self._log
        self._begin(done.number + 1)
        os.close(data)
        os.close(log)
        self.sealed.append(done)

    def move(self, places: Places) -> None:
        """Note other places in the source: shards that appeared, or another stream of the same name. Raises OSError."""
        before, self.places = self.places, places
        line = self._places_line()
        try:
            _write_all(self._log, line)
        except OSError:
            os.ftruncate(self._log, self._log_size)
            self.places = before
            raise
        self._log_size += len(line)

    # --- delivery ---------------------------------------------------------------------------------------------------

    def note_target(self, segment: Segment, bucket: str, key: str, version: str) -> None:
        """Remember where a segment is being delivered to, before it is. Raises OSError."""
        state.write_atomically(
            self._path(segment.number, "key"), orjson.dumps({"bucket": bucket, "key": key, "version": version})
        )

    def begun(self, segment: Segment) -> tuple[str, str] | None:
        """Return bucket and key that a segment was being delivered to, None if its delivery never began."""
        note = self._note(segment)
        return (note["bucket"], note["key"]) if note else None

    def target(self, segment: Segment, bucket: str, version: str) -> str | None:
        """Return the key noted for a delivery to this bucket by this version of the configuration: a retry uses it again."""
        note = self._note(segment)
        return note["key"] if note and (note["bucket"], note["version"]) == (bucket, version) else None

    def _note(self, segment: Segment) -> dict[str, str] | None:
        return state.read_json(
            self._path(segment.number, "key"), "the object whose delivery it tells of may come twice"
        )

    def remove(self, segment: Segment) -> None:
        """Forget a delivered segment."""
        self.sealed.remove(segment)
        self._remove(segment.number)

    def _remove(self, number: int) -> None:
        with contextlib.suppress(FileNotFoundError):  # renamed before a kill
            os.rename(self._path(number, "log"), self._path(number, "gone"))
        for kind in ("data", "key", "gone"):
            self._path(number, kind).unlink(missing_ok=True)


def _numbered(folder: Path, kind: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"*.{kind}") if path.stem.isdigit())


def _entry(line: bytes) -> dict[str, Any] | None:
    """Return what a line tells, None where it is damaged."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
