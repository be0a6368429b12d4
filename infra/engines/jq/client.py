"""The process that runs jq, seen from the server."""

from __future__ import annotations

import subprocess
from types import TracebackType

from infra.engines import python_process

QUERY_SECONDS = 5.0  # for one record; jq has no limit of its own
START_SECONDS = 30.0


class QueryFailed(Exception):
    """A query has no answer for a record; the message is jq's."""


class Extractor:
    """One query, asked of records. A context manager: the process ends with it."""

    def __init__(self, query: str):
        self.query = query
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Extractor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def first(self, data: bytes) -> bytes:
        """Return the first result for a JSON text, as JSON. Raises QueryFailed."""
        if self._process is None:
            self.start()
        try:
            self._channel.send_bytes(data)
            if not self._channel.poll(QUERY_SECONDS):
                self.close()
                raise QueryFailed(f"the query took longer than {QUERY_SECONDS:.0f} seconds")
            answer = self._channel.recv_bytes()
        except (EOFError, OSError):
            self.close()
            raise QueryFailed("the query needed more memory than it may have") from None
        if answer[:1] == b"E":
            raise QueryFailed(answer[1:].decode("utf-8", "replace"))
        return answer[1:]

    def start(self) -> None:
        """Start the process and have it read the query. Raises QueryFailed for one that is no query."""
        self._process, self._channel = python_process.worker("infra.engines.jq.process")
        self._channel.send_bytes(self.query.encode())
        if not self._channel.poll(START_SECONDS):
            self.close()
            raise QueryFailed("the query could not be read in time")
        try:
            answer = self._channel.recv_bytes()
        except (EOFError, OSError):
            self.close()
            raise QueryFailed("the query could not be read") from None
        if answer:
            self.close()
            raise QueryFailed(answer.decode("utf-8", "replace"))

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._channel.close()
            self._process = None


def problem(query: str) -> str:
    """Return what jq has to say against a query, "" for nothing; what it says of a record is no problem of the query."""
    extractor = Extractor(query)
    try:
        extractor.start()
    except QueryFailed as error:
        return str(error)
    finally:
        extractor.close()
    return ""
