"""Records that were processed and wait for their objects, in files: what was staged is never processed again, also after kill -9.

A set is what one segment of the buffer became: `N.set`, of the segment's number, has a line of JSON that tells the groups in it, then their
records. A group is what goes into one object: one set of partition keys, or one kind of error. `N.done` has a line for each group of the set that
was delivered; when all are, the set goes.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from infra.local.core import state
from infra.local.firehose.records import Record, packed, unpacked


class Group(NamedTuple):
    """What goes into one object: error type ("" for none), and ((namespace, name), value) of its partition keys."""

    error: str = ""
    keys: tuple[tuple[tuple[str, str], str], ...] = ()

    @property
    def is_backup(self) -> bool:
        """Tell whether it holds records as they came, for the backup of a source."""
        return self == SOURCE


SOURCE = Group("source-records")  # which no error is called


@dataclass(frozen=True)
class Piece:
    """The records of one group in one set.

    Attributes
    ----------
    number, place: the set, and which group of it
    offset, length: where they are in the set's file
    size, records: bytes of data, and how many
    oldest_ms: arrival of the oldest one; staged: when they were processed (epoch seconds)
    """

    number: int
    place: int
    group: Group
    offset: int
    length: int
    size: int
    records: int
    oldest_ms: int
    staged: float


class Stage:
    """The sets of one delivery stream. The caller serialises all calls."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.waiting: dict[Group, list[Piece]] = defaultdict(list)
        self._left: dict[int, set[int]] = {}  # set → places of its groups that are not delivered
        for path in sorted(folder.glob("*.set")):
            try:
                self._load(path)
            except (OSError, KeyError, TypeError, ValueError) as error:
                state.set_aside(path, f"it cannot be read ({type(error).__name__}); its records are not delivered")

    def _load(self, path: Path) -> None:
        number = int(path.stem)
        with open(path, "rb") as file:
            head = file.readline()
        listed = orjson.loads(head)
        done = self._path(number, "done")
        delivered = set()
        if done.is_file():
            delivered = {int(line) for line in done.read_text(errors="replace").splitlines() if line.isdecimal()}
        pieces = [
            Piece(
                number, place, Group(each["error"], tuple((tuple(key), value) for key, value in each["keys"])),
                len(head) + each["offset"], each["length"], each["size"], each["records"], each["oldest"], each["staged"],
            )
            for place, each in enumerate(listed)
        ]  # fmt: skip
        there = path.stat().st_size
        whole = [piece for piece in pieces if piece.offset + piece.length <= there]
        if len(whole) < len(pieces):
            lost = sum(piece.records for piece in pieces) - sum(piece.records for piece in whole)
            state.say(f"{path} is shorter than it was: {lost} records of it are not delivered.")
        self._wait([piece for piece in whole if piece.place not in delivered], number)

    def _wait(self, pieces: list[Piece], number: int) -> None:
        self._left[number] = {piece.place for piece in pieces}
        for piece in pieces:
            self.waiting[piece.group].append(piece)
        if not pieces:
            self._remove(number)

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:08d}.{kind}"

    def has(self, number: int) -> bool:
        """Tell whether a segment was processed already."""
        return self._path(number, "set").exists()

    def add(self, number: int, groups: dict[Group, list[Record]]) -> None:
        """Keep what a segment became, all of it or nothing. Raises OSError."""
        listed, bodies, offset, now = [], [], 0, time.time()
        for group, records in groups.items():
            body = b"".join(map(packed, records))
            listed.append(
                {
                    "error": group.error,
                    "keys": group.keys,
                    "offset": offset,
                    "length": len(body),
                    "size": sum(len(record.data) for record in records),
                    "records": len(records),
                    "oldest": min(record.arrival_ms for record in records),
                    "staged": now,
                }
            )
            bodies.append(body)
            offset += len(body)
        if listed:
            path = self._path(number, "set")
            state.write_atomically(path, b"".join([orjson.dumps(listed), b"\n", *bodies]))
            self._load(path)

    def due(self, size: int, seconds: float, backup: bool = False) -> float | None:
        """Return when the first group is to be delivered (epoch seconds; the past for at once), None for no group.

        Parameters
        ----------
        size, seconds: the hints: bytes of a group that make it due, and how long its oldest records may wait
        backup: whether it is asked for the backup of a source, or for all else
        """
        times = [
            0.0 if sum(piece.size for piece in pieces) >= size else pieces[0].staged + seconds
            for group, pieces in self.waiting.items()
            if pieces and group.is_backup == backup
        ]
        return min(times, default=None)

    def next(self, size: int, seconds: float, now: float, backup: bool = False) -> list[Piece]:
        """Return the pieces of an object that is due, oldest first, at most `size` bytes unless one is larger; none if none is due."""
        for group, pieces in self.waiting.items():
            if group.is_backup != backup:
                continue
            total = sum(piece.size for piece in pieces)
            if not pieces or (total < size and now < pieces[0].staged + seconds):
                continue
            taken: list[Piece] = []
            for piece in pieces:
                if taken and sum(each.size for each in taken) + piece.size > size:
                    break
                taken.append(piece)
            return taken
        return []

    def find(self, places: list[tuple[int, int]]) -> list[Piece]:
        """Return the pieces, of those given by set and place, that are not delivered."""
        wanted = set(places)
        return [each for pieces in self.waiting.values() for each in pieces if (each.number, each.place) in wanted]

    def records(self, pieces: list[Piece]) -> Iterator[Record]:
        """Yield the records of pieces, in their order."""
        for piece in pieces:
            yield from unpacked(self._path(piece.number, "set"), piece.offset, piece.length)

    def done(self, pieces: list[Piece]) -> None:
        """Forget pieces that were delivered. Raises OSError."""
        for piece in pieces:
            left = self._left[piece.number]
            if left == {piece.place}:
                self._remove(piece.number)
            else:
                with open(self._path(piece.number, "done"), "a") as file:
                    file.write(f"{piece.place}\n")
                left.discard(piece.place)
            self.waiting[piece.group].remove(piece)
            if not self.waiting[piece.group]:
                del self.waiting[piece.group]

    def _remove(self, number: int) -> None:
        self._left.pop(number, None)
        self._path(number, "set").unlink(missing_ok=True)
        self._path(number, "done").unlink(missing_ok=True)
