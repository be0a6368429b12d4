"""The README's table of what is asked for, and where it runs: each chapter is there, and each section that it names."""

import json
import re

from infra import project

ROWS = re.findall(
    r"^\|.*\| \[(\d\d)\]\((notebooks/[\w.]+)\)(.*)\|$", (project.ROOT / "README.md").read_text(), re.MULTILINE
)


def test_the_table_names_sections_that_are_there():
    assert {number for number, *_ in ROWS} >= {f"{number:02}" for number in range(1, 12)}
    for number, path, named in ROWS:
        cells = json.loads((project.ROOT / path).read_text())["cells"]
        headings = re.findall(
            r"^##+ (.*)$", "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown"), re.MULTILINE
        )
        sections = re.findall(r"\*([^*]+)\*", named)
        assert sections, f"{number}: no section is named"
        for section in sections:
            assert any(heading.startswith(section) for heading in headings), f"{number}: {section}"


def test_every_chapter_has_its_row():
    """The table of the notebooks has each of them, in order, with the title that it bears."""
    rows = re.findall(
        r"^\| \[(\d\d) [^\]]+\]\((notebooks/[\w.]+)\)", (project.ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert rows == [(path.name[:2], f"notebooks/{path.name}") for path in project.chapters()]
