"""Amazon Data Firehose: Direct PUT and Kinesis sources, real buffering, delivery to S3.

Names, tags and lists are moto's; puts go into a buffer on disk (firehose_buffer.py), and each delivery stream has a thread that reads its source and
delivers what is due. What only a larger Firehose has (other destinations, Lambda, format conversion, dynamic partitioning …) is refused.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/ (buffering-hints, basic-deliver, limits, writing-with-kinesis-streams,
monitoring-with-cloudwatch-metrics, monitoring-with-cloudwatch-logs), botocore's model 2015-08-04.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import logging
import os
import re
import shutil
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model, utcnow
from moto.firehose.exceptions import (
    ConcurrentModificationException,
    InvalidArgumentException,
    ResourceNotFoundException,
    ValidationException,
)
from moto.firehose.models import DeliveryStream, FirehoseBackend, firehose_backends
from moto.firehose.responses import FirehoseResponse
from moto.kinesis.exceptions import ResourceNotFoundError
from moto.s3.exceptions import AccessDeniedByLock, MissingBucket, MissingKey

from infra.local import kinesis, s3, state, telemetry
from infra.local.firehose_buffer import Buffer, Places, Segment
from infra.local.firehose_keys import EXTENSIONS, PrefixError, check_prefixes, object_key

log = logging.getLogger("workshop.firehose")

BACKENDS = firehose_backends
UNSAVED = {"PutRecord", "PutRecordBatch"}  # the buffer is a file

MIB = 1024 * 1024
RECORD_BYTES = 1_024_000
BATCH_RECORDS = 500
BATCH_BYTES = 4 * MIB
LIST_LIMIT = 10
DEFAULT_HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}
DESTINATION_ID = "destinationId-000000000001"
READ_SECONDS = 1.0  # one GetRecords a second for each shard
READ_RECORDS = 1000  # records taken under Kinesis's lock at a time: producers must not wait
LONGEST_RETRY_SECONDS = 30.0
SHORTEST_INTERVAL_SECONDS = 0.2  # IntervalInSeconds 0: what arrives together goes into one object
STOP_SECONDS = 10.0
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}

PREFIX_RULE = "Ths supplied prefix(es) do not satisfy the following constraint: {}"  # AWS's own spelling
NO_SUCH_BUCKET = "The specified bucket does not exist. Create the bucket or use a different bucket that does exist."
ACCESS_DENIED = (
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role, "
    "and the access policy allows access to the S3 bucket."
)
INTERNAL_ERROR = (
    "An internal error occurred while attempting to deliver data. Delivery will be retried; if the error persists, then it will be "
    "reported to AWS for resolution."
)

# What CreateDeliveryStream and UpdateDestination have on AWS, and the local AWS has not.
REFUSED = {
    "DirectPutSourceConfiguration": "throughput hints",
    "MSKSourceConfiguration": "Amazon MSK as a source",
    "DatabaseSourceConfiguration": "databases as a source",
    **{
        f"{name}Destination{kind}": f"the destination {title}"
        for name, title in {
            "Redshift": "Amazon Redshift",
            "Elasticsearch": "Amazon Elasticsearch Service",
            "Amazonopensearchservice": "Amazon OpenSearch Service",
            "AmazonOpenSearchServerless": "Amazon OpenSearch Serverless",
            "Splunk": "Splunk",
            "HttpEndpoint": "HTTP endpoint",
            "Snowflake": "Snowflake",
            "Iceberg": "Apache Iceberg",
        }.items()
        for kind in ("Configuration", "Update")
    },
}
S3_FIELDS = (
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
)


# --- what a configuration may hold ----------------------------------------------------------------------------------


def _refuse(what: str, name: str) -> InvalidArgumentException:
    return InvalidArgumentException(f"{name}: {what} is not supported by the local AWS.")


def check_destination(settings: dict[str, Any]) -> None:
    """Check a complete ExtendedS3DestinationDescription. Raises InvalidArgumentException as AWS does, or for what is not there."""
    hints = settings["BufferingHints"]
    if set(hints) != set(DEFAULT_HINTS):
        raise InvalidArgumentException("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.")
    try:
        check_prefixes(settings.get("Prefix", ""), settings.get("ErrorOutputPrefix", ""))
    except PrefixError as error:
        raise InvalidArgumentException(PREFIX_RULE.format(error)) from None
    zone = settings.get("CustomTimeZone")
    if zone:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidArgumentException(f"CustomTimeZone {zone} is not a valid time zone.") from None
    if settings["CompressionFormat"] not in EXTENSIONS:
        raise _refuse(f"the format {settings['CompressionFormat']}", "CompressionFormat")
    logging_options = settings["CloudWatchLoggingOptions"]
    if logging_options.get("Enabled") and not (
        logging_options.get("LogGroupName") and logging_options.get("LogStreamName")
    ):
        raise InvalidArgumentException(
            "CloudWatchLoggingOptions: LogGroupName and LogStreamName are required when logging is enabled."
        )
    if "KMSEncryptionConfig" in settings["EncryptionConfiguration"]:
        raise _refuse("encryption with a KMS key", "EncryptionConfiguration.KMSEncryptionConfig")
    if settings["S3BackupMode"] == "Enabled":
        raise _refuse("backup of source records", "S3BackupMode")
    if settings.get("DataFormatConversionConfiguration", {"Enabled": False}).get("Enabled", True):
        raise _refuse("record format conversion", "DataFormatConversionConfiguration")
    if settings.get("DynamicPartitioningConfiguration", {}).get("Enabled"):
        raise _refuse("dynamic partitioning", "DynamicPartitioningConfiguration")
    _delimiter(settings)


def _delimiter(settings: dict[str, Any]) -> bytes:
    """Return what is appended to each record. Raises InvalidArgumentException for processors that are not there."""
    processing = settings.get("ProcessingConfiguration", {})
    delimiter = b""
    if not processing.get("Enabled"):
        return delimiter
    for processor in processing.get("Processors", ()):
        if processor["Type"] != "AppendDelimiterToRecord":
            raise _refuse(f"the processor {processor['Type']}", "ProcessingConfiguration")
        text = "\n"
        for parameter in processor.get("Parameters", ()):
            if parameter["ParameterName"] != "Delimiter":
                raise InvalidArgumentException(
                    f"Processor AppendDelimiterToRecord does not support the parameter {parameter['ParameterName']}."
                )
            text = parameter["ParameterValue"]
        delimiter += re.sub(r"\\[nrt]", lambda match: ESCAPES[match[0]], text).encode()
    return delimiter


def complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a destination's configuration with AWS's defaults filled in, as DescribeDeliveryStream shows it."""
    whole = {
        "BufferingHints": dict(DEFAULT_HINTS),
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
        "S3BackupMode": "Disabled",
        **{name: value for name, value in settings.items() if name not in ("S3BackupConfiguration", "S3BackupUpdate")},
    }
    return {**whole, "BufferingHints": whole["BufferingHints"] or dict(DEFAULT_HINTS)}


def _described(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a destination as moto keeps it: AWS describes every S3 destination in both forms."""
    plain = {name: settings[name] for name in S3_FIELDS if name in settings}
    return {"destination_id": DESTINATION_ID, "S3": plain, "ExtendedS3": settings}


def _settings(stream: DeliveryStream) -> dict[str, Any]:
    return stream.destinations[0]["ExtendedS3"]


# --- delivery -------------------------------------------------------------------------------------------------------


class Delivery:
    """Carries one delivery stream's records to S3, in a thread of its own that sleeps until something is due."""

    def __init__(self, account: str, region: str, stream: DeliveryStream):
        self.account, self.region, self.stream = account, region, stream
        self.name = stream.delivery_stream_name
        created = int(stream.create_timestamp.timestamp() * 1000)
        self.folder = state.folder("firehose", account, region) / f"{self.name}-{created}"
        self.changed = threading.Condition()  # guards buffer and settings; no other lock is taken while it is held
        self.source: str | None = (stream.source or {}).get("KinesisStreamARN")
        self.source_is_gone = False
        self.buffer = Buffer(self.folder, self._latest() if self.source and not self.folder.exists() else None)
        self.interrupted = {segment.number for segment in self.buffer.sealed}  # begun by a process that was killed
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
            self.stream.destinations = [_described(settings)]
            self.failures, self.retry_at = 0, 0.0
            self.changed.notify_all()

    def _append(self, records: list[bytes], oldest_ms: int, shard: str | None = None, following: int = 0) -> int:
        delimiter = _delimiter(_settings(self.stream))
        if delimiter:
            records = [record + delimiter for record in records]
        was_empty = not self.buffer.open.records
        limit = _settings(self.stream)["BufferingHints"]["SizeInMBs"] * MIB
        stored = self.buffer.append(records, oldest_ms, limit, shard, following)
        if was_empty or self.buffer.sealed:
            self.changed.notify_all()
        return stored

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            try:
                if self.source and time.time() >= self.next_read:
                    self.next_read = time.time() + READ_SECONDS
                    self._read_source()
                self._deliver_due()
            except Exception:  # the thread must live: a full disk, a broken file
                log.exception("delivery stream %s", self.name)
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
        interval = _settings(self.stream)["BufferingHints"]["IntervalInSeconds"]
        return self.buffer.open.oldest_ms / 1000 + max(interval, SHORTEST_INTERVAL_SECONDS)

    def _failed(self) -> None:
        self.failures += 1
        self.retry_at = time.time() + min(2.0 ** (self.failures - 1), LONGEST_RETRY_SECONDS)

    # --- the source stream ------------------------------------------------------------------------------------------

    def _latest(self) -> Places:
        """Return the places behind the newest record of each shard: Firehose reads what arrives after its creation."""
        with state.lock("kinesis"):
            stream = kinesis.stream(self.account, self.region, self.source)
            return Places(stream.created_ms, {name: shard.count for name, shard in stream.shards.items()})

    def _read_source(self) -> None:
        """Move what arrived in the source stream into the buffer."""
        more = True
        while more and not self.stopping:
            more = False
            try:
                shards = self._readable_shards()
            except ResourceNotFoundError:
                self._note_source_gone()
                return
            for name in shards:
                more = self._read_shard(name) or more

    def _readable_shards(self) -> list[str]:
        """Return the shards to read now: children only after their parents, so that the order of a key is kept."""
        with state.lock("kinesis"):
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
        with state.lock("kinesis"):
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
                settings, version = _settings(self.stream), self.stream.version_id
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
            _write_object(self.buffer.path(segment), body, settings["CompressionFormat"], key)
            self.buffer.note_target(segment, bucket, key, version)
            s3.put(self.account, bucket, key, body, content_type="application/octet-stream")
        except MissingBucket:
            self._delivery_failed("S3.NoSuchBucket", NO_SUCH_BUCKET, bucket, segment)
            return False
        except AccessDeniedByLock:
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
        options = _settings(self.stream)["CloudWatchLoggingOptions"]
        if not options.get("Enabled"):
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


_deliveries: dict[str, Delivery] = {}  # by ARN of the delivery stream


# --- the service ----------------------------------------------------------------------------------------------------


class LocalFirehoseBackend(FirehoseBackend):
    def create_delivery_stream(
        self,
        region: str,
        delivery_stream_name: str,
        delivery_stream_type: str,
        kinesis_stream_source_configuration: dict[str, Any],
        delivery_stream_encryption_configuration_input: dict[str, Any],
        s3_destination_configuration: dict[str, Any],
        extended_s3_destination_configuration: dict[str, Any],
        redshift_destination_configuration: dict[str, Any],
        elasticsearch_destination_configuration: dict[str, Any],
        splunk_destination_configuration: dict[str, Any],
        http_endpoint_destination_configuration: dict[str, Any],
        snowflake_destination_configuration: dict[str, Any],
        iceberg_destination_configuration: dict[str, Any],
        tags: list[dict[str, str]],
    ) -> str:
        _check_refused(
            {
                "RedshiftDestinationConfiguration": redshift_destination_configuration,
                "ElasticsearchDestinationConfiguration": elasticsearch_destination_configuration,
                "SplunkDestinationConfiguration": splunk_destination_configuration,
                "HttpEndpointDestinationConfiguration": http_endpoint_destination_configuration,
                "SnowflakeDestinationConfiguration": snowflake_destination_configuration,
                "IcebergDestinationConfiguration": iceberg_destination_configuration,
            }
        )
        settings = complete(_one_destination(s3_destination_configuration, extended_s3_destination_configuration))
        check_destination(settings)
        kind = delivery_stream_type or "DirectPut"
        self._check_source(kind, kinesis_stream_source_configuration, delivery_stream_encryption_configuration_input)
        arn = super().create_delivery_stream(
            region,
            delivery_stream_name,
            kind,
            kinesis_stream_source_configuration,
            delivery_stream_encryption_configuration_input,
            None,
            settings,
            None,
            None,
            None,
            None,
            None,
            None,
            tags,
        )
        stream = self.delivery_streams[delivery_stream_name]
        stream.destinations = [_described(settings)]
        stream.last_update_timestamp = None
        encryption = delivery_stream_encryption_configuration_input
        stream.delivery_stream_encryption_configuration = (
            {**encryption, "Status": "ENABLED"} if encryption else {"Status": "DISABLED"}
        )
        if kind == "KinesisStreamAsSource":
            stream.source = {**kinesis_stream_source_configuration, "DeliveryStartTimestamp": stream.create_timestamp}
            stream.delivery_stream_encryption_configuration = None
        try:
            _begin(self.account_id, self.region_name, stream)
        except BaseException:
            del self.delivery_streams[delivery_stream_name]
            raise
        return arn

    def _check_source(self, kind: str, source: dict[str, Any] | None, encryption: dict[str, Any] | None) -> None:
        if kind in ("MSKAsSource", "DatabaseAsSource"):
            raise _refuse(f"the type {kind}", "DeliveryStreamType")
        if kind != "KinesisStreamAsSource":
            if source:
                raise InvalidArgumentException(
                    "KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type"
                )
            return
        if not source:
            raise InvalidArgumentException(
                "KinesisStreamSourceConfiguration is required for KinesisStreamAsSource delivery stream type."
            )
        if encryption:
            raise InvalidArgumentException(
                "DeliveryStreamEncryptionConfigurationInput is not applicable for KinesisStreamAsSource delivery stream type: "
                "switch encryption on for the Kinesis stream."
            )
        arn = source["KinesisStreamARN"]
        _, _, _, region, account, _ = arn.split(":", 5)
        try:
            if (account, region) != (self.account_id, self.region_name):
                raise ResourceNotFoundError(arn)
            with state.lock("kinesis"):
                kinesis.stream(account, region, arn)
        except ResourceNotFoundError:
            raise InvalidArgumentException(
                f"Kinesis stream {arn} was not found. Verify that it exists in this account and region."
            ) from None

    def delete_delivery_stream(self, delivery_stream_name: str) -> None:
        """Delete a stream and, as AWS does, the data that was not delivered yet."""
        stream = self.delivery_streams.get(delivery_stream_name)
        super().delete_delivery_stream(delivery_stream_name)
        delivery = _deliveries.pop(stream.delivery_stream_arn, None)
        if delivery is not None:
            delivery.stop()
            shutil.rmtree(delivery.folder, ignore_errors=True)

    def list_delivery_streams(
        self, limit: int | None, delivery_stream_type: str, exclusive_start_delivery_stream_name: str
    ) -> dict[str, Any]:
        return super().list_delivery_streams(
            limit or LIST_LIMIT, delivery_stream_type, exclusive_start_delivery_stream_name
        )

    def put_record(self, delivery_stream_name: str, record: dict[str, bytes]) -> dict[str, Any]:
        answer = self._put(delivery_stream_name, [record["Data"]])
        return {"RecordId": answer["RequestResponses"][0]["RecordId"], "Encrypted": answer["Encrypted"]}

    def put_record_batch(self, delivery_stream_name: str, records: list[dict[str, bytes]]) -> dict[str, Any]:
        return self._put(delivery_stream_name, [record["Data"] for record in records])

    def _put(self, name: str, records: list[bytes]) -> dict[str, Any]:
        """Store records, all acknowledged ones on disk, and answer as PutRecordBatch does."""
        stream = self.delivery_streams.get(name)
        if stream is None:
            raise ResourceNotFoundException(f"Firehose {name} not found under account {self.account_id}.")
        if stream.delivery_stream_type == "KinesisStreamAsSource":
            raise InvalidArgumentException(
                "This operation is not permitted on KinesisStreamAsSource delivery stream type."
            )
        stored = _deliveries[stream.delivery_stream_arn].put(records)
        telemetry.metric(
            self.account_id,
            self.region_name,
            "AWS/Firehose",
            {"DeliveryStreamName": name},
            {
                "IncomingPutRequests": (1, "Count"),
                "IncomingRecords": (stored, "Count"),
                "IncomingBytes": (sum(map(len, records[:stored])), "Bytes"),
            },
        )
        failed = len(records) - stored
        answers = [{"RecordId": _record_id()} for _ in range(stored)]
        answers += [{"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"}] * failed
        encrypted = (stream.delivery_stream_encryption_configuration or {}).get("Status") == "ENABLED"
        return {"FailedPutCount": failed, "Encrypted": encrypted, "RequestResponses": answers}

    def update_destination(
        self,
        delivery_stream_name: str,
        current_delivery_stream_version_id: str,
        destination_id: str,
        s3_destination_update: dict[str, Any],
        extended_s3_destination_update: dict[str, Any],
        *_: Any,
    ) -> None:
        """Merge what is given into the destination; what is not given stays. The version goes up by one."""
        stream = self.delivery_streams.get(delivery_stream_name)
        if stream is None:
            raise ResourceNotFoundException(
                f"Firehose {delivery_stream_name} under account {self.account_id} not found."
            )
        if stream.version_id != current_delivery_stream_version_id:
            raise ConcurrentModificationException(
                f"Cannot update firehose: {delivery_stream_name} since the current version id: {stream.version_id} and specified "
                f"version id: {current_delivery_stream_version_id} do not match"
            )
        if destination_id != DESTINATION_ID:
            raise InvalidArgumentException(f"Destination Id {destination_id} not found")
        update = _one_destination(s3_destination_update, extended_s3_destination_update)
        settings = complete({**_settings(stream), **update})
        check_destination(settings)
        stream.version_id = str(int(stream.version_id) + 1)
        stream.last_update_timestamp = utcnow()
        _deliveries[stream.delivery_stream_arn].update(settings)

    def start_delivery_stream_encryption(self, stream_name: str, encryption_config: dict[str, Any]) -> None:
        stream = self.delivery_streams.get(stream_name)
        if stream is not None and stream.delivery_stream_type == "KinesisStreamAsSource":
            raise InvalidArgumentException(
                "This operation is not permitted on KinesisStreamAsSource delivery stream type."
            )
        super().start_delivery_stream_encryption(stream_name, encryption_config or {"KeyType": "AWS_OWNED_CMK"})

    def send_log_event(
        self,
        delivery_stream_arn: str,
        filter_name: str,
        log_group_name: str,
        log_stream_name: str,
        log_events: list[dict[str, Any]],
    ) -> None:
        """Take the events of a CloudWatch Logs subscription: one gzipped record, as Logs sends it."""
        message = {
            "messageType": "DATA_MESSAGE",
            "owner": self.account_id,
            "logGroup": log_group_name,
            "logStream": log_stream_name,
            "subscriptionFilters": [filter_name],
            "logEvents": log_events,
        }
        self._put(delivery_stream_arn.rpartition("/")[2], [gzip.compress(orjson.dumps(message))])


def _record_id() -> str:
    return base64.b64encode(os.urandom(168)).decode()


def _one_destination(*given: dict[str, Any] | None) -> dict[str, Any]:
    destinations = [each for each in given if each]
    if len(destinations) != 1:
        raise InvalidArgumentException("Exactly one destination configuration is supported for a Firehose")
    return destinations[0]


def _check_refused(parameters: dict[str, Any]) -> None:
    for name, what in REFUSED.items():
        if parameters.get(name):
            raise _refuse(what, name)


def _begin(account: str, region: str, stream: DeliveryStream) -> None:
    delivery = Delivery(account, region, stream)
    _deliveries[stream.delivery_stream_arn] = delivery
    delivery.start()


# --- requests -------------------------------------------------------------------------------------------------------


Answer = tuple[str, dict[str, str]]


class LocalFirehoseResponse(FirehoseResponse):
    def create_delivery_stream(self) -> ActionResult:
        self._check_parameters("CreateDeliveryStream")
        return super().create_delivery_stream()

    def update_destination(self) -> ActionResult:
        self._check_parameters("UpdateDestination")
        return super().update_destination()

    def list_delivery_streams(self) -> ActionResult:
        self._check_parameters("ListDeliveryStreams")
        return super().list_delivery_streams()

    def _check_parameters(self, operation: str) -> None:
        parameters = orjson.loads(self.body)
        _check_refused(parameters)
        errors = list(
            constraint_errors(parameters, get_service_model("firehose").operation_model(operation).input_shape)
        )
        if errors:
            raise _validation_error(errors)

    def put_record(self) -> Answer:
        parameters = orjson.loads(self.body)
        record = _records([parameters["Record"]], "record.data")[0]
        return _json(self.firehose_backend.put_record(parameters["DeliveryStreamName"], record))

    def put_record_batch(self) -> Answer:
        parameters = orjson.loads(self.body)
        given = parameters["Records"]
        if not 1 <= len(given) <= BATCH_RECORDS:
            bound = f"less than or equal to {BATCH_RECORDS}" if given else "greater than or equal to 1"
            raise _validation_error(["at 'records' failed to satisfy constraint: Member must have length " + bound])
        records = _records(given, "records.{}.member.data")
        if sum(len(record["Data"]) for record in records) > BATCH_BYTES:
            raise InvalidArgumentException("Records size exceeds 4 MB limit")
        return _json(self.firehose_backend.put_record_batch(parameters["DeliveryStreamName"], records))


def _json(answer: dict[str, Any]) -> Answer:
    """Answer without moto's serializer, which takes three times as long as the rest of a put."""
    return orjson.dumps(answer).decode(), {"Content-Type": "application/x-amz-json-1.1"}


def _records(given: list[dict[str, str]], path: str) -> list[dict[str, bytes]]:
    """Decode records as they stand in a request. Raises SerializationException, ValidationException."""
    records, errors = [], []
    for number, record in enumerate(given, 1):
        try:
            data = binascii.a2b_base64(record["Data"], strict_mode=True) if record["Data"] else b""
        except (binascii.Error, ValueError):
            raise ServiceException("SerializationException", "The record's data is not valid base64.") from None
        if len(data) > RECORD_BYTES:
            errors.append(
                f"'java.nio.HeapByteBuffer[pos=0 lim={len(data)} cap={len(data)}]' at '{path.format(number)}' failed to satisfy "
                f"constraint: Member must have length less than or equal to {RECORD_BYTES}"
            )
        records.append({"Data": data})
    if errors:
        raise _validation_error(errors)
    return records


def _validation_error(errors: list[str]) -> ValidationException:
    plural = "" if len(errors) == 1 else "s"
    return ValidationException(
        f"{len(errors)} validation error{plural} detected: " + "; ".join(f"Value {e}" for e in errors)
    )


def constraint_errors(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Yield what breaks the model's limits (length, range, pattern, enum) in a request, in the words of AWS's services."""
    limits = shape.metadata
    measured, what = value, "Member must have value"
    if shape.type_name in ("string", "list"):
        measured, what = len(value), "Member must have length"
    shown = f"'{value}' at '{path}' failed to satisfy constraint: "
    if "min" in limits and measured < limits["min"]:
        yield f"{shown}{what} greater than or equal to {limits['min']}"
    if "max" in limits and measured > limits["max"]:
        yield f"{shown}{what} less than or equal to {limits['max']}"
    if shape.type_name == "string":
        pattern = limits.get("pattern", "")
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):  # those with \p are of tags: moto's
            yield f"{shown}Member must satisfy regular expression pattern: {pattern}"
        if limits.get("enum") and value not in limits["enum"]:
            yield f"{shown}Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                lower = name[0].lower() + name[1:]
                yield from constraint_errors(value[name], member, f"{path}.{lower}" if path else lower)
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield from constraint_errors(item, shape.member, f"{path}.{number}.member")


firehose_backends.backend = LocalFirehoseBackend
RESPONSE = LocalFirehoseResponse


def resume() -> None:
    """Go on with every delivery stream, and remove the buffers of those that were deleted or never acknowledged."""
    for account, region, backend in firehose_backends.iter_backends():
        for stream in backend.delivery_streams.values():
            _begin(account, region, stream)
        kept = {_deliveries[stream.delivery_stream_arn].folder for stream in backend.delivery_streams.values()}
        for folder in state.folder("firehose", account, region).iterdir():
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def stop() -> None:
    for delivery in _deliveries.values():
        delivery.stop()
    _deliveries.clear()
