"""Parallel and Map: a frame whose state has frames of its own.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html and state-parallel.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.local.stepfunctions import jsonata, jsonpath
from infra.local.stepfunctions.dataflow import Visit
from infra.local.stepfunctions.failures import QUERY_EVALUATION, RUNTIME, StateFailure
from infra.local.stepfunctions.jsonpath import is_number
from infra.local.stepfunctions.record import ABORTED, DONE, FAILED, GROUP, QUEUED, READY, Execution, Frame
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.templates import fill_paths

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
        items = _items(visit)
        limit = _whole(visit, "MaxConcurrency") or INLINE_LIMIT
        batches = _batches(visit, items)
        self.execution.add_event(frame, "MapStateStarted", length=len(items))
        tolerated = _tolerated(visit, len(batches))
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
            child.raw = _selected(visit, selector, child.item or {})

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


def _items(visit: Visit) -> list[tuple[Any, dict[str, Any]]]:
    """Return what a Map goes over, each item with what the context object says of it; of an object its pairs.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html#contextobject-map
    """
    found = _dataset(visit)
    if isinstance(found, dict):
        pairs = enumerate(found.items())
        return [({"Key": key, "Value": value}, _item(index, value, Key=key)) for index, (key, value) in pairs]
    return [(value, _item(index, value)) for index, value in enumerate(found)]


def _item(index: int, value: Any, **more: str) -> dict[str, Any]:
    return {"Index": index, **more, "Value": value, "Source": "STATE_DATA"}


def _dataset(visit: Visit) -> list[Any] | dict[str, Any]:
    """Return the array or object of a Map's items. Raises StateFailure where it is none."""
    if visit.is_jsonata:
        if "Items" not in visit.state:
            if not isinstance(visit.raw, list | dict):
                raise StateFailure(
                    QUERY_EVALUATION, f"Map state input must be an array but was: {compact(visit.raw)}", None, True
                )
            return visit.raw
        given = visit.state["Items"]
        found = visit.expression(given, "Items")
        if not isinstance(found, dict):
            jsonata.expected(found, "array", given if isinstance(given, str) else compact(given), "Items")
    else:
        path = visit.state.get("ItemsPath", "$")
        found = visit.scope(visit.effective_input()).select(path)
        if not isinstance(found, list | dict):
            raise StateFailure(RUNTIME, f'Reference path "{path}" must point to array.')
    items: list[Any] | dict[str, Any] = found
    return items


def _selected(visit: Visit, selector: Any, item: dict[str, Any]) -> Any:
    context = {**visit.context, "Map": {"Item": item}}
    if visit.is_jsonata:
        inner = Visit(visit.name, visit.state, visit.language, visit.raw, context, visit.variables)
        return inner.expression(selector, "ItemSelector")
    scope = visit.scope(visit.effective_input())
    scope.context = context
    return fill_paths(selector, scope)


def _batches(visit: Visit, singles: list[tuple[Any, dict[str, Any]]]) -> list[tuple[Any, dict[str, Any]]]:
    """Return the input of each iteration with what the context object says of it."""
    batcher = visit.state.get("ItemBatcher")
    if batcher is None:
        return singles
    selector = visit.state.get("ItemSelector", visit.state.get("Parameters"))
    values = [_selected(visit, selector, item) if selector is not None else value for value, item in singles]
    size = _batch_number(visit, batcher, "MaxItemsPerBatch") or max(len(values), 1)
    size_bytes = _batch_number(visit, batcher, "MaxInputBytesPerBatch") or 262_144
    shared = batcher.get("BatchInput")
    if shared is not None:
        shared = (
            visit.expression(shared, "ItemBatcher/BatchInput")
            if visit.is_jsonata
            else fill_paths(shared, visit.scope(visit.effective_input()))
        )
    batches: list[list[Any]] = []
    for value in values:
        if not batches or len(batches[-1]) >= size or len(compact([*batches[-1], value]).encode()) > size_bytes:
            batches.append([])
        batches[-1].append(value)
    inputs = [{"Items": batch, **({"BatchInput": shared} if shared is not None else {})} for batch in batches]
    return [(value, _item(index, value)) for index, value in enumerate(inputs)]


def _batch_number(visit: Visit, batcher: dict[str, Any], name: str) -> int | None:
    value = batcher.get(name)
    if name + "Path" in batcher and not visit.is_jsonata:
        value = visit.scope(visit.effective_input()).select(batcher[name + "Path"])
    elif visit.is_jsonata and isinstance(value, str):
        value = visit.expression(value, f"ItemBatcher/{name}")
    if value is None:
        return None
    if not is_number(value) or value <= 0 or not float(value).is_integer():
        raise visit.out_of_range(name, f"field {name} must be positive")
    return int(value)


def _as_number(value: Any) -> Any:
    """A path may lead to a number written as text."""
    if isinstance(value, str) and jsonpath.NUMBER.fullmatch(value):
        return json.loads(value)
    return value


def _whole(visit: Visit, name: str) -> int | None:
    value = _as_number(visit.number(name))
    if value is None:
        return None
    if not is_number(value) or not float(value).is_integer():
        shown = value if isinstance(value, str) else compact(value)
        raise visit.out_of_range(
            name,
            f'The {name}Path field refers to value "{shown}" which is not a valid integer: {visit.state.get(name + "Path")}',
        )
    if value < 0:
        raise visit.out_of_range(name, f"{name} cannot be negative.")
    return int(value)


def _tolerated(visit: Visit, length: int) -> int:
    """Return how many iterations may fail before the Map does."""
    count = _whole(visit, "ToleratedFailureCount") or 0
    percentage = _as_number(visit.number("ToleratedFailurePercentage"))
    if percentage is None:
        return count
    if not is_number(percentage):
        shown = percentage if isinstance(percentage, str) else compact(percentage)
        path = visit.state.get("ToleratedFailurePercentagePath")
        raise StateFailure(
            RUNTIME,
            f'The ToleratedFailurePercentagePath field refers to value "{shown}" which is not a valid float: {path}',
        )
    if not 0 <= percentage <= 100:
        raise visit.out_of_range("ToleratedFailurePercentage", "ToleratedFailurePercentage must be between 0 and 100.")
    return max(count, int(length * percentage // 100))
