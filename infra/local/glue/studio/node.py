"""A node of a visual job, the code that it becomes, and what the kinds of nodes share.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Columns = dict[str, str]  # name → type of the Data Catalog, "" where it is not known; in the order of the table
Tables = Callable[[str, str], dict[str, Any]]  # database, table → the table as GetTable gives it

SEPARATORS = {"comma": ",", "ctrla": "\x01", "pipe": "|", "semicolon": ";", "tab": "\t"}
QUOTES = {"quote": '"', "single_quote": "'", "disabled": -1}
COMPARISONS = {"EQ": "==", "LT": "<", "GT": ">", "LTE": "<=", "GTE": ">="}
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
NUMBER_TYPES = {"tinyint", "smallint", "int", "integer", "short", "bigint", "long", "float", "double", "decimal"}
STRING_TYPES = {"string", "varchar", "char"}
# What Spark can write here, of what the API names for the format
COMPRESSIONS = {
    "parquet": {"snappy", "gzip", "lz4", "uncompressed", "none"},
    "orc": {"snappy", "zlib", "uncompressed", "none"},
    "json": {"gzip", "bzip2", "uncompressed", "none"},
    "csv": {"gzip", "bzip2", "uncompressed", "none"},
    "avro": {"deflate", "bzip2", "uncompressed", "none"},
}
AGGREGATE_NAMES = {"countDistinct": "count(DISTINCT {})", "sumDistinct": "sum(DISTINCT {})"}

DYNAMIC_FRAME = "from awsglue.dynamicframe import DynamicFrame"
COLLECTION = "from awsglue.dynamicframe import DynamicFrameCollection"
SQL_FUNCTIONS = "from pyspark.sql import functions as SqlFuncs"

SQL_QUERY = """\
def sparkSqlQuery(glueContext, query, mapping, transformation_ctx) -> DynamicFrame:
    for alias, dynamic_frame in mapping.items():
        dynamic_frame.toDF().createOrReplaceTempView(alias)
    return DynamicFrame.fromDF(spark.sql(query), glueContext, transformation_ctx)
"""
UNION = """\
def sparkUnion(glueContext, unionType, mapping, transformation_ctx) -> DynamicFrame:
    for alias, dynamic_frame in mapping.items():
        dynamic_frame.toDF().createOrReplaceTempView(alias)
    both = spark.sql(f"(SELECT * FROM source1) UNION {unionType} (SELECT * FROM source2)")
    return DynamicFrame.fromDF(both, glueContext, transformation_ctx)
"""
AGGREGATE = """\
def sparkAggregate(glueContext, parentFrame, groups, aggs, transformation_ctx) -> DynamicFrame:
    measures = [getattr(SqlFuncs, function)(column) for column, function in aggs]
    return DynamicFrame.fromDF(parentFrame.toDF().groupBy(*groups).agg(*measures), glueContext, transformation_ctx)
"""


class WrongGraph(ValueError):
    """The nodes are no job that can run here; the message says which node and why."""


@dataclass(frozen=True)
class Frame:
    """What a node gives to the next: a DynamicFrame, or (`members` is not None) a collection of them."""

    variable: str
    columns: Columns | None = None  # None where they are only known when the job runs
    members: tuple[Columns | None, ...] | None = None


@dataclass(frozen=True)
class Node:
    """A node as it is given, with its inputs."""

    node_id: str
    given: dict[str, Any]
    inputs: tuple[Frame, ...]
    tables: Tables

    @property
    def name(self) -> str:
        return self.given["Name"]

    @property
    def variable(self) -> str:
        """Its variable, as Glue Studio makes it: `Renamed keys for Join`, node-1669 → `RenamedkeysforJoin_node1669`."""
        made = f"{re.sub(r'[^A-Za-z0-9_]', '', self.name)}_{self.node_id.replace('-', '')}"
        return f"_{made}" if made[0].isdigit() else made

    @property
    def context(self) -> str:
        return f'transformation_ctx="{self.variable}"'

    @property
    def source(self) -> Frame:
        return self.inputs[0]

    def wrong(self, why: str) -> WrongGraph:
        return WrongGraph(f"Node {self.name}: {why}")


@dataclass(frozen=True)
class Made:
    """The code of a node: its statements, and what stands above them in the script."""

    code: str
    columns: Columns | None = None
    members: tuple[Columns | None, ...] | None = None
    imports: tuple[str, ...] = ()
    function: str = ""


def literal(value: Any) -> str:
    """Write a value as Python, with double quotes as Glue Studio has them."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(literal, value)) + ")"
    return repr(value)


def path_text(path: list[str]) -> str:
    """Write a path as awsglue reads it: a name with other signs than letters, digits and _ stands in backticks."""
    return ".".join("`" + part.replace("`", "``") + "`" if re.search(r"\W", part) else part for part in path)


def need(node: Node, path: list[str], columns: Columns | None) -> str:
    """Return a path's text. Raises WrongGraph when the input has no such column."""
    if not path:
        raise node.wrong("a path is empty.")
    if columns is not None and path[0] not in columns:
        raise node.wrong(f"its input has no column {path[0]}; it has {', '.join(columns)}.")
    return path_text(path)


def described(node: Node) -> list[Columns]:
    """Return the columns of each of the node's OutputSchemas."""
    return [
        {column["Name"]: column.get("Type", "") for column in schema.get("Columns", [])}
        for schema in node.given.get("OutputSchemas", [])
    ]
