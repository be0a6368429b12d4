"""The Expression of GetPartitions: a WHERE clause over partition columns, compiled to a test of one partition's values.

Source: https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from infra.engines.athena import grammar
from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar import Node

_COMPARISONS = {
    "=": operator.eq, "<>": operator.ne, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt,
    "<=": operator.le,
}  # fmt: skip
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"  # what Hive writes for a NULL partition value
INTEGERS = {"tinyint", "smallint", "int", "integer", "bigint"}
NUMBERS = {"float", "double", "decimal"}
TEXTS = {"string", "char", "varchar"}

Test = Callable[[list[str]], bool]


class InvalidExpression(ValueError):
    """The expression does not parse, names no partition column, or compares a column with a value of another type."""


class InvalidValue(ValueError):
    """A partition has a value that is not of its column's type."""


def compile_expression(expression: str, keys: list[dict[str, str]]) -> Test:
    """Return a test of a partition's values.

    Parameters
    ----------
    expression: such as `year = '2022' AND month BETWEEN 3 AND 5`; operators = <> != > >= < <= LIKE IN BETWEEN IS NULL AND OR NOT
    keys: the table's PartitionKeys, each with Name and Type

    Raises InvalidExpression; the test raises InvalidValue.
    """
    try:
        tree = grammar.parse_expression(expression)
    except (SyntaxRefused, RecursionError):
        raise InvalidExpression(f"Unsupported expression '{expression}'") from None
    columns = {
        key["Name"].lower(): (at, re.split(r"[(<]", key.get("Type", "string").lower())[0].strip())
        for at, key in enumerate(keys)
    }
    return _Compiler(expression, columns).test(tree)


class _Compiler:
    def __init__(self, expression: str, columns: dict[str, tuple[int, str]]):
        self.expression = expression
        self.columns = columns

    def test(self, node: Node) -> Test:
        kinds: dict[str, Callable[[Node], Test]] = {
            "logical": self._logical,
            "not": self._not,
            "comparison": self._comparison,
            "in_list": self._in_list,
            "between": self._between,
            "like": self._like,
            "is_null": self._is_null,
        }
        if node.kind not in kinds:
            raise self._unsupported()
        found = kinds[node.kind](node)
        return (lambda values: not found(values)) if getattr(node, "negated", False) else found

    def _unsupported(self) -> InvalidExpression:
        return InvalidExpression(f"Unsupported expression '{self.expression}'")

    def _logical(self, node: Node) -> Test:
        terms = [self.test(term) for term in node.terms]
        meets = all if node.operator == "AND" else any
        return lambda values: meets(term(values) for term in terms)

    def _not(self, node: Node) -> Test:
        inner = self.test(node.value)
        return lambda values: not inner(values)

    def _comparison(self, node: Node) -> Test:
        turned = node.left.kind != "column"
        value, kind = self._column(node.right if turned else node.left)
        literal = self._literal(node.left if turned else node.right, kind)
        compare = _COMPARISONS[node.operator]

        def test(values: list[str]) -> bool:
            found = value(values)
            if found is None:
                return False
            return compare(literal, found) if turned else compare(found, literal)

        return test

    def _in_list(self, node: Node) -> Test:
        value, kind = self._column(node.value)
        choices = {self._literal(each, kind) for each in node.items}
        return lambda values: value(values) in choices

    def _between(self, node: Node) -> Test:
        value, kind = self._column(node.value)
        low, high = self._literal(node.low, kind), self._literal(node.high, kind)
        return lambda values: (found := value(values)) is not None and low <= found <= high

    def _is_null(self, node: Node) -> Test:
        value, _ = self._column(node.value)
        return lambda values: value(values) is None

    def _like(self, node: Node) -> Test:
        value, kind = self._column(node.value)
        if kind not in TEXTS:
            name = "Integral" if kind in INTEGERS else kind.capitalize()
            raise InvalidExpression(f"{name} data type doesn't support operation 'LIKE'")
        text = str(self._literal(node.pattern, kind))
        first, *others = ("".join("." if each == "_" else re.escape(each) for each in part) for part in text.split("%"))
        ends = ".*" + others[-1] if others else ""
        middle = "".join(
            f"(?>.*?{each})" for each in others[:-1] if each
        )  # never goes back: a pattern may have many signs
        pattern = re.compile(first + middle + ends, re.DOTALL)
        # A NULL is neither like a pattern nor unlike it.
        return lambda values: (
            pattern.fullmatch(found) is not None if (found := value(values)) is not None else node.negated
        )

    def _column(self, node: Node) -> tuple[Callable[[list[str]], Any], str]:
        name = node.name.lower() if node.kind == "column" else ""
        if name not in self.columns:
            raise InvalidExpression("Invalid partition expression!")
        at, kind = self.columns[name]

        def value(values: list[str]) -> Any:
            if at >= len(values) or values[at] == NULL_PARTITION:
                return None
            try:
                return cast(values[at], kind)
            except ValueError as error:
                raise InvalidValue(str(error)) from None

        return value, kind

    def _literal(self, node: Node, kind: str) -> Any:
        try:
            return cast(self._text(node), kind)
        except ValueError as error:
            raise InvalidExpression(str(error)) from None

    def _text(self, node: Node) -> str:
        if node.kind in ("integer", "decimal", "double", "string"):
            return str(node.value)
        if node.kind == "typed_literal" and node.type in ("date", "timestamp"):  # date '2022-11-24'
            return node.value
        if node.kind == "negative":
            return f"-{self._text(node.value)}"
        if node.kind == "boolean":
            return "true" if node.value else "false"
        raise self._unsupported()


def cast(text: str, kind: str) -> Any:
    """Return `text` as a value of a Glue type's bare name, such as `int`. Raises ValueError."""
    if kind in INTEGERS:
        try:
            return int(text)
        except ValueError:
            raise ValueError(f'"{text}" is not an integer.') from None
    if kind in NUMBERS:
        try:
            return Decimal(text)
        except InvalidOperation:
            raise ValueError(f"{text} is not a decimal.") from None
    if kind in TEXTS:
        return text
    if kind == "date":
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text} is not a date.") from None
    if kind == "timestamp":
        if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?", text):
            raise ValueError(f"Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff] {text} is not a timestamp.")
        whole, _, fraction = text.partition(".")
        return datetime.strptime(whole, "%Y-%m-%d %H:%M:%S"), fraction.ljust(9, "0")
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{text} is not a boolean.")
        return text.lower() == "true"
    raise ValueError(f"Unknown type : '{kind}'")
