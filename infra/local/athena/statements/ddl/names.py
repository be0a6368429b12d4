"""DDL: names, what Glue says in Hive's words, and how a change is made.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError

from infra.engines.athena.errors import QueryError
from infra.local.athena.lake.catalog import (
    DEFAULT,
    NAME,
    GlueCatalog,
    Table,
    is_view,
)
from infra.local.athena.lake.results import Listing

EXECUTION_ERROR = "Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."
DDL_ERROR_TYPE = 1003
INPUT_KEYS = (
    "Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor",
    "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable",
)  # fmt: skip


class Refused(Exception):
    """A statement that StartQueryExecution refuses, with Athena's code and message."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY"):
        super().__init__(message)
        self.code = code


class HiveError(QueryError):
    """A failure in Hive's words: `FAILED: …`."""

    def __init__(self, text: str):
        super().__init__("FAILED", text)
        self.type = DDL_ERROR_TYPE


def table_name(name: tuple[str, ...], database: str | None) -> tuple[str, str]:
    """The database and the table that a name means. Raises QueryError for other catalogs and for no database."""
    if len(name) == 3 and name[0] not in (NAME, "hive"):
        raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{name[0]}' does not exist", 1, 1)
    if len(name) == 1 and not database:
        raise QueryError("MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set", 1, 1)
    return (name[-2] if len(name) > 1 else str(database).lower()), name[-1]


def require_database(catalog: GlueCatalog, database: str) -> None:
    if not catalog.database_exists(database):
        raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", 1, 1)


def hive_database(catalog: GlueCatalog, database: str) -> None:
    if not catalog.database_exists(database):
        raise HiveError(f"SemanticException [Error 10072]: Database does not exist: {database}")


def hive_table(catalog: GlueCatalog, name: tuple[str, ...], database: str | None) -> Table:
    schema, table = table_name(name, database)
    found = catalog.table(schema, table)
    if found is None:
        raise HiveError(f"SemanticException [Error 10001]: Table not found {schema}.{table}")
    return found


def done() -> Listing:
    return Listing([], [], counted=False)


def change_catalog(catalog: GlueCatalog, work: Callable[[Any], Any]) -> None:
    """Change Glue; its errors become Hive's."""
    try:
        catalog.change(work)
    except JsonRESTError as error:
        raise HiveError(f"{EXECUTION_ERROR} {error.error_type}(message:{error.message})") from None


def make_default(catalog: GlueCatalog, database: str) -> None:
    """The database `default` is in Glue with its first table."""
    if database == DEFAULT and catalog.database(DEFAULT) is None:
        change_catalog(catalog, lambda glue: glue.create_database(DEFAULT, {"Name": DEFAULT}))


def no_view(table: Table) -> Table:
    if is_view(table):
        raise HiveError("SemanticException [Error 10132]: To alter a view you need to use the ALTER VIEW command.")
    return table


def schema_of(name: tuple[str, ...] | None, database: str | None) -> str:
    if name is None and not database:
        raise HiveError("SemanticException [Error 10072]: Database does not exist: no database was given")
    return name[-1] if name else str(database).lower()
