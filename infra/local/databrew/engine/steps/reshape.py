"""Data structure steps that change what a row is: GROUP_BY, PIVOT, UNPIVOT, TRANSPOSE.

Source: "Data structure recipe steps" of the guide.
"""

from ..aggregates import FUNCTIONS, aggregate
from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, FLAG, NAME, NAMES, OBJECTS, Values
from ..registry import action, optional
from ..types import TYPES, cast, common, literal, text

_OPTION = {"sourceColumnName", "targetColumnName", "targetColumnDataType", "functionName"}
_MOST_VALUES = 10
_MOST_TRANSPOSED = 1000


def _functions(p: Values) -> None:
    if not p.groupByAggFunctionOptions:
        raise StepRefused("GROUP_BY needs at least one aggregate function.")
    for option in p.groupByAggFunctionOptions:
        if set(option) - _OPTION or not all(isinstance(v, str) for v in option.values()):
            raise StepRefused(f"Each of groupByAggFunctionOptions has {', '.join(sorted(_OPTION))}.")
        for needed in ("sourceColumnName", "targetColumnName", "functionName"):
            if not option.get(needed):
                raise StepRefused(f"Each of groupByAggFunctionOptions needs {needed}.")
        if option["functionName"] not in FUNCTIONS:
            raise StepRefused(
                f"Unknown aggregate function {option['functionName']}. It must be one of {', '.join(FUNCTIONS)}."
            )
        kind = option.get("targetColumnDataType", "number")
        if kind not in ("number", "array", *TYPES):
            raise StepRefused(f"Unknown data type {kind} in groupByAggFunctionOptions.")
    names = [option["targetColumnName"].lower() for option in p.groupByAggFunctionOptions]
    if len(set(names)) != len(names):
        raise StepRefused("Two of groupByAggFunctionOptions have the same targetColumnName.")


def _typed(sql: str, type_: str, wanted: str | None) -> tuple[str, str]:
    """The result in the type that the step asks for; `number` is any number."""
    if wanted in (None, "number", "array") or type_ == "array" or wanted == type_:
        return sql, type_
    return cast(sql, type_, wanted), wanted


@action(
    "GROUP_BY",
    conditional=False,
    validate=_functions,
    sourceColumns=NAMES,
    groupByAggFunctionOptions=OBJECTS,
    useNewDataFrame=optional(FLAG, False),
)
def group_by(frame: Frame, p: Values) -> Frame:
    """One row a group, in the order in which the groups first appear; without useNewDataFrame each row gets its group's results."""
    groups = [frame.column(name) for name in p.sourceColumns]
    keys = ", ".join(c.key for c in groups)
    over = "" if p.useNewDataFrame else f"OVER (PARTITION BY {keys})"
    made, parts = [], []
    for option in p.groupByAggFunctionOptions:
        sql, type_ = aggregate(option["functionName"], frame.column(option["sourceColumnName"]), over=over)
        sql, type_ = _typed(sql, type_, option.get("targetColumnDataType"))
        column = Column(option["targetColumnName"], type_, frame.workspace.key())
        made.append(column)
        parts.append(f"{sql} AS {column.key}")
    taken = groups if p.useNewDataFrame else frame.columns
    for column in made:
        if any(column.name.lower() == c.name.lower() for c in taken):
            raise StepRefused(f"Column {column.name} already exists in the dataset.")
    if not p.useNewDataFrame:
        return frame.over(f"SELECT *, {', '.join(parts)} FROM {frame.source}", [*frame.columns, *made])
    return frame.over(
        f"SELECT min(row) AS row, {keys}, {', '.join(parts)} FROM {frame.source} GROUP BY {keys}", [*groups, *made]
    )


def _distinct(frame: Frame, column: str, most: int, name: str) -> list[str | None]:
    """The distinct values of an SQL expression as text, sorted, NULL last.

    Raises
    ------
    StepRefused : there are more than `most`.
    """
    found = frame.workspace.execute(
        f"SELECT DISTINCT {column} AS v FROM {frame.source} ORDER BY v NULLS LAST LIMIT {most + 1}"
    ).fetchall()
    if len(found) > most:
        raise StepRefused(f"Column {name} has more than {most} distinct values.")
    return [value for (value,) in found]


def _new_columns(frame: Frame, names: list[str], type_: str, taken: list[Column]) -> list[Column]:
    used = {c.name.lower() for c in taken}
    made = []
    for name in names:
        if name.lower() in used:
            raise StepRefused(f"Column {name} already exists in the dataset.")
        used.add(name.lower())
        made.append(Column(name, type_, frame.workspace.key()))
    return made


_FUNCTION = CHOICE(*FUNCTIONS)


@action("PIVOT", conditional=False, stored=True, sourceColumn=NAME, valueColumn=NAME, aggregateFunction=_FUNCTION)
def pivot(frame: Frame, p: Values) -> Frame:
    """Each value of the source column becomes a column of aggregates; rows that are equal in all other columns become one."""
    source, value = frame.column(p.sourceColumn), frame.column(p.valueColumn)
    others = [c for c in frame.columns if c.name not in (source.name, value.name)]
    as_text = text(source.key, source.type)
    values = _distinct(frame, as_text, _MOST_VALUES, source.name)
    if not values:
        raise StepRefused(f"Column {source.name} has no values to pivot.")
    _, type_ = aggregate(p.aggregateFunction, value)
    made = _new_columns(frame, ["null" if v is None else v or "empty" for v in values], type_, others)
    parts = [
        f"{aggregate(p.aggregateFunction, value, among=f'{as_text} IS NOT DISTINCT FROM {literal(v)}')[0]} AS {column.key}"
        for v, column in zip(values, made, strict=True)
    ]
    keys = [c.key for c in others]
    grouped = f" GROUP BY {', '.join(keys)}" if keys else ""
    sql = f"SELECT min(row) AS row, {', '.join([*keys, *parts])} FROM {frame.source}{grouped}"
    return frame.over(sql, [*others, *made])


@action("UNPIVOT", conditional=False, sourceColumns=NAMES, unpivotColumn=NAME, valueColumn=NAME)
def unpivot(frame: Frame, p: Values) -> Frame:
    """Each row becomes one row a source column: its name in unpivotColumn, its value, missing or not, in valueColumn."""
    sources = [frame.column(name) for name in p.sourceColumns]
    others = [c for c in frame.columns if c not in sources]
    type_ = common({c.type for c in sources})
    names = _new_columns(frame, [p.unpivotColumn, p.valueColumn], type_, others)
    name, value = Column(p.unpivotColumn, "string", names[0].key), names[1]
    listed = ", ".join(f"{{'n': {literal(c.name)}, 'v': {_fitted(c, type_)}}}" for c in sources)
    keys = "".join(f"{c.key}, " for c in others)
    inner = f"SELECT row, {keys}unnest([{listed}]) AS u, generate_subscripts([{listed}], 1) AS i FROM {frame.source}"
    return frame.over(
        f"SELECT (row - 1) * {len(sources)} + i AS row, {keys}u.n AS {name.key}, u.v AS {value.key} FROM ({inner})",
        [*others, name, value],
    )


def _fitted(column: Column, type_: str) -> str:
    return cast(column.key, column.type, type_) if type_ in TYPES else column.key


@action(
    "TRANSPOSE",
    conditional=False,
    stored=True,
    pivotColumns=NAMES,
    valueColumns=NAMES,
    aggregateFunction=_FUNCTION,
    newColumn=NAME,
)
def transpose(frame: Frame, p: Values) -> Frame:
    """Each value column becomes a row, each value of the pivot columns a column; the other columns go."""
    pivots = [frame.column(name) for name in p.pivotColumns]
    as_text = f"concat_ws('_', {', '.join(text(c.key, c.type) for c in pivots)})"
    values = _distinct(frame, as_text, _MOST_TRANSPOSED, " and ".join(c.name for c in pivots))
    name = Column(p.newColumn, "string", frame.workspace.key())
    rows, types = [], set()
    for n, source in enumerate((frame.column(name) for name in p.valueColumns), 1):
        cells = [
            aggregate(p.aggregateFunction, source, among=f"{as_text} IS NOT DISTINCT FROM {literal(v)}") for v in values
        ]
        rows.append((n, source.name, cells))
        types |= {type_ for _, type_ in cells}
    type_ = common(types)
    made = _new_columns(frame, ["null" if v is None else v or "empty" for v in values], type_, [name])
    queries = []
    for n, source_name, cells in rows:
        parts = "".join(
            f", {cast(sql, kind, type_) if type_ in TYPES else sql} AS {column.key}"
            for (sql, kind), column in zip(cells, made, strict=True)
        )
        queries.append(f"SELECT {n} AS row, {literal(source_name)} AS {name.key}{parts} FROM {frame.source}")
    return frame.over(" UNION ALL ".join(queries), [name, *made])
