"""A class of three in a real browser: log in, JupyterLab on the first chapter, and the progress board for whoever leads only.

A minute of processor time, so it runs where it is asked for: `CLASS_BROWSER=1 .venv/bin/pytest tests/browser/test_class_browser.py`.
"""

from __future__ import annotations

import os
import re

import pytest

from infra import server_process
from tests.browser import pages
from tests.classroom import room as classroom

page = pages.page
pytestmark = [
    pytest.mark.timeout(420),
    pytest.mark.skipif(
        "CLASS_BROWSER" not in os.environ,
        reason="CLASS_BROWSER=1 runs it; tests/classroom/test_hub.py is the quick one",
    ),
    *classroom.NEEDED,
]


class Class(classroom.Class):
    def enter(self, page, login, password=""):
        page.goto(f"{self.url}/hub/login")
        page.fill("#username_input", login)
        page.fill("#password_input", password or self.passwords[login])
        page.click("#login_submit")


@pytest.fixture
def room(tmp_path):
    made = Class(tmp_path, "Ann", "Bob", "Cy Or")
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
