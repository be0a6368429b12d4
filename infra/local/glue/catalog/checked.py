"""The Data Catalog for one who is not root: each call of its API is checked first, and what is no call goes through.

Source: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[str, str, str], None]  # (action without `glue:`, database, table or ""); raises where it is refused

# method → action, and how many of database and table stand first among its arguments
_CALLS = {
    "get_databases": ("GetDatabases", 0),
    "create_database": ("CreateDatabase", 1),
    "delete_database": ("DeleteDatabase", 1),
    "get_database": ("GetDatabase", 1),
    "update_database": ("UpdateDatabase", 1),
    "get_tables": ("GetTables", 1),
    "create_table": ("CreateTable", 2),
    "delete_table": ("DeleteTable", 2),
    "get_table": ("GetTable", 2),
    "update_table": ("UpdateTable", 2),
    "batch_create_partition": ("BatchCreatePartition", 2),
    "batch_delete_partition": ("BatchDeletePartition", 2),
    "batch_get_partition": ("BatchGetPartition", 2),
    "batch_update_partition": ("BatchUpdatePartition", 2),
    "create_partition": ("CreatePartition", 2),
    "create_partition_index": ("CreatePartitionIndex", 2),
    "delete_partition": ("DeletePartition", 2),
    "get_partition": ("GetPartition", 2),
    "get_partitions": ("GetPartitions", 2),
    "update_partition": ("UpdatePartition", 2),
}


class CheckedCatalog:
    """Glue's backend with a check before each call."""

    def __init__(self, backend: Any, check: Check):
        self._backend, self._check = backend, check

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if name not in _CALLS:
            return found
        action, named = _CALLS[name]

        def checked(*given: Any, **more: Any) -> Any:
            database, table = (*given[:named], "", "")[:2]
            self._check(action, database, table)
            return found(*given, **more)

        return checked


def resources(account: str, region: str, database: str, table: str) -> list[str]:
    """Return the ARNs on which an action of the catalog must be allowed.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    database: its name; "" for an action on the catalog itself
    table: its name; "" for an action on the database

    Returns
    -------
    Top-down: catalog, database, table

    Source: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
    """
    prefix = f"arn:aws:glue:{region}:{account}:"
    named = [
        "catalog",
        *([f"database/{database}"] if database else []),
        *([f"table/{database}/{table}"] if table else []),
    ]
    return [prefix + each for each in named]
