"""What a package offers to the other services, and the core to all, is described: each argument, what comes back and what is raised."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from infra import project
from infra.local.core import registry

CORE = project.ROOT / "infra" / "local" / "core"


def public_functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions and methods of the core whose names others may use."""
    for path in sorted(CORE.rglob("*.py")):
        module = ast.parse(path.read_text())
        classes = [each for each in module.body if isinstance(each, ast.ClassDef) and not each.name.startswith("_")]
        for holder in (module, *classes):
            for each in holder.body:
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and not each.name.startswith("_"):
                    yield f"{path.relative_to(CORE)}: {each.name}", each


def taken(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    given = function.args
    several = [each for each in (given.vararg, given.kwarg) if each is not None]
    names = {each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs, *several)}
    return names - {"self", "cls"}


def face(package: str) -> dict[str, Any]:
    """The functions that a package offers, by name."""
    module = importlib.import_module(package)
    offered = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
    return {name: each for name, each in offered.items() if inspect.isfunction(each)}


def described(text: str, section: str) -> set[str]:
    """The names that a section of a NumPy docstring tells of."""
    _, _, rest = text.partition(f"\n{section}\n{'-' * len(section)}\n")
    lines = [line for line in rest.partition("\n\n")[0].splitlines() if not line.startswith(" ")]
    return {name for line in lines for name in line.partition(":")[0].split(", ")}


# by package: whoever collects the tests need not import all of them
@pytest.mark.parametrize("package", registry.PACKAGES.values())
def test_a_face_says_what_it_takes_and_gives(package: str) -> None:
    for name, function in face(package).items():
        text, signature = inspect.getdoc(function) or "", inspect.signature(function)
        assert text.partition("\n")[0].endswith((".", ":")), f"{name} begins with one sentence"
        assert described(text, "Parameters") >= set(signature.parameters), (name, text)
        if signature.return_annotation != "None":
            assert described(text, "Returns"), (name, text)


def test_the_core_says_what_its_functions_take() -> None:
    """With no name that a function has no more. Some tell only of what their first sentence leaves open, so not of all."""
    silent, outdated = [], {}
    for place, function in public_functions():
        told, names = described(ast.get_docstring(function) or "", "Parameters"), taken(function)
        if names and not told:
            silent.append(place)
        if told - names:
            outdated[place] = told - names
    assert silent == [] and outdated == {}


def test_there_are_faces() -> None:
    assert all(face(f"infra.local.{service}") for service in ("s3", "events", "lambda_"))
