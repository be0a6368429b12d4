"""The part of the interpreter for Task states: what is asked for, what became of it, and until when it is waited for.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from infra.local.stepfunctions import resources
from infra.local.stepfunctions.actions import Action, CancelTask, StartTask, WakeUp
from infra.local.stepfunctions.dataflow import Visit, check_size
from infra.local.stepfunctions.failures import HEARTBEAT_TIMEOUT, TIMEOUT, StateFailure
from infra.local.stepfunctions.integrations.answers import check_parameters
from infra.local.stepfunctions.jsonpath import is_number
from infra.local.stepfunctions.record import TASK, Execution, Frame
from infra.local.stepfunctions.scope import compact


class Tasks:
    """Steps of Task states."""

    execution: Execution
    actions: list[Action]
    now: Callable[[], float]

    if TYPE_CHECKING:

        def _visit(self, frame: Frame) -> Visit: ...
        def _state(self, frame: Frame) -> dict[str, Any]: ...
        def _change(self, frame: Frame, status: str) -> None: ...
        def _leave(self, frame: Frame, output: Any, assigned: dict[str, Any], following: str | None = None) -> None: ...
        def _failed(self, frame: Frame, failure: StateFailure) -> None: ...
        def _guarded(self, frame: Frame, run: Any) -> None: ...

    def task_started(self, frame: Frame) -> None:
        task = self._task(frame)
        task["phase"] = "started"
        if task["kind"] == "function":
            self.execution.add_event(frame, "LambdaFunctionStarted")
        elif task["kind"] == "activity":
            self.execution.add_event(
                frame, "ActivityStarted", **({"workerName": w} if (w := task.get("worker")) else {})
            )
        else:
            self.execution.add_event(frame, "TaskStarted", **self._task_names(task))
        self._watch(frame)

    def task_submitted(self, frame: Frame, output: Any, handle: Any) -> None:
        """A `.sync` or `.waitForTaskToken` task was handed over; now its end is waited for."""
        task = self._task(frame)
        task["phase"], task["handle"] = "submitted", handle
        self.execution.add_event(frame, "TaskSubmitted", **self._task_names(task), **output_details(output))

    def task_succeeded(self, frame: Frame, output: Any) -> None:
        task = self._task(frame)
        try:
            check_size(output, task["resource"] if task["kind"] == "function" else task["service"])
        except StateFailure as failure:
            self.task_failed(frame, failure)
            return
        kinds = {"function": "LambdaFunctionSucceeded", "activity": "ActivitySucceeded"}
        names = {} if task["kind"] in kinds else self._task_names(task)
        self.execution.add_event(frame, kinds.get(task["kind"], "TaskSucceeded"), **names, **output_details(output))
        frame.task = None
        self._guarded(frame, lambda each: self._leave(each, *self._visit(each).output(output)))

    def task_failed(self, frame: Frame, failure: StateFailure, kind: str = "Failed") -> None:
        """A task failed. kind: the event's last word: Failed, TimedOut, StartFailed, SubmitFailed."""
        task = self._task(frame)
        details = {"error": failure.error, "cause": failure.cause}
        word = {"function": "LambdaFunction", "activity": "Activity"}.get(task["kind"], "Task")
        names = {} if word != "Task" else self._task_names(task)
        self.execution.add_event(frame, word + kind, **names, **present(details))
        frame.task = None
        self._failed(frame, failure)

    def heartbeat(self, frame: Frame) -> None:
        """A worker told that it is still there."""
        task = self._task(frame)
        if "heartbeat" in task:
            task["heartbeat_at"] = self.now() + task["heartbeat"]
            self.actions.append(WakeUp(frame.id, task["heartbeat_at"]))
            self.execution.changed.add(frame.id)

    def _run_task(self, frame: Frame) -> None:
        state = self._state(frame)
        resource = resources.parse(state["Resource"])
        task: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "phase": "scheduled",
            "kind": resource.kind,
            "resource": resource.arn,
            "service": resource.resource_type,
            "action": resource.resource,
            "scheduled": self.now(),
        }
        if resource.waits_for_token:
            task["token"] = self._token(frame, task["id"])
        frame.task = task
        try:
            visit = self._visit(frame)
            task["arguments"] = visit.arguments()
            check_parameters(resource, task["arguments"])
            limits = self._limits(visit)
        except StateFailure:
            frame.task = None
            raise
        task.update(limits)
        parameters = compact(task["arguments"])
        if resource.kind == "function":
            self.execution.add_event(
                frame,
                "LambdaFunctionScheduled",
                resource=resource.arn,
                input=parameters,
                inputDetails={"truncated": False},
                **present({"timeoutInSeconds": task.get("timeout")}),
            )
        elif resource.kind == "activity":
            self.execution.add_event(
                frame, "ActivityScheduled", resource=resource.arn, input=parameters, inputDetails={"truncated": False},
                **present({"timeoutInSeconds": task.get("timeout"), "heartbeatInSeconds": task.get("heartbeat")}),
            )  # fmt: skip
        else:
            self.execution.add_event(
                frame, "TaskScheduled", **self._task_names(task), region=self.execution.region, parameters=parameters,
                **present({"timeoutInSeconds": task.get("timeout"), "heartbeatInSeconds": task.get("heartbeat")}),
            )  # fmt: skip
        self._change(frame, TASK)
        if resource.kind == "activity":
            self._watch(frame)
        self.actions.append(StartTask(frame.id, task["id"]))

    def _token(self, frame: Frame, task: str) -> str:
        return base64.urlsafe_b64encode(f"{self.execution.arn}|{frame.id}|{task}".encode()).decode()

    def _limits(self, visit: Visit) -> dict[str, Any]:
        """Return timeout and heartbeat in seconds, where the state has them. Raises StateFailure."""
        limits = {}
        for key, name in (("timeout", "TimeoutSeconds"), ("heartbeat", "HeartbeatSeconds")):
            if name in visit.state or name + "Path" in visit.state:
                seconds = visit.number(name)
                if not is_number(seconds) or not float(seconds).is_integer() or seconds <= 0:
                    raise visit.out_of_range(
                        name, f"The field {name} must be a positive whole number but was {compact(seconds)}"
                    )
                limits[key] = int(seconds)
        return limits

    def _watch(self, frame: Frame) -> None:
        """From now on the task's timeout and heartbeat count."""
        task = self._task(frame)
        now = self.now()
        if "timeout" in task:
            task["timeout_at"] = now + task["timeout"]
            self.actions.append(WakeUp(frame.id, task["timeout_at"]))
        self.heartbeat(frame)
        self.execution.changed.add(frame.id)

    def _check_deadlines(self, frame: Frame, task: dict[str, Any], now: float) -> None:
        if task.get("timeout_at", now + 1) <= now:
            failure = StateFailure(TIMEOUT)
        elif task.get("heartbeat_at", now + 1) <= now:
            # AWS shows it as a timeout; a Retry or Catch may name the heartbeat
            failure = StateFailure(TIMEOUT, also=HEARTBEAT_TIMEOUT)
        else:
            return
        self._stop_job(task)
        self.task_failed(frame, failure, "TimedOut")

    def _stop_job(self, task: dict[str, Any]) -> None:
        if task.get("handle") is not None:
            self.actions.append(CancelTask(dict(task)))

    def _task(self, frame: Frame) -> dict[str, Any]:
        assert frame.task is not None
        self.execution.changed.add(frame.id)
        return frame.task

    def _task_names(self, task: dict[str, Any]) -> dict[str, Any]:
        return {"resourceType": task["service"], "resource": task["action"]}


def present(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value is not None}


def output_details(output: Any) -> dict[str, Any]:
    return {"output": compact(output), "outputDetails": {"truncated": False}}
