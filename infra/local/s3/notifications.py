"""Amazon S3 event notifications: the messages as S3 makes them, to SQS, SNS, Lambda and EventBridge.

S3 calls `send_event` while it holds its lock, so an event only goes into an outbox there, before the put is acknowledged; it is delivered in the
background: at least once, as on AWS.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, ev-events.html, EventNotifications.html,
grant-destinations-permissions-to-s3.html
"""

from __future__ import annotations

import base64
import logging
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import orjson
from moto.s3 import notifications as moto_notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.notifications import S3NotificationEvent

from infra.local.core import lineage, state, telemetry
from infra.local.core.outbox import Again, Item, Outbox
from infra.local.core.service_principal import Caller, NotAllowed, check

log = logging.getLogger("workshop.notifications")

ACTIONS = {"Queue": "sqs:SendMessage", "Topic": "sns:Publish", "CloudFunction": "lambda:InvokeFunction"}
MOST_ATTEMPTS = 10
LONGEST_PAUSE_SECONDS = 300.0
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
        "event-version": "1.2",
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
    _outbox.add(
        _item(bucket.account_id, bucket.name, notification.arn, record(event, bucket, key, notification.id, sequence))
        for notification in (*configuration.cloud_function, *configuration.queue, *configuration.topic)
        if notification.matches(event, key.name)
    )
    if configuration.event_bridge is not None:
        telemetry.event(
            bucket.account_id,
            bucket.region_name,
            "aws.s3",
            moto_notifications._detail_type(event),
            detail(event, bucket, key, sequence),
            [bucket.arn],
        )


def _item(account: str, bucket_name: str, destination: str, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    body = {
        "account": account, "bucket": bucket_name, "to": destination, "message": message, "hops": lineage.current(),
    }  # fmt: skip
    return f"{bucket_name} {destination}", body


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
    _outbox.add(
        _item(bucket.account_id, bucket.name, arn, {**message, "RequestId": _request_id(), "HostId": _host_id()})
        for arn in arns
    )


def check_destinations(account: str, bucket_name: str, configuration: dict[str, Any] | None) -> None:
    """Check that the destinations of a notification configuration, in moto's form of it, are there and let S3 send to them.

    Raises S3ClientError with S3's code InvalidArgument.
    """
    for kind, action in ACTIONS.items():
        for each in (configuration or {}).get(f"{kind}Configuration") or ():
            if not _lets_s3(account, bucket_name, action, each[kind]):
                raise S3ClientError("InvalidArgument", "Unable to validate the following destination configurations")


def _lets_s3(account: str, bucket_name: str, action: str, arn: str) -> bool:
    """Whether a destination's policy lets S3 send for the bucket; one that is not there has no policy."""
    try:
        check(_caller(account, bucket_name, arn.split(":")[3]), action, arn)
    except NotAllowed:
        return False
    return True


def _caller(account: str, bucket_name: str, region: str) -> Caller:
    return Caller("s3.amazonaws.com", account, region, f"arn:aws:s3:::{bucket_name}")


# --- delivery -------------------------------------------------------------------------------------------------------


def _deliver(items: list[Item]) -> list[Again | None]:
    """Hand events to their destination. One that it refuses is logged: S3 drops such events, too."""
    from infra.local import events

    body = items[0].body
    target = {"Arn": body["to"], "Subject": "Amazon S3 Notification"}
    caller = _caller(body["account"], body["bucket"], body["to"].split(":")[3])
    sent = [item for item in items if not _is_loop(item)]
    deliveries = [
        events.Delivery(
            item.body["message"], orjson.dumps(item.body["message"]).decode(), hops=item.body.get("hops", 0)
        )
        for item in sent
    ]
    failures = events.send(caller, target, deliveries) if sent else []
    outcomes = {item.id: _settled(body["to"], item, failure) for item, failure in zip(sent, failures, strict=True)}
    return [outcomes.get(item.id) for item in items]


def _is_loop(item: Item) -> bool:
    """Whether an event is dropped, because what it starts has written the object that made it, again and again."""
    if item.body.get("hops", 0) <= lineage.MOST_HOPS:
        return False
    log.warning(
        "S3 event for %s was dropped: it has come round %d times, for what it starts writes where it listens.",
        item.body["to"], lineage.MOST_HOPS,
    )  # fmt: skip
    return True


def _settled(destination: str, item: Item, failure: Any) -> Again | None:
    if failure is None:
        return None
    if failure.retry and item.attempts < MOST_ATTEMPTS:
        return Again(min(LONGEST_PAUSE_SECONDS, 2.0**item.attempts), failure.message)
    log.warning("S3 event for %s was not delivered: %s: %s", destination, failure.code, failure.message)
    return None


def _path() -> Path:
    return state.root() / "s3_notifications.sqlite"


_outbox = Outbox("s3-notifications", _path, _deliver, "notification")

moto_notifications.send_event = send_event
moto_notifications.send_test_event = send_test_event


def resume(accounts: list[str]) -> None:
    """Go on with what was under way; what an older version left in the files of these accounts goes first."""
    for account in accounts:
        _take_over(account)
    _outbox.resume()


def _take_over(account: str) -> None:
    path = state.folder("s3", account, "aws") / "notifications"
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
    for entry in entries[delivered:]:
        if "type" in entry:
            region = entry["to"].split(":")[3]
            telemetry.event(account, region, "aws.s3", entry["type"], entry["message"], [entry["resource"]])
        else:
            records = entry["message"].get("Records") or [
                {"s3": {"bucket": {"name": entry["message"].get("Bucket", "")}}}
            ]
            _outbox.add([_item(account, records[0]["s3"]["bucket"]["name"], entry["to"], entry["message"])])
    path.unlink()


def stop() -> None:
    _outbox.stop()
