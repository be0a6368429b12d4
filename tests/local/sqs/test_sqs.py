"""SQS through boto3: visibility, dead letters, FIFO, long polls that hold nobody up, kill -9, the cost of a message among many."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.sqs.messages import Messages
from tests.polling import until
from tests.refusals import refusal

Client = Callable[..., Any]


@pytest.fixture
def sqs(client: Client) -> Any:
    return client("sqs")


def make(sqs: Any, name: str = "q", **attributes: str) -> str:
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def receive(sqs: Any, url: str, count: int = 10, **given: Any) -> list[dict[str, Any]]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, MessageSystemAttributeNames=["All"], **given)
    return list(answer.get("Messages", []))


def bodies(found: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in found]


def counts(sqs: Any, url: str) -> tuple[int, int, int]:
    names = ("", "NotVisible", "Delayed")
    given = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    visible, hidden, delayed = (int(given[f"ApproximateNumberOfMessages{name}"]) for name in names)
    return visible, hidden, delayed


def test_a_received_message_is_hidden_until_its_time_is_over_or_it_is_deleted(sqs: Any) -> None:
    url = make(sqs)
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="one",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "a"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    answer = sqs.receive_message(
        QueueUrl=url, VisibilityTimeout=1, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )
    (first,) = answer["Messages"]
    assert (first["MessageId"], first["MD5OfMessageAttributes"]) == (sent["MessageId"], sent["MD5OfMessageAttributes"])
    assert first["MessageAttributes"]["raw"]["BinaryValue"] == b"\x00\xff"
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    assert counts(sqs, url) == (0, 1, 0) and not receive(sqs, url)
    (again,) = receive(sqs, url, WaitTimeSeconds=5)  # the poll wakes when the message shows again
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert again["ReceiptHandle"] != first["ReceiptHandle"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])  # an older handle deletes, too
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert counts(sqs, url) == (0, 0, 0)


def test_queues_are_listed(sqs: Any) -> None:
    assert "QueueUrls" not in sqs.list_queues()
    urls = [make(sqs, name) for name in ("a-1", "a-2", "a-3", "ab1")]
    assert sqs.list_queues()["QueueUrls"] == urls
    assert sqs.list_queues(QueueNamePrefix="a-")["QueueUrls"] == urls[:3]
    pages = sqs.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 3})
    assert [page["QueueUrls"] for page in pages] == [urls[:3], urls[3:]]


def test_visibility_is_changed(sqs: Any) -> None:
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="one")
    (message,) = receive(sqs, url)
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert refusal(sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)[0] == (
        "InvalidParameterValue"
    )
    assert bodies(receive(sqs, url)) == ["one"]
    bad = refusal(sqs.delete_message, QueueUrl=url, ReceiptHandle="nonsense")
    assert bad == ("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
    other = make(sqs, "other")
    assert refusal(sqs.delete_message, QueueUrl=other, ReceiptHandle=handle)[0] == "ReceiptHandleIsInvalid"


@pytest.mark.parametrize("text", ["{", "[]", '{"Version": "2020-01-01", "Statement": []}'])
def test_a_policy_that_is_none_is_refused(sqs: Any, text: str) -> None:
    told = ("InvalidAttributeValue", "Invalid value for the parameter Policy.")
    assert refusal(sqs.create_queue, QueueName="p", Attributes={"Policy": text}) == told
    url = make(sqs)
    assert refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": text}) == told
    assert "Policy" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_delay(sqs: Any) -> None:
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
    assert counts(sqs, url) == (0, 0, 1) and not receive(sqs, url)
    assert bodies(receive(sqs, url, WaitTimeSeconds=5)) == ["later"]


def test_dead_letters(sqs: Any) -> None:
    dead = make(sqs, "dead")
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = make(sqs, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2}))
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert bodies(receive(sqs, url, VisibilityTimeout=0)) == ["poison"]
    sqs.send_message(QueueUrl=url, MessageBody="good")
    assert bodies(receive(sqs, url)) == ["good"]  # the poisonous one moves, and does not take its place
    assert bodies(receive(sqs, dead)) == ["poison"] and counts(sqs, url) == (0, 1, 0)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


def test_dead_letters_go_back(sqs: Any) -> None:
    dead, other = make(sqs, "dead"), make(sqs, "other")
    arn, other_arn = (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in (dead, other)
    )
    assert refusal(sqs.start_message_move_task, SourceArn=arn)[1] == (
        "Source queue must be configured as a Dead Letter Queue."
    )
    url = make(sqs, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1}))
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    receive(sqs, url, VisibilityTimeout=0)
    assert receive(sqs, url) == [] and counts(sqs, dead) == (2, 0, 0)
    sqs.send_message(QueueUrl=dead, MessageBody="came by itself")
    sqs.start_message_move_task(SourceArn=arn)
    assert bodies(receive(sqs, url)) == ["a", "b"] and counts(sqs, dead) == (1, 0, 0)
    sqs.start_message_move_task(SourceArn=arn, DestinationArn=other_arn)
    assert bodies(receive(sqs, other)) == ["came by itself"] and counts(sqs, dead) == (0, 0, 0)
    tasks = sqs.list_message_move_tasks(SourceArn=arn, MaxResults=10)["Results"]
    assert [(each["Status"], each["ApproximateNumberOfMessagesMoved"]) for each in tasks] == [
        ("COMPLETED", 1), ("COMPLETED", 2),
    ]  # fmt: skip
    assert refusal(sqs.start_message_move_task, SourceArn=f"{arn}-no")[0] == "ResourceNotFoundException"


def test_fifo_keeps_the_order_in_a_group_and_forgets_doubles(sqs: Any) -> None:
    url = make(sqs, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")

    def send(group: str, body: str, **given: Any) -> dict[str, Any]:
        return dict(sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **given))

    first = send("a", "a1")
    again = send("a", "a1")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    second = send("a", "a2")
    assert len(second["SequenceNumber"]) == 20 and second["SequenceNumber"] > first["SequenceNumber"]
    send("b", "b1")
    send("b", "other text", MessageDeduplicationId="x")
    send("b", "third text", MessageDeduplicationId="x")
    got = receive(sqs, url, 1)
    assert bodies(got) == ["a1"]
    assert bodies(receive(sqs, url)) == ["b1", "other text"]  # group a is at work
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    (left,) = receive(sqs, url)
    assert (left["Body"], left["Attributes"]["MessageGroupId"]) == ("a2", "a")
    send("a", "a1")  # deleted, but sent within five minutes
    assert counts(sqs, url) == (0, 3, 0)


def test_what_is_refused(sqs: Any, server: Any, account: str) -> None:
    url, fifo = make(sqs), make(sqs, "q.fifo", FifoQueue="true")
    send = sqs.send_message
    assert refusal(send, QueueUrl=url, MessageBody="x\x00")[0] == "InvalidMessageContents"
    assert refusal(send, QueueUrl=fifo, MessageBody="x")[1] == "The request must contain the parameter MessageGroupId."
    assert "ContentBasedDeduplication" in refusal(send, QueueUrl=fifo, MessageBody="x", MessageGroupId="g")[1]
    small = make(sqs, "small", MaximumMessageSize="1024")
    assert "shorter than 1024 bytes" in refusal(send, QueueUrl=small, MessageBody="ü" * 600)[1]
    stranger = server.client("sqs", str(int(account) + 500_000_000_000))
    make(stranger)
    code = refusal(stranger.send_message, QueueUrl=url, MessageBody="x")[0]
    assert code == "AWS.SimpleQueueService.NonExistentQueue"
    assert counts(sqs, url) == (0, 0, 0)


def test_long_polls_hold_nobody_up(server: Any, account: str, client: Client) -> None:
    sqs = client("sqs")
    url = make(sqs)
    polls = server.client("sqs", account, max_pool_connections=120)
    found: list[dict[str, Any]] = []
    waiting = [
        threading.Thread(
            target=lambda: found.extend(polls.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", []))
        )
        for _ in range(105)
    ]
    for each in waiting:
        each.start()
    glue, begun = client("glue"), time.monotonic()
    for _ in range(20):
        glue.get_databases()
    assert time.monotonic() - begun < 10  # 105 waiting polls take no thread from others
    for number in range(105):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    until(lambda: len(found) == 105, "a message for each poll", 60)
    for each in waiting:
        each.join()
    assert sorted(int(message["Body"]) for message in found) == list(range(105))


def test_another_attribute_leaves_the_policy(sqs: Any) -> None:
    url = make(sqs)
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    given = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert json.loads(given["Policy"]) == json.loads(policy) and given["VisibilityTimeout"] == "5"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_messages_older_than_the_retention_period_go_away(tmp_path: Path) -> None:
    messages = Messages(tmp_path / "messages.sqlite")
    old = messages.send("q", "expired", {}, {})
    messages.send("q", "kept", {}, {})
    with messages._rows.change() as change:
        change.execute("UPDATE messages SET sent = sent - 61000 WHERE id = ?", (old.id,))
    found = messages.receive("q", 10, 0, False, None, oldest=int(time.time() * 1000) - 60_000)
    assert [message.body for message in found] == ["kept"] and messages.counts("q") == (1, 0, 0)


def test_an_empty_long_poll_ends(sqs: Any) -> None:
    url, begun = make(sqs), time.monotonic()
    assert receive(sqs, url, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - begun < 10


def test_a_message_costs_the_same_among_many(tmp_path: Path) -> None:
    messages = Messages(tmp_path / "messages.sqlite")

    def seconds() -> float:
        begun = time.perf_counter()
        for _ in range(200):
            messages.send("q", "x" * 100, {}, {})
        for stored in messages.receive("q", 10, 30_000, False, None, 0):
            assert stored.received == 1
        return time.perf_counter() - begun

    few = min(seconds() for _ in range(3))
    with messages._rows.change() as change:
        change.executemany(
            "INSERT INTO messages (queue, message_id, body, attributes, system, sent, received, visible_at) "
            "VALUES ('q', 'm', 'x', '{}', '{}', ?, 0, ?)",
            ((now, now) for now in range(2_000_000_000_000, 2_000_000_100_000)),
        )
    many = min(seconds() for _ in range(3))
    assert many < 5 * few, (few, many)


def test_kill_loses_no_message(own_server: Any) -> None:
    sqs = own_server.client("sqs", "123456789012")
    url = make(sqs, VisibilityTimeout="0")
    sent: set[str] = set()
    for _ in range(3):
        for number in range(20):
            entries = [{"Id": str(n), "MessageBody": f"{number}-{n}"} for n in range(10)]
            sent |= {each["MessageId"] for each in sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]}
        (gone,) = receive(sqs, url, 1)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=gone["ReceiptHandle"])
        sent.discard(gone["MessageId"])
        own_server.kill()
        own_server.restart()
    found = []
    while got := receive(sqs, url, VisibilityTimeout=600):
        found += [message["MessageId"] for message in got]
    assert len(sent) == 597 and sorted(found) == sorted(sent)


def test_query_protocol(server: Any, account: str, sqs: Any) -> None:
    """Older clients speak the query protocol; they may wait, too."""
    import urllib.request

    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="one")
    request = urllib.request.Request(
        f"{server.endpoint}/{account}/q",
        data=b"Action=ReceiveMessage&WaitTimeSeconds=5&Version=2012-11-05",
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=x",
        },
    )
    with urllib.request.urlopen(request) as answer:
        assert b"<Body>one</Body>" in answer.read()
