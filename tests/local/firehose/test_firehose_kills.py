"""Nothing acknowledged is lost or doubled by kill -9 or a full disk."""

from __future__ import annotations

import errno
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.local.firehose import buffer as firehose_buffer
from infra.local.firehose.buffer import Buffer, Places
from tests.local.firehose.firehose_lab import destination, from_kinesis, objects
from tests.polling import until
from tests.service_roles import service_role

pytestmark = pytest.mark.usefixtures("role")


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


def _direct(server: Any, account: str, bucket: str, interval: int) -> tuple[Any, Any]:
    """Make a bucket and a stream to it; clients of S3 and Firehose."""
    service_role(lambda service: server.client(service, account), "firehose")
    s3, firehose = server.client("s3", account), server.client("firehose", account)
    s3.create_bucket(Bucket=bucket)
    firehose.create_delivery_stream(
        DeliveryStreamName="direct", S3DestinationConfiguration=destination(bucket, size=1, interval=interval)
    )
    return s3, firehose


def test_a_segment_that_reached_s3_before_the_kill_is_not_delivered_again(own_server: Any, account: str) -> None:
    s3, firehose = _direct(own_server, account, "once", interval=900)
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
    s3, firehose = _direct(own_server, account, "cut", interval=3)
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


def filled(folder: Path) -> Buffer:
    """A buffer with a sealed segment and an open one, of two records each."""
    buffer = Buffer(folder)
    for first in ("a", "c"):
        buffer.append([first.encode(), chr(ord(first) + 1).encode()], 1, limit=2 if first == "a" else 100)
    buffer.close()
    return buffer


@pytest.mark.parametrize(
    ("damage", "left", "kept"),
    [
        (lambda folder: (folder / "00000001.log").unlink(), [], b"ab"),
        (lambda folder: (folder / "00000001.log").write_bytes(b""), [], b"ab"),
        (lambda folder: (folder / "00000001.data").write_bytes(b"a"), [], b"a"),
        (lambda folder: swap(folder / "00000001.log", b'"records"', b'"rexords"'), [], b"ab"),
        (lambda folder: swap(folder / "00000001.log", b"end", b"e\0d"), [], b"ab"),
    ],
)
def test_a_damaged_segment_is_kept_and_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Any, left: list[int], kept: bytes
) -> None:
    notes: list[str] = []
    monkeypatch.setattr("infra.local.core.notes.notes", notes)
    filled(tmp_path)
    damage(tmp_path)
    buffer = Buffer(tmp_path)
    assert [segment.records for segment in buffer.sealed] == left and buffer.open.records == 2
    (aside,) = tmp_path.glob("00000001.data.*.set-aside")
    assert aside.read_bytes() == kept
    (note,) = notes
    assert str(tmp_path / "00000001.data") in note and aside.name in note
    buffer.append([b"e"], 1, limit=100)
    buffer.close()
    again = Buffer(tmp_path)
    assert again.open.records == 3 and len(notes) == 1
    again.close()


def swap(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def test_a_kill_while_a_delivered_segment_is_removed_is_no_damage(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("infra.local.core.notes.notes", notes := [])
    filled(tmp_path)
    (tmp_path / "00000001.log").rename(tmp_path / "00000001.gone")
    buffer = Buffer(tmp_path)
    assert not buffer.sealed and sorted(path.suffix for path in tmp_path.glob("*1.*")) == [] and notes == []
    buffer.close()
