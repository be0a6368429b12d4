"""IF and CASE: new columns from conditions.

Source: recipe-actions.BOOLEAN_OPERATION, recipe-actions.CASE_OPERATION of the guide.
"""

import re

from ..errors import StepRefused
from ..expressions import Expressions, Term, fitted
from ..frame import Frame
from ..parameters import NAME, OBJECTS, TEXT, Values
from ..registry import Changed, action, optional
from ..types import NUMBERS, common, number
from .sources import new

_AGGREGATE = re.compile(r"(?P<function>[a-z_]+)\(\s*(?P<distinct>distinct\s+)?`(?P<column>[^`]+)`\s*\)", re.IGNORECASE)
# {} is the number; moments are the population's where Spark's are
_OF_NUMBERS = {
    "sum": "sum({})",
    "avg": "avg({})",
    "mean": "avg({})",
    "median": "median({})",
    "product": "product({})",
    "stddev": "stddev_samp({})",
    "variance": "var_samp({})",
    "standard_error_of_mean": "stddev_samp({}) / sqrt(count({}))",
    "kurtosis": "kurtosis_pop({})",
}


def _named(p: Values) -> None:
    for given in p.withExpressions or []:
        if (
            not isinstance(given.get("name"), str)
            or not isinstance(given.get("value"), str)
            or given.get("type") != "aggregate"
        ):
            raise StepRefused(
                "Each of withExpressions has name, value, an aggregate function of a column in back-ticks, and type aggregate."
            )
        if not _AGGREGATE.fullmatch(given["value"].strip()):
            raise StepRefused(f"{given['value']} is not an aggregate function of a column in back-ticks.")


def aggregate(frame: Frame, value: str) -> Term:
    """The value of an aggregate function over all rows."""
    found = _AGGREGATE.fullmatch(value.strip())
    assert found is not None
    function, column = found["function"].lower(), frame.column(found["column"])
    if function == "count":
        return Term(frame.scalar(f"count({'DISTINCT ' if found['distinct'] else ''}{column.key})", "long"), "long")
    if function in ("min", "max"):
        return Term(frame.scalar(f"{function}({column.key})", column.type), column.type)
    if column.type not in NUMBERS:
        raise StepRefused(f"The function {function} needs a numeric column; {column.name} is {column.type}.")
    sql = number(column.key, column.type)
    if function == "mean_absolute_deviation":
        mean = frame.scalar(f"avg({sql})", "double")
        return Term(frame.scalar(f"avg(abs({sql} - {mean}))", "double"), "double")
    if function == "skewness":
        mean = frame.scalar(f"avg({sql})", "double")
        return Term(frame.scalar(f"avg(({sql} - {mean}) ** 3) / nullif(var_pop({sql}), 0) ** 1.5", "double"), "double")
    if function not in _OF_NUMBERS:
        raise StepRefused(f"Unknown aggregate function {function}.")
    return Term(frame.scalar(_OF_NUMBERS[function].replace("{}", sql), "double"), "double")


def _expressions(frame: Frame, p: Values) -> Expressions:
    return Expressions(frame, {given["name"]: aggregate(frame, given["value"]) for given in p.withExpressions or []})


@action(
    "BOOLEAN_OPERATION",
    conditional=False,
    stored=True,
    validate=_named,
    valueExpression=TEXT,
    trueValueExpression=TEXT,
    falseValueExpression=TEXT,
    withExpressions=optional(OBJECTS),
    targetColumn=NAME,
)
def boolean_operation(frame: Frame, p: Values) -> Changed:
    """IF: where the condition is neither true nor false (a value is missing) the false value stands."""
    expressions = _expressions(frame, p)
    met = expressions.condition(p.valueExpression)
    yes, no = expressions.result(p.trueValueExpression), expressions.result(p.falseValueExpression)
    type_ = common({yes.type, no.type})
    return new(frame, p, f"CASE WHEN {met} THEN {fitted(yes, type_)} ELSE {fitted(no, type_)} END", type_)


@action(
    "CASE_OPERATION",
    conditional=False,
    stored=True,
    validate=_named,
    valueExpression=TEXT,
    withExpressions=optional(OBJECTS),
    targetColumn=NAME,
)
def case_operation(frame: Frame, p: Values) -> Changed:
    """CASE: the first condition that is met gives the result."""
    made = _expressions(frame, p).case(p.valueExpression)
    return new(frame, p, made.sql, made.type)
