"""Aggregate functions over several columns of one row, and COALESCE. Missing values do not count.

Source: "Aggregate functions" and "Other functions" of the guide.
"""

from collections.abc import Callable
from typing import Any

from ..frame import Column, Frame
from ..parameters import CHOICE, INTEGER, NAME, NAMES, Values
from ..registry import Changed, action, optional
from ..types import COMPLEX, INTEGERS, TYPES, cast, common, number
from .sources import new

_SEVERAL: dict[str, Any] = {"sourceColumns": NAMES, "targetColumn": NAME}


def _columns(frame: Frame, p: Values) -> list[Column]:
    return [frame.column(name) for name in p.sourceColumns]


def present(column: Column) -> str:
    """SQL of a value, NULL if it is missing."""
    return f"nullif({column.key}, '')" if column.type == "string" else column.key


def numbers(columns: list[Column]) -> str:
    """SQL of the list of those values that are numbers."""
    values = ", ".join(number(c.key, c.type) if c.type not in COMPLEX else "CAST(NULL AS DOUBLE)" for c in columns)
    return f"list_filter([{values}], lambda x: x IS NOT NULL AND NOT isnan(x))"


def mode_of(values: str, mode_type: str) -> str:
    """SQL of the mode of a list without NULLs: MINIMUM, MAXIMUM or AVERAGE of several; NONE: then there is none."""
    most = f"list_max(list_transform({values}, lambda a: len(list_filter({values}, lambda b: a = b))))"
    modes = f"list_distinct(list_filter({values}, lambda c: len(list_filter({values}, lambda d: c = d)) = {most}))"
    if mode_type == "NONE":
        return f"CASE WHEN len({modes}) = 1 THEN {modes}[1] END"
    return f"{ {'MINIMUM': 'list_min', 'MAXIMUM': 'list_max', 'AVERAGE': 'list_avg'}[mode_type] }({modes})"


def kth_largest(values: str, k: int, unique: bool) -> str:
    """SQL of the k-th largest of a list without NULLs."""
    return f"list_sort({f'list_distinct({values})' if unique else values}, 'DESC')[{k}]"


def _of_numbers(template: str) -> Callable[[Frame, Values], Changed]:
    def run(frame: Frame, p: Values) -> Changed:
        """Integers stay integers in SUM, MIN and MAX."""
        columns = _columns(frame, p)
        sql = template.replace("{}", numbers(columns))
        whole = all(c.type in INTEGERS for c in columns) and template.startswith(
            ("list_min", "list_max", "coalesce(list_sum")
        )
        return new(frame, p, f"TRY_CAST({sql} AS BIGINT)" if whole else sql, "long" if whole else "double")

    return run


for _name, _template in {
    "AVERAGE": "list_avg({})",
    "MAX": "list_max({})",
    "MIN": "list_min({})",
    "MEDIAN": "list_median({})",
    "STANDARD_DEVIATION": "list_stddev_pop({})",  # the root of VARIANCE
    "VARIANCE": "list_var_pop({})",  # "[Sum ((X - mean(X))^2)] / Count(X)"
    "SUM": "coalesce(list_sum({}), 0)",
}.items():
    action(_name, **_SEVERAL)(_of_numbers(_template))


@action("MODE", modeType=optional(CHOICE("MINIMUM", "MAXIMUM", "AVERAGE", "NONE"), "MINIMUM"), **_SEVERAL)
def mode(frame: Frame, p: Values) -> Changed:
    return new(frame, p, mode_of(numbers(_columns(frame, p)), p.modeType), "double")


def _kth(unique: bool) -> Callable[[Frame, Values], Changed]:
    return lambda frame, p: new(frame, p, kth_largest(numbers(_columns(frame, p)), p.value, unique), "double")


action("KTH_LARGEST", value=INTEGER(1), **_SEVERAL)(_kth(False))
action("KTH_LARGEST_UNIQUE", value=INTEGER(1), **_SEVERAL)(_kth(True))


def _values(columns: list[Column]) -> tuple[list[str], str]:
    """SQL of the values, missing ones NULL, in one type."""
    type_ = common({c.type for c in columns})
    return [cast(present(c), c.type, type_) if type_ in TYPES else c.key for c in columns], type_


@action("ANY", **_SEVERAL)
def any_(frame: Frame, p: Values) -> Changed:
    """The first value that is not missing."""
    values, type_ = _values(_columns(frame, p))
    return new(frame, p, f"coalesce({', '.join(values)})", type_)


@action("COALESCE", **_SEVERAL)
def coalesce(frame: Frame, p: Values) -> Changed:
    """The first value that is not NULL; empty text is one."""
    columns = _columns(frame, p)
    type_ = common({c.type for c in columns})
    values = [cast(c.key, c.type, type_) if type_ in TYPES else c.key for c in columns]
    return new(frame, p, f"coalesce({', '.join(values)})", type_)


@action("COUNT", **_SEVERAL)
def count(frame: Frame, p: Values) -> Changed:
    counted = " + ".join(f"CAST({present(c)} IS NOT NULL AS BIGINT)" for c in _columns(frame, p))
    return new(frame, p, counted, "long")


@action("COUNT_DISTINCT", **_SEVERAL)
def count_distinct(frame: Frame, p: Values) -> Changed:
    values, _ = _values(_columns(frame, p))
    return new(frame, p, f"CAST(len(list_distinct([{', '.join(values)}])) AS BIGINT)", "long")
