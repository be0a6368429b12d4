"""The process that runs the statements of one Athena query at a time: `python -m infra.engines.athena.process FD FOLDER`.

Requests are (name, arguments) through the socket FD, answers ("done", value) or ("failed", Failure): see client.py, which starts it.
The process has a limit of memory of its own, so that no query can take the server's; what DuckDB cannot keep in it goes to FOLDER.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb

from infra.engines.athena import columnar, conversion, database, serdes, spill
from infra.engines.athena.client import MAX_ANSWER_ROWS, Failure
from infra.engines.athena.errors import QueryError
from infra.engines.athena.limits import (
    CODE_BYTES,
    DUCKDB_BYTES,
    EXHAUSTED_CODE,
    FILE_BYTES,
    QUERY_BYTES,
    SPILL_BYTES,
    THREADS,
    exhausted,
)
from infra.engines.athena.serdes import files

LOOK_SECONDS = 0.05
NICE = 5  # the server answers before queries are worked on
_OF_DATA = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.IOException)
_NOT_TAKEN = (duckdb.BinderException, duckdb.ParserException, duckdb.InternalException)


class Session:
    """What the server may ask for, on one connection to DuckDB."""

    def __init__(self, folder: Path):
        self.connection = database.connect(folder)
        self.connection.execute(f"SET memory_limit = '{DUCKDB_BYTES >> 20}MiB'")
        self.connection.execute(f"SET max_temp_directory_size = '{SPILL_BYTES >> 20}MiB'")
        self.connection.execute(f"SET threads = {THREADS}")
        self.data = _data() or _resident()

    def finish(self) -> int:
        """Forget the tables of the query; return the bytes that the process has grown by."""
        self.connection.close()
        self.connection = database.connect()
        held = _data() or _resident()
        _limit(held)
        return held - self.data

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows, which must be few."""
        rows = self.connection.execute(sql).fetchmany(MAX_ANSWER_ROWS + 1)
        if len(rows) > MAX_ANSWER_ROWS:
            raise exhausted()
        return rows

    def write_lines(self, sql: str, path: Path, compressed: bool) -> int:
        """Write the one text column of a query, a line a row; return how many."""
        return spill.write_lines(self.connection.execute(sql), path, compressed)

    def rewrite(self, table: serdes.TextTable, path: Path, compression: str, target: Path) -> int:
        """Write the rows of a text file, exactly as its SerDe reads them, as JSON lines; return the bytes of the longest."""
        return serdes.rewrite(table, path, compression, target)

    def holds(self, path: Path, compression: str, patterns: tuple[bytes, ...]) -> bool:
        return files.holds(path, compression, patterns)

    def key_forms(self, path: Path, compression: str, names: list[str]) -> dict[str, str | None]:
        return files.key_forms(path, compression, names)

    def as_parquet(self, path: Path, format: str, names: list[str] | None, target: Path, uri: str) -> None:
        columnar.as_parquet(path, format, names, target, uri)

    def from_parquet(self, path: Path, format: str, codec: str, target: Path) -> None:
        columnar.from_parquet(path, format, codec, target)

    def convert(
        self, table: serdes.TextTable, output: conversion.Output, source: Path, target: Path
    ) -> conversion.Converted:
        """Write JSON records as one Parquet or ORC file, for Firehose."""
        return conversion.convert(self.connection, table, output, source, target)

    def odd_json(self, path: Path, compression: str) -> bool:
        return files.odd_json(path, compression)


def failure(error: Exception) -> Failure:
    """An error as the server gets it."""
    if isinstance(error, QueryError):
        return Failure(error.code, error.message)
    found = exhausted() if isinstance(error, MemoryError) else database.run_time_error(error)
    detail = (
        f"{type(error).__name__}: {error}"
        if isinstance(error, _NOT_TAKEN) or not isinstance(error, duckdb.Error)
        else ""
    )
    return Failure(found.code, found.message, isinstance(error, _OF_DATA), detail)


def serve(requests: Connection, session: Session) -> None:
    """Answer until the server closes its end."""
    while True:
        try:
            name, arguments = requests.recv()
        except EOFError:
            return
        work: Callable[..., Any] = getattr(session, name)
        try:
            answer: tuple[str, Any] = ("done", work(*arguments))
        except Exception as error:
            answer = ("failed", failure(error))
        requests.send(answer)


def confine(held: int) -> None:
    """Set the limits of the process, and watch over those that the system does not keep (macOS has no limit of memory)."""
    os.nice(NICE)
    _limit(held)
    _lower(resource.RLIMIT_FSIZE, FILE_BYTES)
    _lower(resource.RLIMIT_CORE, 0)
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _limit(held: int) -> None:
    """Let the process have so much more than it holds, most of which it has given back and the system still counts."""
    _lower(resource.RLIMIT_DATA, held + QUERY_BYTES)


def _lower(limit: int, wanted: int) -> None:
    """Set a limit of the process to what is wanted, or to what the system allows at most."""
    _, most = resource.getrlimit(limit)
    resource.setrlimit(limit, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _data() -> int | None:
    """The bytes that the system counts as the data of this process; None where it does not tell."""
    return _told("VmData")


def _resident() -> int:
    """The most bytes of memory that the process has had.

    Not by getrusage where the system tells more: its figure begins with that of the process that has started this one, the server.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    return _told("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _told(name: str) -> int | None:
    """A figure of Linux about this process, in bytes; None on other systems."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(f"{name}:")), None)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        if _resident() > QUERY_BYTES + CODE_BYTES:
            os._exit(EXHAUSTED_CODE)
        time.sleep(LOOK_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    opened = Session(Path(sys.argv[2]))
    confine(opened.data)
    serve(Connection(int(sys.argv[1])), opened)
