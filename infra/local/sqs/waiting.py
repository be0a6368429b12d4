"""Long polls: a receiver waits on the event loop, with no thread and no lock, until a message comes or its time is over."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable

from infra.local.core.answers import Answer

Key = tuple[str, str, str]  # account, region, queue


class Bell:
    """Wakes one waiting receiver for each message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Key, deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]]] = defaultdict(deque)

    def ring(self, key: Key) -> None:
        """A message came or shows again: wake who waits longest. Callable from any thread."""
        with self._lock:
            while waiting := self._waiting.get(key):
                loop, future = waiting.popleft()
                if not waiting:
                    del self._waiting[key]
                if not future.done():
                    loop.call_soon_threadsafe(_wake, future)
                    return

    def enter(self, key: Key) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._lock:
            self._waiting[key].append((loop, future))
        return future

    def leave(self, key: Key, future: asyncio.Future[None], served: bool) -> None:
        """No longer wait; who was woken and needs no message passes it on."""
        with self._lock:
            before = self._waiting.get(key, deque())
            kept = deque(entry for entry in before if entry[1] is not future)
            woken = len(kept) == len(before)
            if kept:
                self._waiting[key] = kept
            else:
                self._waiting.pop(key, None)
        future.cancel()
        if woken and served:
            self.ring(key)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


bell = Bell()


async def receive(
    key: Key, seconds: float, ask: Callable[[], Awaitable[Answer]], next_visible: Callable[[], float | None]
) -> Answer:
    """Ask for messages until there are some or the time is over.

    Parameters
    ----------
    seconds: how long to wait
    ask: runs ReceiveMessage without waiting
    next_visible: when (epoch seconds) a hidden message shows again
    """
    deadline = time.monotonic() + seconds
    while True:
        future = bell.enter(key)
        served = True
        try:
            answer = await ask()
            left = deadline - time.monotonic()
            if not is_empty(answer) or left <= 0:
                return answer
            shows = await asyncio.to_thread(next_visible)
            pause = left if shows is None else min(left, max(0.0, shows - time.time()))
            await asyncio.wait([future], timeout=pause)
            served = False
        finally:
            bell.leave(key, future, served)


def is_empty(answer: Answer) -> bool:
    """Whether ReceiveMessage found nothing, in either protocol."""
    return answer.status == 200 and b"<Message>" not in answer.body and b'"Messages"' not in answer.body
