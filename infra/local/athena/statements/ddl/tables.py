"""DDL: databases, tables and views are made and dropped.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from infra.engines.athena import hive_types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Column
from infra.local.athena.lake import files, formats
from infra.local.athena.lake.catalog import (
    NAME,
    GlueCatalog,
    Table,
    is_iceberg,
    is_view,
    view_text,
)
from infra.local.athena.lake.results import Listing
from infra.local.athena.lake.writers import Format
from infra.local.athena.statements.ddl.names import (
    EXECUTION_ERROR,
    INPUT_KEYS,
    HiveError,
    change_catalog,
    done,
    hive_database,
    make_default,
    table_name,
)
from infra.local.athena.statements.parser import Statement

TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
HIVE_IO = "org.apache.hadoop.hive.ql.io"
STORED = {  # STORED AS → input format, output format, SerDe
    "TEXTFILE": (TEXT_INPUT, TEXT_OUTPUT, formats.LAZY),
    "PARQUET": (f"{HIVE_IO}.parquet.MapredParquetInputFormat", f"{HIVE_IO}.parquet.MapredParquetOutputFormat", formats.PARQUET),
    "ORC": (f"{HIVE_IO}.orc.OrcInputFormat", f"{HIVE_IO}.orc.OrcOutputFormat", f"{HIVE_IO}.orc.OrcSerde"),
    "AVRO": (
        f"{HIVE_IO}.avro.AvroContainerInputFormat", f"{HIVE_IO}.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "SEQUENCEFILE": (
        "org.apache.hadoop.mapred.SequenceFileInputFormat", f"{HIVE_IO}.HiveSequenceFileOutputFormat", formats.LAZY,
    ),
    "RCFILE": (
        f"{HIVE_IO}.RCFileInputFormat", f"{HIVE_IO}.RCFileOutputFormat",
        "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
}  # fmt: skip
JSON_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"


def create_database(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    name = statement.name[-1]
    if catalog.database_exists(name):
        if statement.absent:
            return done()
        raise HiveError(f"{EXECUTION_ERROR} Database {name} already exists")
    entry: dict[str, Any] = {"Name": name, "Parameters": statement.properties}
    if statement.comment:
        entry["Description"] = statement.comment
    if statement.location:
        files.split_location(statement.location)
        entry["LocationUri"] = statement.location
    change_catalog(catalog, lambda glue: glue.create_database(name, entry))
    return done()


def drop_database(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    name = statement.name[-1]
    if not catalog.database_exists(name):
        if statement.present:
            return done()
        raise HiveError(f"SemanticException [Error 10072]: Database does not exist: {name}")
    if catalog.tables(name) and not statement.cascade:
        raise HiveError(
            f"{EXECUTION_ERROR} InvalidOperationException(message:Database {name} is not empty. One or more tables exist.)"
        )
    change_catalog(catalog, lambda glue: glue.delete_database(name))
    return done()


def alter_database(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    name = statement.name[-1]
    hive_database(catalog, name)
    kept = ("Description", "LocationUri", "CreateTableDefaultPermissions", "TargetDatabase")
    there = catalog.database(name) or {}
    entry = {"Name": name, **{key: there[key] for key in kept if there.get(key)}}
    entry["Parameters"] = {**(there.get("Parameters") or {}), **statement.properties}
    change_catalog(catalog, lambda glue: glue.update_database(name, entry))
    return done()


def create_external_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    hive_database(catalog, schema)
    if catalog.table(schema, name) is not None:
        if statement.absent:
            return done()
        raise HiveError(f"{EXECUTION_ERROR} AlreadyExistsException(message:Table {name} already exists.)")
    if not statement.columns:
        raise HiveError(
            "SemanticException [Error 10043]: Either list of columns or a custom serializer should be specified"
        )
    names = [c["Name"] for c in [*statement.columns, *statement.partition_keys]]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice:
        raise HiveError(f"SemanticException [Error 10036]: Duplicate column name: {twice}")
    for column in [*statement.columns, *statement.partition_keys]:
        hive_types.hive_to_trino(column["Type"])
    files.split_location(statement.location)
    if wants_iceberg(statement):
        from infra.local.athena.iceberg import tables  # pyiceberg is heavy: only who makes such tables pays

        tables.create(catalog, schema, statement)
    else:
        create_table(catalog, schema, external_table(statement, name))
    return done()


def wants_iceberg(statement: Statement) -> bool:
    return statement.properties.get("table_type", "").upper() == "ICEBERG"


def hive_path(location: str) -> str:
    """A LOCATION as Athena's DDL stores it: without the slash at its end, which a bucket's own address keeps."""
    bucket, key = files.split_location(location)
    return location.rstrip("/") if key.strip("/") else f"s3://{bucket}/"


def external_table(statement: Statement, name: str) -> dict[str, Any]:
    """The TableInput of CREATE EXTERNAL TABLE."""
    stored = statement.stored or "TEXTFILE"
    if stored not in STORED:
        raise HiveError(f"SemanticException Unrecognized file format in STORED AS clause: {stored}")
    input_format, output_format, library = STORED[stored]
    if statement.formats:
        input_format, output_format = statement.formats
    library = statement.serde or library
    serde = dict(statement.serde_properties) or dict(statement.delimited) or {}
    serde.setdefault("serialization.format", "1")
    properties = {"EXTERNAL": "TRUE", "transient_lastDdlTime": str(int(time.time())), **statement.properties}
    if statement.comment:
        properties["comment"] = statement.comment
    return _table_input(
        name, statement.columns, statement.partition_keys, hive_path(statement.location),
        (input_format, output_format, library),
        serde, properties, (statement.bucket_columns, statement.buckets) if statement.buckets else None,
    )  # fmt: skip


def _table_input(
    name: str, columns: list[dict[str, str]], keys: list[dict[str, str]], location: str, stored: tuple[str, str, str],
    serde: dict[str, str], properties: dict[str, str], bucketed: tuple[list[str], int] | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "Name": name,
        "Owner": "hadoop",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": keys,
        "Parameters": properties,
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location,
            "InputFormat": stored[0],
            "OutputFormat": stored[1],
            "Compressed": False,
            "NumberOfBuckets": bucketed[1] if bucketed else -1,
            "SerdeInfo": {"SerializationLibrary": stored[2], "Parameters": serde},
            "BucketColumns": bucketed[0] if bucketed else [],
            "SortColumns": [],
            "Parameters": {},
            "SkewedInfo": {"SkewedColumnNames": [], "SkewedColumnValues": [], "SkewedColumnValueLocationMaps": {}},
            "StoredAsSubDirectories": False,
        },
    }


_COMPRESSION_KEYS = {"PARQUET": "parquet.compression", "ORC": "orc.compress", "AVRO": "avro.output.codec"}


def written_table(
    name: str, columns: list[Column], hive_types: list[str], keys: list[str], location: str, form: Format,
    bucketed: tuple[list[str], int] | None, comment: str | None, account: str,
) -> dict[str, Any]:  # fmt: skip
    """The TableInput of CREATE TABLE AS SELECT."""
    input_format, output_format, library = STORED[form.name if form.name in ("PARQUET", "ORC", "AVRO") else "TEXTFILE"]
    serde = {"serialization.format": "1"}
    if form.name == "JSON":
        library = JSON_SERDE
    if form.name == "TEXTFILE":
        serde = {"field.delim": form.delimiter, "serialization.format": form.delimiter}
    kinds = {"PARQUET": "parquet", "ORC": "orc", "AVRO": "avro", "JSON": "json", "TEXTFILE": "csv"}
    properties = {
        "EXTERNAL": "TRUE", "has_encrypted_data": "false", "numFiles": "-1", "numRows": "-1", "rawDataSize": "-1",
        "totalSize": "-1", "transient_lastDdlTime": str(int(time.time())), "classification": kinds[form.name],
        _COMPRESSION_KEYS.get(form.name, "write.compression"): form.compression,
    }  # fmt: skip
    if comment:
        properties["comment"] = comment
    typed = [{"Name": c.name, "Type": kind} for c, kind in zip(columns, hive_types, strict=True)]
    return _table_input(
        name, [c for c in typed if c["Name"] not in keys], [c for c in typed if c["Name"] in keys], location,
        (input_format, output_format, library), serde, properties, bucketed,
    )  # fmt: skip


def view_table(
    name: str, columns: list[Column], hive_types: list[str], definition: dict[str, Any], comment: str | None
) -> dict[str, Any]:
    """The TableInput of CREATE VIEW."""
    return {
        "Name": name,
        "Owner": "hadoop",
        "TableType": "VIRTUAL_VIEW",
        "PartitionKeys": [],
        "Parameters": {"presto_view": "true", "comment": comment or "Presto View"},
        "ViewOriginalText": view_text(definition),
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": [{"Name": c.name, "Type": kind} for c, kind in zip(columns, hive_types, strict=True)],
            "Location": "",
            "Compressed": False,
            "NumberOfBuckets": 0,
            "SerdeInfo": {},
            "SortColumns": [],
            "StoredAsSubDirectories": False,
        },
    }


def create_table(catalog: GlueCatalog, database: str, table: dict[str, Any]) -> None:
    make_default(catalog, database)
    change_catalog(catalog, lambda glue: glue.create_table(database, table["Name"], table))


def replace_table(catalog: GlueCatalog, database: str, table: dict[str, Any]) -> None:
    change_catalog(catalog, lambda glue: glue.update_table(database, table["Name"], table))


def drop_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    found = catalog.table(schema, name)
    if found is None:
        if statement.present:
            return done()
        raise HiveError(f"SemanticException [Error 10001]: Table not found {schema}.{name}")
    if is_view(found):
        raise HiveError("SemanticException [Error 10096]: Cannot drop a view with DROP TABLE")
    if is_iceberg(found):
        from infra.local.athena.iceberg import tables

        tables.drop(catalog, found)
        return done()
    change_catalog(catalog, lambda glue: glue.delete_table(schema, name))
    return done()


def drop_view(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    found = catalog.table(schema, name)
    if found is None or not is_view(found):
        if found is None and statement.present:
            return done()
        raise QueryError("TABLE_NOT_FOUND", f"View '{NAME}.{schema}.{name}' does not exist", 1, 1)
    change_catalog(catalog, lambda glue: glue.delete_table(schema, name))
    return done()


def altered(catalog: GlueCatalog, table: Table, change: Callable[[dict[str, Any]], None]) -> Listing:
    """Update a table with what `change` makes of its TableInput."""
    entry = copy.deepcopy({key: table[key] for key in INPUT_KEYS if key in table})
    change(entry)
    replace_table(catalog, table["DatabaseName"], entry)
    return done()
