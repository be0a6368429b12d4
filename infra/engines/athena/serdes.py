"""Text files line by line, exactly as Athena's SerDes read them.

DuckDB reads regular files much faster; this is for those that it would read otherwise: malformed lines, several objects on a line,
keys in another case, escapes, collections in CSV. The rows are written as plain JSON lines, which DuckDB then reads.
Sources: https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html, https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html,
https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import re
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO

from .errors import QueryError
from .types import Type

CHUNK = 16 << 20
OVERLAP = 1 << 10
KEPT = 20_000  # files whose findings are remembered; an object's file never changes
MALFORMED = "Row is not a valid JSON Object"
_BOUNDS = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}
_found: OrderedDict[tuple[str, Any], Any] = OrderedDict()
_found_lock = threading.Lock()


def opened(path: Path, compression: str) -> BinaryIO:
    """The bytes of a file, without its compression."""
    if compression == "gzip":
        return gzip.open(path, "rb")
    if compression == "bzip2":
        return bz2.open(path, "rb")
    if compression == "zstd":
        import pyarrow

        return io.BufferedReader(pyarrow.input_stream(str(path), compression="zstd"))
    return open(path, "rb")


def _chunks(path: Path, compression: str) -> Iterator[bytes]:
    """The bytes of a file in chunks that overlap a little, so that a key is whole in one of them."""
    try:
        with opened(path, compression) as file:
            tail = b""
            while data := file.read(CHUNK):
                yield tail + data
                tail = data[-OVERLAP:]
    except (EOFError, zlib.error, OSError) as error:
        raise damaged(error) from None


def damaged(error: Exception) -> QueryError:
    """What Athena says about a compressed file that cannot be read to its end."""
    if isinstance(error, FileNotFoundError):
        return QueryError("HIVE_CANNOT_OPEN_SPLIT", "Error opening Hive split: The specified key does not exist")
    if isinstance(error, EOFError):
        return QueryError("HIVE_CURSOR_ERROR", "Unexpected end of input stream")
    return QueryError("HIVE_CURSOR_ERROR", "incorrect header check")


def _remembered(path: Path, question: Any, answer: Callable[[], Any]) -> Any:
    key = (str(path), question)
    with _found_lock:
        if key in _found:
            _found.move_to_end(key)
            return _found[key]
    value = answer()
    with _found_lock:
        _found[key] = value
        while len(_found) > KEPT:
            _found.popitem(last=False)
    return value


def key_forms(path: Path, compression: str, names: list[str]) -> dict[str, str | None]:
    """How a JSON file writes keys given in lower case: itself if it is not there, None if in several ways. Reads the file at most once."""
    with _found_lock:
        known = {name: _found.get((str(path), ("key", name)), ...) for name in names}
    unknown = [name for name, form in known.items() if form is ...]
    if unknown:
        fresh = _key_forms(path, compression, unknown)
        for name in unknown:
            known[name] = _remembered(path, ("key", name), lambda name=name: fresh[name])
    return known


def _key_forms(path: Path, compression: str, names: list[str]) -> dict[str, str | None]:
    quoted = {name: json.dumps(name, ensure_ascii=False).encode() for name in names}
    variants: dict[str, set[bytes]] = {name: set() for name in names}
    for data in _chunks(path, compression):
        lowered = data.lower()
        for name, key in quoted.items():
            if lowered.count(key) != data.count(key):
                variants[name].update(re.findall(rb"(?i)(" + re.escape(key) + rb")\s*:", data))
            elif key in data:
                variants[name].add(key)
    return {
        name: json.loads(next(iter(found))) if len(found) == 1 else None if found else name
        for name, found in variants.items()
    }


def holds(path: Path, compression: str, *patterns: bytes) -> bool:
    """Whether a file holds one of some byte patterns."""
    return _remembered(
        path, ("holds", patterns), lambda: any(p in data for data in _chunks(path, compression) for p in patterns)
    )


def rows(path: Path, compression: str) -> Iterator[str]:
    """The lines of a file, without their ends. Raises QueryError for a damaged file."""
    try:
        with opened(path, compression) as file:
            for number, line in enumerate(file):
                if number == 0:
                    line = line.removeprefix(codecs.BOM_UTF8)
                yield line.rstrip(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
    except (EOFError, zlib.error, OSError) as error:
        raise damaged(error) from None


# --- values ---------------------------------------------------------------------------------------------------------


class _Bad(Exception):
    """A value that is none of its column's type."""

    def __init__(self, value: Any):
        self.text = value if isinstance(value, str) else _json_text(value)


def _json_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_number_text)


def _number_text(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def bad_value(text: str, column: int) -> QueryError:
    return QueryError(
        "HIVE_BAD_DATA", f"Error parsing field value '{text}' for field {column}: For input string: \"{text}\""
    )


def _integer(value: Any, name: str) -> int:
    text = str(value).strip() if not isinstance(value, (dict, list, bool)) else ""
    try:
        number = int(text, 16) if text[:2].lower() == "0x" else int(Decimal(text).to_integral_value(ROUND_DOWN))
    except (InvalidOperation, ValueError, OverflowError):
        raise _Bad(value) from None
    if not -(1 << _BOUNDS[name]) <= number < 1 << _BOUNDS[name]:
        raise _Bad(value)
    return number


def _decimal(value: Any, kind: Type) -> str:
    precision, scale = kind.args
    try:
        number = Decimal(str(value).strip()).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    except (InvalidOperation, ValueError):
        raise _Bad(value) from None
    if len(number.as_tuple().digits) > precision:
        raise _Bad(value)
    return f"{number:f}"


def _float(value: Any) -> float | str:
    text = str(value).strip()
    try:
        number = float(text.rstrip("dDfF") if text[-1:] in "dDfF" and text[:1] not in "nNiI-" else text)
    except ValueError:
        raise _Bad(value) from None
    return number if number - number == 0 else str(number)


def timestamp(value: Any) -> str:
    """A JSON value as a timestamp text: ISO and Hive forms, seconds with a fraction, whole seconds or milliseconds."""
    text = str(value).strip()
    if ":" in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise _Bad(value) from None
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return moment.isoformat(" ", "milliseconds")
    try:
        if "." in text:
            milliseconds = int(Decimal(text).scaleb(3).to_integral_value(ROUND_DOWN))
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return f"{text} 00:00:00.000"
        else:
            milliseconds = int(text) * (1 if len(text) >= 13 else 1000)
        return (datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)).isoformat(" ", "milliseconds")
    except (InvalidOperation, ValueError, OverflowError):
        raise _Bad(value) from None


def _date(value: Any) -> str:
    text = str(value).strip()
    try:
        if re.fullmatch(r"-?\d+", text):
            return (date(1970, 1, 1) + timedelta(days=int(text))).isoformat()
        return date.fromisoformat(text[:10]).isoformat()
    except (ValueError, OverflowError):
        raise _Bad(value) from None


def json_value(value: Any, kind: Type) -> Any:
    """A JSON value as the column type wants it (OpenX's coercions). Raises _Bad."""
    if value is None:
        return None
    name = kind.name
    if name == "array":
        if value == "":
            return None
        return [json_value(item, kind.element) for item in (value if isinstance(value, list) else [value])]
    if name in ("map", "row"):
        if isinstance(value, str) and not value.strip():
            return None
        if name == "row" and isinstance(value, list):
            return {n: json_value(v, k) for (n, k), v in zip(kind.args, value, strict=False)}
        if not isinstance(value, dict):
            raise _Bad(value)
        if name == "map":
            return {key: json_value(item, kind.args[1]) for key, item in value.items()}
        folded = {key.lower(): item for key, item in value.items()}
        return {n: json_value(folded.get((n or "").lower()), k) for n, k in kind.args}
    if name in ("varchar", "char"):
        if isinstance(value, str):
            return value
        return str(value) if isinstance(value, Decimal) else _json_text(value)
    if name == "boolean":
        return str(value).lower() == "true"
    if isinstance(value, (dict, list)):
        raise _Bad(value)
    if name in _BOUNDS:
        return _integer(value, name)
    if name == "decimal":
        return _decimal(value, kind)
    if name in ("double", "real"):
        return _float(value)
    if name == "timestamp":
        return timestamp(value)
    if name == "date":
        return _date(value)
    return value


def json_rows(
    lines: Iterator[str], columns: list[tuple[str, str, Type]], positions: dict[str, int], ignore_malformed: bool
) -> Iterator[dict[str, Any]]:
    """Rows of JSON lines: only the first object of a line counts, keys in any case, absent keys are NULL.

    Parameters
    ----------
    columns: (column, key, type) of the columns that are read; positions: column → its place in the table, from 0

    Raises QueryError HIVE_CURSOR_ERROR for a malformed line, HIVE_BAD_DATA for a value of a wrong type.
    """
    decoder = json.JSONDecoder(parse_float=Decimal)
    for line in lines:
        text = line.strip()
        if not text:
            continue
        parsed: Any = None
        if text[0] in "{[":
            try:
                parsed, _ = decoder.raw_decode(text)
            except ValueError:
                if not ignore_malformed:
                    raise QueryError("HIVE_CURSOR_ERROR", MALFORMED) from None
        row: dict[str, Any] = {}
        if isinstance(parsed, dict):
            folded = {key.lower(): value for key, value in parsed.items()}
        elif isinstance(parsed, list):
            folded = {key.lower(): parsed[positions[n]] for n, key, _ in columns if positions[n] < len(parsed)}
        else:
            folded = {}
        for name, key, kind in columns:
            try:
                row[name] = json_value(folded.get(key.lower()), kind)
            except _Bad as error:
                raise bad_value(error.text, positions[name]) from None
        yield row


# --- delimited text -------------------------------------------------------------------------------------------------


def split_escaped(line: str, delimiter: str, escape: str) -> list[str]:
    """The fields of a line; a character after the escape character is taken as it is, both are kept."""
    if not escape or escape not in line:
        return line.split(delimiter)
    fields, start, at = [], 0, 0
    while at < len(line):
        if line[at] == escape:
            at += 2
            continue
        if line.startswith(delimiter, at):
            fields.append(line[start:at])
            at += len(delimiter)
            start = at
            continue
        at += 1
    return [*fields, line[start:]]


class LazyText:
    """LazySimpleSerDe's rules: separators by depth, an escape character, a text for NULL; what does not parse is NULL."""

    def __init__(self, parameters: dict[str, str]):
        delimiter = parameters.get("field.delim") or parameters.get("serialization.format") or "\x01"
        self.delimiter = _delimiter(delimiter)
        self.collection = _delimiter(parameters.get("collection.delim") or parameters.get("colelction.delim") or "\x02")
        self.key = _delimiter(parameters.get("mapkey.delim") or "\x03")
        self.escape = parameters.get("escape.delim", "")
        self.null = parameters.get("serialization.null.format", "\\N")

    def rows(self, lines: Iterator[str], columns: list[tuple[str, int, Type]]) -> Iterator[dict[str, Any]]:
        """Rows of lines: `columns` are (name, place in the line from 0, type); missing fields are NULL."""
        for line in lines:
            fields = split_escaped(line, self.delimiter, self.escape)
            yield {
                name: self.value(fields[place], kind, 0) if place < len(fields) else None
                for name, place, kind in columns
            }

    def value(self, text: str, kind: Type, depth: int) -> Any:
        if text == self.null:
            return None
        if kind.name in ("varchar", "char"):
            return re.sub(re.escape(self.escape) + "(.)", r"\1", text) if self.escape and self.escape in text else text
        if kind.name == "array":
            return [self.value(v, kind.element, depth + 1) for v in self.items(text, depth)] if text else []
        if kind.name == "row":
            parts = self.items(text, depth)
            return {n: self.value(v, k, depth + 1) for (n, k), v in zip(kind.args, parts, strict=False)}
        if kind.name == "map":
            separator = self.key if depth == 0 else chr(depth + 3)
            pairs = [split_escaped(item, separator, self.escape) for item in self.items(text, depth)] if text else []
            return {pair[0]: self.value(pair[1], kind.args[1], depth + 2) if len(pair) > 1 else None for pair in pairs}
        if kind.name == "boolean":
            return {"true": True, "false": False}.get(text.lower())
        if kind.name == "varbinary":
            return text
        try:
            return json_value(text, kind) if text else None
        except _Bad:
            return None

    def items(self, text: str, depth: int) -> list[str]:
        return split_escaped(text, self.collection if depth == 0 else chr(depth + 2), self.escape)


def _delimiter(text: str) -> str:
    """A delimiter property: a character, or its number as text."""
    return chr(int(text)) if text.isdigit() else text


def csv_rows(
    lines: Iterator[str], parameters: dict[str, str], columns: list[tuple[str, int, Type]]
) -> Iterator[dict[str, Any]]:
    """Rows as OpenCSVSerde reads them: every field is text, what is no string must parse. Raises QueryError HIVE_BAD_DATA."""
    separator = parameters.get("separatorChar", ",")
    quote = parameters.get("quoteChar", '"')
    escape = parameters.get("escapeChar", "\\")
    reader = csv.reader(
        (line + "\n" for line in lines), delimiter=separator, quotechar=quote or None, doublequote=True,
        escapechar=escape if escape and escape != quote else None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )  # fmt: skip
    for fields in reader:
        yield {
            name: _csv_value(fields[place] if place < len(fields) else None, kind, place)
            for name, place, kind in columns
        }


def _csv_value(text: str | None, kind: Type, place: int) -> Any:
    if text is None or kind.name in ("varchar", "char"):
        return text
    try:
        if kind.name == "timestamp":  # milliseconds since 1970, as the page of the SerDe says
            return (datetime(1970, 1, 1) + timedelta(milliseconds=_integer(text, "bigint"))).isoformat(
                " ", "milliseconds"
            )
        return json_value(text, kind)
    except (_Bad, OverflowError):
        raise bad_value(text, place) from None


def without_header(lines: Iterator[str], count: int) -> Iterator[str]:
    for _ in range(count):
        next(lines, None)
    return lines


def write_plain(found: Iterator[dict[str, Any]], path: Path, cancelled: threading.Event) -> None:
    """Write rows as JSON lines that DuckDB reads without surprises; stops when `cancelled` is set."""
    with open(path, "w", encoding="utf-8") as file:
        for number, row in enumerate(found):
            if number % 1000 == 0 and cancelled.is_set():
                return
            file.write(json.dumps(row, ensure_ascii=False))
            file.write("\n")
