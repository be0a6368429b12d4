"""Column structure steps: columns split and merged, flags.

New columns of a split are called <source>_1, <source>_2, …; the guide does not name them. Positions count from 1.
A delimiter that is included begins the part that follows it.
Source: "Column structure recipe steps" of the guide.
"""

import json
import re
from typing import Any

from ..conditions import missing
from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, FLAG, INTEGER, NAME, NAMES, REGEX, TEXT, Values, invalid
from ..registry import Changed, action, optional
from ..types import literal, text

_MARK, _END = "\ue000", "\ue001"  # of Unicode's private use: in no text
_MOST_PARTS = 21


def _value(column: Column) -> str:
    return text(column.key, column.type)


def _new(frame: Frame, source: Column, parts: list[str]) -> Changed:
    return Changed([(frame.new_name(f"{source.name}_{n}"), part, "string") for n, part in enumerate(parts, 1)])


@action("MERGE", sourceColumns=NAMES, delimiter=optional(TEXT, ""), targetColumn=NAME)
def merge(frame: Frame, p: Values) -> Changed:
    """Missing values are left out, as by Spark's concat_ws."""
    return merged(frame, p)


def merged(frame: Frame, p: Values) -> Changed:
    """Columns put together as text with a delimiter."""
    values = ", ".join(_value(frame.column(name)) for name in p.sourceColumns)
    return Changed([(frame.new_name(p.targetColumn), f"concat_ws({literal(p.delimiter)}, {values})", "string")])


def _split(column: Column, delimiters: list[tuple[str, bool]], splits: int) -> list[str]:
    """SQL of the parts of a text that is split at delimiters (text, whether included) so many times at most; NULL for no part."""
    pattern = "|".join(re.escape(delimiter) for delimiter, _ in delimiters)
    marked = f"string_split(regexp_replace({_value(column)}, {literal(pattern)}, '{_MARK}\\0{_END}', 'g'), '{_MARK}')"
    included = [delimiter for delimiter, include in delimiters if include]
    kept = (
        f"CASE WHEN list_contains([{', '.join(map(literal, included))}], d[1]) THEN d[1] ELSE '' END"
        if included
        else "''"
    )

    def part(sql: str) -> str:
        return f"list_transform([string_split({sql}, '{_END}')], lambda d: {kept} || array_to_string(d[2:], ''))[1]"

    parts = [f"{marked}[1]"] + [part(f"{marked}[{n}]") for n in range(2, splits + 1)]
    rest = f"array_to_string({marked}[{splits + 1}:], '')"
    last = f"list_transform([string_split({rest}, '{_END}')], lambda d: {kept} || array_to_string(d[2:], ''))[1]"
    return [*parts, f"CASE WHEN len({marked}) > {splits} THEN {last} END"]


_LIMIT = optional(INTEGER(1, 20), 1)


@action(
    "SPLIT_COLUMN_SINGLE_DELIMITER", sourceColumn=NAME, pattern=TEXT, limit=_LIMIT, includeInSplit=optional(FLAG, False)
)
def split_single(frame: Frame, p: Values) -> Changed:
    source = frame.column(p.sourceColumn)
    if not p.pattern:
        raise StepRefused("pattern must have at least one character.")
    return _new(frame, source, _split(source, [(p.pattern, p.includeInSplit)], p.limit))


def _delimiter(name: str, value: object) -> tuple[str, bool]:
    if not isinstance(value, dict) or not isinstance(value.get("pattern"), str) or not value["pattern"]:
        raise invalid(name, value, 'a delimiter is an object such as {"pattern": ",", "includeInSplit": true}')
    return value["pattern"], value.get("includeInSplit") in (True, "true")


def _parsed(name: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        raise invalid(name, value, "it must be JSON") from None


def _delimiters(name: str, value: str) -> list[tuple[str, bool]]:
    read = _parsed(name, value)
    if not isinstance(read, list) or not read:
        raise invalid(name, value, "it must be a JSON array of delimiters")
    return [_delimiter(name, item) for item in read]


@action("SPLIT_COLUMN_MULTIPLE_DELIMITER", sourceColumn=NAME, patternOptions=_delimiters, limit=_LIMIT)
def split_multiple(frame: Frame, p: Values) -> Changed:
    source = frame.column(p.sourceColumn)
    return _new(frame, source, _split(source, p.patternOptions, p.limit))


def _option(name: str, value: str) -> tuple[str, bool]:
    return _delimiter(name, _parsed(name, value))


@action("SPLIT_COLUMN_BETWEEN_DELIMITER", sourceColumn=NAME, patternOption1=_option, patternOption2=_option)
def split_between_delimiters(frame: Frame, p: Values) -> Changed:
    """Before the first delimiter, between it and the second, and after that. Included delimiters belong to the middle."""
    source = frame.column(p.sourceColumn)
    (first, with_first), (second, with_second) = p.patternOption1, p.patternOption2
    begin, end = re.escape(first), re.escape(second)
    pattern = literal(f"(?s)^(.*?)({begin})(.*?)({end})(.*)$")
    value = _value(source)

    def group(n: int) -> str:
        return f"regexp_extract({value}, {pattern}, {n})"

    middle = " || ".join([*([group(2)] if with_first else []), group(3), *([group(4)] if with_second else [])])
    found = f"regexp_matches({value}, {pattern})"
    parts = [f"CASE WHEN {found} THEN {group(1)} ELSE {value} END", f"CASE WHEN {found} THEN {middle} END"]
    return _new(frame, source, [*parts, f"CASE WHEN {found} THEN {group(5)} END"])


def _ordered(p: Values) -> None:
    if p.endPosition < p.startPosition:
        raise StepRefused("endPosition must not be less than startPosition.")


@action(
    "SPLIT_COLUMN_BETWEEN_POSITIONS",
    validate=_ordered,
    sourceColumn=NAME,
    startPosition=INTEGER(1),
    endPosition=INTEGER(1),
)
def split_between_positions(frame: Frame, p: Values) -> Changed:
    source = frame.column(p.sourceColumn)
    value = _value(source)
    middle = f"substr({value}, {p.startPosition}, {p.endPosition - p.startPosition + 1})"
    return _new(
        frame, source, [f"substr({value}, 1, {p.startPosition - 1})", middle, f"substr({value}, {p.endPosition + 1})"]
    )


@action("SPLIT_COLUMN_FROM_START", sourceColumn=NAME, position=INTEGER(1))
def split_from_start(frame: Frame, p: Values) -> Changed:
    source = frame.column(p.sourceColumn)
    value = _value(source)
    return _new(frame, source, [f"substr({value}, 1, {p.position})", f"substr({value}, {p.position + 1})"])


@action("SPLIT_COLUMN_FROM_END", sourceColumn=NAME, position=INTEGER(1))
def split_from_end(frame: Frame, p: Values) -> Changed:
    source = frame.column(p.sourceColumn)
    value = _value(source)
    at = f"greatest(length({value}) - {p.position}, 0)"
    return _new(frame, source, [f"substr({value}, 1, {at})", f"substr({value}, {at} + 1)"])


@action("SPLIT_COLUMN_WITH_INTERVALS", stored=True, sourceColumn=NAME, startPosition=INTEGER(1), interval=INTEGER(1))
def split_with_intervals(frame: Frame, p: Values) -> Changed:
    """Parts of one length from a position on, as many as the longest value needs."""
    source = frame.column(p.sourceColumn)
    value = _value(source)
    found = frame.workspace.execute(f"SELECT coalesce(max(length({value})), 0) FROM {frame.source}").fetchone()
    longest = found[0] if found else 0
    starts = list(range(p.startPosition, max(longest, p.startPosition) + 1, p.interval))
    if len(starts) > _MOST_PARTS:
        raise StepRefused(f"The interval makes {len(starts)} columns; at most {_MOST_PARTS} are possible.")
    parts = [f"substr({value}, 1, {p.startPosition - 1})"] if p.startPosition > 1 else []
    parts += [f"nullif(substr({value}, {start}, {p.interval}), '')" for start in starts]
    return _new(frame, source, parts)


def _flagged(frame: Frame, p: Values, test: str) -> Changed:
    expression = f"CASE WHEN {test} THEN {literal(p.trueString)} ELSE {literal(p.falseString)} END"
    return Changed([(frame.new_name(p.targetColumn), expression, "string")])


_FLAG: dict[str, Any] = {
    "targetColumn": NAME,
    "trueString": optional(TEXT, "True"),
    "falseString": optional(TEXT, "False"),
}


@action("FLAG_COLUMN_FROM_NULL", sourceColumn=NAME, flagType=CHOICE("Null values"), **_FLAG)
def flag_from_null(frame: Frame, p: Values) -> Changed:
    return _flagged(frame, p, missing(frame.column(p.sourceColumn)))


@action("FLAG_COLUMN_FROM_PATTERN", sourceColumn=NAME, flagType=CHOICE("Pattern"), pattern=REGEX, **_FLAG)
def flag_from_pattern(frame: Frame, p: Values) -> Changed:
    return _flagged(frame, p, f"regexp_matches({_value(frame.column(p.sourceColumn))}, {literal(p.pattern)})")
