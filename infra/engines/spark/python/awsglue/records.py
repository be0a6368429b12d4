"""Records in Python: what functions given to Filter and Map see, and the frame that a Map's results make."""

import datetime
from decimal import Decimal
from typing import Any

from pyspark import RDD
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import types as spark

from awsglue import choice, gluetypes


class DynamicRecord(dict):
    """A record: fields by key (`rec["a b"]`) or, where the name allows it, by dot (`rec.a`)."""

    def __getattr__(self, name: str):
        if name in self:
            return self[name]
        raise AttributeError(name)

    def __setattr__(self, name: str, value) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]


def to_record(row: Row, schema: spark.StructType) -> DynamicRecord:
    """A row as a record; of a choice, the value that is there."""
    return DynamicRecord({f.name: _value(v, f.dataType) for f, v in zip(schema.fields, row, strict=True)})


def as_text(value) -> str | float:
    """What json.dumps() has no form for: decimals as numbers, all else (dates, times) as text."""
    return float(value) if isinstance(value, Decimal) else str(value)


def _value(value, native: spark.DataType):
    if value is None:
        return None
    match native:
        case spark.StructType() if gluetypes.is_choice(native):
            kinds = zip(native.fields, value, strict=True)
            return next((_value(member, field.dataType) for field, member in kinds if member is not None), None)
        case spark.StructType():
            return to_record(value, native)
        case spark.ArrayType():
            return [_value(element, native.elementType) for element in value]
        case spark.MapType():
            return {key: _value(element, native.valueType) for key, element in value.items()}
    return value


def check(value) -> None:
    """Make sure that a record can be a row.

    Raises:
        TypeError: there is a value of a type that no field can have, or a name that is no text.
    """
    _kind(value)


def to_frame(session: SparkSession, found: RDD) -> DataFrame:
    """A frame of records (dicts), with a choice where a field has values of several types."""
    kinds = found.mapPartitions(merged_kinds).fold(None, merge_kinds)
    if kinds is None:
        return session.createDataFrame([], spark.StructType([]))
    schema = native_type(kinds)
    return session.createDataFrame(found.map(lambda record: to_row(record, kinds)), schema, verifySchema=False)


# Types of Python values. A description is a dict: name of the type -> what is inside it
# (struct: {field: description}, array and map: description, decimal: digits before and after the point, others: None).


# Python's types whose values are all of one of Glue's; a subclass stands before its class.
_OF_ONE_TYPE = {
    bool: "boolean",
    float: "double",
    str: "string",
    bytes: "binary",
    bytearray: "binary",
    datetime.datetime: "timestamp",
    datetime.date: "date",
}


def _kind(value) -> dict:
    for type_, name in _OF_ONE_TYPE.items():
        if isinstance(value, type_):
            return {name: None}
    match value:
        case None:
            return {}
        case int():
            return {"int" if -(2**31) <= value < 2**31 else "long": None}
        case Decimal():
            _, digits, exponent = value.as_tuple()
            places = int(exponent)
            return {"decimal": (max(len(digits) + places, 0), max(-places, 0))}
        case dict():
            if unnamed := [name for name in value if not isinstance(name, str)]:
                raise TypeError(f"The name of a field must be text, not {unnamed[0]!r}")
            return {"struct": {name: _kind(inner) for name, inner in value.items()}}
        case list() | tuple():
            element: dict | None = {}
            for inner in value:
                element = merge_kinds(element, _kind(inner))
            return {"array": element}
    raise TypeError(f"A record cannot hold a value of type {type(value).__name__}")


def merge_kinds(one: dict | None, other: dict | None) -> dict | None:
    if one is None or other is None:
        return other if one is None else one
    merged = dict(one)
    for name, inner in other.items():
        if name == "struct" and name in merged:
            fields = dict(merged[name])
            for field, kind in inner.items():
                fields[field] = merge_kinds(fields.get(field, {}), kind)
            merged[name] = fields
        elif name == "decimal":
            merged[name] = tuple(map(max, inner, merged.get(name, inner)))
        else:
            merged[name] = merge_kinds(merged.get(name), inner)
    if "long" in merged:
        merged.pop("int", None)
    return merged


def merged_kinds(found) -> list[dict]:
    """The one description of all records of a partition; none where there are none."""
    kinds = None
    for record in found:
        kinds = merge_kinds(kinds, _kind(record))
    return [kinds] if kinds is not None else []


def as_json(kinds: dict) -> dict:
    """The description as Spark reads JSON: in each place one type of number, double if one is not whole; `[]` is of texts."""
    kept = {name: inner for name, inner in kinds.items() if "double" not in kinds or name not in ("int", "long")}
    if "struct" in kept:
        kept["struct"] = {field: as_json(inner) for field, inner in kept["struct"].items()}
    if "array" in kept:
        kept["array"] = as_json(kept["array"]) or {"string": None}
    return kept


_PLAIN = {
    "boolean": spark.BooleanType(),
    "int": spark.IntegerType(),
    "long": spark.LongType(),
    "double": spark.DoubleType(),
    "string": spark.StringType(),
    "binary": spark.BinaryType(),
    "timestamp": spark.TimestampType(),
    "date": spark.DateType(),
}


def native_type(kinds: dict) -> spark.DataType:
    types = {name: _member(name, inner) for name, inner in sorted(kinds.items())}
    if len(types) == 1:
        return next(iter(types.values()))
    if not types:
        return spark.NullType()
    return spark.StructType([spark.StructField(name, kind, True, choice.MARK) for name, kind in types.items()])


def _member(name: str, inner: Any) -> spark.DataType:
    if name == "struct":
        return spark.StructType([spark.StructField(field, native_type(kind)) for field, kind in inner.items()])
    if name == "array":
        return spark.ArrayType(native_type(inner))
    if name == "decimal":
        whole, scale = inner
        return spark.DecimalType(38, max(scale, min(18, 38 - whole)))
    return _PLAIN[name]


def to_row(value, kinds: dict):
    """The value as Spark wants it for the type of `native_type(kinds)`."""
    if value is None:
        return None
    own = next(iter(_kind(value)))
    inner: Any
    if own == "int" and "long" in kinds:
        own = "long"
    if own in ("int", "long") and own not in kinds:
        own, value = "double", float(value)
    if own == "struct":
        inner = tuple(to_row(value.get(name), kind) for name, kind in kinds["struct"].items())
    elif own == "array":
        inner = [to_row(element, kinds["array"]) for element in value]
    else:
        inner = value
    if len(kinds) == 1:
        return inner
    return tuple(inner if name == own else None for name in sorted(kinds))


def spark_schema(schema: gluetypes.StructType) -> spark.StructType:
    """The Spark type of a Glue schema, as `withSchema` gives one."""
    return _spark(schema)


def _spark(glue: gluetypes.DataType) -> spark.DataType:
    match glue:
        case gluetypes.StructType():
            return spark.StructType([spark.StructField(f.name, _spark(f.dataType)) for f in glue.fields])
        case gluetypes.ArrayType():
            return spark.ArrayType(_spark(glue.elementType))
        case gluetypes.MapType():
            return spark.MapType(_spark(glue.keyType), _spark(glue.valueType))
        case gluetypes.DecimalType():
            return spark.DecimalType(glue.precision, glue.scale)
        case gluetypes.ChoiceType():
            members = [spark.StructField(k, _spark(c), True, choice.MARK) for k, c in glue.choices.items()]
            return spark.StructType(members)
    return gluetypes.to_spark(glue.typeName())
