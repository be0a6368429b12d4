"""Places for processes that take much memory, such as Spark drivers: as many as the machine has memory for; who finds none waits, and whoever has fewest comes first.

One account has a quarter of the places at most in a class, so that one learner cannot keep the others out.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable

LOOK_SECONDS = 0.5


class Places:
    """Places of one kind.

    Parameters
    ----------
    limit: how many there are; asked each time, since memory and settings may change
    share: how many of them one account may have
    """

    def __init__(self, limit: Callable[[], int], share: Callable[[], int]):
        self._limit, self._share = limit, share
        self._waiting: dict[str, tuple[str, int]] = {}  # who waits → account, number of arrival
        self._taken: dict[str, str] = {}  # who has a place → account
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def enter(self, who: str, account: str) -> None:
        """Stand in the queue, once; `wait` waits for the place.

        Parameters
        ----------
        who: one that waits, by a name of its own
        account: whose turn it uses
        """
        with self._changed:
            if who in self._waiting or who in self._taken:
                return
            self._waiting[who] = (account, next(self._numbers))
            self._hand_out()

    def wait(self, who: str, is_over: Callable[[], bool]) -> bool:
        """Wait for the place; False, and the queue is left, when `is_over` says that nobody wants it any more.

        Parameters
        ----------
        who: one that has entered
        is_over: asked at each change of the queue, and each LOOK_SECONDS
        """
        with self._changed:
            while who not in self._taken:
                if is_over():
                    self._waiting.pop(who, None)
                    return False
                self._changed.wait(LOOK_SECONDS)
        return True

    def leave(self, who: str) -> None:
        """Give the place back, or leave the queue.

        Parameters
        ----------
        who: one that has entered
        """
        with self._changed:
            self._waiting.pop(who, None)
            self._taken.pop(who, None)
            self._hand_out()

    def place(self, who: str) -> int:
        """Return the place in the queue, 0 for who does not wait.

        Parameters
        ----------
        who: one that has entered, or not
        """
        with self._changed:
            order = self._order()
            return order.index(who) + 1 if who in order else 0

    def _order(self) -> list[str]:
        """Return who waits, in the order in which places are given: who has fewest, then who came first."""
        has = Counter(self._taken.values())
        ahead: Counter[str] = Counter()  # of an account, in the queue
        keyed = []
        for who, (account, number) in sorted(self._waiting.items(), key=lambda item: item[1][1]):
            keyed.append((has[account] + ahead[account], number, who))
            ahead[account] += 1
        return [who for _, _, who in sorted(keyed)]

    def _hand_out(self) -> None:
        while len(self._taken) < self._limit():
            has = Counter(self._taken.values())
            share = self._share()
            first = next((who for who in self._order() if has[self._waiting[who][0]] < share), None)
            if first is None:
                break
            self._taken[first] = self._waiting.pop(first)[0]
        self._changed.notify_all()
