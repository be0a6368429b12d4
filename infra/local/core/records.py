"""Collections that grow, saved one row a record: a change costs the change, however much there is.

A backend uses RecordDict or RecordList for what grows (partitions, log events, job runs). state.py pickles the backend; where the pickler meets such a
collection, only its number goes into the pickle, and what changed in it since the last time goes into rows of a SQLite file beside it.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.core.rows import Rows

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, collection TEXT, name, value BLOB, UNIQUE (collection, name))",
)


class RecordDict(dict[str, Any]):
    """A dictionary with text as keys, in the order of insertion. After a value was changed in place, call `note`."""

    def __init__(self, given: Any = ()):
        super().__init__(given)
        self.collection = uuid.uuid4().hex
        self.changed: set[str] = set(self)

    def note(self, name: str) -> None:
        """Tell that a record was changed in place."""
        self.changed.add(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.changed.add(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.changed.add(name)

    def pop(self, name: str, *default: Any) -> Any:
        """Take a record out."""
        self.changed.add(name)
        return super().pop(name, *default)

    def popitem(self) -> tuple[str, Any]:
        """Take the newest record out."""
        name, value = super().popitem()
        self.changed.add(name)
        return name, value

    def clear(self) -> None:
        """Take all records out."""
        self.changed.update(self)
        super().clear()

    def update(self, *given: Any, **more: Any) -> None:
        """Put several records."""
        for name, value in dict(*given, **more).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a record, which is put first where there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def move_to_end(self, name: str) -> None:
        """As an OrderedDict's; the order on disk stays."""
        value = super().pop(name)
        super().__setitem__(name, value)

    def __deepcopy__(self, memo: Any) -> dict[str, Any]:
        import copy

        return {name: copy.deepcopy(value, memo) for name, value in self.items()}

    def __reduce__(self) -> Any:  # where somebody else pickles it
        return RecordDict, (dict(self),)


class RecordList(list[Any]):
    """A list to which records are added at its end; to take some out costs all. After a record was changed in place, call `note`."""

    def __init__(self, given: Iterable[Any] = ()):
        super().__init__(given)
        self.collection = uuid.uuid4().hex
        self.saved = 0  # how many are in rows, from the first
        self.noted: set[int] = set()

    def note(self, record: Any) -> None:
        """Tell that a record was changed in place."""
        self.noted.add(next(at for at in range(len(self) - 1, -1, -1) if self[at] is record))

    def _rewritten(self) -> None:
        self.saved = -1

    def __setitem__(self, at: Any, value: Any) -> None:
        self._rewritten()
        super().__setitem__(at, value)

    def __delitem__(self, at: Any) -> None:
        self._rewritten()
        super().__delitem__(at)

    def insert(self, at: Any, value: Any) -> None:
        """Put an item before others: all rows are written anew."""
        self._rewritten()
        super().insert(at, value)

    def pop(self, at: Any = -1) -> Any:
        """Take an item out: all rows are written anew."""
        self._rewritten()
        return super().pop(at)

    def remove(self, value: Any) -> None:
        """Take the first such item out: all rows are written anew."""
        self._rewritten()
        super().remove(value)

    def clear(self) -> None:
        """Take all items out."""
        self._rewritten()
        super().clear()

    def sort(self, **how: Any) -> None:
        """Sort the items: all rows are written anew."""
        self._rewritten()
        super().sort(**how)

    def reverse(self) -> None:
        """Turn the items round: all rows are written anew."""
        self._rewritten()
        super().reverse()

    def __deepcopy__(self, memo: Any) -> list[Any]:
        import copy

        return [copy.deepcopy(value, memo) for value in self]

    def __reduce__(self) -> Any:
        return RecordList, (list(self),)


Records = RecordDict | RecordList


class File:
    """The rows of one backend's collections."""

    def __init__(self, path: Path):
        self._rows = Rows(path, SCHEMA)

    def write(self, met: dict[str, Records], dumps: Callable[[Any], bytes]) -> None:
        """Store what changed in collections, all of it or nothing; those in changed records join them meanwhile. Raises OSError."""
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
        """Return a collection as it was stored."""
        rows = self._rows.read("SELECT name, value FROM records WHERE collection = ? ORDER BY number", collection)
        found: Records
        if kind == "dict":
            found = RecordDict((name, loads(value)) for name, value in rows)
        else:
            found = RecordList(loads(value) for _, value in sorted(rows))
        found.collection = collection
        _mark_saved(found)
        return found

    def forget_others(self, collections: set[str]) -> None:
        """Remove the rows of collections that no backend has any more."""
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
            (each.collection, name, dumps(each[name])) for name in names if name in each
        ]
    else:
        start = max(each.saved, 0)
        if each.saved < 0 or each.saved > len(each):
            connection.execute("DELETE FROM records WHERE collection = ?", (each.collection,))
            start = 0
        ats = itertools.chain((at for at in each.noted if at < start), range(start, len(each)))
        there = [(each.collection, at, dumps(each[at])) for at in ats]
    connection.executemany(
        "INSERT INTO records (collection, name, value) VALUES (?, ?, ?) "
        "ON CONFLICT (collection, name) DO UPDATE SET value = excluded.value",
        there,
    )


def _mark_saved(each: Records) -> None:
    if isinstance(each, RecordDict):
        each.changed = set()
    else:
        each.saved, each.noted = len(each), set()


# --- where the pickler of state.py meets a collection ---------------------------------------------------------------

_here = threading.local()


@contextmanager
def meeting() -> Iterator[dict[str, Records]]:
    """Let collections be pickled as their numbers, within; what is yielded holds those that were met."""
    _here.met = {}
    try:
        yield _here.met
    finally:
        _here.met = None


@contextmanager
def reading(file: Callable[[], File], loads: Callable[[bytes], Any]) -> Iterator[set[str]]:
    """Let collections be read from a file as they are met, within; what is yielded holds their numbers.

    Parameters
    ----------
    file: gives the file; called when a collection is met first
    loads: reads a pickle from bytes
    """
    _here.reading = (file, loads, set())
    try:
        yield _here.reading[2]
    finally:
        _here.reading = None


def reduce(each: Records) -> Any:
    """Tell a pickler what to write of a collection: its number within `meeting`, else all of it."""
    met = getattr(_here, "met", None)
    if met is None:
        return each.__reduce__()
    met[each.collection] = each
    return _read, ("dict" if isinstance(each, RecordDict) else "list", each.collection)


def _read(kind: str, collection: str) -> Records:
    file, loads, seen = _here.reading
    seen.add(collection)
    return file().read(kind, collection, loads)
