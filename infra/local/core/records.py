"""Collections that grow, saved one row a record: a change costs the change, however much there is.

A backend uses RecordDict, LentDict or RecordList for what grows (partitions, topics, log events). state.py pickles the backend; where the pickler meets
such a collection, only its number goes into the pickle, and what changed in it since the last time goes into rows of a SQLite file beside it.
A record that is in two places (a policy, and the roles that have it) is a row once, and elsewhere its collection and name: see pickles.share.
"""

from __future__ import annotations

import bisect
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_here = threading.local()


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


@contextmanager
def looking() -> Iterator[None]:
    """Let what is looked up within be taken for unchanged: an operation that reads."""
    before, _here.looking = getattr(_here, "looking", False), True
    try:
        yield
    finally:
        _here.looking = before
