"""docs/bring_your_own_data.md does what it says: its own commands, in a copy of the project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.generator import Clock, Generator
from infra import project

PAGE = (project.ROOT / "docs" / "bring_your_own_data.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
OLD = "device_ts device_id device_temp track_id track_name artist_name activity_type".split()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "lake"
    for name in ("notebooks", "data", "infra/stacks", "infra/apps", "infra/teaching"):
        shutil.copytree(project.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    program = next(text for kind, text in BLOCKS if kind == "python")
    rename = next(text for _, text in BLOCKS if text.startswith("perl"))
    template = next(text for _, text in BLOCKS if text.startswith("{"))
    (folder / "data" / "record_template_workshop.txt").write_text(template)
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)
    subprocess.run(["bash", "-c", rename], cwd=folder, check=True)
    return folder


def test_no_old_name_is_left_in_the_chapters_code(copy: Path) -> None:
    for path in sorted(copy.glob("notebooks/0[0-6]*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert not re.search(rf"\b({'|'.join(OLD)})\b", code), path.name
    for path in [*copy.glob("infra/apps/**/*.py"), *copy.glob("infra/teaching/exercises/chapter_0[0-6].py")]:
        compile(path.read_text(), str(path), "exec")


def test_events_find_their_rows_but_for_the_key_that_is_not_there(copy: Path) -> None:
    template = (copy / "data" / "record_template_workshop.txt").read_text()
    events = [
        json.loads(text) for text in Generator(template, seed=7, clock=Clock("2026-01-05T09:00:00Z")).records(500)
    ]
    rows = [json.loads(line) for line in (copy / "data" / "tracks_list.json").read_text().splitlines()]
    keys = {row["product_id"] for row in rows}
    assert {event["product_id"] for event in events} - keys == {0}
    assert set(rows[0]) == {"product_id", "product_name", "supplier_name"}
    assert {event["payment"] for event in events} == {"Cash", "Card", "Phone"}


def test_the_cell_of_the_promised_shares_is_where_the_page_says() -> None:
    cells = json.loads((project.ROOT / "notebooks" / "02_catalog_data.ipynb").read_text())["cells"]
    assert sum("shares = pd.Series(" in "".join(cell["source"]) for cell in cells) == 1
