"""INSERT, CREATE TABLE AS, DELETE, UPDATE, MERGE, OPTIMIZE on Iceberg tables: rows are written, then a commit shows them.

A change of rows writes the files anew that hold them. Of two statements that change the same files the later one fails with ICEBERG_COMMIT_ERROR.
Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-data.html
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from infra.engines.athena import grammar, types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Column, literal, quoted
from infra.local.athena.iceberg import queries, reading, tables, writing
from infra.local.athena.iceberg.metadata import committing, opened, store_of
from infra.local.athena.iceberg.schema import trino
from infra.local.athena.iceberg.storage import LakeIO
from infra.local.athena.lake.files import File
from infra.local.athena.sql.scope import POSITION
from infra.local.athena.sql.translate import translate_tree

if TYPE_CHECKING:
    from infra.local.athena.statements.parser import Statement
    from infra.local.athena.statements.queries import Query

SMALL_BYTES = 384 << 20  # a file below three quarters of the 512 MB that OPTIMIZE aims at is small


def insert(query: Query, entry: dict[str, Any], sql: str) -> int:
    """Append the rows of a query with the table's columns; return how many."""
    table = opened(query.catalog, entry)
    written = writing.write(query.engine, query.scratch, table.metadata, store_of(table), sql)
    with committing(_name(table)), table.transaction() as change, change.update_snapshot().fast_append() as update:
        for file in written.files:
            update.append_data_file(file)
    return written.rows


def create_as(query: Query, database: str, statement: Statement, columns: list[Column], sql: str, default: str) -> int:
    """CREATE TABLE AS SELECT: the table is there with its rows, or it is not; return how many rows."""
    given = statement.properties
    if given.get("is_external") is not False:
        raise QueryError(
            "INVALID_TABLE_PROPERTY", "Iceberg tables are managed: set the table property is_external = false"
        )
    for wrong, right in (
        ("external_location", "location"),
        ("partitioned_by", "partitioning"),
        ("bucketed_by", "partitioning"),
    ):
        if wrong in given:
            raise QueryError(
                "INVALID_TABLE_PROPERTY", f"Table property '{wrong}' is not supported for Iceberg tables; use '{right}'"
            )
    location = given.get("location") or default
    tables.require_empty(query.catalog, location)
    transaction = tables.staged(
        query.catalog, database, statement.name[-1], [(column, None) for column in columns], location,
        given.get("partitioning", []), given, statement.comment,
    )  # fmt: skip
    metadata = transaction.table_metadata
    typed = ", ".join(
        f"{_cast(f'q{place}', types.parse(column.type), types.parse(trino(field.field_type)))}"
        for place, (column, field) in enumerate(zip(columns, metadata.schema().fields, strict=True))
    )
    labels = ", ".join(f"q{place}" for place in range(len(columns)))
    rows = 0
    query.note({"database": database, "table": statement.name[-1], "location": location})
    if statement.data:
        written = writing.write(
            query.engine,
            query.scratch,
            metadata,
            LakeIO(query.catalog.account, query.catalog.region),
            f"SELECT {typed} FROM ({sql}) q({labels})",
        )
        rows = written.rows
        with transaction.update_snapshot().fast_append() as update:
            for file in written.files:
                update.append_data_file(file)
    with committing(f"{database}.{statement.name[-1]}"):
        transaction.commit_transaction()
    return rows


def change(query: Query, text: str, statement: Statement, entry: dict[str, Any]) -> int:
    """DELETE, UPDATE or MERGE; return how many rows were changed. Raises QueryError."""
    table = opened(query.catalog, entry)
    fields = table.schema().fields
    kinds = {field.name: types.parse(trino(field.field_type)) for field in fields}
    tree = grammar.parse_change(text, *statement.query)
    wanted = queries.changes(tree, list(kinds), text)
    query.engine.fetch(
        f"CREATE OR REPLACE TEMP TABLE changed (path VARCHAR, place BIGINT, deleted BOOLEAN, "
        f"{', '.join(f'v{n} {types.duckdb(kind)}' for n, kind in enumerate(kinds.values()))}, {', '.join(f's{n} BOOLEAN' for n in range(len(kinds)))})"
    )
    numbers = {name: number for number, name in enumerate(kinds)}
    for step in wanted.changed:
        names = step.columns or []
        values = _values(query, text, step, tree.parameters, kinds, 2)
        given = "".join(f", v{numbers[name]}, s{numbers[name]}" for name in names)
        select = "".join(f", {value}, true" for value in values.casts)
        query.run(
            values.found,
            lambda: query.engine.fetch(  # noqa: B023
                f"INSERT INTO changed (path, place, deleted{given}) SELECT q0, q1, {str(step.columns is None).lower()}{select} "  # noqa: B023
                f"FROM ({values.found.sql}) q({values.labels})"  # noqa: B023
            ),
        )
    ((rows, distinct),) = query.engine.fetch("SELECT count(*), count(DISTINCT (path, place)) FROM changed")
    if rows != distinct:
        raise QueryError(
            "MERGE_TARGET_ROW_MULTIPLE_MATCHES", "One MERGE target table row matched more than one source row", 1, 1
        )
    fresh, inserted = _inserted(query, text, wanted, tree.parameters, kinds)
    touched = _touched(query, table)
    kept = _kept(touched, table, kinds) if touched else None
    _replace(query, table, touched, " UNION ALL ".join(part for part in (kept, fresh) if part))
    query.engine.fetch("DROP TABLE changed")
    return rows + inserted


class _Values:
    def __init__(self, found: Any, casts: list[str], labels: str):
        self.found, self.casts, self.labels = found, casts, labels


def _values(
    query: Query, text: str, step: queries.Step, parameters: int, kinds: dict[str, types.Type], before: int
) -> _Values:
    """A step's query, and SQL for its values as the columns have them. Raises QueryError TYPE_MISMATCH."""
    found = translate_tree(text, step.query, parameters, query.catalog, query.database, query.parameters)
    given = found.columns[before:]
    names = step.columns or []
    for column, name in zip(given, names, strict=True):
        if not types.coercible(types.parse(column.type), kinds[name]) and not (
            column.type == "double" and kinds[name].name in ("real", "decimal")
        ):
            listed = ", ".join(str(kinds[name]) for name in names)
            raise QueryError(
                "TYPE_MISMATCH",
                f"UPDATE table column types don't match SET expressions: Table: [{listed}], Expressions: [{', '.join(c.type for c in given)}]",
                1,
                1,
            )
    casts = [
        _cast(f"q{before + n}", types.parse(c.type), kinds[name])
        for n, (c, name) in enumerate(zip(given, names, strict=True))
    ]
    return _Values(found, casts, ", ".join(f"q{n}" for n in range(len(found.columns))))


def _cast(sql: str, _given: types.Type, kind: types.Type) -> str:
    return f"CAST({sql} AS {types.duckdb(kind)})"


def _inserted(
    query: Query, text: str, wanted: queries.Changes, parameters: int, kinds: dict[str, types.Type]
) -> tuple[str | None, int]:
    """SQL for the rows that MERGE inserts, and how many they are."""
    if not wanted.inserted:
        return None, 0
    columns = ", ".join(f"v{n} {types.duckdb(kind)}" for n, kind in enumerate(kinds.values()))
    query.engine.fetch(f"CREATE OR REPLACE TEMP TABLE inserted ({columns})")
    numbers = {name: number for number, name in enumerate(kinds)}
    for step in wanted.inserted:
        values = _values(query, text, step, parameters, kinds, 0)
        names = ", ".join(f"v{numbers[name]}" for name in step.columns or [])
        sql = f"INSERT INTO inserted ({names}) SELECT {', '.join(values.casts)} FROM ({values.found.sql}) q({values.labels})"
        query.run(values.found, lambda: query.engine.fetch(sql))  # noqa: B023
    ((count,),) = query.engine.fetch("SELECT count(*) FROM inserted")
    return "SELECT * FROM inserted", count


def _touched(query: Query, table: Table) -> list[tuple[DataFile, File]]:
    """The data files that hold changed rows."""
    uris = {uri for (uri,) in query.engine.fetch("SELECT DISTINCT path FROM changed")}
    there = [file for file in reading.data_files(table, table.current_snapshot()) if file.file_path in uris]
    return [(file, reading.object_of(table, file)) for file in there]


def _kept(touched: list[tuple[DataFile, File]], table: Table, kinds: dict[str, types.Type]) -> str:
    """SQL for the rows of those files as they are from now on."""
    objects = [file for _, file in touched]
    rows = reading.rows(table.schema().fields, list(kinds.items()), objects)
    uris = ", ".join(f"({literal(str(file.path))}, {literal(file.uri)})" for file in objects)
    select = ", ".join(f"CASE WHEN c.s{n} THEN c.v{n} ELSE r.{quoted(name)} END" for n, name in enumerate(kinds))
    return (
        f"SELECT {select} FROM ({rows}) r JOIN (VALUES {uris}) f(file, uri) ON r.{quoted(reading.PATH)} = f.file "
        f"LEFT JOIN changed c ON c.path = f.uri AND c.place = r.{quoted(POSITION)} WHERE c.deleted IS NOT TRUE"
    )


def _replace(query: Query, table: Table, touched: list[tuple[DataFile, File]], sql: str) -> None:
    """One snapshot in which these files are gone and the rows of a query are there."""
    if not sql:
        return
    written = writing.write(query.engine, query.scratch, table.metadata, store_of(table), sql)
    if not touched and not written.files:
        return
    with committing(_name(table)), table.transaction() as change:
        update = change.update_snapshot()
        with update.overwrite() if touched else update.fast_append() as snapshot:
            for file, _ in touched:
                snapshot.delete_data_file(file)
            for file in written.files:
                snapshot.append_data_file(file)


def optimize(query: Query, text: str, statement: Statement, entry: dict[str, Any]) -> None:
    """OPTIMIZE … REWRITE DATA USING BIN_PACK: the small files of each partition become one. Source: querying-iceberg-data-optimization.html"""
    table = opened(query.catalog, entry)
    small = [
        file for file in reading.data_files(table, table.current_snapshot()) if file.file_size_in_bytes < SMALL_BYTES
    ]
    if statement.query is not None:
        wanted = _matching(query, text, statement)
        small = [file for file in small if file.file_path in wanted]
    alone = Counter((file.spec_id, str(file.partition)) for file in small)
    packed = [
        file for file in small if alone[file.spec_id, str(file.partition)] > 1 or file.spec_id != table.spec().spec_id
    ]
    if not packed:
        return
    touched = [(file, reading.object_of(table, file)) for file in packed]
    kinds = [(field.name, types.parse(trino(field.field_type))) for field in table.schema().fields]
    rows = reading.rows(table.schema().fields, kinds, [file for _, file in touched])
    _replace(query, table, touched, f"SELECT {', '.join(quoted(name) for name, _ in kinds)} FROM ({rows})")


def _matching(query: Query, text: str, statement: Statement) -> set[str]:
    """The files with rows that OPTIMIZE's WHERE means."""
    text = f"DELETE FROM {statement.target} {text[slice(*statement.query)]}"
    tree = grammar.parse_change(text)
    step = queries.changes(tree, [], text).changed[0]
    found = translate_tree(text, step.query, tree.parameters, query.catalog, query.database, query.parameters)
    return query.run(
        found, lambda: {uri for (uri,) in query.engine.fetch(f"SELECT DISTINCT q0 FROM ({found.sql}) q(q0, q1)")}
    )


def _name(table: Table) -> str:
    return ".".join(table.name())
