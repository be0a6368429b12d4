"""Text files exactly as Athena's SerDes read them, line by line.

DuckDB reads regular files much faster, and the same; this decides for all others: a row becomes a line of JSON that DuckDB reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from infra.engines.athena.serdes import files
from infra.engines.athena.types import Type


class TextTable(NamedTuple):
    """How the files of a table are read.

    Parameters
    ----------
    format: openx, hive_json, lazy, csv, regex, grok or cloudtrail
    properties: those of the table and of its SerDe, the SerDe's first
    columns: all that the lines have; wanted: the names of those that are read
    skipped, cut: how many lines a file has before and after its rows
    """

    format: str
    properties: dict[str, str]
    columns: list[tuple[str, Type]]
    wanted: list[str]
    skipped: int = 0
    cut: int = 0


def rows(table: TextTable, path: Path, compression: str) -> Iterator[dict[str, Any]]:
    """The rows of a file, as values that JSON has. Raises QueryError."""
    from infra.engines.athena.serdes.cloudtrail import records
    from infra.engines.athena.serdes.csv_text import OpenCsv
    from infra.engines.athena.serdes.grok_text import GrokText
    from infra.engines.athena.serdes.hive_json import HiveJson
    from infra.engines.athena.serdes.lazy import Lazy
    from infra.engines.athena.serdes.openx import OpenX
    from infra.engines.athena.serdes.regex_text import Regex

    readers: dict[str, Any] = {
        "openx": OpenX, "hive_json": HiveJson, "lazy": Lazy, "csv": OpenCsv, "regex": Regex, "grok": GrokText,
        "cloudtrail": HiveJson,
    }  # fmt: skip
    reader = readers[table.format](table.properties, table.columns, table.wanted)
    lines = files.lines(path, compression)
    if table.format == "cloudtrail":
        lines = records(lines)
    return reader.rows(files.without(lines, table.skipped, table.cut) if table.skipped or table.cut else lines)


def rewrite(table: TextTable, path: Path, compression: str, target: Path) -> int:
    """Write the rows of a file as JSON lines; return how many bytes the longest has. Raises QueryError."""
    write = json.JSONEncoder(ensure_ascii=False).encode
    longest = 0
    with open(target, "wb") as file:
        for row in rows(table, path, compression):
            line = write(row).encode("utf-8", "replace")
            longest = max(longest, len(line))
            file.write(line + b"\n")
    return longest
