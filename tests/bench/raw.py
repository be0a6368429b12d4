"""Requests without boto3, made before the clock starts, on kept connections: so the server is measured and not its client."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.bench.doubles import Double

ACCOUNT = "123456789012"
JSON = "Content-Type: application/x-amz-json-1.1\r\n"
CALLS = 300
NEIGHBOUR_MIB = 600


def request(double: Double, service: str, method: str, path: str, body: bytes, headers: str = "") -> bytes:
    """Return a whole HTTP request."""
    scope = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261128/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{double.port}\r\nAuthorization: {scope}\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """One kept connection."""

    def __init__(self, double: Double):
        self._socket = socket.create_connection(("127.0.0.1", double.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, data: bytes) -> bytes:
        """Send a request and return the answer's body; fails where it is no success."""
        self._socket.sendall(data)
        status, length = self._file.readline(), 0
        while (line := self._file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = self._file.read(length)
        assert b" 200 " in status or b" 204 " in status, (status, body[:300])
        return body


def rate(double: Double, data: bytes, connections: int) -> float:
    """Return how many of these requests the server answers in a second."""
    opened = [Connection(double) for _ in range(connections)]
    for each in opened:
        each.ask(data)

    def work(connection: Connection) -> None:
        for _ in range(CALLS // connections):
            connection.ask(data)

    threads = [threading.Thread(target=work, args=(each,)) for each in opened]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return CALLS // connections * connections / (time.perf_counter() - started)


def prepared(double: Double, run: str) -> dict[str, bytes]:
    """Make what the requests need, and return them by name."""
    glue, kinesis, s3 = (double.client(name) for name in ("glue", "kinesis", "s3"))
    glue.create_database(DatabaseInput={"Name": f"raw{run}"})
    kinesis.create_stream(StreamName=f"raw{run}", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=f"raw{run}")
    s3.create_bucket(Bucket=f"raw-{run}")
    record = b'{"StreamName":"raw%s","Data":"%s","PartitionKey":"p"}' % (run.encode(), b"eHh4" * 60)
    target = "X-Amz-Target: {}\r\n" + JSON
    name = b'{"Name":"raw%s"}' % run.encode()
    return {
        "Glue GetDatabase": request(double, "glue", "POST", "/", name, target.format("AWSGlue.GetDatabase")),
        "Kinesis PutRecord": request(double, "kinesis", "POST", "/", record, target.format("Kinesis_20131202.PutRecord")),
        "S3 put of 1 KiB": request(double, "s3", "PUT", f"/raw-{run}/k", b"x" * 1024),
        "S3 get of 1 KiB": request(double, "s3", "GET", f"/raw-{run}/k", b""),
    }  # fmt: skip


def p99_beside_a_copying_neighbour(double: Double) -> float:
    """Return the 99th percentile, in seconds, of one account's puts while another copies an object of 600 MiB."""
    s3 = double.client("s3")
    s3.create_bucket(Bucket="bench-neighbour")
    block = bytes(8 << 20)
    upload = s3.create_multipart_upload(Bucket="bench-neighbour", Key="large")["UploadId"]
    parts = []
    for number in range(1, NEIGHBOUR_MIB // 8 + 1):
        part = s3.upload_part(Bucket="bench-neighbour", Key="large", UploadId=upload, PartNumber=number, Body=block)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(
        Bucket="bench-neighbour", Key="large", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    other = "999999999999"
    put = request(double, "s3", "PUT", "/bench-other/k", b"x" * 1024).replace(ACCOUNT.encode(), other.encode(), 1)
    make = request(double, "s3", "PUT", "/bench-other", b"").replace(ACCOUNT.encode(), other.encode(), 1)
    connection, done = Connection(double), threading.Event()
    connection.ask(make)

    def copy() -> None:
        source = {"Bucket": "bench-neighbour", "Key": "large"}
        s3.copy(source, "bench-neighbour", "copied")
        s3.copy_object(Bucket="bench-neighbour", Key="again", CopySource=source)
        done.set()

    threading.Thread(target=copy).start()
    taken = []
    while not done.is_set() or len(taken) < 100:
        started = time.perf_counter()
        connection.ask(put)
        taken.append(time.perf_counter() - started)
    return sorted(taken)[int(len(taken) * 0.99)]


def cost_of_a_change(double: Double, few: int, many: int) -> dict[str, tuple[float, float]]:
    """Return what → (seconds of one change beside few records, beside many): partitions of a table, lines of a log stream."""
    return {"partitions of a table": _partitions(double, few, many), "lines of a log stream": _lines(double, few, many)}


def _median(change: Callable[[int], Any], first: int) -> float:
    taken = []
    for number in range(first, first + 21):
        started = time.perf_counter()
        change(number)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _partitions(double: Double, few: int, many: int) -> tuple[float, float]:
    glue = double.client("glue")
    table = {
        "Name": "t",
        "PartitionKeys": [{"Name": "n", "Type": "int"}],
        "StorageDescriptor": {"Location": "s3://b/t/"},
    }
    glue.create_database(DatabaseInput={"Name": "growth"})
    glue.create_table(DatabaseName="growth", TableInput=table)

    def given(number: int) -> dict[str, Any]:
        return {"Values": [str(number)], "StorageDescriptor": {"Location": f"s3://b/t/n={number}/"}}

    def fill(start: int, end: int) -> None:
        for at in range(start, end, 100):
            parts = [given(number) for number in range(at, min(at + 100, end))]
            glue.batch_create_partition(DatabaseName="growth", TableName="t", PartitionInputList=parts)

    def change(number: int) -> None:
        glue.create_partition(DatabaseName="growth", TableName="t", PartitionInput=given(number))

    fill(0, few)
    before = _median(change, many + 1000)
    fill(few, many)
    return before, _median(change, many + 2000)


def _lines(double: Double, few: int, many: int) -> tuple[float, float]:
    logs = double.client("logs")
    logs.create_log_group(logGroupName="growth")
    logs.create_log_stream(logGroupName="growth", logStreamName="s")

    def put(count: int) -> None:
        events = [{"timestamp": int(time.time() * 1000), "message": f"line {number}"} for number in range(count)]
        logs.put_log_events(logGroupName="growth", logStreamName="s", logEvents=events)

    put(few)
    before = _median(lambda _: put(10), 0)
    for _ in range(many // 5000):
        put(5000)
    return before, _median(lambda _: put(10), 0)
