"""Delivery: what Firehose does in the background. It reads a Kinesis source, watches the buffering hints, and puts objects into S3.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/ (buffering-hints, basic-deliver, writing-with-kinesis-streams,
monitoring-with-cloudwatch-metrics, monitoring-with-cloudwatch-logs).
"""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import threading
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

import orjson
from moto.firehose.models import DeliveryStream
from moto.kinesis.exceptions import ResourceNotFoundError
from moto.s3.exceptions import AccessDeniedByLock, MissingBucket, MissingKey

from infra.local import kinesis, s3
from infra.local.core import roles, state, telemetry
from infra.local.core.limits import Allowance
from infra.local.firehose.buffer import Buffer, Places, Segment
from infra.local.firehose.destination import delimiter_of, described, settings_of
from infra.local.firehose.keys import EXTENSIONS, object_key

log = logging.getLogger("workshop.firehose")

MIB = 1024 * 1024
READ_SECONDS = 1.0  # one GetRecords a second for each shard
READ_RECORDS = 1000  # records taken under Kinesis's lock at a time: producers must not wait
READS_A_ROUND = 20  # of each shard, before what is due is delivered
LONGEST_RETRY_SECONDS = 30.0
SHORTEST_INTERVAL_SECONDS = 0.2  # IntervalInSeconds 0: what arrives together goes into one object
STOP_SECONDS = 10.0
# Direct PUT: requests, records and bytes a second. Source: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
QUOTA = (1_000, 100_000, MIB)
LARGE_QUOTA = (2_000, 500_000, 5 * MIB)
LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
NO_SUCH_BUCKET = "The specified bucket does not exist. Create the bucket or use a different bucket that does exist."
ACCESS_DENIED = (
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role, "
    "and the access policy allows access to the S3 bucket."
)
SOURCE_DENIED = (
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role, "
    "and the access policy allows access to the Kinesis stream."
)
INTERNAL_ERROR = (
    "An internal error occurred while attempting to deliver data. Delivery will be retried; if the error persists, then it will be "
    "reported to AWS for resolution."
)


class Delivery:
    """Carries one delivery stream's records to S3, in a thread of its own that sleeps until something is due."""

    def __init__(self, account: str, region: str, stream: DeliveryStream):
        self.account, self.region, self.stream = account, region, stream
        self.name = stream.delivery_stream_name
        created = int(stream.create_timestamp.timestamp() * 1000)
        self.folder = state.folder("firehose", account, region) / f"{self.name}-{created}"
        self.changed = threading.Condition()  # guards buffer and settings; no other lock is taken while it is held
        self.source: str | None = (stream.source or {}).get("KinesisStreamARN")
        self.source_is_gone = self.source_is_denied = False
        self.buffer = Buffer(self.folder, self._latest() if self.source and not self.folder.exists() else None)
        self.interrupted = {segment.number for segment in self.buffer.sealed}  # begun by a process that was killed
        self.allowance = Allowance(*(LARGE_QUOTA if region in LARGE_REGIONS else QUOTA))
        self.failures = 0
        self.retry_at = 0.0
        self.next_read = 0.0
        self.stopping = False
        self.thread = threading.Thread(target=self._run, name=f"firehose {self.name}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """End the thread; what is buffered stays on disk."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.thread.join(STOP_SECONDS)
        with self.changed:
            self.buffer.close()

    def put(self, records: list[bytes]) -> int:
        """Store records that a producer put; return how many of them. Raises OSError when the disk has no room for any."""
        with self.changed:
            return self._append(records, int(time.time() * 1000))

    def update(self, settings: dict[str, Any]) -> None:
        """Go on with another configuration of the destination, at once."""
        with self.changed:
            self.stream.destinations = [described(settings)]
            self.failures, self.retry_at = 0, 0.0
            self.changed.notify_all()

    def _append(self, records: list[bytes], oldest_ms: int, shard: str | None = None, following: int = 0) -> int:
        delimiter = delimiter_of(settings_of(self.stream))
        if delimiter:
            records = [record + delimiter for record in records]
        was_empty = not self.buffer.open.records
        limit = settings_of(self.stream)["BufferingHints"]["SizeInMBs"] * MIB
        stored = self.buffer.append(records, oldest_ms, limit, shard, following)
        if was_empty or self.buffer.sealed:
            self.changed.notify_all()
        return stored

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # The thread must live through a full disk or a broken file; delivering is what makes room again.
        while self._wait():
            try:
                self._read_due()
            except Exception:
                log.exception("delivery stream %s: reading its source", self.name)
            try:
                self._deliver_due()
            except Exception:
                log.exception("delivery stream %s: delivering", self.name)
                self._failed()

    def _wait(self) -> bool:
        """Sleep until something is due; False when the delivery is stopped."""
        with self.changed:
            while not self.stopping:
                due = self._due()
                left = None if due is None else due - time.time()
                if left is not None and left <= 0:
                    return True
                self.changed.wait(left)
        return False

    def _due(self) -> float | None:
        """Return when there is something to do next (epoch seconds), None for never."""
        times = []
        if self.source:
            times.append(self.next_read)
        if self.buffer.sealed:
            times.append(self.retry_at)
        elif self.buffer.open.records:
            times.append(max(self._deadline(), self.retry_at))
        return min(times, default=None)

    def _deadline(self) -> float:
        interval = settings_of(self.stream)["BufferingHints"]["IntervalInSeconds"]
        return self.buffer.open.oldest_ms / 1000 + max(interval, SHORTEST_INTERVAL_SECONDS)

    def _failed(self) -> None:
        self.failures += 1
        self.retry_at = time.time() + min(2.0 ** (self.failures - 1), LONGEST_RETRY_SECONDS)

    # --- the source stream ------------------------------------------------------------------------------------------

    def _latest(self) -> Places:
        """Return the places behind the newest record of each shard: Firehose reads what arrives after its creation."""
        with state.lock("kinesis", self.account):
            stream = kinesis.stream(self.account, self.region, self.source)
            return Places(stream.created_ms, {name: shard.count for name, shard in stream.shards.items()})

    def _read_due(self) -> None:
        """Move what arrived in the source stream into the buffer, once a second."""
        if not self.source or time.time() < self.next_read:
            return
        self.next_read = time.time() + READ_SECONDS
        if not self._may_read():
            return
        for _ in range(READS_A_ROUND):
            try:
                shards = self._readable_shards()
            except ResourceNotFoundError:
                self._note_source_gone()
                return
            more = [name for name in shards if self._read_shard(name)]
            if not more or self.stopping:
                return
        self.next_read = 0.0  # the rest comes after what is due was delivered

    def _readable_shards(self) -> list[str]:
        """Return the shards to read now: children only after their parents, so that the order of a key is kept."""
        with state.lock("kinesis", self.account):
            stream = kinesis.stream(self.account, self.region, self.source)
            places = self.buffer.places
            if places.source != stream.created_ms:  # deleted and made again: all in it is new
                places = Places(stream.created_ms, {})
            found, known = [], dict(places.shards)
            for name, shard in stream.shards.items():
                parents = [
                    stream.shards[parent] for parent in (shard.parent, shard.adjacent_parent) if parent in stream.shards
                ]
                if name not in known:
                    if any(parent.is_open or known.get(parent.shard_id, 0) < parent.count for parent in parents):
                        continue
                    known[name] = 0
                if known[name] < shard.count:
                    found.append(name)
        self.source_is_gone = False
        if places is not self.buffer.places or known != places.shards:
            with self.changed:
                self.buffer.move(Places(places.source, known))
        return found

    def _read_shard(self, name: str) -> bool:
        """Take the next records of a shard; tell whether there are more."""
        places = self.buffer.places
        with state.lock("kinesis", self.account):
            stream = kinesis.stream(self.account, self.region, self.source)
            shard = stream.shards.get(name)
            if shard is None or stream.created_ms != places.source:
                return False
            position = shard.retained(places.shards[name], stream.retention_period_hours)
            records = shard.read(position, READ_RECORDS, MIB)
            following = position + len(records)
            more = following < shard.count
            behind_ms = int(time.time() * 1000) - shard.arrival(following) if more else 0
        if not records:
            if position != places.shards[name]:  # the rest is older than the stream's retention
                with self.changed:
                    self.buffer.move(Places(places.source, {**places.shards, name: position}))
            return False
        data = [record.data for record in records]
        with self.changed:
            stored = self._append(data, min(record.arrival_ms for record in records), name, following)
        self._metric(
            {
                "DataReadFromKinesisStream.Records": (stored, "Count"),
                "DataReadFromKinesisStream.Bytes": (sum(map(len, data[:stored])), "Bytes"),
                "KinesisMillisBehindLatest": (max(behind_ms, 0), "Milliseconds"),
            }
        )
        return more and stored == len(records)

    def _may_read(self) -> bool:
        """Whether the role of the source may read it now; if not, it is asked again in a second, and said once."""
        role = (self.stream.source or {}).get("RoleARN") or settings_of(self.stream)["RoleARN"]
        try:
            session = self._as(role)
            for action in ("kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords"):
                roles.check(session, self.region, action, self.source or "*")
        except (roles.CannotAssume, roles.Denied):
            if not self.source_is_denied:
                self._log_error("Kinesis.AccessDenied", SOURCE_DENIED, self.source or "")
            self.source_is_denied = True
            return False
        self.source_is_denied = False
        return True

    def _as(self, role: str) -> roles.Session:
        """Return Firehose's credentials of a role, for one piece of work. Raises roles.CannotAssume."""
        return roles.session(self.account, role, "firehose", source_arn=self.stream.delivery_stream_arn)

    def _note_source_gone(self) -> None:
        if not self.source_is_gone:
            self.source_is_gone = True
            self._log_error(
                "Kinesis.ResourceNotFound",
                f"The Kinesis stream {self.source} was not found. Create the stream, or delete the Firehose stream.",
                self.source,
            )

    # --- S3 ---------------------------------------------------------------------------------------------------------

    def _deliver_due(self) -> None:
        """Deliver every segment that is sealed or due, oldest first, until one fails."""
        while not self.stopping:
            with self.changed:
                if not self.buffer.sealed:
                    if not self.buffer.open.records or time.time() < self._deadline():
                        return
                    self.buffer.seal()
                if time.time() < self.retry_at:
                    return
                segment = self.buffer.sealed[0]
                settings, version = settings_of(self.stream), self.stream.version_id
            if not self._deliver(segment, settings, version):
                self._failed()
                return
            with self.changed:
                self.buffer.remove(segment)
                self.failures, self.retry_at = 0, 0.0

    def _deliver(self, segment: Segment, settings: dict[str, Any], version: str) -> bool:
        """Put one segment into the bucket; tell whether it is there."""
        bucket = settings["BucketARN"].rpartition(":")[2]
        if segment.number in self.interrupted:
            self.interrupted.discard(segment.number)
            if self._was_delivered(segment):
                return True
        key = self.buffer.target(segment, bucket, version) or object_key(
            self.name,
            version,
            settings.get("Prefix", ""),
            segment.oldest_ms,
            str(uuid.uuid4()),
            settings.get("CustomTimeZone", ""),
            settings.get("FileExtension") or EXTENSIONS[settings["CompressionFormat"]],
        )
        body = self.folder / f".{segment.number:08d}.object"
        try:
            if not s3.exists(self.account, bucket):
                raise MissingBucket(bucket=bucket)
            roles.check(self._as(settings["RoleARN"]), self.region, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
            _write_object(self.buffer.path(segment), body, settings["CompressionFormat"], key)
            self.buffer.note_target(segment, bucket, key, version)
            s3.put(self.account, bucket, key, body, content_type="application/octet-stream")
        except MissingBucket:
            self._delivery_failed("S3.NoSuchBucket", NO_SUCH_BUCKET, bucket, segment)
            return False
        except (AccessDeniedByLock, roles.CannotAssume, roles.Denied):
            self._delivery_failed("S3.AccessDenied", ACCESS_DENIED, bucket, segment)
            return False
        except Exception:
            log.exception("delivery stream %s to bucket %s", self.name, bucket)
            self._delivery_failed("InternalError", INTERNAL_ERROR, bucket, segment)
            return False
        finally:
            body.unlink(missing_ok=True)
        self._metric(
            {
                "DeliveryToS3.Records": (segment.records, "Count"),
                "DeliveryToS3.Bytes": (segment.size, "Bytes"),
                "DeliveryToS3.Success": (1, "Count"),
                "DeliveryToS3.ObjectCount": (1, "Count"),
                "DeliveryToS3.DataFreshness": (self._age(segment), "Seconds"),
            }
        )
        return True

    def _was_delivered(self, segment: Segment) -> bool:
        """Tell whether the process before this one was killed between the put to S3 and forgetting the segment."""
        begun = self.buffer.begun(segment)
        if begun is None:
            return False
        try:
            s3.get(self.account, *begun)
        except (MissingBucket, MissingKey, AccessDeniedByLock):
            return False
        return True

    def _delivery_failed(self, code: str, message: str, bucket: str, segment: Segment) -> None:
        self._metric(
            {
                "DeliveryToS3.Success": (0, "Count"),
                "DeliveryToS3.DataFreshness": (self._age(segment), "Seconds"),
            }
        )
        self._log_error(code, message, f"arn:aws:s3:::{bucket}")

    def _age(self, segment: Segment) -> float:
        return max(0, round(time.time() - segment.oldest_ms / 1000))

    # --- what a delivery tells --------------------------------------------------------------------------------------

    def _metric(self, values: dict[str, tuple[float, str]]) -> None:
        telemetry.metric(self.account, self.region, "AWS/Firehose", {"DeliveryStreamName": self.name}, values)

    def _log_error(self, code: str, message: str, destination: str) -> None:
        options = settings_of(self.stream)["CloudWatchLoggingOptions"]
        if not options.get("Enabled") or not self._may_log(options["LogGroupName"], options["LogStreamName"]):
            return
        line = {
            "deliveryStreamARN": self.stream.delivery_stream_arn,
            "destination": destination,
            "deliveryStreamVersionId": int(self.stream.version_id),
            "message": message,
            "errorCode": code,
        }
        telemetry.log(
            self.account, self.region, options["LogGroupName"], options["LogStreamName"], [orjson.dumps(line).decode()]
        )

    def _may_log(self, group: str, stream: str) -> bool:
        arn = f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}:log-stream:{stream}"
        try:
            session = self._as(settings_of(self.stream)["RoleARN"])
        except roles.CannotAssume:
            return True  # what Firehose says about that, it says as itself
        return roles.is_allowed(session, self.region, "logs:PutLogEvents", arn)


def _write_object(data: Path, target: Path, compression: str, key: str) -> None:
    """Write the object's bytes to `target`, on the same disk: S3 moves the file in."""
    target.unlink(missing_ok=True)
    if compression == "UNCOMPRESSED":
        try:
            os.link(data, target)  # the segment itself stays until S3 has the object
        except OSError:
            shutil.copyfile(data, target)  # a file system without links
    elif compression == "GZIP":
        with open(data, "rb") as source, open(target, "wb") as file, gzip.GzipFile("", "wb", 6, file) as packed:
            shutil.copyfileobj(source, packed, MIB)
    else:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(data, Path(key).stem)
