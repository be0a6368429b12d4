"""Hive DDL and SHOW on the Glue Data Catalog: names.py and execution.py are for all statements, the others a kind of statement each."""

from infra.local.athena.statements.ddl.execution import check_at_start, execute
from infra.local.athena.statements.ddl.names import Refused, require_database, table_name
from infra.local.athena.statements.ddl.partitions import add_partitions
from infra.local.athena.statements.ddl.tables import create_table, replace_table, view_table, written_table

__all__ = [
    "Refused",
    "add_partitions",
    "check_at_start",
    "create_table",
    "execute",
    "replace_table",
    "require_database",
    "table_name",
    "view_table",
    "written_table",
]
