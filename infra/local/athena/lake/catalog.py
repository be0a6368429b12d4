"""The Glue Data Catalog of one account and region, as queries and DDL see it.

Reads take copies under Glue's lock; changes go through moto's Glue backend and are on disk before they return.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError

from infra.engines.athena.errors import QueryError
from infra.engines.athena.hive_types import hive_to_trino
from infra.engines.athena.types import Column, View
from infra.local import glue
from infra.local.athena.lake import names, rights
from infra.local.athena.lake.contradictions import check_columns
from infra.local.core import registry, roles, state

NAME = "awsdatacatalog"
PRESTO_VIEW = re.compile(r"/\* Presto View: (\S+) \*/")
DEFAULT = "default"  # the database that is always there; Glue gets it with its first table
Table = dict[str, Any]


class GlueCatalog:
    """What is in the Data Catalog. Database and table names are in lower case."""

    def __init__(self, account: str, region: str):
        self.account, self.region = account, region

    @property
    def _backend(self) -> Any:
        backend = registry.get("glue").backends[self.account][self.region]
        return backend if roles.acting() is None else glue.CheckedCatalog(backend, self._check)

    def _check(self, action: str, database: str, table: str) -> None:
        rights.check_catalog(self.account, self.region, action, database, table)

    # --- what translate() asks

    def columns(self, database: str, table: str) -> list[Column] | None:
        """The columns with Trino types, partition keys last; None if there is no such table."""
        if database == names.SCHEMA:
            return names.columns(table)
        own, about = names.split(table)
        found = self.table(database, own)
        if found is None:
            return None
        if is_iceberg(found):
            from infra.local.athena.iceberg import inspecting  # heavy: only who has such tables pays

            return inspecting.columns(self, found, about)
        if about:
            keys = _columns(found.get("PartitionKeys") or []) if about == names.PARTITIONS else []
            return keys or None
        check_columns(found)
        return _columns(all_columns(found))

    def database_exists(self, database: str) -> bool:
        return database in (names.SCHEMA, DEFAULT) or self.database(database) is not None

    def view(self, database: str, table: str) -> View | None:
        """A view; None if the table is not a view."""
        found = self.table(database, table)
        if found is None or not is_view(found):
            return None
        definition = view_definition(found)
        columns = [Column(c["name"], c["type"]) for c in definition["columns"]]
        return View(definition["originalSql"], columns, definition.get("schema") or database)

    # --- reads

    def database(self, name: str) -> dict[str, Any] | None:
        with state.lock("glue", self.account):
            try:
                return self._backend.get_database(name).as_dict()
            except JsonRESTError:
                return None

    def databases(self) -> list[dict[str, Any]]:
        """All databases by name. `default` is always among them, as database_exists() has it."""
        with state.lock("glue", self.account):
            found = [d.as_dict() for d in self._backend.get_databases()]
        if all(d["Name"] != DEFAULT for d in found):
            found.append({"Name": DEFAULT})
        return sorted(found, key=lambda d: d["Name"])

    def table(self, database: str, name: str) -> Table | None:
        with state.lock("glue", self.account):
            try:
                return _whole(self._backend.get_table(database, name).as_dict())
            except JsonRESTError:
                return None

    def tables(self, database: str) -> list[Table]:
        with state.lock("glue", self.account):
            try:
                return sorted(
                    (_whole(t.as_dict()) for t in self._backend.get_tables(database, None)), key=lambda t: t["Name"]
                )
            except JsonRESTError:
                return []

    def partitions(self, database: str, table: str) -> list[dict[str, Any]]:
        with state.lock("glue", self.account):
            return [p.as_dict() for p in self._backend.get_partitions(database, table, None)]

    # --- changes

    def change(self, work: Callable[[Any], Any]) -> Any:
        """Call `work` with the Glue backend under its lock; what it changed is saved before this returns."""
        with state.lock("glue", self.account):
            try:
                return work(self._backend)
            finally:
                state.save("glue", self.account, self.region)


def _whole(table: Table) -> Table:
    """A table whose storage descriptor is a map, also where its maker gave none."""
    return table if table.get("StorageDescriptor") else {**table, "StorageDescriptor": {}}


def is_view(table: Table) -> bool:
    return table.get("TableType") == "VIRTUAL_VIEW"


def is_iceberg(table: Table) -> bool:
    """Source: https://docs.aws.amazon.com/glue/latest/dg/populate-otf.html"""
    return (table.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG"


def _columns(described: list[dict[str, str]]) -> list[Column]:
    return [Column(c["Name"].lower(), hive_to_trino(c.get("Type") or "string")) for c in described]


def all_columns(table: Table) -> list[dict[str, str]]:
    """The columns of a Glue table, then its partition keys; of an Iceberg table those of its present schema."""
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    if is_iceberg(table):
        columns = [c for c in columns if (c.get("Parameters") or {}).get("iceberg.field.current") != "false"]
    return [*columns, *(table.get("PartitionKeys") or [])]


def view_definition(table: Table) -> dict[str, Any]:
    """What Athena keeps of a view: {originalSql, catalog, schema, columns}. Raises QueryError for views of others."""
    match = PRESTO_VIEW.fullmatch((table.get("ViewOriginalText") or "").strip())
    try:
        return json.loads(base64.b64decode(match[1])) if match else _not_ours(table)
    except (binascii.Error, ValueError):
        return _not_ours(table)


def _not_ours(table: Table) -> dict[str, Any]:
    name = f"{table['DatabaseName']}.{table['Name']}"
    raise QueryError("NOT_SUPPORTED", f"Hive views are not supported: '{name}'")


def view_text(definition: dict[str, Any]) -> str:
    return f"/* Presto View: {base64.b64encode(json.dumps(definition).encode()).decode()} */"
