"""The parameters of recipe actions: all are text, lists and objects are JSON as text.

Source: RecipeAction of the API reference; each action's page in the guide.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

from .errors import StepRefused

Parse = Callable[[str, str], Any]


class _Required:
    pass


REQUIRED = _Required()


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action: how its text is read, and what it is when it is not given."""

    parse: Parse
    default: object = REQUIRED


class Values(dict[str, Any]):
    """The parameters of one step, read: `values.sourceColumn`. What was not given is its default."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error


def invalid(name: str, value: object, why: str) -> StepRefused:
    """The refusal of a parameter's value."""
    return StepRefused(f"Invalid value {value!r} for parameter {name}: {why}.")


def TEXT(name: str, value: str) -> str:
    """Any text."""
    return value


def NAME(name: str, value: str) -> str:
    """A column's name: 1 to 255 characters."""
    if not 1 <= len(value) <= 255:
        raise invalid(name, value, "a column name has 1 to 255 characters")
    return value


def FLAG(name: str, value: str) -> bool:
    """ "true" or "false"."""
    if value.lower() not in ("true", "false"):
        raise invalid(name, value, "it must be true or false")
    return value.lower() == "true"


def NUMBER(name: str, value: str) -> float:
    """A number."""
    try:
        number = float(value)
    except ValueError:
        raise invalid(name, value, "it must be a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise invalid(name, value, "it must be a number")
    return number


_GREATEST = 2**31 - 1


def INTEGER(low: int = -_GREATEST, high: int = _GREATEST) -> Parse:
    """A whole number within bounds, by default those of a 4-byte integer."""

    def parse(name: str, value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise invalid(name, value, "it must be an integer") from None
        if not low <= number <= high:
            raise invalid(name, value, f"it must be between {low} and {high}")
        return number

    return parse


_lock = threading.Lock()
_tried: duckdb.DuckDBPyConnection | None = None


def REGEX(name: str, value: str) -> str:
    """A regular expression that DuckDB (RE2) has: no look-around, no back-references."""
    global _tried
    with _lock:
        if _tried is None:
            _tried = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "50MB"})
        try:
            _tried.execute("SELECT regexp_matches('', ?)", [value])
            return value
        except duckdb.Error:
            why = "it is not a regular expression, or one with look-around or back-references"
            raise invalid(name, value, why) from None


def groups(pattern: str) -> int:
    """How many groups of a regular expression capture.

    >>> groups(r"(a)(?:b)[(](?P<n>c)\\(")
    2
    """
    plain = re.sub(r"\\Q.*?\\E|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]])*\]", "", pattern, flags=re.DOTALL)
    return len(re.findall(r"\((?!\?)|\(\?P?<", plain))


def CHOICE(*choices: str) -> Parse:
    """One of a few words."""

    def parse(name: str, value: str) -> str:
        if value not in choices:
            raise invalid(name, value, f"it must be one of {', '.join(choices)}")
        return value

    return parse


def _json(name: str, value: str, kind: type, words: str) -> Any:
    try:
        read = json.loads(value)
    except ValueError:
        raise invalid(name, value, f"it must be {words}") from None
    if not isinstance(read, kind):
        raise invalid(name, value, f"it must be {words}")
    return read


def NAMES(name: str, value: str) -> list[str]:
    """A JSON array of column names, one at least and none twice."""
    read = _json(name, value, list, "a JSON array of column names")
    if not read or not all(isinstance(item, str) and item for item in read):
        raise invalid(name, value, "it must be a JSON array of column names")
    if len(set(read)) != len(read):
        raise invalid(name, value, "a column is named twice")
    return read


def NAMES_OR_NONE(name: str, value: str) -> list[str]:
    """A JSON array of column names that may be empty."""
    return [] if value.strip() in ("", "[]") else NAMES(name, value)


def LIST(name: str, value: str) -> list:
    """A JSON array."""
    return _json(name, value, list, "a JSON array")


def OBJECTS(name: str, value: str) -> list[dict]:
    """A JSON array of objects."""
    read = _json(name, value, list, "a JSON array of objects")
    if not all(isinstance(item, dict) for item in read):
        raise invalid(name, value, "it must be a JSON array of objects")
    return read


def OBJECT(name: str, value: str) -> dict:
    """A JSON object."""
    return _json(name, value, dict, "a JSON object")


# The console writes into function steps what function they are, beside the Operation, which says the same.
_CONSOLES_OWN = ("functionStepType",)


def read(operation: str, declared: dict[str, Parameter], given: dict[str, str]) -> Values:
    """The parameters of a step, checked and read.

    Raises
    ------
    StepRefused : one is missing, unknown, or of a wrong form.
    """
    for name in given:
        if name not in declared and name not in _CONSOLES_OWN:
            known = ", ".join(declared) or "no parameters"
            raise StepRefused(f"Unknown parameter {name} for operation {operation}. It takes {known}.")
    values = Values()
    for name, parameter in declared.items():
        if name in given:
            if not isinstance(given[name], str):
                raise invalid(name, given[name], "parameters are text")
            values[name] = parameter.parse(name, given[name])
        elif parameter.default is REQUIRED:
            raise StepRefused(f"Missing required parameter {name} for operation {operation}.")
        else:
            values[name] = parameter.default
    return values
