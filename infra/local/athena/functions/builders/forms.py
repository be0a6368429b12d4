"""Forms that look like calls: subscripts, EXTRACT, IF, COALESCE, NULLIF, TRY, TYPEOF, FORMAT."""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import literal
from infra.local.athena.functions.builders.common import expression
from infra.local.athena.sql.casts import castable
from infra.local.athena.sql.nested import NESTED, equality


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
        return expression(f"struct_extract({base.sql}, {literal(name)})", kind.args[index.constant - 1][1], base)
    if kind.name == "array" and index.type.name in (*t.INTEGERS, "unknown"):
        return expression(f"array_subscript({base.sql}, {index.sql})", kind.element, base, index)
    wanted = t.common(index.type, kind.args[0]) if kind.name == "map" else None
    if wanted is not None and (t.coercible(index.type, kind.args[0]) or wanted.name in ("varchar", "char")):
        key = ex.coerce(index, wanted)
        text = ex.casts.text("k", kind.args[0]) if castable(kind.args[0], t.VARCHAR) else "CAST(k AS VARCHAR)"
        shown = text.replace("k", key.sql, 1) if text == "k" else ex.casts.text(key.sql, kind.args[0])
        return expression(f"map_subscript({base.sql}, {key.sql}, {shown})", kind.args[1], base, index)
    if kind.name in ("array", "map"):
        raise ex.error("TYPE_MISMATCH", node, f"Cannot use {index.type} for subscript of {kind}")
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


_CLOCK = ("hour", "minute", "second", "millisecond")


def extract(ex, node: Node):
    name = _FIELDS.get(node.field.value)
    if name is None:
        raise ex.error("INVALID_ARGUMENTS", node.field, f"Invalid EXTRACT field: {node.field.written}")
    value = ex.check(node.value)
    clock_of_day = value.type.name == "date" and name in _CLOCK
    zone_of_none = name.startswith("timezone") and value.type.name not in (*t.ZONED, "unknown")
    if clock_of_day or zone_of_none:
        raise ex.error("TYPE_MISMATCH", node.value, f"Cannot extract {node.field.value.upper()} from {value.type}")
    call = Node(kind="call", name=name, args=[node.value], pos=node.pos, start=node.start, end=node.end, distinct=False,
                order=None, starred=False, filter=None, nulls=None, window=None)  # fmt: skip
    try:
        return ex._call(call)
    except QueryError as error:
        if error.code != "FUNCTION_NOT_FOUND":
            raise
        raise ex.error(
            "TYPE_MISMATCH", node.value, f"Cannot extract {node.field.value.upper()} from {value.type}"
        ) from None


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
    return expression(f"CASE WHEN {condition.sql} THEN {texts[0]}{tail} END", kind, condition, *values)


def _coalesce(ex, node: Node):
    if len(node.args) < 2:
        raise ex.error("INVALID_FUNCTION_ARGUMENT", node, "The 'coalesce' function must have at least two arguments")
    values = [ex.check(a) for a in node.args]
    what = "All COALESCE operands must be the same type or coercible to a common type."
    kind = ex.common_type(node.args, values, what, node)
    return expression(f"coalesce({', '.join(ex.coerce(v, kind).sql for v in values)})", kind, *values)


def _nullif(ex, node: Node):
    _count(ex, node, 2, 2, "nullif")
    a, b = (ex.check(x) for x in node.args)
    kind = t.common(a.type, b.type)
    if kind is None:
        raise ex.error("TYPE_MISMATCH", node, f"Types are not comparable with NULLIF: {a.type} vs {b.type}")
    x, y = (ex.key(ex.coerce(e, kind)) for e in (a, b))
    same = equality(ex.casts, kind, x, y) if kind.name in NESTED else f"{x} = {y}"
    return expression(f"CASE WHEN {same} THEN NULL ELSE {a.sql} END", a.type, a, b)


def _try(ex, node: Node):
    _count(ex, node, 1, 1, "try")
    value = ex.check(node.args[0])
    return expression(ex.attempt(value.sql, value), value.type, value)


def _typeof(ex, node: Node):
    _count(ex, node, 1, 1, "typeof")
    value = ex.check(node.args[0])
    name = literal(str(value.type))
    # An aggregate must stay one, for the query has one row by it.
    text = f"CASE WHEN {value.sql} IS NULL THEN {name} ELSE {name} END" if value.aggregate else name
    return expression(text, t.VARCHAR, value, constant=str(value.type))


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
    return expression(f"java_format({pattern.sql}, [{', '.join(values)}])", t.VARCHAR, pattern, *args)


SPECIAL_FORMS = {"format": _format, "if": _if, "coalesce": _coalesce, "nullif": _nullif, "try": _try, "typeof": _typeof}
