"""Data structure steps that put datasets together: JOIN and UNION.

Source: recipe-actions.JOIN, recipe-actions.UNION of the guide.
"""

from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, LIST, NAME, NAMES_OR_NONE, OBJECTS, TEXT, Values
from ..registry import Read, action, optional
from ..types import NUMBERS, TYPES, cast, common, number

_JOINS = {
    "INNER_JOIN": ("INNER", ""),
    "LEFT_JOIN": ("LEFT", ""),
    "RIGHT_JOIN": ("RIGHT", ""),
    "OUTER_JOIN": ("FULL", ""),
    "LEFT_EXCLUDING_JOIN": ("LEFT", "WHERE r.row IS NULL"),
    "RIGHT_EXCLUDING_JOIN": ("RIGHT", "WHERE l.row IS NULL"),
    "OUTER_EXCLUDING_JOIN": ("FULL", "WHERE l.row IS NULL OR r.row IS NULL"),
}


def _join_keys(p: Values) -> None:
    if not p.joinKeys:
        raise StepRefused("JOIN needs at least one pair of join keys.")
    for pair in p.joinKeys:
        if set(pair) != {"key", "value"} or not all(isinstance(name, str) for name in pair.values()):
            raise StepRefused(
                "Each of joinKeys has key, a column of the first dataset, and value, a column of the second."
            )
    if not p.leftColumns and not p.rightColumns:
        raise StepRefused("JOIN needs at least one column in leftColumns or rightColumns.")


@action(
    "JOIN",
    conditional=False,
    secondary=True,
    validate=_join_keys,
    joinKeys=OBJECTS,
    joinType=CHOICE(*_JOINS),
    leftColumns=NAMES_OR_NONE,
    rightColumns=NAMES_OR_NONE,
    secondaryDatasetName=NAME,
    secondInputLocation=optional(TEXT),
)
def join(frame: Frame, p: Values, read: Read) -> Frame:
    """Two datasets side by side where their keys are equal; a key that is NULL equals none."""
    left = [frame.column(name) for name in p.leftColumns]
    other = read(p.secondaryDatasetName, p.secondInputLocation or None)
    right = [_second(other, p.secondaryDatasetName, name) for name in p.rightColumns]
    taken = {c.name.lower() for c in left}
    for column in right:
        if column.name.lower() in taken:
            raise StepRefused(
                f"Column {column.name} is in leftColumns and in rightColumns. Leave it out of one of them, or rename it before the join."
            )
        taken.add(column.name.lower())
    on = " AND ".join(
        _equal(frame.column(pair["key"]), _second(other, p.secondaryDatasetName, pair["value"])) for pair in p.joinKeys
    )
    kind, where = _JOINS[p.joinType]
    made = [Column(c.name, c.type, frame.workspace.key()) for c in (*left, *right)]
    picked = [f"l.{c.key} AS {m.key}" for c, m in zip(left, made, strict=False)]
    picked += [f"r.{c.key} AS {m.key}" for c, m in zip(right, made[len(left) :], strict=True)]
    return frame.over(
        f"SELECT row_number() OVER (ORDER BY l.row NULLS LAST, r.row) AS row, {', '.join(picked)} "
        f"FROM {frame.source} AS l {kind} JOIN {other.source} AS r ON {on} {where}",
        made,
        *other.tables,
    )


def _second(frame: Frame, dataset: str, name: str) -> Column:
    try:
        return frame.column(name)
    except StepRefused:
        raise StepRefused(f"Column {name} doesn't exist in the dataset {dataset}.") from None


def _equal(left: Column, right: Column) -> str:
    if left.type == right.type:
        return f"l.{left.key} = r.{right.key}"
    if left.type in NUMBERS and right.type in NUMBERS and "decimal" not in (left.type, right.type):
        return f"l.{left.key} = r.{right.key}"
    if left.type in NUMBERS or right.type in NUMBERS:
        return f"{number('l.' + left.key, left.type)} = {number('r.' + right.key, right.type)}"
    return f"{cast('l.' + left.key, left.type, 'string')} = {cast('r.' + right.key, right.type, 'string')}"


def _union_shape(p: Values) -> None:
    if len(p.datasetsColumns) != len(p.secondaryDatasetNames) + 1:
        raise StepRefused(
            "datasetsColumns needs one list of columns for this dataset and one for each of secondaryDatasetNames."
        )
    for columns in p.datasetsColumns:
        if not isinstance(columns, list) or len(columns) != len(p.targetColumnNames):
            raise StepRefused("Each list in datasetsColumns must be as long as targetColumnNames.")
        if not all(name is None or isinstance(name, str) for name in columns):
            raise StepRefused(
                "A list in datasetsColumns holds column names, or null where the dataset lacks the column."
            )
    names = [str(name).lower() for name in p.targetColumnNames]
    if not names or len(set(names)) != len(names):
        raise StepRefused("targetColumnNames must be different names, one at least.")


@action(
    "UNION",
    conditional=False,
    secondary=True,
    validate=_union_shape,
    datasetsColumns=LIST,
    secondaryDatasetNames=LIST,
    secondaryInputs=optional(OBJECTS),
    targetColumnNames=LIST,
)
def union(frame: Frame, p: Values, read: Read) -> Frame:
    """Datasets one below the other. Columns of different types become text, numbers of different types the wider one."""
    frames = [frame] + [
        read(name, _location((p.secondaryInputs or [None] * (i + 1))[i]))
        for i, name in enumerate(p.secondaryDatasetNames)
    ]
    sources = [
        [
            None if name is None else _second(f, "" if i == 0 else p.secondaryDatasetNames[i - 1], name)
            for name in columns
        ]
        for i, (f, columns) in enumerate(zip(frames, p.datasetsColumns, strict=True))
    ]
    made = []
    for at, name in enumerate(p.targetColumnNames):
        types = {column.type for columns in sources if (column := columns[at])}
        made.append(Column(name, common(types), frame.workspace.key()))
    parts = []
    for i, (f, columns) in enumerate(zip(frames, sources, strict=True)):
        picked = ", ".join(f"{_fitted(c, m)} AS {m.key}" for c, m in zip(columns, made, strict=True))
        parts.append(f"SELECT {i} AS part, row AS old, {picked} FROM {f.source}")
    keys = ", ".join(m.key for m in made)
    return frame.over(
        f"SELECT row_number() OVER (ORDER BY part, old) AS row, {keys} FROM ({' UNION ALL '.join(parts)})",
        made,
        *(table for f in frames[1:] for table in f.tables),
    )


def _location(given: dict | None) -> str | None:
    place = (given or {}).get("S3InputDefinition")
    return f"s3://{place['Bucket']}/{place.get('Key', '')}" if isinstance(place, dict) and "Bucket" in place else None


def _fitted(column: Column | None, made: Column) -> str:
    """SQL of a column in the type of the union's; NULL where the dataset lacks it."""
    if column is None:
        return f"CAST(NULL AS {TYPES[made.type]})" if made.type in TYPES else "NULL"
    return cast(column.key, column.type, made.type) if made.type in TYPES else column.key
