"""The aws-chunked framing of uploads."""

from __future__ import annotations

from infra.local.core.refused import Refused


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
        self._buffer += data
        out = bytearray()
        while self._buffer:
            if self._left > 0:
                take = min(self._left, len(self._buffer))
                out += self._buffer[:take]
                del self._buffer[:take]
                self._left -= take
                if self._left == 0:
                    self._left = -2  # the line end after the data
                continue
            if self._left == -2:
                if len(self._buffer) < 2:
                    break
                del self._buffer[:2]
                self._left = 0
                continue
            line, found, _ = bytes(self._buffer).partition(b"\r\n")
            if not found:
                break
            del self._buffer[: len(line) + 2]
            if self.done:
                name, _, value = line.decode("latin-1").partition(":")
                if value:
                    self.trailer[name.strip().lower()] = value.strip()
                continue
            try:
                self._left = int(line.partition(b";")[0], 16)
            except ValueError:
                raise Refused(
                    400, "InvalidChunkSizeError", "The chunk size of the upload is not a hexadecimal number."
                ) from None
            self.done = self._left == 0
        return bytes(out)
