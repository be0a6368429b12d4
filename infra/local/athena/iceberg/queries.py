"""The queries behind a change of rows, as trees: which rows of the target it means, and what it gives for them.

Sources: https://trino.io/docs/current/sql/merge.html, update.html, delete.html
"""

from __future__ import annotations

import copy
from typing import NamedTuple

from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node, line_and_column
from infra.local.athena.sql.scope import FILE, POSITION


class Step(NamedTuple):
    """A query whose rows are to be changed or inserted.

    Parameters
    ----------
    query: its columns: for a change the file and the place of the row, then the new values; for an insert the values
    columns: the names of the columns that the values are for; None for a deletion
    """

    query: Node
    columns: list[str] | None


class Changes(NamedTuple):
    """What a statement does to its target."""

    changed: list[Step]
    inserted: list[Step]


def changes(tree: Node, columns: list[str], text: str) -> Changes:
    """The queries of a DELETE, UPDATE or MERGE on a table with these columns. Raises QueryError for a column that it does not have."""
    if tree.kind == "delete":
        return Changes([Step(_located(tree.table, tree.where, []), None)], [])
    if tree.kind == "update":
        names, values = _assigned(tree.assignments, columns, text)
        return Changes([Step(_located(tree.table, tree.where, values), names)], [])
    return _merge(tree, columns, text)


def _merge(tree: Node, columns: list[str], text: str) -> Changes:
    target = (
        tree.table
        if tree.alias is None
        else _node(tree.table, "alias", relation=tree.table, name=tree.alias, columns=None)
    )
    joined = _node(tree, "join", sort="INNER", left=target, right=tree.source, on=tree.on, using=None)
    missing = _node(
        tree,
        "not",
        value=_node(tree, "exists", query=_query(tree, target, tree.on, [_node(tree, "integer", value="1")])),
    )
    changed, inserted = [], []
    earlier: dict[bool, list[Node]] = {True: [], False: []}
    for case in tree.cases:
        matched = case.kind != "merge_insert"
        terms = [*earlier[matched], *([case.condition] if case.condition else [])]
        if case.condition is None:
            earlier[matched].append(_node(case, "boolean", value=False))
        else:
            earlier[matched].append(
                _node(
                    case, "distinct_from", left=case.condition, right=_node(case, "boolean", value=True), negated=False
                )
            )
        if not matched:
            names = [c.value for c in case.columns] if case.columns else columns
            _require(case.columns or [], columns, text)
            if len(names) != len(case.values):
                raise QueryError(
                    "MISMATCHED_COLUMN_ALIASES",
                    f"Insert query has {len(case.values)} expression(s) but expected {len(names)} target column(s)",
                    *line_and_column(text, case.pos),
                )
            inserted.append(Step(_query(case, tree.source, _all([missing, *terms]), case.values), names))
        elif case.kind == "merge_delete":
            changed.append(Step(_located(joined, _all(terms), []), None))
        else:
            names, values = _assigned(case.assignments, columns, text)
            changed.append(Step(_located(joined, _all(terms), values), names))
    return Changes(changed, inserted)


def _assigned(assignments: list[tuple[Node, Node]], columns: list[str], text: str) -> tuple[list[str], list[Node]]:
    """The columns that SET names and their values. Raises QueryError."""
    _require([name for name, _ in assignments], columns, text)
    names = [name.value for name, _ in assignments]
    for place, (name, _) in enumerate(assignments):
        if name.value in names[:place]:
            raise QueryError(
                "SYNTAX_ERROR", f"Multiple assignments for column: {name.value}", *line_and_column(text, name.pos)
            )
    return names, [value for _, value in assignments]


def _require(names: list[Node], columns: list[str], text: str) -> None:
    for name in names:
        if name.value not in columns:
            raise QueryError(
                "COLUMN_NOT_FOUND",
                f"The UPDATE SET target column {name.value} doesn't exist",
                *line_and_column(text, name.pos),
            )


def _located(relation: Node, where: Node | None, values: list[Node]) -> Node:
    hidden = [_node(relation, "column", name=name, quoted=True) for name in (FILE, POSITION)]
    return _query(relation, relation, where, [*hidden, *values])


def _query(place: Node, relation: Node, where: Node | None, values: list[Node]) -> Node:
    """SELECT values FROM relation WHERE …; every tree has nodes of its own."""
    items = [_node(value, "item", value=value, alias=None) for value in values]
    body = _node(
        place,
        "select",
        distinct=False,
        items=items,
        relation=[relation],
        where=where,
        group=None,
        having=None,
        windows=[],
    )
    return copy.deepcopy(
        _node(place, "query", body=body, order=None, offset=None, limit=None, ties=False, named=[], recursive=False)
    )


def _all(terms: list[Node]) -> Node | None:
    if len(terms) < 2:
        return terms[0] if terms else None
    return _node(terms[0], "logical", operator="AND", terms=terms)


def _node(place: Node, kind: str, **fields: object) -> Node:
    return Node(kind=kind, start=place.start, pos=place.pos, end=place.end, **fields)
