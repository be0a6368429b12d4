"""Every link between our own pages leads somewhere, and every file of the project that a page names in code font is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra import project

ROOT = project.ROOT
PAGES = sorted([*project.chapters(), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
NAMED = re.compile(r"`([^`\n]+)`")
OURS = re.compile(
    r"(?:\.\./|\./)?(?:(?:infra|helpers|docs|tests|notebooks)/[\w./*-]*|[\w/]+/[\w.]+\.(?:py|yaml|cfg|toml)|[A-Z]+(?:\.ja)?\.md|\d\d_\w+\.ipynb)"
)
WITHIN = (ROOT, ROOT / "infra", ROOT / "infra" / "local", ROOT / "infra" / "teaching", ROOT / "notebooks")
STANDS_FOR = re.compile(r"NN_name|NN_\w+|NN")  # the number or name of any chapter
IN_THE_LAKE = ("functions/", "apps/", "scripts/")  # keys of the bucket, written like paths


def text_of(page: Path) -> str:
    if page.suffix != ".ipynb":
        return page.read_text()
    cells = json.loads(page.read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page):
    dead = []
    for target in LINK.findall(re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        headings = re.findall(r"^#+ (.*)$", text_of(file), re.MULTILINE) if anchor and file.is_file() else []
        if not file.exists() or (anchor and slug(anchor) not in map(slug, headings)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_files_in_code_font_are_there(page):
    prose = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    named = {name for name in NAMED.findall(prose) if OURS.fullmatch(name) and not name.startswith(IN_THE_LAKE)}
    places = (page.parent, *WITHIN)
    missing = [name for name in sorted(named) if not any(_there(place, name) for place in places)]
    assert missing == []


def _there(place: Path, name: str) -> bool:
    pattern = STANDS_FOR.sub("*", name.rstrip("/"))
    while pattern.startswith("../"):
        place, pattern = place.parent, pattern[3:]
    return any(place.glob(pattern.removeprefix("./")))
