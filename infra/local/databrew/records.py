"""What is kept of datasets, recipes, projects, jobs, rulesets and schedules."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

WORKING, PUBLISHED = "LATEST_WORKING", "LATEST_PUBLISHED"
UNFINISHED = ("STARTING", "RUNNING", "STOPPING")
NODES, TIMEOUT_MINUTES = 5, 2880  # of a job, when nothing is said


def without_nulls(described: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in described.items() if value is not None}


@dataclass
class Resource:
    """What all of them have. `settings` holds the members of the API as they were given."""

    kind: str  # as in the ARN
    name: str
    account: str
    region: str
    settings: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)

    @property
    def arn(self) -> str:
        return f"arn:aws:databrew:{self.region}:{self.account}:{self.kind}/{self.name}"

    @property
    def user(self) -> str:
        return f"arn:aws:iam::{self.account}:root"

    def change(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.modified = time.time()

    def described(self) -> dict[str, Any]:
        return without_nulls(
            {
                "Name": self.name,
                **self.settings,
                "AccountId": self.account,
                "ResourceArn": self.arn,
                "CreateDate": self.created,
                "CreatedBy": self.user,
                "LastModifiedDate": self.modified,
                "LastModifiedBy": self.user,
                "Tags": self.tags,
            }
        )


@dataclass
class RecipeVersion:
    """The steps of one version; a published one never changes."""

    number: str
    steps: list[dict[str, Any]]
    description: str | None
    created: float
    modified: float
    published: float | None = None


class Recipe(Resource):
    """A recipe: its work in progress, and what was published of it under the numbers 1.0, 2.0 and so on."""

    def __init__(self, name: str, account: str, region: str, given: dict[str, Any]):
        super().__init__("recipe", name, account, region, {}, given.get("Tags") or {})
        self.working = RecipeVersion("0.1", given["Steps"], given.get("Description"), self.created, self.created)
        self.published: list[RecipeVersion] = []
        self.last_number = 0  # a number is never given twice

    def version(self, name: str) -> RecipeVersion | None:
        """A version by its number or as LATEST_WORKING or LATEST_PUBLISHED; None if there is none."""
        if name in (WORKING, self.working.number):
            return self.working
        if name == PUBLISHED:
            return self.published[-1] if self.published else None
        return next((version for version in self.published if version.number == name), None)

    def publish(self, description: str | None) -> None:
        now = time.time()
        self.last_number += 1
        number, steps = f"{self.last_number}.0", list(self.working.steps)
        self.published.append(RecipeVersion(number, steps, description, self.working.created, now, now))
        self.working.number = f"{self.last_number}.1"

    def change_working(self, steps: list[dict[str, Any]], description: str | None) -> None:
        self.working.steps, self.working.description = steps, description
        self.working.modified = time.time()

    def described_version(self, version: RecipeVersion, project: str | None) -> dict[str, Any]:
        return without_nulls(
            {
                "Name": self.name,
                "RecipeVersion": version.number,
                "Steps": version.steps,
                "Description": version.description,
                "ProjectName": project,
                "PublishedDate": version.published,
                "PublishedBy": self.user if version.published else None,
                "ResourceArn": self.arn,
                "CreateDate": version.created,
                "CreatedBy": self.user,
                "LastModifiedDate": version.modified,
                "LastModifiedBy": self.user,
                "Tags": self.tags,
            }
        )


@dataclass
class Session:
    """The interactive session of a project as it is stored: the frames themselves are made again from the steps."""

    id: str
    status: str
    opened: float
    error: str = ""


class Project(Resource):
    """A project: a dataset, a recipe and the sample that is shown."""

    session: Session | None = None

    def described(self) -> dict[str, Any]:
        session = self.session
        shown = {"SessionStatus": session.status, "OpenedBy": self.user, "OpenDate": session.opened} if session else {}
        return super().described() | shown


@dataclass
class JobRun:
    """One run of a job. `settings` are the job's when it was started; `steps` the recipe's."""

    id: str
    job: str
    kind: str  # RECIPE or PROFILE
    settings: dict[str, Any]
    steps: list[dict[str, Any]]
    started: float = field(default_factory=time.time)
    completed: float | None = None
    state: str = "STARTING"
    attempt: int = 0
    error: str = ""
    outputs: list[dict[str, Any]] | None = None  # with the keys that were written
    validation: list[dict[str, Any]] | None = None  # an event a ruleset
    planned: list[tuple[str, str]] = field(default_factory=list)  # buckets and keys that are being written

    @staticmethod
    def new_id() -> str:
        return f"db_{secrets.token_hex(32)}"

    def described(self, account: str) -> dict[str, Any]:
        settings = self.settings
        logs = settings.get("LogSubscription", "DISABLE")
        names = ("DatasetName", "JobSample", "RecipeReference", "DataCatalogOutputs", "ValidationConfigurations")
        return without_nulls(
            {name: settings.get(name) for name in names}
            | {
                "RunId": self.id,
                "JobName": self.job,
                "State": self.state,
                "Attempt": self.attempt,
                "ErrorMessage": self.error or None,
                "StartedOn": self.started,
                "CompletedOn": self.completed,
                "ExecutionTime": round((self.completed or time.time()) - self.started),
                "StartedBy": f"arn:aws:iam::{account}:root",
                "LogSubscription": logs,
                "LogGroupName": f"/aws-glue-databrew/jobs/{self.job}",
                "ProfileConfiguration": settings.get("Configuration"),
                "Outputs": self.outputs or settings.get("Outputs"),
            }
        )


class Job(Resource):
    """A recipe job or a profile job, with its runs."""

    def __init__(self, name: str, account: str, region: str, job_type: str, settings: dict[str, Any], tags: Any):
        super().__init__("job", name, account, region, settings, tags or {})
        self.type = job_type
        self.runs: list[JobRun] = []

    def described(self) -> dict[str, Any]:
        described = super().described() | {"Type": self.type}
        location = described.pop("OutputLocation", None)
        if location is not None:
            described["Outputs"] = [{"Location": location}]
        configuration = described.pop("Configuration", None)
        if configuration is not None:
            described["ProfileConfiguration"] = configuration
        return described

    def run(self, run_id: str) -> JobRun | None:
        return next((run for run in self.runs if run.id == run_id), None)
