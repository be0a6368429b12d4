"""How answers leave: the head of an answer and the first of its body go out together, in one packet and with one call of the system.

uvicorn writes them one by one, and its client wakes up twice.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

JOINED_BYTES = 1 << 16  # larger bodies are not copied behind their head


class Cycle(RequestResponseCycle):
    """One request and its answer. A head waits for the first of its body, which the front always sends at once."""

    head = b""
    length: int | None = None  # bytes of the body that are still to come; None where they come in chunks

    async def send(self, message: Any) -> None:
        """Send a part of an answer.

        Parameters
        ----------
        message: as ASGI has it

        Raises
        ------
        RuntimeError: the body is not as long as its head says, or a header is none

        Source: https://asgi.readthedocs.io/en/latest/specs/www.html
        """
        if message["type"] == "http.response.start":
            self.head = self._head(message["status"], message["headers"])
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        data, more = self._framed(message.get("body", b""), message.get("more_body", False))
        if not self.response_started:
            self.response_started, self.waiting_for_100_continue = True, False
            if len(data) <= JOINED_BYTES:
                data = self.head + data
            else:
                self.transport.write(self.head)
        self.transport.write(data)
        if not more:
            self._end()

    def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        parts, self.length = [httptools_impl.STATUS_LINE[status]], None
        for name, value in (*self.default_headers, *headers):
            if httptools_impl.HEADER_RE.search(name) or httptools_impl.HEADER_VALUE_RE.search(value):
                raise RuntimeError("Invalid HTTP header.")
            name = name.lower()
            if name == b"content-length":
                self.length = int(value)
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                continue
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        self.chunked_encoding = self.length is None and self.scope["method"] != "HEAD" and status not in (204, 304)
        parts.append(b"transfer-encoding: chunked\r\n\r\n" if self.chunked_encoding else b"\r\n")
        return b"".join(parts)

    def _framed(self, body: bytes, more: bool) -> tuple[bytes, bool]:
        if self.response_complete:
            raise RuntimeError("The answer was sent already.")
        if self.scope["method"] == "HEAD":
            return b"", more
        if self.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return (chunk if more else chunk + b"0\r\n\r\n"), more
        self.length = (self.length or 0) - len(body)
        if self.length < 0 or self.length and not more:
            raise RuntimeError("The answer is not as long as its head says.")
        return body, more

    def _end(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


httptools_impl.RequestResponseCycle = Cycle  # type: ignore[misc] # uvicorn names it in the middle of a method


class Connection(HttpToolsProtocol):
    """A client's connection."""
