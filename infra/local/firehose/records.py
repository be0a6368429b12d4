"""Records one by one: how a buffer keeps them whose records are worked on before they are delivered."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

HEADER = struct.Struct("<QII")  # arrival in epoch milliseconds, length of the origin, length of the data


class Record(NamedTuple):
    """A record, when it arrived (epoch milliseconds), and where in a data stream it came from.

    `origin` has the members of Lambda's kinesisRecordMetadata; it is empty for a record that was put.
    """

    data: bytes
    arrival_ms: int
    origin: dict[str, Any] = {}  # noqa: RUF012 (a NamedTuple's default; nobody changes it)


def packed(record: Record) -> bytes:
    """Return the bytes that a file has of a record."""
    origin = orjson.dumps(record.origin) if record.origin else b""
    return HEADER.pack(record.arrival_ms, len(origin), len(record.data)) + origin + record.data


def unpacked(path: Path, offset: int = 0, length: int | None = None) -> Iterator[Record]:
    """Yield the records in a file, or in `length` bytes of it from `offset`."""
    with open(path, "rb") as file:
        file.seek(offset)
        end = offset + length if length is not None else None
        while (end is None or file.tell() < end) and (record := _next(file)) is not None:
            yield record


def _next(file: BinaryIO) -> Record | None:
    head = file.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    arrival_ms, origin_length, data_length = HEADER.unpack(head)
    origin = file.read(origin_length)
    return Record(file.read(data_length), arrival_ms, orjson.loads(origin) if origin else {})


class Failure(NamedTuple):
    """Why a record could not be processed: AWS's code and message, and how often it was tried."""

    code: str
    message: str
    attempts: int = 1


def failed(record: Record, failure: Failure, ended_ms: int, **more: Any) -> Record:
    """Return a record that could not be processed as the JSON line that its error output has.

    Parameters
    ----------
    ended_ms: when it was tried last, epoch milliseconds
    more: further members, as `lambdaArn`

    Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
    """
    told = {
        "attemptsMade": failure.attempts,
        "arrivalTimestamp": record.arrival_ms,
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptEndingTimestamp": ended_ms,
        "rawData": base64.b64encode(record.data).decode(),
        **more,
    }
    return Record(orjson.dumps(told) + b"\n", record.arrival_ms, record.origin)
