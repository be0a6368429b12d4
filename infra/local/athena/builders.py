"""What a line of SQL text can't say: functions and operators whose DuckDB SQL depends on types or on literal arguments."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import types as t
from .casts import castable
from .errors import QueryError
from .grammar import Node
from .types import Type
from .udf import Refused, json_canonical, zone_name, zoned_parts

INTERVALS = ("interval day to second", "interval year to month")


def _expr(sql: str, kind: Type, *parts, constant=None):
    from .expressions import Expr

    return Expr(sql, kind, parts, constant)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- literals


def typed_literal(ex, node: Node):
    name, text = node.type, node.value
    if name == "decimal":
        return ex._decimal_literal(node, text)
    if name == "timestamp":
        return _timestamp_literal(ex, node, text)
    if name == "json":
        try:
            return _expr(f"CAST({_quote(json_canonical(text))} AS JSON)", t.JSON)
        except Refused:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid JSON literal") from None
    if name == "char":
        return _expr(_quote(text), Type("char", (len(text),)), constant=text)
    if name == "varchar":
        return _expr(_quote(text), t.VARCHAR, constant=text)
    if name == "time":
        match = re.fullmatch(r"\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.(\d+))?)?", text)
        if not match:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid TIME literal")
        return _expr(f"CAST({_quote(_full_clock(text))} AS TIME)", Type("time", (len(match[1] or ""),)))
    if name == "date":
        try:
            year, month, day = text.strip().split("-")
            value = date(int(year), int(month), int(day))
        except ValueError:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid DATE literal") from None
        return _expr(f"DATE '{value}'", t.DATE)
    kind = ex.type(name, node.pos)
    if kind.name in t.NUMBERS or kind.name in ("boolean", "uuid", "ipaddress"):
        return _expr(ex.casts.cast(_quote(text), t.VARCHAR, kind), kind)
    raise ex.error("INVALID_LITERAL", node, f"No literal form for type {kind}")


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
        return _expr(f"TIMESTAMP '{_padded(local)}'", Type("timestamp", (len(fraction),)))
    _check_zone(ex, node, zone)
    return _expr(f"at_zone(TIMESTAMP '{_padded(local)}', {_quote(zone)})", Type(t.ZONED[0], (len(fraction),)))


def _padded(local: str) -> str:
    day, clock = local.split(" ")
    return "-".join(p.zfill(2) for p in day.split("-")) + " " + ":".join(p.zfill(2) for p in clock.split(":"))


def _check_zone(ex, node: Node, zone: str) -> None:
    if zone[0] in "+-" or zone == "UTC":
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ex.error("INVALID_FUNCTION_ARGUMENT", node, f"'{zone}' is not a valid time zone") from None


_FORMS = {
    ("DAY", "SECOND"): r"(?P<DAY>\d+) (?P<HOUR>\d+):(?P<MINUTE>\d+):(?P<SECOND>\d+(?:\.\d+)?)",
    ("DAY", "MINUTE"): r"(?P<DAY>\d+) (?P<HOUR>\d+):(?P<MINUTE>\d+)",
    ("DAY", "HOUR"): r"(?P<DAY>\d+) (?P<HOUR>\d+)",
    ("HOUR", "SECOND"): r"(?P<HOUR>\d+):(?P<MINUTE>\d+):(?P<SECOND>\d+(?:\.\d+)?)",
    ("HOUR", "MINUTE"): r"(?P<HOUR>\d+):(?P<MINUTE>\d+)",
    ("MINUTE", "SECOND"): r"(?P<MINUTE>\d+):(?P<SECOND>\d+(?:\.\d+)?)",
    ("YEAR", "MONTH"): r"(?P<YEAR>\d+)-(?P<MONTH>\d+)",
}
_MILLIS = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}


def interval_literal(ex, node: Node):
    single = r"\s*(?P<sign>[+-]?)(?P<%s>\d+(?:\.\d+)?)\s*" % node.first
    form = (
        single
        if node.last in (None, node.first)
        else r"\s*(?P<sign>[+-]?)" + _FORMS.get((node.first, node.last), "(?!)")
    )
    match = re.fullmatch(form, node.value)
    years = node.first in ("YEAR", "MONTH")
    if not match or ("." in node.value and node.first != "SECOND" and node.last != "SECOND"):
        raise ex.error("INVALID_LITERAL", node, f"'{node.value}' is not a valid interval literal")
    parts = match.groupdict()
    sign = -1 if (parts.pop("sign") == "-") != node.negative else 1
    if years:
        months = int(parts.get("YEAR") or 0) * 12 + int(parts.get("MONTH") or 0)
        return _expr(f"to_months({sign * months})", Type(INTERVALS[1]))
    millis = round(sum(float(v) * _MILLIS[k] for k, v in parts.items()))
    return _expr(f"to_milliseconds({sign * millis})", t.DAY_TO_SECOND)


def current(ex, node: Node):
    word = node.word
    now = "utc_now()"
    if word == "CURRENT_DATE":
        return _expr(f"CAST({now} AS DATE)", t.DATE)
    if word in ("CURRENT_TIMESTAMP", "LOCALTIMESTAMP"):
        precision = node.precision if node.precision is not None else 3
        if word == "LOCALTIMESTAMP":
            return _expr(now, Type("timestamp", (precision,)))
        return _expr(f"utc_zoned({now})", Type(t.ZONED[0], (precision,)))
    if word == "LOCALTIME":
        return _expr(f"CAST({now} AS TIME)", Type("time", (node.precision or 3,)))
    if word == "CURRENT_TIME":
        return _expr(f"CAST(CAST(CAST({now} AS TIME) AS VARCHAR) || '+00' AS TIMETZ)", Type(t.ZONED[1], (3,)))
    if word == "CURRENT_CATALOG":
        return _expr("'awsdatacatalog'", t.VARCHAR, constant="awsdatacatalog")
    if word == "CURRENT_SCHEMA":
        name = ex.checker.database
        return _expr(_quote(name) if name else "CAST(NULL AS VARCHAR)", t.VARCHAR, constant=name)
    raise ex.error("NOT_SUPPORTED", node, f"{word} is not supported")


# --- operators


def concatenate(ex, node: Node, left, right):
    kinds = left.type.name, right.type.name
    if "array" in kinds:
        return _array_concat(ex, node, left, right)
    if all(k in ("varchar", "char", "unknown") for k in kinds):
        return _expr(f"({_text_or_null(left)} || {_text_or_null(right)})", t.VARCHAR, left, right)
    if all(k in ("varbinary", "unknown") for k in kinds):
        return _expr(f"({left.sql} || {right.sql})", t.VARBINARY, left, right)
    given = f"{left.type}, {right.type}"
    expected = "concat(char(x), char(y)), concat(array(E), E) E, concat(E, array(E)) E, concat(array(E)) E, concat(varchar), concat(varbinary)"
    raise ex.error(
        "FUNCTION_NOT_FOUND", node, f"Unexpected parameters ({given}) for function concat. Expected: {expected}"
    )


def _text_or_null(e) -> str:
    return "CAST(NULL AS VARCHAR)" if e.type.name == "unknown" else e.sql


def _array_concat(ex, node: Node, left, right):
    sides = []
    for e, other in ((left, right), (right, left)):
        if e.type.name == "array":
            sides.append(e)
        elif e.type.name == "unknown" and other.type.element.name != "unknown":
            sides.append(_expr(f"CAST(NULL AS {t.duckdb(other.type)})", other.type, e))
        else:
            sides.append(_expr(f"[{e.sql}]", t.array(e.type), e))
    kind = t.common(sides[0].type, sides[1].type)
    if kind is None:
        text = f"Unexpected parameters ({left.type}, {right.type}) for function concat."
        raise ex.error("FUNCTION_NOT_FOUND", node, text)
    a, b = (ex.coerce(e, kind).sql for e in sides)
    return _expr(f"array_joined({a}, {b})", kind, left, right)


def arithmetic(ex, node: Node, left, right):
    operator = node.operator
    a, b = left.type, right.type
    if a.name in t.NUMBERS + ("unknown",) and b.name in t.NUMBERS + ("unknown",) and (a != t.UNKNOWN or b != t.UNKNOWN):
        return _numbers(ex, operator, left, right)
    found = _moments(ex, node, operator, left, right)
    if found is None:
        raise ex.error("TYPE_MISMATCH", node, f"Cannot apply operator: {a} {operator} {b}")
    return found


def _numbers(ex, operator: str, left, right):
    kind = t.common(left.type, right.type)
    if kind.name == "decimal":
        return _decimals(
            ex, operator, ex.coerce(left, _decimal_of(left, kind)), ex.coerce(right, _decimal_of(right, kind))
        )
    a, b = ex.coerce(left, kind), ex.coerce(right, kind)
    if operator == "/" and kind.name in t.INTEGERS:
        operator = "//"
    if operator == "%" and kind.name in ("real", "double"):
        return _expr(f"fmod({a.sql}, {b.sql})", kind, a, b)
    constant = None
    return _expr(f"({a.sql} {operator} {b.sql})", kind, a, b, constant=constant)


def _decimal_of(e, kind: Type) -> Type:
    return kind if e.type.name == "unknown" else t.as_decimal(e.type)


def _decimals(ex, operator: str, left, right):
    (p1, s1), (p2, s2) = left.type.args, right.type.args
    scale = max(s1, s2)
    if operator in "+-":
        kind = t.decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
        wide = t.duckdb(kind)
        return _expr(
            f"CAST((CAST({left.sql} AS {wide}) {operator} CAST({right.sql} AS {wide})) AS {wide})", kind, left, right
        )
    if operator == "*":
        kind = t.decimal(p1 + p2, s1 + s2)
        return _expr(f"CAST(({left.sql} * {right.sql}) AS {t.duckdb(kind)})", kind, left, right)
    if operator == "/":
        kind = t.decimal(p1 + s2 + max(0, s2 - s1), scale)
        top = f"unscaled({left.sql}, {s1}) * {_power(scale - s1 + s2)}"
        return _expr(
            f"rescaled(rounded_division({top}, unscaled({right.sql}, {s2})), {scale})::{t.duckdb(kind)}",
            kind,
            left,
            right,
        )
    kind = t.decimal(min(p2 - s2, p1 - s1) + scale, scale)
    return _expr(
        f"rescaled((unscaled({left.sql}, {s1}) * {_power(scale - s1)}) % (unscaled({right.sql}, {s2}) * {_power(scale - s2)}), {scale})::{t.duckdb(kind)}",
        kind, left, right,
    )  # fmt: skip


def _power(n: int) -> str:
    return f"{10**n}::HUGEINT"


_MOMENTS = ("date", "time", "timestamp", *t.ZONED)


def _moments(ex, node: Node, operator: str, left, right):
    """Arithmetic of dates, times and intervals; None if there is none."""
    a, b = left.type.name, right.type.name
    if operator == "+" and a in INTERVALS and b in _MOMENTS:
        left, right, a, b = right, left, b, a
    if operator in "+-" and a in _MOMENTS and b in INTERVALS:
        return _shifted(ex, node, operator, left, right)
    if operator == "-" and a in _MOMENTS and b in _MOMENTS:
        kind = t.common(left.type, right.type)
        if kind is None:
            return None
        x, y = (ex.key(ex.coerce(e, kind)) for e in (left, right))
        if kind.name == "date":
            return _expr(f"to_days(CAST({x} - {y} AS INTEGER))", t.DAY_TO_SECOND, left, right)
        return _expr(f"to_milliseconds((epoch_us({x}) - epoch_us({y})) // 1000)", t.DAY_TO_SECOND, left, right)
    if operator in "+-" and a == b and a in INTERVALS:
        return _expr(f"({left.sql} {operator} {right.sql})", left.type, left, right)
    if operator in "*/" and a in INTERVALS and b in t.NUMBERS:
        return _scaled(operator, left, right)
    if operator == "*" and a in t.NUMBERS and b in INTERVALS:
        return _scaled(operator, right, left)
    return None


def _scaled(operator: str, interval, number):
    value = f"CAST({number.sql} AS DOUBLE)"
    if interval.type.name == INTERVALS[0]:
        return _expr(
            f"to_milliseconds(CAST(trunc(epoch_ms({interval.sql}) {operator} {value}) AS BIGINT))",
            interval.type,
            interval,
            number,
        )
    months = f"(datepart('year', {interval.sql}) * 12 + datepart('month', {interval.sql}))"
    return _expr(f"to_months(CAST(trunc({months} {operator} {value}) AS INTEGER))", interval.type, interval, number)


def _shifted(ex, node: Node, operator: str, moment, interval):
    name = moment.type.name
    if name == "date":
        if interval.type.name == INTERVALS[0]:
            ex_sql = f"date_shifted({moment.sql}, {'-' if operator == '-' else ''}{interval.sql})"
            return _expr(ex_sql, t.DATE, moment, interval)
        return _expr(f"CAST({moment.sql} {operator} {interval.sql} AS DATE)", t.DATE, moment, interval)
    if name == "time" and interval.type.name == INTERVALS[1]:
        return None
    if name == t.ZONED[0]:
        if interval.type.name == INTERVALS[0]:
            inner = f"struct_extract({moment.sql}, 'i') {operator} {interval.sql}"
            return _expr(
                f"struct_pack(i := {inner}, z := struct_extract({moment.sql}, 'z'))", moment.type, moment, interval
            )
        inner = f"local_time({moment.sql}) {operator} {interval.sql}"
        return _expr(f"at_zone({inner}, struct_extract({moment.sql}, 'z'))", moment.type, moment, interval)
    kind = moment.type if name != "timestamp" or moment.type.args[0] >= 3 else t.TIMESTAMP
    return _expr(f"({moment.sql} {operator} {interval.sql})", kind, moment, interval)


def at_time_zone(ex, node: Node):
    value = ex.check(node.value)
    if node.zone.kind == "interval":
        zone = ex.check(node.zone)
        name = f"offset_name(CAST(epoch_ms({zone.sql}) // 60000 AS BIGINT))"
    else:
        constant = zone_name(node.zone.value)
        _check_zone(ex, node.zone, constant)
        name = _quote(constant)
    return in_zone(ex, node, value, name)


def in_zone(ex, node: Node, value, zone: str):
    if value.type.name in ("timestamp", "date"):
        value = ex.coerce(value, Type(t.ZONED[0], value.type.args or (3,)))
    if value.type.name != t.ZONED[0]:
        text = f"Type of value must be a time or timestamp with or without time zone (actual {value.type})"
        raise ex.error("TYPE_MISMATCH", node.value if hasattr(node, "value") else node, text)
    return _expr(f"shown_in({value.sql}, {zone})", value.type, value)


def subscript(ex, node: Node):
    base, index = ex.check(node.base), ex.check(node.index)
    kind = base.type
    if kind.name == "row":
        if index.constant is None or index.type.name not in t.INTEGERS:
            raise ex.error(
                "INVALID_FUNCTION_ARGUMENT", node.index, "Subscript expression on ROW requires a constant index"
            )
        if not 1 <= index.constant <= len(kind.args):
            text = f"ROW index out of bounds: {index.constant}"
            raise ex.error("INVALID_FUNCTION_ARGUMENT", node.index, text)
        name = t.field_names(kind)[index.constant - 1]
        return _expr(f"struct_extract({base.sql}, {_quote(name)})", kind.args[index.constant - 1][1], base)
    if kind.name == "array" and index.type.name in (*t.INTEGERS, "unknown"):
        return _expr(f"array_subscript({base.sql}, {index.sql})", kind.element, base, index)
    if kind.name == "map" and t.coercible(index.type, kind.args[0]):
        key = ex.coerce(index, kind.args[0])
        text = ex.casts.text("k", kind.args[0]) if castable(kind.args[0], t.VARCHAR) else "CAST(k AS VARCHAR)"
        shown = text.replace("k", key.sql, 1) if text == "k" else ex.casts.text(key.sql, kind.args[0])
        return _expr(f"map_subscript({base.sql}, {key.sql}, {shown})", kind.args[1], base, index)
    raise ex.error("TYPE_MISMATCH", node, f"Cannot apply operator: {kind}[{index.type}]")


_FIELDS = {
    "year": "year",
    "quarter": "quarter",
    "month": "month",
    "week": "week_of_year",
    "day": "day",
    "day_of_month": "day",
    "day_of_week": "day_of_week",
    "dow": "day_of_week",
    "day_of_year": "day_of_year",
    "doy": "day_of_year",
    "year_of_week": "year_of_week",
    "yow": "year_of_week",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
    "timezone_hour": "timezone_hour",
    "timezone_minute": "timezone_minute",
}


def extract(ex, node: Node):
    name = _FIELDS.get(node.field.value)
    if name is None:
        raise ex.error("INVALID_ARGUMENTS", node.field, f"Invalid EXTRACT field: {node.field.written}")
    call = Node(kind="call", name=name, args=[node.value], pos=node.pos, start=node.start, end=node.end, distinct=False,
                order=None, starred=False, filter=None, nulls=None, window=None)  # fmt: skip
    try:
        return ex._call(call)
    except QueryError as error:
        if error.code != "FUNCTION_NOT_FOUND":
            raise
        value = ex.check(node.value)
        raise ex.error("TYPE_MISMATCH", node.value, f"Cannot extract {node.field.value} from {value.type}") from None


# --- forms that look like calls


def _count(ex, node: Node, low: int, high: int | None, what: str) -> None:
    if len(node.args) < low or (high is not None and len(node.args) > high):
        raise ex.error("INVALID_FUNCTION_ARGUMENT", node, f"Invalid number of arguments for '{what}' function")


def _if(ex, node: Node):
    _count(ex, node, 2, 3, "if")
    condition = ex.boolean(node.args[0], "IF condition must evaluate to a boolean (actual: {})")
    values = [ex.check(a) for a in node.args[1:]]
    what = "Result types for IF must be the same:"
    kind = values[0].type
    if len(values) == 2:
        kind = t.common(values[0].type, values[1].type)
        if kind is None:
            raise ex.error("TYPE_MISMATCH", node, f"{what} {values[0].type} vs {values[1].type}")
    texts = [ex.coerce(v, kind).sql for v in values]
    tail = f" ELSE {texts[1]}" if len(texts) == 2 else ""
    return _expr(f"CASE WHEN {condition.sql} THEN {texts[0]}{tail} END", kind, condition, *values)


def _coalesce(ex, node: Node):
    if len(node.args) < 2:
        raise ex.error("INVALID_FUNCTION_ARGUMENT", node, "The 'coalesce' function must have at least two arguments")
    values = [ex.check(a) for a in node.args]
    what = "All COALESCE operands must be the same type or coercible to a common type."
    kind = ex.common_type(node.args, values, what, node)
    return _expr(f"coalesce({', '.join(ex.coerce(v, kind).sql for v in values)})", kind, *values)


def _nullif(ex, node: Node):
    _count(ex, node, 2, 2, "nullif")
    a, b = (ex.check(x) for x in node.args)
    kind = t.common(a.type, b.type)
    if kind is None:
        raise ex.error("TYPE_MISMATCH", node, f"Types are not comparable with NULLIF: {a.type} vs {b.type}")
    x, y = (ex.key(ex.coerce(e, kind)) for e in (a, b))
    return _expr(f"CASE WHEN {x} = {y} THEN NULL ELSE {a.sql} END", a.type, a, b)


def _try(ex, node: Node):
    _count(ex, node, 1, 1, "try")
    value = ex.check(node.args[0])
    return _expr(f"TRY({value.sql})", value.type, value)


def _typeof(ex, node: Node):
    _count(ex, node, 1, 1, "typeof")
    value = ex.check(node.args[0])
    found = _expr(_quote(str(value.type)), t.VARCHAR, constant=str(value.type))
    found.loose, found.aggregate = value.loose, value.aggregate
    return found


SPECIAL_FORMS = {"if": _if, "coalesce": _coalesce, "nullif": _nullif, "try": _try, "typeof": _typeof}
