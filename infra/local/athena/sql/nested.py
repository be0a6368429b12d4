"""Equality of rows, arrays and maps: unknown where a NULL inside decides, as in Trino; DuckDB takes a NULL inside for a value.

Source: https://trino.io/docs/current/functions/comparison.html
"""

from __future__ import annotations

from infra.engines.athena import types as t
from infra.engines.athena.types import Type
from infra.local.athena.sql.casts import Casts

NESTED = ("row", "array", "map")


def equality(casts: Casts, kind: Type, left: str, right: str) -> str:
    """DuckDB SQL that says whether two values of a type are equal; NULL where that is not known."""
    if kind.name not in NESTED:
        return _plain(kind, left, right)
    once, item = casts.fresh(), casts.fresh()
    a, b = f"{once}.a", f"{once}.b"
    if kind.name == "row":
        parts = [
            equality(casts, inner, f"struct_extract({a}, {t.literal(name)})", f"struct_extract({b}, {t.literal(name)})")
            for name, (_, inner) in zip(t.field_names(kind), kind.args, strict=True)
        ]
        same = " AND ".join(parts)
    elif kind.name == "array":
        inner = equality(casts, kind.element, f"{a}[{item}]", f"{b}[{item}]")
        places = f"range(1, len({a}) + 1)"
        same = f"CASE WHEN len({a}) <> len({b}) THEN false ELSE all_of(list_transform({places}, lambda {item}: {inner})) END"
    else:
        inner = equality(casts, kind.args[1], f"{item}.value", f"map_extract_value({b}, {item}.key)")
        found = f"CASE WHEN map_contains({b}, {item}.key) THEN {inner} ELSE false END"
        same = (
            f"CASE WHEN cardinality({a}) <> cardinality({b}) THEN false "
            f"ELSE all_of(list_transform(map_entries({a}), lambda {item}: {found})) END"
        )
    known = f"CASE WHEN {a} IS NOT NULL AND {b} IS NOT NULL THEN {same} END"
    return f"list_transform([struct_pack(a := {left}, b := {right})], lambda {once}: {known})[1]"


def _plain(kind: Type, left: str, right: str) -> str:
    if kind.name == t.ZONED[0]:
        return f"(struct_extract({left}, 'i') = struct_extract({right}, 'i'))"
    if kind.name == "ipaddress":
        return f"(address_key({left}) = address_key({right}))"
    if kind.name in ("real", "double"):
        return f"({left} = {right} AND NOT isnan({left}))"
    if kind.name == "unknown":
        return "CAST(NULL AS BOOLEAN)"
    return f"({left} = {right})"
