"""Collections that grow, saved one row a record: a change costs the change, however much there is.

A backend uses RecordDict, LentDict or RecordList for what grows (partitions, topics, log events). state.py pickles the backend; where the pickler meets
such a collection, only its number goes into the pickle, and what changed in it since the last time goes into rows of a SQLite file beside it.
A record that is in two places (a policy, and the roles that have it) is a row once, and elsewhere its collection and name: see pickles.share.
"""

from __future__ import annotations

import bisect
import itertools
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.core import notes
from infra.local.core.rows import Rows

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, collection TEXT, name, value BLOB, UNIQUE (collection, name))",
    "CREATE TABLE IF NOT EXISTS damaged (collection TEXT, name, value BLOB)",
)


class RecordDict(dict[str, Any]):
    """A dictionary with text as keys, in the order of insertion. After a value was changed in place, call `note`."""

    def __init__(self, given: Any = ()):
        super().__init__(given)
        self.collection = uuid.uuid4().hex
        self.home: Path | None = None  # the file with its rows
        self.within: Place | None = None
        self.changed: set[str] = set(self)
        self._order: list[str] | None = None

    def note(self, name: str) -> None:
        """Tell that a record was changed in place, and so the record that this collection is a part of.

        Parameters
        ----------
        name: of the record
        """
        self.changed.add(name)
        if self.within is not None:
            outer, place = self.within
            if place not in outer.changed:
                outer.note(place)

    def in_order(self) -> list[str]:
        """Return the names, sorted; they are kept so, and a page of a list costs the page."""
        if self._order is None:
            self._order = sorted(self)
        return self._order

    def __setitem__(self, name: str, value: Any) -> None:
        self.note(name)
        if self._order is not None and name not in self:
            bisect.insort(self._order, name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._taken(name)

    def _taken(self, name: str) -> None:
        self.note(name)
        self._order = None

    def pop(self, name: str, *default: Any) -> Any:
        """Take a record out.

        Parameters
        ----------
        name: of the record
        default: given back where there is none; without it that is a KeyError
        """
        self._taken(name)
        return super().pop(name, *default)

    def popitem(self) -> tuple[str, Any]:
        """Take the newest record out."""
        name, value = super().popitem()
        self._taken(name)
        return name, value

    def clear(self) -> None:
        """Take all records out."""
        for name in self:
            self._taken(name)
        super().clear()

    def update(self, *given: Any, **more: Any) -> None:
        """Put several records.

        Parameters
        ----------
        given: a mapping, or pairs
        more: by name
        """
        for name, value in dict(*given, **more).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a record, which is put first where there is none.

        Parameters
        ----------
        name: of the record
        default: what is put
        """
        if name not in self:
            self[name] = default
        return self[name]

    def move_to_end(self, name: str) -> None:
        """As an OrderedDict's; the order on disk stays.

        Parameters
        ----------
        name: of the record
        """
        value = super().pop(name)
        super().__setitem__(name, value)

    def __deepcopy__(self, memo: Any) -> dict[str, Any]:
        import copy

        return {name: copy.deepcopy(value, memo) for name, value in self.items()}

    def __reduce__(self) -> Any:  # where somebody else pickles it
        return RecordDict, (dict(self),)


Place = tuple[RecordDict, str]  # a collection, and the record in it


class LentDict(RecordDict):
    """A RecordDict whose records are changed by whoever looks them up by name, as moto's backends do it.

    What an operation that is no read looked up is written again.
    """

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if not getattr(_here, "looking", False):
            self.note(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Return a record, which is written at the next save.

        Parameters
        ----------
        name: of the record
        default: for one that is not there
        """
        return self[name] if name in self else default

    def __reduce__(self) -> Any:
        return LentDict, (dict(self),)


class RecordList(list[Any]):
    """A list to which records are added at its end; to take some out costs all. After a record was changed in place, call `note`."""

    def __init__(self, given: Iterable[Any] = ()):
        super().__init__(given)
        self.collection = uuid.uuid4().hex
        self.home: Path | None = None
        self.within: Place | None = None
        self.saved = 0  # how many are in rows, from the first
        self.noted: set[int] = set()

    def _tell(self) -> None:
        if self.within is not None:
            self.within[0].note(self.within[1])

    def note(self, record: Any) -> None:
        """Tell that a record was changed in place.

        Parameters
        ----------
        record: the very object, looked for from the end
        """
        self.noted.add(next(at for at in range(len(self) - 1, -1, -1) if self[at] is record))
        self._tell()

    def _rewritten(self) -> None:
        self.saved = -1
        self._tell()

    def append(self, value: Any) -> None:
        """Put an item at the end.

        Parameters
        ----------
        value: of any kind that can be pickled
        """
        super().append(value)
        self._tell()

    def extend(self, values: Iterable[Any]) -> None:
        """Put items at the end.

        Parameters
        ----------
        values: of any kind that can be pickled
        """
        super().extend(values)
        self._tell()

    def __iadd__(self, values: Iterable[Any]) -> Any:  # type: ignore[misc]
        self.extend(values)
        return self

    def __setitem__(self, at: Any, value: Any) -> None:
        self._rewritten()
        super().__setitem__(at, value)

    def __delitem__(self, at: Any) -> None:
        self._rewritten()
        super().__delitem__(at)

    def insert(self, at: Any, value: Any) -> None:
        """Put an item before others: all rows are written anew.

        Parameters
        ----------
        at: the place, from 0
        value: of any kind that can be pickled
        """
        self._rewritten()
        super().insert(at, value)

    def pop(self, at: Any = -1) -> Any:
        """Take an item out: all rows are written anew.

        Parameters
        ----------
        at: the place, from 0; the last one without it
        """
        self._rewritten()
        return super().pop(at)

    def remove(self, value: Any) -> None:
        """Take the first such item out: all rows are written anew.

        Parameters
        ----------
        value: one that is equal to it goes
        """
        self._rewritten()
        super().remove(value)

    def clear(self) -> None:
        """Take all items out."""
        self._rewritten()
        super().clear()

    def sort(self, **how: Any) -> None:
        """Sort the items: all rows are written anew.

        Parameters
        ----------
        how: as list.sort takes it
        """
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
KINDS: dict[str, type[Records]] = {"dict": RecordDict, "lent": LentDict, "list": RecordList}
_KIND_NAMES = {kind: name for name, kind in KINDS.items()}


def as_records(holder: Any, *names: str, kind: type[Records] = LentDict) -> None:
    """Let attributes of a backend be collections of rows, with what they hold now: moto's plain ones, or those of a lake of before.

    Parameters
    ----------
    holder: a backend, or a part of one
    names: of the attributes
    kind: RecordDict where whoever changes a record in place calls `note`
    """
    for name in names:
        held = getattr(holder, name)
        if type(held) is not kind:
            setattr(holder, name, kind(held))


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
def looking() -> Iterator[None]:
    """Let what is looked up within be taken for unchanged: an operation that reads."""
    before, _here.looking = getattr(_here, "looking", False), True
    try:
        yield
    finally:
        _here.looking = before


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
