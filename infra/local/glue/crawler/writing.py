"""Tables and partitions that a crawl found are written into the Data Catalog, in one go, with Glue's lock held.

Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from infra.local.glue.catalog.checked import CheckedCatalog
from infra.local.glue.catalog.table import Table
from infra.local.glue.crawler.grouping import File, Group, partition_keys, table_name, tables, unique_name
from infra.local.glue.crawler.plan import Changes, CrawlFailed, Plan, Target
from infra.local.glue.crawler.tables import (
    DEPRECATED,
    is_changed,
    merged_partition,
    merged_table,
    partition_input,
    table_input,
)

BATCH = 100
INDEX_NAME = "crawler_partition_index"


def group(plan: Plan, found: Sequence[tuple[Target, list[File]]]) -> list[tuple[Target, Group]]:
    """Return the tables that the files of all targets make. Raises CrawlFailed when they are more than TableThreshold."""
    groups = [
        (target, each) for target, files in found for each in tables(files, target.include, plan.combine, plan.level)
    ]
    if plan.threshold is not None and len(groups) > plan.threshold:
        raise CrawlFailed(
            f"The number of tables detected by crawler: {len(groups)} is greater than the table threshold value "
            f"provided: {plan.threshold}. No tables were written."
        )
    return groups


def write(backend: CheckedCatalog, plan: Plan, groups: Sequence[tuple[Target, Group]]) -> Changes:
    """Write what a whole crawl found; what it did not find again is treated as DeleteBehavior says."""
    changes = Changes()
    if plan.database.lower() not in backend.databases:
        backend.create_database(plan.database, {"Name": plan.database})
        changes.lines.append(f"INFO : Created database {plan.database}")
    seen = {_write_group(backend, plan, target, each, changes) for target, each in groups}
    for table in backend.get_tables(plan.database):
        if table.name not in seen and is_own(table, plan):
            _missing_table(backend, plan, table, changes)
    return changes


def _write_group(backend: CheckedCatalog, plan: Plan, target: Target, group: Group, changes: Changes) -> str:
    """Create or update the table of a group, and its partitions; return its name."""
    writer = plan.writer(target)
    name = _free_name(backend, plan, target, group)
    new = table_input(group, target.bucket, name, writer)
    table = backend.get_database(plan.database).tables.get(name)
    if table is None:
        table = backend.create_table(plan.database, name, new, created_by=plan.rights.session.arn)
        changes.tables["ADD"].append(name)
        changes.lines.append(f"INFO : Created table {name} in database {plan.database}")
    elif plan.update:
        merged = merged_table(table.current, new, plan.only_new_columns)
        if len(merged["PartitionKeys"]) != len(table.keys):
            table.partitions.clear()
        update_table(backend, plan, table, merged, changes)
    elif _columns(table.current) != _columns(new):
        changes.lines.append(f"INFO : The schema of table {name} differs from its data; UpdateBehavior LOG leaves it.")
    if len(table.keys) != group.depth:
        changes.lines.append(f"INFO : Folder partition keys do not match table partition keys of table {name}")
        return name
    keys = partition_keys(group)
    if keys:
        parts = [(leaf, partition_input(leaf, target.bucket, keys, table.current, writer)) for leaf in group.leaves]
        write_partitions(backend, plan, table, [part for _, part in parts], changes)
        missing_partitions(backend, plan, table, {str(part["Values"]) for _, part in parts}, changes)
        if plan.index and not table.indexes:
            index = {"IndexName": INDEX_NAME, "Keys": [key["Name"] for key in table.keys]}
            backend.create_partition_index(plan.database, name, index)
    return name


def _columns(given: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name and type of the columns of a TableInput."""
    return [
        (each["Name"], each.get("Type", "")) for each in (given.get("StorageDescriptor") or {}).get("Columns") or []
    ]


def _free_name(backend: CheckedCatalog, plan: Plan, target: Target, group: Group) -> str:
    """Return the table's name: with a hash when another table of this name lies elsewhere."""
    location = f"s3://{target.bucket}/{group.location}"
    name = table_name(group.location, target.bucket, plan.prefix)
    taken = backend.get_database(plan.database).tables.get(name)
    return name if taken is None or location_of(taken) == location.rstrip("/") else unique_name(name, location)


def update_table(backend: CheckedCatalog, plan: Plan, table: Table, merged: dict[str, Any], changes: Changes) -> None:
    """Update a table where what was found differs from what it is."""
    if is_changed(table.current, merged):
        backend.update_table(plan.database, table.name, merged)
        changes.tables["UPDATE"].append(table.name)
        changes.lines.append(f"INFO : Updated table {table.name} in database {plan.database}")


def write_partitions(
    backend: CheckedCatalog, plan: Plan, table: Table, parts: list[dict[str, Any]], changes: Changes
) -> None:
    """Add the partitions that are new, and update those that differ. New ones are added whatever the policy says."""
    new = [part for part in parts if str(part["Values"]) not in table.partitions]
    old = [part for part in parts if str(part["Values"]) in table.partitions]
    merged = [
        (known.partition_input, merged_partition(known.partition_input, part))
        for part in old
        if (known := table.partitions[str(part["Values"])])
    ]
    differing = [after for before, after in merged if is_changed(before, after)] if plan.update else []
    for batch in _batches(new):
        backend.batch_create_partition(plan.database, table.name, batch)
    for batch in _batches(differing):
        entries = [{"PartitionValueList": part["Values"], "PartitionInput": part} for part in batch]
        backend.batch_update_partition(plan.database, table.name, entries)
    changes.partitions["ADD"] += [_partition_name(table, part["Values"]) for part in new]
    changes.partitions["UPDATE"] += [_partition_name(table, part["Values"]) for part in differing]


def missing_partitions(backend: CheckedCatalog, plan: Plan, table: Table, seen: set[str], changes: Changes) -> None:
    """Treat the partitions that were not found again as DeleteBehavior says."""
    gone = [part.values for key, part in table.partitions.items() if key not in seen]
    if plan.delete == "DELETE_FROM_DATABASE":
        for batch in _batches(gone):
            backend.batch_delete_partition(plan.database, table.name, [{"Values": values} for values in batch])
        changes.partitions["DELETE"] += [_partition_name(table, values) for values in gone]
    changes.lines += [
        f"INFO : Found partition of table {table.name} with partition values [{', '.join(values)}] "
        "with no matching schema at the partition's S3 location"
        for values in gone
    ]


def _missing_table(backend: CheckedCatalog, plan: Plan, table: Table, changes: Changes) -> None:
    if plan.delete == "DELETE_FROM_DATABASE":
        backend.delete_table(plan.database, table.name)
        changes.tables["DELETE"].append(table.name)
        changes.lines.append(f"INFO : Deleted table {table.name} in database {plan.database}")
    elif plan.delete == "DEPRECATE_IN_DATABASE":
        parameters = table.current.get("Parameters") or {}
        if DEPRECATED not in parameters:
            marked = {**parameters, DEPRECATED: str(int(time.time() * 1000))}
            backend.update_table(plan.database, table.name, {**table.current, "Parameters": marked})
            changes.tables["UPDATE"].append(table.name)
        changes.lines.append(
            f"INFO : Table {table.name} is marked deprecated because a matching schema was not found at the table's location."
        )
    else:
        changes.lines.append(f"INFO : No matching schema was found at the location of table {table.name}.")


def is_own(table: Table, plan: Plan) -> bool:
    """Tell whether a table was written by this crawler and lies below one of its targets."""
    if (table.current.get("Parameters") or {}).get("UPDATED_BY_CRAWLER") != plan.crawler:
        return False
    location = f"{location_of(table)}/"
    return any(location.startswith(target.url) or location == f"{target.url}/" for target in plan.targets)


def location_of(table: Table) -> str:
    """Return where a table lies, without its last slash."""
    return ((table.current.get("StorageDescriptor") or {}).get("Location") or "").rstrip("/")


def _partition_name(table: Table, values: list[str]) -> str:
    return f"{table.name}[{', '.join(values)}]"


def _batches(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
