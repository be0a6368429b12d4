"""What types columns of text have, by their values."""

from collections.abc import Collection

from .frame import Column, Frame
from .types import NUMBER, cast

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
    for source in (f"(SELECT * FROM {frame.source} LIMIT {_SAMPLE})", frame.source):
        _narrow(frame, source, texts, possible)
    changed = [
        (c.name, cast(c.key, "string", possible[c.name][0]), possible[c.name][0]) for c in texts if possible[c.name]
    ]
    return frame.with_columns(changed).stored() if changed else frame


def _narrow(frame: Frame, source: str, texts: list[Column], possible: dict[str, list[str]]) -> None:
    """Strike out the types that a value of the source has not."""
    asked = [(c, type_) for c in texts for type_ in possible[c.name]]
    if not asked:
        return
    tests = []
    for column, type_ in asked:
        value = f"nullif(trim({column.key}), '')"
        tests.append(f"bool_and({_TESTS[type_].format(value, value)}) FILTER ({value} IS NOT NULL)")
    found = frame.workspace.execute(f"SELECT {', '.join(tests)} FROM {source}").fetchone()
    assert found is not None
    for (column, type_), holds in zip(asked, found, strict=True):
        if holds is False or (holds is None and source == frame.source):
            possible[column.name].remove(type_)
