"""What an Iceberg table tells of itself: `"t$snapshots"`, `"t$history"`, `"t$files"`, `"t$manifests"`, `"t$partitions"`, `"t$refs"`.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html; columns: https://trino.io/docs/current/connector/iceberg.html#metadata-tables
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from infra.engines.athena import types
from infra.engines.athena.types import Column, Type, literal, quoted
from infra.local.athena.iceberg import reading
from infra.local.athena.iceberg.metadata import opened
from infra.local.athena.iceberg.schema import trino
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.lake.names import ICEBERG_TABLES


def columns(glue: GlueCatalog, entry: dict[str, Any], about: str) -> list[Column]:
    """The columns of a table, or of what it tells `about` itself, `$partitions` and the like. Raises QueryError."""
    table = opened(glue, entry)
    if not about:
        return [Column(field.name, trino(field.field_type)) for field in table.schema().fields]
    return _described(table, about)


def _described(table: Table, name: str) -> list[Column]:
    if name != "$partitions":
        return [Column(*pair) for pair in ICEBERG_TABLES[name]]
    fields = table.spec().partition_type(table.schema()).fields
    found = (
        [Column("partition", f"row({', '.join(f'{types.field_text(f.name)} {trino(f.field_type)}' for f in fields)})")]
        if fields
        else []
    )
    return [*found, *(Column(*pair) for pair in ICEBERG_TABLES[name])]


def relation(table: Table, name: str) -> str:
    """DuckDB SQL that gives a metadata table."""
    described = [(column.name, types.parse(column.type)) for column in _described(table, name)]
    rows = [[_sql(value, kind) for value, (_, kind) in zip(row, described, strict=True)] for row in _ROWS[name](table)]
    labels = ", ".join(quoted(name) for name, _ in described)
    if not rows:
        return f"SELECT * FROM (SELECT {', '.join(_sql(None, kind) for _, kind in described)}) o({labels}) WHERE false"
    return f"SELECT * FROM (VALUES {', '.join('(' + ', '.join(row) + ')' for row in rows)}) o({labels})"


def _sql(value: Any, kind: Type) -> str:
    """A value of pyiceberg's as SQL."""
    duck = types.duckdb(kind)
    if value is None:
        return f"CAST(NULL AS {duck})"
    if kind.name == "timestamp with time zone":
        return f"struct_pack(i := to_timestamp({value} / 1000.0), z := 'UTC')"
    if kind.name == "map":
        pairs = ", ".join(f"{_sql(k, kind.args[0])}: {_sql(v, kind.args[1])}" for k, v in value.items())
        return f"CAST(MAP {{{pairs}}} AS {duck})"
    if kind.name == "row":
        names = types.field_names(kind)
        parts = (f"{quoted(n)} := {_sql(v, k)}" for n, v, (_, k) in zip(names, value, kind.args, strict=True))
        return f"struct_pack({', '.join(parts)})"
    if kind.name == "date" and isinstance(value, int):
        return f"DATE '1970-01-01' + {value}"
    if kind.name == "timestamp":
        return f"make_timestamp({value})"
    if kind.name == "varbinary":
        return f"from_hex({literal(value.hex())})"
    return f"CAST({literal(str(value))} AS {duck})"


def _snapshots(table: Table) -> Iterable[list[Any]]:
    for each in table.snapshots():
        summary = each.summary
        told = {**summary.additional_properties} if summary else {}
        operation = summary.operation.value if summary else None
        yield [each.timestamp_ms, each.snapshot_id, each.parent_snapshot_id, operation, each.manifest_list, told]


def _history(table: Table) -> Iterable[list[Any]]:
    ancestors, at = set(), table.current_snapshot()
    while at is not None:
        ancestors.add(at.snapshot_id)
        at = table.snapshot_by_id(at.parent_snapshot_id) if at.parent_snapshot_id is not None else None
    for entry in table.history():
        found = table.snapshot_by_id(entry.snapshot_id)
        parent = found.parent_snapshot_id if found else None
        yield [entry.timestamp_ms, entry.snapshot_id, parent, entry.snapshot_id in ancestors]


def _files(table: Table) -> Iterable[list[Any]]:
    for file in _current(table):
        counts = (file.column_sizes, file.value_counts, file.null_value_counts, file.nan_value_counts)
        bounds = (_bounds(table, file.lower_bounds), _bounds(table, file.upper_bounds))
        yield [
            int(file.content),
            file.file_path,
            file.file_format.value,
            file.record_count,
            file.file_size_in_bytes,
            *counts,
            *bounds,
            file.key_metadata,
            file.split_offsets,
            None,
        ]


def _bounds(table: Table, given: dict[int, bytes] | None) -> dict[int, str]:
    found = {}
    for number, value in (given or {}).items():
        field = table.schema().find_field(number)
        found[number] = str(from_bytes(field.field_type, value))  # type: ignore[arg-type]
    return found


def _manifests(table: Table) -> Iterable[list[Any]]:
    current = table.current_snapshot()
    for each in current.manifests(table.io) if current else []:
        yield [
            each.manifest_path, each.manifest_length, each.partition_spec_id, each.added_snapshot_id, each.added_files_count,
            each.added_rows_count, each.existing_files_count, each.existing_rows_count, each.deleted_files_count,
            each.deleted_rows_count,
        ]  # fmt: skip


def _partitions(table: Table) -> Iterable[list[Any]]:
    grouped: dict[str, tuple[Any, list[DataFile]]] = {}
    for file in _current(table):
        grouped.setdefault(str(file.partition), (file.partition, []))[1].append(file)
    count = len(table.spec().fields)
    for values, files in grouped.values():
        own = [[values[place] for place in range(count)]] if count else []
        yield [*own, sum(f.record_count for f in files), len(files), sum(f.file_size_in_bytes for f in files)]


def _refs(table: Table) -> Iterable[list[Any]]:
    for name, each in table.metadata.refs.items():
        kept = [each.max_ref_age_ms, each.min_snapshots_to_keep, each.max_snapshot_age_ms]
        yield [name, each.snapshot_ref_type.value.upper(), each.snapshot_id, *kept]


def _current(table: Table) -> list[DataFile]:
    return reading.data_files(table, table.current_snapshot())


_ROWS: dict[str, Callable[[Table], Iterable[list[Any]]]] = {
    "$snapshots": _snapshots, "$history": _history, "$files": _files, "$manifests": _manifests, "$partitions": _partitions,
    "$refs": _refs,
}  # fmt: skip
