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
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(expression)
    except SqlglotError:
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

    def test(self, node: Any) -> Test:
        from sqlglot import exp

        comparisons = {
            exp.EQ: operator.eq,
            exp.NEQ: operator.ne,
            exp.GT: operator.gt,
            exp.GTE: operator.ge,
            exp.LT: operator.lt,
            exp.LTE: operator.le,
        }
        if isinstance(node, exp.Paren):
            return self.test(node.this)
        if isinstance(node, (exp.And, exp.Or)):
            left, right = self.test(node.left), self.test(node.right)
            if isinstance(node, exp.And):
                return lambda values: left(values) and right(values)
            return lambda values: left(values) or right(values)
        if isinstance(node, exp.Not):
            inner = self.test(node.this)
            return lambda values: not inner(values)
        if type(node) in comparisons:
            return self._comparison(node, comparisons[type(node)])
        if isinstance(node, exp.In) and node.expressions:
            value, kind = self._column(node.this)
            choices = {self._literal(each, kind) for each in node.expressions}
            return lambda values: value(values) in choices
        if isinstance(node, exp.Between):
            value, kind = self._column(node.this)
            low, high = self._literal(node.args["low"], kind), self._literal(node.args["high"], kind)
            return lambda values: (found := value(values)) is not None and low <= found <= high
        if isinstance(node, exp.Like):
            return self._like(node)
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            value, _ = self._column(node.this)
            return lambda values: value(values) is None
        raise InvalidExpression(f"Unsupported expression '{self.expression}'")

    def _comparison(self, node: Any, compare: Callable[[Any, Any], bool]) -> Test:
        from sqlglot import exp

        left, right = node.left.unnest(), node.right.unnest()
        turned = not isinstance(left, exp.Column)
        value, kind = self._column(right if turned else left)
        literal = self._literal(left if turned else right, kind)

        def test(values: list[str]) -> bool:
            found = value(values)
            if found is None:
                return False
            return compare(literal, found) if turned else compare(found, literal)

        return test

    def _like(self, node: Any) -> Test:
        value, kind = self._column(node.this)
        if kind not in TEXTS:
            name = "Integral" if kind in INTEGERS else kind.capitalize()
            raise InvalidExpression(f"{name} data type doesn't support operation 'LIKE'")
        text = str(self._literal(node.expression, kind))
        pattern = re.compile(
            "".join(".*" if each == "%" else "." if each == "_" else re.escape(each) for each in text), re.DOTALL
        )
        wanted = not node.args.get("negate")
        return lambda values: (found := value(values)) is not None and bool(pattern.fullmatch(found)) is wanted

    def _column(self, node: Any) -> tuple[Callable[[list[str]], Any], str]:
        from sqlglot import exp

        node = node.unnest()
        name = node.name.lower() if isinstance(node, exp.Column) else ""
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

    def _literal(self, node: Any, kind: str) -> Any:
        from sqlglot import exp

        node = node.unnest()
        if isinstance(node, exp.Cast):  # date '2022-11-24' and timestamp '2022-11-24 05:00:00'
            node = node.this
        if isinstance(node, exp.Neg):
            text = f"-{node.this.name}"
        elif isinstance(node, exp.Literal):
            text = node.name
        elif isinstance(node, exp.Boolean):
            text = "true" if node.this else "false"
        else:
            raise InvalidExpression(f"Unsupported expression '{self.expression}'")
        try:
            return cast(text, kind)
        except ValueError as error:
            raise InvalidExpression(str(error)) from None


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
