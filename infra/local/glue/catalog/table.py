"""A table of the Glue Data Catalog, its versions and partitions, and what a search finds in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.glue.exceptions import (
    InvalidInputException,
    PartitionAlreadyExistsException,
)
from moto.glue.models import FakePartition, FakeTable

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


def searchable(table: Table) -> dict[str, Any]:
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


def matches(table: Table, text: str) -> bool:
    columns = (table.current.get("StorageDescriptor") or {}).get("Columns") or []
    words = [str(value) for value in searchable(table).values()]
    words += [f"{column.get('Name', '')} {column.get('Comment', '')}" for column in columns]
    everything = " ".join(words).lower()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].lower() in everything
    return all(word in everything for word in text.lower().split())


def passes(table: Table, wanted: dict[str, str]) -> bool:
    """Test one PropertyPredicate of SearchTables; times are compared as times, all else as text."""
    found = searchable(table).get(wanted.get("Key", ""))
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
