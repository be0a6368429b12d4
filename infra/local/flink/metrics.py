"""Managed Flink applications: CloudWatch metrics, made of what Flink's REST says.

MetricsLevel decides how fine they are; each level sends those of the levels above it too.

Sources: https://docs.aws.amazon.com/managed-flink/latest/java/metrics-dimensions.html and cloudwatch-logs-levels.html
"""

from __future__ import annotations

import math
import re
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from infra.local.core import telemetry
from infra.local.flink import configuration as flink_configuration
from infra.local.flink.record import FlinkApplication

if TYPE_CHECKING:
    from infra.engines.flink.process import FlinkProcess

NAMESPACE = "AWS/KinesisAnalytics"
LEVELS = ("APPLICATION", "TASK", "OPERATOR", "PARALLELISM")
COUNTED = {  # summed over subtasks and tasks
    "numRecordsIn": "Count",
    "numRecordsOut": "Count",
    "numRecordsInPerSecond": "Count/Second",
    "numRecordsOutPerSecond": "Count/Second",
    "numLateRecordsDropped": "Count",
}
BUSY = (
    "backPressuredTimeMsPerSecond",
    "busyTimeMsPerSecond",
    "idleTimeMsPerSecond",
)  # of tasks, not of the application
WATERMARKS = ("currentInputWatermark", "currentOutputWatermark")
NO_WATERMARK = -(2**63)
BEHIND = re.compile(r"\.stream\.(?P<stream>.+)\.shardId\.(?P<shard>[^.]+)\.millisBehindLatest$")
JVM = {
    "cpu": "Status.JVM.CPU.Load",
    "used": "Status.JVM.Memory.Heap.Used",
    "committed": "Status.JVM.Memory.Heap.Committed",
    "threads": "Status.JVM.Threads.Count",
    "collections": "Status.JVM.GarbageCollector.MarkSweepCompact.Count",  # the old generation's of the serial collector
    "collecting": "Status.JVM.GarbageCollector.MarkSweepCompact.Time",
}

Values = dict[str, tuple[float, str]]  # name → (value, unit)
Dimensions = tuple[tuple[str, str], ...]


def send(application: FlinkApplication, process: FlinkProcess, job: dict[str, Any]) -> None:
    """Send one sample of each metric. Raises FlinkError."""
    own: Dimensions = (("Application", application.application_name),)
    samples: dict[Dimensions, Values] = {own: _of_job(process, job) | _of_jvm(process)}
    level = LEVELS.index(flink_configuration.monitoring(application.configuration)["MetricsLevel"])
    if job["state"] == "RUNNING":
        path = f"/jobs/{job['jid']}"
        for vertex in process.rest(path)["vertices"]:
            _add_task(samples, process, f"{path}/vertices/{vertex['id']}", vertex, own, level)
    for dimensions, values in samples.items():
        telemetry.metric(application.account_id, application.region_name, NAMESPACE, dict(dimensions), values)


def _of_job(process: FlinkProcess, job: dict[str, Any]) -> Values:
    path = f"/jobs/{job['jid']}"
    checkpoints = process.rest(f"{path}/checkpoints")
    newest = checkpoints["latest"]["completed"]
    found = process.rest(f"{path}/metrics?get=uptime,downtime,fullRestarts")
    values: Values = {
        metric["id"]: (float(metric["value"]), "Count" if metric["id"] == "fullRestarts" else "Milliseconds")
        for metric in found
    }
    values["numberOfFailedCheckpoints"] = (float(checkpoints["counts"]["failed"]), "Count")
    if newest:
        values["lastCheckpointDuration"] = (float(newest["end_to_end_duration"]), "Milliseconds")
        values["lastCheckpointSize"] = (float(newest["state_size"]), "Bytes")
    return values


def _of_jvm(process: FlinkProcess) -> Values:
    values: Values = {}
    for manager in process.rest("/taskmanagers")["taskmanagers"]:
        path = f"/taskmanagers/{urllib.parse.quote(manager['id'], safe='')}/metrics?get={','.join(JVM.values())}"
        names = {metric: name for name, metric in JVM.items()}
        found = {names[metric["id"]]: float(metric["value"]) for metric in process.rest(path)}
        if found.keys() != JVM.keys():  # not yet reported
            continue
        values |= {
            "cpuUtilization": (100 * found["cpu"], "Percent"),
            "heapMemoryUtilization": (100 * found["used"] / found["committed"], "Percent"),
            "threadsCount": (found["threads"], "Count"),
            "oldGenerationGCCount": (found["collections"], "Count"),
            "oldGenerationGCTime": (found["collecting"], "Milliseconds"),
        }
    return values


def _add_task(
    samples: dict[Dimensions, Values],
    process: FlinkProcess,
    path: str,
    vertex: dict[str, Any],
    own: Dimensions,
    level: int,
) -> None:
    """Add one task's metrics to the samples of the application, and with a finer level to those of the task and its operators."""
    names = [metric["id"] for metric in process.rest(f"{path}/subtasks/metrics")]
    wanted = [name for name in names if "," not in name and _kind(name)]  # a name with a comma cannot be asked for
    if not wanted:
        return
    task = (*own, ("Task", vertex["name"]))
    for answer in _ask(process, path, wanted):
        operator, _, name = answer["id"].rpartition(".")
        behind = BEHIND.search(answer["id"])
        if behind:
            stream = (*own, ("Flow", "Input"), ("Id", behind["stream"]))
            _add(samples, stream, "millisBehindLatest", answer)
            if level >= LEVELS.index("PARALLELISM"):
                _add(samples, (*stream, ("ShardId", behind["shard"])), "millisBehindLatest", answer)
        elif operator:
            if level >= LEVELS.index("OPERATOR"):
                _add(samples, (*task, ("Operator", operator)), name, answer)
            if name == "numLateRecordsDropped":  # only operators have it
                _add(samples, own, name, answer)
                if level >= LEVELS.index("TASK"):
                    _add(samples, task, name, answer)
        else:
            if name not in BUSY:
                _add(samples, own, name, answer)
            if level >= LEVELS.index("TASK"):
                _add(samples, task, name, answer)
    if level >= LEVELS.index("PARALLELISM"):
        _add_subtasks(samples, process, path, vertex["parallelism"], wanted, task)


def _add_subtasks(
    samples: dict[Dimensions, Values],
    process: FlinkProcess,
    path: str,
    parallelism: int,
    wanted: list[str],
    task: Dimensions,
) -> None:
    """Add the metrics of each of a task's parallel parts."""
    for number in range(parallelism):
        for answer in _ask(process, path, [name for name in wanted if not BEHIND.search(name)], number):
            operator, _, name = answer["id"].rpartition(".")
            place = (*task, ("Operator", operator)) if operator else task
            _add(samples, (*place, ("Parallelism", str(number))), name, answer)


def _ask(process: FlinkProcess, path: str, names: list[str], subtask: int | None = None) -> list[dict[str, Any]]:
    chosen = "" if subtask is None else f"&subtasks={subtask}"
    return process.rest(f"{path}/subtasks/metrics?get={urllib.parse.quote(','.join(names))}{chosen}")


def _kind(metric: str) -> str:
    name = metric.rpartition(".")[2]
    if name in COUNTED:
        return COUNTED[name]
    return "Milliseconds" if name in (*BUSY, *WATERMARKS) or BEHIND.search(metric) else ""


# How a value of another shard or task joins the one before.
COMBINED: dict[str, Callable[[float, float], float]] = {"min": min, "max": max, "sum": float.__add__}


def _add(samples: dict[Dimensions, Values], dimensions: Dimensions, name: str, answer: dict[str, Any]) -> None:
    """Take one answer of Flink into a sample: counts add up, the slowest shard and the earliest watermark count."""
    how = "min" if name in WATERMARKS else "max" if name == "millisBehindLatest" else "avg" if name in BUSY else "sum"
    value = float(answer[how])
    if math.isnan(value) or value <= NO_WATERMARK:  # not measured: a source knows no busy time, a new task no watermark
        return
    values = samples.setdefault(dimensions, {})
    if name in values and name not in BUSY:
        before = values[name][0]
        value = COMBINED[how](before, value)
    values[name] = (value, _kind(answer["id"]))
