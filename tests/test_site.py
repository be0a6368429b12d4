"""`make site`: the chapters and documents as pages that work from a folder, without a server and without the network."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from infra import project

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src"}  # what a page loads by itself
FIGURES = "notebooks/06_analyze_with_athena.html"


class Page(HTMLParser):
    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.images: list[dict[str, str | None]] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag == "img":
            self.images.append(values)
        target = values.get(LOADED.get(tag, ""))
        if target and values.get("rel") != "canonical":
            self.loaded.append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site") / "html"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    command += ["-d", str(built.with_name("doctrees")), "-c", "docs/site", ".", str(built)]
    done = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return built


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_each_chapter_and_document_is_a_page(site: Path) -> None:
    sources = [*project.ROOT.glob("notebooks/*.ipynb"), *project.ROOT.glob("docs/*.md"), project.ROOT / "README.md"]
    for source in sources:
        assert (site / source.relative_to(project.ROOT)).with_suffix(".html").is_file()
    assert (site / "index.html").is_file()


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for page in pages.values():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (page.path.parent / unquote(address.path)).resolve() if address.path else page.path
            if not target.is_file() or (
                address.fragment and target in pages and unquote(address.fragment) not in pages[target].anchors
            ):
                broken.append(f"{page.path.name}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_the_network(pages: dict[Path, Page]) -> None:
    assert [(p.path.name, each) for p in pages.values() for each in p.loaded if urlsplit(each).netloc] == []


def test_figures_are_shown_with_their_text(site: Path, pages: dict[Path, Page]) -> None:
    figures = [
        image for image in pages[site / FIGURES].images if str(image["src"]).startswith(("data:image", "../_images"))
    ]
    assert len(figures) >= 3
    assert all(image.get("alt") for image in figures)
