"""AWS Glue: the parts of the backend, each made real in a module of its own."""

from typing import Any

from moto.glue.models import GlueBackend, glue_backends

from infra.local.glue import drivers as glue_drivers
from infra.local.glue.catalog.backend import Catalog
from infra.local.glue.crawler import backend as crawler
from infra.local.glue.crawler.api import CrawlerResponse
from infra.local.glue.crawler.backend import Crawlers
from infra.local.glue.jobs import running as glue_jobs
from infra.local.glue.jobs.api import JobsResponse
from infra.local.glue.jobs.backend import Jobs
from infra.local.glue.sessions import running as glue_sessions
from infra.local.glue.sessions.api import SessionsResponse
from infra.local.glue.sessions.backend import Sessions
from infra.local.glue.workflows import running as glue_workflows
from infra.local.glue.workflows.api import WorkflowsResponse
from infra.local.glue.workflows.backend import Workflows


class LocalGlueBackend(Workflows, Jobs, Sessions, Crawlers, Catalog, GlueBackend):
    def __setstate__(self, values: dict[str, Any]) -> None:
        super().__setstate__(values)
        self.keep_rows()


class LocalGlueResponse(WorkflowsResponse, JobsResponse, SessionsResponse, CrawlerResponse):
    pass


glue_backends.backend = LocalGlueBackend
BACKENDS = glue_backends
RESPONSE = LocalGlueResponse
UNLOCKED = {"GetSession", "GetStatement"}  # they wait for the end of what is under way
UNSAVED = {"RunStatement", "CancelStatement"}  # statements are in files of their own


def flush(account: str) -> None:
    glue_jobs.flush(account)


def carry(live: LocalGlueBackend, stored: LocalGlueBackend) -> None:
    crawler.carry(stored)
    glue_sessions.carry(stored)
    glue_jobs.carry(stored)


def resume() -> None:
    glue_drivers.remove_folders()
    crawler.resume()
    glue_sessions.resume()
    glue_jobs.resume()
    glue_workflows.resume()


def stop() -> None:
    glue_workflows.stop()
    glue_drivers.stop()
    crawler.stop()
    glue_jobs.stop()
    glue_sessions.stop()
