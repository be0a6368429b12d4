"""Locks of a service: one for each account, and all of them together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")


class ServiceLock:
    """The re-entrant lock of a whole service. `of(account)` is the lock of one account: others go on meanwhile.

    Who asks for the whole waits for every account, and comes before those who ask for an account later. A thread that holds an account works
    for it: if it asks for the whole or for another account, it gets that at once, as a second hold on its own; so two threads never wait for each other.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._holders: dict[str, list[int]] = {}  # account → [thread, how often]
        self._whole: list[int] | None = None
        self._waiting = 0
        self._accounts: dict[str, AccountLock] = {}

    def of(self, account: str) -> AccountLock:
        """Return the lock of one account.

        Parameters
        ----------
        account: its twelve digits
        """
        lock = self._accounts.get(account)
        if lock is None:
            lock = self._accounts.setdefault(account, AccountLock(self, account))
        return lock

    def take(self, account: str, blocking: bool) -> bool:
        """Take an account, or the whole for ""; return whether it is held now.

        Parameters
        ----------
        account: its twelve digits, "" for all accounts
        blocking: false: give up at once where it is taken
        """
        me = threading.get_ident()
        mine = self._holders.get(account)
        if mine is not None and mine[0] == me:  # which no other thread changes
            mine[1] += 1
            return True
        with self._changed:
            held = self._mine(me)
            if held is not None:
                held[1] += 1
                return True
            if account:
                while self._whole is not None or account in self._holders or self._waiting:
                    if not blocking:
                        return False
                    self._changed.wait()
                self._holders[account] = [me, 1]
                return True
            while self._whole is not None or self._holders:
                if not blocking:
                    return False
                self._waiting += 1
                try:
                    self._changed.wait()
                finally:
                    self._waiting -= 1
            self._whole = [me, 1]
            return True

    def give(self, account: str = "") -> None:
        """Give back what this thread took last.

        Parameters
        ----------
        account: what it was taken for
        """
        me = threading.get_ident()
        mine = self._holders.get(account)
        if mine is not None and mine[0] == me and mine[1] > 1:
            mine[1] -= 1
            return
        with self._changed:
            held = self._mine(me)
            if held is None:
                raise RuntimeError("the lock is not held by this thread")
            held[1] -= 1
            if held[1]:
                return
            if held is self._whole:
                self._whole = None
            else:
                self._holders = {name: each for name, each in self._holders.items() if each is not held}
            self._changed.notify_all()

    def _mine(self, me: int) -> list[int] | None:
        """Return what a thread holds already."""
        if self._whole is not None:
            return self._whole if self._whole[0] == me else None
        return next((held for held in self._holders.values() if held[0] == me), None)

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock of all accounts together; false if it is taken and `blocking` is not set.

        Parameters
        ----------
        blocking: false: give up at once where it is taken
        """
        return self.take("", blocking)

    def release(self) -> None:
        """Give the lock back."""
        self.give()

    def __enter__(self) -> None:
        self.take("", True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give()


class AccountLock:
    """The re-entrant lock of a service for one account."""

    def __init__(self, service: ServiceLock, account: str):
        self._service, self._account = service, account

    def acquire(self, blocking: bool = True) -> bool:
        """Take the account's lock; false if it is taken and `blocking` is not set.

        Parameters
        ----------
        blocking: false: give up at once where it is taken
        """
        return self._service.take(self._account, blocking)

    def release(self) -> None:
        """Give the lock back."""
        self._service.give(self._account)

    def __enter__(self) -> None:
        self._service.take(self._account, True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.give(self._account)


async def holding(lock: ServiceLock | AccountLock, work: Callable[[], T]) -> T:
    """Do a short work under a lock: at once where it is free, in a worker thread where somebody has it. The event loop never waits.

    Parameters
    ----------
    lock: of a service, or of one account
    work: of less than a millisecond: it may run on the event loop
    """
    if not lock.acquire(blocking=False):
        return await asyncio.to_thread(_held, lock, work)
    try:
        return work()
    finally:
        lock.release()


def _held(lock: ServiceLock | AccountLock, work: Callable[[], T]) -> T:
    with lock:
        return work()
