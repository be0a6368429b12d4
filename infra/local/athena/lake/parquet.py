"""Parquet files: what their footers say, and their columns as a table's."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from infra.engines.athena import types
from infra.engines.athena.client import Engine, EngineError
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Type, quoted
from infra.local.athena.lake.files import File, absent, paths

KEPT = 20_000  # files whose footers are remembered; an object's file never changes
_AT_ONCE = 200


class Chunk(NamedTuple):
    """A column in a row group: its bytes (all parts of a nested column), its smallest and largest value as text."""

    size: int
    low: str | None
    high: str | None


class Footer(NamedTuple):
    """What the end of a Parquet file says, by column in lower case: the name as it is written and the DuckDB type, the chunks of each row group."""

    signature: tuple[Any, ...]
    types: dict[str, tuple[str, str]]
    groups: list[dict[str, Chunk]]


_footers: OrderedDict[Path, Footer] = OrderedDict()
_footers_lock = threading.Lock()


def footers(engine: Engine, files: list[File]) -> dict[Path, Footer]:
    """The footers of Parquet files; each file is read once. Raises QueryError HIVE_BAD_DATA for what is no Parquet file."""
    with _footers_lock:
        found = {file.path: _footers[file.path] for file in files if file.path in _footers}
    missing = [file for file in files if file.path not in found]
    for start in range(0, len(missing), _AT_ONCE):
        found |= _read(engine, missing[start : start + _AT_ONCE])
    return found


def _read(engine: Engine, missing: list[File]) -> dict[Path, Footer]:
    found: dict[Path, Footer] = {}
    for file in missing:
        with open(file.path, "rb") as opened:
            opened.seek(max(file.size - 4, 0))
            tail = opened.read(4)
        if tail != b"PAR1":
            raise QueryError(
                "HIVE_BAD_DATA",
                f"Not valid Parquet file: {file.uri} expected magic number: PAR1 got: {tail.decode('latin-1')}",
            )
    listed = paths(missing)
    try:
        schema = engine.fetch(
            "SELECT file_name, name, type, num_children, converted_type, CAST(logical_type AS VARCHAR) "
            f"FROM parquet_schema({listed})"
        )
        chunks = engine.fetch(
            "SELECT file_name, row_group_id, lower(path_in_schema), total_compressed_size, "
            "coalesce(stats_min_value, stats_min), coalesce(stats_max_value, stats_max) "
            f"FROM parquet_metadata({listed})"
        )
    except EngineError:
        bad = next((file for file in missing if not _has_schema(engine, file)), missing[0])
        raise QueryError("HIVE_BAD_DATA", f"Malformed Parquet file: {bad.uri}") from None
    signatures: dict[str, list[Any]] = defaultdict(list)
    groups: dict[str, dict[int, dict[str, Chunk]]] = defaultdict(lambda: defaultdict(dict))
    for name, *rest in schema:
        signatures[name].append(tuple(rest))
    for name, number, path, size, low, high in chunks:
        column, nested, _ = path.partition(", ")
        before = groups[name][number].get(column, Chunk(0, None, None)).size
        groups[name][number][column] = Chunk(before + size, None if nested else low, None if nested else high)
    described: dict[tuple[Any, ...], dict[str, tuple[str, str]]] = {}
    for file in missing:
        signature = tuple(signatures[str(file.path)])
        if signature not in described:
            rows = engine.fetch(f"DESCRIBE SELECT * FROM read_parquet({paths([file])})")
            described[signature] = {row[0].lower(): (row[0], row[1]) for row in rows}
        found[file.path] = Footer(signature, described[signature], list(groups[str(file.path)].values()))
    with _footers_lock:
        for file in missing:
            _footers[file.path] = found[file.path]
        while len(_footers) > KEPT:
            _footers.popitem(last=False)
    return found


def _has_schema(engine: Engine, file: File) -> bool:
    try:
        engine.fetch(f"SELECT count(*) FROM parquet_schema({paths([file])})")
    except EngineError:
        return False
    return True


_COMPATIBLE = {
    "TINYINT": ("tinyint", "smallint", "integer", "bigint", "double", "decimal"),
    "SMALLINT": ("smallint", "integer", "bigint", "double", "decimal", "tinyint"),
    "INTEGER": ("integer", "bigint", "smallint", "tinyint", "double", "decimal"),
    "BIGINT": ("bigint", "decimal", "integer", "smallint", "tinyint"),
    "UTINYINT": ("smallint", "integer", "bigint"),
    "USMALLINT": ("integer", "bigint"),
    "UINTEGER": ("bigint",),
    "UBIGINT": ("bigint", "decimal"),
    "FLOAT": ("real", "double"),
    "DOUBLE": ("double", "real"),
    "BOOLEAN": ("boolean",),
    "VARCHAR": ("varchar", "char", "varbinary", "json"),
    "BLOB": ("varbinary", "varchar", "char"),
    "DATE": ("date", "timestamp"),
    "TIMESTAMP": ("timestamp", "bigint"),
    "TIMESTAMP_NS": ("timestamp",),
    "TIMESTAMP_MS": ("timestamp",),
    "TIMESTAMP_S": ("timestamp",),
    "TIMESTAMP WITH TIME ZONE": ("timestamp",),
    "TIME": ("time",),
    "UUID": ("varchar",),
    "JSON": ("varchar",),
}


def column(name: str, kind: Type, written: tuple[str, str] | None, uri: str) -> str:
    """The SQL of a wanted column of Parquet files; NULL where they do not have it. Raises QueryError HIVE_BAD_DATA."""
    target = types.duckdb(kind)
    if written is None:
        return f"{absent(target)} AS {quoted(name)}"
    own, duck = written
    base = duck.partition("(")[0] if not duck.endswith("[]") else "LIST"
    nested = {"LIST": "array", "STRUCT": "row", "MAP": "map"}
    allowed = (
        ("decimal", "double") if base == "DECIMAL" else (nested[base],) if base in nested else _COMPATIBLE.get(duck, ())
    )
    if kind.name not in allowed:
        raise QueryError(
            "HIVE_BAD_DATA",
            f"Field {name}'s type {duck} in parquet file {uri} is incompatible with type {kind} defined in table schema",
        )
    sql = quoted(own)
    if kind.name == "timestamp":
        moment = f"timezone('UTC', {sql})" if duck == "TIMESTAMP WITH TIME ZONE" else f"CAST({sql} AS TIMESTAMP)"
        return f"date_trunc('millisecond', {moment}) AS {quoted(name)}"
    if duck == target or (kind.name in ("varchar", "char") and duck == "VARCHAR"):
        return f"{sql} AS {quoted(name)}"
    if duck == "BLOB" and target == "VARCHAR":
        return f"decode({sql}) AS {quoted(name)}"
    return f"CAST({sql} AS {target}) AS {quoted(name)}"
