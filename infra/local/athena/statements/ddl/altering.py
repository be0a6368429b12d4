"""DDL: ALTER TABLE on columns, properties and the location.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.engines.athena import hive_types
from infra.engines.athena.errors import QueryError
from infra.local.athena.lake import files
from infra.local.athena.lake.catalog import (
    GlueCatalog,
    Table,
    all_columns,
    is_iceberg,
)
from infra.local.athena.lake.results import Listing
from infra.local.athena.statements.ddl.names import (
    EXECUTION_ERROR,
    HiveError,
    change_catalog,
    done,
    hive_table,
    no_view,
    table_name,
)
from infra.local.athena.statements.ddl.partitions import partition_input, partitions_by_values, spec_of, values_of
from infra.local.athena.statements.ddl.tables import altered
from infra.local.athena.statements.parser import Statement


def _of_iceberg(catalog: GlueCatalog, table: Table, work: Callable[[Any, Any], None]) -> Listing:
    """Alter an Iceberg table: `work` gets the module that does it, and pyiceberg's table."""
    from infra.local.athena.iceberg import metadata, tables  # heavy: only who has such tables pays

    work(tables, metadata.opened(catalog, table))
    return done()


def add_columns(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = no_view(hive_table(catalog, statement.name, database))
    if is_iceberg(table):
        return _of_iceberg(catalog, table, lambda tables, own: tables.add_columns(own, statement.columns))
    there = {c["Name"].lower() for c in all_columns(table)}
    for column in statement.columns:
        hive_types.hive_to_trino(column["Type"])
        if column["Name"] in there:
            raise HiveError(f"{EXECUTION_ERROR} Duplicate column name: {column['Name']}")
        there.add(column["Name"])
    return altered(catalog, table, lambda entry: entry["StorageDescriptor"]["Columns"].extend(statement.columns))


def drop_column(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    return _of_iceberg(catalog, table, lambda tables, own: tables.drop_column(own, statement.column))


def replace_columns(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = no_view(hive_table(catalog, statement.name, database))
    if is_iceberg(table):
        return _of_iceberg(catalog, table, lambda tables, own: tables.replace_columns(own, statement.columns))
    for column in statement.columns:
        hive_types.hive_to_trino(column["Type"])
    return altered(catalog, table, lambda entry: entry["StorageDescriptor"].update(Columns=statement.columns))


def change_column(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = no_view(hive_table(catalog, statement.name, database))
    hive_types.hive_to_trino(statement.column["Type"])
    if is_iceberg(table):
        asked = statement.old, statement.column, statement.first, statement.after
        return _of_iceberg(catalog, table, lambda tables, own: tables.change_column(own, *asked))
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

    return altered(catalog, table, change)


def set_properties(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    if is_iceberg(table):
        return _of_iceberg(catalog, table, lambda tables, own: tables.set_properties(own, statement.properties))
    merged = {**(table.get("Parameters") or {}), **statement.properties}
    return altered(catalog, table, lambda entry: entry.update(Parameters=merged))


def unset_properties(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    return _of_iceberg(catalog, table, lambda tables, own: tables.unset_properties(own, statement.properties))


def set_location(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = no_view(hive_table(catalog, statement.name, database))
    files.split_location(statement.location)
    if statement.partition is None:
        return altered(catalog, table, lambda entry: entry["StorageDescriptor"].update(Location=statement.location))
    values = values_of(table, statement.partition)
    there = partitions_by_values(catalog, table)
    if values not in there:
        raise HiveError(f"SemanticException [Error 10006]: Partition not found {spec_of(table, values)}")
    entry = partition_input(there[values])
    entry["StorageDescriptor"]["Location"] = statement.location
    change_catalog(
        catalog, lambda glue: glue.update_partition(table["DatabaseName"], table["Name"], entry, list(values))
    )
    return done()


def rename_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    if is_iceberg(table):
        to = table_name(statement.to, table["DatabaseName"])
        return _of_iceberg(catalog, table, lambda tables, own: tables.rename(catalog, table, *to))
    raise QueryError("NOT_SUPPORTED", "Query type not supported by DDL engine.")
