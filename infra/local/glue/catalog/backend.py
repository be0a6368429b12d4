"""The Glue Data Catalog where AWS differs from moto: names, versions, pages, partition filters, search, indexes, events, error texts.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog.html
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.glue.exceptions import (
    AlreadyExistsException,
    DatabaseAlreadyExistsException,
    DatabaseNotFoundException,
    EntityNotFoundException,
    InvalidInputException,
    PartitionAlreadyExistsException,
    PartitionNotFoundException,
    TableAlreadyExistsException,
    TableNotFoundException,
    VersionNotFoundException,
)
from moto.glue.models import FakeDatabase, FakePartition, FakeTable, GlueBackend
from moto.glue.responses import GlueResponse

from infra.local.core import telemetry
from infra.local.core import validation as constraints
from infra.local.core.records import RecordDict
from infra.local.glue.catalog.filter import InvalidExpression, InvalidValue, compile_expression

# What AWS answers for members of a storage descriptor that were not given.
DESCRIPTOR_DEFAULTS = {
    "Columns": [],
    "Compressed": False,
    "NumberOfBuckets": 0,
    "SortColumns": [],
    "StoredAsSubDirectories": False,
}


class Table(FakeTable):
    """A table; version ids count up from 0, as on AWS. `partitions` holds FakePartition by str(values)."""

    def __init__(self, database_name: str, name: str, table_input: dict[str, Any], catalog_id: str, created_by: str):
        super().__init__(database_name, name, table_input, catalog_id)
        self.versions = RecordDict({"0": table_input})
        self.partitions = RecordDict()
        self._current_version = 0
        self.created_by = created_by
        self.updated_time = self.created_time
        self.updated_times = RecordDict({"0": self.created_time})
        self.indexes: dict[str, list[str]] = {}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        for name in ("versions", "partitions", "updated_times"):  # plain in lakes of before
            if not isinstance(values[name], RecordDict):
                setattr(self, name, RecordDict(values[name]))

    @property
    def current(self) -> dict[str, Any]:
        """The newest table input."""
        return self.versions[str(self._current_version)]

    @property
    def keys(self) -> list[dict[str, str]]:
        return self.current.get("PartitionKeys") or []

    def replace(self, table_input: dict[str, Any], archive: bool = True) -> None:
        """Make a new version; without `archive` the one before it is not kept."""
        if not archive:
            del self.versions[str(self._current_version)]
        self._current_version += 1
        self.versions[str(self._current_version)] = table_input
        self.updated_time = utcnow()
        self.updated_times[str(self._current_version)] = self.updated_time

    update = replace

    def as_dict(self, version: str | None = None) -> dict[str, Any]:
        number = str(self._current_version) if version is None else str(version)
        given = self.get_version(number)
        answer = {
            "Retention": 0,
            "PartitionKeys": [],
            **given,
            "Name": self.name,
            "DatabaseName": self.database_name,
            "CreateTime": self.created_time,
            "UpdateTime": self.updated_times[number],
            "CreatedBy": self.created_by,
            "IsRegisteredWithLakeFormation": False,
            "IsMultiDialectView": False,
            "CatalogId": self.catalog_id,
            "VersionId": number,
        }
        if given.get("StorageDescriptor") is not None:
            answer["StorageDescriptor"] = {**DESCRIPTOR_DEFAULTS, **given["StorageDescriptor"]}
        return answer

    def add_partition(self, partition_input: dict[str, Any]) -> FakePartition:
        """Add one partition. Raises InvalidInputException, PartitionAlreadyExistsException."""
        self._check_values(partition_input.get("Values") or [])
        partition = FakePartition(self.database_name, self.name, partition_input)
        if str(partition.values) in self.partitions:
            raise PartitionAlreadyExistsException()
        self.partitions[str(partition.values)] = partition
        return partition

    create_partition = add_partition

    def update_partition(self, old_values: list[str], partition_input: dict[str, Any]) -> None:
        self._check_values(partition_input.get("Values") or [])
        super().update_partition(old_values, partition_input)

    def get_partitions(self, expression: str | None) -> list[FakePartition]:
        """Return the partitions that fit, in the order of their values. Raises InvalidInputException, InvalidStateException."""
        found: Iterable[FakePartition] = self.partitions.values()
        if expression and expression.strip():
            try:
                test = compile_expression(expression, self.keys)
                found = [each for each in found if test(each.values)]
            except InvalidExpression as error:
                raise InvalidInputException("GetPartitions", str(error)) from None
            except InvalidValue as error:
                raise JsonRESTError("InvalidStateException", str(error)) from None
        return sorted(found, key=lambda each: each.values)

    def _check_values(self, values: list[str]) -> None:
        if len(values) != len(self.keys):
            raise InvalidInputException(
                "CreatePartition", "The number of partition keys do not match the number of partition values"
            )


def partition_as_dict(partition: FakePartition, catalog_id: str, without_columns: bool = False) -> dict[str, Any]:
    """Return a partition as the API answers it; `without_columns` is ExcludeColumnSchema."""
    answer = {**partition.as_dict(), "CatalogId": catalog_id}
    descriptor = answer.get("StorageDescriptor")
    if descriptor is not None:
        answer["StorageDescriptor"] = {**DESCRIPTOR_DEFAULTS, **descriptor}
        if without_columns:
            del answer["StorageDescriptor"]["Columns"]
    return answer


class Catalog(GlueBackend):
    """Databases, tables, partitions. Names are case-insensitive: kept and compared in lower case."""

    # --- databases ---

    def create_database(
        self, database_name: str, database_input: dict[str, Any], tags: dict[str, str] | None = None
    ) -> FakeDatabase:
        _refuse(database_input, "TargetDatabase", "FederatedDatabase")
        name = _name(database_name)
        if name in self.databases:
            raise DatabaseAlreadyExistsException()
        database = super().create_database(name, {**database_input, "Name": name}, tags)
        self._database_event(name, "CreateDatabase", [])
        return database

    def get_database(self, database_name: str) -> FakeDatabase:
        try:
            return self.databases[database_name.lower()]
        except KeyError:
            raise DatabaseNotFoundException(database_name) from None

    def get_databases(self) -> list[FakeDatabase]:
        return [self.databases[name] for name in sorted(self.databases)]

    def update_database(self, database_name: str, database_input: dict[str, Any]) -> None:
        _refuse(database_input, "TargetDatabase", "FederatedDatabase")
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
        _refuse(table_input, "TargetTable", "FederatedTable", "ViewDefinition")
        database = self.get_database(database_name)
        name = _name(table_name)
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
        pattern = _name_pattern(expression) if expression else None
        return [tables[name] for name in sorted(tables) if pattern is None or pattern.fullmatch(name)]

    def update_table(
        self,
        database_name: str,
        table_name: str,
        table_input: dict[str, Any],
        skip_archive: bool = False,
        version_id: str | None = None,
    ) -> None:
        """Write a new version; `version_id` is the one that the caller has seen."""
        _refuse(table_input, "TargetTable", "FederatedTable", "ViewDefinition")
        table = self.get_table(database_name, table_name)
        if table_input.get("Name", table.name).lower() != table.name:
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
            if _matches(table, text) and all(_passes(table, each) for each in filters)
        ]
        for criterion in reversed(order):
            found.sort(
                key=lambda table: str(_searchable(table).get(criterion.get("FieldName", "Name"), "")),
                reverse=criterion.get("Sort") == "DESC",
            )
        return found

    # --- partitions ---

    def create_partition(self, database_name: str, table_name: str, part_input: dict[str, Any]) -> None:
        table = self.get_table(database_name, table_name)
        table.add_partition(part_input)
        self._table_event(table, "CreatePartition", [part_input["Values"]])

    def update_partition(
        self, database_name: str, table_name: str, part_input: dict[str, Any], part_to_update: list[str]
    ) -> None:
        table = self.get_table(database_name, table_name)
        table.update_partition(part_to_update, part_input)
        self._table_event(table, "UpdatePartition", [part_input["Values"]])

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


def _name(name: str) -> str:
    if not name or len(name) > 255:
        raise InvalidInputException("Create", "The name must have 1 to 255 characters.")
    return name.lower()


def _refuse(given: dict[str, Any], *members: str) -> None:
    """Raise InvalidInputException for members of an input that the local AWS does not have."""
    present = [member for member in members if given.get(member)]
    if present:
        raise InvalidInputException("Create", f"The local AWS does not support {', '.join(present)}.")


def _name_pattern(expression: str) -> re.Pattern[str]:
    """Return the pattern of GetTables: a `*` that repeats nothing stands for any text, as in Hive."""
    try:
        return re.compile(re.sub(r"(?<![.\])}])\*", ".*", expression), re.IGNORECASE)
    except re.error:
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


def _searchable(table: Table) -> dict[str, Any]:
    current = table.current
    return {
        **(current.get("Parameters") or {}),
        "Name": table.name,
        "DatabaseName": table.database_name,
        "Description": current.get("Description", ""),
        "Owner": current.get("Owner", ""),
        "CreateTime": table.created_time,
        "UpdateTime": table.updated_time,
    }


def _matches(table: Table, text: str) -> bool:
    columns = (table.current.get("StorageDescriptor") or {}).get("Columns") or []
    words = [str(value) for value in _searchable(table).values()]
    words += [f"{column.get('Name', '')} {column.get('Comment', '')}" for column in columns]
    everything = " ".join(words).lower()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].lower() in everything
    return all(word in everything for word in text.lower().split())


def _passes(table: Table, wanted: dict[str, str]) -> bool:
    """Test one PropertyPredicate of SearchTables; times are compared as times, all else as text."""
    found = _searchable(table).get(wanted.get("Key", ""))
    value: Any = wanted.get("Value", "")
    if found is None:
        return False
    if isinstance(found, datetime):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise InvalidInputException("SearchTables", f"{value} is not a time.") from None
        value = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    else:
        found, value = str(found).lower(), value.lower()
    comparators = {
        "EQUALS": found == value,
        "GREATER_THAN": found > value,
        "LESS_THAN": found < value,
        "GREATER_THAN_EQUALS": found >= value,
        "LESS_THAN_EQUALS": found <= value,
    }
    return comparators[wanted.get("Comparator", "EQUALS")]


# --- the API --------------------------------------------------------------------------------------------------------


def page(items: list[Any], token: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Return one page and the token of the next. Raises InvalidInputException when the token is none of ours."""
    start = 0
    if token:
        try:
            start = int(base64.b64decode(token, validate=True))
            if start < 0:
                raise ValueError(token)
        except (ValueError, binascii.Error):
            raise InvalidInputException("page", "The pagination token is invalid.") from None
    end = start + limit
    return items[start:end], base64.b64encode(str(end).encode()).decode() if end < len(items) else None


def as_dict(item: Any) -> dict[str, Any]:
    return item.as_dict()


def _without_nulls(value: Any) -> Any:
    """Return JSON without its nulls: they say what a missing member says."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


class CatalogResponse(GlueResponse):
    """The Data Catalog's operations; what is not here is moto's."""

    @property
    def glue_backend(self) -> Any:
        return super().glue_backend

    def given(self) -> dict[str, Any]:
        """Return the request. Raises ValidationException for what the service's model does not allow."""
        given = _without_nulls(self.parameters)
        if errors := constraints.request_errors("glue", self._get_action(), given):
            raise JsonRESTError("ValidationException", constraints.message(errors))
        return given

    def answer_page(
        self, name: str, items: list[Any], most: int, default: int | None = None, render: Callable[[Any], Any] = as_dict
    ) -> ActionResult:
        """Answer one page of a list, each item as `render` makes it; MaxResults above `most` is refused as AWS does."""
        limit = self.parameters.get("MaxResults", default or most)
        if not 1 <= limit <= most:
            bound = "greater than or equal to 1" if limit < 1 else f"less than or equal to {most}"
            raise JsonRESTError(
                "ValidationException",
                f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: "
                f"Member must have value {bound}",
            )
        part, token = page(items, self.parameters.get("NextToken"), limit)
        rendered = [render(item) for item in part]
        return ActionResult({name: rendered, "NextToken": token} if token else {name: rendered})

    def at_most(self, name: str, most: int) -> list[Any]:
        """Return a list of the request. Raises ValidationException when it is longer than AWS allows."""
        items = self.parameters[name]
        if len(items) > most:
            member = name[0].lower() + name[1:]
            raise JsonRESTError(
                "ValidationException",
                f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {most}",
            )
        return items

    def _table(self) -> tuple[str, str]:
        return self.parameters["DatabaseName"], self.parameters["TableName"]

    def get_databases(self) -> ActionResult:
        return self.answer_page("DatabaseList", self.glue_backend.get_databases(), 100)

    def create_table(self) -> ActionResult:
        given = self.parameters
        _refuse(given, "TransactionId")
        table_input = given.get("TableInput") or {}
        backend = self.glue_backend
        table = backend.create_table(
            given["DatabaseName"],
            table_input.get("Name") or given.get("Name", ""),
            table_input,
            given.get("OpenTableFormatInput"),
        )
        try:
            for index in given.get("PartitionIndexes") or []:
                backend.create_partition_index(table.database_name, table.name, index)
        except JsonRESTError:
            backend.delete_table(table.database_name, table.name)
            raise
        return EmptyResult()

    def get_table(self) -> ActionResult:
        backend, given = self.glue_backend, self.parameters
        _refuse(given, "TransactionId", "QueryAsOfTime")
        database = backend.get_database(given["DatabaseName"])
        table = database.tables.get(given["Name"].lower())
        if table is None:  # GetTable's own text; the other operations name the table
            raise EntityNotFoundException("Entity Not Found")
        return ActionResult({"Table": table.as_dict()})

    def get_tables(self) -> ActionResult:
        given = self.parameters
        _refuse(given, "TransactionId", "QueryAsOfTime")
        tables = self.glue_backend.get_tables(given["DatabaseName"], given.get("Expression"))
        if given.get("AttributesToGet") == ["NAME"]:
            return self.answer_page("TableList", tables, 100, render=lambda table: {"Name": table.name})
        return self.answer_page("TableList", tables, 100)

    def update_table(self) -> ActionResult:
        given = self.parameters
        if given.get("UpdateOpenTableFormatInput"):
            raise InvalidInputException("UpdateTable", "The local AWS does not make Iceberg tables.")
        table_input = given.get("TableInput") or {}
        name = given.get("Name") or table_input.get("Name")
        if not name:
            raise InvalidInputException("UpdateTable", "Table name is missing.")
        self.glue_backend.update_table(
            given["DatabaseName"], name, table_input, bool(given.get("SkipArchive")), given.get("VersionId")
        )
        return EmptyResult()

    def batch_delete_table(self) -> ActionResult:
        names = self.at_most("TablesToDelete", 100)
        return ActionResult({"Errors": self.glue_backend.batch_delete_table(self.parameters["DatabaseName"], names)})

    def get_table_versions(self) -> ActionResult:
        versions = self.glue_backend.get_table_versions(*self._table())
        return self.answer_page(
            "TableVersions", list(versions.items()), 100, render=lambda item: {"VersionId": item[0], "Table": item[1]}
        )

    def batch_delete_table_version(self) -> ActionResult:
        database, name = self._table()
        self.glue_backend.get_table(database, name)
        errors = _each(
            self.at_most("VersionIds", 100),
            lambda version: self.glue_backend.delete_table_version(database, name, version),
            lambda version: {"TableName": name, "VersionId": version},
        )
        return ActionResult({"Errors": errors})

    def search_tables(self) -> ActionResult:
        given = self.parameters
        tables = self.glue_backend.search_tables(
            given.get("SearchText", ""), given.get("Filters") or [], given.get("SortCriteria") or []
        )
        return self.answer_page("TableList", tables, 1000, default=100)

    def get_partitions(self) -> ActionResult:
        given = self.parameters
        _refuse(given, "TransactionId", "QueryAsOfTime")
        partitions = self.glue_backend.get_partitions(*self._table(), given.get("Expression"))
        segment = given.get("Segment")
        if segment:
            if segment["SegmentNumber"] >= segment["TotalSegments"]:
                raise InvalidInputException("GetPartitions", "The segment number must be below the total of segments.")
            partitions = partitions[segment["SegmentNumber"] :: segment["TotalSegments"]]
        without_columns = bool(given.get("ExcludeColumnSchema"))
        return self.answer_page(
            "Partitions",
            partitions,
            1000,
            render=lambda each: partition_as_dict(each, self.current_account, without_columns),
        )

    def get_partition(self) -> ActionResult:
        partition = self.glue_backend.get_partition(*self._table(), self.parameters["PartitionValues"])
        return ActionResult({"Partition": partition_as_dict(partition, self.current_account)})

    def batch_get_partition(self) -> ActionResult:
        wanted = self.at_most("PartitionsToGet", 1000)
        found = self.glue_backend.batch_get_partition(*self._table(), wanted)
        return ActionResult({"Partitions": found, "UnprocessedKeys": []})

    def batch_create_partition(self) -> ActionResult:
        parts = self.at_most("PartitionInputList", 100)
        return ActionResult({"Errors": self.glue_backend.batch_create_partition(*self._table(), parts)})

    def batch_update_partition(self) -> ActionResult:
        parts = self.at_most("Entries", 100)
        return ActionResult({"Errors": self.glue_backend.batch_update_partition(*self._table(), parts)})

    def batch_delete_partition(self) -> ActionResult:
        parts = self.at_most("PartitionsToDelete", 25)
        return ActionResult({"Errors": self.glue_backend.batch_delete_partition(*self._table(), parts)})

    def create_partition_index(self) -> ActionResult:
        self.glue_backend.create_partition_index(*self._table(), self.parameters["PartitionIndex"])
        return EmptyResult()

    def get_partition_indexes(self) -> ActionResult:
        found = self.glue_backend.get_partition_indexes(*self._table())
        return ActionResult({"PartitionIndexDescriptorList": found})

    def delete_partition_index(self) -> ActionResult:
        self.glue_backend.delete_partition_index(*self._table(), self.parameters["IndexName"])
        return EmptyResult()
