"""Schedules of crawlers: one thread starts them when they are due."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.glue.models import glue_backends

from infra.local.core import state
from infra.local.core.cron import Cron
from infra.local.glue.crawler.crawl import ending
from infra.local.glue.crawler.record import Crawler

LONGEST_WAIT_SECONDS = 300.0  # of the schedule's clock, so that a changed system time is noticed


class Schedule:
    """Starts scheduled crawlers when they are due: one thread that sleeps until the next one is."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def changed(self) -> None:
        """Look at the crawlers again: a schedule was made, changed or deleted."""
        if self._thread is None and _scheduled() and not ending.is_set():
            self._thread = threading.Thread(target=self._run, name="crawler-schedule", daemon=True)
            self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        seen = utcnow()
        while not ending.is_set():
            now = utcnow()
            for backend, crawler in due(seen, now):
                self._start(backend, crawler)
            seen = now
            self._wake.wait(min(LONGEST_WAIT_SECONDS, _seconds_to_next(seen)))
            self._wake.clear()

    def _start(self, backend: Any, crawler: Crawler) -> None:
        account, region = backend.account_id, backend.region_name
        with state.lock("glue", account), state.changing():
            if backend.crawlers.get(crawler.name) is crawler and crawler.state == "READY":
                backend.start_crawler(crawler.name)
                state.keep(("glue",), account, region)


schedule = Schedule()


def _scheduled() -> list[tuple[Any, Crawler]]:
    found = []
    for account, _, backend in list(glue_backends.iter_backends()):
        with state.lock("glue", account):
            crawlers: Any = list(backend.crawlers.values())
        found += [(backend, crawler) for crawler in crawlers if crawler.schedule_state == "SCHEDULED"]
    return found


def due(after: datetime, until: datetime) -> list[tuple[Any, Crawler]]:
    """Return the crawlers, with their backends, whose schedule has a time in (after, until]."""
    found = []
    for backend, crawler in _scheduled():
        moment = Cron(crawler.settings["Schedule"]).next_after(max(after, crawler.scheduled_since))
        if moment is not None and moment <= until:
            found.append((backend, crawler))
    return found


def _seconds_to_next(now: datetime) -> float:
    moments = [Cron(crawler.settings["Schedule"]).next_after(now) for _, crawler in _scheduled()]
    coming = [moment for moment in moments if moment is not None]
    return max(0.0, (min(coming) - utcnow()) / timedelta(seconds=1)) if coming else LONGEST_WAIT_SECONDS
