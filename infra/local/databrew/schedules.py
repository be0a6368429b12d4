"""Schedules: one thread that sleeps until the next one is due, and starts its jobs.

Source: https://docs.aws.amazon.com/databrew/latest/dg/jobs.html (job schedules); times are in UTC
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.utils import utcnow

from infra.local.core import state
from infra.local.core.cron import Cron

from .access import check_role
from .backend import DataBrewBackend, databrew_backends
from .errors import BrewError

log = logging.getLogger("workshop.databrew")
LONGEST_WAIT_SECONDS = 60.0


def cron(expression: str) -> Cron:
    """An expression with or without `cron(…)` around it. Raises ValueError."""
    text = expression.strip()
    fields = text[5:-1] if text.lower().startswith("cron(") and text.endswith(")") else text
    return Cron(f"cron({fields})", shortest_minutes=5)


class Clock:
    """Starts the jobs of schedules that are due."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def changed(self) -> None:
        """Look at the schedules again: one was made, changed or deleted."""
        if self._thread is None and _schedules() and not self._ends.is_set():
            self._thread = threading.Thread(target=self._run, name="databrew-schedules", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        self._ends.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        seen = utcnow()
        while not self._ends.is_set():
            now = utcnow()
            for backend, schedule in due(seen, now):
                for name in schedule.settings["JobNames"]:
                    _start(backend, name)
            seen = now
            self._wake.wait(min(LONGEST_WAIT_SECONDS, _seconds_to_next(seen)))
            self._wake.clear()


clock = Clock()


def _start(backend: DataBrewBackend, name: str) -> None:
    from . import runs

    with state.lock("databrew"):
        job = backend.jobs.get(name)
        if job is None:
            return
        try:
            check_role(backend.account_id, job.settings["RoleArn"])
        except BrewError as error:
            log.warning("The scheduled job %s was not started: %s", name, error)
            return
        runs.start(backend, job)
        backend.save()


def _schedules() -> list[tuple[DataBrewBackend, Any]]:
    backends: list[Any] = [backend for _, _, backend in list(databrew_backends.iter_backends())]
    with state.lock("databrew"):
        return [(backend, schedule) for backend in backends for schedule in backend.schedules.values()]


def due(after: datetime, until: datetime) -> list[tuple[DataBrewBackend, Any]]:
    """Return the schedules that have a time in (after, until], with their backends."""
    found = []
    for backend, schedule in _schedules():
        since = max(after, datetime.fromtimestamp(schedule.modified, UTC).replace(tzinfo=None))
        moment = cron(schedule.settings["CronExpression"]).next_after(since)
        if moment is not None and moment <= until:
            found.append((backend, schedule))
    return found


def _seconds_to_next(now: datetime) -> float:
    moments = [cron(schedule.settings["CronExpression"]).next_after(now) for _, schedule in _schedules()]
    coming = [moment for moment in moments if moment is not None]
    return max(0.0, (min(coming) - utcnow()) / timedelta(seconds=1)) if coming else LONGEST_WAIT_SECONDS
