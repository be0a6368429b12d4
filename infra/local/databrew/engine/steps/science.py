"""Data science steps: bins, categories, one-hot columns, scales.

Source: "Data science recipe steps" of the guide.
"""

import json
import math

from ..errors import StepRefused
from ..frame import Frame
from ..parameters import CHOICE, FLAG, LIST, NAME, NUMBER, OBJECT, TEXT, Values
from ..registry import Changed, action, optional
from ..types import NUMBERS, is_number, literal, number, text

_MOST_VALUES = 10


def _number(frame: Frame, name: str) -> str:
    column = frame.column(name)
    if column.type not in NUMBERS:
        raise StepRefused(f"Column {name} is {column.type}; the step needs a numeric column.")
    return number(column.key, column.type)


def transformed(value: str, function: str, argument: float | None) -> str:
    """SQL of a logarithm (base e, or the argument), root (square, or the argument's) or square; NULL where there is none."""
    if function == "SQUARE":
        return f"({value} * {value})"
    if function == "LOG":
        base = math.e if argument is None else argument
        if base <= 0 or base == 1:
            raise StepRefused("The base of a logarithm must be greater than 0 and not 1.")
        scale = 1.0 if abs(base - math.e) < 1e-9 else math.log(base)
        return f"CASE WHEN {value} > 0 THEN ln({value}) / {literal(scale)} END"
    power = 2.0 if argument is None else argument
    if power == 0:
        raise StepRefused("The power of a root must not be 0.")
    root = f"power(abs({value}), {literal(1 / power)})"
    if power % 2 == 1:
        return f"(sign({value}) * {root})"
    return f"CASE WHEN {value} >= 0 THEN {root} END"


@action(
    "SKEWNESS",
    sourceColumn=NAME,
    targetColumn=NAME,
    skewFunction=CHOICE("LOG", "ROOT", "SQUARE"),
    value=optional(NUMBER),
)
def skewness(frame: Frame, p: Values) -> Changed:
    made = transformed(_number(frame, p.sourceColumn), p.skewFunction, p.value)
    return Changed([(frame.new_name(p.targetColumn), made, "double")])


@action("BINARIZATION", sourceColumn=NAME, targetColumn=NAME, threshold=NUMBER, flip=optional(FLAG, False))
def binarization(frame: Frame, p: Values) -> Changed:
    """1 above the threshold, else 0; flipped: 1 up to the threshold."""
    above, below = (0, 1) if p.flip else (1, 0)
    value = _number(frame, p.sourceColumn)
    made = f"CASE WHEN {value} > {literal(p.threshold)} THEN {above} WHEN {value} IS NOT NULL THEN {below} END"
    return Changed([(frame.new_name(p.targetColumn), made, "int")])


def _bins(p: Values) -> None:
    if not p.bucketNames or not all(isinstance(name, str) for name in p.bucketNames):
        raise StepRefused("bucketNames must be a list of names.")
    if (p.splits is None) == (p.percentage is None):
        raise StepRefused("BUCKETIZATION takes either splits or percentage.")
    if p.splits is not None:
        bounds = [str(split) for split in p.splits]
        if not all(is_number(bound) for bound in bounds) or [float(b) for b in bounds] != sorted(
            {float(b) for b in bounds}
        ):
            raise StepRefused(
                "splits must be ascending numbers, -Infinity and Infinity among them if a bucket is open."
            )
        if len(bounds) != len(p.bucketNames) + 1:
            raise StepRefused("There must be one more of splits than of bucketNames.")
    elif not 0 < p.percentage <= 100 or math.ceil(100 / p.percentage - 1e-9) != len(p.bucketNames):
        raise StepRefused("percentage must make as many buckets as there are bucketNames.")


@action(
    "BUCKETIZATION",
    stored=True,
    validate=_bins,
    sourceColumn=NAME,
    targetColumn=NAME,
    bucketNames=LIST,
    splits=optional(LIST),
    percentage=optional(NUMBER),
)
def bucketization(frame: Frame, p: Values) -> Changed:
    """The name of the bucket; a bucket takes its lower bound in, the last one its upper bound too. Outside of all: NULL.

    With a percentage the bounds are the column's percentiles, so that each bucket takes that share of the rows.
    """
    value = _number(frame, p.sourceColumn)
    if p.splits is not None:
        bounds = [literal(float(split)) for split in p.splits]
    else:
        shares = [min(n * p.percentage / 100, 1.0) for n in range(len(p.bucketNames) + 1)]
        bounds = [frame.scalar(f"quantile_cont({value}, {share})", "double") for share in shares]
    cases = []
    for n, name in enumerate(p.bucketNames):
        upper = "<=" if n == len(p.bucketNames) - 1 else "<"
        cases.append(f"WHEN {value} >= {bounds[n]} AND {value} {upper} {bounds[n + 1]} THEN {literal(name)}")
    return Changed([(frame.new_name(p.targetColumn), f"CASE {' '.join(cases)} END", "string")])


def _mapping(p: Values) -> None:
    if p.mapType == "NUMERIC" and not all(
        is_number(str(v)) for v in [*p.categoryMap.values(), *([p.other] if p.other else [])]
    ):
        raise StepRefused("With mapType NUMERIC all values of categoryMap and other must be numbers.")
    if [p.deleteOtherRows, p.keepOthers, p.other is not None].count(True) > 1:
        raise StepRefused("Of deleteOtherRows, keepOthers and other only one can be given.")


@action(
    "CATEGORICAL_MAPPING",
    conditional=False,
    validate=_mapping,
    sourceColumn=NAME,
    targetColumn=NAME,
    categoryMap=OBJECT,
    deleteOtherRows=optional(FLAG, False),
    keepOthers=optional(FLAG, False),
    other=optional(TEXT),
    mapType=optional(CHOICE("NUMERIC", "TEXT"), "TEXT"),
)
def categorical_mapping(frame: Frame, p: Values) -> Frame:
    """Numbers come out as numbers unless other values are kept as they are. What is not mapped is NULL, other, itself, or its row goes."""
    column = frame.column(p.sourceColumn)
    value = text(column.key, column.type)
    numeric = p.mapType == "NUMERIC" and not p.keepOthers
    mapped = {key: json.dumps(v) if not isinstance(v, str) else v for key, v in p.categoryMap.items()}
    fallback = value if p.keepOthers else literal(p.other)
    cases = "".join(f" WHEN {literal(key)} THEN {literal(v)}" for key, v in mapped.items())
    made = f"CASE {value}{cases} ELSE {fallback} END" if cases else fallback
    whole = all(v.strip().lstrip("+-").isdecimal() for v in [*mapped.values(), *([p.other] if p.other else [])])
    type_ = ("long" if whole else "double") if numeric else "string"
    if numeric:
        made = f"CAST({made} AS {'BIGINT' if whole else 'DOUBLE'})"
    kept = frame.where(f"{value} IN ({', '.join(map(literal, mapped))})") if p.deleteOtherRows and mapped else frame
    return kept.with_columns([(frame.new_name(p.targetColumn), made, type_)])


@action("ONE_HOT_ENCODING", stored=True, conditional=False, sourceColumn=NAME)
def one_hot_encoding(frame: Frame, p: Values) -> Changed:
    """A column of 0 and 1 for each value, in the order in which the values first appear."""
    column = frame.column(p.sourceColumn)
    value = text(column.key, column.type)
    found = frame.workspace.execute(
        f"SELECT {value} AS v FROM {frame.source} WHERE v IS NOT NULL GROUP BY v ORDER BY min(row) LIMIT {_MOST_VALUES + 1}"
    ).fetchall()
    if len(found) > _MOST_VALUES:
        raise StepRefused(f"Column {column.name} has more than {_MOST_VALUES} distinct values.")
    if not found:
        raise StepRefused(f"Column {column.name} has no values.")
    return Changed(
        [
            (frame.new_name(f"{column.name}_{v}"), f"CAST(coalesce({value} = {literal(v)}, FALSE) AS INTEGER)", "int")
            for (v,) in found
        ]
    )


def _bounds(p: Values) -> None:
    if p.strategy == "SCALE_BETWEEN" and (p.lowerBound is None or p.upperBound is None or p.lowerBound >= p.upperBound):
        raise StepRefused("SCALE_BETWEEN needs lowerBound and a greater upperBound.")


def _scale(frame: Frame, p: Values) -> Changed:
    """Values on another scale; where all are equal there is none, and the result is NULL."""
    value = _number(frame, p.sourceColumn)

    def of(function: str) -> str:
        return frame.scalar(f"{function}({value})", "double")

    if p.strategy == "Z_SCORE":
        made = f"({value} - {of('avg')}) / nullif({of('stddev_samp')}, 0)"
    else:
        low, high = of("min"), of("max")
        origin = of("avg") if p.strategy == "MEAN_NORMALIZATION" else low
        made = f"({value} - {origin}) / nullif({high} - {low}, 0)"
    if p.strategy == "SCALE_BETWEEN":
        made = f"{literal(p.lowerBound)} + {made} * {literal(p.upperBound - p.lowerBound)}"
    return Changed([(frame.new_name(p.targetColumn), made, "double")])


_STRATEGIES = CHOICE("MIN_MAX", "SCALE_BETWEEN", "MEAN_NORMALIZATION", "Z_SCORE")
for _name in ("NORMALIZATION", "SCALE"):  # the guide's example and its title
    action(
        _name,
        stored=True,
        validate=_bounds,
        sourceColumn=NAME,
        targetColumn=NAME,
        strategy=_STRATEGIES,
        lowerBound=optional(NUMBER),
        upperBound=optional(NUMBER),
    )(_scale)
