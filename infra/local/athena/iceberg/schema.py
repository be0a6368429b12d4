"""Types and partition transforms: Athena's words, Iceberg's, and DuckDB's field ids.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-supported-data-types.html,
https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html (transforms), https://iceberg.apache.org/spec/
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from pyiceberg import transforms
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from infra.engines.athena import types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Column, Type, field_text, quoted

_PLAIN: dict[str, IcebergType] = {
    "boolean": BooleanType(),
    "integer": IntegerType(),
    "bigint": LongType(),
    "real": FloatType(),
    "double": DoubleType(),
    "varchar": StringType(),
    "varbinary": BinaryType(),
    "date": DateType(),
    "timestamp": TimestampType(),
    "timestamp with time zone": TimestamptzType(),
}
_TRINO: dict[type[IcebergType], str] = {
    **{type(kind): name for name, kind in _PLAIN.items()},
    TimestampType: "timestamp(6)",
    TimestamptzType: "timestamp(6) with time zone",
}
_HIVE: dict[type[IcebergType], str] = {  # where Glue's name is another than Athena's
    IntegerType: "int",
    FloatType: "float",
    StringType: "string",
    BinaryType: "binary",
    TimestampType: "timestamp",
    TimestamptzType: "timestamp",
}
_TRANSFORM = re.compile(r"(\w+)\s*\(\s*([\w\"`]+)\s*(?:,\s*([\w\"`]+)\s*)?\)")
_BY_TIME = {
    "year": transforms.YearTransform,
    "month": transforms.MonthTransform,
    "day": transforms.DayTransform,
    "hour": transforms.HourTransform,
}
_PLURALS = {f"{name}s": name for name in _BY_TIME}


def schema_of(columns: Iterable[tuple[Column, str | None]]) -> Schema:
    """The schema of columns, each with its comment. Raises QueryError NOT_SUPPORTED for a type that Iceberg does not have."""
    ids = itertools.count(1)
    return Schema(
        *(
            NestedField(
                next(ids), column.name, iceberg_type(types.parse(column.type), ids), required=False, doc=comment
            )
            for column, comment in columns
        )
    )


def iceberg_type(kind: Type, ids: Iterator[int]) -> IcebergType:
    """Iceberg's type for one of Athena's. Raises QueryError NOT_SUPPORTED."""
    if kind.name == "decimal":
        return DecimalType(*kind.args)
    if kind.name == "array":
        return ListType(next(ids), iceberg_type(kind.element, ids), element_required=False)
    if kind.name == "map":
        key, value = (iceberg_type(each, ids) for each in kind.args)
        return MapType(next(ids), key, next(ids), value, value_required=False)
    if kind.name == "row":
        fields = [
            NestedField(next(ids), name, iceberg_type(inner, ids), required=False)
            for name, (_, inner) in zip(types.field_names(kind), kind.args, strict=True)
        ]
        return StructType(*fields)
    if kind.name not in _PLAIN:
        raise QueryError("NOT_SUPPORTED", f"Type not supported for Iceberg: {kind}")
    return _PLAIN[kind.name]


def trino(kind: IcebergType) -> str:
    """Athena's type for one of Iceberg's. Raises QueryError NOT_SUPPORTED."""
    if isinstance(kind, DecimalType):
        return f"decimal({kind.precision},{kind.scale})"
    if isinstance(kind, ListType):
        return f"array({trino(kind.element_type)})"
    if isinstance(kind, MapType):
        return f"map({trino(kind.key_type)}, {trino(kind.value_type)})"
    if isinstance(kind, StructType):
        return "row(" + ", ".join(f"{field_text(f.name)} {trino(f.field_type)}" for f in kind.fields) + ")"
    found = _TRINO.get(type(kind))
    if found is None:
        raise QueryError("NOT_SUPPORTED", f"The local AWS does not read columns of Iceberg's type {kind}")
    return found


def hive(kind: IcebergType) -> str:
    """The type as Glue has it. Source: https://iceberg.apache.org/docs/latest/aws/#glue-catalog"""
    if isinstance(kind, ListType):
        return f"array<{hive(kind.element_type)}>"
    if isinstance(kind, MapType):
        return f"map<{hive(kind.key_type)},{hive(kind.value_type)}>"
    if isinstance(kind, StructType):
        return "struct<" + ",".join(f"{f.name}:{hive(f.field_type)}" for f in kind.fields) + ">"
    return _HIVE.get(type(kind)) or trino(kind)


def field_ids(fields: Iterable[NestedField]) -> str:
    """DuckDB's FIELD_IDS for these columns."""
    return "{" + ", ".join(f"{quoted(f.name)}: {_ids(f.field_id, f.field_type)}" for f in fields) + "}"


def _ids(own: int, kind: IcebergType) -> str:
    inner: list[str] = []
    if isinstance(kind, ListType):
        inner = [f"element: {_ids(kind.element_id, kind.element_type)}"]
    elif isinstance(kind, MapType):
        inner = [f"key: {_ids(kind.key_id, kind.key_type)}", f"value: {_ids(kind.value_id, kind.value_type)}"]
    elif isinstance(kind, StructType):
        inner = [f"{quoted(f.name)}: {_ids(f.field_id, f.field_type)}" for f in kind.fields]
    return f"{{{', '.join([f'__duckdb_field_id: {own}', *inner])}}}" if inner else str(own)


def spec_of(schema: Schema, written: Iterable[str]) -> PartitionSpec:
    """The partition spec of `day(ts)`, `bucket(16, id)`, `country` … Raises QueryError INVALID_TABLE_PROPERTY."""
    fields = []
    for number, text in enumerate(written):
        name, transform, label = _transform(text)
        source = next((field for field in schema.fields if field.name == name), None)
        if source is None:
            raise QueryError(
                "INVALID_TABLE_PROPERTY", f"Unable to parse partitioning value: Cannot find source column: {name}"
            )
        if not transform.can_transform(source.field_type):
            raise QueryError(
                "INVALID_TABLE_PROPERTY",
                f"Unable to parse partitioning value: Invalid source type {source.field_type} for transform: {transform}",
            )
        fields.append(PartitionField(source.field_id, 1000 + number, transform, label))
    return PartitionSpec(*fields)


def _transform(text: str) -> tuple[str, transforms.Transform, str]:
    """The source column, the transform and the partition field's name. Raises QueryError INVALID_TABLE_PROPERTY."""
    match = _TRANSFORM.fullmatch(text.strip())
    if match is None:
        name = text.strip().strip('"`').lower()
        return name, transforms.IdentityTransform(), name
    word = match[1].lower()
    word = _PLURALS.get(word, word)
    given = [part.strip('"`').lower() for part in match.groups()[1:] if part]
    if word in _BY_TIME and len(given) == 1:
        return given[0], _BY_TIME[word](), f"{given[0]}_{word}"
    widths = [part for part in given if part.isdigit()]
    names = [part for part in given if not part.isdigit()]
    if word == "bucket" and len(widths) == len(names) == 1:
        return names[0], transforms.BucketTransform(int(widths[0])), f"{names[0]}_bucket"
    if word == "truncate" and len(widths) == len(names) == 1:
        return names[0], transforms.TruncateTransform(int(widths[0])), f"{names[0]}_trunc"
    raise QueryError(
        "INVALID_TABLE_PROPERTY", f"Unable to parse partitioning value: Invalid partition field declaration: {text}"
    )
