"""What a trigger may be.

Source: https://docs.aws.amazon.com/glue/latest/dg/about-triggers.html
"""

from __future__ import annotations

from typing import Any

from moto.glue.exceptions import EntityNotFoundException

from infra.local.glue.crawler.checks import check_schedule
from infra.local.glue.drivers import InvalidInput

STARTING = ("ON_DEMAND", "SCHEDULED", "EVENT")
BY_ITSELF = ("SCHEDULED", "CONDITIONAL")  # which are active or not
WINDOW_SECONDS = 900


def check_trigger(backend: Any, name: str, given: dict[str, Any]) -> None:
    """Raise InvalidInputException or EntityNotFoundException for a trigger that Glue does not take."""
    kind, workflow = given["Type"], given.get("WorkflowName")
    if workflow is not None:
        _check_workflow(backend, name, kind, workflow)
    elif kind == "EVENT":
        raise InvalidInput("A trigger of type EVENT must be the starting trigger of a workflow.")
    if (kind == "SCHEDULED") != bool(given.get("Schedule")):
        raise InvalidInput(
            "Schedule cannot be null or empty" if kind == "SCHEDULED" else f"A trigger of type {kind} has no Schedule."
        )
    if kind == "SCHEDULED":
        check_schedule(given["Schedule"])
    conditions = (given.get("Predicate") or {}).get("Conditions")
    if kind == "CONDITIONAL" and not conditions:
        raise InvalidInput("Predicate cannot be null or empty")
    if kind != "CONDITIONAL" and conditions:
        raise InvalidInput(f"A trigger of type {kind} has no Predicate.")
    for condition in conditions or ():
        _check_condition(backend, condition)
    if given.get("EventBatchingCondition") and kind != "EVENT":
        raise InvalidInput(f"A trigger of type {kind} has no EventBatchingCondition.")
    if not given.get("Actions"):
        raise InvalidInput("Actions cannot be null or empty")
    for action in given["Actions"]:
        _check_named(backend, action, "action")
        if action.get("SecurityConfiguration"):
            raise InvalidInput("The local AWS has no security configurations of runs.")


def _check_workflow(backend: Any, name: str, kind: str, workflow: str) -> None:
    if workflow not in backend.workflows:
        raise EntityNotFoundException(f"Workflow with name: {workflow} not found.")
    others = [each for each in backend.triggers.values() if each.workflow == workflow and each.name != name]
    if kind in STARTING and any(each.kind in STARTING for each in others):
        raise InvalidInput(f"The workflow {workflow} has a starting trigger already.")


def _check_condition(backend: Any, condition: dict[str, Any]) -> None:
    _check_named(backend, condition, "condition")
    if condition.get("LogicalOperator", "EQUALS") != "EQUALS":
        raise InvalidInput("LogicalOperator must be EQUALS.")
    wanted, other = ("State", "CrawlState") if condition.get("JobName") else ("CrawlState", "State")
    if not condition.get(wanted) or condition.get(other):
        raise InvalidInput(f"A condition of a {'job' if wanted == 'State' else 'crawler'} must have {wanted} only.")


def _check_named(backend: Any, given: dict[str, Any], what: str) -> None:
    job, crawler = given.get("JobName"), given.get("CrawlerName")
    if bool(job) == bool(crawler):
        raise InvalidInput(f"Exactly one of JobName and CrawlerName must be given in each {what}.")
    if job and job not in backend.jobs:
        raise EntityNotFoundException(f"Job with name: {job} not found.")
    if crawler and crawler not in backend.crawlers:
        raise EntityNotFoundException(f"Crawler entry with name {crawler} does not exist")
