"""S3 event notifications to SQS, SNS, EventBridge and Lambda, in the form that S3 gives them."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.events.event_lab import allow_call, make_function
from tests.service_roles import service_role

REGION = "us-east-1"


class Queue:
    """A queue under test: `messages(n)` waits for the next n messages and takes them away."""

    def __init__(self, sqs: Any, name: str, account: str):
        self.sqs = sqs
        self.url = sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{REGION}:{account}:{name}"
        self.allow("s3", "sns", "events")

    def allow(self, *services: str) -> None:
        """Let these services send to the queue, and nobody else."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": [f"{service}.amazonaws.com" for service in services]},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def messages(self, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            for message in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", ()):
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
            if len(found) < count:
                time.sleep(0.02)
        assert len(found) == count, found
        return found


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    return client("s3")


@pytest.fixture
def bucket(s3: Any, account: str) -> str:
    s3.create_bucket(Bucket=f"told-{account}")
    return f"told-{account}"


@pytest.fixture
def queue(client: Callable[..., Any], account: str) -> Queue:
    return Queue(client("sqs"), "told", account)


def tell(s3: Any, bucket: str, arn: str, *events: str, **settings: Any) -> None:
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"Id": "raw", "QueueArn": arn, "Events": list(events), **settings}]
        },
    )


def test_queue_gets_a_test_event_first(s3: Any, bucket: str, queue: Queue) -> None:
    tell(s3, bucket, queue.arn, "s3:ObjectCreated:*")
    (message,) = queue.messages(1)
    assert (message["Service"], message["Event"], message["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["Time"])
    assert sorted(message) == ["Bucket", "Event", "HostId", "RequestId", "Service", "Time"]


def test_record_of_a_put(s3: Any, bucket: str, queue: Queue, account: str) -> None:
    tell(s3, bucket, queue.arn, "s3:ObjectCreated:*")
    queue.messages(1)
    before = datetime.now(UTC)
    s3.put_object(Bucket=bucket, Key="data/raw/ü 1+2.json", Body=b"12345")
    (message,) = queue.messages(1)
    (record,) = message["Records"]
    when = datetime.fromisoformat(record.pop("eventTime"))
    assert timedelta(seconds=-1) < when - before < timedelta(seconds=30)
    answered = record.pop("responseElements")
    assert re.fullmatch(r"[0-9A-Z]{16}", answered["x-amz-request-id"]) and len(answered["x-amz-id-2"]) == 76
    assert re.fullmatch(r"[0-9A-F]{18}", record["s3"]["object"].pop("sequencer"))
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{account}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "raw",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": account}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": "data%2Fraw%2F%C3%BC+1%2B2.json",
                "size": 5,
                "eTag": "827ccb0eea8a706c4c34a16891f84e7b",
            },
        },
    }


def test_filters_events_and_the_order_of_sequencers(s3: Any, bucket: str, queue: Queue) -> None:
    rules = [{"Name": "prefix", "Value": "raw/"}, {"Name": "suffix", "Value": ".json"}]
    tell(
        s3,
        bucket,
        queue.arn,
        "s3:ObjectCreated:Put",
        "s3:ObjectRemoved:*",
        Filter={"Key": {"FilterRules": rules}},
    )
    queue.messages(1)
    s3.put_object(Bucket=bucket, Key="other/a.json", Body=b"")
    s3.put_object(Bucket=bucket, Key="raw/a.txt", Body=b"")
    s3.put_object(Bucket=bucket, Key="raw/a.json", Body=b"")
    s3.copy_object(Bucket=bucket, Key="raw/b.json", CopySource=f"{bucket}/raw/a.json")
    s3.delete_object(Bucket=bucket, Key="raw/missing.json")
    s3.delete_object(Bucket=bucket, Key="raw/a.json")
    records = [message["Records"][0] for message in queue.messages(2)]
    assert [(record["eventName"], record["s3"]["object"]["key"]) for record in records] == [
        ("ObjectCreated:Put", "raw%2Fa.json"),
        ("ObjectRemoved:Delete", "raw%2Fa.json"),
    ]
    assert sorted(records[1]["s3"]["object"]) == ["key", "sequencer"]  # a removal tells no size and no eTag
    assert records[0]["s3"]["object"]["sequencer"] < records[1]["s3"]["object"]["sequencer"]


def test_copy_multipart_and_versions(s3: Any, bucket: str, queue: Queue) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    tell(s3, bucket, queue.arn, "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*")
    queue.messages(1)
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["VersionId"]
    s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="c")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="c", UploadId=upload, PartNumber=1, Body=b"ccc")
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="c",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]
    records = [message["Records"][0] for message in queue.messages(4)]
    assert [record["eventName"] for record in records] == [
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:DeleteMarkerCreated",
    ]
    assert records[0]["s3"]["object"]["versionId"] == version
    assert records[2]["s3"]["object"]["size"] == 3 and records[2]["s3"]["object"]["eTag"].endswith("-1")
    assert records[3]["s3"]["object"]["versionId"] == marker


def test_topic_gets_the_record_as_its_message(
    s3: Any, bucket: str, queue: Queue, client: Callable[..., Any], account: str
) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    test, told = queue.messages(2)
    assert json.loads(test["Message"])["Event"] == "s3:TestEvent" and told["Subject"] == "Amazon S3 Notification"
    assert json.loads(told["Message"])["Records"][0]["s3"]["object"]["key"] == "k"


def test_event_bridge(s3: Any, bucket: str, queue: Queue, client: Callable[..., Any], account: str) -> None:
    events = client("events")
    events.put_rule(
        Name="created",
        EventPattern=json.dumps(
            {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "raw/"}]}}}
        ),
    )
    events.put_targets(Rule="created", Targets=[{"Id": "q", "Arn": queue.arn}])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}
    s3.put_object(Bucket=bucket, Key="other", Body=b"v")
    s3.put_object(Bucket=bucket, Key="raw/a b.json", Body=b"12345")
    s3.delete_object(Bucket=bucket, Key="raw/a b.json")
    created, deleted = queue.messages(2)
    assert (created["source"], created["detail-type"], created["account"]) == ("aws.s3", "Object Created", account)
    assert created["resources"] == [f"arn:aws:s3:::{bucket}"] and created["region"] == REGION
    assert re.fullmatch(r"[0-9A-Z]{16}", created["detail"].pop("request-id"))
    assert re.fullmatch(r"[0-9a-f]{16}", created["detail"]["object"].pop("sequencer"))
    assert created["detail"] == {
        "version": "0",
        "event-version": "1.2",
        "bucket": {"name": bucket},
        "object": {"key": "raw/a b.json", "size": 5, "etag": "827ccb0eea8a706c4c34a16891f84e7b"},
        "requester": account,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    assert deleted["detail-type"] == "Object Deleted"
    assert (deleted["detail"]["reason"], deleted["detail"]["deletion-type"]) == ("DeleteObject", "Permanently Deleted")
    assert sorted(deleted["detail"]["object"]) == ["key", "sequencer"]


def test_event_bridge_targets(s3: Any, bucket: str, queue: Queue, client: Callable[..., Any], account: str) -> None:
    events = client("events")
    pattern = json.dumps({"source": ["aws.s3"]})
    events.put_rule(Name="off", EventPattern=pattern, State="DISABLED")
    events.put_targets(Rule="off", Targets=[{"Id": "q", "Arn": queue.arn}])
    events.put_rule(Name="on", EventPattern=pattern)
    events.put_targets(
        Rule="on",
        Targets=[
            {"Id": "1", "Arn": f"arn:aws:lambda:{REGION}:{account}:function:none"},
            {"Id": "2", "Arn": queue.arn, "Input": '{"fixed": 1}'},
            {"Id": "3", "Arn": queue.arn, "InputPath": "$.detail.bucket"},
        ],
    )
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    told = queue.messages(2)
    assert {"fixed": 1} in told and {"name": bucket} in told  # nothing of the disabled rule


def test_a_long_poll_gets_the_event_that_comes_meanwhile(s3: Any, bucket: str, queue: Queue) -> None:
    tell(s3, bucket, queue.arn, "s3:ObjectCreated:*")
    queue.messages(1)
    timer = threading.Timer(0.5, s3.put_object, kwargs={"Bucket": bucket, "Key": "k", "Body": b""})
    timer.start()
    start = time.monotonic()
    (message,) = queue.sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=20)["Messages"]
    assert json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] == "k"
    assert 0.4 < time.monotonic() - start < 15
    timer.join()


def test_function_gets_the_record(s3: Any, bucket: str, queue: Queue, client: Callable[..., Any], account: str) -> None:
    code = """
import json, os, boto3
def handler(event, context):
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
"""
    function = make_function(client, "on-put", code, "sqs:GetQueueUrl", "sqs:SendMessage")
    events = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
    configuration = {"LambdaFunctionConfigurations": [events]}
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    allow_call(client, "on-put", "s3.amazonaws.com")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    (event,) = queue.messages(1, seconds=60)
    assert event["Records"][0]["s3"]["object"]["key"] == "k"


def test_a_queue_that_does_not_let_s3_send_is_refused(s3: Any, bucket: str, queue: Queue, account: str) -> None:
    queue.allow("events")
    with pytest.raises(ClientError) as caught:
        tell(s3, bucket, queue.arn, "s3:ObjectCreated:*")
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    )


def test_a_queue_that_no_longer_lets_s3_send_gets_nothing(s3: Any, bucket: str, queue: Queue) -> None:
    tell(s3, bucket, queue.arn, "s3:ObjectCreated:*")
    queue.messages(1)
    queue.allow("events")
    s3.put_object(Bucket=bucket, Key="dropped", Body=b"")
    other = Queue(queue.sqs, "other", queue.arn.split(":")[4])
    tell(s3, bucket, other.arn, "s3:ObjectCreated:*")
    other.messages(1)
    queue.allow("s3")
    assert "Messages" not in queue.sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=1)


@pytest.mark.parametrize(
    "configuration",
    [
        {"QueueConfigurations": [{"QueueArn": "arn:aws:sqs:us-east-1:{}:none", "Events": ["s3:ObjectCreated:*"]}]},
        {"TopicConfigurations": [{"TopicArn": "arn:aws:sns:us-east-1:{}:none", "Events": ["s3:ObjectCreated:*"]}]},
        {
            "LambdaFunctionConfigurations": [
                {
                    "LambdaFunctionArn": "arn:aws:lambda:us-east-1:{}:function:none",
                    "Events": ["s3:ObjectCreated:*"],
                }
            ]
        },
    ],
    ids=["queue", "topic", "function"],
)
def test_missing_destinations_are_refused(
    s3: Any, bucket: str, queue: Queue, account: str, configuration: dict[str, Any]
) -> None:
    tell(s3, bucket, queue.arn, "s3:ObjectCreated:*")
    wrong = json.loads(json.dumps(configuration).replace("{}", account))
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wrong)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    )
    kept = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert [each["QueueArn"] for each in kept["QueueConfigurations"]] == [queue.arn]


def test_firehose_objects_are_told(s3: Any, bucket: str, queue: Queue, client: Callable[..., Any]) -> None:
    tell(
        s3,
        bucket,
        queue.arn,
        "s3:ObjectCreated:*",
        Filter={"Key": {"FilterRules": [{"Name": "prefix", "Value": "raw/"}]}},
    )
    queue.messages(1)
    firehose = client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="told",
        ExtendedS3DestinationConfiguration={
            "RoleARN": service_role(client, "firehose"),
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": "raw/",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
        },
    )
    firehose.put_record(DeliveryStreamName="told", Record={"Data": b"12345"})
    (message,) = queue.messages(1)
    told = message["Records"][0]["s3"]["object"]
    assert told["eTag"] == "827ccb0eea8a706c4c34a16891f84e7b" and told["key"].startswith("raw%2F")


def test_events_survive_kill(own_server: Any, account: str) -> None:
    s3 = own_server.client("s3", account)
    queue = Queue(own_server.client("sqs", account), "told", account)
    s3.create_bucket(Bucket="killed")
    tell(s3, "killed", queue.arn, "s3:ObjectCreated:*")
    keys = [f"k{number}" for number in range(200)]
    for key in keys:
        s3.put_object(Bucket="killed", Key=key, Body=b"")
    own_server.kill()
    own_server.restart()
    told = set()
    deadline = time.monotonic() + 15
    while not told >= set(keys) and time.monotonic() < deadline:
        received = queue.sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10).get("Messages", ())
        for message in received:
            told.update(record["s3"]["object"]["key"] for record in json.loads(message["Body"]).get("Records", ()))
    assert told >= set(keys)  # at least once, as on AWS


def test_events_that_an_older_version_left_are_delivered(own_server: Any, account: str) -> None:
    s3 = own_server.client("s3", account)
    queue = Queue(own_server.client("sqs", account), "told", account)
    s3.create_bucket(Bucket="killed")
    s3.put_object(Bucket="killed", Key="k", Body=b"")
    own_server.kill()
    outbox = own_server.home / "state" / account / "aws" / "s3" / "notifications"
    lines = [json.dumps({"to": queue.arn, "message": {"number": number}}) for number in range(3)]
    outbox.write_text("\n".join([*lines, '{"delivered": 1}', '{"to": "arn:aws:s']))
    own_server.restart()
    assert [message["number"] for message in queue.messages(2)] == [1, 2]
    assert not outbox.exists()


@pytest.mark.unit
def test_an_event_whose_receiver_writes_where_it_listens_is_dropped(monkeypatch, caplog):
    from infra.local import events
    from infra.local.core.outbox import Item
    from infra.local.s3 import notifications

    sent = []
    monkeypatch.setattr(events, "send", lambda caller, target, given: sent.extend(given) or [None] * len(given))
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    bodies = [
        {"account": "123456789012", "bucket": "b", "to": function, "message": {"n": hops}, "hops": hops}
        for hops in (16, 17)
    ]
    items = [Item(number, "lane", body, 0.0, 0, "") for number, body in enumerate(bodies)]
    assert notifications._deliver(items) == [None, None]
    assert [(each.event, each.hops) for each in sent] == [({"n": 16}, 16)]
    assert "has come round 16 times" in caplog.text
