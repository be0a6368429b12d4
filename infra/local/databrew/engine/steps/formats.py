"""Column formatting: numbers as text.

Source: recipe-actions.NUMBER_FORMAT of the guide.
"""

from ..errors import StepRefused
from ..frame import Frame
from ..parameters import CHOICE, INTEGER, NAME, Values, invalid
from ..registry import Changed, action, optional
from ..types import NUMBERS, literal, number

_UNITS = {"THOUSAND": 1e3, "MILLION": 1e6, "BILLION": 1e9, "TRILLION": 1e12}


def _thousands(name: str, value: str) -> str | None:
    if value in ("", "null"):
        return None
    if value not in (",", " ", ".", "\\", "\\\\"):
        raise invalid(name, value, "it must be a comma, a space, a point or a backslash")
    return value[-1]


def _nullable(name: str, value: str) -> str | None:
    return None if value in ("", "null") else value


def _unit(name: str, value: str) -> str | None:
    return None if value in ("", "null") else CHOICE(*_UNITS)(name, value)


def _separators(p: Values) -> None:
    if p.numericThousandSeparator == p.numericDecimalSeparator:
        raise StepRefused("The decimal and the thousand separator must differ.")


@action(
    "NUMBER_FORMAT",
    validate=_separators,
    sourceColumn=NAME,
    decimalPlaces=optional(INTEGER(0, 15), 0),
    numericDecimalSeparator=optional(CHOICE(".", ","), "."),
    numericThousandSeparator=optional(_thousands),
    numericAbbreviatedUnit=optional(_unit),
    numericUnitAbbreviation=optional(_nullable),
)
def number_format(frame: Frame, p: Values) -> Changed:
    """1234567.891 with 2 places, "," and THOUSAND, K is 1,234.57K. The unit's own sign is put behind as it is given."""
    column = frame.column(p.sourceColumn)
    if column.type not in NUMBERS:
        raise StepRefused(f"Column {column.name} is {column.type}; the step needs a numeric column.")
    value = number(column.key, column.type)
    if p.numericAbbreviatedUnit:
        value = f"({value} / {literal(_UNITS[p.numericAbbreviatedUnit])})"
    grouped = f"{{:{',' if p.numericThousandSeparator else ''}.{p.decimalPlaces}f}}"
    made = f"format({literal(grouped)}, {value})"
    wanted = (p.numericThousandSeparator or "") + p.numericDecimalSeparator
    made = f"translate({made}, {literal(',.' if p.numericThousandSeparator else '.')}, {literal(wanted)})"
    if p.numericUnitAbbreviation:
        made = f"{made} || {literal(p.numericUnitAbbreviation)}"
    return Changed([(column.name, made, "string")])
