"""What is to happen at a time: stored, so that a restart neither forgets it nor does at once all that was due meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.core.rows import Rows

log = logging.getLogger("workshop.timetable")

SCHEMA = ("CREATE TABLE IF NOT EXISTS times (key TEXT PRIMARY KEY, due REAL) WITHOUT ROWID",)
LONGEST_WAIT_SECONDS = 30.0  # a computer that slept wakes up late: the clock is looked at again
LATER_SECONDS = 60.0
STOP_SECONDS = 5.0

Fire = Callable[[str, float], float | None]


class Timetable:
    """Moments at which something is due, in a file: they survive a restart.

    Parameters
    ----------
    name: of its thread
    path: its file, opened when it is first needed
    fire: called with a key and the time (epoch seconds) at which it was due; returns the next time, or None for never.
        After a kill the same time may come twice.
    """

    def __init__(self, name: str, path: Callable[[], Path], fire: Fire):
        self._name, self._path, self._fire = name, path, fire
        self._opened: Rows | None = None
        self._changed = threading.Condition()
        self._times: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self._stopping = False

    def set(self, key: str, due: float | None) -> None:
        """Let a key be due at a time, None: never again. It is on disk when this returns.

        Parameters
        ----------
        key: as an ARN
        due: seconds since 1970
        """
        with self._changed:
            self._store(key, due)
            self._wake()

    def due(self, key: str) -> float | None:
        """Return when a key is due.

        Parameters
        ----------
        key: as an ARN
        """
        with self._changed:
            return self._times.get(key)

    def resume(self) -> None:
        """Go on after a restart."""
        if not self._path().exists():
            return
        with self._changed:
            self._times = dict(self._rows().read("SELECT key, due FROM times"))
            self._wake()

    def stop(self) -> None:
        """End the thread; what is due later stays in the file."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _rows(self) -> Rows:
        if self._opened is None:
            self._opened = Rows(self._path(), SCHEMA)
        return self._opened

    def _store(self, key: str, due: float | None) -> None:
        if due is None and key not in self._times:
            return
        with self._rows().change() as change:
            if due is None:
                change.execute("DELETE FROM times WHERE key = ?", (key,))
                self._times.pop(key, None)
            else:
                change.execute("INSERT OR REPLACE INTO times VALUES (?, ?)", (key, due))
                self._times[key] = due

    def _wake(self) -> None:
        if self._thread is None and self._times and not self._stopping:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (key := self._next()) and not self._stopping:
                    self._changed.wait(self._seconds_to_next())
                if self._stopping:
                    return
                due = self._times[key]
            following = self._fired(key, due)
            with self._changed:
                if self._times.get(key) == due:  # else it was changed or deleted meanwhile
                    self._store(key, following)

    def _next(self) -> str:
        """Return the key that is due first, "" when none is due."""
        first = min(self._times, key=self._times.__getitem__, default="")
        return first if first and self._times[first] <= time.time() else ""

    def _seconds_to_next(self) -> float:
        first = min(self._times.values(), default=float("inf"))
        return min(LONGEST_WAIT_SECONDS, max(0.0, first - time.time()))

    def _fired(self, key: str, due: float) -> float | None:
        try:
            return self._fire(key, due)
        except Exception:
            log.exception("%s: %s is tried again later", self._name, key)
            return time.time() + LATER_SECONDS
