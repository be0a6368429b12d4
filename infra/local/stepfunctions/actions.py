"""What must happen outside of the interpreter, when its changes are stored."""

from __future__ import annotations

from typing import Any, NamedTuple


class StartTask(NamedTuple):
    """The task of a frame is to be started."""

    frame: int
    task: str


class CancelTask(NamedTuple):
    """A task is no longer wanted: stop the job that it started."""

    task: dict[str, Any]


class WakeUp(NamedTuple):
    """Look at a frame again at a time, seconds since 1970."""

    frame: int
    due: float


Action = StartTask | CancelTask | WakeUp
