"""Condition expressions: which rows a step acts on.

All expressions of a step are joined with AND. A missing value (NULL) satisfies IS_MISSING only, as a comparison with NULL does in Spark.
Source: "Using conditions" in the guide's chapter on recipes; ConditionExpression of the API reference.
"""

import json
from collections.abc import Callable, Sequence

from .errors import StepRefused
from .frame import Column, Frame
from .types import NUMBERS, TIMES, cast, is_number, literal, moment, number, text


def predicate(frame: Frame, conditions: Sequence[dict]) -> str:
    """SQL that is TRUE for the rows that satisfy all conditions, and never NULL.

    Raises
    ------
    StepRefused : an unknown column, or a value that does not fit the condition.
    """
    parts = []
    for condition in conditions:
        column = frame.column(condition["TargetColumn"])
        value = condition.get("Value")
        parts.append(f"coalesce({_CONDITIONS[condition['Condition']](column, value)}, FALSE)")
    return "(" + " AND ".join(parts) + ")"


def check(conditions: Sequence[dict]) -> None:
    """Whether each condition is known and has a value of its form.

    Raises
    ------
    StepRefused : one is not or has not.
    """
    for condition in conditions:
        name = condition.get("Condition", "")
        if name not in _CONDITIONS:
            raise StepRefused(f"Invalid condition {name}. It must be one of {', '.join(_CONDITIONS)}.")
        if not condition.get("TargetColumn"):
            raise StepRefused(f"Condition {name} needs a TargetColumn.")
        if name in ("IS_MISSING", "IS_INVALID"):
            continue
        if condition.get("Value") is None:
            raise StepRefused(f"Condition {name} needs a Value.")
        if name == "IS_BETWEEN":
            _bounds(condition["Value"])


def missing(column: Column) -> str:
    """SQL: the value is NULL or empty text."""
    if column.type == "string":
        return f"({column.key} IS NULL OR {column.key} = '')"
    return f"{column.key} IS NULL"


def invalid(column: Column, type_: str | None = None) -> str:
    """SQL: the value is there and is none of the type; without a type the column's own.

    A frame's values are of their column's type (others became NULL when it was read), so that for its own type only NaN is invalid.
    """
    if type_ is None or type_ == column.type:
        return f"isnan({column.key})" if column.type in ("float", "double") else "FALSE"
    return f"(NOT {missing(column)} AND {cast(column.key, column.type, type_)} IS NULL)"


def _listed(value: str) -> list[str]:
    """The values of IS: a JSON array as text, or one bare value."""
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    if not isinstance(read, list):
        return [value]
    return [item if isinstance(item, str) else json.dumps(item) for item in read]


def _is(column: Column, value: str) -> str:
    wanted = _listed(value)
    if not wanted:
        return "FALSE"
    if column.type in NUMBERS:
        if not all(is_number(item) for item in wanted):
            raise StepRefused(f"Condition value {value} is not numeric, but column {column.name} is.")
        return f"{number(column.key, column.type)} IN ({', '.join(_double(item) for item in wanted)})"
    if column.type in TIMES:
        return f"CAST({column.key} AS TIMESTAMP) IN ({', '.join(moment(literal(item)) for item in wanted)})"
    if column.type == "boolean":
        return f"{column.key} IN ({', '.join(cast(literal(item), 'string', 'boolean') for item in wanted)})"
    return f"{text(column.key, column.type)} IN ({', '.join(literal(item) for item in wanted)})"


def _is_not(column: Column, value: str) -> str:
    return f"NOT ({_is(column, value)})"


def _double(value: str) -> str:
    return f"CAST({literal(value.strip())} AS DOUBLE)"


def compared(column: Column, operator: str, value: str) -> str:
    """SQL of a comparison: of numbers, of moments, or, for text with a value that is no number, of text."""
    if column.type in NUMBERS and not is_number(value):
        raise StepRefused(f"Condition value {value} is not numeric, but column {column.name} is.")
    if column.type in TIMES:
        return f"CAST({column.key} AS TIMESTAMP) {operator} {moment(literal(value))}"
    if is_number(value):
        return f"{number(column.key, column.type)} {operator} {_double(value)}"
    return f"{text(column.key, column.type)} {operator} {literal(value)}"


def _comparison(operator: str) -> Callable[[Column, str], str]:
    return lambda column, value: compared(column, operator, value)


def _bounds(value: str) -> tuple[str, str]:
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    if not isinstance(read, dict) or set(read) != {"GREATER_THAN_EQUAL", "LESS_THAN_EQUAL"}:
        raise StepRefused(
            "The Value of IS_BETWEEN must be a JSON object with GREATER_THAN_EQUAL and LESS_THAN_EQUAL, "
            'for example {"GREATER_THAN_EQUAL": "1", "LESS_THAN_EQUAL": "5"}.'
        )
    return str(read["GREATER_THAN_EQUAL"]), str(read["LESS_THAN_EQUAL"])


def _between(column: Column, value: str) -> str:
    low, high = _bounds(value)
    return f"({compared(column, '>=', low)} AND {compared(column, '<=', high)})"


def _text_test(function: str, negated: bool = False) -> Callable[[Column, str], str]:
    def test(column: Column, value: str) -> str:
        return f"{'NOT ' if negated else ''}{function}({text(column.key, column.type)}, {literal(value)})"

    return test


_CONDITIONS: dict[str, Callable] = {
    "IS": _is,
    "IS_NOT": _is_not,
    "IS_BETWEEN": _between,
    "CONTAINS": _text_test("contains"),
    "NOT_CONTAINS": _text_test("contains", negated=True),
    "STARTS_WITH": _text_test("starts_with"),
    "NOT_STARTS_WITH": _text_test("starts_with", negated=True),
    "ENDS_WITH": _text_test("ends_with"),
    "NOT_ENDS_WITH": _text_test("ends_with", negated=True),
    "LESS_THAN": _comparison("<"),
    "LESS_THAN_EQUAL": _comparison("<="),
    "GREATER_THAN": _comparison(">"),
    "GREATER_THAN_EQUAL": _comparison(">="),
    "IS_INVALID": lambda column, value: invalid(column),
    "IS_MISSING": lambda column, value: missing(column),
}
