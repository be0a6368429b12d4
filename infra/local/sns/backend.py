"""Amazon SNS: topics and subscriptions are moto's; messages reach queues and functions as their policies let SNS, over a queue on disk.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, subscribe-sqs-queue-to-sns-topic.html,
sns-dead-letter-queues.html
"""

from __future__ import annotations

import base64
import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.utils import iso_8601_datetime_with_milliseconds, utcnow
from moto.moto_api._internal import mock_random
from moto.sns import models
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend, Subscription, Topic, sns_backends
from moto.sns.responses import SNSResponse

from infra.local.core import lineage, state
from infra.local.core.outbox import Again, Item, Outbox
from infra.local.core.records import RecordDict, as_records
from infra.local.core.roles.policy import MalformedPolicy, parse
from infra.local.core.service_principal import Caller, split_arn

log = logging.getLogger("workshop.sns")

BACKENDS = sns_backends
RESPONSE = SNSResponse
UNSAVED = {"Publish", "PublishBatch"}
PRINCIPAL = "sns.amazonaws.com"
DELIVERED = ("sqs", "lambda")
GROWING = ("topics", "subscriptions")
MOST_ATTEMPTS = 50
LONGEST_PAUSE_SECONDS = 300.0


# --- what a subscriber gets -----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _signer() -> tuple[Any, str, bytes]:
    """Return this server's key, the name of its certificate, and the certificate: made when the first message is signed."""
    from datetime import timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(utcnow()).not_valid_after(utcnow() + timedelta(days=365))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return key, f"SimpleNotificationService-{mock_random.uuid4().hex}.pem", pem


def _signature(text: str, region: str) -> tuple[str, str]:
    """Return a text's signature, and the URL of the certificate that checks it."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key, name, pem = _signer()
    sns_backends[DEFAULT_ACCOUNT_ID][region]._message_public_keys = {name: pem}  # where moto answers for the URL
    signed = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signed).decode(), f"https://sns.{region}.amazonaws.com/{name}"


class LocalTopic(Topic):
    @property
    def sns_backend(self) -> SNSBackend:
        """The backend that the topic is in, which no row of a topic holds."""
        return sns_backends[self.account_id][split_arn(self.arn)[1]]

    @sns_backend.setter
    def sns_backend(self, backend: SNSBackend) -> None:
        pass

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "sns_backend"}  # of lakes of before

    def publish(self, message: str, *given: Any, **named: Any) -> str:
        identifier = super().publish(message, *given, **named)
        self.sent_notifications.clear()  # moto would keep every message for ever
        return identifier


class LocalSubscription(Subscription):
    def publish(
        self,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        """Accept a message for the subscriber: it is on disk when this returns."""
        matcher = self._filter_policy_matcher
        if self.protocol not in DELIVERED or (matcher and not matcher.matches(message_attributes, message)):
            return
        if message_structure == "json":
            message = self._parse_message_structure(message, self.protocol)
        told = self.get_post_data(message, message_id, subject, message_attributes)
        is_raw = str(self.attributes.get("RawMessageDelivery")).lower() == "true"
        body = {
            "account": self.account_id,
            "topic": self.topic.arn,
            "subscription": self.arn,
            "endpoint": self.endpoint,
            "text": message if is_raw else self._text(told),
            "attributes": _queue_attributes(message_attributes) if is_raw else {},
            "group": group_id,
            "deduplication": deduplication_id,
            "redrive": self.attributes.get("RedrivePolicy"),
            "hops": lineage.counted(),
        }
        outbox.add([(self.arn, body)])

    def get_post_data(
        self,
        message: str,
        message_id: str,
        subject: str | None,
        message_attributes: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return a notification as SNS writes it, signed."""
        region = self.topic.sns_backend.region_name
        told: dict[str, Any] = {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": self.topic.arn,
            **({"Subject": subject} if subject else {}),
            "Message": message,
            "Timestamp": iso_8601_datetime_with_milliseconds(),
        }
        names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
        signature, url = _signature("".join(f"{name}\n{told[name]}\n" for name in names if name in told), region)
        told |= {
            "SignatureVersion": "2",
            "Signature": signature,
            "SigningCertURL": url,
            "UnsubscribeURL": f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={self.arn}",
        }
        if message_attributes:
            told["MessageAttributes"] = message_attributes
        return told

    def _text(self, told: dict[str, Any]) -> str:
        if self.protocol == "sqs":
            return json.dumps(told, indent=2, default=str)
        renamed = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
        event = {renamed.get(name, name): value for name, value in told.items()}
        event = {"Subject": None, "MessageAttributes": {}, **event}
        record = {"EventVersion": "1.0", "EventSubscriptionArn": self.arn, "EventSource": "aws:sns", "Sns": event}
        return json.dumps({"Records": [record]}, default=str)


def _queue_attributes(attributes: dict[str, Any] | None) -> dict[str, Any]:
    """Return a message's attributes as SQS takes them; binary ones are base64 text, as SNS's own form has them."""
    return {
        name: {"DataType": given["Type"], _value_field(given["Type"]): _text_of(given["Value"])}
        for name, given in (attributes or {}).items()
    }


def _value_field(kind: str) -> str:
    return "BinaryValue" if kind.startswith("Binary") else "StringValue"


def _text_of(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class LocalSNSBackend(SNSBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        as_records(self, *GROWING)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "places"}

    def _find_subscription(self, topic_arn: str, endpoint: str, protocol: str) -> Subscription | None:
        places = self.__dict__.setdefault("places", {})  # what subscribes to what → ARN, in memory
        if len(places) != len(self.subscriptions):
            places.clear()
            places.update({(s.topic_arn, s.endpoint, s.protocol): s.arn for s in self.subscriptions.values()})
        return self.subscriptions.get(places.get((topic_arn, endpoint, protocol), ""))

    def subscribe(self, topic_arn: str, endpoint: str, protocol: str) -> Subscription:
        if protocol in ("http", "https", "firehose"):
            raise SNSInvalidParameter(
                f"Invalid parameter: The local AWS delivers to SQS queues and Lambda functions, not by {protocol}."
            )
        subscription = super().subscribe(topic_arn, endpoint, protocol)
        self.places[topic_arn, endpoint, protocol] = subscription.arn  # type: ignore[attr-defined]
        return subscription

    def set_topic_attribute(self, topic_arn: str, attribute_name: str, attribute_value: str) -> None:
        if attribute_name == "policy":
            try:
                parse(attribute_value)
            except MalformedPolicy:
                raise SNSInvalidParameter("Invalid parameter: Policy Error: null") from None
        super().set_topic_attribute(topic_arn, attribute_name, attribute_value)

    def set_subscription_attributes(self, arn: str, name: str, value: Any) -> None:
        if arn in self.subscriptions:
            self.subscriptions[arn]  # moto looks at all of them: this one is going to change
        super().set_subscription_attributes(arn, name, value)


def _row_of(topic: Topic) -> tuple[RecordDict | None, str]:
    region = split_arn(topic.arn)[1]
    return sns_backends[topic.account_id][region].topics, topic.arn  # type: ignore[return-value]


state.share(LocalTopic, _row_of)


# --- delivery -------------------------------------------------------------------------------------------------------


def _deliver(items: list[Item]) -> list[Again | None]:
    return [_deliver_one(item) for item in items]


def _deliver_one(item: Item) -> Again | None:
    from infra.local import events

    body = item.body
    caller = Caller(PRINCIPAL, body["account"], split_arn(body["topic"])[1], body["topic"])
    failure = events.send_message(caller, body["endpoint"], body["text"], _options(body), body.get("hops", 0))
    if failure is None:
        return None
    if failure.retry and item.attempts < MOST_ATTEMPTS:
        return Again(min(LONGEST_PAUSE_SECONDS, 2.0 ** min(item.attempts, 10)), failure.message)
    log.warning("message of %s to %s: %s: %s", body["topic"], body["endpoint"], failure.code, failure.message)
    redrive = body["redrive"]
    if redrive:
        dead = (json.loads(redrive) if isinstance(redrive, str) else redrive)["deadLetterTargetArn"]
        buried = events.send_message(caller, dead, body["text"], {})
        if buried is not None:
            log.warning("dead letter of %s to %s: %s", body["topic"], dead, buried.message)
    return None


def _options(body: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of SendMessage besides queue and text."""
    attributes = {
        name: {**given, "BinaryValue": base64.b64decode(given["BinaryValue"])} if "BinaryValue" in given else given
        for name, given in body["attributes"].items()
    }
    given = {
        "MessageAttributes": attributes,
        "MessageGroupId": body["group"],
        "MessageDeduplicationId": body["deduplication"],
    }
    return {name: value for name, value in given.items() if value}


def _path() -> Path:
    return state.root() / "sns.sqlite"


outbox = Outbox("sns", _path, _deliver)

models.Topic = LocalTopic  # type: ignore[misc]
models.Subscription = LocalSubscription  # type: ignore[misc]
sns_backends.backend = LocalSNSBackend


def resume() -> None:
    """Go on with messages that were under way; a lake of an older version gets today's classes."""
    for _, _, backend in list(sns_backends.iter_backends()):
        backend.__class__ = LocalSNSBackend
        for topic in backend.topics.values():
            topic.__class__ = LocalTopic
        for subscription in backend.subscriptions.values():
            subscription.__class__ = LocalSubscription
        as_records(backend, *GROWING)
    outbox.resume()


def stop() -> None:
    outbox.stop()
