"""Where the rows of collections are: what is written of them, how they are read again, and what pickles say of them."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.core import notes
from infra.local.core.records import KINDS, Place, RecordDict, RecordList, Records
from infra.local.core.rows import Rows

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, collection TEXT, name, value BLOB, UNIQUE (collection, name))",
    "CREATE TABLE IF NOT EXISTS damaged (collection TEXT, name, value BLOB)",
)
_KIND_NAMES = {kind: name for name, kind in KINDS.items()}


class File:
    """The rows of one backend's collections."""

    def __init__(self, path: Path):
        self.path = path
        self._rows = Rows(path, SCHEMA)

    def write(self, met: dict[str, Records], dumps: Callable[[Any], bytes]) -> None:
        """Store what changed in collections, all of it or nothing; those in changed records join them meanwhile. Raises OSError.

        Parameters
        ----------
        met: by their numbers; grows by those that are parts of changed records
        dumps: makes a pickle of a record
        """
        if not any(_changes(each) for each in met.values()):
            return
        written: dict[str, Records] = {}
        with self._rows.change() as connection:
            while new := [each for number, each in met.items() if number not in written]:
                for each in new:
                    written[each.collection] = each
                    if _changes(each):
                        _write(connection, each, dumps)
        for each in written.values():
            _mark_saved(each)

    def read(self, kind: str, collection: str, loads: Callable[[bytes], Any]) -> Records:
        """Return a collection as it was stored. A row that cannot be read is kept in the table `damaged`, and told.

        Parameters
        ----------
        kind: dict, lent or list
        collection: its number
        loads: reads a pickle from bytes
        """
        rows = self._rows.read("SELECT name, value FROM records WHERE collection = ? ORDER BY number", collection)
        found = KINDS[kind]()
        found.collection, found.home, found.within = collection, self.path, _owner()
        if isinstance(found, RecordList):
            rows.sort()
        for name, value in rows:
            try:
                with _part_of(found, name):
                    record = loads(value)
            except (OSError, MemoryError):
                raise
            except Exception as error:  # whatever a damaged pickle raises
                self._keep_damaged(collection, name, error)
            else:
                list.append(found, record) if isinstance(found, RecordList) else dict.__setitem__(found, name, record)
        _mark_saved(found)
        if isinstance(found, RecordList) and (len(found) < len(rows) or rows and rows[-1][0] != len(rows) - 1):
            found.saved = -1  # with gaps between its rows it is written anew
        return found

    def _keep_damaged(self, collection: str, name: Any, error: Exception) -> None:
        with self._rows.change() as connection:
            here = "FROM records WHERE collection = ? AND name = ?"
            connection.execute(f"INSERT INTO damaged SELECT collection, name, value {here}", (collection, name))
            connection.execute(f"DELETE {here}", (collection, name))
        notes.say(
            f"{self.path}: the record {name} cannot be read ({type(error).__name__}: {error}); "
            "it is kept in the table damaged of this file, the others are there."
        )

    def forget_others(self, collections: set[str]) -> None:
        """Remove the rows of collections that no backend has any more.

        Parameters
        ----------
        collections: the numbers of those that stay
        """
        for (collection,) in self._rows.read("SELECT DISTINCT collection FROM records"):
            if collection not in collections:
                with self._rows.change() as connection:
                    connection.execute("DELETE FROM records WHERE collection = ?", (collection,))

    def close(self) -> None:
        """Close the file."""
        self._rows.close()


def _changes(each: Records) -> bool:
    if isinstance(each, RecordDict):
        return bool(each.changed)
    return each.saved != len(each) or bool(each.noted)


def _write(connection: sqlite3.Connection, each: Records, dumps: Callable[[Any], bytes]) -> None:
    if isinstance(each, RecordDict):
        gone = [(each.collection, name) for name in each.changed if name not in each]
        connection.executemany("DELETE FROM records WHERE collection = ? AND name = ?", gone)
        names = each.changed if len(each.changed) < len(each) else each
        there: list[tuple[str, str | int, bytes]] = [
            (each.collection, name, _dumped(each, name, dict.__getitem__(each, name), dumps))
            for name in names
            if name in each
        ]
    else:
        start = max(each.saved, 0)
        if each.saved < 0 or each.saved > len(each):
            connection.execute("DELETE FROM records WHERE collection = ?", (each.collection,))
            start = 0
        ats = itertools.chain((at for at in each.noted if at < start), range(start, len(each)))
        there = [(each.collection, at, _dumped(each, at, each[at], dumps)) for at in ats]
    connection.executemany(
        "INSERT INTO records (collection, name, value) VALUES (?, ?, ?) "
        "ON CONFLICT (collection, name) DO UPDATE SET value = excluded.value",
        there,
    )


def _dumped(each: Records, name: Any, record: Any, dumps: Callable[[Any], bytes]) -> bytes:
    _here.record = record  # itself, not a reference to it
    try:
        with _part_of(each, name):
            return dumps(record)
    finally:
        _here.record = None


def _mark_saved(each: Records) -> None:
    if isinstance(each, RecordDict):
        each.changed = set()
    else:
        each.saved, each.noted = len(each), set()


# --- where the pickler of state.py meets a collection ---------------------------------------------------------------

_here = threading.local()


@contextmanager
def _part_of(each: Records, name: Any) -> Iterator[None]:
    """Let collections that are met within be parts of this record: it has changed when they have."""
    before, _here.owner = _owner(), (each, name) if isinstance(each, RecordDict) else None
    try:
        yield
    finally:
        _here.owner = before


def _owner() -> Place | None:
    return getattr(_here, "owner", None)


@contextmanager
def meeting(file: Callable[[], File]) -> Iterator[dict[str, Records]]:
    """Let collections be pickled as their numbers, within; what is yielded holds those that were met.

    Parameters
    ----------
    file: gives the file of their rows; called when a collection is met first
    """
    _here.met, _here.file = {}, file
    try:
        yield _here.met
    finally:
        _here.met = None


@contextmanager
def reading(file: Callable[[], File], loads: Callable[[bytes], Any]) -> Iterator[dict[str, Records]]:
    """Let collections be read from a file as they are met, within; what is yielded holds them by their numbers.

    Parameters
    ----------
    file: gives the file; called when a collection is met first
    loads: reads a pickle from bytes
    """
    _here.reading = (file, loads, {})
    try:
        yield _here.reading[2]
    finally:
        _here.reading = None


def _is_met(each: Records) -> bool:
    """Tell whether a collection's rows are in the file that is being written. One that another backend has is pickled whole."""
    met = getattr(_here, "met", None)
    if met is None:
        return False
    if each.collection not in met:
        home = _here.file().path
        if each.home not in (None, home):
            return False
        each.home, met[each.collection] = home, each
    return True


def reduce(each: Records) -> Any:
    """Tell a pickler what to write of a collection: its number within `meeting`, else all of it.

    Parameters
    ----------
    each: what the pickler has met
    """
    if not _is_met(each):
        return each.__reduce__()
    if each.within is None:
        each.within = _owner()
    return _read, (_KIND_NAMES[type(each)], each.collection)


def reduce_shared(record: Any, collection: RecordDict | None, name: str) -> Any:
    """Tell a pickler what to write of an object that is a record of a collection, too: where its row is, but in that row itself.

    Parameters
    ----------
    record: what the pickler has met
    collection: where it may be a record, None where there is none
    name: as what
    """
    is_row = getattr(_here, "record", None) is record
    if is_row or collection is None or dict.get(collection, name) is not record or not _is_met(collection):
        return record.__reduce_ex__(4)
    return _look_up, (_KIND_NAMES[type(collection)], collection.collection, name)


def _read(kind: str, collection: str) -> Records:
    file, loads, seen = _here.reading
    if collection not in seen:
        seen[collection] = file().read(kind, collection, loads)
    return seen[collection]


def _look_up(kind: str, collection: str, name: str) -> Any:
    return dict.__getitem__(_read(kind, collection), name)  # type: ignore[index]
