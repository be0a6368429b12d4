"""A clock that calls what is due, for many executions that wait: they cost no thread."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("workshop.stepfunctions")

Work = Callable[[], None]


class Clock:
    """Calls functions at their time, in one thread; they must be short."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Work]] = []
        self._numbers = itertools.count()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def at(self, due: float, work: Work) -> None:
        """Call a function at a time, seconds since 1970."""
        with self._changed:
            if self._stopped:
                return
            heapq.heappush(self._due, (due, next(self._numbers), work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="states-clock", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._due or self._due[0][0] > time.time()):
                    # a clock that is set must not be overslept
                    self._changed.wait(min(max(self._due[0][0] - time.time(), 0.0), 1.0) if self._due else None)
                if self._stopped:
                    return
                work = heapq.heappop(self._due)[2]
            try:
                work()
            except Exception:  # the clock serves others too
                log.exception("states-clock")
