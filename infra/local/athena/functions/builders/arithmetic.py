"""Operators: +, -, *, /, % and || of numbers, moments, intervals and arrays."""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type
from infra.local.athena.functions.builders.common import INTERVALS, expression


def concatenate(ex, node: Node, left, right):
    kinds = left.type.name, right.type.name
    if "array" in kinds:
        return _array_concat(ex, node, left, right)
    if kinds == ("char", "char"):
        kind = Type("char", (left.type.args[0] + right.type.args[0],))
        return expression(f"rpad({left.sql} || {right.sql}, {kind.args[0]}, ' ')", kind, left, right)
    if all(k in ("varchar", "char", "unknown") for k in kinds):
        return expression(f"({_text_or_null(left)} || {_text_or_null(right)})", t.VARCHAR, left, right)
    if all(k in ("varbinary", "unknown") for k in kinds):
        return expression(f"({left.sql} || {right.sql})", t.VARBINARY, left, right)
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
            sides.append(expression(f"CAST(NULL AS {t.duckdb(other.type)})", other.type, e))
        else:
            sides.append(expression(f"[{e.sql}]", t.array(e.type), e))
    kind = t.common(sides[0].type, sides[1].type)
    if kind is None:
        text = f"Unexpected parameters ({left.type}, {right.type}) for function concat."
        raise ex.error("FUNCTION_NOT_FOUND", node, text)
    a, b = (ex.coerce(e, kind).sql for e in sides)
    return expression(f"array_joined({a}, {b})", kind, left, right)


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
    assert kind is not None, "numbers have a common type"
    if kind.name == "decimal":
        return decimals(
            ex, operator, ex.coerce(left, _decimal_of(left, kind)), ex.coerce(right, _decimal_of(right, kind))
        )
    a, b = ex.coerce(left, kind), ex.coerce(right, kind)
    if operator == "/" and kind.name in t.INTEGERS:
        operator = "//"
    if operator == "%" and kind.name in ("real", "double"):
        return expression(f"fmod({a.sql}, {b.sql})", kind, a, b)
    return expression(f"({a.sql} {operator} {b.sql})", kind, a, b)


def _decimal_of(e, kind: Type) -> Type:
    return kind if e.type.name == "unknown" else t.as_decimal(e.type)


def decimals(ex, operator: str, left, right):
    (p1, s1), (p2, s2) = left.type.args, right.type.args
    scale = max(s1, s2)
    if _digits(operator, left.type, right.type) > _EXACT_DIGITS:
        return _wide(operator, left, right)
    if operator in "+-":
        kind = t.decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
        wide = t.duckdb(kind)
        return expression(
            f"CAST((CAST({left.sql} AS {wide}) {operator} CAST({right.sql} AS {wide})) AS {wide})", kind, left, right
        )
    if operator == "*":
        kind = t.decimal(p1 + p2, s1 + s2)
        wide = f"CAST({left.sql} AS DECIMAL({max(p1, _LONG_DIGITS)}, {s1}))" if p1 + p2 > _LONG_DIGITS else left.sql
        return expression(f"CAST(({wide} * {right.sql}) AS {t.duckdb(kind)})", kind, left, right)
    if operator == "/":
        kind = t.decimal(p1 + s2 + max(0, s2 - s1), scale)
        top = f"unscaled({left.sql}, {s1}) * {_power(scale - s1 + s2)}"
        return expression(
            f"rescaled(rounded_division({top}, unscaled({right.sql}, {s2})), {scale})::{t.duckdb(kind)}",
            kind,
            left,
            right,
        )
    kind = t.decimal(min(p2 - s2, p1 - s1) + scale, scale)
    return expression(
        f"rescaled((unscaled({left.sql}, {s1}) * {_power(scale - s1)}) % (unscaled({right.sql}, {s2}) * {_power(scale - s2)}), {scale})::{t.duckdb(kind)}",
        kind, left, right,
    )  # fmt: skip


_LONG_DIGITS = 19  # more than DuckDB multiplies in 64 bits
_EXACT_DIGITS = 38  # that DuckDB's whole numbers have


def _digits(operator: str, a: Type, b: Type) -> int:
    """How many digits the largest number may have that comes up in an operation."""
    (p1, s1), (p2, s2) = a.args, b.args
    scale = max(s1, s2)
    if operator in "+-":
        return max(p1 - s1, p2 - s2) + scale + 1
    if operator == "*":
        return p1 + p2
    if operator == "/":
        return max(p1 + scale - s1 + s2, p2) + 1
    return max(p1 + scale - s1, p2 + scale - s2)


def _wide(operator: str, left, right):
    """An operation with more digits than DuckDB's numbers have, by the exact arithmetic of Python."""
    (p1, s1), (p2, s2) = left.type.args, right.type.args
    scale = max(s1, s2)
    kind = {
        "+": t.decimal(max(p1 - s1, p2 - s2) + scale + 1, scale),
        "-": t.decimal(max(p1 - s1, p2 - s2) + scale + 1, scale),
        "*": t.decimal(p1 + p2, s1 + s2),
        "/": t.decimal(p1 + s2 + max(0, s2 - s1), scale),
        "%": t.decimal(min(p2 - s2, p1 - s1) + scale, scale),
    }[operator]
    texts = f"CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR)"
    made = f"CAST(wide_decimal('{operator}', {texts}, {kind.args[1]}) AS {t.duckdb(kind)})"
    return expression(made, kind, left, right)


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
            return expression(f"to_days(CAST({x} - {y} AS INTEGER))", t.DAY_TO_SECOND, left, right)
        return expression(f"to_milliseconds((epoch_us({x}) - epoch_us({y})) // 1000)", t.DAY_TO_SECOND, left, right)
    if operator in "+-" and a == b and a in INTERVALS:
        return expression(f"({left.sql} {operator} {right.sql})", left.type, left, right)
    if operator in "*/" and a in INTERVALS and b in t.NUMBERS:
        return _scaled(operator, left, right)
    if operator == "*" and a in t.NUMBERS and b in INTERVALS:
        return _scaled(operator, right, left)
    return None


def _scaled(operator: str, interval, number):
    value = f"CAST({number.sql} AS DOUBLE)"
    if interval.type.name == INTERVALS[0]:
        return expression(
            f"to_milliseconds(CAST(whole_number_of(epoch_ms({interval.sql}) {operator} {value}) AS BIGINT))",
            interval.type,
            interval,
            number,
        )
    months = f"(datepart('year', {interval.sql}) * 12 + datepart('month', {interval.sql}))"
    return expression(
        f"to_months(CAST(whole_number_of({months} {operator} {value}) AS INTEGER))", interval.type, interval, number
    )


def _shifted(ex, node: Node, operator: str, moment, interval):
    name = moment.type.name
    if name == "date":
        if interval.type.name == INTERVALS[0]:
            said = (
                "'subtract hour, minutes or seconds from'" if operator == "-" else "'add hour, minutes or seconds to'"
            )
            ex_sql = f"date_shifted({moment.sql}, {'-' if operator == '-' else ''}{interval.sql}, {said})"
            return expression(ex_sql, t.DATE, moment, interval)
        return expression(f"CAST({moment.sql} {operator} {interval.sql} AS DATE)", t.DATE, moment, interval)
    if name == "time" and interval.type.name == INTERVALS[1]:
        return None
    if name == t.ZONED[0]:
        if interval.type.name == INTERVALS[0]:
            inner = f"struct_extract({moment.sql}, 'i') {operator} {interval.sql}"
            return expression(
                f"struct_pack(i := {inner}, z := struct_extract({moment.sql}, 'z'))", moment.type, moment, interval
            )
        inner = f"local_time({moment.sql}) {operator} {interval.sql}"
        return expression(f"at_zone({inner}, struct_extract({moment.sql}, 'z'))", moment.type, moment, interval)
    kind = moment.type if name != "timestamp" or moment.type.args[0] >= 3 else t.TIMESTAMP
    return expression(f"({moment.sql} {operator} {interval.sql})", kind, moment, interval)
