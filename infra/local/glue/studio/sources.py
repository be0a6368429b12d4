"""Nodes that read: the Data Catalog and files in S3.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.glue.studio.node import QUOTES, SEPARATORS, Made, Node, described, literal


def catalog_source(node: Node) -> Made:
    database, table = node.given["Database"], node.given["Table"]
    call = f"database={literal(database)}, table_name={literal(table)}"
    if node.given.get("PartitionPredicate"):
        call += f", push_down_predicate={literal(node.given['PartitionPredicate'])}"
    code = f"{node.variable} = glueContext.create_dynamic_frame.from_catalog({call}, {node.context})"
    found = node.tables(database, table)
    columns = found.get("StorageDescriptor", {}).get("Columns", []) + found.get("PartitionKeys", [])
    return Made(code, {column["Name"]: column.get("Type", "") for column in columns})


def json_source(node: Node) -> Made:
    return _s3_source(node, "json", {"multiline": node.given.get("Multiline", False)})


def csv_source(node: Node) -> Made:
    given = node.given
    if given["QuoteChar"] not in QUOTES:
        raise node.wrong(f"QuoteChar {given['QuoteChar']} is not part of the local AWS.")
    options = {"quoteChar": QUOTES[given["QuoteChar"]], "withHeader": given.get("WithHeader", False)}
    options["separator"] = SEPARATORS[given["Separator"]]
    if given.get("Multiline"):
        options["multiline"] = True
    return _s3_source(node, "csv", options)


def parquet_source(node: Node) -> Made:
    return _s3_source(node, "parquet", {})


def _s3_source(node: Node, file_format: str, options: dict[str, Any]) -> Made:
    places: dict[str, Any] = {"paths": node.given["Paths"], "recurse": node.given.get("Recurse", False)}
    if node.given.get("Exclusions"):
        places["exclusions"] = [pattern for text in node.given["Exclusions"] for pattern in _patterns(text)]
    call = f'format_options={literal(options)}, connection_type="s3", format="{file_format}"'
    call += f", connection_options={literal(places)}"
    code = f"{node.variable} = glueContext.create_dynamic_frame.from_options({call}, {node.context})"
    schemas = described(node)
    return Made(code, schemas[0] if schemas else None)


def _patterns(text: str) -> list[str]:
    """Read one of Exclusions: a glob pattern, or the JSON list of them that the API's page shows."""
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if isinstance(found, list) else [text]
