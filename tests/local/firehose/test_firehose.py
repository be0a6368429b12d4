"""Data Firehose through boto3 on a real server: buffering, compression, prefixes, errors, metrics, limits."""

from __future__ import annotations

import gzip
import io
import json
import re
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server
from tests.local.firehose.firehose_lab import MIB, UUID, destination, objects
from tests.polling import until
from tests.service_roles import service_role

pytestmark = pytest.mark.usefixtures("role")


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
    assert timedelta(seconds=-1) < arrived - before < timedelta(seconds=30)
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
    assert 1.9 < time.monotonic() - start < 60  # AWS's default is 300


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
