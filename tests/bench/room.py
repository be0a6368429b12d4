"""Room for everybody: what one change costs beside few and many records, and how long one account waits while others copy, upload and poll."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.core import state
from tests import growing
from tests.bench import doubles
from tests.bench.doubles import Double
from tests.bench.raw import ACCOUNT, Connection, request
from tests.bench.report import row

FEW, MANY, SHORT_MANY = 100, 100_000, 5_000
SAVED_TOGETHER = 10_000  # while a kind is filled
CHANGES = 41  # of which the median counts
PART, PARTS, FIRST_PARTS = bytes(1024), 2_067, 100  # of a multipart upload
CHUNKS = 8 << 20  # of one byte
POLLS = 105
NEIGHBOUR, UPLOADER, LARGE_MIB = "999999999999", "888888888888", 600
TRANSFER_SECONDS = 8.0


def costs(many: int) -> Iterator[tuple[str, float, float]]:
    """Yield each kind that grows with the processor's seconds of one change and its save: beside 100 records, and beside `many`."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        state.open(Path(folder))
        for number, (name, kind) in enumerate(growing.KINDS.items()):
            account = f"{700_000_000_000 + number}"
            service, change = kind(account)

            def save(service: str = service, account: str = account) -> None:
                state.save(service, account, growing.REGION)

            def grow(start: int, end: int, change: growing.Change = change, save: Callable[[], None] = save) -> None:
                for at in range(start, end):
                    change(at)
                    if at % SAVED_TOGETHER == 0:
                        save()
                save()

            grow(0, FEW)
            few = _processor(change, save, 10 * many)
            grow(FEW, many)
            yield name, few, _processor(change, save, 20 * many)
        state.close()


def _processor(change: growing.Change, save: Callable[[], None], first: int) -> float:
    taken = []
    for number in range(first, first + CHANGES):
        started = time.thread_time()
        change(number)
        save()
        taken.append(time.thread_time() - started)
    return statistics.median(taken)


def parts(double: Double) -> tuple[float, float]:
    """Return the seconds of one UploadPart at the hundredth part of an upload, and at the last."""
    s3 = double.client("s3")
    s3.create_bucket(Bucket="room-parts")
    upload = s3.create_multipart_upload(Bucket="room-parts", Key="k")["UploadId"]
    connection, taken = Connection(double), []
    for number in range(1, PARTS + 1):
        data = request(double, "s3", "PUT", f"/room-parts/k?partNumber={number}&uploadId={upload}", PART)
        started = time.perf_counter()
        connection.ask(data)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[FIRST_PARTS - 40 : FIRST_PARTS]), statistics.median(taken[-40:])


def tiny_chunks(double: Double, size: int) -> float:
    """Return the seconds of an upload in the aws-chunked framing, each byte a chunk of its own."""
    double.client("s3").create_bucket(Bucket="room-chunks")
    body = b"1\r\nx\r\n" * size + b"0\r\n\r\n"
    headers = f"x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: {size}\r\nContent-Encoding: aws-chunked\r\n"
    data, connection = request(double, "s3", "PUT", "/room-chunks/k", body, headers), Connection(double)
    started = time.perf_counter()
    connection.ask(data)
    return time.perf_counter() - started


def beside_long_polls(double: Double) -> float:
    """Return the longest of 200 calls to STS while so many long polls wait."""
    url = double.client("sqs").create_queue(QueueName="room")["QueueUrl"]
    body = f'{{"QueueUrl":"{url}","WaitTimeSeconds":5}}'.encode()
    headers = "X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Type: application/x-amz-json-1.0\r\n"
    poll = request(double, "sqs", "POST", "/", body, headers)
    threads = [threading.Thread(target=Connection(double).ask, args=(poll,)) for _ in range(POLLS)]
    for thread in threads:
        thread.start()
    taken = _timed(Connection(double), _who(double, ACCOUNT), lambda done: done >= 200)
    for thread in threads:
        thread.join()
    return taken[-1]


def _who(double: Double, account: str) -> bytes:
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    return request(double, "sts", "POST", "/", body, form).replace(ACCOUNT.encode(), account.encode(), 1)


def _timed(connection: Connection, data: bytes, enough: Callable[[int], bool]) -> list[float]:
    taken: list[float] = []
    while not enough(len(taken)):
        started = time.perf_counter()
        connection.ask(data)
        taken.append(time.perf_counter() - started)
    return sorted(taken)


def _large(double: Double) -> Any:
    s3, block = double.client("s3"), bytes(8 << 20)
    s3.create_bucket(Bucket="room-large")
    upload = s3.create_multipart_upload(Bucket="room-large", Key="large")["UploadId"]
    made = []
    for number in range(1, LARGE_MIB // 8 + 1):
        part = s3.upload_part(Bucket="room-large", Key="large", UploadId=upload, PartNumber=number, Body=block)
        made.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(Bucket="room-large", Key="large", UploadId=upload, MultipartUpload={"Parts": made})
    return s3


@contextmanager
def _transfers(double: Double) -> Iterator[None]:
    """Let one account copy a large object, and another upload one in parts, until the end."""
    s3, done = _large(double), threading.Event()
    uploading = double.client("s3", UPLOADER)
    uploading.create_bucket(Bucket="room-upload")
    source, block, faults = {"Bucket": "room-large", "Key": "large"}, bytes(8 << 20), []

    def copy() -> None:
        while not done.is_set():
            s3.copy_object(Bucket="room-large", Key="again", CopySource=source)

    def upload() -> None:
        while not done.is_set():
            begun = uploading.create_multipart_upload(Bucket="room-upload", Key="k")["UploadId"]
            for number in range(1, 9):
                uploading.upload_part(Bucket="room-upload", Key="k", UploadId=begun, PartNumber=number, Body=block)
            uploading.abort_multipart_upload(Bucket="room-upload", Key="k", UploadId=begun)

    def until_the_end(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=until_the_end, args=(work,)) for work in (copy, upload)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    if faults:
        raise faults[0]


def beside_transfers(double: Double) -> dict[str, float]:
    """Return call → 99th percentile, in seconds, of a third account's calls while one copies 600 MiB and another uploads parts."""
    double.client("s3", NEIGHBOUR).create_bucket(Bucket="room-other")
    put = request(double, "s3", "PUT", "/room-other/k", b"x" * 1024).replace(ACCOUNT.encode(), NEIGHBOUR.encode(), 1)
    found = {}
    with _transfers(double):
        for name, data in {"S3 put of 1 KiB": put, "STS GetCallerIdentity": _who(double, NEIGHBOUR)}.items():
            end = time.monotonic() + TRANSFER_SECONDS
            taken = _timed(Connection(double), data, lambda count, end=end: count >= 200 and time.monotonic() > end)  # type: ignore[misc]
            found[name] = taken[int(len(taken) * 0.99)]
    return found


def measure(short: bool) -> list[str]:
    """Return the lines of the tables."""
    many = SHORT_MANY if short else MANY
    lines = ["| what | value | goal | met |", "|---|---|---|---|"]

    def against(what: str, few: float, large: float) -> None:
        told = f"{large * 1000:.2f} against {few * 1000:.2f} ms = {large / few:.2f} ×"
        lines.append(row(what, told, "≤ 2 ×", large <= 2 * few))

    def at_most(what: str, seconds: float, goal: float) -> None:
        lines.append(row(what, f"{seconds * 1000:.0f} ms", f"≤ {goal * 1000:.0f} ms", seconds <= goal))

    for name, few, large in costs(many):
        against(f"One change beside {many:,} {name} against beside {FEW} (processor time)", few, large)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, doubles.ours_running(Path(folder) / "home") as double:
        against(f"UploadPart at part {PARTS:,} against part {FIRST_PARTS}", *parts(double))
        size = CHUNKS // 8 if short else CHUNKS
        seconds = tiny_chunks(double, size)
        lines.append(
            row(f"Upload of {size >> 20} MiB, each byte an aws-chunk", f"{seconds:.1f} s", "≤ 8 s", seconds <= 8)
        )
        at_most(f"Longest of 200 calls beside {POLLS} long polls", beside_long_polls(double), 0.1)
        for name, seconds in beside_transfers(double).items():
            at_most(f"{name}, p99 beside a copy of {LARGE_MIB} MiB and a multipart upload of others", seconds, 0.1)
    return lines
