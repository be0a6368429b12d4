"""Why a date's text is refused: the words of Joda, which Trino's date_parse() and parse_datetime() answer with.

Source: https://trino.io/docs/current/functions/datetime.html; the words are those of Joda-Time's FormatUtils and FieldUtils.
"""

import re
from calendar import monthrange
from typing import NamedTuple

from infra.engines.athena.errors import Refused

_SHOWN = 32


class _Field(NamedTuple):
    """A field of a pattern: what its text looks like, and for a number its name in Joda and its bounds."""

    regex: str
    name: str = ""
    low: int = 0
    high: int = 0


_YEAR, _MONTH, _DAY = (
    _Field(r"[+-]?\d+", "year", -292275054, 292278993),
    _Field(r"\d{1,2}", "monthOfYear", 1, 12),
    _Field(r"\d{1,2}", "dayOfMonth", 1, 31),
)
_FIELDS = {
    "Y": _YEAR, "y": _Field(r"[+-]?\d{1,4}"), "m": _MONTH, "c": _MONTH, "d": _DAY, "e": _DAY,
    "H": _Field(r"\d{1,2}", "hourOfDay", 0, 23), "k": _Field(r"\d{1,2}", "hourOfDay", 0, 23),
    "h": _Field(r"\d{1,2}", "clockhourOfHalfday", 1, 12), "I": _Field(r"\d{1,2}", "clockhourOfHalfday", 1, 12),
    "l": _Field(r"\d{1,2}", "clockhourOfHalfday", 1, 12), "i": _Field(r"\d{1,2}", "minuteOfHour", 0, 59),
    "s": _Field(r"\d{1,2}", "secondOfMinute", 0, 59), "S": _Field(r"\d{1,2}", "secondOfMinute", 0, 59),
    "j": _Field(r"\d{1,3}", "dayOfYear", 1, 366), "f": _Field(r"\d{1,9}"), "p": _Field(r"(?i:AM|PM)"),
    "a": _Field(r"[A-Za-z]+"), "b": _Field(r"[A-Za-z]+"), "M": _Field(r"[A-Za-z]+"), "W": _Field(r"[A-Za-z]+"),
    "v": _Field(r"\d{1,2}", "weekOfWeekyear", 1, 53), "x": _Field(r"[+-]?\d+"),
}  # fmt: skip
_WHOLE = {"T": "%H:%i:%s", "r": "%h:%i:%s %p"}


def date_refused(text: str, pattern: str) -> None:
    """Say in Joda's words why a text is no date of a MySQL pattern. Raises Refused."""
    raise Refused("INVALID_FUNCTION_ARGUMENT", _why(text, pattern))


def _why(text: str, pattern: str) -> str:
    for letter, parts in _WHOLE.items():
        pattern = pattern.replace(f"%{letter}", parts)
    at, numbers = 0, {}
    for letter, literal in re.findall(r"%(.)|([^%]+)", pattern, re.DOTALL):
        field = _FIELDS.get(letter, _Field(re.escape(literal or letter)))
        match = re.compile(field.regex).match(text, at)
        if not match:
            return invalid_format(text, at)
        if field.name:
            numbers[field] = int(match[0])
        at = match.end()
    if at < len(text):
        return invalid_format(text, at)
    for field, value in numbers.items():
        high = _days(numbers) if field is _DAY else field.high
        if not field.low <= value <= high:
            return f'Cannot parse "{text}": Value {value} for {field.name} must be in the range [{field.low},{high}]'
    return invalid_format(text, 0)


def _days(numbers: dict[_Field, int]) -> int:
    month = numbers.get(_MONTH, 1)
    return monthrange(numbers.get(_YEAR, 1970), month)[1] if 1 <= month <= 12 else 31


def invalid_format(text: str, at: int) -> str:
    """What Joda says of a text that cannot be read from a place on."""
    size = at + _SHOWN
    shown = text if len(text) <= size + 3 else text[:size] + "..."
    if at <= 0:
        return f'Invalid format: "{shown}"'
    if at >= len(text):
        return f'Invalid format: "{shown}" is too short'
    return f'Invalid format: "{shown}" is malformed at "{shown[at:]}"'
