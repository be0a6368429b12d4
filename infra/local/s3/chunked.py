"""The aws-chunked framing of uploads."""

from __future__ import annotations

from infra.local.core.refused import Refused

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
            line, at = bytes(buffer[at:found]), found + 2
            self._take_line(line)
        del buffer[:at]
        return bytes(out)

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
