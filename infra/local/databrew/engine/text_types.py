"""What types columns of text have, by their values."""

from collections.abc import Collection

from .frame import Column, Frame
from .types import NUMBER, TYPES

_SAMPLE = 1000
# from the narrowest: each with SQL that is TRUE for text of it
_TESTS = {
    "boolean": "lower({}) IN ('true', 'false')",
    "int": "regexp_full_match({}, '[+-]?[0-9]{{1,10}}') AND TRY_CAST({} AS INTEGER) IS NOT NULL",
    "long": "regexp_full_match({}, '[+-]?[0-9]{{1,19}}') AND TRY_CAST({} AS BIGINT) IS NOT NULL",
    "double": f"regexp_full_match({{}}, '{NUMBER.replace('{', '{{').replace('}', '}}')}')",
}


def typed(frame: Frame, names: Collection[str]) -> Frame:
    """The frame with those columns of text in the narrowest type that all their values have, stored.

    Values that are missing say nothing; a column without values stays text. Blanks around a value do not count.
    """
    frame = frame.stored()
    texts = [c for c in frame.columns if c.name in names and c.type == "string"]
    possible = {c.name: list(_TESTS) for c in texts}
    _strike_out(
        frame, f"(SELECT * FROM {frame.source} LIMIT {_SAMPLE})", [(c, t) for c in texts for t in _TESTS], possible
    )
    unsure = [c for c in texts if possible[c.name]]
    while unsure:
        asked = [(c, possible[c.name][0]) for c in unsure]
        _strike_out(frame, frame.source, asked, possible, empty=True)
        unsure = [c for c, type_ in asked if possible[c.name] and possible[c.name][0] != type_]
    changed = [
        (c.name, f"TRY_CAST({_value(c)} AS {TYPES[possible[c.name][0]]})", possible[c.name][0])
        for c in texts
        if possible[c.name]
    ]
    return frame.with_columns(changed).stored() if changed else frame


def _value(column: Column) -> str:
    return f"nullif(trim({column.key}), '')"


def _strike_out(
    frame: Frame, source: str, asked: list[tuple[Column, str]], possible: dict[str, list[str]], empty: bool = False
) -> None:
    """Strike out the types that a value of the source has not; with `empty` all types of a column without values."""
    if not asked:
        return
    tests = [
        f"bool_and({_TESTS[type_].format(_value(c), _value(c))}) FILTER ({c.key} IS NOT NULL)" for c, type_ in asked
    ]
    found = frame.workspace.execute(f"SELECT {', '.join(tests)} FROM {source}").fetchone()
    assert found is not None
    for (column, type_), holds in zip(asked, found, strict=True):
        if holds is False:
            possible[column.name].remove(type_)
        elif holds is None and empty:
            possible[column.name].clear()
