"""Trino functions that DuckDB has no parts for, written in Python and called by DuckDB for each value.

An error's message starts with `ATHENA CODE: `, so that engine.run_time_error() finds Trino's words in DuckDB's.
"""

import re

import duckdb


class Refused(ValueError):
    def __init__(self, code: str, text: str):
        super().__init__(f"ATHENA {code}: {text}")


_ZONED = re.compile(
    r"\s*(\d{4,}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d+)?)?))?\s*([A-Za-z][\w/+-]*|[+-]\d{1,2}(?::?\d{2})?)?\s*"
)


def zoned_parts(text: str) -> list[str]:
    """A timestamp as text and its zone ("UTC" when none is given)."""
    match = _ZONED.fullmatch(text)
    if not match:
        raise Refused("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp with time zone: {text}")
    clock = match[2] or "00:00:00"
    if clock.count(":") == 1:
        clock += ":00"
    return [f"{match[1]} {clock}", zone_name(match[3] or "UTC")]


def zone_name(zone: str) -> str:
    """A zone as Trino shows it: UTC for Z and +00:00, +hh:mm for an offset."""
    if zone in ("Z", "UTC", "GMT", "UT", "Zulu"):
        return "UTC"
    if match := re.fullmatch(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?", zone):
        name = f"{match[1]}{int(match[2]):02d}:{match[3] or '00'}"
        return "UTC" if name[1:] == "00:00" else name
    return zone


def register(database: duckdb.DuckDBPyConnection) -> None:
    database.create_function("zoned_parts", zoned_parts, ["VARCHAR"], "VARCHAR[]")


def json_canonical(text: str) -> str:
    """JSON text as Trino writes it: no blanks, keys sorted, numbers as they were."""
    import json

    try:
        value = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant)
    except ValueError:
        raise Refused("INVALID_FUNCTION_ARGUMENT", f"Cannot convert value to JSON: '{text}'") from None
    return json_text(value)


class _Number(str):
    """A JSON number that keeps its digits."""


def _no_constant(name: str):
    raise ValueError(name)


def json_text(value) -> str:
    import json

    if isinstance(value, _Number):
        return value
    if isinstance(value, dict):
        inner = ",".join(f"{json.dumps(k, ensure_ascii=False)}:{json_text(value[k])}" for k in sorted(value))
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
