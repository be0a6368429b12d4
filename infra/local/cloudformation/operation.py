"""The threads in which operations on stacks run; they end when the server stops, and go on after its next start."""

from __future__ import annotations

import logging
import threading
import time

from infra.local.cloudformation.creation import Creation
from infra.local.cloudformation.reasons import stopping
from infra.local.cloudformation.resources.types import Stopped
from infra.local.cloudformation.stack import Stack
from infra.local.cloudformation.update import Update
from infra.local.cloudformation.work import Cancelled, Work
from infra.local.core.records import RecordDict

log = logging.getLogger("workshop.cloudformation")
KINDS: dict[str, type[Work]] = {
    "create": Creation,
    "rollback": Creation,
    "delete": Creation,
    "update": Update,
    "update_rollback": Update,
    "cleanup": Update,
    "rollback_cleanup": Update,
}
FAILED = {"create": "CREATE_FAILED", "rollback": "ROLLBACK_FAILED", "delete": "DELETE_FAILED"}
_threads: list[threading.Thread] = []


def start(stack: Stack, stacks: RecordDict) -> None:
    """Do what a stack's `operation` says, and what follows from it, in a thread. stacks: all of its account and region."""
    thread = threading.Thread(target=_run, args=(stack, stacks), name=f"stack {stack.name}", daemon=True)
    thread.start()
    _threads[:] = [each for each in _threads if each.is_alive()] + [thread]


def _run(stack: Stack, stacks: RecordDict) -> None:
    while (operation := stack.operation) is not None:
        work = KINDS[operation](stack, operation, stacks)
        try:
            _do(work)
        except Stopped:
            log.info("stack %s goes on after the next start", stack.name)
            return
        if work.has_ended:  # another operation may have begun since, in a thread of its own
            return


def _do(work: Work) -> None:
    """Do one operation; a fault of ours ends it in its failed state. Raises Stopped."""
    try:
        try:
            getattr(work, work.operation)()
        except (Stopped, Cancelled):
            raise
        except Exception:
            log.exception("stack %s", work.stack.name)
            work.end(FAILED.get(work.operation, "UPDATE_ROLLBACK_FAILED"), "Internal Failure")
    except Cancelled:
        log.info("stack %s: %s was cancelled", work.stack.name, work.operation)


def stop(seconds: float) -> None:
    """Tell the operations that the server stops, and wait until they have noticed."""
    stopping.set()
    deadline = time.monotonic() + seconds
    for thread in list(_threads):
        thread.join(max(0.0, deadline - time.monotonic()))
