"""SNS through boto3: what reaches a queue, who may send to it, dead letters, kill -9."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.events.event_lab import Queue

Client = Callable[..., Any]


@pytest.fixture
def topic(client: Client) -> str:
    return str(client("sns").create_topic(Name="t")["TopicArn"])


@pytest.fixture
def queue(client: Client, account: str, topic: str) -> Queue:
    made = Queue(client("sqs"), "q", account, allowed=False)
    made.allow("sns.amazonaws.com", topic)
    return made


def test_a_queue_gets_the_notification(client: Client, topic: str, queue: Queue) -> None:
    sns = client("sns")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    attributes = {"kind": {"DataType": "String", "StringValue": "a"}}
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="s", MessageAttributes=attributes)
    (told,) = queue.bodies(1)
    assert (told["Type"], told["MessageId"], told["TopicArn"]) == ("Notification", sent["MessageId"], topic)
    assert (told["Message"], told["Subject"]) == ("hello", "s")
    assert told["MessageAttributes"] == {"kind": {"Type": "String", "Value": "a"}}
    assert told["SignatureVersion"] == "2" and len(base64.b64decode(told["Signature"])) == 256


def test_raw_delivery_and_filter(client: Client, topic: str, queue: Queue) -> None:
    sns = client("sns")
    policy = json.dumps({"kind": ["wanted"]})
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue.arn,
        Attributes={"RawMessageDelivery": "true", "FilterPolicy": policy},
    )
    for kind in ("other", "wanted"):
        attributes = {
            "kind": {"DataType": "String", "StringValue": kind},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        }
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=attributes)
    (message,) = queue.take(1)
    assert message["Body"] == "wanted"
    assert message["MessageAttributes"]["raw"]["BinaryValue"] == b"\x00\x01"


def test_a_queue_that_does_not_let_sns_gets_nothing(client: Client, topic: str, account: str) -> None:
    sns, sqs = client("sns"), client("sqs")
    closed, dead = Queue(sqs, "closed", account, allowed=False), Queue(sqs, "dead", account, allowed=False)
    dead.allow("sns.amazonaws.com", topic)
    redrive = json.dumps({"deadLetterTargetArn": dead.arn})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=closed.arn, Attributes={"RedrivePolicy": redrive})
    sns.publish(TopicArn=topic, Message="hello")
    assert dead.bodies(1)[0]["Message"] == "hello" and closed.messages() == []


def test_a_policy_that_is_none_is_refused(client: Client, topic: str) -> None:
    sns = client("sns")
    before = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    with pytest.raises(ClientError) as refused:
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue="{")
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"] == before


def test_subscriptions_that_leave_the_machine_are_refused(client: Client, topic: str) -> None:
    with pytest.raises(ClientError, match="not by https"):
        client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint="https://example.org/hook")


def test_kill_loses_no_message(own_server: Any) -> None:
    account = "123456789012"
    sns, queue = own_server.client("sns", account), Queue(own_server.client("sqs", account), "q", account, False)
    topic = sns.create_topic(Name="t")["TopicArn"]
    queue.allow("sns.amazonaws.com", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    sent = set()
    for number in range(5):
        entries = [{"Id": str(n), "Message": f"{number}-{n}"} for n in range(10)]
        sent |= {
            each["MessageId"]
            for each in sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]
        }
    own_server.kill()
    own_server.restart()
    found: set[str] = set()
    from tests.polling import until

    until(lambda: found.update(json.loads(m["Body"])["MessageId"] for m in queue.messages()) or found >= sent)
    assert found == sent and len(sent) == 50
