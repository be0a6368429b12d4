"""Sinks: what `write_dynamic_frame` and `getSink` write, and the catalog tables they keep up to date.

(Guide: "Format options", "Creating tables, updating the schema, and adding new partitions in the Data Catalog from AWS
Glue ETL jobs".) Spark writes to a local folder first; whole files are then put to S3 under Glue's names, so a run that
fails while it computes leaves nothing, and no file is seen half-written.
"""

import tempfile
import time
from pathlib import Path
from urllib.parse import unquote

from botocore.exceptions import ClientError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, NullType, StringType, StructType

from awsglue import avro_records, catalog, not_there, paths, storage
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.job import Job
from awsglue.options import CONNECTIONS, FORMATS, is_true, refuse
from awsglue.paths import quote

UPDATE_PAGE = "update-from-job"
OPTIONS = {"path", "partitionKeys", "compression", "compressionType", "enableUpdateCatalog", "updateBehavior"}
OPTIONS |= {"groupFiles", "groupSize", "numberTargetPartitions"}
FORMAT_OPTIONS = {
    "compression",
    "separator",
    "quoteChar",
    "writeHeader",
    "useGlueParquetWriter",
    "blockSize",
    "pageSize",
    "version",
}
UNUSED = "\uffff"  # a separator that is in no text
UPDATE_BEHAVIORS = ("UPDATE_IN_DATABASE", "LOG")


class DataSink:
    """A sink of one connection type; `getSink` makes it."""

    def __init__(self, glue_context, connection_type: str, options: dict, transformation_ctx: str = ""):
        if connection_type not in ("s3", "file"):
            raise not_there(f"The connection type {connection_type}", CONNECTIONS)
        refuse(options, OPTIONS, CONNECTIONS)
        if not options.get("path"):
            raise ValueError("The option path is required for the connection type s3")
        behavior = options.get("updateBehavior", "UPDATE_IN_DATABASE")
        if behavior not in UPDATE_BEHAVIORS:
            raise ValueError(f"Invalid updateBehavior {behavior}; it is one of {', '.join(UPDATE_BEHAVIORS)}")
        self._glue_context = glue_context
        self._path: str = options["path"]
        self._partition_keys = list(options.get("partitionKeys") or [])
        self._compression = options.get("compression") or options.get("compressionType")
        self._update = is_true(options.get("enableUpdateCatalog", False))
        self._behavior = behavior
        self._format = ""
        self._format_options: dict = {}
        self._catalog: tuple[str, str, str | None] | None = None

    def setFormat(self, format: str, **options) -> None:
        """Choose the format: parquet, glueparquet, json, csv, orc or avro, and its options."""
        self._format, self._format_options = format, options

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Name the table that is made or updated (with `enableUpdateCatalog`)."""
        self._catalog = (catalogDatabase, catalogTableName, catalogId or None)

    def setAccumulableSize(self, size: int) -> None:
        raise not_there("setAccumulableSize", "aws-glue-api-crawler-pyspark-extensions-glue-context")

    def write(self, dynamic_frame_or_dfc, info: str = ""):
        """Write a frame, or each frame of a collection into a folder of its name."""
        if isinstance(dynamic_frame_or_dfc, DynamicFrameCollection):
            root = self._path.rstrip("/")
            for name, frame in dynamic_frame_or_dfc.items():
                self._path = f"{root}/{name}/"
                self.writeFrame(frame, info)
            self._path = root
            return dynamic_frame_or_dfc
        return self.writeFrame(dynamic_frame_or_dfc, info)

    def writeFrame(self, dynamic_frame: DynamicFrame, info: str = "") -> DynamicFrame:
        """Write the frame's records and return it.

        Raises:
            NotImplementedError: a format or an option that is not there.
            ClientError: the Glue API's or S3's error.
        """
        kind = self._format.removeprefix("glue")
        if kind not in ("json", "csv", "parquet", "orc", "avro"):
            raise not_there(f"Writing the format {self._format or '(none)'}", FORMATS)
        refuse(self._format_options, FORMAT_OPTIONS, FORMATS)
        options = self._writer_options(kind)
        table = self._catalog_table(kind) if self._update and self._catalog else None
        df = _writable(dynamic_frame.toDF(), kind)
        if not df.columns:  # no records have any field, as where a bookmark leaves no files
            return dynamic_frame
        schema = df.schema
        if kind == "csv" and self._unquoted():
            df = self._joined(df)
        if kind == "avro":
            df = avro_records.writable(df, self._format_options)
            schema = df.schema
        with tempfile.TemporaryDirectory(prefix="sink-") as name:
            folder = Path(name) / "data"
            # Spark has no writer of Avro without a jar of its own: the files are made of Parquet ones
            writer = df.write.format("parquet" if kind == "avro" else kind).options(**options)
            writer.partitionBy(*self._partition_keys).save(folder.as_uri())
            if kind == "avro":
                self._become_avro(folder, schema)
            partitions = self._deliver(folder, kind)
        if self._catalog and self._update:
            self._update_catalog(schema, kind, table, partitions)
        return dynamic_frame

    def _writer_options(self, kind: str) -> dict[str, str]:
        given = self._format_options
        compression = (
            given.get("compression") or self._compression or ("snappy" if kind in ("parquet", "orc") else "none")
        )
        if compression.lower() == "lzo":
            raise not_there("The compression lzo", FORMATS)
        if kind == "avro":
            self._codec()
            return {"compression": "snappy"}
        options = {"compression": "none" if compression == "uncompressed" else compression.lower()}
        if kind == "csv":
            options["sep"] = UNUSED if self._unquoted() else given.get("separator", ",")
            options["header"] = str(is_true(given.get("writeHeader", True))).lower()
            options["quote"] = options["escape"] = "" if self._unquoted() else given.get("quoteChar", '"')
            options["emptyValue"] = ""
            options["ignoreLeadingWhiteSpace"] = options["ignoreTrailingWhiteSpace"] = "false"
        if "blockSize" in given:
            options["parquet.block.size"] = str(given["blockSize"])
        if "pageSize" in given:
            options["parquet.page.size"] = str(given["pageSize"])
        return options

    def _become_avro(self, folder: Path, schema: StructType) -> None:
        """Make an Avro file of each Parquet file that has records."""
        inner = StructType([field for field in schema if field.name not in self._partition_keys])
        for file in list(folder.rglob("part-*")):
            if _parquet_rows(file):
                avro_records.write(file, inner, self._codec())
            file.unlink()

    def _codec(self) -> str:
        name = (self._format_options.get("compression") or self._compression or "none").lower()
        if name not in avro_records.CODECS:
            raise not_there(f"The compression {name} of Avro", FORMATS)
        return avro_records.CODECS[name]

    def _unquoted(self) -> bool:
        return str(self._format_options.get("quoteChar")) == "-1"

    def _joined(self, df: DataFrame) -> DataFrame:
        """The values of a row as one text, for CSV without quotes: Spark's writer always quotes a separator.

        A value with a line break could not be read again, so writing it fails.
        """
        separator = self._format_options.get("separator", ",")
        names = [name for name in df.columns if name not in self._partition_keys]
        line = F.concat_ws(separator, *[F.coalesce(F.col(quote(name)).cast("string"), F.lit("")) for name in names])
        broken = F.raise_error("A value has a line break, which CSV without quotes (quoteChar -1) cannot hold")
        whole = F.when(line.rlike("[\r\n]"), broken.cast("string")).otherwise(line)
        return df.select(whole.alias(separator.join(names)), *map(quote, self._partition_keys))

    def _deliver(self, folder: Path, kind: str) -> list[list[str]]:
        """Put the files that have records to the path, and return the values of the partitions among them."""
        stamp, root = int(time.time() * 1000), self._path.rstrip("/")
        moves, partitions = [], []
        for file in sorted(folder.rglob("part-*")):
            if not file.stat().st_size or (kind == "parquet" and not _parquet_rows(file)):
                continue
            inner = file.parent.relative_to(folder)
            task, ending = file.name.split("-")[1], file.name.partition(".")[2].removeprefix("c000.")
            above = f"{root}/{inner}" if inner.parts else root
            moves.append((file, f"{above}/run-{stamp}-part-r-{task}.{ending}"))
            if inner.parts:
                partitions.append([unquote(part.partition("=")[2]) for part in inner.parts])
        storage.put_all(moves)
        return [list(values) for values in dict.fromkeys(map(tuple, partitions))]

    # catalog

    def _catalog_table(self, kind: str) -> dict | None:
        """The table as it is before the write, None if there is none yet; it must fit the frame's partition keys."""
        assert self._catalog is not None, "asked where there is a table only"
        database, name, account = self._catalog
        glue, more = catalog.client(), catalog.in_catalog(account)
        glue.get_database(Name=database, **more)
        try:
            table = glue.get_table(DatabaseName=database, Name=name, **more)["Table"]
        except ClientError as error:
            if not catalog.not_found(error):
                raise
            return None
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        if keys != self._partition_keys:
            raise ValueError(f"The partitionKeys {self._partition_keys} are not those of {database}.{name}: {keys}")
        return table

    def _update_catalog(self, schema: StructType, kind: str, table: dict | None, partitions: list[list[str]]) -> None:
        assert self._catalog is not None, "asked where there is a table only"
        database, name, account = self._catalog
        glue, more = catalog.client(), catalog.in_catalog(account)
        columns = [
            {"Name": field.name, "Type": field.dataType.simpleString()}
            for field in schema
            if field.name not in self._partition_keys
        ]
        job, run = Job.name_and_run()
        if table is None:
            given = self._table_input(name, kind, columns, schema, job, run)
            described = given["StorageDescriptor"]
            try:
                glue.create_table(DatabaseName=database, TableInput=given, **more)
            except ClientError as error:
                if error.response["Error"]["Code"] != "AlreadyExistsException":
                    raise
                table = self._catalog_table(kind)  # another writer made it meanwhile
        if table is not None:
            described = table["StorageDescriptor"]
            if self._behavior == "UPDATE_IN_DATABASE" and described["Columns"] != columns:
                described = described | {"Columns": columns}
                kept = ("Name", "Description", "Owner", "Retention", "PartitionKeys", "TableType", "Parameters")
                changed = {key: table[key] for key in kept if key in table} | {"StorageDescriptor": described}
                changed["Parameters"] = table.get("Parameters", {}) | _by(job, run, "Updated")
                glue.update_table(DatabaseName=database, TableInput=changed, **more)
        self._add_partitions(described, partitions, job, run)

    def _table_input(self, name: str, kind: str, columns: list, schema: StructType, job: str, run: str) -> dict:
        serde, read, write = catalog.STORAGE[kind]
        parameters = {"serialization.format": "1"}
        extra = {}
        if kind == "json":
            parameters = {"paths": ",".join(sorted(column["Name"] for column in columns))}
        if kind == "csv":
            parameters = {"field.delim": self._format_options.get("separator", ",")}
            if is_true(self._format_options.get("writeHeader", True)):
                extra["skip.header.line.count"] = "1"
        if kind == "parquet":
            extra["useGlueParquetWriter"] = "true"
        by_name = {field.name: field.dataType.simpleString() for field in schema}
        return {
            "Name": name,
            "Owner": "owner",
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [{"Name": key, "Type": by_name[key]} for key in self._partition_keys],
            "Parameters": {"classification": kind, "EXTERNAL": "TRUE", **extra, **_by(job, run, "Created")},
            "StorageDescriptor": {
                "Columns": columns,
                "Location": f"{self._path.rstrip('/')}/",
                "InputFormat": read,
                "OutputFormat": write,
                "Compressed": False,
                "NumberOfBuckets": -1,
                "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
                "BucketColumns": [],
                "SortColumns": [],
                "Parameters": {},
                "StoredAsSubDirectories": False,
            },
        }

    def _add_partitions(self, described: dict, partitions: list[list[str]], job: str, run: str) -> None:
        assert self._catalog is not None, "asked where there is a table only"
        database, name, account = self._catalog
        glue, more = catalog.client(), catalog.in_catalog(account)
        root = self._path.rstrip("/")
        inputs = []
        for values in partitions:
            pairs = zip(self._partition_keys, values, strict=True)
            folder = "/".join(f"{key}={_escaped(value)}" for key, value in pairs)
            place = described | {"Location": f"{root}/{folder}/"}
            inputs.append({"Values": values, "StorageDescriptor": place, "Parameters": _by(job, run, "Created")})
        for start in range(0, len(inputs), 100):  # the API's limit
            answer = glue.batch_create_partition(
                DatabaseName=database, TableName=name, PartitionInputList=inputs[start : start + 100], **more
            )
            for failed in answer.get("Errors", []):
                detail = failed["ErrorDetail"]
                if detail["ErrorCode"] != "AlreadyExistsException":
                    raise RuntimeError(
                        f"{detail['ErrorCode']}: {detail['ErrorMessage']} (partition {failed['PartitionValues']})"
                    )


def _by(job: str, run: str, verb: str) -> dict[str, str]:
    return {f"{verb}ByJob": job, f"{verb}ByJobRun": run} if job else {}


def _writable(df: DataFrame, kind: str) -> DataFrame:
    """Without fields of type null, which files have no type for (JSON leaves out null values anyway); in CSV, as text."""

    def visit(path: paths.Path, value, native: DataType):
        if not _is_null(native):
            return None
        return [(path[-1], F.lit(None).cast(StringType()))] if kind == "csv" and len(path) == 1 else []

    return paths.rewrite(df, visit)


def _is_null(native: DataType) -> bool:
    """Whether a type holds no values: null, lists and maps of null, structs of nothing else."""
    match native:
        case StructType():
            return all(_is_null(field.dataType) for field in native)
        case ArrayType():
            return _is_null(native.elementType)
        case MapType():
            return _is_null(native.valueType)
    return isinstance(native, NullType)


def _parquet_rows(file: Path) -> int:
    import pyarrow.parquet

    return pyarrow.parquet.read_metadata(file).num_rows


def _escaped(value: str) -> str:
    """A partition value as Spark names its folder."""
    return "".join(f"%{ord(c):02X}" if c in "\"#%'*/:=?\\\x7f{[]^" or ord(c) < 32 else c for c in value)


def purge(found: list[storage.StoredFile], options: dict) -> None:
    """Delete files, but those younger than `retentionPeriod` hours (168) or of `excludeStorageClasses`.

    With `manifestFilePath` their names go to `Success.csv` and `Failed.csv` there.
    """
    refuse(options, {"retentionPeriod", "partitionPredicate", "excludeStorageClasses", "manifestFilePath"}, UPDATE_PAGE)
    limit = time.time() * 1000 - float(options.get("retentionPeriod", 168)) * 3_600_000
    kept_classes = set(options.get("excludeStorageClasses", []))
    wanted = [file for file in found if file.modified <= limit and file.storage_class not in kept_classes]
    failed = {file.uri for file in storage.delete(wanted)}
    if options.get("manifestFilePath"):
        root = options["manifestFilePath"].rstrip("/")
        done = [file.uri for file in wanted if file.uri not in failed]
        storage.put_text(f"{root}/Success.csv", "".join(f"{uri}\n" for uri in done))
        storage.put_text(f"{root}/Failed.csv", "".join(f"{uri}\n" for uri in sorted(failed)))
