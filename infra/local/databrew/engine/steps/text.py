"""Data cleaning steps: letters' case, prefixes, what is removed, replaced and extracted.

Character positions count from 1 and take both ends in, as the guide's examples do ("chars_5_through_8").
Source: "Data cleaning recipe steps" of the guide.
"""

import re
from typing import Any

from ..errors import StepRefused
from ..frame import Frame
from ..parameters import FLAG, INTEGER, NAME, REGEX, TEXT, Values, groups
from ..registry import Changed, action, optional
from ..types import literal, text


def in_place(frame: Frame, name: str, template: str) -> Changed:
    """A column as text, changed by SQL in which {} stands for its value."""
    column = frame.column(name)
    return Changed([(column.name, template.replace("{}", text(column.key, column.type)), "string")])


def replacement(value: str) -> str:
    """A replacement as Java writes it ($1, \\$) as DuckDB writes it (\\1)."""
    out = re.sub(
        r"\\(.)|\$(\d)|\\", lambda m: f"\\{m[2]}" if m[2] else (m[1] if m[1] not in (None, "\\") else "\\\\"), value
    )
    return literal(out)


def capitalized(value: str) -> str:
    """SQL: each word's first letter in upper case, the rest in lower case; words are parted by blanks."""
    return f"array_to_string(list_transform(string_split({value}, ' '), lambda x: upper(x[1:1]) || lower(x[2:])), ' ')"


def sentences(value: str) -> str:
    """SQL: the first letter of each sentence in upper case, the rest in lower case."""
    parts = f"regexp_extract_all(lower({value}), '[^.!?]*[.!?]*\\s*')"
    upper = "lambda x: regexp_extract(x, '^\\s*') || upper(ltrim(x)[1:1]) || ltrim(x)[2:]"
    return f"array_to_string(list_transform({parts}, {upper}), '')"


@action("UPPER_CASE", sourceColumn=NAME)
def upper_case(frame: Frame, p: Values) -> Changed:
    return in_place(frame, p.sourceColumn, "upper({})")


@action("LOWER_CASE", sourceColumn=NAME)
def lower_case(frame: Frame, p: Values) -> Changed:
    return in_place(frame, p.sourceColumn, "lower({})")


@action("CAPITAL_CASE", sourceColumn=NAME)
def capital_case(frame: Frame, p: Values) -> Changed:
    return in_place(frame, p.sourceColumn, capitalized("{}"))


@action("SENTENCE_CASE", sourceColumn=NAME)
def sentence_case(frame: Frame, p: Values) -> Changed:
    return in_place(frame, p.sourceColumn, sentences("{}"))


@action("ADD_DOUBLE_QUOTES", sourceColumn=NAME)
def add_double_quotes(frame: Frame, p: Values) -> Changed:
    return in_place(frame, p.sourceColumn, "'\"' || {} || '\"'")


@action("ADD_SINGLE_QUOTES", sourceColumn=NAME)
def add_single_quotes(frame: Frame, p: Values) -> Changed:
    return in_place(frame, p.sourceColumn, "'''' || {} || ''''")


@action("ADD_PREFIX", sourceColumn=NAME, pattern=TEXT)
def add_prefix(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    return Changed([(column.name, f"{literal(p.pattern)} || {text(column.key, column.type)}", "string")])


@action("ADD_SUFFIX", sourceColumn=NAME, pattern=TEXT)
def add_suffix(frame: Frame, p: Values) -> Changed:
    column = frame.column(p.sourceColumn)
    return Changed([(column.name, f"{text(column.key, column.type)} || {literal(p.pattern)}", "string")])


_FLAGS = {
    "removeSpecialCharacters": r"[!-/:-@\[-`{-~]",
    "removeAllPunctuation": r"[.!,?]",
    "removeAllQuotes": "['\"]",
    "removeLetters": "[A-Za-z]",
    "removeNumbers": "[0-9]",
    "removeAllWhitespace": r"\s",
    "removeLeadingAndTrailingWhitespace": r"^\s+|\s+$",
    "removeLeadingAndTrailingPunctuation": r"^[.!,?]+|[.!,?]+$",
    "removeLeadingAndTrailingQuotes": "^['\"]+|['\"]+$",
}


_REMOVED: dict[str, Any] = {flag: optional(FLAG, False) for flag in _FLAGS}


def _custom(p: Values) -> None:
    if p.removeCustomCharacters and not p.customCharacters:
        raise StepRefused("removeCustomCharacters needs customCharacters.")
    if p.removeCustomValue and not p.customValue:
        raise StepRefused("removeCustomValue needs customValue.")


@action(
    "REMOVE_COMBINED",
    validate=_custom,
    sourceColumn=NAME,
    collapseConsecutiveWhitespace=optional(FLAG, False),
    customCharacters=optional(TEXT),
    customValue=optional(TEXT),
    removeCustomCharacters=optional(FLAG, False),
    removeCustomValue=optional(FLAG, False),
    **_REMOVED,
)
def remove_combined(frame: Frame, p: Values) -> Changed:
    """Custom values and characters go first, then what the flags say, in the order of `_FLAGS`; white space is collapsed last."""
    sql = "{}"
    if p.removeCustomValue:
        sql = f"replace({sql}, {literal(p.customValue)}, '')"
    if p.removeCustomCharacters:
        sql = f"translate({sql}, {literal(p.customCharacters)}, '')"
    for flag, pattern in _FLAGS.items():
        if p[flag]:
            sql = f"regexp_replace({sql}, {literal(pattern)}, '', 'g')"
    if p.collapseConsecutiveWhitespace:
        sql = f"regexp_replace({sql}, '\\s{{2,}}', ' ', 'g')"
    return in_place(frame, p.sourceColumn, sql)


def _groups(p: Values) -> None:
    wanted = max((int(n) for n in re.findall(r"(?<!\\)\$(\d)", p.value)), default=0)
    if wanted > groups(p.pattern):
        raise StepRefused(f"The value {p.value} refers to group {wanted}, which the pattern {p.pattern} doesn't have.")


@action("REPLACE_TEXT", validate=_groups, sourceColumn=NAME, pattern=REGEX, value=TEXT)
def replace_text(frame: Frame, p: Values) -> Changed:
    return in_place(frame, p.sourceColumn, f"regexp_replace({{}}, {literal(p.pattern)}, {replacement(p.value)}, 'g')")


@action("REPLACE_BETWEEN_DELIMITERS", sourceColumn=NAME, startPattern=REGEX, endPattern=REGEX, value=TEXT)
def replace_between_delimiters(frame: Frame, p: Values) -> Changed:
    """The delimiters stay."""
    pattern = literal(f"(?s)({p.startPattern}).*?({p.endPattern})")
    last = groups(p.startPattern) + 2
    return in_place(
        frame,
        p.sourceColumn,
        f"regexp_replace({{}}, {pattern}, '\\1' || {literal(p.value.replace(chr(92), chr(92) * 2))} || '\\{last}', 'g')",
    )


def _ordered(p: Values) -> None:
    if p.endPosition < p.startPosition:
        raise StepRefused("endPosition must not be less than startPosition.")


_BETWEEN: dict[str, Any] = {"startPosition": INTEGER(1), "endPosition": INTEGER(1)}


@action("REPLACE_BETWEEN_POSITIONS", validate=_ordered, sourceColumn=NAME, value=TEXT, **_BETWEEN)
def replace_between_positions(frame: Frame, p: Values) -> Changed:
    value = f"left({{}}, {p.startPosition - 1}) || {literal(p.value)} || substr({{}}, {p.endPosition + 1})"
    return in_place(frame, p.sourceColumn, f"CASE WHEN length({{}}) < {p.startPosition} THEN {{}} ELSE {value} END")


def extracted(frame: Frame, p: Values, template: str) -> Changed:
    """A new column of text from a source column: SQL in which {} stands for its value."""
    column = frame.column(p.sourceColumn)
    return Changed([(frame.new_name(p.targetColumn), template.replace("{}", text(column.key, column.type)), "string")])


@action("EXTRACT_BETWEEN_DELIMITERS", sourceColumn=NAME, targetColumn=NAME, startPattern=REGEX, endPattern=REGEX)
def extract_between_delimiters(frame: Frame, p: Values) -> Changed:
    """What stands between the first delimiter and the next; NULL without both."""
    group = groups(p.startPattern) + 1
    pattern = literal(f"(?s)(?:{p.startPattern})(.*?)(?:{p.endPattern})")
    return extracted(
        frame, p, f"CASE WHEN regexp_matches({{}}, {pattern}) THEN regexp_extract({{}}, {pattern}, {group}) END"
    )


@action("EXTRACT_BETWEEN_POSITIONS", validate=_ordered, sourceColumn=NAME, targetColumn=NAME, **_BETWEEN)
def extract_between_positions(frame: Frame, p: Values) -> Changed:
    return extracted(frame, p, f"substr({{}}, {p.startPosition}, {p.endPosition - p.startPosition + 1})")


@action("EXTRACT_PATTERN", sourceColumn=NAME, targetColumn=NAME, pattern=REGEX)
def extract_pattern(frame: Frame, p: Values) -> Changed:
    """The first match of the whole expression; NULL without one."""
    pattern = literal(p.pattern)
    return extracted(frame, p, f"CASE WHEN regexp_matches({{}}, {pattern}) THEN regexp_extract({{}}, {pattern}) END")
