"""The forms in which a right answer comes: a number as text, from numpy or as a Decimal, one value in a list, a time as an object.

Pure Python: a Glue session loads it too, so numpy and pandas are known by what their values can do.
"""

from __future__ import annotations

import math
import re
from datetime import time
from typing import Any

from infra.teaching.exercise import Wrong

THOUSANDS = re.compile(r"-?\d{1,3}([,_ ]\d{3})+(\.\d+)?")
CLOCK = re.compile(r"(?:.*[ T])?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?")


def single(answer: Any) -> Any:
    """Return the one value of a list, tuple, set, array, column or table; another answer as it is. Raises Wrong for several values."""
    if hasattr(answer, "columns") and hasattr(answer, "values"):  # a pandas table
        answer = answer.values
    if hasattr(answer, "tolist"):  # numpy's values and arrays, a pandas column
        answer = answer.tolist()
    if not isinstance(answer, list | tuple | set | frozenset):
        return answer
    if len(answer) != 1:
        raise Wrong(f"Give one value; these are {len(answer)}.")
    return single(next(iter(answer)))


def number(answer: Any) -> float:
    """Return an answer as a number, whatever its type. Raises Wrong where it is none."""
    value = single(answer)
    if isinstance(value, str):
        value = value.strip()
        value = re.sub("[,_ ]", "", value) if THOUSANDS.fullmatch(value) else value
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if math.isnan(found):
        raise Wrong("Give a number, and nothing around it.")
    return found


def numbers(answer: Any, count: int) -> tuple[float, ...]:
    """Return an answer of several numbers in order. Raises Wrong where it is another one."""
    value = answer.tolist() if hasattr(answer, "tolist") else answer
    if isinstance(value, set | frozenset):
        raise Wrong("A set has no order. Give a tuple: the first number, then the next.")
    if not isinstance(value, list | tuple) or len(value) != count:
        raise Wrong(f"Give {count} numbers in a tuple.")
    return tuple(number(each) for each in value)


def word(answer: Any) -> str:
    """Return an answer as one word, without quotes and in small letters. Raises Wrong for several values."""
    return str(single(answer)).strip("`'\" \n").lower()


def clock(answer: Any) -> time:
    """Return an answer as a time of day. Raises Wrong where it is none."""
    value = single(answer)
    if hasattr(value, "hour") and hasattr(value, "second"):  # a time, a datetime, a pandas Timestamp
        return time(value.hour, value.minute, value.second)
    found = CLOCK.fullmatch(str(value).strip())
    hour, minute, second = (int(part or 0) for part in found.groups()) if found else (-1, 0, 0)
    try:
        return time(hour, minute, second)
    except ValueError:
        raise Wrong('Give a time, as text with colons: "HH:MM:SS".') from None


def sql(answer: Any) -> str:
    """Return an answer as the text of a query. Raises Wrong for a query's result."""
    value = answer if hasattr(answer, "columns") else single(answer)
    if not isinstance(value, str):
        raise Wrong("Set the answer to the text of the query, not to what it returns.")
    return value
