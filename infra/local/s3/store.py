"""One account's objects on disk: a file each, a journal of what they are, and an index that is made of the journal.

A change counts once its line is in the journal, which lies beside the files. The index (SQLite) takes changes over in groups and knows how far it came;
at start it takes over the rest, or all of it where it was lost. A file that neither names is never removed: it is set aside.
"""

from __future__ import annotations

import os
import re
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson

from infra.local.core import contents, state
from infra.local.core.rows import check_file

GROUP = 1000  # changes that the index takes over at once
NAME = re.compile(r"[0-9a-f]{32}")
NAMES = re.compile(rb"[0-9a-f]{32}")
INCOMING = "incoming"  # files that are being written: no acknowledged object is there
COMPACT_BYTES = 1 << 20
Key = tuple[str, str]  # bucket, name


def write_file(path: str, data: bytes) -> None:
    """Write a new file. Raises OSError, and then there is none."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write(descriptor, data)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Store:
    """The files, the journal and the index of an account below one folder. Called by one thread at a time, but for `new_file`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.objects = str(folder / "objects")
        self._made: set[str] = set()
        os.makedirs(self.objects, exist_ok=True)
        self._make(f"{self.objects}/{INCOMING}")
        self._told = False  # that a line of the journal cannot be read
        self._pending: dict[Key, bytes | None] = {}  # changes that the index has not taken over
        self._index = _open_index(folder / "index.sqlite")
        self._journal_path = f"{self.objects}/journal"
        self._open_journal()
        self._catch_up()

    # --- files

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            with suppress(FileExistsError):
                os.mkdir(folder)
            self._made.add(folder)

    def new_file(self) -> str:
        """Return a fresh path for bytes that are on their way; `keep` makes an object's file of it."""
        return f"{self.objects}/{INCOMING}/{os.urandom(16).hex()}"

    def keep(self, path: str) -> str:
        """Move a file to where objects are and return its name: 256 folders keep each of them small."""
        name = os.path.basename(path)
        if not NAME.fullmatch(name):
            name = os.urandom(16).hex()
        self._make(f"{self.objects}/{name[:2]}")
        os.rename(path, self.path(name))
        return name

    def path(self, name: str) -> str:
        return f"{self.objects}/{name[:2]}/{name}"

    # --- changes

    def write(self, key: Key, versions: bytes | None) -> None:
        """Store what an object is now, None for no more. Raises OSError: then nothing changed."""
        data = _line(key, versions)
        try:
            _write(self._journal, data)
        except OSError:
            os.ftruncate(self._journal, self._end)
            raise
        self._end += len(data)
        self._pending[key] = versions
        if len(self._pending) >= GROUP:
            with suppress(sqlite3.Error):  # a full disk: the journal has it, and it is tried again with the next change
                self._apply()

    def read(self, key: Key) -> bytes | None:
        """Return what an object was stored as."""
        if key in self._pending:
            return self._pending[key]
        row = self._index.execute("SELECT versions FROM objects WHERE bucket = ? AND name = ?", key).fetchone()
        return row[0] if row else None

    def of_journal(self, key: Key) -> bytes | None:
        """Return what the journal says of an object whose row in the index is damaged; the index takes that over."""
        found = None
        for each, versions in self._lines(0):
            if each == key:
                found = versions
        self._pending[key] = found
        return found

    def rows(self, bucket: str) -> Iterator[tuple[str, bytes]]:
        """Yield name and versions of a bucket's objects."""
        waiting = {name: versions for (place, name), versions in self._pending.items() if place == bucket}
        for name, versions in self._index.execute("SELECT name, versions FROM objects WHERE bucket = ?", (bucket,)):
            if name not in waiting:
                yield name, versions
        for name, changed in waiting.items():
            if changed is not None:
                yield name, changed

    def buckets(self) -> set[str]:
        """Return the names under which there are rows."""
        names = {name for (name,) in self._index.execute("SELECT DISTINCT bucket FROM objects")}
        return names | {bucket for (bucket, _), versions in self._pending.items() if versions is not None}

    def _apply(self) -> None:
        """Let the index take over the changes so far."""
        if not self._pending:
            return
        with self._index:
            self._index.execute("BEGIN IMMEDIATE")
            _put(self._index, self._pending)
            self._index.execute("INSERT OR REPLACE INTO journal VALUES (0, ?, ?)", (self._generation, self._end))
        self._pending.clear()

    def close(self) -> None:
        """Bring the index up to date in one file, so that it can be copied."""
        self._apply()
        self._index.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._index.close()
        os.close(self._journal)

    # --- the journal

    def _open_journal(self) -> None:
        path = self._journal_path
        if os.path.isdir(path):
            state.set_aside(Path(path), "it is a folder")
        if not os.path.exists(path):  # a lake of before, or it is lost
            if self._index.execute("SELECT 1 FROM journal").fetchone():
                state.say(f"{path} is missing: it is made anew from the index.")
            self._new_journal()
        self._journal = os.open(path, os.O_RDWR | os.O_APPEND)
        with open(path, "rb") as file:
            first = file.readline()
        try:
            self._generation = orjson.loads(first)["generation"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self._generation = ""  # the index takes over what the rest says
        self._end = os.fstat(self._journal).st_size

    def _new_journal(self) -> None:
        generation = os.urandom(8).hex()
        temporary = f"{self._journal_path}.new"
        with open(temporary, "wb") as file:
            file.write(orjson.dumps({"generation": generation}, option=orjson.OPT_APPEND_NEWLINE))
            for bucket, name, versions in self._index.execute("SELECT bucket, name, versions FROM objects"):
                file.write(_line((bucket, name), versions))
            end = file.tell()
        os.replace(temporary, self._journal_path)
        with self._index:
            self._index.execute("INSERT OR REPLACE INTO journal VALUES (0, ?, ?)", (generation, end))

    def _lines(self, start: int) -> Iterator[tuple[Key, bytes | None]]:
        """Yield the changes from a place in the journal on; a line that a kill cut off was not acknowledged."""
        with open(self._journal_path, "rb") as file:
            file.seek(start)
            at = start
            for line in file:
                at += len(line)
                try:
                    told = orjson.loads(line)
                    if "bucket" in told:
                        versions = b64decode(told["versions"]) if "versions" in told else None
                        yield (told["bucket"], told["name"]), versions
                except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                    if line.endswith(b"\n") and not self._told:
                        self._told = True
                        state.say(f"{self._journal_path} has lines that cannot be read, the first before byte {at}.")

    def _catch_up(self) -> None:
        """Let the index take over what it does not know; all of the journal where it knows of another one, or of none."""
        row = self._index.execute("SELECT generation, end FROM journal").fetchone()
        known = row is not None and row[0] == self._generation and row[1] <= self._end
        start = row[1] if known else 0
        if not known and self._end > 64:
            if row is not None:
                state.say(f"{self.folder / 'index.sqlite'} does not fit the journal: it is made anew from that.")
            with self._index:
                self._index.execute("DELETE FROM objects")
        self._pending = {}
        with self._index:
            self._index.execute("BEGIN IMMEDIATE")
            changes: dict[Key, bytes | None] = {}
            for key, versions in self._lines(start):
                changes[key] = versions
                if len(changes) >= GROUP:
                    _put(self._index, changes)
                    changes = {}
            _put(self._index, changes)
        with open(self._journal_path, "rb+") as file:  # what a kill cut off must not become a part of the next line
            content_end = _last_line_end(file, self._end)
            if content_end < self._end:
                file.truncate(content_end)
                self._end = content_end
        with self._index:
            self._index.execute("INSERT OR REPLACE INTO journal VALUES (0, ?, ?)", (self._generation, self._end))

    # --- at start

    def tidy(self) -> tuple[int, int]:
        """Remove files of objects that were replaced or deleted, and of uploads that never ended; set others aside.

        Returns how many files were removed, and how many set aside.
        """
        removed = aside = 0
        for path in Path(self.objects, INCOMING).iterdir():
            path.unlink(missing_ok=True)
            removed += 1
        self._apply()
        rows = self._index.execute("SELECT versions FROM objects")
        named = {name for (versions,) in rows for name in _names(versions)}
        left = [path for path in Path(self.objects).glob("[0-9a-f][0-9a-f]/*") if path.name not in named]
        if left:
            past = {name for _, versions in self._lines(0) if versions is not None for name in _names(versions)}
            for path in left:
                if path.name in past:
                    path.unlink(missing_ok=True)
                    removed += 1
                else:
                    target = self.folder / "set-aside"
                    target.mkdir(exist_ok=True)
                    path.rename(target / path.name)
                    aside += 1
        self._compact()
        return removed, aside

    def _compact(self) -> None:
        """Write the journal anew where most of it is past."""
        self._apply()
        (live,) = self._index.execute("SELECT coalesce(sum(length(versions) * 4 / 3 + 200), 0) FROM objects").fetchone()
        if self._end > 2 * live + COMPACT_BYTES:
            os.close(self._journal)
            self._new_journal()
            self._open_journal()


def _line(key: Key, versions: bytes | None) -> bytes:
    told = {"bucket": key[0], "name": key[1]}
    if versions is not None:
        told["versions"] = b64encode(versions).decode()
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _names(versions: bytes) -> list[str]:
    """Return the names of files in a row, and its ETags, which look the same."""
    return [name.decode() for name in NAMES.findall(versions)]


def _last_line_end(file: object, size: int) -> int:
    """Return where the last whole line of a file ends."""
    at = size
    while at > 0:
        step = min(at, 1 << 16)
        file.seek(at - step)  # type: ignore[attr-defined]
        found = file.read(step).rfind(b"\n")  # type: ignore[attr-defined]
        if found >= 0:
            return at - step + found + 1
        at -= step
    return 0


def _put(index: sqlite3.Connection, changes: dict[Key, bytes | None]) -> None:
    index.executemany(
        "DELETE FROM objects WHERE bucket = ? AND name = ?", [key for key, value in changes.items() if value is None]
    )
    index.executemany(
        "INSERT OR REPLACE INTO objects (bucket, name, versions) VALUES (?, ?, ?)",
        [(*key, value) for key, value in changes.items() if value is not None],
    )


SCHEMA = (
    "CREATE TABLE IF NOT EXISTS objects (bucket TEXT, name TEXT, versions BLOB, PRIMARY KEY (bucket, name)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, generation TEXT, end INTEGER)",
)


def _open_index(path: Path) -> sqlite3.Connection:
    """Open the index; one that cannot be read is set aside, and an empty one takes its place."""
    try:
        check_file(path)
        connection = _connected(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # cannot be opened at all: no folder, no rights
            raise OSError(f"{path}: {error}") from error
        state.set_aside(path, f"it cannot be read ({error}); the index is made anew")
        connection = _connected(path)
    contents.made(path)
    return connection


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # The journal is what counts; a killed process loses nothing that the operating system has, only a power cut could.
        connection.execute("PRAGMA synchronous=OFF")  # first, or the other would wait for the disk
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute("SELECT bucket, name, length(versions) FROM objects LIMIT 1").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
