"""JSON records into one file of Parquet or ORC, as Amazon Data Firehose converts them: each record that cannot be is told apart.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html (concatenated documents, no arrays),
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html (codes and messages)
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import duckdb

from infra.engines.athena import types
from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import TextTable
from infra.engines.athena.serdes.hive_json import HiveJson
from infra.engines.athena.serdes.lenient import Malformed
from infra.engines.athena.serdes.openx import OpenX, parse
from infra.engines.athena.types import literal, quoted

LENGTH = struct.Struct("<I")  # before each record of the input
_ROWS = 20_000
_SHORTEST_BUFFER = 1 << 16  # bytes; DuckDB makes its buffers as large as an object may be
_DECODER = json.JSONDecoder(strict=False)
EMPTY = ("MalformedData", "The record was empty or contained only whitespace.")
PRIMITIVE = (
    "MalformedData",
    "The input JSON contained a primitive at the top level. The top level must be an object or array.",
)
ARRAY = ("ParseError", "Encountered malformed JSON. An array of JSON documents is not a valid input.")
MALFORMED = ("ParseError", "Encountered malformed JSON.")
MISMATCH = "Data does not match the schema."


class Output(NamedTuple):
    """How the file is written: `parquet` or `orc`, and pyarrow's options of its writer."""

    format: str
    options: dict[str, Any]


class Converted(NamedTuple):
    """How many rows the file has (there is none for 0), and (place, code, message) of the records that are not in it."""

    rows: int
    failures: list[tuple[int, str, str]]


class _Failed(Exception):
    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message


def convert(
    connection: duckdb.DuckDBPyConnection, table: TextTable, output: Output, source: Path, target: Path
) -> Converted:
    """Write the records of a file as Parquet or ORC.

    Parameters
    ----------
    table: format `openx` or `hive_json`, and the columns
    source: the records, each after its length; target: the file to write
    """
    lines, rows, longest, failures = target.with_suffix(".json"), 0, 0, []
    reader = _Reader(table)
    write = json.JSONEncoder(ensure_ascii=False).encode
    try:
        with open(source, "rb") as given, open(lines, "wb") as file:
            for place, data in enumerate(_records(given)):
                try:
                    found = [write(row).encode("utf-8", "replace") for row in reader.rows(data)]
                except _Failed as error:
                    failures.append((place, error.code, error.message))
                    continue
                for line in found:
                    longest = max(longest, len(line))
                    file.write(line + b"\n")
                rows += len(found)
        if rows:
            _write(connection.sql(_select(table, lines, longest)), output, target)
    finally:
        lines.unlink(missing_ok=True)
    return Converted(rows, failures)


def _records(file: BinaryIO) -> Iterator[bytes]:
    while head := file.read(LENGTH.size):
        yield file.read(LENGTH.unpack(head)[0])


class _Reader:
    """The rows of records, by the deserializer."""

    def __init__(self, table: TextTable):
        reader = OpenX if table.format == "openx" else HiveJson
        self.row = reader(table.properties, table.columns, table.wanted).row
        self.is_lenient = table.format == "openx"
        self.any_case = self.is_lenient and table.properties.get("case.insensitive", "true") == "true"

    def rows(self, data: bytes) -> list[dict[str, Any]]:
        """Raises _Failed for a record that has not only rows."""
        text = data.decode("utf-8", "replace").strip()
        if not text:
            raise _Failed(*EMPTY)
        try:
            return [self.row(document) for document in self._documents(text)]
        except QueryError as error:
            if error.code == "HIVE_CURSOR_ERROR":
                raise _Failed(*MALFORMED) from None
            _, _, detail = error.message.partition(": For input string: ")
            raise _Failed("MalformedData", f"{MISMATCH} For input string: {detail}" if detail else MISMATCH) from None

    def _documents(self, text: str) -> Iterator[str]:
        """Yield the documents of a record, of which each must be an object. Raises _Failed."""
        at = 0
        while at < len(text):
            try:
                value, end = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                if at or not self.is_lenient or not text.startswith("{"):
                    raise _Failed(*MALFORMED) from None
                try:
                    value, end = parse(text), len(text)
                except Malformed:
                    raise _Failed(*MALFORMED) from None
            if isinstance(value, list):
                raise _Failed(*ARRAY)
            if not isinstance(value, dict):
                raise _Failed(*(MALFORMED if at else PRIMITIVE))
            yield text[at:end]
            at = end
            while at < len(text) and text[at].isspace():
                at += 1


def _select(table: TextTable, path: Path, longest: int) -> str:
    columns, select = [], []
    for name, kind in table.columns:
        is_binary = kind.name == "varbinary"
        columns.append(f"{literal(name)}: '{'VARCHAR' if is_binary else types.duckdb(kind)}'")
        select.append(f"{f'from_base64({quoted(name)})' if is_binary else quoted(name)} AS {quoted(name)}")
    return (
        f"SELECT {', '.join(select)} FROM read_json({literal(str(path))}, format='newline_delimited', "
        f"columns={{{', '.join(columns)}}}, records=true, compression='none', "
        f"maximum_object_size={max(longest + 1, _SHORTEST_BUFFER)})"
    )


def _write(relation: Any, output: Output, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.orc
    import pyarrow.parquet

    batches = relation.to_arrow_reader(_ROWS)
    if output.format == "parquet":
        with pa.parquet.ParquetWriter(target, batches.schema, **output.options) as writer:
            for batch in batches:
                writer.write_batch(batch)
        return
    with pa.orc.ORCWriter(str(target), **output.options) as writer:
        for batch in batches:
            writer.write(pa.Table.from_batches([batch]))
