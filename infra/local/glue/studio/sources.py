"""Nodes that read: the Data Catalog and files in S3.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.glue.studio.node import QUOTES, SEPARATORS, Made, Node, described, literal

READING = {
    "CompressionType": "compressionType",
    "GroupFiles": "groupFiles",
    "GroupSize": "groupSize",
    "MaxBand": "maxBand",
    "MaxFilesInBand": "maxFilesInBand",
}


def catalog_source(node: Node) -> Made:
    database, table = node.given["Database"], node.given["Table"]
    call = f"database={literal(database)}, table_name={literal(table)}"
    if node.given.get("PartitionPredicate"):
        call += f", push_down_predicate={literal(node.given['PartitionPredicate'])}"
    if bounds := _bounds(node):
        call += f", additional_options={literal(bounds)}"
    code = f"{node.variable} = glueContext.create_dynamic_frame.from_catalog({call}, {node.context})"
    found = node.tables(database, table)
    columns = found.get("StorageDescriptor", {}).get("Columns", []) + found.get("PartitionKeys", [])
    return Made(code, {column["Name"]: column.get("Type", "") for column in columns})


def json_source(node: Node) -> Made:
    options = {"multiline": node.given.get("Multiline", False)}
    if node.given.get("JsonPath"):
        options["jsonPath"] = node.given["JsonPath"]
    return _s3_source(node, "json", options)


def csv_source(node: Node) -> Made:
    given = node.given
    if given["QuoteChar"] not in QUOTES:
        raise node.wrong(f"QuoteChar {given['QuoteChar']} is not part of the local AWS.")
    options = {"quoteChar": QUOTES[given["QuoteChar"]], "withHeader": given.get("WithHeader", False)}
    options["separator"] = SEPARATORS[given["Separator"]]
    switches = {"Multiline": "multiline", "SkipFirst": "skipFirst", "OptimizePerformance": "optimizePerformance"}
    options |= {option: True for member, option in switches.items() if given.get(member)}
    if given.get("Escaper"):
        options["escaper"] = given["Escaper"]
    return _s3_source(node, "csv", options)


def parquet_source(node: Node) -> Made:
    return _s3_source(node, "parquet", {})


def _s3_source(node: Node, file_format: str, options: dict[str, Any]) -> Made:
    places: dict[str, Any] = {"paths": node.given["Paths"], "recurse": node.given.get("Recurse", False)}
    if node.given.get("Exclusions"):
        places["exclusions"] = [pattern for text in node.given["Exclusions"] for pattern in _patterns(text)]
    # a sample of the path takes its place, as in Glue Studio's preview
    additional = node.given.get("AdditionalOptions") or {}
    if additional.get("EnableSamplePath") and additional.get("SamplePath"):
        places["paths"] = [additional["SamplePath"]]
    places |= {option: node.given[member] for member, option in READING.items() if node.given.get(member)}
    places |= _bounds(node)
    call = f'format_options={literal(options)}, connection_type="s3", format="{file_format}"'
    call += f", connection_options={literal(places)}"
    code = f"{node.variable} = glueContext.create_dynamic_frame.from_options({call}, {node.context})"
    schemas = described(node)
    return Made(code, schemas[0] if schemas else None)


def _bounds(node: Node) -> dict[str, str]:
    """How much a run reads, of AdditionalOptions."""
    given = node.given.get("AdditionalOptions") or {}
    return {
        option: str(given[member])
        for member, option in (("BoundedSize", "boundedSize"), ("BoundedFiles", "boundedFiles"))
        if given.get(member)
    }


def _patterns(text: str) -> list[str]:
    """Read one of Exclusions: a glob pattern, or the JSON list of them that the API's page shows."""
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if isinstance(found, list) else [text]
