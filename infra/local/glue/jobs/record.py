"""Glue jobs: what is kept of a job and of its runs.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.glue.exceptions import EntityNotFoundException

from infra.local.core.records import RecordList
from infra.local.glue import drivers as glue_drivers

UNFINISHED = ("WAITING", "STARTING", "RUNNING", "STOPPING")


@dataclass
class JobRun:
    """One attempt of a run."""

    account: str
    region: str
    job_name: str
    run_id: str
    settings: dict[str, Any]  # the job's, with what StartJobRun changed
    arguments: dict[str, str]
    previous_run_id: str = ""
    attempt: int = 0
    status: str = "WAITING"
    error: str = ""
    started_on: datetime = field(default_factory=utcnow)
    running_since: datetime | None = None
    completed_on: datetime | None = None
    trigger: str = ""  # that started it

    @property
    def dpus(self) -> float:
        return glue_drivers.dpus(self.settings)

    @property
    def log_group(self) -> str:
        """What the names of its log groups, <this>/output and <this>/error, begin with."""
        default = "/aws-glue/jobs" if self.settings["Command"]["Name"] == "glueetl" else "/aws-glue/python-jobs"
        return self.arguments.get("--custom-logGroup-prefix") or default

    @property
    def log_stream(self) -> str:
        prefix = self.arguments.get("--custom-logStream-prefix")
        return f"{prefix}-driver" if prefix else self.run_id

    @property
    def seconds(self) -> float:
        """How long the script had its workers."""
        if self.running_since is None:
            return 0.0
        return ((self.completed_on or utcnow()) - self.running_since).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        names = ("WorkerType", "NumberOfWorkers", "GlueVersion", "ExecutionClass", "Timeout", "NotificationProperty")
        answer = {name: self.settings.get(name) for name in names}
        answer |= {
            "Id": self.run_id,
            "Attempt": self.attempt,
            "PreviousRunId": self.previous_run_id or None,
            "TriggerName": self.trigger or None,
            "JobName": self.job_name,
            "JobMode": self.settings["JobMode"],
            "StartedOn": self.started_on,
            "LastModifiedOn": self.completed_on or self.running_since or self.started_on,
            "CompletedOn": self.completed_on,
            "JobRunState": self.status,
            "Arguments": self.arguments,
            "ErrorMessage": self.error or None,
            "PredecessorRuns": [],
            "AllocatedCapacity": int(self.dpus),
            "MaxCapacity": self.dpus,
            "ExecutionTime": round(self.seconds),
            "LogGroupName": self.log_group,
            "DPUSeconds": round(self.seconds * self.dpus, 1) if self.completed_on else None,
        }
        return {name: value for name, value in answer.items() if value is not None}


class Job:
    """A job as it is stored; `settings` holds the API's members with AWS's defaults."""

    def __init__(self, name: str, settings: dict[str, Any], account: str, region: str):
        self.name = name
        self.arn = f"arn:aws:glue:{region}:{account}:job/{name}"
        self.settings = settings
        self.created_on = self.last_modified_on = utcnow()
        self.runs = RecordList()
        self._watched: list[JobRun] = []  # runs that were unfinished when they were saved

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_watched"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if not isinstance(self.runs, RecordList):  # plain in lakes of before
            self.runs = RecordList(self.runs)
        self._watched = [run for run in self.runs if run.status in UNFINISHED]

    def note_changes(self) -> None:
        """Tell which runs may have changed since they were saved: a finished one never does."""
        new = self.runs[max(self.runs.saved, 0) :]
        for run in self._watched:
            self.runs.note(run)
        watched = {run.run_id: run for run in (*self._watched, *new)}
        self._watched = [run for run in watched.values() if run.status in UNFINISHED]

    def get_name(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "CreatedOn": self.created_on,
            "LastModifiedOn": self.last_modified_on,
            **self.settings,
            "AllocatedCapacity": int(glue_drivers.dpus(self.settings)),
            "MaxCapacity": glue_drivers.dpus(self.settings),
        }

    def run(self, run_id: str) -> JobRun:
        for run in self.runs:
            if run.run_id == run_id:
                return run
        raise EntityNotFoundException(f"JobRun {run_id} for job {self.name} not found.")
