"""Every chapter as a learner opens it in JupyterLab's dark theme, with its stored outputs: no error, no formula, no dead link, nothing that one cannot read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import project
from tests.browser import pages
from tests.polling import until

pytestmark = pytest.mark.timeout(180)
SETTINGS = {
    "apputils-extension/themes": {"theme": "JupyterLab Dark"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are there, also those out of sight
}
NO_KERNELS = ("--KernelSpecManager.ensure_native_kernel=False", "--KernelSpecManager.allowed_kernelspecs=none")
LEAST = 4.5  # contrast of text, WCAG 2.2, level AA
# Text of our cells and outputs whose contrast to the nearest background behind it is too small: [text, colour, background, contrast]
ILLEGIBLE = """least => {
  const parts = colour => { const m = colour.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parts(colour)[3] > 0.99) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const element of document.querySelectorAll('.jp-RenderedHTMLCommon *, .jp-RenderedText *, .jp-OutputArea-output text, .jp-OutputArea-output tspan')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    if (element.closest('.jp-InternalAnchorLink') || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), svg = element instanceof SVGElement;
    if (svg) continue;
    const [one, other] = [light(parts(style.color)), light(parts(behind(element)))].sort((a, b) => a - b);
    const contrast = (other + 0.05) / (one + 0.05);
    if (contrast < least) found.push([element.textContent.trim().slice(0, 40), style.color, behind(element), contrast.toFixed(2)]);
  }
  return found;
}"""
LINKS = "() => [...document.querySelectorAll('.jp-RenderedMarkdown a[href]')].filter(a => !a.classList.contains('jp-InternalAnchorLink')).map(a => a.href)"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab, in its dark theme and without kernels, on a copy of what a learner sees."""
    home = tmp_path_factory.mktemp("chapters")
    root = home / "project"
    for name in ("notebooks", "docs", "data", "infra/stacks", "infra/apps"):
        shutil.copytree(project.ROOT / name, root / name)
    for page in project.ROOT.glob("*.md"):
        shutil.copy(page, root)
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**clean, "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "WORKSHOP_HOME": str(home / "lake")}
    with pages.lab(home, root, environment, *NO_KERNELS) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with pages.browser_page() as opened:
        yield opened


@pytest.mark.parametrize("notebook", project.chapters(), ids=lambda path: path.stem)
def test_a_chapter_on_the_screen(address: str, browser: Any, notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    browser.goto(f"{address}/lab/tree/notebooks/{notebook.name}?reset", timeout=60_000)
    until(lambda: browser.locator(".jp-Notebook .jp-Cell").count() == len(cells), f"{notebook.stem} in JupyterLab")
    texts = sum(cell["cell_type"] == "markdown" for cell in cells)
    until(lambda: browser.locator(".jp-RenderedMarkdown").count() >= texts, "its text")
    assert browser.evaluate("document.body.dataset.jpThemeLight") == "false"
    for kind in ("error", "stderr"):
        assert browser.locator(f'.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.{kind}"]').count() == 0
    assert browser.locator("mjx-container, .MathJax, .MathJax_Preview").count() == 0
    links = [link for link in browser.evaluate(LINKS) if link.startswith(address)]
    dead = [link for link in links if browser.request.get(link.partition("#")[0]).status != 200]
    assert dead == []
    assert browser.evaluate(ILLEGIBLE, LEAST) == []
