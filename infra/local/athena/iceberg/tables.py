"""CREATE, ALTER and DROP of Iceberg tables.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html, querying-iceberg-managing-tables.html,
querying-iceberg-evolving-table-schema.html
"""

from __future__ import annotations

import copy
from typing import Any

from pyiceberg.exceptions import ResolveError, ValidationError
from pyiceberg.schema import promote
from pyiceberg.table import CreateTableTransaction, Table
from pyiceberg.types import IcebergType, PrimitiveType

from infra.engines.athena import hive_types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Column, parse
from infra.local import s3
from infra.local.athena.iceberg import schema as schemas
from infra.local.athena.iceberg.metadata import LakeCatalog, committing
from infra.local.athena.iceberg.writing import CODEC, DEFAULT_CODEC
from infra.local.athena.lake import rights
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.lake.files import folder, split_location
from infra.local.athena.statements.ddl.names import EXECUTION_ERROR, INPUT_KEYS, HiveError, change_catalog, make_default

# Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html, "Allowed table properties"
ALLOWED = {
    "format", "write_compression", "optimize_rewrite_data_file_threshold", "optimize_rewrite_delete_file_threshold",
    "vacuum_min_snapshots_to_keep", "vacuum_max_snapshot_age_seconds", "vacuum_max_metadata_files_to_keep",
    "write_data_path_enabled", "write_target_data_file_size_bytes", "optimize_rewrite_min_data_file_size_bytes",
    "optimize_rewrite_max_data_file_size_bytes",
}  # fmt: skip
_OWN = {
    "table_type",
    "is_external",
    "location",
    "partitioning",
    "compression_level",
}  # said by Athena's words, not kept as properties
_CODECS = {"ZSTD": "zstd", "SNAPPY": "snappy", "GZIP": "gzip", "NONE": "uncompressed", "UNCOMPRESSED": "uncompressed"}


def properties(given: dict[str, Any]) -> dict[str, str]:
    """Iceberg's properties of a table. Raises QueryError for those that Athena does not take, NOT_SUPPORTED for other formats than Parquet."""
    kept = {key: str(value) for key, value in given.items() if key not in _OWN}
    for key in kept:
        if key not in ALLOWED:
            raise QueryError("INVALID_TABLE_PROPERTY", f"Unsupported table property key: {key}")
    form = kept.pop("format", "parquet").lower()
    if form not in ("parquet", "orc", "avro"):
        raise QueryError("INVALID_TABLE_PROPERTY", f"Invalid value for table property 'format': {form}")
    if form != "parquet":
        raise QueryError("NOT_SUPPORTED", f"The local AWS writes Iceberg tables as Parquet, not as {form}")
    codec = kept.pop("write_compression", DEFAULT_CODEC).upper()
    if codec not in _CODECS:
        raise QueryError(
            "NOT_SUPPORTED",
            f"Compression {codec} is not supported for Iceberg tables; choose one of {', '.join(_CODECS)}",
        )
    return {**kept, "write.format.default": "parquet", CODEC: _CODECS[codec], "format-version": "2"}


def staged(
    catalog: GlueCatalog, database: str, name: str, columns: list[tuple[Column, str | None]], location: str,
    partitioning: list[str], given: dict[str, Any], comment: str | None = None,
) -> CreateTableTransaction:  # fmt: skip
    """A table that is there once this is committed. Raises QueryError."""
    kept = properties(given)
    shape = schemas.schema_of(columns)
    spec = schemas.spec_of(shape, partitioning)
    bucket, _ = split_location(location)
    if not s3.exists(catalog.account, bucket):
        raise QueryError("ICEBERG_FILESYSTEM_ERROR", f"The specified bucket does not exist: {bucket}")
    if comment:
        kept["comment"] = comment
    make_default(catalog, database)
    return LakeCatalog(catalog).create_table_transaction(
        (database, name), shape, location.rstrip("/"), spec, properties=kept
    )


def create(catalog: GlueCatalog, database: str, statement: Any) -> None:
    """CREATE TABLE … TBLPROPERTIES ('table_type' = 'ICEBERG')."""
    typed = [
        (Column(c["Name"], hive_types.hive_to_trino(c["Type"])), c.get("Comment"))
        for c in [*statement.columns, *statement.partition_keys]
    ]
    partitioning = statement.transforms or [c["Name"] for c in statement.partition_keys]
    transaction = staged(
        catalog,
        database,
        statement.name[-1],
        typed,
        statement.location,
        partitioning,
        statement.properties,
        statement.comment,
    )
    with committing(f"{database}.{statement.name[-1]}"):
        transaction.commit_transaction()


def require_empty(catalog: GlueCatalog, location: str) -> None:
    """Raises QueryError where a new table's place holds objects."""
    bucket, prefix = folder(location)
    if s3.exists(catalog.account, bucket) and s3.objects(catalog.account, bucket, prefix):
        raise QueryError(
            "ICEBERG_FILESYSTEM_ERROR",
            f"Cannot create a table on a non-empty location: {location.rstrip('/')}, set 'iceberg.unique-table-location=true' "
            "in your Iceberg catalog properties to use unique table locations for every table.",
        )


def drop(catalog: GlueCatalog, entry: dict[str, Any]) -> None:
    """DROP TABLE: the entry of the catalog goes, then the objects below the table's location."""
    change_catalog(catalog, lambda glue: glue.delete_table(entry["DatabaseName"], entry["Name"]))
    bucket, prefix = folder(entry["StorageDescriptor"].get("Location") or "")
    if not prefix or not s3.exists(catalog.account, bucket):
        return
    there = s3.objects(catalog.account, bucket, prefix)
    for stored in there:
        rights.check_delete(catalog.region, bucket, stored.name)
    for stored in there:
        s3.delete(catalog.account, bucket, stored.name)


def rename(catalog: GlueCatalog, entry: dict[str, Any], database: str, name: str) -> None:
    """ALTER TABLE … RENAME TO: a new entry for the same metadata, then the old one goes."""
    if catalog.table(database, name) is not None:
        raise HiveError(f"{EXECUTION_ERROR} AlreadyExistsException(message:Table {name} already exists.)")
    fresh = copy.deepcopy({**{key: entry[key] for key in INPUT_KEYS if key in entry}, "Name": name})

    def change(glue: Any) -> None:
        glue.create_table(database, name, fresh)
        glue.delete_table(entry["DatabaseName"], entry["Name"])

    change_catalog(catalog, change)


def set_properties(table: Table, given: dict[str, str]) -> None:
    properties(given)
    kept = {key: value for key, value in given.items() if key not in ("format", "write_compression")}
    if "write_compression" in given:
        kept[CODEC] = _CODECS[given["write_compression"].upper()]
    with committing(_name(table)), table.transaction() as change:
        change.set_properties(kept)


def unset_properties(table: Table, names: list[str]) -> None:
    with committing(_name(table)), table.transaction() as change:
        change.remove_properties(*(name for name in names if name in table.properties))


def add_columns(table: Table, columns: list[dict[str, str]]) -> None:
    there = {field.name for field in table.schema().fields}
    for column in columns:
        if column["Name"] in there:
            raise HiveError(f"{EXECUTION_ERROR} Duplicate column name: {column['Name']}")
        there.add(column["Name"])
    with committing(_name(table)), table.update_schema() as change:
        for column in columns:
            change.add_column(column["Name"], _type(column["Type"]), doc=column.get("Comment"))


def drop_column(table: Table, name: str) -> None:
    _require(table, name)
    source = table.schema().find_field(name).field_id
    if any(field.source_id == source for field in table.spec().fields):
        raise HiveError(f"{EXECUTION_ERROR} Cannot drop column which is used by the current partition spec: {name}")
    if len(table.schema().fields) == 1:
        raise HiveError(f"{EXECUTION_ERROR} Cannot drop the only column of a table: {name}")
    with committing(_name(table)), table.update_schema(allow_incompatible_changes=True) as change:
        change.delete_column(name)


def change_column(table: Table, old: str, column: dict[str, str], first: bool, after: str | None) -> None:
    """Another name, a wider type, another comment, another place. Raises QueryError for what Iceberg does not allow."""
    for name in (old, *([after] if after else [])):
        _require(table, name)
    there = table.schema().find_field(old)
    kind = _type(column["Type"])
    if str(kind) != str(there.field_type) and not _widens(there.field_type, kind):
        raise HiveError(f"{EXECUTION_ERROR} Cannot change column type: {old}: {there.field_type} -> {kind}")
    with committing(_name(table)), table.update_schema() as change:
        if isinstance(kind, PrimitiveType) and kind != there.field_type:
            change.update_column(old, kind)
        if "Comment" in column:
            change.update_column(old, doc=column["Comment"])
        if first:
            change.move_first(old)
        elif after:
            change.move_after(old, after)
        if column["Name"] != old:
            change.rename_column(old, column["Name"])


def replace_columns(table: Table, columns: list[dict[str, str]]) -> None:
    """What is no longer named goes, what is new is added. Source: querying-iceberg-alter-table-replace-columns.html"""
    wanted = {column["Name"]: column for column in columns}
    there = {field.name: field for field in table.schema().fields}
    with committing(_name(table)), table.update_schema(allow_incompatible_changes=True) as change:
        for name in there:
            if name not in wanted:
                change.delete_column(name)
        for name, column in wanted.items():
            kind = _type(column["Type"])
            if name not in there:
                change.add_column(name, kind, doc=column.get("Comment"))
            elif str(kind) != str(there[name].field_type):
                if not _widens(there[name].field_type, kind):
                    raise HiveError(
                        f"{EXECUTION_ERROR} Cannot change column type: {name}: {there[name].field_type} -> {kind}"
                    )
                change.update_column(name, kind)


def _type(hive: str) -> IcebergType:
    return schemas.schema_of([(Column("x", str(parse(hive_types.hive_to_trino(hive)))), None)]).fields[0].field_type


def _widens(old: IcebergType, new: IcebergType) -> bool:
    try:
        return bool(promote(old, new) == new)
    except (ResolveError, ValidationError):
        return False


def _require(table: Table, name: str) -> None:
    if name not in {field.name for field in table.schema().fields}:
        raise HiveError(f"{EXECUTION_ERROR} Invalid column reference {name}")


def _name(table: Table) -> str:
    return ".".join(table.name())
