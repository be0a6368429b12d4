"""Amazon S3 event notifications: the messages as S3 makes them, to SQS, SNS, Lambda and EventBridge.

S3 calls `send_event` while it holds its lock, so an event only goes into an outbox there: a line in a file, before the put is acknowledged. A thread
delivers, saves the services that it changed, and notes how far it came. After a kill what was not noted is delivered again: at least once, as on AWS.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, ev-events.html, EventNotifications.html.
"""

from __future__ import annotations

import base64
import logging
import os
import secrets
import threading
import time
from collections import Counter, deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import orjson
from moto.s3 import notifications as moto_notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.notifications import S3NotificationEvent

from infra.local.core import state, telemetry

log = logging.getLogger("workshop.notifications")

BATCH = 500  # events delivered before the changed services are saved
PAUSE_SECONDS = 0.1  # between two batches: saving a full queue takes long, so a burst is saved together
STOP_SECONDS = 5.0
REQUEST_ID_CHARACTERS = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"
REASONS = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
}


# --- the messages ---------------------------------------------------------------------------------------------------


def _request_id() -> str:
    return "".join(secrets.choice(REQUEST_ID_CHARACTERS) for _ in range(16))


def _host_id() -> str:
    return base64.b64encode(secrets.token_bytes(56)).decode()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


_last_sequence = 0


def _sequence() -> int:
    """Return a number greater than all before: S3's `sequencer`, which tells the order of events of one key. Called under S3's lock."""
    global _last_sequence
    _last_sequence = max(_last_sequence + 1, time.time_ns())
    return _last_sequence


def _is_removal(event: str) -> bool:
    return event.startswith(("s3:ObjectRemoved", "s3:LifecycleExpiration"))


def _has_version(bucket: Any, key: Any) -> bool:
    return bucket.is_versioned and getattr(key, "version_id", None) not in (None, "null")


def record(event: str, bucket: Any, key: Any, configuration_id: str, sequence: int) -> dict[str, Any]:
    """Return the message to a queue, topic or function about one event such as `s3:ObjectCreated:Put`."""
    described: dict[str, Any] = {"key": quote_plus(key.name)}
    if not _is_removal(event):
        described |= {"size": key.size, "eTag": key.etag.strip('"')}
    if _has_version(bucket, key):
        described["versionId"] = key.version_id
    described["sequencer"] = f"{sequence:018X}"
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": bucket.region_name,
                "eventTime": _now(),
                "eventName": event.removeprefix("s3:"),
                "userIdentity": {"principalId": f"AWS:{bucket.account_id}"},
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {"x-amz-request-id": _request_id(), "x-amz-id-2": _host_id()},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": configuration_id,
                    "bucket": {
                        "name": bucket.name,
                        "ownerIdentity": {"principalId": bucket.account_id},
                        "arn": bucket.arn,
                    },
                    "object": described,
                },
            }
        ]
    }


def detail(event: str, bucket: Any, key: Any, sequence: int) -> dict[str, Any]:
    """Return the `detail` of the EventBridge event about one S3 event."""
    described: dict[str, Any] = {"key": key.name}
    if not _is_removal(event):
        described |= {"size": key.size, "etag": key.etag.strip('"')}
    if _has_version(bucket, key):
        described["version-id"] = key.version_id
    told: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": described,
        "request-id": _request_id(),
        "requester": bucket.account_id,
        "source-ip-address": "127.0.0.1",
    }
    kind, action = event.split(":")[1:]
    if kind in ("ObjectCreated", "ObjectRemoved"):
        described["sequencer"] = f"{sequence:016x}"
    if kind == "ObjectCreated":
        told["reason"] = REASONS[action]
    elif kind == "ObjectRemoved":
        told["reason"] = "DeleteObject"
        told["deletion-type"] = "Delete Marker Created" if action == "DeleteMarkerCreated" else "Permanently Deleted"
    return told


# --- what S3 calls --------------------------------------------------------------------------------------------------


def send_event(account_id: str, event_name: S3NotificationEvent, bucket: Any, key: Any) -> None:
    """Put one event into the outbox for each destination that the bucket's configuration names for it. Called under S3's lock."""
    configuration = bucket.notification_configuration
    if configuration is None or key is None:
        return
    event = event_name.value
    if _is_only_moto(event, bucket, key):
        return
    sequence = _sequence()
    entries = [
        {"to": notification.arn, "message": record(event, bucket, key, notification.id, sequence)}
        for notification in (*configuration.cloud_function, *configuration.queue, *configuration.topic)
        if notification.matches(event, key.name)
    ]
    if configuration.event_bridge is not None:
        entries.append(
            {
                "to": f"arn:aws:events:{bucket.region_name}:{bucket.account_id}:event-bus/default",
                "type": moto_notifications._detail_type(event),
                "resource": bucket.arn,
                "message": detail(event, bucket, key, sequence),
            }
        )
    _outbox.add(bucket.account_id, entries)


def _is_only_moto(event: str, bucket: Any, key: Any) -> bool:
    """Tell whether it is one of the steps in which moto finishes a multipart upload: a put, and tagging with no tags."""
    from moto.s3.models import s3_backends

    if event == S3NotificationEvent.OBJECT_CREATED_PUT_EVENT.value:
        return "-" in key.etag  # only an upload in parts has such an ETag
    if event == S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT.value:
        return not s3_backends[bucket.account_id][bucket.partition].tagger.get_tag_dict_for_resource(key.arn)
    return False


def send_test_event(account_id: str, bucket: Any) -> None:
    """Tell the queues and topics of a new configuration that they are connected: `s3:TestEvent`."""
    configuration = bucket.notification_configuration
    message = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": _now(), "Bucket": bucket.name}
    arns = dict.fromkeys(notification.arn for notification in (*configuration.queue, *configuration.topic))
    entries = [{"to": arn, "message": {**message, "RequestId": _request_id(), "HostId": _host_id()}} for arn in arns]
    _outbox.add(bucket.account_id, entries)


def check_destinations(configuration: dict[str, Any] | None) -> None:
    """Check that the queues, topics and functions of a notification configuration are there, in moto's form of it.

    Raises S3ClientError with S3's code InvalidArgument. Their policies are not looked at.
    """
    for kind, is_there in (("Queue", _is_queue), ("Topic", _is_topic), ("CloudFunction", _is_function)):
        for each in (configuration or {}).get(f"{kind}Configuration") or ():
            if not is_there(each[kind]):
                raise S3ClientError("InvalidArgument", "Unable to validate the following destination configurations")


def _backend(service: str, arn: str) -> Any:
    """Return the backend that a queue, topic or function is in; through services.py, so that it is ours where moto's is extended."""
    from infra.local.core import registry

    _, _, _, region, account, _ = arn.split(":", 5)
    return registry.get(service).backends[account][region]


def _is_queue(arn: str) -> bool:
    return arn.rpartition(":")[2] in _backend("sqs", arn).queues


def _is_topic(arn: str) -> bool:
    return arn in _backend("sns", arn).topics


def _is_function(arn: str) -> bool:
    from moto.awslambda.exceptions import UnknownFunctionException

    try:
        _backend("lambda", arn).get_function(arn)
    except UnknownFunctionException:
        return False
    return True


# --- the outbox -----------------------------------------------------------------------------------------------------


class Outbox:
    """Events that are on their way. Each account has a file of JSON lines: events, and how many of them were delivered."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self.files: dict[str, int] = {}
        self.stopping = False
        self.thread: threading.Thread | None = None

    def add(self, account: str, entries: list[dict[str, Any]]) -> None:
        """Take events: they are on disk when this returns. Raises OSError."""
        if not entries:
            return
        with self.changed:
            self._append(account, entries)
            self.waiting.extend((account, entry) for entry in entries)
            self._wake()

    def load(self, account: str) -> None:
        """Take over what a killed process had not delivered."""
        path = _path(account)
        if not path.exists():
            return
        entries, delivered = [], 0
        for line in path.read_bytes().splitlines():
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                break  # the kill came while it was written: its put was not acknowledged
            delivered += entry.get("delivered", 0)
            if "to" in entry:
                entries.append(entry)
        left = entries[delivered:]
        state.write_atomically(path, _lines(left))
        with self.changed:
            self.waiting.extend((account, entry) for entry in left)
            if left:
                self._wake()

    def _wake(self) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, name="s3 notifications", daemon=True)
            self.thread.start()
        self.changed.notify_all()

    def _append(self, account: str, entries: list[dict[str, Any]]) -> None:
        if account not in self.files:
            self.files[account] = os.open(_path(account), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(self.files[account], _lines(entries))

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.waiting or self.stopping)
                if self.stopping:
                    return
                batch = [self.waiting[number] for number in range(min(BATCH, len(self.waiting)))]
            deliver([entry for _, entry in batch])
            with self.changed:
                for account, count in Counter(account for account, _ in batch).items():
                    self._append(account, [{"delivered": count}])
                for _ in batch:
                    self.waiting.popleft()
                if not self.waiting:
                    for file in self.files.values():
                        os.ftruncate(file, 0)
                self.changed.wait_for(lambda: self.stopping, PAUSE_SECONDS)

    def stop(self) -> None:
        """End the thread; what was not delivered waits in the files."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        if self.thread is not None:
            self.thread.join(STOP_SECONDS)
        for file in self.files.values():
            os.close(file)
        self.files.clear()


def _lines(entries: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(entry) + b"\n" for entry in entries)


def _path(account: str) -> Path:
    return state.folder("s3", account, "aws") / "notifications"


# --- delivery -------------------------------------------------------------------------------------------------------


def deliver(entries: list[dict[str, Any]]) -> None:
    """Hand events to their destinations, and save what this changed. One that fails is logged: S3 drops such events, too."""
    from infra.local.core import registry

    changed = set()
    for entry in entries:
        service, region, account = entry["to"].split(":")[2:5]
        try:
            registry.get(service)
            DELIVER[service](account, region, entry)
        except Exception as error:
            log.warning("S3 event for %s was not delivered: %s: %s", entry["to"], type(error).__name__, error)
            continue
        if service in ("sqs", "sns"):
            changed.add((service, account, region))
        if service == "sns":
            changed.add(("sqs", account, region))
    for service, account, region in sorted(changed):
        state.save(service, account, region)


def _to_queue(account: str, region: str, entry: dict[str, Any]) -> None:
    with state.lock("sqs"):
        _backend("sqs", entry["to"]).send_message(
            queue_name=entry["to"].rpartition(":")[2], message_body=orjson.dumps(entry["message"]).decode()
        )


def _to_topic(account: str, region: str, entry: dict[str, Any]) -> None:
    from infra.local.core import registry

    registry.get("sqs")
    with state.lock("sns"), state.lock("sqs"):
        _backend("sns", entry["to"]).publish(
            arn=entry["to"], message=orjson.dumps(entry["message"]).decode(), subject="Amazon S3 Notification"
        )


def _to_function(account: str, region: str, entry: dict[str, Any]) -> None:
    telemetry.client(account, region, "lambda").invoke(
        FunctionName=entry["to"], InvocationType="Event", Payload=orjson.dumps(entry["message"])
    )


def _to_event_bus(account: str, region: str, entry: dict[str, Any]) -> None:
    telemetry.event(account, region, "aws.s3", entry["type"], entry["message"], [entry["resource"]])


DELIVER = {"sqs": _to_queue, "sns": _to_topic, "lambda": _to_function, "events": _to_event_bus}

_outbox = Outbox()

moto_notifications.send_event = send_event
moto_notifications.send_test_event = send_test_event


def resume(accounts: list[str]) -> None:
    """Go on with what was under way in these accounts."""
    for account in accounts:
        _outbox.load(account)


def stop() -> None:
    _outbox.stop()
