"""Trino's types: how they are written, how they convert, and what holds them in DuckDB.

Sources: https://trino.io/docs/current/language/types.html,
https://docs.aws.amazon.com/athena/latest/ug/data-types.html"""

import re
from functools import lru_cache
from typing import NamedTuple

from infra.engines.athena.errors import QueryError


class Column(NamedTuple):
    """A column of a table or a result: its lower-case name and its Trino type as text."""

    name: str
    type: str


class View(NamedTuple):
    """A view as it is stored: its query, the columns it had when it was made, and the database that its names mean."""

    sql: str
    columns: list[Column]
    database: str


class Type(NamedTuple):
    """A Trino type. `args` are lengths, element types, or, for a row, (name or None, type) pairs."""

    name: str
    args: tuple = ()

    def __str__(self) -> str:
        if self.name == "row":
            return "row(" + ", ".join(f"{field_text(n)} {t}" if n else str(t) for n, t in self.args) + ")"
        if not self.args:
            return self.name
        if self.name in ZONED:
            head, _, tail = self.name.partition(" ")
            return f"{head}({self.args[0]}) {tail}"
        return self.name + "(" + _separator(self.name).join(map(str, self.args)) + ")"

    @property
    def element(self) -> "Type":
        return self.args[0]


def _separator(name: str) -> str:
    return "," if name == "decimal" else ", "


def field_text(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


ZONED = ("timestamp with time zone", "time with time zone")
BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT = map(Type, ("boolean", "tinyint", "smallint", "integer", "bigint"))
REAL, DOUBLE, VARCHAR, VARBINARY, DATE, JSON = map(Type, ("real", "double", "varchar", "varbinary", "date", "json"))
UNKNOWN, UUID, IPADDRESS = Type("unknown"), Type("uuid"), Type("ipaddress")
DAY_TO_SECOND, YEAR_TO_MONTH = Type("interval day to second"), Type("interval year to month")
TIMESTAMP, TIME = Type("timestamp", (3,)), Type("time", (3,))
ZONED_TIMESTAMP, ZONED_TIME = Type(ZONED[0], (3,)), Type(ZONED[1], (3,))

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
NUMBERS = (*INTEGERS, "decimal", "real", "double")
_PLAIN = {
    t.name: t
    for t in (BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, REAL, DOUBLE, VARCHAR, VARBINARY, DATE, JSON, UNKNOWN, UUID)
} | {t.name: t for t in (IPADDRESS, DAY_TO_SECOND, YEAR_TO_MONTH)}
_PLAIN |= {"int": INTEGER, "dec": Type("decimal", (38, 0)), "decimal": Type("decimal", (38, 0))}
_PLAIN |= {"char": Type("char", (1,)), "timestamp": TIMESTAMP, "time": TIME}
_PLAIN |= {"timestamp with time zone": ZONED_TIMESTAMP, "time with time zone": ZONED_TIME, "double precision": DOUBLE}
GEOMETRIES = ("Geometry", "SphericalGeography")
_PLAIN |= {n.lower(): Type(n) for n in (*GEOMETRIES, "BingTile")}
_PLAIN |= {n: Type(n) for n in ("hyperloglog", "p4hyperloglog", "qdigest", "tdigest", "setdigest", "ipprefix")}


def decimal(precision: int, scale: int) -> Type:
    return Type("decimal", (min(38, precision), scale))


def array(element: Type) -> Type:
    return Type("array", (element,))


def row(*fields: tuple[str | None, Type]) -> Type:
    return Type("row", fields)


_TOKEN = re.compile(r'\s*("(?:[^"]|"")*"|[A-Za-z_$][\w$]*|\d+|[(),<>])')
_BRACKETS = {"<": "(", ">": ")"}  # ARRAY<integer> is the older way to write array(integer)


@lru_cache(maxsize=4096)
def parse(text: str) -> Type:
    """The type that `text` ("array(row(a integer))") names; QueryError TYPE_NOT_FOUND if there is none."""
    tokens = [_BRACKETS.get(token, token) for token in _TOKEN.findall(text)]
    found, rest = _parse(tokens, 0, text)
    if rest != len(tokens) or _TOKEN.sub("", text).strip():
        raise _unknown(text)
    return found


def _unknown(text: str) -> QueryError:
    return QueryError("TYPE_NOT_FOUND", f"Unknown type: {text}")


def _parse(tokens: list[str], at: int, text: str) -> tuple[Type, int]:
    if at >= len(tokens):
        raise _unknown(text)
    name, at = tokens[at].lower(), at + 1
    args, given = (), at < len(tokens) and tokens[at] == "("
    if given:
        args, at = _arguments(name, tokens, at + 1, text)
    words = tuple(t.lower() for t in tokens[at : at + 4])
    if name in ("timestamp", "time") and words[:3] in (("with", "time", "zone"), ("without", "time", "zone")):
        name, at = (f"{name} with time zone" if words[0] == "with" else name), at + 3
    elif name == "interval" and words[:3] in (("day", "to", "second"), ("year", "to", "month")):
        name, at = "interval " + " ".join(words[:3]), at + 3
    elif name == "double" and words[:1] == ("precision",):
        at += 1
    return _named(name, args, given, text), at


def _arguments(name: str, tokens: list[str], at: int, text: str) -> tuple[tuple, int]:
    args: list = []
    while True:
        if at >= len(tokens):
            raise _unknown(text)
        if name == "row":
            field, at = _row_field(tokens, at, text)
            args.append(field)
        elif tokens[at].isdigit():
            args.append(int(tokens[at]))
            at += 1
        else:
            found, at = _parse(tokens, at, text)
            args.append(found)
        if at >= len(tokens) or tokens[at] not in ",)":
            raise _unknown(text)
        at += 1
        if tokens[at - 1] == ")":
            return tuple(args), at


def _row_field(tokens: list[str], at: int, text: str) -> tuple[tuple, int]:
    following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
    unnamed = following in (",", ")", "(") or (following in ("with", "precision", "day", "year"))
    if unnamed and not tokens[at].startswith('"'):
        found, at = _parse(tokens, at, text)
        return (None, found), at
    name = tokens[at][1:-1].replace('""', '"') if tokens[at].startswith('"') else tokens[at].lower()
    found, at = _parse(tokens, at + 1, text)
    return (name, found), at


def _named(name: str, args: tuple, given: bool, text: str) -> Type:
    if not given:
        if name in _PLAIN:
            return _PLAIN[name]
        raise _unknown(text)
    numbers = all(isinstance(a, int) for a in args)
    if name in ("decimal", "dec") and numbers and len(args) in (1, 2):
        found = Type("decimal", args if len(args) == 2 else (args[0], 0))
        if not 1 <= args[0] <= 38:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", "DECIMAL precision must be in range [1, 38]: " + str(args[0]))
        if found.args[1] > args[0]:
            raise QueryError(
                "INVALID_FUNCTION_ARGUMENT",
                f"DECIMAL scale must be in range [0, precision ({args[0]})]: {found.args[1]}",
            )
        return found
    if name in ("varchar", "char", "timestamp", "time", *ZONED) and numbers and len(args) == 1:
        if "time" in name and args[0] > 12:
            kind = name.split(" ")[0].upper() + (" WITH TIME ZONE" if " " in name else "")
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"{kind} precision must be in range [0, 12]: {args[0]}")
        return Type(name, args)
    if name == "array" and len(args) == 1 and isinstance(args[0], Type):
        return Type(name, args)
    if name == "map" and len(args) == 2 and all(isinstance(a, Type) for a in args):
        return Type(name, args)
    if name == "row" and args:
        return Type(name, args)
    raise _unknown(text)


def as_decimal(t: Type) -> Type:
    """The decimal that holds every value of an integer type."""
    return t if t.name == "decimal" else Type("decimal", (_DIGITS[t.name], 0))


_WIDER = {
    "tinyint": {"smallint", "integer", "bigint", "real", "double", "decimal"},
    "smallint": {"integer", "bigint", "real", "double", "decimal"},
    "integer": {"bigint", "real", "double", "decimal"},
    "bigint": {"real", "double", "decimal"},
    "decimal": {"real", "double"},
    "real": {"double"},
    "date": {"timestamp", "timestamp with time zone"},
    "time": {"time with time zone"},
    "timestamp": {"timestamp with time zone"},
}
TEMPORAL = ("timestamp", "time", *ZONED)


@lru_cache(maxsize=8192)
def coercible(a: Type, b: Type) -> bool:
    """Whether Trino gives a value of `a` where `b` is wanted without being asked."""
    if a == b or a.name == "unknown":
        return True
    return common(a, b) == b


@lru_cache(maxsize=8192)
def common(a: Type, b: Type) -> Type | None:
    """The type that values of both convert to, or None. The same as Trino's common super type."""
    if a == b or b.name == "unknown":
        return a
    if a.name == "unknown":
        return b
    if a.name == b.name:
        return _same_kind(a, b)
    for x, y in ((a, b), (b, a)):
        if y.name in _WIDER.get(x.name, ()):
            if y.name == "decimal":
                return _same_kind(as_decimal(x), y)
            if y.name in TEMPORAL and x.name in TEMPORAL:
                return Type(y.name, (max(x.args[0], y.args[0]),))
            return y
        if x.name == "char" and y.name == "varchar":
            return Type("char", (max(x.args[0], y.args[0]),)) if y.args else y
    return None


def _same_kind(a: Type, b: Type) -> Type | None:
    if a.name == "decimal":
        scale = max(a.args[1], b.args[1])
        return decimal(max(a.args[0] - a.args[1], b.args[0] - b.args[1]) + scale, scale)
    if a.name == "varchar":
        return Type("varchar", (max(a.args[0], b.args[0]),)) if a.args and b.args else VARCHAR
    if a.name in ("char", *TEMPORAL):
        return Type(a.name, (max(a.args[0], b.args[0]),))
    if a.name in ("array", "map"):
        parts = [common(x, y) for x, y in zip(a.args, b.args, strict=True)]
        return Type(a.name, tuple(parts)) if all(parts) else None
    if a.name == "row":
        if len(a.args) != len(b.args):
            return None
        fields = [(n if n == m else None, common(x, y)) for (n, x), (m, y) in zip(a.args, b.args, strict=True)]
        return Type("row", tuple(fields)) if all(t for _, t in fields) else None
    return None


def comparable(t: Type) -> bool:
    if t.name in ("hyperloglog", "setdigest", "qdigest", "tdigest", "function", *GEOMETRIES):
        return False
    return all(comparable(x) for x in _inner(t))


def orderable(t: Type) -> bool:
    if t.name in ("map", "json", "hyperloglog", "setdigest", "qdigest", "tdigest", "function", "BingTile", *GEOMETRIES):
        return False
    return all(orderable(x) for x in _inner(t))


def _inner(t: Type) -> list[Type]:
    if t.name == "row":
        return [x for _, x in t.args]
    return [x for x in t.args if isinstance(x, Type)]


_DUCKDB = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "json": "JSON",
    "unknown": "INTEGER",
    "uuid": "UUID",
    "ipaddress": "VARCHAR",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    # DuckDB keeps the moment only, Trino also the zone that it is shown in.
    "timestamp with time zone": "STRUCT(i TIMESTAMPTZ, z VARCHAR)",
    "time with time zone": "TIMETZ",
    # The values themselves stand for the sketches.
    "hyperloglog": "UBIGINT[]",
    "setdigest": "BIGINT[]",
    "tdigest": "DOUBLE[]",
    "Geometry": "BLOB",
    "SphericalGeography": "BLOB",
    "BingTile": "BIGINT",
}


@lru_cache(maxsize=4096)
def duckdb(t: Type) -> str:
    """The DuckDB type that holds values of `t`."""
    if t.name == "decimal":
        return f"DECIMAL({t.args[0]}, {t.args[1]})"
    if t.name in ("array", "qdigest"):
        return duckdb(t.element) + "[]"
    if t.name == "map":
        return f"MAP({duckdb(t.args[0])}, {duckdb(t.args[1])})"
    if t.name == "row":
        names = field_names(t)
        return "STRUCT(" + ", ".join(f"{quoted(n)} {duckdb(x)}" for n, (_, x) in zip(names, t.args, strict=True)) + ")"
    if t.name not in _DUCKDB:
        raise QueryError("NOT_SUPPORTED", f"Type {t} is not supported")
    return _DUCKDB[t.name]


def field_names(t: Type) -> list[str]:
    """The names of a row's fields in DuckDB, where each needs one of its own."""
    names = [n if n else f"field{i}" for i, (n, _) in enumerate(t.args)]
    lower = [n.lower() for n in names]
    return names if len(set(lower)) == len(lower) else [f"field{i}" for i in range(len(names))]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def trino_to_duckdb(t: str) -> str:
    """DuckDB's type for a Trino type text ("array(integer)" → "INTEGER[]")."""
    return duckdb(parse(t))


_HELD_AS_OTHERS = ("char", "unknown", "ipaddress", "hyperloglog", "setdigest", "tdigest", "BingTile", *GEOMETRIES)
_FROM_DUCKDB = {v: k for k, v in _DUCKDB.items() if k not in _HELD_AS_OTHERS}
_FROM_DUCKDB |= {"INTERVAL": "interval day to second", "TIMESTAMP": "timestamp(3)", "TIME": "time(3)"}
_FROM_DUCKDB |= {"HUGEINT": "decimal(38,0)", "UBIGINT": "decimal(20,0)", "UINTEGER": "bigint"}
_FROM_DUCKDB |= {"USMALLINT": "integer", "UTINYINT": "smallint", "TIMESTAMP_NS": "timestamp(9)"}
_FROM_DUCKDB |= {"TIMESTAMP_MS": "timestamp(3)", "TIMESTAMP_S": "timestamp(0)"}
_FROM_DUCKDB |= {
    "TIMESTAMP WITH TIME ZONE": "timestamp(3) with time zone",
    "TIME WITH TIME ZONE": "time with time zone",
}


def duckdb_to_trino(t: str) -> str:
    """Trino's type text for a DuckDB type ("STRUCT(a INTEGER)[]" → "array(row(a integer))")."""
    if t.endswith("[]"):
        return f"array({duckdb_to_trino(t[:-2])})"
    if t.startswith("DECIMAL"):
        return t.lower().replace(" ", "")
    if t.startswith("MAP("):
        key, value = split(t[4:-1], ",")
        return f"map({duckdb_to_trino(key)}, {duckdb_to_trino(value)})"
    if t.startswith("STRUCT(") and t not in _FROM_DUCKDB:
        fields = [_split_name(f) for f in split(t[7:-1], ",")]
        return "row(" + ", ".join(f"{field_text(n)} {duckdb_to_trino(x)}" for n, x in fields) + ")"
    if t not in _FROM_DUCKDB:
        raise QueryError("NOT_SUPPORTED", f"Type {t.lower()} is not supported")
    return _FROM_DUCKDB[t]


def split(text: str, separator: str) -> list[str]:
    """The parts of `text` between separators that stand outside brackets and quotes."""
    parts, depth, quote, start = [], 0, False, 0
    for i, c in enumerate(text):
        quote ^= c == '"'
        if quote:
            continue
        depth += (c in "(<") - (c in ")>")
        if c == separator and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]


def _split_name(field: str) -> tuple[str, str]:
    if field.startswith('"'):
        name, _, rest = field[1:].partition('" ')
        return name.replace('""', '"'), rest
    name, _, rest = field.partition(" ")
    return name, rest
