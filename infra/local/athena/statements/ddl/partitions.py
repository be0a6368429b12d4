"""DDL: partitions are added, dropped, renamed and found.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from infra.local import s3
from infra.local.athena.lake import files
from infra.local.athena.lake.catalog import (
    GlueCatalog,
    Table,
    is_view,
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
from infra.local.athena.statements.parser import Statement


def add_partitions(catalog: GlueCatalog, database: str, name: str, found: dict[tuple[str, ...], str]) -> None:
    """Add partitions (values → location) that are not there yet."""
    table = catalog.table(database, name)
    if not found or table is None:
        return

    def work(glue: Any) -> None:
        there = {tuple(p.values) for p in glue.get_partitions(database, name, None)}
        for values, location in found.items():
            if values not in there:
                glue.create_partition(database, name, partition_of(table, values, location))

    change_catalog(catalog, work)


def partition_of(table: Table, values: tuple[str, ...], location: str) -> dict[str, Any]:
    descriptor = copy.deepcopy(table["StorageDescriptor"])
    descriptor["Location"] = location
    return {
        "Values": list(values),
        "StorageDescriptor": descriptor,
        "Parameters": {"transient_lastDdlTime": str(int(time.time()))},
    }


def values_of(table: Table, spec: list[tuple[str, str, str]]) -> tuple[str, ...]:
    """The values of a full partition spec in the order of the keys."""
    given = {name: value for name, _, value in spec}
    keys = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
    if set(given) != set(keys):
        raise HiveError(
            f"SemanticException [Error 10006]: Partition spec {{{', '.join(f'{k}={v}' for k, v in given.items())}}} "
            f"contains non-partition columns or misses some of [{', '.join(keys)}]"
        )
    return tuple(given[key] for key in keys)


def spec_of(table: Table, values: tuple[str, ...] | list[str]) -> str:
    return "/".join(f"{k['Name'].lower()}={v}" for k, v in zip(table.get("PartitionKeys") or [], values, strict=False))


def partitions_by_values(catalog: GlueCatalog, table: Table) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(p["Values"]): p for p in catalog.partitions(table["DatabaseName"], table["Name"])}


def partition_input(partition: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(
        {key: partition[key] for key in ("Values", "StorageDescriptor", "Parameters") if key in partition}
    )


def add_partition(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = no_view(hive_table(catalog, statement.name, database))
    there = partitions_by_values(catalog, table)
    fresh: dict[tuple[str, ...], str] = {}
    base = table["StorageDescriptor"].get("Location", "").rstrip("/") + "/"
    for spec, location in statement.partitions:
        values = values_of(table, spec)
        if values in there or values in fresh:
            if statement.absent:
                continue
            raise HiveError(f"{EXECUTION_ERROR} AlreadyExistsException(message:Partition already exists.)")
        if location is not None:
            files.split_location(location)
        fresh[values] = location or base + spec_of(table, values) + "/"
    add_partitions(catalog, table["DatabaseName"], table["Name"], fresh)
    return done()


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<>": lambda a, b: a != b, "!=": lambda a, b: a != b,
}  # fmt: skip


def _meets(value: str, operator: str, wanted: str, kind: str) -> bool:
    if kind in ("tinyint", "smallint", "int", "bigint", "float", "double"):
        try:
            return _COMPARE[operator](float(value), float(wanted))
        except ValueError:
            return False
    return _COMPARE[operator](value, wanted)


def drop_partition(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = no_view(hive_table(catalog, statement.name, database))
    keys = {
        key["Name"].lower(): (place, key["Type"].lower()) for place, key in enumerate(table.get("PartitionKeys") or [])
    }
    gone: list[tuple[str, ...]] = []
    for spec in statement.partitions:
        unknown = [name for name, _, _ in spec if name not in keys]
        if unknown:
            raise HiveError(
                f"SemanticException [Error 10006]: {unknown[0]} is not a partition column of {table['Name']}"
            )
        found = [
            values
            for values in partitions_by_values(catalog, table)
            if all(_meets(values[keys[n][0]], operator, wanted, keys[n][1]) for n, operator, wanted in spec)
        ]
        if not found and not statement.present:
            wanted = ", ".join(f"{n} {operator} '{value}'" for n, operator, value in spec)
            raise HiveError(f"SemanticException [Error 10006]: Partition not found ({wanted})")
        gone += [values for values in found if values not in gone]

    def work(glue: Any) -> None:
        for values in gone:
            glue.delete_partition(table["DatabaseName"], table["Name"], list(values))

    change_catalog(catalog, work)
    return done()


def rename_partition(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = no_view(hive_table(catalog, statement.name, database))
    old, new = values_of(table, statement.partition), values_of(table, statement.to)
    there = partitions_by_values(catalog, table)
    if old not in there:
        raise HiveError(f"SemanticException [Error 10006]: Partition not found {spec_of(table, old)}")
    if new in there:
        raise HiveError(f"{EXECUTION_ERROR} AlreadyExistsException(message:Partition already exists.)")
    entry = {**partition_input(there[old]), "Values": list(new)}
    change_catalog(catalog, lambda glue: glue.update_partition(table["DatabaseName"], table["Name"], entry, list(old)))
    return done()


def repair(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    """MSCK REPAIR TABLE: add partitions for folders named key=value that hold objects."""
    schema, name = table_name(statement.name, database)
    table = catalog.table(schema, name)
    if table is None:
        return Listing([], [f"Tables not in metastore:\t{name}"], counted=False)
    if is_view(table):
        raise HiveError(f"{EXECUTION_ERROR} Can not create a Path from an empty string")
    keys = [key["Name"].lower() for key in table.get("PartitionKeys") or []]
    if not keys:
        return Listing([], [], counted=False)
    bucket, prefix = files.folder(table["StorageDescriptor"].get("Location") or "")
    there = s3.objects(catalog.account, bucket, prefix) if s3.exists(catalog.account, bucket) else []
    if not there:
        return Listing([], [f"Tables missing on filesystem:\t{name}"], counted=False)
    known = partitions_by_values(catalog, table)
    fresh: dict[tuple[str, ...], str] = {}
    for stored in there:
        parts = stored.name[len(prefix) :].split("/")[:-1]
        pairs = [part.partition("=") for part in parts[: len(keys)]]
        if len(pairs) < len(keys) or [key.lower() for key, _, _ in pairs] != keys:
            continue
        values = tuple(unquote(value) for _, _, value in pairs)
        if values not in known:
            fresh[values] = f"s3://{bucket}/{prefix}{'/'.join(parts[: len(keys)])}/"
    add_partitions(catalog, schema, name, fresh)
    if not fresh:
        return Listing([], [], counted=False)
    specs = [f"{name}:{spec_of(table, values)}" for values in fresh]
    rows = ["Partitions not in metastore:\t" + "\t".join(specs)]
    return Listing([], rows + [f"Repair: Added partition to metastore {spec}" for spec in specs], counted=False)
