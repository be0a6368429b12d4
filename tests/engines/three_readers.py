"""The same files seen by the crawler (types), Athena's readers (values) and awsglue (both), as plain Python."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from infra.engines.athena import hive_types, types
from infra.engines.athena.serdes import TextTable, rows
from infra.local.glue.crawler import formats
from infra.local.glue.crawler.schema import render

_KINDS = {
    "text": lambda choose: choose.choice(["", "x", "12", "2021-01-05", "é", "a b"]),
    "whole": lambda choose: choose.choice([0, -1, 7, 2**31 - 1]),
    "large": lambda choose: choose.choice([5, 2**31, -(2**40)]),
    "fraction": lambda choose: choose.choice([0.5, -2.25, 1e10]),
    "truth": lambda choose: choose.choice([True, False]),
    "wholes": lambda choose: [choose.randint(0, 9) for _ in range(choose.randint(1, 3))],
    "texts": lambda choose: [choose.choice("ab") for _ in range(choose.randint(1, 3))],
    "object": lambda choose: {"a": choose.randint(0, 9), "b": choose.choice("xy"), "c": [choose.choice([1.5, 2.5])]},
}


def random_records(seed: int) -> list[dict[str, Any]]:
    """Records whose fields have one kind each, or are not there."""
    choose = random.Random(seed)
    fields = {f"{kind}_{n}": kind for n, kind in enumerate(choose.sample(list(_KINDS), choose.randint(2, 6)))}
    found = [{name: _KINDS[kind](choose) for name, kind in fields.items()}]
    for number in range(choose.randint(3, 12)):
        kept = {name: _KINDS[kind](choose) for name, kind in fields.items() if choose.random() < 0.8}
        found.append({"id": number, **kept})
    return found


def crawled(path: Path) -> dict[str, str]:
    """The columns that a crawler finds, with Hive's types."""
    content = formats.read(path, path.stat().st_size)
    return {name: render(kind) for name, kind in content.schema.items()}


def of_athena(path: Path, columns: dict[str, str], format: str, skipped: int = 0, **properties: str) -> list[Any]:
    """The rows that Athena reads with the crawler's types."""
    parsed = [(name, types.parse(hive_types.hive_to_trino(kind))) for name, kind in columns.items()]
    table = TextTable(format, properties, parsed, list(columns), skipped)
    return [plain(row) for row in rows(table, path, "none")]


def plain(value: Any) -> Any:
    """A value without what is not there, so that rows of different makers compare."""
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def in_order(found: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in found)
