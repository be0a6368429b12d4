"""Which function a call means: Trino's overloads, their type variables, and the DuckDB text that each becomes.

A line of a table reads `name(types) -> type = text`. In the types a single capital letter is any type, `x`, `p`, `s` are
lengths, `...` repeats the last one, `function(T, U)` is a lambda. In the text `$0` is the first argument, `$*` all of
them, `$r` the DuckDB type of the result, and in aggregates `$D`, `$O` and `$F` are where DISTINCT, ORDER BY and FILTER with
OVER go. A text that starts with `@` names a Python function in builders.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from infra.engines.athena import types as t
from infra.engines.athena.types import Type


class Signature(NamedTuple):
    name: str
    args: tuple[Type, ...]
    variadic: bool
    result: Type
    text: str

    def __str__(self) -> str:
        inner = ", ".join(map(_written, self.args)) + ("..." if self.variadic else "")
        return f"{self.name}({inner})"


class Extra(NamedTuple):
    """What a call of an aggregate or window function says beside its arguments, as SQL."""

    distinct: str = ""
    order: str = ""
    tail: str = ""  # FILTER and OVER


class Bound(NamedTuple):
    """A signature with its variables filled in."""

    signature: Signature
    args: list[Type]
    result: Type
    extra: Extra = Extra()


def _written(pattern: Type) -> str:
    return str(pattern)


def table(text: str) -> dict[str, list[str]]:
    """The lines of a table by function name."""
    found: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        if line and not line.startswith("#"):
            found.setdefault(line[: line.index("(")], []).append(line)
    return found


_FIELD = re.compile(r"([a-z]) (\w+)")  # of a row: its name, a single letter, and its type
_LINE = re.compile(r"(\w+)\((.*?)\) -> (.+?) = (.*)")


@lru_cache(maxsize=2048)
def parse_line(line: str) -> Signature:
    found = _LINE.fullmatch(line)
    assert found is not None, line
    name, inner, result, text = found.groups()
    variadic = inner.endswith("...")
    parts = t.split(inner.removesuffix("..."), ",") if inner else []
    return Signature(name, tuple(map(pattern, parts)), variadic, pattern(result), text)


@lru_cache(maxsize=2048)
def pattern(text: str) -> Type:
    """A type of a signature: as in SQL, but with variables."""
    text = text.strip()
    if text.endswith(" with time zone"):
        return Type(text.split("(")[0].split(" ")[0] + " with time zone", ("p",))
    head, bracket, rest = text.partition("(")
    if not bracket:
        return Type(head)
    inner = t.split(rest[: rest.rindex(")")], ",")
    if head == "row":
        named = (_FIELD.fullmatch(p) for p in inner)
        fields = ((m[1], pattern(m[2])) if m else (None, pattern(p)) for m, p in zip(named, inner, strict=True))
        return Type("row", tuple(fields))
    if head in ("varchar", "char", "decimal", "timestamp", "time"):
        return Type(head, tuple(int(p) if p.isdigit() else p for p in inner))
    return Type(head, tuple(map(pattern, inner)))


def is_variable(p: Type) -> bool:
    return len(p.name) == 1 and p.name.isupper()


_ORDER = {n: i for i, n in enumerate(("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double"))}
_FAR = {("date", t.ZONED[0]): 2}


def bind(p: Type, actual: Type, variables: dict) -> int | None:
    """How far `actual` is from a signature's type: 0 is exact, None is not at all. Fills in `variables`."""
    if is_variable(p):
        known = variables.get(p.name)
        if known is None:
            variables[p.name] = actual
            return 0
        wider = t.common(known, actual)
        if wider is None:
            return None
        variables[p.name] = wider
        return 0 if known == actual else 1
    if actual.name == "unknown":
        return 1
    if p.name == actual.name:
        return _bind_inside(p, actual, variables)
    if p.name == "decimal" and actual.name in t.INTEGERS and isinstance(p.args[0], str):
        _bind_inside(p, t.as_decimal(actual), variables)
        return _ORDER["decimal"] - _ORDER[actual.name]
    if p.name in _ORDER and actual.name in _ORDER:
        distance = _ORDER[p.name] - _ORDER[actual.name]
        return distance if distance > 0 and p.name != "decimal" else None
    if p.name in t.TEMPORAL and t.coercible(actual, Type(p.name, (12,))):
        variables.setdefault(p.args[0], actual.args[0] if actual.args else 0)
        return _FAR.get((actual.name, p.name), 1)
    if p.name == "varchar" and actual.name == "char":
        variables.setdefault("x", actual.args[0])
        return 1
    return None


def _bind_inside(p: Type, actual: Type, variables: dict) -> int | None:
    total = 0
    if p.name == "row":
        if len(p.args) != len(actual.args):
            return None
        pairs = [(x, y) for (_, x), (_, y) in zip(p.args, actual.args, strict=True)]
    elif p.name in ("array", "map", "qdigest"):
        pairs = list(zip(p.args, actual.args, strict=True))
    else:
        for name, value in zip(p.args, actual.args, strict=False):
            if isinstance(name, str):
                variables[name] = max(variables.get(name, value), value)
            elif p.name == "varchar" and value > name:
                return None
        if p.name == "varchar" and p.args and not actual.args:
            if isinstance(p.args[0], int):
                return None
            variables[p.args[0]] = None
        return 0
    for x, y in pairs:
        far = bind(x, y, variables)
        if far is None:
            return None
        total += far
    return total


def fill(p: Type, variables: dict) -> Type:
    """A signature's type with its variables filled in."""
    if is_variable(p):
        return variables.get(p.name, t.UNKNOWN)
    if p.name == "row":
        return Type("row", tuple((n, fill(x, variables)) for n, x in p.args))
    if p.name in ("varchar", "char") and p.args and isinstance(p.args[0], str):
        length = variables.get(p.args[0])
        return Type(p.name, (length,)) if length is not None else Type(p.name)
    if p.name == "timestamp" and not p.args:
        return t.TIMESTAMP
    return Type(p.name, tuple(_fill_argument(p, i, x, variables) for i, x in enumerate(p.args)))


def _fill_argument(p: Type, i: int, x, variables: dict):
    if isinstance(x, Type):
        return fill(x, variables)
    if isinstance(x, str):
        default = (38, 0)[i] if p.name == "decimal" else 3
        return variables.get(x, default)
    return x
