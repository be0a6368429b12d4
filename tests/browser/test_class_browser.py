"""A class of three in a real browser: log in, JupyterLab on the first chapter, and the progress board for whoever leads only."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest

from infra import server_process
from tests.browser import pages
from tests.conftest import free_port
from tests.polling import until

page = pages.page
pytestmark = [
    pytest.mark.timeout(420),
    pytest.mark.skipif(importlib.util.find_spec("jupyterhub") is None, reason="the extra `class` is not installed"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="no Node and npm for JupyterHub's proxy"),
]


class Class:
    """`workshop class` as somebody types it, with its passwords read from the screen."""

    def __init__(self, folder):
        self.home, self.port = folder / "home", free_port()
        names = folder / "names.txt"
        names.write_text("Ann\nBob\nCy Or\n")
        self.screen = folder / "screen.txt"
        command = [sys.executable, "-m", "infra.cli", "class", "--names", str(names), "--port", str(self.port)]
        with open(self.screen, "wb") as screen:
            self.process = subprocess.Popen(
                command, env={**os.environ, "WORKSHOP_HOME": str(self.home)}, stdout=screen, stderr=screen
            )
        until(self._answers, "the hub", 180)
        found = re.findall(r"^  (.{24}) (\S+) +(\S{4}-\S{4}-\S{4})$", self.screen.read_text(), re.MULTILINE)
        self.passwords = {login: password for _, login, password in found}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _answers(self):
        assert self.process.poll() is None, self.screen.read_text()
        try:
            return urllib.request.urlopen(f"{self.url}/hub/login", timeout=5).status == 200
        except OSError:
            return False

    def enter(self, page, login, password=""):
        page.goto(f"{self.url}/hub/login")
        page.fill("#username_input", login)
        page.fill("#password_input", password or self.passwords[login])
        page.click("#login_submit")

    def run(self, login, code):
        """Run code as a notebook of a learner would, and return what it prints."""
        home = self.home / "class" / "learners" / login
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(
            [sys.executable, "-c", code], env={**variables, "WORKSHOP_HOME": str(home)}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(90) == 0


@pytest.fixture
def room(tmp_path):
    made = Class(tmp_path)
    yield made
    made.end()
    assert server_process.find(made.home) is None


def test_three_learners_and_the_board(room, page):
    page.set_default_timeout(120_000)
    assert set(room.passwords) == {"instructor", "ann", "bob", "cy-or"}
    stored = "".join(path.read_text() for path in (room.home / "class").glob("*.json"))
    assert not any(password in stored for password in room.passwords.values())
    room.enter(page, "ann", "guessed")
    page.get_by_text("Invalid username or password").wait_for()
    browser = page.context.browser
    for login in ("ann", "bob", "cy-or"):
        context = browser.new_context()
        own = context.new_page()
        own.set_default_timeout(120_000)
        room.enter(own, login)
        own.wait_for_url(re.compile(f"/user/{login}/lab"))
        own.wait_for_selector(".jp-Notebook .jp-Cell")
        if login == "bob":
            assert own.goto(f"{room.url}/services/board/").status == 403  # a learner sees no board
        context.close()
    told = room.run(
        "ann",
        "from helpers import check, connect\naws = connect()\ncheck('0.1', 'never')\n"
        "aws.client('s3').create_bucket(Bucket='of-ann')",
    )
    assert "account 000000000001" in told
    assert room.run(
        "bob", "from helpers import connect\nprint(connect().client('s3').list_buckets()['Buckets'])"
    ).endswith("[]\n")
    room.enter(page, "instructor")
    page.goto(f"{room.url}/services/board/")
    row = page.locator("tr", has=page.get_by_role("rowheader", name="Ann"))
    assert "now" in row.inner_text() and "✘" in row.inner_text()
    assert "not here yet" not in page.locator("tr", has=page.get_by_role("rowheader", name="Bob")).inner_text()
    assert (room.home / "class" / "learners" / "ann" / "work" / "notebooks" / "00_start_here.ipynb").exists()
