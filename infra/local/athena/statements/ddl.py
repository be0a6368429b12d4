"""Hive DDL and SHOW on the Glue Data Catalog.

Sources: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html; how answers look was measured on the service.
"""

from __future__ import annotations

import copy
import re
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.core.exceptions import JsonRESTError

from infra.engines.athena import types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Column
from infra.local import s3
from infra.local.athena.lake import files, formats
from infra.local.athena.lake.catalog import (
    DEFAULT,
    NAME,
    GlueCatalog,
    Table,
    all_columns,
    is_view,
    view_definition,
    view_text,
)
from infra.local.athena.lake.results import Listing, text_columns
from infra.local.athena.lake.writers import Format
from infra.local.athena.statements.parser import Statement

TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_HIVE_IO = "org.apache.hadoop.hive.ql.io"
STORED = {  # STORED AS → input format, output format, SerDe
    "TEXTFILE": (TEXT_INPUT, TEXT_OUTPUT, formats.LAZY),
    "PARQUET": (f"{_HIVE_IO}.parquet.MapredParquetInputFormat", f"{_HIVE_IO}.parquet.MapredParquetOutputFormat", formats.PARQUET),
    "ORC": (f"{_HIVE_IO}.orc.OrcInputFormat", f"{_HIVE_IO}.orc.OrcOutputFormat", f"{_HIVE_IO}.orc.OrcSerde"),
    "AVRO": (
        f"{_HIVE_IO}.avro.AvroContainerInputFormat", f"{_HIVE_IO}.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "SEQUENCEFILE": (
        "org.apache.hadoop.mapred.SequenceFileInputFormat", f"{_HIVE_IO}.HiveSequenceFileOutputFormat", formats.LAZY,
    ),
    "RCFILE": (
        f"{_HIVE_IO}.RCFileInputFormat", f"{_HIVE_IO}.RCFileOutputFormat",
        "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
}  # fmt: skip
JSON_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
EXECUTION_ERROR = "Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."
DDL_ERROR_TYPE = 1003
_INPUT_KEYS = (
    "Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor",
    "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable",
)  # fmt: skip
WIDTH = 20
_BLANK = "\t \t "


class Refused(Exception):
    """A statement that StartQueryExecution refuses, with Athena's code and message."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY"):
        super().__init__(message)
        self.code = code


class HiveError(QueryError):
    """A failure in Hive's words: `FAILED: …`."""

    def __init__(self, text: str):
        super().__init__("FAILED", text)
        self.type = DDL_ERROR_TYPE


# --- names ----------------------------------------------------------------------------------------------------------


def table_name(name: tuple[str, ...], database: str | None) -> tuple[str, str]:
    """The database and the table that a name means. Raises QueryError for other catalogs and for no database."""
    if len(name) == 3 and name[0] not in (NAME, "hive"):
        raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{name[0]}' does not exist", 1, 1)
    if len(name) == 1 and not database:
        raise QueryError("MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set", 1, 1)
    return (name[-2] if len(name) > 1 else str(database).lower()), name[-1]


def require_database(catalog: GlueCatalog, database: str) -> None:
    if not catalog.database_exists(database):
        raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", 1, 1)


def _hive_database(catalog: GlueCatalog, database: str) -> None:
    if not catalog.database_exists(database):
        raise HiveError(f"SemanticException [Error 10072]: Database does not exist: {database}")


def _hive_table(catalog: GlueCatalog, name: tuple[str, ...], database: str | None) -> Table:
    schema, table = table_name(name, database)
    found = catalog.table(schema, table)
    if found is None:
        raise HiveError(f"SemanticException [Error 10001]: Table not found {schema}.{table}")
    return found


def check_at_start(statement: Statement, catalog: GlueCatalog, database: str | None) -> None:
    """What Athena looks at before it starts an execution. Raises Refused."""
    if statement.kind == "CREATE_TABLE":
        if statement.properties.get("table_type", "").upper() == "ICEBERG":
            return
        if not statement.location:
            raise Refused("No location was specified for table. An S3 location must be specified", "INVALID_INPUT")
        if not statement.external:
            raise Refused("External keyword required for table type HIVE", "INVALID_INPUT")
    if statement.kind in ("DESCRIBE_TABLE", "SHOW_COLUMNS"):
        try:
            schema, table = table_name(statement.name, database)
        except QueryError as error:
            if error.code == "CATALOG_NOT_FOUND":
                raise Refused(f"Catalog '{statement.name[0]}' does not exist", "DATACATALOG_NOT_FOUND") from None
            schema, table = "", statement.name[-1]
        found = catalog.table(schema, table)
        if found is None:
            raise Refused(
                "Entity Not Found (Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; "
                f"Request ID: {uuid.uuid4()}; Proxy: null)",
                "INVALID_INPUT",
            )
        if is_view(found):
            statement.kind = "DESC_VIEW"


# --- execution ------------------------------------------------------------------------------------------------------


def execute(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    """Carry out a statement that is no query. Raises QueryError."""
    return _WORK[statement.kind](statement, catalog, database)


def _done() -> Listing:
    return Listing([], [], counted=False)


def _changed(catalog: GlueCatalog, work: Callable[[Any], Any]) -> None:
    """Change Glue; its errors become Hive's."""
    try:
        catalog.change(work)
    except JsonRESTError as error:
        raise HiveError(f"{EXECUTION_ERROR} {error.error_type}(message:{error.message})") from None


def create_database(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    name = statement.name[-1]
    if catalog.database_exists(name):
        if statement.absent:
            return _done()
        raise HiveError(f"{EXECUTION_ERROR} Database {name} already exists")
    entry: dict[str, Any] = {"Name": name, "Parameters": statement.properties}
    if statement.comment:
        entry["Description"] = statement.comment
    if statement.location:
        files.split_location(statement.location)
        entry["LocationUri"] = statement.location
    _changed(catalog, lambda glue: glue.create_database(name, entry))
    return _done()


def drop_database(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    name = statement.name[-1]
    if not catalog.database_exists(name):
        if statement.present:
            return _done()
        raise HiveError(f"SemanticException [Error 10072]: Database does not exist: {name}")
    if catalog.tables(name) and not statement.cascade:
        raise HiveError(
            f"{EXECUTION_ERROR} InvalidOperationException(message:Database {name} is not empty. One or more tables exist.)"
        )
    _changed(catalog, lambda glue: glue.delete_database(name))
    return _done()


def alter_database(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    name = statement.name[-1]
    _hive_database(catalog, name)
    kept = ("Description", "LocationUri", "CreateTableDefaultPermissions", "TargetDatabase")
    there = catalog.database(name) or {}
    entry = {"Name": name, **{key: there[key] for key in kept if there.get(key)}}
    entry["Parameters"] = {**(there.get("Parameters") or {}), **statement.properties}
    _changed(catalog, lambda glue: glue.update_database(name, entry))
    return _done()


def create_external_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    if statement.properties.get("table_type", "").upper() == "ICEBERG":
        raise QueryError("NOT_SUPPORTED", "The local AWS has no Iceberg tables")
    _hive_database(catalog, schema)
    if catalog.table(schema, name) is not None:
        if statement.absent:
            return _done()
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
        types.hive_to_trino(column["Type"])
    files.split_location(statement.location)
    create_table(catalog, schema, external_table(statement, name))
    return _done()


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
        name, statement.columns, statement.partition_keys, statement.location, (input_format, output_format, library),
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
    if database == DEFAULT and catalog.database(DEFAULT) is None:
        _changed(catalog, lambda glue: glue.create_database(DEFAULT, {"Name": DEFAULT}))
    _changed(catalog, lambda glue: glue.create_table(database, table["Name"], table))


def replace_table(catalog: GlueCatalog, database: str, table: dict[str, Any]) -> None:
    _changed(catalog, lambda glue: glue.update_table(database, table["Name"], table))


def add_partitions(catalog: GlueCatalog, database: str, name: str, found: dict[tuple[str, ...], str]) -> None:
    """Add partitions (values → location) that are not there yet."""
    table = catalog.table(database, name)
    if not found or table is None:
        return

    def work(glue: Any) -> None:
        there = {tuple(p.values) for p in glue.get_partitions(database, name, None)}
        for values, location in found.items():
            if values not in there:
                glue.create_partition(database, name, _partition(table, values, location))

    _changed(catalog, work)


def _partition(table: Table, values: tuple[str, ...], location: str) -> dict[str, Any]:
    descriptor = copy.deepcopy(table["StorageDescriptor"])
    descriptor["Location"] = location
    return {
        "Values": list(values),
        "StorageDescriptor": descriptor,
        "Parameters": {"transient_lastDdlTime": str(int(time.time()))},
    }


def drop_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    found = catalog.table(schema, name)
    if found is None:
        if statement.present:
            return _done()
        raise HiveError(f"SemanticException [Error 10001]: Table not found {schema}.{name}")
    if is_view(found):
        raise HiveError("SemanticException [Error 10096]: Cannot drop a view with DROP TABLE")
    _changed(catalog, lambda glue: glue.delete_table(schema, name))
    return _done()


def drop_view(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    found = catalog.table(schema, name)
    if found is None or not is_view(found):
        if found is None and statement.present:
            return _done()
        raise QueryError("TABLE_NOT_FOUND", f"View '{NAME}.{schema}.{name}' does not exist", 1, 1)
    _changed(catalog, lambda glue: glue.delete_table(schema, name))
    return _done()


# --- ALTER TABLE ----------------------------------------------------------------------------------------------------


def _altered(catalog: GlueCatalog, table: Table, change: Callable[[dict[str, Any]], None]) -> Listing:
    """Update a table with what `change` makes of its TableInput."""
    entry = copy.deepcopy({key: table[key] for key in _INPUT_KEYS if key in table})
    change(entry)
    replace_table(catalog, table["DatabaseName"], entry)
    return _done()


def _no_view(table: Table) -> Table:
    if is_view(table):
        raise HiveError("SemanticException [Error 10132]: To alter a view you need to use the ALTER VIEW command.")
    return table


def add_columns(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _no_view(_hive_table(catalog, statement.name, database))
    there = {c["Name"].lower() for c in all_columns(table)}
    for column in statement.columns:
        types.hive_to_trino(column["Type"])
        if column["Name"] in there:
            raise HiveError(f"{EXECUTION_ERROR} Duplicate column name: {column['Name']}")
        there.add(column["Name"])
    return _altered(catalog, table, lambda entry: entry["StorageDescriptor"]["Columns"].extend(statement.columns))


def replace_columns(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _no_view(_hive_table(catalog, statement.name, database))
    for column in statement.columns:
        types.hive_to_trino(column["Type"])
    return _altered(catalog, table, lambda entry: entry["StorageDescriptor"].update(Columns=statement.columns))


def change_column(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _no_view(_hive_table(catalog, statement.name, database))
    types.hive_to_trino(statement.column["Type"])
    names = [c["Name"].lower() for c in table["StorageDescriptor"]["Columns"]]
    for name in (statement.old, *([statement.after] if statement.after else [])):
        if name not in names:
            raise HiveError(f"{EXECUTION_ERROR} Invalid column reference {name}")

    def change(entry: dict[str, Any]) -> None:
        columns = entry["StorageDescriptor"]["Columns"]
        place = names.index(statement.old)
        old = columns.pop(place)
        column = {**({"Comment": old["Comment"]} if old.get("Comment") else {}), **statement.column}
        if statement.first:
            place = 0
        elif statement.after:
            place = [c["Name"].lower() for c in columns].index(statement.after) + 1
        columns.insert(place, column)

    return _altered(catalog, table, change)


def set_properties(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _hive_table(catalog, statement.name, database)
    merged = {**(table.get("Parameters") or {}), **statement.properties}
    return _altered(catalog, table, lambda entry: entry.update(Parameters=merged))


def set_location(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _no_view(_hive_table(catalog, statement.name, database))
    files.split_location(statement.location)
    if statement.partition is None:
        return _altered(catalog, table, lambda entry: entry["StorageDescriptor"].update(Location=statement.location))
    values = _values(table, statement.partition)
    there = _partitions_by_values(catalog, table)
    if values not in there:
        raise HiveError(f"SemanticException [Error 10006]: Partition not found {_spec(table, values)}")
    entry = _partition_input(there[values])
    entry["StorageDescriptor"]["Location"] = statement.location
    _changed(catalog, lambda glue: glue.update_partition(table["DatabaseName"], table["Name"], entry, list(values)))
    return _done()


def rename_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    raise QueryError("NOT_SUPPORTED", "Query type not supported by DDL engine.")


# --- partitions -----------------------------------------------------------------------------------------------------


def _values(table: Table, spec: list[tuple[str, str, str]]) -> tuple[str, ...]:
    """The values of a full partition spec in the order of the keys."""
    given = {name: value for name, _, value in spec}
    keys = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
    if set(given) != set(keys):
        raise HiveError(
            f"SemanticException [Error 10006]: Partition spec {{{', '.join(f'{k}={v}' for k, v in given.items())}}} "
            f"contains non-partition columns or misses some of [{', '.join(keys)}]"
        )
    return tuple(given[key] for key in keys)


def _spec(table: Table, values: tuple[str, ...] | list[str]) -> str:
    return "/".join(f"{k['Name'].lower()}={v}" for k, v in zip(table.get("PartitionKeys") or [], values, strict=False))


def _partitions_by_values(catalog: GlueCatalog, table: Table) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(p["Values"]): p for p in catalog.partitions(table["DatabaseName"], table["Name"])}


def _partition_input(partition: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(
        {key: partition[key] for key in ("Values", "StorageDescriptor", "Parameters") if key in partition}
    )


def add_partition(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _no_view(_hive_table(catalog, statement.name, database))
    there = _partitions_by_values(catalog, table)
    fresh: dict[tuple[str, ...], str] = {}
    base = table["StorageDescriptor"].get("Location", "").rstrip("/") + "/"
    for spec, location in statement.partitions:
        values = _values(table, spec)
        if values in there or values in fresh:
            if statement.absent:
                continue
            raise HiveError(f"{EXECUTION_ERROR} AlreadyExistsException(message:Partition already exists.)")
        if location is not None:
            files.split_location(location)
        fresh[values] = location or base + _spec(table, values) + "/"
    add_partitions(catalog, table["DatabaseName"], table["Name"], fresh)
    return _done()


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<>": lambda a, b: a != b, "!=": lambda a, b: a != b,
}  # fmt: skip


def _meets(value: str, operator: str, wanted: str, kind: str) -> bool:
    if kind in ("tinyint", "smallint", "int", "bigint", "float", "double"):
        try:
            return _COMPARE[operator](float(value), float(wanted))
        except ValueError:
            return False
    return _COMPARE[operator](value, wanted)


def drop_partition(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _no_view(_hive_table(catalog, statement.name, database))
    keys = {
        key["Name"].lower(): (place, key["Type"].lower()) for place, key in enumerate(table.get("PartitionKeys") or [])
    }
    gone: list[tuple[str, ...]] = []
    for spec in statement.partitions:
        unknown = [name for name, _, _ in spec if name not in keys]
        if unknown:
            raise HiveError(
                f"SemanticException [Error 10006]: {unknown[0]} is not a partition column of {table['Name']}"
            )
        found = [
            values
            for values in _partitions_by_values(catalog, table)
            if all(_meets(values[keys[n][0]], operator, wanted, keys[n][1]) for n, operator, wanted in spec)
        ]
        if not found and not statement.present:
            wanted = ", ".join(f"{n} {operator} '{value}'" for n, operator, value in spec)
            raise HiveError(f"SemanticException [Error 10006]: Partition not found ({wanted})")
        gone += [values for values in found if values not in gone]

    def work(glue: Any) -> None:
        for values in gone:
            glue.delete_partition(table["DatabaseName"], table["Name"], list(values))

    _changed(catalog, work)
    return _done()


def rename_partition(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _no_view(_hive_table(catalog, statement.name, database))
    old, new = _values(table, statement.partition), _values(table, statement.to)
    there = _partitions_by_values(catalog, table)
    if old not in there:
        raise HiveError(f"SemanticException [Error 10006]: Partition not found {_spec(table, old)}")
    if new in there:
        raise HiveError(f"{EXECUTION_ERROR} AlreadyExistsException(message:Partition already exists.)")
    entry = {**_partition_input(there[old]), "Values": list(new)}
    _changed(catalog, lambda glue: glue.update_partition(table["DatabaseName"], table["Name"], entry, list(old)))
    return _done()


def repair(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    """MSCK REPAIR TABLE: add partitions for folders named key=value that hold objects."""
    schema, name = table_name(statement.name, database)
    table = catalog.table(schema, name)
    if table is None:
        return Listing([], [f"Tables not in metastore:\t{name}"], counted=False)
    if is_view(table):
        raise HiveError(f"{EXECUTION_ERROR} Can not create a Path from an empty string")
    keys = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
    if not keys:
        return Listing([], [], counted=False)
    bucket, prefix = files.folder(table["StorageDescriptor"].get("Location") or "")
    there = s3.objects(catalog.account, bucket, prefix) if s3.exists(catalog.account, bucket) else []
    if not there:
        return Listing([], [f"Tables missing on filesystem:\t{name}"], counted=False)
    known = _partitions_by_values(catalog, table)
    fresh: dict[tuple[str, ...], str] = {}
    for stored in there:
        parts = stored.name[len(prefix) :].split("/")[:-1]
        pairs = [part.partition("=") for part in parts[: len(keys)]]
        if len(pairs) < len(keys) or [key.lower() for key, _, _ in pairs] != keys:
            continue
        values = tuple(unquote(value) for _, _, value in pairs)
        if values not in known:
            fresh[values] = f"s3://{bucket}/{prefix}{'/'.join(parts[: len(keys)])}/"
    add_partitions(catalog, schema, name, fresh)
    if not fresh:
        return Listing([], [], counted=False)
    specs = [f"{name}:{_spec(table, values)}" for values in fresh]
    rows = ["Partitions not in metastore:\t" + "\t".join(specs)]
    return Listing([], rows + [f"Repair: Added partition to metastore {spec}" for spec in specs], counted=False)


# --- SHOW and DESCRIBE ----------------------------------------------------------------------------------------------


def _matching(pattern: str | None, names: list[str]) -> list[str]:
    """Names that a Hive pattern (* for any text, | for or) matches as a whole."""
    if pattern is None:
        return names
    expression = "|".join(part.replace(".*", "*").replace("*", ".*") for part in pattern.split("|"))
    try:
        compiled = re.compile(expression, re.IGNORECASE)
    except re.error:
        raise HiveError(f"{EXECUTION_ERROR} MetaException(message:Unable to get tables: {pattern})") from None
    return [name for name in names if compiled.fullmatch(name)]


def show_databases(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    names = [d["Name"] for d in catalog.databases()]
    if statement.pattern not in (None, "*"):
        try:
            compiled = re.compile(statement.pattern)
        except re.error:
            raise HiveError(
                f"{EXECUTION_ERROR} MetaException(message:Unable to get databases: {statement.pattern})"
            ) from None
        names = [name for name in names if compiled.fullmatch(name)]
    return Listing(text_columns("database_name"), names)


def show_tables(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema = _schema(statement.database, database)
    _hive_database(catalog, schema)
    names = [t["Name"] for t in catalog.tables(schema)]
    return Listing(text_columns("tab_name"), _matching(statement.pattern, names))


def show_views(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema = _schema(statement.database, database)
    _hive_database(catalog, schema)
    names = [t["Name"] for t in catalog.tables(schema) if is_view(t)]
    return Listing(text_columns("views", type="varchar"), _matching(statement.pattern, names))


def _schema(name: tuple[str, ...] | None, database: str | None) -> str:
    if name is None and not database:
        raise HiveError("SemanticException [Error 10072]: Database does not exist: no database was given")
    return name[-1] if name else str(database).lower()


def show_columns(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _hive_table(catalog, statement.name, database)
    return Listing(text_columns("field"), [c["Name"].lower().ljust(WIDTH) for c in all_columns(table)])


def show_partitions(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _hive_table(catalog, statement.name, database)
    if not table.get("PartitionKeys"):
        raise HiveError(f"{EXECUTION_ERROR} Table {table['Name']} is not a partitioned table")
    wanted = {name: value for name, _, value in statement.partition or []}
    keys = [key["Name"].lower() for key in table["PartitionKeys"]]
    rows = [
        _spec(table, values)
        for values in _partitions_by_values(catalog, table)
        if all(dict(zip(keys, values, strict=True)).get(name) == value for name, value in wanted.items())
    ]
    return Listing(text_columns("partition"), sorted(rows))


def show_properties(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _hive_table(catalog, statement.name, database)
    parameters = table.get("Parameters") or {}
    columns = text_columns("prpt_name", "prpt_value")
    if statement.property is None:
        return Listing(columns, [f"{key}\t{value}" for key, value in sorted(parameters.items())])
    value = parameters.get(statement.property)
    absent = f"Table {table['DatabaseName']}.{table['Name']} does not have property: {statement.property}"
    return Listing(columns, [f"{statement.property}\t{value}" if value is not None else absent])


def show_create_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _hive_table(catalog, statement.name, database)
    if is_view(table):
        raise HiveError("SemanticException [Error 10132]: SHOW CREATE TABLE is not for views; use SHOW CREATE VIEW")
    return Listing(text_columns("createtab_stmt"), create_statement(table).split("\n"), counted=False)


def create_statement(table: Table) -> str:
    """The CREATE EXTERNAL TABLE of a table, laid out as Hive does."""
    descriptor = table["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo") or {}
    library = serde.get("SerializationLibrary", "")
    default = "from deserializer" if library in formats.JSON_SERDES or library == formats.OPEN_CSV else ""

    def listed(columns: list[dict[str, str]], comment: str) -> str:
        parts = []
        for column in columns:
            text = column.get("Comment") or comment
            parts.append(f"  `{column['Name'].lower()}` {column.get('Type')}" + (f" COMMENT '{text}'" if text else ""))
        return ", \n".join(parts)

    def pairs(values: dict[str, str]) -> str:
        return ", \n".join(f"  '{k}'='{escaped(v)}'" for k, v in sorted(values.items()))

    text = f"CREATE EXTERNAL TABLE `{table['Name']}`(\n{listed(descriptor.get('Columns') or [], default)})"
    if table.get("PartitionKeys"):
        text += f"\nPARTITIONED BY ( \n{listed(table['PartitionKeys'], '')})"
    if (descriptor.get("NumberOfBuckets") or 0) > 0:
        text += f"\nCLUSTERED BY ( \n  {', '.join(descriptor['BucketColumns'])}) \nINTO {descriptor['NumberOfBuckets']} BUCKETS"
    text += _row_format(library, dict(serde.get("Parameters") or {}), pairs)
    text += f"\nSTORED AS INPUTFORMAT \n  '{descriptor.get('InputFormat')}' \nOUTPUTFORMAT \n  '{descriptor.get('OutputFormat')}'"
    text += f"\nLOCATION\n  '{descriptor.get('Location')}'"
    properties = {k: v for k, v in (table.get("Parameters") or {}).items() if k not in ("EXTERNAL", "comment")}
    return text + (f"\nTBLPROPERTIES (\n{pairs(properties)})" if properties else "")


_DELIMITERS = {
    "field.delim": "FIELDS TERMINATED BY",
    "escape.delim": "  ESCAPED BY",
    "collection.delim": "COLLECTION ITEMS TERMINATED BY",
    "mapkey.delim": "MAP KEYS TERMINATED BY",
    "line.delim": "LINES TERMINATED BY",
    "serialization.null.format": "NULL DEFINED AS",
}


def _row_format(library: str, parameters: dict[str, str], pairs: Callable[[dict[str, str]], str]) -> str:
    """ROW FORMAT: by delimiters where they say all, else by the SerDe; its usual format is not told."""
    if parameters.get("serialization.format") in ("1", parameters.get("field.delim")):
        parameters.pop("serialization.format", None)
    if library == formats.LAZY and "field.delim" in parameters and set(parameters) <= set(_DELIMITERS):
        clauses = [
            f"  {words} '{escaped(parameters[key])}' " for key, words in _DELIMITERS.items() if key in parameters
        ]
        return "\nROW FORMAT DELIMITED \n" + "\n".join(clauses)
    told = f"\nWITH SERDEPROPERTIES ( \n{pairs(parameters)}) " if parameters else ""
    return f"\nROW FORMAT SERDE \n  '{library}' {told}"


def escaped(text: str) -> str:
    """A text as Hive writes it between quotes."""
    return text.encode("unicode_escape").decode().replace("'", "\\'")


def show_create_view(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    table = catalog.table(schema, name)
    if table is None or not is_view(table):
        raise QueryError("TABLE_NOT_FOUND", f"View '{NAME}.{schema}.{name}' does not exist", 1, 1)
    text = f"CREATE VIEW {schema}.{name} AS\n{view_definition(table)['originalSql']}"
    return Listing(text_columns("create view", type="varchar"), text.split("\n"))


def describe_view(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    table = catalog.table(schema, name)
    if table is None:
        raise QueryError("TABLE_NOT_FOUND", f"View '{NAME}.{schema}.{name}' does not exist", 1, 1)
    rows = [f"{c['name']}\t{c['type']}" for c in view_definition(table)["columns"]]
    return Listing(text_columns("column", "type", type="varchar"), rows)


def describe_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = _hive_table(catalog, statement.name, database)
    heads = text_columns("col_name", "data_type", "comment")
    keys = table.get("PartitionKeys") or []
    if statement.column is not None:
        found = [c for c in all_columns(table) if c["Name"].lower() == statement.column]
        if not found:
            raise HiveError(f"SemanticException [Error 10002]: Invalid column reference {statement.column}")
        return Listing(heads, [_described(found[0])], counted=False)
    titles = "# " + _padded("col_name", "data_type", "comment")
    if statement.style == "FORMATTED":
        rows = [titles, _BLANK, *map(_described, table["StorageDescriptor"].get("Columns") or [])]
        if keys:
            rows += [_BLANK, "# Partition Information\t \t ", titles, _BLANK, *map(_described, keys)]
        return Listing(heads, [*rows, *_details(table)], counted=False)
    rows = [_described(c) for c in all_columns(table)]
    if keys:
        rows += [_BLANK, "# Partition Information\t \t ", titles, _BLANK, *map(_described, keys)]
    if statement.style == "EXTENDED":
        rows += [_BLANK, f"Detailed Table Information\t{_summary(table)}\t "]
    return Listing(heads, rows, counted=False)


def _padded(*parts: str) -> str:
    return "\t".join(part.ljust(WIDTH) for part in parts)


def _described(column: dict[str, str]) -> str:
    comment = (column.get("Comment") or "").ljust(WIDTH).partition("\t")[0]
    return f"{column['Name'].lower().ljust(WIDTH)}\t{(column.get('Type') or '').ljust(WIDTH)}\t{comment}"


def _summary(table: Table) -> str:
    return (
        f"Table(tableName:{table['Name']}, dbName:{table['DatabaseName']}, owner:{table.get('Owner')}, "
        f"location:{table['StorageDescriptor'].get('Location')}, tableType:{table.get('TableType')})"
    )


def _details(table: Table) -> list[str]:
    descriptor = table["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo") or {}
    created = table.get("CreateTime")
    pairs = [
        ("Database:", table["DatabaseName"]),
        ("Owner:", table.get("Owner") or ""),
        ("CreateTime:", created.strftime("%a %b %d %H:%M:%S UTC %Y") if hasattr(created, "strftime") else ""),
        ("LastAccessTime:", "UNKNOWN"),
        ("Protect Mode:", "None"),
        ("Retention:", str(table.get("Retention") or 0)),
        ("Location:", descriptor.get("Location") or ""),
        ("Table Type:", table.get("TableType") or ""),
    ]
    rows = [_BLANK, "# Detailed Table Information\t \t "]
    rows += [f"{key.ljust(WIDTH)}\t{value.ljust(WIDTH)}\t " for key, value in pairs]
    rows.append("Table Parameters:\t \t ")
    rows += [f"\t{k.ljust(WIDTH)}\t{str(v).ljust(WIDTH)}" for k, v in sorted((table.get("Parameters") or {}).items())]
    storage = [
        ("SerDe Library:", serde.get("SerializationLibrary") or ""),
        ("InputFormat:", descriptor.get("InputFormat") or ""),
        ("OutputFormat:", descriptor.get("OutputFormat") or ""),
        ("Compressed:", "Yes" if descriptor.get("Compressed") else "No"),
        ("Num Buckets:", str(descriptor.get("NumberOfBuckets", -1))),
        ("Bucket Columns:", f"[{', '.join(descriptor.get('BucketColumns') or [])}]"),
        ("Sort Columns:", "[]"),
    ]
    rows += [_BLANK, "# Storage Information\t \t "]
    rows += [f"{key.ljust(WIDTH)}\t{value.ljust(WIDTH)}\t " for key, value in storage]
    rows.append("Storage Desc Params:\t \t ")
    rows += [f"\t{k.ljust(WIDTH)}\t{str(v).ljust(WIDTH)}" for k, v in sorted((serde.get("Parameters") or {}).items())]
    return rows


_WORK: dict[str, Callable[[Statement, GlueCatalog, str | None], Listing]] = {
    "CREATE_DATABASE": create_database,
    "DROP_DATABASE": drop_database,
    "ALTER_DATABASE": alter_database,
    "CREATE_TABLE": create_external_table,
    "DROP_TABLE": drop_table,
    "DROP_VIEW": drop_view,
    "ALTER_TABLE_ADD_COLUMN": add_columns,
    "ALTER_TABLE_REPLACE_COLUMN": replace_columns,
    "ALTER_TABLE_CHANGE_COLUMN": change_column,
    "ALTER_TABLE_PROPERTIES": set_properties,
    "ALTER_TABLE_SET_LOCATION": set_location,
    "ALTER_TABLE_RENAME": rename_table,
    "ALTER_TABLE_ADD_PARTITION": add_partition,
    "ALTER_TABLE_DROP_PARTITION": drop_partition,
    "ALTER_TABLE_RENAME_PARTITION": rename_partition,
    "MSCK_REPAIR": repair,
    "SHOW_DATABASES": show_databases,
    "SHOW_TABLES": show_tables,
    "SHOW_VIEWS": show_views,
    "SHOW_COLUMNS": show_columns,
    "SHOW_PARTITIONS": show_partitions,
    "SHOW_TABLE_PROPERTIES": show_properties,
    "SHOW_CREATE_TABLE": show_create_table,
    "SHOW_CREATE_VIEW": show_create_view,
    "DESCRIBE_TABLE": describe_table,
    "DESC_VIEW": describe_view,
}
