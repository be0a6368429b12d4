"""JavaScript's values as the Kinesis Data Generator sees them: JSON.parse, String(), Number(), + and toFixed."""

import json
import math
from decimal import ROUND_HALF_UP, Decimal


class _Undefined:
    """JavaScript's undefined: "no argument", or nothing found. False in a condition, as in JavaScript."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = _Undefined()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _integer(text: str) -> int | float:
    number = int(text)
    return number if abs(number) <= 2**53 else float(text)


def json_parse(text: str) -> object:
    """`JSON.parse`. Raises ValueError where JavaScript raises SyntaxError."""
    return json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)


def is_number(value: object) -> bool:
    """`typeof value === "number"`."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def truthy(value: object) -> bool:
    """Whether a JavaScript condition holds: an empty array or object is true, NaN is false."""
    if isinstance(value, list | dict):
        return True
    return bool(value) and value == value


def number_string(value: int | float) -> str:
    """A number as JavaScript writes it: 1.0 → "1", 0.00001 → "0.00001", 1e21 → "1e+21"."""
    if isinstance(value, int):
        return str(value)
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f")
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def js_string(value: object) -> str:
    """`String(value)`: what stands in the record when a helper gives `value`."""
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return number_string(value)
    if isinstance(value, list):
        return ",".join("" if item is None or item is UNDEFINED else js_string(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    return str(value)


def js_number(value: object) -> int | float:
    """`Number(value)`."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if value is None:
        return 0
    if isinstance(value, list):
        value = js_string(value)
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0
        try:
            return _integer(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError:
            return math.nan
    return math.nan


def js_add(left: object, right: object) -> object:
    """`left + right`: joins as text unless both are numbers, booleans or null."""
    if isinstance(left, str | list | dict) or isinstance(right, str | list | dict):
        return js_string(left) + js_string(right)
    return js_number(left) + js_number(right)


def to_fixed(value: int | float, digits: int) -> str:
    """`value.toFixed(digits)`: halves go up, where Python's format sends them to the even digit."""
    if value != value:
        return "NaN"
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))
