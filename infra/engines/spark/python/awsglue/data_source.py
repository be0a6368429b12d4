"""Sources: what `create_dynamic_frame` and `getSource` read (guide: "Connection types and options", "Format options")."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, reduce
from itertools import groupby
from operator import and_

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from awsglue import (
    avro_records,
    catalog,
    delimited,
    errors,
    escaped,
    gluetypes,
    infer,
    not_there,
    records,
    storage,
    xml_records,
)
from awsglue.bookmark import BAND
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.options import CONNECTIONS, FORMATS, HINTS, is_true, literally, refuse
from awsglue.paths import quote

S3_OPTIONS = {
    "path",
    "paths",
    "recurse",
    "exclusions",
    "excludeStorageClasses",
    "maxBand",
    "boundedFiles",
    "boundedSize",
}
SAMPLE_OPTIONS = {"maxSamplePartitions": 10, "maxSampleFilesPerPartition": 10}  # and what they are by default
SELECTING = {"exclusions", "excludeStorageClasses", "boundedFiles", "boundedSize", *SAMPLE_OPTIONS}
# Looking for JSON values of another type than their column's costs a fifth of reading, which is much for large tables
CHECKED_BYTES = 64 * 1024 * 1024
UNCHECKED = (
    "The table {} has values of another type than their column's, and is too large to be searched for them beforehand: "
    "read its files with create_dynamic_frame.from_options, which finds the types of all records"
)
# In a text with several JSON objects; a line break is in no string, and within an object a comma comes before it or after
BETWEEN_RECORDS = r"(?<=\})[ \t]*[\r\n]\s*(?=\{)"
PATTERN_SIGNS = set("[{*?")
LINES = StructType([StructField(infer.LINE, StringType())])
HIDDEN_DATABASE = "__awsglue"  # Spark's database with the tables of from_catalog; those of spark.sql are their own


class DataSource:
    """A source of one connection type; `getSource` makes it."""

    def __init__(self, glue_context, connection_type: str, options: dict, transformation_ctx: str = ""):
        if connection_type not in ("s3", "file"):
            raise not_there(f"The connection type {connection_type}", CONNECTIONS)
        refuse(options, S3_OPTIONS | HINTS | set(SAMPLE_OPTIONS), CONNECTIONS)
        self._glue_context = glue_context
        self._options = options
        self._context = transformation_ctx
        self._format = ""
        self._format_options: dict = {}

    def setFormat(self, format: str, **options) -> None:
        """Choose the format: json, csv, xml, avro, parquet or orc, and its options."""
        self._format, self._format_options = format, options

    def getFrame(self) -> DynamicFrame:
        """The frame of all records.

        Raises:
            ValueError: no path, or no format.
            NotImplementedError: a format or an option that is not there.
        """
        given = self._options.get("paths") or self._options.get("path")
        if not given:
            raise ValueError("The option paths is required for the connection type s3")
        readers = {"json": _json, "csv": delimited.read, "xml": xml_records.read, "avro": avro_records.read}
        readers |= {"parquet": _columnar("parquet"), "orc": _columnar("orc")}
        if self._format not in readers:
            raise not_there(f"Reading the format {self._format or '(none)'}", FORMATS)
        paths = [given] if isinstance(given, str) else list(given)
        recurse = is_true(self._options.get("recurse", False))
        spark = self._glue_context.spark_session
        if any(PATTERN_SIGNS & set(path) for path in paths):
            paths = _existing(spark, paths)
        selected = _select_files(lambda: paths, self._options, self._context, recurse)
        if selected is None:
            paths = _existing(spark, paths)
        else:
            paths, recurse = [file.uri for file in selected], False
        if not paths:
            return DynamicFrame(spark.createDataFrame([], StructType([])), self._glue_context, self._context)
        df, bad = readers[self._format](spark, list(map(literally, paths)), recurse, self._format_options)
        return _frame(df, bad, self._glue_context, self._context)


def _table(database: str, table_name: str, options: dict, catalog_id: str | None) -> catalog.CatalogTable:
    """A table in the Data Catalog, with what the options say of its text."""
    known = (
        (S3_OPTIONS - {"path", "paths"}) | HINTS | {"catalogPartitionPredicate"} | set(SAMPLE_OPTIONS) | delimited.MARKS
    )
    refuse(options, known, CONNECTIONS)
    marks = {name: options[name] for name in delimited.MARKS & set(options)}
    table = catalog.fetch(database, table_name, catalog_id, marks)
    if marks and table.format != "csv":
        raise not_there(f"The option {', '.join(sorted(marks))} for a table of {table.format}", CONNECTIONS)
    if is_true(options.get("recurse", False)):
        if table.partition_keys:
            raise not_there("The option recurse for a partitioned table", CONNECTIONS)
        table.options["recursiveFileLookup"] = "true"
    return table


def from_catalog(
    glue_context, database: str, table_name: str, context: str, predicate: str, options: dict, catalog_id: str | None
) -> DynamicFrame:
    """The frame of a table in the Data Catalog; a predicate over its partition columns reads only those partitions.

    Raises:
        ClientError: no such database or table.
        AnalysisException: the predicate names another column.
    """
    spark = glue_context.spark_session
    table = _table(database, table_name, options, catalog_id)
    predicates = [p for p in (predicate, options.get("catalogPartitionPredicate", "")) if p]
    for text in predicates:
        _check_predicate(spark, table, text)
    recurse = is_true(options.get("recurse", False))
    selected = _select_files(lambda: locations(spark, table, predicates), options, context, recurse)

    def read(as_table: catalog.CatalogTable, suffix: str = "") -> DataFrame:
        keep_corrupt = as_table.format == "json"
        name = catalog.register(spark, as_table, HIDDEN_DATABASE, f"{database}.{table_name}{suffix}", keep_corrupt)
        df = DataFrame(spark._jsparkSession.table(name), spark)
        for text in predicates:
            df = df.where(text)
        if selected is not None:
            df = df.where(F.col("_metadata.file_path").isin(list(map(storage.spark_path, selected))))
        return df

    if table.format == "csv":
        rows = _csv_rows(table, read)
        return _frame(lambda: delimited.typed(rows, table.columns), None, glue_context, context)
    df = read(table)
    if table.format != "json":
        return _frame(df, None, glue_context, context)

    @cache
    def records_and_bad() -> tuple[DataFrame, DataFrame]:
        pattern = infer.misfit_pattern(table.columns)
        if not pattern:
            return infer.split_corrupt(df, table.partition_keys)
        if _bytes(df) > CHECKED_BYTES:
            return infer.split_corrupt(df, table.partition_keys, UNCHECKED.format(f"{database}.{table_name}"))
        lines = read(replace(table, format="text", columns=LINES), " lines")
        if lines.where(F.col(infer.LINE).rlike(pattern)).limit(1).count():
            return infer.read_misfits(lines, table.columns)
        return infer.split_corrupt(df, table.partition_keys)

    return _frame(lambda: records_and_bad()[0], lambda: records_and_bad()[1], glue_context, context)


def _csv_rows(table: catalog.CatalogTable, read: Callable[..., DataFrame]) -> DataFrame:
    """The records of a table of CSV, all of them text: what is no number must not be lost.

    Spark's reader takes an escape for one within quotes only, and then knows no doubled quotes: files with one are read in Python.
    """
    options = table.options
    quoted = options["quote"] or '"'
    if options["escape"] != quoted:
        own = {name: value for name, value in options.items() if name == "recursiveFileLookup"}
        lines = replace(table, format="text", columns=LINES, options=own)
        if read(lines, " lines").where(F.col(infer.LINE).contains(options["escape"])).limit(1).count():
            texts = read(replace(lines, options=own | {"wholetext": "true"}), " texts")
            form = escaped.Form(
                options["sep"], options["quote"], options["escape"], False, False, options["header"] == "true"
            )
            return escaped.rows(texts, infer.LINE, form, {f"col{at}": f.name for at, f in enumerate(table.columns)})
    text = StructType([StructField(field.name, StringType()) for field in table.columns])
    return read(replace(table, columns=text, options=options | {"escape": quoted}))


def _frame(
    df: DataFrame | Callable[[], DataFrame],
    bad: DataFrame | Callable[[], DataFrame] | None,
    glue_context,
    context: str,
) -> DynamicFrame:
    """The frame of the records, with the lines that are none (one column `value`) as its error records."""
    failed = None
    if bad is not None:
        failed = lambda: errors.records(errors.unreadable(bad() if callable(bad) else bad), "")  # noqa: E731
    return DynamicFrame(df, glue_context, context, stage_errors=failed)


def _bytes(df: DataFrame) -> int:
    """Size of the files of a table's frame, after its partitions were chosen."""
    leaf = df._jdf.queryExecution().optimizedPlan().collectLeaves().apply(0)
    if leaf.getClass().getSimpleName() != "LogicalRelation":  # nothing is left to read
        return 0
    files = leaf.relation().location()
    if files.getClass().getSimpleName() == "CatalogFileIndex":  # all partitions, not yet listed
        files = files.filterPartitions(df.sparkSession._jvm.PythonUtils.toSeq([]))
    return files.sizeInBytes()


def _check_predicate(spark, table: catalog.CatalogTable, predicate: str) -> None:
    try:
        spark.createDataFrame([], table.partition_columns).where(predicate)
    except AnalysisException as error:
        names = ", ".join(table.partition_keys)
        message = f"User's pushdown predicate: {predicate} can not be resolved against partition columns: ({names})"
        raise AnalysisException(message) from error


def locations(spark, table: catalog.CatalogTable, predicates: list[str]) -> list[str]:
    """Folders of the table, or of those of its partitions that the predicates keep."""
    if not table.partition_keys:
        return [table.location]
    if not predicates:
        return [location for _, location in table.partitions]
    rows = [(*values, location) for values, location in table.partitions]
    text = StructType([StructField(n, StringType()) for n in (*table.partition_keys, "__location")])
    typed = [F.col(quote(f.name)).cast(f.dataType).alias(f.name) for f in table.partition_columns]
    found = spark.createDataFrame(rows, text).select(*typed, "__location")
    return [row["__location"] for row in found.where(reduce(and_, map(F.expr, predicates))).collect()]


def _existing(spark, paths: list[str]) -> list[str]:
    """Those paths where there is something: Glue reads no records from the others, where Spark would fail.

    A path with `[`, `{`, `*` or `?` is the key that it spells, if there is such a key, and else a pattern for keys.
    """
    settings, kept = spark._jsc.hadoopConfiguration(), []
    for path in paths:
        place = spark._jvm.org.apache.hadoop.fs.Path(path)
        system = place.getFileSystem(settings)
        if system.exists(place):
            kept.append(path)
        elif PATTERN_SIGNS & set(path):
            kept += [found.getPath().toString() for found in system.globStatus(place) or []]
    return kept


def _select_files(
    paths: Callable[[], list[str]], options: dict, context: str, recurse: bool
) -> list[storage.StoredFile] | None:
    """The files to read, where bookmark, exclusions, bounds or sampling decide; None where all are read."""
    bookmark = Job.bookmark() if context else None
    if bookmark is None and not SELECTING & set(options):
        return None
    found = [file for path in paths() for file in storage.files(path, recurse)]
    patterns = storage.exclusion_patterns(options.get("exclusions", []))
    classes = set(options.get("excludeStorageClasses", []))
    found = [f for f in found if not storage.excluded(f, patterns) and f.storage_class not in classes]
    band = int(options.get("maxBand", BAND))
    if bookmark is not None:
        found = bookmark.new_files(context, found, band)
    chosen = _sampled(_bounded(found, options), options)
    if bookmark is not None and chosen != found:
        bookmark.processed(context, chosen, band)
    return chosen


def _sampled(found: list[storage.StoredFile], options: dict) -> list[storage.StoredFile]:
    """The first files of the first folders (guide: create_sample_dynamic_frame_from_catalog)."""
    if not set(SAMPLE_OPTIONS) & set(options):
        return found
    most = SAMPLE_OPTIONS | options
    ordered = sorted(found, key=lambda file: file.uri)
    folders = [list(files) for _, files in groupby(ordered, key=lambda file: file.uri.rpartition("/")[0])]
    first = folders[: int(most["maxSamplePartitions"])]
    return [file for files in first for file in files[: int(most["maxSampleFilesPerPartition"])]]


def _bounded(found: list[storage.StoredFile], options: dict) -> list[storage.StoredFile]:
    """The oldest files, up to a number of files or of bytes (guide: "Workload partitioning with bounded execution")."""
    if not {"boundedFiles", "boundedSize"} & set(options):
        return found
    found = sorted(found, key=lambda file: (file.modified, file.uri))
    if "boundedFiles" in options:
        found = found[: int(options["boundedFiles"])]
    if "boundedSize" in options:
        total, kept = 0, []
        for file in found:
            total += file.size
            if total > int(options["boundedSize"]):
                break
            kept.append(file)
        found = kept
    return found


def _json(spark, locations: list[str], recurse: bool, options: dict) -> tuple[DataFrame, DataFrame]:
    refuse(options, {"jsonPath", "multiLine", "multiline", "withSchema"} | HINTS, FORMATS)
    whole = is_true(options.get("multiLine", options.get("multiline", False)))
    lines = spark.read.text(locations, wholetext=whole, recursiveFileLookup=recurse).select("value")
    if whole:
        lines = lines.select(F.explode(F.split("value", BETWEEN_RECORDS)).alias("value"))
    if "jsonPath" in options:
        path = options["jsonPath"].removesuffix("[*]")
        lines = lines.select((F.get_json_object("value", path) if path != "$" else F.col("value")).alias("value"))
        lines = lines.where("value IS NOT NULL")
    if whole or "jsonPath" in options:  # each record of an array by itself, so that their types are found
        members = F.from_json("value", "array<string>")
        found = F.when(F.ltrim("value").startswith("["), members)
        lines = lines.select(F.explode(F.coalesce(found, F.array("value"))).alias("value"))
    given = options.get("withSchema")
    schema = records.spark_schema(gluetypes.schema_from_json(given)) if given else None
    return infer.read_json(lines, schema)


def _columnar(kind: str):
    def read(spark, locations: list[str], recurse: bool, options: dict) -> tuple[DataFrame, None]:
        refuse(options, {"useGlueParquetWriter"} | HINTS, FORMATS)
        # records of all files, those with more columns too
        reader = spark.read.format(kind).option("recursiveFileLookup", recurse).option("mergeSchema", True)
        return reader.load(locations), None

    return read
