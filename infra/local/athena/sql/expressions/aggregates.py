"""Aggregates: where they may stand, their DISTINCT, ORDER BY and FILTER.

Source: https://trino.io/docs/current/functions/aggregate.html
"""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.local.athena.functions import signatures
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions.calls import Calls
from infra.local.athena.sql.lift import canonical


class Aggregates(Calls):
    def _aggregate(self, node: Node) -> Expr:
        if not self.aggregates_allowed:
            raise self._misplaced(node)
        if self.inside is not None:
            text = f"Cannot nest aggregations inside aggregation '{self.inside.name}': [{self.written(node)}]"
            raise self.error("NESTED_AGGREGATION", self.inside, text)
        if self.variables:
            text = f"Lambda expression cannot contain aggregations, window functions or grouping operations: [{self.written(node)}]"
            raise self.error("EXPRESSION_NOT_SCALAR", node, text)
        found = self._aggregate_call(node, "")
        found.loose, found.aggregate, found.window = None, True, False
        if self.lift is not None:
            found.sql = self.lift.name(found.sql)
        return found

    def _misplaced(self, node: Node) -> QueryError:
        text = f"{self.clause} cannot contain aggregations, window functions or grouping operations: [{self.written(node)}]"
        return self.error("EXPRESSION_NOT_SCALAR", node, text)

    def _aggregate_call(self, node: Node, over: str) -> Expr:
        self.inside, before = (node if not over else None), self.inside
        try:
            args = self._aggregate_arguments(node)
            order, order_parts = self.order_by(node.order) if node.order else ("", [])
            condition = None
            if node.filter is not None:
                condition = self.boolean(node.filter, "Filter expression must evaluate to a boolean (actual: {})")
        finally:
            self.inside = before
        bound, args = self.bind(node, functions.AGGREGATES[node.name], args)
        if node.distinct and args and not t.comparable(args[0].type):
            text = f"DISTINCT can only be applied to comparable types (actual: {args[0].type})"
            raise self.error("TYPE_MISMATCH", node.args[0], text)
        tail = f" FILTER (WHERE {condition.sql})" if condition else ""
        extra = signatures.Extra("DISTINCT " if node.distinct else "", order, tail + over)
        found = self.render(node, bound, args, extra)
        for part in (*order_parts, *([condition] if condition else [])):
            found.loose = found.loose or part.loose
        return found

    def _aggregate_arguments(self, node: Node) -> list[Expr | None]:
        if node.starred:
            if node.name != "count":
                raise self._not_found(node, [], functions.AGGREGATES[node.name])
            return []
        return [None if a.kind == "lambda" else self.check(a) for a in node.args]

    def order_by(self, items: list[Node]) -> tuple[str, list[Expr]]:
        """ORDER BY inside a call or a window: NULLs last unless asked for otherwise."""
        texts, parts = [], []
        for item in items:
            value = self.check(item.value)
            if not t.orderable(value.type):
                text = f"ORDER BY can only be applied to orderable types (actual: {value.type})"
                raise self.error("TYPE_MISMATCH", item.value, text)
            texts.append(f"{self.key(value)} {item.direction} NULLS {item.nulls or 'LAST'}")
            parts.append(value)
        return " ORDER BY " + ", ".join(texts), parts

    def _grouping_call(self, node: Node) -> Expr:
        values = [self.check(v) for v in node.values]
        for value, at in zip(values, node.values, strict=True):
            if value.loose is not None or canonical(value.sql) not in self.groups:
                raise self.error(
                    "INVALID_ARGUMENTS",
                    at,
                    "The arguments to GROUPING() must be expressions referenced by the GROUP BY",
                )
        kind = t.INTEGER if len(values) < 32 else t.BIGINT
        found = Expr(f"CAST(grouping({', '.join(v.sql for v in values)}) AS {t.duckdb(kind)})", kind)
        found.aggregate = True
        if self.lift is not None:
            found.sql = self.lift.name(found.sql)
        return found
