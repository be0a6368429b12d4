"""Glue tables as DuckDB relations over the files of S3 objects.

A table's partitions are pruned by the statement's conditions, the objects of those that are left are listed, grouped by format and compression,
and read where they lie: text_files.py, columnar.py.
"""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from infra.engines.athena import grammar, hive_types, types
from infra.engines.athena.client import Engine
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Type, literal, quoted
from infra.local import s3
from infra.local.athena.lake import information, names, parquet, projection, rights, row_groups, symlinks
from infra.local.athena.lake.catalog import GlueCatalog, is_iceberg
from infra.local.athena.lake.contradictions import check_partition, check_value
from infra.local.athena.lake.files import ARCHIVED, File, absent, folder, is_hidden, paths, split_location
from infra.local.athena.lake.formats import COLUMNAR, check_properties, compression_of, format_of
from infra.local.athena.lake.text_files import FileReader, Source
from infra.local.athena.sql.scope import Conjunct, TableUse


class Scan(NamedTuple):
    """A table as a query reads it: the relation's SQL and the bytes that reading it scans."""

    sql: str
    bytes: int


class Reader:
    """Makes the relations of one statement. Temporary files lie in `scratch`; `exact` reads text files line by line."""

    def __init__(
        self,
        engine: Engine,
        catalog: GlueCatalog,
        scratch: Path,
        exact: bool = False,
    ):
        self.engine, self.catalog, self.exact = engine, catalog, exact
        self.reader = FileReader(engine, scratch)
        self.has_text = False

    def bind(self, use: TableUse) -> int:
        """Make the relation that a statement reads as `use.name`; return the bytes that it scans. Raises QueryError."""
        scan = self.described(use)
        self.engine.fetch(f"CREATE OR REPLACE TEMP VIEW {quoted(use.name)} AS {scan.sql}")
        return scan.bytes

    def described(self, use: TableUse) -> Scan:
        if use.database == names.SCHEMA:
            return Scan(information.relation(self.catalog, use.table), 0)
        own, about = names.split(use.table)
        table = self.catalog.table(use.database, own)
        if table is None:
            raise QueryError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{use.database}.{use.table}' does not exist")
        if is_iceberg(table):
            from infra.local.athena.iceberg import reading  # pyiceberg is heavy: only who has such tables pays

            return reading.scan(self, table, use, about)
        if about:
            return Scan(self.partitions(table), 0)
        if use.at is not None:
            raise QueryError("NOT_SUPPORTED", "This connector does not support versioned tables")
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
            (c["Name"].lower(), types.parse(hive_types.hive_to_trino(c.get("Type") or "string")))
            for c in table["StorageDescriptor"].get("Columns") or []
        ]
        wanted_columns = [(name, kind) for name, kind in columns if name in use.columns]
        parts, scanned = [], 0
        for source in self.sources(table, keys, use):
            once = source._replace(files=list({file.path: file for file in source.files}.values()))
            sqls, size = self.read(once, columns, wanted_columns, use.conjuncts)
            scanned += size
            for sql, read in sqls:
                files = read if len(once.files) == len(source.files) else _of_all_partitions(read, source.files)
                parts.append(self.with_partition(sql, files, keys, use.columns, wanted_columns))
        if not parts:
            parts = [self.empty(keys, use.columns, wanted_columns)]
        padded = [
            f"rpad({quoted(name)}, {kind.args[0]}, ' ') AS {quoted(name)}"
            for name, kind in [*wanted_columns, *((n, k) for n, k in keys if n in use.columns)]
            if kind.name == "char"
        ]
        sql = " UNION ALL ".join(parts)
        return Scan(f"SELECT * REPLACE ({', '.join(padded)}) FROM ({sql})" if padded else sql, scanned)

    # --- which files

    def sources(self, table: dict[str, Any], keys: list[tuple[str, Type]], use: TableUse) -> list[Source]:
        descriptor, parameters = table["StorageDescriptor"], table.get("Parameters") or {}
        partitions: list[tuple[tuple[str, ...], str, dict[str, Any]]]
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
        for values, location, own in partitions:
            check_partition(table, keys, values, own)
            for value, (name, kind) in zip(values, keys, strict=True):
                check_value(name, value, kind)
            serde_info = own.get("SerdeInfo") or descriptor.get("SerdeInfo") or {}
            format_name = format_of(serde_info.get("SerializationLibrary", ""), own.get("InputFormat", ""))
            serde = serde_info.get("Parameters") or {}
            check_properties(table, {**parameters, **serde}, format_name)
            properties = {**parameters, **serde}
            shape = (format_name, tuple(sorted(properties.items())))
            files = self.files(location, tuple(_hive_null(v) for v in values))
            if (own.get("InputFormat") or descriptor.get("InputFormat")) == symlinks.INPUT:
                files = symlinks.follow(self.catalog.account, self.catalog.region, files)
            for file in files:
                if random.random() * 100 >= use.sample:
                    continue
                grouped[*shape, "" if format_name in COLUMNAR else compression_of(file.uri)].append(file)
        return [Source(name, packed, dict(given), files) for (name, given, packed), files in grouped.items()]

    def files(self, location: str, values: tuple[str | None, ...]) -> list[File]:
        """The objects of a location that hold data."""
        bucket, prefix = folder(location)
        rights.check_list(self.catalog.region, bucket, prefix)
        try:
            found = s3.objects(self.catalog.account, bucket, prefix)
        except s3.MissingBucket:
            raise QueryError(
                "HIVE_METASTORE_ERROR",
                f"The specified bucket does not exist (Bucket: {bucket}, table location: {location})",
            ) from None
        wanted = [
            stored
            for stored in found
            if stored.size and not is_hidden(stored.name, prefix) and stored.storage_class not in ARCHIVED
        ]
        for stored in wanted:
            rights.check_read(self.catalog.region, bucket, stored.name)
        return [
            File(stored.path, f"s3://{bucket}/{stored.name}", stored.size, stored.last_modified.timestamp(), values)
            for stored in wanted
        ]

    def projected(
        self, table: dict[str, Any], keys: list[tuple[str, Type]], conjuncts: list[Conjunct], alias: str
    ) -> list[tuple[tuple[str, ...], str, dict[str, Any]]]:
        found = projection.projections(table)
        for each in found:
            if each.kind == "injected" and not any(c.is_equality and each.name in c.columns for c in conjuncts):
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
        kept = self.engine.fetch(
            f"SELECT partition_number FROM (VALUES {rows}) {quoted(alias)}({names_sql}) WHERE {' AND '.join(conditions)}"
        )
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
        if source.format in COLUMNAR:
            return self.read_columnar(source, columns, wanted, conjuncts)
        self.has_text = True
        size = sum(file.size for file in source.files)
        return self.reader.read(source, columns, [name for name, _ in wanted], self.exact), size

    def read_columnar(
        self, source: Source, columns: list[tuple[str, Type]], wanted: list[tuple[str, Type]], conjuncts: list[Conjunct]
    ) -> tuple[list[tuple[str, list[File]]], int]:
        """Parquet where it lies; ORC and Avro files become Parquet files first."""
        files, by_place = source.files, False
        if source.format != "parquet":
            by_place = source.format == "orc" and source.properties.get("orc.column.index.access", "true") == "true"
            names = [name for name, _ in columns] if by_place else None
            files = [self.reader.as_parquet(file, source.format, names) for file in files]
        found, scanned = self.read_parquet(files, wanted, conjuncts)
        return found, scanned if source.format == "parquet" else sum(file.size for file in source.files)

    def read_parquet(
        self, files: list[File], wanted: list[tuple[str, Type]], conjuncts: list[Conjunct]
    ) -> tuple[list[tuple[str, list[File]]], int]:
        footers = parquet.footers(self.engine, files)
        groups: dict[tuple[Any, ...], list[File]] = defaultdict(list)
        for file in files:
            groups[footers[file.path].signature].append(file)
        found = []
        for alike in groups.values():
            footer = footers[alike[0].path]
            select = [parquet.column(name, kind, footer.types.get(name), alike[0].uri) for name, kind in wanted]
            found.append(
                (f"SELECT {', '.join([*select, 'filename'])} FROM read_parquet({paths(alike)}, filename=true)", alike)
            )
        return found, self.scanned(files, wanted, conjuncts)

    def scanned(self, files: list[File], wanted: list[tuple[str, Type]], conjuncts: list[Conjunct]) -> int:
        """The bytes of the wanted columns in those row groups of Parquet files that may hold a row that is asked for."""
        kinds = dict(wanted)
        conditions = [
            (grammar.parse_expression(c.text), {name: kinds[name] for name in c.columns})
            for c in conjuncts
            if c.columns and c.columns <= set(kinds)
        ]
        size = 0
        for footer in parquet.footers(self.engine, files).values():
            for group in footer.groups:
                bounds = {name: (chunk.low, chunk.high) for name, chunk in group.items()}
                if all(row_groups.may_hold(condition, bounds, of) for condition, of in conditions):
                    size += sum(group[name].size for name, _ in wanted if name in group)
        return size

    # --- partition values and hidden columns

    def with_partition(
        self,
        sql: str,
        files: list[File],
        keys: list[tuple[str, Type]],
        wanted: set[str],
        columns: list[tuple[str, Type]],
        path: str = "filename",
    ) -> str:
        """What `sql` gives, with the values of partitions and files; it has the file's path as the column `path`."""
        used = [(number, name, kind) for number, (name, kind) in enumerate(keys) if name in wanted]
        hidden = [name for name in ("$path", "$file_size", "$file_modified_time") if name in wanted]
        names = [quoted(name) for name, _ in columns]
        several = len({f.path for f in files}) < len(files)  # partitions that share a location
        if not several and not hidden and len({tuple(f.values[number] for number, _, _ in used) for f in files}) == 1:
            shared = files[0].values
            constants = [
                f"{absent(types.duckdb(kind)) if shared[number] is None else _typed(shared[number], kind)} AS {quoted(name)}"
                for number, name, kind in used
            ]
            return f"SELECT {', '.join([*names, *constants]) or '1 AS one'} FROM ({sql})"
        described = []
        for file in files:
            values = [_typed(file.values[number], kind) for number, _, kind in used]
            values += [_hidden(name, file) for name in hidden]
            described.append(f"({', '.join([literal(str(file.path)), *values])})")
        labels = [quoted(name) for _, name, _ in used] + [quoted(name) for name in hidden]
        shown = [*(f"f.{n}" for n in names), *(f"p.{n}" for n in labels)] or ["1 AS one"]
        return (
            f"SELECT {', '.join(shown)} FROM ({sql}) f "
            f"JOIN (VALUES {', '.join(described)}) p({', '.join(['file', *labels])}) ON f.{quoted(path)} = p.file"
        )

    def empty(self, keys: list[tuple[str, Type]], wanted: set[str], columns: list[tuple[str, Type]]) -> str:
        named = [*columns, *((n, kind) for n, kind in keys if n in wanted)]
        listed = [f"{absent(types.duckdb(kind))} AS {quoted(name)}" for name, kind in named]
        hidden = {"$path": "VARCHAR", "$file_size": "BIGINT", "$file_modified_time": "STRUCT(i TIMESTAMPTZ, z VARCHAR)"}
        listed += [f"{absent(kind)} AS {quoted(name)}" for name, kind in hidden.items() if name in wanted]
        return (
            f"SELECT {', '.join(listed) or '1 AS one'} FROM (SELECT CAST(range AS VARCHAR) AS filename FROM range(0))"
        )


def _of_all_partitions(read: list[File], files: list[File]) -> list[File]:
    """The files that were read, once for each partition that they lie in."""
    values: dict[str, list[tuple[str | None, ...]]] = defaultdict(list)
    for file in files:
        values[file.uri].append(file.values)
    return [file._replace(values=each) for file in read for each in values[file.uri]]


def _keys(table: dict[str, Any]) -> list[tuple[str, Type]]:
    return [
        (k["Name"].lower(), types.parse(hive_types.hive_to_trino(k["Type"]))) for k in table.get("PartitionKeys") or []
    ]


def _hive_null(value: str | None) -> str | None:
    return None if value == "__HIVE_DEFAULT_PARTITION__" else value


def _typed(value: str | None, kind: Type) -> str:
    """A partition value, which Glue keeps as text, as an SQL value of its column's type."""
    if value is None:
        return f"CAST(NULL AS {types.duckdb(kind)})"
    if kind.name in ("varchar", "char"):
        return literal(value)
    return f"CAST({literal(value)} AS {types.duckdb(kind)})"


def _hidden(name: str, file: File) -> str:
    if name == "$path":
        return literal(file.uri)
    if name == "$file_size":
        return f"CAST({file.size} AS BIGINT)"
    return f"struct_pack(i := to_timestamp({file.modified!r}), z := 'UTC')"
