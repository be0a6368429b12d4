"""JSON records as Glue sees them: int beside long, null for fields without a value, choices for conflicting types.

Spark's own inference knows only bigint and turns conflicts into text, so its result is refined by one more pass.
"""

import re
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from awsglue import choice, mixed, paths
from awsglue.paths import Path, quote

CORRUPT = "_corrupt_record"
LINE = "__line"  # a record's text, beside its partition values
Types = dict[Path, list[DataType]]
_NUMBER, _FLAG = "number", "flag"  # the record again, with only the fields in doubt, as numbers and as booleans
_MIXED = "mixed"  # whether mixed.py must read the record
_INT_RANGE = (-(2**31), 2**31 - 1)


class Found(NamedTuple):
    """What records are parsed with."""

    schema: StructType
    types: Types = {}  # of those leaves that are null, or a choice of plain types
    kinds: dict | None = None  # for records that mixed.py must read


def read_json(lines: DataFrame, schema: StructType | None = None) -> tuple[DataFrame, DataFrame]:
    """Parse JSON records.

    Args:
        lines: one string column `value`, each an object (or an array of objects).
        schema: the records' schema; without it, it is found in two passes over the data.

    Returns:
        The records, and the lines that are no JSON object (one column `value`).
    """
    spark = lines.sparkSession
    found = Found(schema) if schema else types_of(lines)
    if found.kinds is not None:
        lines = mixed.split_arrays(lines)
    if found.kinds is not None or any(kinds != [NullType()] for kinds in found.types.values()):
        parsed = lines.select("value", parse(F.col("value"), found).alias("record"))
        bad = F.col("record").isNull() & (F.trim("value") != "")
        return parsed.where(F.col("record").isNotNull()).select("record.*"), parsed.where(bad).select("value")
    reader = spark.read.option("columnNameOfCorruptRecord", CORRUPT).schema(_with_corrupt(found.schema))
    records, bad = split_corrupt(DataFrame(reader._jreader.json(_dataset(lines)), spark), [])
    return paths.rewrite(records, lambda path, value, native: _typed(path, value, value, value, found.types)), bad


def parse(text: Column, found: Found) -> Column:
    """The struct in a JSON text, null where the text is no JSON object."""
    if found.kinds is not None:
        return mixed.parse(text, found.kinds)
    schema, types = found.schema, found.types
    record = F.from_json(text, _with_corrupt(schema), {"columnNameOfCorruptRecord": CORRUPT})
    number, flag = (F.from_json(text, _only(schema, (), types, kind)) for kind in (DoubleType(), BooleanType()))

    def visit(path: Path, value: Column, native: DataType):
        return _typed(path, value, _at(number, path), _at(flag, path), types)

    values = F.struct(*[record.getField(field.name).alias(field.name) for field in schema])
    whole = reduce(or_, (record.getField(name).isNotNull() for name in schema.names), record.getField(CORRUPT).isNull())
    return F.when(record.isNotNull() & whole, paths.rewrite_value(values, schema, visit))


def split_corrupt(records: DataFrame, keys: list[str], refusal: str = "") -> tuple[DataFrame, DataFrame]:
    """Split a frame with Spark's corrupt-record column into whole records and bad lines (one column `value`).

    Args:
        keys: the partition columns, which have values beside a bad line too.
        refusal: what reading fails with at a record that has a value of another type than its column's. Without it the
            record is whole, and that value is null.
    """
    names = [name for name in records.columns if name not in (CORRUPT, *keys)]
    empty = reduce(and_, (F.col(quote(name)).isNull() for name in names), F.lit(True))
    fits = F.col(CORRUPT).isNull()
    bad = ~fits & empty
    keep = F.when(fits, True).when(empty, False).otherwise(F.raise_error(refusal).cast("boolean")) if refusal else ~bad
    return records.where(keep).drop(CORRUPT), records.where(bad).select(F.col(CORRUPT).alias("value"))


# Texts that fit a type in a column; what follows a number or a word must end the value, too
_FITS = {
    ByteType: r"-?\d{1,2}",
    ShortType: r"-?\d{1,4}",
    IntegerType: r"-?\d{1,9}",
    LongType: r"-?\d{1,18}",
    FloatType: r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
    DoubleType: r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
    DecimalType: r"-?\d+(?:\.\d+)?",
    BooleanType: "true|false",
}


def misfit_pattern(columns: StructType) -> str:
    """A regular expression that finds the JSON lines in which some value may not be of its column's type.

    It is cheap beside parsing, and sure for lines that it does not find; of those found, some may be right. Columns of
    text fit everything. The result is empty if there are none but those.
    """
    names: dict[str, set[str]] = {}

    def add(native: DataType) -> None:
        if isinstance(native, ArrayType):
            add(native.elementType)
        if isinstance(native, StructType):
            for field in native:
                if fits := _fitting(field.dataType):
                    names.setdefault(fits, set()).add(re.escape(field.name))
                add(field.dataType)

    add(columns)
    alternatives = [
        rf'"(?:{"|".join(sorted(fields))})"\s*+:\s*+(?!null\s*[,}}\]]|{fits})' for fits, fields in names.items()
    ]
    return "|".join(alternatives)


def _fitting(native: DataType) -> str:
    if isinstance(native, StructType | MapType):
        return r"\{"
    if isinstance(native, ArrayType):
        element = _FITS.get(type(native.elementType))
        return rf"\[(?:[\s,]++|null\b|(?:{element})(?=\s*[,\]]))*+\]" if element else r"\["
    return rf"(?:{_FITS[type(native)]})\s*[,}}\]]" if type(native) in _FITS else ""


def read_misfits(lines: DataFrame, columns: StructType) -> tuple[DataFrame, DataFrame]:
    """Parse JSON records by a table's columns, where some values are not of their column's type.

    Such a column has the types of its values: a choice, or another type. AWS Glue finds types by the records too.

    Args:
        lines: the column LINE, each an object, and the partition columns.
        columns: the table's columns without those.

    Returns:
        The records, and the lines that are no JSON object (one column `value`).
    """
    types = types_of(lines.select(F.col(LINE).alias("value")).where(F.trim("value") != ""))
    parsed = lines.withColumn("record", parse(F.col(LINE), types))
    found = parsed.select("record.*").schema if types.schema.fields else types.schema
    made = []
    for field in columns:
        value = F.col("record").getField(field.name) if field.name in found.names else F.lit(None)
        kind = found[field.name].dataType if field.name in found.names else NullType()
        if field.dataType == StringType():  # any value's own text
            value = F.from_json(LINE, StructType([field])).getField(field.name)
        elif not _loses(kind, field.dataType):
            value = value.cast(field.dataType)
        made.append(value.alias(field.name))
    keys = [quote(name) for name in lines.columns if name != LINE]
    bad = F.col("record").isNull() & (F.trim(LINE) != "")
    return (
        parsed.where(F.col("record").isNotNull()).select(*made, *keys),
        parsed.where(bad).select(F.col(LINE).alias("value")),
    )


def _loses(found: DataType, wanted: DataType) -> bool:
    """Whether values of the type found do not all fit the type of their column."""
    if isinstance(found, NullType) or found == wanted:
        return False
    if isinstance(wanted, FloatType | DoubleType | DecimalType):
        return not isinstance(found, IntegerType | LongType | DoubleType)
    if isinstance(wanted, LongType):
        return not isinstance(found, IntegerType)
    return not isinstance(wanted, DateType | TimestampType)


def types_of(lines: DataFrame) -> Found:
    """What JSON records (one column `value`) are parsed with."""
    spark = lines.sparkSession
    reader = spark.read.option("columnNameOfCorruptRecord", CORRUPT)
    inferred = DataFrame(reader._jreader.json(_dataset(lines)), spark).schema
    schema = StructType([field for field in inferred if field.name != CORRUPT])
    pattern = mixed.pattern(schema)
    is_mixed = F.col("value").rlike(pattern) if pattern else F.lit(False)
    leaves = [
        (path, native)
        for path, native, in_array in _leaves(schema, ())
        if native == LongType() or (native == StringType() and not in_array)
    ]
    if not leaves or lines.where(F.ltrim("value").startswith("[")).limit(1).count():
        return _mixed(lines, schema) if pattern and lines.where(is_mixed).limit(1).count() else Found(schema)
    doubtful: dict[Path, list] = {path: [] for path, native in leaves if native == StringType()}
    variants = [_only(schema, (), doubtful, kind) for kind in (DoubleType(), BooleanType())]
    texts = [F.from_json("value", variant) if variant.fields else F.lit(None) for variant in variants]
    parsed = lines.select(
        F.from_json("value", schema).alias("record"),
        texts[0].alias(_NUMBER),
        texts[1].alias(_FLAG),
        is_mixed.alias(_MIXED),
    )
    wanted = [_facts(schema, path, native).alias(str(i)) for i, (path, native) in enumerate(leaves)]
    *facts, any_mixed = parsed.agg(*wanted, F.bool_or(_MIXED)).first()
    if any_mixed:
        return _mixed(lines, schema)
    small, types = set(), {}
    for (path, native), fact in zip(leaves, facts, strict=True):
        if native == LongType():
            if fact["low"] is not None and _INT_RANGE[0] <= fact["low"] and fact["high"] <= _INT_RANGE[1]:
                small.add(path)
        elif (kinds := _kinds(fact)) != [StringType()]:
            types[path] = kinds
    return Found(_narrow(schema, (), small), types)


def _mixed(lines: DataFrame, schema: StructType) -> Found:
    return Found(schema, kinds=mixed.kinds(mixed.split_arrays(lines)))


def _facts(schema: StructType, path: Path, native: DataType) -> Column:
    if native == LongType():
        values, many = _values(schema, path)
        low, high = (F.array_min(values), F.array_max(values)) if many else (values, values)
        return F.struct(F.min(low).alias("low"), F.max(high).alias("high"))
    value = _at(F.col("record"), path)
    number, flag = _at(F.col(_NUMBER), path), _at(F.col(_FLAG), path)
    whole = number == F.floor(number)
    return F.struct(
        F.count(value).alias("all"),
        F.count(number).alias("numbers"),
        F.count(flag).alias("flags"),
        F.coalesce(F.bool_and(whole), F.lit(True)).alias("whole"),
        F.coalesce(F.bool_and(number.between(*_INT_RANGE)), F.lit(True)).alias("small"),
    )


def _kinds(fact) -> list[DataType]:
    """The types of a leaf that Spark took for text, from the counts of its values."""
    if not fact["all"]:
        return [NullType()]
    kinds: list[DataType] = []
    if fact["numbers"]:
        kinds.append(DoubleType() if not fact["whole"] else IntegerType() if fact["small"] else LongType())
    if fact["flags"]:
        kinds.append(BooleanType())
    if fact["all"] > fact["numbers"] + fact["flags"]:
        kinds.append(StringType())
    return kinds


def _typed(path: Path, value: Column, number: Column, flag: Column, types: Types):
    """What a null leaf or a choice becomes, from its value as text, as a number and as a boolean."""
    kinds = types.get(path)
    if kinds is None:
        return None
    if kinds == [NullType()]:
        return [(path[-1], F.lit(None))]
    members = []
    for kind in kinds:
        if kind == StringType():
            members.append((kind, F.when(number.isNull() & flag.isNull(), value)))
        else:
            members.append((kind, (flag if kind == BooleanType() else number).cast(kind)))
    return [(path[-1], choice.make(members))]


def _at(value: Column, path: Path) -> Column:
    for name in path:
        value = value.getField(name)
    return value


def _values(schema: StructType, path: Path) -> tuple[Column, bool]:
    """The value at a path, or the array of all values where arrays are on the way, and whether it is that."""
    value, native, many = F.col("record"), schema, False
    for name in path:
        value, native = value.getField(name), native[name].dataType
        while isinstance(native, ArrayType):
            if many:
                value = F.flatten(F.filter(value, lambda inner: inner.isNotNull()))
            many, native = True, native.elementType
    return value, many


def _leaves(native: StructType, path: Path, in_array: bool = False):
    for field in native:
        kind, inside = field.dataType, in_array
        while isinstance(kind, ArrayType):
            kind, inside = kind.elementType, True
        if isinstance(kind, StructType):
            yield from _leaves(kind, (*path, field.name), inside)
        else:
            yield (*path, field.name), kind, inside


def _only(native: StructType, path: Path, wanted: dict[Path, list], kind: DataType) -> StructType:
    """The schema with only the wanted leaves, all of one type."""
    fields = []
    for field in native:
        here = (*path, field.name)
        if here in wanted:
            fields.append(StructField(field.name, kind))
        elif isinstance(field.dataType, StructType):
            inner = _only(field.dataType, here, wanted, kind)
            fields += [StructField(field.name, inner)] if inner.fields else []
    return StructType(fields)


def _narrow(native: DataType, path: Path, small: set[Path]) -> DataType:
    """The type with int in place of long at the paths named, which lead through arrays too."""
    match native:
        case StructType():
            return StructType([StructField(f.name, _narrow(f.dataType, (*path, f.name), small)) for f in native])
        case ArrayType():
            return ArrayType(_narrow(native.elementType, path, small))
    return IntegerType() if path in small else native


def _with_corrupt(schema: StructType) -> StructType:
    return StructType([*schema, StructField(CORRUPT, StringType())])


def _dataset(lines: DataFrame):
    """The lines as a Dataset[String]: parsed in the JVM, without a way through Python."""
    encoder = lines.sparkSession._jvm.org.apache.spark.sql.Encoders.STRING()
    return getattr(lines.select("value")._jdf, "as")(encoder)
