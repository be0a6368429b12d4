"""Crawls of single folders: incremental ones, and those that events ask for.

Sources: https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html, crawler-s3-event-notifications.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from infra.local.glue.catalog.checked import CheckedCatalog
from infra.local.glue.catalog.table import Table
from infra.local.glue.crawler.grouping import File, Group, Leaf, partition_values
from infra.local.glue.crawler.looking import folder_of, wanted
from infra.local.glue.crawler.plan import Changes, Plan, Target
from infra.local.glue.crawler.schema import are_similar, render
from infra.local.glue.crawler.tables import merged_table, partition_input, table_input
from infra.local.glue.crawler.writing import is_own, location_of, missing_partitions, update_table, write_partitions


def known_folders(backend: CheckedCatalog, plan: Plan) -> set[str]:
    """Return the locations of the database's tables and partitions, without their last slash."""
    known = set()
    if plan.database.lower() in backend.databases:
        for table in backend.get_tables(plan.database):
            known.add(location_of(table))
            known.update(_partition_location(part.partition_input) for part in table.partitions.values())
    return known


def new_folders(plan: Plan, target: Target, known: set[str]) -> set[str]:
    """Return the folders of a target that no table or partition is made of."""
    listed = {folder_of(stored.name) for stored in wanted(plan.account, plan.rights, target, None)}
    return {folder for folder in listed if f"s3://{target.bucket}/{folder}".rstrip("/") not in known}


def _partition_location(part: dict[str, Any]) -> str:
    return ((part.get("StorageDescriptor") or {}).get("Location") or "").rstrip("/")


def table_of_folder(backend: CheckedCatalog, plan: Plan, target: Target, folder: str) -> Table | None:
    """Return the crawler's table that a folder is, or is a partition of, by its path."""
    if plan.database.lower() not in backend.databases:
        return None
    url = f"s3://{target.bucket}/{folder}"
    for table in backend.get_tables(plan.database):
        below = url.removeprefix(f"{location_of(table)}/")
        if is_own(table, plan) and below != url and below.count("/") == len(table.keys):
            return table
    return None


def write_folders(
    backend: CheckedCatalog, plan: Plan, target: Target, folders: Iterable[str], files: Sequence[File], add_only: bool
) -> Changes:
    """Write single folders into the tables that they belong to.

    Parameters
    ----------
    folders: key prefixes that were looked at
    files: the files that lie in them
    add_only: partitions are added, nothing else is changed (CRAWL_NEW_FOLDERS_ONLY)
    """
    changes = Changes()
    by_folder: dict[str, list[File]] = defaultdict(list)
    for file in files:
        by_folder[folder_of(file.key)].append(file)
    touched: dict[str, list[Leaf]] = defaultdict(list)
    for folder in sorted(folders):
        table = table_of_folder(backend, plan, target, folder)
        if table is None:
            changes.lines.append(f"INFO : No table matches the folder s3://{target.bucket}/{folder}; it was ignored.")
            continue
        below = f"s3://{target.bucket}/{folder}".removeprefix(f"{location_of(table)}/")
        leaf = Leaf(folder, by_folder[folder], tuple(below.split("/")[:-1]))
        if leaf.files and not _is_compatible(table, leaf):
            changes.lines.append(
                f"INFO : The schema of the folder s3://{target.bucket}/{folder} does not match table {table.name}; it was ignored."
            )
            continue
        touched[table.name].append(leaf)
    for name, leaves in touched.items():
        _write_leaves(backend, plan, target, backend.get_table(plan.database, name), leaves, add_only, changes)
    return changes


def _write_leaves(
    backend: CheckedCatalog,
    plan: Plan,
    target: Target,
    table: Table,
    leaves: list[Leaf],
    add_only: bool,
    changes: Changes,
) -> None:
    writer = plan.writer(target)
    keys = [key["Name"] for key in table.keys]
    filled = [leaf for leaf in leaves if leaf.files]
    if keys:
        parts = [partition_input(leaf, target.bucket, keys, table.current, writer) for leaf in filled]
        if add_only:
            parts = [part for part in parts if str(part["Values"]) not in table.partitions]
        write_partitions(backend, plan, table, parts, changes)
        emptied = {str(partition_values(leaf, keys)) for leaf in leaves if not leaf.files}
        if emptied and not add_only:
            missing_partitions(backend, plan, table, set(table.partitions) - emptied, changes)
    elif filled and not add_only and plan.update:
        location = location_of(table).removeprefix(f"s3://{target.bucket}/")
        group = Group(f"{location}/", filled, filled[0].content)
        new = table_input(group, target.bucket, table.name, writer)
        update_table(backend, plan, table, merged_table(table.current, new, plan.only_new_columns), changes)


def _is_compatible(table: Table, leaf: Leaf) -> bool:
    content = leaf.content
    parameters = table.current.get("Parameters") or {}
    if parameters.get("classification") != content.classification:
        return False
    columns = (table.current.get("StorageDescriptor") or {}).get("Columns") or []
    known = {column["Name"]: column["Type"].partition("<")[0] for column in columns}
    found = {name: render(kind).partition("<")[0] for name, kind in content.schema.items()}
    return are_similar(known, found)
