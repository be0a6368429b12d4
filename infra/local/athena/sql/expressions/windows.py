"""Window functions, and aggregates over a window: OVER, its frame, what may not stand there.

Source: https://trino.io/docs/current/functions/window.html
"""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type
from infra.local.athena.functions import signatures
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions.aggregates import Aggregates
from infra.local.athena.sql.trees import first_window

_MOMENTS = ("date", *t.TEMPORAL, t.DAY_TO_SECOND.name, t.YEAR_TO_MONTH.name)


class Windows(Aggregates):
    def _window_call(self, node: Node) -> Expr:
        if not self.windows_allowed:
            raise self._misplaced(node)
        if node.window is None:
            raise self.error("MISSING_OVER", node, f"Window function {node.name} requires an OVER clause")
        if self.inside is not None:
            what = "Cannot nest window functions or row pattern measures inside aggregation"
            text = f"{what} '{self.inside.name}': [{self.written(node)}]"
            raise self.error("NESTED_WINDOW", self.inside, text)
        if node.name not in functions.WINDOW and node.name not in functions.AGGREGATES:
            if node.name in functions.SCALARS:
                text = f"Window function requires an aggregation or window function: {node.name}"
                raise self.error("FUNCTION_NOT_WINDOW", node, text)
            raise self._unregistered(node)
        self._refuse_nested_windows(node)
        if node.distinct:
            text = f"DISTINCT in window function parameters not yet supported: {self.written(node)}"
            raise self.error("NOT_SUPPORTED", node, text)
        over, parts, ordered = self.window(node.window)
        if node.name in functions.WINDOW:
            found = self._pure_window(node, over, ordered)
        else:
            if node.nulls:
                text = f"Cannot specify null treatment clause for {node.name} function"
                raise self.error("NULL_TREATMENT_NOT_ALLOWED", node, text)
            found = self._aggregate_call(node, over)
        for part in parts:
            found.loose = found.loose or part.loose
        found.aggregate = found.aggregate or any(p.aggregate for p in parts)
        found.window = True
        return found

    def _refuse_nested_windows(self, node: Node) -> None:
        what = "Cannot nest window functions or row pattern measures inside window"
        for part, where in ((node.args, "function arguments"), (node.window, "specification")):
            inner = first_window(part)
            if inner is not None:
                raise self.error("NESTED_WINDOW", inner, f"{what} {where}")

    def _pure_window(self, node: Node, over: str, ordered: bool) -> Expr:
        if node.filter is not None:
            raise self.error("NOT_SUPPORTED", node, "FILTER is not yet supported for window functions")
        ranking = node.name in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile")
        if node.nulls and ranking:
            text = f"Cannot specify null treatment clause for {node.name} function"
            raise self.error("NULL_TREATMENT_NOT_ALLOWED", node, text)
        if node.name in ("lag", "lead") and not ordered:
            text = f"{node.name} function requires an ORDER BY window clause"
            raise self.error("MISSING_ORDER_BY", node.window, text)
        if node.name in ("lag", "lead") and node.window.frame is not None:
            text = f"Cannot specify window frame for {node.name} function"
            raise self.error("INVALID_WINDOW_FRAME", node.window, text)
        given: list[Expr | None] = [self.check(a) for a in node.args]
        bound, args = self.bind(node, functions.WINDOW[node.name], given)
        ignore = " IGNORE NULLS" if node.nulls == "IGNORE" else ""
        return self.render(node, bound, args, signatures.Extra("", ignore, over))

    def window(self, node: Node) -> tuple[str, list[Expr], bool]:
        """OVER (…) as SQL, the expressions in it, and whether it is ordered."""
        partition, order, frame = node.partition, node.order, node.frame
        if node.base is not None:
            base = self.scope.windows.get(node.base.value)
            if base is None:
                raise self.error(
                    "INVALID_WINDOW_REFERENCE", node.base, f"Cannot resolve WINDOW name {node.base.written}"
                )
            partition, order, frame = base.partition or partition, base.order or order, base.frame or frame
        pieces, parts = [], []
        if partition:
            keys = [self.check(p) for p in partition]
            for key, at in zip(keys, partition, strict=True):
                if not t.comparable(key.type):
                    text = f"{key.type} is not comparable, and therefore cannot be used in window function PARTITION BY"
                    raise self.error("TYPE_MISMATCH", at, text)
            pieces.append("PARTITION BY " + ", ".join(self.key(k) for k in keys))
            parts += keys
        if order:
            text, keys = self.order_by(order)
            pieces.append(text.strip())
            parts += keys
        if frame is not None:
            sort = self._range_key(frame, order or [])
            text, keys = self._frame(frame, sort)
            pieces.append(text)
            parts += keys
        return f" OVER ({' '.join(pieces)})", parts, bool(order)

    def _range_key(self, frame: Node, order: list[Node]) -> Type | None:
        """The type by which a RANGE with offsets is ordered; None for other frames."""
        offsets = [bound for bound in (frame.low, frame.high) if bound is not None and bound.value is not None]
        if frame.unit == "ROWS" or not offsets:
            return None
        what = f"Window frame of type {frame.unit} PRECEDING or FOLLOWING requires"
        if not order:
            raise self.error("MISSING_ORDER_BY", frame, f"{what} ORDER BY")
        if frame.unit == "GROUPS":
            return None
        if len(order) > 1:
            raise self.error("INVALID_ORDER_BY", frame, f"{what} single sort item in ORDER BY (actual: {len(order)})")
        kind = self.check(order[0].value).type
        if kind.name not in (*t.NUMBERS, *_MOMENTS):
            text = f"{what} that sort item type be numeric, datetime or interval (actual: {kind})"
            raise self.error("TYPE_MISMATCH", order[0].value, text)
        return kind

    def _frame(self, node: Node, sort: Type | None) -> tuple[str, list[Expr]]:
        parts: list[Expr] = []
        low = self._bound(node, node.low, parts, sort)
        if node.low.side == "FOLLOWING" and node.low.value is None:
            raise self.error("INVALID_WINDOW_FRAME", node, "Window frame start cannot be UNBOUNDED FOLLOWING")
        if node.high is None:
            if node.low.side == "FOLLOWING":
                text = "Window frame starting from FOLLOWING cannot end with CURRENT ROW"
                raise self.error("INVALID_WINDOW_FRAME", node, text)
            return f"{node.unit} {low}", parts
        if node.high.side == "PRECEDING" and node.high.value is None:
            raise self.error("INVALID_WINDOW_FRAME", node, "Window frame end cannot be UNBOUNDED PRECEDING")
        if node.low.side == "CURRENT ROW" and node.high.side == "PRECEDING":
            text = "Window frame starting from CURRENT ROW cannot end with PRECEDING"
            raise self.error("INVALID_WINDOW_FRAME", node, text)
        if node.low.side == "FOLLOWING" and node.high.side in ("PRECEDING", "CURRENT ROW"):
            word = node.high.side
            text = f"Window frame starting from FOLLOWING cannot end with {word}"
            raise self.error("INVALID_WINDOW_FRAME", node, text)
        return f"{node.unit} BETWEEN {low} AND {self._bound(node, node.high, parts, sort)}", parts

    def _bound(self, frame: Node, node: Node, parts: list[Expr], sort: Type | None) -> str:
        if node.side == "CURRENT ROW":
            return "CURRENT ROW"
        if node.value is None:
            return f"UNBOUNDED {node.side}"
        value = self.check(node.value)
        if frame.unit != "RANGE" and value.type.name not in t.INTEGERS:
            text = f"Window frame {frame.unit} value type must be exact numeric type with scale 0 (actual {value.type})"
            raise self.error("TYPE_MISMATCH", node.value, text)
        if sort is not None and not _fits(sort, value.type):
            text = f"Window frame RANGE value type ({value.type}) not compatible with sort item type ({sort})"
            raise self.error("TYPE_MISMATCH", node.value, text)
        parts.append(value)
        if sort is not None:
            return f"{value.sql} {node.side}"
        which = "starting" if node is frame.low else "ending"
        offset = value.sql if _is_offset(value) else f"frame_offset({value.sql}, '{which}')"
        return f"{offset} {node.side}"


def _fits(sort: Type, offset: Type) -> bool:
    """Whether an offset can be added to values of a type."""
    if sort.name in t.NUMBERS:
        return offset.name in t.NUMBERS and (t.coercible(offset, sort) or sort.name in t.INTEGERS)
    if sort.name in (t.DAY_TO_SECOND.name, t.YEAR_TO_MONTH.name):
        return offset == sort
    day = sort.name != "time" and offset == t.YEAR_TO_MONTH
    return day or offset == t.DAY_TO_SECOND


def _is_offset(value: Expr) -> bool:
    return isinstance(value.constant, int) and value.constant >= 0
