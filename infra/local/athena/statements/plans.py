"""What EXPLAIN tells: the steps of a query in Athena's layout, and for EXPLAIN ANALYZE those that ran, with their cost."""

from __future__ import annotations

import json
from typing import Any

from infra.local.athena.sql.translate import Translated
from infra.local.athena.statements.steps import Step

# The operators of the engine that runs queries here, and Trino's words for the same work
_OPERATORS = {
    "PROJECTION": "Project", "FILTER": "Filter", "ORDER_BY": "Sort", "TOP_N": "TopN", "WINDOW": "Window", "UNION": "Union",
    "STREAMING_WINDOW": "Window", "UNNEST": "Unnest", "INOUT_FUNCTION": "Unnest", "CROSS_PRODUCT": "CrossJoin",
    "CTE": "Project", "RECURSIVE_CTE": "Union", "RESERVOIR_SAMPLE": "Sample", "STREAMING_SAMPLE": "Sample",
}  # fmt: skip
_BY_PART = (
    ("AGGREGATE", "Aggregate"), ("GROUP_BY", "Aggregate"), ("LIMIT", "Limit"), ("READ_", "TableScan"), ("TABLE_SCAN", "TableScan"),
    ("SCAN", "Values"), ("RESULT", "Values"),
)  # fmt: skip
_JOINS = {"LEFT": "LeftJoin", "SINGLE": "LeftJoin", "RIGHT": "RightJoin", "OUTER": "FullJoin", "FULL": "FullJoin", "SEMI": "SemiJoin", "ANTI": "SemiJoin", "MARK": "SemiJoin"}  # fmt: skip
_OUTSIDE = ("RESULT_COLLECTOR", "EXPLAIN_ANALYZE")  # what stands around a plan that has run


def io_plan(found: Translated) -> str:
    inputs = [
        {"table": {"catalog": "awsdatacatalog", "schemaTable": {"schema": use.database, "table": use.table}}}
        for use in found.tables
    ]
    return json.dumps({"inputTableColumnInfos": inputs}, indent=2)


def plan(root: Step, found: Translated, form: str) -> str:
    """A plan that has not run."""
    return _laid_out([_described(root)], found, form)


def run_plan(tree: Any, found: Translated, form: str) -> str:
    """The operators of a plan that has run, with the rows that each gave and its time."""
    roots = tree if isinstance(tree, list) else tree.get("operator", [])
    return _laid_out([_measured(root) for root in roots], found, form)


def _laid_out(nodes: list[dict[str, Any]], found: Translated, form: str) -> str:
    if form == "JSON":
        return json.dumps(nodes, indent=2)
    lines = ["Fragment 0 [SINGLE]"]
    lines.append(f"    Output layout: [{', '.join(c.name for c in found.columns)}]")
    lines += [f"    Input: awsdatacatalog.{use.database}.{use.table}" for use in found.tables]
    for node in nodes:
        _text_node(node, 1, lines)
    return "\n".join(lines) + "\n\n"


def _described(step: Step) -> dict[str, Any]:
    return {"name": step.name, "descriptor": step.told, "children": [_described(child) for child in step.children]}


def _measured(raw: dict[str, Any]) -> dict[str, Any]:
    name = str(raw.get("name") or raw.get("type") or "").strip()
    if name in _OUTSIDE and raw.get("children"):
        return _measured(raw["children"][0])
    return {
        "name": _operator(name, str((raw.get("extra_info") or {}).get("Join Type", "INNER"))),
        "descriptor": {},
        "rows": raw.get("intermediate_rows", 0),
        "seconds": raw.get("timing", 0.0),
        "children": [_measured(child) for child in raw.get("children", [])],
    }


def _operator(name: str, join: str) -> str:
    name = name.upper()
    if name in _OPERATORS:
        return _OPERATORS[name]
    if "JOIN" in name:
        return next((word for sort, word in _JOINS.items() if sort in join.upper()), "InnerJoin")
    return next((word for part, word in _BY_PART if part in name), "Project")


def _text_node(node: dict[str, Any], depth: int, lines: list[str]) -> None:
    pad = "    " * depth
    told = ", ".join(f"{key} = {value}" for key, value in node["descriptor"].items())
    lines.append(f"{pad}- {node['name']}{f'[{told}]' if told else ''}")
    if "rows" in node:
        lines.append(f"{pad}      CPU: {node['seconds'] * 1000:.2f}ms, Output: {node['rows']} rows")
    for child in node["children"]:
        _text_node(child, depth + 1, lines)
