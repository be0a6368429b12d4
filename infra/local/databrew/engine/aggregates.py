"""Aggregate functions of GROUP_BY, PIVOT and TRANSPOSE: of the rows of a group. Missing values do not count."""

from .errors import StepRefused
from .frame import Column
from .types import COMPLEX, INTEGERS, NUMBERS, number

_NUMERIC = {
    "AVERAGE": "avg({})",
    "AVG": "avg({})",
    "MEAN": "avg({})",
    "MEDIAN": "median({})",
    "STANDARD_DEVIATION": "stddev_pop({})",  # divided by the count, as the guide defines VARIANCE
    "STDDEV": "stddev_pop({})",
    "VARIANCE": "var_pop({})",
}
_ANY = {
    "MIN": "min({})",
    "MAX": "max({})",
    "MODE": "mode({})",
    "ANY": "any_value({})",
    "FIRST": "first({})",
    "LAST": "last({})",
}
_LISTS = ("COLLECT_LIST", "UNAGGREGATED")
FUNCTIONS = ("COUNT", "COUNT_DISTINCT", "SUM", *_NUMERIC, *_ANY, *_LISTS)


def aggregate(function: str, column: Column, among: str | None = None, over: str = "") -> tuple[str, str]:
    """SQL of an aggregate function and DataBrew's type of it.

    Parameters
    ----------
    among : SQL: which rows count.
    over : what stands after the aggregate: "" or OVER (…).

    Raises
    ------
    StepRefused : the function needs numbers and the column has none.
    """
    value = f"nullif({column.key}, '')" if column.type == "string" else column.key
    conditions = [f"({value}) IS NOT NULL", *([among] if among else [])]
    tail = f" FILTER (WHERE {' AND '.join(conditions)}) {over}"
    if function == "COUNT":
        return f"count({value}){tail}", "long"
    if function == "COUNT_DISTINCT":
        return f"count(DISTINCT {value}){tail}", "long"
    if function in _LISTS:
        return f"coalesce(list({value}{'' if over else ' ORDER BY row'}){tail}, [])", "array"
    if function in _ANY:
        ordered = " ORDER BY row" if function in ("ANY", "FIRST", "LAST") and not over else ""
        if column.type in COMPLEX and function in ("MIN", "MAX", "MODE"):
            raise StepRefused(
                f"The function {function} can't be applied to column {column.name} of type {column.type}."
            )
        return f"{_ANY[function].replace('{}', value + ordered)}{tail}", column.type
    if column.type not in NUMBERS:
        raise StepRefused(f"The function {function} needs a numeric column; {column.name} is {column.type}.")
    if function == "SUM":
        if column.type in INTEGERS:
            return f"TRY_CAST(sum({value}){tail} AS BIGINT)", "long"
        return f"sum({number(value, column.type)}){tail}", "double"
    return f"{_NUMERIC[function].replace('{}', number(value, column.type))}{tail}", "double"
