"""An execution without a server: tasks are answered by a function, and time is only as long as it must be.

For TestState and for the conformance lists of the tests.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import Any

from infra.local.stepfunctions.actions import StartTask, WakeUp
from infra.local.stepfunctions.definition import Definition
from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.interpreter import Interpreter
from infra.local.stepfunctions.record import Execution, Frame

Answer = Callable[[dict[str, Any], Any], Any]  # (task, arguments) → result; may raise StateFailure
ACCOUNT, REGION = "123456789012", "us-east-1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:simulated"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:simulated:run"


def _no_tasks(task: dict[str, Any], arguments: Any) -> Any:
    raise StateFailure("States.TaskFailed", "No task is expected here.")


class Simulation:
    """One execution on a clock of its own. Tasks that an answer of None leaves open end by their timeout."""

    def __init__(self, definition: str, input: str = "{}", answer: Answer = _no_tasks, kind: str = "STANDARD"):
        self.clock = time.time()
        self.answer = answer
        self.timers: list[tuple[float, int]] = []
        self.slept = 0.0
        self.execution = Execution(
            EXECUTION, MACHINE, "run", kind, f"arn:aws:iam::{ACCOUNT}:role/r", input, Definition(definition), self.clock,
            ACCOUNT, REGION,
        )  # fmt: skip
        self.interpreter = Interpreter(self.execution, lambda: self.clock)

    def run(self) -> Execution:
        """Run to the end, or to where nothing more would happen."""
        self.interpreter.begin()
        timeout = self.execution.definition.timeout_seconds
        deadline = self.clock + timeout if timeout else float("inf")
        while self.execution.status == "RUNNING":
            while self.interpreter.advance(1000) or self.interpreter.actions:
                self._act()
            if self.execution.status != "RUNNING" or not self.timers:
                break
            due, number = heapq.heappop(self.timers)
            if max(due, self.clock) >= deadline:
                self.interpreter.stop("TIMED_OUT")
                break
            self.slept += max(due - self.clock, 0)
            self.clock = max(due, self.clock)
            frame = self.execution.frames.get(number)
            if frame is not None:
                self.interpreter.wake(frame)
        return self.execution

    def _act(self) -> None:
        actions, self.interpreter.actions = self.interpreter.actions, []
        for action in actions:
            if isinstance(action, WakeUp):
                heapq.heappush(self.timers, (action.due, action.frame))
            elif isinstance(action, StartTask):
                frame = self.execution.frames.get(action.frame)
                if frame is not None and frame.task and frame.task["id"] == action.task:
                    self._task(frame)

    def _task(self, frame: Frame) -> None:
        assert frame.task is not None
        self.interpreter.task_started(frame)
        try:
            result = self.answer(frame.task, frame.task["arguments"])
        except StateFailure as failure:
            self.interpreter.task_failed(frame, failure)
            return
        if result is not None:
            self.interpreter.task_succeeded(frame, result)
