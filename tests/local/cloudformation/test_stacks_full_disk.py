"""A change of a stack that cannot be stored is not seen, and work in the background waits for room."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloudformation import work
from infra.local.cloudformation.backend import CloudFormationBackend
from infra.local.cloudformation.creation import Creation
from infra.local.cloudformation.stack import ChangeSet, Definition, Stack, add_event, now
from infra.local.core import state
from infra.local.core.records import RecordDict
from tests.polling import until

ACCOUNT, REGION = "123456789012", "us-east-1"
TEMPLATE = '{"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'


class Disk:
    """Stands for state.save; while it is full, nothing is stored."""

    def __init__(self) -> None:
        self.is_full = False
        self.refused = 0

    def save(self, *_: Any) -> None:
        if self.is_full:
            self.refused += 1
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Disk]:
    made = Disk()
    monkeypatch.setattr(state, "save", made.save)
    yield made


def a_stack(name: str = "s") -> Stack:
    definition = Definition(TEMPLATE, {}, {}, [])
    stack = Stack(f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/1", name, ACCOUNT, REGION, definition, now())
    stack.status = "CREATE_COMPLETE"
    return stack


def test_a_new_stack_that_cannot_be_stored_is_not_there(disk: Disk) -> None:
    backend, stack = CloudFormationBackend(REGION, ACCOUNT), a_stack()
    disk.is_full = True
    with pytest.raises(OSError, match="No space"), backend.change(stack):
        backend.stacks[stack.id] = stack
        add_event(stack, "CREATE_IN_PROGRESS", "User Initiated")
    assert backend.find("s") is None and not stack.events


def test_a_change_that_cannot_be_stored_is_taken_back(disk: Disk) -> None:
    backend, stack = CloudFormationBackend(REGION, ACCOUNT), a_stack()
    definition = stack.definition
    with backend.change(stack):
        backend.stacks[stack.id] = stack
        add_event(stack, "CREATE_COMPLETE")
        stack.change_sets["c"] = ChangeSet("c", "c", "UPDATE", definition, now(), "CREATE_COMPLETE", "AVAILABLE")
    disk.is_full = True
    with pytest.raises(OSError, match="No space"), backend.change(stack):
        stack.previous, stack.definition = definition, Definition(TEMPLATE, {"P": "new"}, {}, [])
        stack.change_sets["c"].execution_status = "OBSOLETE"
        stack.change_sets["d"] = stack.change_sets["c"]
        stack.retained.append("H")
        stack.is_protected, stack.operation = True, "update"
        add_event(stack, "UPDATE_IN_PROGRESS")
    assert backend.find("s") is stack
    assert (stack.status, stack.operation, stack.is_protected, stack.retained) == ("CREATE_COMPLETE", None, False, [])
    assert (stack.definition, stack.previous) == (definition, None)
    assert {name: each.execution_status for name, each in stack.change_sets.items()} == {"c": "AVAILABLE"}
    assert [each["ResourceStatus"] for each in stack.events] == ["CREATE_COMPLETE"]


def test_work_in_the_background_waits_for_room_without_the_lock(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "FULL_DISK_PAUSE_SECONDS", 0.01)
    stack = a_stack()
    stack.operation = "delete"
    disk.is_full = True
    thread = threading.Thread(target=Creation(stack, "delete", RecordDict({stack.id: stack})).delete, daemon=True)
    thread.start()
    until(lambda: disk.refused > 3)
    lock = state.lock("cloudformation", ACCOUNT)
    assert until(lambda: lock.acquire(blocking=False))
    lock.release()
    assert thread.is_alive()
    disk.is_full = False
    thread.join(10)
    assert not thread.is_alive() and stack.status == "DELETE_COMPLETE"
