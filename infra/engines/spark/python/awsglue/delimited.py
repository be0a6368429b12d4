"""CSV files (guide: "Using the CSV format"): values stay with the names in their own file's header."""

from functools import reduce
from urllib.parse import unquote

from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from awsglue import choice, escaped, gluetypes, not_there, records
from awsglue.options import FORMATS, HINTS, is_true, literally, refuse
from awsglue.paths import quote

MARKS = {"separator", "escaper", "quoteChar"}
OPTIONS = MARKS | {"multiLine", "multiline", "withHeader", "skipFirst", "withSchema", "inferSchema"}
FILE = "_metadata.file_path"


def marks(options: dict) -> dict[str, str]:
    """Spark's options for Glue's `separator`, `quoteChar` (-1: no quotes) and `escaper`; a quote is escaped by another."""
    quoting = str(options.get("quoteChar", '"'))
    sign = "" if quoting == "-1" else quoting
    escaper = options.get("escaper") if options.get("escaper") != "none" else None
    return {"sep": options.get("separator", ","), "quote": sign, "escape": escaper or sign or '"'}


def _has_escaper(options: dict) -> bool:
    """Whether a sign is named that is not `none` (the default), and is none that Spark reads in the same way."""
    return options.get("escaper") not in (None, "", "none", options.get("quoteChar", '"'))


def read(spark: SparkSession, locations: list[str], recurse: bool, options: dict) -> tuple[DataFrame, None]:
    """The records of CSV files; no line is an error record.

    Raises:
        NotImplementedError: an option that is not there.
    """
    refuse(options, OPTIONS | HINTS, FORMATS)
    header, skip = is_true(options.get("withHeader", False)), is_true(options.get("skipFirst", False))
    if header and skip:
        raise not_there("skipFirst together with withHeader", FORMATS)
    many = is_true(options.get("multiLine", options.get("multiline", False)))
    if _has_escaper(options):
        if {"withSchema", "inferSchema"} & set(options):
            raise not_there("withSchema or inferSchema together with an escaper", FORMATS)
        signs = marks(options)
        form = escaped.Form(signs["sep"], signs["quote"], signs["escape"], many, header, skip)
        return escaped.read(spark, locations, recurse, form), None
    given = None
    if "withSchema" in options:
        given = records.spark_schema(gluetypes.schema_from_json(options["withSchema"]))

    def reader() -> DataFrameReader:
        return (
            spark.read.option("recursiveFileLookup", recurse)
            .options(**marks(options))
            .option("header", header or skip)
            .option("inferSchema", is_true(options.get("inferSchema", False)))
            .option("multiLine", many)
        )

    if header:
        groups = _by_first_line(spark, locations, recurse)
        if len(groups) > 1 or given:
            frames = [_with_header(reader, locations, files, given) for files in groups]
            return reduce(choice.united, frames or [reader().schema(given or StructType([])).csv(locations)]), None
    if given:
        return reader().schema(given).csv(locations), None
    df = reader().csv(locations)
    return (df if header else df.toDF(*[f"col{index}" for index in range(len(df.columns))])), None


def _by_first_line(spark: SparkSession, locations: list[str], recurse: bool) -> list[list[str]]:
    """The files (as FILE names them) in groups with the same first line; those without a line are in none."""
    lines = spark.read.text(locations, recursiveFileLookup=recurse)
    if len(files := lines.inputFiles()) == 1:
        return [list(files)]
    numbered = lines.select(
        "value", F.col(FILE).alias("file"), "_metadata.file_block_start", F.monotonically_increasing_id().alias("n")
    )
    starts = numbered.where(r"file_block_start = 0 AND value RLIKE '\\S'")
    groups: dict[str, list[str]] = {}
    for file, line in sorted(starts.groupBy("file").agg(F.min_by("value", "n")).collect()):
        groups.setdefault(line, []).append(file)
    return list(groups.values())


def _with_header(reader, locations: list[str], files: list[str], given: StructType | None) -> DataFrame:
    """The records of files with one header; a schema names its columns, or all of them in order if it has none of them."""
    own = reader().csv([literally(unquote(file)) for file in files]).schema
    by_name = given is not None and bool(set(given.names) & set(own.names))
    if given and by_name:
        own = StructType(
            [given[name] if name in given.names else StructField(name, StringType()) for name in own.names]
        )
    # from all locations, since their folders may give columns too
    df = reader().schema(own if by_name or given is None else given).csv(locations).where(F.col(FILE).isin(files))
    if given is None or not by_name:
        return df
    columns = [
        F.col(quote(f.name)) if f.name in own.names else F.lit(None).cast(f.dataType).alias(f.name) for f in given
    ]
    folders = [F.col(quote(name)) for name in df.columns if name not in own.names]
    return df.select(*columns, *folders)


def typed(df: DataFrame, columns: StructType) -> DataFrame:
    """The columns in the catalog's types; one with values that do not fit is a choice of its type and string."""
    typed = [field for field in columns if field.dataType != StringType()]
    misfits: set[str] = set()
    if typed:
        facts = df.agg(*[F.bool_or(_misfit(field)).alias(str(index)) for index, field in enumerate(typed)]).first()
        misfits = {field.name for field, fact in zip(typed, facts, strict=True) if fact}
    made = []
    for field in df.schema:
        wanted = columns[field.name].dataType if field.name in columns.names else field.dataType
        value = F.col(quote(field.name))
        if field.name in misfits:
            text = F.when(value.cast(wanted).isNull() & (F.trim(value) != ""), value)
            made.append(choice.make([(wanted, value.cast(wanted)), (StringType(), text)]).alias(field.name))
        else:
            made.append(value.cast(wanted).alias(field.name) if wanted != field.dataType else value)
    return df.select(*made)


def _misfit(field: StructField):
    value = F.col(quote(field.name))
    return value.cast(field.dataType).isNull() & (F.trim(value) != "")
