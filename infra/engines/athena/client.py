"""A query's process seen from the server: start it, ask it, end it."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from infra.engines import python_process
from infra.engines.athena.errors import QueryError
from infra.engines.athena.limits import EXHAUSTED_CODE, exhausted

MAX_ANSWER_ROWS = 500_000
# that the system may count for a process, beyond what it started with, when another query begins
KEPT_BYTES = 600 << 20
_OUT_OF_MEMORY = (EXHAUSTED_CODE, -signal.SIGKILL, -signal.SIGABRT)


class Failure(NamedTuple):
    """What went wrong in the process.

    Parameters
    ----------
    of_data: the same statement may do with text files read by the exact reader
    detail: what the log tells of an error that should not be
    """

    code: str
    message: str
    of_data: bool = False
    detail: str = ""


class EngineError(QueryError):
    """A statement that failed in the process, in Trino's words."""

    def __init__(self, failure: Failure):
        super().__init__(failure.code, failure.message)
        self.message, self.failure = failure.message, failure


class Stopped(Exception):
    """The process was ended by stop() while it worked."""


class Overdue(Exception):
    """The process did not answer in time; it was ended."""


class Engine:
    """One process; it works for one query at a time. It starts with the object."""

    def __init__(self, folder: Path):
        """`folder`: where DuckDB puts what does not fit into memory."""
        folder.mkdir(parents=True, exist_ok=True)
        self._process, self._channel = python_process.worker("infra.engines.athena.process", str(folder))
        self._lock = threading.Lock()
        self._stopped = False
        self.spent = False  # whether it should not work for another query
        self.deadline: float | None = None  # of the query, on time.monotonic()'s clock

    def ask(self, name: str, *arguments: Any) -> Any:
        """Have the process do a method of its Session. Raises EngineError, Stopped, Overdue."""
        try:
            self._channel.send((name, arguments))
            if not self._channel.poll(None if self.deadline is None else max(self.deadline - time.monotonic(), 0)):
                self.stop()
                raise Overdue
            outcome, value = self._channel.recv()
        except (EOFError, OSError):
            raise self._end() from None
        if outcome == "failed":
            self.spent = self.spent or bool(value.detail) or value.code == exhausted().code
            raise EngineError(value)
        return value

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement that gives few. Raises EngineError, Stopped."""
        return self.ask("fetch", sql)

    def _end(self) -> Exception:
        """Why the process is gone."""
        with self._lock:
            stopped = self._stopped
        self.spent = True
        if stopped:
            return Stopped()
        self._process.kill()
        code = self._process.wait()
        if code in _OUT_OF_MEMORY:
            error = exhausted()
            return EngineError(Failure(error.code, error.message))
        text = "GENERIC_INTERNAL_ERROR: The engine ended while the query ran"
        return EngineError(Failure("GENERIC_INTERNAL_ERROR", text, detail=f"process ended with {code}"))

    def finish(self) -> None:
        """Forget the query, ready for another one; an engine that has grown is spent."""
        try:
            self.spent = self.spent or self.ask("finish") > KEPT_BYTES
        except (QueryError, Stopped, Overdue):
            self.spent = True

    def stop(self) -> None:
        """End the process, whatever it does; a waiting ask() raises Stopped."""
        with self._lock:
            self._stopped = self.spent = True
            self._process.kill()

    def close(self) -> None:
        """End the process; nobody may wait for it."""
        self.stop()
        self._process.wait()
        self._channel.close()
