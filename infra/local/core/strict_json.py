"""JSON as RFC 8259 has it: Python's own reader also takes NaN and infinite numbers, which no other program could read again."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MOST_LEVELS = 200  # orjson writes 254


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"The number {text[:40]} is out of range")
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_number)


def loads(text: str) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    text: whole; NaN and Infinity are no JSON

    Raises
    ------
    ValueError: the text is not JSON, or is nested more deeply than everything here could write again
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("The text is nested too deeply") from None
    if text.count("[") + text.count("{") > MOST_LEVELS and is_deep(value):
        raise ValueError("The text is nested too deeply")
    return value


def is_deep(value: Any, levels: int = MOST_LEVELS) -> bool:
    """Tell whether a value has more than so many lists and objects within each other.

    Parameters
    ----------
    value: as a JSON or YAML document gives it
    levels: how many may be within each other
    """
    level = [value]
    for _ in range(levels + 1):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [each for values in inner for each in values]
        if not level:
            return False
    return True
