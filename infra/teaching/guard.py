"""On real AWS: what is billed by use says its price before it begins, and is refused beyond the limit in USD.

Streams and alarms are billed by the hour and are guarded where their stacks are made. All else that can cost more than cents begins with one
of the calls below. A handler of boto3 looks at them before they are sent; the local AWS and plain tools of AWS never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import ceil
from typing import Any, NamedTuple

import boto3

from infra import project
from infra.teaching import cost
from infra.teaching.names import is_ours
from infra.teaching.pages import pages
from infra.teaching.prices import usd
from infra.teaching.units import dpus, kpus

HOUR = 3600.0
CRAWL_HOURS, CRAWL_DPUS = 10 / 60, 2.0  # billed for at least
MINUTE_HOURS = 1 / 60  # a job or a session is billed for at least
PROJECT_HOURS = 0.5
OPEN_SESSION = ("PROVISIONING", "INITIALIZING", "ASSIGNED", "READY", "UPDATING", "ROTATING")  # billed by half hours
Check = Callable[["Estimate"], None]


class Estimate(NamedTuple):
    """What a call will cost, in USD, and of what: `an hour of a job with 2 DPU`."""

    usd: float
    what: str


def of_call(session: Any, operation: str, given: dict[str, Any]) -> Estimate | None:
    """Return what a call will cost on AWS: an hour of what it starts, or less where that ends by itself; None for all other calls.

    Parameters
    ----------
    operation: `glue.StartJobRun`, as boto3's events name it
    given: its parameters
    """
    region = session.region_name
    dpu = usd("glue dpu", region)
    if operation == "glue.CreateSession":
        size, hours = dpus(given), min(HOUR, 60.0 * given.get("Timeout", 2880)) / HOUR
        return Estimate(size * hours * dpu, f"an hour of a Glue session with {size:g} DPU")
    if operation == "glue.StartJobRun":
        job = session.client("glue").get_job(JobName=given["JobName"])["Job"]
        settings = {**job, **given}
        size, hours = dpus(settings), min(HOUR, 60.0 * settings.get("Timeout", 480)) / HOUR
        return Estimate(size * hours * dpu, f"an hour of the job {given['JobName']} with {size:g} DPU")
    if operation == "glue.StartCrawler":
        return Estimate(CRAWL_HOURS * CRAWL_DPUS * dpu, "a crawl, ten minutes of 2 DPU at least")
    if operation == "databrew.StartProjectSession":
        return Estimate(usd("databrew session", region), "half an hour of a DataBrew project")
    if operation == "databrew.StartJobRun":
        nodes = session.client("databrew").describe_job(Name=given["Name"]).get("MaxCapacity", 5)
        return Estimate(nodes * usd("databrew node", region), f"an hour of a DataBrew job with {nodes} nodes")
    if operation == "kinesisanalyticsv2.StartApplication":
        flink = session.client("kinesisanalyticsv2")
        size = kpus(flink.describe_application(ApplicationName=given["ApplicationName"])["ApplicationDetail"])
        return Estimate(size * usd("flink kpu", region), f"an hour of a Flink application with {size} KPU")
    return None


GUARDED = (
    "glue.CreateSession",
    "glue.StartJobRun",
    "glue.StartCrawler",
    "databrew.StartProjectSession",
    "databrew.StartJobRun",
    "kinesis-analytics-v2.StartApplication",
)


def watch(session: Any, asking: Any, check: Check) -> None:
    """Let `check` see the estimate of each guarded call of a session's clients before it is sent; what it raises stops the call.

    Parameters
    ----------
    session: whose clients are watched
    asking: another session of the same profile, to look things up with
    """

    def before(params: dict[str, Any], model: Any, **_: Any) -> None:
        estimate = of_call(asking, f"{model.service_model.service_name}.{model.name}", params)
        if estimate is not None:
            check(estimate)

    for call in GUARDED:
        session.events.register(f"provide-client-params.{call}", before, unique_id=f"workshop-guard-{call}")


def check(profile: str | None, price: float, ask: Callable[[str], str]) -> None:
    """On real AWS, refuse what passes the limit in USD; the local AWS is free.

    Parameters
    ----------
    price: of what is about to begin, in USD: an hour of it
    ask: asks for the limit, once

    Raises infra.teaching.cost.LimitReached.
    """
    if project.is_local(profile) or not price:
        return
    most = cost.limit(project.home() / "limits.json", profile or "default", ask)
    session = boto3.Session()
    stacks = cost.running(session, project.ROOT / "infra" / "stacks")
    now = stacks.hourly + sum(each.usd for each in (*hourly(session), *open_projects(session)))
    cost.check(cost.Running(now, stacks.total + used(session), stacks.stacks), cost.Cost(price), most)


def used(session: Any) -> float:
    """Return what jobs, sessions, crawls, DataBrew and applications of the workshop have cost until now, by their times, in USD."""
    return sum(part.usd for part in uses(session))


def uses(session: Any) -> Iterator[Estimate]:
    """Yield what each of them has cost."""
    yield from _glue_uses(session.client("glue"), usd("glue dpu", session.region_name))
    brew, node = session.client("databrew"), usd("databrew node", session.region_name)
    for job in pages(brew, "list_jobs", "Jobs"):
        if is_ours(job["Name"], job.get("Tags")):
            for run in pages(brew, "list_job_runs", "JobRuns", Name=job["Name"]):
                hours = run.get("ExecutionTime", 0) / HOUR
                yield Estimate(hours * job.get("MaxCapacity", 5) * node, f"DataBrew job {job['Name']}")
    for name, since in _open_projects(brew):
        halves = ceil(max(_hours(since), 1 / HOUR) / PROJECT_HOURS)
        yield Estimate(halves * usd("databrew session", session.region_name), f"DataBrew project {name}")
    flink = session.client("kinesisanalyticsv2")
    for name, size, since in _applications(flink):
        yield Estimate(_hours(since) * size * usd("flink kpu", session.region_name), f"application {name}")


def _glue_uses(glue: Any, dpu: float) -> Iterator[Estimate]:
    for name in filter(is_ours, pages(glue, "list_jobs", "JobNames")):
        for run in pages(glue, "get_job_runs", "JobRuns", JobName=name):
            hours = max(MINUTE_HOURS, run.get("ExecutionTime", 0) / HOUR)
            yield Estimate(hours * dpus(run) * dpu, f"job {name}")
    for each in _sessions(glue):
        hours = max(MINUTE_HOURS, _hours(each["CreatedOn"], each.get("CompletedOn")))
        yield Estimate(hours * dpus(each) * dpu, f"session {each['Id']}")
    for name in filter(is_ours, pages(glue, "list_crawlers", "CrawlerNames")):
        for crawl in pages(glue, "list_crawls", "Crawls", CrawlerName=name):
            hours = max(CRAWL_HOURS, _hours(crawl["StartTime"], crawl.get("EndTime")))
            yield Estimate(hours * CRAWL_DPUS * dpu, f"crawl of {name}")


def hourly(session: Any) -> Iterator[Estimate]:
    """Yield what runs until somebody ends it and is billed by its time: Glue sessions and Flink applications, in USD an hour."""
    for each in _sessions(session.client("glue")):
        if each["Status"] in ("READY", "PROVISIONING"):
            price = dpus(each) * usd("glue dpu", session.region_name)
            yield Estimate(price, f"a Glue session with {dpus(each):g} DPU")
    for name, size, _ in _applications(session.client("kinesisanalyticsv2")):
        yield Estimate(size * usd("flink kpu", session.region_name), f"the application {name}")


def open_projects(session: Any) -> Iterator[Estimate]:
    """Yield the DataBrew projects that are open, in USD an hour; each closes by itself when nobody has worked in it for half an hour."""
    for name, _ in _open_projects(session.client("databrew")):
        half = usd("databrew session", session.region_name)
        yield Estimate(half / PROJECT_HOURS, f"the DataBrew project {name}")


def _sessions(glue: Any) -> Iterator[dict[str, Any]]:
    return (each for each in pages(glue, "list_sessions", "Sessions") if is_ours(each["Role"].rsplit("/", 1)[-1]))


def _open_projects(brew: Any) -> Iterator[tuple[str, datetime]]:
    """Yield the workshop's DataBrew projects whose session is open: name, since when. AWS tells nothing of sessions that were closed."""
    for each in pages(brew, "list_projects", "Projects"):
        if is_ours(each["Name"], each.get("Tags")):
            found = brew.describe_project(Name=each["Name"])
            if found.get("SessionStatus") in OPEN_SESSION:
                yield each["Name"], found["OpenDate"]


def _applications(flink: Any) -> Iterator[tuple[str, int, datetime]]:
    """Yield the workshop's applications that run: name, KPU, since when."""
    for each in pages(flink, "list_applications", "ApplicationSummaries"):
        name = each["ApplicationName"]
        if is_ours(name) and each["ApplicationStatus"] == "RUNNING":
            detail = flink.describe_application(ApplicationName=name)["ApplicationDetail"]
            yield name, kpus(detail), detail.get("LastUpdateTimestamp") or detail["CreateTimestamp"]


def _hours(since: datetime, until: datetime | None = None) -> float:
    return (_aware(until or datetime.now(UTC)) - _aware(since)).total_seconds() / HOUR


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
