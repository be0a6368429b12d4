"""Kinesis Data Streams through boto3: order, shards, iterators, limits, CBOR, and kill -9."""

import base64
import datetime
import json
import os
import threading
import time
import urllib.request

import cbor2
import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server
from tests.polling import until


@pytest.fixture
def kinesis(client):
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=2)
    return kinesis


def shards(kinesis, stream="s"):
    return [shard["ShardId"] for shard in kinesis.list_shards(StreamName=stream)["Shards"]]


def read_all(kinesis, stream="s", shard_ids=None, kind="TRIM_HORIZON", **where):
    records = []
    for shard in shard_ids or shards(kinesis, stream):
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind, **where)[
            "ShardIterator"
        ]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            if not answer["Records"] and answer["MillisBehindLatest"] == 0:
                break
            records += answer["Records"]
            iterator = answer.get("NextShardIterator")
    return records


def test_hash_of_partition_key_decides_the_shard(kinesis):
    # MD5("a") = 16955237001963240173058271559858726497, below the middle of 2^128
    answer = kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"1")
    assert answer["ShardId"] == "shardId-000000000000"
    explicit = kinesis.put_record(StreamName="s", PartitionKey="a", ExplicitHashKey=str(2**128 - 1), Data=b"1")
    assert explicit["ShardId"] == "shardId-000000000001"


def test_records_come_back_in_order_with_56_digit_sequence_numbers(kinesis):
    put = [kinesis.put_record(StreamName="s", PartitionKey="a", Data=str(n).encode()) for n in range(5)]
    records = read_all(kinesis, shard_ids=["shardId-000000000000"])
    assert [record["Data"] for record in records] == [b"0", b"1", b"2", b"3", b"4"]
    assert [record["SequenceNumber"] for record in records] == [answer["SequenceNumber"] for answer in put]
    assert all(len(record["SequenceNumber"]) == 56 for record in records)


def test_iterator_types(kinesis):
    shard = "shardId-000000000000"
    numbers = [
        kinesis.put_record(StreamName="s", PartitionKey="a", Data=bytes([n]))["SequenceNumber"] for n in range(3)
    ]
    latest = kinesis.get_shard_iterator(StreamName="s", ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    assert kinesis.get_records(ShardIterator=latest)["Records"] == []
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"late")
    assert [r["Data"] for r in kinesis.get_records(ShardIterator=latest)["Records"]] == [b"late"]
    at = read_all(kinesis, shard_ids=[shard], kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
    after = read_all(kinesis, shard_ids=[shard], kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])
    assert [r["Data"] for r in at] == [b"\x01", b"\x02", b"late"]
    assert [r["Data"] for r in after] == [b"\x02", b"late"]


def test_at_timestamp(kinesis):
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"before")
    time.sleep(0.02)  # arrival times have milliseconds: the two records must not share one
    middle = datetime.datetime.now(datetime.UTC)
    time.sleep(0.02)
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"after")
    records = read_all(kinesis, shard_ids=["shardId-000000000000"], kind="AT_TIMESTAMP", Timestamp=middle)
    assert [r["Data"] for r in records] == [b"after"]


def test_split_keeps_records_in_the_closed_parent(kinesis):
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"parent")
    kinesis.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    child = kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"child")["ShardId"]
    assert child in ("shardId-000000000002", "shardId-000000000003")
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    answer = kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    assert [r["Data"] for r in answer["Records"]] == [b"parent"]
    assert "NextShardIterator" not in answer
    assert [c["ShardId"] for c in answer["ChildShards"]] == ["shardId-000000000002", "shardId-000000000003"]
    assert kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["OpenShardCount"] == 3


def test_merge_and_update_shard_count(kinesis):
    kinesis.merge_shards(
        StreamName="s", ShardToMerge="shardId-000000000000", AdjacentShardToMerge="shardId-000000000001"
    )
    assert kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"1")["ShardId"] == "shardId-000000000002"
    kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    open_shards = [
        s
        for s in kinesis.list_shards(StreamName="s")["Shards"]
        if "EndingSequenceNumber" not in s["SequenceNumberRange"]
    ]
    assert len(open_shards) == 2


def test_many_writers_lose_nothing(server, account, kinesis):
    def write(number):
        own = server.client("kinesis", account)
        for batch in range(5):
            records = [{"Data": f"{number}-{batch}-{n}".encode(), "PartitionKey": f"{number}-{n}"} for n in range(100)]
            assert own.put_records(StreamName="s", Records=records)["FailedRecordCount"] == 0

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = [record["Data"] for record in read_all(kinesis)]
    assert len(data) == len(set(data)) == 2000


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda k: k.put_record(StreamName="nope", PartitionKey="a", Data=b"1"), "ResourceNotFoundException"),
        (lambda k: k.describe_stream(StreamName="nope"), "ResourceNotFoundException"),
        (lambda k: k.create_stream(StreamName="s", ShardCount=1), "ResourceInUseException"),
        (lambda k: k.put_record(StreamName="s", PartitionKey="a", Data=b"x" * 1048577), "ValidationException"),
        (
            lambda k: k.put_records(StreamName="s", Records=[{"PartitionKey": "a", "Data": b"x"}] * 501),
            "ValidationException",
        ),
        (
            lambda k: k.put_record(StreamName="s", PartitionKey="a", Data=b"1", ExplicitHashKey=str(2**128)),
            "InvalidArgumentException",
        ),
        (lambda k: k.get_records(ShardIterator="AAAA"), "InvalidArgumentException"),
        (
            lambda k: k.get_shard_iterator(StreamName="s", ShardId="shardId-000000000009", ShardIteratorType="LATEST"),
            "ResourceNotFoundException",
        ),
    ],
)
def test_errors(kinesis, call, code):
    with pytest.raises(ClientError) as error:
        call(kinesis)
    assert error.value.response["Error"]["Code"] == code


def test_one_bad_record_stores_none(kinesis):
    with pytest.raises(ClientError):
        kinesis.put_records(
            StreamName="s", Records=[{"PartitionKey": "a", "Data": b"1"}, {"PartitionKey": "a", "Data": b"x" * 1048577}]
        )
    assert read_all(kinesis) == []


def test_iterator_expires_after_five_minutes(kinesis):
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"1")
    iterator = kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="LATEST")
    parts = base64.b64decode(iterator["ShardIterator"]).decode().split("/")
    parts[-1] = str(time.time() - 301)
    with pytest.raises(ClientError) as error:
        kinesis.get_records(ShardIterator=base64.b64encode("/".join(parts).encode()).decode())
    assert error.value.response["Error"]["Code"] == "ExpiredIteratorException"


def signed_post(server: Server, account: str, target: str, body: bytes, content_type: str) -> tuple[int, bytes]:
    request = urllib.request.Request(
        server.endpoint,
        data=body,
        headers={
            "Content-Type": content_type,
            "X-Amz-Target": f"Kinesis_20131202.{target}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={account}/20261124/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


RECORD, ITERATOR = (
    {"StreamName": "s", "Data": "eA==", "PartitionKey": "a"},
    {"StreamName": "s", "ShardId": "shardId-000000000000"},
)
SERIALIZATION, VALIDATION = "SerializationException", "ValidationException"


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("PutRecord", {**RECORD, "PartitionKey": ["a"]}, SERIALIZATION),
        ("PutRecord", {**RECORD, "PartitionKey": 7}, SERIALIZATION),
        ("PutRecord", {**RECORD, "PartitionKey": None}, VALIDATION),
        ("PutRecord", {**RECORD, "Data": ["x"]}, SERIALIZATION),
        ("PutRecord", {**RECORD, "Data": "eA="}, SERIALIZATION),
        ("PutRecord", {**RECORD, "ExplicitHashKey": 5}, SERIALIZATION),
        ("PutRecords", {"StreamName": "s", "Records": {"a": 1}}, SERIALIZATION),
        ("PutRecords", {"StreamName": "s", "Records": [None]}, VALIDATION),
        ("PutRecords", {"StreamName": "s", "Records": []}, VALIDATION),
        ("PutRecords", {"StreamName": "s", "Records": [RECORD] * 501}, VALIDATION),
        ("GetShardIterator", {**ITERATOR, "ShardId": [], "ShardIteratorType": "LATEST"}, SERIALIZATION),
        ("GetShardIterator", {**ITERATOR, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": "x"}, SERIALIZATION),
        ("GetRecords", {}, VALIDATION),
        ("GetRecords", {"ShardIterator": "x", "Limit": "a"}, SERIALIZATION),
    ],
)
def test_values_of_another_type_are_refused_as_by_the_model(server, kinesis, account, operation, asked, code):
    status, answer = signed_post(server, account, operation, json.dumps(asked).encode(), "application/x-amz-json-1.1")
    assert (status, json.loads(answer)["__type"]) == (400, code)


def test_cbor_as_the_java_sdks_speak_it(server, account, kinesis):
    kind = "application/x-amz-cbor-1.1"
    status, body = signed_post(
        server, account, "PutRecord", cbor2.dumps({"StreamName": "s", "PartitionKey": "a", "Data": b"\x00\xff"}), kind
    )
    assert status == 200
    shard = cbor2.loads(body)["ShardId"]
    past = cbor2.CBORTag(1, int((time.time() - 60) * 1000))  # milliseconds, as AWS's SDKs send them
    ask = {"StreamName": "s", "ShardId": shard, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": past}
    status, body = signed_post(server, account, "GetShardIterator", cbor2.dumps(ask), kind)
    status, body = signed_post(
        server, account, "GetRecords", cbor2.dumps({"ShardIterator": cbor2.loads(body)["ShardIterator"]}), kind
    )
    raw = cbor2.loads(body, semantic_decoders={1: lambda value, immutable: value})
    assert raw["Records"][0]["Data"] == b"\x00\xff"
    assert abs(raw["Records"][0]["ApproximateArrivalTimestamp"] - time.time() * 1000) < 60_000
    status, body = signed_post(server, account, "DescribeStreamSummary", cbor2.dumps({"StreamName": "s"}), kind)
    assert (
        cbor2.loads(body, semantic_decoders={1: lambda value, immutable: value})["StreamDescriptionSummary"][
            "OpenShardCount"
        ]
        == 2
    )


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{not json", "application/x-amz-json-1.1", "SerializationException"),
        (b"[1]", "application/x-amz-json-1.1", "SerializationException"),
        (b"\xff\xff\xff", "application/x-amz-cbor-1.1", "SerializationException"),
        (
            b'{"StreamName": 5, "PartitionKey": "a", "Data": "MQ=="}',
            "application/x-amz-json-1.1",
            "SerializationException",
        ),
        (b'{"StreamName": "s", "PartitionKey": "a"}', "application/x-amz-json-1.1", "ValidationException"),
        (
            b'{"StreamName": "s", "PartitionKey": "a", "Data": "***"}',
            "application/x-amz-json-1.1",
            "SerializationException",
        ),
    ],
)
def test_malformed_bodies(server, account, kinesis, body, content_type, code):
    status, answer = signed_post(server, account, "PutRecord", body, content_type)
    told = cbor2.loads(answer) if "cbor" in content_type else json.loads(answer)
    assert (status, told["__type"]) == (400, code)


def test_malformed_control_call(server, account):
    status, answer = signed_post(server, account, "CreateStream", b'{"ShardCount": "x"}', "application/x-amz-json-1.1")
    assert (status, json.loads(answer)["__type"]) in {(400, "ValidationException"), (400, "SerializationException")}
    status, answer = signed_post(server, account, "NoSuchThing", b"{}", "application/x-amz-json-1.1")
    assert (status, json.loads(answer)["__type"]) == (400, "UnknownOperationException")


def test_shard_limits_fail_a_part_when_switched_on(tmp_path, account):
    server = Server(tmp_path / "limited", shard_limits=True)
    try:
        kinesis = server.client("kinesis", account)
        kinesis.create_stream(StreamName="s", ShardCount=1)
        failed = 0
        for _ in range(5):
            answer = kinesis.put_records(StreamName="s", Records=[{"PartitionKey": "a", "Data": b"1"}] * 500)
            codes = {record.get("ErrorCode") for record in answer["Records"]}
            assert codes <= {None, "ProvisionedThroughputExceededException"}
            failed += answer["FailedRecordCount"]
        assert 0 < failed <= 1500
        assert len(read_all(kinesis)) == 2500 - failed
    finally:
        server.stop()


def test_a_tag_switches_the_limits_on_for_one_stream(client):
    kinesis, batch = client("kinesis"), [{"PartitionKey": "a", "Data": b"1"}] * 500
    for name, tags in (("limited", {"write-limits": "on"}), ("free", {"write-limits": "off"})):
        kinesis.create_stream(StreamName=name, ShardCount=1, Tags=tags)
    failed = {
        name: sum(kinesis.put_records(StreamName=name, Records=batch)["FailedRecordCount"] for _ in range(5))
        for name in ("limited", "free")
    }
    assert failed["free"] == 0 < failed["limited"] <= 1500
    kinesis.remove_tags_from_stream(StreamName="limited", TagKeys=["write-limits"])
    assert kinesis.put_records(StreamName="limited", Records=batch)["FailedRecordCount"] == 0


def test_acknowledged_records_survive_kill(own_server, account):
    kinesis = own_server.client("kinesis", account)
    kinesis.create_stream(StreamName="s", ShardCount=2)
    acknowledged = []
    stop = threading.Event()

    def write():
        own = own_server.client("kinesis", account)
        for number in range(100_000):
            data = [f"{number}-{n}".encode() for n in range(50)]
            try:
                own.put_records(StreamName="s", Records=[{"Data": d, "PartitionKey": d.decode()} for d in data])
            except Exception:
                return
            acknowledged.extend(data)
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: len(acknowledged) >= 1000)
    own_server.kill()
    stop.set()
    writer.join()
    own_server.restart()
    stored = [record["Data"] for record in read_all(kinesis)]
    assert len(acknowledged) >= 1000
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    kinesis.put_record(StreamName="s", PartitionKey="a", Data=b"afterwards")
    assert b"afterwards" in [record["Data"] for record in read_all(kinesis)]


RECORDS = [(b"key", b"record %d" % number) for number in range(1_200)]


def opened(folder):
    from infra.local.kinesis.storage import StoredShard

    shard = StoredShard(0, 0, 2**128 - 1)
    shard.open(folder)
    return shard


def flipped(data):
    return data[:48] + bytes(reversed(data[48:96])) + data[96:]


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-20], lambda data: data[: len(data) // 2], flipped]
)
def test_an_index_that_is_damaged_is_made_anew(tmp_path, damage):
    from infra.local.core import state

    shard = opened(tmp_path / "shard")
    for start in range(0, len(RECORDS), 100):
        shard.append(RECORDS[start : start + 100], 1)
    shard.close()
    index = tmp_path / "shard" / "index"
    index.write_bytes(damage(index.read_bytes()))
    again = opened(tmp_path / "shard")
    assert [record.data for record in again.read(0)] == [data for _, data in RECORDS]
    assert any(str(index) in note for note in state.notes)
    again.append([(b"key", b"after")], 2)
    again.close()
    assert [record.data for record in opened(tmp_path / "shard").read(1_199)] == [RECORDS[-1][1], b"after"]


def test_a_folder_in_the_place_of_a_shards_file_is_set_aside(tmp_path):
    from infra.local.core import state

    for name, left in (("index", 10), ("data", 0)):
        shard = opened(tmp_path / name)
        shard.append(RECORDS[:10], 1)
        shard.close()
        path = tmp_path / name / name
        path.unlink()
        path.mkdir()
        again = opened(tmp_path / name)
        assert len(again.read(0)) == left
        assert any(str(path) in note and "it is a folder" in note for note in state.notes)
        again.close()


def test_what_a_kill_left_of_a_call_is_cut_off(tmp_path):
    shard = opened(tmp_path / "shard")
    shard.append(RECORDS[:100], 1)
    whole = (tmp_path / "shard" / "index").read_bytes()
    shard.append(RECORDS[100:500], 1)
    shard.close()
    (tmp_path / "shard" / "index").write_bytes(whole)
    assert opened(tmp_path / "shard").count == 100


def test_a_damaged_record_does_not_stop_those_behind_it(tmp_path):
    shard = opened(tmp_path / "shard")
    shard.append([(b"key", b"one"), (b"key", b"two"), (b"key", b"three")], 1)
    shard.close()
    data = tmp_path / "shard" / "data"
    content = data.read_bytes()
    at = content.index(b"two") - 15  # in its header
    data.write_bytes(content[:at] + os.urandom(10) + content[at + 10 :])
    found = opened(tmp_path / "shard").read(0)
    assert [record.data for record in found][::2] == [b"one", b"three"] and len(found) == 3


def test_a_full_disk_stores_all_of_a_call_or_nothing(tmp_path, monkeypatch):
    from infra.local.kinesis import storage as module

    shard = module.StoredShard(0, 0, 2**128 - 1)
    shard.open(tmp_path / "shard")
    shard.append([(b"a", b"before")], 1)
    real_write, calls = module.os.write, []

    def write(descriptor, data):
        calls.append(descriptor)
        if len(calls) == 1:
            return real_write(descriptor, bytes(data)[:7])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        shard.append([(b"a", b"lost")], 2)
    monkeypatch.undo()
    shard.append([(b"a", b"after")], 3)
    assert [record.data for record in shard.read(0)] == [b"before", b"after"]
    shard.close()
    again = module.StoredShard(0, 0, 2**128 - 1)
    again.open(tmp_path / "shard")
    assert [record.data for record in again.read(0)] == [b"before", b"after"]


def test_what_a_kill_left_half_written_is_cut_off(tmp_path):
    from infra.local.kinesis import storage as module

    shard = module.StoredShard(0, 0, 2**128 - 1)
    shard.open(tmp_path / "shard")
    shard.append([(b"a", b"one"), (b"a", b"two")], 1)
    shard.close()
    with open(tmp_path / "shard" / "data", "r+b") as file:
        file.truncate(file.seek(0, 2) - 2)
    shard.open(tmp_path / "shard")
    assert [record.data for record in shard.read(0)] == [b"one"]
    shard.append([(b"a", b"three")], 2)
    assert [record.data for record in shard.read(0)] == [b"one", b"three"]


def test_list_shards_in_pages_and_by_a_filter(client):
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)

    def active():
        summary = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
        return summary["StreamStatus"] == "ACTIVE"

    until(active)
    before = datetime.datetime.now(datetime.UTC)
    time.sleep(0.02)  # the children are younger than this moment
    kinesis.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    until(active)

    def ids(**given):
        return [shard["ShardId"][-1] for shard in kinesis.list_shards(**given)["Shards"]]

    first = kinesis.list_shards(StreamName="s", MaxResults=2)
    assert [shard["ShardId"][-1] for shard in first["Shards"]] == ["0", "1"]
    rest = kinesis.list_shards(NextToken=first["NextToken"], MaxResults=5)
    assert [shard["ShardId"][-1] for shard in rest["Shards"]] == ["2"] and "NextToken" not in rest
    assert ids(StreamName="s", ExclusiveStartShardId="shardId-000000000001") == ["2"]
    for given, found in (
        ({"Type": "AT_LATEST"}, ["1", "2"]),
        ({"Type": "FROM_TRIM_HORIZON"}, ["0", "1", "2"]),
        ({"Type": "AT_TRIM_HORIZON"}, ["0"]),
        ({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000000"}, ["1", "2"]),
        ({"Type": "AT_TIMESTAMP", "Timestamp": before}, ["0"]),
        ({"Type": "FROM_TIMESTAMP", "Timestamp": datetime.datetime.now(datetime.UTC)}, ["1", "2"]),
    ):
        assert ids(StreamName="s", ShardFilter=given) == found, given
    for wrong in (
        {"NextToken": first["NextToken"], "StreamName": "s"},
        {"NextToken": "nonsense"},
        {"StreamName": "s", "ShardFilter": {"Type": "AFTER_SHARD_ID"}},
        {},
    ):
        with pytest.raises(ClientError) as error:
            kinesis.list_shards(**wrong)
        assert error.value.response["Error"]["Code"] == "InvalidArgumentException", wrong


def test_a_shard_starts_before_its_first_record(client):
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    shard = kinesis.list_shards(StreamName="s")["Shards"][0]
    start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    numbers = [kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="p")["SequenceNumber"] for _ in range(2)]
    assert int(start) < int(numbers[0])
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        where = {"StreamName": "s", "ShardId": shard["ShardId"], "ShardIteratorType": kind}
        iterator = kinesis.get_shard_iterator(**where, StartingSequenceNumber=start)["ShardIterator"]
        assert [
            record["SequenceNumber"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]
        ] == numbers
