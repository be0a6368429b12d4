"""The nodes of a visual job, one function a kind: what a node becomes in the script, and which columns leave it.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.glue.studio.node import Made, Node
from infra.local.glue.studio.records import drop_null_fields, merge, spigot
from infra.local.glue.studio.sources import catalog_source, csv_source, json_source, parquet_source
from infra.local.glue.studio.targets import catalog_target, direct_target, glue_parquet_target
from infra.local.glue.studio.transforms import (
    aggregate,
    apply_mapping,
    custom_code,
    drop_duplicates,
    drop_fields,
    filter_rows,
    join,
    rename_field,
    select_fields,
    select_from_collection,
    spark_sql,
    split_fields,
    union,
)


@dataclass(frozen=True)
class Kind:
    """A kind of node: its function, and the members that it may have besides Name and Inputs."""

    make: Callable[[Node], Made]
    members: frozenset[str]
    inputs: int = 1  # 0 for a source; many (1 or more) is -1
    takes_collection: bool = False
    gives_collection: bool = False
    is_target: bool = False


def _kind(make: Callable[[Node], Made], members: str, **more: Any) -> Kind:
    return Kind(make, frozenset(members.split()), **more)


FILES = "Paths Recurse Exclusions OutputSchemas CompressionType GroupFiles GroupSize MaxBand MaxFilesInBand AdditionalOptions"
WRITTEN = "PartitionKeys Compression NumberTargetPartitions SchemaChangePolicy"
KINDS = {
    "S3CatalogSource": _kind(catalog_source, "Database Table PartitionPredicate AdditionalOptions", inputs=0),
    "CatalogSource": _kind(catalog_source, "Database Table PartitionPredicate OutputSchemas", inputs=0),
    "S3JsonSource": _kind(json_source, f"{FILES} Multiline JsonPath", inputs=0),
    "S3CsvSource": _kind(
        csv_source,
        f"{FILES} Multiline Separator QuoteChar Escaper WithHeader WriteHeader SkipFirst OptimizePerformance",
        inputs=0,
    ),
    "S3ParquetSource": _kind(parquet_source, FILES, inputs=0),
    "ApplyMapping": _kind(apply_mapping, "Mapping"),
    "SelectFields": _kind(select_fields, "Paths"),
    "DropFields": _kind(drop_fields, "Paths"),
    "RenameField": _kind(rename_field, "SourcePath TargetPath"),
    "SplitFields": _kind(split_fields, "Paths", gives_collection=True),
    "DropNullFields": _kind(drop_null_fields, "NullCheckBoxList NullTextList"),
    "Spigot": _kind(spigot, "Path Topk Prob"),
    "Merge": _kind(merge, "Source PrimaryKeys", inputs=2),
    "DropDuplicates": _kind(drop_duplicates, "Columns"),
    "Join": _kind(join, "JoinType Columns", inputs=2),
    "Union": _kind(union, "UnionType", inputs=2),
    "Filter": _kind(filter_rows, "LogicalOperator Filters"),
    "Aggregate": _kind(aggregate, "Groups Aggs"),
    "SparkSQL": _kind(spark_sql, "SqlQuery SqlAliases OutputSchemas", inputs=-1),
    "CustomCode": _kind(custom_code, "Code ClassName OutputSchemas", inputs=-1, gives_collection=True),
    "SelectFromCollection": _kind(select_from_collection, "Index", takes_collection=True),
    "S3DirectTarget": _kind(direct_target, f"Path Format {WRITTEN}", is_target=True),
    "S3GlueParquetTarget": _kind(glue_parquet_target, f"Path {WRITTEN}", is_target=True),
    "S3CatalogTarget": _kind(catalog_target, "Database Table PartitionKeys SchemaChangePolicy", is_target=True),
    "CatalogTarget": _kind(catalog_target, "Database Table PartitionKeys", is_target=True),
}
REFUSED = {
    "FillMissingValues": "FillMissingValues learns from the data with a machine learning service of AWS, which is not"
    " part of the local AWS; fill values with a SQL or a CustomCode node.",
}
