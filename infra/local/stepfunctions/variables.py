"""Which workflow variables each state of a definition names: the variableReferences of DescribeStateMachine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.local.stepfunctions import jsonata
from infra.local.stepfunctions.definition import JSONATA, Definition, inner_machines

NAME = re.compile(r"\$([A-Za-z_]\w*)")
DEFINED = re.compile(r"\$([A-Za-z_]\w*)\s*:=")
BUILT_IN = re.compile(r"\$([A-Za-z_]\w*)\s*\(")


def references(definition: Definition) -> dict[str, list[str]]:
    """Return state → names of the variables that its expressions use."""
    found: dict[str, list[str]] = {}
    _machine(definition, definition.root, found)
    return found


def _machine(definition: Definition, machine: dict[str, Any], found: dict[str, list[str]]) -> None:
    for name, state in machine["States"].items():
        own = {key: value for key, value in state.items() if key not in ("Branches", "ItemProcessor", "Iterator")}
        is_jsonata = definition.language_of(state) == JSONATA
        names = dict.fromkeys(each for text in _texts(own, is_jsonata) for each in _names(text, is_jsonata))
        if names:
            found[name] = list(names)
        for inner, _ in inner_machines(state, ""):
            _machine(definition, inner, found)


def _texts(value: Any, is_jsonata: bool, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, is_jsonata, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, is_jsonata, key)
    elif isinstance(value, str) and (jsonata.is_expression(value) if is_jsonata else _holds_path(key)):
        yield jsonata.source(value) if is_jsonata else value


def _holds_path(key: str) -> bool:
    return key.endswith((".$", "Path")) or key == "Variable"


def _names(text: str, is_jsonata: bool) -> Iterator[str]:
    if not is_jsonata:
        yield from NAME.findall(text)
        return
    local = {*DEFINED.findall(text), *BUILT_IN.findall(text), "states"}
    for parameters in re.findall(r"function\s*\(([^)]*)\)", text):
        local.update(NAME.findall(parameters))
    yield from (name for name in NAME.findall(text) if name not in local)
