"""Tables of the Glue Data Catalog as tables of Spark's in-memory catalog, so that Spark lists, prunes and reads them.

A table is registered again at each use: its definition and its partitions are those of the moment.
"""

from dataclasses import dataclass, field
from urllib.parse import quote_plus

import boto3
from botocore.exceptions import ClientError
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from awsglue import delimited, not_there
from awsglue.infer import CORRUPT
from awsglue.options import literally
from awsglue.paths import quote

TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
# format -> (SerDe, input format, output format), as crawlers and Glue's sinks write them
STORAGE = {
    "json": ("org.openx.data.jsonserde.JsonSerDe", TEXT_IN, TEXT_OUT),
    "csv": ("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", TEXT_IN, TEXT_OUT),
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    ),
    "orc": (
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
    ),
    "avro": (
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
    ),
}
PARTITIONS_A_STATEMENT = 500
_NEW = "__being_registered"


def client():
    """The Glue API on this driver's own endpoint and credentials (environment)."""
    return boto3.client("glue")


def in_catalog(catalog_id: str | None) -> dict[str, str]:
    """The parameter of the Glue API that names a catalog; none for the caller's own."""
    return {"CatalogId": catalog_id} if catalog_id else {}


@dataclass
class CatalogTable:
    """What Spark needs to know of a Glue table."""

    database: str
    name: str
    format: str  # json, csv, parquet or orc
    location: str
    columns: StructType  # without the partition columns
    partition_columns: StructType
    options: dict[str, str]  # Spark's options of that format
    partitions: list[tuple[list[str], str]] = field(default_factory=list)  # values, location

    @property
    def partition_keys(self) -> list[str]:
        return self.partition_columns.names


def fetch(database: str, name: str, catalog_id: str | None = None, marks: dict | None = None) -> CatalogTable:
    """Read a table and all its partitions from the Data Catalog.

    Args:
        marks: `separator`, `quoteChar` or `escaper` of CSV files, in place of the table's own.

    Raises:
        ClientError: EntityNotFoundException and the like, as the Glue API says it.
        NotImplementedError: a view, or a format that is not there.
    """
    glue, account = client(), in_catalog(catalog_id)
    table = glue.get_table(DatabaseName=database, Name=name, **account)["Table"]
    storage = table.get("StorageDescriptor", {})
    keys = StructType(
        [StructField(k["Name"], _spark_type(k.get("Type", "string"))) for k in table.get("PartitionKeys", [])]
    )
    if table.get("TableType") == "VIRTUAL_VIEW":
        raise not_there(f"Reading the view {database}.{name}", "populate-dg-manual")
    kind = table_format(table)
    partitions = []
    if keys.fields:
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=name, **account)
        for page in pages:
            for part in page["Partitions"]:
                location = part.get("StorageDescriptor", {}).get("Location") or storage["Location"]
                partitions.append((part["Values"], location))
    return CatalogTable(
        database=database,
        name=name,
        format=kind,
        location=storage.get("Location", ""),
        columns=_columns(storage, kind),
        partition_columns=keys,
        options=_options(kind, table.get("Parameters", {}), storage, marks or {}),
        partitions=partitions,
    )


def table_format(table: dict) -> str:
    """json, csv, parquet or orc, from `classification` or else from the SerDe (`table` as GetTable gives it).

    Raises:
        NotImplementedError: another format.
    """
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {}).get("SerializationLibrary", "").lower()
    kind = table.get("Parameters", {}).get("classification", "").lower().removeprefix("glue")
    if kind not in ("json", "csv", "parquet", "orc"):
        known = {"json": "json", "parquet": "parquet", "orc": "orc", "lazysimple": "csv", "opencsv": "csv"}
        kind = next((value for word, value in known.items() if word in serde), kind or "unknown")
    if kind not in ("json", "csv", "parquet", "orc"):
        raise not_there(
            f"The format {kind} of {table['DatabaseName']}.{table['Name']}", "aws-glue-programming-etl-format"
        )
    return kind


def _columns(storage: dict, kind: str) -> StructType:
    """The columns; those of JSON in the spelling of the records, which the SerDe's parameter `paths` keeps."""
    spelling = {}
    if kind == "json":
        written = storage.get("SerdeInfo", {}).get("Parameters", {}).get("paths", "")
        spelling = {name.lower(): name for name in written.split(",") if name}
    text = "opencsv" in storage.get("SerdeInfo", {}).get("SerializationLibrary", "").lower()
    fields = []
    for column in storage.get("Columns", []):
        native = StringType() if text else _spark_type(column["Type"])
        fields.append(StructField(spelling.get(column["Name"].lower(), column["Name"]), native))
    return StructType(fields)


def _spark_type(hive: str):
    from pyspark.sql.types import _parse_datatype_string

    return _parse_datatype_string(hive)


def _options(kind: str, parameters: dict, storage: dict, given: dict) -> dict[str, str]:
    serde = storage.get("SerdeInfo", {}).get("Parameters", {})
    if kind == "csv":
        written = {
            "separator": serde.get("field.delim") or serde.get("separatorChar") or parameters.get("delimiter"),
            "quoteChar": serde.get("quoteChar") or parameters.get("quoteChar"),
            "escaper": serde.get("escapeChar") or serde.get("escape.delim"),
        }
        return delimited.marks({name: value for name, value in written.items() if value} | given) | {
            "header": "true" if parameters.get("skip.header.line.count") == "1" else "false",
        }
    if kind == "json":
        return {"mode": "PERMISSIVE" if serde.get("ignore.malformed.json") == "true" else "FAILFAST"}
    return {}


def register(spark: SparkSession, table: CatalogTable, database: str, name: str, keep_corrupt: bool = False) -> str:
    """Make the table known to Spark as `database`.`name`, with its partitions, in place of what had that name.

    Args:
        database: a database of Spark's own catalog; made if it is not there.
        keep_corrupt: add the column CORRUPT with the lines that are no JSON object, instead of failing at them.

    Returns:
        The table's quoted name.
    """
    jvm_sql = spark._jsparkSession.sql  # not spark.sql: that one may look names up in the Data Catalog
    options, fields = dict(table.options), list(table.columns)
    if keep_corrupt:
        options |= {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT}
        fields.append(StructField(CORRUPT, StringType()))
    fields += table.partition_columns.fields
    ensure_database(spark, database)
    # made under a name of ours and then renamed: Spark's statements take no hyphens in names, which Glue does
    made = f"{quote(database)}.{_NEW}"
    jvm_sql(f"DROP TABLE IF EXISTS {made}")
    columns = spark._jvm.org.apache.spark.sql.types.DataType.fromJson(StructType(fields).json()).toDDL()
    given = f" OPTIONS ({', '.join(f'{_text(k)} {_text(v)}' for k, v in options.items())})" if options else ""
    keys = f" PARTITIONED BY ({', '.join(map(quote, table.partition_keys))})" if table.partition_keys else ""
    # the places of partitions are never patterns
    place = table.location if table.partition_keys else literally(table.location)
    jvm_sql(f"CREATE TABLE {made} ({columns}) USING {table.format}{given}{keys} LOCATION {_text(place)}")
    for start in range(0, len(table.partitions), PARTITIONS_A_STATEMENT):
        batch = table.partitions[start : start + PARTITIONS_A_STATEMENT]
        parts = " ".join(_partition(table.partition_keys, values, location) for values, location in batch)
        jvm_sql(f"ALTER TABLE {made} ADD IF NOT EXISTS {parts}")
    quoted = f"{quote(database)}.{quote(name)}"
    jvm_sql(f"DROP TABLE IF EXISTS {quoted}")
    spark._jsparkSession.sharedState().externalCatalog().renameTable(database, _NEW, name)
    return quoted


def ensure_database(spark: SparkSession, database: str, location: str | None = None) -> None:
    """Make a database of Spark's own catalog, unless it is there.

    Args:
        location: URI for tables without a place of their own; by default a folder of this process.
    """
    external = spark._jsparkSession.sharedState().externalCatalog()
    if external.databaseExists(database):
        return
    uri = spark._jvm.java.net.URI(
        location or f"{external.getDatabase('default').locationUri()}/{quote_plus(database)}.db"
    )
    empty = spark._jvm.PythonUtils.toScalaMap({})
    made = spark._jvm.org.apache.spark.sql.catalyst.catalog.CatalogDatabase(database, "", uri, empty)
    external.createDatabase(made, True)


def _partition(keys: list[str], values: list[str], location: str) -> str:
    pairs = ", ".join(f"{quote(key)}={_text(value)}" for key, value in zip(keys, values, strict=True))
    return f"PARTITION ({pairs}) LOCATION {_text(location)}"


def _text(value: str) -> str:
    """A string literal of Spark SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def not_found(error: ClientError) -> bool:
    """Whether the Glue API said that there is no such database or table."""
    return error.response["Error"]["Code"] == "EntityNotFoundException"
