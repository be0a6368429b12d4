"""The stacks of one account and region, and what is stored of them.

moto's core gives the wire protocol. Its own CloudFormation keeps live objects of all services, which can neither be saved nor rolled
back, and costs 170 MB when imported; so nothing of it is used.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend

from infra.local.cloudformation import operation
from infra.local.cloudformation.stack import Stack, exports_of
from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.core import state
from infra.local.core.records import RecordDict, RecordList

STOP_SECONDS = 5.0


class CloudFormationBackend(BaseBackend):
    """The stacks of one account and region, by stack id; deleted ones stay, as AWS keeps them for 90 days."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.stacks = RecordDict()

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if not isinstance(self.stacks, RecordDict):  # plain in lakes of before
            self.stacks = RecordDict(self.stacks)
        for stack in self.stacks.values():
            if not isinstance(stack.events, RecordList):
                stack.events = RecordList(stack.events)

    def find(self, name_or_id: str) -> Stack | None:
        """Return a stack by id, or the one that now has this name."""
        if name_or_id in self.stacks:
            return self.stacks[name_or_id]
        return next((s for s in self.stacks.values() if s.name == name_or_id and s.status != "DELETE_COMPLETE"), None)

    @contextmanager
    def change(self, stack: Stack) -> Iterator[None]:
        """Change a stack under its account's lock; it is stored when this ends, and as it was before where that fails. Raises OSError."""
        with state.lock("cloudformation", self.account_id):
            before, known, length = _kept(stack), stack.id in self.stacks, len(stack.events)
            try:
                yield
                self.stacks.note(stack.id)
                state.save("cloudformation", self.account_id, self.region_name)
            except BaseException:
                del stack.events[length:]
                stack.__dict__.update(before)
                if not known:
                    self.stacks.pop(stack.id, None)
                raise

    def run(self, stack: Stack) -> None:
        """Go on with the operation that is written down in a stack."""
        operation.start(stack, self.stacks)

    def import_value(self, name: str) -> str:
        exports = exports_of(self.stacks)
        if name not in exports:
            raise TemplateError(f"No export named {name} found.")
        return exports[name][0]


def _kept(stack: Stack) -> dict[str, Any]:
    """Return what an operation asked for may change in a stack; its resources change in the background only."""
    change_sets = {number: copy.copy(each) for number, each in stack.change_sets.items()}
    return {
        **{name: copy.copy(value) for name, value in stack.__dict__.items() if name != "events"},
        "change_sets": change_sets,
    }


BACKENDS = BackendDict(CloudFormationBackend, "cloudformation")


def resume() -> None:
    """Go on with the operations that a stop of the server interrupted."""
    for _, _, backend in list(BACKENDS.iter_backends()):
        for stack in backend.stacks.values():
            if stack.is_busy:
                backend.run(stack)


def stop() -> None:
    operation.stop(STOP_SECONDS)
