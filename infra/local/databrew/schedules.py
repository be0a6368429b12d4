"""Schedules: when each is due is in the core's timetable, which survives a restart; here its jobs are started.

Source: https://docs.aws.amazon.com/databrew/latest/dg/jobs.html (job schedules); times are in UTC
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path

from infra.local.core import state
from infra.local.core.cron import Cron
from infra.local.core.timetable import Timetable

from .access import check_role
from .backend import DataBrewBackend, databrew_backends
from .errors import BrewError
from .records import Resource

log = logging.getLogger("workshop.databrew")
SHORTEST_MINUTES = 5
MISSED_SECONDS = 60.0  # what was due longer ago, while the server did not run, is left out, as AWS starts nothing late


def cron(expression: str) -> Cron:
    """An expression with or without `cron(…)` around it. Raises ValueError."""
    text = expression.strip()
    fields = text[5:-1] if text.lower().startswith("cron(") and text.endswith(")") else text
    return Cron(f"cron({fields})", SHORTEST_MINUTES)


def plan(schedule: Resource) -> None:
    """Let a schedule that was made or changed be due at its next time."""
    table.set(schedule.arn, _next(schedule, time.time()))


def forget(schedule: Resource) -> None:
    state.afterwards(lambda: table.set(schedule.arn, None))


def _next(schedule: Resource, after: float) -> float | None:
    """Seconds since 1970 of its next time, None if there is none."""
    moment = cron(schedule.settings["CronExpression"]).next_after(
        datetime.fromtimestamp(after, UTC).replace(tzinfo=None)
    )
    return moment.replace(tzinfo=UTC).timestamp() if moment else None


def fire(arn: str, due: float) -> float | None:
    """Start the jobs of a schedule; return when it is due again.

    Parameters
    ----------
    due: when it was due, in seconds since 1970
    """
    _, _, _, region, account, resource = arn.split(":", 5)
    backend = databrew_backends[account][region]
    with state.lock("databrew", account):
        schedule = backend.schedules.get(resource.removeprefix("schedule/"))
        if schedule is None:
            return None
        if time.time() - due < MISSED_SECONDS:
            for name in schedule.settings["JobNames"]:
                _start(backend, name)
        return _next(schedule, max(due, time.time()))


def _start(backend: DataBrewBackend, name: str) -> None:
    from . import runs

    job = backend.jobs.get(name)
    if job is None:
        return
    try:
        check_role(backend.account_id, job.settings["RoleArn"])
    except BrewError as error:
        log.warning("The scheduled job %s was not started: %s", name, error)
        return
    with state.changing():
        runs.start(backend, job)
        backend.save()


def _path() -> Path:
    return state.root() / "databrew_schedules.sqlite"


table = Timetable("databrew-schedules", _path, fire)
