"""Dates and times: zones, units, formats."""

import re

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError, Refused
from infra.engines.athena.functions.formats import joda_tokens, mysql_format
from infra.engines.athena.functions.zones import zone_name
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type, literal
from infra.local.athena.functions.builders.common import INTERVALS, expression
from infra.local.athena.functions.builders.literals import check_zone


def at_time_zone(ex, node: Node):
    value = ex.check(node.value)
    if node.zone.kind == "interval":
        zone = ex.check(node.zone)
        name = f"offset_name(CAST(epoch_ms({zone.sql}) // 60000 AS BIGINT))"
    else:
        constant = zone_name(node.zone.value)
        check_zone(ex, node.zone, constant)
        name = literal(constant)
    return in_zone(ex, node, value, name)


def in_zone(ex, node: Node, value, zone: str):
    if value.type.name in ("timestamp", "date"):
        value = ex.coerce(value, Type(t.ZONED[0], value.type.args or (3,)))
    if value.type.name != t.ZONED[0]:
        text = f"Type of value must be a time or timestamp with or without time zone (actual {value.type})"
        raise ex.error("TYPE_MISMATCH", node.value if hasattr(node, "value") else node, text)
    return expression(f"shown_in({value.sql}, {zone})", value.type, value)


_DATE_UNITS = ("day", "week", "month", "quarter", "year")
_TIME_UNITS = ("millisecond", "second", "minute", "hour")


def _unit(ex, node, args, allowed: tuple[str, ...], what: str) -> str:
    unit = args[0].constant
    if not isinstance(unit, str):
        raise ex.error("NOT_SUPPORTED", node, f"The unit of {node.name} must be a literal in the local Athena")
    if unit.lower() not in allowed:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {what} field")
    return unit.lower()


def _units(kind: Type) -> tuple[tuple[str, ...], str]:
    if kind.name == "date":
        return _DATE_UNITS, "DATE"
    if kind.name == "time":
        return _TIME_UNITS, "TIME"
    return _DATE_UNITS + _TIME_UNITS, "TIMESTAMP"


def date_trunc(ex, node, bound, args):
    kind = args[1].type
    unit = _unit(ex, node, args, *_units(kind))
    if kind.name == "time":
        return f"CAST(date_trunc('{unit}', DATE '1970-01-01' + {args[1].sql}) AS TIME)"
    if kind.name == t.ZONED[0]:
        return f"at_zone(date_trunc('{unit}', local_time({args[1].sql})), struct_extract({args[1].sql}, 'z'))"
    value = f"date_trunc('{unit}', {args[1].sql})"
    return f"CAST({value} AS DATE)" if kind.name == "date" else f"CAST({value} AS TIMESTAMP)"


def _amount(unit: str, count: str) -> str:
    if unit in ("month", "quarter", "year"):
        factor = {"month": 1, "quarter": 3, "year": 12}[unit]
        return f"to_months(CAST({count} * {factor} AS INTEGER))"
    if unit in ("day", "week"):
        return f"to_days(CAST({count} * {7 if unit == 'week' else 1} AS INTEGER))"
    return f"to_{unit}s({count})"


def date_add(ex, node, bound, args):
    kind = args[2].type
    unit = _unit(ex, node, args, *_units(kind))
    amount = _amount(unit, args[1].sql)
    if kind.name == "date":
        return f"CAST({args[2].sql} + {amount} AS DATE)"
    if kind.name == t.ZONED[0]:
        if unit in _TIME_UNITS:
            return f"shown_in(struct_pack(i := struct_extract({args[2].sql}, 'i') + {amount}, z := ''), struct_extract({args[2].sql}, 'z'))"
        return f"at_zone(local_time({args[2].sql}) + {amount}, struct_extract({args[2].sql}, 'z'))"
    return f"({args[2].sql} + {amount})"


def date_diff(ex, node, bound, args):
    kind = args[1].type
    unit = _unit(ex, node, args, *_units(kind))
    a, b = args[1].sql, args[2].sql
    if kind.name == t.ZONED[0]:
        if unit in _TIME_UNITS:
            a, b = f"timezone('UTC', struct_extract({a}, 'i'))", f"timezone('UTC', struct_extract({b}, 'i'))"
        else:
            zone = f"struct_extract({a}, 'z')"
            a, b = f"local_time({a})", f"local_time(shown_in({b}, {zone}))"
    if kind.name == "time":
        a, b = (f"(DATE '1970-01-01' + {x})" for x in (a, b))
    return f"CAST(date_sub('{unit}', {a}, {b}) AS BIGINT)"


def _moment(e) -> str:
    return f"local_time({e.sql})" if e.type.name == t.ZONED[0] else f"CAST({e.sql} AS TIMESTAMP)"


def date_format(ex, node, bound, args):
    moment = _moment(args[0])
    if not isinstance(args[1].constant, str):
        return f"strftime({moment}, mysql_format({args[1].sql}))"
    return f"strftime({moment}, {literal(refusing(mysql_format, args[1].constant))})"


def refusing(function, *values):
    """A function of the engine at once, for literals."""
    try:
        return function(*values)
    except Refused as error:
        code, _, text = str(error).removeprefix("ATHENA ").partition(": ")
        raise QueryError(code, text) from None


def date_parse(ex, node, bound, args):
    if not isinstance(args[1].constant, str):
        return f"strptime({args[0].sql}, mysql_format({args[1].sql}))"
    text = refusing(mysql_format, args[1].constant).replace("%-", "%")
    given = args[0].sql
    if text.endswith(".%f"):  # nine digits are read, DuckDB reads six
        given = rf"regexp_replace({given}, '(\.\d{{6}})\d{{1,3}}$', '\1')"
    if re.search("%[YyG]", text):
        made = f"try_strptime({given}, {literal(text)})"
    else:
        made = f"try_strptime('1970 ' || {given}, {literal('%Y ' + text)})"
    if "%y" in text:
        made = f"of_this_century({made})"
    if "%I" in text and "%p" not in text:
        made = f"before_noon({made})"
    return f"coalesce(CAST({made} AS TIMESTAMP), date_refused({args[0].sql}, {args[1].sql}))"


_JODA = {
    "yyyy": "%Y", "YYYY": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d", "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g",
    "SSSSSS": "%f", "a": "%p", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "DDD": "%j", "e": "%u", "xxxx": "%G", "ww": "%V",
}  # fmt: skip


def format_datetime(ex, node, bound, args):
    if isinstance(args[1].constant, str):
        tokens = refusing(joda_tokens, args[1].constant)
        if all(text or field in _JODA for field, text in tokens):
            text = "".join(_JODA[field] if field else text.replace("%", "%%") for field, text in tokens)
            return f"strftime({_moment(args[0])}, {literal(text)})"
    if args[0].type.name == t.ZONED[0]:
        return f"joda_format(local_time({args[0].sql}), struct_extract({args[0].sql}, 'z'), zone_minutes({args[0].sql}), {args[1].sql})"
    return f"joda_format(CAST({args[0].sql} AS TIMESTAMP), 'UTC', 0, {args[1].sql})"


def to_iso8601(ex, node, bound, args):
    kind = args[0].type
    digits = kind.args[0]
    text = f"strftime({_moment(args[0])}, '%Y-%m-%dT%H:%M:%S.%f')"
    text = f"left({text}, {19 + (digits + 1 if digits else 0)})" if digits < 6 else text
    if kind.name == t.ZONED[0]:
        text = f"({text} || CASE WHEN struct_extract({args[0].sql}, 'z') = 'UTC' THEN 'Z' ELSE iso_offset(zone_minutes({args[0].sql})) END)"
    return text


def date_sequence(ex, node, bound, args):
    start, stop = f"CAST({args[0].sql} AS TIMESTAMP)", f"CAST({args[1].sql} AS TIMESTAMP)"
    if len(args) < 3:
        moments = (
            f"day_sequence({start}, {stop}, CASE WHEN {args[0].sql} <= {args[1].sql} THEN 86400000 ELSE -86400000 END)"
        )
    elif args[2].type.name == INTERVALS[0]:
        moments = f"day_sequence({start}, {stop}, epoch_ms({args[2].sql}))"
    else:
        moments = f"month_sequence({start}, {stop}, months_of({args[2].sql}))"
    name = ex.casts.fresh()
    return f"list_transform({moments}, lambda {name}: CAST({name} AS DATE))"
