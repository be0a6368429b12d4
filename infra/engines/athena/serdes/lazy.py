"""LazySimpleSerDe: delimited text. What is none of its column's type is NULL.

Sources: https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html, Trino's SimpleDeserializer and text encodings
(https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import values
from infra.engines.athena.serdes.values import Bad
from infra.engines.athena.types import Type

_DEEPER = [*range(1, 9), 11, *range(14, 27), *range(28, 32)]
_WHOLE = re.compile(r"([+-]?)(?=.)0*([0-9]*)(?:\.[0-9]*)?")
_SHORTEST_TIMESTAMP = 8


def separator(text: str | None, default: int) -> str:
    """A delimiter property: a character, or its number as text."""
    if not text:
        return chr(default)
    return chr(int(text)) if re.fullmatch(r"[0-9]{1,3}", text) and int(text) < 128 else text[0]


def whole(text: str, name: str) -> int | None:
    """A whole number; what follows its point is left out, if it is digits. None for all else."""
    match = _WHOLE.fullmatch(text)
    if not match or len(match[2]) > 19:
        return None
    number = int(match[1] + (match[2] or "0"))
    return number if -(1 << values.BITS[name]) <= number < 1 << values.BITS[name] else None


class Lazy:
    """The rows of one table: separators by depth, an escape character, a text for NULL."""

    def __init__(self, properties: dict[str, str], columns: list[tuple[str, Type]], wanted: list[str]):
        get = properties.get
        self.separators = [
            separator(get("field.delim") or get("serialization.format"), 1),
            separator(get("collection.delim") or get("colelction.delim"), 2),
            separator(get("mapkey.delim"), 3),
            *map(chr, _DEEPER[3:]),
        ]
        escape = get("escape.delim")
        self.escape = separator(escape, 92) if escape is not None else ""
        self.null = get("serialization.null.format", "\\N")
        self.takes_rest = get("serialization.last.column.takes.rest", "").lower() == "true"
        self.more_booleans = get("hive.lazysimple.extended_boolean_literal", "").lower() == "true"
        self.patterns = values.patterns_of(get("timestamp.formats"))
        self.width = len(columns)
        kinds = dict(columns)
        places = {name: place for place, (name, _) in enumerate(columns)}
        self.wanted = [(name, places[name], kinds[name]) for name in wanted]

    def rows(self, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
        """A row a line: missing fields are NULL, fields too many are left out. Raises QueryError."""
        for line in lines:
            fields = self.parts(line, self.separators[0], self.width if self.takes_rest else 0)
            yield {
                name: self.value(fields[place], kind, 1) if place < len(fields) else None
                for name, place, kind in self.wanted
            }

    def parts(self, text: str, delimiter: str, most: int = 0) -> list[str]:
        """A text at its delimiters; the character after an escape is none. `most`: the last part takes the rest."""
        if not self.escape or self.escape not in text:
            return text.split(delimiter, most - 1 if most else -1)
        found: list[str] = []
        start = at = 0
        while at < len(text):
            if text[at] == delimiter and (not most or len(found) < most - 1):
                found.append(text[start:at])
                start = at + 1
            elif text[at] == self.escape:
                at += 1
            at += 1
        return [*found, text[start:]]

    def value(self, text: str, kind: Type, depth: int) -> Any:
        """A field's value; `depth` is the place of its first separator."""
        if text == self.null:
            return None
        name = kind.name
        if name == "array":
            items = self.parts(text, self.separators[depth]) if text else []
            return [self.value(item, kind.element, depth + 1) for item in items]
        if name == "row":
            items = self.parts(text, self.separators[depth], len(kind.args) if self.takes_rest else 0)
            given = [*items, *[self.null] * len(kind.args)]
            return {n: self.value(v, k, depth + 1) for (n, k), v in zip(kind.args, given, strict=False)}
        if name == "map":
            return self._map(text, kind, depth)
        return self.scalar(text, kind)

    def _map(self, text: str, kind: Type, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for item in self.parts(text, self.separators[depth]) if text else []:
            pair = self.parts(item, self.separators[depth + 1], 2)
            key = self.value(pair[0], kind.args[0], depth + 2)
            if key is not None and key not in found:
                found[key] = self.value(pair[1], kind.args[1], depth + 2) if len(pair) > 1 else None
        return found

    def scalar(self, text: str, kind: Type) -> Any:
        name = kind.name
        if name in ("varchar", "char"):
            return values.cut(self.unescaped(text), kind)
        if name == "boolean":
            return self._boolean(text)
        if name == "varbinary":
            return _binary(text)
        if name in values.BITS:
            return whole(text, name)
        try:
            return scalar(text, kind, self.patterns)
        except Bad:
            return None

    def unescaped(self, text: str) -> str:
        if not self.escape or self.escape not in text:
            return text
        return re.sub(re.escape(self.escape) + "(.)", r"\1", text, flags=re.DOTALL)

    def _boolean(self, text: str) -> bool | None:
        found = {"true": True, "false": False}.get(text.lower())
        if found is None and self.more_booleans:
            return {"t": True, "1": True, "f": False, "0": False}.get(text.lower())
        return found


def scalar(text: str, kind: Type, patterns: list[str]) -> Any:
    """A number with a fraction, a date or a timestamp. Raises Bad."""
    if kind.name == "decimal":
        return values.decimal(text, kind)
    if kind.name in ("double", "real"):
        return values.number(values.java_double(text))
    if kind.name == "date":
        return values.shown(values.hive_date(text))
    if kind.name == "timestamp":
        if len(text) < _SHORTEST_TIMESTAMP:
            raise Bad(text)
        return values.shown(values.by_patterns(text.strip(), patterns) or values.hive_timestamp(text))
    return text


def _binary(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise QueryError("HIVE_CURSOR_ERROR", "Illegal base64 character in a column of type binary") from None
    return text
