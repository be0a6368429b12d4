"""What grows, each kind with one change of it: for the test that a change costs the change, and for the measurement of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.core import registry

REGION = "us-east-1"
Change = Callable[[int], Any]
TABLE = {"Name": "t", "PartitionKeys": [{"Name": "n", "Type": "int"}], "StorageDescriptor": {"Location": "s3://b/t/"}}


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


def log_streams(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("logs").backends[account][REGION]
    backend.create_log_group("many", {})
    return "logs", lambda n: backend.create_log_stream("many", f"s{n}")


def sessions(account: str) -> tuple[str, Change]:
    from infra.local.core.roles.sessions import new_token

    backend: Any = registry.get("sts").backends[account]["aws"]
    return "sts", lambda n: backend.keep(new_token(account, "u", 3600, None, ""))


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


def messages(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("sqs").backends[account][REGION]
    backend.create_queue("q", {})
    return "sqs", lambda n: backend.send_message("q", f"message {n}")


KINDS = {
    "partitions of a table": partitions,
    "versions of a table": table_versions,
    "runs of a job": job_runs,
    "lines of a log stream": log_lines,
    "streams of a log group": log_streams,
    "credentials of STS": sessions,
    "samples of a metric": samples,
    "events of a stack": stack_events,
    "messages of a queue": messages,
}
