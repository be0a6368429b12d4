"""information_schema: what the Data Catalog holds, as tables.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-glue-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.engines.athena import hive_types, types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Type, literal, quoted
from infra.local.athena.lake import catalog as glue
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.lake.names import SCHEMA, TABLES


def relation(catalog: GlueCatalog, table: str) -> str:
    """DuckDB SQL that gives a table of information_schema."""
    return values([(name, types.parse(kind)) for name, kind in TABLES[table]], _ROWS[table](catalog))


def values(columns: list[tuple[str, Type]], rows: Iterable[Iterable[Any]]) -> str:
    """DuckDB SQL that gives these rows; every value but None is written as text."""
    kinds = [types.duckdb(kind) for _, kind in columns]
    names = ", ".join(quoted(name) for name, _ in columns)
    listed = [
        "(" + ", ".join(f"CAST({_constant(v)} AS {k})" for v, k in zip(row, kinds, strict=True)) + ")" for row in rows
    ]
    if not listed:
        nulls = ", ".join(f"CAST(NULL AS {kind})" for kind in kinds)
        return f"SELECT * FROM (SELECT {nulls}) o({names}) WHERE false"
    return f"SELECT * FROM (VALUES {', '.join(listed)}) o({names})"


def _constant(value: Any) -> str:
    return "NULL" if value is None else literal(str(value))


def _schemata(catalog: GlueCatalog) -> list[tuple[Any, ...]]:
    return [(glue.NAME, name) for name in [*(d["Name"] for d in catalog.databases()), SCHEMA]]


def _every(catalog: GlueCatalog) -> list[dict[str, Any]]:
    return [table for database in catalog.databases() for table in catalog.tables(database["Name"])]


def _tables(catalog: GlueCatalog) -> list[tuple[Any, ...]]:
    own = [(glue.NAME, SCHEMA, name, "BASE TABLE") for name in TABLES]
    return [
        (glue.NAME, t["DatabaseName"], t["Name"], "VIEW" if glue.is_view(t) else "BASE TABLE") for t in _every(catalog)
    ] + own


def _columns(catalog: GlueCatalog) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for table in _every(catalog):
        keys = {key["Name"].lower() for key in table.get("PartitionKeys") or []}
        for number, column in enumerate(glue.all_columns(table), 1):
            name = column["Name"].lower()
            extra = "partition key" if name in keys else None
            try:
                kind = hive_types.hive_to_trino(column.get("Type") or "string")
            except QueryError:  # a type that only other engines have: Athena does not list such a column
                continue
            place = (glue.NAME, table["DatabaseName"], table["Name"], name, number)
            found.append((*place, None, "YES", kind, column.get("Comment"), extra))
    return found


def _views(catalog: GlueCatalog) -> list[tuple[Any, ...]]:
    found = []
    for table in _every(catalog):
        if glue.is_view(table):
            try:
                text = glue.view_definition(table)["originalSql"]
            except QueryError:  # a view of another engine has no definition that Athena can show
                text = None
            found.append((glue.NAME, table["DatabaseName"], table["Name"], text))
    return found


_ROWS = {"schemata": _schemata, "tables": _tables, "columns": _columns, "views": _views}
