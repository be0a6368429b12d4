"""Requests without boto3, made before the clock starts, on kept connections: so the server is measured and not its client."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench.doubles import Double

ACCOUNT = "123456789012"
JSON = "Content-Type: application/x-amz-json-1.1\r\n"
CALLS = 300
ANSWER_SECONDS = 120


def request(double: Double, service: str, method: str, path: str, body: bytes, headers: str = "") -> bytes:
    """Return a whole HTTP request."""
    scope = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261128/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{double.port}\r\nAuthorization: {scope}\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """One connection; a new one for each request where the server keeps none, as moto's."""

    def __init__(self, double: Double):
        self._port = double.port
        self._socket = self._opened()

    def _opened(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), timeout=ANSWER_SECONDS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def ask(self, data: bytes) -> bytes:
        """Send a request and return the answer's body; fails where it is no success."""
        self._socket.sendall(data)
        got = self._received()
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._received()
        head, parts = got[:end].lower(), [got[end + 4 :]]
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        missing = length - len(parts[0])
        while missing > 0:
            parts.append(self._received())
            missing -= len(parts[-1])
        if b"connection: close" in head:
            self._socket.close()
            self._socket = self._opened()
        body = b"".join(parts)
        assert b" 200 " in head[:20] or b" 204 " in head[:20], (head, body[:300])
        return body

    def _received(self) -> bytes:
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def rate(double: Double, data: bytes, connections: int, calls: int = CALLS) -> float:
    """Return how many of these requests the server answers in a second."""
    opened = [Connection(double) for _ in range(connections)]
    for each in opened:
        each.ask(data)

    def work(connection: Connection) -> None:
        for _ in range(calls // connections):
            connection.ask(data)

    with ThreadPoolExecutor(connections) as pool:
        started = time.perf_counter()
        for asked in [pool.submit(work, each) for each in opened]:
            asked.result()
    return calls // connections * connections / (time.perf_counter() - started)


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
