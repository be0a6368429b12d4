"""Amazon Data Firehose: the service's operations.

Names, tags and lists are moto's; puts go into a buffer on disk (firehose_buffer.py), and each delivery stream has a thread that reads its source and
delivers what is due (firehose_delivery.py). What only a larger Firehose has (other destinations, Lambda, format conversion, dynamic partitioning …)
is refused (firehose_destination.py).

Sources: https://docs.aws.amazon.com/firehose/latest/APIReference/, https://docs.aws.amazon.com/firehose/latest/dev/limits.html.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import os
import shutil
import time
from typing import Any

import orjson
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.firehose.exceptions import (
    ConcurrentModificationException,
    InvalidArgumentException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.firehose.models import DeliveryStream, FirehoseBackend, firehose_backends
from moto.firehose.responses import FirehoseResponse
from moto.kinesis.exceptions import ResourceNotFoundError

from infra.local import kinesis
from infra.local.core import limits as write_limits
from infra.local.core import pace, roles, state, telemetry
from infra.local.core import validation as constraints
from infra.local.firehose.delivery import Delivery
from infra.local.firehose.destination import (
    DESTINATION_ID,
    check_change,
    check_destination,
    check_refused,
    complete,
    described,
    refuse,
    roles_of,
    settings_of,
    validation_error,
)

BACKENDS = firehose_backends
UNSAVED = {"PutRecord", "PutRecordBatch"}  # the buffer is a file

RECORD_BYTES = 1_024_000
BATCH_RECORDS = 500
BATCH_BYTES = 4 * 1024 * 1024
LIST_LIMIT = 10
NOT_WITH_KINESIS = "This operation is not permitted on KinesisStreamAsSource delivery stream type."

SLOW_DOWN = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}

_deliveries: dict[str, Delivery] = {}  # by ARN of the delivery stream


class ServiceUnavailable(JsonRESTError):
    """A producer puts more than the stream takes in a second."""

    code = 500

    def __init__(self) -> None:
        super().__init__(SLOW_DOWN["ErrorCode"], SLOW_DOWN["ErrorMessage"])


# --- the service ----------------------------------------------------------------------------------------------------


class LocalFirehoseBackend(FirehoseBackend):
    """`changes`: name of a stream → the change that is under way, and when it is over (seconds since 1970)."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.changes: dict[str, tuple[str, float]] = {}

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
        check_refused(
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
        for role in roles_of(settings):
            assume(self.account_id, role, self._arn(delivery_stream_name))
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
        stream.destinations = [described(settings)]
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
        self.changes[delivery_stream_name] = ("CREATING", pace.deadline("firehose creating"))
        return arn

    def _check_source(self, kind: str, source: dict[str, Any] | None, encryption: dict[str, Any] | None) -> None:
        if kind in ("MSKAsSource", "DatabaseAsSource"):
            raise refuse(f"the type {kind}", "DeliveryStreamType")
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
            with state.lock("kinesis", account):
                kinesis.stream(account, region, arn)
        except ResourceNotFoundError:
            raise InvalidArgumentException(
                f"Kinesis stream {arn} was not found. Verify that it exists in this account and region."
            ) from None
        role = assume(self.account_id, source["RoleARN"])
        if not roles.is_allowed(role, region, "kinesis:DescribeStream", arn):
            raise InvalidArgumentException(
                f"Role {source['RoleARN']} is not authorized to perform: kinesis:DescribeStream on resource {arn}."
            )

    def _arn(self, name: str) -> str:
        return f"arn:aws:firehose:{self.region_name}:{self.account_id}:deliverystream/{name}"

    def delete_delivery_stream(self, delivery_stream_name: str) -> None:
        """Delete a stream and, as AWS does, the data that was not delivered yet."""
        stream = self.delivery_streams.get(delivery_stream_name)
        if stream is None:
            raise ResourceNotFoundException(
                f"Firehose {delivery_stream_name} under account {self.account_id} not found."
            )
        delivery = _deliveries.pop(stream.delivery_stream_arn, None)
        if delivery is not None:
            delivery.stop()
            shutil.rmtree(delivery.folder, ignore_errors=True)
        self.changes[delivery_stream_name] = ("DELETING", 0.0)
        pace.after("firehose deleting", lambda: self.drop(stream))

    def drop(self, stream: DeliveryStream) -> None:
        """Finish the deletion of a stream."""
        with state.lock("firehose", self.account_id):
            if self.delivery_streams.get(stream.delivery_stream_name) is stream:
                super().delete_delivery_stream(stream.delivery_stream_name)
                del self.changes[stream.delivery_stream_name]
                state.save("firehose", self.account_id, self.region_name)

    def state_of(self, name: str) -> str:
        """Return the state of a stream that is there: the change that is under way, or ACTIVE."""
        change, until = self.changes.get(name, ("ACTIVE", 0.0))
        return change if change == "DELETING" or not pace.reached(until) else "ACTIVE"

    def describe_delivery_stream(self, delivery_stream_name: str) -> dict[str, Any]:
        stream = self.delivery_streams.get(delivery_stream_name)
        if stream is not None:
            stream.delivery_stream_status = self.state_of(delivery_stream_name)
        return super().describe_delivery_stream(delivery_stream_name)

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update({"changes": {}, **values})

    def list_delivery_streams(
        self, limit: int | None, delivery_stream_type: str, exclusive_start_delivery_stream_name: str
    ) -> dict[str, Any]:
        return super().list_delivery_streams(
            limit or LIST_LIMIT, delivery_stream_type, exclusive_start_delivery_stream_name
        )

    def put_record(self, delivery_stream_name: str, record: dict[str, bytes]) -> dict[str, Any]:
        answer = self._put(delivery_stream_name, [record["Data"]])
        (response,) = answer["RequestResponses"]
        if response == SLOW_DOWN:
            raise ServiceUnavailable
        return {"RecordId": response["RecordId"], "Encrypted": answer["Encrypted"]}

    def put_record_batch(self, delivery_stream_name: str, records: list[dict[str, bytes]]) -> dict[str, Any]:
        return self._put(delivery_stream_name, [record["Data"] for record in records])

    def _put(self, name: str, records: list[bytes]) -> dict[str, Any]:
        """Store records, all acknowledged ones on disk, and answer as PutRecordBatch does."""
        stream = self.delivery_streams.get(name)
        if stream is None or self.state_of(name) != "ACTIVE":
            raise ResourceNotFoundException(f"Firehose {name} not found under account {self.account_id}.")
        if stream.delivery_stream_type == "KinesisStreamAsSource":
            raise InvalidArgumentException(NOT_WITH_KINESIS)
        delivery = _deliveries[stream.delivery_stream_arn]
        admitted = len(records)
        if write_limits.enforced:
            now = time.time()
            if not delivery.allowance.takes(1, 0, 0, now=now):
                raise ServiceUnavailable
            refused = (n for n, data in enumerate(records) if not delivery.allowance.takes(0, 1, len(data), now=now))
            admitted = next(refused, admitted)
        stored = delivery.put(records[:admitted]) if admitted else 0
        telemetry.metric(
            self.account_id,
            self.region_name,
            "AWS/Firehose",
            {"DeliveryStreamName": name},
            {
                "IncomingPutRequests": (1, "Count"),
                "IncomingRecords": (stored, "Count"),
                "IncomingBytes": (sum(map(len, records[:stored])), "Bytes"),
                "ThrottledRecords": (len(records) - admitted, "Count"),
            },
        )
        answers = [{"RecordId": _record_id()} for _ in range(stored)]
        answers += [{"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"}] * (admitted - stored)
        answers += [SLOW_DOWN] * (len(records) - admitted)
        encrypted = (stream.delivery_stream_encryption_configuration or {}).get("Status") == "ENABLED"
        return {"FailedPutCount": len(records) - stored, "Encrypted": encrypted, "RequestResponses": answers}

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
        if self.state_of(delivery_stream_name) != "ACTIVE":
            raise ResourceInUseException(
                f"Firehose {delivery_stream_name} under account {self.account_id} is not in the ACTIVE state."
            )
        if stream.version_id != current_delivery_stream_version_id:
            raise ConcurrentModificationException(
                f"Cannot update firehose: {delivery_stream_name} since the current version id: {stream.version_id} and specified "
                f"version id: {current_delivery_stream_version_id} do not match"
            )
        if destination_id != DESTINATION_ID:
            raise InvalidArgumentException(f"Destination Id {destination_id} not found")
        update = _one_destination(s3_destination_update, extended_s3_destination_update)
        settings = complete({**settings_of(stream), **update})
        check_destination(settings)
        check_change(settings_of(stream), settings)
        for role in roles_of(settings):
            assume(self.account_id, role, stream.delivery_stream_arn)
        _deliveries[stream.delivery_stream_arn].update(settings)
        stream.last_update_timestamp = utcnow()

    def start_delivery_stream_encryption(self, stream_name: str, encryption_config: dict[str, Any]) -> None:
        self._check_encryptable(stream_name)
        super().start_delivery_stream_encryption(stream_name, encryption_config or {"KeyType": "AWS_OWNED_CMK"})

    def stop_delivery_stream_encryption(self, stream_name: str) -> None:
        self._check_encryptable(stream_name)
        super().stop_delivery_stream_encryption(stream_name)

    def _check_encryptable(self, name: str) -> None:
        stream = self.delivery_streams.get(name)
        if stream is not None and stream.delivery_stream_type == "KinesisStreamAsSource":
            raise InvalidArgumentException(NOT_WITH_KINESIS)

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


def assume(account: str, role: str, source_arn: str = "") -> roles.Session:
    """Return the credentials with which Firehose acts as a role. Raises InvalidArgumentException."""
    try:
        return roles.session(account, role, "firehose", source_arn=source_arn)
    except roles.CannotAssume:
        raise InvalidArgumentException(
            f"Firehose is unable to assume role {role}. Please check the role provided."
        ) from None


def _record_id() -> str:
    return base64.b64encode(os.urandom(168)).decode()


def _one_destination(*given: dict[str, Any] | None) -> dict[str, Any]:
    destinations = [each for each in given if each]
    if len(destinations) != 1:
        raise InvalidArgumentException("Exactly one destination configuration is supported for a Firehose")
    return destinations[0]


def _begin(account: str, region: str, stream: DeliveryStream) -> None:
    delivery = Delivery(account, region, stream)
    _deliveries[stream.delivery_stream_arn] = delivery
    delivery.start()


# --- requests -------------------------------------------------------------------------------------------------------


Answer = tuple[str, dict[str, str]]


class LocalFirehoseResponse(FirehoseResponse):
    def parse_parameters(self, request: Any) -> None:
        if self._get_action() not in UNSAVED:  # puts are read here, several times as fast
            super().parse_parameters(request)

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
        check_refused(parameters)
        if errors := constraints.request_errors("firehose", operation, parameters):
            raise validation_error(errors)

    def put_record(self) -> Answer:
        parameters = orjson.loads(self.body)
        record = _records([parameters["Record"]], "record.data")[0]
        return _json(self.firehose_backend.put_record(parameters["DeliveryStreamName"], record))

    def put_record_batch(self) -> Answer:
        parameters = orjson.loads(self.body)
        given = parameters["Records"]
        if not 1 <= len(given) <= BATCH_RECORDS:
            bound = f"less than or equal to {BATCH_RECORDS}" if given else "greater than or equal to 1"
            raise validation_error(["at 'records' failed to satisfy constraint: Member must have length " + bound])
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
            raise JsonRESTError("SerializationException", "The record's data is not valid base64.") from None
        if len(data) > RECORD_BYTES:
            errors.append(
                f"'java.nio.HeapByteBuffer[pos=0 lim={len(data)} cap={len(data)}]' at '{path.format(number)}' failed to satisfy "
                f"constraint: Member must have length less than or equal to {RECORD_BYTES}"
            )
        records.append({"Data": data})
    if errors:
        raise validation_error(errors)
    return records


firehose_backends.backend = LocalFirehoseBackend
RESPONSE = LocalFirehoseResponse


def resume() -> None:
    """Go on with every delivery stream, and remove the buffers of those that were deleted or never acknowledged."""
    for account, region, backend in firehose_backends.iter_backends():
        for stream in list(backend.delivery_streams.values()):
            if backend.changes.get(stream.delivery_stream_name, ("",))[0] == "DELETING":
                backend.drop(stream)
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
