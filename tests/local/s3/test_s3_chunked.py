"""The aws-chunked framing: whatever the sizes of chunks and of what arrives at once, the data is the data."""

from __future__ import annotations

import os
import random
import time

import pytest

from infra.local.core.refused import Refused
from infra.local.s3.chunked import ChunkedBody

TRAILER = b"0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"
LIMIT_SECONDS = 1.0  # 0.07 s on a quiet machine; one by one it was 1.4 s


def _framed(data: bytes, sizes: list[int], signed: bool) -> bytes:
    out, at = [], 0
    for size in [*sizes, len(data)]:
        piece = data[at : at + size]
        if piece:
            line = b"%x" % len(piece) + (b";chunk-signature=" + os.urandom(32).hex().encode() if signed else b"")
            out.append(line + b"\r\n" + piece + b"\r\n")
            at += len(piece)
    return b"".join(out) + TRAILER


def _fed(raw: bytes, step: int) -> bytes:
    body = ChunkedBody()
    data = b"".join(body.feed(raw[at : at + step]) for at in range(0, len(raw), step))
    assert body.done and body.trailer == {"x-amz-checksum-crc32": "AAAA"}
    return data


def test_chunks_of_all_sizes_in_pieces_of_all_sizes() -> None:
    drawn = random.Random(3)
    for _ in range(200):
        data = drawn.randbytes(drawn.randint(0, 2000))
        if drawn.random() < 0.3:  # looks like lines of chunks
            data = bytes(drawn.choice(b"1\r\n0;a") for _ in data)
        sizes = [drawn.choice([1, 1, 1, drawn.choice([2, 5, 16, 70])]) for _ in range(1500)]
        assert _fed(_framed(data, sizes, drawn.random() < 0.4), drawn.choice([1, 7, 64, 5000])) == data


def test_chunks_of_one_byte_cost_little() -> None:
    data = os.urandom(1 << 20)
    raw = _framed(data, [1] * len(data), signed=False)
    started = time.process_time()
    assert _fed(raw, 65_536) == data
    assert time.process_time() - started < LIMIT_SECONDS


def test_a_size_that_is_no_number() -> None:
    with pytest.raises(Refused):
        ChunkedBody().feed(b"xyz\r\n1\r\n")
