"""Messages between the local AWS and a Spark driver: one JSON object a line, over a socket pair.

To the driver: `{"do": "start", "settings", "catalog"}` first, then `{"do": "run", "id", "code"}`,
`{"do": "job", "id", "script", "arguments", "environment"}`, `{"do": "cancel", "id"}`, `{"do": "stop"}`.
From it: `{"event": "ready", "application"}` or `{"event": "failed", "reason"}`, then `{"event": "started", "id"}`,
`{"event": "progress", "id", "progress"}` (0 to 1), `{"event": "done", "id", "result"}`.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

CANCELLED = {"status": "cancelled", "text": "", "images": [], "stdout": "", "stderr": ""}  # a result without a run


class Channel:
    """One end of the socket pair; `send` may be called from any thread."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._lines = connection.makefile("rb")  # one reader: another would miss what this one has read ahead
        self._lock = threading.Lock()

    def send(self, message: dict) -> None:
        with self._lock:
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def messages(self) -> Iterator[dict]:
        """Yield messages until the other end is gone; a later call goes on where this one was left."""
        try:
            while line := self._lines.readline():
                yield json.loads(line)
        except (ConnectionError, json.JSONDecodeError):  # killed in the middle of a line
            return

    def shut(self) -> None:
        """Let `messages` end after what has come so far, even if some process still holds the other end."""
        with contextlib.suppress(OSError):  # closed meanwhile
            self._connection.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        self._lines.close()
        self._connection.close()
