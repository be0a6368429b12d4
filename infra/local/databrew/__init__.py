"""AWS Glue DataBrew: datasets, recipes, projects with sessions, jobs, rulesets and schedules, on an engine of its own.

api.py takes requests, wire.py reads them off the service's model; datasets.py, recipes.py, jobs.py and sessions.py are the operations,
rules.py what they check; runs.py runs jobs, reading.py reads their data, writing.py writes it; engine/ knows recipes, profiles and rules.
"""

from typing import Any

from infra.local.core.service import Service

from . import runs, schedules, sessions, wire
from .api import EVERY, URLS
from .backend import databrew_backends


def carry(live: Any, stored: Any) -> None:
    runs.carry(stored)
    sessions.carry(live, stored)


def resume() -> None:
    """After a restart: runs that were under way are done again from their start, sessions are opened again, schedules go on."""
    sessions.resume()
    runs.resume()
    schedules.table.resume()


def stop() -> None:
    schedules.table.stop()
    runs.stop()
    sessions.stop()


SERVICE = Service(
    "databrew",
    databrew_backends,
    urls=URLS,
    unlocked=EVERY,  # each takes the lock itself, for as long as it changes something
    unsaved=EVERY,
    operation=wire.operation,
    carry=carry,
    checks=False,
    resume=resume,
    stop=stop,
)
