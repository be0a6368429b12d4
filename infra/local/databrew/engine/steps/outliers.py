"""Outliers, and what is done with them.

Z_SCORE: |value - mean| / sample deviation; MODIFIED_Z_SCORE: 0.6745 |value - median| / median absolute deviation;
IQR: how many interquartile ranges a value lies beyond the quartiles. An outlier exceeds the threshold.
Source: "Outlier detection and handling recipe steps" of the guide.
"""

from typing import Any

from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, FLAG, NAME, NUMBER, TEXT, Values, invalid
from ..registry import Changed, Deleted, action, optional
from ..types import NUMBERS, is_number, literal, number
from .missing import statistic
from .science import transformed

_STRATEGY: dict[str, Any] = {
    "sourceColumn": NAME,
    "outlierStrategy": CHOICE("Z_SCORE", "MODIFIED_Z_SCORE", "IQR"),
    "threshold": optional(NUMBER, 3.0),
}


def _percent(name: str, value: str) -> float:
    found = NUMBER(name, value)
    if not 0 <= found <= 100:
        raise invalid(name, value, "it must be between 0 and 100")
    return found


_TRIM: dict[str, Any] = {"minValue": optional(_percent), "maxValue": optional(_percent)}


def _trimmed(p: Values) -> None:
    if p.trimValue and (p.minValue is None or p.maxValue is None):
        raise StepRefused("trimValue needs minValue and maxValue.")
    if p.minValue is not None and p.maxValue is not None and p.minValue > p.maxValue:
        raise StepRefused("minValue must not be greater than maxValue.")


class _Outliers:
    """Which values of a column are outliers by a step's parameters."""

    def __init__(self, frame: Frame, p: Values):
        self.frame, self.column = frame, frame.column(p.sourceColumn)
        if self.column.type not in NUMBERS:
            raise StepRefused(f"Column {self.column.name} is {self.column.type}; outliers need a numeric column.")
        self.value = number(self.column.key, self.column.type)
        self.test = f"coalesce({self._score(p.outlierStrategy)} > {literal(p.threshold)}, FALSE)"
        if p.get("trimValue"):
            low, high = self.percentile(p.minValue), self.percentile(p.maxValue)
            self.test = f"({self.test} AND ({self.value} < {low} OR {self.value} > {high}))"

    def _of(self, sql: str) -> str:
        return self.frame.scalar(sql, "double")

    def percentile(self, percent: float) -> str:
        return self._of(f"quantile_cont({self.value}, {percent / 100})")

    def _score(self, strategy: str) -> str:
        if strategy == "Z_SCORE":
            mean, deviation = self._of(f"avg({self.value})"), self._of(f"stddev_samp({self.value})")
            return f"abs({self.value} - {mean}) / nullif({deviation}, 0)"
        if strategy == "MODIFIED_Z_SCORE":
            median, deviation = self._of(f"median({self.value})"), self._of(f"mad({self.value})")
            return f"0.6745 * abs({self.value} - {median}) / nullif({deviation}, 0)"
        low, high = self.percentile(25), self.percentile(75)
        return f"greatest({low} - {self.value}, {self.value} - {high}) / nullif({high} - {low}, 0)"


@action(
    "FLAG_OUTLIERS",
    stored=True,
    targetColumn=NAME,
    trueString=optional(TEXT, "True"),
    falseString=optional(TEXT, "False"),
    **_STRATEGY,
)
def flag_outliers(frame: Frame, p: Values) -> Changed:
    found = _Outliers(frame, p)
    words = f"CASE WHEN {found.test} THEN {literal(p.trueString)} ELSE {literal(p.falseString)} END"
    return Changed([(frame.new_name(p.targetColumn), words, "string")])


@action(
    "REMOVE_OUTLIERS",
    stored=True,
    validate=_trimmed,
    removeType=CHOICE("DELETE_ROWS", "CLEAR"),
    trimValue=optional(FLAG, False),
    **_STRATEGY,
    **_TRIM,
)
def remove_outliers(frame: Frame, p: Values) -> Changed | Deleted:
    found = _Outliers(frame, p)
    if p.removeType == "DELETE_ROWS":
        return Deleted(found.test)
    column = found.column
    return Changed([(column.name, f"CASE WHEN {found.test} THEN NULL ELSE {column.key} END", column.type)])


_MODES = {"MIN": "MINIMUM", "MAX": "MAXIMUM", "MINIMUM": "MINIMUM", "MAXIMUM": "MAXIMUM", "AVERAGE": "AVERAGE"}
_REPLACE = ("CUSTOM", "EMPTY", "NULL", "MODE", "AVERAGE", "MEDIAN", "SUM", "MAX")


def _replacement(p: Values) -> None:
    if p.replaceType == "WINSORIZE_VALUES" and (p.minValue is None or p.maxValue is None):
        raise StepRefused("WINSORIZE_VALUES needs minValue and maxValue.")
    if p.replaceType == "REPLACE_WITH_CUSTOM" and (p.value is None or not is_number(p.value)):
        raise StepRefused("REPLACE_WITH_CUSTOM needs a number in value.")
    if p.replaceType == "REPLACE_WITH_MODE" and p.modeType is None:
        raise StepRefused("REPLACE_WITH_MODE needs modeType.")
    _trimmed(p)


@action(
    "REPLACE_OUTLIERS",
    stored=True,
    validate=_replacement,
    replaceType=CHOICE("WINSORIZE_VALUES", *(f"REPLACE_WITH_{kind}" for kind in _REPLACE)),
    modeType=optional(CHOICE(*_MODES)),
    value=optional(TEXT),
    trimValue=optional(FLAG, False),
    **_STRATEGY,
    **_TRIM,
)
def replace_outliers(frame: Frame, p: Values) -> Changed:
    """Averages and the like are those of the values that are no outliers. The result is double unless NULL takes the outliers' place."""
    found = _Outliers(frame, p)
    column, kind = found.column, p.replaceType.removeprefix("REPLACE_WITH_")
    if kind in ("NULL", "EMPTY"):
        return Changed([(column.name, f"CASE WHEN {found.test} THEN NULL ELSE {column.key} END", column.type)])
    if kind == "WINSORIZE_VALUES":
        made = f"least(greatest({found.value}, {found.percentile(p.minValue)}), {found.percentile(p.maxValue)})"
    elif kind == "CUSTOM":
        made = f"CAST({literal(p.value.strip())} AS DOUBLE)"
    else:
        as_double = Column(column.name, "double", found.value)
        among = f"NOT {found.test} AND {column.key} IS NOT NULL"
        made = statistic(frame, as_double, kind, among, _MODES.get(p.modeType or "", "MINIMUM"))[0]
    return Changed([(column.name, f"CASE WHEN {found.test} THEN {made} ELSE {found.value} END", "double")])


@action("RESCALE_OUTLIERS_WITH_Z_SCORE", stored=True, targetColumn=NAME, **_STRATEGY)
def rescale_with_z_score(frame: Frame, p: Values) -> Changed:
    """All values in standard deviations from the mean."""
    value = _Outliers(frame, p).value
    mean, deviation = frame.scalar(f"avg({value})", "double"), frame.scalar(f"stddev_samp({value})", "double")
    return Changed([(frame.new_name(p.targetColumn), f"({value} - {mean}) / nullif({deviation}, 0)", "double")])


@action(
    "RESCALE_OUTLIERS_WITH_SKEW",
    stored=True,
    targetColumn=NAME,
    skewFunction=CHOICE("LOG", "ROOT", "SQUARE"),
    value=optional(NUMBER),
    **_STRATEGY,
)
def rescale_with_skew(frame: Frame, p: Values) -> Changed:
    """All values through a logarithm, root or square."""
    value = _Outliers(frame, p).value
    return Changed([(frame.new_name(p.targetColumn), transformed(value, p.skewFunction, p.value), "double")])
