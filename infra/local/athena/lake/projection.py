"""Partition projection: the partitions of a table that are computed from its properties, not kept in Glue.

Only partitions with objects matter, so the paths that exist are read against the template, and their values against the ranges.
Source: https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from infra.engines.athena.errors import QueryError

_UNIT_SECONDS = {"MILLISECONDS": 0.001, "SECONDS": 1, "MINUTES": 60, "HOURS": 3600, "DAYS": 86400, "WEEKS": 604800}
_MONTHS = {"MONTHS": 1, "YEARS": 12}
_RELATIVE = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+))?", re.IGNORECASE)
_LETTERS = {
    "y": ("Y", r"\d{%d}"), "u": ("Y", r"\d{%d}"), "M": ("m", r"\d{%d}"), "d": ("d", r"\d{%d}"),
    "H": ("H", r"\d{%d}"), "m": ("M", r"\d{%d}"), "s": ("S", r"\d{%d}"),
}  # fmt: skip
_FINEST = ["s", "m", "H", "d", "M", "y"]


class Projection(NamedTuple):
    """How the values of one partition column are made: `pattern` matches one value, `accepts` checks its range."""

    name: str
    kind: str
    pattern: str
    accepts: Any


def is_enabled(table: dict[str, Any]) -> bool:
    return (table.get("Parameters") or {}).get("projection.enabled", "").lower() == "true"


def projections(table: dict[str, Any]) -> list[Projection]:
    """The projections of a table's partition columns. Raises QueryError HIVE_METASTORE_ERROR for a bad configuration."""
    parameters = table.get("Parameters") or {}
    names = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
    name = f"{table['DatabaseName']}.{table['Name']}"
    missing = [n for n in names if f"projection.{n}.type" not in parameters]
    if missing:
        raise _bad(
            table,
            f"Table {name} is configured for partition projection, but the following partition columns are missing "
            f"projection configuration: [{', '.join(missing)}]",
        )
    return [_projection(table, n, parameters) for n in names]


def _bad(table: dict[str, Any], text: str) -> QueryError:
    return QueryError("HIVE_METASTORE_ERROR", f"{text} (table {table['DatabaseName']}.{table['Name']})")


def _projection(table: dict[str, Any], name: str, parameters: dict[str, str]) -> Projection:
    kind = parameters[f"projection.{name}.type"].lower()
    settings = {
        key.removeprefix(f"projection.{name}."): value
        for key, value in parameters.items()
        if key.startswith(f"projection.{name}.")
    }
    try:
        if kind == "enum":
            values = [value.strip() for value in settings["values"].split(",")]
            return Projection(name, kind, "|".join(re.escape(v) for v in values), values.__contains__)
        if kind == "integer":
            return _integer(name, settings)
        if kind == "date":
            return _date(name, settings)
        if kind == "injected":
            return Projection(name, kind, r"[^/]+?", lambda value: True)
    except KeyError as error:
        raise _bad(table, f"The property projection.{name}.{error.args[0]} is missing") from None
    except ValueError as error:
        raise _bad(table, f"Invalid partition projection of column {name}: {error}") from None
    raise _bad(table, f"Unknown projection type '{kind}' of column {name}")


def _integer(name: str, settings: dict[str, str]) -> Projection:
    low, high = (int(part) for part in settings["range"].split(","))
    step, digits = int(settings.get("interval", "1")), int(settings.get("digits", "0"))

    def accepts(value: str) -> bool:
        number = int(value)
        return low <= number <= high and (number - low) % step == 0 and value == str(number).rjust(digits, "0")

    return Projection(name, "integer", r"-?\d+", accepts)


def _date(name: str, settings: dict[str, str]) -> Projection:
    pattern, python_format, finest = _date_format(settings["format"])
    now = datetime.now(UTC).replace(tzinfo=None)
    low, high = (_moment(part.strip(), python_format, now) for part in settings["range"].split(","))
    unit = settings.get("interval.unit", "").upper() or ({"d": "DAYS", "M": "MONTHS"}.get(finest) or "")
    if not unit:
        raise ValueError(f"interval.unit is required for the format '{settings['format']}'")
    step = int(settings.get("interval", "1"))

    def accepts(value: str) -> bool:
        try:
            moment = datetime.strptime(value, python_format)
        except ValueError:
            return False
        start = low.replace(microsecond=0)
        start = datetime.strptime(start.strftime(python_format), python_format)
        if not start <= moment <= high:
            return False
        if unit in _MONTHS:
            months = (moment.year - start.year) * 12 + moment.month - start.month
            return months % (step * _MONTHS[unit]) == 0
        return (moment - start).total_seconds() % (step * _UNIT_SECONDS[unit]) == 0

    if unit not in _MONTHS and unit not in _UNIT_SECONDS:
        raise ValueError(f"unknown interval.unit '{unit}'")
    return Projection(name, "date", pattern, accepts)


def _date_format(java: str) -> tuple[str, str, str]:
    """A Java date format as a regular expression, as strptime's format, and its finest letter."""
    pattern, python, finest = "", "", "y"
    for match in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", java, re.DOTALL):
        literal, letter = match[1], match[2]
        if letter:
            if letter not in _LETTERS:
                raise ValueError(f"the letter '{letter}' of the format '{java}' is not supported")
            code, digits = _LETTERS[letter]
            length = len(match[0])
            pattern += digits % length if length > 1 else r"\d{1,4}"
            python += "%y" if code == "Y" and length == 2 else f"%{code}"
            finest = min(finest, "y" if letter == "u" else letter, key=_FINEST.index)
        else:
            text = literal.replace("''", "'") if literal is not None else match[0]
            pattern += re.escape(text)
            python += text.replace("%", "%%")
    return pattern, python, finest


def _moment(text: str, python_format: str, now: datetime) -> datetime:
    match = _RELATIVE.fullmatch(text)
    if match is None:
        return datetime.strptime(text, python_format)
    if not match[1]:
        return now
    amount = int(match[2]) * (1 if match[1] == "+" else -1)
    unit = match[3].upper().rstrip("S") + "S"
    if unit in _MONTHS:
        months = now.year * 12 + now.month - 1 + amount * _MONTHS[unit]
        return now.replace(year=months // 12, month=months % 12 + 1, day=min(now.day, 28))
    if unit not in _UNIT_SECONDS:
        raise ValueError(f"unknown unit in '{text}'")
    return now + timedelta(seconds=amount * _UNIT_SECONDS[unit])


def template(table: dict[str, Any], found: list[Projection]) -> str:
    """The location template of a table; without the property it is <location>/<key>=${key}/…"""
    given = (table.get("Parameters") or {}).get("storage.location.template")
    if given:
        missing = [p.name for p in found if f"${{{p.name}}}" not in given]
        if missing:
            raise _bad(
                table, f"The storage.location.template has no placeholder for the columns [{', '.join(missing)}]"
            )
        return given if given.endswith("/") else given + "/"
    location = table["StorageDescriptor"].get("Location", "").rstrip("/")
    return location + "/" + "".join(f"{p.name}=${{{p.name}}}/" for p in found)


def matches(template_text: str, found: list[Projection], uris: Iterable[str]) -> dict[tuple[str, ...], str]:
    """The partitions that the URIs of objects lie in: values in the order of the columns → the partition's location."""
    expression, seen = "", set()
    patterns = {p.name: p.pattern for p in found}
    for match in re.finditer(r"\$\{(\w+)\}|(.)", template_text, re.DOTALL):
        name = match[1]
        if name is None:
            expression += re.escape(match[2])
        elif name.lower() in seen:
            expression += f"(?P={name.lower()})"
        else:
            seen.add(name.lower())
            expression += f"(?P<{name.lower()}>{patterns[name.lower()]})"
    compiled = re.compile(expression)
    partitions: dict[tuple[str, ...], str] = {}
    for uri in uris:
        fitting = compiled.match(uri)
        if fitting is None:
            continue
        values = tuple(fitting[p.name] for p in found)
        if values not in partitions and all(p.accepts(v) for p, v in zip(found, values, strict=True)):
            partitions[values] = fitting[0]
    return partitions


def static_prefix(template_text: str) -> str:
    """The part of a template before its first placeholder."""
    return template_text.partition("${")[0]
