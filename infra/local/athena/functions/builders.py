"""What a line of SQL text can't say: functions and operators whose DuckDB SQL depends on types or on literal arguments."""

import json
import re
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError, Refused
from infra.engines.athena.grammar import Node
from infra.engines.athena.jsonpath import DEFAULT, parsed, simple_steps
from infra.engines.athena.types import Type, literal
from infra.engines.athena.udf import joda_tokens, json_canonical, mysql_format, zone_name, zoned_parts
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.casts import castable
from infra.local.athena.sql.expr import Expr

INTERVALS = ("interval day to second", "interval year to month")


def _expr(sql: str, kind: Type, *parts, constant=None):
    return Expr(sql, kind, parts, constant)


# --- literals


def typed_literal(ex, node: Node):
    name, text = node.type, node.value
    if name == "decimal":
        return ex._decimal_literal(node, text)
    if name == "timestamp":
        return _timestamp_literal(ex, node, text)
    if name == "json":
        try:
            return _expr(f"CAST({literal(json_canonical(text))} AS JSON)", t.JSON)
        except Refused:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid JSON literal") from None
    if name == "char":
        return _expr(literal(text), Type("char", (len(text),)), constant=text)
    if name == "varchar":
        return _expr(literal(text), t.VARCHAR, constant=text)
    if name == "time":
        match = re.fullmatch(r"\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.(\d+))?)?", text)
        if not match:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid TIME literal")
        return _expr(f"CAST({literal(_full_clock(text))} AS TIME)", Type("time", (len(match[1] or ""),)))
    if name == "date":
        try:
            year, month, day = text.strip().split("-")
            value = date(int(year), int(month), int(day))
        except ValueError:
            raise ex.error("INVALID_LITERAL", node, f"'{text}' is not a valid DATE literal") from None
        return _expr(f"DATE '{value}'", t.DATE)
    kind = ex.type(name, node.pos)
    if kind.name in t.NUMBERS or kind.name in ("boolean", "uuid", "ipaddress"):
        return _expr(ex.casts.cast(literal(text), t.VARCHAR, kind), kind)
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
    return _expr(f"at_zone(TIMESTAMP '{_padded(local)}', {literal(zone)})", Type(t.ZONED[0], (len(fraction),)))


def _padded(local: str) -> str:
    day, clock = local.split(" ")
    return "-".join(p.zfill(2) for p in day.split("-")) + " " + ":".join(p.zfill(2) for p in clock.split(":"))


def _check_zone(ex, node: Node, zone: str) -> None:
    if zone[0] in "+-" or zone == "UTC":
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise QueryError("NOT_SUPPORTED", f"Time zone not supported: {zone}") from None


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
    single = rf"\s*(?P<sign>[+-]?)(?P<{node.first}>\d+(?:\.\d+)?)\s*"
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
        return _expr(literal(name) if name else "CAST(NULL AS VARCHAR)", t.VARCHAR, constant=name)
    raise ex.error("NOT_SUPPORTED", node, f"{word} is not supported")


# --- operators


def concatenate(ex, node: Node, left, right):
    kinds = left.type.name, right.type.name
    if "array" in kinds:
        return _array_concat(ex, node, left, right)
    if kinds == ("char", "char"):
        kind = Type("char", (left.type.args[0] + right.type.args[0],))
        return _expr(f"rpad({left.sql} || {right.sql}, {kind.args[0]}, ' ')", kind, left, right)
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
        name = literal(constant)
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
        return _expr(f"struct_extract({base.sql}, {literal(name)})", kind.args[index.constant - 1][1], base)
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
    return _expr(ex.attempt(value.sql, value), value.type, value)


def _typeof(ex, node: Node):
    _count(ex, node, 1, 1, "typeof")
    value = ex.check(node.args[0])
    name = literal(str(value.type))
    # An aggregate must stay one, for the query has one row by it.
    text = f"CASE WHEN {value.sql} IS NULL THEN {name} ELSE {name} END" if value.aggregate else name
    return _expr(text, t.VARCHAR, value, constant=str(value.type))


_KINDS = {**dict.fromkeys(t.INTEGERS, "d"), "decimal": "f", "double": "f", "real": "f", "boolean": "b"}


def _format(ex, node: Node):
    """format(pattern, …): every argument as a letter for its kind and its text."""
    if not node.args:
        raise ex.error("FUNCTION_NOT_FOUND", node, "Unexpected parameters () for function format.")
    pattern, *args = (ex.check(a) for a in node.args)
    if pattern.type.name not in ("varchar", "char", "unknown"):
        text = f"Unexpected parameters ({pattern.type}) for function format. Expected: format(varchar, T...)"
        raise ex.error("FUNCTION_NOT_FOUND", node, text)
    values = []
    for e in args:
        kind = _KINDS.get(e.type.name, "s")
        text = f"CAST({e.sql} AS VARCHAR)" if kind == "f" else ex.casts.text(e.sql, e.type)
        if e.type.name == "unknown":
            text = "CAST(NULL AS VARCHAR)"
        values.append(f"'{kind}' || coalesce({text}, chr(0))")
    return _expr(f"java_format({pattern.sql}, [{', '.join(values)}])", t.VARCHAR, pattern, *args)


SPECIAL_FORMS = {"format": _format, "if": _if, "coalesce": _coalesce, "nullif": _nullif, "try": _try, "typeof": _typeof}


# --- functions whose text depends on types or literals


def _again(ex, node: Node, bound, which: int, texts: list[str]) -> str:
    """The body of a lambda among the arguments, with these texts for its parameters."""
    pattern = bound.args[which]
    body, _ = ex.lambda_body(node.args[which], list(pattern.args[:-1]), texts)
    return ex.coerce(body, pattern.args[-1]).sql


def concat(ex, node, bound, args):
    if len(args) < 2:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "There must be two or more concatenation arguments")
    return "(" + " || ".join(a.sql for a in args) + ")"


def concat_arrays(ex, node, bound, args):
    text = args[0].sql
    for other in args[1:]:
        text = f"array_joined({text}, {other.sql})"
    return text


def concat_ws(ex, node, bound, args):
    separator, *rest = args
    return (
        f"CASE WHEN {separator.sql} IS NULL THEN NULL ELSE concat_ws({', '.join(a.sql for a in args)}) END"
        if rest
        else "''"
    )


def greatest(ex, node, bound, args):
    kind = bound.result
    if not t.orderable(kind):
        raise ex._not_found(node, args, functions.SCALARS[node.name])
    word = node.name
    nulls = " OR ".join(f"{a.sql} IS NULL" for a in args)
    return f"CASE WHEN {nulls} THEN NULL ELSE {word}({', '.join(a.sql for a in args)}) END"


# regular expressions


_BEYOND_RE2 = re.compile(r"\(\?[=!>]|\(\?<[=!]|\\[1-9]|[*+?}]\+|\\k<")


def _pattern(e) -> str | None:
    """A literal pattern as RE2 text; None if only Python can run it."""
    if not isinstance(e.constant, str):
        return e.sql
    if _BEYOND_RE2.search(e.constant):
        return None
    return literal(re.sub(r"\(\?<(?![=!])", "(?P<", e.constant))


def regexp_like(ex, node, bound, args):
    pattern = _pattern(args[1])
    return (
        f"py_regexp_like({args[0].sql}, {args[1].sql})"
        if pattern is None
        else f"regexp_matches({args[0].sql}, {pattern})"
    )


def _group(args) -> str:
    return f"CAST({args[2].sql} AS BIGINT)" if len(args) > 2 else "0"


def _check_group(ex, node, args) -> None:
    if len(args) > 2 and isinstance(args[2].constant, int) and args[2].constant < 0:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "Group cannot be negative")
    if len(args) < 3 or not isinstance(args[1].constant, str) or not isinstance(args[2].constant, int):
        return
    try:
        groups = re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", args[1].constant)).groups
    except re.error:
        return
    if args[2].constant > groups:
        text = f"Pattern has {groups} groups. Cannot access group {args[2].constant}"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", text)


def regexp_extract(ex, node, bound, args):
    _check_group(ex, node, args)
    pattern = _pattern(args[1])
    constant_group = len(args) < 3 or isinstance(args[2].constant, int)
    if pattern is None or not constant_group or not isinstance(args[1].constant, str):
        return f"py_regexp_extract({args[0].sql}, {args[1].sql}, {_group(args)})"
    group = args[2].constant if len(args) > 2 else 0
    if group and re.search(r"\)[?*]|\)\{0|\|", args[1].constant):
        return f"py_regexp_extract({args[0].sql}, {args[1].sql}, {_group(args)})"  # a group that took no part is NULL, for RE2 it is ''
    return (
        f"CASE WHEN regexp_matches({args[0].sql}, {pattern}) THEN regexp_extract({args[0].sql}, {pattern}, {group}) END"
    )


def regexp_extract_all(ex, node, bound, args):
    _check_group(ex, node, args)
    pattern = _pattern(args[1])
    if pattern is None or not isinstance(args[1].constant, str) or (len(args) > 2 and args[2].constant is None):
        return f"py_regexp_extract_all({args[0].sql}, {args[1].sql}, {_group(args)})"
    return f"regexp_extract_all({args[0].sql}, {pattern}, {args[2].constant if len(args) > 2 else 0})"


def regexp_count(ex, node, bound, args):
    pattern = _never_empty(args[1])
    found = (
        f"py_regexp_extract_all({args[0].sql}, {args[1].sql}, 0)"
        if pattern is None
        else f"regexp_extract_all({args[0].sql}, {pattern})"
    )
    return f"CAST(len({found}) AS BIGINT)"


def _never_empty(e) -> str | None:
    """A literal pattern as RE2 text if it can't match the empty text, where RE2 and Java differ."""
    pattern = _pattern(e) if isinstance(e.constant, str) else None
    try:
        return None if pattern is None or re.search(e.constant.replace("(?<", "(?P<"), "") else pattern
    except re.error:
        return None


def regexp_position(ex, node, bound, args):
    start, which = (args[i].sql if len(args) > i else "1" for i in (2, 3))
    return f"py_regexp_position({args[0].sql}, {args[1].sql}, {start}, {which})"


def regexp_split(ex, node, bound, args):
    pattern = _never_empty(args[1])
    return (
        f"py_regexp_split({args[0].sql}, {args[1].sql})"
        if pattern is None
        else f"regexp_split_to_array({args[0].sql}, {pattern})"
    )


def regexp_replace(ex, node, bound, args):
    pattern = _pattern(args[1])
    if len(args) == 2:
        return (
            f"py_regexp_replace({args[0].sql}, {args[1].sql}, '')"
            if pattern is None
            else f"regexp_replace({args[0].sql}, {pattern}, '', 'g')"
        )
    replacement = args[2].constant
    _check_replacement(args[1].constant, replacement)
    if (
        pattern is None
        or not isinstance(replacement, str)
        or not isinstance(args[1].constant, str)
        or "${" in replacement
    ):
        return f"py_regexp_replace({args[0].sql}, {args[1].sql}, {args[2].sql})"
    if re.search(r"\)[?*]|\|", args[1].constant) and "$" in replacement:
        return f"py_regexp_replace({args[0].sql}, {args[1].sql}, {args[2].sql})"
    text = re.sub(r"\\(.)|\$(\d)|(\\)", _replacement, replacement)
    return f"regexp_replace({args[0].sql}, {pattern}, {literal(text)}, 'g')"


def _check_replacement(pattern: object, replacement: object) -> None:
    """Raise QueryError for a group that a literal pattern does not have."""
    if isinstance(replacement, str) and re.fullmatch(r"(?:[^\\]|\\.)*\\", replacement, re.DOTALL):
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: {replacement}")
    if not isinstance(pattern, str) or not isinstance(replacement, str):
        return
    try:
        groups = re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern)).groups
    except re.error:  # the engine tells
        return
    for number in re.findall(r"(?<!\\)\$(\d)", replacement):
        if int(number) > groups:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: unknown group {number}")


def _replacement(match: re.Match) -> str:
    if match[2]:
        return "\\" + match[2]
    return "\\\\" if match[1] == "\\" or match[3] else match[1]


def regexp_replace_lambda(ex, node, bound, args):
    """The text between the matches and, after each but the last piece, what the lambda makes of the match's groups."""
    piece, index, once = ex.casts.fresh(), ex.casts.fresh(), ex.casts.fresh()
    made = _again(ex, node, bound, 2, [f"{once}.g[{index}]"])
    parts = (
        f"list_transform({once}.p, lambda {piece}, {index}: {piece} || "
        f"CASE WHEN {index} <= len({once}.g) THEN {made} ELSE '' END)"
    )
    inner = f"p := py_regexp_split({args[0].sql}, {args[1].sql}), g := py_regexp_groups({args[0].sql}, {args[1].sql})"
    return f"list_transform([struct_pack({inner})], lambda {once}: array_to_string({parts}, ''))[1]"


# numbers


def round_decimal(ex, node, bound, args):
    p, s = args[0].type.args
    kind = t.decimal(p - s + min(1, s), 0)
    word = {"ceiling": "ceil"}.get(node.name, node.name)
    return _expr(f"CAST({word}({args[0].sql}) AS {t.duckdb(kind)})", kind, *args)


def round_decimal_to(ex, node, bound, args):
    p, s = args[0].type.args
    kind = t.decimal(p + 1, s)
    return _expr(f"CAST(round({args[0].sql}, CAST({args[1].sql} AS INTEGER)) AS {t.duckdb(kind)})", kind, *args)


def truncate_decimal(ex, node, bound, args):
    p, s = args[0].type.args
    kind = t.decimal(max(p - s, 1), 0)
    return _expr(f"CAST(trunc({args[0].sql}) AS {t.duckdb(kind)})", kind, *args)


def truncate_decimal_to(ex, node, bound, args):
    kind = args[0].type
    digits = f"CAST({args[1].sql} AS INTEGER)"
    return _expr(f"CAST(trunc({args[0].sql}, {digits}) AS {t.duckdb(kind)})", kind, *args)


def mod_decimal(ex, node, bound, args):
    return _decimals(ex, "%", *args)


def avg_decimal(ex, node, bound, args):
    p, s = args[0].type.args
    kind = args[0].type
    of, distinct, tail = args[0].sql, bound.extra.distinct, bound.extra.tail
    top = f"sum({distinct}unscaled({of}, {s})){tail}"
    count = f"CAST(count({distinct}{of}){tail} AS HUGEINT)"
    return f"CAST(rescaled(rounded_division({top}, {count}), {s}) AS {t.duckdb(kind)})"


def extreme(ex, node, bound, args):
    if not t.orderable(args[0].type):
        raise ex._not_found(node, args, functions.AGGREGATES[node.name])
    return f"{node.name}({bound.extra.distinct}{args[0].sql}){bound.extra.tail}"


def array_agg(ex, node, bound, args):
    # DISTINCT keeps the first of equals in its place.
    return (
        f"ordered_distinct(list({args[0].sql}){bound.extra.tail})"
        if node.distinct and not node.order
        else f"list({bound.extra.distinct}{args[0].sql}{bound.extra.order}){bound.extra.tail}"
    )


def checksum(ex, node, bound, args):
    kind = args[0].type.name
    if kind in ("varchar", "char"):
        data = f"encode({args[0].sql})"
    elif kind == "varbinary":
        data = args[0].sql
    elif kind in t.INTEGERS or kind == "boolean":
        data = f"whole_bytes(CAST({args[0].sql} AS BIGINT), '<q')"
    elif kind == "date":
        data = f"whole_bytes(CAST({args[0].sql} - DATE '1970-01-01' AS BIGINT), '<q')"
    elif kind == "double":
        data = f"float_bytes({args[0].sql}, '<d')"
    else:
        raise ex.error("NOT_SUPPORTED", node, f"checksum of {args[0].type} is not supported by the local Athena")
    return f"checksum_of(list({data}){bound.extra.tail})"


def numeric_histogram(ex, node, bound, args):
    return f"histogram_of(list({args[1].sql}){bound.extra.tail}, {args[0].sql})"


# dates and times

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
    return f"strftime({moment}, {literal(_refusing(mysql_format, args[1].constant))})"


def _refusing(function, *values):
    """A function of udf.py at once, for literals."""
    try:
        return function(*values)
    except Refused as error:
        code, _, text = str(error).removeprefix("ATHENA ").partition(": ")
        raise QueryError(code, text) from None


def date_parse(ex, node, bound, args):
    if not isinstance(args[1].constant, str):
        return f"strptime({args[0].sql}, mysql_format({args[1].sql}))"
    text = _refusing(mysql_format, args[1].constant).replace("%-", "%")
    if re.search("%[YyG]", text):
        made = f"try_strptime({args[0].sql}, {literal(text)})"
    else:
        made = f"try_strptime('1970 ' || {args[0].sql}, {literal('%Y ' + text)})"
    return f"coalesce(CAST({made} AS TIMESTAMP), date_refused({args[0].sql}, {args[1].sql}))"


_JODA = {
    "yyyy": "%Y", "YYYY": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d", "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g",
    "SSSSSS": "%f", "a": "%p", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "DDD": "%j", "e": "%u", "xxxx": "%G", "ww": "%V",
}  # fmt: skip


def format_datetime(ex, node, bound, args):
    if isinstance(args[1].constant, str):
        tokens = _refusing(joda_tokens, args[1].constant)
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


# JSON


def _json_input(e) -> str:
    return e.sql if e.type.name == "json" else f"json_or_null({e.sql})"


def _duckdb_path(ex, path: str) -> str | None:
    """A path in DuckDB's spelling; None if it has none."""
    steps = _refusing(simple_steps, path)
    if any(isinstance(s, str) and ('"' in s or "*" in s) for s in steps):
        return None
    return "$" + "".join(f"[{s}]" if isinstance(s, int) else f'."{s}"' for s in steps)


def json_extract(ex, node, bound, args):
    path = _duckdb_path(ex, args[1].constant) if isinstance(args[1].constant, str) else None
    if path is None:
        return f"CAST(json_path(CAST({args[0].sql} AS VARCHAR), {args[1].sql}) AS JSON)"
    return f"json_extract({_json_input(args[0])}, {literal(path)})"


def json_extract_scalar(ex, node, bound, args):
    found = json_extract(ex, node, bound, args)
    # DuckDB would write the number 1.50 as 1.5.
    return f"CASE WHEN json_type({found}) = 'DOUBLE' THEN json_path(CAST({args[0].sql} AS VARCHAR), {args[1].sql}) ELSE json_scalar({found}) END"


def json_size(ex, node, bound, args):
    return f"json_size_of({json_extract(ex, node, bound, args)})"


def json_path_call(ex, node: Node):
    value = ex.check(node.value)
    if value.type.name not in ("varchar", "char", "json", "unknown"):
        text = f"Cannot read input of type {value.type} as JSON using formatting JSON"
        raise ex.error("TYPE_MISMATCH", node.value, text)
    path = node.path.value
    _refusing(parsed, path)
    form = {"name": node.name, "wrapper": node.wrapper, "quotes": node.quotes}
    defaults = []
    for when in ("on_empty", "on_error"):
        choice = getattr(node, when)
        if choice is not None and not isinstance(choice, str):
            form[when] = "DEFAULT"
            defaults.append(ex.check(choice))
        else:
            form[when] = choice
    text = f"sql_json(CAST({value.sql} AS VARCHAR), {literal(path)}, {literal(json.dumps(form))})"
    if node.name == "json_exists":
        return _expr(f"CAST(nullif({text}, '') AS BOOLEAN)", t.BOOLEAN, value)
    kind = ex.type(*node.returning) if node.returning else t.VARCHAR
    if node.name == "json_query":
        return _expr(ex.casts.cast(text, t.VARCHAR, kind), kind, value)
    answer = ex.casts.cast(text, t.VARCHAR, kind)
    if defaults:
        other = ex.coerce(defaults[0], kind).sql
        answer = f"CASE WHEN {text} = {literal(DEFAULT)} THEN {other} ELSE {answer} END"
    return _expr(answer, kind, value, *defaults)


def _json_member(ex, e, is_json: bool) -> str:
    if is_json or e.type.name == "json":
        return f"coalesce(CAST({e.sql} AS VARCHAR), 'null')"
    if e.type.name == "unknown":
        return "'null'"
    kind = e.type
    if not castable(kind, t.JSON) and castable(kind, t.VARCHAR):
        return f"coalesce(CAST(to_json({ex.casts.text(e.sql, kind)}) AS VARCHAR), 'null')"
    return ex.casts._to_json_text(e.sql, kind)


def json_object(ex, node: Node):
    parts, checked = [], []
    for key, value, is_json in node.members:
        k, v = ex.check(key), ex.check(value)
        checked += [k, v]
        member = f"CAST(to_json({k.sql}) AS VARCHAR) || ':' || {_json_member(ex, v, is_json or _makes_json(value))}"
        parts.append(member if node.null_on_null else f"CASE WHEN {v.sql} IS NOT NULL THEN {member} END")
    inner = f"coalesce(array_to_string([{', '.join(parts)}], ','), '')" if parts else "''"
    return _expr("('{' || " + inner + " || '}')", t.VARCHAR, *checked)


def _makes_json(node: Node) -> bool:
    return node.kind in ("json_object", "json_array") or (node.kind == "json_path_call" and node.name == "json_query")


def json_array(ex, node: Node):
    parts, checked = [], []
    for value, is_json in node.values:
        v = ex.check(value)
        checked.append(v)
        member = _json_member(ex, v, is_json or _makes_json(value))
        parts.append(member if node.null_on_null else f"CASE WHEN {v.sql} IS NOT NULL THEN {member} END")
    inner = f"coalesce(array_to_string([{', '.join(parts)}], ','), '')" if parts else "''"
    return _expr(f"('[' || {inner} || ']')", t.VARCHAR, *checked)


# arrays and maps


def array_join(ex, node, bound, args):
    name = ex.casts.fresh()
    element = args[0].type.element
    if element.name != "unknown" and not castable(element, t.VARCHAR):
        raise ex.error("TYPE_MISMATCH", node, f"Cannot cast {element} to varchar")
    text = ex.casts.text(name, element)
    text = f"coalesce(CAST({text} AS VARCHAR), {args[2].sql})" if len(args) > 2 else text
    joined = f"array_to_string(list_transform({args[0].sql}, lambda {name}: {text}), {args[1].sql})"
    return f"CASE WHEN {args[0].sql} IS NOT NULL AND {args[1].sql} IS NOT NULL THEN coalesce({joined}, '') END"


def array_sort(ex, node, bound, args):
    """Sorted by a comparison: each element goes behind those that the lambda puts before it."""
    item, index, other, done, once = (ex.casts.fresh() for _ in range(5))
    before = _again(ex, node, bound, 1, [other, item])
    ranked = f"struct_pack(r := len(list_filter({once}, lambda {other}: {before} < 0)), i := {index}, v := {item})"
    order = f"list_sort(list_transform({once}, lambda {item}, {index}: {ranked}))"
    return f"list_transform([{args[0].sql}], lambda {once}: list_transform({order}, lambda {done}: {done}.v))[1]"


def reduce(ex, node, bound, args):
    _, start, step, finish = args
    (state, item), body = step.constant
    state_type = step.constant[1].type
    first = ex.casts.cast(start.sql, start.type, state_type)
    folded = f"list_reduce({args[0].sql}, lambda {state}, {item}: {body.sql}, CAST({first} AS {t.duckdb(state_type)}))"
    (name,), last = finish.constant
    return (
        f"CASE WHEN {args[0].sql} IS NULL THEN NULL ELSE list_transform([{folded}], lambda {name}: {last.sql})[1] END"
    )


def _once(ex, args, made) -> str:
    """SQL in which each argument is worked out once, though lambdas use it for every element; `made` gets their names."""
    once = ex.casts.fresh()
    fields = ", ".join(f"p{i} := {a.sql}" for i, a in enumerate(args))
    return f"list_transform([struct_pack({fields})], lambda {once}: {made(*(f'{once}.p{i}' for i in range(len(args))))})[1]"


def combinations(ex, node, bound, args):
    size = args[1].constant
    if isinstance(size, int) and size > 5:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"combination size must not exceed 5: {size}")
    if size == 0:
        return f"[{args[0].sql}[1:0]]"
    if not isinstance(size, int) or size < 1:
        text = "combination size must be a literal between 1 and 5 in the local Athena"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", text)

    def made(items: str) -> str:
        text = f"list_transform(range(1, len({items}) + 1), lambda n: [n])"
        for _ in range(size - 1):
            have, more = ex.casts.fresh(), ex.casts.fresh()
            following = f"range({have}[-1] + 1, len({items}) + 1)"
            longer = f"list_transform({following}, lambda {more}: list_append({have}, {more}))"
            text = f"flatten(list_transform({text}, lambda {have}: {longer}))"
        picked, index = ex.casts.fresh(), ex.casts.fresh()
        ordered = f"list_sort(list_transform({text}, lambda {picked}: list_reverse({picked})))"
        chosen = f"list_transform(list_reverse({picked}), lambda {index}: {items}[{index}])"
        return f"list_transform({ordered}, lambda {picked}: {chosen})"

    return _once(ex, args[:1], made)


def zip_lists(ex, node, bound, args):
    index = ex.casts.fresh()

    def made(*lists: str) -> str:
        fields = ", ".join(f"field{i} := {x}[{index}]" for i, x in enumerate(lists))
        return f"{_or_null(lists)} ELSE list_transform({_longest(lists)}, lambda {index}: struct_pack({fields})) END"

    return _once(ex, args, made)


def _or_null(lists: tuple[str, ...]) -> str:
    return f"CASE WHEN {' OR '.join(f'{x} IS NULL' for x in lists)} THEN NULL"


def _longest(lists: tuple[str, ...]) -> str:
    return f"range(1, greatest({', '.join(f'len({x})' for x in lists)}) + 1)"


def zip_with(ex, node, bound, args):
    index = ex.casts.fresh()

    def made(*lists: str) -> str:
        element = _again(ex, node, bound, 2, [f"{x}[{index}]" for x in lists])
        return f"{_or_null(lists)} ELSE list_transform({_longest(lists)}, lambda {index}: {element}) END"

    return _once(ex, args[:2], made)


def _entries(ex, node: Node, bound) -> tuple[str, str]:
    """A lambda over a map's entries: the entry's name and the body."""
    entry = ex.casts.fresh()
    return entry, _again(ex, node, bound, 1, [f"{entry}.key", f"{entry}.value"])


def map_filter(ex, node, bound, args):
    entry, body = _entries(ex, node, bound)
    return f"map_from_entries(list_filter(map_entries({args[0].sql}), lambda {entry}: {body}))"


def transform_keys(ex, node, bound, args):
    entry, body = _entries(ex, node, bound)
    return f"new_map(list_transform(map_entries({args[0].sql}), lambda {entry}: {body}), map_values({args[0].sql}))"


def transform_values(ex, node, bound, args):
    entry, body = _entries(ex, node, bound)
    return f"map(map_keys({args[0].sql}), list_transform(map_entries({args[0].sql}), lambda {entry}: {body}))"


def map_zip_with(ex, node, bound, args):
    key = ex.casts.fresh()

    def made(a: str, b: str) -> str:
        keys = f"ordered_distinct(list_concat(map_keys({a}), map_keys({b})))"
        value = _again(ex, node, bound, 2, [key, f"map_extract_value({a}, {key})", f"map_extract_value({b}, {key})"])
        return f"{_or_null((a, b))} ELSE map({keys}, list_transform({keys}, lambda {key}: {value})) END"

    return _once(ex, args[:2], made)


def _row_parts(e) -> tuple[str, str]:
    return tuple(t.field_names(e.type.element))  # type: ignore[return-value]


def map_from_entries(ex, node, bound, args):
    key, value = _row_parts(args[0])
    entry = ex.casts.fresh()
    return (
        f"new_map(list_transform({args[0].sql}, lambda {entry}: struct_extract({entry}, {literal(key)})), "
        f"list_transform({args[0].sql}, lambda {entry}: struct_extract({entry}, {literal(value)})))"
    )


def multimap_from_entries(ex, node, bound, args):
    key, value = _row_parts(args[0])
    entry = ex.casts.fresh()
    return (
        f"collected(list_transform({args[0].sql}, lambda {entry}: struct_pack(k := struct_extract({entry}, {literal(key)}), "
        f"v := struct_extract({entry}, {literal(value)}))))"
    )
