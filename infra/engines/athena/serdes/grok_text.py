"""GrokSerDe: a line is what the fields of a Grok pattern find in it, a column a field, by their order.

Sources: https://docs.aws.amazon.com/athena/latest/ug/grok-serde.html, Trino's GrokDeserializer, which was written to answer as
Athena's SerDe does (https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats): only fields with a name count, those
of the patterns inside a pattern too; one that took no part moves those after it; quotes around a value go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import values
from infra.engines.athena.serdes.grok_patterns import PATTERNS
from infra.engines.athena.serdes.regex_text import as_type, python_regex
from infra.engines.athena.serdes.values import Bad
from infra.engines.athena.types import Type

MOST_STEPS = 1000  # of patterns in patterns, as in the library
_DEFINITION = re.compile(r"([A-z0-9_]+)\s+(.*)")
_USE = re.compile(r"%\{(?P<pattern>[A-z0-9]+)(?::(?P<field>[A-z0-9_:;/\s.]+))?(?:=(?P<own>(?:[^{}]|\\.)+))?\}")
_NAMED = re.compile(r"\(\?<(?![=!])([^>]+)>")
_MARK = "\x00"  # begins the name of a group that stands for a field
_NO_FIELD = "UNWANTED"


class GrokError(ValueError):
    """A pattern that is none."""


class Field(NamedTuple):
    """A field of a pattern: its name, and the data type that was asked for ('' for none)."""

    name: str
    type: str


class Grok:
    """A Grok pattern as a regular expression.

    Parameters
    ----------
    pattern: with `%{PATTERN:field:type}` in it
    custom: patterns of one's own, `NAME expression`, a line each
    named_only: whether a pattern without a field's name is no field

    Raises GrokError.
    """

    def __init__(self, pattern: str, custom: str = "", named_only: bool = True):
        if not pattern.strip():
            raise GrokError("{pattern} should not be empty")
        own = (match for line in custom.splitlines() if (match := _DEFINITION.fullmatch(line)))
        known = PATTERNS | {match[1]: match[2] for match in own}
        self.fields: list[Field] = []
        self._groups: list[str] = []
        text = _NAMED.sub(self._group, _expanded(pattern, known, named_only))
        try:
            self._regex = re.compile(python_regex(text, "input.format"), re.ASCII)
        except re.error as error:
            raise GrokError(str(error)) from None

    def _group(self, match: re.Match[str]) -> str:
        name, _, type = match[1].removeprefix(_MARK).replace(";", ":").partition(":")
        self.fields.append(Field(name, type))
        self._groups.append(f"g{len(self.fields)}")
        return f"(?P<{self._groups[-1]}>"

    def columns(self) -> list[Field]:
        """The fields, each name once."""
        found = {field.name: field for field in reversed(self.fields) if field.name != _NO_FIELD}
        return [found[name] for name in dict.fromkeys(field.name for field in self.fields) if name in found]

    def found(self, line: str) -> list[str] | None:
        """What the fields that took part found in a line; None if the pattern does not match. Raises Bad."""
        match = self._regex.search(line) if line.strip() else None
        if match is None:
            return None
        texts: dict[str, str] = {}
        for field, group in zip(self.fields, self._groups, strict=True):
            if match[group] is not None:
                texts[field.name] = _unquoted(_converted(match[group], field.type))
        texts.pop(_NO_FIELD, None)
        return list(texts.values())


def _expanded(pattern: str, known: dict[str, str], named_only: bool) -> str:
    """A pattern with the expressions of all that it uses; groups that are fields are named by `_MARK` and the field."""
    for _ in range(MOST_STEPS):
        match = _USE.search(pattern)
        if match is None:
            return pattern
        if match["own"]:
            known[match["pattern"]] = match["own"]
        expression = known.get(match["pattern"])
        if expression is None:
            raise GrokError(f"Pattern {match['pattern']} is not defined.")
        field = match["field"] or ("" if named_only else match["pattern"])
        inner = f"(?<{_MARK}{field}>{expression})" if field else expression
        pattern = pattern[: match.start()] + inner + pattern[match.end() :]
    raise GrokError(f"Deep recursion pattern compilation of {pattern[:100]}")


def _whole(name: str) -> Callable[[str], str]:
    return lambda text: str(values.java_whole(text, name))


def _floating(text: str) -> str:
    return str(values.number(values.java_double(text)))


_CONVERTED: dict[str, Callable[[str], str]] = {
    "byte": _whole("tinyint"), "short": _whole("smallint"), "int": _whole("integer"), "long": _whole("bigint"), "float": _floating,
    "double": _floating, "boolean": lambda text: str(text.lower() == "true").lower(), "string": str, "": str,
}  # fmt: skip


def _converted(text: str, type: str) -> str:
    convert = _CONVERTED.get(type)
    if convert is None:
        raise Bad(text)
    return convert(text)


def _unquoted(text: str) -> str:
    for mark in "\"'":
        if text == mark:
            return ""
        if text.startswith(mark) and text.endswith(mark):
            return text[1:-1]
    return text


class GrokText:
    """The rows of one table."""

    def __init__(self, properties: dict[str, str], columns: list[tuple[str, Type]], wanted: list[str]):
        pattern = properties.get("input.format")
        if pattern is None:
            raise QueryError("HIVE_INVALID_METADATA", "Schema does not have required 'input.format' property")
        named_only = properties.get("grok.namedOnlyMode", "true").lower() == "true"
        try:
            self.grok = Grok(pattern, properties.get("input.grokCustomPatterns", ""), named_only)
        except GrokError as error:
            raise QueryError("HIVE_INVALID_METADATA", f"Grok compilation failure: {error}") from None
        self.null_for_bad = properties.get("grok.nullOnParseError", "false").lower() == "true"
        places = {name: place for place, (name, _) in enumerate(columns)}
        self.wanted = [(name, places[name], columns[places[name]][1]) for name in wanted]

    def rows(self, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
        """A row a line; one that the pattern does not match has no values. Raises QueryError."""
        for line in lines:
            try:
                found = self.grok.found(line) or []
            except Bad:
                raise QueryError("HIVE_CURSOR_ERROR", "Grok capture failure.") from None
            yield {name: self._value(found[at], kind) if at < len(found) else None for name, at, kind in self.wanted}

    def _value(self, text: str, kind: Type) -> Any:
        try:
            return as_type(text, kind, "GrokSerDe")
        except Bad:
            if self.null_for_bad:
                return None
            raise QueryError(
                "HIVE_BAD_DATA", f'Error Parsing a column in the table: For input string: "{text}"'
            ) from None
