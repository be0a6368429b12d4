"""A change of one stack is saved as that stack alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.local.cloudformation.backend import CloudFormationBackend
from infra.local.cloudformation.creation import Creation
from infra.local.cloudformation.stack import Definition, Stack
from infra.local.core import state

REGION, ACCOUNT = "us-east-1", "111122223333"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> CloudFormationBackend:
    monkeypatch.setattr(state, "save", lambda *place: None)
    made = CloudFormationBackend(REGION, ACCOUNT)
    for name in ("a", "b"):
        definition = Definition("{}", {}, {}, [])
        made.stacks[name] = Stack(
            id=name, name=name, account=ACCOUNT, region=REGION, definition=definition, created=datetime.now(UTC), status="CREATE_COMPLETE"
        )  # fmt: skip
    made.stacks.changed.clear()
    return made


def test_a_request_notes_its_stack_only(backend: CloudFormationBackend) -> None:
    with backend.change(backend.stacks["a"]):
        backend.stacks["a"].is_protected = True
    assert backend.stacks.changed == {"a"}


def test_an_event_notes_its_stack_only(backend: CloudFormationBackend) -> None:
    Creation(backend.stacks["b"], "create", backend.stacks).note("CREATE_IN_PROGRESS")
    assert backend.stacks.changed == {"b"}
