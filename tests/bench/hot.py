"""Hot operations through boto3: Kinesis put and drain, S3 put and get. Each returns a rate: higher is better."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.bench.doubles import Double

RECORD = b'{"uuid": "6c84fb90-12c4-11e1-840d-7b25c5ee775a", "device_id": 17, "track_id": 23}' + b" " * 95
BATCH = [{"Data": RECORD, "PartitionKey": str(number)} for number in range(500)]
KIB = b"x" * 1024
LARGE = bytes(64 * 1024 * 1024)
BATCHES, OBJECTS = 60, 300


def _stream(double: Double, name: str) -> Any:
    kinesis = double.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    return kinesis


def _in_threads(threads: int, work: Any) -> float:
    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    started = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return time.perf_counter() - started


def kinesis_put(double: Double, run: str, threads: int) -> float:
    """Records a second that PutRecords takes, 500 a call."""
    name = f"put-{threads}-{run}"
    clients = [_stream(double, name)] + [double.client("kinesis") for _ in range(threads - 1)]
    stored = [0] * threads

    def work(number: int) -> None:
        for _ in range(BATCHES // threads):
            stored[number] += 500 - clients[number].put_records(StreamName=name, Records=BATCH)["FailedRecordCount"]

    seconds = _in_threads(threads, work)
    return sum(stored) / seconds


def kinesis_drain(double: Double, run: str) -> float:
    """Records a second that GetRecords gives, from TRIM_HORIZON to the end; fails when records are missing."""
    name, kinesis = f"put-1-{run}", double.client("kinesis")
    count, started = 0, time.perf_counter()
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator)
            if not answer["Records"]:
                break
            count, iterator = count + len(answer["Records"]), answer["NextShardIterator"]
    seconds = time.perf_counter() - started
    assert count == BATCHES * 500, f"{double.name} gave back {count} of {BATCHES * 500} records"
    return count / seconds


def s3_put_small(double: Double, run: str) -> float:
    """Objects of 1 KiB a second."""
    s3, bucket = double.client("s3"), f"bench-{run}"
    s3.create_bucket(Bucket=bucket)
    started = time.perf_counter()
    for number in range(OBJECTS):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=KIB)
    return OBJECTS / (time.perf_counter() - started)


def s3_put_large(double: Double, run: str) -> float:
    """MiB a second of one 64 MiB PutObject."""
    s3 = double.client("s3")
    started = time.perf_counter()
    s3.put_object(Bucket=f"bench-{run}", Key="large", Body=LARGE)
    return 64 / (time.perf_counter() - started)


def s3_get_large(double: Double, run: str) -> float:
    """MiB a second of one 64 MiB GetObject."""
    s3 = double.client("s3")
    started = time.perf_counter()
    size = sum(len(part) for part in s3.get_object(Bucket=f"bench-{run}", Key="large")["Body"].iter_chunks(1 << 20))
    seconds = time.perf_counter() - started
    assert size == len(LARGE)
    return 64 / seconds
