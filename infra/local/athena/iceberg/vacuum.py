"""VACUUM: old snapshots go, and the files that only they had, and files that no snapshot has.

Source: https://docs.aws.amazon.com/athena/latest/ug/vacuum-statement.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyiceberg.table import Table

from infra.local import s3
from infra.local.athena.iceberg.metadata import committing, opened
from infra.local.athena.lake import rights
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.lake.files import folder

AGE, KEEP = "vacuum_max_snapshot_age_seconds", "vacuum_min_snapshots_to_keep"
DEFAULT_AGE, DEFAULT_KEEP = 432_000, 1  # seconds (five days), snapshots


def vacuum(catalog: GlueCatalog, entry: dict[str, Any]) -> None:
    table = opened(catalog, entry)
    age = timedelta(seconds=int(table.properties.get(AGE, DEFAULT_AGE)))
    oldest = datetime.now(UTC) - age
    _expire(table, oldest, int(table.properties.get(KEEP, DEFAULT_KEEP)))
    _clean(catalog, table.refresh(), oldest)


def _expire(table: Table, oldest: datetime, keep: int) -> None:
    """Forget the snapshots that are older, but for so many newest ones and those with a name."""
    newest = sorted(table.snapshots(), key=lambda snapshot: snapshot.timestamp_ms, reverse=True)
    named = {reference.snapshot_id for reference in table.metadata.refs.values()}
    gone = [
        snapshot.snapshot_id
        for snapshot in newest[keep:]
        if snapshot.timestamp_ms < oldest.timestamp() * 1000 and snapshot.snapshot_id not in named
    ]
    if gone:
        with committing(".".join(table.name())):
            table.maintenance.expire_snapshots().by_ids(gone).commit()


def _clean(catalog: GlueCatalog, table: Table, oldest: datetime) -> None:
    """Delete the older objects below the table's location that none of its metadata name."""
    used = _used(table)
    bucket, prefix = folder(table.location())
    unused = [
        stored
        for stored in s3.objects(catalog.account, bucket, prefix)
        if f"s3://{bucket}/{stored.name}" not in used and stored.last_modified.timestamp() < oldest.timestamp()
    ]
    for stored in unused:
        rights.check_delete(catalog.region, bucket, stored.name)
    for stored in unused:
        s3.delete(catalog.account, bucket, stored.name)


def _used(table: Table) -> set[str]:
    used = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    used |= {file.statistics_path for file in table.metadata.statistics}
    for snapshot in table.snapshots():
        used.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            used.add(manifest.manifest_path)
            used |= {
                entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            }
    return used
