"""Nodes that write: files in S3 and tables of the Data Catalog.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

from typing import Any

from infra.local.glue.studio.node import COMPRESSIONS, Made, Node, literal
from infra.local.glue.studio.transforms import whole_columns


def direct_target(node: Node) -> Made:
    return _s3_target(node, node.given["Format"], node.given["Format"], node.given.get("Compression"))


def glue_parquet_target(node: Node) -> Made:
    return _s3_target(node, "parquet", "glueparquet", node.given.get("Compression", "snappy"))


def _s3_target(node: Node, kind: str, written: str, compression: str | None) -> Made:
    if kind not in COMPRESSIONS:
        raise node.wrong(f"the format {kind} is not part of the local AWS; it has {', '.join(COMPRESSIONS)}.")
    if compression and compression not in COMPRESSIONS[kind]:
        known = ", ".join(sorted(COMPRESSIONS[kind]))
        raise node.wrong(f"the compression {compression} of {kind} is not part of the local AWS; it has {known}.")
    frame, keys, policy = _partitioned(node), _partition_keys(node), node.given.get("SchemaChangePolicy", {})
    packed = {"compression": compression} if compression else {}
    if not policy.get("EnableUpdateCatalog"):
        in_format = packed if kind == "parquet" else {}  # the others have it in the connection's options
        place = {"path": node.given["Path"], **({} if in_format else packed), "partitionKeys": keys}
        format_options = f", format_options={literal(in_format)}" if in_format else ""
        call = f'frame={frame}, connection_type="s3", format="{written}", connection_options={literal(place)}'
        code = f"glueContext.write_dynamic_frame.from_options({call}{format_options}, {node.context})"
        return Made(f"{node.variable} = {code}")
    if not policy.get("Database") or not policy.get("Table"):
        raise node.wrong("SchemaChangePolicy.EnableUpdateCatalog needs a Database and a Table.")
    options: dict[str, Any] = {"path": node.given["Path"], "connection_type": "s3"}
    options |= {"updateBehavior": policy.get("UpdateBehavior", "UPDATE_IN_DATABASE"), "partitionKeys": keys}
    options |= packed | {"enableUpdateCatalog": True}
    call = ", ".join(f"{key}={literal(value)}" for key, value in options.items())
    table = f"catalogDatabase={literal(policy['Database'])}, catalogTableName={literal(policy['Table'])}"
    lines = [
        f"{node.variable} = glueContext.getSink({call}, {node.context})",
        f"{node.variable}.setCatalogInfo({table})",
        f'{node.variable}.setFormat("{written}")',
        f"{node.variable}.writeFrame({frame})",
    ]
    return Made("\n".join(lines))


def _partitioned(node: Node) -> str:
    """The frame in as many parts as there are to be files; 0, which Glue Studio stores, leaves that to Spark."""
    number = node.given.get("NumberTargetPartitions") or "0"
    if not number.isdecimal():
        raise node.wrong(f"NumberTargetPartitions {number} is no number.")
    return f"{node.source.variable}.coalesce({int(number)})" if int(number) else node.source.variable


def catalog_target(node: Node) -> Made:
    database, table = node.given["Database"], node.given["Table"]
    policy, keys = node.given.get("SchemaChangePolicy", {}), _partition_keys(node)
    own = [key["Name"] for key in node.tables(database, table).get("PartitionKeys", [])]
    if keys and keys != own:
        raise node.wrong(
            f"its PartitionKeys are {', '.join(keys)}, those of {database}.{table} are {', '.join(own) or 'none'}."
        )
    options: dict[str, Any] = {}
    if policy.get("EnableUpdateCatalog"):
        options = {"enableUpdateCatalog": True}
        options["updateBehavior"] = policy.get("UpdateBehavior", "UPDATE_IN_DATABASE")
    options |= {"partitionKeys": keys} if keys else {}
    call = f"frame={node.source.variable}, database={literal(database)}, table_name={literal(table)}"
    call += f", additional_options={literal(options)}" if options else ""
    return Made(f"{node.variable} = glueContext.write_dynamic_frame.from_catalog({call}, {node.context})")


def _partition_keys(node: Node) -> list[str]:
    return whole_columns(node, node.given.get("PartitionKeys", []))
