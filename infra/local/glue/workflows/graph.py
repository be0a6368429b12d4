"""A workflow as nodes (triggers, jobs, crawlers) and edges between them.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-workflow.html#aws-glue-api-workflow-WorkflowGraph
"""

from __future__ import annotations

import hashlib
from typing import Any

from infra.local.glue.workflows.record import Run, Trigger


def graph(backend: Any, workflow: str, run: Run | None) -> dict[str, Any]:
    """Return the graph of a workflow, with what one of its runs has started."""
    triggers = [backend.triggers[name] for name in sorted(backend.triggers)]
    triggers = [trigger for trigger in triggers if trigger.workflow == workflow]
    nodes: dict[str, dict[str, Any]] = {}
    edges = []
    for trigger in triggers:
        nodes[trigger.name] = _node("TRIGGER", trigger.name, TriggerDetails={"Trigger": trigger.as_dict()})
        for kind, name, is_before in _neighbours(trigger):
            key = f"{kind} {name}"
            nodes.setdefault(key, _worker(backend, kind, name, run))
            ends = (key, trigger.name) if is_before else (trigger.name, key)
            edges.append({"SourceId": nodes[ends[0]]["UniqueId"], "DestinationId": nodes[ends[1]]["UniqueId"]})
    return {"Nodes": list(nodes.values()), "Edges": edges}


def _node(kind: str, name: str, **details: Any) -> dict[str, Any]:
    unique = "wnode_" + hashlib.sha256(f"{kind} {name}".encode()).hexdigest()
    return {"Type": kind, "Name": name, "UniqueId": unique, **details}


def _neighbours(trigger: Trigger) -> list[tuple[str, str, bool]]:
    """Return kind and name of what a trigger waits for and of what it starts, and whether it comes before the trigger."""
    conditions = (trigger.settings.get("Predicate") or {}).get("Conditions") or []
    found = [(each, True) for each in conditions] + [(each, False) for each in trigger.actions]
    return [
        (("JOB", each["JobName"], before) if each.get("JobName") else ("CRAWLER", each["CrawlerName"], before))
        for each, before in found
    ]


def _worker(backend: Any, kind: str, name: str, run: Run | None) -> dict[str, Any]:
    ids = [each.run_id for each in run.actions if (each.kind.upper(), each.name) == (kind, name)] if run else []
    if kind == "JOB":
        runs = backend.jobs[name].runs if name in backend.jobs else []
        found = [each.as_dict() for each in runs if each.run_id in ids]
        return _node(kind, name, JobDetails={"JobRuns": found} if found else {})
    crawls = backend.crawlers[name].crawls if name in backend.crawlers else []
    told = [_crawl(each, name) for each in crawls if each.crawl_id in ids]
    return _node(kind, name, CrawlerDetails={"Crawls": told} if told else {})


def _crawl(crawl: Any, crawler: str) -> dict[str, Any]:
    shown = crawl.as_dict(crawler)
    state = {"COMPLETED": "SUCCEEDED", "STOPPED": "CANCELLED"}.get(shown["State"], shown["State"])
    answer = {
        "State": state,
        "StartedOn": shown["StartTime"],
        "CompletedOn": shown.get("EndTime"),
        "ErrorMessage": shown.get("ErrorMessage"),
        "LogGroup": shown["LogGroup"],
        "LogStream": shown["LogStream"],
    }
    return {key: value for key, value in answer.items() if value is not None}
