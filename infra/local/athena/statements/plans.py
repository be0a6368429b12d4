"""What EXPLAIN tells: the plan of a statement from DuckDB's, in Athena's layout."""

from __future__ import annotations

import json
import re
from typing import Any

from infra.local.athena.sql.translate import Translated

_HIDDEN_INFO = {"Function", "Text", "Filename(s)", "__estimated_cardinality__", "__order_by__"}


def io_plan(found: Translated) -> str:
    inputs = [
        {"table": {"catalog": "awsdatacatalog", "schemaTable": {"schema": use.database, "table": use.table}}}
        for use in found.tables
    ]
    return json.dumps({"inputTableColumnInfos": inputs}, indent=2)


def plan(tree: Any, found: Translated, form: str, analyze: bool) -> str:
    """The plan of a statement from DuckDB's: its operators, with the tables' own names and without files."""
    roots = tree if isinstance(tree, list) else tree.get("operator", [])
    if form == "JSON":
        return json.dumps([_node(root) for root in roots], indent=2)
    lines = ["Fragment 0 [SINGLE] (local AWS: the plan is DuckDB's)"]
    lines.append(f"    Output layout: [{', '.join(c.name for c in found.columns)}]")
    lines += [f"    Input: awsdatacatalog.{use.database}.{use.table}" for use in found.tables]
    for root in roots:
        _text_node(_node(root), 1, lines, analyze)
    return "\n".join(lines) + "\n\n"


def _node(raw: dict[str, Any]) -> dict[str, Any]:
    name = str(raw.get("name") or raw.get("type") or "").strip()
    if name in ("RESULT_COLLECTOR", "EXPLAIN_ANALYZE") and raw.get("children"):
        return _node(raw["children"][0])
    info = {
        key: _readable(value)
        for key, value in (raw.get("extra_info") or {}).items()
        if key not in _HIDDEN_INFO and value
    }
    if name.startswith(("READ_", "TABLE_SCAN")):
        name = "TableScan"
    node = {"name": _operator(name), "details": info}
    if "timing" in raw:
        node["rows"] = raw.get("intermediate_rows", 0)
        node["seconds"] = raw["timing"]
    node["children"] = [_node(child) for child in raw.get("children", [])]
    return node


def _operator(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) if name.isupper() else name


def _readable(value: Any) -> Any:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return re.sub(r"(/[\w.+=@%-]+){2,}", "…", text)


def _text_node(node: dict[str, Any], depth: int, lines: list[str], analyze: bool) -> None:
    pad = "    " * depth
    lines.append(f"{pad}- {node['name']}")
    for key, value in node["details"].items():
        lines.append(f"{pad}      {key}: {value}")
    if analyze and "rows" in node:
        lines.append(f"{pad}      CPU: {node['seconds'] * 1000:.2f}ms, Output: {node['rows']} rows")
    for child in node["children"]:
        _text_node(child, depth + 1, lines, analyze)
