"""What function steps have in common: a source column or a value, two of them, and the expressions these become."""

from collections.abc import Callable
from typing import Any

from ..errors import StepRefused
from ..frame import Frame
from ..parameters import NAME, TEXT, Values
from ..registry import Changed, optional
from ..types import NUMBERS, cast, is_number, literal, number, text

ONE: dict[str, Any] = {"sourceColumn": optional(NAME), "value": optional(TEXT), "targetColumn": NAME}
TWO: dict[str, Any] = {
    "sourceColumn1": optional(NAME),
    "sourceColumn2": optional(NAME),
    "value1": optional(TEXT),
    "value2": optional(TEXT),
    "targetColumn": NAME,
}


def one(p: Values) -> None:
    """A step has a source column or a value."""
    if (p.sourceColumn is None) == (p.value is None):
        raise StepRefused("Specify either sourceColumn or value, but not both.")


def two(p: Values) -> None:
    """A step has two operands, each a source column or a value; two values may be both, of the others one each."""
    if [p.sourceColumn1, p.sourceColumn2, p.value1, p.value2].count(None) != 2:
        raise StepRefused("Specify two of sourceColumn1, sourceColumn2, value1 and value2.")
    for n in ("1", "2"):
        if p["sourceColumn" + n] is None and p["value" + n] is None:
            raise StepRefused(f"Specify sourceColumn{n} or value{n}.")


def both(*checks: Callable[[Values], None]) -> Callable[[Values], None]:
    """Several checks as one."""

    def check(p: Values) -> None:
        for each in checks:
            each(p)

    return check


def as_text(frame: Frame, p: Values, n: str = "") -> str:
    """SQL of the source column or value as text."""
    if p["sourceColumn" + n] is None:
        return literal(p["value" + n])
    column = frame.column(p["sourceColumn" + n])
    return text(column.key, column.type)


def as_number(frame: Frame, p: Values, n: str = "") -> tuple[str, str]:
    """SQL of the source column or value as a number, and DataBrew's type of it: long for integers, else double."""
    if p["sourceColumn" + n] is None:
        value = p["value" + n].strip()
        if not is_number(value):
            raise StepRefused(f"The value {value} is not a number.")
        whole = value.lstrip("+-").isdecimal() and abs(int(value)) < 2**63
        return (f"{int(value)}::BIGINT", "long") if whole else (f"CAST({literal(value)} AS DOUBLE)", "double")
    column = frame.column(p["sourceColumn" + n])
    if column.type in ("byte", "short", "int", "long"):
        return f"{column.key}::BIGINT", "long"
    return number(column.key, column.type), "double"


def as_moment(frame: Frame, p: Values, n: str = "") -> str:
    """SQL of the source column or value as a timestamp; NULL where it is none. A number is read as its digits: 20201231."""
    if p["sourceColumn" + n] is None:
        return cast(literal(p["value" + n]), "string", "timestamp")
    column = frame.column(p["sourceColumn" + n])
    if column.type in NUMBERS:
        return cast(text(column.key, column.type), "string", "timestamp")
    return cast(column.key, column.type, "timestamp")


def new(frame: Frame, p: Values, expression: str, type_: str) -> Changed:
    """The step's target column, which must be new."""
    return Changed([(frame.new_name(p.targetColumn), expression, type_)])
