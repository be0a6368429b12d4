"""Firehose acts as its role: what it lacks is told where AWS tells it, and what was not delivered comes when it may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.polling import until
from tests.service_roles import policy, put_rights, service_role

GROUP, STREAM = "/aws/kinesisfirehose/d", "DestinationDelivery"
ACCESS_DENIED = (
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role, "
    "and the access policy allows access to the S3 bucket."
)


class Lake:
    """A bucket, a role with chosen rights, and a delivery stream with an error log."""

    def __init__(self, client: Callable[..., Any], account: str):
        self.client, self.account = client, account
        self.bucket = f"lake-{account}"
        client("s3").create_bucket(Bucket=self.bucket)
        self.write = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{self.bucket}/data/*"}
        log = f"arn:aws:logs:us-east-1:{account}:log-group:{GROUP}:log-stream:{STREAM}"
        self.tell = {"Action": "logs:PutLogEvents", "Resource": log}
        self.read = {"Action": "kinesis:*", "Resource": f"arn:aws:kinesis:us-east-1:{account}:stream/source"}

    def deliver(self, *rights: dict[str, Any], **more: Any) -> None:
        self.role = service_role(self.client, "firehose", may=rights)
        self.client("firehose").create_delivery_stream(
            DeliveryStreamName="d",
            ExtendedS3DestinationConfiguration={
                "RoleARN": self.role,
                "BucketARN": f"arn:aws:s3:::{self.bucket}",
                "Prefix": "data/",
                "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
                "CloudWatchLoggingOptions": {"Enabled": True, "LogGroupName": GROUP, "LogStreamName": STREAM},
            },
            **more,
        )

    def put(self, data: bytes) -> None:
        self.client("firehose").put_record(DeliveryStreamName="d", Record={"Data": data})

    def objects(self) -> list[bytes]:
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return [s3.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read() for each in found]

    def errors(self) -> list[dict[str, Any]]:
        try:
            events = self.client("logs").get_log_events(logGroupName=GROUP, logStreamName=STREAM)["events"]
        except ClientError:
            return []
        return [json.loads(event["message"]) for event in events]


@pytest.fixture
def lake(client: Callable[..., Any], account: str) -> Lake:
    return Lake(client, account)


def test_without_the_right_to_put_it_tells_and_tries_again(lake: Lake) -> None:
    lake.deliver(lake.tell)
    lake.put(b"kept")
    (error, *_) = until(lake.errors)
    assert (error["errorCode"], error["message"]) == ("S3.AccessDenied", ACCESS_DENIED)
    assert lake.objects() == []
    put_rights(lake.client, "firehose", lake.tell, lake.write)
    assert until(lake.objects) == [b"kept"]


def test_without_the_right_to_log_it_is_silent(lake: Lake) -> None:
    lake.deliver()
    lake.put(b"kept")
    cloudwatch = lake.client("cloudwatch")

    def failures() -> Any:
        return [each["MetricName"] for each in cloudwatch.list_metrics(Namespace="AWS/Firehose")["Metrics"]]

    until(lambda: "DeliveryToS3.Success" in failures())
    assert lake.errors() == [] and lake.objects() == []


def test_a_trust_that_is_taken_back(lake: Lake) -> None:
    lake.deliver(lake.write, lake.tell)
    lake.put(b"first")
    until(lake.objects)
    trust = {"Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    lake.client("iam").update_assume_role_policy(RoleName="firehose", PolicyDocument=policy(trust))
    lake.put(b"second")
    assert until(lake.errors)[0]["errorCode"] == "S3.AccessDenied"
    assert lake.objects() == [b"first"]


def test_a_role_that_firehose_cannot_assume(client: Callable[..., Any], account: str, lake: Lake) -> None:
    for role in (f"arn:aws:iam::{account}:role/nobody", service_role(client, "glue")):
        with pytest.raises(ClientError) as error:
            client("firehose").create_delivery_stream(
                DeliveryStreamName="d",
                S3DestinationConfiguration={"RoleARN": role, "BucketARN": f"arn:aws:s3:::{lake.bucket}"},
            )
        assert error.value.response["Error"] == {
            "Code": "InvalidArgumentException",
            "Message": f"Firehose is unable to assume role {role}. Please check the role provided.",
        }
    assert client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


def _from_kinesis(lake: Lake) -> dict[str, Any]:
    arn = f"arn:aws:kinesis:us-east-1:{lake.account}:stream/source"
    role = f"arn:aws:iam::{lake.account}:role/firehose"
    source = {"KinesisStreamARN": arn, "RoleARN": role}
    return {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source}


def test_a_source_that_the_role_may_not_describe(lake: Lake) -> None:
    lake.client("kinesis").create_stream(StreamName="source", ShardCount=1)
    with pytest.raises(ClientError) as error:
        lake.deliver(lake.write, **_from_kinesis(lake))
    assert error.value.response["Error"]["Message"] == (
        f"Role {lake.role} is not authorized to perform: kinesis:DescribeStream on resource "
        f"arn:aws:kinesis:us-east-1:{lake.account}:stream/source."
    )


def test_a_source_that_may_no_longer_be_read(lake: Lake) -> None:
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="source", ShardCount=1)
    lake.deliver(lake.write, lake.tell, lake.read, **_from_kinesis(lake))
    kinesis.put_record(StreamName="source", Data=b"first", PartitionKey="p")
    until(lake.objects)
    put_rights(lake.client, "firehose", lake.write, lake.tell)
    kinesis.put_record(StreamName="source", Data=b"second", PartitionKey="p")
    assert until(lake.errors)[0]["errorCode"] == "Kinesis.AccessDenied"
    put_rights(lake.client, "firehose", lake.write, lake.tell, lake.read)
    assert sorted(until(lambda: len(lake.objects()) == 2 and lake.objects())) == [b"first", b"second"]
