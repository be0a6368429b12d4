"""The rows of an Iceberg table's snapshot as DuckDB SQL: the columns of its files are found by their field ids, so that renames and additions hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyiceberg.manifest import DataFile, FileFormat
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import NestedField

from infra.engines.athena import types
from infra.engines.athena.client import Engine
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Type, literal, quoted
from infra.local.athena.iceberg.metadata import opened, store_of
from infra.local.athena.iceberg.schema import trino
from infra.local.athena.lake.files import File, paths
from infra.local.athena.lake.tables import Reader, Scan
from infra.local.athena.sql.scope import HIDDEN, POSITION, TableUse

PATH = "$file"  # of this computer, in what rows() gives


def scan(reader: Reader, entry: dict[str, Any], use: TableUse, about: str) -> Scan:
    """An Iceberg table as a query reads it, or what it tells `about` itself. Raises QueryError."""
    table = opened(reader.catalog, entry)
    if about:
        from infra.local.athena.iceberg import inspecting

        return Scan(inspecting.relation(table, about), 0)
    found = files(table, snapshot(table, use, reader.engine))
    columns = [
        (field.name, types.parse(trino(field.field_type)))
        for field in table.schema().fields
        if field.name in use.columns
    ]
    if not found:
        absent = [(POSITION, types.BIGINT)] if POSITION in use.columns else []
        return Scan(reader.empty([], use.columns, [*columns, *absent]), 0)
    scanned = reader.scanned(found, columns, use.conjuncts)
    sql = rows(table.schema().fields, columns, found)
    position = [(POSITION, types.BIGINT)] if POSITION in use.columns else []
    return Scan(reader.with_partition(sql, found, [], use.columns & {*HIDDEN}, [*columns, *position], PATH), scanned)


def rows(fields: tuple[NestedField, ...], wanted: list[tuple[str, Type]], found: list[File]) -> str:
    """A SELECT of the wanted columns, of the file's path as `$file` and of the row's place in it as `$pos`."""
    mapped = ", ".join(
        f"{field.field_id}: {{name: 'f{field.field_id}', type: {literal(_stored(types.parse(trino(field.field_type))))}, default_value: NULL}}"
        for field in fields
    )
    ids = {field.name: field.field_id for field in fields}
    select = [f"{_value(f'f{ids[name]}', kind)} AS {quoted(name)}" for name, kind in wanted]
    select += [f"file_row_number AS {quoted(POSITION)}", f"filename AS {quoted(PATH)}"]
    return (
        f"SELECT {', '.join(select)} FROM read_parquet({paths(found)}, schema=MAP {{{mapped}}}, "
        "filename=true, file_row_number=true)"
    )


def _stored(kind: Type) -> str:
    return "TIMESTAMP WITH TIME ZONE" if kind.name == "timestamp with time zone" else types.duckdb(kind)


def _value(sql: str, kind: Type) -> str:
    return f"struct_pack(i := {sql}, z := 'UTC')" if kind.name == "timestamp with time zone" else sql


def snapshot(table: Table, use: TableUse, engine: Engine) -> Snapshot | None:
    """The state that a query asks for; None where the table has none yet. Raises QueryError INVALID_ARGUMENTS."""
    if use.at is None:
        return table.current_snapshot()
    kind, sql = use.at
    ((pointer,),) = engine.fetch(f"SELECT {sql}")
    if kind == "VERSION":
        reference = table.metadata.refs.get(str(pointer))
        found = (
            table.snapshot_by_id(reference.snapshot_id if reference else pointer)
            if reference or isinstance(pointer, int)
            else None
        )
        if found is None:
            what = "snapshot ID does not exist" if isinstance(pointer, int) else "snapshot reference does not exist"
            raise QueryError("INVALID_ARGUMENTS", f"Iceberg {what}: {pointer}")
        return found
    found = table.snapshot_as_of_timestamp(pointer) if pointer is not None else None
    if found is None:
        moment = datetime.fromtimestamp((pointer or 0) / 1000, UTC)
        text = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
        raise QueryError(
            "INVALID_ARGUMENTS", f'No version history table "{use.database}"."{use.table}" at or before {text}'
        )
    return found


def data_files(table: Table, at: Snapshot | None) -> list[DataFile]:
    """The data files of a state. Raises QueryError NOT_SUPPORTED for what others write and this does not read."""
    if at is None:
        return []
    found = []
    try:
        tasks = list(table.scan(snapshot_id=at.snapshot_id).plan_files())
    except ValueError:  # equality deletes
        raise QueryError("NOT_SUPPORTED", "The local AWS does not read equality deletes of Iceberg tables") from None
    except FileNotFoundError as error:
        raise QueryError("ICEBERG_INVALID_METADATA", f"Error accessing manifest file: {error}") from None
    for task in tasks:
        if task.delete_files:
            raise QueryError(
                "NOT_SUPPORTED", f"The local AWS does not read delete files of Iceberg tables: {task.file.file_path}"
            )
        if task.file.file_format != FileFormat.PARQUET:
            raise QueryError(
                "NOT_SUPPORTED", f"The local AWS does not read {task.file.file_format} files of Iceberg tables"
            )
        found.append(task.file)
    return found


def files(table: Table, at: Snapshot | None) -> list[File]:
    """The objects with the rows of a state. Raises QueryError ICEBERG_CANNOT_OPEN_SPLIT, NotAuthorized."""
    return [object_of(table, file) for file in data_files(table, at)]


def object_of(table: Table, file: DataFile) -> File:
    try:
        stored = store_of(table).stored(file.file_path)
    except FileNotFoundError:
        text = f"Error opening Iceberg split {file.file_path} (offset=0, length={file.file_size_in_bytes})"
        raise QueryError("ICEBERG_CANNOT_OPEN_SPLIT", text) from None
    return File(stored.path, file.file_path, stored.size, stored.last_modified.timestamp(), ())
