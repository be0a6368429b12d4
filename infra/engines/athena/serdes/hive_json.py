"""Hive's JSON SerDes: JSON by the letter, values of their column's type or near it.

Sources: https://docs.aws.amazon.com/athena/latest/ug/hive-json-serde.html, Trino's JsonDeserializer
(https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import values
from infra.engines.athena.serdes.lenient import Literal
from infra.engines.athena.serdes.openx import MALFORMED, bad_value, text_of
from infra.engines.athena.serdes.values import Bad
from infra.engines.athena.types import Type


def _no_constant(text: str) -> Any:
    """NaN and Infinity are no JSON."""
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_float=Literal, parse_int=Literal, parse_constant=_no_constant)
_UNNAMED = re.compile(r"_col([0-9]+)")


class HiveJson:
    """The rows of one table."""

    def __init__(self, serde: dict[str, str], columns: list[tuple[str, Type]], wanted: list[str]):
        self.patterns = values.patterns_of(serde.get("timestamp.formats"))
        self.names = [name for name, _ in columns]
        kinds = dict(columns)
        self.wanted = [(name, self.names.index(name), kinds[name]) for name in wanted]

    def rows(self, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
        """A row a line. Raises QueryError."""
        for line in lines:
            yield self.row(line.strip())

    def row(self, text: str) -> dict[str, Any]:
        try:
            parsed = _DECODER.raw_decode(text)[0]
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise QueryError("HIVE_CURSOR_ERROR", MALFORMED)
        found = self.by_place(parsed, self.names)
        row: dict[str, Any] = {}
        for name, place, kind in self.wanted:
            try:
                row[name] = self.value(found.get(place), kind)
            except Bad as error:
                raise bad_value(error.text, place) from None
        return row

    def by_place(self, record: dict[str, Any], names: list[str]) -> dict[int, Any]:
        """The values of an object by the places of their columns; `_col3` is the fourth."""
        places = {name.lower(): place for place, name in enumerate(names)}
        found = {}
        for key, value in record.items():
            place = places.get(key.lower())
            if place is None and (match := _UNNAMED.fullmatch(key)):
                place = int(match[1])
            if place is not None:
                found[place] = value
        return found

    def value(self, value: Any, kind: Type) -> Any:
        """A JSON value as the column type wants it. Raises Bad."""
        if value is None:
            return None
        name = kind.name
        if name == "array":
            if not isinstance(value, list):
                raise Bad(text_of(value))
            return [self.value(item, kind.element) for item in value]
        if name == "map":
            if not isinstance(value, dict):
                raise Bad(text_of(value))
            return {self._key(k, kind.args[0]): self.value(v, kind.args[1]) for k, v in value.items()}
        if name == "row":
            if not isinstance(value, dict):
                raise Bad(text_of(value))
            found = self.by_place(value, [n for n, _ in kind.args])
            return {n: self.value(found.get(place), k) for place, (n, k) in enumerate(kind.args)}
        if isinstance(value, (dict, list)):
            raise Bad(text_of(value))
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        if name in values.BITS or name in ("double", "real"):
            return self._number(value, text, name)
        return self._scalar(text, kind)

    def _key(self, text: str, kind: Type) -> Any:
        if kind.name in values.BITS:
            return values.java_whole(text, kind.name)
        return values.number(values.java_double(text)) if kind.name in ("double", "real") else self._scalar(text, kind)

    def _number(self, value: Any, text: str, name: str) -> Any:
        """A number of JSON; a text is none."""
        if not isinstance(value, Literal):
            raise Bad(text)
        if name == "tinyint":  # a byte of Java's reader: 128 to 255 are the negative ones
            byte = values.truncated(text)
            return byte - 256 if 127 < byte < 256 else values.in_range(byte, name, text)
        if name in values.BITS:
            return values.in_range(values.truncated(text), name, text)
        return values.number(float(text))

    def _scalar(self, text: str, kind: Type) -> Any:
        name = kind.name
        if name in ("varchar", "char"):
            return values.cut(text, kind)
        if name == "boolean":
            return text.lower() == "true"
        if name == "decimal":
            try:
                values.big_decimal(text)
            except Bad:
                return None
            return values.decimal(text, kind)
        if name == "date":
            return values.shown(values.hive_date(text))
        if name == "timestamp":
            return values.shown(values.by_patterns(text.strip(), self.patterns) or values.hive_timestamp(text))
        if name == "varbinary":
            return base64.b64encode(text.encode()).decode()
        return text
