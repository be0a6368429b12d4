"""The Glue Data Catalog where AWS differs from moto: names, versions, pages, partition filters, search, indexes, events, error texts.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.glue.exceptions import (
    AlreadyExistsException,
    DatabaseAlreadyExistsException,
    DatabaseNotFoundException,
    EntityNotFoundException,
    InvalidInputException,
    PartitionNotFoundException,
    TableAlreadyExistsException,
    TableNotFoundException,
    VersionNotFoundException,
)
from moto.glue.models import FakeDatabase, GlueBackend

from infra.local.core import telemetry
from infra.local.core.patterns import Pattern
from infra.local.core.records import as_records
from infra.local.glue.catalog.table import Table, matches, partition_as_dict, passes, searchable


class Catalog(GlueBackend):
    """Databases, tables, partitions. Names are case-insensitive: kept and compared in lower case."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.keep_rows()

    def keep_rows(self) -> None:
        """Let databases and their tables be rows; they were plain in lakes of before."""
        as_records(self, "databases")
        as_records(self.tagger, "tags")
        for database in self.databases.values():
            as_records(database, "tables")

    # --- databases ---

    def create_database(
        self, database_name: str, database_input: dict[str, Any], tags: dict[str, str] | None = None
    ) -> FakeDatabase:
        refuse(database_input, "TargetDatabase", "FederatedDatabase")
        name = lower_name(database_name)
        if name in self.databases:
            raise DatabaseAlreadyExistsException()
        database = super().create_database(name, {**database_input, "Name": name}, tags)
        as_records(database, "tables")
        self._database_event(name, "CreateDatabase", [])
        return database

    def get_database(self, database_name: str) -> FakeDatabase:
        try:
            return self.databases[database_name.lower()]
        except KeyError:
            raise DatabaseNotFoundException(database_name) from None

    def get_databases(self) -> list[FakeDatabase]:
        return _in_order(self.databases)

    def update_database(self, database_name: str, database_input: dict[str, Any]) -> None:
        refuse(database_input, "TargetDatabase", "FederatedDatabase")
        database = self.get_database(database_name)
        if database_input.get("Name", database.name).lower() != database.name:
            raise InvalidInputException("UpdateDatabase", "The name of a database cannot be changed.")
        database.input = {**database_input, "Name": database.name}

    def delete_database(self, database_name: str) -> None:
        database = self.get_database(database_name)
        del self.databases[database.name]
        self._database_event(database.name, "DeleteDatabase", [])

    # --- tables ---

    def create_table(
        self,
        database_name: str,
        table_name: str,
        table_input: dict[str, Any],
        open_table_format_input: dict[str, Any] | None = None,
        created_by: str | None = None,
    ) -> Table:
        """Create a table; `created_by` is the ARN of who does it (the account when not given)."""
        if open_table_format_input:
            raise InvalidInputException("CreateTable", "The local AWS does not make Iceberg tables.")
        refuse(table_input, "TargetTable", "FederatedTable", "ViewDefinition")
        database = self.get_database(database_name)
        name = lower_name(table_name)
        if name in database.tables:
            raise TableAlreadyExistsException()
        table = Table(
            database.name,
            name,
            {**table_input, "Name": name},
            self.account_id,
            created_by or f"arn:aws:iam::{self.account_id}:root",
        )
        database.tables[name] = table
        self._database_event(database.name, "CreateTable", [name])
        return table

    def get_table(self, database_name: str, table_name: str) -> Table:
        database = self.get_database(database_name)
        try:
            return database.tables[table_name.lower()]
        except KeyError:
            raise TableNotFoundException(table_name) from None

    def get_tables(self, database_name: str, expression: str | None = None) -> list[Table]:
        """Return tables by name; `expression` is a pattern in which `*` stands for any text and `|` separates choices."""
        tables = self.get_database(database_name).tables
        found = _in_order(tables)
        if not expression:
            return found
        named = set(_named(expression, [table.name for table in found]))
        return [table for table in found if table.name in named]

    def update_table(
        self,
        database_name: str,
        table_name: str,
        table_input: dict[str, Any],
        skip_archive: bool = False,
        version_id: str | None = None,
    ) -> None:
        """Write a new version; `version_id` is the one that the caller has seen."""
        refuse(table_input, "TargetTable", "FederatedTable", "ViewDefinition")
        table = self.get_table(database_name, table_name)
        if str(table_input.get("Name", table.name)).lower() != table.name:
            raise InvalidInputException("UpdateTable", "The name of a table cannot be changed.")
        if version_id is not None and version_id != str(table._current_version):
            raise JsonRESTError(
                "ConcurrentModificationException", "Update table failed due to concurrent modifications."
            )
        table.replace({**table_input, "Name": table.name}, archive=not skip_archive)
        self._table_event(table, "UpdateTable", [])

    def delete_table(self, database_name: str, table_name: str) -> None:
        table = self.get_table(database_name, table_name)
        del self.get_database(database_name).tables[table.name]
        self._database_event(table.database_name, "DeleteTable", [table.name])

    def batch_delete_table(self, database_name: str, tables: list[str]) -> list[dict[str, Any]]:
        self.get_database(database_name)
        return _each(tables, lambda name: self.delete_table(database_name, name), lambda name: {"TableName": name})

    def get_table_version(self, database_name: str, table_name: str, ver_id: str | None) -> dict[str, Any]:
        answer = self.get_table(database_name, table_name).as_dict(ver_id)
        return {"TableVersion": {"Table": answer, "VersionId": answer["VersionId"]}}

    def get_table_versions(self, database_name: str, table_name: str) -> dict[str, dict[str, Any]]:
        table = self.get_table(database_name, table_name)
        return {version: table.as_dict(version) for version in sorted(table.versions, key=int, reverse=True)}

    def delete_table_version(self, database_name: str, table_name: str, version_id: str) -> None:
        table = self.get_table(database_name, table_name)
        if version_id not in table.versions:
            raise VersionNotFoundException()
        if version_id == str(table._current_version):
            raise InvalidInputException("DeleteTableVersion", "Cannot delete the latest version of the table.")
        table.delete_version(version_id)

    def search_tables(self, text: str, filters: list[dict[str, str]], order: list[dict[str, str]]) -> list[Table]:
        """Return the tables of all databases that hold every word of `text` and pass every filter."""
        found = [
            table
            for database in self.get_databases()
            for _, table in sorted(database.tables.items())
            if matches(table, text) and all(passes(table, each) for each in filters)
        ]
        for criterion in reversed(order):
            found.sort(
                key=lambda table: str(searchable(table).get(criterion.get("FieldName", "Name"), "")),
                reverse=criterion.get("Sort") == "DESC",
            )
        return found

    # --- partitions ---

    def create_partition(self, database_name: str, table_name: str, part_input: dict[str, Any]) -> None:
        table = self.get_table(database_name, table_name)
        table.add_partition(part_input)
        self._table_event(table, "CreatePartition", [part_input.get("Values", [])])

    def update_partition(
        self, database_name: str, table_name: str, part_input: dict[str, Any], part_to_update: list[str]
    ) -> None:
        table = self.get_table(database_name, table_name)
        table.update_partition(part_to_update, part_input)
        self._table_event(table, "UpdatePartition", [part_input.get("Values", [])])

    def delete_partition(self, database_name: str, table_name: str, part_to_delete: list[str]) -> None:
        table = self.get_table(database_name, table_name)
        table.delete_partition(part_to_delete)
        self._table_event(table, "DeletePartition", [part_to_delete])

    def batch_get_partition(
        self, database_name: str, table_name: str, partitions_to_get: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        table = self.get_table(database_name, table_name)
        wanted = [table.partitions.get(str(each["Values"])) for each in partitions_to_get]
        return [partition_as_dict(partition, self.account_id) for partition in wanted if partition is not None]

    def batch_create_partition(
        self, database_name: str, table_name: str, partition_input: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        table = self.get_table(database_name, table_name)
        return self._batch(table, "BatchCreatePartition", partition_input, table.add_partition, "PartitionValues")

    def batch_update_partition(
        self, database_name: str, table_name: str, entries: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        table = self.get_table(database_name, table_name)

        def update(entry: dict[str, Any]) -> None:
            table.update_partition(entry["PartitionValueList"], entry["PartitionInput"])

        return self._batch(table, "BatchUpdatePartition", entries, update, "PartitionValueList")

    def batch_delete_partition(
        self, database_name: str, table_name: str, parts: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        table = self.get_table(database_name, table_name)

        def delete(part: dict[str, Any]) -> None:
            table.delete_partition(part["Values"])

        return self._batch(table, "BatchDeletePartition", parts, delete, "PartitionValues")

    def _batch(
        self,
        table: Table,
        change: str,
        parts: list[dict[str, Any]],
        action: Callable[[dict[str, Any]], Any],
        values_name: str,
    ) -> list[dict[str, Any]]:
        """Do `action` for each part; return the errors, and tell EventBridge which partitions changed."""

        def values(part: dict[str, Any]) -> list[str]:
            return part.get("PartitionValueList") or part.get("Values") or []

        errors = _each(parts, action, lambda part: {values_name: values(part)})
        failed = [error[values_name] for error in errors]
        done = [values(part) for part in parts if values(part) not in failed]
        if done:
            self._table_event(table, change, done)
        return errors

    # --- partition indexes ---

    def create_partition_index(self, database_name: str, table_name: str, index: dict[str, Any]) -> None:
        table = self.get_table(database_name, table_name)
        names = {key["Name"] for key in table.keys}
        unknown = [key for key in index["Keys"] if key not in names]
        if unknown:
            raise InvalidInputException("CreatePartitionIndex", f"Keys {unknown} are not partition keys of the table.")
        if index["IndexName"] in table.indexes:
            raise AlreadyExistsException("Index")
        if len(table.indexes) >= 3:
            raise JsonRESTError(
                "ResourceNumberLimitExceededException", "The table has three partition indexes already."
            )
        table.indexes[index["IndexName"]] = index["Keys"]

    def get_partition_indexes(self, database_name: str, table_name: str) -> list[dict[str, Any]]:
        table = self.get_table(database_name, table_name)
        types = {key["Name"]: key.get("Type", "string") for key in table.keys}
        return [
            {"IndexName": name, "IndexStatus": "ACTIVE", "Keys": [{"Name": key, "Type": types[key]} for key in keys]}
            for name, keys in table.indexes.items()
        ]

    def delete_partition_index(self, database_name: str, table_name: str, index_name: str) -> None:
        table = self.get_table(database_name, table_name)
        if table.indexes.pop(index_name, None) is None:
            raise EntityNotFoundException(f"Index with the given indexName : {index_name} does not exist")

    # --- events ---

    def _database_event(self, database: str, change: str, tables: list[str]) -> None:
        arn = f"arn:aws:glue:{self.region_name}:{self.account_id}"
        resources = [f"{arn}:table/{database}/{table}" for table in tables] or [f"{arn}:database/{database}"]
        self._event(
            "Glue Data Catalog Database State Change",
            {"databaseName": database, "typeOfChange": change, "changedTables": tables},
            resources,
        )

    def _table_event(self, table: Table, change: str, partitions: list[list[str]]) -> None:
        self._event(
            "Glue Data Catalog Table State Change",
            {
                "databaseName": table.database_name,
                "changedPartitions": [",".join(values) for values in partitions],
                "typeOfChange": change,
                "tableName": table.name,
            },
            [f"arn:aws:glue:{self.region_name}:{self.account_id}:database/{table.database_name}/{table.name}"],
        )

    def _event(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        telemetry.event(self.account_id, self.region_name, "aws.glue", detail_type, detail, resources)


def _in_order(records: Any) -> list[Any]:
    """Return the records of a collection by name, for a list: none of them is going to be changed."""
    return [dict.__getitem__(records, name) for name in records.in_order()]


def lower_name(name: str) -> str:
    if not name or len(name) > 255:
        raise InvalidInputException("Create", "The name must have 1 to 255 characters.")
    return name.lower()


def refuse(given: dict[str, Any], *members: str) -> None:
    """Raise InvalidInputException for members of an input that the local AWS does not have."""
    present = [member for member in members if given.get(member)]
    if present:
        raise InvalidInputException("Create", f"The local AWS does not support {', '.join(present)}.")


def _named(expression: str, names: list[str]) -> list[str]:
    """Return the names that GetTables asks for: a `*` that repeats nothing stands for any text, as in Hive."""
    try:
        return Pattern(re.sub(r"(?<![.\])}])\*", ".*", expression), ignore_case=True).matching(names)
    except ValueError:
        raise InvalidInputException("GetTables", f"Invalid expression: {expression}") from None


def _each(
    items: list[Any], action: Callable[[Any], Any], named: Callable[[Any], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Do `action` for each item; return one error entry for each that failed."""
    errors = []
    for item in items:
        try:
            action(item)
        except PartitionNotFoundException as error:
            errors.append({**named(item), "ErrorDetail": _detail(error.error_type, "Partition not found.")})
        except JsonRESTError as error:
            errors.append({**named(item), "ErrorDetail": _detail(error.error_type, str(error.message))})
    return errors


def _detail(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}
