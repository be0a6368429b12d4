"""The Glue Data Catalog: requests, pages and answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.glue.exceptions import (
    EntityNotFoundException,
    InvalidInputException,
)
from moto.glue.responses import GlueResponse

from infra.local.core import validation as constraints
from infra.local.glue.catalog.backend import _each, refuse
from infra.local.glue.catalog.table import partition_as_dict


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
        databases = self.glue_backend.databases
        return self.answer_page(
            "DatabaseList", databases.in_order(), 100, render=lambda name: dict.__getitem__(databases, name).as_dict()
        )

    def create_table(self) -> ActionResult:
        given = self.parameters
        refuse(given, "TransactionId")
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
        refuse(given, "TransactionId", "QueryAsOfTime")
        database = backend.get_database(given["DatabaseName"])
        table = database.tables.get(given["Name"].lower())
        if table is None:  # GetTable's own text; the other operations name the table
            raise EntityNotFoundException("Entity Not Found")
        return ActionResult({"Table": table.as_dict()})

    def get_tables(self) -> ActionResult:
        given = self.parameters
        refuse(given, "TransactionId", "QueryAsOfTime")
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
        refuse(given, "TransactionId", "QueryAsOfTime")
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
