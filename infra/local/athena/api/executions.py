"""Query executions: the record of each, and the SQLite table per account and region that keeps them.

Each is saved on its own at each change of state; kill -9 loses nothing that was answered.
"""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from infra.local.core import state
from infra.local.core.rows import Rows

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
FINAL = (SUCCEEDED, FAILED, CANCELLED)
INTERRUPTED = "The query was interrupted because the local AWS was stopped while it ran. Run it again."
ENGINE = "Athena engine version 3"


@dataclasses.dataclass
class Execution:
    """One run of a statement. Times are seconds since 1970, durations milliseconds."""

    id: str
    account: str
    region: str
    query: str
    kind: str  # SubstatementType
    type: str  # DDL, DML or UTILITY
    workgroup: str
    context: dict[str, str]
    result: dict[str, Any]  # ResultConfiguration
    output: str  # the S3 URI of the result object
    parameters: list[str] | None = None
    reuse: dict[str, Any] = dataclasses.field(default_factory=lambda: {"Enabled": False})
    selected_engine: str = "AUTO"
    target: dict[str, Any] | None = None  # what CREATE TABLE AS, INSERT and UNLOAD make, see statements/undo.py
    caller: str = ""  # whose rights count: the access key that asked
    managed: bool = False  # Athena keeps the result; `output` is its name
    state: str = QUEUED
    reason: str | None = None
    error: dict[str, Any] | None = None
    submitted: float = dataclasses.field(default_factory=time.time)
    completed: float | None = None
    scanned: int = 0
    queue_ms: int = 0
    planning_ms: int = 0
    engine_ms: int = 0
    processing_ms: int = 0
    manifest: str | None = None
    reused: bool = False
    columns: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    update_count: int | None = None
    rows: int = 0  # in the result object, without a header
    output_bytes: int = 0

    @property
    def is_csv(self) -> bool:
        return self.output.endswith(".csv")

    @property
    def database(self) -> str | None:
        """The database that names without one mean; clients may send it in backquotes."""
        return self.context.get("Database", "").strip("`") or None

    def total_ms(self) -> int:
        return max(round(((self.completed or time.time()) - self.submitted) * 1000), 0)

    def as_dict(self) -> dict[str, Any]:
        """The QueryExecution of the API."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.reason is not None:
            status["StateChangeReason"] = self.reason
        if self.completed is not None:
            status["CompletionDateTime"] = self.completed
        if self.error is not None:
            status["AthenaError"] = self.error
        answer = {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.type,
            "ResultConfiguration": dict(self.result)
            if self.managed
            else {**self.result, "OutputLocation": self.output},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": self.reuse},
            "QueryExecutionContext": self.context,
            "Status": status,
            "Statistics": self.statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": {"SelectedEngineVersion": self.selected_engine, "EffectiveEngineVersion": ENGINE},
            "SubstatementType": self.kind,
        }
        if self.managed:
            answer["ManagedQueryResultsConfiguration"] = {"Enabled": True}
        if self.parameters:
            answer["ExecutionParameters"] = self.parameters
        return answer

    def statistics(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "EngineExecutionTimeInMillis": self.engine_ms,
            "DataScannedInBytes": self.scanned,
            "TotalExecutionTimeInMillis": self.total_ms(),
            "QueryQueueTimeInMillis": self.queue_ms,
            "QueryPlanningTimeInMillis": self.planning_ms,
            "ServiceProcessingTimeInMillis": self.processing_ms,
            "ServicePreProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": self.reused},
        }
        if self.manifest:
            found["DataManifestLocation"] = self.manifest
        return found


SCHEMA = (
    "CREATE TABLE IF NOT EXISTS executions (number INTEGER PRIMARY KEY, id TEXT UNIQUE, workgroup TEXT, "
    "state TEXT, token TEXT, request TEXT, reuse TEXT, completed REAL, body BLOB)",
    *(
        f"CREATE INDEX IF NOT EXISTS by_{column} ON executions ({column})"
        for column in ("workgroup", "state", "token", "reuse")
    ),
)


class Store:
    """The executions of one account and region on disk."""

    def __init__(self, account: str, region: str):
        path = state.folder("athena", account, region) / "executions.sqlite"
        self.new = not path.exists()
        self._rows = Rows(path, SCHEMA)
        self.interrupted: list[Execution] = []  # what is to be undone, and to be saved then
        self._recover(path.parent)

    def _recover(self, folder: Path) -> None:
        """What is queued or running when the table is opened was so when the server stopped: it has FAILED, and its temporary files go.

        Of what has made something that is saved only when it is undone, else a kill meanwhile would leave it.
        """
        shutil.rmtree(folder / "scratch", ignore_errors=True)
        for execution in self.unfinished():
            execution.state, execution.reason, execution.completed = FAILED, INTERRUPTED, time.time()
            execution.error = {"ErrorCategory": 1, "ErrorType": 233, "Retryable": True, "ErrorMessage": INTERRUPTED}
            if execution.target is None:
                self.save(execution)
            else:
                self.interrupted.append(execution)

    def add(self, execution: Execution, token: str, request: str, reuse: str) -> None:
        """Save a new execution. `request` tells whether a token is used with the same parameters; `reuse` is the key of its result."""
        with self._rows.change() as change:
            change.execute(
                "INSERT INTO executions (id, workgroup, state, token, request, reuse, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (execution.id, execution.workgroup, execution.state, token, request, reuse, _body(execution)),
            )

    def save(self, execution: Execution) -> None:
        with self._rows.change() as change:
            change.execute(
                "UPDATE executions SET state = ?, completed = ?, body = ? WHERE id = ?",
                (execution.state, execution.completed, _body(execution), execution.id),
            )

    def _one(self, where: str, values: tuple[Any, ...]) -> Execution | None:
        rows = self._rows.read(f"SELECT body FROM executions WHERE {where} LIMIT 1", *values)
        return Execution(**orjson.loads(rows[0][0])) if rows else None

    def get(self, identifier: str) -> Execution | None:
        return self._one("id = ?", (identifier,))

    def by_token(self, token: str) -> tuple[str, str] | None:
        """The id and the request of the execution that was started with a token."""
        rows = self._rows.read("SELECT id, request FROM executions WHERE token = ?", token)
        return (rows[0][0], rows[0][1]) if rows else None

    def reusable(self, key: str, since: float) -> Execution | None:
        """The newest finished execution whose result may be used again."""
        return self._one("reuse = ? AND state = 'SUCCEEDED' AND completed >= ? ORDER BY number DESC", (key, since))

    def unfinished(self) -> list[Execution]:
        rows = self._rows.read("SELECT body FROM executions WHERE state IN ('QUEUED', 'RUNNING')")
        return [Execution(**orjson.loads(body)) for (body,) in rows]

    def listed(self, workgroup: str, before: int | None, limit: int) -> list[tuple[int, str]]:
        """(number, id) of a workgroup's executions, newest first."""
        rows = self._rows.read(
            "SELECT number, id FROM executions WHERE workgroup = ? AND number < ? ORDER BY number DESC LIMIT ?",
            workgroup,
            before if before is not None else 1 << 62,
            limit,
        )
        return [(number, identifier) for number, identifier in rows]

    def count(self, workgroup: str) -> int:
        return int(self._rows.read("SELECT count(*) FROM executions WHERE workgroup = ?", workgroup)[0][0])

    def delete_workgroup(self, workgroup: str) -> None:
        with self._rows.change() as change:
            change.execute("DELETE FROM executions WHERE workgroup = ?", (workgroup,))

    def close(self) -> None:
        self._rows.close()


def _body(execution: Execution) -> bytes:
    return orjson.dumps(dataclasses.asdict(execution))


_stores: dict[tuple[str, str], Store] = {}
_stores_lock = threading.Lock()


def store(account: str, region: str) -> Store:
    with _stores_lock:
        if (account, region) not in _stores:
            _stores[account, region] = Store(account, region)
        return _stores[account, region]


def forget(account: str) -> None:
    """Close the tables of an account that is emptied."""
    with _stores_lock:
        for key in [key for key in _stores if key[0] == account]:
            _stores.pop(key).close()


def close_all() -> None:
    with _stores_lock:
        for each in _stores.values():
            each.close()
        _stores.clear()
