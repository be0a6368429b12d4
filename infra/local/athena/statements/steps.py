"""The steps of a query in Trino's terms, as EXPLAIN shows them: made from the query's tree, with the query's own names.

Source: https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement-understanding.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from infra.engines.athena import grammar
from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import View
from infra.local.athena.functions.table import AGGREGATES
from infra.local.athena.sql.scope import CATALOG, TableUse
from infra.local.athena.sql.translate import Translated
from infra.local.athena.sql.trees import written

_JOINS = {"INNER": "InnerJoin", "LEFT": "LeftJoin", "RIGHT": "RightJoin", "FULL": "FullJoin", "CROSS": "CrossJoin"}
_SETS = {"UNION": "Union", "INTERSECT": "Intersect", "EXCEPT": "Except"}
_SCANS = {(False, False): "TableScan", (True, False): "ScanFilter", (False, True): "ScanProject", (True, True): "ScanFilterProject"}  # fmt: skip
Named = dict[str, "Step"]


class Step(NamedTuple):
    """A step of a plan: Trino's name, what stands in the brackets behind it, and the steps that it reads."""

    name: str
    told: dict[str, str]
    children: tuple[Step, ...] = ()


class Views(Protocol):
    def view(self, database: str, table: str) -> View | None: ...


def steps(text: str, span: tuple[int, int], found: Translated, views: Views, database: str | None) -> Step:
    """The plan of the query that stands in a statement's text between two offsets. Raises SyntaxRefused if it is nested too deeply."""
    names = ", ".join(column.name for column in found.columns)
    try:
        planned = _Planner(text, found.tables, views, database).query(grammar.parse(text, *span), {})
    except RecursionError:
        raise SyntaxRefused("statement is too large (stack overflow while parsing)", 1, 1) from None
    return Step("Output", {"columnNames": f"[{names}]"}, (planned,))


class _Planner:
    def __init__(self, text: str, tables: list[TableUse], views: Views, database: str | None):
        self.text, self.tables, self.views, self.database = text, tables, views, database

    def said(self, node: Node) -> str:
        return written(node, self.text)

    def listed(self, nodes: list[Node]) -> str:
        return f"[{', '.join(map(self.said, nodes))}]"

    # --- queries

    def query(self, node: Node, named: Named) -> Step:
        named = dict(named)
        for each in node.named:
            # a recursive query reads itself: what it begins with stands for that
            first = each.query.body.left if node.recursive and each.query.body.kind == "set_operation" else None
            own = {**named, each.name.value: self.body(first, named)} if first else named
            named[each.name.value] = self.query(each.query, own)
        found = self.body(node.body, named)
        if node.order:
            keys = ", ".join(self.order(item) for item in node.order)
            if node.limit is not None and node.offset is None and not node.ties:
                return Step("TopN", {"count": self.said(node.limit), "orderBy": f"[{keys}]"}, (found,))
            found = Step("Sort", {"orderBy": f"[{keys}]"}, (found,))
        if node.offset is not None:
            found = Step("Offset", {"count": self.said(node.offset)}, (found,))
        if node.limit is not None:
            ties = {"withTies": "true"} if node.ties else {}
            found = Step("Limit", {"count": self.said(node.limit), **ties}, (found,))
        return found

    def order(self, item: Node) -> str:
        return f"{self.said(item.value)} {item.direction} NULLS {item.nulls or 'LAST'}"

    def body(self, node: Node, named: Named) -> Step:
        if node.kind == "query":
            return self.query(node, named)
        if node.kind == "set_operation":
            both = (self.body(node.left, named), self.body(node.right, named))
            found = Step(_SETS[node.operator], {}, both)
            return (
                Step("Aggregate", {"type": "FINAL", "keys": "distinct"}, (found,))
                if _is_distinct_union(node)
                else found
            )
        if node.kind == "select_table":
            return self.relation(node.table, named)
        if node.kind == "values":
            return Step("Values", {"rows": str(len(node.rows))})
        return self.select(node, named)

    def select(self, node: Node, named: Named) -> Step:
        found = self.relations(node.relation, named)
        projects = any(item.kind != "star" and _has_work(item) for item in node.items)
        if node.where is not None:
            found = self.filtered(found, node.where, named)
        aggregates = list(_aggregates([node.items, node.having]))
        if node.group is not None or aggregates:
            found = self.aggregated(found, node, aggregates)
        if node.having is not None:
            found = self.filtered(found, node.having, named)
        windows = list(_windows(node.items))
        if windows:
            found = Step("Window", {"functions": self.listed(windows)}, (found,))
        found = self.with_subqueries(found, node.items, named)
        if projects:
            found = _projected(found, self.listed([item.value for item in node.items if item.kind == "item"]))
        elif found.name == "ScanFilter" and not any(item.kind == "star" for item in node.items):
            shown = sorted({self.said(item.value) for item in node.items})
            if found.told["columns"] != f"[{', '.join(shown)}]":  # columns that only the filter needs are left out
                found = Step(_SCANS[True, True], found.told)
        if node.distinct:
            found = Step(
                "Aggregate", {"keys": self.listed([i.value if i.kind == "item" else i for i in node.items])}, (found,)
            )
        return found

    def aggregated(self, found: Step, node: Node, aggregates: list[Node]) -> Step:
        told = {}
        if node.group is not None:
            keys = [member for element in node.group.sets for members in element.sets for member in members]
            told["keys"] = self.listed(keys)
            sorts = [element.sort for element in node.group.sets if element.sort != "SIMPLE"]
            if sorts:
                found = Step("GroupId", {"groupingSets": ", ".join(sorts)}, (found,))
        told["functions"] = self.listed(aggregates)
        return Step("Aggregate", told, (found,))

    def filtered(self, found: Step, condition: Node, named: Named) -> Step:
        found = self.with_subqueries(found, condition, named)
        told = {"filterPredicate": self.said(condition)}
        if found.name == "TableScan":
            return Step("ScanFilter", {**found.told, **told})
        return Step("Filter", told, (found,))

    def with_subqueries(self, found: Step, part: Any, named: Named) -> Step:
        """A step for each query in an expression, which joins its rows to those of the step before."""
        for each in _subqueries(part):
            inner = self.query(each.query, named)
            if each.kind == "in_query":
                found = Step("SemiJoin", {"criteria": self.said(each.value)}, (found, inner))
            else:
                inner = Step("EnforceSingleRow", {}, (inner,)) if each.kind == "scalar_query" else inner
                found = Step("CorrelatedJoin", {}, (found, inner))
        return found

    # --- relations

    def relations(self, nodes: list[Node] | None, named: Named) -> Step:
        if not nodes:
            return Step("Values", {"rows": "1"})
        found = self.relation(nodes[0], named)
        for node in nodes[1:]:
            found = self.crossed(found, node, named)
        return found

    def crossed(self, left: Step, node: Node, named: Named) -> Step:
        inner = node.relation if node.kind == "alias" else node
        if inner.kind == "unnest":
            return Step("Unnest", {"unnest": self.listed(inner.values)}, (left,))
        return Step("CrossJoin", {}, (left, self.relation(node, named)))

    def relation(self, node: Node, named: Named) -> Step:
        if node.kind == "alias":
            return self.relation(node.relation, named)
        if node.kind == "sample":
            told = {"ratio": self.said(node.percentage), "type": node.method}
            return Step("Sample", told, (self.relation(node.relation, named),))
        if node.kind in ("subquery", "lateral"):
            return self.query(node.query, named)
        if node.kind == "unnest":
            return Step("Unnest", {"unnest": self.listed(node.values)}, (Step("Values", {"rows": "1"}),))
        if node.kind == "match_recognize":
            told = {"partitionBy": self.listed(node.partition)}
            return Step("PatternRecognition", told, (self.relation(node.relation, named),))
        if node.kind == "join":
            return self.join(node, named)
        return self.table(node, named)

    def join(self, node: Node, named: Named) -> Step:
        left = self.relation(node.left, named)
        if node.sort == "CROSS":
            return self.crossed(left, node.right, named)
        if node.on is not None:
            criteria = self.said(node.on)
        else:
            criteria = (
                "NATURAL" if node.using == "NATURAL" else f"USING ({', '.join(name.value for name in node.using)})"
            )
        return Step(_JOINS[node.sort], {"criteria": criteria}, (left, self.relation(node.right, named)))

    def table(self, node: Node, named: Named) -> Step:
        parts = [name.value for name in node.name]
        if len(parts) == 1 and parts[0] in named:
            return named[parts[0]]
        database, table = (parts[-2] if len(parts) > 1 else self.database or "").lower(), parts[-1].lower()
        view = self.views.view(database, table)
        if view is not None:
            inner = _Planner(view.sql, self.tables, self.views, view.database)
            return inner.query(grammar.parse(view.sql), {})
        told = {"table": f"{CATALOG}:{database}:{table}"}
        read = sorted(
            {name for use in self.tables if (use.database, use.table) == (database, table) for name in use.columns}
        )
        return Step("TableScan", {**told, "columns": f"[{', '.join(read)}]"})


def _projected(found: Step, items: str) -> Step:
    """With the values that the items of a SELECT are: in the same step where Trino has one for both."""
    told = {"expressions": items}
    if found.name in ("TableScan", "ScanFilter"):
        return Step(_SCANS[found.name == "ScanFilter", True], {**found.told, **told})
    if found.name == "Filter":
        return Step("FilterProject", {**found.told, **told}, found.children)
    return Step("Project", told, (found,))


def _is_distinct_union(node: Node) -> bool:
    return node.operator == "UNION" and not node.all


def _has_work(item: Node) -> bool:
    """Whether an item of a SELECT is more than a column, an aggregate or a window's value."""
    if item.value.kind == "call":
        return not (item.value.window is not None or item.value.name.lower() in AGGREGATES)
    return item.value.kind not in ("column", "field")


def _inside(part: Any) -> Iterator[Any]:
    if isinstance(part, Node):
        yield from vars(part).values()
    elif isinstance(part, (list, tuple)):
        yield from part


def _aggregates(part: Any) -> Iterator[Node]:
    """The calls of aggregates, outside subqueries and windows."""
    if isinstance(part, Node):
        if part.kind == "query":
            return
        if part.kind == "call" and part.window is None and part.name.lower() in AGGREGATES:
            yield part
            return
    for each in _inside(part):
        yield from _aggregates(each)


def _windows(part: Any) -> Iterator[Node]:
    if isinstance(part, Node):
        if part.kind == "query":
            return
        if part.kind == "call" and part.window is not None:
            yield part
    for each in _inside(part):
        yield from _windows(each)


def _subqueries(part: Any) -> Iterator[Node]:
    """The nodes that hold a query, outside other queries."""
    if isinstance(part, Node) and part.kind == "query":
        return
    if isinstance(part, Node) and isinstance(getattr(part, "query", None), Node):
        yield part
    for each in _inside(part):
        yield from _subqueries(each)
