"""Work in threads, fair by account: the accounts take turns, and none has more at work than its share."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

log = logging.getLogger("workshop.queue")
Work = Callable[[], None]


class FairQueue:
    """Threads that start when they are needed.

    Parameters
    ----------
    threads: how many there are at most; share: how many of them one account may have
    """

    def __init__(self, name: str, threads: int, share: int):
        self.name, self.threads, self.share = name, threads, share
        self._waiting: OrderedDict[str, deque[Work]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._started: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def used(self) -> bool:
        """Whether there was any work."""
        return bool(self._started)

    def submit(self, account: str, work: Work) -> None:
        """Have some work done when it is the account's turn.

        Parameters
        ----------
        account: who waits: accounts take turns
        work: called once, in a thread of the queue
        """
        with self._changed:
            if self._closed:
                return
            self._waiting.setdefault(account, deque()).append(work)
            if self._idle == 0 and len(self._started) < self.threads:
                thread = threading.Thread(target=self._serve, name=f"{self.name}-{len(self._started)}", daemon=True)
                self._started.append(thread)
                thread.start()
            self._changed.notify()

    def _serve(self) -> None:
        while (taken := self._next()) is not None:
            account, work = taken
            try:
                work()
            except Exception:
                log.exception("work of account %s", account)
            with self._changed:
                self._running[account] -= 1
                self._changed.notify()

    def _next(self) -> tuple[str, Work] | None:
        with self._changed:
            while not self._closed:
                account = next((a for a in self._waiting if self._running[a] < self.share), None)
                if account is not None:
                    works = self._waiting.pop(account)
                    work = works.popleft()
                    if works:
                        self._waiting[account] = works  # behind the others
                    self._running[account] += 1
                    return account, work
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return None

    def close(self, seconds: float | None = None) -> None:
        """End the threads after what they are doing, for which is waited at most so long; what waits is dropped.

        Parameters
        ----------
        seconds: for all of them together
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._started:
            thread.join(None if deadline is None else max(deadline - time.monotonic(), 0))
