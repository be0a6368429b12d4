"""What one account has of DataBrew in one region, and how its things are found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from moto.core.base_backend import BackendDict, BaseBackend

from infra.local.core import pages, state

from .errors import BrewError, conflict, invalid, not_found
from .records import Job, JobRun, Project, Recipe, Resource

R = TypeVar("R", bound=Resource)
Operation = Callable[["DataBrewBackend", dict[str, Any]], dict[str, Any]]
PAGE = 100


class DataBrewBackend(BaseBackend):
    """Datasets, recipes, projects, jobs, rulesets and schedules by name."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.datasets: dict[str, Resource] = {}
        self.recipes: dict[str, Recipe] = {}
        self.projects: dict[str, Project] = {}
        self.jobs: dict[str, Job] = {}
        self.rulesets: dict[str, Resource] = {}
        self.schedules: dict[str, Resource] = {}

    def kinds(self) -> dict[str, dict[str, Any]]:
        return {
            "dataset": self.datasets,
            "recipe": self.recipes,
            "project": self.projects,
            "job": self.jobs,
            "ruleset": self.rulesets,
            "schedule": self.schedules,
        }

    def new(self, kind: str, name: str, settings: dict[str, Any], tags: dict[str, str] | None) -> Resource:
        return Resource(kind, name, self.account_id, self.region_name, settings, tags or {})

    def run(self, job_name: str, run_id: str) -> tuple[Job, JobRun]:
        """A job and one of its runs. Raises BrewError."""
        job = found(self.jobs, "job", job_name)
        run = job.run(run_id)
        if run is None:
            raise not_found(f"The job run {run_id} of the job {job_name} wasn't found.")
        return job, run

    def project_of(self, recipe: str) -> Project | None:
        """The project that works on a recipe."""
        return next((project for project in self.projects.values() if project.settings["RecipeName"] == recipe), None)

    def by_arn(self, arn: str) -> Resource:
        """The resource of an ARN. Raises BrewError."""
        for resources in self.kinds().values():
            for resource in resources.values():
                if resource.arn == arn:
                    return resource
        raise not_found(f"The resource {arn} wasn't found.")

    def save(self) -> None:
        """Save what an operation changed, or take it back. Raises OSError."""
        state.keep(("databrew",), self.account_id, self.region_name)

    def step(self, change: Callable[[], None], given_up: threading.Event) -> None:
        """Note a step of work in the background, as state.step does."""
        state.step("databrew", self.account_id, self.region_name, change, given_up)


databrew_backends = BackendDict(DataBrewBackend, "databrew")


def found(resources: dict[str, R], kind: str, name: str) -> R:
    """A resource by its name. Raises BrewError."""
    if name not in resources:
        raise not_found(f"The {kind} {name} wasn't found.")
    return resources[name]


def must_be_new(resources: dict[str, Any], kind: str, name: str) -> None:
    """Raises BrewError when the name is taken."""
    if name in resources:
        raise conflict(f"The {kind} {name} already exists.")


def must_exist(resources: dict[str, R], kind: str, name: str) -> R:
    """As `found`, for operations whose model knows no ResourceNotFoundException."""
    try:
        return found(resources, kind, name)
    except BrewError as error:
        raise invalid(str(error)) from None


def page(items: list[dict[str, Any]], given: dict[str, Any], member: str) -> dict[str, Any]:
    """One page of a list, with the token of the next. Raises BrewError for a token that is not ours."""
    try:
        entries, token = pages.page(items, given.get("NextToken"), given.get("MaxResults", PAGE))
    except ValueError:
        raise invalid("The NextToken is invalid.") from None
    return {member: entries, **({"NextToken": token} if token else {})}
