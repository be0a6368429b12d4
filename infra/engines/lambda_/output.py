"""What a function writes: lines of print and frames of AWS's logging handlers, in one pipe and so in their order.

A frame is 4 bytes of type, 4 of length, 8 of time in microseconds, and the message, which may have several lines and is one log event.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

FRAME = struct.Struct("!IIQ")
MAGIC = b"\xa5\x5a"
LINE_LIMIT = 262_144 - 26  # bytes of a log event, less what CloudWatch Logs counts for each
CHUNK = 1_048_576


class Output:
    """The reading end of an environment's output pipe."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._rest = bytearray()

    def fileno(self) -> int:
        return self.descriptor

    def read(self) -> list[str]:
        """Return the log events that are complete among what is in the pipe now."""
        try:
            self._rest += os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return []
        return list(self._events())

    def drain(self) -> list[str]:
        """Return all that is in the pipe, a last line without its end included."""
        events = []
        while True:
            before = len(self._rest)
            events += self.read()
            if len(self._rest) <= before and not self._more():
                break
        if self._rest:
            events.append(_text(bytes(self._rest)))
            self._rest.clear()
        return events

    def _more(self) -> bool:
        import select

        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return any(happened & select.POLLIN for _, happened in poll.poll(0))

    def close(self) -> None:
        os.close(self.descriptor)

    def _events(self) -> Iterator[str]:
        rest, start = self._rest, 0
        frame = rest.find(MAGIC)
        while start < len(rest):
            if 0 <= frame < start:
                frame = rest.find(MAGIC, start)
            if start == frame:
                if len(rest) - start < FRAME.size:
                    break
                _, length, _ = FRAME.unpack_from(rest, start)
                if len(rest) - start < FRAME.size + length:
                    break
                message = bytes(rest[start + FRAME.size : start + FRAME.size + length])
                yield from _pieces(message)
                start += FRAME.size + length
                continue
            end = rest.find(b"\n", start)
            if frame >= 0 and (end < 0 or frame < end):
                end = frame - 1
            if end < 0:
                if len(rest) - start < LINE_LIMIT:
                    break
                end = start + LINE_LIMIT - 1
            yield from _pieces(bytes(rest[start : end + 1]))
            start = end + 1
        del rest[:start]


def _pieces(message: bytes) -> Iterator[str]:
    for first in range(0, len(message), LINE_LIMIT):
        yield _text(message[first : first + LINE_LIMIT])


def _text(message: bytes) -> str:
    return message.decode("utf-8", "replace")
