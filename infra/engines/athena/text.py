"""Values as Athena writes them in results (VarCharValue, CSV).

Measured on the service: doubles as Java writes them, timestamps with three digits, `[1, 2]`, `{k=1}`, `{field0=1, b=x}`.
"""

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from . import types as t
from .types import Type, field_names


def to_text(value, type: str) -> str | None:
    """Athena's text for a Python value of a Trino type; None for NULL."""
    return None if value is None else _text(value, t.parse(type))


def java_double(value: float, digits: str | None = None) -> str:
    """A double as Java's Double.toString: plain from 0.001 to 10 million, else with an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    sign, numbers, exponent = Decimal(digits or repr(value)).normalize().as_tuple()
    text = "".join(map(str, numbers))
    point = len(text) + int(exponent)  # digits before the point
    if 1e-3 <= abs(value) < 1e7:
        if point <= 0:
            plain = "0." + "0" * -point + text
        else:
            plain = text[:point].ljust(point, "0") + "." + (text[point:] or "0")
        return "-" * sign + plain
    return "-" * sign + f"{text[0]}.{text[1:] or '0'}E{point - 1}"


def _text(value, kind: Type) -> str:
    if value is None:
        return "null"
    name = kind.name
    plain = _PLAIN.get(name)
    if plain is not None:
        return plain(value)
    if name == "time":
        return _time(value, int(kind.args[0]))
    if name == "array":
        return "[" + ", ".join(_text(v, kind.element) for v in value) + "]"
    if name == "map":
        pairs = value.items() if isinstance(value, dict) else value
        return "{" + ", ".join(f"{_text(k, kind.args[0])}={_text(v, kind.args[1])}" for k, v in pairs) + "}"
    if name == "row":
        values = list(value.values()) if isinstance(value, dict) else list(value)
        triples = zip(field_names(kind), values, kind.args, strict=True)
        return "{" + ", ".join(f"{n}={_text(v, k)}" for n, v, (_, k) in triples) + "}"
    return str(value)


def _shortest_float(value: float) -> str:
    """The fewest digits that read back as the same 32-bit number."""
    import struct

    wanted = struct.pack("f", value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == wanted:
            return text
    return repr(value)


def _timestamp(value: datetime | date) -> str:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}".rjust(23, "0")


def _zoned(value) -> str:
    from zoneinfo import ZoneInfo

    moment, zone = (value["i"], value["z"]) if isinstance(value, dict) else (value, "UTC")
    if zone[0] in "+-":
        hours, minutes = zone[1:].split(":")
        shift = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if zone[0] == "-" else 1)
        local = moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None) + shift
    else:
        local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return f"{_timestamp(local)} {zone}"


def _time(value: time | str, digits: int) -> str:
    if not isinstance(value, time):
        return str(value)
    fraction = f"{value.microsecond:06d}".ljust(digits, "0")[:digits]
    return value.strftime("%H:%M:%S") + (f".{fraction}" if digits else "")


def _months(value: timedelta | int) -> str:
    months = value.days // 30 if isinstance(value, timedelta) else int(value)
    return f"{'-' if months < 0 else ''}{abs(months) // 12}-{abs(months) % 12}"


def _days(value: timedelta) -> str:
    millis = round(value.total_seconds() * 1000)
    sign, millis = ("-" if millis < 0 else ""), abs(millis)
    clock = f"{millis // 3600000 % 24:02d}:{millis // 60000 % 60:02d}:{millis // 1000 % 60:02d}.{millis % 1000:03d}"
    return f"{sign}{millis // 86400000} {clock}"


# Types without parts: how a value is written.
_PLAIN: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "double": java_double,
    "real": lambda value: java_double(value, _shortest_float(value)),
    "decimal": lambda value: f"{value:f}",
    "timestamp": _timestamp,
    t.ZONED[0]: _zoned,
    "varbinary": lambda value: bytes(value).hex(" "),
    "interval day to second": _days,
    "interval year to month": _months,
}
# The same in DuckDB SQL, where `$` is the value.
_PLAIN_SQL = {
    "double": "floating_text($)",
    "real": "floating_text($)",
    "varchar": "$",
    "char": "$",
    "timestamp": "strftime($, '%Y-%m-%d %H:%M:%S.%g')",
    t.ZONED[0]: "(strftime(local_time($), '%Y-%m-%d %H:%M:%S.%g') || ' ' || struct_extract($, 'z'))",
    "varbinary": "rtrim(regexp_replace(lower(hex($)), '(..)', '\\1 ', 'g'))",
    "interval day to second": "day_interval_text($)",
    "interval year to month": "year_interval_text($)",
    **dict.fromkeys(t.GEOMETRIES, "geo_text($)"),
    "BingTile": "geo_tile_text($)",
}


# --- a whole result, by DuckDB


_MOST_DIGITS = 38


def decimal_text(sql: str, kind: Type) -> str:
    """DuckDB SQL for a decimal's text; DuckDB leaves out the 0 before the point of one that has no whole digits."""
    precision, scale = kind.args
    if precision == scale == _MOST_DIGITS:
        return f"regexp_replace(CAST({sql} AS VARCHAR), '^(-?)[.]', '\\10.')"
    wide = f"CAST({sql} AS DECIMAL({precision + 1}, {scale}))" if precision == scale else sql
    return f"CAST({wide} AS VARCHAR)"


def time_text(sql: str, kind: Type) -> str:
    """DuckDB SQL for a time's text, with as many digits as its type has: `13:24:11` is a `time(0)` (awswrangler's tests, on the service)."""
    digits = int(kind.args[0])
    if digits == 0:
        return f"left(CAST({sql} AS VARCHAR), 8)"
    whole = f"CASE WHEN length(CAST({sql} AS VARCHAR)) = 8 THEN '.' ELSE '' END"
    return f"rpad(CAST({sql} AS VARCHAR) || {whole}, {9 + digits}, '0')"


def text_sql(sql: str, kind: Type, depth: int = 0) -> str:
    """DuckDB SQL that writes a value as to_text() does."""
    name = kind.name
    if name in _PLAIN_SQL:
        return _PLAIN_SQL[name].replace("$", sql)
    if name == "decimal":
        return decimal_text(sql, kind)
    if name == "time":
        return time_text(sql, kind)
    item = f"x{depth}"
    if name == "array":
        inner = _or_null(item, kind.element, depth)
        return f"'[' || array_to_string(list_transform({sql}, lambda {item}: {inner}), ', ') || ']'"
    if name == "map":
        key, value = _or_null(f"{item}.key", kind.args[0], depth), _or_null(f"{item}.value", kind.args[1], depth)
        inner = f"{key} || '=' || {value}"
        return "'{' || array_to_string(list_transform(map_entries(" + f"{sql}), lambda {item}: {inner}), ', ') || '}}'"
    if name == "row":
        parts = [
            f"'{n.replace(chr(39), chr(39) * 2)}=' || {_or_null(_part(sql, n), k, depth)}"
            for n, (_, k) in zip(field_names(kind), kind.args, strict=True)
        ]
        return f"CASE WHEN {sql} IS NOT NULL THEN '{{' || " + " || ', ' || ".join(parts) + " || '}' END"
    return f"CAST({sql} AS VARCHAR)"


def _part(sql: str, name: str) -> str:
    return f"struct_extract({sql}, '{name.replace(chr(39), chr(39) * 2)}')"


def _or_null(sql: str, kind: Type, depth: int) -> str:
    return f"coalesce({text_sql(sql, kind, depth + 1)}, 'null')"


def as_text(sql: str, types: list[str]) -> str:
    """A statement's SQL with every column written as text, named v0, v1, …; the order of rows is kept."""
    names = ", ".join(f"c{i}" for i in range(len(types)))
    columns = ", ".join(f"{text_sql(f'c{i}', t.parse(kind))} AS v{i}" for i, kind in enumerate(types))
    return f"SELECT {columns} FROM ({sql}) o({names})"
