"""RegexSerDe: a line is what a regular expression's groups find in it, a column a group.

Sources: https://docs.aws.amazon.com/athena/latest/ug/regex-serde.html, Trino's RegexDeserializer
(https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats), which is made to answer as Hive does;
https://repost.aws/knowledge-center/regex-matching-groups-athena for groups that are not as many as the columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import values
from infra.engines.athena.serdes.values import Bad
from infra.engines.athena.types import Type

_POSIX = {
    "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9", "Upper": "A-Z", "Lower": "a-z", "Space": r"\s",
    "XDigit": "0-9a-fA-F", "Punct": r"!-/:-@\[-`{-~", "L": "^\\W\\d_", "Blank": r" \t",
}  # fmt: skip


def python_regex(pattern: str, property: str) -> str:
    """A regular expression of Java's as Python's. Raises QueryError for what Python has no form for."""

    def class_of(match: re.Match[str]) -> str:
        inner = _POSIX.get(match[2] or match[3])
        if inner is None or (match[1] == "P" and inner.startswith("^")):
            raise QueryError("NOT_SUPPORTED", f"The local AWS does not read {match[0]} in {property}")
        return f"[^{inner}]" if match[1] == "P" else f"[{inner}]"

    text = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    return re.sub(r"\\([pP])(?:\{(\w+)\}|(\w))", class_of, text)


def compiled(pattern: str, any_case: bool) -> re.Pattern[str]:
    """A regular expression of Java's. Raises QueryError for one that is none, or that Python has no form for."""
    text = python_regex(pattern, "input.regex")
    try:
        return re.compile(text, re.DOTALL | re.ASCII | (re.IGNORECASE if any_case else 0))
    except re.error as error:
        raise QueryError("HIVE_INVALID_METADATA", f"Invalid input.regex '{pattern}': {error}") from None


class Regex:
    """The rows of one table."""

    def __init__(self, properties: dict[str, str], columns: list[tuple[str, Type]], wanted: list[str]):
        pattern = properties.get("input.regex")
        if pattern is None:
            raise QueryError("HIVE_INVALID_METADATA", "Schema does not have required 'input.regex' property")
        self.pattern = compiled(pattern, properties.get("input.regex.case.insensitive", "").lower() == "true")
        if self.pattern.groups != len(columns):
            raise QueryError("HIVE_CURSOR_ERROR", "Number of matching groups doesn't match the number of columns")
        kinds = dict(columns)
        places = {name: place for place, (name, _) in enumerate(columns)}
        self.wanted = [(name, places[name] + 1, kinds[name]) for name in wanted]

    def rows(self, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
        """A row a line; one that the expression does not match has no values. Raises QueryError."""
        for line in lines:
            match = self.pattern.fullmatch(line)
            yield {name: _value(match[group], kind) if match else None for name, group, kind in self.wanted}


def _value(text: str | None, kind: Type) -> Any:
    """A group as its column's type; None for what is none of it."""
    try:
        return None if text is None else as_type(text, kind, "RegexSerDe")
    except Bad:
        return None


def as_type(text: str, kind: Type, serde: str) -> Any:
    """A text as a column's type. Raises Bad; QueryError for types that the SerDe does not read."""
    name = kind.name
    if name in ("varchar", "char"):
        return values.cut(text, kind)
    if name == "boolean":
        return text.lower() == "true"
    if name in values.NUMBERS:
        return values.java_number(text, kind)
    if name == "date":
        return values.shown(values.hive_date(text))
    if name == "timestamp":
        return values.shown(values.hive_timestamp(text))
    raise QueryError("HIVE_INVALID_METADATA", f"{serde} does not read columns of type {kind}")
