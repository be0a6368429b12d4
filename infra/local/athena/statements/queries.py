"""The statements with a query in them: SELECT, EXPLAIN, CTAS, INSERT INTO, UNLOAD, run by DuckDB over the tables' objects."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from infra.engines.athena import types
from infra.engines.athena.client import Engine, EngineError
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Column
from infra.local import s3
from infra.local.athena.lake import results, symlinks, writers
from infra.local.athena.lake.catalog import GlueCatalog, is_iceberg, is_view
from infra.local.athena.lake.files import folder
from infra.local.athena.lake.formats import AVRO, JSON_SERDES, LAZY, ORC, PARQUET
from infra.local.athena.lake.tables import Reader
from infra.local.athena.lake.writers import Written
from infra.local.athena.sql.translate import Translated, translate
from infra.local.athena.statements import ddl, plans
from infra.local.athena.statements.parser import Statement
from infra.local.athena.statements.steps import steps

log = logging.getLogger("workshop.athena")

ROWS_COLUMN = results.column_info(Column("rows", "bigint"))
HEADER = "Query Plan"
T = TypeVar("T")


class Outcome(NamedTuple):
    """What a statement gave: a file for its result object (moved into S3), its columns, rows, and the URIs of data files written."""

    path: Path | None
    columns: list[dict[str, Any]]
    rows: int
    update_count: int | None
    update_type: str | None = None
    uris: list[str] | None = None  # None: the statement writes no data


class ScanLimit(Exception):
    """The statement would scan more bytes than its workgroup allows."""


class Query:
    """One statement at work: an engine of its own, temporary files, and what it scanned."""

    def __init__(
        self, catalog: GlueCatalog, database: str | None, scratch: Path, engine: Engine,
        parameters: list[str], scan_limit: int | None, note: Callable[[dict[str, Any]], None],
    ):  # fmt: skip
        """`note` is told what a statement makes, before it does, so that a part of it does not stay."""
        self.note = note
        self.catalog, self.database, self.scratch, self.engine = catalog, database, scratch, engine
        self.parameters, self.scan_limit = parameters, scan_limit
        self.scanned = 0
        self.planning_ms = 0

    # --- translating and running

    def translate(self, text: str, span: tuple[int, int]) -> Translated:
        started = time.perf_counter()
        found = translate(text, self.catalog, self.database, self.parameters, span[0], span[1])
        self.planning_ms += round((time.perf_counter() - started) * 1000)
        return found

    def run(self, translated: Translated, work: Callable[[], T]) -> T:
        """Bind the tables, then do `work`. What fails on data is tried again with text files read line by line, for Athena's answer or error."""
        reader = Reader(self.engine, self.catalog, self.scratch)
        try:
            self.bind(reader, translated)
            return work()
        except EngineError as error:
            if not (error.failure.of_data and reader.has_text):
                if error.failure.detail:
                    log.error("%s: %s", error.failure.detail, translated.sql)
                raise
        self.bind(Reader(self.engine, self.catalog, self.scratch, exact=True), translated)
        return work()

    def bind(self, reader: Reader, translated: Translated) -> None:
        self.scanned = sum(reader.bind(use) for use in translated.tables)
        if self.scan_limit is not None and self.scanned > self.scan_limit:
            raise ScanLimit

    # --- statements

    def select(self, text: str, span: tuple[int, int]) -> Outcome:
        found = self.translate(text, span)
        path = self.scratch / "result.csv"
        names = [column.name for column in found.columns]
        rows = self.run(found, lambda: results.write_csv(self.engine, found.text_sql, names, path))
        return Outcome(path, [results.column_info(c) for c in found.columns], rows, 0)

    def explain(self, text: str, statement: Statement) -> Outcome:
        inner = statement.of
        if not hasattr(inner, "query") or inner.kind in ("DELETE", "UPDATE", "MERGE", "OPTIMIZE"):
            raise QueryError("NOT_SUPPORTED", f"EXPLAIN of {inner.kind} is not supported")
        kind, form = statement.options.get("TYPE", "LOGICAL"), statement.options.get("FORMAT", "TEXT")
        if form not in ("TEXT", "JSON"):
            raise QueryError("NOT_SUPPORTED", f"The local AWS explains in the formats TEXT and JSON, not {form}")
        found = self.translate(text, inner.query)
        if kind == "VALIDATE":
            plan = "true"
        elif kind == "IO":
            plan = self.run(found, lambda: plans.io_plan(found))
        elif statement.analyze:
            rows = self.run(found, lambda: self.engine.fetch(f"EXPLAIN (ANALYZE, FORMAT json) {found.sql}"))
            plan = plans.run_plan(json.loads(rows[-1][1]), found, form)
        else:
            root = steps(text, inner.query, found, self.catalog, self.database)
            plan = self.run(found, lambda: plans.plan(root, found, form))
        listed = [HEADER if kind != "VALIDATE" else "Valid", *plan.split("\n")]
        if not statement.analyze:
            self.scanned = 0
        path = self.scratch / "result.txt"
        path.write_text("\n".join(listed), encoding="utf-8")
        column = Column(listed[0], "varchar" if statement.analyze else f"varchar({len(plan)})")
        return Outcome(path, [results.column_info(column)], len(listed), None)

    def create_table_as(self, text: str, statement: Statement, default_location: str, enforced: bool) -> Outcome:
        database, name = ddl.table_name(statement.name, self.database)
        properties = statement.properties
        kind = str(properties.get("table_type", "HIVE")).upper()
        if kind not in ("HIVE", "ICEBERG"):
            raise QueryError("INVALID_TABLE_PROPERTY", f"Invalid value for table property 'table_type': {kind}")
        if kind == "ICEBERG":
            return self.create_iceberg_as(text, statement, database, default_location)
        location = properties.get("external_location")
        if location is not None and enforced:
            raise QueryError(
                "INVALID_TABLE_PROPERTY",
                "The Create Table As Select query failed because it was submitted with an 'external_location' property to "
                "an Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
                "'external_location' property and resubmit the query.",
            )
        location = (location or default_location).rstrip("/") + "/"
        form = writers.format_from(properties, "PARQUET")
        found = self.translate(text, statement.query)
        columns = _named(found.columns, statement.columns)
        hive_types = writers.check_types(columns)
        ddl.require_database(self.catalog, database)
        if self.catalog.table(database, name) is not None:
            if statement.absent:
                return Outcome(None, [ROWS_COLUMN], 0, 0, "CREATE TABLE", [])
            text = f"Destination table 'awsdatacatalog.{database}.{name}' already exists"
            raise QueryError("TABLE_ALREADY_EXISTS", text, 1, 1)
        keys = [key.lower() for key in properties.get("partitioned_by", [])]
        if keys and [c.name for c in columns[-len(keys) :]] != keys:
            raise QueryError(
                "HIVE_COLUMN_ORDER_MISMATCH",
                "Partition keys must be the last columns in the table and in the same order as the table properties: "
                f"[{', '.join(keys)}]",
            )
        bucketed = _bucketing(properties, [c.name for c in columns])
        self.require_empty(location, f"awsdatacatalog.{database}.{name}")
        self.note({"database": database, "table": name, "location": location})
        written = Written(0, [], {})
        if statement.data:
            written = self.write(found, columns, form, location, keys, bucketed)
        table = ddl.written_table(
            name, columns, hive_types, keys, location, form, bucketed, statement.comment, self.catalog.account
        )
        ddl.create_table(self.catalog, database, table)
        ddl.add_partitions(self.catalog, database, name, written.partitions)
        return Outcome(None, [ROWS_COLUMN], 0, written.rows, "CREATE TABLE", written.uris)

    def create_iceberg_as(self, text: str, statement: Statement, database: str, default_location: str) -> Outcome:
        from infra.local.athena.iceberg import changing  # pyiceberg is heavy: only who makes such tables pays

        found = self.translate(text, statement.query)
        columns = _named(found.columns, statement.columns)
        writers.check_types([c for c in columns if "timestamp" not in c.type])
        ddl.require_database(self.catalog, database)
        if self.catalog.table(database, statement.name[-1]) is not None:
            if statement.absent:
                return Outcome(None, [ROWS_COLUMN], 0, 0, "CREATE TABLE", [])
            text = f"Destination table 'awsdatacatalog.{database}.{statement.name[-1]}' already exists"
            raise QueryError("TABLE_ALREADY_EXISTS", text, 1, 1)
        rows = self.run(
            found, lambda: changing.create_as(self, database, statement, columns, found.sql, default_location)
        )
        return Outcome(None, [ROWS_COLUMN], 0, rows, "CREATE TABLE", [])

    def change(self, text: str, statement: Statement) -> Outcome:
        """DELETE, UPDATE, MERGE, OPTIMIZE."""
        entry = managed_table(self.catalog, self.database, statement)
        from infra.local.athena.iceberg import changing

        if statement.kind == "OPTIMIZE":
            changing.optimize(self, text, statement, entry)
            return Outcome(self.nothing(), [], 0, None)
        rows = changing.change(self, text, statement, entry)
        return Outcome(self.nothing(), [ROWS_COLUMN], 0, rows, statement.kind)

    def nothing(self) -> Path:
        """The empty result object of a statement that gives no rows."""
        path = self.scratch / "result.csv"
        path.touch()
        return path

    def insert(self, text: str, statement: Statement) -> Outcome:
        database, name = ddl.table_name(statement.name, self.database)
        ddl.require_database(self.catalog, database)
        table = self.catalog.table(database, name)
        if table is None:
            raise QueryError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist", 1, 1)
        if is_view(table):
            raise QueryError("NOT_SUPPORTED", "Inserting into views is not supported", 1, 1)
        if (table["StorageDescriptor"].get("NumberOfBuckets") or 0) > 0:
            raise QueryError("NOT_SUPPORTED", "Inserting into bucketed tables is not supported", 1, 1)
        if (
            table["StorageDescriptor"].get("InputFormat") == symlinks.INPUT
        ):  # a file of rows would be read as a manifest
            raise QueryError(
                "NOT_SUPPORTED", "Inserting into tables of manifests (SymlinkTextInputFormat) is not supported", 1, 1
            )
        found = self.translate(text, statement.query)
        target = self.catalog.columns(database, name) or []
        chosen = statement.columns or [c.name for c in target]
        by_name = {c.name: c for c in target}
        unknown = [c for c in chosen if c not in by_name]
        if unknown:
            raise QueryError(
                "COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {unknown[0]}", 1, 1
            )
        wanted = [by_name[c] for c in chosen]
        literals = text[slice(*statement.query)].lstrip("( \t\r\n")[:6].upper() == "VALUES"
        fits = len(wanted) == len(found.columns) and all(
            _insertable(types.parse(q.type), types.parse(c.type), literals)
            for q, c in zip(found.columns, wanted, strict=True)
        )
        if not fits:
            raise QueryError(
                "TYPE_MISMATCH",
                f"Insert query has mismatched column types: Table: [{', '.join(c.type for c in wanted)}], "
                f"Query: [{', '.join(c.type for c in found.columns)}]",
                1, 1,
            )  # fmt: skip
        listed = ", ".join(
            f"CAST({f'q{chosen.index(c.name)}' if c.name in chosen else 'NULL'} AS {types.trino_to_duckdb(c.type)})"
            for c in target
        )
        sql = f"SELECT {listed} FROM ({found.sql}) q({', '.join(f'q{i}' for i in range(len(chosen)))})"
        if is_iceberg(table):
            from infra.local.athena.iceberg import changing

            rows = self.run(found, lambda: changing.insert(self, table, sql))
            return Outcome(None, [ROWS_COLUMN], 0, rows, "INSERT", [])
        keys = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
        known = {
            tuple(p["Values"]): p["StorageDescriptor"]["Location"].rstrip("/") + "/"
            for p in (self.catalog.partitions(database, name) if keys else [])
        }

        def note(written: Written) -> None:
            fresh = [list(values) for values in written.partitions if values not in known]
            self.note({"files": written.uris, "database": database, "table": name, "partitions": fresh})

        place = table["StorageDescriptor"]["Location"]
        written = self.write(found, target, _table_format(table), place, keys, None, sql, known, note)
        fresh = {values: uri for values, uri in written.partitions.items() if values not in known}
        ddl.add_partitions(self.catalog, database, name, fresh)
        return Outcome(None, [ROWS_COLUMN], 0, written.rows, "INSERT", written.uris)

    def unload(self, text: str, statement: Statement) -> Outcome:
        form = writers.format_from(statement.properties, None)
        found = self.translate(text, statement.query)
        writers.check_types(_named(found.columns, None))
        keys = [key.lower() for key in statement.properties.get("partitioned_by", [])]
        if keys and [c.name for c in found.columns[-len(keys) :]] != keys:
            raise QueryError(
                "HIVE_COLUMN_ORDER_MISMATCH",
                f"Partition keys must be the last columns in the query: [{', '.join(keys)}]",
            )
        location = statement.location.rstrip("/") + "/"
        self.require_empty(location, None)
        written = self.write(
            found, found.columns, form, location, keys, None, note=lambda made: self.note({"files": made.uris})
        )
        return Outcome(None, [ROWS_COLUMN], 0, written.rows, "UNLOAD", written.uris)

    def create_view(self, text: str, statement: Statement) -> None:
        database, name = ddl.table_name(statement.name, self.database)
        found = self.translate(text, statement.query)
        columns = _named(found.columns, None)
        hive_types = writers.check_types(columns, stored=False)
        ddl.require_database(self.catalog, database)
        there = self.catalog.table(database, name)
        if there is not None and not (is_view(there) and statement.replace):
            what = "View" if is_view(there) else "Table"
            raise QueryError("ALREADY_EXISTS", f"{what} already exists: 'awsdatacatalog.{database}.{name}'", 1, 1)
        definition = {
            "originalSql": text[slice(*statement.query)].strip(),
            "catalog": "awsdatacatalog",
            "schema": self.database or database,
            "columns": [{"name": c.name, "type": c.type} for c in columns],
        }
        table = ddl.view_table(name, columns, hive_types, definition, statement.comment)
        (ddl.create_table if there is None else ddl.replace_table)(self.catalog, database, table)

    # --- writing

    def require_empty(self, location: str, table: str | None) -> None:
        bucket, prefix = folder(location)
        try:
            there = s3.objects(self.catalog.account, bucket, prefix)
        except s3.MissingBucket:
            raise QueryError("HIVE_FILESYSTEM_ERROR", f"The specified bucket does not exist: {bucket}") from None
        if there:
            of = f"for table '{table}' " if table else ""
            raise QueryError("HIVE_PATH_ALREADY_EXISTS", f"Target directory {of}already exists: {location.rstrip('/')}")

    def write(
        self, found: Translated, columns: list[Column], form: writers.Format, location: str, keys: list[str],
        bucketed: tuple[list[str], int] | None, sql: str | None = None, known: dict[tuple[str, ...], str] | None = None,
        note: Callable[[Written], None] = lambda written: None,
    ) -> Written:  # fmt: skip
        bucket, prefix = folder(location)
        if not s3.exists(self.catalog.account, bucket):
            raise QueryError("HIVE_FILESYSTEM_ERROR", f"The specified bucket does not exist: {bucket}")
        writer = writers.Writer(self.engine, self.catalog.account, self.catalog.region, self.scratch)
        return self.run(
            found, lambda: writer.write(sql or found.sql, columns, form, bucket, prefix, keys, bucketed, known, note)
        )


def managed_table(catalog: GlueCatalog, database: str | None, statement: Statement) -> dict[str, Any]:
    """The Iceberg table that a statement changes. Raises QueryError for others, whose rows Athena does not change."""
    schema, name = ddl.table_name(statement.name, database)
    ddl.require_database(catalog, schema)
    table = catalog.table(schema, name)
    if table is None:
        raise QueryError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{schema}.{name}' does not exist", 1, 1)
    if not is_iceberg(table):
        raise QueryError("NOT_SUPPORTED", "Modifying Hive table rows is only supported for transactional tables")
    return table


def _insertable(kind: types.Type, column: types.Type, literals: bool) -> bool:
    """Whether INSERT takes a value: 1.5, a double here, is a decimal for Athena's INSERT, which fits a float and, in VALUES, a decimal."""
    if kind.name == "double" and column.name in (("real", "decimal") if literals else ("real",)):
        return True
    return types.coercible(kind, column)


def _named(columns: list[Column], given: list[str] | None) -> list[Column]:
    """The columns of a query that makes a table. Raises QueryError MISSING_COLUMN_NAME."""
    for number, column in enumerate(columns):
        if column.name == f"_col{number}":
            raise QueryError("MISSING_COLUMN_NAME", f"Column name not specified at position {number + 1}", 1, 1)
    if given is None:
        return columns
    if len(given) != len(columns):
        raise QueryError(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(given)} entries but relation has {len(columns)} columns",
            1, 1,
        )  # fmt: skip
    return [Column(name, column.type) for name, column in zip(given, columns, strict=True)]


def _bucketing(properties: dict[str, Any], names: list[str]) -> tuple[list[str], int] | None:
    if "bucketed_by" not in properties and "bucket_count" not in properties:
        return None
    columns = [c.lower() for c in properties.get("bucketed_by", [])]
    count = int(properties.get("bucket_count", 0))
    missing = [c for c in columns if c not in names]
    if not columns or count < 1 or missing:
        raise QueryError(
            "INVALID_TABLE_PROPERTY", "bucketed_by needs columns of the table, bucket_count a number above 0"
        )
    return columns, count


def _table_format(table: dict[str, Any]) -> writers.Format:
    """How INSERT INTO writes files of a table."""
    serde = table["StorageDescriptor"].get("SerdeInfo") or {}
    library, parameters = serde.get("SerializationLibrary", ""), serde.get("Parameters") or {}
    settings = table.get("Parameters") or {}
    if library == PARQUET:
        codec = settings.get("parquet.compression", settings.get("write.compression", "SNAPPY"))
        return writers.format_from({"format": "PARQUET", "write_compression": codec}, None)
    if library == ORC:
        codec = settings.get("orc.compress", settings.get("write.compression", "ZLIB"))
        return writers.format_from({"format": "ORC", "write_compression": codec}, None)
    if library == AVRO:
        codec = settings.get("avro.output.codec", settings.get("write.compression", "DEFLATE"))
        return writers.format_from({"format": "AVRO", "write_compression": codec}, None)
    codec = settings.get("write.compression", "GZIP")
    if library in JSON_SERDES:
        return writers.format_from({"format": "JSON", "write_compression": codec}, None)
    if library in (LAZY, ""):
        delimiter = parameters.get("field.delim") or parameters.get("serialization.format") or "\x01"
        form = writers.format_from({"format": "TEXTFILE", "write_compression": codec}, None)
        delimiter = chr(int(delimiter)) if delimiter.isdigit() else delimiter
        return form._replace(delimiter=delimiter, null=parameters.get("serialization.null.format", "\\N"))
    raise QueryError("NOT_SUPPORTED", f"The local AWS does not write tables with the SerDe {library}")
