"""Operators: logic, comparisons and predicates, arithmetic.

Source: https://trino.io/docs/current/functions/comparison.html
"""

import re

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.local.athena.functions import builders
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions.literals import Literals
from infra.local.athena.sql.nested import NESTED, equality


class Operators(Literals):
    def _logical(self, node: Node) -> Expr:
        what = "Logical expression term must evaluate to a boolean (actual: {})"
        terms = [self.boolean(term, what) for term in node.terms]
        return Expr("(" + f" {node.operator} ".join(e.sql for e in terms) + ")", t.BOOLEAN, tuple(terms))

    def _not(self, node: Node) -> Expr:
        value = self.boolean(node.value, "Value of logical NOT expression must evaluate to a boolean (actual: {})")
        return Expr(f"(NOT {value.sql})", t.BOOLEAN, (value,))

    def _comparison(self, node: Node) -> Expr:
        return self.compare(node, node.operator, self.check(node.left), self.check(node.right))

    def compare(self, node: Node, operator: str, left: Expr, right: Expr) -> Expr:
        left, right = self.agreed(left, right)
        left_sql, right_sql = self.comparable(node, operator, left, right)
        whole = t.common(left.type, right.type)
        if operator in ("=", "<>") and whole is not None and whole.name in NESTED:
            same = equality(self.casts, whole, left_sql, right_sql)
            return Expr(same if operator == "=" else f"(NOT {same})", t.BOOLEAN, (left, right))
        text = f"({left_sql} {operator} {right_sql})"
        kind = t.common(left.type, right.type)
        if kind is not None and kind.name in ("real", "double"):
            text = _without_nan(text, operator, (left, left_sql), (right, right_sql))
        return Expr(text, t.BOOLEAN, (left, right))

    def _quantified(self, node: Node) -> Expr:
        left = self.check(node.left)
        query = self.checker.subquery(node.query, self.scope, single=True)
        right = Expr("x", query.types[0])
        kind = t.common(left.type, right.type)
        if kind is None:
            raise self.error("TYPE_MISMATCH", node, f"Cannot apply operator: {left.type} {node.operator} {right.type}")
        inner = f"SELECT {self.casts.cast('q.c0', right.type, kind)} FROM ({query.sql}) q"
        left = self.coerce(left, kind)
        return Expr(f"({left.sql} {node.operator} {node.quantifier} ({inner}))", t.BOOLEAN, (left,))

    def _between(self, node: Node) -> Expr:
        value, low, high = self.agreed(self.check(node.value), self.check(node.low), self.check(node.high))
        kind = None
        if (both := t.common(value.type, low.type)) is not None:
            kind = t.common(both, high.type)
        if kind is None or not t.orderable(kind):
            text = f"Cannot check if {value.type} is BETWEEN {low.type} and {high.type}"
            raise self.error("TYPE_MISMATCH", node, text)
        parts = [self.key(self.coerce(e, kind)) for e in (value, low, high)]
        word = "NOT BETWEEN" if node.negated else "BETWEEN"
        return Expr(f"({parts[0]} {word} {parts[1]} AND {parts[2]})", t.BOOLEAN, (value, low, high))

    def _in_list(self, node: Node) -> Expr:
        value = self.check(node.value)
        value, *items = self.agreed(value, *(self.check(item) for item in node.items))
        what = "IN value and list items must be the same type or coercible to a common type."
        kind = self.common_type([node.value, *node.items], [value, *items], what, node)
        parts = [self.key(self.coerce(e, kind)) for e in (value, *items)]
        if kind.name in NESTED:
            found = " OR ".join(equality(self.casts, kind, parts[0], part) for part in parts[1:])
            return Expr(f"(NOT ({found}))" if node.negated else f"({found})", t.BOOLEAN, (value, *items))
        word = "NOT IN" if node.negated else "IN"
        return Expr(f"({parts[0]} {word} ({', '.join(parts[1:])}))", t.BOOLEAN, (value, *items))

    def _in_query(self, node: Node) -> Expr:
        value = self.check(node.value)
        query = self.checker.subquery(node.query, self.scope, single=True)
        kind = t.common(value.type, query.types[0])
        if kind is None:
            text = "Value expression and result of subquery must be of the same type: "
            text += f"{value.type} vs {query.types[0]}"
            raise self.error("TYPE_MISMATCH", node, text)
        inner = query.sql
        if query.types[0] != kind or kind.name == t.ZONED[0]:
            column = self.key(Expr(self.casts.cast("q.c0", query.types[0], kind), kind))
            inner = f"SELECT {column} FROM ({inner}) q"
        word = "NOT IN" if node.negated else "IN"
        return Expr(f"({self.key(self.coerce(value, kind))} {word} ({inner}))", t.BOOLEAN, (value,))

    def _like(self, node: Node) -> Expr:
        value, pattern = self.check(node.value), self.check(node.pattern)
        for e, side, at in ((value, "Left side", node.value), (pattern, "Pattern for", node.pattern)):
            if e.type.name not in ("varchar", "char", "unknown"):
                what = "Left side of LIKE expression" if side == "Left side" else "Pattern for LIKE expression"
                raise self.error("TYPE_MISMATCH", at, f"{what} must evaluate to a varchar (actual: {e.type})")
        parts, tail = [value, pattern], ""
        if node.escape is not None:
            escape = self.check(node.escape)
            if escape.type.name not in ("varchar", "char", "unknown"):
                text = f"Escape for LIKE expression must evaluate to a varchar (actual: {escape.type})"
                raise self.error("TYPE_MISMATCH", node.escape, text)
            if escape.constant is not None and len(escape.constant) != 1:
                raise QueryError("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character")
            if isinstance(escape.constant, str) and isinstance(pattern.constant, str):
                mark = re.escape(escape.constant)
                if not re.fullmatch(rf"(?:[^{mark}]|{mark}[%_{mark}])*", pattern.constant, re.DOTALL):
                    text = "Escape character must be followed by '%', '_' or the escape character itself"
                    raise QueryError("INVALID_FUNCTION_ARGUMENT", text)
            parts.append(escape)
            tail = f" ESCAPE {escape.sql}"
        word = "NOT LIKE" if node.negated else "LIKE"
        sides = [self.coerce(e, t.VARCHAR) if e.type.name == "unknown" else e for e in parts[:2]]
        return Expr(f"({sides[0].sql} {word} {sides[1].sql}{tail})", t.BOOLEAN, tuple(parts))

    def _is_null(self, node: Node) -> Expr:
        value = self.check(node.value)
        return Expr(f"({value.sql} IS {'NOT ' if node.negated else ''}NULL)", t.BOOLEAN, (value,))

    def _distinct_from(self, node: Node) -> Expr:
        left, right = self.check(node.left), self.check(node.right)
        sides = self.comparable(node, "IS DISTINCT FROM", left, right)
        word = "IS NOT DISTINCT FROM" if node.negated else "IS DISTINCT FROM"
        return Expr(f"({sides[0]} {word} {sides[1]})", t.BOOLEAN, (left, right))

    def _binary(self, node: Node) -> Expr:
        left, right = self.check(node.left), self.check(node.right)
        if node.operator == "||":
            return builders.concatenate(self, node, left, right)
        return builders.arithmetic(self, node, left, right)

    def _negative(self, node: Node) -> Expr:
        if node.value.kind == "integer" and int(node.value.value) in (2**31, 2**63):
            return self._whole_number(node, -int(node.value.value))
        value = self.check(node.value)
        if value.type.name not in (*t.NUMBERS, "interval day to second", "interval year to month", "unknown"):
            raise self.error("TYPE_MISMATCH", node, f"Cannot negate {value.type}")
        constant = -value.constant if isinstance(value.constant, (int, float)) else None
        if value.type.name in t.INTEGERS and (constant is None or constant in (2**31, 2**63)):
            least = -(2 ** (8 * 2 ** t.INTEGERS.index(value.type.name) - 1))
            return Expr(
                f"negated({value.sql}, ({least})::{t.duckdb(value.type)}, '{value.type}')", value.type, (value,)
            )
        return Expr(f"(-{value.sql})", value.type, (value,), constant)

    def _positive(self, node: Node) -> Expr:
        value = self.check(node.value)
        if value.type.name not in (*t.NUMBERS, "interval day to second", "interval year to month", "unknown"):
            text = f"Unary '+' operator cannot by applied to {value.type} type"
            raise self.error("TYPE_MISMATCH", node, text)
        return value

    def _at_time_zone(self, node: Node) -> Expr:
        return builders.at_time_zone(self, node)


def _without_nan(text: str, operator: str, left: tuple[Expr, str], right: tuple[Expr, str]) -> str:
    """A comparison of doubles: NaN, for DuckDB the greatest number, is for Trino neither equal to nor less than any."""
    sides = {"=": (left, right), "<>": (left, right), ">": (left,), ">=": (left,), "<": (right,), "<=": (right,)}[
        operator
    ]
    if operator in ("=", "<>") and any(isinstance(e.constant, (int, float)) for e in (left[0], right[0])):
        return text
    loose = [sql for e, sql in sides if not isinstance(e.constant, (int, float))]
    if not loose:
        return text
    return f"({text} OR isnan({loose[0]}))" if operator == "<>" else f"({text} AND NOT isnan({loose[0]}))"
