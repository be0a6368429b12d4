"""Executions on disk: one SQLite file an account and region, a row for each execution, frame and event, so that a change costs the change.

What is committed survives kill -9: SQLite has handed it to the operating system.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from infra.local.core.rows import Rows
from infra.local.stepfunctions.definition import Definition
from infra.local.stepfunctions.record import Execution, Frame
from infra.local.stepfunctions.scope import compact

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS executions ("
    "seq INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT UNIQUE NOT NULL, machine_arn TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, "
    "status TEXT NOT NULL, start REAL NOT NULL, stop REAL, definition TEXT NOT NULL, record TEXT NOT NULL, "
    "told TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX IF NOT EXISTS by_machine ON executions (machine_arn, seq)",
    "CREATE INDEX IF NOT EXISTS by_status ON executions (status)",
    "CREATE TABLE IF NOT EXISTS definitions (hash TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS frames (arn TEXT, id INTEGER, record TEXT NOT NULL, PRIMARY KEY (arn, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS events (arn TEXT, id INTEGER, record TEXT NOT NULL, PRIMARY KEY (arn, id)) WITHOUT ROWID",
)


class AlreadyStored(Exception):
    """There is an execution with this ARN."""


class Store:
    """The executions of one account and region.

    Parameters
    ----------
    path: the file; made if it is not there
    """

    def __init__(self, path: Path, account: str, region: str):
        self.account, self.region = account, region
        self._rows = Rows(path, SCHEMA)

    def close(self) -> None:
        self._rows.close()

    def add(self, execution: Execution) -> list[dict[str, Any]]:
        """Store a new execution, all or nothing. Return its events. Raises AlreadyStored."""
        columns = [getattr(execution, name) for name in Execution.COLUMNS]
        with self._rows.change() as database:
            database.execute(
                "INSERT OR IGNORE INTO definitions VALUES (?, ?)",
                (execution.definition.hash, execution.definition.text),
            )
            try:
                database.execute(
                    "INSERT INTO executions (arn, machine_arn, name, kind, status, start, stop, definition, record) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*columns, execution.definition.hash, execution.record()),
                )
            except sqlite3.IntegrityError:
                raise AlreadyStored(execution.arn) from None
            self._write(database, execution)
        return _written(execution)

    def save(self, execution: Execution) -> list[dict[str, Any]]:
        """Store what has changed in an execution, all or nothing. Return the events that are new."""
        with self._rows.change() as database:
            if execution.is_express and execution.status != "RUNNING":  # nobody can ask for it any more
                for table in ("executions", "frames", "events"):
                    database.execute(f"DELETE FROM {table} WHERE arn = ?", (execution.arn,))
            else:
                database.execute(
                    "UPDATE executions SET status = ?, stop = ?, record = ? WHERE arn = ?",
                    (execution.status, execution.stop, execution.record(), execution.arn),
                )
                self._write(database, execution)
        return _written(execution)

    def _write(self, database: sqlite3.Connection, execution: Execution) -> None:
        arn = execution.arn
        database.executemany(
            "INSERT OR REPLACE INTO frames VALUES (?, ?, ?)",
            [(arn, number, execution.frames[number].dumps()) for number in execution.changed],
        )
        database.executemany(
            "DELETE FROM frames WHERE arn = ? AND id = ?", [(arn, number) for number in execution.gone]
        )
        if not execution.is_express:
            database.executemany(
                "INSERT INTO events VALUES (?, ?, ?)",
                [(arn, event["id"], compact(event)) for event in execution.events],
            )

    def find(self, arn: str, with_frames: bool = False) -> Execution | None:
        """Return an execution as it is stored."""
        for row in self._rows.read(_SELECT + "WHERE e.arn = ?", arn):
            return self._execution(row, self._frames(arn) if with_frames else [])
        return None

    def running(self) -> list[Execution]:
        """Return the executions that are not over, with their frames."""
        rows = self._rows.read(_SELECT + "WHERE e.status = 'RUNNING' ORDER BY e.seq")
        return [self._execution(row, self._frames(row[0])) for row in rows]

    def untold(self) -> list[Execution]:
        """Return the executions whose last status nobody has been told."""
        rows = self._rows.read(_SELECT + "WHERE e.told != e.status AND e.kind = 'STANDARD' ORDER BY e.seq")
        return [self._execution(row, []) for row in rows]

    def told(self, arn: str, status: str) -> None:
        """Note that a status was told."""
        with self._rows.change() as database:
            database.execute("UPDATE executions SET told = ? WHERE arn = ?", (status, arn))

    def page(
        self, machine_arn: str, status: str | None, before: int | None, limit: int
    ) -> tuple[list[Execution], int | None]:
        """Return executions of a machine, newest first, and where the next page begins."""
        conditions, values = ["e.machine_arn = ?", "e.kind = 'STANDARD'"], [machine_arn]
        if status:
            conditions.append("e.status = ?")
            values.append(status)
        if before is not None:
            conditions.append(f"e.seq < {before:d}")
        query = f"{_SELECT}WHERE {' AND '.join(conditions)} ORDER BY e.seq DESC LIMIT {limit + 1:d}"
        rows = self._rows.read(query, *values)
        following = rows[limit - 1][-1] if len(rows) > limit else None
        return [self._execution(row, []) for row in rows[:limit]], following

    def events(self, arn: str, start: int, limit: int, reverse: bool) -> list[dict[str, Any]]:
        """Return events of an execution from number `start` on, in their order or in reverse."""
        order, comparison = ("DESC", "<=") if reverse else ("ASC", ">=")
        query = f"SELECT record FROM events WHERE arn = ? AND id {comparison} ? ORDER BY id {order} LIMIT ?"
        rows = self._rows.read(query, arn, start, limit)
        return [json.loads(row[0]) for row in rows]

    def last_event(self, arn: str) -> int:
        ((last,),) = self._rows.read("SELECT max(id) FROM events WHERE arn = ?", arn)
        return int(last or 0)

    def has_output(self, service: str, output_part: str) -> bool:
        """Whether a task of a service has handed in something with this in its output, such as the id of a job run."""
        query = (
            "SELECT 1 FROM events WHERE json_extract(record, '$.type') IN ('TaskSubmitted', 'TaskSucceeded') "
            "AND json_extract(record, '$.details.resourceType') = ? AND instr(record, ?) LIMIT 1"
        )
        return bool(self._rows.read(query, service, output_part))

    def _frames(self, arn: str) -> list[Frame]:
        rows = self._rows.read("SELECT record FROM frames WHERE arn = ? ORDER BY id", arn)
        return [Frame.loads(row[0]) for row in rows]

    def _execution(self, row: Any, frames: list[Frame]) -> Execution:
        arn, machine_arn, name, kind, status, start, stop, record, text, _ = row
        values = json.loads(record)
        execution = Execution(
            arn=arn, machine_arn=machine_arn, name=name, kind=kind, status=status, start=start, stop=stop,
            definition=Definition(text), account=self.account, region=self.region, **values,
        )  # fmt: skip
        execution.frames = {frame.id: frame for frame in frames}
        return execution


_SELECT = (
    "SELECT e.arn, e.machine_arn, e.name, e.kind, e.status, e.start, e.stop, e.record, d.text, e.seq "
    "FROM executions e JOIN definitions d ON d.hash = e.definition "
)


def _written(execution: Execution) -> list[dict[str, Any]]:
    events, execution.events = execution.events, []
    execution.changed.clear()
    execution.gone.clear()
    return events
