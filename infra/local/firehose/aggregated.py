"""Records as the Kinesis Producer Library packs them: many of a user's in one of a stream's, taken apart again.

Source: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md; that Firehose does it:
https://docs.aws.amazon.com/streams/latest/dev/kpl-with-firehose.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\xf3\x89\x9a\xc2"
DIGEST_BYTES = 16
VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5  # wire types of Protocol Buffers
PARTITION_KEYS, RECORDS = 1, 3  # fields of AggregatedRecord
KEY_INDEX, DATA = 1, 3  # fields of Record


class UserRecord(NamedTuple):
    """A record as its producer gave it to the library."""

    partition_key: str
    data: bytes


class _Malformed(ValueError):
    """Bytes that are no message of this kind."""


def taken_apart(partition_key: str, data: bytes) -> list[UserRecord]:
    """Return the user's records in a record of a stream, in their order; the record itself where it is none of the library's.

    Parameters
    ----------
    partition_key, data: the stream's record
    """
    whole = [UserRecord(partition_key, data)]
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + DIGEST_BYTES:
        return whole
    message, digest = data[len(MAGIC) : -DIGEST_BYTES], data[-DIGEST_BYTES:]
    if hashlib.md5(message, usedforsecurity=False).digest() != digest:
        return whole
    try:
        return _records(message)
    except (_Malformed, UnicodeDecodeError, IndexError):
        return whole


def _records(message: bytes) -> list[UserRecord]:
    fields = list(_fields(message))
    keys = [value.decode() for field, value in fields if field == PARTITION_KEYS and isinstance(value, bytes)]
    found = []
    for field, value in fields:
        if field == RECORDS and isinstance(value, bytes):
            inner = dict(_fields(value))
            index, data = inner.get(KEY_INDEX), inner.get(DATA)
            if not isinstance(index, int) or not isinstance(data, bytes):
                raise _Malformed
            found.append(UserRecord(keys[index], data))
    return found


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a message."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = _number(message, at)
            yield tag >> 3, value
            continue
        if kind == LENGTH:
            size, at = _number(message, at)
        elif kind in (FIXED_32, FIXED_64):
            size = 4 if kind == FIXED_32 else 8
        else:
            raise _Malformed
        if at + size > len(message):
            raise _Malformed
        yield tag >> 3, message[at : at + size]
        at += size


def _number(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and the place behind it."""
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise _Malformed
