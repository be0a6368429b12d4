"""Rows become data files of an Iceberg table, one a partition. Source: https://iceberg.apache.org/spec/#partition-transforms"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from pyiceberg import transforms
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import Record
from pyiceberg.types import BinaryType, DateType, DecimalType, IcebergType, StringType, TimestampType, TimestamptzType

from infra.engines.athena import types
from infra.engines.athena.client import Engine
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import literal, quoted
from infra.local.athena.iceberg.schema import field_ids, trino
from infra.local.athena.iceberg.storage import LakeIO
from infra.local.athena.lake import rights, writers
from infra.local.athena.lake.files import split_location

MAX_PARTITIONS = 100  # open writers of one statement, as Athena's Hive tables have it
CODEC, DEFAULT_CODEC = "write.parquet.compression-codec", "zstd"
_UNITS = {
    transforms.YearTransform: "year", transforms.MonthTransform: "month", transforms.DayTransform: "day",
    transforms.HourTransform: "hour",
}  # fmt: skip


class Written(NamedTuple):
    """The rows that were written, and their data files, which no snapshot has yet."""

    rows: int
    files: list[DataFile]


def write(engine: Engine, scratch: Path, metadata: TableMetadata, store: LakeIO, sql: str) -> Written:
    """Write a query's rows, whose columns are those of the table's schema in their order.

    Raises QueryError ICEBERG_TOO_MANY_OPEN_PARTITIONS, NotAuthorized; nothing is written then.
    """
    fields = metadata.schema().fields
    spec = metadata.spec()
    numbered = {field.field_id: (f"c{place}", field.field_type) for place, field in enumerate(fields)}
    labels = ", ".join(name for name, _ in numbered.values())
    engine.fetch(f"CREATE OR REPLACE TEMP TABLE written AS SELECT * FROM ({sql}) o({labels})")
    ((rows,),) = engine.fetch("SELECT count(*) FROM written")
    keys = [_partition_value(*numbered[field.source_id], field) for field in spec.fields]
    select = ", ".join(
        f"{_stored(place, types.parse(trino(kind)).name)} AS {quoted(field.name)}"
        for field, (place, kind) in zip(fields, numbered.values(), strict=True)
    )
    codec = metadata.properties.get(CODEC, DEFAULT_CODEC)
    made = []
    for values in _partitions(engine, keys) if rows else []:
        where = " AND ".join(
            f"{key} IS NOT DISTINCT FROM {_constant(value)}" for key, value in zip(keys, values, strict=True)
        )
        path = scratch / f"{uuid.uuid4()}.parquet"
        engine.fetch(
            f"COPY (SELECT {select} FROM written{f' WHERE {where}' if where else ''}) TO {literal(str(path))} "
            f"(FORMAT parquet, COMPRESSION {literal(codec)}, FIELD_IDS {field_ids(fields)})"
        )
        record = Record(*values)
        folder = f"{spec.partition_to_path(record, metadata.schema())}/" if values else ""
        made.append(
            (
                path,
                _data_file(
                    metadata,
                    path,
                    f"{metadata.location}/data/{folder}{writers.engine_id()}-{uuid.uuid4()}.parquet",
                    record,
                ),
            )
        )
    engine.fetch("DROP TABLE written")
    for _, file in made:  # all of them before the first: what is denied leaves nothing half done
        rights.check_write(store.region, *split_location(file.file_path))
    for path, file in made:
        store.put(file.file_path, path)
    return Written(rows, [file for _, file in made])


def _partitions(engine: Engine, keys: list[str]) -> list[tuple[Any, ...]]:
    if not keys:
        return [()]
    listed = ", ".join(keys)
    found = engine.fetch(f"SELECT DISTINCT {listed} FROM written ORDER BY ALL LIMIT {MAX_PARTITIONS + 1}")
    if len(found) > MAX_PARTITIONS:
        raise QueryError(
            "ICEBERG_TOO_MANY_OPEN_PARTITIONS", f"Exceeded limit of {MAX_PARTITIONS} open writers for partitions"
        )
    return found


def _stored(sql: str, name: str) -> str:
    return f"struct_extract({sql}, 'i')" if name == "timestamp with time zone" else sql


def _constant(value: Any) -> str:
    if isinstance(value, bytes):
        return f"from_hex({literal(value.hex())})"
    return "NULL" if value is None else literal(str(value))


def _partition_value(sql: str, kind: IcebergType, field: PartitionField) -> str:
    """SQL for the value of a partition field as Iceberg keeps it: dates as days, timestamps as microseconds."""
    if isinstance(kind, TimestamptzType):
        sql = f"timezone('UTC', {_stored(sql, 'timestamp with time zone')})"
    transform = field.transform
    if unit := _UNITS.get(type(transform)):
        return f"date_diff('{unit}', TIMESTAMP '1970-01-01', CAST({sql} AS TIMESTAMP))"
    if isinstance(transform, transforms.BucketTransform):
        return f"({_hash(sql, kind)} & 2147483647) % {transform.num_buckets}"
    if isinstance(transform, transforms.TruncateTransform):
        return _truncated(sql, kind, transform.width)
    if isinstance(transform, transforms.IdentityTransform):
        return _number(sql, kind)
    raise QueryError(
        "NOT_SUPPORTED", f"The local AWS does not write Iceberg tables that are partitioned by {transform}"
    )


def _number(sql: str, kind: IcebergType) -> str:
    if isinstance(kind, DateType):
        return f"date_diff('day', DATE '1970-01-01', {sql})"
    return f"epoch_us({sql})" if isinstance(kind, (TimestampType, TimestamptzType)) else sql


def _hash(sql: str, kind: IcebergType) -> str:
    if isinstance(kind, DecimalType):
        raise QueryError("NOT_SUPPORTED", "The local AWS does not write Iceberg tables with buckets of decimals")
    if isinstance(kind, (StringType, BinaryType)):
        return f"iceberg_hash_bytes({f'encode({sql})' if isinstance(kind, StringType) else sql})"
    return f"iceberg_hash_number(CAST({_number(sql, kind)} AS BIGINT))"


def _truncated(sql: str, kind: IcebergType, width: int) -> str:
    if isinstance(kind, DecimalType):
        raise QueryError("NOT_SUPPORTED", "The local AWS does not write Iceberg tables that truncate decimals")
    if isinstance(kind, StringType):
        return f"substr({sql}, 1, {width})"
    if isinstance(kind, BinaryType):
        return f"{sql}[1:{width}]"
    return f"({sql} - (({sql} % {width}) + {width}) % {width})"


def _data_file(metadata: TableMetadata, path: Path, location: str, partition: Record) -> DataFile:
    schema = metadata.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=pq.read_metadata(path),
        stats_columns=compute_statistics_plan(schema, metadata.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA, file_path=location, file_format=FileFormat.PARQUET, partition=partition,
        file_size_in_bytes=path.stat().st_size, sort_order_id=None, spec_id=metadata.default_spec_id, equality_ids=None,
        key_metadata=None, **statistics.to_serialized_dict(),
    )  # fmt: skip
