"""From a state of an application to the next, without Flink: what a refused change leaves, and who is overtaken."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.core import limits, registry, state
from infra.local.flink import transitions
from infra.local.flink.record import FlinkApplication
from infra.local.flink.run import Run
from tests.polling import until

REGION, SERVICE = "us-east-1", "kinesisanalytics"
CODE = {
    "CodeContentType": "ZIPFILE",
    "CodeContent": {"S3ContentLocation": {"BucketARN": "arn:aws:s3:::b", "FileKey": "k"}},
}


class Silent(Run):
    """A run without a process, whose snapshots are empty."""

    def __init__(self, application: FlinkApplication, operation: str, failed: Callable[[str], None]):
        self.application, self.operation, self._failed = application, operation, failed
        self._done, self._was_up = threading.Event(), False

    def end(self) -> None:
        self._done.set()

    def snapshot(self, folder: Path) -> str:
        (folder / "savepoint").mkdir()
        (folder / "savepoint" / "_metadata").write_text("")
        return str(folder / "savepoint")


class Lab:
    """One application, and operations on it as the service begins them."""

    def __init__(self, account: str):
        self.backend: Any = registry.get(SERVICE).backends[account][REGION]
        self.account = account
        self.application = self.backend.applications["a"] = FlinkApplication(
            b"zip", account_id=account, region_name=REGION, application_name="a", application_description=None,
            runtime_environment="FLINK-1_20", service_execution_role="arn:aws:iam::1:role/r",
            application_configuration={"ApplicationCodeConfiguration": CODE}, cloud_watch_logging_options=None,
            application_mode="STREAMING",
        )  # fmt: skip

    def do(self, change: Callable[[], str]) -> str:
        with state.lock(SERVICE, self.account), state.changing():
            operation = change()
            state.keep((SERVICE,), self.account, REGION)
        return operation

    def start(self) -> str:
        application = self.application
        application.application_status = "STARTING"
        operation = application.begin("StartApplication")
        transitions.begin(application, operation)
        return operation

    def stop(self, name: str = "") -> str:
        application = self.application
        application.application_status = "STOPPING"
        operation = application.begin("StopApplication")
        transitions.background(transitions.stop, application, operation, name)
        return operation

    def run(self) -> Run:
        run = transitions.running(self.application)
        assert run is not None
        return run

    def outcome(self, operation: str) -> str:
        with state.lock(SERVICE, self.account):  # as every operation that tells it
            return str(self.application.operation(operation)["OperationStatus"])


@pytest.fixture
def lab(tmp_path: Path, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    before = state._root
    state.open(tmp_path)
    monkeypatch.setattr(transitions, "Run", Silent)
    monkeypatch.setattr(transitions.flink_logs, "tell", lambda *given: None)
    yield Lab(account)
    state.close()
    state._root = before


def test_a_stop_that_the_disk_refused_leaves_the_run_alone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    started = lab.do(lab.start)
    run = lab.run()
    run._is_up()
    assert (lab.application.application_status, lab.outcome(started)) == ("RUNNING", "SUCCESSFUL")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(os, "replace", full)
        lab.do(lab.stop)
    assert lab.application.application_status == "RUNNING"  # what the run's thread holds
    assert lab.backend.applications["a"].application_status == "RUNNING"
    assert lab.run() is run and not run._done.is_set()
    name = transitions.new_service_snapshot(lab.application)
    stopped = lab.do(lambda: lab.stop(name))
    until(lambda: lab.backend.applications["a"].application_status == "READY")
    assert lab.outcome(stopped) == "SUCCESSFUL" and run._done.is_set()
    assert lab.application.snapshots[name]["SnapshotStatus"] == "READY"


def test_a_step_waits_for_room_on_the_disk(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.do(lab.start)
    lab.run()._is_up()
    monkeypatch.setattr(state, "RETRY_SECONDS", 0.01)
    replace, room = (
        os.replace,
        iter([True, False, False, False]),
    )  # the stop is accepted; its end finds no room three times

    def full_for_a_while(*given: Any) -> None:
        if not next(room, True):
            raise OSError(28, "No space left on device")
        replace(*given)

    monkeypatch.setattr(os, "replace", full_for_a_while)
    operation = lab.do(lab.stop)
    until(lambda: lab.outcome(operation) == "SUCCESSFUL")
    assert next(room, None) is None
    assert lab.backend.applications["a"].application_status == "READY"


def test_a_failed_start_that_was_overtaken_changes_nothing(lab: Lab) -> None:
    first = lab.do(lab.start)
    second = lab.do(lab.start)
    transitions._failed(lab.application, first, "the first one's reason")
    assert lab.application.application_status == "STARTING" and lab.outcome(first) == "CANCELLED"
    transitions._failed(lab.application, second, "no such file")
    assert lab.application.application_status == "READY" and lab.outcome(second) == "FAILED"
    assert transitions.running(lab.application) is None


def test_in_a_class_an_application_waits_for_its_place_and_says_so(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    at_work: list[Run] = []

    def work(run: Run) -> str:
        at_work.append(run)
        run._done.wait(20)
        return ""

    monkeypatch.setattr(limits, "flink_applications", 1)
    monkeypatch.setattr(transitions.flink_logs, "tell", lambda application, lines, kind: told.extend(lines))
    monkeypatch.setattr(Run, "_keep_running", work)
    first = Run(lab.application, "1", pytest.fail)
    until(lambda: at_work == [first])
    second, third = Run(lab.application, "2", pytest.fail), Run(lab.application, "3", pytest.fail)
    until(lambda: len(told) == 2)
    assert {line.partition(":")[0] for line in told} == {"queue place 1", "queue place 2"} and at_work == [first]
    second.end()  # it leaves the queue, and the place goes to the third
    first.end()
    until(lambda: at_work == [first, third])
    third.end()
