"""Threads that take turns between accounts, and a clock that wakes them: no account's many executions make another's wait."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

log = logging.getLogger("workshop.stepfunctions")
IDLE_SECONDS = 20.0  # after which a thread without work ends

Work = Callable[[], None]


class Workers:
    """Up to `threads` threads; one account has at most `share` of them at a time."""

    def __init__(self, name: str, threads: int, share: int):
        self.name, self.threads, self.share = name, threads, share
        self._changed = threading.Condition()
        self._queues: OrderedDict[str, deque[Work]] = OrderedDict()
        self._busy: dict[str, int] = {}
        self._alive = self._idle = 0
        self._stopped = False

    def submit(self, account: str, work: Work) -> None:
        """Do something soon, for an account."""
        with self._changed:
            if self._stopped:
                return
            self._queues.setdefault(account, deque()).append(work)
            if self._idle == 0 and self._alive < self.threads:
                self._alive += 1
                threading.Thread(target=self._run, name=self.name, daemon=True).start()
            else:
                self._changed.notify()

    def stop(self, seconds: float) -> None:
        """Begin nothing more, and wait so long for what is under way."""
        with self._changed:
            self._stopped = True
            self._queues.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._alive == 0, seconds)

    def _next(self) -> tuple[str, Work] | None:
        for account, queue in self._queues.items():
            if self._busy.get(account, 0) < self.share:
                work = queue.popleft()
                self._queues.move_to_end(account)
                if not queue:
                    del self._queues[account]
                return account, work
        return None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                found = None
                deadline = time.monotonic() + IDLE_SECONDS
                while not self._stopped and (found := self._next()) is None:
                    if not self._changed.wait(max(deadline - time.monotonic(), 0)) and time.monotonic() >= deadline:
                        break
                self._idle -= 1
                if found is None:
                    self._alive -= 1
                    self._changed.notify_all()
                    return
                account, work = found
                self._busy[account] = self._busy.get(account, 0) + 1
            try:
                work()
            except Exception:  # the thread serves others too
                log.exception("%s", self.name)
            with self._changed:
                self._busy[account] -= 1
                if not self._busy[account]:
                    del self._busy[account]
                self._changed.notify()


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
