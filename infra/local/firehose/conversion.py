"""Record format conversion: what a configuration may say, the table that it names, and how its options are those of the writers.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html,
https://docs.aws.amazon.com/firehose/latest/APIReference/API_DataFormatConversionConfiguration.html, API_ParquetSerDe.html, API_OrcSerDe.html.
The messages and their order were observed on AWS.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from moto.firehose.exceptions import InvalidArgumentException

from infra.local.core import roles

LEAST_MIB, DEFAULT_MIB = 64, 128  # buffering with conversion
PARQUET_PAGE = 1024 * 1024
ORC_STRIPE, ORC_STRIDE = 64 * 1024 * 1024, 10_000
RIGHTS = ("glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions")
EXTENSIONS = {"parquet": ".parquet", "orc": ".orc"}
NOT_FOUND = (
    "DataFormatConversion.EntityNotFound",
    "The specified table/database could not be found. Please ensure that the table/database exists and that the values provided in "
    "schema configuration are correct, especially with regards to casing.",
)
ACCESS_DENIED = (
    "DataFormatConversion.AccessDenied",
    "Access was denied when calling AWS Glue. Ensure that the access policy allows access to the AWS Glue table.",
)
INVALID_SCHEMA = ("DataFormatConversion.InvalidSchema", "The schema of the table cannot be used: {}")


class SchemaProblem(Exception):
    """The table of a conversion cannot be had; code and message as the error log has them. The records wait."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class Schema(NamedTuple):
    """The table whose columns the records have: name → Hive type, and what error records say of it."""

    columns: list[tuple[str, str]]
    told: dict[str, str]


def configured(settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return a destination's conversion where it is on; without Enabled it is."""
    given = settings.get("DataFormatConversionConfiguration")
    return given if given is not None and given.get("Enabled", True) else None


def check_conversion(settings: dict[str, Any]) -> None:
    """Check a whole configuration by AWS's rules for conversion. Raises InvalidArgumentException."""
    given = configured(settings)
    if given is None:
        return
    if settings["CompressionFormat"] != "UNCOMPRESSED":
        raise InvalidArgumentException(
            "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled. To enable "
            "compression within the converted output format, set the appropriate serialization option in the output format "
            "configuration."
        )
    if settings["BufferingHints"]["SizeInMBs"] < LEAST_MIB:
        raise InvalidArgumentException(
            f"BufferingHints.SizeInMBs must be at least {LEAST_MIB} when data format conversion is enabled."
        )
    for name in ("InputFormatConfiguration", "OutputFormatConfiguration", "SchemaConfiguration"):
        if given.get(name) is None:
            raise InvalidArgumentException(f"{name} must not be null")
    _one_of(given["InputFormatConfiguration"].get("Deserializer"), "Deserializer")
    _one_of(given["OutputFormatConfiguration"].get("Serializer"), "Serializer")
    for name, told in (("RoleARN", "RoleArn"), ("DatabaseName", "DatabaseName"), ("TableName", "TableName")):
        if not given["SchemaConfiguration"].get(name):
            raise InvalidArgumentException(f"SchemaConfiguration.{told} must not be null or empty")


def _one_of(given: dict[str, Any] | None, what: str) -> None:
    chosen = [name for name, value in (given or {}).items() if value is not None]
    if not chosen:
        raise InvalidArgumentException(f"{what} must not be null")
    if len(chosen) > 1:
        raise InvalidArgumentException(f"More than one {what.lower()} specified. Only one may be chosen.")


# --- the table ------------------------------------------------------------------------------------------------------


def schema(conversion: dict[str, Any], session: roles.Session, region: str) -> Schema:
    """Read the columns of the table that a conversion names, as its role.

    Parameters
    ----------
    session: of the schema's role
    region: of the delivery stream, where the schema names none

    Raises SchemaProblem.
    """
    given = conversion["SchemaConfiguration"]
    region = given.get("Region") or region
    catalog = given.get("CatalogId") or session.account
    database, table = given["DatabaseName"], given["TableName"]
    head = f"arn:aws:glue:{region}:{catalog}:"
    for action in RIGHTS:
        for resource in (f"{head}catalog", f"{head}database/{database}", f"{head}table/{database}/{table}"):
            if not roles.is_allowed(session, region, action, resource):
                raise SchemaProblem(*ACCESS_DENIED)
    glue, version = session.client(region, "glue"), given.get("VersionId") or "LATEST"
    try:
        if version == "LATEST":
            found = glue.get_table(CatalogId=catalog, DatabaseName=database, Name=table)["Table"]
        else:
            named = {"CatalogId": catalog, "DatabaseName": database, "TableName": table, "VersionId": version}
            found = glue.get_table_version(**named)["TableVersion"]["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            raise SchemaProblem(*ACCESS_DENIED) from None
        raise SchemaProblem(*NOT_FOUND) from None
    columns = [
        (each["Name"], each.get("Type", "string")) for each in found.get("StorageDescriptor", {}).get("Columns", ())
    ]
    if not columns:
        raise SchemaProblem(INVALID_SCHEMA[0], INVALID_SCHEMA[1].format("it has no columns."))
    told = {
        "catalogId": catalog,
        "databaseName": database,
        "tableName": table,
        "region": region,
        "versionId": version,
        "catalogArn": f"{head}catalog",
    }
    return Schema(columns, told)


# --- deserializer and serializer ------------------------------------------------------------------------------------


def deserializer(conversion: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the reader's name and the properties of a SerDe that the input configuration stands for."""
    given = conversion["InputFormatConfiguration"]["Deserializer"]
    hive = given.get("HiveJsonSerDe")
    if hive is not None:
        return "hive_json", _formats(hive.get("TimestampFormats"))
    openx = given["OpenXJsonSerDe"]
    properties = {
        "case.insensitive": str(openx.get("CaseInsensitive", True)).lower(),
        "dots.in.keys": str(openx.get("ConvertDotsInJsonKeysToUnderscores", False)).lower(),
    }
    for column, key in (openx.get("ColumnToJsonKeyMappings") or {}).items():
        properties[f"mapping.{column}"] = key
    return "openx", properties


def _formats(given: list[str] | None) -> dict[str, str]:
    escaped = [each.replace("\\", "\\\\").replace(",", "\\,") for each in given or ()]
    return {"timestamp.formats": ",".join(escaped)} if escaped else {}


def output_format(conversion: dict[str, Any]) -> str:
    serializer = conversion["OutputFormatConfiguration"]["Serializer"]
    return "orc" if serializer.get("OrcSerDe") is not None else "parquet"


def writer_options(conversion: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    """Return pyarrow's options for those of the output configuration, whose names are Firehose's."""
    serializer = conversion["OutputFormatConfiguration"]["Serializer"]
    parquet, orc = serializer.get("ParquetSerDe"), serializer.get("OrcSerDe")
    if orc is None:
        return {
            "compression": {"UNCOMPRESSED": "none"}.get(c := parquet.get("Compression", "SNAPPY"), c.lower()),
            "use_dictionary": parquet.get("EnableDictionaryCompression", False),
            "data_page_size": parquet.get("PageSizeBytes", PARQUET_PAGE),
            "data_page_version": "2.0" if parquet.get("WriterVersion") == "V2" else "1.0",
            "use_deprecated_int96_timestamps": True,  # Hive's writer, which Firehose uses, has no others
        }
    lower = [name.lower() for name in columns]
    blooms = [lower.index(name.lower()) for name in orc.get("BloomFilterColumns", ()) if name.lower() in lower]
    return {
        "compression": {"NONE": "uncompressed"}.get(c := orc.get("Compression", "SNAPPY"), c.lower()),
        "file_version": "0.11" if orc.get("FormatVersion") == "V0_11" else "0.12",
        "stripe_size": orc.get("StripeSizeBytes", ORC_STRIPE),
        "row_index_stride": orc.get("RowIndexStride", ORC_STRIDE),
        "padding_tolerance": orc.get("PaddingTolerance", 0.05) if orc.get("EnablePadding") else 0.0,
        "dictionary_key_size_threshold": orc.get("DictionaryKeyThreshold", 0.0),
        "bloom_filter_columns": blooms or None,
        "bloom_filter_fpp": orc.get("BloomFilterFalsePositiveProbability", 0.05),
    }


def columns_of(found: Schema) -> list[tuple[str, Any]]:
    """Return the columns with the types that the readers know. Raises SchemaProblem for a type that Hive has not."""
    from infra.engines.athena import hive_types, types
    from infra.engines.athena.errors import QueryError

    try:
        return [(name.lower(), types.parse(hive_types.hive_to_trino(kind))) for name, kind in found.columns]
    except QueryError as error:
        raise SchemaProblem(INVALID_SCHEMA[0], INVALID_SCHEMA[1].format(error.message)) from None
