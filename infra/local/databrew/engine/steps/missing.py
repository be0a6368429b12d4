"""Data quality steps for values that are missing or invalid.

Missing is NULL or empty text; invalid is what is there and is none of the type that the step names.
A filled average or median is exact: an integer column becomes double by it.
Source: "Data quality recipe steps" of the guide.
"""

from typing import Any

from ..advanced import ADVANCED, advanced_invalid
from ..conditions import invalid, missing
from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, INTEGER, NAME, NAMES_OR_NONE, TEXT, Values
from ..registry import Changed, Deleted, action, optional
from ..types import INTEGERS, NUMBERS, TYPES, cast, common, literal, number

_WORDS = {"number": "double", "unsupported": "string"}
_MODES = CHOICE("MINIMUM", "MAXIMUM", "AVERAGE", "NONE")


def _type(name: str, value: str) -> str:
    """A data type: date, number, boolean, string, timestamp, unsupported, or DataBrew's name of one."""
    found = _WORDS.get(value, value)
    if found not in TYPES:
        raise StepRefused(
            f"Invalid value {value!r} for parameter {name}: it must be one of {', '.join([*_WORDS, *TYPES])}."
        )
    return found


def _numeric(column: Column) -> str:
    if column.type not in NUMBERS:
        raise StepRefused(f"Column {column.name} is {column.type}; the step needs a numeric column.")
    return number(column.key, column.type)


def statistic(frame: Frame, column: Column, kind: str, among: str, mode_type: str = "MINIMUM") -> tuple[str, str]:
    """A statistic of a column's values, as SQL and DataBrew's type.

    Parameters
    ----------
    kind : AVERAGE, MEDIAN, SUM, MAX, MODE or MOST_FREQUENT.
    among : SQL: which rows count.
    mode_type : which of several modes: MINIMUM, MAXIMUM, AVERAGE; NONE: then there is none.
    """
    if kind == "MOST_FREQUENT":
        return _most_frequent(frame, column, column.key, among, "min({})"), column.type
    value = _numeric(column)
    whole = column.type in INTEGERS
    if kind == "MODE":
        pick = {"MINIMUM": "min({})", "MAXIMUM": "max({})", "AVERAGE": "avg({})"}.get(
            mode_type, "CASE WHEN count(*) = 1 THEN min({}) END"
        )
        if mode_type == "AVERAGE" or not whole:
            return _most_frequent(frame, Column("", "double", value), value, among, pick), "double"
        return _most_frequent(frame, column, column.key, among, pick), column.type
    if kind == "SUM" and whole:
        return frame.scalar(f"sum({column.key}) FILTER ({among})", "long"), "long"
    function = {"AVERAGE": "avg", "MEDIAN": "median", "SUM": "sum", "MAX": "max"}[kind]
    return frame.scalar(f"{function}({value}) FILTER ({among})", "double"), "double"


def _most_frequent(frame: Frame, column: Column, value: str, among: str, pick: str) -> str:
    counts = f"SELECT {value} AS v, count(*) AS n FROM {frame.source} WHERE {among} GROUP BY ALL"
    table = frame.workspace.table(counts)
    found = frame.workspace.execute(
        f"SELECT CAST({pick.replace('{}', 'v')} AS VARCHAR) FROM {table.name} WHERE n = (SELECT max(n) FROM {table.name})"
    ).fetchone()
    if column.type not in TYPES:
        raise StepRefused(f"The step can't be done on a column of type {column.type}.")
    return f"CAST({literal(found[0] if found else None)} AS {TYPES[column.type]})"


def _replaced(column: Column, where: str, value: str, type_: str) -> Changed:
    made = common({column.type, type_})
    expression = f"CASE WHEN {where} THEN {cast(value, type_, made)} ELSE {cast(column.key, column.type, made)} END"
    return Changed([(column.name, expression, made)])


def _fill(kind: str) -> Any:
    def fill(frame: Frame, p: Values) -> Changed:
        column = frame.column(p.sourceColumn)
        value, type_ = statistic(frame, column, kind, f"NOT {missing(column)}", p.get("modeType") or "MINIMUM")
        return _replaced(column, missing(column), value, type_)

    return fill


for _kind in ("AVERAGE", "MEDIAN", "SUM", "MOST_FREQUENT"):
    action(f"FILL_WITH_{_kind}", stored=True, sourceColumn=NAME)(_fill(_kind))
action("FILL_WITH_MODE", stored=True, sourceColumn=NAME, modeType=_MODES)(_fill("MODE"))


@action("FILL_WITH_LAST_VALID", sourceColumn=NAME, columnDataType=optional(_type))
def fill_with_last_valid(frame: Frame, p: Values) -> Changed:
    """The last value above that is not missing; at the top values stay missing."""
    column = frame.column(p.sourceColumn)
    return _replaced(column, missing(column), _last(column, f"NOT {missing(column)}"), column.type)


def _last(column: Column, valid: str) -> str:
    kept = f"CASE WHEN {valid} THEN {column.key} END"
    return f"last_value({kept} IGNORE NULLS) OVER (ORDER BY row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"


@action("FILL_WITH_CUSTOM", sourceColumn=NAME, columnDataType=_type, value=TEXT)
def fill_with_custom(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    value, type_ = _custom(frame, column, p)
    return _replaced(column, missing(column), value, type_)


def _custom(frame: Frame, column: Column, p: Values) -> tuple[str, str]:
    """The parameter `value` in the column's type if it fits, else in the type that the step names."""
    given = literal(p.value)
    for type_ in (column.type, p.columnDataType):
        if type_ not in TYPES:
            continue
        found = frame.workspace.execute(f"SELECT {cast(given, 'string', type_)}").fetchone()
        if found and found[0] is not None and not (type_ in INTEGERS and "." in p.value):
            return cast(given, "string", type_), type_
    raise StepRefused(f"Invalid value {p.value!r} for parameter value: it is not of type {p.columnDataType}.")


@action("FILL_WITH_EMPTY", sourceColumn=NAME)
def fill_with_empty(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    if column.type != "string":
        raise StepRefused(f"Column {column.name} is {column.type}; only text can be empty.")
    return _replaced(column, missing(column), "''", "string")


@action("FILL_WITH_NULL", sourceColumn=NAME)
def fill_with_null(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    return Changed([(column.name, f"CASE WHEN {missing(column)} THEN NULL ELSE {column.key} END", column.type)])


@action("REMOVE_MISSING", sourceColumn=NAME)
def remove_missing(frame: Frame, p: Values) -> Deleted:
    return Deleted(missing(frame.column(p.sourceColumn)))


_ADVANCED = optional(CHOICE(*ADVANCED))


def _wrong(column: Column, p: Values) -> str:
    """SQL: the value is invalid by the step's columnDataType and advancedDataType."""
    if p.get("advancedDataType"):
        return advanced_invalid(column, p.advancedDataType)
    return invalid(column, p.columnDataType)


@action("REMOVE_INVALID", sourceColumn=NAME, columnDataType=_type, advancedDataType=_ADVANCED)
def remove_invalid(frame: Frame, p: Values) -> Deleted:
    return Deleted(_wrong(frame.column(p.sourceColumn), p))


def _replace(kind: str) -> Any:
    def replace(frame: Frame, p: Values) -> Changed:
        column = frame.column(p.sourceColumn)
        wrong = _wrong(column, p)
        valid = f"NOT ({wrong}) AND NOT {missing(column)}"
        of = column
        if column.type not in NUMBERS and kind != "MOST_FREQUENT":
            of = Column(column.name, "double", cast(column.key, column.type, "double"))
        value, type_ = statistic(frame, of, kind, valid, p.get("modeType") or "MINIMUM")
        return _replaced(column, wrong, value, type_)

    return replace


_NUMBER: dict[str, Any] = {"sourceColumn": NAME, "columnDataType": _type}
for _kind in ("AVERAGE", "MEDIAN", "SUM"):
    action(f"REPLACE_WITH_{_kind}", stored=True, **_NUMBER)(_replace(_kind))
action("REPLACE_WITH_MODE", stored=True, modeType=_MODES, **_NUMBER)(_replace("MODE"))
action("REPLACE_WITH_MOST_FREQUENT", stored=True, advancedDataType=_ADVANCED, **_NUMBER)(_replace("MOST_FREQUENT"))


@action("REPLACE_WITH_LAST_VALID", advancedDataType=_ADVANCED, **_NUMBER)
def replace_with_last_valid(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    wrong = _wrong(column, p)
    return _replaced(column, wrong, _last(column, f"NOT ({wrong}) AND NOT {missing(column)}"), column.type)


@action("REPLACE_WITH_EMPTY", advancedDataType=_ADVANCED, **_NUMBER)
def replace_with_empty(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    if column.type != "string":
        raise StepRefused(f"Column {column.name} is {column.type}; only text can be empty.")
    return _replaced(column, _wrong(column, p), "''", "string")


@action("REPLACE_WITH_NULL", advancedDataType=_ADVANCED, **_NUMBER)
def replace_with_null(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    return Changed([(column.name, f"CASE WHEN {_wrong(column, p)} THEN NULL ELSE {column.key} END", column.type)])


def _one_or_several(p: Values) -> None:
    if bool(p.sourceColumn) == bool(p.sourceColumns):
        raise StepRefused("Use either sourceColumn or sourceColumns, but not both.")


@action(
    "REPLACE_WITH_CUSTOM",
    validate=_one_or_several,
    sourceColumn=optional(TEXT),
    sourceColumns=optional(NAMES_OR_NONE),
    columnDataType=_type,
    value=TEXT,
    advancedDataType=_ADVANCED,
)
def replace_with_custom(frame: Frame, p: Values) -> Changed:
    made = []
    for name in p.sourceColumns or [p.sourceColumn]:
        column = frame.column(name)
        value, type_ = _custom(frame, column, p)
        made += _replaced(column, _wrong(column, p), value, type_).columns
    return Changed(made)


def _rolling(function: str) -> Any:
    def roll(frame: Frame, p: Values) -> Changed:
        """Each value becomes the statistic of itself and the rows before it, `period` rows in all."""
        column = frame.column(p.sourceColumn)
        window = f"OVER (ORDER BY row ROWS BETWEEN {p.period - 1} PRECEDING AND CURRENT ROW)"
        return Changed([(column.name, f"{function}({_numeric(column)}) {window}", "double")])

    return roll


action("REPLACE_WITH_ROLLING_AVERAGE", period=INTEGER(1), **_NUMBER)(_rolling("avg"))
action("REPLACE_WITH_ROLLING_SUM", period=INTEGER(1), **_NUMBER)(_rolling("sum"))
