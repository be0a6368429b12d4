"""Window functions: from the rows before and after, in row order.

Source: "Window functions" of the guide.
"""

from collections.abc import Callable
from typing import Any

from ..conditions import missing
from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, INTEGER, NAME, NAMES, NAMES_OR_NONE, Values
from ..registry import Changed, action, optional
from ..types import NUMBERS, cast, number
from .date_functions import UNITS
from .row_functions import kth_largest, mode_of
from .sources import new

_WINDOW: dict[str, Any] = {
    "sourceColumn": NAME,
    "numRowsBefore": INTEGER(0),
    "numRowsAfter": INTEGER(0),
    "targetColumn": NAME,
}


def _over(p: Values) -> str:
    return f"OVER (ORDER BY row ROWS BETWEEN {p.numRowsBefore} PRECEDING AND {p.numRowsAfter} FOLLOWING)"


def _number(column: Column) -> str:
    if column.type not in NUMBERS:
        raise StepRefused(f"Column {column.name} is {column.type}; the function needs a numeric column.")
    return number(column.key, column.type)


def _rolling(template: str, type_: str = "double") -> Callable[[Frame, Values], Changed]:
    def run(frame: Frame, p: Values) -> Changed:
        column = frame.column(p.sourceColumn)
        if type_ == "long":
            value = f"CASE WHEN NOT {missing(column)} THEN 1 END"
        else:
            value = _number(column)
        return new(frame, p, f"{template.replace('{}', value)} {_over(p)}", type_)

    return run


for _name, _template in {
    "ROLLING_AVERAGE": "avg({})",
    "ROLLING_MAX": "max({})",
    "ROLLING_MIN": "min({})",
    "ROLLING_SUM": "sum({})",
    "ROLLING_STANDARD_DEVIATION": "stddev_pop({})",
    "ROLLING_STDEV": "stddev_pop({})",  # as the guide's example calls it
    "ROLLING_VARIANCE": "var_pop({})",
    "ROLLING_VAR": "var_pop({})",
}.items():
    action(_name, **_WINDOW)(_rolling(_template))
action("ROLLING_COUNT_A", **_WINDOW)(_rolling("count({})", "long"))


def _listed(frame: Frame, p: Values, made: Callable[[str], str]) -> Frame:
    """A new column from the list of the window's numbers, which is put together first."""
    value = _number(frame.column(p.sourceColumn))
    listed = f"list_filter(list({value}) {_over(p)}, lambda x: x IS NOT NULL)"
    name = frame.new_name(p.targetColumn)
    between = frame.with_columns([(name, listed, "array")])
    return between.with_columns([(name, made(between.columns[-1].key), "double")])


def _kth(unique: bool) -> Callable[[Frame, Values], Frame]:
    return lambda frame, p: _listed(frame, p, lambda values: kth_largest(values, p.value, unique))


action("ROLLING_KTH_LARGEST", conditional=False, value=INTEGER(1), **_WINDOW)(_kth(False))
action("ROLLING_KTH_LARGEST_UNIQUE", conditional=False, value=INTEGER(1), **_WINDOW)(_kth(True))


@action("ROLLING_MODE", conditional=False, modeType=CHOICE("NONE", "MINIMUM", "MAXIMUM", "AVERAGE"), **_WINDOW)
def rolling_mode(frame: Frame, p: Values) -> Frame:
    return _listed(frame, p, lambda values: mode_of(values, p.modeType))


@action("FILL", **_WINDOW)
def fill(frame: Frame, p: Values) -> Changed:
    """Missing values become the last one before within the window, else the first one after."""
    column = frame.column(p.sourceColumn)
    value = f"nullif({column.key}, '')" if column.type == "string" else column.key
    before = (
        f"last_value({value} IGNORE NULLS) OVER (ORDER BY row ROWS BETWEEN {p.numRowsBefore} PRECEDING AND CURRENT ROW)"
    )
    after = (
        f"first_value({value} IGNORE NULLS) OVER (ORDER BY row ROWS BETWEEN CURRENT ROW AND {p.numRowsAfter} FOLLOWING)"
    )
    return new(frame, p, f"coalesce({before}, {after})", column.type)


def _distance(function: str) -> Callable[[Frame, Values], Changed]:
    def run(frame: Frame, p: Values) -> Changed:
        column = frame.column(p.sourceColumn)
        return new(frame, p, f"{function}({column.key}, {p.numRows}) OVER (ORDER BY row)", column.type)

    return run


action("NEXT", sourceColumn=NAME, numRows=INTEGER(1), targetColumn=NAME)(_distance("lead"))
action("PREV", sourceColumn=NAME, numRows=INTEGER(1), targetColumn=NAME)(_distance("lag"))

_GROUPS: dict[str, Any] = {"groupByColumns": optional(NAMES_OR_NONE), "orderByColumns": NAMES, "targetColumn": NAME}


def _grouped(frame: Frame, p: Values) -> str:
    groups = ", ".join(frame.column(name).key for name in p.groupByColumns or [])
    order = ", ".join([*(frame.column(name).key for name in p.orderByColumns), "row"])
    return f"{f'PARTITION BY {groups} ' if groups else ''}ORDER BY {order}"


@action("ROW_NUMBER", **_GROUPS)
def row_number(frame: Frame, p: Values) -> Changed:
    return new(frame, p, f"row_number() OVER ({_grouped(frame, p)})", "long")


@action("SESSION", conditional=False, sourceColumn=NAME, units=CHOICE(*UNITS), value=INTEGER(1), **_GROUPS)
def session(frame: Frame, p: Values) -> Frame:
    """The number of the session within the group, from 1: a new one begins when more time than `value` units has passed."""
    column = frame.column(p.sourceColumn)
    moment = cast(column.key, column.type, "timestamp")
    name = frame.new_name(p.targetColumn)
    window = _grouped(frame, p)
    before = f"lag({moment}) OVER ({window})"
    begins = f"CAST(coalesce({moment} > {before} + {UNITS[p.units].replace('{}', str(p.value))}, {before} IS NULL) AS BIGINT)"
    between = frame.with_columns([(name, begins, "long")])
    return between.with_columns([(name, f"TRY_CAST(sum({between.columns[-1].key}) OVER ({window}) AS BIGINT)", "long")])
