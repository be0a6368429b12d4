"""Glue tables as DuckDB relations over the files of S3 objects.

A table's partitions are pruned by the statement's conditions, the objects of those that are left are listed, grouped by format and compression,
and read by DuckDB where they lie. Files that DuckDB would read otherwise than Athena go through lines.py first.
"""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from infra.engines.athena import serdes as lines
from infra.engines.athena import types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Type, literal, quoted
from infra.local import s3
from infra.local.athena.lake import information, projection, row_groups
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.sql import grammar
from infra.local.athena.sql.check import Conjunct, TableUse

JSON_SERDES = {
    "org.openx.data.jsonserde.JsonSerDe",
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "org.apache.hadoop.hive.serde2.JsonSerDe",
}
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_FORMATS = dict.fromkeys(JSON_SERDES, "json") | {LAZY: "lazy", OPEN_CSV: "csv", PARQUET: "parquet"}
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd"}
_UNREADABLE = (".snappy", ".lz4", ".deflate", ".lzo", ".zip")
_ARCHIVED = {"GLACIER", "DEEP_ARCHIVE"}
_numbers = itertools.count()  # of temporary files
NEVER = "\x01\x02\x03"  # stands for NULL in files where nothing does
_WIDER = {
    "tinyint": {"smallint", "int", "bigint", "float", "double", "string"},
    "smallint": {"int", "bigint", "float", "double", "string"},
    "int": {"bigint", "float", "double", "string"},
    "bigint": {"float", "double", "string"},
    "float": {"double", "string"},
    "double": {"float", "string"},
    "string": {"tinyint", "smallint", "int", "bigint", "date", "timestamp"},
    "date": {"string"},
    "timestamp": {"string"},
    "boolean": {"string"},
}


_PARTITION_VALUES: dict[str, Callable[[str], Any]] = {
    "tinyint": int, "smallint": int, "integer": int, "bigint": int, "double": float, "real": float,
    "date": date.fromisoformat,
}  # fmt: skip


class File(NamedTuple):
    """An object of a table: its file, URI, bytes, time of change, and the values of its partition."""

    path: Path
    uri: str
    size: int
    modified: float
    values: tuple[str | None, ...]


class Source(NamedTuple):
    """Files that are read in one way."""

    format: str
    compression: str
    serde: dict[str, str]  # the SerDe's parameters
    parameters: dict[str, str]  # the table's
    files: list[File]


class Scan(NamedTuple):
    """A table as a query reads it: the relation's SQL and the bytes that reading it scans."""

    sql: str
    bytes: int


def split_location(location: str) -> tuple[str, str]:
    """The bucket and the key prefix of an s3:// location. Raises QueryError for other places."""
    scheme, _, rest = location.partition("://")
    if scheme not in ("s3", "s3a", "s3n") or not rest:
        raise QueryError("HIVE_METASTORE_ERROR", f"The location of the table is not an S3 path: {location}")
    bucket, _, key = rest.partition("/")
    return bucket, key


def folder(location: str) -> tuple[str, str]:
    """The bucket of a location and its prefix as a folder, with one slash at the end."""
    bucket, key = split_location(location)
    return bucket, key.rstrip("/") + "/" if key.strip("/") else ""


def is_hidden(key: str, prefix: str) -> bool:
    """Whether Athena skips an object: some part of its name below the table starts with _ or a dot."""
    return any(part.startswith(("_", ".")) for part in key[len(prefix) :].split("/"))


class Reader:
    """Makes the relations of one statement. Temporary files lie in `scratch`; `exact` reads text files line by line."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: GlueCatalog,
        scratch: Path,
        cancelled: threading.Event,
        exact: bool = False,
    ):
        self.connection, self.catalog, self.scratch, self.cancelled, self.exact = (
            connection, catalog, scratch, cancelled, exact,
        )  # fmt: skip
        self.has_text = False

    def bind(self, use: TableUse) -> int:
        """Make the relation that a statement reads as `use.name`; return the bytes that it scans. Raises QueryError."""
        scan = self.described(use)
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(use.name)} AS {scan.sql}")
        return scan.bytes

    def described(self, use: TableUse) -> Scan:
        if use.database == information.SCHEMA:
            return Scan(information.relation(self.catalog, use.table), 0)
        table = self.catalog.table(use.database, use.table.removesuffix(information.PARTITIONS))
        if table is None:
            raise QueryError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{use.database}.{use.table}' does not exist")
        if use.table.endswith(information.PARTITIONS):
            return Scan(self.partitions(table), 0)
        return self.scan(table, use)

    def partitions(self, table: dict[str, Any]) -> str:
        """The partitions in the Data Catalog, a row of values each. Source: https://docs.aws.amazon.com/athena/latest/ug/show-partitions.html"""
        keys = _keys(table)
        rows = [p["Values"] for p in self.catalog.partitions(table["DatabaseName"], table["Name"])]
        for row in rows:
            for value, (name, kind) in zip(row, keys, strict=True):
                check_value(name, value, kind)
        return information.values(keys, [[_hive_null(value) for value in row] for row in rows])

    def scan(self, table: dict[str, Any], use: TableUse) -> Scan:
        keys = _keys(table)
        columns = [
            (c["Name"].lower(), types.parse(types.hive_to_trino(c.get("Type") or "string")))
            for c in table["StorageDescriptor"].get("Columns") or []
        ]
        wanted_columns = [(name, kind) for name, kind in columns if name in use.columns]
        parts, scanned = [], 0
        for source in self.sources(table, keys, use):
            sqls, size = self.read(source, columns, wanted_columns, use.conjuncts)
            scanned += size
            parts += [self.with_partition(sql, files, keys, use.columns, wanted_columns) for sql, files in sqls]
        if not parts:
            parts = [self.empty(keys, use.columns, wanted_columns)]
        return Scan(" UNION ALL ".join(parts), scanned)

    # --- which files

    def sources(self, table: dict[str, Any], keys: list[tuple[str, Type]], use: TableUse) -> list[Source]:
        descriptor, parameters = table["StorageDescriptor"], table.get("Parameters") or {}
        if not keys:
            partitions = [((), descriptor.get("Location") or "", descriptor)]
        elif projection.is_enabled(table):
            partitions = self.projected(table, keys, use.conjuncts, use.name)
        else:
            stored = self.catalog.partitions(table["DatabaseName"], table["Name"])
            given = {tuple(p["Values"]): p.get("StorageDescriptor") or descriptor for p in stored}
            partitions = [
                (values, given[values].get("Location") or descriptor.get("Location") or "", given[values])
                for values in self.pruned(list(given), keys, use.conjuncts, use.name)
            ]
        grouped: dict[tuple[Any, ...], list[File]] = defaultdict(list)
        descriptions: dict[tuple[Any, ...], tuple[dict[str, str], dict[str, str]]] = {}
        for values, location, own in partitions:
            check_partition(table, keys, values, own)
            for value, (name, kind) in zip(values, keys, strict=True):
                check_value(name, value, kind)
            serde_info = own.get("SerdeInfo") or descriptor.get("SerdeInfo") or {}
            format_name = format_of(serde_info.get("SerializationLibrary", ""), own.get("InputFormat", ""))
            serde = serde_info.get("Parameters") or {}
            check_properties(table, {**parameters, **serde})
            shape = (format_name, tuple(sorted(serde.items())))
            for file in self.files(location, tuple(_hive_null(v) for v in values)):
                if random.random() * 100 >= use.sample:
                    continue
                group = (*shape, "" if format_name == "parquet" else compression_of(file.uri))
                grouped[group].append(file)
                descriptions[group] = (serde, parameters)
        return [Source(group[0], group[2], *descriptions[group], files) for group, files in grouped.items()]

    def files(self, location: str, values: tuple[str | None, ...]) -> list[File]:
        """The objects of a location that hold data."""
        bucket, prefix = folder(location)
        try:
            found = s3.objects(self.catalog.account, bucket, prefix)
        except s3.MissingBucket:
            raise QueryError(
                "HIVE_METASTORE_ERROR",
                f"The specified bucket does not exist (Bucket: {bucket}, table location: {location})",
            ) from None
        return [
            File(stored.path, f"s3://{bucket}/{stored.name}", stored.size, stored.last_modified.timestamp(), values)
            for stored in found
            if stored.size and not is_hidden(stored.name, prefix) and stored.storage_class not in _ARCHIVED
        ]

    def projected(
        self, table: dict[str, Any], keys: list[tuple[str, Type]], conjuncts: list[Conjunct], alias: str
    ) -> list[tuple[tuple[str, ...], str, dict[str, Any]]]:
        found = projection.projections(table)
        for each in found:
            if each.kind == "injected" and not any(each.name in c.columns for c in conjuncts):
                raise QueryError(
                    "CONSTRAINT_VIOLATION",
                    f"For the injected projected partition column {each.name}, the WHERE clause must contain only "
                    "static equality conditions, and at least one such condition must be present.",
                )
        text = projection.template(table, found)
        bucket, prefix = split_location(projection.static_prefix(text))
        try:
            uris = [f"s3://{bucket}/{stored.name}" for stored in s3.objects(self.catalog.account, bucket, prefix)]
        except s3.MissingBucket:
            uris = []
        locations = projection.matches(text, found, uris)
        wanted = self.pruned(list(locations), keys, conjuncts, alias)
        return [(values, locations[values], table["StorageDescriptor"]) for values in wanted]

    def pruned(
        self, partitions: list[tuple[str, ...]], keys: list[tuple[str, Type]], conjuncts: list[Conjunct], alias: str
    ) -> list[tuple[str, ...]]:
        """The partitions whose values meet the conditions on partition columns alone."""
        names = {name for name, _ in keys}
        conditions = [c.sql for c in conjuncts if c.columns and c.columns <= names]
        if not conditions or not partitions:
            return partitions
        used = set().union(*(c.columns for c in conjuncts if c.columns and c.columns <= names))
        asked = [(place, name, kind) for place, (name, kind) in enumerate(keys) if name in used]
        for values in partitions:
            for place, name, kind in asked:
                check_value(name, values[place], kind)
        rows = ", ".join(
            f"({number}, {', '.join(_typed(_hive_null(values[place]), kind) for place, _, kind in asked)})"
            for number, values in enumerate(partitions)
        )
        names_sql = ", ".join(["partition_number", *(quoted(name) for _, name, _ in asked)])
        kept = self.connection.execute(
            f"SELECT partition_number FROM (VALUES {rows}) {quoted(alias)}({names_sql}) WHERE {' AND '.join(conditions)}"
        ).fetchall()
        return [partitions[number] for (number,) in kept]

    # --- how they are read

    def read(
        self,
        source: Source,
        columns: list[tuple[str, Type]],
        wanted: list[tuple[str, Type]],
        conjuncts: list[Conjunct],
    ) -> tuple[list[tuple[str, list[File]]], int]:
        """SELECTs (with the file's path as `filename`) that give the wanted columns, each with its files; and the bytes scanned."""
        if source.format == "parquet":
            return self.read_parquet(source.files, wanted, conjuncts)
        self.has_text = True
        size = sum(file.size for file in source.files)
        readers = {"json": self.read_json, "lazy": self.read_lazy, "csv": self.read_csv}
        return readers[source.format](source, columns, wanted), size

    def read_json(
        self, source: Source, columns: list[tuple[str, Type]], wanted: list[tuple[str, Type]]
    ) -> list[tuple[str, list[File]]]:
        serde = source.serde
        keys = {
            column.lower(): key
            for column, key in ((k.removeprefix("mapping."), v) for k, v in serde.items() if k.startswith("mapping."))
        }
        ignore = serde.get("ignore.malformed.json", "false").lower() == "true"
        dotted = serde.get("dots.in.keys", "false").lower() == "true" and any("_" in name for name, _ in wanted)
        nested = sorted({field for _, kind in wanted for field in _fields(kind)})
        groups: dict[tuple[str, ...] | None, list[File]] = defaultdict(list)
        for file in source.files:
            group = None
            if not self.exact and not dotted and source.compression != "bzip2":
                forms = lines.key_forms(
                    file.path, source.compression, [*(keys.get(n, n).lower() for n, _ in wanted), *nested]
                )
                tops = [forms[keys.get(n, n).lower()] for n, _ in wanted]
                if None not in tops and all(forms[n] == n for n in nested):
                    group = tuple(str(form) for form in tops)
            groups[group].append(file)
        positions = {name: number for number, (name, _) in enumerate(columns)}
        listed = [(name, keys.get(name, name), kind) for name, kind in wanted]

        def rows(file: File) -> Iterator[dict[str, Any]]:
            text = _dotless(lines.rows(file.path, source.compression), dotted)
            return lines.json_rows(text, listed, positions, ignore)

        found = self.plain(groups.pop(None, []), wanted, rows)
        for group, files in groups.items():
            found.append((_json_select(files, source.compression, wanted, group or ()), files))
        return found

    def read_lazy(
        self, source: Source, columns: list[tuple[str, Type]], wanted: list[tuple[str, Type]]
    ) -> list[tuple[str, list[File]]]:
        text = lines.LazyText(source.serde)
        skip = _header_lines(source.parameters)
        places = {name: number for number, (name, _) in enumerate(columns)}
        nested = any(kind.name in ("array", "map", "row", "varbinary") for _, kind in wanted)
        exact = self.exact or nested or source.compression == "bzip2" or len(text.delimiter) != 1
        patterns = [b"\n\n", b"\n\r\n", *([text.escape.encode()] if text.escape else [])]
        regular, slow = _parted(source, exact, patterns)
        found = []
        if regular:
            select = ", ".join(f"{_lazy(f'c{places[n]}', kind)} AS {quoted(n)}" for n, kind in wanted)
            reader = _csv_reader(regular, source.compression, len(columns), text.delimiter, "", text.null, skip)
            found.append((f"SELECT {select or '1 AS one'}, filename FROM {reader}", regular))
        listed = [(name, places[name], kind) for name, kind in wanted]
        found += self.plain(
            slow, wanted,
            lambda file: text.rows(lines.without_header(lines.rows(file.path, source.compression), skip), listed),
        )  # fmt: skip
        return found

    def read_csv(
        self, source: Source, columns: list[tuple[str, Type]], wanted: list[tuple[str, Type]]
    ) -> list[tuple[str, list[File]]]:
        serde = source.serde
        skip = _header_lines(source.parameters)
        places = {name: number for number, (name, _) in enumerate(columns)}
        separator, quote = serde.get("separatorChar", ","), serde.get("quoteChar", '"')
        escape = serde.get("escapeChar", "\\")
        plain_types = all(kind.name in ("varchar", "char") for _, kind in wanted)
        exact = self.exact or not plain_types or source.compression == "bzip2" or len(separator) != 1 or len(quote) != 1
        patterns = [b"\n\n", b"\n\r\n", *([escape.encode()] if escape and escape != quote else [])]
        regular, slow = _parted(source, exact, patterns)
        found = []
        if regular:
            select = ", ".join(f"c{places[n]} AS {quoted(n)}" for n, _ in wanted)
            reader = _csv_reader(regular, source.compression, len(columns), separator, quote, NEVER, skip)
            found.append((f"SELECT {select or '1 AS one'}, filename FROM {reader}", regular))
        listed = [(name, places[name], kind) for name, kind in wanted]
        found += self.plain(
            slow, wanted,
            lambda file: lines.csv_rows(
                lines.without_header(lines.rows(file.path, source.compression), skip), serde, listed
            ),
        )  # fmt: skip
        return found

    def plain(self, files: list[File], wanted: list[tuple[str, Type]], rows_of: Any) -> list[tuple[str, list[File]]]:
        """Files that lines.py reads: each becomes a file of plain JSON lines in `scratch`."""
        if not files:
            return []
        written = []
        for file in files:
            path = self.scratch / f"{next(_numbers)}.json"
            lines.write_plain(rows_of(file), path, self.cancelled)
            written.append(file._replace(path=path))
        return [(_json_select(written, "none", wanted, tuple(name for name, _ in wanted), plain=True), written)]

    def read_parquet(
        self, files: list[File], wanted: list[tuple[str, Type]], conjuncts: list[Conjunct]
    ) -> tuple[list[tuple[str, list[File]]], int]:
        kinds = dict(wanted)
        conditions = [
            (grammar.parse_expression(c.text), {name: kinds[name] for name in c.columns})
            for c in conjuncts
            if c.columns and c.columns <= set(kinds)
        ]
        footers = parquet_footers(self.connection, files)
        groups: dict[tuple[Any, ...], list[File]] = defaultdict(list)
        scanned = 0
        for file in files:
            footer = footers[file.path]
            groups[footer.signature].append(file)
            for group in footer.groups:
                bounds = {name: (chunk.low, chunk.high) for name, chunk in group.items()}
                if all(row_groups.may_hold(condition, bounds, of) for condition, of in conditions):
                    scanned += sum(group[name].size for name, _ in wanted if name in group)
        found = []
        for alike in groups.values():
            footer = footers[alike[0].path]
            select = [_parquet_column(name, kind, footer.types.get(name), alike[0].uri) for name, kind in wanted]
            found.append(
                (f"SELECT {', '.join([*select, 'filename'])} FROM read_parquet({_paths(alike)}, filename=true)", alike)
            )
        return found, scanned

    # --- partition values and hidden columns

    def with_partition(
        self,
        sql: str,
        files: list[File],
        keys: list[tuple[str, Type]],
        wanted: set[str],
        columns: list[tuple[str, Type]],
    ) -> str:
        used = [(number, name, kind) for number, (name, kind) in enumerate(keys) if name in wanted]
        hidden = [name for name in ("$path", "$file_size", "$file_modified_time") if name in wanted]
        names = [quoted(name) for name, _ in columns]
        if not hidden and len({tuple(f.values[number] for number, _, _ in used) for f in files}) == 1:
            shared = files[0].values
            constants = [
                f"{_absent(types.duckdb(kind)) if shared[number] is None else _typed(shared[number], kind)} AS {quoted(name)}"
                for number, name, kind in used
            ]
            return f"SELECT {', '.join([*names, *constants]) or '1 AS one'} FROM ({sql})"
        described = []
        for file in files:
            values = [_typed(file.values[number], kind) for number, _, kind in used]
            values += [_hidden(name, file) for name in hidden]
            described.append(f"({literal(str(file.path))}, {', '.join(values)})")
        labels = [quoted(name) for _, name, _ in used] + [quoted(name) for name in hidden]
        return (
            f"SELECT {', '.join([*(f'f.{n}' for n in names), *(f'p.{n}' for n in labels)])} FROM ({sql}) f "
            f"JOIN (VALUES {', '.join(described)}) p(file, {', '.join(labels)}) ON f.filename = p.file"
        )

    def empty(self, keys: list[tuple[str, Type]], wanted: set[str], columns: list[tuple[str, Type]]) -> str:
        named = [*columns, *((n, kind) for n, kind in keys if n in wanted)]
        listed = [f"{_absent(types.duckdb(kind))} AS {quoted(name)}" for name, kind in named]
        hidden = {"$path": "VARCHAR", "$file_size": "BIGINT", "$file_modified_time": "STRUCT(i TIMESTAMPTZ, z VARCHAR)"}
        listed += [f"{_absent(kind)} AS {quoted(name)}" for name, kind in hidden.items() if name in wanted]
        return (
            f"SELECT {', '.join(listed) or '1 AS one'} FROM (SELECT CAST(range AS VARCHAR) AS filename FROM range(0))"
        )


def _keys(table: dict[str, Any]) -> list[tuple[str, Type]]:
    return [(k["Name"].lower(), types.parse(types.hive_to_trino(k["Type"]))) for k in table.get("PartitionKeys") or []]


def format_of(library: str, input_format: str) -> str:
    """The reader of a SerDe. Raises QueryError for those that are not supported here."""
    if library in _FORMATS:
        return _FORMATS[library]
    if not library and "parquet" in input_format.lower():
        return "parquet"
    if not library:
        return "lazy"
    raise QueryError(
        "NOT_SUPPORTED", f"The local AWS does not read tables with the SerDe {library}; it reads JSON, CSV and Parquet"
    )


def compression_of(uri: str) -> str:
    """The compression of a text file by the end of its name. Raises QueryError for those that are not supported here."""
    lowered = uri.lower()
    if lowered.endswith(_UNREADABLE):
        raise QueryError("NOT_SUPPORTED", f"The local AWS does not read the compression of {uri}")
    return next((name for end, name in _COMPRESSIONS.items() if lowered.endswith(end)), "none")


def check_partition(
    table: dict[str, Any], keys: list[tuple[str, Type]], values: tuple[str, ...], own: dict[str, Any]
) -> None:
    """Raise QueryError HIVE_PARTITION_SCHEMA_MISMATCH where a partition's column cannot be read as the table's."""
    declared = {c["Name"].lower(): (c.get("Type") or "").lower() for c in own.get("Columns") or []}
    for column in table["StorageDescriptor"].get("Columns") or []:
        name, kind = column["Name"].lower(), (column.get("Type") or "").lower()
        other = declared.get(name, kind)
        if other == kind or not kind.isalpha() or not other.isalpha() or kind in _WIDER.get(other, ()):
            continue
        partition = "/".join(f"{key}={value}" for (key, _), value in zip(keys, values, strict=True))
        raise QueryError(
            "HIVE_PARTITION_SCHEMA_MISMATCH",
            "There is a mismatch between the table and partition schemas. The types are incompatible and cannot be "
            f"coerced. The column '{name}' in table '{table['DatabaseName']}.{table['Name']}' is declared as type "
            f"'{kind}', but partition '{partition}' declared column '{name}' as type '{other}'.",
        )


def check_properties(table: dict[str, Any], properties: dict[str, str]) -> None:
    """Raise QueryError for properties of text tables that change what is read and are not supported here."""
    footer = properties.get("skip.footer.line.count", "0")
    encoding = properties.get("serialization.encoding", "UTF-8")
    name = f"{table['DatabaseName']}.{table['Name']}"
    if footer != "0":
        raise QueryError("NOT_SUPPORTED", f"The local AWS does not read skip.footer.line.count of table {name}")
    if encoding.upper() not in ("UTF-8", "UTF8"):
        raise QueryError(
            "NOT_SUPPORTED", f"The local AWS reads text in UTF-8 only, not in {encoding} as table {name} says"
        )


def check_value(name: str, value: str, kind: Type) -> None:
    """Raise QueryError HIVE_INVALID_PARTITION_VALUE for a partition value that is none of its column's type."""
    read = _PARTITION_VALUES.get(kind.name)
    if read is None or value == "__HIVE_DEFAULT_PARTITION__":
        return
    try:
        read(value)
    except ValueError:
        raise QueryError(
            "HIVE_INVALID_PARTITION_VALUE",
            f"Invalid partition value '{value}' for {kind.name.upper()} partition key: {name}",
        ) from None


def _hive_null(value: str | None) -> str | None:
    return None if value == "__HIVE_DEFAULT_PARTITION__" else value


def _typed(value: str | None, kind: Type) -> str:
    """A partition value, which Glue keeps as text, as an SQL value of its column's type."""
    if value is None:
        return f"CAST(NULL AS {types.duckdb(kind)})"
    if kind.name in ("varchar", "char"):
        return literal(value)
    return f"CAST({literal(value)} AS {types.duckdb(kind)})"


def _absent(duck: str) -> str:
    """NULL for a column that files do not have. DuckDB 2.0 fails to fold some macros over a constant NULL, so it is none."""
    return f"TRY_CAST(CASE WHEN filename = '' THEN '' END AS {duck})"


def _parted(source: Source, exact: bool, patterns: list[bytes]) -> tuple[list[File], list[File]]:
    """The files that DuckDB reads as Athena does, and those with something that it reads otherwise."""
    parts: tuple[list[File], list[File]] = ([], [])
    for file in source.files:
        parts[exact or lines.holds(file.path, source.compression, *patterns)].append(file)
    return parts


def _header_lines(parameters: dict[str, str]) -> int:
    text = parameters.get("skip.header.line.count", "0")
    if not text.strip().isdigit():
        raise QueryError("HIVE_INVALID_METADATA", f"Invalid value for skip.header.line.count property: {text}")
    return int(text)


def _hidden(name: str, file: File) -> str:
    if name == "$path":
        return literal(file.uri)
    if name == "$file_size":
        return f"CAST({file.size} AS BIGINT)"
    return f"struct_pack(i := to_timestamp({file.modified!r}), z := 'UTC')"


def _paths(files: Iterable[File]) -> str:
    return "[" + ", ".join(literal(str(file.path)) for file in files) + "]"


def _fields(kind: Type) -> Iterable[str]:
    """The names of all fields of rows in a type."""
    for argument in kind.args:
        if kind.name == "row":
            yield argument[0]
            yield from _fields(argument[1])
        elif isinstance(argument, Type):
            yield from _fields(argument)


def _dotless(found: Iterator[str], dotted: bool) -> Iterator[str]:
    """Lines with the dots of their keys as underscores, where the SerDe asks for it."""
    if not dotted:
        yield from found
        return
    for line in found:
        yield re.sub(r'"([^"\\]+)"(\s*:)', lambda m: f'"{m[1].replace(".", "_")}"{m[2]}', line)


def _json_select(
    files: list[File], compression: str, wanted: list[tuple[str, Type]], keys: tuple[str, ...], plain: bool = False
) -> str:
    columns, select = [], []
    for key, (name, kind) in zip(keys, wanted, strict=True):
        read_type, value = (types.duckdb(kind), quoted(key)) if plain else _json_column(quoted(key), kind)
        if kind.name == "varbinary":
            read_type, value = "VARCHAR", f"from_base64({quoted(key)})"
        columns.append(f"{literal(key)}: '{read_type}'")
        select.append(f"{value} AS {quoted(name)}")
    listed = "{" + (", ".join(columns) or f"{literal(NEVER)}: 'VARCHAR'") + "}"
    return (
        f"SELECT {', '.join(select or ['1 AS one'])}, filename FROM read_json({_paths(files)}, format='newline_delimited', "
        f"columns={listed}, records=true, compression='{compression}', filename=true)"
    )


def _json_column(sql: str, kind: Type) -> tuple[str, str]:
    """The DuckDB type that a JSON value is read as, and the SQL that makes the column's value of it."""
    if kind.name in ("tinyint", "smallint", "integer"):  # 1.5 is 1, where DuckDB would round
        return "DOUBLE", f"CAST(trunc({sql}) AS {types.duckdb(kind)})"
    if kind.name == "timestamp":
        return "VARCHAR", f"date_trunc('millisecond', CAST({sql} AS TIMESTAMP))"
    if kind.name == "date":
        return "VARCHAR", f"CAST({sql} AS DATE)"
    return types.duckdb(kind), sql


def _csv_reader(
    files: list[File], compression: str, columns: int, delimiter: str, quote: str, null: str, skip: int
) -> str:
    listed = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(max(columns, 1)))
    return (
        f"read_csv({_paths(files)}, columns={{{listed}}}, auto_detect=false, header=false, skip={skip}, "
        f"delim={literal(delimiter)}, quote={literal(quote)}, escape={literal(quote)}, nullstr={literal(null)}, "
        f"null_padding=true, strict_mode=false, compression='{compression}', filename=true)"
    )


def _lazy(sql: str, kind: Type) -> str:
    """A text field as LazySimpleSerDe reads it: NULL where it does not parse, whole numbers cut off at the point."""
    duck = types.duckdb(kind)
    if kind.name in ("varchar", "char"):
        return sql
    if kind.name in ("tinyint", "smallint", "integer", "bigint"):
        return (
            f"CASE WHEN regexp_full_match({sql}, '[+-]?[0-9]+(\\.[0-9]*)?') "
            f"THEN TRY_CAST(split_part({sql}, '.', 1) AS {duck}) END"
        )
    if kind.name == "boolean":
        return f"CASE lower({sql}) WHEN 'true' THEN true WHEN 'false' THEN false END"
    if kind.name == "timestamp":
        return f"date_trunc('millisecond', TRY_CAST({sql} AS TIMESTAMP))"
    return f"TRY_CAST({sql} AS {duck})"


# --- Parquet --------------------------------------------------------------------------------------------------------


class Chunk(NamedTuple):
    """A column in a row group: its bytes (all parts of a nested column), its smallest and largest value as text."""

    size: int
    low: str | None
    high: str | None


class Footer(NamedTuple):
    """What the end of a Parquet file says, by column in lower case: the name as it is written and the DuckDB type, the chunks of each row group."""

    signature: tuple[Any, ...]
    types: dict[str, tuple[str, str]]
    groups: list[dict[str, Chunk]]


_footers: OrderedDict[Path, Footer] = OrderedDict()
_footers_lock = threading.Lock()


def parquet_footers(connection: duckdb.DuckDBPyConnection, files: list[File]) -> dict[Path, Footer]:
    """The footers of Parquet files; each file is read once. Raises QueryError HIVE_BAD_DATA for what is no Parquet file."""
    with _footers_lock:
        found = {file.path: _footers[file.path] for file in files if file.path in _footers}
    missing = [file for file in files if file.path not in found]
    if not missing:
        return found
    for file in missing:
        with open(file.path, "rb") as opened:
            opened.seek(max(file.size - 4, 0))
            tail = opened.read(4)
        if tail != b"PAR1":
            raise QueryError(
                "HIVE_BAD_DATA",
                f"Not valid Parquet file: {file.uri} expected magic number: PAR1 got: {tail.decode('latin-1')}",
            )
    paths = _paths(missing)
    try:
        schema = connection.execute(
            "SELECT file_name, name, type, num_children, converted_type, CAST(logical_type AS VARCHAR) "
            f"FROM parquet_schema({paths})"
        ).fetchall()
        chunks = connection.execute(
            "SELECT file_name, row_group_id, lower(path_in_schema), total_compressed_size, "
            "coalesce(stats_min_value, stats_min), coalesce(stats_max_value, stats_max) "
            f"FROM parquet_metadata({paths})"
        ).fetchall()
    except duckdb.InterruptException:
        raise
    except duckdb.Error:
        bad = next((file for file in missing if not _has_schema(connection, file)), missing[0])
        raise QueryError("HIVE_BAD_DATA", f"Malformed Parquet file: {bad.uri}") from None
    signatures: dict[str, list[Any]] = defaultdict(list)
    groups: dict[str, dict[int, dict[str, Chunk]]] = defaultdict(lambda: defaultdict(dict))
    for name, *rest in schema:
        signatures[name].append(tuple(rest))
    for name, number, path, size, low, high in chunks:
        column, nested, _ = path.partition(", ")
        before = groups[name][number].get(column, Chunk(0, None, None)).size
        groups[name][number][column] = Chunk(before + size, None if nested else low, None if nested else high)
    described: dict[tuple[Any, ...], dict[str, tuple[str, str]]] = {}
    for file in missing:
        signature = tuple(signatures[str(file.path)])
        if signature not in described:
            rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({_paths([file])})").fetchall()
            described[signature] = {row[0].lower(): (row[0], row[1]) for row in rows}
        found[file.path] = Footer(signature, described[signature], list(groups[str(file.path)].values()))
    with _footers_lock:
        for file in missing:
            _footers[file.path] = found[file.path]
        while len(_footers) > lines.KEPT:
            _footers.popitem(last=False)
    return found


def _has_schema(connection: duckdb.DuckDBPyConnection, file: File) -> bool:
    try:
        connection.execute(f"SELECT count(*) FROM parquet_schema({_paths([file])})").fetchall()
    except duckdb.Error:
        return False
    return True


_COMPATIBLE = {
    "TINYINT": ("tinyint", "smallint", "integer", "bigint", "double", "decimal"),
    "SMALLINT": ("smallint", "integer", "bigint", "double", "decimal", "tinyint"),
    "INTEGER": ("integer", "bigint", "smallint", "tinyint", "double", "decimal"),
    "BIGINT": ("bigint", "decimal", "integer", "smallint", "tinyint"),
    "UTINYINT": ("smallint", "integer", "bigint"),
    "USMALLINT": ("integer", "bigint"),
    "UINTEGER": ("bigint",),
    "UBIGINT": ("bigint", "decimal"),
    "FLOAT": ("real", "double"),
    "DOUBLE": ("double", "real"),
    "BOOLEAN": ("boolean",),
    "VARCHAR": ("varchar", "char", "varbinary", "json"),
    "BLOB": ("varbinary", "varchar", "char"),
    "DATE": ("date", "timestamp"),
    "TIMESTAMP": ("timestamp", "bigint"),
    "TIMESTAMP_NS": ("timestamp",),
    "TIMESTAMP_MS": ("timestamp",),
    "TIMESTAMP_S": ("timestamp",),
    "TIMESTAMP WITH TIME ZONE": ("timestamp",),
    "TIME": ("time",),
    "UUID": ("varchar",),
    "JSON": ("varchar",),
}


def _parquet_column(name: str, kind: Type, written: tuple[str, str] | None, uri: str) -> str:
    """The SQL of a wanted column of Parquet files; NULL where they do not have it. Raises QueryError HIVE_BAD_DATA."""
    target = types.duckdb(kind)
    if written is None:
        return f"{_absent(target)} AS {quoted(name)}"
    own, duck = written
    base = duck.partition("(")[0] if not duck.endswith("[]") else "LIST"
    nested = {"LIST": "array", "STRUCT": "row", "MAP": "map"}
    allowed = (
        ("decimal", "double") if base == "DECIMAL" else (nested[base],) if base in nested else _COMPATIBLE.get(duck, ())
    )
    if kind.name not in allowed:
        raise QueryError(
            "HIVE_BAD_DATA",
            f"Field {name}'s type {duck} in parquet file {uri} is incompatible with type {kind} defined in table schema",
        )
    sql = quoted(own)
    if kind.name == "timestamp":
        moment = f"timezone('UTC', {sql})" if duck == "TIMESTAMP WITH TIME ZONE" else f"CAST({sql} AS TIMESTAMP)"
        return f"date_trunc('millisecond', {moment}) AS {quoted(name)}"
    if duck == target or (kind.name in ("varchar", "char") and duck == "VARCHAR"):
        return f"{sql} AS {quoted(name)}"
    if duck == "BLOB" and target == "VARCHAR":
        return f"decode({sql}) AS {quoted(name)}"
    return f"CAST({sql} AS {target}) AS {quoted(name)}"
