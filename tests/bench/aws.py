"""The local AWS: hot operations beside other AWS doubles in the same run, and what only ours does against goals in seconds."""

from __future__ import annotations

import importlib.metadata
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import doubles, hot, lake
from tests.bench.doubles import Double
from tests.bench.report import comparison, met, row

RUNS = 3
GROWTH, KEYS = (100_000, 10_000_000), 100_000
Measure = Callable[[Double, str], float]

COMPARED: list[tuple[str, str, float, Measure]] = [  # what, unit, goal against the best peer, how
    ("Kinesis PutRecords, 1 thread", "records/s", 1.5, lambda double, run: hot.kinesis_put(double, run, 1)),
    ("Kinesis PutRecords, 4 threads", "records/s", 1.5, lambda double, run: hot.kinesis_put(double, run, 4)),
    ("Kinesis drain", "records/s", 1.0, hot.kinesis_drain),
    ("S3 put of 1 KiB", "objects/s", 1.0, hot.s3_put_small),
    ("S3 put of 64 MiB", "MiB/s", 1.0, hot.s3_put_large),
    ("S3 get of 64 MiB", "MiB/s", 1.0, hot.s3_get_large),
]


def compare(running: list[Double]) -> list[str]:
    """Return table rows of all compared measurements; runs of the servers take turns."""
    rows = []
    for what, unit, goal, measure in COMPARED:
        values: dict[str, list[float]] = {double.name: [] for double in running}
        for run in range(RUNS):
            for double in running:
                values[double.name].append(_value(measure, double, f"{run}"))
        medians = {name: statistics.median(each) for name, each in values.items()}
        best = max(value for name, value in medians.items() if name != "ours")
        ratio = medians["ours"] / best
        print(f"{what:<32} {medians} ratio {ratio:.2f} (goal {goal})", flush=True)
        cells = " | ".join(f"{medians[double.name]:,.0f}" if medians[double.name] else "failed" for double in running)
        rows.append(f"| {what} ({unit}) | {cells} | {ratio:.2f} | ≥ {goal} | {met(ratio >= goal)} |")
    return rows


def _value(measure: Measure, double: Double, run: str) -> float:
    """Return a rate; a peer that loses data or fails counts as 0 and says so."""
    try:
        return measure(double, run)
    except Exception as error:
        if double.name == "ours":
            raise
        print(f"  {double.name}: {type(error).__name__}: {str(error)[:120]}", flush=True)
        return 0.0


def alone(folder: Path, growth: tuple[int, int], keys: int) -> list[str]:
    """Return table rows of what is measured on our server alone."""
    rows = []
    double = doubles.ours(folder / "alone")
    try:
        query, bare = lake.athena(double)
        rows.append(row("Athena GROUP BY over 10,000 JSON records", f"{query * 1000:.0f} ms", "≤ 60 ms", query <= 0.06))
        rows.append(
            row(
                "… against bare DuckDB on the same files",
                f"{query / bare:.2f} × {bare * 1000:.0f} ms",
                "≤ 1.5 ×",
                query <= 1.5 * bare,
            )
        )
        seconds = lake.crawl(double)
        rows.append(row("Crawl of 1,000 objects", f"{seconds:.2f} s", "≤ 3 s", seconds <= 3))
        seconds = lake.listing(double, keys)
        rows.append(row(f"Listing of {keys:,} keys", f"{seconds:.2f} s", "", True))
        small, large = lake.growth(double, *growth)
        rows.append(
            row(
                f"Kinesis put of {growth[1]:,} records against the first {growth[0]:,}",
                f"{large:,.0f} against {small:,.0f} records/s = {large / small:.2f}",
                "≥ 0.9",
                large / small >= 0.9,
            )
        )
        rows.append(row("Memory after all that", f"{double.resident_mb():.0f} MB", "", True))
    finally:
        double.stop()
    return rows


def measure(short: bool, growth: int = GROWTH[1]) -> list[str]:
    """Return the section's lines; `growth` is how many records the growth run puts."""
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as name:
        folder = Path(name)
        doubles.install_peers(folder)
        own = alone(folder, (GROWTH[0], GROWTH[0] if short else growth), 1_000 if short else KEYS)
        with doubles.all_running(folder) as running:
            compared = compare(running)
            names = [double.name for double in running]
    versions = {name: importlib.metadata.version(name) for name in ("moto", "boto3", "duckdb", "uvicorn")}
    peers = ", ".join(doubles.told())
    return [
        f"Ours with {', '.join(f'{name} {version}' for name, version in versions.items())}; peers: {peers}, each in an environment of its own.",
        "All servers run side by side on one machine with their client; the runs take turns and the figures are medians of "
        f"{RUNS}. Every server is asked through boto3, so a part of each figure is boto3's own work.",
        "Ours writes every record and object to disk before it answers; the peers keep them in memory.",
        "",
        *comparison(names, compared, own),
    ]
