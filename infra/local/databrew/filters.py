"""Conditions of a dataset's path options, such as `(starts_with :a or starts_with :b) and not ends_with :c`.

Source: https://docs.aws.amazon.com/databrew/latest/dg/API_FilterExpression.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Test = Callable[[Any], bool]
TOKEN = re.compile(r"\s*(:[A-Za-z0-9_]+|[()]|[<>=!]+|[A-Za-z_]+)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
RELATIVE = re.compile(r"-?(\d+)\s*([smhdw])")

ON_TEXT: dict[str, Callable[[str, str], bool]] = {
    "starts_with": lambda value, told: value.startswith(told),
    "ends_with": lambda value, told: value.endswith(told),
    "contains": lambda value, told: told in value,
    "matches": lambda value, told: re.fullmatch(told, value) is not None,
}
ON_ALL: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda value, told: value == told,
    "is_not": lambda value, told: value != told,
    "before": lambda value, told: value < told,
    "after": lambda value, told: value > told,
    "less_than": lambda value, told: value < told,
    "less_than_equal": lambda value, told: value <= told,
    "greater_than": lambda value, told: value > told,
    "greater_than_equal": lambda value, told: value >= told,
}
SIGNS = {
    "==": "is",
    "=": "is",
    "!=": "is_not",
    "<>": "is_not",
    "<": "less_than",
    "<=": "less_than_equal",
    ">": "greater_than",
    ">=": "greater_than_equal",
}


def compiled(expression: str, values: dict[str, str], kind: str) -> Test:
    """Return a function that says whether a value meets a condition.

    Parameters
    ----------
    values: what stands for the variables, which begin with a colon
    kind: String, Number or Datetime: the type of the values

    Raises ValueError for an expression that is not valid.
    """
    return _Parser(expression, values, kind).parsed()


def moment(text: str) -> datetime:
    """Return a time in UTC from its ISO form. Raises ValueError."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class _Parser:
    def __init__(self, expression: str, values: dict[str, str], kind: str):
        self._expression, self._values, self._kind = expression, values, kind
        self._tokens: list[str] = []
        at = 0
        while at < len(expression.rstrip()):
            match = TOKEN.match(expression, at)
            if not match:
                raise self._wrong(f"unexpected '{expression[at:].strip()[:1]}'")
            self._tokens.append(match[1])
            at = match.end()

    def parsed(self) -> Test:
        test = self._either()
        if self._tokens:
            raise self._wrong(f"unexpected '{self._tokens[0]}'")
        return test

    def _wrong(self, why: str) -> ValueError:
        return ValueError(f"The filter expression '{self._expression}' is invalid: {why}.")

    def _takes(self, *words: str) -> bool:
        if self._tokens and self._tokens[0].lower() in words:
            self._tokens.pop(0)
            return True
        return False

    def _either(self) -> Test:
        tests = [self._both()]
        while self._takes("or"):
            tests.append(self._both())
        return lambda value: any(test(value) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._takes("and"):
            tests.append(self._one())
        return lambda value: all(test(value) for test in tests)

    def _one(self) -> Test:
        if self._takes("not", "!"):
            test = self._one()
            return lambda value: not test(value)
        if self._takes("("):
            test = self._either()
            if not self._takes(")"):
                raise self._wrong("a closing parenthesis is missing")
            return test
        return self._condition()

    def _condition(self) -> Test:
        if not self._tokens:
            raise self._wrong("a condition is missing")
        word = self._tokens.pop(0).lower()
        name = SIGNS.get(word, word)
        negated = name.startswith("not_") and name[4:] in ON_TEXT
        name = name[4:] if negated else name
        if name in ("between", "is_between"):
            low = self._value()
            if not self._takes("and"):
                raise self._wrong("BETWEEN has two values, joined with AND")
            high = self._value()
            return lambda value: low <= value <= high
        if name in ("relative_after", "relative_before"):
            return self._relative(name == "relative_after")
        if name in ON_TEXT:
            if self._kind != "String":
                raise self._wrong(f"{name} is for strings")
            compare, told = ON_TEXT[name], self._value()
            if name == "matches":
                self._check_pattern(told)
            return lambda value: compare(value, told) != negated
        if name not in ON_ALL:
            raise self._wrong(f"the condition '{word}' is unknown")
        ordered, wanted = ON_ALL[name], self._value()
        return lambda value: ordered(value, wanted)

    def _check_pattern(self, pattern: str) -> None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise self._wrong(f"'{pattern}' is not a regular expression: {error}") from None

    def _variable(self) -> str:
        name = self._tokens.pop(0) if self._tokens else ""
        if not name.startswith(":"):
            raise self._wrong("a variable that begins with a colon is missing")
        if name not in self._values:
            raise self._wrong(f"ValuesMap has no {name}")
        return self._values[name]

    def _value(self) -> Any:
        text = self._variable()
        try:
            if self._kind == "Number":
                return float(text)
            return moment(text) if self._kind == "Datetime" else text
        except ValueError:
            raise self._wrong(f"'{text}' is not a {self._kind.lower()}") from None

    def _relative(self, after: bool) -> Test:
        text = self._variable()
        match = RELATIVE.fullmatch(text.strip())
        if not match or self._kind != "Datetime":
            raise self._wrong(f"'{text}' is not a span of time such as -3d")
        span = timedelta(**{UNITS[match[2]]: int(match[1])})
        return lambda value: (value >= datetime.now(UTC) - span) == after
