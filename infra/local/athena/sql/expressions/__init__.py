"""Types of expressions by Trino's rules, and the DuckDB SQL that gives the same answer: a file a kind of expression.

`Expressions.check(node)` returns an `Expr` or raises the QueryError that Trino would.
"""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type
from infra.local.athena.functions import builders
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.casts import castable
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions.operators import Operators
from infra.local.athena.sql.expressions.references import References
from infra.local.athena.sql.expressions.windows import Windows


class Expressions(References, Operators, Windows):
    """Checks the expressions of one clause of one query."""

    def _row(self, node: Node) -> Expr:
        values = [self.check(v) for v in node.values]
        kind = Type("row", tuple((None, e.type) for e in values))
        names = t.field_names(kind)
        inner = ", ".join(f"{n} := {e.sql}" for n, e in zip(names, values, strict=True))
        return Expr(f"struct_pack({inner})", kind, tuple(values))

    def _array(self, node: Node) -> Expr:
        values = [self.check(v) for v in node.values]
        if not values:
            return Expr("[]", t.array(t.UNKNOWN))
        what = "All ARRAY elements must be the same type or coercible to a common type."
        kind = self.common_type(node.values, values, what, node)
        inner = ", ".join(self.coerce(e, kind).sql for e in values)
        return Expr(f"[{inner}]", t.array(kind), tuple(values))

    def _subscript(self, node: Node) -> Expr:
        return builders.subscript(self, node)

    def _case(self, node: Node) -> Expr:
        operand = self.check(node.operand) if node.operand is not None else None
        conditions, results, result_nodes = [], [], []
        for condition, result in node.whens:
            if operand is None:
                checked = self.boolean(condition, "CASE WHEN clause must evaluate to a boolean (actual: {})")
            else:
                checked = self._case_operand(node, operand, condition)
            conditions.append(checked)
            results.append(self.check(result))
            result_nodes.append(result)
        if node.default is not None:
            results.append(self.check(node.default))
            result_nodes.append(node.default)
        what = "All CASE results must be the same type or coercible to a common type."
        kind = self.common_type(result_nodes, results, what, node)
        values = [self.coerce(e, kind).sql for e in results]
        text = " ".join(f"WHEN {c.sql} THEN {v}" for c, v in zip(conditions, values, strict=False))
        tail = f" ELSE {values[-1]}" if node.default is not None else ""
        parts = (*conditions, *results, *([operand] if operand else []))
        return Expr(f"CASE {text}{tail} END", kind, parts)

    def _case_operand(self, node: Node, operand: Expr, condition: Node) -> Expr:
        value = self.check(condition)
        if t.common(operand.type, value.type) is None:
            raise self.error(
                "TYPE_MISMATCH",
                condition,
                f"CASE operand type does not match WHEN clause operand type: {operand.type} vs {value.type}",
            )
        return self.compare(condition, "=", operand, value)

    def _cast(self, node: Node) -> Expr:
        to = self.type(node.to, node.type_pos)
        # A literal that is cast at once is exact: CAST(0.1000000000000000055 AS decimal(20,19)) has all its digits.
        exact = node.value.kind == "decimal" and to.name in ("decimal", "varchar")
        value = self._decimal_literal(node.value, node.value.value) if exact else self.check(node.value)
        if not castable(value.type, to):
            raise self.error("TYPE_MISMATCH", node, f"Cannot cast {value.type} to {to}")
        sql = self.casts.cast(value.sql, value.type, to)
        if node.safe:
            sql = self.attempt(sql, value)
        return Expr(sql, to, (value,))

    def _extract(self, node: Node) -> Expr:
        return builders.extract(self, node)

    def _scalar_query(self, node: Node) -> Expr:
        if self.variables:
            raise self.error("NOT_SUPPORTED", node, "Lambda expression cannot contain subqueries")
        query = self.checker.subquery(node.query, self.scope, single=True)
        return Expr(f"({query.sql})", query.types[0])

    def _exists(self, node: Node) -> Expr:
        query = self.checker.subquery(node.query, self.scope)
        return Expr(f"EXISTS ({query.sql})", t.BOOLEAN)

    def _json_path_call(self, node: Node) -> Expr:
        return builders.json_path_call(self, node)

    def _json_object(self, node: Node) -> Expr:
        return builders.json_object(self, node)

    def _json_array(self, node: Node) -> Expr:
        return builders.json_array(self, node)

    def _call(self, node: Node) -> Expr:
        special = builders.SPECIAL_FORMS.get(node.name)
        if special is not None:
            return special(self, node)
        if node.window is not None or node.name in functions.WINDOW:
            return self._window_call(node)
        if node.name in functions.AGGREGATES:
            return self._aggregate(node)
        lines = functions.SCALARS.get(node.name)
        if lines is None:
            raise self._unregistered(node)
        self._refuse_aggregate_parts(node)
        return self._bound_call(node, lines)
