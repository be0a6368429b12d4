"""Delimited text from a cursor of one text column."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb

_ROWS = 10_000


def write_lines(cursor: duckdb.DuckDBPyConnection, path: Path, compressed: bool) -> int:
    """Write a line a row; return how many. `compressed`: by gzip."""
    count = 0
    with gzip.open(path, "wb") if compressed else open(path, "wb") as file:
        while rows := cursor.fetchmany(_ROWS):
            file.write("".join(f"{value}\n" for (value,) in rows).encode())
            count += len(rows)
    return count
