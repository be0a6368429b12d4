"""OpenCSVSerde: a record is a line, quotes and escapes as the library opencsv 2.3 reads them.

Sources: https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html, Trino's CsvDeserializer
(https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats), which is made to answer as OpenCSVSerde does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import values
from infra.engines.athena.serdes.openx import bad_value
from infra.engines.athena.serdes.values import Bad
from infra.engines.athena.types import Type

_EARLIEST_INNER_QUOTE = 3  # opencsv takes a quote in the first characters of a line for the beginning of a field


def characters(properties: dict[str, str]) -> tuple[str, str, str]:
    """Separator, quote and escape. Raises QueryError where they are the same."""

    def one(key: str, default: str) -> str:
        text = properties.get(key, default)
        return text[:1] or "\0"

    separator, quote, escape = one("separatorChar", ","), one("quoteChar", '"'), one("escapeChar", "\\")
    if escape == '"':  # Hive takes this value for the default
        escape = "\\"
    same = separator in (quote, escape) or (quote == escape and quote != "\0")
    if same:
        raise QueryError("HIVE_CURSOR_ERROR", "The separator, quote, and escape characters must be different!")
    return separator, quote, escape


class OpenCsv:
    """The rows of one table."""

    def __init__(self, properties: dict[str, str], columns: list[tuple[str, Type]], wanted: list[str]):
        self.separator, self.quote, self.escape = characters(properties)
        self.null_for_bad = properties.get("use.null.for.invalid.data", "false").lower() == "true"
        self.width = len(columns)
        kinds = dict(columns)
        places = {name: place for place, (name, _) in enumerate(columns)}
        self.wanted = [(name, places[name], kinds[name]) for name in wanted]

    def rows(self, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
        """A row a line. Raises QueryError."""
        for line in lines:
            fields = self.fields(line)
            yield {name: self.value(fields[place], kind, place) for name, place, kind in self.wanted}

    def fields(self, line: str) -> list[str | None]:
        """As many fields as there are columns; None for those that the line does not have or does not end."""
        nothing: list[str | None] = [None] * self.width
        if not line:
            return nothing
        if self.quote not in line and self.escape not in line:
            return [*line.split(self.separator, self.width)[: self.width], *nothing][: self.width]
        return [*self._quoted(line), *nothing][: self.width]

    def _quoted(self, line: str) -> list[str | None]:
        found: list[str | None] = []
        field: list[str] = []
        in_quotes = in_field = False
        at = 0
        while at < len(line) and len(found) < self.width:
            character = line[at]
            following = line[at + 1 : at + 2]
            if character == self.escape:
                if (in_quotes or in_field) and following and following in (self.quote, self.escape):
                    field.append(following)
                    at += 1
            elif character == self.quote:
                if (in_quotes or in_field) and following == self.quote:
                    field.append(following)
                    at += 1
                else:
                    self._inner_quote(line, at, field)
                    in_quotes = not in_quotes
                in_field = not in_field
            elif character == self.separator and not in_quotes:
                found.append("".join(field))
                field.clear()
                in_field = False
            else:
                field.append(character)
                in_field = True
            at += 1
        return found if in_quotes else [*found, "".join(field)]

    def _inner_quote(self, line: str, at: int, field: list[str]) -> None:
        """A quote in the middle of a field is kept, but for one after blanks only, which are left out with it."""
        inside = (
            at >= _EARLIEST_INNER_QUOTE
            and line[at - 1] != self.separator
            and len(line) > at + 1
            and line[at + 1] != self.separator
        )
        if not inside:
            return
        if field and not "".join(field).strip():
            field.clear()
        else:
            field.append(self.quote)

    def value(self, text: str | None, kind: Type, place: int) -> Any:
        """A field as its column's type. Raises QueryError HIVE_BAD_DATA."""
        if text is None:
            return None
        if kind.name in ("varchar", "char"):
            return values.cut(text, kind)
        try:
            return _typed(text, kind)
        except Bad:
            if self.null_for_bad:
                return None
            raise bad_value(text, place) from None


def _typed(text: str, kind: Type) -> Any:
    name = kind.name
    if name in values.NUMBERS:
        return values.java_number(text, kind)
    if name == "boolean":
        if text.lower() not in ("true", "false"):
            raise Bad(text)
        return text.lower() == "true"
    if name == "date":  # days since 1970
        try:
            return values.shown(date(1970, 1, 1) + timedelta(days=values.java_whole(text, "integer")))
        except OverflowError:
            raise Bad(text) from None
    if name == "timestamp":  # milliseconds since 1970
        return values.shown(values.from_millis(values.java_whole(text, "bigint"), text))
    raise QueryError("HIVE_BAD_DATA", f"OpenCSVSerde does not read columns of type {kind}")
