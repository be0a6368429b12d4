"""What a package offers to the other services is described: each argument, what comes back and what is raised."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from infra.local.core import registry

FACES = [
    (package, name, getattr(importlib.import_module(package), name))
    for package in registry.PACKAGES.values()
    for name in getattr(importlib.import_module(package), "__all__", ())
    if inspect.isfunction(getattr(importlib.import_module(package), name))
]


def described(text: str, section: str) -> set[str]:
    """The names that a section of a NumPy docstring tells of."""
    _, _, rest = text.partition(f"\n{section}\n{'-' * len(section)}\n")
    return {line.partition(":")[0] for line in rest.partition("\n\n")[0].splitlines() if not line.startswith(" ")}


@pytest.mark.parametrize("package, name, function", FACES, ids=[f"{package}.{name}" for package, name, _ in FACES])
def test_a_face_says_what_it_takes_and_gives(package: str, name: str, function: Any) -> None:
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    assert text.partition("\n")[0].endswith((".", ":")), "it begins with one sentence"
    assert described(text, "Parameters") >= set(signature.parameters), text
    if signature.return_annotation != "None":
        assert described(text, "Returns"), text


def test_there_are_faces() -> None:
    assert {package for package, _, _ in FACES} >= {"infra.local.s3", "infra.local.events", "infra.local.lambda_"}
