"""Typed literals, intervals, and what CURRENT_… stands for."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError, Refused
from infra.engines.athena.functions.json_values import json_canonical
from infra.engines.athena.functions.zones import zoned_parts
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type, literal
from infra.local.athena.functions.builders.common import INTERVALS, expression


def typed_literal(ex, node: Node):
    name, text = node.type, node.value
    if name == "decimal":
        return ex._decimal_literal(node, text)
    if name == "timestamp":
        return _timestamp_literal(ex, node, text)
    if name == "json":
        try:
            return expression(f"CAST({literal(json_canonical(text))} AS JSON)", t.JSON)
        except Refused:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid JSON literal") from None
    if name == "char":
        return expression(literal(text), Type("char", (len(text),)), constant=text)
    if name == "varchar":
        return expression(literal(text), t.VARCHAR, constant=text)
    if name == "time":
        match = re.fullmatch(r"(?:[01]?\d|2[0-3]):[0-5]?\d(?::[0-5]?\d(?:\.(\d+))?)?", text)
        if not match:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid TIME literal")
        return expression(f"CAST({literal(_full_clock(text))} AS TIME)", Type("time", (len(match[1] or ""),)))
    if name == "date":
        return _date_literal(ex, node, text)
    kind = ex.type(name, node.pos)
    if kind.name in t.INTEGERS and not _is_whole(text, kind.name):
        raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid {kind.name.upper()} literal")
    if kind.name in t.NUMBERS or kind.name in ("boolean", "uuid", "ipaddress"):
        return expression(ex.casts.cast(literal(text), t.VARCHAR, kind), kind)
    raise ex.error("INVALID_LITERAL", node, f"No literal form for type {kind}")


def _date_literal(ex, node: Node, text: str):
    match = re.fullmatch(r"\s*([+-]?\d+)-(\d{1,2})-(\d{1,2})\s*", text)
    try:
        value = date(*map(int, match.groups())) if match else None
    except ValueError:
        value = None
    if value is None:
        raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid DATE literal")
    return expression(f"DATE '{value}'", t.DATE)


def _is_whole(text: str, name: str) -> bool:
    bits = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}[name]
    return re.fullmatch(r"[+-]?[0-9]+", text) is not None and -(1 << bits) <= int(text) < 1 << bits


def _full_clock(text: str) -> str:
    return text + ":00" if text.count(":") == 1 else text


def _timestamp_literal(ex, node: Node, text: str):
    try:
        local, zone = zoned_parts(text)
        fraction = local.partition(".")[2]
        datetime.fromisoformat(re.sub(r"\.\d+$", "", _padded(local)))
    except ValueError:
        raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid TIMESTAMP literal") from None
    if not re.search(r"([A-Za-z][\w/]*|\d[+-]\d{1,2}(:\d{2})?| [+-]\d{1,2}(:?\d{2})?)\s*$", text) or re.fullmatch(
        r"\s*\d+-\d+-\d+\s*", text
    ):
        return expression(f"TIMESTAMP '{_padded(local)}'", Type("timestamp", (len(fraction),)))
    check_zone(ex, node, zone)
    return expression(f"at_zone(TIMESTAMP '{_padded(local)}', {literal(zone)})", Type(t.ZONED[0], (len(fraction),)))


def _padded(local: str) -> str:
    day, clock = local.split(" ")
    return "-".join(p.zfill(2) for p in day.split("-")) + " " + ":".join(p.zfill(2) for p in clock.split(":"))


def check_zone(ex, node: Node, zone: str) -> None:
    if zone[0] in "+-" or zone == "UTC":
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise QueryError("NOT_SUPPORTED", f"Time zone not supported: {zone}") from None


_FORMS = {
    ("DAY", "SECOND"): r"(?P<DAY>\d+)(?: (?P<HOUR>\d+)(?::(?P<MINUTE>\d+)(?::(?P<SECOND>\d+(?:\.\d+)?))?)?)?",
    ("DAY", "MINUTE"): r"(?P<DAY>\d+)(?: (?P<HOUR>\d+)(?::(?P<MINUTE>\d+))?)?",
    ("DAY", "HOUR"): r"(?P<DAY>\d+)(?: (?P<HOUR>\d+))?",
    ("HOUR", "SECOND"): r"(?P<HOUR>\d+)(?::(?P<MINUTE>\d+)(?::(?P<SECOND>\d+(?:\.\d+)?))?)?",
    ("HOUR", "MINUTE"): r"(?P<HOUR>\d+)(?::(?P<MINUTE>\d+))?",
    ("MINUTE", "SECOND"): r"(?P<MINUTE>\d+)(?::(?P<SECOND>\d+(?:\.\d+)?))?",
    ("YEAR", "MONTH"): r"(?P<YEAR>\d+)(?:-(?P<MONTH>\d+))?",
}
_MILLIS = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}


def interval_literal(ex, node: Node):
    single = rf"\s*(?P<sign>[+-]?)(?P<{node.first}>\d+(?:\.\d+)?)\s*"
    form = (
        single
        if node.last in (None, node.first)
        else r"\s*(?P<sign>[+-]?)" + _FORMS.get((node.first, node.last), "(?!)")
    )
    match = re.fullmatch(form, node.value)
    years = node.first in ("YEAR", "MONTH")
    if not match or ("." in node.value and node.first != "SECOND" and node.last != "SECOND"):
        raise ex.error("INVALID_LITERAL", node, f"'{node.value}' is not a valid INTERVAL literal")
    parts = match.groupdict()
    sign = -1 if (parts.pop("sign") == "-") != node.negative else 1
    if years:
        months = int(parts.get("YEAR") or 0) * 12 + int(parts.get("MONTH") or 0)
        return expression(f"to_months({sign * months})", Type(INTERVALS[1]))
    millis = round(sum(float(v or 0) * _MILLIS[k] for k, v in parts.items()))
    return expression(f"to_milliseconds({sign * millis})", t.DAY_TO_SECOND)


def current(ex, node: Node):
    word = node.word
    now = "utc_now()"
    if word == "CURRENT_DATE":
        return expression(f"CAST({now} AS DATE)", t.DATE)
    if word in ("CURRENT_TIMESTAMP", "LOCALTIMESTAMP"):
        precision = node.precision if node.precision is not None else 3
        if word == "LOCALTIMESTAMP":
            return expression(now, Type("timestamp", (precision,)))
        return expression(f"utc_zoned({now})", Type(t.ZONED[0], (precision,)))
    if word == "LOCALTIME":
        return expression(f"CAST({now} AS TIME)", Type("time", (node.precision or 3,)))
    if word == "CURRENT_TIME":
        return expression(f"CAST(CAST(CAST({now} AS TIME) AS VARCHAR) || '+00' AS TIMETZ)", Type(t.ZONED[1], (3,)))
    if word == "CURRENT_CATALOG":
        return expression("'awsdatacatalog'", t.VARCHAR, constant="awsdatacatalog")
    if word == "CURRENT_SCHEMA":
        name = ex.checker.database
        return expression(literal(name) if name else "CAST(NULL AS VARCHAR)", t.VARCHAR, constant=name)
    raise ex.error("NOT_SUPPORTED", node, f"{word} is not supported")
