"""What is kept of an execution: one small record for it, and one for each place where a state of it runs.

A frame is such a place: the top level, one branch of a Parallel, one item of a Map. Together they are all that is needed to go on after a restart.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from infra.local.core.times import iso
from infra.local.stepfunctions.definition import Definition, Where
from infra.local.stepfunctions.scope import compact

READY = "ready"  # a state is to be entered or tried again
WAITING = "waiting"  # until `due`: a Wait, or the delay before a retry
TASK = "task"  # its task runs
GROUP = "group"  # its branches or items run
QUEUED = "queued"  # an item of a Map whose turn has not come
DONE = "done"
FAILED = "failed"
ABORTED = "aborted"
OPEN = {READY, WAITING, TASK, GROUP, QUEUED}


@dataclass
class Frame:
    """One place where one state at a time runs.

    Parameters
    ----------
    where: the machine inside of the definition that it runs, see definition.Where
    parent, index: the frame of the Parallel or Map, and the number of the branch or item
    last_event: id of the event before the next one, as the history chains them
    entered_event: id of the event with which the state was entered; 0 before that
    tries: how often each retrier of the state was used
    due: when a wait is over, seconds since 1970
    item: what the context object says of a Map's item
    group: of a Parallel or Map that runs: number of its first frame, length, next to start, open, limit, tolerated, failures
    """

    id: int
    where: Where
    state: str
    raw: Any
    status: str = READY
    parent: int | None = None
    index: int = 0
    variables: dict[str, Any] = field(default_factory=dict)
    last_event: int = 0
    entered_event: int = 0
    before_entered: int = 0
    entered_at: float = 0.0
    tries: list[int] = field(default_factory=list)
    due: float | None = None
    task: dict[str, Any] | None = None
    item: dict[str, Any] | None = None
    group: dict[str, Any] | None = None
    output: Any = None
    error: list[str | None] | None = None

    def dumps(self) -> str:
        return compact(vars(self))

    @staticmethod
    def loads(text: str) -> Frame:
        values = json.loads(text)
        values["where"] = tuple(values["where"])
        return Frame(**values)


@dataclass
class Execution:
    """One execution: its record, its open frames, and what has changed since it was saved last."""

    arn: str
    machine_arn: str
    name: str
    kind: str  # STANDARD or EXPRESS
    role: str
    input: str
    definition: Definition
    start: float
    account: str
    region: str
    status: str = "RUNNING"
    stop: float | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    version_arn: str | None = None
    alias_arn: str | None = None
    logging: dict[str, Any] = field(default_factory=dict)
    trace_header: str | None = None
    redrive_count: int = 0
    redrive_date: float | None = None
    redrive_token: str | None = None
    events_made: int = 0
    frames_made: int = 0
    is_sync: bool = False
    hops: int = 0  # how many times what started it has come round, see core/lineage.py
    frames: dict[int, Frame] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)  # not yet saved
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    finished: threading.Event = field(default_factory=threading.Event, repr=False)

    COLUMNS: ClassVar[tuple[str, ...]] = ("arn", "machine_arn", "name", "kind", "status", "start", "stop")
    OTHERS: ClassVar[tuple[str, ...]] = (
        "role",
        "input",
        "output",
        "error",
        "cause",
        "version_arn",
        "alias_arn",
        "logging",
        "trace_header",
    )
    OTHERS += ("redrive_count", "redrive_date", "redrive_token", "events_made", "frames_made", "is_sync", "hops")

    @property
    def is_express(self) -> bool:
        return self.kind == "EXPRESS"

    @cached_property
    def parsed_input(self) -> Any:
        return json.loads(self.input)

    @property
    def machine_name(self) -> str:
        return self.arn.split(":")[6]

    def record(self) -> str:
        """Return what is not in columns of its own as JSON text."""
        return compact({name: getattr(self, name) for name in self.OTHERS})

    def new_frame(self, where: Where, raw: Any, **more: Any) -> Frame:
        """Add a frame at the start of a machine in the definition."""
        self.frames_made += 1
        frame = Frame(self.frames_made, where, self.definition.machine(where)["StartAt"], raw, **more)
        self.frames[frame.id] = frame
        self.changed.add(frame.id)
        return frame

    def drop(self, frame: Frame) -> None:
        del self.frames[frame.id]
        self.changed.discard(frame.id)
        self.gone.add(frame.id)

    def children(self, frame: Frame) -> list[Frame]:
        """Return the frames of a Parallel's branches or a Map's items, in their order; they have numbers in a row."""
        if frame.group is None:
            return []
        first = frame.group["first"]
        numbers = range(first, first + frame.group["length"])
        return [self.frames[number] for number in numbers if number in self.frames]

    def add_event(self, frame: Frame | None, kind: str, /, advance: bool = True, **details: Any) -> int:
        """Add an event to the history and return its id.

        Parameters
        ----------
        frame: whose chain of events it belongs to
        advance: the next event of the frame comes after this one; AWS leaves some events out of the chain
        details: the event's details
        """
        self.events_made += 1
        number = self.events_made
        previous = frame.last_event if frame else 0
        event = {"id": number, "previousEventId": previous, "type": kind, "timestamp": time.time()}
        if details:
            event["details"] = details
        self.events.append(event)
        if frame and advance:
            frame.last_event = number
            self.changed.add(frame.id)
        return number

    def context(self, frame: Frame) -> dict[str, Any]:
        """Return the context object of a frame's state."""
        execution: dict[str, Any] = {
            "Id": self.arn,
            "Input": self.parsed_input,
            "StartTime": iso(self.start),
            "Name": self.name,
            "RoleArn": self.role,
            "RedriveCount": self.redrive_count,
        }
        if self.redrive_date is not None:
            execution["RedriveTime"] = iso(self.redrive_date)
        context: dict[str, Any] = {
            "Execution": execution,
            "StateMachine": {"Id": self.machine_arn, "Name": self.machine_name},
            "State": {"Name": frame.state, "EnteredTime": iso(frame.entered_at), "RetryCount": sum(frame.tries)},
        }
        item = self._item(frame)
        if item is not None:
            context["Map"] = {"Item": item}
        if frame.task and frame.task.get("token"):
            context["Task"] = {"Token": frame.task["token"]}
        return context

    def _item(self, frame: Frame) -> dict[str, Any] | None:
        while frame.item is None and frame.parent is not None:
            frame = self.frames[frame.parent]
        return frame.item

    def variables(self, frame: Frame) -> dict[str, Any]:
        """Return the variables in reach of a frame: its own and those of the frames around it."""
        outer = self.variables(self.frames[frame.parent]) if frame.parent is not None else {}
        return {**outer, **frame.variables}
