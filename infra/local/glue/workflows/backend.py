"""The operations on triggers, workflows and their runs.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-trigger.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-workflow.html
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.glue.exceptions import AlreadyExistsException, ConcurrentRunsExceededException, EntityNotFoundException
from moto.glue.models import GlueBackend

from infra.local.core import state
from infra.local.glue.drivers import InvalidInput
from infra.local.glue.workflows import running
from infra.local.glue.workflows.checks import BY_ITSELF, check_trigger
from infra.local.glue.workflows.record import OPEN, Run, Trigger, Workflow


class Workflows(GlueBackend):
    """Triggers by name in `triggers`, workflows in `workflows`; `loose_runs` are those of triggers without a workflow."""

    triggers: dict[str, Trigger]  # type: ignore[assignment]
    workflows: dict[str, Workflow]  # type: ignore[assignment]

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.loose_runs: list[Run] = []

    def __setstate__(self, values: dict[str, Any]) -> None:
        """A lake of before has moto's triggers and workflows, which did nothing, and no runs of them."""
        self.__dict__.update(values)
        self.__dict__.setdefault("loose_runs", [])
        for name, found in list(self.triggers.items()):
            if not isinstance(found, Trigger):
                given = {key: value for key, value in found.as_dict().items() if value and key not in ("Name", "State")}
                self.triggers[name] = Trigger(name, self._arn("trigger", name), given)
        for name, workflow in list(self.workflows.items()):
            if not isinstance(workflow, Workflow):
                self.workflows[name] = Workflow(name, self._arn("workflow", name), {})

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:glue:{self.region_name}:{self.account_id}:{kind}/{name}"

    # --- triggers

    def create_trigger(self, name: str, given: dict[str, Any]) -> None:  # type: ignore[override]
        if name in self.triggers:
            raise AlreadyExistsException("Trigger")
        settings = {key: value for key, value in given.items() if key not in ("Tags", "StartOnCreation")}
        check_trigger(self, name, settings)
        starts = bool(given.get("StartOnCreation"))
        if starts and settings["Type"] not in BY_ITSELF:
            raise InvalidInput(f"StartOnCreation is not supported for triggers of type {settings['Type']}.")
        trigger = Trigger(name, self._arn("trigger", name), settings, "ACTIVATED" if starts else "CREATED")
        self.triggers[name] = trigger
        self.tag_resource(trigger.arn, given.get("Tags"))
        running.plan(trigger)

    def get_trigger(self, name: str) -> Trigger:  # type: ignore[override]
        if name not in self.triggers:
            raise EntityNotFoundException(f"Trigger with name: {name} not found.")
        return self.triggers[name]

    def update_trigger(self, name: str, update: dict[str, Any]) -> Trigger:
        """Replace what a trigger does; its type and workflow stay."""
        trigger = self.get_trigger(name)
        kept: dict[str, Any] = {
            key: trigger.settings[key] for key in ("Type", "WorkflowName") if key in trigger.settings
        }
        settings: dict[str, Any] = {**update, **kept}
        settings.pop("Name", None)
        settings.setdefault("Actions", trigger.actions)
        for key in ("Schedule", "Predicate"):
            if key in trigger.settings:
                settings.setdefault(key, trigger.settings[key])
        check_trigger(self, name, settings)
        trigger.settings = settings
        running.plan(trigger)
        return trigger

    def triggers_of(self, job: str | None) -> list[Trigger]:
        """Return the triggers by name, or those that start a job. Raises EntityNotFoundException where none does."""
        found = [self.triggers[name] for name in sorted(self.triggers)]
        if job is None:
            return found
        wanted = [each for each in found if any(action.get("JobName") == job for action in each.actions)]
        if not wanted:
            raise EntityNotFoundException(f"There are no triggers for the job {job}.")
        return wanted

    def start_trigger(self, name: str) -> None:
        trigger = self.get_trigger(name)
        if trigger.kind == "ON_DEMAND":
            if trigger.workflow:
                self.start_run(trigger.workflow, {})
            else:
                running.begin(self, trigger, {})
            return
        trigger.state = "ACTIVATED"
        running.plan(trigger)

    def stop_trigger(self, name: str) -> None:
        trigger = self.get_trigger(name)
        if trigger.kind == "ON_DEMAND":
            raise InvalidInput("A trigger of type ON_DEMAND cannot be stopped.")
        trigger.state = "DEACTIVATED"
        running.plan(trigger)

    def delete_trigger(self, name: str) -> None:
        trigger = self.triggers.pop(name, None)
        if trigger is not None:
            self.tagger.delete_all_tags_for_resource(trigger.arn)
            state.afterwards(lambda: running.TABLE.set(trigger.arn, None))

    # --- workflows

    def create_workflow(self, name: str, given: dict[str, Any]) -> None:  # type: ignore[override]
        if name in self.workflows:
            raise AlreadyExistsException("Workflow")
        settings = {key: value for key, value in given.items() if key not in ("Name", "Tags")}
        workflow = Workflow(name, self._arn("workflow", name), settings)
        self.workflows[name] = workflow
        self.tag_resource(workflow.arn, given.get("Tags"))

    def workflow(self, name: str) -> Workflow:
        if name not in self.workflows:
            raise EntityNotFoundException(f"Workflow with name: {name} not found.")
        return self.workflows[name]

    def update_workflow(self, name: str, given: dict[str, Any]) -> None:  # type: ignore[override]
        workflow = self.workflow(name)
        workflow.settings |= {key: value for key, value in given.items() if key != "Name"}
        workflow.last_modified_on = utcnow()

    def delete_workflow(self, name: str) -> None:  # type: ignore[override]
        """Remove a workflow with its triggers; what they started runs on."""
        workflow = self.workflows.pop(name, None)
        if workflow is None:
            return
        self.tagger.delete_all_tags_for_resource(workflow.arn)
        for trigger in [each for each in self.triggers.values() if each.workflow == name]:
            self.delete_trigger(trigger.name)

    def start_run(self, name: str, properties: dict[str, str]) -> Run:
        """Start a workflow. Raises ConcurrentRunsExceededException, InvalidInputException when it begins with nothing."""
        workflow = self.workflow(name)
        trigger = running.starting(self, name)
        if trigger is None:
            raise InvalidInput(f"The workflow {name} has no starting trigger.")
        most = workflow.settings.get("MaxConcurrentRuns")
        if most is not None and sum(run.status in OPEN for run in workflow.runs) >= most:
            raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {name}")
        return running.begin(self, trigger, {**(workflow.settings.get("DefaultRunProperties") or {}), **properties})

    def run_of(self, name: str, run_id: str) -> Run:
        for run in self.workflow(name).runs:
            if run.run_id == run_id:
                return run
        raise EntityNotFoundException(f"Workflow run {run_id} of workflow {name} not found.")

    def stop_run(self, name: str, run_id: str) -> None:
        run = self.run_of(name, run_id)
        if run.status not in OPEN:
            raise _not_running(run)
        run.status = "STOPPING"
        state.afterwards(running.WATCH.start)


def _not_running(run: Run) -> Exception:
    return JsonRESTError("IllegalWorkflowStateException", f"The workflow run {run.run_id} is {run.status}.")
