"""The script of a visual job: CodeGenConfigurationNodes (a graph of nodes) to Python.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from typing import Any

Columns = Callable[[str, str], list[str]]

HEAD = """import sys

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as SqlFuncs

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
"""
SOURCES = {"S3CatalogSource", "CatalogSource", "S3JsonSource", "S3CsvSource", "S3ParquetSource"}
SEPARATORS = {"comma": ",", "ctrla": "\x01", "pipe": "|", "semicolon": ";", "tab": "\t"}
QUOTES = {"quote": '"', "single_quote": "'", "disabled": -1}
# The members that each node may have besides Name and Inputs; any other is refused, never ignored.
MEMBERS = {
    "S3CatalogSource": {"Database", "Table", "PartitionPredicate"},
    "CatalogSource": {"Database", "Table", "PartitionPredicate"},
    "S3JsonSource": {"Paths", "Recurse", "Multiline"},
    "S3CsvSource": {"Paths", "Recurse", "Separator", "QuoteChar", "WithHeader"},
    "S3ParquetSource": {"Paths", "Recurse"},
    "ApplyMapping": {"Mapping"},
    "SelectFields": {"Paths"},
    "DropFields": {"Paths"},
    "RenameField": {"SourcePath", "TargetPath"},
    "Join": {"JoinType", "Columns"},
    "DropDuplicates": {"Columns"},
    "Union": {"UnionType"},
    "SparkSQL": {"SqlQuery", "SqlAliases"},
    "Aggregate": {"Groups", "Aggs"},
    "S3DirectTarget": {"Path", "Format", "PartitionKeys"},
    "S3GlueParquetTarget": {"Path", "PartitionKeys", "Compression", "SchemaChangePolicy"},
}


class WrongGraph(ValueError):
    """The nodes are no job that can run here; the message says which node and why."""


def script(nodes: dict[str, dict[str, Any]], columns: Columns) -> str:
    """Return the script of a graph.

    Parameters
    ----------
    nodes: node id → a structure with one member, the kind of node
    columns: gives the column names of a catalog table (database, table); raises WrongGraph when it is not there

    Raises WrongGraph.
    """
    found = {node_id: _kind(node_id, node) for node_id, node in nodes.items()}
    for node_id, (kind, node) in found.items():
        inputs = node.get("Inputs", [])
        wanted = 0 if kind in SOURCES else 2 if kind in ("Join", "Union") else 1
        if len(inputs) != wanted and not (kind == "SparkSQL" and inputs):
            raise WrongGraph(f"Node {node_id} ({kind}) needs {wanted} inputs and has {len(inputs)}.")
        for each in inputs:
            if each not in found:
                raise WrongGraph(f"Node {node_id} has the input {each}, which is not a node.")
    try:
        order = list(
            TopologicalSorter({node_id: node.get("Inputs", []) for node_id, (_, node) in found.items()}).static_order()
        )
    except CycleError as error:
        raise WrongGraph(f"The nodes form a cycle: {' -> '.join(error.args[1])}.") from None
    frames: dict[str, tuple[str, list[str] | None]] = {}  # node id → its variable and its columns, None if not known
    blocks = [HEAD]
    for node_id in order:
        kind, node = found[node_id]
        variable = f"{re.sub(r'[^A-Za-z0-9]', '', node['Name'])}_{re.sub('-', '_', node_id)}"
        variable = f"node_{variable}" if variable[:1].isdigit() else variable
        inputs = [frames[each] for each in node.get("Inputs", [])]
        if kind == "SparkSQL":
            node = node | {
                "Views": [(alias["Alias"], _input(node, alias["From"], frames)) for alias in node["SqlAliases"]]
            }
        code, known = _block(kind, node, variable, inputs, columns)
        frames[node_id] = variable, known
        blocks.append(f"# Script generated for node {' '.join(node['Name'].split())}\n{code}\n")
    return "\n".join([*blocks, "job.commit()\n"])


def _input(node: dict[str, Any], node_id: str, frames: dict[str, tuple[str, list[str] | None]]) -> str:
    if node_id not in node["Inputs"]:
        raise WrongGraph(f"Node {node['Name']}: SqlAliases names {node_id}, which is not one of its inputs.")
    return frames[node_id][0]


def _kind(node_id: str, node: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if len(node) != 1:
        raise WrongGraph(f"Node {node_id} must have exactly one kind.")
    kind, content = next(iter(node.items()))
    if kind not in MEMBERS:
        raise WrongGraph(f"Node {node_id}: {kind} is not part of the local AWS.")
    if extra := set(content) - MEMBERS[kind] - {"Name", "Inputs"}:
        raise WrongGraph(f"Node {node_id} ({kind}): {', '.join(sorted(extra))} is not part of the local AWS.")
    return kind, content


def _need(name: str, path: list[str], known: list[str] | None) -> str:
    """Return a path as awsglue writes it. Raises WrongGraph when the input has no such column."""
    if known is not None and path[0] not in known:
        raise WrongGraph(f"Node {name}: its input has no column {path[0]}; it has {', '.join(known)}.")
    return ".".join(f"`{part}`" if re.search(r"\W", part) else part for part in path)


def _block(
    kind: str, node: dict[str, Any], variable: str, inputs: list[tuple[str, list[str] | None]], columns: Columns
) -> tuple[str, list[str] | None]:
    name, context = node["Name"], f"transformation_ctx={variable!r}"
    frame, known = inputs[0] if inputs else ("", None)
    if kind in ("S3CatalogSource", "CatalogSource"):
        predicate = f", push_down_predicate={node['PartitionPredicate']!r}" if node.get("PartitionPredicate") else ""
        call = f"database={node['Database']!r}, table_name={node['Table']!r}, {context}{predicate}"
        return f"{variable} = glueContext.create_dynamic_frame.from_catalog({call})", columns(
            node["Database"], node["Table"]
        )
    if kind in SOURCES:
        file_format, options = kind[2:-6].lower(), {}
        if kind == "S3CsvSource":
            if node["QuoteChar"] not in QUOTES:
                raise WrongGraph(f"Node {name}: QuoteChar {node['QuoteChar']} is not part of the local AWS.")
            options = {"separator": SEPARATORS[node["Separator"]], "quoteChar": QUOTES[node["QuoteChar"]]}
            options["withHeader"] = node.get("WithHeader", False)
        if node.get("Multiline"):
            options["multiline"] = True
        places = {"paths": node["Paths"], "recurse": node.get("Recurse", False)}
        call = (
            f'connection_type="s3", format={file_format!r}, format_options={options!r}, connection_options={places!r}'
        )
        return f"{variable} = glueContext.create_dynamic_frame.from_options({call}, {context})", None
    if kind == "ApplyMapping":
        kept = [mapping for mapping in node["Mapping"] if not mapping.get("Dropped")]
        if any(mapping.get("Children") for mapping in kept):
            raise WrongGraph(f"Node {name}: Mapping.Children is not part of the local AWS.")
        pairs = [
            (_need(name, m["FromPath"], known), m["FromType"], _need(name, [m["ToKey"]], None), m["ToType"])
            for m in kept
        ]
        return f"{variable} = ApplyMapping.apply(frame={frame}, mappings={pairs!r}, {context})", [
            m["ToKey"] for m in kept
        ]
    if kind in ("SelectFields", "DropFields"):
        paths = [_need(name, path, known) for path in node["Paths"]]
        whole = [path[0] for path in node["Paths"] if len(path) == 1]
        left = (
            [path[0] for path in node["Paths"]]
            if kind == "SelectFields"
            else known and [c for c in known if c not in whole]
        )
        return f"{variable} = {kind}.apply(frame={frame}, paths={paths!r}, {context})", left
    if kind == "RenameField":
        old, new = _need(name, node["SourcePath"], known), _need(name, node["TargetPath"], None)
        left = known and [node["TargetPath"][0] if [column] == node["SourcePath"] else column for column in known]
        return f"{variable} = RenameField.apply(frame={frame}, old_name={old!r}, new_name={new!r}, {context})", left
    if kind == "Join":
        return _join(node, variable, inputs)
    if kind == "DropDuplicates":
        for path in node.get("Columns", []):
            _need(name, path, known)
        paths = [".".join(path) for path in node.get("Columns", [])]
        data = f"{frame}.toDF().dropDuplicates({paths or ''})"
        return f"{variable} = DynamicFrame.fromDF({data}, glueContext, {variable!r})", known
    if kind == "Union":
        data = f"{frame}.toDF().unionByName({inputs[1][0]}.toDF())"
        data += ".distinct()" if node["UnionType"] == "DISTINCT" else ""
        if known and inputs[1][1] and set(known) != set(inputs[1][1]):
            raise WrongGraph(f"Node {name}: its inputs have different columns.")
        return f"{variable} = DynamicFrame.fromDF({data}, glueContext, {variable!r})", known
    if kind == "SparkSQL":
        views = [f"{source}.toDF().createOrReplaceTempView({alias!r})" for alias, source in node["Views"]]
        data = f"spark.sql({node['SqlQuery']!r})"
        return "\n".join([*views, f"{variable} = DynamicFrame.fromDF({data}, glueContext, {variable!r})"]), None
    if kind == "Aggregate":
        return _aggregate(node, variable, frame, known)
    if kind == "S3DirectTarget":
        keys = [_need(name, path, known) for path in node.get("PartitionKeys", [])]
        options = {"path": node["Path"], "partitionKeys": keys}
        call = (
            f'frame={frame}, connection_type="s3", format={node["Format"]!r}, connection_options={options!r}, {context}'
        )
        return f"{variable} = glueContext.write_dynamic_frame.from_options({call})", None
    return _target(node, variable, frame, known), None


def _aggregate(
    node: dict[str, Any], variable: str, frame: str, known: list[str] | None
) -> tuple[str, list[str] | None]:
    groups = [_need(node["Name"], path, known) for path in node["Groups"]]
    calls, names = [], []
    for each in node["Aggs"]:
        function, column = each["AggFunc"], _need(node["Name"], each["Column"], known)
        names.append(f"{function}({'.'.join(each['Column'])})")
        spark_name = {"sumDistinct": "sum_distinct"}.get(function, function)
        calls.append(f"SqlFuncs.{spark_name}({column!r}).alias({names[-1]!r})")
    data = f"{frame}.toDF().groupBy({groups!r}).agg({', '.join(calls)})"
    return f"{variable} = DynamicFrame.fromDF({data}, glueContext, {variable!r})", [
        p[-1] for p in node["Groups"]
    ] + names


def _join(
    node: dict[str, Any], variable: str, inputs: list[tuple[str, list[str] | None]]
) -> tuple[str, list[str] | None]:
    name = node["Name"]
    if node["JoinType"] != "equijoin":
        raise WrongGraph(f"Node {name}: JoinType {node['JoinType']} is not part of the local AWS; use equijoin.")
    by_input = {side["From"]: side["Keys"] for side in node["Columns"]}
    if set(by_input) != set(node["Inputs"]):
        raise WrongGraph(f"Node {name}: Columns must name its two inputs.")
    (left, left_known), (right, right_known) = inputs
    if left_known and right_known and (same := sorted(set(left_known) & set(right_known))):
        raise WrongGraph(
            f"Node {name}: both inputs have {', '.join(same)}; rename it in one of them with a Change Schema node."
        )
    keys = [
        [_need(name, path, known) for path in by_input[each]]
        for each, known in zip(node["Inputs"], (left_known, right_known), strict=True)
    ]
    call = f"frame1={left}, frame2={right}, keys1={keys[0]!r}, keys2={keys[1]!r}, transformation_ctx={variable!r}"
    both = left_known + right_known if left_known is not None and right_known is not None else None
    return f"{variable} = Join.apply({call})", both


def _target(node: dict[str, Any], variable: str, frame: str, known: list[str] | None) -> str:
    keys = [_need(node["Name"], path, known) for path in node.get("PartitionKeys", [])]
    policy = node.get("SchemaChangePolicy", {})
    options = {"path": node["Path"], "connection_type": "s3", "partitionKeys": keys}
    options["compression"] = node.get("Compression", "snappy")
    if policy.get("EnableUpdateCatalog"):
        options |= {"enableUpdateCatalog": True, "updateBehavior": policy.get("UpdateBehavior", "UPDATE_IN_DATABASE")}
    call = ", ".join(f"{key}={value!r}" for key, value in options.items())
    lines = [f"{variable} = glueContext.getSink({call}, transformation_ctx={variable!r})"]
    if policy.get("EnableUpdateCatalog"):
        lines.append(
            f"{variable}.setCatalogInfo(catalogDatabase={policy['Database']!r}, catalogTableName={policy['Table']!r})"
        )
    return "\n".join([*lines, f'{variable}.setFormat("glueparquet")', f"{variable}.writeFrame({frame})"])
