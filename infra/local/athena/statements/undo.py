"""A CREATE TABLE AS, INSERT or UNLOAD that the end of the server interrupted: what it made goes, before it counts as FAILED."""

from __future__ import annotations

import logging
from typing import Any

from infra.local import s3
from infra.local.athena.api.executions import Execution
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.lake.files import folder

log = logging.getLogger("workshop.athena")
RESULTS = ("", ".metadata", "-manifest.csv")


def undo(execution: Execution) -> None:
    """Remove what an execution made, as far as it came.

    Parameters
    ----------
    execution: with a target: the `files` that it was about to write and the new `partitions` of a table, or the `location` of a new table,
        which was empty before
    """
    target = execution.target or {}
    catalog = GlueCatalog(execution.account, execution.region)
    if "location" in target:
        _drop(catalog, target)
        made = _below(execution.account, target["location"])
    else:
        _forget_partitions(catalog, target)
        made = target["files"]
    results = [] if execution.managed else [f"{execution.output}{suffix}" for suffix in RESULTS]
    for uri in [*made, *results]:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            s3.delete(execution.account, bucket, key)
        except s3.MissingBucket:
            log.warning("the bucket of %s is gone", uri)


def _drop(catalog: GlueCatalog, target: dict[str, Any]) -> None:
    database, name, location = target["database"], target["table"], target["location"]
    table = catalog.table(database, name)
    if table is not None and table["StorageDescriptor"].get("Location", "").rstrip("/") == location.rstrip("/"):
        catalog.change(lambda glue: glue.delete_table(database, name))


def _below(account: str, location: str) -> list[str]:
    bucket, prefix = folder(location)
    try:
        return [f"s3://{bucket}/{stored.name}" for stored in s3.objects(account, bucket, prefix)]
    except s3.MissingBucket:
        return []


def _forget_partitions(catalog: GlueCatalog, target: dict[str, Any]) -> None:
    database, name = target.get("database", ""), target.get("table", "")
    there = catalog.partitions(database, name) if target.get("partitions") else []
    gone = [each["Values"] for each in there if each["Values"] in target["partitions"]]
    if gone:
        catalog.change(
            lambda glue: glue.batch_delete_partition(database, name, [{"Values": values} for values in gone])
        )
