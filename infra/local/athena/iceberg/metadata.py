"""Iceberg tables of the Data Catalog as pyiceberg's: opened, created, committed.

A commit writes a new metadata file, then points the Glue table to it if it is still at the version that was read; so it is whole or not at all.
Source: https://docs.aws.amazon.com/glue/latest/dg/populate-otf.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ValidationException
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.metadata import TableMetadata

from infra.engines.athena.errors import QueryError
from infra.local.athena.iceberg.schema import hive
from infra.local.athena.iceberg.storage import LakeIO
from infra.local.athena.lake.catalog import GlueCatalog

METADATA, PREVIOUS = "metadata_location", "previous_metadata_location"


class LakeCatalog(MetastoreCatalog, NoopCatalog):
    """Glue's Data Catalog of one account, as pyiceberg asks it."""

    def __init__(self, glue: GlueCatalog):
        super().__init__("awsdatacatalog")
        self.glue, self.files = glue, LakeIO(glue.account, glue.region)

    def _load_file_io(self, properties: Any = None, location: str | None = None) -> LakeIO:
        return self.files

    def load_table(self, identifier: Any) -> Table:
        entry = self.glue.table(*identifier)
        if entry is None:
            raise NoSuchTableError(".".join(identifier))
        return self.opened(entry)

    def opened(self, entry: dict[str, Any]) -> Table:
        """The table of an entry of Glue. Raises QueryError."""
        name = entry["DatabaseName"], entry["Name"]
        location = (entry.get("Parameters") or {}).get(METADATA)
        if not location:
            raise QueryError("ICEBERG_INVALID_METADATA", f"Table is missing [{METADATA}] property: {'.'.join(name)}")
        try:
            metadata = FromInputFile.table_metadata(self.files.new_input(location))
        except FileNotFoundError:
            raise QueryError(
                "ICEBERG_MISSING_METADATA", f"Metadata not found in metadata location for table {'.'.join(name)}"
            ) from None
        except ValueError:
            raise QueryError("ICEBERG_INVALID_METADATA", f"Invalid metadata file for table {'.'.join(name)}") from None
        return Table(name, metadata, location, self.files, self)

    def commit_table(self, table: Table, requirements: Any, updates: Any) -> CommitTableResponse:
        database, name = table.name()
        entry = self.glue.table(database, name)
        current = self.opened(entry) if entry else None
        staged = self._update_and_stage_table(current, (database, name), requirements, updates)
        if current is not None and staged.metadata == current.metadata:
            return _committed(current.metadata, current.metadata_location)
        self._write_metadata(staged.metadata, self.files, staged.metadata_location)
        fresh = table_input(name, staged.metadata, staged.metadata_location, entry)
        try:
            if entry is None:
                self.glue.change(lambda glue: glue.create_table(database, name, fresh))
            else:
                self.glue.change(lambda glue: glue.update_table(database, name, fresh, False, entry["VersionId"]))
        except JsonRESTError as error:
            raise CommitFailedException(f"{error.error_type}: {error.message}") from None
        return _committed(staged.metadata, staged.metadata_location)


def _committed(metadata: TableMetadata, location: str) -> CommitTableResponse:
    return CommitTableResponse.model_validate({"metadata": metadata, "metadata-location": location})


def table_input(name: str, metadata: TableMetadata, location: str, entry: dict[str, Any] | None) -> dict[str, Any]:
    """Glue's TableInput of a table: the columns of its schema, those of older ones marked, and where its metadata are."""
    columns: dict[str, dict[str, Any]] = {}
    schemas = sorted(metadata.schemas, key=lambda schema: schema.schema_id != metadata.current_schema_id)
    for schema in schemas:
        for field in schema.fields:
            marks = {
                "iceberg.field.id": str(field.field_id),
                "iceberg.field.optional": str(field.optional).lower(),
                "iceberg.field.current": str(schema.schema_id == metadata.current_schema_id).lower(),
            }
            column = {"Name": field.name, "Type": hive(field.field_type), "Parameters": marks}
            columns.setdefault(field.name, {**column, **({"Comment": field.doc} if field.doc else {})})
    parameters = {**((entry or {}).get("Parameters") or {}), "table_type": "ICEBERG"}
    if METADATA in parameters:
        parameters[PREVIOUS] = parameters[METADATA]
    parameters[METADATA] = location
    descriptor = {
        **(
            (entry or {}).get("StorageDescriptor")
            or {"Compressed": False, "NumberOfBuckets": 0, "SortColumns": [], "StoredAsSubDirectories": False}
        )
    }
    kept = (
        {key: entry[key] for key in ("Description", "Owner", "Retention") if entry.get(key)}
        if entry
        else {"Owner": "hadoop", "Retention": 0}
    )
    return {
        **kept,
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": parameters,
        "StorageDescriptor": {**descriptor, "Columns": list(columns.values()), "Location": metadata.location},
    }


def store_of(table: Table) -> LakeIO:
    """Where a table's files are."""
    assert isinstance(table.io, LakeIO)
    return table.io


def opened(glue: GlueCatalog, entry: dict[str, Any]) -> Table:
    """An Iceberg table that is in the Data Catalog. Raises QueryError."""
    return LakeCatalog(glue).opened(entry)


@contextlib.contextmanager
def committing(table: str) -> Iterator[None]:
    """pyiceberg's refusals of a commit in Athena's words. Raises QueryError ICEBERG_COMMIT_ERROR."""
    try:
        yield
    except (CommitFailedException, ValidationException):
        raise QueryError("ICEBERG_COMMIT_ERROR", f"Failed to commit Iceberg update to table: {table}") from None
