"""What a crawler writes for a table and its partitions, and how that is merged with what is in the Data Catalog.

The formats, SerDes and parameters are those of tables that real crawlers made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from infra.local.glue.crawler.content import Content
from infra.local.glue.crawler.grouping import Group, Leaf, partition_keys, partition_values
from infra.local.glue.crawler.schema import Schema, render

_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat")
_HIVE = "org.apache.hadoop.hive"
_FORMATS = {
    "parquet": (
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
    ),
    "orc": (f"{_HIVE}.ql.io.orc.OrcInputFormat", f"{_HIVE}.ql.io.orc.OrcOutputFormat"),
    "avro": (f"{_HIVE}.ql.io.avro.AvroContainerInputFormat", f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat"),
}
_SERDES = {
    "json": "org.openx.data.jsonserde.JsonSerDe",
    "csv": f"{_HIVE}.serde2.lazy.LazySimpleSerDe",
    "parquet": f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
    "orc": f"{_HIVE}.ql.io.orc.OrcSerde",
    "avro": f"{_HIVE}.serde2.avro.AvroSerDe",
}
_OPEN_CSV = f"{_HIVE}.serde2.OpenCSVSerde"
_GROK = "com.amazonaws.glue.serde.GrokSerDe"
DEPRECATED = "DEPRECATED_BY_CRAWLER"
_EVERY_RUN = {"CRAWL_RUN_ID"}  # differs in each crawl, and is no change by itself


@dataclass(frozen=True)
class Writer:
    """Who writes: crawler, id of the crawl, what of the configuration shapes tables, exclude patterns as `s3://…` URLs."""

    crawler: str
    crawl_id: str
    inherit: bool = False  # CrawlerOutput.Partitions.AddOrUpdateBehavior = InheritFromTable
    index: bool = False  # CreatePartitionIndex
    exclusions: tuple[str, ...] = field(default=())


def table_input(group: Group, bucket: str, name: str, writer: Writer) -> dict[str, Any]:
    """Return the TableInput of a new table."""
    content = group.content
    files = [file for leaf in group.leaves for file in leaf.files]
    parameters = _parameters(content, len(files), sum(file.size for file in files), writer)
    keys = partition_keys(group)
    if keys and writer.index:
        parameters["partition_filtering.enabled"] = "true"
    return {
        "Name": name,
        "Owner": "owner",
        "Retention": 0,
        "StorageDescriptor": _descriptor(content, f"s3://{bucket}/{group.location}", parameters),
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
    }


def partition_input(leaf: Leaf, bucket: str, keys: list[str], table: dict[str, Any], writer: Writer) -> dict[str, Any]:
    """Return the PartitionInput of one folder.

    Parameters
    ----------
    keys: the names of the partition columns as the folders have them
    table: the TableInput, whose description the partition inherits if configured
    """
    content = leaf.content
    parameters = _parameters(content, len(leaf.files), leaf.size, writer)
    descriptor = _descriptor(content, f"s3://{bucket}/{leaf.folder}", parameters)
    if writer.inherit:
        inherited = ("Columns", "InputFormat", "OutputFormat", "SerdeInfo")
        descriptor.update({member: table["StorageDescriptor"][member] for member in inherited})
    return {
        "Values": partition_values(leaf, keys),
        "StorageDescriptor": descriptor,
        "Parameters": parameters,
    }


def columns(schema: Schema) -> list[dict[str, str]]:
    return [{"Name": name, "Type": render(kind)} for name, kind in schema.items()]


def _parameters(content: Content, files: int, size: int, writer: Writer) -> dict[str, str]:
    parameters = {
        "CRAWL_RUN_ID": writer.crawl_id,
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": writer.crawler,
        "averageRecordSize": str(content.record_bytes // content.records if content.records else 0),
        "classification": content.classification,
        "compressionType": content.compression,
        "objectCount": str(files),
        "recordCount": str(content.records),
        "sizeKey": str(size),
        "typeOfData": "file",
    }
    parameters.update({name: value for name, value in content.parameters.items() if name != "quoteChar"})
    if writer.exclusions:
        parameters["exclusions"] = json.dumps(list(writer.exclusions))
    return parameters


def _descriptor(content: Content, location: str, parameters: dict[str, str]) -> dict[str, Any]:
    input_format, output_format = _FORMATS.get(content.classification, _TEXT)
    return {
        "Columns": columns(content.schema),
        "Location": location,
        "InputFormat": input_format,
        "OutputFormat": output_format,
        "Compressed": content.compression != "none",
        "NumberOfBuckets": -1,
        "SerdeInfo": _serde(content),
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": parameters,
        "StoredAsSubDirectories": False,
    }


def _serde(content: Content) -> dict[str, Any]:
    found = content.parameters
    if content.serde == "OpenCSVSerDe":
        quote = found.get("quoteChar", '"')
        return {
            "SerializationLibrary": _OPEN_CSV,
            "Parameters": {"separatorChar": found["delimiter"], "quoteChar": quote, "escapeChar": "\\"},
        }
    if content.serde == "GrokSerDe":
        names = {"input.format": "grokPattern", "input.grokCustomPatterns": "grokCustomPatterns"}
        given = {name: found[parameter] for name, parameter in names.items() if parameter in found}
        return {"SerializationLibrary": _GROK, "Parameters": given}
    parameters = {
        "json": {"paths": ",".join(sorted(content.keys))},
        "csv": {"field.delim": found.get("delimiter", ",")},
        "parquet": {"serialization.format": "1"},
        "avro": {"serialization.format": "1", "avro.schema.literal": found.get("avro.schema.literal", "")},
    }.get(content.classification, {})
    library = _SERDES.get(content.classification)
    return {"SerializationLibrary": library, "Parameters": parameters} if library else {"Parameters": parameters}


# --- merging with what is there -------------------------------------------------------------------------------------


def merged_table(old: dict[str, Any], new: dict[str, Any], only_new_columns: bool) -> dict[str, Any]:
    """Return the TableInput for a table that is crawled again.

    Parameters that others wrote stay, as do comments, description and renamed partition columns.

    Parameters
    ----------
    only_new_columns: MergeNewColumns: columns are added, none is changed or removed
    """
    old_descriptor, new_descriptor = old.get("StorageDescriptor") or {}, new["StorageDescriptor"]
    old_columns = old_descriptor.get("Columns") or []
    descriptor = {**old_descriptor, **new_descriptor}
    if only_new_columns:
        known = {column["Name"].lower() for column in old_columns}
        descriptor["Columns"] = [
            *old_columns,
            *(each for each in new_descriptor["Columns"] if each["Name"] not in known),
        ]
    else:
        comments = {column["Name"]: column["Comment"] for column in old_columns if column.get("Comment")}
        descriptor["Columns"] = [
            {**column, "Comment": comments[column["Name"]]} if column["Name"] in comments else column
            for column in new_descriptor["Columns"]
        ]
    descriptor["Parameters"] = _merged_parameters(old_descriptor, new_descriptor)
    keys = old.get("PartitionKeys") or []
    return {
        **old,
        "StorageDescriptor": descriptor,
        "PartitionKeys": keys if len(keys) == len(new["PartitionKeys"]) else new["PartitionKeys"],
        "TableType": new["TableType"],
        "Parameters": _merged_parameters(old, new),
    }


def merged_partition(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the PartitionInput for a partition that is crawled again."""
    old_descriptor = old.get("StorageDescriptor") or {}
    descriptor = {**old_descriptor, **new["StorageDescriptor"]}
    descriptor["Parameters"] = _merged_parameters(old_descriptor, new["StorageDescriptor"])
    return {**old, "StorageDescriptor": descriptor, "Parameters": _merged_parameters(old, new)}


def _merged_parameters(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    kept = {name: value for name, value in (old.get("Parameters") or {}).items() if name != DEPRECATED}
    return {**kept, **new["Parameters"]}


def is_changed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether two inputs differ in more than the id of the crawl that wrote them."""
    return _without_run(old) != _without_run(new)


def _without_run(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_run(item) for name, item in value.items() if name not in _EVERY_RUN}
    return value
