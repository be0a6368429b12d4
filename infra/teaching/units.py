"""What is billed by its size: the DPU of Glue's jobs and sessions, the KPU of Flink applications."""

from __future__ import annotations

from typing import Any

DPUS = {"G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0, "Standard": 1.0, "G.025X": 0.25, "Z.2X": 2.0}
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
    return workers * DPUS.get(settings.get("WorkerType", "G.1X"), 1.0) if workers else JOB_DPUS


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
