"""Choice types in a DataFrame: a struct with a field a type, named as Glue names the types, each marked by metadata."""

from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DecimalType, MapType, NullType, StructField, StructType

from awsglue import gluetypes, paths

MARK = {"choice": True}
ACTIONS = "cast:<type>, project:<type>, make_cols, make_struct, match_catalog"


def make(alternatives: list[tuple[DataType, Column]]) -> Column:
    """A choice of typed columns, of which at most one is not null in a row."""
    fields = [value.cast(native).alias(gluetypes.type_name(native), metadata=MARK) for native, value in alternatives]
    return F.when(reduce(or_, (value.isNotNull() for _, value in alternatives)), F.struct(*fields))


def plain(native: DataType) -> DataType:
    """The type without the marks: choices become ordinary structs, as `toDF` gives them."""
    match native:
        case StructType():
            return StructType([StructField(field.name, plain(field.dataType), field.nullable) for field in native])
        case ArrayType():
            return ArrayType(plain(native.elementType), native.containsNull)
        case MapType():
            return MapType(native.keyType, plain(native.valueType), native.valueContainsNull)
    return native


def has_any(native: DataType) -> bool:
    """Whether there is a choice anywhere in a type."""
    match native:
        case StructType():
            return gluetypes.is_choice(native) or any(has_any(field.dataType) for field in native)
        case ArrayType():
            return has_any(native.elementType)
        case MapType():
            return has_any(native.valueType)
    return False


def without_marks(df: DataFrame) -> DataFrame:
    """The frame with its choices as ordinary structs."""
    if not has_any(df.schema):
        return df
    return df.select([F.col(paths.quote(f.name)).cast(plain(f.dataType)).alias(f.name) for f in df.schema])


def merged(one: DataType, other: DataType) -> DataType:
    """The type of values of two types: structs have the fields of both, and types that differ become a choice."""
    if isinstance(one, NullType) or plain(one) == plain(other):
        return other
    match one, other:
        case _, NullType():
            return one
        case StructType(), StructType() if not gluetypes.is_choice(one) and not gluetypes.is_choice(other):
            kinds = {field.name: field.dataType for field in one}
            for field in other:
                kinds[field.name] = merged(kinds.get(field.name, NullType()), field.dataType)
            return StructType([StructField(name, kind) for name, kind in kinds.items()])
        case ArrayType(), ArrayType():
            return ArrayType(merged(one.elementType, other.elementType))
        case MapType(), MapType() if one.keyType == other.keyType:
            return MapType(one.keyType, merged(one.valueType, other.valueType))
        case DecimalType(), DecimalType():
            scale = max(one.scale, other.scale)
            whole = max(one.precision - one.scale, other.precision - other.scale)
            return DecimalType(min(whole + scale, 38), scale)
    members: dict[str, DataType] = {}
    for native in (one, other):
        for kind in [field.dataType for field in native] if gluetypes.is_choice(native) else [native]:
            name = gluetypes.type_name(kind)
            members[name] = merged(members.get(name, NullType()), kind)
    return StructType([StructField(name, kind, True, MARK) for name, kind in members.items()])


def convert(value: Column, native: DataType, target: DataType) -> Column:
    """A value as the type that `merged` made of its own type and another."""
    if native == target:
        return value
    if isinstance(native, NullType):
        return F.lit(None).cast(target)
    if gluetypes.is_choice(target):
        if gluetypes.is_choice(native):
            have = {field.name: (value.getField(field.name), field.dataType) for field in native}
        else:
            have = {gluetypes.type_name(native): (value, native)}
        kinds = [field.dataType for field in target]
        return make(list(zip(kinds, fields(have, target), strict=True)))
    match target:
        case StructType():
            own = {field.name: (value.getField(field.name), field.dataType) for field in native}
            return F.when(value.isNotNull(), F.struct(*fields(own, target)))
        case ArrayType():
            return F.transform(value, lambda element: convert(element, native.elementType, target.elementType))
        case MapType():
            return F.transform_values(value, lambda _, inner: convert(inner, native.valueType, target.valueType))
    return value.cast(target)


def fields(own: dict[str, tuple[Column, DataType]], target: StructType) -> list[Column]:
    """The fields of `target`, of values and their types by name; null where there is none."""
    nothing = F.lit(None), NullType()
    return [convert(*own.get(f.name, nothing), f.dataType).alias(f.name) for f in target]


def united(one: DataFrame, other: DataFrame) -> DataFrame:
    """The rows of both frames, field by field of the same name, with choices where those have two types."""
    target = merged(one.schema, other.schema)

    def all_fields(df: DataFrame) -> DataFrame:
        own = {field.name: (F.col(paths.quote(field.name)), field.dataType) for field in df.schema}
        return df.select(*fields(own, target))

    return all_fields(one).union(all_fields(other))


def resolve(name: str, value: Column, native: DataType, action: str) -> list[tuple[str, Column]] | None:
    """The columns that a field becomes by an action of resolveChoice; None leaves it as it is.

    Raises:
        ValueError: no such action.
    """
    verb, _, target = action.partition(":")
    if verb not in ("cast", "project", "make_cols", "make_struct") or (verb in ("cast", "project")) != bool(target):
        raise ValueError(f"Invalid resolve action: {action}; it is one of {ACTIONS}")
    if not gluetypes.is_choice(native):
        return [(name, value.cast(gluetypes.to_spark(target)))] if verb == "cast" else None
    # coalesce: a field that is taken out as it is would keep its mark
    members = {field.name: (F.coalesce(value.getField(field.name)), field.dataType) for field in native}
    if verb == "cast":
        return [(name, cast(value, native, gluetypes.to_spark(target)))]
    if verb == "project":
        return [(name, _project(members, _canonical(target)))]
    if verb == "make_cols":
        return [(f"{name}_{kind}", member) for kind, (member, _) in members.items()]
    return [(name, value.cast(plain(native)))]


def resolve_element(value: Column, native: DataType, action: str) -> Column | None:
    """What an element of an array becomes, as `resolve` does it for a field; None leaves it as it is.

    An element has no name for several columns: make_cols makes the same struct of it as make_struct.
    """
    columns = resolve("element", value, native, "make_struct" if action == "make_cols" else action)
    return columns[0][1] if columns else None


def _project(members: dict[str, tuple[Column, DataType]], kept: str) -> Column:
    """The values of one type, with those of the others converted; texts are discarded, unless text is the type.

    Sources: the guide's page on resolveChoice (`project:string`) and AWS's sample resolve_choice.md (`project:long`).
    """
    if kept not in members:
        return F.lit(None).cast(gluetypes.to_spark(kept))
    value, native = members[kept]
    others = [
        other.cast(native) for kind, (other, own) in members.items() if kind != "string" and _castable(own, native)
    ]
    return F.coalesce(value, *others)


def cast(value: Column, native: DataType, target: DataType) -> Column:
    """The value as another type; of a choice, whichever member is there. What cannot be cast is null."""
    if not gluetypes.is_choice(native):
        return value.cast(target)
    if isinstance(target, StructType | ArrayType | MapType):
        name = gluetypes.type_name(target)
        return (
            _fitted(value.getField(name), native[name].dataType, target)
            if name in native.names
            else F.lit(None).cast(target)
        )
    castable = [field.name for field in native if _castable(field.dataType, target)]
    return F.coalesce(*(value.getField(kind).cast(target) for kind in castable), F.lit(None).cast(target))


def _fitted(value: Column, native: DataType, target: DataType) -> Column:
    """A value of nested type as another of that kind: fields by their names, null where there is none."""
    if gluetypes.is_choice(native):
        return cast(value, native, target)
    match native, target:
        case StructType(), StructType():
            have = {field.name: field.dataType for field in native}
            members = [
                (
                    _fitted(value.getField(f.name), have[f.name], f.dataType)
                    if f.name in have
                    else F.lit(None).cast(f.dataType)
                ).alias(f.name)
                for f in target
            ]
            return F.when(value.isNotNull(), F.struct(*members))
        case ArrayType(), ArrayType():
            return F.transform(value, lambda element: _fitted(element, native.elementType, target.elementType))
    return F.lit(None).cast(target) if not _castable(native, target) and native != target else value.cast(target)


def _castable(source: DataType, target: DataType) -> bool:
    nested = (StructType, ArrayType, MapType)
    return not isinstance(source, nested) and not isinstance(target, nested)


def _canonical(kind: str) -> str:
    return kind.lower() if kind.lower() in ("struct", "array", "map") else gluetypes.type_name(gluetypes.to_spark(kind))
