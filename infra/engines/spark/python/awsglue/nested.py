"""Nested fields made flat: `unnest`, `relationalize`, and the two for DynamoDB's JSON (guide: "DynamicFrame class")."""

import uuid
from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    StringType,
    StructField,
    StructType,
)

from awsglue import choice
from awsglue.paths import quote

Value = tuple[Column, DataType]
DYNAMODB_TYPES = {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"}


def flatten(df: DataFrame) -> DataFrame:
    """Structs become top-level columns with dotted names (`address.state`); arrays stay."""
    columns = []

    def add(name: str, value: Column, native: DataType) -> None:
        if isinstance(native, StructType):
            for field in native:
                add(f"{name}.{field.name}", value.getField(field.name), field.dataType)
        else:
            columns.append(value.alias(name))

    for field in df.schema:
        add(field.name, F.col(quote(field.name)), field.dataType)
    return df.select(*columns)


def pivot(df: DataFrame, root: str, staging: str) -> dict[str, DataFrame]:
    """The flattened frame, under the name `root`, and a frame for each array in it, and so on.

    Args:
        staging: folder for the numbered rows, which are written and read back, so that numbers stay the same. Each call
            has a folder of its own in it: its frames read there later, when another may have been made with that name.
    """
    frames: dict[str, DataFrame] = {}
    _pivot(df, df.schema, root, root, f"{staging.rstrip('/')}/{uuid.uuid4().hex}", frames)
    return frames


def _pivot(df: DataFrame, native: StructType, root: str, name: str, staging: str, frames: dict[str, DataFrame]) -> None:
    """Add the frames of `df` to `frames`; `native` is its type, where `df` itself has text for the type null."""
    leaves = list(_leaves(native))
    flat = flatten(df).select(*[_null(leaf.name) if _is_null(leaf) else F.col(quote(leaf.name)) for leaf in leaves])
    arrays = [leaf for leaf in leaves if isinstance(leaf.dataType, ArrayType)]
    if not arrays:
        frames[name] = flat
        return
    session = df.sparkSession
    folder = f"{staging}/{name}"
    storable = [F.col(quote(leaf.name)).cast(_storable(leaf.dataType)).alias(leaf.name) for leaf in leaves]
    numbered = flat.select(*storable, (F.monotonically_increasing_id() + 1).alias("__id"))
    numbered.write.parquet(folder)
    stored = session.read.schema(numbered.schema).parquet(folder)

    def shown(leaf: StructField) -> Column:
        column = F.col(quote(leaf.name))
        if isinstance(leaf.dataType, ArrayType):
            return F.when(column.isNotNull(), F.col("__id")).alias(leaf.name)
        return _null(leaf.name) if _is_null(leaf) else column

    frames[name] = stored.select(*map(shown, leaves))
    for field in arrays:
        value = f"{field.name}.val"
        exploded = stored.select(F.col("__id").alias("id"), F.posexplode(quote(field.name)).alias("index", "__val"))
        inner = StructField(value, field.dataType.elementType)
        kind = StructType([StructField("id", LongType()), StructField("index", IntegerType()), inner])
        child = exploded.withColumnRenamed("__val", value)
        _pivot(child, kind, root, f"{root}_{field.name}", staging, frames)


def _leaves(native: StructType, above: str = "") -> Iterator[StructField]:
    """The columns that `flatten` makes of a type."""
    for field in native:
        if isinstance(field.dataType, StructType):
            yield from _leaves(field.dataType, f"{above}{field.name}.")
        else:
            yield StructField(f"{above}{field.name}", field.dataType)


def _storable(native: DataType) -> DataType:
    """The type with text in place of the type null, which files have not."""
    match native:
        case NullType():
            return StringType()
        case StructType():
            return StructType([StructField(field.name, _storable(field.dataType)) for field in native])
        case ArrayType():
            return ArrayType(_storable(native.elementType))
        case MapType():
            return MapType(native.keyType, _storable(native.valueType))
    return native


def _is_null(field: StructField) -> bool:
    return isinstance(field.dataType, NullType)


def _null(name: str) -> Column:
    return F.lit(None).alias(name)


# DynamoDB's JSON: {"Item": {"name": {"S": "x"}, "tags": {"L": [{"S": "y"}]}}}


def simplify_dynamodb(df: DataFrame) -> DataFrame:
    """The items' attributes as columns of plain values; the elements of a list of maps or of several types stay."""
    return df.select(*[_simple(value, native)[0].alias(name) for name, (value, native) in _attributes(df)])


def unnest_dynamodb(df: DataFrame) -> DataFrame:
    """The items' attributes as columns of plain values, those of maps with dotted names; lists stay as they are."""
    columns = []

    def add(name: str, value: Value) -> None:
        inner, native = _untyped(*value)
        if _is_typed(value[1]) and value[1].names == ["M"]:
            for field in native:
                add(f"{name}.{field.name}", (inner.getField(field.name), field.dataType))
        else:
            columns.append(inner.alias(name))

    for name, value in _attributes(df):
        add(name, value)
    return df.select(*columns)


def _attributes(df: DataFrame) -> Iterator[tuple[str, Value]]:
    """The attributes of the column `Item`, and all other columns."""
    for field in df.schema:
        value = F.col(quote(field.name))
        if field.name == "Item" and isinstance(field.dataType, StructType):
            yield from ((inner.name, (value.getField(inner.name), inner.dataType)) for inner in field.dataType)
        else:
            yield field.name, (value, field.dataType)


def _is_typed(native: DataType) -> bool:
    return isinstance(native, StructType) and bool(native.names) and set(native.names) <= DYNAMODB_TYPES


def _untyped(value: Column, native: DataType) -> Value:
    """The value inside its type's name; one of several types is text if all are, and else a choice."""
    if not _is_typed(native):
        return value, native
    members = [(value.getField(f.name), f.dataType) for f in native if f.name != "NULL"]
    if not members:
        return F.lit(None), NullType()
    if len(members) == 1:
        return members[0]
    if len({kind.simpleString() for _, kind in members}) == 1:
        return F.coalesce(*[member for member, _ in members]), members[0][1]
    return choice.make([(kind, member) for member, kind in members]), NullType()


def _simple(value: Column, native: DataType) -> Value:
    inner, kind = _untyped(value, native)
    if isinstance(kind, StructType):
        fields = [_simple(inner.getField(f.name), f.dataType)[0].alias(f.name) for f in kind]
        return (F.when(inner.isNotNull(), F.struct(*fields)) if fields else inner), kind
    if isinstance(kind, ArrayType) and _is_typed(kind.elementType):
        names = kind.elementType.names
        if len(names) == 1 and names != ["M"]:
            return F.transform(inner, lambda element: _simple(element, kind.elementType)[0]), kind
    return inner, kind
