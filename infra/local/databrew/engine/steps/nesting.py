"""Data structure steps on arrays, maps and structs.

Source: "Data structure recipe steps" of the guide; JSON_TO_STRUCTS and EXTRACT_VALUE stand elsewhere in it.
"""

import json
import re
from typing import Any

from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import FLAG, INTEGER, NAME, NAMES, REGEX, TEXT, Values
from ..registry import Changed, action, optional
from ..types import TYPES, cast, common, literal, name_of, quoted

_NEST: dict[str, Any] = {"sourceColumns": NAMES, "targetColumn": NAME, "removeSourceColumns": optional(FLAG, False)}


def _placed(frame: Frame, sources: list[Column], name: str, sql: str, type_: str, remove: bool) -> Frame:
    """The frame with a new column, without its sources if they go."""
    kept = frame.keep(c for c in frame.columns if not (remove and c in sources))
    kept.new_name(name)
    return kept.with_columns([(name, sql, type_)])


def _same_type(sources: list[Column]) -> list[str]:
    type_ = common({c.type for c in sources})
    return [cast(c.key, c.type, type_) if type_ in TYPES else c.key for c in sources]


@action("NEST_TO_ARRAY", conditional=False, **_NEST)
def nest_to_array(frame: Frame, p: Values) -> Frame:
    sources = [frame.column(name) for name in p.sourceColumns]
    return _placed(
        frame, sources, p.targetColumn, f"[{', '.join(_same_type(sources))}]", "array", p.removeSourceColumns
    )


@action("NEST_TO_MAP", conditional=False, **_NEST)
def nest_to_map(frame: Frame, p: Values) -> Frame:
    sources = [frame.column(name) for name in p.sourceColumns]
    names = ", ".join(literal(c.name) for c in sources)
    sql = f"MAP([{names}], [{', '.join(_same_type(sources))}])"
    return _placed(frame, sources, p.targetColumn, sql, "map", p.removeSourceColumns)


@action("NEST_TO_STRUCT", conditional=False, **_NEST)
def nest_to_struct(frame: Frame, p: Values) -> Frame:
    sources = [frame.column(name) for name in p.sourceColumns]
    fields = ", ".join(f"{quoted(c.name)} := {c.key}" for c in sources)
    return _placed(frame, sources, p.targetColumn, f"struct_pack({fields})", "struct", p.removeSourceColumns)


def _of_type(frame: Frame, name: str, type_: str) -> Column:
    column = frame.column(name)
    if column.type != type_:
        raise StepRefused(f"Column {name} is of type {column.type}; the step needs {type_}.")
    return column


def _each(frame: Frame, listed: str, columns: list[Column], made: list[tuple[Column, str]]) -> Frame:
    """One row an item of a list; a row whose list is empty or missing stays, without values. {} in SQL stands for the item."""
    keys = "".join(f"{c.key}, " for c in columns)
    rows = f"CASE WHEN coalesce(len({listed}), 0) = 0 THEN [NULL] ELSE {listed} END"
    inner = f"SELECT row, {keys}unnest({rows}) AS u, generate_subscripts({rows}, 1) AS i FROM {frame.source}"
    parts = ", ".join(f"{sql.replace('{}', 'u')} AS {column.key}" for column, sql in made)
    return frame.over(
        f"SELECT row_number() OVER (ORDER BY row, i) AS row, {keys}{parts} FROM ({inner})",
        [*columns, *(c for c, _ in made)],
    )


@action("UNNEST_ARRAY", conditional=False, sourceColumn=NAME, targetColumn=NAME)
def unnest_array(frame: Frame, p: Values) -> Frame:
    """A row for each element; the target may be the source itself."""
    source = _of_type(frame, p.sourceColumn, "array")
    others = [c for c in frame.columns if c is not source or p.targetColumn != source.name]
    if p.targetColumn != source.name:
        frame.new_name(p.targetColumn)
    made = Column(p.targetColumn, frame.expression_type(f"{source.key}[1]"), frame.workspace.key())
    return _each(frame, source.key, others, [(made, "{}")])


_UNNEST: dict[str, Any] = {
    "sourceColumn": NAME,
    "removeSourceColumn": optional(FLAG, False),
    "targetColumn": optional(TEXT),
}


@action("UNNEST_MAP", conditional=False, **_UNNEST)
def unnest_map(frame: Frame, p: Values) -> Frame:
    """A row for each entry, its key and value in <target>_key and <target>_value; without a target the source's name."""
    source = _of_type(frame, p.sourceColumn, "map")
    others = [c for c in frame.columns if not (p.removeSourceColumn and c is source)]
    prefix, entries = p.targetColumn or source.name, f"map_entries({source.key})"
    made = []
    for part in ("key", "value"):
        name = frame.new_name(f"{prefix}_{part}")
        column = Column(name, frame.expression_type(f"{entries}[1].{part}"), frame.workspace.key())
        made.append((column, f"{{}}.{part}"))
    return _each(frame, entries, others, made)


def _fields(frame: Frame, expression: str) -> list[tuple[str, str, str]]:
    """The fields of a struct: name, SQL, DataBrew's type."""
    described = frame.workspace.execute(f"DESCRIBE SELECT unnest({expression}) FROM {frame.source}").fetchall()
    return [(name, f"struct_extract({expression}, {literal(name)})", name_of(duck)) for name, duck, *_ in described]


@action("UNNEST_STRUCT", conditional=False, **_UNNEST)
def unnest_struct(frame: Frame, p: Values) -> Frame:
    """A column for each field: <target>_<field>, or the field's name alone."""
    source = _of_type(frame, p.sourceColumn, "struct")
    kept = frame.keep(c for c in frame.columns if not (p.removeSourceColumn and c is source))
    made = []
    for name, sql, type_ in _fields(frame, source.key):
        made.append((kept.new_name(f"{p.targetColumn}_{name}" if p.targetColumn else name), sql, type_))
    return kept.with_columns(made)


def _chosen(p: Values) -> None:
    if (p.sourceColumns is None) == (p.regexColumnSelector is None):
        raise StepRefused("Specify either sourceColumns or regexColumnSelector.")


_CHOSEN: dict[str, Any] = {
    "sourceColumns": optional(NAMES),
    "regexColumnSelector": optional(REGEX),
    "removeSourceColumn": optional(FLAG, False),
    "unnestLevel": optional(INTEGER(1), 1),
}


def _sources(frame: Frame, p: Values, type_: str) -> list[Column]:
    if p.sourceColumns:
        return [_of_type(frame, name, type_) for name in p.sourceColumns]
    return [c for c in frame.columns if re.fullmatch(p.regexColumnSelector, c.name) and c.type == type_]


@action("UNNEST_STRUCT_N", conditional=False, validate=_chosen, delimiter=optional(TEXT, "."), **_CHOSEN)
def unnest_struct_n(frame: Frame, p: Values) -> Frame:
    """A column for each field, so many levels deep: user.address.state."""
    sources = _sources(frame, p, "struct")
    kept = frame.keep(c for c in frame.columns if not (p.removeSourceColumn and c in sources))
    made: list[tuple[str, str, str]] = []

    def walk(name: str, expression: str, level: int) -> None:
        for field, sql, type_ in _fields(frame, expression):
            full = f"{name}{p.delimiter}{field}"
            if type_ == "struct" and level < p.unnestLevel:
                walk(full, sql, level + 1)
            else:
                made.append((kept.new_name(full), sql, type_))

    for source in sources:
        walk(source.name, source.key, 1)
    return kept.with_columns(made) if made else kept


@action("JSON_TO_STRUCTS", conditional=False, stored=True, validate=_chosen, **_CHOSEN)
def json_to_structs(frame: Frame, p: Values) -> Frame:
    """JSON text becomes structs of the fields that any row has; what is no JSON object becomes NULL.

    The struct takes its source's name if that goes, else <source>_struct. Objects deeper than unnestLevel stay text.
    """
    made = []
    for source in _sources(frame, p, "string"):
        value = f"CASE WHEN json_valid({source.key}) AND json_type({source.key}) = 'OBJECT' THEN {source.key} END"
        found = frame.workspace.execute(
            f"SELECT json_group_structure(CAST({value} AS JSON)) FROM {frame.source}"
        ).fetchone()
        structure = json.loads(found[0]) if found and found[0] else None
        if not isinstance(structure, dict):
            raise StepRefused(f"Column {source.name} holds no JSON objects.")
        shape = json.dumps(_shape(structure, p.unnestLevel))
        name = source.name if p.removeSourceColumn else frame.new_name(f"{source.name}_struct")
        made.append((name, f"json_transform(CAST({value} AS JSON), {literal(shape)})", "struct"))
    return frame.with_columns(made) if made else frame


def _shape(structure: Any, levels: int) -> Any:
    if isinstance(structure, dict):
        return {k: _shape(v, levels - 1) for k, v in structure.items()} if levels > 0 else "VARCHAR"
    if isinstance(structure, list):
        return [_shape(item, levels) for item in structure]
    return {"UBIGINT": "BIGINT", "NULL": "VARCHAR", "JSON": "VARCHAR"}.get(structure, structure)


_FIELD = re.compile(r"`([^`]+)`|\[(\d+)\]")


def _path(name: str, value: str) -> list[str | int]:
    """`user`.`citizenship`[1]: names in back-ticks, positions from 0 in brackets."""
    found = _FIELD.findall(value)
    if not found or re.sub(r"`[^`]+`|\[\d+\]|\.", "", value).strip():
        raise StepRefused(
            f"Invalid value {value!r} for parameter {name}: it must be a path of names in back-ticks, `a`.`b`[0]."
        )
    return [field if field else int(index) for field, index in found]


@action("EXTRACT_VALUE", conditional=False, sourceColumn=NAME, targetColumn=NAME, path=_path)
def extract_value(frame: Frame, p: Values) -> Changed:
    """A value inside an array, a map or a struct. The path may begin with the column's own name."""
    column = frame.column(p.sourceColumn)
    steps = p.path[1:] if p.path[0] == column.name else p.path
    expression, kind = column.key, column.type
    for step in steps:
        expression, kind = _inside(frame, Column(column.name, kind, expression), step)
    if kind in ("array", "map", "struct"):
        raise StepRefused(f"The path leads to {kind}; it must lead to a single value.")
    return Changed([(frame.new_name(p.targetColumn), expression, kind)])


def _inside(frame: Frame, column: Column, step: str | int) -> tuple[str, str]:
    if column.type == "array" and isinstance(step, int):
        made = f"{column.key}[{step + 1}]"
    elif column.type == "map" and isinstance(step, str):
        made = f"{column.key}[{literal(step)}]"
    elif column.type == "struct":
        found = next(((sql, type_) for name, sql, type_ in _fields(frame, column.key) if name == step), None)
        if found is None:
            raise StepRefused(f"The path has no value in column {column.name}: it has no field {step}.")
        return found
    else:
        raise StepRefused(f"The path has no value in column {column.name}, which is of type {column.type}.")
    return made, frame.expression_type(made)
