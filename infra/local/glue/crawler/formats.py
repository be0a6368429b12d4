"""What a crawler reads of one file: its format, compression, schema and size in records.

Classifiers are tried in AWS's order: custom ones, then Avro, ORC, Parquet, JSON, CSV; what none of them knows is UNKNOWN.
Source: https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

from __future__ import annotations

import bz2
import csv
import io
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from infra.local.glue.crawler.schema import (
    NULL,
    Schema,
    Type,
    json_schema,
    json_type,
    merge,
    merge_schemas,
    render,
    text_type,
)

SAMPLE_BYTES = 1 << 20  # what is read of a text file first …
MOST_SAMPLE_BYTES = 10 << 20  # … growing up to this while no whole record was found
CSV_ROWS = 1000
CSV_DELIMITERS = (",", "|", "\t", ";", "\x01")
HEADER_CELL_LENGTH = 150
UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Classifier:
    """A custom classifier: `kind` is JsonClassifier or CsvClassifier, `settings` its members in the API."""

    kind: str
    settings: dict[str, Any]


@dataclass
class Content:
    """What was found in one file, or in many alike: `combine` adds them up.

    records: how many there are (estimated from the sample for large text files)
    record_bytes: their size, uncompressed
    keys: the JSON keys in original case
    parameters: what the classifier adds to the table's parameters
    serde: the classifier's own SerDe, when it is not the format's
    skipped: lines that are not of the format
    """

    classification: str = UNKNOWN
    compression: str = "none"
    schema: Schema = field(default_factory=dict)
    records: int = 0
    record_bytes: int = 0
    keys: set[str] = field(default_factory=set)
    parameters: dict[str, str] = field(default_factory=dict)
    serde: str = ""
    skipped: int = 0

    @property
    def kind(self) -> tuple[str, str, str]:
        """Files of different kinds never make one table."""
        return self.classification, self.compression, self.parameters.get("delimiter", "")

    def combine(self, other: Content) -> Content:
        return Content(
            self.classification,
            self.compression,
            merge_schemas(self.schema, other.schema),
            self.records + other.records,
            self.record_bytes + other.record_bytes,
            self.keys | other.keys,
            self.parameters,
            self.serde,
            self.skipped + other.skipped,
        )


def read(path: Path, size: int, classifiers: Sequence[Classifier] = (), sample: int = SAMPLE_BYTES) -> Content:
    """Classify one file.

    Parameters
    ----------
    path: the file
    size: its bytes
    classifiers: custom classifiers, in the crawler's order
    sample: bytes to read of a text file at first
    """
    with open(path, "rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:3] == b"ORC":
            return _orc(path, size)
        if start == b"PAR1":
            return _parquet(path, size)
        if start == b"Obj\x01":
            return _avro(file, size)
        while True:
            text, compression, consumed = _text(file, sample)
            whole = consumed >= size
            found = _classify(text, whole, classifiers) if text.strip() else None
            if found is not None or whole or sample >= MOST_SAMPLE_BYTES or b"\0" in text:
                break
            sample = min(sample + SAMPLE_BYTES, MOST_SAMPLE_BYTES)
    if found is None:
        return Content(compression=compression)
    found.compression = compression
    if not whole:
        found.records = max(found.records, found.records * size // consumed)
        found.record_bytes = max(found.record_bytes, found.record_bytes * size // consumed)
    return found


def _classify(text: bytes, whole: bool, classifiers: Sequence[Classifier]) -> Content | None:
    if b"\0" in text:
        return None
    for classifier in classifiers:
        if classifier.kind == "JsonClassifier":
            found = _json(text, whole, classifier.settings["JsonPath"])
        else:
            found = _csv(text, whole, classifier.settings)
        if found is not None:
            return found
    if text.lstrip()[:1] == b"{":
        return _json(text, whole)
    return _json(text, whole) or _csv(text, whole)


# --- compression ----------------------------------------------------------------------------------------------------


def _text(file: BinaryIO, sample: int) -> tuple[bytes, str, int]:
    """Return the uncompressed start of a file, its compression, and how many bytes of the file that took."""
    file.seek(0)
    raw = file.read(sample)
    if raw[:2] == b"\x1f\x8b":
        text, consumed = _inflate(raw, sample)
        return text, "gzip", consumed
    if raw[:3] == b"BZh":
        return _bunzip(raw), "bzip2", len(raw)
    if raw[:4] == b"PK\x03\x04":
        return _unzip(file, sample)
    return raw, "none", len(raw)


def _inflate(raw: bytes, sample: int) -> tuple[bytes, int]:
    """Return the start of what a gzip file holds, and how many bytes of it that took.

    A file that is cut off or damaged gives what comes before the damage.
    """
    out = bytearray()
    left = raw
    while left and len(out) < sample:
        stream = zlib.decompressobj(wbits=31)
        try:
            out += stream.decompress(left, sample - len(out))
        except zlib.error:
            return bytes(out), len(raw)
        if not stream.eof:
            left = stream.unconsumed_tail
            break
        left = stream.unused_data  # the next member
    return bytes(out), len(raw) - len(left)


def _bunzip(raw: bytes) -> bytes:
    try:
        return bz2.BZ2Decompressor().decompress(raw, MOST_SAMPLE_BYTES)
    except OSError:
        return b""


def _unzip(file: BinaryIO, sample: int) -> tuple[bytes, str, int]:
    """A ZIP archive is read when it holds one file, as on AWS."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) != 1:
                return b"", "zip", sample
            with archive.open(members[0]) as member:
                text = member.read(sample)
            share = max(1, len(text) * members[0].compress_size // max(1, members[0].file_size))
            whole = len(text) == members[0].file_size
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        return b"", "zip", sample
    return text, "zip", file.seek(0, io.SEEK_END) if whole else share


# --- JSON -----------------------------------------------------------------------------------------------------------

_decoder = json.JSONDecoder()
_blank = re.compile(r"[\s,]*")
_path_step = re.compile(r"\.(\*|[\w$-]+)|\[(\*|\d+)\]|\['([^']+)'\]")


def json_path(path: str) -> list[str | int]:
    """Return the steps of a JSON classifier's path: a name, a number, or `*` for all.

    Supported are `$`, `.name`, `['name']`, `[3]`, `[*]` and `.*`. Raises ValueError.
    """
    steps: list[str | int] = []
    at = 1
    if not path.startswith("$"):
        raise ValueError("A JSON path starts with $.")
    while at < len(path):
        match = _path_step.match(path, at)
        if match is None:
            raise ValueError(f"The JSON path {path} is not valid.")
        step = match[1] or match[2] or match[3]
        steps.append(int(step) if match[2] and step != "*" else step)
        at = match.end()
    return steps


def _follow(value: Any, steps: Sequence[str | int]) -> list[Any]:
    found = [value]
    for step in steps:
        following = []
        for each in found:
            if step == "*":
                following += each if isinstance(each, list) else each.values() if isinstance(each, dict) else []
            elif isinstance(step, int):
                following += each[step : step + 1] if isinstance(each, list) else []
            elif isinstance(each, dict) and step in each:
                following.append(each[step])
        found = following
    return found


def _json(text: bytes, whole: bool, path: str | None = None) -> Content | None:
    """Read JSON: one value a line, or values one after the other, or one document; with a classifier's path, what it points to."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] not in (b"{", b"["):
        return None
    values, skipped = _json_values(text, whole)
    if path is not None:
        steps = json_path(path)
        values = [found for value in values for found in _follow(value, steps)]
    records = [value for value in values if isinstance(value, dict)]
    arrays = [value for value in values if isinstance(value, list)]
    skipped += len(values) - len(records) - len(arrays)
    if len(records) + len(arrays) <= skipped or not values:
        return None
    schema, keys = json_schema(records)
    if arrays:
        kind: Type = [NULL]
        for value in arrays:
            kind = merge(kind, json_type(value))
        schema["array"] = merge(schema.get("array", NULL), kind)
        keys.add("array")
    parameters = {} if path is None else {"jsonPath": path}
    return Content("json", "none", schema, len(records) + len(arrays), len(text), keys, parameters, skipped=skipped)


def _json_values(text: bytes, whole: bool) -> tuple[list[Any], int]:
    """Return the JSON values of a text, and how many lines are none."""
    lines = text.split(b"\n")
    complete = [line for line in (lines if whole else lines[:-1]) if line and not line.isspace()]
    try:  # all lines at once is three times as fast as one by one
        values = orjson.loads(b"[%s]" % b",".join(complete))
        if values:
            return values, 0
    except orjson.JSONDecodeError:
        pass
    values = []
    skipped = 0
    for number, line in enumerate(lines):
        if not line or line.isspace():
            continue
        try:
            values.append(orjson.loads(line))
            continue
        except orjson.JSONDecodeError:
            pass
        in_line, rest = _concatenated(line)
        is_cut_off = not whole and number == len(lines) - 1
        if not values and not in_line and not skipped:  # the first line is no value: it is one document of many lines
            return _document(text, whole)
        values += in_line
        skipped += bool(rest) and not is_cut_off
    return values, skipped


def _document(text: bytes, whole: bool) -> tuple[list[Any], int]:
    values, rest = _concatenated(text)
    return values, int(bool(rest) and whole)


def _concatenated(text: bytes) -> tuple[list[Any], str]:
    """Return the values that stand one after the other, and the rest that is none."""
    decoded = text.decode("utf-8", "replace")
    values = []
    at = _blank.match(decoded).end()  # type: ignore[union-attr]
    while at < len(decoded):
        if decoded[at] not in "{[":
            return values, decoded[at:]
        try:
            value, at = _decoder.raw_decode(decoded, at)
        except (ValueError, RecursionError):
            return values, decoded[at:]
        values.append(value)
        at = _blank.match(decoded, at).end()  # type: ignore[union-attr]
    return values, ""


# --- CSV ------------------------------------------------------------------------------------------------------------


def _csv(text: bytes, whole: bool, settings: dict[str, Any] | None = None) -> Content | None:
    """Read separated values, by the built-in rules or a CSV classifier's settings."""
    settings = settings or {}
    try:
        decoded = text.decode("utf-8-sig") if whole else _without_cut(text).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    delimiters = (settings["Delimiter"],) if settings.get("Delimiter") else CSV_DELIMITERS
    quote = settings.get("QuoteSymbol") or '"'
    for delimiter in delimiters:
        rows = _rows(decoded, delimiter, quote)
        width, share = _width(rows)
        if share >= 0.9 and (width >= 2 or settings.get("AllowSingleColumn")) and len(rows) >= 2:
            return _csv_content(decoded, rows, width, delimiter, settings)
    return None


def _without_cut(text: bytes) -> bytes:
    """Drop the last line of a sample: it may be cut off."""
    return text[: text.rfind(b"\n") + 1] or text


def _rows(text: str, delimiter: str, quote: str) -> list[list[str]]:
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > CSV_ROWS:
                break
    except csv.Error:
        return []
    return rows


def _width(rows: list[list[str]]) -> tuple[int, float]:
    """Return the usual number of cells, and the share of rows that have it."""
    if not rows:
        return 0, 0.0
    width, count = Counter(len(row) for row in rows).most_common(1)[0]
    return width, count / len(rows)


def _csv_content(
    text: str, rows: list[list[str]], width: int, delimiter: str, settings: dict[str, Any]
) -> Content | None:
    usual = [row for row in rows if len(row) == width]
    if not settings.get("DisableValueTrimming"):
        usual = [[cell.strip() for cell in row] for row in usual]
    types = [_column_type(usual[1:], at) for at in range(width)]
    has_header = _has_header(usual[0], types, settings.get("ContainsHeader", "UNKNOWN"))
    if not has_header:
        types = [merge(kind, text_type(cell)) for kind, cell in zip(types, usual[0], strict=True)]
    names = [name.lower() for name in settings.get("Header") or []]
    if not names:
        names = [name.lower() for name in usual[0]] if has_header else [f"col{at}" for at in range(width)]
    if len(names) != width:
        return None  # the classifier's header is not that of this file
    parameters = {"delimiter": delimiter, "areColumnsQuoted": "false", "columnsOrdered": "true"}
    if has_header:
        parameters["skip.header.line.count"] = "1"
    lines = text.count("\n") + (not text.endswith("\n"))
    return Content(
        "csv",
        schema=dict(zip(_unique(names), types, strict=True)),
        records=max(0, lines - has_header),
        record_bytes=len(text.encode()),
        parameters={**parameters, **_quote_parameter(settings)},
        serde=settings.get("Serde", "None").replace("None", ""),
        skipped=len(rows) - len(usual),
    )


def _quote_parameter(settings: dict[str, Any]) -> dict[str, str]:
    return {"quoteChar": settings["QuoteSymbol"]} if settings.get("QuoteSymbol") else {}


def _column_type(rows: list[list[str]], at: int) -> Type:
    kind: Type = NULL
    for row in rows:
        kind = merge(kind, text_type(row[at]))
        if kind == "string":
            break
    return kind


def _has_header(first: list[str], types: list[Type], told: str) -> bool:
    """Tell whether the first row names the columns; without being told, AWS's rules decide.

    Every cell is text, shorter than 150 characters and not empty (but for the last), and some column is not text below it.
    """
    if told in ("PRESENT", "ABSENT"):
        return told == "PRESENT"
    if any(text_type(cell) not in ("string", NULL) for cell in first):
        return False
    if any(not cell or len(cell) >= HEADER_CELL_LENGTH for cell in first[:-1]):
        return False
    return any(kind not in ("string", NULL) for kind in types)


def _unique(names: list[str]) -> list[str]:
    found: list[str] = []
    for at, name in enumerate(names):
        name = name or f"col{at}"
        found.append(name if name not in found else f"{name}_{at}")
    return found


# --- binary formats -------------------------------------------------------------------------------------------------


def _parquet(path: Path, size: int) -> Content:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema, records = file.schema_arrow, file.metadata.num_rows
    except (pyarrow.ArrowException, OSError):
        return Content()
    return Content("parquet", schema=_arrow_schema(schema), records=records, record_bytes=size)


def _orc(path: Path, size: int) -> Content:
    import pyarrow
    import pyarrow.orc

    try:
        file = pyarrow.orc.ORCFile(path)
    except (pyarrow.ArrowException, OSError):
        return Content()
    return Content("orc", schema=_arrow_schema(file.schema), records=file.nrows, record_bytes=size)


def _arrow_schema(schema: Any) -> Schema:
    return {column.name.lower(): _arrow_type(column.type) for column in schema}


_ARROW_NAMES = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "bigint",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "binary": "binary",
    "large_binary": "binary",
    "date32[day]": "date",
    "null": NULL,
}


def _arrow_type(kind: Any) -> Type:
    from pyarrow import types

    if types.is_struct(kind):
        return {each.name: _arrow_type(each.type) for each in kind}
    if types.is_list(kind) or types.is_large_list(kind):
        return [_arrow_type(kind.value_type)]
    if types.is_dictionary(kind):
        return _arrow_type(kind.value_type)
    if types.is_map(kind):
        return f"map<{render(_arrow_type(kind.key_type))},{render(_arrow_type(kind.item_type))}>"
    if types.is_timestamp(kind):
        return "timestamp"
    if types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if types.is_fixed_size_binary(kind):
        return "binary"
    return _ARROW_NAMES.get(str(kind), "string")


def _avro(file: BinaryIO, size: int) -> Content:
    """Read the header of an Avro container and count the records of its blocks.

    Source: https://avro.apache.org/docs/1.11.1/specification/#object-container-files
    """
    try:
        file.seek(4)
        metadata = _avro_map(file)
        literal = metadata["avro.schema"].decode()
        declared = json.loads(literal)
        schema = _avro_type(declared)
        file.seek(16, io.SEEK_CUR)  # the sync marker
        records = 0
        while file.tell() < size:
            records += _avro_long(file)
            file.seek(_avro_long(file) + 16, io.SEEK_CUR)
    except (EOFError, KeyError, TypeError, ValueError):
        return Content()
    if not isinstance(schema, dict):
        return Content()
    columns = {name.lower(): kind for name, kind in schema.items()}
    return Content(
        "avro", schema=columns, records=records, record_bytes=size, parameters={"avro.schema.literal": literal}
    )


def _avro_long(file: BinaryIO) -> int:
    number = shift = 0
    while True:
        byte = file.read(1)
        if not byte:
            raise EOFError
        number |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return (number >> 1) ^ -(number & 1)


def _avro_map(file: BinaryIO) -> dict[str, bytes]:
    found = {}
    while count := _avro_long(file):
        if count < 0:
            _avro_long(file)  # the block's size in bytes
        for _ in range(abs(count)):
            key = file.read(_avro_long(file)).decode()
            found[key] = file.read(_avro_long(file))
    return found


_AVRO_NAMES = {"long": "bigint", "bytes": "binary", "fixed": "binary", "enum": "string", "null": NULL}
_AVRO_LOGICAL = {"date": "date", "timestamp-millis": "timestamp", "timestamp-micros": "timestamp"}


def _avro_type(declared: Any) -> Type:
    if isinstance(declared, list):  # a union; with null it is just nullable
        kind: Type = NULL
        for each in declared:
            kind = merge(kind, _avro_type(each))
        return kind
    if isinstance(declared, str):
        return _AVRO_NAMES.get(declared, declared)
    name, logical = declared["type"], declared.get("logicalType")
    if logical in _AVRO_LOGICAL:
        return _AVRO_LOGICAL[logical]
    if logical == "decimal":
        return f"decimal({declared['precision']},{declared.get('scale', 0)})"
    if name == "record":
        return {each["name"]: _avro_type(each["type"]) for each in declared["fields"]}
    if name == "array":
        return [_avro_type(declared["items"])]
    if name == "map":
        return f"map<string,{render(_avro_type(declared['values']))}>"
    return _avro_type(name)
