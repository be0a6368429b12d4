"""Send records to a Kinesis data stream or a Firehose stream in batches, at a rate, until all are accepted.

Limits: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html,
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random, uniform
from typing import Any

from botocore.exceptions import ClientError

from helpers.generator.rates import Constant, Periodic, Tick

MAX_RECORDS = 500  # a call, both services
MAX_BYTES = {"kinesis": 10 * 1024**2, "firehose": 4 * 1024**2}  # a call; Kinesis counts the partition keys too
MAX_RETRIES = 10
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds between two tries, doubled each time
REPORT_EVERY = 0.2  # seconds
# Codes of a refused call that may be tried again. A single refused record may be tried again whatever its code.
RETRYABLE = {
    "InternalFailure",
    "ProvisionedThroughputExceededException",
    "ServiceUnavailableException",
    "ThrottlingException",
}

Entry = dict[str, Any]


@dataclass
class Sent:
    """What has been sent so far.

    sent: records accepted
    failed: records given up
    retried: how often a record was sent again
    bytes: of the accepted records, with their line ends
    shards: accepted records by shard id (data streams only)
    refused: refusals by error code
    records_per_second: of the last moment; when finished, of the whole
    finished: nothing more will be sent
    error: what ended the sending before its time, if anything did
    """

    sent: int = 0
    failed: int = 0
    retried: int = 0
    bytes: int = 0
    shards: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    records_per_second: float = 0.0
    finished: bool = False
    error: Exception | None = None

    def __repr__(self) -> str:
        text = f"{self.sent:,} records ({self.bytes:,} bytes) sent · {self.failed:,} failed · {self.retried:,} retried"
        codes = ", ".join(f"{count:,} × {code}" for code, count in self.refused.most_common())
        return f"{text} · refused: {codes}" if codes else text


Listener = Callable[[Sent], None]


class Sender:
    """One run of a generator: `run()` sends until the end that was asked for, or until `stopping` is set."""

    def __init__(
        self,
        client: Any,
        name: str,
        make: Callable[[int | None], bytes],
        keys: Random,
        records: int | None,
        seconds: float | None,
        ticks: Iterator[Tick] | None,
        listener: Listener,
    ) -> None:
        self.sent = Sent()
        self.stopping = threading.Event()
        self.endpoint = client.meta.endpoint_url
        self._service = client.meta.service_model.service_name
        if self._service == "kinesis":
            self._put, self._name = client.put_records, {"StreamName": name}
        else:
            self._put, self._name = client.put_record_batch, {"DeliveryStreamName": name}
        self._make, self._keys = make, keys
        self._records, self._seconds, self._ticks = records, seconds, ticks
        self._listener = listener
        self._started = self._reported = time.monotonic()
        self._sent_at_report = 0

    def run(self) -> None:
        """Send. Raises what AWS refuses for another reason than too much at once."""
        self._started = self._reported = time.monotonic()
        try:
            for entries in self._batches():
                self._send(entries)
        except Exception as error:
            self.sent.error = error
            raise
        finally:
            self.sent.finished = True
            self._report()

    def run_in_background(self) -> None:
        """As `run`; the error that ends it stays in `sent.error`, for the one who asks for the result."""
        with suppress(Exception):
            self.run()

    def _batches(self) -> Iterator[list[Entry]]:
        """Records in lists that one call may hold, each when it is due."""
        left = self._records
        for tick in self._ticks or self._as_fast_as_possible():
            if self._seconds is not None and tick.due >= self._seconds:
                return
            if self.stopping.wait(max(0.0, self._started + tick.due - time.monotonic())):
                return
            count = tick.count if left is None else min(tick.count, left)
            yield from self._batches_of(count, tick.simulated)
            if left is not None:
                left -= count
                if left <= 0:
                    return

    def _as_fast_as_possible(self) -> Iterator[Tick]:
        while True:
            yield Tick(time.monotonic() - self._started, MAX_RECORDS)

    def _batches_of(self, count: int, simulated: int | None) -> Iterator[list[Entry]]:
        entries: list[Entry] = []
        size = 0
        for _ in range(count):
            if self.stopping.is_set():
                return
            entry: Entry = {"Data": self._make(simulated)}
            length = len(entry["Data"])
            if self._service == "kinesis":
                entry["PartitionKey"] = str(self._keys.randrange(10**10))
                length += len(entry["PartitionKey"])
            if entries and (len(entries) == MAX_RECORDS or size + length > MAX_BYTES[self._service]):
                yield entries
                entries, size = [], 0
            entries.append(entry)
            size += length
        if entries:
            yield entries

    def _send(self, entries: list[Entry]) -> None:
        """Send one batch, and again what of it was refused, with more and more time in between."""
        for attempt in range(MAX_RETRIES + 1):
            entries = self._call(entries)
            self._report_sometimes()
            if not entries:
                return
            if attempt == MAX_RETRIES:
                break
            wait = uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt))
            if self.stopping.wait(wait):
                break
            self.sent.retried += len(entries)
        self.sent.failed += len(entries)

    def _call(self, entries: list[Entry]) -> list[Entry]:
        """Send entries in one call; gives those that were refused."""
        try:
            answer = self._put(Records=entries, **self._name)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in RETRYABLE:
                raise
            self.sent.refused[code] += len(entries)
            return entries
        refused = []
        results = answer["Records"] if self._service == "kinesis" else answer["RequestResponses"]
        for entry, result in zip(entries, results, strict=True):
            if result.get("ErrorCode"):
                self.sent.refused[result["ErrorCode"]] += 1
                refused.append(entry)
                continue
            self.sent.sent += 1
            self.sent.bytes += len(entry["Data"])
            if "ShardId" in result:
                self.sent.shards[result["ShardId"]] += 1
        return refused

    def _report_sometimes(self) -> None:
        if time.monotonic() - self._reported >= REPORT_EVERY:
            self._report()

    def _report(self) -> None:
        now, sent = time.monotonic(), self.sent
        if sent.finished:
            seconds, count = now - self._started, sent.sent
        else:
            seconds, count = now - self._reported, sent.sent - self._sent_at_report
        sent.records_per_second = count / seconds if seconds > 0 else 0.0
        self._reported, self._sent_at_report = now, sent.sent
        self._listener(sent)


def ticks_of(rate: Constant | Periodic | None, rng: Random, strict: bool) -> Iterator[Tick] | None:
    """The ticks of a rate; None for no rate."""
    return None if rate is None else rate.ticks(rng, strict)
