"""Avro files (guide: "Using the Avro format"): types by the version that is asked for, 1.7 (the default) or 1.8.

Version 1.7 knows no logical types: a date is the number of its days. Version 1.8 reads decimals, dates and timestamps in
milliseconds as such, and writes decimals, dates and timestamps, which 1.7 writes as text.
"""

import io
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as spark

from awsglue import choice, gluetypes, not_there
from awsglue.options import FORMATS, HINTS, refuse

PLAIN: dict[str, spark.DataType] = {
    "null": spark.NullType(),
    "boolean": spark.BooleanType(),
    "int": spark.IntegerType(),
    "long": spark.LongType(),
    "float": spark.FloatType(),
    "double": spark.DoubleType(),
    "bytes": spark.BinaryType(),
    "fixed": spark.BinaryType(),
    "string": spark.StringType(),
    "enum": spark.StringType(),
}
WRITTEN: dict[type[spark.DataType], Any] = {
    spark.NullType: "null",
    spark.BooleanType: "boolean",
    spark.ByteType: "int",
    spark.ShortType: "int",
    spark.IntegerType: "int",
    spark.LongType: "long",
    spark.FloatType: "float",
    spark.DoubleType: "double",
    spark.BinaryType: "bytes",
    spark.StringType: "string",
    spark.DateType: {"type": "int", "logicalType": "date"},
    spark.TimestampType: {"type": "long", "logicalType": "timestamp-micros"},
    spark.TimestampNTZType: {"type": "long", "logicalType": "timestamp-micros"},
}
CODECS = {"none": "null", "uncompressed": "null", "deflate": "deflate", "bzip2": "bzip2"}
Read = Callable[[Any], Any]


def version(options: dict) -> str:
    """The version of the format's options.

    Raises:
        ValueError: there is no such version.
    """
    found = str(options.get("version", "1.7"))
    if found not in ("1.7", "1.8"):
        raise ValueError(f"Invalid version {found} of Avro; it is 1.7 or 1.8")
    return found


def read(spark_session: SparkSession, locations: list[str], recurse: bool, options: dict) -> tuple[DataFrame, None]:
    """The records of Avro files; those of files with other schemas are united, field by field."""
    refuse(options, {"version"} | HINTS, FORMATS)
    is_logical = version(options) == "1.8"
    files = spark_session.read.format("binaryFile").option("recursiveFileLookup", recurse).load(locations)
    files = files.where("length > 0").select("path", "content")
    of = {row.path: _schema(row.path, bytes(row.content)) for row in files.toLocalIterator()}
    frames = []
    for schema in list({repr(found): found for _, found in sorted(of.items())}.values()):
        native, as_row = _type(schema, {}, is_logical)
        members = {path for path, found in of.items() if found == schema}
        rows = files.rdd.filter(lambda row, m=members: row.path in m).flatMap(
            lambda row, as_row=as_row: map(as_row, fastavro.reader(io.BytesIO(bytes(row.content))))
        )
        frames.append(spark_session.createDataFrame(rows, native, verifySchema=False))
    return reduce(choice.united, frames or [spark_session.createDataFrame([], spark.StructType([]))]), None


def _schema(name: str, content: bytes) -> Any:
    try:
        schema = fastavro.reader(io.BytesIO(content)).writer_schema
    except (ValueError, EOFError, KeyError) as error:
        raise ValueError(f"{name} is no Avro file: {error}") from None
    if not isinstance(schema, dict) or schema["type"] != "record":
        raise not_there(f"An Avro file whose records are no records ({name})", FORMATS)
    return schema


def _type(schema: Any, names: dict[str, tuple[spark.DataType, Read]], is_logical: bool) -> tuple[spark.DataType, Read]:
    """The type of a schema, and what makes a value of it for Spark out of fastavro's."""
    if isinstance(schema, list):
        return _union([member for member in schema if member != "null"], names, is_logical)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if not isinstance(kind, str):
        return _type(kind, names, is_logical)
    if kind in names:
        return names[kind]
    if kind == "record":
        fields = [(field["name"], *_type(field["type"], names, is_logical)) for field in schema["fields"]]
        found: tuple[spark.DataType, Read] = (
            spark.StructType([spark.StructField(name, native) for name, native, _ in fields]),
            lambda value: value and tuple(as_row(value[name]) for name, _, as_row in fields),
        )
    elif kind == "array":
        native, as_row = _type(schema["items"], names, is_logical)
        found = spark.ArrayType(native), lambda value: value and [as_row(each) for each in value]
    elif kind == "map":
        native, as_row = _type(schema["values"], names, is_logical)
        found = (
            spark.MapType(spark.StringType(), native),
            lambda value: value and {name: as_row(each) for name, each in value.items()},
        )
    elif kind in PLAIN:
        found = _plain(kind, schema if isinstance(schema, dict) else {}, is_logical)
    else:
        raise not_there(f"The recursive Avro type {kind}", FORMATS)
    if isinstance(schema, dict) and "name" in schema:
        names[schema["name"]] = found
    return found


def _plain(kind: str, schema: dict, is_logical: bool) -> tuple[spark.DataType, Read]:
    logical = schema.get("logicalType")
    if is_logical and logical == "decimal":
        return spark.DecimalType(schema["precision"], schema.get("scale", 0)), lambda value: value
    if is_logical and logical == "date":
        return spark.DateType(), lambda value: value
    if is_logical and logical == "timestamp-millis":
        return spark.TimestampType(), lambda value: value
    unit = 1000 if str(logical).endswith("millis") else 1
    return PLAIN[kind], lambda value: _stored(value, unit, schema)


def _stored(value: Any, unit: int, schema: dict) -> Any:
    """What stands in the file for a value of a logical type; other values are as they are."""
    match value:
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            past = moment - datetime(1970, 1, 1, tzinfo=UTC)
            return (past.days * 86_400_000_000 + past.seconds * 1_000_000 + past.microseconds) // unit
        case date():
            return value.toordinal() - date(1970, 1, 1).toordinal()
        case time():
            seconds = (value.hour * 60 + value.minute) * 60 + value.second
            return (seconds * 1_000_000 + value.microsecond) // unit
        case Decimal():
            whole = int(value.scaleb(schema.get("scale", 0)))
            size = schema.get("size") or (whole.bit_length() // 8 + 1)
            return whole.to_bytes(size, "big", signed=True)
        case UUID():
            return str(value)
    return value


def _union(members: list, names: dict, is_logical: bool) -> tuple[spark.DataType, Read]:
    """One type beside null is that type; several are a choice."""
    if len(members) < 2:
        return _type(members[0] if members else "null", names, is_logical)
    types = [_type(member, names, is_logical) for member in members]
    by_name = {gluetypes.type_name(native): (native, as_row) for native, as_row in types}
    native = spark.StructType([spark.StructField(name, kind, True, choice.MARK) for name, (kind, _) in by_name.items()])

    def as_choice(value: Any) -> tuple | None:
        if value is None:
            return None
        own = next((name for name, (kind, _) in by_name.items() if _holds(kind, value)), next(iter(by_name)))
        return tuple(as_row(value) if name == own else None for name, (_, as_row) in by_name.items())

    return native, as_choice


def _holds(native: spark.DataType, value: Any) -> bool:
    """Whether a value that fastavro read from a union is of a type."""
    match value:
        case bool():
            return isinstance(native, spark.BooleanType)
        case int():
            fits = -(2**31) <= value < 2**31
            return isinstance(native, spark.LongType) or (fits and isinstance(native, spark.IntegerType))
        case float():
            return isinstance(native, spark.DoubleType | spark.FloatType)
        case str():
            return isinstance(native, spark.StringType)
        case dict():
            names = set(native.names) if isinstance(native, spark.StructType) else None
            return isinstance(native, spark.MapType) if names is None else names == set(value)
        case list():
            return isinstance(native, spark.ArrayType)
    return isinstance(native, spark.BinaryType | spark.DecimalType | spark.DateType | spark.TimestampType)


# writing


def writable(df: DataFrame, options: dict) -> DataFrame:
    """The frame with the types that the version writes: 1.7 has text for decimals, dates and timestamps."""
    if version(options) == "1.8":
        return df
    return df.select(*[df[f"`{field.name}`"].cast(_as_text(field.dataType)).alias(field.name) for field in df.schema])


def _as_text(native: spark.DataType) -> spark.DataType:
    match native:
        case spark.StructType():
            return spark.StructType([spark.StructField(field.name, _as_text(field.dataType)) for field in native])
        case spark.ArrayType():
            return spark.ArrayType(_as_text(native.elementType))
        case spark.MapType():
            return spark.MapType(native.keyType, _as_text(native.valueType))
        case spark.DecimalType() | spark.DateType() | spark.TimestampType() | spark.TimestampNTZType():
            return spark.StringType()
    return native


def write(parquet: Path, schema: spark.StructType, codec: str) -> Path:
    """Write the records of a Parquet file as an Avro file beside it, and return that."""
    import pyarrow.parquet

    def rows() -> Iterable[dict]:
        with pyarrow.parquet.ParquetFile(parquet) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist(maps_as_pydicts="strict")

    target = parquet.with_suffix(".avro")
    with target.open("wb") as out:
        fastavro.writer(out, fastavro.parse_schema(_written(schema, "topLevelRecord")), rows(), codec=codec)
    return target


def _written(native: spark.DataType, name: str) -> Any:
    match native:
        case spark.StructType():
            fields = [{"name": f.name, "type": ["null", _written(f.dataType, f"{name}_{f.name}")]} for f in native]
            return {"type": "record", "name": name, "fields": fields}
        case spark.ArrayType():
            return {"type": "array", "items": ["null", _written(native.elementType, f"{name}_element")]}
        case spark.MapType():
            return {"type": "map", "values": ["null", _written(native.valueType, f"{name}_value")]}
        case spark.DecimalType():
            return {"type": "bytes", "logicalType": "decimal", "precision": native.precision, "scale": native.scale}
    return WRITTEN[type(native)]
