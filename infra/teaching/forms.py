"""The forms in which a right answer comes: a number as text, from numpy or as a Decimal, one value in a list, a time as an object.

Pure Python: a Glue session loads it too, so numpy and pandas are known by what their values can do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Set, Sized
from datetime import time
from typing import Any

from infra.teaching.exercise import Wrong

THOUSANDS = re.compile(r"-?\d{1,3}([,_ ]\d{3})+(\.\d+)?")
CLOCK = re.compile(r"(?:.*[ T])?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})0*)?)?(?: ?(?:Z|UTC|\+00:?00))?")


def plain(answer: Any) -> Any:
    """Return what numpy and pandas hold as Python's own values: of a table its rows, of a column or an array a list. Raises Wrong for code."""
    if callable(answer) and not isinstance(answer, tuple) and not hasattr(answer, "columns"):  # a Row of Spark is both
        raise Wrong("That is a function or a type, not what it returns. Call it, with brackets behind its name.")
    if isinstance(answer, Iterator):
        raise Wrong(
            "That is a generator: it can be read once only. Give the value itself; next(…) or list(…) takes it out."
        )
    if isinstance(answer, Mapping):
        raise Wrong("Give the value itself, not a dictionary with the value in it.")
    if hasattr(answer, "columns") and hasattr(answer, "values"):  # a pandas table
        answer = answer.values
    if getattr(getattr(answer, "dtype", None), "kind", "") == "M" and type(answer).__module__ == "numpy":
        answer = answer.astype("datetime64[us]")  # in nanoseconds numpy would make a number of a time
    if hasattr(answer, "tolist"):  # numpy's values and arrays, a pandas column
        return answer.tolist()
    if isinstance(answer, Iterable) and isinstance(answer, Sized) and not isinstance(answer, str | bytes | Set):
        return list(answer)
    return answer


def single(answer: Any) -> Any:
    """Return the one value of a list, tuple, set, array, column or table; another answer as it is. Raises Wrong for several values, and for code."""
    value = plain(answer)
    if not isinstance(value, list | Set):
        return value
    if len(value) != 1:
        raise Wrong(f"Give one value; these are {len(value)}.")
    return single(next(iter(value)))


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
    except OverflowError:
        raise Wrong("That number is far too large.") from None
    if math.isnan(found):
        raise Wrong("Give a number, and nothing around it.")
    return found


def numbers(answer: Any, count: int) -> tuple[float, ...]:
    """Return an answer of several numbers in order. Raises Wrong where it is another one."""
    value = plain(answer)
    if isinstance(value, Set):
        raise Wrong("A set has no order. Give a tuple: the first number, then the next.")
    if isinstance(value, str):
        value = [part for part in re.split(r"[,; ]+", value.strip("()[] ")) if part]
    if isinstance(value, list) and len(value) == 1:  # a row of a table, a tuple in a list
        value = plain(value[0])
    if not isinstance(value, list) or len(value) != count:
        raise Wrong(f"Give {count} numbers in a tuple.")
    return tuple(number(each) for each in value)


def word(answer: Any) -> str:
    """Return an answer as one word, without quotes and in small letters. Raises Wrong for several values."""
    return re.sub("[`'\"]", "", str(single(answer))).strip(" .!\t\n").lower()


def clock(answer: Any) -> time:
    """Return an answer as a time of day, to the microsecond. Raises Wrong where it is none."""
    value = single(answer)
    found = CLOCK.fullmatch(str(value).strip())
    try:
        if hasattr(value, "hour") and hasattr(value, "second"):  # a time, a datetime, a pandas Timestamp
            return time(value.hour, value.minute, value.second, value.microsecond)
        hour, minute, second = (int(part or 0) for part in found.groups()[:3]) if found else (-1, 0, 0)
        return time(hour, minute, second, int((found[4] or "0").ljust(6, "0")) if found else 0)
    except (TypeError, ValueError):  # pandas' NaT has an hour that is no number
        raise Wrong('Give a time, as text with colons: "HH:MM:SS".') from None


def sql(answer: Any) -> str:
    """Return an answer as the text of a query, without a semicolon at its end. Raises Wrong for a query's result."""
    value = answer if hasattr(answer, "columns") else single(answer)
    if not isinstance(value, str):
        raise Wrong("Set the answer to the text of the query, not to what it returns.")
    if not value.strip(" ;\t\n"):
        raise Wrong("The text is empty. Set the answer to the text of the query.")
    return value.strip().rstrip("; \t\n")
