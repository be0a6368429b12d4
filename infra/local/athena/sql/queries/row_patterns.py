"""MATCH_RECOGNIZE: rows are numbered in their partition, the pattern is matched by a function of the engine, and the measures are
read in the rows that it names.

Source: https://trino.io/docs/current/sql/match-recognize.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type, literal
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.pattern_checks import PatternChecks, label_of, labels_in
from infra.local.athena.sql.queries.pattern_expressions import (
    Conditions,
    Depends,
    Independent,
    Measures,
    Shared,
    place_of,
)
from infra.local.athena.sql.queries.relations import Relations
from infra.local.athena.sql.scope import Field, Relation, Scope


class RowPatterns(Relations):
    def _match_recognize(self, node: Node, parent, named, left) -> Relation:
        given = self._projected(self._relation(node.relation, parent, named, left), [])
        scope = Scope(given.fields, parent, named)
        shared = Shared(self, scope, self._variables(node))
        self._check_pattern(node, PatternChecks(self, shared.variables))
        plain = Expressions(self, scope, "MATCH_RECOGNIZE")
        keys = [plain.check(key) for key in node.partition]
        order, ordered = plain.order_by(node.order) if node.order else ("", [])
        measures = [
            (
                name.value,
                Measures(
                    shared,
                ).check(value),
            )
            for value, name in node.measures
        ]
        spec = {
            "pattern": _pattern(node.pattern, self.text), "conditions": self._conditions(node, shared), "rows": node.rows,
            "skip": self._skip(node, shared), "navigations": shared.navigations, "labels": shared.labels, "sets": shared.sets, "classified": shared.classified,
        }  # fmt: skip
        rows = self._rows(given, shared, [key.sql for key in keys], order)
        found = (
            f"SELECT {''.join(f'p{i}, ' for i in range(len(keys)))}list(v ORDER BY n) AS rows, "
            f"row_pattern(list(t ORDER BY n), list(j ORDER BY n), {literal(json.dumps(spec))}) AS found FROM ({rows}) "
            f"{'GROUP BY ' + ', '.join(f'p{i}' for i in range(len(keys))) if keys else ''}"
        )
        columns = self._columns(node, given, shared, keys, ordered, measures)
        reads = [
            *(f"p{i}" for i in range(len(keys))),
            *(f"{sql} AS x{i}" for i, sql in enumerate(shared.reads)),
            "1 AS one",
        ]
        shown = f"(SELECT {', '.join(reads)} FROM (SELECT *, unnest(found) AS o FROM ({found})) s) s"
        alias = self.fresh("r")
        texts = [f"{sql} AS c{i}" for i, (_, _, sql, field) in enumerate(columns) if field is None or field.is_read]
        fields = [
            field.moved(f"{alias}.c{i}") if field is not None else Field((), name, kind, f"{alias}.c{i}")
            for i, (name, kind, _, field) in enumerate(columns)
        ]
        return Relation(f"(SELECT {', '.join(texts) or '1 AS nothing'} FROM {shown}) {alias}", fields)

    def _check_pattern(self, node: Node, checks: PatternChecks) -> None:
        if node.modifier is not None:
            text = f"Pattern search modifier: {node.modifier.word} is not allowed in MATCH_RECOGNIZE clause"
            raise self.error("NOT_SUPPORTED", node.modifier, text)
        checks.pattern(node.pattern, node.rows)
        for value, _ in node.measures:
            checks.expression(value)
        for _, condition in node.defined:
            checks.expression(condition, in_define=True)
        if node.rows == "ONE" and not node.partition and not node.measures:
            raise self.error("TABLE_HAS_NO_COLUMNS", node, "pattern recognition output table has no columns")

    def _variables(self, node: Node) -> dict[str, list[str]]:
        """The names of the pattern and of SUBSET, each with the pattern's variables that it means."""
        found = {label: [label] for label in map(self._label, labels_in(node.pattern))}
        primary = set(found)
        for name, members in node.subsets:
            label = self._label(name)
            if label in found:
                said = "a duplicate of primary pattern variable name" if label in primary else "declared twice"
                raise self.error("INVALID_LABEL", name, f"union pattern variable name: {name.written} is {said}")
            for member in members:
                if self._label(member) not in primary:
                    text = f"subset element: {member.written} is not a primary pattern variable"
                    raise self.error("INVALID_LABEL", member, text)
            found[label] = [self._label(member) for member in members]
        return found

    def _label(self, name: Node) -> str:
        return label_of(name, self.text)

    def _conditions(self, node: Node, shared: Shared) -> dict[str, Any]:
        found: dict[str, Any] = {}
        primary = set(map(self._label, labels_in(node.pattern)))
        for name, condition in node.defined:
            label = self._label(name)
            if label not in primary:
                text = f"defined variable: {name.written} is not a primary pattern variable"
                raise self.error("INVALID_LABEL", name, text)
            if label in found:
                raise self.error("INVALID_LABEL", name, f"pattern variable with name: {name.written} is defined twice")
            try:
                checked = Independent(shared, label).boolean(condition, _CONDITION)
                found[label] = place_of(shared.truths, checked.sql)
            except Depends:
                apart = Shared(self, shared.scope, shared.variables)
                Measures(apart).boolean(condition, _CONDITION)  # its types
                found[label] = Conditions(shared, label).tree(condition)
        return found

    def _skip(self, node: Node, shared: Shared) -> tuple[str, list[str] | None]:
        where, name = node.skip
        if name is None:
            return where, None
        labels = shared.variables.get(self._label(name))
        if labels is None:
            text = f"{name.written} is not a primary or union pattern variable"
            raise self.error("INVALID_LABEL", name, text)
        return where, labels

    def _rows(self, given: Relation, shared: Shared, keys: list[str], order: str) -> str:
        """The rows with what is worked out for each: partition `p…`, number `n`, values `v`, conditions `t`, atoms `j`."""
        partition = f"PARTITION BY {', '.join(keys)}" if keys else ""
        columns = [f"c{i} := {f.sql}" for i, f in enumerate(given.fields) if f.is_read and not f.hidden]
        values = [*columns, *(f"a{i} := {sql}" for i, sql in enumerate(shared.values)), "one := 1"]
        texts = [f"{key} AS p{i}" for i, key in enumerate(keys)]
        texts += ["row_number() OVER w AS n", f"struct_pack({', '.join(values)}) AS v"]
        texts.append(f"CAST([{', '.join(shared.truths)}] AS BOOLEAN[]) AS t")
        texts.append(f"CAST([{', '.join(shared.atoms)}] AS VARCHAR[]) AS j")
        return f"SELECT {', '.join(texts)} FROM {given.sql} WINDOW w AS ({partition} {order.strip()})"

    def _columns(
        self,
        node: Node,
        given: Relation,
        shared: Shared,
        keys: list[Expr],
        ordered: list[Expr],
        measures: list[tuple[str, Expr]],
    ) -> list[tuple[str | None, Type, str, Field | None]]:
        """The columns of the result: name, type, SQL, and the column of the input that it is."""
        of_measures = [(name, found.type, found.sql, None) for name, found in measures]
        if node.rows == "ONE":
            known = {f.sql: f for f in given.fields}
            parts = [
                (known[key.sql].name if key.sql in known else None, key.type, f"s.p{i}", known.get(key.sql))
                for i, key in enumerate(keys)
            ]
            return [*parts, *of_measures]
        inputs = {
            f.sql: (f.name, f.type, shared.read(_SHOWN.format(i)) if f.is_read else "", f)
            for i, f in enumerate(given.fields)
            if not f.hidden
        }
        first = [found.sql for found in (*keys, *ordered) if found.sql in inputs]
        rest = [column for sql, column in inputs.items() if sql not in first]
        return [*(inputs[sql] for sql in first), *of_measures, *rest]


_SHOWN = "struct_extract(list_extract(s.rows, struct_extract(s.o, 'r') + 1), 'c{}')"
_CONDITION = "Expression defining a label must be boolean (actual type: {})"


def _pattern(node: Node, text: str) -> list[Any]:
    """A pattern for the engine."""
    if node.sort == "label":
        return ["label", label_of(node.name, text)]
    if node.sort == "times":
        return ["times", _pattern(node.part, text), node.low, node.high, node.lazy]
    if node.sort == "without":
        return ["without", _pattern(node.part, text)]
    if node.sort in ("all", "any", "permute"):
        return [node.sort, [_pattern(part, text) for part in node.parts]]
    return [node.sort]
