"""The workshop's join as plain PySpark from 10,000 to 10 million records on the local AWS; numbers of files in and out, cores.

Every run is a process of its own with Spark's settings of a Glue job here (a heap of 1 GiB, tasks on 2 cores). Results are counted, so that
a run which loses rows is no figure.
"""

from __future__ import annotations

import datetime
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from helpers.generator import Clock, Generator
from infra import project
from infra.engines.spark.options import Settings, environment
from tests.bench import doubles
from tests.bench.doubles import Double
from tests.bench.join import BY_ACTIVITY, PLAIN, TO_ACTIVITY, Step

TEMPLATE = project.ROOT / "data" / "record_template_workshop.txt"
TRACKS = project.ROOT / "data" / "tracks_list.json"
START, STEP = datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.UTC), 0.06  # chapter 01's clock
BUCKET = "bench-scaling"
REFERENCE = f"s3://{BUCKET}/data/reference_data/"
FIREHOSE = 5_890  # records of 178 bytes that fill an object of 1 MiB
SMALL = 100  # records an object where files are small
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
SHORT_SIZES = (10_000, 100_000)
ONCE, AGAIN = 10_000_000, 3  # from this size on one pass only; passes of a median
SHUFFLED = {"spark.sql.autoBroadcastJoinThreshold": "-1", "spark.sql.shuffle.partitions": "200"}


@dataclass(frozen=True)
class Input:
    """Raw events in S3: where, how many records, objects and bytes, and how many have a track in the reference data."""

    url: str
    records: int
    objects: int
    size: int
    joined: int


@dataclass(frozen=True)
class Run:
    """A measured process: seconds of the whole, until Spark was there, and of each pass of each step; peak memory of the JVM."""

    whole: float
    start: float
    seconds: list[list[float]]
    peak_mb: float


@dataclass(frozen=True)
class Output:
    """What a step wrote."""

    files: int
    size: int


def fill(s3: Any, name: str, records: int, per_object: int) -> Input:
    """Put the workshop's events, one a line, into objects as Firehose names and sizes them."""
    events = Generator(TEMPLATE, seed=7, clock=Clock(START.strftime("%Y-%m-%dT%H:%M:%SZ"), step=STEP))
    prefix, objects, size, lost = f"data/{name}/", 0, 0, 0
    for first in range(0, records, per_object):
        lines = events.records(min(per_object, records - first))
        body = ("\n".join(lines) + "\n").encode()
        moment = START + datetime.timedelta(seconds=first * STEP)
        s3.put_object(Bucket=BUCKET, Key=f"{prefix}{moment:%Y/%m/%d/%H}/analytics-1-{objects:06d}", Body=body)
        objects, size, lost = objects + 1, size + len(body), lost + body.count(b'"track_id": 0,')
    return Input(f"s3://{BUCKET}/{prefix}", records, objects, size, records - lost)


def run(double: Double, steps: list[Step], cores: int = 2) -> Run:
    """Run steps in a new process, one after the other."""
    settings = Settings(f"http://127.0.0.1:{double.port}", "us-east-1", "123456789012", "bench", cores=cores)
    told = {"settings": asdict(settings), "steps": [asdict(step) for step in steps]}
    with tempfile.TemporaryDirectory(prefix="bench-spark-") as folder:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.join", json.dumps(told)],
            cwd=folder,
            env=environment(settings, Path(folder)) | {"PYTHONPATH": str(project.ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        whole = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"The join failed: {done.stderr[-2000:]}")
    return Run(whole, **json.loads(done.stdout.splitlines()[-1]))


def written(double: Double, target: str, rows: int) -> Output:
    """Return what lies at `target`; raises RuntimeError when it has not so many rows."""
    import pyarrow.parquet

    s3, files, size, found = double.client("s3"), 0, 0, 0
    prefix = target.removeprefix(f"s3://{BUCKET}/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for item in page["Contents"]:
            if item["Key"].endswith(".parquet"):
                body = s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
                files, size = files + 1, size + len(body)
                found += pyarrow.parquet.read_metadata(io.BytesIO(body)).num_rows
    if found != rows:
        raise RuntimeError(f"The join wrote {found:,} rows, not {rows:,}.")
    return Output(files, size)


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as name:
        double = doubles.ours(Path(name) / "home")
        try:
            s3 = double.client("s3")
            s3.create_bucket(Bucket=BUCKET)
            s3.put_object(Bucket=BUCKET, Key="data/reference_data/tracks_list.json", Body=TRACKS.read_bytes())
            inputs = {
                records: fill(s3, f"raw-{records}", records, FIREHOSE) for records in (SHORT_SIZES if short else SIZES)
            }
            middle = inputs[SHORT_SIZES[-1] if short else 1_000_000]
            small = fill(s3, "raw-small", middle.records, SMALL)
            return [*_sizes(double, list(inputs.values())), "", *_effects(double, middle, small)]
        finally:
            double.stop()


def _sizes(double: Double, inputs: list[Input]) -> list[str]:
    rows = [
        "| records | input | objects | output | files | whole script | of it Spark's start | of it the join | join again | records/s | peak of the JVM |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for given in inputs:
        passes = 1 if given.records >= ONCE else 1 + AGAIN
        target = f"s3://{BUCKET}/data/joined-{given.records}/"
        done = run(double, [Step(given.url, REFERENCE, target, passes=passes)])
        output = written(double, target, given.joined)
        first, *more = done.seconds[0]
        again = f"{statistics.median(more):.1f} s" if more else "not run"
        whole = done.whole - sum(more)
        print(f"{given.records:>12,} records: {done}", flush=True)
        rows.append(
            f"| {given.records:,} | {_mb(given.size)} | {given.objects:,} | {_mb(output.size)} | {output.files} | {whole:.1f} s "
            f"| {done.start:.1f} s | {first:.1f} s | {again} | {given.records / whole:,.0f} | {done.peak_mb:.0f} MB |"
        )
    return rows


def _effects(double: Double, large: Input, small: Input) -> list[str]:
    """What differs from row to row: the input's files, how it is written, how it is joined, cores. All in a session that is warm."""
    rows = [
        f"| {large.records:,} records again: what is different | objects in | files out | output | seconds |",
        "|---|---|---|---|---|",
    ]
    variants: list[tuple[str, Input, str, dict[str, str]]] = [
        (f"objects of 1 MiB ({FIREHOSE:,} records), written as it comes", large, PLAIN, {}),
        (f"small objects ({SMALL} records)", small, PLAIN, {}),
        ("small objects, repartition(2) before the write", small, "repartition(2)", {}),
        ("coalesce(1) before the write", large, "coalesce(1)", {}),
        ("repartition(2) before the write", large, "repartition(2)", {}),
        ("partitionBy activity_type", large, BY_ACTIVITY, {}),
        ("repartition by activity_type, then partitionBy it", large, TO_ACTIVITY, {}),
        ("shuffled join, 200 partitions (Spark's default)", large, PLAIN, SHUFFLED),
        ("… without adaptive execution", large, PLAIN, SHUFFLED | {"spark.sql.adaptive.enabled": "false"}),
    ]
    for cores, some in ((2, variants), (1, [("1 core, written as it comes", large, PLAIN, {})])):
        warm = Step(large.url, REFERENCE, f"s3://{BUCKET}/data/warm/")
        steps = [
            Step(given.url, REFERENCE, f"s3://{BUCKET}/data/joined-{cores}-{number}/", writer, conf, passes=AGAIN)
            for number, (_, given, writer, conf) in enumerate(some)
        ]
        done = run(double, [warm, *steps], cores)
        for (what, given, _, _), step, seconds in zip(some, steps, done.seconds[1:], strict=True):
            output = written(double, step.target, given.joined)
            print(f"{what:<60} {seconds} {output}", flush=True)
            rows.append(
                f"| {what} | {given.objects:,} | {output.files} | {_mb(output.size)} | {statistics.median(seconds):.1f} s |"
            )
    return rows


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


if __name__ == "__main__":
    print("\n".join(measure("--short" in sys.argv)))
