"""The stack that a request is about, where it names a change set by its ARN only, which does not tell its stack."""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.backend import BACKENDS


def resources(request: Any) -> list[str] | None:
    """Return the ARN of a change set's stack, None for a request that names its stack, or a change set that is not there."""
    change_set = request.get("ChangeSetName")
    if request.get("StackName") or not change_set.startswith("arn:"):
        return None
    stacks = BACKENDS[request.account][request.region].stacks.values()
    return next(([stack.id] for stack in list(stacks) if change_set in stack.change_sets), None)
