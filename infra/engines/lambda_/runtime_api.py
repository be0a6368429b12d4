"""The Runtime API of one execution environment: a listening socket on loopback, read by the thread that runs the environment.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import httptools

ANSWER_LIMIT = 6_291_556  # bytes that a function may return: 6 MiB and room for the error's form
CHUNK = 262_144
PREFIX = "/2018-06-01/runtime/"


@dataclass
class Request:
    """What the runtime client asked: `action` is next, response, error, init-error or other."""

    connection: Connection
    action: str
    invocation: str
    headers: dict[str, str]
    body: bytes
    too_large: bool

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Send the whole answer in one write: two would cost a delayed acknowledgement."""
        lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        self.connection.send(head.encode("utf-8") + body)


@dataclass
class _Parts:
    url: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    too_large: bool = False
    complete: bool = False


class Connection:
    """One connection of the runtime client (or of the function, which may talk to the API too)."""

    def __init__(self, accepted: socket.socket):
        self.socket = accepted
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._new()

    def _new(self) -> None:
        self._parts = _Parts()
        self._parser = httptools.HttpRequestParser(self)

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        self.socket.close()

    def on_url(self, url: bytes) -> None:
        self._parts.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.decode("latin-1").lower()
        self._parts.headers[lower] = value.decode("latin-1")
        if lower == "expect" and value.lower() == b"100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if len(self._parts.body) + len(body) > ANSWER_LIMIT:
            self._parts.too_large = True
        else:
            self._parts.body += body

    def on_message_complete(self) -> None:
        self._parts.complete = True

    def read(self) -> Request | None:
        """Read what is there; return the request when it is whole. Raises ConnectionError when the other side is gone or sends no HTTP."""
        data = self.socket.recv(CHUNK)
        if not data:
            raise ConnectionError
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise ConnectionError(str(error)) from None
        if not self._parts.complete:
            return None
        parts = self._parts
        self._new()
        path = parts.url.decode("latin-1").removeprefix(PREFIX)
        action, invocation = "other", ""
        if path == "invocation/next":
            action = "next"
        elif path == "init/error":
            action = "init-error"
        elif path.startswith("invocation/") and path.count("/") == 2:
            _, invocation, action = path.split("/")
        return Request(self, action, invocation, parts.headers, bytes(parts.body), parts.too_large)


class RuntimeApi:
    """The listening socket of an environment and its connections."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self) -> Connection:
        return Connection(self.listener.accept()[0])

    def close(self) -> None:
        self.listener.close()
