"""Duplicate rows and values, and steps on advanced data types.

The first of several equal rows or values is kept and not flagged; NULL equals NULL.
Source: "Data quality recipe steps" of the guide.
"""

from typing import Any

from ..advanced import ADVANCED, detail
from ..frame import Column, Frame
from ..parameters import CHOICE, FLAG, LIST, NAME, TEXT, Values
from ..registry import Changed, Deleted, action, optional
from ..types import literal

_WORDS: dict[str, Any] = {"trueString": optional(TEXT, "True"), "falseString": optional(TEXT, "False")}


def _repeats(columns: tuple[Column, ...]) -> str:
    keys = ", ".join(c.key for c in columns)
    return f"(row_number() OVER (PARTITION BY {keys} ORDER BY row) > 1)"


def _without(frame: Frame, columns: tuple[Column, ...]) -> Frame:
    keys = ", ".join(c.key for c in columns)
    return frame.over(
        f"SELECT * FROM {frame.source} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY row) = 1", frame.columns
    )


def _flag(p: Values, test: str) -> str:
    return f"CASE WHEN {test} THEN {literal(p.trueString)} ELSE {literal(p.falseString)} END"


@action("DELETE_DUPLICATE_ROWS", conditional=False)
def delete_duplicate_rows(frame: Frame, p: Values) -> Frame:
    return _without(frame, frame.columns)


@action("REMOVE_DUPLICATES", conditional=False, sourceColumn=NAME)
def remove_duplicates(frame: Frame, p: Values) -> Frame:
    return _without(frame, (frame.column(p.sourceColumn),))


@action("FLAG_DUPLICATE_ROWS", targetColumn=NAME, **_WORDS)
def flag_duplicate_rows(frame: Frame, p: Values) -> Changed:
    return Changed([(frame.new_name(p.targetColumn), _flag(p, _repeats(frame.columns)), "string")])


@action("FLAG_DUPLICATES_IN_COLUMN", sourceColumn=NAME, targetColumn=NAME, **_WORDS)
def flag_duplicates_in_column(frame: Frame, p: Values) -> Changed:
    repeats = _repeats((frame.column(p.sourceColumn),))
    return Changed([(frame.new_name(p.targetColumn), _flag(p, repeats), "string")])


_DETAIL: dict[str, Any] = {"sourceColumn": NAME, "pattern": TEXT, "advancedDataType": CHOICE(*ADVANCED)}


@action("EXTRACT_ADVANCED_DATATYPE_DETAILS", targetColumn=NAME, **_DETAIL)
def extract_details(frame: Frame, p: Values) -> Changed:
    found = detail(frame.column(p.sourceColumn), p.advancedDataType, p.pattern)
    return Changed([(frame.new_name(p.targetColumn), found, "string")])


def _among(frame: Frame, p: Values) -> str:
    """SQL: the detail is one of filterValues."""
    wanted = ", ".join(literal(str(value)) for value in p.filterValues) or "NULL"
    return f"coalesce({detail(frame.column(p.sourceColumn), p.advancedDataType, p.pattern)} IN ({wanted}), FALSE)"


@action("ADVANCED_DATATYPE_FLAG", filterValues=LIST, targetColumn=NAME, **_DETAIL, **_WORDS)
def flag_details(frame: Frame, p: Values) -> Changed:
    return Changed([(frame.new_name(p.targetColumn), _flag(p, _among(frame, p)), "string")])


_STRATEGIES = CHOICE("KEEP_ROWS", "DISCARD_ROWS", "CLEAR_FILTERS", "CLEAR_OTHERS")


@action(
    "ADVANCED_DATATYPE_FILTER", filterValues=LIST, strategy=_STRATEGIES, clearWithEmpty=optional(FLAG, False), **_DETAIL
)
def filter_details(frame: Frame, p: Values) -> Changed | Deleted:
    """Rows whose detail is listed are kept or deleted, or their values or the others' are cleared."""
    column, among = frame.column(p.sourceColumn), _among(frame, p)
    if p.strategy in ("KEEP_ROWS", "DISCARD_ROWS"):
        return Deleted(f"NOT {among}" if p.strategy == "KEEP_ROWS" else among)
    cleared = among if p.strategy == "CLEAR_FILTERS" else f"NOT {among}"
    nothing = "''" if p.clearWithEmpty else "NULL"
    return Changed([(column.name, f"CASE WHEN {cleared} THEN {nothing} ELSE {column.key} END", "string")])
