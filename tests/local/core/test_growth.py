"""A change costs the change: what one change writes does not grow with what is there. Work is counted, not time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.core import registry, state, telemetry

REGION, FEW, MANY = "us-east-1", 100, 3_000
Change = Callable[[int], Any]
TABLE = {"Name": "t", "PartitionKeys": [{"Name": "n", "Type": "int"}], "StorageDescriptor": {"Location": "s3://b/t/"}}


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder in this process; nobody hears of changes."""
    before = state._root
    state.open(tmp_path)
    monkeypatch.setattr(telemetry, "event", lambda *given, **more: None)
    yield
    state.close()
    state._root = before


def _catalog(account: str) -> Any:
    backend: Any = registry.get("glue").backends[account][REGION]
    backend.create_database("d", {"Name": "d"})
    backend.create_table("d", "t", TABLE)
    return backend


def partitions(account: str) -> tuple[str, Change]:
    backend = _catalog(account)
    return "glue", lambda n: backend.create_partition(
        "d", "t", {"Values": [str(n)], "StorageDescriptor": {"Location": f"s3://b/{n}/"}}
    )


def table_versions(account: str) -> tuple[str, Change]:
    backend = _catalog(account)
    return "glue", lambda n: backend.update_table("d", "t", {**TABLE, "Description": str(n)})


def job_runs(account: str) -> tuple[str, Change]:
    from infra.local.glue.jobs.record import Job, JobRun

    backend: Any = registry.get("glue").backends[account][REGION]
    settings = {"Command": {"Name": "pythonshell"}, "MaxCapacity": 1.0, "JobMode": "SCRIPT"}
    job = backend.jobs["j"] = Job("j", settings, account, REGION)
    return "glue", lambda n: job.runs.append(JobRun(account, REGION, "j", f"jr_{n:08d}", settings, {}, status="FAILED"))


def log_lines(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("logs").backends[account][REGION]
    backend.create_log_group("g", {})
    backend.create_log_stream("g", "s")
    line = {"timestamp": int(time.time() * 1000), "message": "line"}
    return "logs", lambda n: backend.put_log_events("g", "s", [dict(line)])


def samples(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("monitoring").backends[account][REGION]
    return "monitoring", lambda n: backend.put_metric_data("n", [{"MetricName": "m", "Value": 1.0}])


def stack_events(account: str) -> tuple[str, Change]:
    from infra.local.cloudformation.stack import Stack

    backend: Any = registry.get("cloudformation").backends[account][REGION]
    definition: Any = None
    stack = backend.stacks["id"] = Stack("id", "s", account, REGION, definition, datetime.now(UTC))

    def change(number: int) -> None:
        stack.events.append({"EventId": f"{number:08d}"})
        backend.stacks.note("id")

    return "cloudformation", change


@pytest.mark.parametrize("kind", [partitions, table_versions, job_runs, log_lines, samples, stack_events])
def test_what_a_change_writes_does_not_grow(
    lake: None, account: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, change = kind(account)
    written: list[int] = []
    dumps = state.dumps

    def counted(value: Any) -> bytes:
        data = dumps(value)
        written.append(len(data))
        return data

    monkeypatch.setattr(state, "dumps", counted)

    def cost(number: int) -> int:
        """Bytes that a change and its save make of Python's objects."""
        state.save(service, account, REGION)
        written.clear()
        change(number)
        state.save(service, account, REGION)
        return sum(written)

    for number in range(FEW):
        change(number)
    few = cost(10_000)
    for number in range(FEW, MANY):
        change(number)
    many = cost(20_000)
    assert 0 < many <= 1.1 * few, (few, many)
