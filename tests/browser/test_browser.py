"""JupyterLab as a learner sees it: opens notebook 01 in a real browser, runs all cells, uses the form, looks for errors."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

from infra import project, server_process
from tests.browser import pages
from tests.conftest import free_port

pytestmark = pytest.mark.timeout(420)
page = pages.page
NOTEBOOK = project.NOTEBOOKS / "01_ingest_and_store.ipynb"
RUN_SECONDS = 120


@pytest.fixture
def workshop_copy(tmp_path):
    """A copy of notebooks/ and data/, because JupyterLab saves what it runs."""
    for name in ("notebooks", "data", "infra/stacks"):
        shutil.copytree(project.ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def lab(workshop_copy):
    """JupyterLab on a free port, and its address."""
    port = free_port()
    home = workshop_copy / ".workshop"
    environment = {name: value for name, value in os.environ.items() if name != "AWS_PROFILE"}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    command += [
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=",
        f"--notebook-dir={workshop_copy / 'notebooks'}",
    ]
    with open(workshop_copy / "lab.log", "wb") as log:
        server = subprocess.Popen(
            command,
            cwd=workshop_copy / "notebooks",
            env={**environment, "WORKSHOP_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    _wait_until_it_answers(address, server, workshop_copy / "lab.log")
    yield address
    server.terminate()
    server.wait(timeout=30)
    server_process.stop(home)


def _wait_until_it_answers(address, server, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/api/status", timeout=5):
                return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not answer within 60 s: {log.read_text()}")


def test_notebook_01_runs_in_the_browser_and_its_form_sends(lab, page, tmp_path):
    page.goto(f"{lab}/lab/tree/{NOTEBOOK.name}?reset", timeout=60_000)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.get_by_text("Python (Analytics Workshop) | Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).click()
    form = page.locator(".kdg-form").first
    try:
        form.wait_for(state="attached", timeout=RUN_SECONDS * 1000)
        form.scroll_into_view_if_needed()
        _wait_until_idle(page)
    finally:
        page.screenshot(path=str(tmp_path / "notebook.png"))
    form.locator(".kdg-rate input").fill("200")
    form.locator(".kdg-rate input").press("Enter")
    form.locator("button.kdg-send").click()
    page.wait_for_function(
        "() => /\\b[1-9][0-9,]* /.test(document.querySelector('.kdg-counters').innerText)", timeout=20_000
    )
    form.locator("button.kdg-stop").click()
    page.wait_for_selector("button.kdg-stop[disabled]", timeout=20_000)
    page.screenshot(path=str(tmp_path / "form.png"))
    assert form.locator(".kdg-error").inner_text().strip() == ""
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    shown = page.locator(".jp-OutputArea-output").all_inner_texts()
    assert any("Local AWS" in text for text in shown)


def _wait_until_idle(page):
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=RUN_SECONDS * 1000)
