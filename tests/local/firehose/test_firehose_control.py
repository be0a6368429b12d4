"""Making, describing, changing and deleting delivery streams; what is refused."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.firehose.firehose_lab import ROLE, destination, from_kinesis, objects
from tests.polling import until
from tests.refusals import refusal

pytestmark = pytest.mark.usefixtures("role")


def test_description_has_aws_defaults_in_both_forms(firehose: Any, account: str) -> None:
    arn = firehose.create_delivery_stream(
        DeliveryStreamName="plain",
        S3DestinationConfiguration={"RoleARN": ROLE["arn"], "BucketARN": "arn:aws:s3:::b"},
        Tags=[{"Key": "chapter", "Value": "1"}],
    )["DeliveryStreamARN"]
    assert arn == f"arn:aws:firehose:us-east-1:{account}:deliverystream/plain"
    described = firehose.describe_delivery_stream(DeliveryStreamName="plain")["DeliveryStreamDescription"]
    plain = {
        "RoleARN": ROLE["arn"],
        "BucketARN": "arn:aws:s3:::b",
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }
    assert described["Destinations"] == [
        {
            "DestinationId": "destinationId-000000000001",
            "S3DestinationDescription": plain,
            "ExtendedS3DestinationDescription": {**plain, "S3BackupMode": "Disabled"},
        }
    ]
    told = {name: described[name] for name in described if name not in ("CreateTimestamp", "Destinations")}
    assert told == {
        "DeliveryStreamName": "plain",
        "DeliveryStreamARN": arn,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": "DirectPut",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "VersionId": "1",
        "HasMoreDestinations": False,
    }
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName="plain")["Tags"] == [
        {"Key": "chapter", "Value": "1"}
    ]


def test_update_destination_merges_and_counts_versions(firehose: Any, s3: Any, bucket: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="changed",
        ExtendedS3DestinationConfiguration=destination("nowhere-at-all", interval=60, CompressionFormat="GZIP"),
    )
    firehose.put_record(DeliveryStreamName="changed", Record={"Data": b"waits"})
    update = {
        "DeliveryStreamName": "changed",
        "CurrentDeliveryStreamVersionId": "1",
        "DestinationId": "destinationId-000000000001",
        "ExtendedS3DestinationUpdate": {
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "BufferingHints": {"SizeInMBs": 2, "IntervalInSeconds": 0},
        },
    }
    firehose.update_destination(**update)
    assert refusal(firehose.update_destination, **update) == (
        "ConcurrentModificationException",
        "Cannot update firehose: changed since the current version id: 2 and specified version id: 1 do not match",
    )
    description = firehose.describe_delivery_stream(DeliveryStreamName="changed")["DeliveryStreamDescription"]
    told = description["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert description["VersionId"] == "2" and "LastUpdateTimestamp" in description
    assert told["CompressionFormat"] == "GZIP" and told["BufferingHints"]["SizeInMBs"] == 2
    assert description["Destinations"][0]["S3DestinationDescription"]["BucketARN"] == f"arn:aws:s3:::{bucket}"
    ((key, body),) = until(lambda: objects(s3, bucket)).items()
    assert "/changed-2-" in key and gzip.decompress(body) == b"waits"
    wrong = {**update, "CurrentDeliveryStreamVersionId": "2", "DestinationId": "destinationId-000000000002"}
    assert refusal(firehose.update_destination, **wrong)[0] == "InvalidArgumentException"
    bad = {
        **update,
        "CurrentDeliveryStreamVersionId": "2",
        "ExtendedS3DestinationUpdate": {"Prefix": "!{timestamp:yyyy}"},
    }
    assert refusal(firehose.update_destination, **bad)[0] == "InvalidArgumentException"
    description = firehose.describe_delivery_stream(DeliveryStreamName="changed")["DeliveryStreamDescription"]
    assert description["VersionId"] == "2"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"Prefix": "!{timestamp:yyyy}/"},
            "Ths supplied prefix(es) do not satisfy the following constraint: "
            "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions",
        ),
        (
            {
                "S3BackupMode": "Enabled",
                "S3BackupConfiguration": {
                    "RoleARN": "arn:aws:iam::123456789012:role/b",
                    "BucketARN": "arn:aws:s3:::b",
                    "Prefix": "!{timestamp:yyyy}/",
                },
            },
            "Ths supplied prefix(es) do not satisfy the following constraint: "
            "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions",
        ),
        (
            {"S3BackupMode": "Enabled"},
            "S3BackupConfiguration is required when S3BackupMode is Enabled.",
        ),
        (
            {
                "EncryptionConfiguration": {
                    "KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:us-east-1:123456789012:key/k"}
                }
            },
            "EncryptionConfiguration.KMSEncryptionConfig: encryption with a KMS key is not supported by the local AWS.",
        ),
        ({"CustomTimeZone": "Mars/Olympus"}, "CustomTimeZone Mars/Olympus is not a valid time zone."),
        (
            {"BufferingHints": {"SizeInMBs": 5}},
            "BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.",
        ),
        (
            {"CloudWatchLoggingOptions": {"Enabled": True}},
            "CloudWatch Log Group Name is required if CloudWatch Logging is enabled",
        ),
    ],
)
def test_bad_destinations_are_refused(firehose: Any, settings: dict[str, Any], message: str) -> None:
    refused = refusal(
        firehose.create_delivery_stream,
        DeliveryStreamName="bad",
        ExtendedS3DestinationConfiguration={**destination("b"), **settings},
    )
    assert refused == ("InvalidArgumentException", message)
    assert firehose.list_delivery_streams()["DeliveryStreamNames"] == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 60}},
            "Value '129' at 'extendedS3DestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: "
            "Member must have value less than or equal to 128",
        ),
        (
            {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 901}},
            "Value '901' at 'extendedS3DestinationConfiguration.bufferingHints.intervalInSeconds' failed to satisfy "
            "constraint: Member must have value less than or equal to 900",
        ),
        (
            {"CompressionFormat": "LZ4"},
            "Value 'LZ4' at 'extendedS3DestinationConfiguration.compressionFormat' failed to satisfy constraint: Member must "
            "satisfy enum value set: [UNCOMPRESSED, GZIP, ZIP, Snappy, HADOOP_SNAPPY]",
        ),
        (
            {"FileExtension": "json"},
            "Value 'json' at 'extendedS3DestinationConfiguration.fileExtension' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: ^$|\\.[0-9a-z!\\-_.*'()]+",
        ),
    ],
)
def test_values_outside_of_the_model_are_refused(firehose: Any, settings: dict[str, Any], message: str) -> None:
    refused = refusal(
        firehose.create_delivery_stream,
        DeliveryStreamName="bad",
        ExtendedS3DestinationConfiguration={**destination("b"), **settings},
    )
    assert refused == ("ValidationException", f"1 validation error detected: {message}")


def test_other_sources_destinations_and_names_are_refused(firehose: Any) -> None:
    create = firehose.create_delivery_stream
    http = {"EndpointConfiguration": {"Url": "https://example.com"}, "S3Configuration": destination("b")}
    assert refusal(create, DeliveryStreamName="d", HttpEndpointDestinationConfiguration=http) == (
        "InvalidArgumentException",
        "HttpEndpointDestinationConfiguration: the destination HTTP endpoint is not supported by the local AWS.",
    )
    assert refusal(create, DeliveryStreamName="d") == (
        "InvalidArgumentException",
        "Exactly one destination configuration is supported for a Firehose",
    )
    assert (
        refusal(
            create,
            DeliveryStreamName="d",
            DeliveryStreamType="MSKAsSource",
            ExtendedS3DestinationConfiguration=destination("b"),
        )[1]
        == "DeliveryStreamType: the type MSKAsSource is not supported by the local AWS."
    )
    assert refusal(create, DeliveryStreamName="a b", S3DestinationConfiguration=destination("b")) == (
        "ValidationException",
        "1 validation error detected: Value 'a b' at 'deliveryStreamName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [a-zA-Z0-9_.-]+",
    )


def test_list_delete_and_names_that_are_not_there(firehose: Any, s3: Any, bucket: str, account: str) -> None:
    for number in range(11):
        firehose.create_delivery_stream(
            DeliveryStreamName=f"s{number:02d}", S3DestinationConfiguration=destination(bucket, interval=900)
        )
    listed = firehose.list_delivery_streams()
    assert listed["DeliveryStreamNames"] == [f"s{number:02d}" for number in range(10)]
    assert listed["HasMoreDeliveryStreams"] is True
    assert refusal(
        firehose.create_delivery_stream,
        DeliveryStreamName="s00",
        S3DestinationConfiguration=destination(bucket),
    ) == ("ResourceInUseException", f"Firehose s00 under accountId {account} already exists")
    firehose.put_record(DeliveryStreamName="s00", Record={"Data": b"not delivered"})
    firehose.delete_delivery_stream(DeliveryStreamName="s00")  # "Deletes a Firehose stream and its data"
    assert objects(s3, bucket) == {}
    assert refusal(firehose.describe_delivery_stream, DeliveryStreamName="s00") == (
        "ResourceNotFoundException",
        f"Firehose s00 under account {account} not found.",
    )
    assert refusal(firehose.put_record, DeliveryStreamName="s00", Record={"Data": b"x"}) == (
        "ResourceNotFoundException",
        f"Firehose s00 not found under account {account}.",
    )


def test_tags_and_encryption(firehose: Any, bucket: str, client: Callable[..., Any], account: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="kept",
        S3DestinationConfiguration=destination(bucket),
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
    )

    def encryption() -> dict[str, Any]:
        description = firehose.describe_delivery_stream(DeliveryStreamName="kept")["DeliveryStreamDescription"]
        return description["DeliveryStreamEncryptionConfiguration"]

    assert encryption() == {"KeyType": "AWS_OWNED_CMK", "Status": "ENABLED"}
    assert firehose.put_record(DeliveryStreamName="kept", Record={"Data": b"x"})["Encrypted"] is True
    firehose.stop_delivery_stream_encryption(DeliveryStreamName="kept")
    assert encryption()["Status"] == "DISABLED"
    firehose.tag_delivery_stream(
        DeliveryStreamName="kept", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    firehose.untag_delivery_stream(DeliveryStreamName="kept", TagKeys=["a"])
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName="kept")["Tags"] == [{"Key": "b", "Value": "2"}]
    client("kinesis").create_stream(StreamName="source", ShardCount=1)
    from_kinesis(firehose, account, bucket)
    for change in (firehose.start_delivery_stream_encryption, firehose.stop_delivery_stream_encryption):
        assert refusal(change, DeliveryStreamName="from-kinesis")[0] == "InvalidArgumentException"


def test_bad_base64_is_refused(server: Any, account: str) -> None:
    request = urllib.request.Request(
        server.endpoint,
        data=b'{"DeliveryStreamName": "any", "Record": {"Data": "no base64!"}}',
        headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/firehose/aws4_request, "
            "SignedHeaders=host, Signature=0",
            "X-Amz-Target": "Firehose_20150804.PutRecord",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 400
    assert json.loads(caught.value.read())["__type"] == "SerializationException"


def test_limits_of_puts(firehose: Any, bucket: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="limited", S3DestinationConfiguration=destination(bucket, size=128, interval=900)
    )
    batch = firehose.put_record_batch
    too_big = b"x" * 1_024_001
    assert refusal(firehose.put_record, DeliveryStreamName="limited", Record={"Data": too_big}) == (
        "ValidationException",
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1024001 cap=1024001]' at 'record.data' failed "
        "to satisfy constraint: Member must have length less than or equal to 1024000",
    )
    code, message = refusal(batch, DeliveryStreamName="limited", Records=[{"Data": b"x"}, {"Data": too_big}])
    assert (code, "at 'records.2.member.data' failed" in message) == ("ValidationException", True)
    assert refusal(batch, DeliveryStreamName="limited", Records=[{"Data": b"x"}] * 501) == (
        "ValidationException",
        "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length less than or "
        "equal to 500",
    )
    assert refusal(batch, DeliveryStreamName="limited", Records=[{"Data": b"x" * 1_024_000}] * 5) == (
        "InvalidArgumentException",
        "Records size exceeds 4 MB limit",
    )
    answer = batch(DeliveryStreamName="limited", Records=[{"Data": b"x" * 1_024_000}] * 4)
    assert answer["FailedPutCount"] == 0 and answer["Encrypted"] is False
    assert len({response["RecordId"] for response in answer["RequestResponses"]}) == 4
