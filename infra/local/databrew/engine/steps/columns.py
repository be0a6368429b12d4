"""Basic column steps: filter, type, names, order of columns, sort.

Source: "Basic column recipe steps" of the guide.
"""

from dataclasses import replace

from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, INTEGER, NAME, NAMES, OBJECTS, Values
from ..registry import Changed, Deleted, action, optional
from ..types import COMPLEX, TYPES, cast, literal, text


@action("REMOVE_VALUES", conditions_needed=True, sourceColumn=NAME)
def remove_values(frame: Frame, p: Values) -> Deleted:
    """Rows that satisfy the conditions are deleted."""
    frame.column(p.sourceColumn)
    return Deleted("TRUE")


def _changed_type(frame: Frame, name: str, target: str) -> Changed:
    column = frame.column(name)
    if column.type in COMPLEX and target != "string":
        raise StepRefused(f"Column {name} is of type {column.type} and can't become {target}.")
    return Changed([(name, cast(column.key, column.type, target), target)])


@action("CHANGE_DATA_TYPE", conditional=False, sourceColumn=NAME, columnDataType=CHOICE(*TYPES))
def change_data_type(frame: Frame, p: Values) -> Frame | Changed:
    return _changed_type(frame, p.sourceColumn, p.columnDataType)


@action(
    "TO_BOOLEAN_COLUMN", conditional=False, sourceColumn=NAME, columnDataType=optional(CHOICE("boolean"), "boolean")
)
def to_boolean(frame: Frame, p: Values) -> Changed:
    return _changed_type(frame, p.sourceColumn, "boolean")


@action("TO_DOUBLE_COLUMN", conditional=False, sourceColumn=NAME, columnDataType=optional(CHOICE("number"), "number"))
def to_double(frame: Frame, p: Values) -> Changed:
    return _changed_type(frame, p.sourceColumn, "double")


@action("TO_NUMBER_COLUMN", conditional=False, sourceColumn=NAME, columnDataType=optional(CHOICE("number"), "number"))
def to_number(frame: Frame, p: Values) -> Changed:
    return _changed_type(frame, p.sourceColumn, "int")


@action("TO_STRING_COLUMN", conditional=False, sourceColumn=NAME, columnDataType=optional(CHOICE("string"), "string"))
def to_string(frame: Frame, p: Values) -> Changed:
    return _changed_type(frame, p.sourceColumn, "string")


@action("RENAME", conditional=False, sourceColumn=NAME, targetColumn=NAME)
def rename(frame: Frame, p: Values) -> Frame:
    source = frame.column(p.sourceColumn)
    if p.targetColumn.lower() != source.name.lower():
        frame.new_name(p.targetColumn)
    return frame.keep(replace(c, name=p.targetColumn) if c is source else c for c in frame.columns)


@action("DUPLICATE", conditional=False, sourceColumn=NAME, targetColumn=NAME)
def duplicate(frame: Frame, p: Values) -> Changed:
    source = frame.column(p.sourceColumn)
    return Changed([(frame.new_name(p.targetColumn), source.key, source.type)])


def _one_or_several(p: Values) -> None:
    if (p.sourceColumn is None) == (p.sourceColumns is None):
        raise StepRefused("Operation DELETE takes either sourceColumn or sourceColumns.")


@action(
    "DELETE", conditional=False, validate=_one_or_several, sourceColumn=optional(NAME), sourceColumns=optional(NAMES)
)
def delete(frame: Frame, p: Values) -> Frame:
    gone = [frame.column(name).name for name in p.sourceColumns or [p.sourceColumn]]
    if len(gone) == len(frame.columns):
        raise StepRefused("A dataset needs at least one column.")
    return frame.keep(c for c in frame.columns if c.name not in gone)


def _moved(frame: Frame, name: str, at: int) -> Frame:
    source = frame.column(name)
    others = [c for c in frame.columns if c is not source]
    return frame.keep([*others[:at], source, *others[at:]])


def _place(frame: Frame, source: str, target: str) -> int:
    frame.column(source)
    return [c.name for c in frame.columns if c.name != source].index(frame.column(target).name)


def _different(p: Values) -> None:
    if p.sourceColumn == p.targetColumn:
        raise StepRefused("sourceColumn and targetColumn must be different columns.")


@action("MOVE_AFTER", conditional=False, validate=_different, sourceColumn=NAME, targetColumn=NAME)
def move_after(frame: Frame, p: Values) -> Frame:
    return _moved(frame, p.sourceColumn, _place(frame, p.sourceColumn, p.targetColumn) + 1)


@action("MOVE_BEFORE", conditional=False, validate=_different, sourceColumn=NAME, targetColumn=NAME)
def move_before(frame: Frame, p: Values) -> Frame:
    return _moved(frame, p.sourceColumn, _place(frame, p.sourceColumn, p.targetColumn))


@action("MOVE_TO_START", conditional=False, sourceColumn=NAME)
def move_to_start(frame: Frame, p: Values) -> Frame:
    return _moved(frame, p.sourceColumn, 0)


@action("MOVE_TO_END", conditional=False, sourceColumn=NAME)
def move_to_end(frame: Frame, p: Values) -> Frame:
    return _moved(frame, p.sourceColumn, len(frame.columns))


@action("MOVE_TO_INDEX", conditional=False, sourceColumn=NAME, targetIndex=INTEGER(0))
def move_to_index(frame: Frame, p: Values) -> Frame:
    if p.targetIndex >= len(frame.columns):
        raise StepRefused(f"targetIndex {p.targetIndex} is beyond the last column.")
    return _moved(frame, p.sourceColumn, p.targetIndex)


_SORT_KEYS = {"sourceColumn", "ordering", "nullsOrdering", "customOrder", "isCustomOrderCaseSensitive"}


def _sort_expressions(p: Values) -> None:
    if not p.expressions:
        raise StepRefused("SORT needs at least one expression.")
    for expression in p.expressions:
        if set(expression) - _SORT_KEYS or not isinstance(expression.get("sourceColumn"), str):
            raise StepRefused(
                f"An expression of SORT has sourceColumn and may have {', '.join(sorted(_SORT_KEYS - {'sourceColumn'}))}."
            )
        if expression.get("ordering", "ASCENDING") not in ("ASCENDING", "DESCENDING"):
            raise StepRefused("ordering must be ASCENDING or DESCENDING.")
        if expression.get("nullsOrdering", "NULLS_TOP") not in ("NULLS_TOP", "NULLS_BOTTOM"):
            raise StepRefused("nullsOrdering must be NULLS_TOP or NULLS_BOTTOM.")
        if not isinstance(expression.get("customOrder") or [], list):
            raise StepRefused("customOrder must be an array.")


@action("SORT", conditional=False, validate=_sort_expressions, expressions=OBJECTS)
def sort(frame: Frame, p: Values) -> Frame:
    """Rows in another order; equal rows keep theirs. Values that a custom order does not name come after those it names."""
    terms = [
        term
        for expression in p.expressions
        for term in _sort_terms(frame.column(expression["sourceColumn"]), expression)
    ]
    keys = ", ".join(c.key for c in frame.columns)
    return frame.over(
        f"SELECT row_number() OVER (ORDER BY {', '.join([*terms, 'row'])}) AS row, {keys} FROM {frame.source}",
        frame.columns,
    )


def _sort_terms(column: Column, expression: dict) -> list[str]:
    direction = "DESC" if expression.get("ordering") == "DESCENDING" else "ASC"
    default = "NULLS_BOTTOM" if direction == "DESC" else "NULLS_TOP"
    nulls = "FIRST" if expression.get("nullsOrdering", default) == "NULLS_TOP" else "LAST"
    terms = [f"{column.key} IS NULL {'DESC' if nulls == 'FIRST' else 'ASC'}"]
    custom = [str(value) for value in expression.get("customOrder") or []]
    if custom:
        value = text(column.key, column.type)
        if not expression.get("isCustomOrderCaseSensitive", False):
            value, custom = f"lower({value})", [item.lower() for item in custom]
        listed = ", ".join(literal(item) for item in custom)
        terms.append(f"coalesce(list_position([{listed}], {value}), {len(custom) + 1}) {direction}")
    return [*terms, f"{column.key} {direction}"]
