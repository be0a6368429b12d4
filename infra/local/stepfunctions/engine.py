"""The executions that run: each change is stored before anything happens because of it.

Steps of the interpreter, and calls of tasks, run in threads that are shared by all executions; an execution that waits costs no thread.
After a restart everything goes on from what is stored: a task that was scheduled is started, one that was submitted is watched again, and of
one that was under way it is found out whether it began; where that cannot be known it fails.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infra.local.core import state
from infra.local.core.fair_queue import FairQueue
from infra.local.stepfunctions import telling
from infra.local.stepfunctions.actions import CancelTask, StartTask, WakeUp
from infra.local.stepfunctions.clock import Clock, log
from infra.local.stepfunctions.failures import RUNTIME, StateFailure
from infra.local.stepfunctions.integrations import calls
from infra.local.stepfunctions.interpreter import Interpreter
from infra.local.stepfunctions.record import READY, TASK, Execution, Frame
from infra.local.stepfunctions.store import Store

STEPS = 250  # of one execution before others have their turn
STEP_THREADS, CALL_THREADS = 4, 64
EXPRESS_SECONDS = 300.0
POLL_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.0)  # between the looks at a job; then the last


@dataclass
class Run:
    """One execution in memory."""

    execution: Execution
    interpreter: Interpreter
    store: Store
    queued: bool = False  # its next steps are in the queue of the threads
    polls: dict[str, int] = field(default_factory=dict)  # task → how often its job was looked at


class Engine:
    """All running executions of all accounts."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.stores: dict[tuple[str, str], Store] = {}
        self.activities: dict[str, deque[tuple[str, int, str]]] = {}  # activity → (execution, frame, task)
        self.stopping = False
        self._make_threads()

    def _make_threads(self) -> None:
        self.steps = FairQueue("states-step", STEP_THREADS, STEP_THREADS - 1)
        self.calls = FairQueue("states-task", CALL_THREADS, CALL_THREADS // 2)
        self.tell = FairQueue("states-tell", 1, 1)  # one thread: what is told keeps its order
        self.clock = Clock()

    def store(self, account: str, region: str) -> Store:
        key = (account, region)
        if (found := self.stores.get(key)) is not None:
            return found
        with state.lock("states-stores"):
            if key not in self.stores:
                path = state.folder("states", account, region) / "executions.sqlite"
                self.stores[key] = Store(path, account, region)
            return self.stores[key]

    # --- start, stop, redrive

    def start(self, execution: Execution) -> Run:
        """Store an execution and let it run. Raises AlreadyStored."""
        store = self.store(execution.account, execution.region)
        run = Run(execution, Interpreter(execution), store)
        with execution.lock:
            run.interpreter.begin()
            events = store.add(execution)
            self.runs[execution.arn] = run
            telling.status(self, execution)
            self._watch_execution(run)
            self._follow(run, events)
        return run

    def stop(self, run: Run, error: str | None, cause: str | None) -> None:
        """End an execution because its user wants it."""
        self._change(run, lambda: run.interpreter.stop("ABORTED", error, cause))

    def stop_all(self, machine_arn: str) -> None:
        """End all executions of a state machine that is deleted."""
        for run in [run for run in list(self.runs.values()) if run.execution.machine_arn == machine_arn]:
            self.stop(run, None, None)

    def redrive(self, execution: Execution) -> Run:
        """Let an execution that failed go on; it has its frames."""
        run = Run(execution, Interpreter(execution), self.store(execution.account, execution.region))
        self.runs[execution.arn] = run
        self._change(run, run.interpreter.redrive)
        self._watch_execution(run)
        telling.status(self, execution)
        return run

    def find(self, arn: str) -> Run | None:
        return self.runs.get(arn)

    # --- one change of one execution

    def _change(self, run: Run, change: Callable[[], None]) -> None:
        """Change an execution, and store it before anything follows."""
        with run.execution.lock:
            if run.execution.status != "RUNNING" and change != run.interpreter.redrive:
                return
            change()
            self._saved(run)

    def _saved(self, run: Run) -> None:
        """Store what changed, then do what follows from it."""
        self._follow(run, run.store.save(run.execution))

    def _follow(self, run: Run, events: list[dict[str, Any]]) -> None:
        execution = run.execution
        actions, run.interpreter.actions = run.interpreter.actions, []
        telling.events(self, execution, events)
        for action in actions:
            self._act(run, action)
        if execution.status != "RUNNING":
            self.runs.pop(execution.arn, None)
            telling.status(self, execution)
            execution.finished.set()
        elif run.interpreter.ready and not run.queued:
            run.queued = True
            self.steps.submit(execution.account, partial(self._step, run))

    def _step(self, run: Run) -> None:
        with run.execution.lock:
            run.queued = False
            if run.execution.status != "RUNNING" or self.stopping:
                return
            try:
                run.interpreter.advance(STEPS)
            except Exception as error:  # a fault of the interpreter must not leave the execution running for ever
                log.exception("%s", run.execution.arn)
                run.interpreter.fail(
                    StateFailure(RUNTIME, f"The local AWS failed at this state ({type(error).__name__}).")
                )
            self._saved(run)

    def _act(self, run: Run, action: StartTask | CancelTask | WakeUp) -> None:
        if isinstance(action, WakeUp):
            self._later(run, action.due, lambda each: self._wake(each, action.frame))
        elif isinstance(action, CancelTask):
            call = calls.Call(run.execution, action.task)
            self.calls.submit(run.execution.account, partial(calls.cancel, call))
        else:
            self._begin_task(run, action)

    def _later(self, run: Run, due: float, work: Callable[[Run], None]) -> None:
        """Do something with an execution at a time, if it still runs then; a timer must not keep one that is over in memory."""
        arn, account = run.execution.arn, run.execution.account

        def do() -> None:
            found = self.runs.get(arn)
            if found is not None:
                work(found)

        self.clock.at(due, lambda: self.steps.submit(account, do))

    def _wake(self, run: Run, number: int) -> None:
        frame = run.execution.frames.get(number)
        if frame is not None:
            self._change(run, lambda: run.interpreter.wake(frame))

    # --- tasks

    def _begin_task(self, run: Run, action: StartTask) -> None:
        frame = run.execution.frames.get(action.frame)
        if frame is None or frame.task is None or frame.task["id"] != action.task:
            return
        if frame.task["kind"] == "activity":
            waiting = self.activities.setdefault(frame.task["resource"], deque())
            waiting.append((run.execution.arn, frame.id, action.task))
        else:
            self.calls.submit(run.execution.account, partial(self._call, run, frame, action.task))

    def current(self, run: Run, frame: Frame, task: str) -> dict[str, Any] | None:
        """Return a frame's task if it is still this one."""
        is_open = run.execution.status == "RUNNING" and frame.status == TASK and not self.stopping
        return frame.task if is_open and frame.task and frame.task["id"] == task else None

    def _call(self, run: Run, frame: Frame, task: str) -> None:
        """Start a task: first note that it starts, then call."""
        with run.execution.lock:
            if self.current(run, frame, task) is None:
                return
            self._change(run, lambda: run.interpreter.task_started(frame))
            call = calls.Call(run.execution, dict(frame.task or {}))
        self._outcome(run, frame, task, partial(calls.start, call))

    def _recover(self, run: Run, frame: Frame, task: str) -> None:
        """A task was under way when the server ended: find out what became of it."""
        call = calls.Call(run.execution, dict(frame.task or {}))
        self._outcome(run, frame, task, partial(calls.recover, call, run.store))

    def _outcome(self, run: Run, frame: Frame, task: str, ask: Callable[[], calls.Started]) -> None:
        try:
            started = ask()
        except StateFailure as failure:
            self.fail_task(run, frame, task, failure, "SubmitFailed")
            return
        with run.execution.lock:
            current = self.current(run, frame, task)
            if current is None:
                if started.handle is not None and not self.stopping:  # it is no longer wanted
                    call = calls.Call(run.execution, {**call_of(frame, task, started), "handle": started.handle})
                    self.calls.submit(run.execution.account, partial(calls.cancel, call))
                return
            if not started.is_submitted:
                self._change(run, lambda: run.interpreter.task_succeeded(frame, started.output))
                return
            self._change(run, lambda: run.interpreter.task_submitted(frame, started.output, started.handle))
            if "early" in current:
                self.token_result(run, frame, task, current["early"])
            elif started.handle is not None:
                self._poll_later(run, frame, task)

    def _poll_later(self, run: Run, frame: Frame, task: str) -> None:
        looks = run.polls.get(task, 0)
        run.polls[task] = looks + 1
        due = time.time() + POLL_SECONDS[min(looks, len(POLL_SECONDS) - 1)]
        work = partial(self.calls.submit, run.execution.account, partial(self._poll, run, frame, task))
        self.clock.at(due, work)

    def _poll(self, run: Run, frame: Frame, task: str) -> None:
        with run.execution.lock:
            current = self.current(run, frame, task)
            if current is None:
                run.polls.pop(task, None)
                return
            call = calls.Call(run.execution, dict(current))
        try:
            result = calls.poll(call)
        except StateFailure as failure:
            self.fail_task(run, frame, task, failure)
            return
        if result is None:
            self._poll_later(run, frame, task)
            return
        with run.execution.lock:
            run.polls.pop(task, None)
            if self.current(run, frame, task) is not None:
                self._change(run, lambda: run.interpreter.task_succeeded(frame, result.output))

    def fail_task(self, run: Run, frame: Frame, task: str, failure: StateFailure, kind: str = "Failed") -> None:
        """A task failed. kind: SubmitFailed counts only for tasks that are submitted."""
        with run.execution.lock:
            current = self.current(run, frame, task)
            if current is None:
                return
            submits = current["kind"] in ("optimised", "sdk") and "." in current["action"]
            word = kind if kind != "SubmitFailed" or submits else "Failed"
            self._change(run, lambda: run.interpreter.task_failed(frame, failure, word))

    # --- tokens

    def token_result(self, run: Run, frame: Frame, task: str, result: dict[str, Any]) -> None:
        """A worker told the end of a task: `{"output": …}`, or `{"error": …, "cause": …}`."""
        with run.execution.lock:
            current = self.current(run, frame, task)
            if current is None:
                return
            if current["kind"] != "activity" and current["phase"] != "submitted":
                current["early"] = result  # faster than the call that gave it the token
                self._change(run, lambda: run.execution.changed.add(frame.id))
            elif "output" in result:
                self._change(run, lambda: run.interpreter.task_succeeded(frame, result["output"]))
            else:
                failure = StateFailure(result.get("error"), result.get("cause"))
                self.fail_task(run, frame, task, failure)

    def heartbeat(self, run: Run, frame: Frame) -> None:
        self._change(run, lambda: run.interpreter.heartbeat(frame))

    def next_activity(self, arn: str, worker: str | None) -> tuple[str, str] | None:
        """Return token and input of the next task of an activity, and note that a worker has it."""
        waiting = self.activities.get(arn)
        while waiting:
            try:
                execution, number, task = waiting.popleft()
            except IndexError:
                return None
            run = self.runs.get(execution)
            frame = run.execution.frames.get(number) if run else None
            if run is None or frame is None:
                continue
            with run.execution.lock:
                current = self.current(run, frame, task)
                if current is not None:
                    current["worker"] = worker
                    self._change(run, lambda frame=frame, run=run: run.interpreter.task_started(frame))  # type: ignore[misc]
                    return current["token"], calls.text(current["arguments"])
        return None

    # --- the server's start and end

    def resume(self, places: list[tuple[str, str]]) -> None:
        """Go on with what ran in these accounts and regions when the server ended."""
        for account, region in places:
            store = self.store(account, region)
            for execution in store.untold():
                telling.status(self, execution)
            for execution in store.running():
                run = Run(execution, Interpreter(execution), store)
                if execution.is_sync:  # who waited for it is gone
                    run.interpreter.stop("ABORTED")
                    store.save(execution)
                    continue
                self.runs[execution.arn] = run
                with execution.lock:
                    self._watch_execution(run)
                    for frame in list(execution.frames.values()):
                        self._resume_frame(run, frame)
                    self._saved(run)

    def _resume_frame(self, run: Run, frame: Frame) -> None:
        if frame.due is not None:
            self._act(run, WakeUp(frame.id, frame.due))
        task = frame.task
        if frame.status != TASK or task is None:
            if frame.status == READY:
                run.interpreter.ready[frame.id] = None
            return
        for name in ("timeout_at", "heartbeat_at"):
            if name in task:
                self._act(run, WakeUp(frame.id, task[name]))
        if task["phase"] == "scheduled":
            self._begin_task(run, StartTask(frame.id, task["id"]))
        elif task["phase"] == "submitted":
            if task.get("handle") is not None:
                self._poll_later(run, frame, task["id"])
        elif task["kind"] != "activity":
            self.calls.submit(run.execution.account, partial(self._recover, run, frame, task["id"]))

    def _watch_execution(self, run: Run) -> None:
        """The execution's own time limit."""
        execution = run.execution
        seconds: float | None = execution.definition.timeout_seconds
        if execution.is_express:
            seconds = min(seconds or EXPRESS_SECONDS, EXPRESS_SECONDS)
        if seconds is not None:
            begun = execution.redrive_date or execution.start

            def stop(each: Run) -> None:
                if (each.execution.redrive_date or each.execution.start) == begun:
                    self._change(each, lambda: each.interpreter.stop("TIMED_OUT", "States.Timeout"))

            self._later(run, begun + seconds, stop)

    def forget(self, account: str) -> None:
        """End what still runs in an account that is emptied, and close its rows."""
        for run in [run for run in list(self.runs.values()) if run.execution.account == account]:
            self.stop(run, None, None)
        with state.lock("states-stores"):
            for key in [key for key in self.stores if key[0] == account]:
                self.stores.pop(key).close()

    def close(self) -> None:
        """Stop all threads; what is under way goes on after the next start."""
        self.stopping = True
        self.clock.stop()
        self.steps.close(2)
        self.calls.close(0.2)
        self.tell.close(2)
        for store in self.stores.values():
            store.close()


def call_of(frame: Frame, task: str, started: calls.Started) -> dict[str, Any]:
    """Return what `cancel` needs of a task that the frame no longer has."""
    return {"id": task, "resource": started.resource, "arguments": {}, "kind": "optimised"}


ENGINE = Engine()
