"""Delivery: what Firehose does in the background. It reads a Kinesis source, processes records, watches the buffering hints, and puts objects.

Records on their way to S3 are in files: first in the buffer (buffer.py), and, where they are processed one by one, on the stage (stage.py).
Sources: https://docs.aws.amazon.com/firehose/latest/dev/ (buffering-hints, basic-deliver).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from moto.firehose.models import DeliveryStream
from moto.kinesis.exceptions import ResourceNotFoundError

from infra.local.core import roles, state
from infra.local.core.limits import Allowance
from infra.local.firehose.buffer import Buffer, Segment
from infra.local.firehose.destination import backup_of, described, settings_of
from infra.local.firehose.keys import partition_keys
from infra.local.firehose.processing import process
from infra.local.firehose.processors import INTAKE_SECONDS, LAMBDA_SECONDS, MIB, Steps, steps_of
from infra.local.firehose.records import Record, packed, unpacked
from infra.local.firehose.shipping import Shipper
from infra.local.firehose.source import ACTIONS, DENIED, GONE, READ_SECONDS, KinesisSource, once
from infra.local.firehose.stage import Stage
from infra.local.firehose.telling import Teller
from infra.local.firehose.transform import Source, Stopped

log = logging.getLogger("workshop.firehose")

READS_A_ROUND = 20  # of each shard, before what is due is delivered
INTAKE_BYTES = 4 * MIB  # processed together, where no function is asked
LONGEST_RETRY_SECONDS = 30.0
SHORTEST_INTERVAL_SECONDS = 0.2  # IntervalInSeconds 0: what arrives together goes into one object
STOP_SECONDS = 10.0
PACE = float(os.environ.get("WORKSHOP_FIREHOSE_PACE", "1"))  # of the intervals of buffering: tests make them shorter
# Direct PUT: requests, records and bytes a second. Source: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
QUOTA = (1_000, 100_000, MIB)
LARGE_QUOTA = (2_000, 500_000, 5 * MIB)
LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")


class Retry:
    """When a delivery that failed is tried again: later after each failure."""

    def __init__(self) -> None:
        self.failures, self.at = 0, 0.0

    def failed(self) -> None:
        self.failures += 1
        self.at = time.time() + min(2.0 ** (self.failures - 1), LONGEST_RETRY_SECONDS)

    def succeeded(self) -> None:
        self.failures, self.at = 0, 0.0


class Delivery:
    """Carries one delivery stream's records to S3, in a thread of its own that sleeps until something is due."""

    def __init__(self, account: str, region: str, stream: DeliveryStream):
        self.account, self.region, self.stream = account, region, stream
        self.name = stream.delivery_stream_name
        created = int(stream.create_timestamp.timestamp() * 1000)
        self.folder = state.folder("firehose", account, region) / f"{self.name}-{created}"
        self.changed = threading.Condition()  # guards buffer and settings; no other lock is taken while it is held
        self.steps = steps_of(settings_of(stream))
        arn: str = (stream.source or {}).get("KinesisStreamARN", "")
        self.source = KinesisSource(account, region, arn) if arn else None
        latest = self.source.latest() if self.source and not self.folder.exists() else None
        self.buffer = Buffer(self.folder, latest, self.steps.staged)
        self.stage = Stage(self.folder)
        self.teller = Teller(account, region, stream)
        self.shipper = Shipper(account, region, stream, self.buffer, self.stage, self.teller)
        self.source_is_gone = once(lambda: self.teller.error("Kinesis.ResourceNotFound", GONE.format(arn), arn))
        self.source_is_denied = once(lambda: self.teller.error("Kinesis.AccessDenied", DENIED, arn))
        self.allowance = Allowance(*(LARGE_QUOTA if region in LARGE_REGIONS else QUOTA))
        self.retry, self.backup_retry = Retry(), Retry()  # a bucket that fails does not hold up the other
        self.next_read = 0.0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"firehose {self.name}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """End the thread; what is buffered stays on disk."""
        with self.changed:
            self.stopping.set()
            self.changed.notify_all()
        self.thread.join(STOP_SECONDS)
        with self.changed:
            self.buffer.close()

    def put(self, records: list[bytes]) -> int:
        """Store records that a producer put; return how many of them. Raises OSError when the disk has no room for any."""
        now_ms = int(time.time() * 1000)
        with self.changed:
            return self._append([[Record(data, now_ms)] for data in records], now_ms)

    def update(self, settings: dict[str, Any], version: str) -> None:
        """Go on with another configuration of the destination, and its version, at once. Raises OSError."""
        steps = steps_of(settings)
        with self.changed:
            self.buffer.keep_apart(steps.staged)
            self.steps = steps
            self.stream.destinations = [described(settings)]
            self.stream.version_id = version
            self.retry.succeeded()
            self.backup_retry.succeeded()
            self.changed.notify_all()

    def _append(self, units: list[list[Record]], oldest_ms: int, shard: str | None = None, following: int = 0) -> int:
        """Store records; those of one unit are stored together. Return how many units were. The caller holds `changed`."""
        steps, counts = self.steps, [len(unit) for unit in units]
        if steps.staged:
            bodies = [b"".join(map(packed, unit)) for unit in units]
            limit = steps.transform.size if steps.transform else INTAKE_BYTES
        else:
            bodies = [b"".join([record.data + steps.delimiter for record in unit]) for unit in units]
            limit = self._hints()[0]
        was_empty = not self.buffer.open.records
        stored = self.buffer.append(bodies, oldest_ms, limit, shard, following, counts)
        if was_empty or self.buffer.sealed:
            self.changed.notify_all()
        return stored

    def _hints(self) -> tuple[int, float]:
        """Return when an object is due: bytes, and seconds after the arrival of its oldest record."""
        return self._size_and_seconds(settings_of(self.stream))

    def _size_and_seconds(self, settings: dict[str, Any]) -> tuple[int, float]:
        hints = settings["BufferingHints"]
        return hints["SizeInMBs"] * MIB, max(hints["IntervalInSeconds"] * PACE, SHORTEST_INTERVAL_SECONDS)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # The thread must live through a full disk or a broken file; delivering is what makes room again.
        while self._wait():
            try:
                self._read_due()
            except Exception:
                log.exception("delivery stream %s: reading its source", self.name)
            try:
                self._work()
            except Stopped:
                return
            except Exception:
                log.exception("delivery stream %s: delivering", self.name)
                self.shipper.rest()
                self.retry.failed()

    def _wait(self) -> bool:
        """Sleep until something is due; False when the delivery is stopped."""
        with self.changed:
            while not self.stopping.is_set():
                due = self._due()
                left = None if due is None else due - time.time()
                if left is not None and left <= 0:
                    return True
                self.changed.wait(left)
        return False

    def _due(self) -> float | None:
        """Return when there is something to do next (epoch seconds), None for never."""
        times = [self.next_read] if self.source else []
        if self.buffer.sealed or self.shipper.begun:
            times.append(self.retry.at)
        elif self.buffer.open.records:
            times.append(max(self._deadline(), self.retry.at))
        staged = self.stage.due(*self._hints())
        if staged is not None:
            times.append(max(staged, self.retry.at))
        if self.steps.backed_up:
            hints = self._size_and_seconds(backup_of(settings_of(self.stream)))
            staged = self.stage.due(*hints, backup=True)
            if staged is not None:
                times.append(max(staged, self.backup_retry.at))
        return min(times, default=None)

    def _deadline(self) -> float:
        """Return when the open segment is to be closed."""
        seconds = self._hints()[1]
        if self.buffer.open.framed:
            transform = self.steps.transform
            if transform is not None and transform.seconds is not None:
                seconds = transform.seconds * PACE
            else:
                seconds = min((LAMBDA_SECONDS if transform else INTAKE_SECONDS) * PACE, seconds)
        return self.buffer.open.oldest_ms / 1000 + max(seconds, SHORTEST_INTERVAL_SECONDS)

    def _succeeded(self) -> None:
        with self.changed:
            self.retry.succeeded()

    # --- the source stream ------------------------------------------------------------------------------------------

    def _read_due(self) -> None:
        """Move what arrived in the source stream into the buffer, once a second."""
        if self.source is None or time.time() < self.next_read:
            return
        self.next_read = time.time() + READ_SECONDS
        may_read = self._may_read(self.source)
        self.source_is_denied(not may_read)
        if not may_read:
            return
        for _ in range(READS_A_ROUND):
            try:
                shards, places = self.source.readable(self.buffer.places)
            except ResourceNotFoundError:
                self.source_is_gone(True)
                return
            self.source_is_gone(False)
            if places != self.buffer.places:
                with self.changed:
                    self.buffer.move(places)
            more = [name for name in shards if self._read_shard(self.source, name)]
            if not more or self.stopping.is_set():
                return
        self.next_read = 0.0  # the rest comes after what is due was delivered

    def _read_shard(self, source: KinesisSource, name: str) -> bool:
        """Take the next records of a shard; tell whether there are more."""
        places, staged = self.buffer.places, self.steps.staged
        read = source.read(name, places, with_origin=staged)
        if read is None:
            return False
        if not read.units:
            if read.position != places.shards[name]:  # the rest is older than the stream's retention
                with self.changed:
                    self.buffer.move(type(places)(places.source, {**places.shards, name: read.position}))
            return False
        with self.changed:
            if self.steps.staged != staged:  # updated meanwhile: they are read again
                return True
            oldest_ms = min(unit[0].arrival_ms for unit in read.units)  # those of a unit arrived together
            stored = self._append(read.units, oldest_ms, name, read.following)
        kept = [record for unit in read.units[:stored] for record in unit]
        self.teller.metric(
            {
                "DataReadFromKinesisStream.Records": (len(kept), "Count"),
                "DataReadFromKinesisStream.Bytes": (sum(len(record.data) for record in kept), "Bytes"),
                "KinesisMillisBehindLatest": (max(read.behind_ms, 0), "Milliseconds"),
            }
        )
        return read.more and stored == len(read.units)

    def _may_read(self, source: KinesisSource) -> bool:
        """Whether the role of the source may read it now; if not, it is asked again in a second."""
        try:
            session = self.teller.session((self.stream.source or {}).get("RoleARN", ""))
            for action in ACTIONS:
                roles.check(session, self.region, action, source.arn)
        except (roles.CannotAssume, roles.Denied):
            return False
        return True

    # --- processing and delivering ----------------------------------------------------------------------------------

    def _work(self) -> None:
        """Process and deliver what is due, oldest first, until something fails."""
        if self.steps.backed_up:
            self._back_up()
        if time.time() < self.retry.at:
            return
        self.shipper.recover()
        while not self.stopping.is_set():
            with self.changed:
                if not self.buffer.sealed:
                    if not self.buffer.open.records or time.time() < self._deadline():
                        break
                    self.buffer.seal()
                segment = self.buffer.sealed[0]
                settings, version = settings_of(self.stream), self.stream.version_id
            if segment.framed:
                self._process(segment, settings)
            elif not self.shipper.segment(segment, settings, version):
                self.retry.failed()
                return
            with self.changed:
                self.buffer.remove(segment)
            self._succeeded()
        while not self.stopping.is_set():
            with self.changed:
                size, seconds = self._hints()
                settings, version, steps = settings_of(self.stream), self.stream.version_id, self.steps
            pieces = self.stage.next(size, seconds, time.time())
            if not pieces:
                break
            if not self.shipper.group(pieces, settings, version, steps):
                self.retry.failed()
                break
            self._succeeded()
        self.shipper.rest()

    def _back_up(self) -> None:
        """Deliver records as they came to the bucket for the source's records."""
        self.shipper.recover()
        while not self.stopping.is_set() and time.time() >= self.backup_retry.at:
            with self.changed:
                backup, version = backup_of(settings_of(self.stream)), self.stream.version_id
            pieces = self.stage.next(*self._size_and_seconds(backup), time.time(), backup=True)
            if not pieces:
                return
            if self.shipper.group(pieces, backup, version, Steps()):
                self.backup_retry.succeeded()
            else:
                self.backup_retry.failed()

    def _process(self, segment: Segment, settings: dict[str, Any]) -> None:
        """Work on the records of a segment and put them on the stage. Raises Stopped, OSError."""
        if self.stage.has(segment.number):
            return  # a kill came before the segment was removed
        records = list(unpacked(self.buffer.path(segment), 0, segment.size))
        steps = steps_of(settings)
        arn = self.source.arn if self.source else None
        source = Source(self.stream.delivery_stream_arn, self.region, arn, self.teller.session, self.stopping)
        began = time.monotonic()
        done = process(
            steps, partition_keys(settings.get("Prefix", "")), set(self.stage.waiting), source, segment.number, records
        )
        if self.stopping.is_set():
            raise Stopped
        self.stage.add(segment.number, done.groups)
        function = steps.transform.function if steps.transform else ""
        for code, message in dict.fromkeys((failure.code, failure.message) for failure in done.failures):
            self.teller.error(code, message, settings["BucketARN"], function if code.startswith("Lambda.") else "")
        told: dict[str, tuple[float, str]] = {}
        if done.asked:
            succeeded = not any(failure.code.startswith("Lambda.") for failure in done.failures)
            told["ExecuteProcessing.Duration"] = ((time.monotonic() - began) * 1000, "Milliseconds")
            told["ExecuteProcessing.Success"] = (int(succeeded), "Count")
            told["SucceedProcessing.Records"] = (len(done.transformed), "Count")
            told["SucceedProcessing.Bytes"] = (sum(done.transformed), "Bytes")
        if steps.partitioned:
            told["PartitionCount"] = (sum(not group.error for group in self.stage.waiting), "Count")
        if told:
            self.teller.metric(told)
