"""Decimals and aggregates."""

from infra.engines.athena import types as t
from infra.engines.athena.types import Type
from infra.local.athena.functions import table as functions
from infra.local.athena.functions.builders.arithmetic import decimals
from infra.local.athena.functions.builders.common import expression


def round_decimal(ex, node, bound, args):
    p, s = args[0].type.args
    kind = t.decimal(p - s + min(1, s), 0)
    word = {"ceiling": "ceil"}.get(node.name, node.name)
    return expression(f"CAST({word}({args[0].sql}) AS {t.duckdb(kind)})", kind, *args)


def round_decimal_to(ex, node, bound, args):
    p, s = args[0].type.args
    kind = t.decimal(p + 1, s)
    return expression(_to_digits("round", args, kind), kind, *args)


def truncate_decimal(ex, node, bound, args):
    p, s = args[0].type.args
    kind = t.decimal(max(p - s, 1), 0)
    return expression(f"CAST(trunc({args[0].sql}) AS {t.duckdb(kind)})", kind, *args)


def truncate_decimal_to(ex, node, bound, args):
    kind = args[0].type
    return expression(_to_digits("trunc", args, kind), kind, *args)


def _to_digits(word: str, args, kind: Type) -> str:
    """SQL that rounds to a number of digits; DuckDB refuses a NULL for that number."""
    digits = f"CAST(coalesce({args[1].sql}, 0) AS INTEGER)"
    rounded = f"CAST({word}({args[0].sql}, {digits}) AS {t.duckdb(kind)})"
    return f"CASE WHEN {args[1].sql} IS NOT NULL THEN {rounded} END"


def mod_decimal(ex, node, bound, args):
    return decimals(ex, "%", *args)


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
