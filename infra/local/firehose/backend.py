"""Amazon Data Firehose: the service's operations.

Names, tags and lists are moto's; puts go into a buffer on disk (buffer.py), and each delivery stream has a thread that reads its source, processes
records and delivers what is due (delivery.py). What only a larger Firehose has (other destinations and sources) is refused (destination.py).

Sources: https://docs.aws.amazon.com/firehose/latest/APIReference/, https://docs.aws.amazon.com/firehose/latest/dev/limits.html.
"""

from __future__ import annotations

import base64
import gzip
import os
import shutil
import time
from typing import Any

import orjson
from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.firehose.exceptions import (
    ConcurrentModificationException,
    InvalidArgumentException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.firehose.models import DeliveryStream, FirehoseBackend, firehose_backends

from infra.local.core import limits as write_limits
from infra.local.core import pace, state, telemetry
from infra.local.firehose.checks import assume, check_source
from infra.local.firehose.delivery import Delivery
from infra.local.firehose.destination import (
    DESTINATION_ID,
    check_change,
    check_destination,
    check_refused,
    complete,
    described,
    roles_of,
    settings_of,
)

BACKENDS = firehose_backends
# The buffer is a file; the others begin or end a delivery when they are on disk, and so save themselves.
UNSAVED = {"PutRecord", "PutRecordBatch", "CreateDeliveryStream", "UpdateDestination", "DeleteDeliveryStream"}

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
        encryption = delivery_stream_encryption_configuration_input
        check_source(self.account_id, self.region_name, kind, kinesis_stream_source_configuration, encryption)
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
        stream.delivery_stream_encryption_configuration = (
            {**encryption, "Status": "ENABLED"} if encryption else {"Status": "DISABLED"}
        )
        if kind == "KinesisStreamAsSource":
            stream.source = {**kinesis_stream_source_configuration, "DeliveryStartTimestamp": stream.create_timestamp}
            stream.delivery_stream_encryption_configuration = None
        self.changes[delivery_stream_name] = ("CREATING", pace.deadline("firehose creating"))
        try:
            _begin(self.account_id, self.region_name, stream)
            self._save()
        except BaseException:
            super().delete_delivery_stream(delivery_stream_name)
            self._forget(stream)
            raise
        return arn

    def _save(self) -> None:
        """Raises OSError."""
        state.save("firehose", self.account_id, self.region_name)

    def _forget(self, stream: DeliveryStream) -> None:
        """End the delivery of a stream that is not in the backend any more, and remove what it had not delivered."""
        self.changes.pop(stream.delivery_stream_name, None)
        delivery = _deliveries.pop(stream.delivery_stream_arn, None)
        if delivery is not None:
            delivery.stop()
            shutil.rmtree(delivery.folder, ignore_errors=True)

    def _arn(self, name: str) -> str:
        return f"arn:aws:firehose:{self.region_name}:{self.account_id}:deliverystream/{name}"

    def delete_delivery_stream(self, delivery_stream_name: str) -> None:
        """Delete a stream and, as AWS does, the data that was not delivered yet."""
        stream = self.delivery_streams.get(delivery_stream_name)
        if stream is None:
            raise ResourceNotFoundException(
                f"Firehose {delivery_stream_name} under account {self.account_id} not found."
            )
        before = self.changes.get(delivery_stream_name, ("ACTIVE", 0.0))
        self.changes[delivery_stream_name] = ("DELETING", 0.0)
        try:
            if pace.factor:
                self._save()
            pace.after("firehose deleting", lambda: self.drop(stream))
        except OSError:
            self.changes[delivery_stream_name] = before
            raise

    def drop(self, stream: DeliveryStream) -> None:
        """Finish the deletion of a stream. Raises OSError."""
        name, arn = stream.delivery_stream_name, stream.delivery_stream_arn
        with state.lock("firehose", self.account_id):
            if self.delivery_streams.get(name) is not stream:
                return
            tags, change = self.tagger.tags.get(arn), self.changes.pop(name, None)
            super().delete_delivery_stream(name)
            try:
                self._save()
            except OSError:
                self.delivery_streams[name] = stream
                self.changes[name] = change or ("DELETING", 0.0)
                if tags is not None:
                    self.tagger.tags[arn] = tags
                raise
        self._forget(stream)

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
        delivery, before = _deliveries[stream.delivery_stream_arn], settings_of(stream)
        version, updated = stream.version_id, stream.last_update_timestamp
        stream.last_update_timestamp = utcnow()
        try:
            delivery.update(settings, str(int(version) + 1))
            self._save()
        except OSError:
            stream.last_update_timestamp = updated
            delivery.update(before, version)
            raise

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


def carry(live: LocalFirehoseBackend, stored: LocalFirehoseBackend) -> None:
    """Let the streams that threads work on be what is on disk of them."""
    for name, stream in live.delivery_streams.items():
        kept = stored.delivery_streams.get(name)
        if kept is not None and kept.create_timestamp == stream.create_timestamp:
            state.follow(stream, kept)


firehose_backends.backend = LocalFirehoseBackend


def resume() -> None:
    """Go on with every delivery stream. A buffer of none of them is set aside, or removed where no record is in it."""
    for account, region, backend in firehose_backends.iter_backends():
        for stream in list(backend.delivery_streams.values()):
            if backend.changes.get(stream.delivery_stream_name, ("",))[0] == "DELETING":
                backend.drop(stream)
        for stream in backend.delivery_streams.values():
            _begin(account, region, stream)
        kept = {_deliveries[stream.delivery_stream_arn].folder for stream in backend.delivery_streams.values()}
        for folder in state.folder("firehose", account, region).iterdir():
            if folder in kept or folder.name.endswith(".set-aside"):
                continue
            if any(path.stat().st_size for kind in ("data", "set") for path in folder.glob(f"*.{kind}")):
                state.set_aside(folder, "its records belong to no delivery stream that is known")
            else:
                shutil.rmtree(folder, ignore_errors=True)


def stop() -> None:
    for delivery in _deliveries.values():
        delivery.stop()
    _deliveries.clear()
