"""The names of what the Data Catalog tells about itself."""

from __future__ import annotations

from infra.engines.athena.types import Column

SCHEMA = "information_schema"
PARTITIONS = "$partitions"  # behind a table's name: its partitions as a table of their values
_VARCHAR = "varchar"
TABLES = {
    "schemata": [("catalog_name", _VARCHAR), ("schema_name", _VARCHAR)],
    "tables": [
        ("table_catalog", _VARCHAR), ("table_schema", _VARCHAR), ("table_name", _VARCHAR), ("table_type", _VARCHAR),
    ],
    "columns": [
        ("table_catalog", _VARCHAR), ("table_schema", _VARCHAR), ("table_name", _VARCHAR), ("column_name", _VARCHAR),
        ("ordinal_position", "bigint"), ("column_default", _VARCHAR), ("is_nullable", _VARCHAR), ("data_type", _VARCHAR),
        ("comment", _VARCHAR), ("extra_info", _VARCHAR),
    ],
    "views": [
        ("table_catalog", _VARCHAR), ("table_schema", _VARCHAR), ("table_name", _VARCHAR), ("view_definition", _VARCHAR),
    ],
}  # fmt: skip


def columns(table: str) -> list[Column] | None:
    """The columns of a table of information_schema; None if it has no such table."""
    return [Column(*pair) for pair in TABLES[table]] if table in TABLES else None
