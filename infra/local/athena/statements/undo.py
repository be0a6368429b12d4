"""A CREATE TABLE AS that the end of the server interrupted: its table and its files go."""

from __future__ import annotations

import logging

from infra.local import s3
from infra.local.athena.api.executions import Execution
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.lake.files import folder

log = logging.getLogger("workshop.athena")


def undo(execution: Execution) -> None:
    """Remove what an execution made. Its location was empty before, so all that is there is its own."""
    target = execution.target or {}
    catalog = GlueCatalog(execution.account, execution.region)
    database, name, location = target["database"], target["table"], target["location"]
    table = catalog.table(database, name)
    if table is not None and table["StorageDescriptor"].get("Location", "").rstrip("/") == location.rstrip("/"):
        catalog.change(lambda glue: glue.delete_table(database, name))
    bucket, prefix = folder(location)
    try:
        for stored in s3.objects(execution.account, bucket, prefix):
            s3.delete(execution.account, bucket, stored.name)
    except s3.MissingBucket:
        log.warning("the bucket of %s is gone", location)
