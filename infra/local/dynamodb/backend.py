"""DynamoDB's tables, and the records of their streams: a change costs the change, beside however many items."""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from infra.local.core.records import RecordList, as_records
from infra.local.dynamodb.items import Items

BACKENDS = dynamodb_backends


def keep_rows(table: Table) -> Table:
    """Let a table's items, and what its stream holds, be rows."""
    if not isinstance(table.items, Items):
        table.items = Items.of(table.items)  # type: ignore[assignment]
    if table.stream_shard is not None:
        as_records(table.stream_shard, "items", kind=RecordList)
    return table


class LocalDynamoDBBackend(DynamoDBBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        as_records(self, "tables")

    def create_table(self, *given: Any, **more: Any) -> Table:
        return keep_rows(super().create_table(*given, **more))

    def update_table(self, *given: Any, **more: Any) -> Table:
        return keep_rows(super().update_table(*given, **more))

    def restore_table_from_backup(self, *given: Any, **more: Any) -> Any:
        return keep_rows(super().restore_table_from_backup(*given, **more))

    def restore_table_to_point_in_time(self, *given: Any, **more: Any) -> Any:
        return keep_rows(super().restore_table_to_point_in_time(*given, **more))


dynamodb_backends.backend = LocalDynamoDBBackend


def resume() -> None:
    """Let the tables of a lake of before be rows, too."""
    for _, _, backend in list(dynamodb_backends.iter_backends()):
        backend.__class__ = LocalDynamoDBBackend
        as_records(backend, "tables")
        for table in backend.tables.values():
            keep_rows(table)
