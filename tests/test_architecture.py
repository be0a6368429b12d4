"""docs/architecture.md names each module of the core and each room of the house, so that a newcomer finds a thing in one step."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from infra import project

pytestmark = pytest.mark.unit  # it stands in no folder of `make check`

PAGE = (project.ROOT / "docs" / "architecture.md").read_text()
ROOMS = ["infra", "infra/engines", "infra/local", "infra/local/core", "infra/local/core/roles"]
PARTS = ["infra/local/athena", "infra/local/glue", "infra/engines/athena"]


def names(folder: str, modules: bool) -> set[str]:
    """What stands in a folder: its modules, and the folders that hold some."""
    found = set()
    for path in (project.ROOT / folder).iterdir():
        if path.is_dir() and any(path.iterdir()) and path.name != "__pycache__":
            found.add(f"{path.name}/")
        elif modules and path.suffix == ".py" and not path.name.startswith("__"):
            found.add(path.stem)
    return found


def told() -> set[str]:
    """Every word in code font, with the folders above it: `python/awsglue` tells of `python/` too."""
    words = re.findall(r"`([\w/.]+)`", PAGE)
    return {part for word in words for part in (word, word.split("/")[0] + "/", Path(word).name)}


@pytest.mark.parametrize("folder", ROOMS)
def test_every_module_and_folder_has_its_place_on_the_page(folder: str) -> None:
    assert names(folder, modules=True) - told() == set()


def test_the_contracts_of_imports_name_each_service() -> None:
    services = {name.strip("/") for name in names("infra/local", modules=False)} - {"core"}
    contracts = tomllib.loads((project.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    core = next(each for each in contracts if each["name"] == "The core imports no service")
    assert {f"infra.local.{name}" for name in services} <= set(core["forbidden_modules"])
    faces = {module for each in contracts for module in each.get("protected_modules", ())}
    assert {f"infra.local.{name}.*" for name in services} <= faces


@pytest.mark.parametrize("folder", PARTS)
def test_every_part_of_a_large_service_has_its_place_on_the_page(folder: str) -> None:
    assert names(folder, modules=False) - told() == set()
