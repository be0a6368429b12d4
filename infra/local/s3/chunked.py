"""The aws-chunked framing of uploads."""

from __future__ import annotations

import re
from functools import lru_cache

from infra.local.core.refused import Refused

SMALL_BYTES = 64  # chunks up to this size are looked for in runs of the same size
LINE_END = -2  # after a chunk's data
LONGEST_LINE = 16_384


class ChunkedBody:
    """Takes the aws-chunked framing off an upload as it arrives.

    `feed` returns the data so far, `done` tells whether the last chunk came, `trailer` holds the headers after it.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0
        self.done = False
        self.trailer: dict[str, str] = {}

    def feed(self, data: bytes) -> bytes:
        """Take what arrived and return the data in it. Raises Refused."""
        buffer = self._buffer
        buffer += data
        out, at, end = bytearray(), 0, len(buffer)
        while at < end:
            if self._left > 0:
                take = min(self._left, end - at)
                out += buffer[at : at + take]
                at += take
                self._left -= take
                if self._left == 0:
                    self._left = LINE_END
                continue
            if self._left == LINE_END:
                if end - at < 2:
                    break
                at, self._left = at + 2, 0
                continue
            found = buffer.find(b"\r\n", at)
            if found < 0:
                if end - at > LONGEST_LINE:
                    raise Refused(400, "InvalidChunkSizeError", "The line before a chunk of the upload does not end.")
                break
            line, begin, at = bytes(buffer[at:found]), at, found + 2
            self._take_line(line)
            if 0 < self._left <= SMALL_BYTES:
                run = _run(line.partition(b";")[0], len(line), self._left).match(buffer, begin)
                if run is not None:
                    out += _joined(buffer, begin, run.end(), len(line) + 2, self._left)
                    at, self._left = run.end(), 0
        del buffer[:at]
        return bytes(out)

    def check_trailer(self, announced: str) -> None:
        """Check that the headers came which were announced (names with commas between), and no other checksum. Raises Refused."""
        wanted = {name.strip().lower() for name in announced.split(",") if name.strip()}
        came = {name for name in self.trailer if name != "x-amz-trailer-signature"}
        if not wanted <= came or any(name.startswith("x-amz-checksum-") for name in came - wanted):
            raise Refused(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")  # fmt: skip

    def _take_line(self, line: bytes) -> None:
        """Take a chunk's size, or a header after the last chunk."""
        if self.done:
            name, _, value = line.decode("latin-1").partition(":")
            if value:
                self.trailer[name.strip().lower()] = value.strip()
            return
        try:
            self._left = int(line.partition(b";")[0], 16)
        except ValueError:
            self._left = -1
        if self._left < 0:
            raise Refused(400, "InvalidChunkSizeError", "The chunk size of the upload is not a hexadecimal number.")
        self.done = self._left == 0


@lru_cache(maxsize=256)
def _run(size: bytes, line_length: int, length: int) -> re.Pattern[bytes]:
    """Return the pattern of whole chunks one after another whose lines are as long as each other and begin with the same size."""
    rest = line_length - len(size)
    extension = rb";[^\r\n]{%d}" % (rest - 1) if rest else b""
    return re.compile(rb"(?:%s%s\r\n[\s\S]{%d}\r\n)+" % (re.escape(size), extension, length))


def _joined(buffer: bytearray, begin: int, end: int, head: int, length: int) -> bytes:
    """Return the data of a run of chunks: each is a head, as many bytes as `length`, and a line's end."""
    step = head + length + 2
    if length == 1:
        return bytes(buffer[begin + head : end : step])
    return b"".join([bytes(buffer[at : at + length]) for at in range(begin + head, end, step)])
