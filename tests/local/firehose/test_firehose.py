"""Data Firehose through boto3 on a real server: sources, buffering, keys, refusals, metrics, and kill -9."""

from __future__ import annotations

import errno
import gzip
import io
import json
import re
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError

from infra.local.firehose import buffer as firehose_buffer
from infra.local.firehose.buffer import Buffer, Places
from tests.conftest import Server
from tests.polling import until
from tests.service_roles import service_role

ROLE = {"arn": ""}  # of the test that runs: it may do all
MIB = 1024 * 1024
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def objects(s3: Any, bucket: str) -> dict[str, bytes]:
    listing = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [each["Key"] for page in listing for each in page.get("Contents", ())]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def destination(bucket: str, size: int = 1, interval: int = 0, **settings: Any) -> dict[str, Any]:
    return {
        "RoleARN": ROLE["arn"],
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": interval},
        **settings,
    }


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(autouse=True)
def role(client: Callable[..., Any]) -> None:
    ROLE["arn"] = service_role(client, "firehose")


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    return client("s3")


@pytest.fixture
def firehose(client: Callable[..., Any]) -> Any:
    return client("firehose")


@pytest.fixture
def bucket(s3: Any, account: str) -> str:
    s3.create_bucket(Bucket=f"lake-{account}")
    return f"lake-{account}"


# --- buffering and delivery -----------------------------------------------------------------------------------------


def test_records_are_joined_as_they_came_and_the_key_is_as_aws_makes_it(firehose: Any, s3: Any, bucket: str) -> None:
    before = datetime.now(UTC)
    firehose.create_delivery_stream(
        DeliveryStreamName="orders.v-1",
        ExtendedS3DestinationConfiguration=destination(bucket, interval=1, Prefix="raw"),
    )
    for data in (b"one", b"two", b""):
        answer = firehose.put_record(DeliveryStreamName="orders.v-1", Record={"Data": data})
        assert len(answer["RecordId"]) > 100 and answer["Encrypted"] is False
    (key, body), *rest = until(lambda: list(objects(s3, bucket).items()))
    assert (body, rest) == (b"onetwo", [])
    match = re.fullmatch(rf"raw(\d{{4}}/\d\d/\d\d/\d\d)/orders\.v-1-1-(\d{{4}}(-\d\d){{5}})-{UUID}", key)
    assert match, key
    arrived = datetime.strptime(match[2], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=UTC)
    assert timedelta(seconds=-1) < arrived - before < timedelta(seconds=5)
    assert match[1] == arrived.strftime("%Y/%m/%d/%H")
    assert s3.head_object(Bucket=bucket, Key=key)["ContentType"] == "application/octet-stream"


def test_size_is_reached_before_the_interval(firehose: Any, s3: Any, bucket: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="sized", S3DestinationConfiguration=destination(bucket, size=1, interval=900)
    )
    record = b"x" * 1023 + b"\n"
    for _ in range(5):
        answer = firehose.put_record_batch(DeliveryStreamName="sized", Records=[{"Data": record}] * 500)
        assert answer["FailedPutCount"] == 0 and len(answer["RequestResponses"]) == 500
    found = until(lambda: len(objects(s3, bucket)) == 2 and objects(s3, bucket))
    assert [len(body) for body in found.values()] == [MIB, MIB]  # 452 records stay in the buffer


def test_interval_is_reached_before_the_size(firehose: Any, s3: Any, bucket: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="timed", S3DestinationConfiguration=destination(bucket, size=128, interval=2)
    )
    start = time.monotonic()
    firehose.put_record(DeliveryStreamName="timed", Record={"Data": b"a"})
    until(lambda: objects(s3, bucket))
    assert 1.9 < time.monotonic() - start < 5


def test_size_counts_before_compression_and_gzip_is_readable(firehose: Any, s3: Any, bucket: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="packed",
        ExtendedS3DestinationConfiguration=destination(bucket, interval=900, CompressionFormat="GZIP"),
    )
    firehose.put_record_batch(DeliveryStreamName="packed", Records=[{"Data": b"a" * 10_000}] * 110)
    ((key, body),) = until(lambda: objects(s3, bucket)).items()
    assert key.endswith(".gz") and len(body) < 10_000
    assert gzip.decompress(body) == b"a" * 1_050_000  # the 105th record reaches 1 MiB


def test_zip_and_file_extension(firehose: Any, s3: Any, bucket: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="zipped",
        ExtendedS3DestinationConfiguration=destination(bucket, CompressionFormat="ZIP", Prefix="zip/"),
    )
    firehose.create_delivery_stream(
        DeliveryStreamName="named",
        ExtendedS3DestinationConfiguration=destination(bucket, FileExtension=".json", Prefix="ext/"),
    )
    for name in ("zipped", "named"):
        firehose.put_record(DeliveryStreamName=name, Record={"Data": b'{"a":1}'})
    found = until(lambda: len(objects(s3, bucket)) == 2 and objects(s3, bucket))
    named, zipped = sorted(found)
    assert named.endswith(".json") and found[named] == b'{"a":1}'
    with zipfile.ZipFile(io.BytesIO(found[zipped])) as archive:
        assert zipped.endswith(".zip") and archive.read(archive.namelist()[0]) == b'{"a":1}'


@pytest.mark.parametrize(("parameters", "delimiter"), [([], b"\n"), (["\\n"], b"\n"), (["||"], b"||")])
def test_append_delimiter(firehose: Any, s3: Any, bucket: str, parameters: list[str], delimiter: bytes) -> None:
    processor = {
        "Type": "AppendDelimiterToRecord",
        "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": value} for value in parameters],
    }
    firehose.create_delivery_stream(
        DeliveryStreamName="lines",
        ExtendedS3DestinationConfiguration=destination(
            bucket, ProcessingConfiguration={"Enabled": True, "Processors": [processor]}
        ),
    )
    firehose.put_record_batch(DeliveryStreamName="lines", Records=[{"Data": b"a"}, {"Data": b"b"}])
    until(lambda: b"".join(objects(s3, bucket).values()) == b"a" + delimiter + b"b" + delimiter)


def test_prefix_expressions_and_time_zone(firehose: Any, s3: Any, bucket: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="expressed",
        ExtendedS3DestinationConfiguration=destination(
            bucket,
            Prefix="in/!{firehose:random-string}/!{timestamp:'year='yyyy/XXX}/",
            ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
            CustomTimeZone="Asia/Tokyo",
        ),
    )
    firehose.put_record(DeliveryStreamName="expressed", Record={"Data": b"x"})
    (key,) = until(lambda: list(objects(s3, bucket)))
    assert re.match(r"in/[A-Za-z0-9]{11}/year=\d{4}/\+09:00/expressed-1-", key), key


def test_missing_bucket_keeps_the_data_and_is_logged(
    firehose: Any, s3: Any, client: Callable[..., Any], account: str
) -> None:
    bucket = f"late-{account}"
    firehose.create_delivery_stream(
        DeliveryStreamName="late",
        ExtendedS3DestinationConfiguration=destination(
            bucket,
            CloudWatchLoggingOptions={
                "Enabled": True,
                "LogGroupName": "/aws/kinesisfirehose/late",
                "LogStreamName": "S3Delivery",
            },
        ),
    )
    firehose.put_record(DeliveryStreamName="late", Record={"Data": b"kept"})
    logs = client("logs")

    def lines() -> list[dict[str, Any]]:
        try:
            return logs.get_log_events(logGroupName="/aws/kinesisfirehose/late", logStreamName="S3Delivery")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    assert json.loads(until(lines)[0]["message"]) == {
        "deliveryStreamARN": f"arn:aws:firehose:us-east-1:{account}:deliverystream/late",
        "destination": f"arn:aws:s3:::{bucket}",
        "deliveryStreamVersionId": 1,
        "message": "The specified bucket does not exist. Create the bucket or use a different bucket that does exist.",
        "errorCode": "S3.NoSuchBucket",
    }
    s3.create_bucket(Bucket=bucket)
    until(lambda: list(objects(s3, bucket).values()) == [b"kept"])


def test_metrics(firehose: Any, s3: Any, bucket: str, client: Callable[..., Any]) -> None:
    firehose.create_delivery_stream(DeliveryStreamName="counted", S3DestinationConfiguration=destination(bucket))
    firehose.put_record_batch(DeliveryStreamName="counted", Records=[{"Data": b"12345"}] * 4)
    until(lambda: objects(s3, bucket))
    cloudwatch = client("cloudwatch")

    def total(name: str) -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Firehose",
            MetricName=name,
            Dimensions=[{"Name": "DeliveryStreamName", "Value": "counted"}],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=10),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    until(lambda: total("DeliveryToS3.Success") == 1)
    names = ("IncomingRecords", "IncomingBytes", "IncomingPutRequests", "DeliveryToS3.Records", "DeliveryToS3.Bytes")
    assert [total(name) for name in names] == [4, 20, 1, 4, 20]


def test_direct_put_is_limited_when_switched_on(tmp_path: Path, account: str) -> None:
    server = Server(tmp_path / "limited", shard_limits=True)
    try:
        service_role(lambda service: server.client(service, account), "firehose")
        s3, firehose = server.client("s3", account), server.client("firehose", account, region="eu-central-1")
        s3.create_bucket(Bucket=f"limited-{account}")
        settings = destination(f"limited-{account}", size=5, interval=900)
        firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=settings)
        stored = 0
        for _ in range(4):  # 1 MiB a second in this region, and each batch has 1.5
            records = [{"Data": bytes(MIB // 2)}] * 3
            answer = firehose.put_record_batch(DeliveryStreamName="d", Records=records)
            codes = Counter(each.get("ErrorCode") for each in answer["RequestResponses"])
            assert answer["FailedPutCount"] == codes["ServiceUnavailableException"] >= 1
            assert codes[None] + answer["FailedPutCount"] == 3
            stored += codes[None]
        assert stored >= 2
        slow = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        assert answer["RequestResponses"][-1] == slow

        def refused() -> tuple[str, str] | None:
            try:
                firehose.put_record(DeliveryStreamName="d", Record={"Data": bytes(MIB // 2 - 1)})
            except firehose.exceptions.ServiceUnavailableException as error:
                return error.response["Error"]["Code"], error.response["Error"]["Message"]
            return None

        assert until(refused) == ("ServiceUnavailableException", "Slow down.")
    finally:
        server.stop()


# --- Kinesis as the source ------------------------------------------------------------------------------------------


def from_kinesis(firehose: Any, account: str, bucket: str, name: str = "from-kinesis", **settings: Any) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": f"arn:aws:kinesis:us-east-1:{account}:stream/source",
            "RoleARN": ROLE["arn"],
        },
        ExtendedS3DestinationConfiguration=destination(bucket, **settings),
    )


def test_kinesis_is_read_from_latest_and_followed_through_resharding(
    firehose: Any, s3: Any, bucket: str, client: Callable[..., Any], account: str
) -> None:
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="source", ShardCount=1)
    kinesis.put_record(StreamName="source", Data=b"before\n", PartitionKey="a")
    from_kinesis(firehose, account, bucket, interval=3)

    def put(letter: str) -> None:
        records = [{"Data": f"{letter}{n}\n".encode(), "PartitionKey": str(n)} for n in range(100)]
        assert kinesis.put_records(StreamName="source", Records=records)["FailedRecordCount"] == 0

    put("a")
    kinesis.split_shard(StreamName="source", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 127))
    put("b")
    kinesis.merge_shards(
        StreamName="source", ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002"
    )
    put("c")
    expected = Counter(f"{letter}{n}" for letter in "abc" for n in range(100))

    def read() -> list[list[str]]:
        """The lines of each object: one, or some if this takes longer than the interval of three seconds."""
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return [s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().split() for key in keys]

    objects = until(lambda: sum(map(len, found := read())) >= 300 and found)
    assert Counter(line for lines in objects for line in lines) == expected
    for lines in objects:  # parents are drained before their children
        sevens = [line[0] for line in lines if line[1:] == "7"]
        assert sevens == sorted(sevens)

    description = firehose.describe_delivery_stream(DeliveryStreamName="from-kinesis")["DeliveryStreamDescription"]
    source = description["Source"]["KinesisStreamSourceDescription"]
    assert source["KinesisStreamARN"] == f"arn:aws:kinesis:us-east-1:{account}:stream/source"
    assert source["RoleARN"] == ROLE["arn"] and source["DeliveryStartTimestamp"] == description["CreateTimestamp"]
    assert description["DeliveryStreamType"] == "KinesisStreamAsSource"


def test_a_deleted_and_remade_source_is_read_on(
    firehose: Any, s3: Any, bucket: str, client: Callable[..., Any], account: str
) -> None:
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="source", ShardCount=2)
    from_kinesis(firehose, account, bucket)
    kinesis.put_record(StreamName="source", Data=b"first\n", PartitionKey="a")
    until(lambda: list(objects(s3, bucket).values()) == [b"first\n"])
    kinesis.delete_stream(StreamName="source")
    kinesis.create_stream(StreamName="source", ShardCount=1)
    kinesis.put_record(StreamName="source", Data=b"second\n", PartitionKey="a")
    until(lambda: sorted(objects(s3, bucket).values()) == [b"first\n", b"second\n"])


def test_puts_to_a_stream_that_reads_kinesis_are_refused(
    firehose: Any, bucket: str, client: Callable[..., Any], account: str
) -> None:
    client("kinesis").create_stream(StreamName="source", ShardCount=1)
    from_kinesis(firehose, account, bucket)
    expected = (
        "InvalidArgumentException",
        "This operation is not permitted on KinesisStreamAsSource delivery stream type.",
    )
    assert refusal(firehose.put_record, DeliveryStreamName="from-kinesis", Record={"Data": b"x"}) == expected
    assert refusal(firehose.put_record_batch, DeliveryStreamName="from-kinesis", Records=[{"Data": b"x"}]) == expected


def test_unknown_source_stream_is_refused(firehose: Any, bucket: str, account: str) -> None:
    with pytest.raises(ClientError, match="InvalidArgumentException.*stream/source was not found"):
        from_kinesis(firehose, account, bucket)
    assert firehose.list_delivery_streams()["DeliveryStreamNames"] == []


# --- control plane --------------------------------------------------------------------------------------------------


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
                "S3BackupConfiguration": {**destination("b"), "RoleARN": "arn:aws:iam::123456789012:role/b"},
            },
            "S3BackupMode: backup of source records is not supported by the local AWS.",
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


# --- kill -9 --------------------------------------------------------------------------------------------------------


def delivered(s3: Any, bucket: str) -> Counter[str]:
    return Counter(b"".join(objects(s3, bucket).values()).decode().split())


def test_kill_loses_no_acknowledged_put_and_doubles_none(own_server: Any, account: str) -> None:
    service_role(lambda service: own_server.client(service, account), "firehose")
    s3, firehose = own_server.client("s3", account), own_server.client("firehose", account)
    s3.create_bucket(Bucket="killed")
    firehose.create_delivery_stream(
        DeliveryStreamName="direct", S3DestinationConfiguration=destination("killed", size=1, interval=1)
    )
    acknowledged: list[str] = []
    in_flight: list[str] = []

    def produce() -> None:
        for number in range(100_000):
            in_flight[:] = [f"{number}-{each}-{'x' * 900}" for each in range(50)]
            try:
                firehose.put_record_batch(
                    DeliveryStreamName="direct", Records=[{"Data": f"{line}\n".encode()} for line in in_flight]
                )
            except Exception:
                return
            acknowledged.extend(in_flight)

    producer = threading.Thread(target=produce)
    producer.start()
    until(lambda: len(acknowledged) >= 3000)
    own_server.kill()
    producer.join()
    own_server.restart()
    until(lambda: set(acknowledged) <= set(delivered(s3, "killed")))
    found = delivered(s3, "killed")
    assert max(found.values()) == 1
    assert set(found) - set(acknowledged) <= set(in_flight)  # may be stored: their answer did not arrive

    firehose.put_record(DeliveryStreamName="direct", Record={"Data": b"last"})
    own_server.kill()
    own_server.restart()
    until(lambda: "last" in delivered(s3, "killed"))


def test_kill_keeps_source_and_buffer_consistent(own_server: Any, account: str) -> None:
    service_role(lambda service: own_server.client(service, account), "firehose")
    s3, kinesis = own_server.client("s3", account), own_server.client("kinesis", account)
    firehose = own_server.client("firehose", account)
    s3.create_bucket(Bucket="killed")
    kinesis.create_stream(StreamName="source", ShardCount=2)
    from_kinesis(firehose, account, "killed", size=1, interval=2)
    acknowledged: list[str] = []
    unsure: set[str] = set()

    def produce(name: str) -> None:
        for number in range(100_000):
            lines = [f"{name}-{number}-{each}-{'x' * 400}" for each in range(100)]
            records = [{"Data": f"{line}\n".encode(), "PartitionKey": line[:20]} for line in lines]
            try:
                kinesis.put_records(StreamName="source", Records=records)
            except Exception:
                unsure.update(lines)
                return
            acknowledged.extend(lines)

    for name in ("first", "second", "third"):
        before = len(acknowledged)
        producer = threading.Thread(target=produce, args=(name,))
        producer.start()
        until(lambda: len(acknowledged) > before + 4000)  # noqa: B023 (called in this round)
        own_server.kill()
        producer.join()
        own_server.restart()
    until(lambda: set(acknowledged) <= set(delivered(s3, "killed")))
    found = delivered(s3, "killed")
    assert max(found.values()) == 1
    assert set(found) - set(acknowledged) <= unsure


def test_a_segment_that_reached_s3_before_the_kill_is_not_delivered_again(own_server: Any, account: str) -> None:
    service_role(lambda service: own_server.client(service, account), "firehose")
    s3, firehose = own_server.client("s3", account), own_server.client("firehose", account)
    s3.create_bucket(Bucket="once")
    firehose.create_delivery_stream(
        DeliveryStreamName="direct", S3DestinationConfiguration=destination("once", size=1, interval=900)
    )
    firehose.put_record(DeliveryStreamName="direct", Record={"Data": b"once"})
    s3.put_object(Bucket="once", Key="its/key", Body=b"once")
    own_server.kill()
    (folder,) = (own_server.home / "state" / account / "us-east-1" / "firehose").iterdir()
    # as if the process had been killed after the put to S3: sealed, its key noted, not forgotten yet
    (folder / "00000001.key").write_bytes(orjson.dumps({"bucket": "once", "key": "its/key", "version": "1"}))
    (folder / "00000002.log").write_bytes(orjson.dumps({"source": 0, "shards": {}}) + b"\n")
    own_server.restart()
    until(lambda: not (folder / "00000001.log").exists())
    assert list(objects(s3, "once")) == ["its/key"]
    assert sorted(path.name for path in folder.iterdir()) == ["00000002.data", "00000002.log"]


def test_half_written_buffer_files_are_cut_back(own_server: Any, account: str) -> None:
    service_role(lambda service: own_server.client(service, account), "firehose")
    s3, firehose = own_server.client("s3", account), own_server.client("firehose", account)
    s3.create_bucket(Bucket="cut")
    firehose.create_delivery_stream(
        DeliveryStreamName="direct", S3DestinationConfiguration=destination("cut", size=1, interval=3)
    )
    firehose.put_record(DeliveryStreamName="direct", Record={"Data": b"whole"})
    own_server.kill()
    (folder,) = (own_server.home / "state" / account / "us-east-1" / "firehose").iterdir()
    with open(folder / "00000001.data", "ab") as data, open(folder / "00000001.log", "ab") as log:
        data.write(b"never acknowledged")
        log.write(b'{"end": 23, "old')
    own_server.restart()
    firehose.put_record(DeliveryStreamName="direct", Record={"Data": b"more"})
    until(lambda: b"".join(objects(s3, "cut").values()) == b"wholemore")


def test_a_full_disk_leaves_the_buffer_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = Buffer(tmp_path / "b", Places(7, {"shard": 10}))
    assert buffer.append([b"aa", b"bb"], 1000, 100, "shard", 12) == 2
    write, room = firehose_buffer._write_all, [30]

    def write_while_there_is_room(descriptor: int, data: bytes) -> None:
        taken = data[: room[0]]
        room[0] -= len(taken)
        write(descriptor, taken)
        if len(taken) < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(firehose_buffer, "_write_all", write_while_there_is_room)
    with pytest.raises(OSError, match="No space"):
        buffer.append([b"cc"], 2000, 100, "shard", 13)
    monkeypatch.undo()
    for opened in (buffer, Buffer(tmp_path / "b")):
        assert (opened.open.size, opened.open.records, opened.open.oldest_ms) == (4, 2, 1000)
        assert (opened.places.source, opened.places.shards) == (7, {"shard": 12})
        assert opened.path(opened.open).read_bytes() == b"aabb"
    assert buffer.append([b"dd"], 3000, 6, "shard", 13) == 1  # the sixth byte seals
    assert [(segment.size, segment.records) for segment in Buffer(tmp_path / "b").sealed] == [(6, 3)]
    assert Buffer(tmp_path / "b").places.shards == {"shard": 13}
