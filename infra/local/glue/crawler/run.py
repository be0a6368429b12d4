"""One crawl: look at the objects of a target, then write tables and partitions into the Data Catalog.

Looking takes no lock; writing is done in one go, with Glue's lock held.
Sources: https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html, incremental-crawls.html, crawler-s3-event-notifications.html
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.s3.exceptions import MissingBucket
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

from infra.globs import glob_pattern
from infra.local import s3
from infra.local.glue.catalog.checked import CheckedCatalog
from infra.local.glue.catalog.table import Table
from infra.local.glue.crawler.content import SAMPLE_BYTES, Classifier
from infra.local.glue.crawler.formats import read
from infra.local.glue.crawler.grouping import (
    File,
    Group,
    Leaf,
    is_hidden,
    partition_keys,
    partition_values,
    table_name,
    tables,
    unique_name,
)
from infra.local.glue.crawler.rights import Rights
from infra.local.glue.crawler.schema import are_similar, render
from infra.local.glue.crawler.tables import (
    DEPRECATED,
    Writer,
    is_changed,
    merged_partition,
    merged_table,
    partition_input,
    table_input,
)

BATCH = 100
INDEX_NAME = "crawler_partition_index"
# A crawl that has read this much looks at a shorter start of each further file, so that thousands of large files take seconds, not minutes.
ENOUGH_BYTES = 128 << 20
SHORT_SAMPLE_BYTES = 64 << 10


class CrawlFailed(Exception):
    """The crawl cannot go on; the message is what LastCrawl shows."""


class CrawlStopped(Exception):
    """StopCrawler was called."""


@dataclass(frozen=True)
class Target:
    """An S3 target: bucket, key prefix with its slash (or the key of a file), patterns, files to look at in a folder, queue of events."""

    bucket: str
    include: str
    exclusions: tuple[str, ...] = ()
    sample_size: int | None = None
    queue_arn: str | None = None

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.include}"


@dataclass(frozen=True)
class Plan:
    """What of a crawler's settings one crawl needs."""

    account: str
    crawler: str
    crawl_id: str
    database: str
    targets: tuple[Target, ...]
    rights: Rights
    prefix: str = ""
    classifiers: tuple[Classifier, ...] = ()
    update: bool = True  # UpdateBehavior is UPDATE_IN_DATABASE
    delete: str = "DEPRECATE_IN_DATABASE"
    only_new_columns: bool = False
    inherit: bool = False
    combine: bool = False
    level: int | None = None
    threshold: int | None = None
    index: bool = False

    def writer(self, target: Target) -> Writer:
        exclusions = tuple(f"{target.url}{pattern}" for pattern in target.exclusions)
        return Writer(self.crawler, self.crawl_id, self.inherit, self.index, exclusions)


@dataclass
class Changes:
    """What a crawl did: ADD, UPDATE, DELETE → names, of tables and of partitions; and log lines."""

    tables: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    partitions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lines: list[str] = field(default_factory=list)


# --- looking --------------------------------------------------------------------------------------------------------


def target_of(account: str, rights: Rights, path: str, **settings: Any) -> Target:
    """Return the target of an include path: a folder, with or without its slash, or one file."""
    bucket, _, key = path.removeprefix("s3://").partition("/")
    if key and not key.endswith("/"):
        exact = [stored for stored in _listed(account, rights, bucket, key) if stored.name == key]
        key = key if exact else f"{key}/"
    return Target(bucket, key, **settings)


def _listed(account: str, rights: Rights, bucket: str, prefix: str) -> list[s3.StoredKey]:
    rights.check_list(bucket, prefix)
    try:
        return s3.objects(account, bucket, prefix)
    except MissingBucket:
        raise CrawlFailed(f"The S3 location s3://{bucket}/{prefix} does not exist: no such bucket.") from None


def look(plan: Plan, target: Target, stopped: Callable[[], bool], folders: Iterable[str] | None = None) -> list[File]:
    """Return the files of a target with what they hold.

    Parameters
    ----------
    stopped: tells whether the crawl is to end
    folders: only the files that lie in these key prefixes themselves

    Raises CrawlStopped, CrawlFailed, CrawlDenied.
    """
    files: list[File] = []
    sampled: dict[str, int] = defaultdict(int)
    total = 0
    for stored in _wanted(plan.account, plan.rights, target, folders):
        if stopped():
            raise CrawlStopped
        folder = folder_of(stored.name)
        if target.sample_size and sampled[folder] >= target.sample_size:
            continue
        sampled[folder] += 1
        if not plan.rights.may_read(target.bucket, stored.name):
            continue
        sample = SAMPLE_BYTES if total < ENOUGH_BYTES else SHORT_SAMPLE_BYTES
        total += min(stored.size, sample)
        try:
            content = read(stored.path, stored.size, plan.classifiers, sample)
        except FileNotFoundError:
            continue  # deleted since it was listed
        files.append(File(stored.name, stored.size, content))
    return files


def _wanted(account: str, rights: Rights, target: Target, folders: Iterable[str] | None) -> list[s3.StoredKey]:
    """Return the objects to look at: no folder markers, empty, hidden, archived or excluded ones."""
    patterns = [glob_pattern(pattern) for pattern in target.exclusions]
    if folders is None:
        listed = _listed(account, rights, target.bucket, target.include)
    else:
        listed = [
            stored
            for folder in sorted(folders)
            for stored in _listed(account, rights, target.bucket, folder)
            if folder_of(stored.name) == folder
        ]
    found = []
    for stored in listed:
        below = stored.name[len(target.include) :]
        if not stored.size or stored.name.endswith("/") or stored.storage_class in ARCHIVE_STORAGE_CLASSES:
            continue
        if is_hidden(below) or any(pattern.fullmatch(below) for pattern in patterns):
            continue
        found.append(stored)
    return found


def folder_of(key: str) -> str:
    """Return the key prefix of the folder that an object lies in."""
    return key[: key.rfind("/") + 1]


# --- writing --------------------------------------------------------------------------------------------------------


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
        if table.name not in seen and _is_own(table, plan):
            _missing_table(backend, plan, table, changes)
    return changes


def warnings(found: Sequence[tuple[Target, list[File]]]) -> list[str]:
    """Return a log line for each file with lines that are not of its format."""
    return [
        f"WARN : {file.content.skipped} malformed records were skipped in s3://{target.bucket}/{file.key}"
        for target, files in found
        for file in files
        if file.content.skipped
    ]


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
        _update_table(backend, plan, table, merged, changes)
    elif _columns(table.current) != _columns(new):
        changes.lines.append(f"INFO : The schema of table {name} differs from its data; UpdateBehavior LOG leaves it.")
    if len(table.keys) != group.depth:
        changes.lines.append(f"INFO : Folder partition keys do not match table partition keys of table {name}")
        return name
    keys = partition_keys(group)
    if keys:
        parts = [(leaf, partition_input(leaf, target.bucket, keys, table.current, writer)) for leaf in group.leaves]
        _write_partitions(backend, plan, table, [part for _, part in parts], changes)
        _missing_partitions(backend, plan, table, {str(part["Values"]) for _, part in parts}, changes)
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
    return name if taken is None or _location(taken) == location.rstrip("/") else unique_name(name, location)


def _update_table(backend: CheckedCatalog, plan: Plan, table: Table, merged: dict[str, Any], changes: Changes) -> None:
    if is_changed(table.current, merged):
        backend.update_table(plan.database, table.name, merged)
        changes.tables["UPDATE"].append(table.name)
        changes.lines.append(f"INFO : Updated table {table.name} in database {plan.database}")


def _write_partitions(
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


def _missing_partitions(backend: CheckedCatalog, plan: Plan, table: Table, seen: set[str], changes: Changes) -> None:
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


def _is_own(table: Table, plan: Plan) -> bool:
    """Tell whether a table was written by this crawler and lies below one of its targets."""
    if (table.current.get("Parameters") or {}).get("UPDATED_BY_CRAWLER") != plan.crawler:
        return False
    location = f"{_location(table)}/"
    return any(location.startswith(target.url) or location == f"{target.url}/" for target in plan.targets)


def _location(table: Table) -> str:
    return ((table.current.get("StorageDescriptor") or {}).get("Location") or "").rstrip("/")


def _partition_name(table: Table, values: list[str]) -> str:
    return f"{table.name}[{', '.join(values)}]"


def _batches(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


# --- only some folders: incremental and event mode ------------------------------------------------------------------


def known_folders(backend: CheckedCatalog, plan: Plan) -> set[str]:
    """Return the locations of the database's tables and partitions, without their last slash."""
    known = set()
    if plan.database.lower() in backend.databases:
        for table in backend.get_tables(plan.database):
            known.add(_location(table))
            known.update(_partition_location(part.partition_input) for part in table.partitions.values())
    return known


def new_folders(plan: Plan, target: Target, known: set[str]) -> set[str]:
    """Return the folders of a target that no table or partition is made of."""
    listed = {folder_of(stored.name) for stored in _wanted(plan.account, plan.rights, target, None)}
    return {folder for folder in listed if f"s3://{target.bucket}/{folder}".rstrip("/") not in known}


def _partition_location(part: dict[str, Any]) -> str:
    return ((part.get("StorageDescriptor") or {}).get("Location") or "").rstrip("/")


def table_of_folder(backend: CheckedCatalog, plan: Plan, target: Target, folder: str) -> Table | None:
    """Return the crawler's table that a folder is, or is a partition of, by its path."""
    if plan.database.lower() not in backend.databases:
        return None
    url = f"s3://{target.bucket}/{folder}"
    for table in backend.get_tables(plan.database):
        below = url.removeprefix(f"{_location(table)}/")
        if _is_own(table, plan) and below != url and below.count("/") == len(table.keys):
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
        below = f"s3://{target.bucket}/{folder}".removeprefix(f"{_location(table)}/")
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
        _write_partitions(backend, plan, table, parts, changes)
        emptied = {str(partition_values(leaf, keys)) for leaf in leaves if not leaf.files}
        if emptied and not add_only:
            _missing_partitions(backend, plan, table, set(table.partitions) - emptied, changes)
    elif filled and not add_only and plan.update:
        location = _location(table).removeprefix(f"s3://{target.bucket}/")
        group = Group(f"{location}/", filled, filled[0].content)
        new = table_input(group, target.bucket, table.name, writer)
        _update_table(backend, plan, table, merged_table(table.current, new, plan.only_new_columns), changes)


def _is_compatible(table: Table, leaf: Leaf) -> bool:
    content = leaf.content
    parameters = table.current.get("Parameters") or {}
    if parameters.get("classification") != content.classification:
        return False
    columns = (table.current.get("StorageDescriptor") or {}).get("Columns") or []
    known = {column["Name"]: column["Type"].partition("<")[0] for column in columns}
    found = {name: render(kind).partition("<")[0] for name, kind in content.schema.items()}
    return are_similar(known, found)
