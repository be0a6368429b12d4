"""Kinesis's descriptions and lists in pages, limits of reshaping, encryption, consumers, and records that are pushed to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError

from infra.local.core import state
from infra.local.kinesis.streams import BACKENDS
from tests.conftest import Server
from tests.polling import until
from tests.refusals import refusal
from tests.service_roles import policy, service_role


@pytest.fixture
def kinesis(client: Callable[..., Any]) -> Any:
    return client("kinesis")


def make(kinesis: Any, name: str = "s", shards: int = 1, **settings: Any) -> str:
    kinesis.create_stream(StreamName=name, ShardCount=shards, **settings)
    return summary(kinesis, name)["StreamARN"]


def summary(kinesis: Any, name: str = "s") -> dict[str, Any]:
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


# --- descriptions and lists -----------------------------------------------------------------------------------------


def test_a_description_comes_in_pages(kinesis: Any) -> None:
    make(kinesis, shards=5)
    first = kinesis.describe_stream(StreamName="s", Limit=2)["StreamDescription"]
    assert [each["ShardId"][-1] for each in first["Shards"]] == ["0", "1"] and first["HasMoreShards"] is True
    after = first["Shards"][-1]["ShardId"]
    rest = kinesis.describe_stream(StreamName="s", ExclusiveStartShardId=after)["StreamDescription"]
    assert [each["ShardId"][-1] for each in rest["Shards"]] == ["2", "3", "4"] and rest["HasMoreShards"] is False
    assert rest["EncryptionType"] == "NONE" and "KeyId" not in rest
    pages = kinesis.get_paginator("describe_stream").paginate(StreamName="s", PaginationConfig={"PageSize": 3})
    assert sum(len(page["StreamDescription"]["Shards"]) for page in pages) == 5


def test_streams_are_listed_by_name_in_pages(kinesis: Any) -> None:
    for name in ("b", "c", "a"):
        make(kinesis, name)
    first = kinesis.list_streams(Limit=2)
    assert (first["StreamNames"], first["HasMoreStreams"]) == (["a", "b"], True)
    assert [each["StreamName"] for each in first["StreamSummaries"]] == ["a", "b"]
    assert first["StreamSummaries"][0]["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    for where in (
        {"ExclusiveStartStreamName": "b"},
        {"NextToken": first["NextToken"]},
        {"ExclusiveStartStreamName": "bb"},
    ):
        rest = kinesis.list_streams(**where)
        assert (rest["StreamNames"], rest["HasMoreStreams"]) == (["c"], False) and "NextToken" not in rest
    assert refusal(kinesis.list_streams, NextToken="nonsense")[0] == "InvalidArgumentException"


def test_only_open_shards_are_counted(kinesis: Any) -> None:
    make(kinesis, shards=2)
    make(kinesis, "demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    kinesis.merge_shards(
        StreamName="s", ShardToMerge="shardId-000000000002", AdjacentShardToMerge="shardId-000000000003"
    )
    assert summary(kinesis)["OpenShardCount"] == 2 and len(kinesis.list_shards(StreamName="s")["Shards"]) == 5
    assert summary(kinesis, "demand")["OpenShardCount"] == 4
    limits = kinesis.describe_limits()
    assert (limits["OpenShardCount"], limits["OnDemandStreamCount"]) == (2, 1)


# --- reshaping ------------------------------------------------------------------------------------------------------


def test_shard_counts_are_no_more_than_doubled_and_no_less_than_halved(kinesis: Any) -> None:
    arn = make(kinesis, shards=2)

    def scaled(target: int) -> dict[str, Any]:
        return kinesis.update_shard_count(StreamARN=arn, TargetShardCount=target, ScalingType="UNIFORM_SCALING")

    with pytest.raises(ClientError) as error:
        scaled(5)
    assert error.value.response["Error"] == {
        "Code": "LimitExceededException",
        "Message": "UpdateShardCount cannot scale up over double your current open shard count. "
        "Current open shard count: 2, Target shard count: 5",
    }
    answer = scaled(4)
    assert (answer["StreamName"], answer["CurrentShardCount"], answer["TargetShardCount"]) == ("s", 2, 4)
    assert answer["StreamARN"] == arn and summary(kinesis)["OpenShardCount"] == 4
    with pytest.raises(
        ClientError,
        match="cannot scale down below half your current open shard count. Current open shard count: 4, Target shard count: 1",
    ):
        scaled(1)
    for target in (3, 2, 3, 2, 3, 2, 3, 2, 3):
        scaled(target)
    with pytest.raises(ClientError, match="at most 10 times in a rolling 24-hour period"):
        scaled(2)
    assert summary(kinesis)["OpenShardCount"] == 3


def test_a_stream_on_demand_is_not_reshaped_by_hand(kinesis: Any) -> None:
    arn = make(kinesis)
    for mode in ("ON_DEMAND", "PROVISIONED"):
        kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": mode})
    refused = refusal(kinesis.update_stream_mode, StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert refused[0] == "LimitExceededException"
    make(kinesis, "demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    told = refusal(kinesis.update_shard_count, StreamName="demand", TargetShardCount=8, ScalingType="UNIFORM_SCALING")
    assert told[0] == "ValidationException" and told[1].endswith("is in On-Demand mode.")
    shard = {"ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "5"}
    assert refusal(kinesis.split_shard, StreamName="demand", **shard)[0] == "ValidationException"


# --- settings -------------------------------------------------------------------------------------------------------


def test_encryption_is_told_where_records_are(kinesis: Any) -> None:
    make(kinesis)
    record = {"StreamName": "s", "PartitionKey": "a", "Data": b"1"}
    assert "EncryptionType" not in kinesis.put_record(**record)
    kinesis.start_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert (summary(kinesis)["EncryptionType"], summary(kinesis)["KeyId"]) == ("KMS", "alias/aws/kinesis")
    assert kinesis.put_record(**record)["EncryptionType"] == "KMS"
    shard = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    records = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**shard)["ShardIterator"])["Records"]
    assert [each["EncryptionType"] for each in records] == ["KMS", "KMS"]
    kinesis.stop_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert summary(kinesis)["EncryptionType"] == "NONE" and "KeyId" not in summary(kinesis)


def test_larger_records_and_tags(kinesis: Any) -> None:
    arn = make(kinesis, MaxRecordSizeInKiB=2048, Tags={"a": "1"})
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=bytes(2_000_000))
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=1024)
    assert summary(kinesis)["MaxRecordSizeInKiB"] == 1024
    assert (
        refusal(kinesis.put_record, StreamName="s", PartitionKey="a", Data=bytes(2_000_000))[0] == "ValidationException"
    )
    kinesis.tag_resource(ResourceARN=arn, Tags={"b": "2", "c": "3"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["a", "c"])
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert kinesis.list_tags_for_stream(StreamName="s")["Tags"] == [{"Key": "b", "Value": "2"}]


# --- consumers ------------------------------------------------------------------------------------------------------


def test_consumers_are_registered_listed_and_deregistered(kinesis: Any) -> None:
    arn = make(kinesis)
    made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="b")["Consumer"]
    created = int(made["ConsumerCreationTimestamp"].timestamp())
    assert made["ConsumerARN"] == f"{arn}/consumer/b:{created}" and made["ConsumerStatus"] == "ACTIVE"
    assert refusal(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="b")[0] == "ResourceInUseException"
    for name in ("c", "a"):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)
    first = kinesis.list_stream_consumers(StreamARN=arn, MaxResults=2)
    assert [each["ConsumerName"] for each in first["Consumers"]] == ["a", "b"]
    rest = kinesis.list_stream_consumers(StreamARN=arn, NextToken=first["NextToken"])
    assert [each["ConsumerName"] for each in rest["Consumers"]] == ["c"] and "NextToken" not in rest
    by_name = kinesis.describe_stream_consumer(StreamARN=arn, ConsumerName="b")["ConsumerDescription"]
    assert by_name == kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]
    assert by_name["StreamARN"] == arn and summary(kinesis)["ConsumerCount"] == 3
    assert refusal(kinesis.delete_stream, StreamName="s")[0] == "ResourceInUseException"
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="a")
    kinesis.deregister_stream_consumer(ConsumerARN=made["ConsumerARN"])
    assert [each["ConsumerName"] for each in kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]] == ["c"]
    gone = refusal(kinesis.describe_stream_consumer, ConsumerARN=made["ConsumerARN"])
    assert gone[0] == "ResourceNotFoundException"
    assert refusal(kinesis.describe_stream_consumer, ConsumerName="c")[0] == "InvalidArgumentException"
    kinesis.delete_stream(StreamName="s", EnforceConsumerDeletion=True)
    assert kinesis.list_streams()["StreamNames"] == []


def test_twenty_consumers_are_all_that_a_stream_has(kinesis: Any) -> None:
    arn = make(kinesis)
    for number in range(20):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=f"c{number}")
    assert refusal(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="more")[0] == "LimitExceededException"


# --- pushed records -------------------------------------------------------------------------------------------------


class Subscribed:
    """A consumer of the stream s, and what it was pushed."""

    def __init__(self, kinesis: Any, arn: str):
        self.kinesis = kinesis
        self.consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]

    def to(self, shard: int = 0, **position: Any) -> Any:
        given = {"ConsumerARN": self.consumer, "ShardId": f"shardId-{shard:012d}"}
        return self.kinesis.subscribe_to_shard(**given, StartingPosition=position)["EventStream"]


def events(stream: Any, records: int) -> tuple[list[bytes], dict[str, Any]]:
    """The first so many records, and the event with the last of them."""
    found: list[bytes] = []
    for event in stream:
        told = event["SubscribeToShardEvent"]
        found += [each["Data"] for each in told["Records"]]
        if len(found) >= records:
            return found, told
    raise AssertionError(found)


def test_a_consumer_is_pushed_records_and_goes_on_where_it_was(kinesis: Any) -> None:
    consumer = Subscribed(kinesis, make(kinesis))
    put = [
        kinesis.put_record(StreamName="s", PartitionKey="a", Data=str(n).encode())["SequenceNumber"] for n in range(3)
    ]
    stream = consumer.to(Type="TRIM_HORIZON")
    found, last = events(stream, 3)
    assert (
        found == [b"0", b"1", b"2"] and last["ContinuationSequenceNumber"] == put[2] and last["MillisBehindLatest"] == 0
    )
    assert last["Records"][-1]["SequenceNumber"] == put[2] and last["Records"][-1]["PartitionKey"] == "a"
    assert abs(last["Records"][-1]["ApproximateArrivalTimestamp"].timestamp() - time.time()) < 60
    later = threading.Timer(0.3, lambda: kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"later"))
    later.start()
    assert events(stream, 1)[0] == [b"later"]
    refused = refusal(consumer.to, Type="LATEST")
    assert refused[0] == "ResourceInUseException"
    stream.close()

    def again() -> Any:
        try:
            return consumer.to(Type="AFTER_SEQUENCE_NUMBER", SequenceNumber=last["ContinuationSequenceNumber"])
        except kinesis.exceptions.ResourceInUseException:
            return None

    assert events(until(again), 1)[0] == [b"later"]  # the connection was closed, or five seconds are over
    later.join()


def test_where_a_subscription_can_begin(kinesis: Any) -> None:
    arn = make(kinesis, shards=1)
    first = kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"one")["SequenceNumber"]
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"two")
    start = kinesis.list_shards(StreamName="s")["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"]
    for number, (position, expected) in enumerate(
        [
            ({"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": first}, [b"one", b"two"]),
            ({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": first}, [b"two"]),
            ({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": start}, [b"one", b"two"]),
            ({"Type": "AT_TIMESTAMP", "Timestamp": time.time() - 60}, [b"one", b"two"]),
        ]
    ):
        consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=f"c{number}")["Consumer"]["ConsumerARN"]
        given = {"ConsumerARN": consumer, "ShardId": "shardId-000000000000", "StartingPosition": position}
        stream = kinesis.subscribe_to_shard(**given)["EventStream"]
        assert events(stream, len(expected))[0] == expected
        stream.close()
    wrong = {"ConsumerARN": consumer, "ShardId": "shardId-000000000009", "StartingPosition": {"Type": "LATEST"}}
    assert refusal(kinesis.subscribe_to_shard, **wrong)[0] == "ResourceNotFoundException"
    unknown = {**wrong, "ConsumerARN": f"{arn}/consumer/nobody:1"}
    assert refusal(kinesis.subscribe_to_shard, **unknown)[0] == "ResourceNotFoundException"
    missing = {**wrong, "ShardId": "shardId-000000000000", "StartingPosition": {"Type": "AT_TIMESTAMP"}}
    assert refusal(kinesis.subscribe_to_shard, **missing)[0] == "InvalidArgumentException"


def test_the_end_of_a_shard_names_its_children_and_a_deleted_stream_is_told(kinesis: Any) -> None:
    consumer = Subscribed(kinesis, make(kinesis, shards=2))
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"last")
    kinesis.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    told = [event["SubscribeToShardEvent"] for event in consumer.to(Type="TRIM_HORIZON")]  # it ends by itself
    assert [each["Data"] for event in told for each in event["Records"]] == [b"last"]
    assert [each["ShardId"][-1] for each in told[-1]["ChildShards"]] == ["2", "3"]
    assert "ContinuationSequenceNumber" not in told[-1]
    stream = consumer.to(1, Type="LATEST")
    assert next(iter(stream))["SubscribeToShardEvent"]["Records"] == []
    kinesis.delete_stream(StreamName="s", EnforceConsumerDeletion=True)
    with pytest.raises(EventStreamError, match="ResourceNotFoundException"):
        list(stream)


def test_a_later_subscription_takes_the_place_of_the_first(kinesis: Any) -> None:
    consumer = Subscribed(kinesis, make(kinesis))
    first = consumer.to(Type="LATEST")

    def second() -> Any:
        try:
            return consumer.to(Type="LATEST")
        except kinesis.exceptions.ResourceInUseException:
            return None

    began = time.monotonic()
    newer = until(second)
    assert time.monotonic() - began > 3  # not within five seconds
    assert all(not event["SubscribeToShardEvent"]["Records"] for event in first)  # and it has ended
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"x")
    assert events(newer, 1)[0] == [b"x"]


def test_a_subscription_needs_the_right_on_its_consumer(
    client: Callable[..., Any], server: Server, account: str
) -> None:
    kinesis = client("kinesis")
    consumer = Subscribed(kinesis, make(kinesis))
    iam = client("iam")
    iam.create_user(UserName="u")
    keys = iam.create_access_key(UserName="u")["AccessKey"]
    import boto3

    user = boto3.client(
        "kinesis", endpoint_url=server.endpoint, region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
    )  # fmt: skip
    given = {
        "ConsumerARN": consumer.consumer,
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "LATEST"},
    }
    assert refusal(user.subscribe_to_shard, **given)[0] == "AccessDeniedException"
    document = policy({"Action": "kinesis:SubscribeToShard", "Resource": consumer.consumer})
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document)
    user.subscribe_to_shard(**given)["EventStream"].close()


def test_subscriptions_in_cbor(server: Server, account: str, kinesis: Any) -> None:
    from tests.local.kinesis.test_kinesis import signed_post

    consumer = Subscribed(kinesis, make(kinesis, shards=1))
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"\x00\xff")
    kinesis.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    asked = {
        "ConsumerARN": consumer.consumer,
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "TRIM_HORIZON"},
    }
    status, body = signed_post(server, account, "SubscribeToShard", cbor2.dumps(asked), "application/x-amz-cbor-1.1")
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    first, *rest = list(buffer)
    assert status == 200 and first.headers[":event-type"] == "initial-response"
    told = cbor2.loads(rest[0].payload, semantic_decoders={1: lambda value, immutable: value})
    assert told["Records"][0]["Data"] == b"\x00\xff" and told["Records"][0]["ApproximateArrivalTimestamp"] > 1e12


# --- full disks -----------------------------------------------------------------------------------------------------


def test_a_change_that_the_disk_refuses_is_not_seen(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backend in this process, with the state's own functions; a server's disk cannot be filled."""
    from infra.local import kinesis as face

    monkeypatch.setattr(state, "_root", tmp_path)
    account, region = "299999999999", "us-east-1"
    backend = BACKENDS[account][region]
    backend.create_stream("kept", 1)
    shard = next(iter(backend.streams["kept"].shards.values()))
    shard.append([(b"a", b"1")], 1)
    state.save("kinesis", account, region)

    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(state, "write_atomically", full)
        with pytest.raises(OSError):
            backend.delete_stream(None, "kept")
        backend.create_stream("refused", 1)
        with pytest.raises(OSError):
            state.save("kinesis", account, region)
    state.restore("kinesis", account, region)
    restored = face.stream(account, region, "kept")
    assert list(BACKENDS[account][region].streams) == ["kept"]
    assert [record.data for record in restored.shards["shardId-000000000000"].read(0)] == [b"1"]
    restored.delete()
    del BACKENDS[account][region].streams["kept"]


def test_roles_of_services_read_by_iterators(client: Callable[..., Any]) -> None:
    """ListShards by a token alone is asked on the stream that the token is of."""
    kinesis = client("kinesis")
    arn = make(kinesis, shards=3)
    role = service_role(client, "lambda", "reader", may=({"Action": "kinesis:ListShards", "Resource": arn},))
    trust = policy({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    client("iam").update_assume_role_policy(RoleName="reader", PolicyDocument=trust)
    given = client("sts").assume_role(RoleArn=role, RoleSessionName="reader")["Credentials"]
    import boto3

    reader = boto3.client(
        "kinesis", endpoint_url=kinesis.meta.endpoint_url, region_name="us-east-1", aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"],
    )  # fmt: skip
    first = reader.list_shards(StreamName="s", MaxResults=2)
    assert len(reader.list_shards(NextToken=first["NextToken"])["Shards"]) == 1
