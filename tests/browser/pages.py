"""A real browser, as it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from infra import setup

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
