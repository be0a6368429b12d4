"""Choice rules of the JSONPath language: which Next a Choice state takes.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from infra.local.core import wildcards
from infra.local.stepfunctions import jsonpath
from infra.local.stepfunctions.failures import RUNTIME, StateFailure
from infra.local.stepfunctions.jsonpath import is_number
from infra.local.stepfunctions.scope import Scope

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def timestamp(text: Any) -> datetime | None:
    """Return the time of an RFC 3339 text with a capital T and an offset, None for anything else."""
    if not isinstance(text, str) or not TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | float | None:
    return value if is_number(value) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda left, right: left == right,
    "LessThan": lambda left, right: left < right,
    "GreaterThan": lambda left, right: left > right,
    "LessThanEquals": lambda left, right: left <= right,
    "GreaterThanEquals": lambda left, right: left >= right,
}
KINDS: dict[str, Callable[[Any], Any]] = {"String": _text, "Numeric": _number, "Timestamp": timestamp}
COMPARISONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], bool]]] = {
    **{kind + name: (of, relation) for kind, of in KINDS.items() for name, relation in RELATIONS.items()},
    "BooleanEquals": (_boolean, RELATIONS["Equals"]),
    "StringMatches": (_text, lambda value, pattern: wildcards.matches(pattern, value)),
}
TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": is_number,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: timestamp(value) is not None,
}
WITH_PATH = {name + "Path": name for name in COMPARISONS if name != "StringMatches"}
OPERATORS = {*COMPARISONS, *TESTS, *WITH_PATH, "IsPresent"}
COMBINATIONS = ("And", "Or", "Not")


def holds(rule: dict[str, Any], scope: Scope) -> bool:
    """Return whether a choice rule holds. Raises StateFailure where a path in it leads nowhere."""
    if "And" in rule:
        return all(holds(each, scope) for each in rule["And"])
    if "Or" in rule:
        return any(holds(each, scope) for each in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], scope)
    operator = next(name for name in rule if name in OPERATORS)
    return _compare(rule, operator, scope)


def _compare(rule: dict[str, Any], operator: str, scope: Scope) -> bool:
    wanted = rule[operator]
    if operator == "IsPresent":
        return _is_present(rule["Variable"], scope) == wanted
    value = _value(rule["Variable"], scope)
    if operator in TESTS:
        return TESTS[operator](value) == wanted
    if operator in WITH_PATH:
        operator, wanted = WITH_PATH[operator], _value(wanted, scope)
    kind, relation = COMPARISONS[operator]
    left, right = kind(value), kind(wanted)
    return left is not None and right is not None and relation(left, right)


def _is_present(text: str, scope: Scope) -> bool:
    path = jsonpath.parse(text)
    try:
        found = scope.look_up(path)
    except jsonpath.PathNotFound:
        return False
    return path.is_definite or bool(found)


def _value(text: str, scope: Scope) -> Any:
    try:
        return scope.look_up(jsonpath.parse(text))
    except jsonpath.PathNotFound:
        raise StateFailure(
            RUNTIME, f"Invalid path '{text}': The choice state's condition path references an invalid value."
        ) from None
