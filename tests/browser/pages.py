"""A real browser, as it is installed."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from infra import setup
from tests.conftest import free_port
from tests.polling import until

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@contextmanager
def browser_page(*flags: str) -> Iterator[Any]:
    """A page of a browser that was started with these flags, too; the test is skipped where none is installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    path = setup.browser()
    if path is None:
        pytest.skip("No Chromium or Chrome is installed: apt-get install chromium, or install Chrome")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=[*FLAGS, *flags])
        yield browser.new_page(viewport={"width": 1400, "height": 1000})
        browser.close()


@pytest.fixture
def page() -> Iterator[Any]:
    with browser_page() as opened:
        yield opened


@pytest.fixture
def page_with() -> Iterator[Callable[..., Any]]:
    """Return a function that opens a page of a browser with flags of its own."""
    with ExitStack() as opened:
        yield lambda *flags: opened.enter_context(browser_page(*flags))


@contextmanager
def notebook_in_lab(
    home: Path, cells: tuple[str, ...], kernel: Mapping[str, str], environment: Mapping[str, str]
) -> Iterator[str]:
    """JupyterLab on a free port with one notebook of these cells; its address.

    Parameters
    ----------
    home: an empty folder
    kernel: the notebook's kernelspec
    environment: of JupyterLab and its kernels
    """
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.metadata["kernelspec"] = dict(kernel)
    (home / "notebooks").mkdir()
    nbformat.write(book, home / "notebooks" / "live.ipynb")
    with lab(home, home / "notebooks", environment) as address:
        yield f"{address}/lab/tree/live.ipynb?reset"


@contextmanager
def lab(home: Path, root: Path, environment: Mapping[str, str], *options: str) -> Iterator[str]:
    """JupyterLab on a free port; its address.

    Parameters
    ----------
    home: where its log goes
    root: the folder that it shows
    environment: of JupyterLab and its kernels
    """
    port, log = free_port(), home / "lab.log"
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    command += ["--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", f"--notebook-dir={root}", *options]
    with open(log, "wb") as written:
        server = subprocess.Popen(command, cwd=home, env=dict(environment), stdout=written, stderr=written)
    address = f"http://127.0.0.1:{port}"
    until(lambda: server.poll() is not None or _answers(address), "JupyterLab")
    assert server.poll() is None, log.read_text()
    yield address
    server.terminate()
    server.wait(timeout=90)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/api/status", timeout=5):
            return True
    except OSError:
        return False


def run_cell(page: Any, number: int) -> Any:
    """Run a cell with the keyboard; returns its outputs."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return cell.locator(".jp-OutputArea")
