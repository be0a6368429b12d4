"""A state machine's definition: JSON with a few questions about it. Where a state stands is a path such as `("Job", "Branches", 0)`.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

JSONPATH = "JSONPath"
JSONATA = "JSONata"
Where = tuple[str | int, ...]  # the states on the way down, and for a Parallel which branch


class Definition:
    """A valid definition, parsed when it is first needed."""

    def __init__(self, text: str):
        self.text = text

    @cached_property
    def root(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed

    @cached_property
    def hash(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def language(self) -> str:
        return str(self.root.get("QueryLanguage", JSONPATH))

    def machine(self, where: Where) -> dict[str, Any]:
        """Return the object with StartAt and States at a place: the root, a branch or an item processor."""
        found = self.root
        at = 0
        while at < len(where):
            state = found["States"][where[at]]
            if state["Type"] == "Parallel":
                found = state["Branches"][where[at + 1]]
                at += 2
            else:
                found = processor(state)
                at += 1
        return found

    def state(self, where: Where, name: str) -> dict[str, Any]:
        state: dict[str, Any] = self.machine(where)["States"][name]
        return state

    def language_of(self, state: dict[str, Any]) -> str:
        return str(state.get("QueryLanguage", self.language))

    @property
    def timeout_seconds(self) -> int | None:
        return self.root.get("TimeoutSeconds")


def processor(state: dict[str, Any]) -> dict[str, Any]:
    """Return what a Map state runs for each item; Iterator is the old name."""
    found: dict[str, Any] = state["ItemProcessor"] if "ItemProcessor" in state else state["Iterator"]
    return found


def is_distributed(state: dict[str, Any]) -> bool:
    """Whether a Map state is a distributed one."""
    configuration: dict[str, Any] = processor(state).get("ProcessorConfig") or {}
    return configuration.get("Mode") == "DISTRIBUTED"


def inner_machines(state: dict[str, Any], location: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each machine inside of a Parallel or Map state with its place in the definition."""
    for number, branch in enumerate(state.get("Branches") or []):
        yield branch, f"{location}/Branches[{number}]"
    for name in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(name), dict):
            yield state[name], f"{location}/{name}"
