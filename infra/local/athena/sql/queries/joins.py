"""Joins, and the comma between relations.

Source: https://trino.io/docs/current/sql/select.html#joins
"""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.conjuncts import Conjuncts
from infra.local.athena.sql.queries.row_patterns import RowPatterns
from infra.local.athena.sql.queries.unnest import Unnest, is_unnest
from infra.local.athena.sql.scope import Field, Relation, Scope


class Joins(Unnest, RowPatterns, Conjuncts):
    def _from(self, relations: list[Node], parent: Scope | None, named: dict) -> Relation:
        found = self._relation(relations[0], parent, named, None)
        for node in relations[1:]:
            found = self._cross(found, node, parent, named)
        return found

    def _cross(self, left: Relation, node: Node, parent, named) -> Relation:
        if is_unnest(node):
            return self._with_unnest(left, node, parent, named, outer=False)
        right = self._relation(node, parent, named, left)
        return Relation(f"{left.sql} CROSS JOIN {right.sql}", left.fields + right.fields)

    def _join(self, node: Node, parent, named, before) -> Relation:
        left = self._relation(node.left, parent, named, before)
        if node.using == "NATURAL":
            raise self.error("NOT_SUPPORTED", node, "Natural join not supported")
        if node.sort == "CROSS":
            return self._cross(left, node.right, parent, named)
        if is_unnest(node.right):
            if node.using or not (node.on.kind == "boolean" and node.on.value) or node.sort not in ("INNER", "LEFT"):
                text = f"{node.sort} JOIN involving UNNEST is only supported with condition ON TRUE"
                raise self.error("NOT_SUPPORTED", node.on or node, text)
            return self._with_unnest(left, node.right, parent, named, outer=node.sort == "LEFT")
        right = self._relation(node.right, parent, named, left)
        if node.using is not None:
            return self._join_using(node, left, right, parent, named)
        fields = left.fields + right.fields
        scope = Scope(fields, parent, named)
        self._mark_optional(node.sort, left, right)
        expressions = Expressions(self, scope, "JOIN clause")
        condition = expressions.boolean(node.on, "JOIN ON clause must evaluate to a boolean: actual type {}")
        if node.sort == "INNER":
            self._note_conjuncts(node.on, scope)
        word = "JOIN" if node.sort == "INNER" else f"{node.sort} JOIN"
        nested = f"({right.sql})" if node.right.kind == "join" else right.sql
        return Relation(f"{left.sql} {word} {nested} ON {condition.sql}", fields)

    def _mark_optional(self, sort: str, left: Relation, right: Relation) -> None:
        for side, sorts in ((left, ("RIGHT", "FULL")), (right, ("LEFT", "FULL"))):
            if sort in sorts:
                for f in side.fields:
                    f.optional = True

    def _join_using(self, node: Node, left: Relation, right: Relation, parent, named) -> Relation:
        self._mark_optional(node.sort, left, right)
        conditions, shared = [], []
        used: set[int] = set()
        expressions = Expressions(self, Scope([], parent, named), "JOIN clause")
        for name in node.using:
            pair = []
            for side, word in ((left, "left"), (right, "right")):
                found = [f for f in side.fields if f.name == name.value and not f.hidden]
                if not found:
                    text = f"Column '{name.value}' is missing from {word} side of join"
                    raise self.error("COLUMN_NOT_FOUND", name, text)
                if len(found) > 1:
                    raise self.error("AMBIGUOUS_NAME", name, f"Column '{name.value}' is ambiguous")
                pair.append(found[0])
                used.add(id(found[0]))
            values = [Expr(f.use(), f.type) for f in pair]
            kind = t.common(values[0].type, values[1].type)
            if kind is None:
                text = f"Column Types of left and right side are different: left is {values[0].type}, right is {values[1].type}"
                raise self.error("TYPE_MISMATCH", name, text)
            a, b = (expressions.coerce(v, kind) for v in values)
            conditions.append(f"{expressions.key(a)} = {expressions.key(b)}")
            merged = {"LEFT": a.sql, "INNER": a.sql, "RIGHT": b.sql}.get(node.sort, f"coalesce({a.sql}, {b.sql})")
            shared.append(Field((), name.value, kind, merged))
        rest = [f for f in left.fields + right.fields if id(f) not in used]
        word = "JOIN" if node.sort == "INNER" else f"{node.sort} JOIN"
        nested = f"({right.sql})" if node.right.kind == "join" else right.sql
        return Relation(f"{left.sql} {word} {nested} ON {' AND '.join(conditions)}", shared + rest)
