"""OpenX's JSON SerDe: lenient about syntax and types.

Sources: https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html, Trino's OpenXJsonDeserializer and JsonReader, which are
made to answer as the original does (https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import values
from infra.engines.athena.serdes.lenient import Literal, Malformed, read
from infra.engines.athena.serdes.values import Bad
from infra.engines.athena.types import Type

MALFORMED = "Row is not a valid JSON Object"
_ZONED = re.compile(r"([+-]?[0-9]+-[0-9]+-[0-9]+T[0-9:.]+?)(?:Z|([+-])([0-9]{2}):?([0-9]{2}))", re.IGNORECASE)
_MILLIS_LENGTH = 13
_STRICT = json.JSONDecoder(strict=False, parse_float=Literal, parse_int=Literal, parse_constant=Literal)


def parse(text: str) -> Any:
    """The first JSON value of a text: dicts, lists, strings, Literals for what is not quoted, booleans, None. Raises Malformed."""
    try:
        return _STRICT.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return read(text)


class OpenX:
    """The rows of one table: what its SerDe's properties say, applied to lines."""

    def __init__(self, serde: dict[str, str], columns: list[tuple[str, Type]], wanted: list[str]):
        def says(name: str, default: str) -> bool:
            return serde.get(name, default).lower() == "true"

        self.any_case = says("case.insensitive", "true")
        self.dots = says("dots.in.keys", "false")
        self.skips_malformed = says("ignore.malformed.json", "false")
        self.null_for_bad = says("use.null.for.invalid.data", "false") or not says("strict.parsing", "true")
        self.keys = {k.removeprefix("mapping.").lower(): v for k, v in serde.items() if k.startswith("mapping.")}
        self.patterns = [_java_pattern(p) for p in values.patterns_of(serde.get("timestamp.formats"))]
        places = {name: place for place, (name, _) in enumerate(columns)}
        kinds = dict(columns)
        self.wanted = [(name, places[name], kinds[name]) for name in wanted]

    def rows(self, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
        """A row a line; lines with nothing on them are none. Raises QueryError."""
        for line in lines:
            text = line.strip()
            if text:
                yield self.row(text)

    def row(self, text: str) -> dict[str, Any]:
        parsed: Any = None
        if text[0] in "{[":
            try:
                parsed = parse(text)
            except Malformed:
                if not self.skips_malformed:
                    raise QueryError("HIVE_CURSOR_ERROR", MALFORMED) from None
        if isinstance(parsed, dict):
            find = self.finder(parsed)
            found = [find(name) for name, _, _ in self.wanted]
        else:
            items = parsed if isinstance(parsed, list) else []
            found = [items[place] if place < len(items) else None for _, place, _ in self.wanted]
        row: dict[str, Any] = {}
        for (name, place, kind), value in zip(self.wanted, found, strict=True):
            try:
                row[name] = self.value(value, kind)
            except Bad as error:
                raise bad_value(error.text, place) from None
        return row

    def finder(self, record: dict[str, Any]) -> Any:
        """A function that finds the value of a column or field in a JSON object."""
        by_key = {key.lower(): value for key, value in record.items()} if self.any_case else record
        dotted = [key for key in record if "." in key] if self.dots else []

        def find(name: str) -> Any:
            key = self.keys.get(name, name)
            key = key.lower() if self.any_case else key
            if key in by_key:
                return by_key[key]
            if dotted and "_" in name:
                for other in dotted:
                    plain = other.replace(".", "_")
                    if (plain.lower() if self.any_case else plain) == name:
                        return record[other]
            return None

        return find

    def value(self, value: Any, kind: Type) -> Any:
        """A JSON value as the column type wants it. Raises Bad."""
        if value is None:
            return None
        name = kind.name
        if name == "array":
            if value == "":
                return None
            return [self.value(item, kind.element) for item in (value if isinstance(value, list) else [value])]
        if name == "map":
            return self._map(value, kind)
        if name == "row":
            return self._record(value, kind)
        if name in ("varchar", "char"):
            return values.cut(text_of(value), kind)
        if name == "boolean":
            return str(value).lower() == "true"
        if isinstance(value, (dict, list)):
            raise Bad(text_of(value))
        text = text_of(value) if isinstance(value, bool) else str(value)
        try:
            return self._scalar(text, kind, isinstance(value, Literal))
        except Bad:
            if self.null_for_bad:
                return None
            raise

    def _map(self, value: Any, kind: Type) -> Any:
        if isinstance(value, str) and not value.strip():
            return None
        if not isinstance(value, dict):
            raise Bad(text_of(value))
        found: dict[Any, Any] = {}
        for key, item in value.items():
            made = self.value(key, kind.args[0])
            if made is not None:
                found.pop(made, None)
                found[made] = self.value(item, kind.args[1])
        return found

    def _record(self, value: Any, kind: Type) -> dict[str, Any]:
        if isinstance(value, dict):
            find = self.finder(value)
            return {n: self.value(find(n.lower()), k) for n, k in kind.args}
        if isinstance(value, list):
            items = [*value, *[None] * len(kind.args)]
            return {n: self.value(item, k) for (n, k), item in zip(kind.args, items, strict=False)}
        if isinstance(value, str) and not value.strip():
            return {n: None for n, _ in kind.args}
        raise Bad(text_of(value))

    def _scalar(self, text: str, kind: Type, unquoted: bool) -> Any:
        name = kind.name
        if name in values.BITS:
            return _whole(text, name)
        if name == "decimal":  # what is no decimal, or does not fit, is NULL, unlike other numbers
            try:
                return values.decimal(text, kind)
            except Bad:
                return None
        if name in ("double", "real"):
            return values.number(values.java_double(text))
        if name == "date":
            return values.shown(_date(text))
        if name == "timestamp":
            return values.shown(values.by_patterns(text, self.patterns) or timestamp(text))
        if name == "varbinary":
            return _binary(text, unquoted)
        return text


def _whole(text: str, name: str) -> int:
    try:
        return values.in_range(_based(text), name, text)
    except ValueError:
        return values.in_range(values.truncated(text), name, text)


def _based(text: str) -> int:
    """A whole number, hexadecimal after 0x, octal after 0. Raises ValueError."""
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
        return int(text[2:], 16)
    if re.fullmatch(r"0[0-7]+", text):
        return int(text, 8)
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(text)
    return int(text)


def _date(text: str) -> date:
    try:
        return values.hive_date(text)
    except Bad:
        try:
            return date(1970, 1, 1) + timedelta(days=_based(text))
        except (ValueError, OverflowError):
            raise Bad(text) from None


def timestamp(text: str) -> datetime:
    """Hive's and ISO's forms, with a zone too; seconds with a fraction, whole seconds, or 13 digits and more of milliseconds. Raises Bad."""
    if text.find(":") > 0:
        match = _ZONED.fullmatch(text)
        if not match:
            return values.hive_timestamp(text)
        moment = values.hive_timestamp(match[1])
        if match[2] is None:
            return moment
        return moment - timedelta(hours=int(match[3]), minutes=int(match[4])) * (-1 if match[2] == "-" else 1)
    if not re.fullmatch(r"[-+.0-9]+", text):
        raise Bad(text)
    if "." in text:
        return values.from_millis(int(values.big_decimal(text).scaleb(3)), text)
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise Bad(text)
    return values.from_millis(int(text) * (1 if len(text) >= _MILLIS_LENGTH else 1000), text)


def _binary(text: str, unquoted: bool) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(text) from None
    if unquoted:
        raise Bad(text)
    return text


def _java_pattern(pattern: str) -> str:
    """A form of java.time as Joda writes it: offsets are X there and Z here."""
    parts = pattern.split("'")
    return "'".join(re.sub("X+", "Z", part) if at % 2 == 0 else part for at, part in enumerate(parts))


def bad_value(text: str, place: int) -> QueryError:
    return QueryError(
        "HIVE_BAD_DATA", f"Error parsing field value '{text}' for field {place}: For input string: \"{text}\""
    )


def text_of(value: Any) -> str:
    """A JSON value as text: strings as they are, numbers as they are written, objects and arrays without blanks."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Literal):
        return value.canonical()
    if isinstance(value, str):
        return value
    return _written(value)


def _written(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(k)}:{_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Literal):
        return value.canonical() if value.is_plain else _string(value)
    return _string(value)


def _string(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False).replace("</", "<\\/")
