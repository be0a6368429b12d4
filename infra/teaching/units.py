"""What is billed by its size: the DPU of Glue's jobs and sessions, the KPU of Flink applications."""

from __future__ import annotations

from typing import Any

# of a worker. Memory-optimised ones (R) are billed by DPU of their own, which cost nearly a fifth more: here as so many plain ones
DPUS = {
    "Standard": 1.0, "G.025X": 0.25, "G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0, "G.12X": 12.0, "G.16X": 16.0,
    "R.1X": 1.2, "R.2X": 2.4, "R.4X": 4.8, "R.8X": 9.6, "Z.2X": 2.0,
}  # fmt: skip
MOST_DPUS = 16.0  # of a worker of a type that is not known here: a guard must not guess too low
JOB_DPUS = 10.0  # of a job that says nothing, https://docs.aws.amazon.com/glue/latest/webapi/API_CreateJob.html


def dpus(settings: dict[str, Any]) -> float:
    """Return how many DPU a job, a run or a session has.

    Parameters
    ----------
    settings: its `MaxCapacity`, or its `NumberOfWorkers` and `WorkerType`, as Glue describes it
    """
    if settings.get("MaxCapacity"):
        return float(settings["MaxCapacity"])
    workers = settings.get("NumberOfWorkers")
    return workers * DPUS.get(settings.get("WorkerType", "G.1X"), MOST_DPUS) if workers else JOB_DPUS


def kpus(application: dict[str, Any]) -> int:
    """Return how many KPU an application has: what its parallelism needs, and one more for its management.

    Parameters
    ----------
    application: `ApplicationDetail`, as DescribeApplication answers it

    Source: https://docs.aws.amazon.com/managed-flink/latest/java/how-scaling.html
    """
    settings = application.get("ApplicationConfigurationDescription", {})
    flink = settings.get("FlinkApplicationConfigurationDescription", {})
    parallel = flink.get("ParallelismConfigurationDescription", {})
    parallelism = parallel.get("CurrentParallelism") or parallel.get("Parallelism", 1)
    return -(-int(parallelism) // int(parallel.get("ParallelismPerKPU", 1))) + 1
