"""Requests without boto3, made before the clock starts, on kept connections: so the server is measured and not its client."""

from __future__ import annotations

import socket
import threading
import time

from tests.bench.doubles import Double

ACCOUNT = "123456789012"
JSON = "Content-Type: application/x-amz-json-1.1\r\n"
CALLS = 300


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
