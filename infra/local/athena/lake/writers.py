"""What CTAS, INSERT INTO and UNLOAD write: files of Parquet, JSON or delimited text, moved into S3.

Source: https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html (properties and their defaults)
"""

from __future__ import annotations

import itertools
import random
import string
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from infra.engines.athena import hive_types, text, types
from infra.engines.athena.client import Engine
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Column, Type, literal, quoted
from infra.local import s3
from infra.local.athena.lake import rights

MAX_PARTITIONS = 100
_MILLIS = 3
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_PARQUET_CODECS = {
    "GZIP": "gzip",
    "SNAPPY": "snappy",
    "ZSTD": "zstd",
    "LZ4": "lz4_raw",
    "NONE": "uncompressed",
    "UNCOMPRESSED": "uncompressed",
}
# The first of each is the default: https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html
_CODECS = {
    "PARQUET": tuple(_PARQUET_CODECS),
    "ORC": ("ZLIB", "SNAPPY", "ZSTD", "LZ4", "NONE"),
    "AVRO": ("DEFLATE", "NONE"),
    "JSON": ("GZIP", "NONE"),
    "TEXTFILE": ("GZIP", "NONE"),
}
_BY_ARROW = ("ORC", "AVRO")  # DuckDB does not write these
_numbers = itertools.count()


class Format(NamedTuple):
    """How files are written: PARQUET, JSON or TEXTFILE, the compression, and for text the delimiter and the text for NULL."""

    name: str
    compression: str
    delimiter: str = "\x01"
    null: str = "\\N"
    level: int | None = None


class _File(NamedTuple):
    """A file that is made, and where it goes."""

    path: Path
    bucket: str
    key: str


class Written(NamedTuple):
    """What was written: rows, URIs of the files, partitions (values → folder URI)."""

    rows: int
    uris: list[str]
    partitions: dict[tuple[str, ...], str]


def engine_id() -> str:
    """An id in the form of the engine's own query ids, which begin the names of files."""
    tail = "".join(random.choices(string.ascii_lowercase + string.digits, k=5))
    return f"{datetime.now(UTC):%Y%m%d_%H%M%S}_{next(_numbers) % 100_000:05d}_{tail}"


# Source: https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html and unload.html
_PROPERTIES = {
    "format", "compression", "compression_level", "write_compression", "parquet_compression", "orc_compression", "field_delimiter",
    "external_location", "location", "is_external", "table_type", "partitioned_by", "partitioning", "bucketed_by", "bucket_count",
    "bucketing_format",
}  # fmt: skip


def format_from(properties: dict[str, Any], default: str | None) -> Format:
    """The format that WITH properties ask for. Raises QueryError for what is unknown or not supported here."""
    for wanted in properties:
        if wanted not in _PROPERTIES:
            raise QueryError(
                "INVALID_TABLE_PROPERTY", f"Catalog 'awsdatacatalog' table property '{wanted}' does not exist", 1, 1
            )
    name = str(properties.get("format", default or "")).upper()
    if not name:
        raise QueryError("INVALID_TABLE_PROPERTY", "The format property is required")
    if name in ("ION", "RCFILE"):
        raise QueryError(
            "NOT_SUPPORTED", f"The local AWS does not write the format {name}; it writes {', '.join(_CODECS)}"
        )
    if name not in _CODECS:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Invalid value for table property 'format': {name}")
    compression = properties.get("write_compression", properties.get("compression"))
    compression = properties.get(f"{name.lower()}_compression", compression)
    allowed = _CODECS[name]
    codec = str(compression or allowed[0]).upper()
    if codec not in allowed:
        raise QueryError(
            "NOT_SUPPORTED", f"Compression {codec} is not supported for {name}; choose one of {', '.join(allowed)}"
        )
    delimiter = str(properties.get("field_delimiter", "\x01"))
    delimiter = {"\\t": "\t", "\\001": "\x01"}.get(delimiter, delimiter)
    level = properties.get("compression_level")
    if level is not None and codec != "ZSTD":
        raise QueryError("INVALID_TABLE_PROPERTY", "compression_level is only for ZSTD compression")
    return Format(name, codec, delimiter, level=level)


def check_types(columns: list[Column], stored: bool = True) -> list[str]:
    """The Hive types of a query's columns, which files keep or, of a view, do not. Raises QueryError for columns without a name or a type that Hive has."""
    found = []
    seen: set[str] = set()
    for number, column in enumerate(columns, 1):
        if column.type == "unknown":
            raise QueryError("COLUMN_TYPE_UNKNOWN", f"Column type is unknown at position {number}", 1, 1)
        if column.name in seen:
            raise QueryError("DUPLICATE_COLUMN_NAME", f"Column name '{column.name}' specified more than once", 1, 1)
        seen.add(column.name)
        if stored:
            check_timestamps(column.name, types.parse(column.type))
        found.append(hive_types.trino_to_hive(column.type))
    return found


def check_timestamps(name: str, kind: Type) -> None:
    """Raise QueryError for a timestamp that has not three digits, at any depth. Source: https://docs.aws.amazon.com/athena/latest/ug/engine-versions-reference-0003.html"""
    if kind.name == "timestamp" and kind.args != (_MILLIS,):
        text = (
            f"Incorrect timestamp precision for {kind}; the configured precision is MILLISECONDS; column name: {name}"
        )
        raise QueryError("NOT_SUPPORTED", text)
    for argument in kind.args:
        inner = argument[1] if kind.name == "row" else argument
        if isinstance(inner, Type):
            check_timestamps(name, inner)


class Writer:
    """Writes the rows of one statement."""

    def __init__(self, engine: Engine, account: str, region: str, scratch: Path):
        self.engine, self.account, self.region, self.scratch = engine, account, region, scratch
        self.stem = engine_id()

    def write(
        self, sql: str, columns: list[Column], format: Format, bucket: str, prefix: str,
        keys: list[str], bucketed: tuple[list[str], int] | None = None,
        locations: dict[tuple[str, ...], str] | None = None, note: Callable[[Written], None] = lambda written: None,
    ) -> Written:  # fmt: skip
        """Write a query's rows below s3://bucket/prefix (ends with a slash), one file a partition (and bucket).

        Parameters
        ----------
        sql: DuckDB SQL with these columns in this order; keys: names of partition columns, the last ones of `columns`
        locations: the folders of partitions that are there already (values → URI)
        note: called before the first file is there

        Raises QueryError for too many new partitions, NotAuthorized where the caller may not write one of the files.
        """
        self.engine.fetch(f"CREATE OR REPLACE TEMP TABLE written AS SELECT * FROM ({sql}) o({_labels(len(columns))})")
        ((rows,),) = self.engine.fetch("SELECT count(*) FROM written")
        data = [(f"c{i}", c) for i, c in enumerate(columns) if c.name not in keys]
        partitions = [(f"c{i}", c) for i, c in enumerate(columns) if c.name in keys]
        files: list[_File] = []
        folders: dict[tuple[str, ...], str] = {}
        for values, condition in self.partitions(partitions, locations or {}):
            folder = f"s3://{bucket}/{prefix}"
            if values:
                made = "".join(
                    f"{c.name}={quote(v, safe=' ~-_.@()')}/" for (_, c), v in zip(partitions, values, strict=True)
                )
                folder = (locations or {}).get(values, folder + made)
                folders[values] = folder
            for extra, suffix in _buckets(bucketed, columns):
                file = self.file(data, " AND ".join([*condition, *extra]), format, folder, suffix)
                files += [file] if file else []
        self.engine.fetch("DROP TABLE written")
        for file in files:  # all of them before the first: what is denied leaves nothing half done
            rights.check_write(self.region, file.bucket, file.key)
        written = Written(rows, [f"s3://{file.bucket}/{file.key}" for file in files], folders)
        note(written)
        for file in files:
            s3.put(self.account, file.bucket, file.key, file.path, content_type="application/octet-stream")
        return written

    def partitions(
        self, keys: list[tuple[str, Column]], known: dict[tuple[str, ...], str]
    ) -> list[tuple[tuple[str, ...], list[str]]]:
        """The partitions that the rows fall into: values as Glue keeps them, and the conditions of their rows."""
        if not keys:
            return [((), [])]
        listed = ", ".join(name for name, _ in keys)
        most = MAX_PARTITIONS + len(known) + 1
        distinct = self.engine.fetch(f"SELECT DISTINCT {listed} FROM written ORDER BY {listed} LIMIT {most}")
        found = []
        for row in distinct:
            values = tuple(
                NULL_PARTITION if value is None else str(text.to_text(value, c.type))
                for value, (_, c) in zip(row, keys, strict=True)
            )
            conditions = [
                f"{name} IS NULL" if value is None else f"{name} = {_constant(value, types.parse(c.type))}"
                for value, (name, c) in zip(row, keys, strict=True)
            ]
            found.append((values, conditions))
        new = sum(values not in known for values, _ in found)
        if new > MAX_PARTITIONS:
            raise QueryError(
                "HIVE_TOO_MANY_OPEN_PARTITIONS",
                f"Exceeded limit of {MAX_PARTITIONS} open writers for partitions/buckets",
            )
        return found

    def file(
        self, data: list[tuple[str, Column]], condition: str, format: Format, folder: str, suffix: str
    ) -> _File | None:
        """Make one file; None when no rows are for it."""
        where = f" WHERE {condition}" if condition else ""
        path = self.scratch / uuid.uuid4().hex
        name = f"{self.stem}_{uuid.uuid4()}{suffix}"
        select = ", ".join(f"{_stored(n, types.parse(c.type), format)} AS {quoted(c.name)}" for n, c in data)
        query = f"SELECT {select} FROM written{where}"
        if format.name == "TEXTFILE":
            count = self.text(data, where, format, path)
        elif format.name in _BY_ARROW:
            plain = path.with_suffix(".parquet")
            ((count,),) = self.engine.fetch(f"COPY ({query}) TO {literal(str(plain))} (FORMAT parquet)")
            self.engine.ask("from_parquet", plain, format.name.lower(), format.compression, path)
            plain.unlink()
        else:
            options = f"FORMAT {format.name.lower()}, COMPRESSION '{_codec(format)}'"
            if format.level is not None:
                options += f", COMPRESSION_LEVEL {int(format.level)}"
            ((count,),) = self.engine.fetch(f"COPY ({query}) TO {literal(str(path))} ({options})")
        if not count:
            path.unlink(missing_ok=True)
            return None
        bucket, _, key = folder.removeprefix("s3://").partition("/")
        key += name + (".gz" if format.name in ("JSON", "TEXTFILE") and format.compression == "GZIP" else "")
        return _File(path, bucket, key)

    def text(self, data: list[tuple[str, Column]], where: str, format: Format, path: Path) -> int:
        """Write delimited text as LazySimpleSerDe does: no quotes, collections by control characters."""
        fields = [f"coalesce({_delimited(n, types.parse(c.type), 0)}, {literal(format.null)})" for n, c in data]
        line = f" || {literal(format.delimiter)} || ".join(fields)
        return self.engine.ask("write_lines", f"SELECT {line} FROM written{where}", path, format.compression == "GZIP")


def _labels(count: int) -> str:
    return ", ".join(f"c{i}" for i in range(count))


def _codec(format: Format) -> str:
    return _PARQUET_CODECS[format.compression] if format.name == "PARQUET" else format.compression.lower()


def _constant(value: Any, kind: Type) -> str:
    return f"CAST({literal(str(value))} AS {types.duckdb(kind)})"


def _stored(sql: str, kind: Type, format: Format) -> str:
    """A value as a file keeps it."""
    if format.name == "JSON" and kind.name == "timestamp":
        return f"strftime({sql}, '%Y-%m-%d %H:%M:%S.%g')"
    if format.name == "JSON" and kind.name == "varbinary":
        return f"to_base64({sql})"
    return sql


def _delimited(sql: str, kind: Type, depth: int) -> str:
    """SQL for a value in delimited text."""
    item, separator, null = f"x{depth}", f"chr({depth + 2})", "'\\N'"
    if kind.name == "array":
        inner = f"coalesce({_delimited(item, kind.element, depth + 1)}, {null})"
        return f"array_to_string(list_transform({sql}, lambda {item}: {inner}), {separator})"
    if kind.name == "map":
        key = _delimited(f"{item}.key", kind.args[0], depth + 2)
        value = f"coalesce({_delimited(f'{item}.value', kind.args[1], depth + 2)}, {null})"
        pair = f"{key} || chr({depth + 3}) || {value}"
        return f"array_to_string(list_transform(map_entries({sql}), lambda {item}: {pair}), {separator})"
    if kind.name == "row":
        parts = [
            f"coalesce({_delimited(f'struct_extract({sql}, {literal(n)})', k, depth + 1)}, {null})"
            for n, (_, k) in zip(types.field_names(kind), kind.args, strict=True)
        ]
        return f"CASE WHEN {sql} IS NOT NULL THEN {f' || {separator} || '.join(parts)} END"
    if kind.name == "varbinary":
        return f"to_base64({sql})"
    return text.text_sql(sql, kind)


def _buckets(bucketed: tuple[list[str], int] | None, columns: list[Column]) -> list[tuple[list[str], str]]:
    if bucketed is None:
        return [([], "")]
    places = {c.name: f"c{i}" for i, c in enumerate(columns)}
    hashed = ", ".join(places[name] for name in bucketed[0])
    return [([f"hash({hashed}) % {bucketed[1]} = {number}"], f"_bucket-{number:05d}") for number in range(bucketed[1])]
