"""Triggers and workflows: requests and answers."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from infra.local.glue.catalog.api import CatalogResponse
from infra.local.glue.workflows.graph import graph
from infra.local.glue.workflows.record import Run

MOST = 200
MOST_WORKFLOWS = 25
MOST_RUNS = 1000


class WorkflowsResponse(CatalogResponse):
    def create_trigger(self) -> ActionResult:
        given = self.given()
        name = given.pop("Name")
        self.glue_backend.create_trigger(name, given)
        return ActionResult({"Name": name})

    def update_trigger(self) -> ActionResult:
        given = self.given()
        trigger = self.glue_backend.update_trigger(given["Name"], given["TriggerUpdate"])
        return ActionResult({"Trigger": trigger.as_dict()})

    def get_trigger(self) -> ActionResult:
        return ActionResult({"Trigger": self.glue_backend.get_trigger(self.given()["Name"]).as_dict()})

    def get_triggers(self) -> ActionResult:
        found = self.glue_backend.triggers_of(self.parameters.get("DependentJobName"))
        return self.answer_page("Triggers", found, MOST)

    def list_triggers(self) -> ActionResult:
        found = self.glue_backend.triggers_of(self.parameters.get("DependentJobName"))
        names = self.filter_triggers_by_tags(found, self.parameters.get("Tags"))
        return self.answer_page("TriggerNames", list(names), MOST, render=str)

    def batch_get_triggers(self) -> ActionResult:
        names, known = self.given()["TriggerNames"], self.glue_backend.triggers
        found = [known[name].as_dict() for name in names if name in known]
        return ActionResult({"Triggers": found, "TriggersNotFound": [name for name in names if name not in known]})

    def start_trigger(self) -> ActionResult:
        name = self.given()["Name"]
        self.glue_backend.start_trigger(name)
        return ActionResult({"Name": name})

    def stop_trigger(self) -> ActionResult:
        name = self.given()["Name"]
        self.glue_backend.stop_trigger(name)
        return ActionResult({"Name": name})

    def delete_trigger(self) -> ActionResult:
        name = self.given()["Name"]
        self.glue_backend.delete_trigger(name)
        return ActionResult({"Name": name})

    # --- workflows

    def create_workflow(self) -> ActionResult:
        given = self.given()
        self.glue_backend.create_workflow(given["Name"], given)
        return ActionResult({"Name": given["Name"]})

    def update_workflow(self) -> ActionResult:
        given = self.given()
        self.glue_backend.update_workflow(given["Name"], given)
        return ActionResult({"Name": given["Name"]})

    def get_workflow(self) -> ActionResult:
        given = self.given()
        return ActionResult({"Workflow": self._workflow(given["Name"], given)})

    def _workflow(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        backend = self.glue_backend
        workflow = backend.workflow(name)
        answer: dict[str, Any] = workflow.as_dict()
        if given.get("IncludeGraph"):
            answer["Graph"] = graph(backend, name, None)
            if workflow.runs:
                answer["LastRun"] = self._run(workflow.runs[-1], given)
        return answer

    def batch_get_workflows(self) -> ActionResult:
        given, known = self.given(), self.glue_backend.workflows
        found = [self._workflow(name, given) for name in given["Names"] if name in known]
        return ActionResult({"Workflows": found, "MissingWorkflows": [n for n in given["Names"] if n not in known]})

    def list_workflows(self) -> ActionResult:
        names = sorted(self.glue_backend.workflows)
        return self.answer_page("Workflows", names, MOST_WORKFLOWS, render=str)

    def delete_workflow(self) -> ActionResult:
        name = self.given()["Name"]
        self.glue_backend.delete_workflow(name)
        return ActionResult({"Name": name})

    # --- runs

    def start_workflow_run(self) -> ActionResult:
        given = self.given()
        run = self.glue_backend.start_run(given["Name"], given.get("RunProperties") or {})
        return ActionResult({"RunId": run.run_id})

    def _run(self, run: Run, given: dict[str, Any]) -> dict[str, Any]:
        answer = run.as_dict()
        if given.get("IncludeGraph"):
            answer["Graph"] = graph(self.glue_backend, run.workflow, run)
        return answer

    def get_workflow_run(self) -> ActionResult:
        given = self.given()
        return ActionResult({"Run": self._run(self.glue_backend.run_of(given["Name"], given["RunId"]), given)})

    def get_workflow_runs(self) -> ActionResult:
        given = self.given()
        runs = self.glue_backend.workflow(given["Name"]).runs[::-1]  # newest first
        return self.answer_page("Runs", runs, MOST_RUNS, render=lambda run: self._run(run, given))

    def stop_workflow_run(self) -> ActionResult:
        given = self.given()
        self.glue_backend.stop_run(given["Name"], given["RunId"])
        return ActionResult({})

    def get_workflow_run_properties(self) -> ActionResult:
        given = self.given()
        return ActionResult({"RunProperties": self.glue_backend.run_of(given["Name"], given["RunId"]).properties})

    def put_workflow_run_properties(self) -> ActionResult:
        given = self.given()
        self.glue_backend.run_of(given["Name"], given["RunId"]).properties |= given["RunProperties"]
        return ActionResult({})
