"""Which row groups of Parquet files a query's conditions rule out, by the smallest and largest values in their footers.

Those are not read, so that they do not count as scanned.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type

Bounds = dict[str, tuple[str | None, str | None]]  # column → smallest and largest value as text
_LITERALS = ("integer", "decimal", "double", "string")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double"), Decimal),
    "varchar": str,
    "date": lambda text: datetime.fromisoformat(text).date(),
    "timestamp": lambda text: datetime.fromisoformat(text).replace(tzinfo=None),
}


def may_hold(condition: Node, bounds: Bounds, types: dict[str, Type]) -> bool:
    """Whether rows that meet a condition can be in a row group; True where the condition says nothing about it."""
    if condition.kind == "logical":
        found = (may_hold(term, bounds, types) for term in condition.terms)
        return all(found) if condition.operator == "AND" else any(found)
    if condition.kind == "comparison":
        if _column(condition.left) is None and condition.operator in _MIRRORED:
            return _compared(condition.right, _MIRRORED[condition.operator], [condition.left], bounds, types)
        return _compared(condition.left, condition.operator, [condition.right], bounds, types)
    if condition.kind == "between" and not condition.negated:
        return _compared(condition.value, ">=", [condition.low], bounds, types) and _compared(
            condition.value, "<=", [condition.high], bounds, types
        )
    if condition.kind == "in_list" and not condition.negated:
        return _compared(condition.value, "=", condition.items, bounds, types)
    return True


def _column(node: Node) -> str | None:
    if node.kind == "column":
        return node.name.lower()
    return node.name.value.lower() if node.kind == "field" and node.base.kind == "column" else None


def _literal(node: Node) -> str | None:
    if node.kind in _LITERALS or (node.kind == "typed_literal" and node.type in ("date", "timestamp")):
        return node.value
    inner = _literal(node.value) if node.kind == "negative" else None
    return f"-{inner}" if inner is not None else None


def _compared(column: Node, operator: str, values: list[Node], bounds: Bounds, types: dict[str, Type]) -> bool:
    name = _column(column)
    read = _READERS.get(types[name].name) if name in types else None
    low, high = bounds.get(name or "", (None, None))
    texts = [_literal(value) for value in values]
    if read is None or low is None or high is None or None in texts:
        return True
    try:
        smallest, largest = read(low), read(high)
        wanted = [read(str(text)) for text in texts]
    except (ValueError, InvalidOperation):
        return True
    if operator == "=":
        return any(smallest <= value <= largest for value in wanted)
    tests = {
        "<": smallest < wanted[0],
        "<=": smallest <= wanted[0],
        ">": largest > wanted[0],
        ">=": largest >= wanted[0],
    }
    return tests.get(operator, True)
