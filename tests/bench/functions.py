"""AWS Lambda: a call with and without a new process, and how long a record of a stream waits for its function.

moto's server runs functions in Docker only, so it has no figure beside ours.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.report import row
from tests.conftest import Server
from tests.lambda_functions import ECHO, function
from tests.polling import until

ACCOUNT = "200000000001"
COLD, WARM = 20, 2000
PUTS = 200
BURST = 20_000
COUNTER = (
    "import json, time\ndef handler(event, context):\n"
    "  now = time.time()\n"
    "  print(json.dumps([now - r['kinesis']['approximateArrivalTimestamp'] for r in event['Records']]))\n"
)


def measure(short: bool) -> list[str]:
    """Return the lines of the section."""
    with tempfile.TemporaryDirectory(prefix="bench-lambda-") as folder:
        server = Server(Path(folder) / "workshop")
        try:
            client = lambda service: server.client(service, ACCOUNT)  # noqa: E731
            rows = [*_calls(client, short), *_stream(client, short)]
        finally:
            server.stop()
    return [
        "Called through boto3 on an idle server; cold is a call for which a process had to be started, its handler imports nothing.",
        "The wait of a record is from its arrival in the stream to the function's first line, by the clock of the computer.",
        "",
        "| what | value | goal | met |",
        "|---|---|---|---|",
        *rows,
    ]


def _timed(call: Any) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _calls(client: Any, short: bool) -> list[str]:
    aws = client("lambda")
    function(client, ECHO)
    call = lambda: aws.invoke(FunctionName="f", Payload=b"{}")["Payload"].read()  # noqa: E731
    call()
    cold = []
    for number in range(3 if short else COLD):
        aws.update_function_configuration(FunctionName="f", Description=str(number))  # ends the warm processes
        aws.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
        cold.append(_timed(call))
    count = 200 if short else WARM
    warm = [_timed(call) for _ in range(count)]
    bare = [_timed(lambda: aws.invoke(FunctionName="f", InvocationType="DryRun")) for _ in range(count)]
    over = statistics.median(warm) - statistics.median(bare)
    late = statistics.quantiles(warm, n=20)[-1]
    return [
        row(
            "Invoke with a new process, median",
            f"{statistics.median(cold):.0f} ms",
            "≤ 150 ms",
            statistics.median(cold) <= 150,
        ),
        row("Invoke of a warm function, median", f"{statistics.median(warm):.1f} ms", "", True),
        row("… over the same call without a function (DryRun)", f"{over:.1f} ms", "≤ 5 ms", over <= 5),
        row("… 95th percentile", f"{late:.1f} ms", "≤ 15 ms", late <= 15),
    ]


def _stream(client: Any, short: bool) -> list[str]:
    kinesis, aws, logs = client("kinesis"), client("lambda"), client("logs")
    function(client, COUNTER, name="counter", Timeout=30, MemorySize=512)
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="s")
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    made = aws.create_event_source_mapping(
        EventSourceArn=arn, FunctionName="counter", StartingPosition="TRIM_HORIZON", BatchSize=500
    )
    until(lambda: aws.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")
    for number in range(20 if short else PUTS):
        kinesis.put_record(StreamName="s", Data=b'{"n": 1}', PartitionKey=str(number))
        time.sleep(0.02)
    puts = 20 if short else PUTS
    waited = until(lambda: (found := _waits(logs, 0)) and len(found) == puts and found, "the records", 60)
    burst = 2000 if short else BURST
    began = int(time.time() * 1000)
    for _ in range(burst // 500):
        kinesis.put_records(StreamName="s", Records=[{"Data": b"x" * 200, "PartitionKey": "k"}] * 500)
    started = began / 1000
    found = until(lambda: (found := _waits(logs, began)) and len(found) == burst and found, "the burst", 120)
    ended = _last(logs, began)
    middle = statistics.median(waited) * 1000
    late = statistics.quantiles(waited, n=20)[-1] * 1000
    return [
        row("Kinesis → function, 50 records a second: wait, median", f"{middle:.0f} ms", "≤ 250 ms", middle <= 250),
        row("… 95th percentile", f"{late:.0f} ms", "≤ 500 ms", late <= 500),
        row(
            f"Kinesis → function, {burst:,} records at once on one shard",
            f"{len(found) / (ended - started):,.0f} records/s",
            "",
            True,
        ),
    ]


def _waits(logs: Any, since: int) -> list[float]:
    """The waits of all records that the function has told of, in seconds."""
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/counter", startTime=since)
        events = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [wait for message in events if message.startswith("[") for wait in json.loads(message)]


def _last(logs: Any, since: int) -> float:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/counter", startTime=since)
    return max(event["timestamp"] for page in pages for event in page["events"]) / 1000
