"""Hive DDL and SHOW on the Glue Data Catalog.

Sources: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html; how answers look was measured on the service.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from infra.engines.athena.errors import QueryError
from infra.local.athena.lake.catalog import (
    GlueCatalog,
    is_iceberg,
    is_view,
)
from infra.local.athena.lake.results import Listing
from infra.local.athena.statements.ddl.altering import (
    add_columns,
    change_column,
    drop_column,
    rename_table,
    replace_columns,
    set_location,
    set_properties,
    unset_properties,
)
from infra.local.athena.statements.ddl.names import Refused, table_name
from infra.local.athena.statements.ddl.partitions import add_partition, drop_partition, rename_partition, repair
from infra.local.athena.statements.ddl.showing import (
    describe_table,
    describe_view,
    show_columns,
    show_create_table,
    show_create_view,
    show_databases,
    show_partitions,
    show_properties,
    show_tables,
    show_views,
)
from infra.local.athena.statements.ddl.tables import (
    alter_database,
    create_database,
    create_external_table,
    drop_database,
    drop_table,
    drop_view,
    wants_iceberg,
)
from infra.local.athena.statements.parser import Statement


def check_at_start(statement: Statement, catalog: GlueCatalog, database: str | None) -> None:
    """What Athena looks at before it starts an execution. Raises Refused."""
    if statement.kind == "CREATE_TABLE":
        _check_creation(statement)
    if statement.kind in ("ALTER_TABLE_DROP_COLUMN", "ALTER_TABLE_UNSET_PROPERTIES"):
        found = catalog.table(*_named(statement, database))
        if found is None or not is_iceberg(found):
            raise Refused(statement.refusal.message)
    if statement.kind in ("DESCRIBE_TABLE", "SHOW_COLUMNS"):
        found = catalog.table(*_named(statement, database))
        if found is None:
            raise Refused(
                "Entity Not Found (Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; "
                f"Request ID: {uuid.uuid4()}; Proxy: null)",
                "INVALID_INPUT",
            )
        if is_view(found):
            statement.kind = "DESC_VIEW"


def _check_creation(statement: Statement) -> None:
    """Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html"""
    if not statement.location:
        raise Refused("No location was specified for table. An S3 location must be specified", "INVALID_INPUT")
    if wants_iceberg(statement):
        if statement.external:
            raise Refused("External keyword not supported for table type ICEBERG", "INVALID_INPUT")
        return
    if statement.transforms:
        text = f"mismatched input '{statement.transforms[0]}'. Partition columns need a type for table type HIVE"
        raise Refused(text)
    if not statement.external:
        raise Refused("External keyword required for table type HIVE", "INVALID_INPUT")


def _named(statement: Statement, database: str | None) -> tuple[str, str]:
    """The database and the table; "" where none was said. Raises Refused."""
    try:
        return table_name(statement.name, database)
    except QueryError as error:
        if error.code == "CATALOG_NOT_FOUND":
            raise Refused(f"Catalog '{statement.name[0]}' does not exist", "DATACATALOG_NOT_FOUND") from None
        return "", statement.name[-1]


def execute(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    """Carry out a statement that is no query. Raises QueryError."""
    return _WORK[statement.kind](statement, catalog, database)


_WORK: dict[str, Callable[[Statement, GlueCatalog, str | None], Listing]] = {
    "CREATE_DATABASE": create_database,
    "DROP_DATABASE": drop_database,
    "ALTER_DATABASE": alter_database,
    "CREATE_TABLE": create_external_table,
    "DROP_TABLE": drop_table,
    "DROP_VIEW": drop_view,
    "ALTER_TABLE_ADD_COLUMN": add_columns,
    "ALTER_TABLE_REPLACE_COLUMN": replace_columns,
    "ALTER_TABLE_CHANGE_COLUMN": change_column,
    "ALTER_TABLE_DROP_COLUMN": drop_column,
    "ALTER_TABLE_PROPERTIES": set_properties,
    "ALTER_TABLE_UNSET_PROPERTIES": unset_properties,
    "ALTER_TABLE_SET_LOCATION": set_location,
    "ALTER_TABLE_RENAME": rename_table,
    "ALTER_TABLE_ADD_PARTITION": add_partition,
    "ALTER_TABLE_DROP_PARTITION": drop_partition,
    "ALTER_TABLE_RENAME_PARTITION": rename_partition,
    "MSCK_REPAIR": repair,
    "SHOW_DATABASES": show_databases,
    "SHOW_TABLES": show_tables,
    "SHOW_VIEWS": show_views,
    "SHOW_COLUMNS": show_columns,
    "SHOW_PARTITIONS": show_partitions,
    "SHOW_TABLE_PROPERTIES": show_properties,
    "SHOW_CREATE_TABLE": show_create_table,
    "SHOW_CREATE_VIEW": show_create_view,
    "DESCRIBE_TABLE": describe_table,
    "DESC_VIEW": describe_view,
}
