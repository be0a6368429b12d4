"""A stream of Kinesis as the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.firehose.firehose_lab import ROLE, from_kinesis, objects
from tests.polling import until
from tests.refusals import refusal

pytestmark = pytest.mark.usefixtures("role")


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
