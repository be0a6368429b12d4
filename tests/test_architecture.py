"""docs/architecture.md names each module of the core and each room of the house, so that a newcomer finds a thing in one step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra import project

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


@pytest.mark.parametrize("folder", PARTS)
def test_every_part_of_a_large_service_has_its_place_on_the_page(folder: str) -> None:
    assert names(folder, modules=False) - told() == set()
