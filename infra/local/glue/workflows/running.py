"""What triggers start, and what follows from it: one thread looks at the open runs, and ends when there are none.

A step is stored with the runs of jobs and the crawls that it starts, all or nothing; after a restart the thread goes on from there.

Source: https://docs.aws.amazon.com/glue/latest/dg/workflows_overview.html
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.glue.models import glue_backends

from infra.local.core import state
from infra.local.core.cron import Cron
from infra.local.core.timetable import Timetable
from infra.local.glue.jobs.record import UNFINISHED
from infra.local.glue.workflows.record import OPEN, Action, Run, Trigger, Workflow

log = logging.getLogger("workshop.glue")

LOOK_SECONDS = 0.25
FAULT_SECONDS = 5.0
STOP_SECONDS = 5.0
MISSED_SECONDS = 60.0  # a time that passed while the server was stopped is left out
MOST_RUNS = 100  # that are kept of a workflow
CRAWLS = {"RUNNING": "RUNNING", "COMPLETED": "SUCCEEDED", "FAILED": "FAILED", "STOPPED": "CANCELLED"}


# --- steps, under the lock of the account ---------------------------------------------------------------------------


def begin(backend: Any, trigger: Trigger, properties: dict[str, str], batch: dict[str, int] | None = None) -> Run:
    """Let a starting trigger fire."""
    run = Run(trigger.workflow, properties, batch)
    if trigger.workflow:
        runs = backend.workflows[trigger.workflow].runs
        runs.append(run)
        del runs[:-MOST_RUNS]
    else:
        backend.loose_runs.append(run)
    _fire(backend, run, trigger)
    state.afterwards(WATCH.start)
    return run


def _fire(backend: Any, run: Run, trigger: Trigger) -> None:
    run.fired.append(trigger.name)
    for wanted in trigger.actions:
        kind, name = ("job", wanted["JobName"]) if wanted.get("JobName") else ("crawler", wanted["CrawlerName"])
        action = Action(trigger.name, kind, name)
        run.actions.append(action)
        try:
            action.run_id = _start_job(backend, run, trigger, wanted) if kind == "job" else _start_crawl(backend, name)
        except JsonRESTError as error:  # AWS shows it in the run, too: the job is gone, or runs already
            action.state, action.error = "ERROR", error.message


def _start_job(backend: Any, run: Run, trigger: Trigger, wanted: dict[str, Any]) -> str:
    arguments = dict(wanted.get("Arguments") or {})
    if run.workflow:
        arguments |= {"--WORKFLOW_NAME": run.workflow, "--WORKFLOW_RUN_ID": run.run_id}
    given = {name: wanted[name] for name in ("Timeout", "NotificationProperty") if wanted.get(name)}
    run_id: str = backend.start_job_run(wanted["JobName"], {**given, "Arguments": arguments})
    backend.get_job_run(wanted["JobName"], run_id).trigger = trigger.name
    return run_id


def _start_crawl(backend: Any, name: str) -> str:
    backend.start_crawler(name)
    crawl_id: str = backend.crawlers[name].crawls[-1].crawl_id
    return crawl_id


def advance(backend: Any, run: Run) -> bool:
    """Take an open run as far as it goes now; return whether anything changed."""
    before = (run.status, len(run.actions), [(each.run_id, each.state) for each in run.actions])
    for action in run.actions:
        if action.state == "RUNNING":
            _look(backend, action)
    if run.status == "STOPPING":
        _stop_actions(backend, run)
    else:
        for trigger in list(backend.triggers.values()):
            is_next = (
                trigger.kind == "CONDITIONAL" and trigger.workflow == run.workflow and trigger.state == "ACTIVATED"
            )
            if is_next and trigger.name not in run.fired and _holds(trigger, run):
                _fire(backend, run, trigger)
    if all(action.state != "RUNNING" for action in run.actions):
        run.status = "STOPPED" if run.status == "STOPPING" else "COMPLETED"
        run.completed_on = utcnow()
        if not run.workflow:
            backend.loose_runs.remove(run)
    return before != (run.status, len(run.actions), [(each.run_id, each.state) for each in run.actions])


def _look(backend: Any, action: Action) -> None:
    """Note how a job's run, or the next attempt of it, or a crawl is now."""
    if action.kind == "crawler":
        crawler = backend.crawlers.get(action.name)
        crawl = next((each for each in crawler.crawls if each.crawl_id == action.run_id), None) if crawler else None
        action.state = CRAWLS[crawl.status] if crawl is not None else "ERROR"
        return
    job = backend.jobs.get(action.name)
    found = {run.run_id: run for run in job.runs} if job else {}
    again = next((run for run in found.values() if run.previous_run_id == action.run_id), None)
    if again is not None:
        action.run_id = again.run_id
    if action.run_id not in found:
        action.state, action.error = "ERROR", "The job was deleted."
    elif found[action.run_id].status not in UNFINISHED:
        action.state = found[action.run_id].status


def _stop_actions(backend: Any, run: Run) -> None:
    for action in run.actions:
        if action.state == "RUNNING":
            try:
                if action.kind == "crawler":
                    backend.stop_crawler(action.name)
                else:
                    backend.stop_job_run(action.name, action.run_id)
            except JsonRESTError:
                continue  # it is stopping, or has just ended


def _holds(trigger: Trigger, run: Run) -> bool:
    predicate = trigger.settings["Predicate"]
    met = (_is_met(condition, run) for condition in predicate["Conditions"])
    return any(met) if predicate.get("Logical") == "ANY" else all(met)


def _is_met(condition: dict[str, Any], run: Run) -> bool:
    kind, name = ("job", condition["JobName"]) if condition.get("JobName") else ("crawler", condition["CrawlerName"])
    action = run.latest(kind, name)
    return action is not None and action.state == condition["State" if kind == "job" else "CrawlState"]


# --- events ---------------------------------------------------------------------------------------------------------


def starting(backend: Any, workflow: str) -> Trigger | None:
    """Return the trigger with which a workflow begins."""
    return next(
        (each for each in backend.triggers.values() if each.workflow == workflow and each.kind != "CONDITIONAL"), None
    )


def notify(account: str, region: str, workflow: str, event_id: str) -> None:
    """Take an event of EventBridge for a workflow; the workflow starts when its batch is full.

    Parameters
    ----------
    account: the workflow's account
    region: its region
    workflow: its name
    event_id: the event's id; one that comes twice counts once

    Raises LookupError when it has no trigger of type EVENT.
    Source: https://docs.aws.amazon.com/glue/latest/dg/starting-workflow-eventbridge.html
    """
    backend: Any = glue_backends[account][region]
    with state.lock("glue", account), state.changing():
        found: Workflow | None = backend.workflows.get(workflow)
        trigger = starting(backend, workflow)
        if found is None or trigger is None or trigger.kind != "EVENT":
            raise LookupError(f"The workflow {workflow} has no trigger of type EVENT.")
        if event_id not in found.waiting:  # an event may come twice
            found.waiting_since = found.waiting_since if found.waiting else time.time()
            found.waiting.append(event_id)
        _begin_batch(backend, found, trigger)
        state.keep(("glue",), account, region)
        state.afterwards(WATCH.start)


def _begin_batch(backend: Any, workflow: Workflow, trigger: Trigger) -> bool:
    """Start a run when enough events wait, or the first of them has waited long enough; return whether it did."""
    wanted = trigger.settings.get("EventBatchingCondition") or {"BatchSize": 1}
    size, window = wanted["BatchSize"], wanted.get("BatchWindow", 900)
    if not workflow.waiting or (len(workflow.waiting) < size and time.time() < workflow.waiting_since + window):
        return False
    batch = {"BatchSize": len(workflow.waiting), "BatchWindow": round(time.time() - workflow.waiting_since)}
    properties = dict(workflow.settings.get("DefaultRunProperties") or {})
    properties["aws:eventIds"] = f"[{','.join(workflow.waiting)}]"
    workflow.waiting = []
    begin(backend, trigger, properties, batch)
    return True


# --- the thread -----------------------------------------------------------------------------------------------------


class Watch:
    """Looks at open runs and at events that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()

    def start(self) -> None:
        """Look from now on, if there is anything to look at."""
        with self._lock:
            if self._thread is None and not self.stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="glue-workflows", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self.stopping.wait(LOOK_SECONDS):
            places = list(glue_backends.iter_backends())
            if not any([self._look(account, region, backend) for account, region, backend in places]):
                with self._lock:
                    if not any(_is_open(backend) for _, _, backend in places):
                        self._thread = None
                        return

    def _look(self, account: str, region: str, backend: Any) -> bool:
        """Take one account's runs further; return whether some are open."""
        if not _is_open(backend):
            return False
        try:
            with state.lock("glue", account), state.changing():
                changed = [advance(backend, run) for run in open_runs(backend)]
                for workflow in list(backend.workflows.values()):
                    trigger = starting(backend, workflow.name)
                    changed.append(trigger is not None and _begin_batch(backend, workflow, trigger))
                if any(changed):
                    state.keep(("glue",), account, region)
        except OSError as error:  # a full disk: what was not stored has not happened
            log.warning("workflows of account %s: %s", account, error)
        except Exception:  # of one account; the others' workflows go on
            log.exception("workflows of account %s", account)
            self.stopping.wait(FAULT_SECONDS)
        return True


def open_runs(backend: Any) -> list[Run]:
    return [
        run
        for run in (*backend.loose_runs, *(run for each in list(backend.workflows.values()) for run in each.runs))
        if run.status in OPEN
    ]


def _is_open(backend: Any) -> bool:
    return bool(open_runs(backend)) or any(workflow.waiting for workflow in list(backend.workflows.values()))


WATCH = Watch()


# --- schedules ------------------------------------------------------------------------------------------------------


def plan(trigger: Trigger) -> None:
    """Let a scheduled trigger fire at its times while it is active."""
    wanted = trigger.kind == "SCHEDULED" and trigger.state == "ACTIVATED"
    due = _following(trigger, time.time()) if wanted else None
    state.afterwards(lambda: TABLE.set(trigger.arn, due))


def _following(trigger: Trigger, after: float) -> float | None:
    moment = Cron(trigger.settings["Schedule"]).next_after(datetime.fromtimestamp(after, UTC).replace(tzinfo=None))
    return moment.replace(tzinfo=UTC).timestamp() if moment else None


def _due(arn: str, due: float) -> float | None:
    _, _, _, region, account, resource = arn.split(":", 5)
    backend: Any = glue_backends[account][region]
    now = time.time()
    with state.lock("glue", account), state.changing():
        trigger = backend.triggers.get(resource.removeprefix("trigger/"))
        if trigger is None or trigger.kind != "SCHEDULED" or trigger.state != "ACTIVATED":
            return None
        if now - due < MISSED_SECONDS:
            workflow = backend.workflows.get(trigger.workflow)
            begin(backend, trigger, dict((workflow.settings.get("DefaultRunProperties") or {}) if workflow else {}))
            state.keep(("glue",), account, region)
    return _following(trigger, max(due, now))


def _path() -> Path:
    return state.root() / "glue_triggers.sqlite"


TABLE = Timetable("glue-triggers", _path, _due)


# --- start and stop of the server -----------------------------------------------------------------------------------


def resume() -> None:
    TABLE.resume()
    if any(_is_open(backend) for _, _, backend in list(glue_backends.iter_backends())):
        WATCH.start()


def stop() -> None:
    TABLE.stop()
    WATCH.stop()
