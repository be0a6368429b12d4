"""GROUP BY, and what may stand beside it or beside DISTINCT.

Source: https://trino.io/docs/current/sql/select.html#group-by-clause
"""

import itertools

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.lift import canonical
from infra.local.athena.sql.queries.select_list import SelectList
from infra.local.athena.sql.scope import CATALOG, Clauses, Field, Scope
from infra.local.athena.sql.trees import written


def _spelled_out(sort: str, sets: list[list[str]]) -> list[list[str]]:
    """The grouping sets that an element of GROUP BY stands for."""
    if sort == "ROLLUP":
        return [sum(sets[:count], []) for count in range(len(sets), -1, -1)]
    if sort == "CUBE":
        chosen = (itertools.combinations(sets, count) for count in range(len(sets), -1, -1))
        return [sum(some, []) for all_of_a_size in chosen for some in all_of_a_size]
    return sets


def _distinct(choices: list[list[list[str]]]) -> list[str]:
    """The sets of all elements together, each once."""
    found: dict[frozenset[str], str] = {}
    for some in itertools.product(*choices):
        members = list(dict.fromkeys(sum(some, [])))
        found.setdefault(frozenset(map(canonical, members)), f"({', '.join(members)})")
    return list(found.values())


class Grouping(SelectList):
    def _group_by(self, node: Node, scope: Scope) -> tuple[str, dict[str, str]]:
        if node.group is None:
            return "", {}
        expressions = Expressions(self, scope, "GROUP BY clause")
        texts: list[str] = []
        choices: list[list[list[str]]] = []  # of each element, the sets that it is short for
        groups: dict[str, str] = {}
        for element in node.group.sets:
            sets = []
            for members in element.sets:
                values = [self._group_key(member, node, expressions) for member in members]
                groups.update((canonical(v), v) for v in values)
                sets.append(values)
            choices.append(_spelled_out(element.sort, sets))
            if element.sort == "SIMPLE":
                texts += sets[0] if sets[0] else ["()"]
            else:
                word = {"SETS": "GROUPING SETS"}.get(element.sort, element.sort)
                texts.append(f"{word} ({', '.join('(' + ', '.join(s) + ')' for s in sets)})")
        if node.group.distinct:
            texts = [f"GROUPING SETS ({', '.join(_distinct(choices))})"]
        if texts == ["()"]:
            texts = ["GROUPING SETS (())"]
        return " GROUP BY " + ", ".join(texts), groups

    def _group_key(self, member: Node, node: Node, expressions: Expressions) -> str:
        if member.kind == "integer":
            number = int(member.value)
            if any(item.kind == "star" for item in node.items):
                values, _, _ = self._items(node, expressions.scope, expressions)
                found = values[number - 1] if 1 <= number <= len(values) else None
            else:
                found = expressions.check(node.items[number - 1].value) if 1 <= number <= len(node.items) else None
            if found is None:
                text = f"GROUP BY position {number} is not in select list"
                raise self.error("INVALID_COLUMN_REFERENCE", member, text)
        else:
            found = expressions.check(member)
        if not t.comparable(found.type):
            text = f"{found.type} is not comparable, and therefore cannot be used in GROUP BY"
            raise self.error("TYPE_MISMATCH", member, text)
        return found.sql

    def _check_groups(self, node: Node, query: Node, clauses: "Clauses") -> None:
        """Refuse columns that are neither grouped nor in an aggregate, and what DISTINCT does not go with."""
        values = (*clauses.items, *clauses.order_values)
        if node.group or node.having is not None or any(e.aggregate for e in values):
            self._refuse_loose(clauses.items, clauses.nodes)
            if clauses.having is not None and clauses.having.loose is not None:
                raise self._not_aggregate(node.having)
            for value, item in zip(clauses.order_values, query.order or [], strict=False):
                if value.loose is not None:
                    raise self._not_aggregate(item.value)
        if node.distinct:
            self._check_distinct(clauses.items, clauses.nodes, query, clauses.order_values)

    def _refuse_loose(self, items: list[Expr], nodes: list[Node]) -> None:
        for item, node in zip(items, nodes, strict=True):
            if item.loose is None:
                continue
            if node.kind == "star":
                text = f"Column {self._column_text(item.column)} not in GROUP BY clause"
                raise self.error("EXPRESSION_NOT_AGGREGATE", node, text)
            raise self._not_aggregate(node)

    def _column_text(self, column: Field) -> str:
        """A column of `*` as Trino names it, with what it belongs to."""
        of = (CATALOG, *column.relation) if len(column.relation) == 2 else column.relation
        return "'" + ".".join([*of, column.name or "?"]) + "'"

    def _not_aggregate(self, node: Node) -> QueryError:
        text = f"'{written(node, self.text)}' must be an aggregate expression or appear in GROUP BY clause"
        return self.error("EXPRESSION_NOT_AGGREGATE", node, text)

    def _check_distinct(self, items, nodes, query: Node, order_values: list[Expr]) -> None:
        for item, node in zip(items, nodes, strict=True):
            if not t.comparable(item.type):
                text = f"DISTINCT can only be applied to comparable types (actual: {item.type})"
                raise self.error("TYPE_MISMATCH", node, text)
        shown = {canonical(item.sql) for item in items}
        for value, item in zip(order_values, query.order or [], strict=False):
            if canonical(value.sql) not in shown:
                text = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                raise self.error("EXPRESSION_NOT_IN_DISTINCT", item.value, text)
