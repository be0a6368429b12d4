"""Parallel and Map: a frame whose state has frames of its own.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html and state-parallel.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.stepfunctions.dataflow import Visit
from infra.local.stepfunctions.failures import RUNTIME, StateFailure
from infra.local.stepfunctions.items import batches_of, items_of, selected, tolerated_failures, whole
from infra.local.stepfunctions.record import ABORTED, DONE, FAILED, GROUP, QUEUED, READY, Execution, Frame

INLINE_LIMIT = 40  # items of an inline Map that AWS runs at a time
THRESHOLD = "States.ExceedToleratedFailureThreshold"
ABORTABLE = ("Task", "Wait", "Parallel", "Map")  # states whose end from outside is an event


class Groups:
    """The part of the interpreter for Parallel and Map."""

    execution: Execution

    if TYPE_CHECKING:

        def _visit(self, frame: Frame) -> Visit: ...
        def _state(self, frame: Frame) -> dict[str, Any]: ...
        def _change(self, frame: Frame, status: str) -> None: ...
        def _leave(self, frame: Frame, output: Any, assigned: dict[str, Any], following: str | None = None) -> None: ...
        def _failed(self, frame: Frame, failure: StateFailure) -> None: ...
        def _cancel(self, frame: Frame) -> None: ...
        def _guarded(self, frame: Frame, run: Any) -> None: ...

    def _run_parallel(self, frame: Frame) -> None:
        arguments = self._visit(frame).arguments()
        branches = self._state(frame)["Branches"]
        self.execution.add_event(frame, "ParallelStateStarted")
        self._open_group(frame, len(branches), limit=len(branches), tolerated=0)
        for number in range(len(branches)):
            where = (*frame.where, frame.state, number)
            self.execution.new_frame(where, arguments, parent=frame.id, index=number, status=QUEUED)
        self._start_queued(frame)

    def _run_map(self, frame: Frame) -> None:
        visit = self._visit(frame)
        items = items_of(visit)
        limit = whole(visit, "MaxConcurrency") or INLINE_LIMIT
        batches = batches_of(visit, items)
        self.execution.add_event(frame, "MapStateStarted", length=len(items))
        tolerated = tolerated_failures(visit, len(batches))
        self._open_group(frame, len(batches), limit=min(limit, INLINE_LIMIT), tolerated=tolerated)
        for index, (value, item) in enumerate(batches):
            where = (*frame.where, frame.state)
            self.execution.new_frame(where, value, parent=frame.id, index=index, status=QUEUED, item=item)
        if batches:
            self._start_queued(frame)
        else:
            self._gather(frame)

    def _open_group(self, frame: Frame, length: int, limit: int, tolerated: int) -> None:
        frame.group = {"first": self.execution.frames_made + 1, "length": length, "next": 0, "open": 0, "failures": 0}
        frame.group |= {"limit": limit, "tolerated": tolerated}
        self._change(frame, GROUP)

    def _start_queued(self, frame: Frame) -> None:
        """Start as many of the queued branches or items as may run at a time."""
        group = _group(frame)
        while group["next"] < group["length"] and group["open"] < group["limit"]:
            child = self.execution.frames[group["first"] + group["next"]]
            group["next"] += 1
            group["open"] += 1
            child.last_event = frame.last_event
            if self._is_map(frame):
                self.execution.add_event(child, "MapIterationStarted", name=frame.state, index=child.index)
                self._select_item(frame, child)
            self._change(child, READY)
        self.execution.changed.add(frame.id)

    def _select_item(self, frame: Frame, child: Frame) -> None:
        """Give an item the input that ItemSelector makes of it. Raises StateFailure."""
        visit = self._visit(frame)
        selector = visit.state.get("ItemSelector", visit.state.get("Parameters"))
        if selector is not None and "ItemBatcher" not in visit.state:
            child.raw = selected(visit, selector, child.item or {})

    def _child_done(self, child: Frame) -> None:
        frame = self._parent(child)
        frame.last_event = max(frame.last_event, child.last_event)
        if self._is_map(frame):
            self.execution.add_event(child, "MapIterationSucceeded", name=frame.state, index=child.index)
        self._go_on(frame, child)

    def _child_failed(self, child: Frame, failure: StateFailure) -> None:
        frame = self._parent(child)
        group = _group(frame)
        if self._is_map(frame):
            self.execution.add_event(child, "MapIterationFailed", False, name=frame.state, index=child.index)
        group["failures"] += 1
        if group["failures"] <= group["tolerated"] and failure.error != RUNTIME:
            frame.last_event = max(frame.last_event, child.last_event)
            self._go_on(frame, child)
            return
        self._abort_children(frame, child)
        frame.last_event = child.last_event
        if group["tolerated"] and failure.error != RUNTIME:
            failure = StateFailure(THRESHOLD, "The specified tolerated failure threshold was exceeded")
        self._failed(frame, StateFailure(failure.error, failure.cause, also=failure.also))

    def _go_on(self, frame: Frame, child: Frame) -> None:
        """One branch or item is over: start the next, or put the results together."""
        group = _group(frame)
        group["open"] -= 1
        self.execution.changed.add(frame.id)
        if group["next"] < group["length"]:
            self._guarded(frame, self._start_queued)
        elif group["open"] == 0:
            frame.last_event = child.last_event
            self._gather(frame)

    def _gather(self, frame: Frame) -> None:
        results = [_result(child) for child in self.execution.children(frame)]
        self._drop_children(frame)
        self.execution.add_event(frame, f"{self._state(frame)['Type']}StateSucceeded", False)
        self._guarded(frame, lambda each: self._leave(each, *self._visit(each).output(results)))

    def _abort_children(self, frame: Frame, failed: Frame) -> None:
        """Stop all branches or items because one failed; their events come after those of the failed one."""
        for child in self.execution.children(frame):
            if child.status in (DONE, QUEUED) or (child.status == FAILED and child is not failed):
                continue
            if self._is_map(frame) and child is not failed:
                child.last_event = failed.last_event
                self.execution.add_event(child, "MapIterationAborted", False, name=frame.state, index=child.index)
            kind = self._state(child)["Type"]
            if kind in ABORTABLE and child.entered_event:
                child.last_event = failed.last_event
                self.execution.add_event(child, f"{kind}StateAborted", False)
            self._cancel_all(child)

    def _cancel_all(self, frame: Frame) -> None:
        for child in self.execution.children(frame):
            self._cancel_all(child)
        self._cancel(frame)

    def _drop_children(self, frame: Frame) -> None:
        for child in self.execution.children(frame):
            self._drop_children(child)
            self.execution.drop(child)
        frame.group = None
        self.execution.changed.add(frame.id)

    def _redrive_group(self, frame: Frame) -> None:
        """The branches or items that failed are open again."""
        group, children = _group(frame), self.execution.children(frame)
        group["failures"] = 0
        group["open"] = sum(child.status in (FAILED, ABORTED) for child in children)
        self._change(frame, GROUP)
        if group["open"] == 0:
            self._guarded(frame, self._start_queued)

    def _is_map(self, frame: Frame) -> bool:
        return bool(self._state(frame)["Type"] == "Map")

    def _parent(self, child: Frame) -> Frame:
        assert child.parent is not None
        return self.execution.frames[child.parent]


def _group(frame: Frame) -> dict[str, Any]:
    assert frame.group is not None
    return frame.group


def _result(child: Frame) -> Any:
    if child.status == DONE:
        return child.output
    error, cause = child.error or (None, None)
    return {"Error": error, "Cause": cause}
