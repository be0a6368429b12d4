"""Requests without boto3 to ours and to other doubles: so the servers are measured and not their client; and what our idle server takes."""

from __future__ import annotations

import base64
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench import doubles, raw
from tests.bench.doubles import Double
from tests.bench.report import comparison, met, row
from tests.bench.roles import processor_seconds

RUNS = 3
RECORDS, HELD = 500, 4_000  # of a PutRecords, and in the stream that is read
MIB = 64
RECORD = base64.b64encode(
    b'{"uuid": "6c84fb90-12c4-11e1-840d-7b25c5ee775a", "device_id": 17, "track_id": 23}' + b" " * 95
)
START_SECONDS, IDLE_MB = 0.6, 100
WHY_MISSED = (
    "fakecloud is written in Rust and writes nothing to disk: a small request takes it less of the processor than the HTTP server of Python alone, "
    "and a put of 1 KiB less than its file. A goal that is missed against it is missed for that; moto and ministack are in Python, as ours."
)


class Case(NamedTuple):
    """A request: how much of what one of them is, how many are asked in a run, over which numbers of connections, and the goal against the best peer."""

    name: str
    each: int
    unit: str
    calls: int
    connections: tuple[int, ...]
    goal: float


CASES = [
    Case("Glue GetDatabase", 1, "requests", 300, (1, 4), 1.0),
    Case("Kinesis PutRecord", 1, "requests", 300, (1, 4), 1.5),
    Case(f"Kinesis PutRecords of {RECORDS}", RECORDS, "records", 16, (1, 4), 1.5),
    Case(f"Kinesis GetRecords of {HELD:,}", HELD, "records", 8, (1, 4), 1.0),
    Case("S3 put of 1 KiB", 1, "objects", 300, (1, 4), 1.0),
    Case("S3 get of 1 KiB", 1, "objects", 300, (1, 4), 1.0),
    Case(f"S3 put of {MIB} MiB", MIB, "MiB", 2, (1,), 1.0),
    Case(f"S3 get of {MIB} MiB", MIB, "MiB", 4, (1,), 1.0),
]


def _prepared(double: Double) -> dict[str, bytes]:
    """Make what the requests need, and return them by name."""
    kinesis = double.client("kinesis")
    for name, shards in (("many", 2), ("held", 1)):
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
    target = "X-Amz-Target: Kinesis_20131202.{}\r\n" + raw.JSON
    records = [{"Data": RECORD.decode(), "PartitionKey": str(number)} for number in range(RECORDS)]
    connection = raw.Connection(double)

    def put(stream: str) -> bytes:
        body = json.dumps({"StreamName": stream, "Records": records}).encode()
        return raw.request(double, "kinesis", "POST", "/", body, target.format("PutRecords"))

    for _ in range(HELD // RECORDS):
        connection.ask(put("held"))
    shard = kinesis.list_shards(StreamName="held")["Shards"][0]["ShardId"]
    where = {"StreamName": "held", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    asked = json.dumps({"ShardIterator": kinesis.get_shard_iterator(**where)["ShardIterator"], "Limit": HELD}).encode()
    read = raw.request(double, "kinesis", "POST", "/", asked, target.format("GetRecords"))
    found = connection.ask(read).count(b'"SequenceNumber"')
    large = bytes(MIB << 20)
    return raw.prepared(double, "0") | {
        f"Kinesis PutRecords of {RECORDS}": put("many"),
        f"Kinesis GetRecords of {HELD:,}": read if found == HELD else b"",
        f"S3 put of {MIB} MiB": raw.request(double, "s3", "PUT", "/raw-0/large", large),
        f"S3 get of {MIB} MiB": raw.request(double, "s3", "GET", "/raw-0/large", b""),
    }


class Figure(NamedTuple):
    """What a server does in a second, and the milliseconds of the processor that a request takes it."""

    rate: float
    processor_ms: float


def _measured(double: Double, case: Case, request: bytes, connections: int) -> Figure:
    """Measure one run; a peer that fails counts as 0 and says so."""
    before = processor_seconds(double.process.pid)
    try:
        rate = raw.rate(double, request, connections, case.calls) * case.each
    except Exception as error:
        if double.name == "ours":
            raise
        print(f"  {double.name}: {case.name}: {type(error).__name__}: {str(error)[:120]}", flush=True)
        return Figure(0, 0)
    asked = case.calls // connections * connections + connections
    return Figure(rate, (processor_seconds(double.process.pid) - before) / asked * 1000)


def compare(running: list[Double], runs: int) -> list[str]:
    """Return the rows of the table; the servers take turns."""
    requests = {double.name: _prepared(double) for double in running}
    rows = []
    for case in CASES:
        for connections in case.connections:
            figures: dict[str, list[Figure]] = {double.name: [] for double in running}
            for _ in range(runs):
                for double in running:
                    figures[double.name].append(_measured(double, case, requests[double.name][case.name], connections))
            medians = {name: Figure(*map(statistics.median, zip(*each, strict=True))) for name, each in figures.items()}
            ratio = medians["ours"].rate / max(each.rate for name, each in medians.items() if name != "ours")
            cells = " | ".join(
                f"{each.rate:,.0f} ({each.processor_ms:.2f} ms)" if each.rate else "failed" for each in medians.values()
            )
            name = f"{case.name}, {connections} connection{'s' if connections > 1 else ''} ({case.unit}/s)"
            print(f"{name:<60} {cells} ratio {ratio:.2f} (goal {case.goal})", flush=True)
            rows.append(f"| {name} | {cells} | {ratio:.2f} | ≥ {case.goal} | {met(ratio >= case.goal)} |")
    return rows


def idle(folder: Path) -> list[str]:
    """Return table rows of the start of our server and of its memory."""
    starts, memory = [], []
    for run in range(3):
        double = doubles.ours(folder / f"start-{run}")
        starts.append(double.start_seconds)
        time.sleep(1)
        memory.append(double.resident_mb())
        double.stop()
    start, size = statistics.median(starts), statistics.median(memory)
    return [
        row(
            "Start to the first S3 list, median of 3", f"{start:.2f} s", f"≤ {START_SECONDS} s", start <= START_SECONDS
        ),
        row("Memory when idle", f"{size:.0f} MB", f"≤ {IDLE_MB} MB", size <= IDLE_MB),
    ]


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as name:
        folder = Path(name)
        doubles.install_peers(folder)
        alone = idle(folder)
        with doubles.all_running(folder) as running:
            compared = compare(running, 2 if short else RUNS)
            names = [double.name for double in running]
    return [
        f"Requests that were made before, on kept connections; peers: {', '.join(doubles.told())}. All servers run side by side on one machine with "
        f"their client; the runs take turns, the figures are medians of {RUNS}.",
        "In brackets: milliseconds of the processor that a request takes the server. Ours writes every record and object to disk before it answers; the "
        "peers keep them in memory.",
        *([WHY_MISSED] if doubles.fakecloud() else []),
        "",
        *comparison(names, compared, alone),
    ]
