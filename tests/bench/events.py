"""EventBridge and SQS: events a second over a rule to a queue, their latency, and what a message costs among many."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import doubles
from tests.bench.doubles import Double
from tests.bench.report import row

ACCOUNT, REGION = "123456789012", "us-east-1"
SOURCE = "bench"


def _queue(sqs: Any, name: str) -> tuple[str, str]:
    url, arn = sqs.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def _entry(number: int) -> dict[str, str]:
    return {"Source": SOURCE, "DetailType": "Measured", "Detail": json.dumps({"number": number, "text": "x" * 200})}


def _take(sqs: Any, url: str) -> int:
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
    if found:
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(found)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return len(found)


def throughput(double: Double, url: str, count: int) -> tuple[float, float]:
    """Return how many events a second PutEvents took, ten a call, and how many a second reached the queue."""
    events, sqs = double.client("events"), double.client("sqs")
    begun = time.perf_counter()
    for start in range(0, count, 10):
        events.put_events(Entries=[_entry(number) for number in range(start, start + 10)])
    accepted = time.perf_counter() - begun
    attributes = {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]}
    while int(sqs.get_queue_attributes(**attributes)["Attributes"]["ApproximateNumberOfMessages"]) < count:
        time.sleep(0.02)
    delivered = time.perf_counter() - begun
    sqs.purge_queue(QueueUrl=url)
    return count / accepted, count / delivered


def latency(double: Double, url: str, count: int) -> list[float]:
    """Return milliseconds from PutEvents until a long poll has the message, sorted."""
    events, sqs = double.client("events"), double.client("sqs")
    found = []
    for number in range(count):
        begun = time.perf_counter()
        events.put_events(Entries=[_entry(number)])
        while not _take(sqs, url):
            pass
        found.append((time.perf_counter() - begun) * 1000)
    return sorted(found)


def message_cost(double: Double, waiting: int) -> float:
    """Return milliseconds of SendMessage in a queue in which so many messages wait (median of 200)."""
    sqs = double.client("sqs")
    url, _ = _queue(sqs, f"many-{waiting}")
    for start in range(0, waiting, 10):
        entries = [{"Id": str(n), "MessageBody": f"{start + n}"} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    times = []
    for number in range(200):
        begun = time.perf_counter()
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    count, puts, many = (500, 30, 2_000) if short else (5_000, 200, 100_000)
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as folder, doubles.ours_running(Path(folder)) as ours:
        url, arn = _queue(ours.client("sqs"), "told")
        events = ours.client("events")
        events.put_rule(Name="bench", EventPattern=json.dumps({"source": [SOURCE]}))
        events.put_targets(Rule="bench", Targets=[{"Id": "queue", "Arn": arn}])
        throughput(ours, url, 100)  # warm
        accepted, delivered = throughput(ours, url, count)
        times = latency(ours, url, puts)
        few, most = message_cost(ours, 100), message_cost(ours, many)
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    return [
        "Events of 250 bytes over one rule to one queue, by boto3 from one client; each is on disk before PutEvents answers, and until the queue has it.",
        "",
        "| what | value | goal | met |",
        "|---|---|---|---|",
        row("Events accepted a second, ten a call", f"{accepted:,.0f}", "≥ 500", accepted >= 500),
        row("Events that reach the queue a second", f"{delivered:,.0f}", "≥ 300", delivered >= 300),
        row("From PutEvents to a long poll", f"p50 {p50:.0f} ms, p95 {p95:.0f} ms", "p50 ≤ 50 ms", p50 <= 50),
        row("SendMessage, 100 messages waiting", f"{few:.1f} ms", "", True),
        row(f"SendMessage, {many:,} messages waiting", f"{most:.1f} ms", "≤ 1.5 × the one above", most <= 1.5 * few),
    ]
