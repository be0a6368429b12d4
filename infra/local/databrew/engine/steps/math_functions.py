"""Mathematical functions: a new column from one or two numbers. Where a function has no value (a division by 0, a root of -1) it is NULL.

Source: "Mathematical functions" of the guide.
"""

import math
from collections.abc import Callable
from typing import Any

from ..errors import StepRefused
from ..frame import Frame
from ..parameters import NAME, NUMBER, TEXT, Values
from ..registry import Changed, action, optional
from ..types import literal
from .sources import ONE, TWO, as_number, new, one, two


def _finite(sql: str) -> str:
    return f"CASE WHEN isfinite({sql}) THEN {sql} END"


# name → SQL, and whether the result is of the number's own type, an integer or a double
_OF_ONE = {
    "ABSOLUTE": ("TRY(abs({}))", "own"),
    "NEGATE": ("TRY(-({}))", "own"),
    "CEILING": ("TRY_CAST(ceil({}) AS BIGINT)", "long"),
    "FLOOR": ("TRY_CAST(floor({}) AS BIGINT)", "long"),
    "ROUND": ("TRY_CAST(floor({} + 0.5) AS BIGINT)", "long"),  # "rounds up when the fraction is 0.5 or more"
    "SIGN": ("CAST(sign({}) AS INTEGER)", "int"),
    "DEGREES": ("degrees({})", "double"),
    "RADIANS": ("radians({})", "double"),
    "EXPONENT": (_finite("exp({})"), "double"),
    "LN": ("CASE WHEN {} > 0 THEN ln({}) END", "double"),
    "SQUARE_ROOT": ("CASE WHEN {} >= 0 THEN sqrt({}) END", "double"),
}


def _called(p: Values) -> Values:
    """The operand; the guide calls CEILING's value value1 and FLOOR's column sourceColumn1."""
    return Values(
        p,
        sourceColumn=p.sourceColumn or p.get("sourceColumn1"),
        value=p.value if p.value is not None else p.get("value1"),
    )


def _of_one(template: str, kind: str) -> Callable[[Frame, Values], Changed]:
    def run(frame: Frame, p: Values) -> Changed:
        value, type_ = as_number(frame, _called(p))
        if kind == "long" and type_ == "long":
            return new(frame, p, value, "long")
        return new(frame, p, template.replace("{}", f"({value})"), type_ if kind == "own" else kind)

    return run


_CALLED: dict[str, dict[str, Any]] = {"CEILING": {"value1": optional(TEXT)}, "FLOOR": {"sourceColumn1": optional(NAME)}}
for _name, (_template, _kind) in _OF_ONE.items():
    action(_name, validate=lambda p: one(_called(p)), **ONE, **_CALLED.get(_name, {}))(_of_one(_template, _kind))


def _any_two(p: Values) -> None:
    """ADD and MULTIPLY: any two of columns and values, for example sourceColumn1 and value1."""
    if [p.sourceColumn1, p.sourceColumn2, p.value1, p.value2].count(None) != 2:
        raise StepRefused("Specify two of sourceColumn1, sourceColumn2, value1 and value2.")


def _operands(frame: Frame, p: Values) -> list[tuple[str, str]]:
    names = [name for name in ("sourceColumn1", "value1", "sourceColumn2", "value2") if p[name] is not None]
    return [as_number(frame, Values(sourceColumn=p[n] if "s" == n[0] else None, value=p[n])) for n in names]


def _of_two(operator: str, double: bool = False) -> Callable[[Frame, Values], Changed]:
    def run(frame: Frame, p: Values) -> Changed:
        (a, a_type), (b, b_type) = _operands(frame, p)
        divided = operator in ("/", "%")
        right = f"nullif({b}, 0)" if divided else b
        if double or "double" in (a_type, b_type):
            return new(frame, p, f"CAST({a} AS DOUBLE) {operator} CAST({right} AS DOUBLE)", "double")
        return new(frame, p, f"TRY({a} {operator} {right})", "long")

    return run


action("ADD", validate=_any_two, **TWO)(_of_two("+"))
action("MULTIPLY", validate=_any_two, **TWO)(_of_two("*"))
action("SUBTRACT", validate=two, **TWO)(_of_two("-"))
action("DIVIDE", validate=two, **TWO)(_of_two("/", double=True))
action("MOD", validate=two, **TWO)(_of_two("%"))  # the remainder, with the sign of the first number


def _base(p: Values) -> None:
    one(p)
    if p.base <= 0 or p.base == 1:
        raise StepRefused("base must be greater than 0 and not 1.")


@action("LOG", validate=_base, base=optional(NUMBER, 10.0), **ONE)
def log(frame: Frame, p: Values) -> Changed:
    value, _ = as_number(frame, p)
    logarithm = f"log10({value})" if p.base == 10 else f"ln({value}) / {literal(math.log(p.base))}"
    return new(frame, p, f"CASE WHEN {value} > 0 THEN {logarithm} END", "double")


@action("POWER", validate=one, exponent=NUMBER, **ONE)
def power(frame: Frame, p: Values) -> Changed:
    value, _ = as_number(frame, p)
    return new(frame, p, _finite(f"power({value}, {literal(p.exponent)})"), "double")


def _even(remainder: int) -> Callable[[Frame, Values], Changed]:
    def run(frame: Frame, p: Values) -> Changed:
        value, _ = as_number(frame, p)
        met = f"{value} IS NOT NULL AND {value} = floor({value}) AND abs({value}) % 2 = {remainder}"
        words = f"CASE WHEN {met} THEN {literal(p.trueString)} ELSE {literal(p.falseString)} END"
        return new(frame, p, words, "string")

    return run


_WORDS: dict[str, Any] = {"trueString": optional(TEXT, "True"), "falseString": optional(TEXT, "False")}
action("IS_EVEN", validate=one, **ONE, **_WORDS)(_even(0))
action("IS_ODD", validate=one, **ONE, **_WORDS)(_even(1))


@action("PI", targetColumn=NAME)
def pi(frame: Frame, p: Values) -> Changed:
    return new(frame, p, literal(math.pi), "double")


@action("RANDOM", targetColumn=NAME)
def random(frame: Frame, p: Values) -> Changed:
    return Changed([(frame.new_name(p.targetColumn), "random()", "double")], stored=True)


def bounds(p: Values) -> None:
    """lowerBound is not above upperBound."""
    if p.lowerBound > p.upperBound:
        raise StepRefused("lowerBound must not be greater than upperBound.")


def random_between(low: float, high: float) -> tuple[str, str]:
    """SQL of a random number between two, both included, and its type: long if both are integers."""
    if low == int(low) and high == int(high) and max(abs(low), abs(high)) < 2**53:
        return f"CAST({int(low)} + floor(random() * {int(high) - int(low) + 1}) AS BIGINT)", "long"
    return f"{literal(low)} + random() * {literal(high - low)}", "double"


@action("RANDOM_BETWEEN", validate=bounds, lowerBound=NUMBER, upperBound=NUMBER, targetColumn=NAME)
def random_between_(frame: Frame, p: Values) -> Changed:
    sql, type_ = random_between(p.lowerBound, p.upperBound)
    return Changed([(frame.new_name(p.targetColumn), sql, type_)], stored=True)
