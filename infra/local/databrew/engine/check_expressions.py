"""The language of data quality rules: `(:c1 starts_with :p1 or :c1 starts_with :p2) and length(:c2) <= :n`, `AGG(MAX) < :v`.

Source: Rule in the API reference; "Available checks" in the guide. Words may be in any case, and be written with `_` or a space.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import StepRefused

COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
TEXT_TESTS = ("starts_with", "ends_with", "contains", "matches")
_TOKEN = re.compile(r"\s*(:[A-Za-z0-9_]+|[(),]|==|!=|<=|>=|<|>|=|[A-Za-z_]+)")

# Of the dataset, and of a column.
OF_DATASET = ("ROWS_COUNT", "COLUMNS_COUNT", "DUPLICATE_ROWS_COUNT", "DUPLICATE_ROWS_PERCENTAGE")
COUNTED = ("MISSING_VALUES", "DUPLICATE_VALUES", "VALID_VALUES", "DISTINCT_VALUES", "UNIQUE_VALUES", "Z_SCORE_OUTLIERS")
FIGURES = (
    *(
        "MIN",
        "MAX",
        "MEDIAN",
        "MEAN",
        "MODE",
        "STANDARD_DEVIATION",
        "ENTROPY",
        "SUM",
        "KURTOSIS",
        "SKEWNESS",
        "VARIANCE",
    ),
    *("MEDIAN_ABSOLUTE_DEVIATION", "QUANTILE"),
)
OF_COLUMN = (*(f"{name}_{unit}" for name in COUNTED for unit in ("COUNT", "PERCENTAGE")), *FIGURES)


@dataclass(frozen=True)
class Value:
    """What stands for a variable: a column's name or a value."""

    column: str | None = None
    text: str = ""
    length: bool = False  # length(…) of it


@dataclass(frozen=True)
class Aggregate:
    """AGG(…): a statistic of the dataset or of a column; without a column, of each that the rule selects."""

    statistic: str
    column: str | None = None
    parameter: str | None = None


@dataclass(frozen=True)
class Test:
    """One condition. `left` is None where the rule's ColumnSelectors say the column."""

    left: Value | Aggregate | None
    operator: str
    right: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True)
class Group:
    """Conditions joined with AND or OR."""

    word: str
    parts: tuple["Test | Group", ...]


Tree = Test | Group


def parsed(expression: str, values: dict[str, str]) -> Tree:
    """The tree of a check expression.

    Parameters
    ----------
    values : the SubstitutionMap: variable → value, or column in back-ticks.

    Raises
    ------
    StepRefused : it can't be read.
    """
    return _Parser(expression, values).whole()


def tests(tree: Tree) -> Sequence[Test]:
    """All conditions of a tree."""
    return [tree] if isinstance(tree, Test) else [test for part in tree.parts for test in tests(part)]


class _Parser:
    def __init__(self, expression: str, values: dict[str, str]):
        self._expression, self._values = expression, values
        self._tokens: list[str] = []
        at = 0
        while expression[at:].strip():
            found = _TOKEN.match(expression, at)
            if not found:
                raise self._wrong(expression[at:].strip()[:20])
            self._tokens.append(found[1])
            at = found.end()

    def _wrong(self, near: str) -> StepRefused:
        return StepRefused(f"The check expression {self._expression} is invalid near {near or 'its end'}.")

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[ahead].lower() if ahead < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        if not self._tokens or (wanted and self._peek() not in wanted):
            raise self._wrong(self._tokens[0] if self._tokens else "")
        return self._tokens.pop(0)

    def whole(self) -> Tree:
        tree = self._joined("or")
        if self._tokens:
            raise self._wrong(self._tokens[0])
        return tree

    def _joined(self, word: str) -> Tree:
        parts = [self._part(word)]
        while self._peek() == word:
            self._take(word)
            parts.append(self._part(word))
        return parts[0] if len(parts) == 1 else Group(word, tuple(parts))

    def _part(self, word: str) -> Tree:
        return self._joined("and") if word == "or" else self._one()

    def _one(self) -> Tree:
        if self._peek() == "(":
            self._take("(")
            tree = self._joined("or")
            self._take(")")
            return tree
        left = self._left()
        negated, operator = self._operator()
        right = [self._value()]
        if operator == "is_between":
            self._take("and")
            right.append(self._value())
        if isinstance(left, Aggregate) and operator not in (*COMPARISONS, "is_between"):
            raise self._wrong(operator)
        return Test(left, operator, tuple(right), negated)

    def _left(self) -> Value | Aggregate | None:
        if self._peek() == "agg":
            return self._aggregate()
        if self._peek().startswith(":") or self._peek() == "length":
            return self._value()
        return None

    def _operator(self) -> tuple[bool, str]:
        """A comparison's sign, or its words with `_` or blanks between them: is_not_between, NOT IN, doesn't end with."""
        if self._peek() in (*COMPARISONS, "="):
            sign = self._take()
            return False, "==" if sign == "=" else sign
        words: list[str] = []
        while self._tokens and re.fullmatch(r"[a-z_]+", self._peek()) and self._peek() != "length":
            words += self._take().lower().split("_")
        negated = "not" in words
        name = "_".join(word for word in words if word and word != "not")
        name = {"between": "is_between", "in": "in", "is": "==", "is_in": "in", "is_equals": "==", "equals": "=="}.get(
            name, name
        )
        if name not in ("in", "is_between", "==", *TEXT_TESTS):
            raise self._wrong(" ".join(words))
        return negated, name

    def _value(self) -> Value:
        if self._peek() == "length":
            self._take("length")
            self._take("(")
            inner = self._value()
            self._take(")")
            return Value(inner.column, inner.text, length=True)
        token = self._take()
        if not token.startswith(":"):
            raise self._wrong(token)
        return self._variable(token)

    def _variable(self, token: str) -> Value:
        if token not in self._values:
            raise StepRefused(f"The variable {token} of the check expression is not in the SubstitutionMap.")
        text = self._values[token]
        if len(text) > 2 and text[0] == text[-1] == "`":
            return Value(column=text[1:-1])
        return Value(text=text)

    def _aggregate(self) -> Aggregate:
        self._take("agg")
        self._take("(")
        column: str | None = None
        if self._peek().startswith(":"):
            column = self._variable(self._take()).column
            if column is None:
                raise self._wrong("AGG")
            self._take(",")
        statistic = self._take().upper()
        if statistic not in (*OF_DATASET, *OF_COLUMN):
            raise StepRefused(f"Unknown statistic {statistic} in the check expression {self._expression}.")
        parameter = None
        if self._peek() == ",":
            self._take(",")
            parameter = self._variable(self._take()).text
        self._take(")")
        return Aggregate(statistic, column, parameter)


def listed(value: Value) -> list[str]:
    """The values of an IN list: a JSON array as text.

    Raises
    ------
    StepRefused : it is none.
    """
    try:
        read = json.loads(value.text)
    except ValueError:
        read = None
    if not isinstance(read, list):
        raise StepRefused(f"The list of IN must be a JSON array, not {value.text}.")
    return [item if isinstance(item, str) else json.dumps(item) for item in read]
