"""MATCH_RECOGNIZE on the rows of one partition: which rows match a pattern, and which rows the measures speak of.

Sources: https://trino.io/docs/current/sql/match-recognize.html; a pattern is a small program run with a stack of what else could
be tried, the preferred way first, as in Trino's io.trino.operator.window.matcher.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any, NamedTuple

from infra.engines.athena.errors import Refused

MOST_STEPS = 20_000_000  # of one partition: a pattern may try exponentially many ways
MOST_LISTED = 5_000_000  # rows that the aggregates of one partition read: running ones read a row again and again

Values = list[Any]


class Match:
    """Rows `start` … and the variables that they were matched to."""

    def __init__(self, start: int, labels: list[str], left_out: list[bool]):
        self.start, self.labels = start, labels
        self.left_out = left_out  # rows in {- … -}
        self._places: dict[tuple[str, ...] | None, Sequence[int]] = {None: range(len(labels))}

    def places(self, labels: list[str] | None) -> Sequence[int]:
        """The places, from 0, of the rows that were matched to one of some variables; None: all rows."""
        key = None if labels is None else tuple(labels)
        if key not in self._places:
            self._places[key] = [at for at, label in enumerate(self.labels) if label in (key or ())]
        return self._places[key]


class _Thread(NamedTuple):
    at: int  # of the program
    labels: tuple[Any, ...] | None  # (label, left out, those before)
    taken: int
    seen: frozenset[int]  # loops that were begun since the last row
    hidden: int


def compiled(pattern: Any) -> list[tuple[Any, ...]]:
    """The program of a pattern, which is ["label", "A"], ["all", parts], ["times", part, low, high, lazy] …"""
    program: list[tuple[Any, ...]] = []
    _emit(program, pattern)
    program.append(("done",))
    return program


def _emit(program: list[tuple[Any, ...]], part: Any) -> None:
    sort = part[0]
    if sort in ("label", "start", "end"):
        program.append(tuple(part))
    elif sort == "all":
        for inner in part[1]:
            _emit(program, inner)
    elif sort == "any":
        _alternatives(program, part[1])
    elif sort == "permute":
        _alternatives(program, [["all", list(order)] for order in permutations(part[1])])
    elif sort == "without":
        program.append(("hide", 1))
        _emit(program, part[1])
        program.append(("hide", -1))
    elif sort == "times":
        _repeat(program, *part[1:])


def _alternatives(program: list[tuple[Any, ...]], parts: list[Any]) -> None:
    jumps = []
    for inner in parts[:-1]:
        split = len(program)
        program.append(())
        _emit(program, inner)
        jumps.append(len(program))
        program.append(())
        program[split] = ("split", split + 1, len(program))
    _emit(program, parts[-1])
    for jump in jumps:
        program[jump] = ("jump", len(program))


def _repeat(program: list[tuple[Any, ...]], part: Any, low: int, high: int | None, lazy: bool) -> None:
    for _ in range(low):
        _emit(program, part)
    if high is None:
        loop = len(program)
        program.append(())
        _emit(program, part)
        program.append(("jump", loop))
        program[loop] = ("loop", loop + 1, len(program), lazy)
        return
    splits = []
    for _ in range(high - low):
        splits.append(len(program))
        program.append(())
        _emit(program, part)
    for split in splits:
        ways = (len(program), split + 1) if lazy else (split + 1, len(program))
        program[split] = ("split", *ways)


class Partition:
    """The rows of a partition.

    Parameters
    ----------
    size: how many rows there are
    truths: for each row, the conditions that a row decides by itself
    atoms: for each row, the values that other conditions use, as JSON
    spec: the pattern, the conditions and the navigations (see sql/queries/row_patterns.py)
    """

    def __init__(self, truths: list[list[bool | None]], atoms: list[list[str | None]], spec: dict[str, Any]):
        self.size, self.truths, self.spec = len(truths), truths, spec
        self.program = compiled(spec["pattern"])
        self.conditions = spec["conditions"]
        self._atoms = atoms
        self.steps = self.listed = 0

    # --- matching

    def match(self, start: int, number: int) -> Match | None:
        """The preferred match that begins at a row. Raises Refused if looking for it takes too long."""
        stack = [_Thread(0, None, 0, frozenset(), 0)]
        while stack:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise Refused(
                    "NOT_SUPPORTED", "The local Athena gives up a row pattern that can match in too many ways"
                )
            thread = stack.pop()
            step = self.program[thread.at]
            if step[0] == "done":
                return _match(start, thread)
            stack.extend(self._next(thread, step, start, number))
        return None

    def _next(self, thread: _Thread, step: tuple[Any, ...], start: int, number: int) -> Iterator[_Thread]:
        """The threads that follow, the preferred one last."""
        row, kind = start + thread.taken, step[0]
        following = thread._replace(at=thread.at + 1)
        if kind == "label":
            if row < self.size:
                labels = (step[1], thread.hidden > 0, thread.labels)
                if self._holds(step[1], labels, start, row, number):
                    yield _Thread(thread.at + 1, labels, thread.taken + 1, frozenset(), thread.hidden)
        elif kind == "split":
            yield thread._replace(at=step[2])
            yield thread._replace(at=step[1])
        elif kind == "loop":
            inner = thread._replace(at=step[1], seen=thread.seen | {thread.at})
            outer = thread._replace(at=step[2])
            if thread.at in thread.seen:  # nothing was matched since
                yield outer
            else:
                yield from (inner, outer) if step[3] else (outer, inner)
        elif kind == "jump":
            yield thread._replace(at=step[1])
        elif kind == "hide":
            yield following._replace(hidden=thread.hidden + step[1])
        elif (kind == "start" and row == 0) or (kind == "end" and row == self.size):
            yield following

    def _holds(self, label: str, labels: tuple[Any, ...], start: int, row: int, number: int) -> bool:
        condition = self.conditions.get(label)
        if condition is None:
            return True
        if isinstance(condition, int):
            return self.truths[row][condition] is True
        found = _Run(self, _match_of(start, labels), row, number)
        return found.value(condition) is True

    def atom(self, row: int, number: int) -> Any:
        text = self._atoms[row][number]
        return None if text is None else json.loads(text)

    def position(self, match: Match, current: int, navigation: dict[str, Any]) -> int | None:
        """The row that a navigation means, seen from a row of a match; None if there is none."""
        places = match.places(navigation["labels"])
        until = len(places) if navigation["final"] else bisect_right(places, current - match.start)
        at = until - 1 - navigation["offset"] if navigation["last"] else navigation["offset"]
        if not 0 <= at < until:
            return None
        row = match.start + places[at] + navigation["shift"]
        return row if 0 <= row < self.size else None


def _match_of(start: int, labels: tuple[Any, ...] | None) -> Match:
    names, hidden = [], []
    while labels is not None:
        names.append(labels[0])
        hidden.append(labels[1])
        labels = labels[2]
    return Match(start, names[::-1], hidden[::-1])


def _match(start: int, thread: _Thread) -> Match:
    return _match_of(start, thread.labels)


# --- conditions that depend on what was matched before


class _Run:
    """The values of a condition's parts for one row of a match that is under way."""

    def __init__(self, partition: Partition, match: Match, row: int, number: int):
        self.partition, self.match, self.row, self.number = partition, match, row, number

    def value(self, part: Any) -> Any:
        return getattr(self, "_" + part[0])(*part[1:])

    def _literal(self, value: Any) -> Any:
        return value

    def _atom(self, number: int) -> Any:
        return self.partition.atom(self.row, number)

    def _at(self, navigation: dict[str, Any], number: int) -> Any:
        row = self.partition.position(self.match, self.row, navigation)
        return None if row is None else self.partition.atom(row, number)

    def _label(self, navigation: dict[str, Any]) -> str | None:
        row = self.partition.position(self.match, self.row, navigation)
        place = -1 if row is None else row - self.match.start
        return self.match.labels[place] if 0 <= place < len(self.match.labels) else None

    def _match_number(self) -> int:
        return self.number

    def _aggregate(self, name: str, labels: list[str] | None, number: int | None) -> Any:
        rows = [self.match.start + at for at in self.match.places(labels)]
        if number is None:
            return len(rows)
        values = [value for row in rows if (value := self.partition.atom(row, number)) is not None]
        return _AGGREGATES[name](values)

    def _not(self, part: Any) -> bool | None:
        value = self.value(part)
        return None if value is None else not value

    def _and(self, parts: list[Any]) -> bool | None:
        values = [self.value(part) for part in parts]
        return False if False in values else None if None in values else True

    def _or(self, parts: list[Any]) -> bool | None:
        values = [self.value(part) for part in parts]
        return True if True in values else None if None in values else False

    def _is_null(self, part: Any) -> bool:
        return self.value(part) is None

    def _binary(self, operator: str, left: Any, right: Any) -> Any:
        a, b = self.value(left), self.value(right)
        return None if a is None or b is None else _OPERATORS[operator](a, b)


def _divided(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise Refused("DIVISION_BY_ZERO", "Division by zero")
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a / b if b else math.nan if not a or a != a else math.copysign(math.inf, a)


def _rest(a: Any, b: Any) -> Any:
    if b == 0 and isinstance(a, int):
        raise Refused("DIVISION_BY_ZERO", "Division by zero")
    return a - b * _divided(a, b) if isinstance(a, int) else math.fmod(a, b)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "+": lambda a, b: a + b, "-": lambda a, b: a - b,
    "*": lambda a, b: a * b, "/": _divided, "%": _rest,
}  # fmt: skip
_AGGREGATES: dict[str, Callable[[Values], Any]] = {
    "count": len, "sum": lambda v: sum(v) if v else None, "avg": lambda v: sum(v) / len(v) if v else None,
    "min": lambda v: min(v, default=None), "max": lambda v: max(v, default=None),
}  # fmt: skip


# --- the rows of the result


def row_pattern(truths: list[Any], atoms: list[Any], spec: str) -> list[dict[str, Any]]:
    """The rows that MATCH_RECOGNIZE gives for a partition.

    Each has `r`, the row that it shows, `m`, the number of its match, and for each measure's part the row that it speaks of (`n`),
    a variable's name (`l`), rows (`s`) or how many they are (`k`); `f` is the match's first row, `c` are its variables.
    """
    partition = Partition(truths, atoms, _spec(spec))
    rows, found, at, number = partition.spec["rows"], [], 0, 0
    matched_until = 0  # rows before this one were matched, in a match that is not empty
    while at < partition.size:
        match = partition.match(at, number + 1)
        if match is None:
            if rows == "UNMATCHED" and at >= matched_until:
                found.append(_shown(partition, Match(at, [], []), at, None))
            at += 1
            continue
        number += 1
        if not match.labels:
            if rows != "OMIT":
                found.append(_shown(partition, match, at, number))
            at += 1
            continue
        last = at + len(match.labels) - 1
        if rows == "ONE":
            found.append(_shown(partition, match, last, number))
        else:
            found += [_shown(partition, match, at + i, number) for i, hidden in enumerate(match.left_out) if not hidden]
        matched_until = max(matched_until, last + 1)
        at = _after(match, *partition.spec["skip"])
    return found


@lru_cache(maxsize=64)
def _spec(text: str) -> dict[str, Any]:
    return json.loads(text)


def _after(match: Match, where: str, labels: list[str] | None) -> int:
    """The row at which matching goes on. Raises Refused."""
    if where == "PAST LAST ROW":
        return match.start + len(match.labels)
    if where == "NEXT ROW":
        return match.start + 1
    places = match.places(labels)
    if not places:
        raise Refused("GENERIC_USER_ERROR", "AFTER MATCH SKIP failed: pattern variable is not present in match")
    place = places[0 if where == "FIRST" else -1]
    if place == 0:
        raise Refused("GENERIC_USER_ERROR", "AFTER MATCH SKIP failed: cannot skip to first row of match")
    return match.start + place


def _shown(partition: Partition, match: Match, row: int, number: int | None) -> dict[str, Any]:
    run = _Run(partition, match, row, number or 0)
    spec = partition.spec
    sets, counts = [], []
    for part in spec["sets"]:
        places = match.places(part["labels"])
        until = len(places) if part["final"] else bisect_right(places, row - match.start)
        counts.append(until)
        sets.append([match.start + at for at in places[:until]] if part["listed"] else [])
        partition.listed += len(sets[-1])
    if partition.listed > MOST_LISTED:
        raise Refused("NOT_SUPPORTED", "The local Athena gives up a row pattern whose aggregates are of too many rows")
    return {
        "r": row, "m": number, "n": [partition.position(match, row, part) for part in spec["navigations"]],
        "l": [run._label(part) for part in spec["labels"]], "s": sets, "k": counts,
        "f": match.start, "c": match.labels if spec["classified"] else [],
    }  # fmt: skip


FUNCTIONS: dict[Callable[..., Any], tuple[list[str], str]] = {
    row_pattern: (
        ["BOOLEAN[][]", "VARCHAR[][]", "VARCHAR"],
        "STRUCT(r BIGINT, m BIGINT, n BIGINT[], l VARCHAR[], s BIGINT[][], k BIGINT[], f BIGINT, c VARCHAR[])[]",
    )
}
