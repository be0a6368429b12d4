"""A queue on disk of what has to be handed to somebody: stored when it is accepted, gone when it is delivered.

An item is a row. Items of one lane are handed over in their order, in batches; lanes take turns, so that neither an account nor a slow
receiver holds up another. After a kill what was not delivered is delivered again: at least once, as AWS's services do it.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from infra.local.core import pace
from infra.local.core.rows import Rows

log = logging.getLogger("workshop.outbox")

WORKERS = 4
MOST_AT_ONCE = 10  # items of one lane in a batch: what SQS and EventBridge take in one call
STOP_SECONDS = 5.0
UNEXPECTED_RETRY_SECONDS = 60.0
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS items "
    "(id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT, body BLOB, accepted REAL, attempts INTEGER, due REAL, error TEXT)",
)


@dataclass
class Item:
    """One thing to deliver. Times are seconds since 1970; `error` is why the last attempt failed."""

    id: int
    lane: str
    body: dict[str, Any]
    accepted: float
    attempts: int
    error: str


@dataclass
class Again:
    """What `deliver` returns for an item that is to be tried once more after so many seconds."""

    seconds: float
    error: str


Deliver = Callable[[list[Item]], list[Again | None]]


class Outbox:
    """What has to be handed over, in a file, with retries.

    Parameters
    ----------
    name: of its threads
    path: its file, opened when it is first needed
    deliver: hands over items of one lane; returns for each None (done, or given up) or Again
    step: how long a delivery takes at AWS's pace, see core/pace.py
    """

    def __init__(self, name: str, path: Callable[[], Path], deliver: Deliver, step: str = "event"):
        self._name, self._path, self._deliver, self._step = name, path, deliver, step
        self._opened: Rows | None = None
        self._changed = threading.Condition()
        self._ready: OrderedDict[str, deque[int]] = OrderedDict()  # lanes with items that are due
        self._later: list[tuple[float, str, int]] = []  # a heap: due, lane, id
        self._busy: set[str] = set()
        self._dispatcher: threading.Thread | None = None
        self._workers: ThreadPoolExecutor | None = None
        self._stopping = False

    def add(self, entries: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Accept (lane, body) items: they are on disk when this returns. Raises OSError, sqlite3.Error.

        Parameters
        ----------
        entries: lane, in which items keep their order, and body, which JSON can write
        """
        now = time.time()
        due = now + pace.begin(self._step)
        packed = [(lane, orjson.dumps(body), now, due) for lane, body in entries]
        if not packed:
            return
        with self._changed:
            with self._rows.change() as change:
                ids = [
                    change.execute(
                        "INSERT INTO items (lane, body, accepted, attempts, due, error) VALUES (?, ?, ?, 0, ?, '')", row
                    ).lastrowid
                    for row in packed
                ]
            for (lane, *_), number in zip(packed, ids, strict=True):
                if due > now:
                    heapq.heappush(self._later, (due, lane, int(number or 0)))
                else:
                    self._ready.setdefault(lane, deque()).append(int(number or 0))
            self._wake()

    def resume(self) -> None:
        """Go on with what a stopped or killed server had not delivered."""
        if not self._path().exists():
            return
        with self._changed:
            for number, lane, due in self._rows.read("SELECT id, lane, due FROM items ORDER BY id"):
                heapq.heappush(self._later, (due, lane, number))
            if self._later:
                self._wake()

    def waiting(self) -> int:
        """Return how many items are not delivered."""
        return int(self._rows.read("SELECT COUNT(*) FROM items")[0][0])

    def stop(self) -> None:
        """End the threads; what was not delivered waits on disk."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._dispatcher is not None:
            self._dispatcher.join(STOP_SECONDS)
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)

    @property
    def _rows(self) -> Rows:
        if self._opened is None:
            self._opened = Rows(self._path(), SCHEMA)
        return self._opened

    def _wake(self) -> None:
        if self._dispatcher is None and not self._stopping:
            self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix=self._name)
            self._dispatcher = threading.Thread(target=self._dispatch, name=f"{self._name} dispatcher", daemon=True)
            self._dispatcher.start()
        self._changed.notify_all()

    def _dispatch(self) -> None:
        while True:
            with self._changed:
                while not (batch := self._next()) and not self._stopping:
                    self._changed.wait(max(0.0, self._later[0][0] - time.time()) if self._later else None)
                if self._stopping:
                    return
                assert batch is not None and self._workers is not None
                self._workers.submit(self._hand_over, *batch)

    def _next(self) -> tuple[str, list[int]] | None:
        """Take the next batch of a lane that no worker is at; its lane goes to the end of the row. Called with the lock held."""
        now = time.time()
        while self._later and self._later[0][0] <= now:
            _, lane, number = heapq.heappop(self._later)
            self._ready.setdefault(lane, deque()).append(number)
        if len(self._busy) >= WORKERS:
            return None
        lane = next((lane for lane in self._ready if lane not in self._busy), "")
        if not lane:
            return None
        waiting = self._ready[lane]
        numbers = [waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(waiting)))]
        self._ready.move_to_end(lane)
        if not waiting:
            del self._ready[lane]
        self._busy.add(lane)
        return lane, numbers

    def _hand_over(self, lane: str, numbers: list[int]) -> None:
        try:
            items = self._load(numbers)
            if items:  # not so when one was accepted before `resume` and found again by it
                self._settle(self._attempt(items))
        except Exception:
            log.exception("%s: a batch for %s is tried again later", self._name, lane)
            with self._changed:
                for number in numbers:
                    heapq.heappush(self._later, (time.time() + UNEXPECTED_RETRY_SECONDS, lane, number))
        finally:
            with self._changed:
                self._busy.discard(lane)
                self._changed.notify_all()

    def _load(self, numbers: list[int]) -> list[Item]:
        marks = ", ".join("?" * len(numbers))
        rows = self._rows.read(
            f"SELECT id, lane, body, accepted, attempts, error FROM items WHERE id IN ({marks}) ORDER BY id", *numbers
        )
        return [
            Item(id, lane, orjson.loads(body), accepted, attempts, error)
            for id, lane, body, accepted, attempts, error in rows
        ]

    def _attempt(self, items: list[Item]) -> list[tuple[Item, Again | None]]:
        return list(zip(items, self._deliver(items), strict=True))

    def _settle(self, outcomes: list[tuple[Item, Again | None]]) -> None:
        now = time.time()
        again = [(item, outcome) for item, outcome in outcomes if outcome is not None]
        with self._rows.change() as change:
            change.executemany("DELETE FROM items WHERE id = ?", [(i.id,) for i, outcome in outcomes if not outcome])
            change.executemany(
                "UPDATE items SET attempts = attempts + 1, due = ?, error = ? WHERE id = ?",
                [(now + outcome.seconds, outcome.error, item.id) for item, outcome in again],
            )
        with self._changed:
            for item, outcome in again:
                heapq.heappush(self._later, (now + outcome.seconds, item.lane, item.id))
