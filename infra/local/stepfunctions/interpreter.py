"""The interpreter: takes an execution from one saved point to the next. It calls nothing and waits for nothing.

What must happen outside (start a task, wake up later, the end) it leaves in `actions`, to be done when the changes are saved.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-states.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from infra.local.stepfunctions import retry
from infra.local.stepfunctions.actions import Action, WakeUp
from infra.local.stepfunctions.choice import timestamp
from infra.local.stepfunctions.dataflow import Visit
from infra.local.stepfunctions.failures import (
    DATA_LIMIT,
    NO_CHOICE,
    QUERY_EVALUATION,
    RUNTIME,
    StateFailure,
)
from infra.local.stepfunctions.groups import Groups
from infra.local.stepfunctions.jsonpath import is_number
from infra.local.stepfunctions.record import ABORTED, DONE, FAILED, OPEN, QUEUED, READY, TASK, WAITING, Execution, Frame
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.tasks import Tasks, present

EVENT_LIMIT = 25_000
MAX_WAIT_SECONDS = 2**31  # AWS counts in 32 bits


class Interpreter(Groups, Tasks):
    """Steps of one execution.

    Parameters
    ----------
    execution: what is interpreted
    now: the clock, seconds since 1970
    """

    def __init__(self, execution: Execution, now: Callable[[], float] = time.time):
        self.execution = execution
        self.now = now
        self.actions: list[Action] = []
        self.ready: dict[int, None] = {each.id: None for each in execution.frames.values() if each.status == READY}

    # --- from outside

    def begin(self) -> None:
        """Start the execution: its first event, its first frame."""
        execution = self.execution
        details: dict[str, Any] = {
            "input": execution.input,
            "inputDetails": {"truncated": False},
            "roleArn": execution.role,
        }
        if execution.version_arn:
            details["stateMachineVersionArn"] = execution.version_arn
        if execution.alias_arn:
            details["stateMachineAliasArn"] = execution.alias_arn
        execution.add_event(None, "ExecutionStarted", **details)
        self._change(execution.new_frame((), execution.parsed_input), READY)

    def advance(self, steps: int) -> bool:
        """Take up to so many steps, fairly between the frames. Return whether more are to be taken."""
        while self.ready and steps > 0 and self.execution.status == "RUNNING":
            number = next(iter(self.ready))
            del self.ready[number]
            frame = self.execution.frames.get(number)
            if frame is not None and frame.status == READY:
                steps -= 1
                self._step(frame)
        return bool(self.ready) and self.execution.status == "RUNNING"

    def wake(self, frame: Frame) -> None:
        """Go on with a frame whose time has come: after a Wait, before a retry, at a deadline of its task."""
        now = self.now()
        if frame.status == WAITING and frame.due is not None:
            if frame.due > now:
                self.actions.append(WakeUp(frame.id, frame.due))
                return
            frame.due = None
            if self._state(frame)["Type"] == "Wait":
                self._guarded(frame, self._after_wait)
            else:
                self._change(frame, READY)
        elif frame.status == TASK and frame.task:
            self._check_deadlines(frame, frame.task, now)

    def stop(self, status: str, error: str | None = None, cause: str | None = None) -> None:
        """End the execution from outside: ABORTED or TIMED_OUT."""
        for frame in list(self.execution.frames.values()):
            self._cancel(frame)
        kind = {"ABORTED": "ExecutionAborted", "TIMED_OUT": "ExecutionTimedOut"}[status]
        self.execution.add_event(None, kind, **present({"error": error, "cause": cause}))
        self._end(status, error=error, cause=cause)

    def fail(self, failure: StateFailure) -> None:
        """End the execution because of a failure outside of any state."""
        self._fail_execution(failure)

    def redrive(self) -> None:
        """Go on at the states that failed or were stopped."""
        execution = self.execution
        execution.status, execution.stop = "RUNNING", None
        execution.error = execution.cause = None
        execution.redrive_count += 1
        execution.redrive_date = self.now()
        execution.add_event(None, "ExecutionRedriven", redriveCount=execution.redrive_count)
        for frame in sorted(execution.frames.values(), key=lambda each: each.id):
            self._redrive_frame(frame)

    # --- steps

    def _step(self, frame: Frame) -> None:
        if self.execution.events_made >= EVENT_LIMIT - 1 and not self.execution.is_express:
            self._fail_execution(
                StateFailure(RUNTIME, f"The execution reached the maximum number of history events ({EVENT_LIMIT}).")
            )
            return
        if not frame.entered_event:
            self._enter(frame)
        run = getattr(self, f"_run_{self._state(frame)['Type'].lower()}")
        self._guarded(frame, run)

    def _enter(self, frame: Frame) -> None:
        frame.entered_at = self.now()
        frame.before_entered = frame.last_event
        frame.entered_event = self.execution.add_event(
            frame,
            f"{self._state(frame)['Type']}StateEntered",
            name=frame.state,
            input=compact(frame.raw),
            inputDetails={"truncated": False},
        )

    def _guarded(self, frame: Frame, run: Callable[[Frame], None]) -> None:
        """Do a part of a state; a failure in it is the state's."""
        try:
            run(frame)
        except StateFailure as failure:
            self._failed(frame, self._explained(frame, failure))

    def _explained(self, frame: Frame, failure: StateFailure) -> StateFailure:
        """Return a failure of a path or an expression with AWS's words on where it was."""
        if failure.error == DATA_LIMIT:
            return failure
        where = f"An error occurred while executing the state '{frame.state}' (entered at the event id #{frame.entered_event}). "
        return StateFailure(failure.error, where + (failure.cause or ""), failure.location, failure.is_evaluation)

    def _run_pass(self, frame: Frame) -> None:
        visit = self._visit(frame)
        if visit.is_jsonata:
            self._leave(frame, *visit.output())
            return
        arguments = visit.arguments()
        self._leave(frame, *visit.output(visit.state.get("Result", arguments), selector=False))

    def _run_succeed(self, frame: Frame) -> None:
        self._leave(frame, *self._visit(frame).output())

    def _run_fail(self, frame: Frame) -> None:
        self._failed(frame, self._visit(frame).failing())

    def _run_choice(self, frame: Frame) -> None:
        try:
            following, output, assigned = self._visit(frame).chosen()
        except StateFailure as failure:
            if failure.error == NO_CHOICE:
                failure.cause = "Failed to transition out of the state. The state does not point to a next state."
            raise
        self._leave(frame, output, assigned, following)

    def _run_wait(self, frame: Frame) -> None:
        due = self._due(self._visit(frame), frame)
        if due - self.now() > MAX_WAIT_SECONDS:
            raise StateFailure(RUNTIME, "Wait state delay is too long.")
        if due <= self.now():
            self._after_wait(frame)
            return
        frame.due = due
        self._change(frame, WAITING)
        self.actions.append(WakeUp(frame.id, due))

    def _after_wait(self, frame: Frame) -> None:
        self._leave(frame, *self._visit(frame).output())

    def _due(self, visit: Visit, frame: Frame) -> float:
        if visit.state.keys() & {"Seconds", "SecondsPath"}:
            path = visit.state.get("SecondsPath", "Seconds")
            try:
                seconds = visit.number("Seconds")
            except StateFailure as failure:
                if failure.is_evaluation:
                    raise
                raise StateFailure(
                    RUNTIME, f"The SecondsPath parameter does not reference an input value: {path}"
                ) from None
            if isinstance(seconds, bool) or not is_number(seconds) or not float(seconds).is_integer():
                raise visit.out_of_range(
                    "Seconds",
                    f"The SecondsPath parameter cannot be parsed as a long value: {path} == {compact(seconds)}",
                )
            if seconds < 0:
                raise visit.out_of_range(
                    "Seconds", f"The SecondsPath parameter references a negative value: {path} == {seconds}"
                )
            return frame.entered_at + float(seconds)
        if "TimestampPath" in visit.state:
            path = visit.state["TimestampPath"]
            text = visit.scope(visit.effective_input()).select(path)
            words = f"The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: {path} == {text}"
            error = RUNTIME
        else:
            text = visit.state["Timestamp"]
            if visit.is_jsonata:
                text = visit.expression(text, "Timestamp")
            words = (
                f"The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}"
            )
            error = QUERY_EVALUATION if visit.is_jsonata else RUNTIME
        moment = timestamp(text)
        if moment is None:
            raise StateFailure(error, words, "Timestamp", error == QUERY_EVALUATION)
        return moment.timestamp()

    # --- leaving a state

    def _leave(self, frame: Frame, output: Any, assigned: dict[str, Any], following: str | None = None) -> None:
        state = self._state(frame)
        self.execution.add_event(
            frame,
            f"{state['Type']}StateExited",
            name=frame.state,
            output=compact(output),
            outputDetails={"truncated": False},
            **_assigned(assigned),
        )
        self._assign(frame, assigned)
        frame.entered_event, frame.tries, frame.group = 0, [], None
        following = following or state.get("Next")
        if following is None:
            self._finish(frame, output)
        else:
            frame.state, frame.raw = following, output
            self._change(frame, READY)

    def _assign(self, frame: Frame, assigned: dict[str, Any]) -> None:
        if not assigned:
            return
        variables = {**frame.variables, **assigned}
        if len(compact(variables).encode()) > 10 * 1024 * 1024:
            raise StateFailure(DATA_LIMIT, "The variables exceed the maximum total size of 10 MiB.")
        frame.variables = variables

    def _finish(self, frame: Frame, output: Any) -> None:
        frame.output = output
        self._change(frame, DONE)
        if frame.parent is not None:
            self._child_done(frame)
            return
        text = compact(output)
        self.execution.add_event(frame, "ExecutionSucceeded", output=text, outputDetails={"truncated": False})
        self._end("SUCCEEDED", output=text)

    # --- failures

    def _failed(self, frame: Frame, failure: StateFailure) -> None:
        """A state failed: try again, catch, or fail what is around."""
        state = self._state(frame)
        if failure.is_evaluation:
            if frame.last_event == frame.entered_event:
                frame.last_event = frame.before_entered  # as AWS chains this event
            details = {
                "state": frame.state,
                "error": failure.error,
                "cause": failure.cause,
                "location": failure.location,
            }
            self.execution.add_event(frame, "EvaluationFailed", **present(details))
        again = retry.next_try(state, failure, frame.tries)
        if again is not None:
            tries = frame.tries + [0] * (len(state["Retry"]) - len(frame.tries))
            tries[again.retrier] += 1
            frame.tries = tries
            self._drop_children(frame)
            frame.due = self.now() + again.seconds
            self._change(frame, WAITING)
            self.actions.append(WakeUp(frame.id, frame.due))
            return
        if frame.group is not None or (failure.is_evaluation and state["Type"] in ("Map", "Parallel")):
            self.execution.add_event(frame, f"{state['Type']}StateFailed")
        caught = retry.catcher(state, failure)
        if caught is not None:
            self._drop_children(frame)
            try:
                output, assigned = self._visit(frame).caught(caught[1], failure)
            except StateFailure as second:
                self._give_up(frame, self._explained(frame, second))
                return
            self._leave(frame, output, assigned, caught[1]["Next"])
            return
        self._give_up(frame, failure)

    def _give_up(self, frame: Frame, failure: StateFailure) -> None:
        frame.error = [failure.error, failure.cause]
        self._change(frame, FAILED)
        if frame.parent is not None:
            self._child_failed(frame, failure)
        else:
            self._fail_execution(failure, frame)

    def _fail_execution(self, failure: StateFailure, frame: Frame | None = None) -> None:
        for each in list(self.execution.frames.values()):
            self._cancel(each)
        frame = frame or next(iter(self.execution.frames.values()))
        details = present({"error": failure.error, "cause": failure.cause})
        self.execution.add_event(frame, "ExecutionFailed", **details)
        self._end("FAILED", error=failure.error, cause=failure.cause)

    def _cancel(self, frame: Frame) -> None:
        """Stop what a frame does; it can be redriven."""
        if frame.status not in OPEN or frame.status == QUEUED:
            return
        if frame.task:
            self._stop_job(frame.task)
        frame.task, frame.due = None, None
        self._change(frame, ABORTED)

    def _end(self, status: str, **values: str | None) -> None:
        execution = self.execution
        execution.status, execution.stop = status, self.now()
        for name, value in values.items():
            setattr(execution, name, value)
        if status == "SUCCEEDED":
            for frame in list(execution.frames.values()):
                execution.drop(frame)

    # --- small helpers

    def _redrive_frame(self, frame: Frame) -> None:
        if frame.status not in (FAILED, ABORTED):
            return
        frame.tries, frame.due, frame.task, frame.error = [], None, None, None
        frame.last_event = self.execution.events_made
        if frame.group is not None:
            self._redrive_group(frame)
        else:
            frame.entered_event = 0
            self._change(frame, READY)

    def _visit(self, frame: Frame) -> Visit:
        state = self._state(frame)
        return Visit(
            frame.state,
            state,
            self.execution.definition.language_of(state),
            frame.raw,
            self.execution.context(frame),
            self.execution.variables(frame),
        )

    def _state(self, frame: Frame) -> dict[str, Any]:
        return self.execution.definition.state(frame.where, frame.state)

    def _change(self, frame: Frame, status: str) -> None:
        frame.status = status
        self.execution.changed.add(frame.id)
        if status == READY:
            self.ready[frame.id] = None


def _assigned(variables: dict[str, Any]) -> dict[str, Any]:
    if not variables:
        return {}
    shown = {name: compact(value) for name, value in variables.items()}
    return {"assignedVariables": shown, "assignedVariablesDetails": {"truncated": False}}
