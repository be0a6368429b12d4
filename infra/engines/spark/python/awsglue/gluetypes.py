"""The types of a DynamicFrame (guide: "PySpark extension types") and how they correspond to Spark's."""

import json
from typing import Any

from pyspark.sql import types as spark

from awsglue import not_there


class DataType:
    """Base class of all types. `properties` are free-form."""

    def __init__(self, properties: dict | None = None):
        self.properties = properties or {}

    @classmethod
    def typeName(cls) -> str:
        """The type's name: the class name without "Type"."""
        return cls.__name__.removesuffix("Type").lower()

    def jsonValue(self) -> dict:
        return {"dataType": self.typeName(), "properties": self.properties}

    def __eq__(self, other) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.properties})"


class AtomicType(DataType):
    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "AtomicType":
        return cls(json_value.get("properties", {}))


class BinaryType(AtomicType):
    pass


class BooleanType(AtomicType):
    pass


class ByteType(AtomicType):
    pass


class DateType(AtomicType):
    pass


class DoubleType(AtomicType):
    pass


class FloatType(AtomicType):
    pass


class IntegerType(AtomicType):
    @classmethod
    def typeName(cls) -> str:
        return "int"


class LongType(AtomicType):
    pass


class NullType(AtomicType):
    pass


class ShortType(AtomicType):
    pass


class StringType(AtomicType):
    pass


class TimestampType(AtomicType):
    pass


class UnknownType(AtomicType):
    pass


class DecimalType(AtomicType):
    def __init__(self, precision: int = 10, scale: int = 2, properties: dict | None = None):
        super().__init__(properties)
        self.precision, self.scale = precision, scale

    def jsonValue(self) -> dict:
        return super().jsonValue() | {"precision": self.precision, "scale": self.scale}

    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "DecimalType":
        return cls(json_value["precision"], json_value["scale"], json_value.get("properties", {}))


class EnumType(AtomicType):
    def __init__(self, options: list[str]):
        super().__init__()
        self.options = options

    def jsonValue(self) -> dict:
        return super().jsonValue() | {"options": self.options}

    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "EnumType":
        return cls(json_value["options"])


class ArrayType(DataType):
    def __init__(self, elementType: DataType | None = None, properties: dict | None = None):
        super().__init__(properties)
        self.elementType = elementType or UnknownType()

    def jsonValue(self) -> dict:
        return super().jsonValue() | {"elementType": self.elementType.jsonValue()}

    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "ArrayType":
        return cls(_from_json(json_value["elementType"]), json_value.get("properties", {}))

    def __repr__(self) -> str:
        return f"ArrayType({self.elementType!r}, {self.properties})"


class ChoiceType(DataType):
    """One of several types in one place: what DynamicFrames have and DataFrames have not."""

    def __init__(self, choices: list[DataType] | None = None, properties: dict | None = None):
        super().__init__(properties)
        self.choices: dict[str, DataType] = {}
        for choice in choices or []:
            self.add(choice)

    def add(self, new_choice: DataType) -> None:
        """Add a type.

        Raises:
            ValueError: it is there already.
        """
        if new_choice.typeName() in self.choices:
            raise ValueError(f"Attempt to insert duplicate choice {new_choice.typeName()}")
        self.choices[new_choice.typeName()] = new_choice

    def merge(self, new_choices: list[DataType]) -> None:
        """Add types; those that are there already are left."""
        for choice in new_choices:
            self.choices.setdefault(choice.typeName(), choice)

    def jsonValue(self) -> dict:
        return super().jsonValue() | {"choices": [choice.jsonValue() for choice in self.choices.values()]}

    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "ChoiceType":
        return cls([_from_json(choice) for choice in json_value["choices"]], json_value.get("properties", {}))

    def __repr__(self) -> str:
        return f"ChoiceType({list(self.choices.values())}, {self.properties})"


class MapType(DataType):
    def __init__(
        self, valueType: DataType | None = None, properties: dict | None = None, keyType: DataType | None = None
    ):
        super().__init__(properties)
        self.keyType, self.valueType = keyType or StringType(), valueType or UnknownType()

    def jsonValue(self) -> dict:
        return super().jsonValue() | {"keyType": self.keyType.jsonValue(), "valueType": self.valueType.jsonValue()}

    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "MapType":
        key, value = _from_json(json_value["keyType"]), _from_json(json_value["valueType"])
        return cls(value, json_value.get("properties", {}), key)


class Field:
    """A named field of a StructType."""

    def __init__(self, name: str, dataType: DataType, properties: dict | None = None):
        self.name, self.dataType, self.properties = name, dataType, properties or {}

    def jsonValue(self) -> dict:
        return {"name": self.name, "container": self.dataType.jsonValue(), "properties": self.properties}

    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "Field":
        return cls(json_value["name"], _from_json(json_value["container"]), json_value.get("properties", {}))

    def __eq__(self, other) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Field({self.name}, {self.dataType!r}, {self.properties})"


class StructType(DataType):
    def __init__(self, fields: list[Field] | None = None, properties: dict | None = None):
        super().__init__(properties)
        self.fields = list(fields or [])

    def add(self, field: Field) -> None:
        self.fields.append(field)

    def hasField(self, field: str | Field) -> bool:
        return self.getField(field) is not None

    def getField(self, field: str | Field) -> Field | None:
        name = field.name if isinstance(field, Field) else field
        return next((own for own in self.fields if own.name == name), None)

    def __iter__(self):
        return iter(self.fields)

    def jsonValue(self) -> dict:
        return super().jsonValue() | {"fields": [field.jsonValue() for field in self.fields]}

    @classmethod
    def fromJsonValue(cls, json_value: dict) -> "StructType":
        return cls([Field.fromJsonValue(field) for field in json_value["fields"]], json_value.get("properties", {}))

    def __repr__(self) -> str:
        return f"StructType({self.fields}, {self.properties})"


class EntityType(DataType):
    """Not implemented in AWS Glue either, as its page says."""

    def __init__(self, entity, base_type, properties: dict | None = None):
        raise not_there("EntityType", "aws-glue-api-crawler-pyspark-extensions-types")


_ATOMIC = {
    spark.BinaryType: BinaryType,
    spark.BooleanType: BooleanType,
    spark.ByteType: ByteType,
    spark.DateType: DateType,
    spark.DoubleType: DoubleType,
    spark.FloatType: FloatType,
    spark.IntegerType: IntegerType,
    spark.LongType: LongType,
    spark.NullType: NullType,
    spark.ShortType: ShortType,
    spark.StringType: StringType,
    spark.TimestampType: TimestampType,
    spark.TimestampNTZType: TimestampType,
}
_SPARK = {glue.typeName(): native for native, glue in _ATOMIC.items() if native is not spark.TimestampNTZType}
_SPARK |= {"bigint": spark.LongType, "integer": spark.IntegerType, "smallint": spark.ShortType}
_SPARK |= {"tinyint": spark.ByteType, "bool": spark.BooleanType, "void": spark.NullType}
_ALL: list[Any] = [*_ATOMIC.values(), DecimalType, EnumType, ArrayType, ChoiceType, MapType, StructType]
_CLASSES = {c.typeName(): c for c in _ALL}


def _from_json(json_value: dict) -> DataType:
    return _CLASSES[json_value["dataType"]].fromJsonValue(json_value)


def schema_from_json(text: str) -> StructType:
    """The schema in the text of `json.dumps(schema.jsonValue())`, as `withSchema` takes it."""
    return StructType.fromJsonValue(json.loads(text))


def to_spark(name: str) -> spark.DataType:
    """Spark's type for a Glue type name as mappings and `cast:` give it (`long`, `bigint`, `decimal(10,2)` …).

    Raises:
        ValueError: no such type.
    """
    lower = name.strip().lower()
    if lower in _SPARK:
        return _SPARK[lower]()
    if lower.startswith("decimal"):
        digits = lower.removeprefix("decimal").strip("()").split(",")
        return spark.DecimalType(int(digits[0]), int(digits[1])) if len(digits) == 2 else spark.DecimalType(10, 2)
    raise ValueError(f"Unsupported type: {name}")


def is_choice(native: spark.DataType) -> bool:
    """Whether a Spark struct stands for a choice type: all its fields carry the mark that choice.py puts there."""
    return (
        isinstance(native, spark.StructType) and bool(native.fields) and all(f.metadata.get("choice") for f in native)
    )


def type_name(native: spark.DataType) -> str:
    """Glue's name of a Spark type: string, int, long, struct, array, choice …"""
    return from_spark(native).typeName()


def from_spark(native: spark.DataType) -> DataType:
    """Glue's type for a Spark type; structs that stand for choices become ChoiceType."""
    match native:
        case spark.StructType() if is_choice(native):
            return ChoiceType([from_spark(field.dataType) for field in native])
        case spark.StructType():
            return StructType([Field(field.name, from_spark(field.dataType)) for field in native])
        case spark.ArrayType():
            return ArrayType(from_spark(native.elementType))
        case spark.MapType():
            return MapType(from_spark(native.valueType), keyType=from_spark(native.keyType))
        case spark.DecimalType():
            return DecimalType(native.precision, native.scale)
    return _ATOMIC.get(type(native), UnknownType)()


def tree(native: spark.StructType) -> str:
    """A schema as `printSchema` shows it: `root`, then `|-- name: type`, four spaces a level."""
    return "\n".join(["root", *_branches(from_spark(native), "")])


def _branches(glue: DataType, indent: str) -> list[str]:
    match glue:
        case StructType():
            children = [(f"{field.name}: ", field.dataType) for field in glue.fields]
        case ArrayType():
            children = [("element: ", glue.elementType)]
        case MapType():
            children = [("key: ", glue.keyType), ("value: ", glue.valueType)]
        case ChoiceType():
            children = [("", choice) for choice in glue.choices.values()]
        case _:
            children = []
    lines = []
    for label, child in children:
        lines.append(f"{indent}|-- {label}{child.typeName()}")
        lines += _branches(child, f"{indent}|    ")
    return lines
