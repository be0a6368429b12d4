"""The names of what the Data Catalog tells about itself."""

from __future__ import annotations

from infra.engines.athena.types import Column

SCHEMA = "information_schema"
PARTITIONS = "$partitions"  # behind a table's name: its partitions as a table of their values
_VARCHAR = "varchar"
_MOMENT = "timestamp(3) with time zone"
# behind the name of an Iceberg table: what it tells of itself; `$partitions` has the partition's value before these columns
ICEBERG_TABLES = {
    "$snapshots": [
        ("committed_at", _MOMENT), ("snapshot_id", "bigint"), ("parent_id", "bigint"), ("operation", _VARCHAR),
        ("manifest_list", _VARCHAR), ("summary", "map(varchar, varchar)"),
    ],
    "$history": [
        ("made_current_at", _MOMENT), ("snapshot_id", "bigint"), ("parent_id", "bigint"), ("is_current_ancestor", "boolean"),
    ],
    "$files": [
        ("content", "integer"), ("file_path", _VARCHAR), ("file_format", _VARCHAR), ("record_count", "bigint"),
        ("file_size_in_bytes", "bigint"), ("column_sizes", "map(integer, bigint)"), ("value_counts", "map(integer, bigint)"),
        ("null_value_counts", "map(integer, bigint)"), ("nan_value_counts", "map(integer, bigint)"),
        ("lower_bounds", "map(integer, varchar)"), ("upper_bounds", "map(integer, varchar)"), ("key_metadata", "varbinary"),
        ("split_offsets", "array(bigint)"), ("equality_ids", "array(integer)"),
    ],
    "$manifests": [
        ("path", _VARCHAR), ("length", "bigint"), ("partition_spec_id", "integer"), ("added_snapshot_id", "bigint"),
        ("added_data_files_count", "integer"), ("added_rows_count", "bigint"), ("existing_data_files_count", "integer"),
        ("existing_rows_count", "bigint"), ("deleted_data_files_count", "integer"), ("deleted_rows_count", "bigint"),
    ],
    "$partitions": [("record_count", "bigint"), ("file_count", "bigint"), ("total_size", "bigint")],
    "$refs": [
        ("name", _VARCHAR), ("type", _VARCHAR), ("snapshot_id", "bigint"), ("max_reference_age_in_ms", "bigint"),
        ("min_snapshots_to_keep", "integer"), ("max_snapshot_age_in_ms", "bigint"),
    ],
}  # fmt: skip
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


def split(table: str) -> tuple[str, str]:
    """A table's own name, and the `$snapshots` or the like behind it; "" for none."""
    own, mark, what = table.rpartition("$")
    return (own, mark + what) if own and mark + what in ICEBERG_TABLES else (table, "")


def columns(table: str) -> list[Column] | None:
    """The columns of a table of information_schema; None if it has no such table."""
    return [Column(*pair) for pair in TABLES[table]] if table in TABLES else None
