"""Records of a service that grow: one row of a SQLite file each, so that a change costs the change and not the collection."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.core import notes

LARGEST_CHECKED = 16 << 20  # bytes of a file whose pages are all looked at when it is opened: some ten milliseconds


class Rows:
    """A SQLite file for several threads. What a change wrote survives kill -9 of the process from its end on.

    A file that is damaged is set aside, and an empty one takes its place.

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
            self._connection = _connected(path, schema)
        except sqlite3.OperationalError as error:
            raise OSError(errno.ENOSPC, str(error)) from error
        except sqlite3.DatabaseError as error:
            notes.set_aside(path, f"it cannot be read ({error}); what it held is not there any more")
            for suffix in ("-wal", "-shm"):  # of the file that is gone
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._connection = _connected(path, schema)

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
        """Return the rows that a statement gives."""
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


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
