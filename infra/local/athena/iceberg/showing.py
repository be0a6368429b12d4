"""SHOW CREATE TABLE of an Iceberg table. Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-managing-tables.html"""

from __future__ import annotations

from typing import Any

from pyiceberg import transforms
from pyiceberg.partitioning import PartitionField
from pyiceberg.table import Table

from infra.local.athena.iceberg.metadata import opened
from infra.local.athena.iceberg.schema import hive
from infra.local.athena.iceberg.tables import ALLOWED
from infra.local.athena.iceberg.writing import CODEC, DEFAULT_CODEC
from infra.local.athena.lake.catalog import GlueCatalog


def create_statement(glue: GlueCatalog, entry: dict[str, Any]) -> str:
    """The CREATE TABLE of a table, laid out as Athena does."""
    table = opened(glue, entry)
    columns = ",\n".join(
        f"  {field.name} {hive(field.field_type)}" + (f" COMMENT '{field.doc}'" if field.doc else "")
        for field in table.schema().fields
    )
    keys = ", ".join(_transform(table, field) for field in table.spec().fields)
    told = {
        "table_type": "iceberg",
        "write_compression": table.properties.get(CODEC, DEFAULT_CODEC),
        **{key: value for key, value in sorted(table.properties.items()) if key in ALLOWED},
    }
    listed = ",\n".join(f"  '{key}'='{value}'" for key, value in told.items())
    partitioned = f"PARTITIONED BY ({keys})\n" if keys else ""
    name = ".".join(table.name())
    return (
        f"CREATE TABLE {name} (\n{columns})\n{partitioned}LOCATION '{table.location()}'\nTBLPROPERTIES (\n{listed}\n)"
    )


def _transform(table: Table, field: PartitionField) -> str:
    source = f"`{table.schema().find_field(field.source_id).name}`"
    transform = field.transform
    if isinstance(transform, transforms.IdentityTransform):
        return source
    if isinstance(transform, transforms.BucketTransform):
        return f"bucket({transform.num_buckets}, {source})"
    if isinstance(transform, transforms.TruncateTransform):
        return f"truncate({transform.width}, {source})"
    return f"{transform}({source})"
