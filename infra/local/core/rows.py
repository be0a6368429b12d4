"""Records of a service that grow: one row of a SQLite file each, so that a change costs the change and not the collection."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.local.core import contents, notes

MOST_LOST = 64  # times what is there: a header that tells of more is itself damaged
LARGEST_CHECKED = 16 << 20  # bytes of a file whose pages are all looked at when it is opened: some ten milliseconds


class Rows:
    """A SQLite file for several threads. What a change wrote survives kill -9 of the process from its end on.

    A file that is damaged is set aside, and one with the rows that can be read takes its place.

    Parameters
    ----------
    path: the file; it is made if it is not there
    schema: statements, each `CREATE … IF NOT EXISTS`

    Raises
    ------
    OSError: the disk is full, or the file cannot be opened
    """

    def __init__(self, path: Path, schema: tuple[str, ...]):
        self._lock = threading.RLock()
        try:
            check_file(path)
            self._connection = _connected(path, schema)
        except sqlite3.OperationalError as error:
            raise OSError(errno.ENOSPC, str(error)) from error
        except sqlite3.DatabaseError as error:
            self._connection = _anew(path, schema, error)
        contents.made(path)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is stored at the end, or nothing when an exception leaves it. Raises OSError where the disk is full."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:  # SQLite itself takes some back
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise OSError(errno.ENOSPC, str(error)) from error
                raise

    def read(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows that a statement gives.

        Parameters
        ----------
        statement: of SQL
        parameters: for its question marks
        """
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def check_file(path: Path) -> None:
    """Check what SQLite does not look at when it opens a file: that it is one, and as long as its first page says.

    Parameters
    ----------
    path: the file, which need not be there

    Raises
    ------
    sqlite3.DatabaseError: it is cut off, or no file

    Source: https://www.sqlite.org/fileformat2.html#the_database_header
    """
    if path.is_dir():
        raise sqlite3.DatabaseError("it is a folder")
    if not path.exists():
        return
    if not os.access(path, os.R_OK | os.W_OK):
        raise sqlite3.DatabaseError("it may not be read or written")
    if (log := path.with_name(f"{path.name}-wal")).exists() and log.stat().st_size:
        return  # what is in the log is not in the file yet
    if path.stat().st_size < (whole := _whole_size(path)):
        raise sqlite3.DatabaseError(f"it has {path.stat().st_size} of {whole} bytes")


def _whole_size(path: Path) -> int:
    """Return how many bytes a file has by its first page, 0 where that does not tell."""
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or head[24:28] != head[92:96]:
        return 0  # empty, or written by an SQLite that does not tell
    size = int.from_bytes(head[16:18], "big")
    return (1 << 16 if size == 1 else size) * int.from_bytes(head[28:32], "big")


def _anew(path: Path, schema: tuple[str, ...], error: sqlite3.Error) -> sqlite3.Connection:
    """Set a damaged file aside and make another one, with the rows of it that can be read."""
    aside = notes.set_aside(path, f"it cannot be read ({error}); what could be read of its rows is in a new file")
    connection = _connected(path, schema)
    if aside.is_file() and os.access(aside, os.R_OK):
        _rescue(aside, connection)
    return connection


def _rescue(damaged: Path, connection: sqlite3.Connection) -> None:
    """Copy the rows of a damaged file that can be read, from both ends of each table."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    tables = [name for (name,) in names.fetchall()]
    with TemporaryDirectory(dir=damaged.parent, prefix=".", suffix=".tmp") as folder:
        copy = Path(folder, "copy")
        for suffix in ("", "-wal"):
            if (beside := damaged.with_name(damaged.name + suffix)).exists():
                shutil.copyfile(beside, copy.with_name(copy.name + suffix))
        there = copy.stat().st_size
        if there < (whole := _whole_size(copy)) <= MOST_LOST * there:
            os.truncate(copy, whole)  # SQLite reads nothing of a file that is shorter than it says
        with closing(sqlite3.connect(copy)) as source:
            for name, order in itertools.product(tables, ("", "ORDER BY 1 DESC")):
                with suppress(sqlite3.DatabaseError):  # from where the damage is
                    for row in source.execute(f"SELECT * FROM {name} {order}"):
                        connection.execute(f"INSERT OR IGNORE INTO {name} VALUES ({', '.join('?' * len(row))})", row)


def _connected(path: Path, schema: tuple[str, ...]) -> sqlite3.Connection:
    """Return a connection to a file with these tables. Raises sqlite3.Error."""
    is_checked = path.exists() and path.stat().st_size <= LARGEST_CHECKED
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # A killed process loses nothing that the operating system has; only a power cut could. The other order would wait for the disk.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=WAL")
        if is_checked and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        for statement in schema:
            connection.execute(statement)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
