"""What Trino refuses in MATCH_RECOGNIZE before it looks at types.

Source: https://trino.io/docs/current/sql/match-recognize.html; the messages are of Trino's ExpressionAnalyzer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.engines.athena.grammar import Node
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.queries.analysis import Analysis

NAVIGATIONS = ("first", "last", "prev", "next")
SPECIAL = (*NAVIGATIONS, "classifier", "match_number")
MOST_STEPS = 10_000  # of a pattern written out
_LARGEST = 2147483647
_WINDOW = "Cannot nest window functions or row pattern measures inside pattern recognition expressions"
_COUNTED = "label.* syntax is only supported as the only argument of row pattern count function"


def label_of(name: Node, text: str) -> str:
    """A pattern's variable: in capitals, unless it is quoted."""
    written = text[name.start : name.end].strip()
    return written[1:-1].replace('""', '"') if name.quoted else written.upper()


def labels_in(pattern: Node) -> list[Node]:
    """The names of the variables in a pattern."""
    if pattern.sort == "label":
        return [pattern.name]
    return [
        name for part in getattr(pattern, "parts", [getattr(pattern, "part", None)]) if part for name in labels_in(part)
    ]


def nodes(part: Any, queries: bool = False) -> Iterator[Node]:
    """The nodes of a tree; those of subqueries only if they are asked for."""
    if isinstance(part, Node):
        yield part
        if part.kind == "query" and not queries:
            return
        part = list(vars(part).values())
    if isinstance(part, (list, tuple)):
        for each in part:
            yield from nodes(each, queries)


def is_special(node: Node, text: str) -> bool:
    """Whether a call is of the pattern's functions: their names are not quoted."""
    return node.kind == "call" and node.name in SPECIAL and text[node.start : node.start + 1] != '"'


class PatternChecks:
    """Raises QueryError for expressions of MEASURES and DEFINE, and for patterns, that Trino refuses."""

    def __init__(self, analysis: Analysis, variables: dict[str, list[str]]):
        self.analysis, self.variables = analysis, variables

    def expression(self, node: Node, in_define: bool = False) -> None:
        for part in nodes(node, queries=True):
            if part.kind == "match_recognize":
                text = "nested row pattern recognition in row pattern recognition"
                raise self.analysis.error("NESTED_ROW_PATTERN_RECOGNITION", part, text)
        for part in nodes(node):
            if part.kind == "lambda":
                raise self._unsupported(part, "Lambda")
            if part.kind == "rows_of":
                raise self.analysis.error("INVALID_FUNCTION_ARGUMENT", part, _COUNTED)
            if part.kind == "call":
                self._call(part, in_define)
                if part.name == "count" and len(part.args) == 1 and part.args[0].kind == "rows_of":
                    return self.rows_of(part.args[0])
        return None

    def rows_of(self, node: Node) -> None:
        label = label_of(node.name, self.analysis.text)
        if label not in self.variables:
            text = f"{label} is not a primary pattern variable or subset name"
            raise self.analysis.error("INVALID_FUNCTION_ARGUMENT", node, text)

    def _unsupported(self, node: Node, what: str) -> Exception:
        text = f"{what} expression in pattern recognition context is not yet supported"
        return self.analysis.error("NOT_SUPPORTED", node, text)

    def _call(self, node: Node, in_define: bool) -> None:
        special = is_special(node, self.analysis.text)
        aggregate = node.name in functions.AGGREGATES
        self._processing(node, in_define, special, aggregate)
        if node.name == "try":
            raise self._unsupported(node, "TRY")
        if node.window is not None:
            raise self.analysis.error("NESTED_WINDOW", node, _WINDOW)
        if special or aggregate:
            kind = "pattern recognition function" if special else "aggregate function in pattern recognition context"
            code = "INVALID_PATTERN_RECOGNITION_FUNCTION" if special else "NOT_SUPPORTED"
            for word, used in (("FILTER", node.filter), ("ORDER BY", node.order), ("DISTINCT", node.distinct)):
                if used:
                    raise self.analysis.error(code, node, f"Cannot use {word} with {node.name} {kind}")
        if special:
            self._special(node)
        elif aggregate:
            self._nested_in_aggregate(node)

    def _processing(self, node: Node, in_define: bool, special: bool, aggregate: bool) -> None:
        word = getattr(node, "processing", None)
        if word is None:
            return
        text = None
        if word == "FINAL" and in_define:
            text = "FINAL semantics is not supported in DEFINE clause"
        elif special and node.name not in ("first", "last"):
            text = f"{word} semantics is not supported with {node.name} pattern recognition function"
        elif not special and not aggregate:
            text = (
                f"{word} semantics is supported only for FIRST(), LAST() and aggregation functions. Actual: {node.name}"
            )
        if text is not None:
            raise self.analysis.error("INVALID_PROCESSING_MODE", node, text)

    def _special(self, node: Node) -> None:
        error, count = self.analysis.error, len(node.args)
        if node.name == "match_number":
            if count:
                raise error(
                    "INVALID_FUNCTION_ARGUMENT", node, "MATCH_NUMBER pattern recognition function takes no arguments"
                )
        elif node.name == "classifier":
            self._classifier(node)
        elif not 1 <= count <= 2:
            text = f"{node.name} pattern recognition function requires 1 or 2 arguments"
            raise error("INVALID_FUNCTION_ARGUMENT", node, text)
        else:
            if count == 2:
                self._offset(node)
            self._nested_in_navigation(node)

    def _classifier(self, node: Node) -> None:
        error = self.analysis.error
        if len(node.args) > 1:
            text = "CLASSIFIER pattern recognition function takes no arguments or 1 argument"
            raise error("INVALID_FUNCTION_ARGUMENT", node, text)
        if not node.args:
            return
        given = node.args[0]
        if given.kind != "column":
            sort = "DereferenceExpression" if given.kind == "field" else given.kind
            text = f"CLASSIFIER function argument should be primary pattern variable or subset name. Actual: {sort}"
            raise error("TYPE_MISMATCH", given, text)
        label = label_of(given, self.analysis.text)
        if label not in self.variables:
            text = f"{label} is not a primary pattern variable or subset name"
            raise error("INVALID_FUNCTION_ARGUMENT", given, text)

    def _offset(self, node: Node) -> None:
        said = self.analysis.text[node.args[1].start : node.args[1].end].strip()
        name = f"{node.name} pattern recognition navigation function"
        digits = said.lstrip("-").strip()
        if not digits.isdecimal():
            raise self.analysis.error(
                "INVALID_FUNCTION_ARGUMENT", node, f"{name} requires a number as the second argument"
            )
        if said.startswith("-"):
            text = f"{name} requires a non-negative number as the second argument (actual: {said})"
            raise self.analysis.error("NUMERIC_VALUE_OUT_OF_RANGE", node, text)
        if int(digits) > _LARGEST:
            text = f"The second argument of {name} must not exceed {_LARGEST} (actual: {said})"
            raise self.analysis.error("NUMERIC_VALUE_OUT_OF_RANGE", node, text)

    def _nested_in_navigation(self, node: Node) -> None:
        error, navigations = self.analysis.error, 0
        for part in nodes(node.args[0]):
            if part.kind != "call":
                continue
            if part.name in functions.AGGREGATES:
                text = f"Cannot nest {part.name} aggregate function inside {node.name} function"
                raise error("NESTED_AGGREGATION", part, text)
            if part.name not in NAVIGATIONS:
                continue
            if node.name in ("first", "last") or part.name in ("prev", "next"):
                text = f"Cannot nest {part.name} pattern navigation function inside {node.name} pattern navigation function"
                raise error("INVALID_NAVIGATION_NESTING", part, text)
            navigations += 1
            if navigations > 1:
                text = (
                    f"Cannot nest multiple pattern navigation functions inside {node.name} pattern navigation function"
                )
                raise error("INVALID_NAVIGATION_NESTING", part, text)
        if navigations and not (node.args[0].kind == "call" and node.args[0].name in NAVIGATIONS):
            found = next(part for part in nodes(node.args[0]) if part.kind == "call" and part.name in NAVIGATIONS)
            text = "Immediate nesting is required for pattern navigation functions"
            raise error("INVALID_NAVIGATION_NESTING", found, text)
        if not navigations and not any(p.kind == "column" or p.kind == "call" and p.name == "classifier" for p in nodes(node.args[0])):  # fmt: skip
            name = f"Pattern navigation function '{node.name.upper()}'"
            raise error("INVALID_ARGUMENTS", node, f"{name} must contain at least one column reference or CLASSIFIER()")

    def _nested_in_aggregate(self, node: Node) -> None:
        for part in nodes(node.args):
            if part.kind != "call":
                continue
            if part.name in functions.AGGREGATES:
                text = f"Cannot nest {part.name} aggregate function inside {node.name} function"
                raise self.analysis.error("NESTED_AGGREGATION", part, text)
            if is_special(part, self.analysis.text) and part.name in NAVIGATIONS:
                text = f"Cannot nest {part.name} pattern navigation function inside {node.name} function"
                raise self.analysis.error("INVALID_NAVIGATION_NESTING", part, text)

    def pattern(self, node: Node, rows: str) -> int:
        """How many steps a pattern takes, written out."""
        error = self.analysis.error
        if node.sort == "without" and rows == "UNMATCHED":
            said = "Pattern exclusion syntax is not allowed when ALL ROWS PER MATCH WITH UNMATCHED ROWS is specified"
            raise error("INVALID_ROW_PATTERN", node, said)
        parts = getattr(node, "parts", [part for part in [getattr(node, "part", None)] if part])
        steps = 1 + sum(self.pattern(part, rows) for part in parts)
        if node.sort == "times":
            self._bounds(node)
            steps *= max(node.low, node.high or 1)
        if node.sort == "permute":
            for i in range(2, len(parts) + 1):
                steps *= i
        if steps > MOST_STEPS:
            text = f"A row pattern of more than {MOST_STEPS} steps is not supported by the local Athena"
            raise error("NOT_SUPPORTED", node, text)
        return steps

    def _bounds(self, node: Node) -> None:
        code, text, low, high = "NUMERIC_VALUE_OUT_OF_RANGE", None, node.low, node.high
        if high == 0:
            text = "Pattern quantifier upper bound must be greater than or equal to 1"
        elif low > _LARGEST:
            text = f"Pattern quantifier lower bound must not exceed {_LARGEST}"
        elif high is not None and high > _LARGEST:
            text = f"Pattern quantifier upper bound must not exceed {_LARGEST}"
        elif high is not None and low > high:
            code, text = "INVALID_RANGE", "Pattern quantifier lower bound must not exceed upper bound"
        if text is not None:
            where = getattr(node, "bounds", node)
            raise self.analysis.error(code, where, text)
