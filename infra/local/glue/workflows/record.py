"""Triggers and workflows: what is kept of them, and of their runs.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-trigger.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-workflow.html
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow

OPEN = ("RUNNING", "STOPPING")  # of a run
COUNTED = {  # state of an action → its place in a run's statistics
    "RUNNING": "RunningActions", "SUCCEEDED": "SucceededActions", "FAILED": "FailedActions", "TIMEOUT": "TimeoutActions",
    "STOPPED": "StoppedActions", "CANCELLED": "StoppedActions", "ERROR": "ErroredActions",
}  # fmt: skip


@dataclass
class Trigger:
    """A trigger. `settings` has the members of CreateTrigger that were given, but Name, Tags and StartOnCreation."""

    name: str
    arn: str
    settings: dict[str, Any]
    state: str = "CREATED"

    @property
    def kind(self) -> str:
        return str(self.settings["Type"])

    @property
    def workflow(self) -> str:
        return str(self.settings.get("WorkflowName", ""))

    @property
    def actions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.settings["Actions"]
        return found

    def get_name(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        return {"Name": self.name, **self.settings, "State": self.state}


@dataclass
class Action:
    """A job or crawler that a trigger started; `run_id` is that of the job's run or the crawl, "" where it could not start."""

    trigger: str
    kind: str  # "job" or "crawler"
    name: str
    run_id: str = ""
    state: str = "RUNNING"  # a key of COUNTED
    error: str = ""


@dataclass
class Run:
    """What began with one trigger: a workflow's run, or without a workflow the triggers that follow from each other."""

    workflow: str
    properties: dict[str, str] = field(default_factory=dict)
    batch: dict[str, int] | None = None  # of events, that started it
    run_id: str = field(default_factory=lambda: f"wr_{secrets.token_hex(32)}")
    status: str = "RUNNING"
    started_on: datetime = field(default_factory=utcnow)
    completed_on: datetime | None = None
    actions: list[Action] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)  # names of triggers

    def latest(self, kind: str, name: str) -> Action | None:
        """Return the last action on a job or crawler."""
        return next((each for each in reversed(self.actions) if (each.kind, each.name) == (kind, name)), None)

    def as_dict(self) -> dict[str, Any]:
        counts = dict.fromkeys(("TotalActions", "WaitingActions", *COUNTED.values()), 0)
        for action in self.actions:
            counts["TotalActions"] += 1
            counts[COUNTED[action.state]] += 1
        answer = {
            "Name": self.workflow,
            "WorkflowRunId": self.run_id,
            "WorkflowRunProperties": self.properties,
            "StartedOn": self.started_on,
            "CompletedOn": self.completed_on,
            "Status": self.status,
            "Statistics": counts,
            "StartingEventBatchCondition": self.batch,
        }
        return {name: value for name, value in answer.items() if value is not None}


@dataclass
class Workflow:
    """A workflow with its newest runs, the last one at the end, and the ids of events that wait for a batch to be full."""

    name: str
    arn: str
    settings: dict[str, Any]
    created_on: datetime = field(default_factory=utcnow)
    last_modified_on: datetime = field(default_factory=utcnow)
    runs: list[Run] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    waiting_since: float = 0.0  # seconds since 1970

    def get_name(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        answer = {
            "Name": self.name,
            **self.settings,
            "CreatedOn": self.created_on,
            "LastModifiedOn": self.last_modified_on,
            "LastRun": self.runs[-1].as_dict() if self.runs else None,
        }
        return {name: value for name, value in answer.items() if value is not None}
