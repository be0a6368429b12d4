"""The workshop's transform as plain PySpark (the original's EMR step), in a process of its own.

`python -m tests.bench.join '{"settings": …, "steps": […]}'` prints one line of JSON: {"start": seconds until Spark is there,
"seconds": for each step a list with the seconds of each pass, "peak_mb": the JVM's most memory}.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.engines.spark.gateway import Gateway
from infra.engines.spark.options import Settings, java_command, spark_conf

EVENT = "uuid STRING, device_ts STRING, device_id INT, device_temp INT, track_id INT, activity_type STRING"
TRACK = "track_id INT, track_name STRING, artist_name STRING"

PLAIN, BY_ACTIVITY, TO_ACTIVITY = "as it comes", "partitionBy", "repartition, partitionBy"
WRITERS: dict[str, Callable[[Any], Any]] = {  # how the joined rows are written: DataFrame -> DataFrameWriter
    PLAIN: lambda joined: joined.write,
    "coalesce(1)": lambda joined: joined.coalesce(1).write,
    "repartition(2)": lambda joined: joined.repartition(2).write,
    BY_ACTIVITY: lambda joined: joined.write.partitionBy("activity_type"),
    TO_ACTIVITY: lambda joined: joined.repartition("activity_type").write.partitionBy("activity_type"),
}


@dataclass(frozen=True)
class Step:
    """One transform: from where to where (s3://…), how to write, settings of Spark SQL for it, and how often it is done."""

    raw: str
    reference: str
    target: str
    writer: str = PLAIN
    conf: dict[str, str] = field(default_factory=dict)
    passes: int = 1


def transform(spark: Any, step: Step) -> None:
    """Join the events with the tracks and write Parquet."""
    raw = spark.read.schema(EVENT).json(f"{step.raw}*/*/*/*/")
    tracks = spark.read.schema(TRACK).json(step.reference)
    WRITERS[step.writer](raw.join(tracks, "track_id", "inner")).mode("overwrite").parquet(step.target)


def main(settings: Settings, steps: list[Step]) -> None:
    started = time.perf_counter()
    jvm = Gateway(java_command(spark_conf(settings, Path.cwd())))
    jvm.connect()
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    measured: dict[str, Any] = {"start": time.perf_counter() - started, "seconds": []}
    for step in steps:
        for name, value in step.conf.items():
            spark.conf.set(name, value)
        seconds = []
        for _ in range(step.passes):
            started = time.perf_counter()
            transform(spark, step)
            seconds.append(time.perf_counter() - started)
        measured["seconds"].append(seconds)
        for name in step.conf:
            spark.conf.unset(name)
    measured["peak_mb"] = peak_mb(jvm.process.pid)
    print(json.dumps(measured))
    spark.stop()
    jvm.close()


def peak_mb(pid: int) -> float:
    """The most memory that a process has had so far (Linux)."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    main(Settings(**told["settings"]), [Step(**step) for step in told["steps"]])
