"""The expressions of MATCH_RECOGNIZE: what MEASURES and DEFINE read in the rows of a match.

Source: https://trino.io/docs/current/sql/match-recognize.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.local.athena.functions import signatures
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.pattern_checks import NAVIGATIONS, is_special, label_of, nodes
from infra.local.athena.sql.queries.relations import Relations
from infra.local.athena.sql.scope import Scope

_AGGREGATES = ("count", "sum", "avg", "min", "max")
_OF_NULL = ("coalesce", "if", "nullif", "typeof", "concat_ws")  # give a value for NULL
_OPERATORS = ("+", "-", "*", "/", "%")

Found = TypeVar("Found")
Navigation = dict[str, Any]  # labels (None: all), last, offset, shift, final


class Depends(Exception):
    """A condition that a row does not decide by itself."""


class Shared:
    """What the expressions of one MATCH_RECOGNIZE share: its variables, and what is worked out for each row."""

    def __init__(self, analysis: Relations, scope: Scope, variables: dict[str, list[str]]):
        self.analysis, self.scope, self.variables = analysis, scope, variables
        self.values: list[str] = []  # SQL of values that measures read in rows
        self.reads: list[
            str
        ] = []  # SQL of what measures read, of a row `s` of the partition with what the engine told: columns x…
        self.truths: list[str] = []  # SQL of conditions
        self.atoms: list[str] = []  # SQL of values that conditions compare, as JSON
        self.navigations: list[Navigation] = []
        self.labels: list[Navigation] = []
        self.sets: list[dict[str, Any]] = []
        self.classified = False  # whether the names of all rows' variables are read

    def read(self, sql: str) -> str:
        return f"s.x{place_of(self.reads, sql)}"

    def label(self, node: Node) -> str | None:
        """The pattern's variable before a column: `A` of A.price."""
        if node.base.kind != "column":
            return None
        label = label_of(node.base, self.analysis.text)
        return label if label in self.variables else None

    def of_row(self, node: Node, call: Node | None = None) -> tuple[Expr, list[str] | None]:
        """An expression inside a navigation or an aggregate, for one row, and the variables that its columns name."""
        expressions = RowExpressions(self)
        found = expressions.check(node)
        if len(expressions.named) > 1:
            raise self.mixed(call or node)
        labels = next(iter(expressions.named.values())) if expressions.named else None
        return found, labels

    def mixed(self, call: Node) -> Exception:
        text = f"All labels and classifiers inside the call to '{getattr(call, 'name', '')}' must match"
        return self.analysis.error("INVALID_ARGUMENTS", call, text)

    def navigation(self, node: Node) -> tuple[Node, Navigation]:
        """What FIRST, LAST, PREV and NEXT say, and the call whose argument is the expression inside them."""
        shift, inner = 0, node
        if node.name in ("prev", "next"):
            count = _offset(node, 1)
            shift = -count if node.name == "prev" else count
            inner = node.args[0]
        place: Navigation = {"labels": None, "last": True, "offset": 0, "shift": shift, "final": _is_final(node)}
        if inner.kind != "call" or inner.name not in ("first", "last"):
            return node, place
        return inner, place | {"last": inner.name == "last", "offset": _offset(inner, 0), "final": _is_final(inner)}

    def classifier(self, node: Node, place: Navigation | None = None) -> Navigation:
        """The row whose variable CLASSIFIER tells."""
        labels = self.variables[label_of(node.args[0], self.analysis.text)] if node.args else None
        return {"last": True, "offset": 0, "shift": 0, "final": False, **(place or {}), "labels": labels}


def _offset(node: Node, default: int) -> int:
    return default if len(node.args) == 1 else int(node.args[1].value)


def _is_classifier(node: Node) -> bool:
    return node.kind == "call" and node.name == "classifier"


def _is_final(node: Node) -> bool:
    return getattr(node, "processing", "RUNNING") == "FINAL"


def place_of(items: list[Any], item: Any) -> int:
    if item not in items:
        items.append(item)
    return items.index(item)


class RowExpressions(Expressions):
    """Expressions over the columns of one row; a pattern's variable before a column is noted."""

    def __init__(self, shared: Shared):
        super().__init__(shared.analysis, shared.scope, "MATCH_RECOGNIZE")
        self.shared = shared
        self.named: dict[str, list[str] | None] = {}

    def _column(self, node: Node) -> Expr:
        found = super()._column(node)
        if not any(node.name in variables for variables in self.variables):
            self.named[""] = None
        return found

    def _field(self, node: Node) -> Expr:
        label = self.shared.label(node)
        if label is not None:
            self.named[label] = self.shared.variables[label]
            found = self.resolve([node.name.value], node)
            if found is None:
                raise self._missing(node, f"{node.base.name}.{node.name.value}")
            return found
        self.named[""] = None
        return super()._field(node)

    def _call(self, node: Node) -> Expr:
        return self._classifier(node) if is_special(node, self.checker.text) else super()._call(node)

    def _classifier(self, node: Node) -> Expr:
        text = f"{node.name.upper()} inside an expression of DEFINE is not supported by the local Athena"
        raise self.error("NOT_SUPPORTED", node, text)


class _Placed(RowExpressions):
    """Expressions in a row of a match that hold CLASSIFIER, which no row knows by itself."""

    def __init__(self, shared: Shared, row: str):
        super().__init__(shared)
        self.row = row

    def _column(self, node: Node) -> Expr:
        return self._at(super()._column(node))

    def _field(self, node: Node) -> Expr:
        return self._at(super()._field(node)) if self.shared.label(node) is not None else super()._field(node)

    def _scalar_query(self, node: Node) -> Expr:
        text = "Subqueries beside CLASSIFIER and MATCH_NUMBER are not supported by the local Athena"
        raise self.error("NOT_SUPPORTED", node, text)

    _exists = _in_query = _scalar_query

    def _at(self, value: Expr) -> Expr:
        return _value(self.shared, self.row, value)

    def _classifier(self, node: Node) -> Expr:
        if node.name == "match_number":
            return Expr("struct_extract(s.o, 'm')", t.BIGINT)
        label = label_of(node.args[0], self.checker.text) if node.args else ""
        self.named[label] = self.shared.variables[label] if label else None
        self.shared.classified = True
        place = f"{self.row} - struct_extract(s.o, 'f')"
        return Expr(f"CASE WHEN {place} >= 0 THEN list_extract(struct_extract(s.o, 'c'), {place} + 1) END", t.VARCHAR)


def _value(shared: Shared, row: str, value: Expr) -> Expr:
    """What a row of a partition has."""
    number = place_of(shared.values, value.sql)
    return Expr(f"struct_extract(list_extract(s.rows, {row} + 1), 'a{number}')", value.type)


class Measures(RowExpressions):
    """Measures, of a row of the result (`s`): values are read in the rows that the engine named."""

    def _column(self, node: Node) -> Expr:
        if any(node.name in variables for variables in self.variables):
            return super()._column(node)
        return self._read(node, {"labels": None, "last": True, "offset": 0, "shift": 0, "final": False})

    def _field(self, node: Node) -> Expr:
        if self.shared.label(node) is not None:
            return self._read(node, {"labels": None, "last": True, "offset": 0, "shift": 0, "final": False})
        return super()._field(node)

    def _call(self, node: Node) -> Expr:
        if is_special(node, self.checker.text):
            return self._special(node)
        if node.name in functions.AGGREGATES and node.window is None:
            return self._of_rows(node)
        return super()._call(node)

    def _special(self, node: Node) -> Expr:
        if node.name == "match_number":
            return Expr(self.shared.read("struct_extract(s.o, 'm')"), t.BIGINT)
        if node.name == "classifier":
            return self._label(self.shared.classifier(node))
        call, place = self.shared.navigation(node)
        if _is_classifier(call.args[0]):
            return self._label(self.shared.classifier(call.args[0], place))
        return self._read(call.args[0], place, call)

    def _read(self, node: Node, place: Navigation, call: Node | None = None) -> Expr:
        value, labels = self._at_row(node, call or node)
        which = place_of(self.shared.navigations, {**place, "labels": labels})
        found = value(f"struct_extract(s.o, 'n')[{which + 1}]")
        return Expr(self.shared.read(found.sql), found.type)

    def _at_row(self, node: Node, call: Node) -> tuple[Callable[[str], Expr], list[str] | None]:
        """How an expression is read in a row, and the variables that its columns name."""
        shared = self.shared
        if not any(is_special(part, self.checker.text) for part in nodes(node)):
            value, labels = shared.of_row(node, call)
            return partial(_value, shared, value=value), labels
        probe = _Placed(shared, "0")
        probe.check(node)
        if len(probe.named) > 1:
            raise shared.mixed(call)
        return (lambda row: _Placed(shared, row).check(node)), next(iter(probe.named.values()), None)

    def _label(self, place: Navigation) -> Expr:
        which = place_of(self.shared.labels, place)
        return Expr(self.shared.read(f"struct_extract(s.o, 'l')[{which + 1}]"), t.VARCHAR)

    def _of_rows(self, node: Node) -> Expr:
        labels, readers = rows_of(self.shared, node, self._at_row)
        which = place_of(self.shared.sets, {"labels": labels, "final": _is_final(node), "listed": bool(readers)})
        if not readers:
            return Expr(self.shared.read(f"struct_extract(s.o, 'k')[{which + 1}]"), t.BIGINT)
        rows = f"struct_extract(s.o, 's')[{which + 1}]"
        item = self.casts.fresh()
        values = [reader(item) for reader in readers]
        fields = [f"a{i} := {value.sql}" for i, value in enumerate(values)]
        listed = f"list_transform({rows}, lambda {item}: struct_pack({', '.join(fields)}))"
        given: list[Expr | None] = [Expr(f"struct_extract(q.u, 'a{i}')", value.type) for i, value in enumerate(values)]
        bound, args = self.bind(node, functions.AGGREGATES[node.name], given)
        found = self.render(node, bound, args, signatures.Extra("DISTINCT " if node.distinct else ""))
        return Expr(f"(SELECT {found.sql} FROM (SELECT unnest({self.shared.read(listed)}) AS u) q)", found.type)


def rows_of(
    shared: Shared, node: Node, of_row: Callable[[Node, Node], tuple[Found, list[str] | None]]
) -> tuple[list[str] | None, list[Found]]:
    """The variables whose rows an aggregate is of (None: all), and its arguments; none for count(*) and count(A.*)."""
    if node.starred:
        return None, []
    if len(node.args) == 1 and node.args[0].kind == "rows_of":
        return shared.variables[label_of(node.args[0].name, shared.analysis.text)], []
    found = [of_row(argument, node) for argument in node.args]
    named = {tuple(labels) for _, labels in found if labels is not None}
    if len(named) > 1:
        raise shared.mixed(node)
    return (list(next(iter(named))) if named else None), [value for value, _ in found]


class Independent(RowExpressions):
    """A condition of a variable that the row decides by itself, with its neighbours: SQL over the window `w`."""

    def __init__(self, shared: Shared, label: str):
        super().__init__(shared)
        self.label = label

    def _at_this_row(self, labels: list[str] | None) -> None:
        if labels is not None and self.label not in labels:
            raise Depends

    def _field(self, node: Node) -> Expr:
        label = self.shared.label(node)
        if label is not None:
            self._at_this_row(self.shared.variables[label])
        return super()._field(node)

    def _call(self, node: Node) -> Expr:
        if is_special(node, self.checker.text):
            return self._special(node)
        if node.name in functions.AGGREGATES:
            raise Depends
        return super()._call(node)

    def _special(self, node: Node) -> Expr:
        if node.name not in NAVIGATIONS:
            raise Depends
        call, place = self.shared.navigation(node)
        if not place["last"] or place["offset"] or _is_classifier(call.args[0]):
            raise Depends
        value, labels = self.shared.of_row(call.args[0], call)
        self._at_this_row(labels)
        word = "lag" if place["shift"] < 0 else "lead"
        shifted = f"{word}({value.sql}, {abs(place['shift'])}) OVER w" if place["shift"] else value.sql
        return Expr(shifted, value.type)


class Conditions:
    """Conditions that depend on what was matched before, as trees for the engine."""

    def __init__(self, shared: Shared, label: str):
        self.shared, self.label = shared, label

    def tree(self, node: Node) -> list[Any]:
        try:
            return ["atom", self.atom(Independent(self.shared, self.label).check(node), node)]
        except Depends:
            return getattr(self, "_" + node.kind, self._other)(node)

    def atom(self, value: Expr, node: Node) -> int:
        return place_of(self.shared.atoms, self._as_json(value, node))

    def _as_json(self, value: Expr, node: Node) -> str:
        name, sql = value.type.name, value.sql
        if name in ("varchar", "char"):
            return f"CAST(to_json({sql}) AS VARCHAR)"
        if name in ("real", "double"):
            return f"floating_text({sql})"
        if name in (*t.INTEGERS, "decimal", "boolean"):
            return f"CAST({sql} AS VARCHAR)"
        if name in ("date", "timestamp"):
            return f"CAST(epoch_us(CAST({sql} AS TIMESTAMP)) AS VARCHAR)"
        if name == t.ZONED[0]:
            return f"CAST(epoch_us(struct_extract({sql}, 'i')) AS VARCHAR)"
        if name == t.DAY_TO_SECOND.name:
            return f"CAST(CAST(epoch_ms({sql}) AS BIGINT) * 1000 AS VARCHAR)"
        if name == "unknown":
            return "CAST(NULL AS VARCHAR)"
        raise self._refused(node)

    def _refused(self, node: Node) -> Exception:
        text = f"The local Athena does not compare this in DEFINE: {self.shared.analysis.text[node.start : node.end]}"
        return self.shared.analysis.error("NOT_SUPPORTED", node, text)

    def _other(self, node: Node) -> list[Any]:
        raise self._refused(node)

    def _logical(self, node: Node) -> list[Any]:
        return [node.operator.lower(), [self.tree(term) for term in node.terms]]

    def _not(self, node: Node) -> list[Any]:
        return ["not", self.tree(node.value)]

    def _comparison(self, node: Node) -> list[Any]:
        operator = "<>" if node.operator == "!=" else node.operator
        return ["binary", operator, self.tree(node.left), self.tree(node.right)]

    def _binary(self, node: Node) -> list[Any]:
        if node.operator not in _OPERATORS:
            return self._of_others(node)
        return ["binary", node.operator, self.tree(node.left), self.tree(node.right)]

    def _between(self, node: Node) -> list[Any]:
        value, low, high = self.tree(node.value), self.tree(node.low), self.tree(node.high)
        found = ["and", [["binary", ">=", value, low], ["binary", "<=", value, high]]]
        return ["not", found] if node.negated else found

    def _in_list(self, node: Node) -> list[Any]:
        value = self.tree(node.value)
        found = ["or", [["binary", "=", value, self.tree(item)] for item in node.items]]
        return ["not", found] if node.negated else found

    def _is_null(self, node: Node) -> list[Any]:
        found = ["is_null", self.tree(node.value)]
        return ["not", found] if node.negated else found

    def _field(self, node: Node) -> list[Any]:
        value, labels = self.shared.of_row(node)
        place = {"labels": labels, "last": True, "offset": 0, "shift": 0, "final": False}
        return ["at", place, self.atom(value, node)]

    def _call(self, node: Node) -> list[Any]:
        if is_special(node, self.shared.analysis.text):
            return self._special(node)
        if node.name not in functions.AGGREGATES:
            return self._of_others(node)
        if node.name not in _AGGREGATES:
            raise self._refused(node)
        labels, values = rows_of(self.shared, node, self.shared.of_row)
        return ["aggregate", node.name, labels, self.atom(values[0], node) if values else None]

    def _special(self, node: Node) -> list[Any]:
        if node.name == "match_number":
            return ["match_number"]
        if node.name == "classifier":
            return ["label", self.shared.classifier(node)]
        call, place = self.shared.navigation(node)
        if _is_classifier(call.args[0]):
            return ["label", self.shared.classifier(call.args[0], place)]
        value, labels = self.shared.of_row(call.args[0], call)
        return ["at", {**place, "labels": labels}, self.atom(value, call)]

    def _of_others(self, node: Node) -> list[Any]:
        """A function or a cast of columns of one variable: worked out in each row, and read in the variable's last one."""
        if getattr(node, "name", "") in _OF_NULL:
            raise self._refused(node)
        value, labels = self.shared.of_row(node)
        if labels is None:
            raise self._refused(node)
        return ["at", {"labels": labels, "last": True, "offset": 0, "shift": 0, "final": False}, self.atom(value, node)]

    _cast = _of_others
