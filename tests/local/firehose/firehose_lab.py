"""What tests of delivery streams share: a destination, its objects, what was refused."""

from __future__ import annotations

from typing import Any

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
