"""Managed Flink applications: how one comes from a state to the next, in the background.

Each transition belongs to an operation. When another operation overtook it (a forced stop, a rollback), it changes nothing more.

Sources: https://docs.aws.amazon.com/managed-flink/latest/java/how-snapshots.html, how-system-rollbacks.html and troubleshooting-system-rollback.html
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from infra.engines.flink import FlinkError
from infra.local.core import pace, state
from infra.local.flink import configuration as flink_configuration
from infra.local.flink import logs as flink_logs
from infra.local.flink.record import LATEST, SERVICE, FlinkApplication
from infra.local.flink.run import Run

_runs: dict[str, Run] = {}  # ARN → its running part
_ends = threading.Event()


def background(work: Any, *arguments: Any) -> None:
    """Begin a transition in a thread, when the operation that asked for it is on disk."""
    thread = threading.Thread(target=work, args=arguments, name=work.__name__, daemon=True)
    state.afterwards(thread.start)


def running(application: FlinkApplication) -> Run | None:
    return _runs.get(application.application_arn)


def begin(application: FlinkApplication, operation: str) -> None:
    """Start an application's process; its status says what for. The caller holds the lock and saves."""
    state.afterwards(lambda: _begin(application, operation))


def _begin(application: FlinkApplication, operation: str) -> None:
    _runs[application.application_arn] = Run(application, operation, partial(_failed, application, operation))


def end_all() -> None:
    """End every process; the applications stay as they are on disk and go on at the next start."""
    _ends.set()
    for run in list(_runs.values()):
        run.end()


def _step(application: FlinkApplication, operation: str, change: Callable[[], None]) -> bool:
    """Note a step of an operation; return whether it was still the operation under way."""
    noted: list[bool] = []

    def unless_overtaken() -> None:
        noted[:] = [application.current == operation]
        if noted[0]:
            change()

    state.step(SERVICE, application.account_id, application.region_name, unless_overtaken, _ends)
    return noted[0]


def _is_overtaken(application: FlinkApplication, operation: str) -> bool:
    with state.lock(SERVICE, application.account_id):
        return application.current != operation


def _end_run(application: FlinkApplication) -> None:
    run = _runs.pop(application.application_arn, None)
    if run is not None:
        run.end()


def _failed(application: FlinkApplication, operation: str, reason: str) -> None:
    """An application never came to run: it is READY again, or goes back to the version that ran before."""

    def change() -> None:
        _runs.pop(application.application_arn, None)
        is_update = application.application_status == "UPDATING"
        application.finish(operation, reason)
        application.application_status = "READY"
        if is_update and flink_configuration.rollback_enabled(application.configuration) and can_roll_back(application):
            rollback = prepare_rollback(application)
            application.operation(operation)["OperationFailureDetails"]["RollbackOperationId"] = rollback
            begin(application, rollback)

    if not _step(application, operation, change):
        return
    flink_logs.tell(application, [f"The application could not be started: {reason}"], "ERROR")


# --- snapshots --------------------------------------------------------------------------------------------------------


def new_service_snapshot(application: FlinkApplication) -> str:
    """Record the snapshot that the service takes by itself and return its name; empty when snapshots are off."""
    if not application.snapshots_enabled:
        return ""
    name = f"{application.application_name}-{uuid.uuid4().hex[:12]}"
    application.new_snapshot(name)
    return name


def take_snapshot(application: FlinkApplication, name: str) -> str:
    """Fill a snapshot that was recorded as CREATING; return why it failed, or nothing."""
    run = running(application)
    folder = application.folder / "snapshots" / hashlib.sha256(name.encode()).hexdigest()[:24]
    folder.mkdir(parents=True, exist_ok=True)
    path, reason = "", ""
    try:
        if run is None:
            raise FlinkError("The job is not running.")
        path = run.snapshot(folder)
    except FlinkError as error:
        reason = str(error)

    def change() -> None:
        application.snapshots[name] |= {"path": path, "SnapshotStatus": "FAILED" if reason else "READY"}

    state.step(SERVICE, application.account_id, application.region_name, change, _ends)
    return reason


# --- stop, update, rollback, delete -----------------------------------------------------------------------------------


def stop(application: FlinkApplication, operation: str, name: str) -> None:
    """Stop, with a snapshot when it has a name; without a snapshot that was asked for, the application stays as it is."""
    until = pace.deadline("application stopping")
    reason = take_snapshot(application, name) if name else ""

    def go_on() -> None:
        application.application_status = "RUNNING"
        application.finish(operation, reason)

    if reason:
        _step(application, operation, go_on)
        return
    if _is_overtaken(application, operation):
        return
    _end_run(application)
    pace.pause(until, lambda: application.current != operation)
    _step(application, operation, lambda: stopped(application, operation))


def stopped(application: FlinkApplication, operation: str) -> None:
    """Nothing runs any more: what a start needs is in the snapshots."""
    application.drop_checkpoints()
    application.application_status = "READY"
    application.finish(operation)


def update_running(application: FlinkApplication, operation: str, name: str) -> None:
    """Stop with a snapshot and start the new version, from it if not told otherwise."""
    reason = take_snapshot(application, name) if name else ""
    if reason:
        message = f"No snapshot could be taken: {reason} The new version starts from the last checkpoint."
        flink_logs.tell(application, [message], "WARN")
    restart(application, operation)


def restart(application: FlinkApplication, operation: str) -> None:
    """End the process and start what the application is now."""

    def change() -> None:
        application.choose_restore()
        begin(application, operation)

    if _is_overtaken(application, operation):
        return
    _end_run(application)
    _step(application, operation, change)


def can_roll_back(application: FlinkApplication) -> bool:
    """Whether an earlier version ran and left a snapshot."""
    previous = application.previous_version()
    return previous is not None and application.latest_snapshot(previous) is not None


def prepare_rollback(application: FlinkApplication) -> str:
    """Make the version that ran before the current one again, to start from its last snapshot; return the operation's id."""
    previous = application.previous_version()
    assert previous is not None, "asked before: can_roll_back"
    version, snapshot = application.versions[previous], application.latest_snapshot(previous)
    assert snapshot is not None, "asked before: can_roll_back"
    application.rolled_back = (application.application_version_id, previous)
    application.updated_from = None
    application.restore = {"ApplicationRestoreType": LATEST}
    application.become(version.configuration, version.code)
    application.drop_checkpoints()
    application.started_from = snapshot["path"]
    application.application_status = "ROLLING_BACK"
    return application.begin("RollbackApplication")


def roll_back(application: FlinkApplication, operation: str) -> None:
    """End the process of the newer version and start the one that was prepared."""

    def change() -> None:
        application.drop_checkpoints()  # of the newer version, made until now
        begin(application, operation)

    _end_run(application)
    _step(application, operation, change)


def delete(application: FlinkApplication, drop: Any) -> None:
    """End the process of an application, then drop it."""
    _end_run(application)
    state.step(SERVICE, application.account_id, application.region_name, lambda: drop(application), _ends)
