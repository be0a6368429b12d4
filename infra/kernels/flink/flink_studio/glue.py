"""Glue's tables as Flink tables and back: pure functions on the API's dictionaries.

Sources: AWS, Managed Service for Apache Flink, "Table properties" (managed-flink.proctime, .rowtime, .watermark.<column>.milliseconds; the
names before the service was renamed start with kinesisanalytics.); Flink's CatalogPropertiesUtil for the `flink.` properties.
"""

import re
from dataclasses import dataclass, field
from typing import Any

PREFIX = "flink."
PATH_COLUMN = "file.path"  # metadata of the filesystem connector
TIME_PREFIXES = ("managed-flink.", "kinesisanalytics.")
CONNECTOR_OPTIONS = ("format", "path", "stream", "aws.", "scan.", "json.", "csv.", "sink.")
SIMPLE_TYPES = {
    "string": "STRING",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INT",
    "integer": "INT",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP(3)",
    "binary": "BYTES",
}
GLUE_TYPES = {
    "STRING": "string",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INT": "int",
    "BIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "BYTES": "binary",
}


class UnreadableTable(Exception):
    """A Glue table that this Flink cannot read; the message says why and what can read it."""


@dataclass(frozen=True)
class FlinkTable:
    """A table as Flink knows it.

    Attributes:
        options: the WITH options.
        columns: lines of a CREATE TABLE's body; empty when `properties` hold the schema.
        partition_keys: columns that are folders `key=value`.
        properties: a table that Flink wrote to the catalog, as Flink's own properties (without `flink.`).
    """

    options: dict[str, str]
    columns: list[str] = field(default_factory=list)
    partition_keys: list[str] = field(default_factory=list)
    properties: dict[str, str] | None = None

    def ddl(self, name: str) -> str:
        """CREATE TABLE for a table that has no `properties`.

        Args:
            name: the table's full name, quoted.
        """
        body = ",\n  ".join(self.columns)
        keys = ", ".join(f"`{key}`" for key in self.partition_keys)
        partitioned = f" PARTITIONED BY ({keys})" if keys else ""
        options = ", ".join(f"{_quote(k)} = {_quote(v)}" for k, v in self.options.items())
        return f"CREATE TABLE {name} (\n  {body}\n){partitioned} WITH ({options})"


def to_flink(table: dict, region: str, hive_folders: bool = True) -> FlinkTable:
    """Read a Glue table.

    Args:
        table: a Table of Glue's GetTables.
        region: the region of streams that name none.
        hive_folders: whether the table's partitions lie in folders `key=value`.

    Raises:
        UnreadableTable: a format, type or kind of table that this Flink has no reader for.
    """
    parameters = table.get("Parameters", {})
    own = {name[len(PREFIX) :]: value for name, value in parameters.items() if name.startswith(PREFIX)}
    if "schema.0.name" in own:
        options = {k: v for k, v in own.items() if not k.startswith(("schema.", "partition.keys.")) and k != "comment"}
        return FlinkTable(options, properties=own)
    if table.get("TableType") == "VIRTUAL_VIEW":
        raise UnreadableTable(
            f"{table['Name']} is a view of Athena, in Athena's own SQL: query it with Athena, or create the view here too."
        )
    storage = table.get("StorageDescriptor", {})
    columns = [f"`{column['Name']}` {flink_type(column['Type'])}" for column in storage.get("Columns", [])]
    plain = {name: value for name, value in parameters.items() if name.startswith(CONNECTOR_OPTIONS)} | own
    if _is_kinesis(table):
        options = _kinesis_options(table, region) | plain
        if "format" not in options:
            raise UnreadableTable(
                f"{table['Name']} does not say how its records are written: set its classification to json or csv."
            )
        return FlinkTable(options, columns + _time_columns(parameters))
    return _files(table, columns, plain, hive_folders)


def _is_kinesis(table: dict) -> bool:
    storage = table.get("StorageDescriptor", {})
    told = table.get("Parameters", {}) | storage.get("Parameters", {})
    return (
        told.get("typeOfData") == "kinesis"
        or told.get(f"{PREFIX}connector") == "kinesis"
        or storage.get("Location", "").startswith("arn:aws:kinesis:")
    )


def _kinesis_options(table: dict, region: str) -> dict[str, str]:
    storage = table["StorageDescriptor"]
    told = table.get("Parameters", {}) | storage.get("Parameters", {})
    location = storage.get("Location", "")
    arn = next((text for text in (told.get("streamARN", ""), location) if text.startswith("arn:")), "")
    stream = told.get("streamName") or arn.rpartition("stream/")[2] or location
    if not stream:
        raise UnreadableTable(f"{table['Name']} names no stream: its location or the parameter streamName has to.")
    host = re.match(r"https?://kinesis\.([a-z0-9-]+)\.amazonaws\.", told.get("endpointUrl", ""))
    options = {
        "connector": "kinesis",
        "stream": stream,
        "aws.region": arn.split(":")[3] if arn else host[1] if host else region,
    }
    if table.get("Parameters", {}).get("classification") in ("json", "csv"):
        options["format"] = table["Parameters"]["classification"]
    return options


def _time_columns(parameters: dict[str, str]) -> list[str]:
    def told(name: str) -> str | None:
        return next((parameters[prefix + name] for prefix in TIME_PREFIXES if prefix + name in parameters), None)

    lines = []
    if proctime := told("proctime"):
        lines.append(f"`{proctime}` AS PROCTIME()")
    if rowtime := told("rowtime"):
        delay = int(told(f"watermark.{rowtime}.milliseconds") or 0)
        back = f" - INTERVAL '{delay // 1000}.{delay % 1000:03d}' SECOND" if delay else ""
        lines.append(f"WATERMARK FOR `{rowtime}` AS `{rowtime}`{back}")
    return lines


def _files(table: dict, columns: list[str], plain: dict[str, str], hive_folders: bool) -> FlinkTable:
    name, parameters, storage = table["Name"], table.get("Parameters", {}), table.get("StorageDescriptor", {})
    location = storage.get("Location", "")
    kind = parameters.get("classification", plain.get("format", "")).lower()
    if not location.startswith(("s3://", "s3a://")):
        raise UnreadableTable(
            f"{name} is neither a Kinesis stream nor files in S3 (its location is {location!r}), so Flink cannot read it."
        )
    if kind not in ("json", "csv", "parquet"):
        raise UnreadableTable(
            f"{name} holds {kind or 'files of unknown classification'}, which this Flink has no reader for (it reads json, csv and parquet): "
            "query it with Athena or Spark, or write a Parquet copy."
        )
    options = {"connector": "filesystem", "path": location} | (_csv(name, table) if kind == "csv" else {"format": kind})
    keys = [(key["Name"], flink_type(key["Type"])) for key in table.get("PartitionKeys", [])]
    if hive_folders or not keys:
        columns = columns + [f"`{key}` {kind}" for key, kind in keys]
        return FlinkTable(options | plain, columns, [key for key, _ in keys])
    first = (
        len(location.split("/", 3)[3].strip("/").split("/")) + 1
    )  # the path of a file starts behind the bucket's name, with a slash
    columns = [*columns, f"`{PATH_COLUMN}` STRING NOT NULL METADATA VIRTUAL"]
    columns += [
        f"`{key}` AS CAST(SPLIT_INDEX(`{PATH_COLUMN}`, '/', {place}) AS {kind})"
        for place, (key, kind) in enumerate(keys, first)
    ]
    return FlinkTable(options | plain, columns)


def _csv(name: str, table: dict) -> dict[str, str]:
    """The options of CSV files: Flink's own format, or ours for files with a header (java/CsvWithHeaderFormatFactory.java)."""
    serde = table["StorageDescriptor"].get("SerdeInfo", {}).get("Parameters", {})
    told = table.get("Parameters", {}) | serde
    lines = told.get("skip.header.line.count", "0")
    if lines not in ("0", "1"):
        raise UnreadableTable(
            f"{name} is CSV with {lines} header lines, and Flink reads files with one or none: query it with Athena."
        )
    form = "csv-with-header" if lines == "1" else "csv"
    options = {"format": form}
    options[f"{form}.field-delimiter"] = (
        told.get("separatorChar") or told.get("field.delim") or told.get("delimiter") or ","
    )
    if quote := told.get("quoteChar"):
        options[f"{form}.quote-character"] = quote
    return options


def to_glue(name: str, properties: dict[str, str], region: str) -> dict:
    """A table that Flink made, as Glue's TableInput: Flink's properties behind `flink.`, and columns and place for other readers.

    Args:
        name: the table's name.
        properties: Flink's properties of the table (CatalogPropertiesUtil), options included.
        region: the region of a stream that names none.
    """
    columns, index = [], 0
    keys = {value for key, value in properties.items() if key.startswith("partition.keys.")}
    while f"schema.{index}.name" in properties:
        physical = f"schema.{index}.expr" not in properties and f"schema.{index}.metadata" not in properties
        if physical:
            columns.append(
                {"Name": properties[f"schema.{index}.name"], "Type": glue_type(properties[f"schema.{index}.data-type"])}
            )
        index += 1
    parameters = {PREFIX + key: value for key, value in properties.items()}
    if properties.get("format") in ("json", "csv"):
        parameters["classification"] = properties["format"]
    storage: dict[str, Any] = {
        "Columns": [column for column in columns if column["Name"] not in keys],
        "Location": properties.get("path", ""),
    }
    if properties.get("connector") == "kinesis":
        where = properties.get("aws.region", region)
        storage["Location"] = properties.get("stream", "")
        storage["Parameters"] = {
            "typeOfData": "kinesis",
            "streamName": properties.get("stream", ""),
            "endpointUrl": f"https://kinesis.{where}.amazonaws.com",
        }
    if properties.get("format") == "json":
        storage |= {
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
        }
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": [column for column in columns if column["Name"] in keys],
        "StorageDescriptor": storage,
    }


def flink_type(glue: str) -> str:
    """A Glue column type as a Flink SQL type.

    Raises:
        UnreadableTable: a type that Flink does not have.
    """
    text = glue.strip()
    lower = text.lower()
    if lower in SIMPLE_TYPES:
        return SIMPLE_TYPES[lower]
    if re.fullmatch(r"(decimal|char|varchar)(\([\d, ]+\))?", lower):
        return text.upper()
    inner = re.fullmatch(r"(array|map|struct)<(.*)>", text, re.I | re.S)
    if inner is None:
        raise UnreadableTable(f"Flink has no type for {glue!r}.")
    parts = _split_type(inner[2])
    if inner[1].lower() == "array":
        return f"ARRAY<{flink_type(inner[2])}>"
    if inner[1].lower() == "map":
        return f"MAP<{flink_type(parts[0])}, {flink_type(parts[1])}>"
    fields = (part.split(":", 1) for part in parts)
    return f"ROW<{', '.join(f'{_name(key)} {flink_type(kind)}' for key, kind in fields)}>"


def glue_type(flink: str) -> str:
    """A Flink type as Glue writes it; what Glue has no type for becomes string."""
    text = re.sub(r"\s+NOT NULL\b", "", flink.strip())
    base = re.sub(r"\(.*", "", text)
    if text in ("VARCHAR(2147483647)",) or text.startswith("STRING"):
        return "string"
    if text in ("VARBINARY(2147483647)",):
        return "binary"
    if base in GLUE_TYPES:
        return GLUE_TYPES[base]
    if base in ("DECIMAL", "CHAR", "VARCHAR"):
        return text.lower().replace(" ", "")
    if base.startswith("TIMESTAMP"):
        return "timestamp"
    inner = re.fullmatch(r"(ARRAY|MAP|ROW)<(.*)>", text, re.S)
    if inner is None:
        return "string"
    parts = _split_type(inner[2])
    if inner[1] == "ROW":
        return f"struct<{','.join(map(_row_field, parts))}>"
    return f"{inner[1].lower()}<{','.join(glue_type(part) for part in parts)}>"


def _row_field(text: str) -> str:
    field = re.fullmatch(r"\s*(?:`((?:[^`]|``)+)`|([^`\s]+))\s+(.*)", text, re.S)
    assert field is not None, "Flink wrote the type"
    return (field[1] or field[2]).replace("``", "`") + f":{glue_type(field[3])}"


def _split_type(text: str) -> list[str]:
    """Split at the commas that are in no brackets and in no name in backticks."""
    parts, depth, start, quoted = [], 0, 0, False
    for at, char in enumerate(text):
        quoted ^= char == "`"
        if quoted:
            continue
        depth += (char in "<(") - (char in ">)")
        if char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _name(text: str) -> str:
    return "`" + text.strip().replace("`", "``") + "`"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
