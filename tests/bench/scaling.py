"""The workshop's join as plain PySpark (the original's EMR step) from 10,000 to 10 million records on the local AWS, and what files and cores do.

Spark has the settings of a Glue session here: a heap of 1 GiB, tasks on 2 cores. The rows of every result are counted, so that a run which
loses rows is no figure.
"""

from __future__ import annotations

import datetime
import io
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.generator import Clock, Generator
from infra import project
from tests.bench import doubles
from tests.bench.doubles import Double
from tests.bench.plain import Plain

TEMPLATE = project.ROOT / "data" / "record_template_workshop.txt"
TRACKS = project.ROOT / "data" / "tracks_list.json"
START, STEP = (
    datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.UTC),
    0.06,
)  # chapter 01's clock: 60 ms from event to event
BUCKET = "bench-scaling"
REFERENCE = f"s3://{BUCKET}/data/reference_data/"
FIREHOSE, SMALL = 5_890, 100  # records of 178 bytes an object: what fills 1 MiB, and small ones
SIZES, SHORT_SIZES = (10_000, 100_000, 1_000_000, 10_000_000), (10_000, 100_000)
ONCE, AGAIN = 10_000_000, 3  # from this size on one pass only; passes of a median

JOIN = """
raw = spark.read.schema("uuid STRING, device_ts STRING, device_id INT, device_temp INT, track_id INT, activity_type STRING").json("{raw}*/*/*/*/")
tracks = spark.read.schema("track_id INT, track_name STRING, artist_name STRING").json("{reference}")
joined = raw.join(tracks, "track_id", "inner")
{write}.mode("overwrite").parquet("{target}")
"""
PLAIN = "joined.write"
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
class Output:
    """What a join wrote."""

    files: int
    size: int


def fill(s3: Any, bucket: str, name: str, records: int, per_object: int) -> Input:
    """Put the workshop's events, one a line, into objects below `data/<name>/` as Firehose does: a folder an hour."""
    events = Generator(TEMPLATE, seed=7, clock=Clock(START.strftime("%Y-%m-%dT%H:%M:%SZ"), step=STEP))
    prefix, objects, size, lost = f"data/{name}/", 0, 0, 0
    for first in range(0, records, per_object):
        lines = events.records(min(per_object, records - first))
        body = ("\n".join(lines) + "\n").encode()
        moment = START + datetime.timedelta(seconds=first * STEP)
        s3.put_object(Bucket=bucket, Key=f"{prefix}{moment:%Y/%m/%d/%H}/analytics-1-{objects:06d}", Body=body)
        objects, size, lost = objects + 1, size + len(body), lost + body.count(b'"track_id": 0,')
    return Input(f"s3://{bucket}/{prefix}", records, objects, size, records - lost)


def written(s3: Any, url: str, rows: int) -> Output:
    """Return what Parquet lies at `url`; raises RuntimeError when it has not so many rows."""
    import pyarrow.parquet

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    files = size = found = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page["Contents"]:
            if item["Key"].endswith(".parquet"):
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                files, size = files + 1, size + len(body)
                found += pyarrow.parquet.read_metadata(io.BytesIO(body)).num_rows
    if found != rows:
        raise RuntimeError(f"The join wrote {found:,} rows, not {rows:,}.")
    return Output(files, size)


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    sizes = SHORT_SIZES if short else SIZES
    with (
        tempfile.TemporaryDirectory(prefix="workshop-bench-") as name,
        doubles.ours_running(Path(name) / "home") as double,
    ):
        s3 = double.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="data/reference_data/tracks_list.json", Body=TRACKS.read_bytes())
        inputs = {records: fill(s3, BUCKET, f"raw-{records}", records, FIREHOSE) for records in sizes}
        large = inputs[SHORT_SIZES[-1] if short else 1_000_000]
        small = fill(s3, BUCKET, "raw-small", large.records, SMALL)
        growing, effects = _sizes(double, list(inputs.values())), _effects(double, large, small)
    return [
        "The workshop's join as plain PySpark (`raw` and `tracks` as JSON with explicit schemas, Parquet out), one process of Spark for each row, on "
        "the local AWS.",
        "The whole is from the start of the process to the end of the first join; *again* is the same join in the same process, median of "
        f"{AGAIN}. Records a second are those of the whole.",
        "",
        *growing,
        "",
        f"What the files and the cores do, in sessions that have joined before (medians of {AGAIN}):",
        "",
        *effects,
    ]


def _sizes(double: Double, inputs: list[Input]) -> list[str]:
    rows = [
        "| records | input | objects | output | files | whole | of it Spark's start | of it the join | join again | records/s | JVM at most |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for given in inputs:
        target = f"s3://{BUCKET}/data/joined-{given.records}/"
        code = JOIN.format(raw=given.url, reference=REFERENCE, write=PLAIN, target=target)
        with Plain(double) as spark:
            first = spark.run(code)
            more = [spark.run(code) for _ in range(0 if given.records >= ONCE else AGAIN)]
            memory = spark.peak_mb()
        output = written(double.client("s3"), target, given.joined)
        whole, again = spark.start_seconds + first, f"{statistics.median(more):.1f} s" if more else "not run"
        rows.append(
            f"| {given.records:,} | {_mb(given.size)} | {given.objects:,} | {_mb(output.size)} | {output.files} | {whole:.1f} s "
            f"| {spark.start_seconds:.1f} s | {first:.1f} s | {again} | {given.records / whole:,.0f} | {memory:.0f} MB |"
        )
        print(rows[-1], flush=True)
    return rows


def _effects(double: Double, large: Input, small: Input) -> list[str]:
    rows = [
        f"| {large.records:,} records: what is different | objects in | files out | output | seconds |",
        "|---|---|---|---|---|",
    ]
    variants: list[tuple[str, Input, str, dict[str, str]]] = [
        (f"objects of 1 MiB ({FIREHOSE:,} records), written as it comes", large, PLAIN, {}),
        (f"small objects ({SMALL} records)", small, PLAIN, {}),
        ("`coalesce(1)` before the write", large, "joined.coalesce(1).write", {}),
        ("`repartition(2)` before the write", large, "joined.repartition(2).write", {}),
        ("`partitionBy('activity_type')`", large, "joined.write.partitionBy('activity_type')", {}),
        (
            "`repartition('activity_type')`, then `partitionBy` it",
            large,
            "joined.repartition('activity_type').write.partitionBy('activity_type')",
            {},
        ),
        ("shuffled join, 200 partitions (Spark's default)", large, PLAIN, SHUFFLED),
        ("… without adaptive execution", large, PLAIN, SHUFFLED | {"spark.sql.adaptive.enabled": "false"}),
    ]
    for cores, some in ((2, variants), (1, [("1 core, written as it comes", large, PLAIN, {})])):
        with Plain(double, cores) as spark:
            spark.run(JOIN.format(raw=large.url, reference=REFERENCE, write=PLAIN, target=f"s3://{BUCKET}/data/warm/"))
            for number, (what, given, write, conf) in enumerate(some):
                target = f"s3://{BUCKET}/data/joined-{cores}-{number}/"
                code = JOIN.format(raw=given.url, reference=REFERENCE, write=write, target=target)
                spark.run("\n".join(f"spark.conf.set({key!r}, {value!r})" for key, value in conf.items()))
                seconds = statistics.median([spark.run(code) for _ in range(AGAIN)])
                spark.run("\n".join(f"spark.conf.unset({key!r})" for key in conf))
                output = written(double.client("s3"), target, given.joined)
                rows.append(f"| {what} | {given.objects:,} | {output.files} | {_mb(output.size)} | {seconds:.1f} s |")
                print(rows[-1], flush=True)
    return rows


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
