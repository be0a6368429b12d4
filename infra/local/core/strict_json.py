"""JSON as RFC 8259 has it: Python's own reader also takes NaN and infinite numbers, which no other program could read again."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


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

    Raises
    ------
    ValueError: the text is not JSON, or is nested too deeply to be read
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("The text is nested too deeply") from None
