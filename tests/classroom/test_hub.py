"""The hub of a class without a browser: a password, a notebook server with the material, a board for whoever leads, and an end. 15 s of processor time."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import server_process
from tests.classroom import room as classroom
from tests.polling import until

pytestmark = [pytest.mark.timeout(240), *classroom.NEEDED]


class Visitor:
    """Somebody with cookies of their own."""

    def __init__(self, room: classroom.Class):
        self.url, self.passwords = room.url, room.passwords
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def ask(self, path: str, **form: str) -> tuple[int, str]:
        """Return status and text of a page, after all redirects."""
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(self.url + path, data, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def enter(self, login: str, password: str = "", then: str = "/hub/home") -> tuple[int, str]:
        """Log in and go on to a page; to /hub/spawn, which starts a notebook server."""
        token = re.search(r'name="_xsrf" value="([^"]+)"', self.ask("/hub/login")[1])
        assert token is not None
        known = {"username": login, "password": password or self.passwords[login]}
        return self.ask(f"/hub/login?next={then}", **known, _xsrf=token[1].replace("&#34;", '"'))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[classroom.Class]:
    made = classroom.Class(tmp_path, "Ann", "山田 太郎")
    yield made
    made.end()
    assert server_process.find(made.home) is None


def test_a_learner_works_and_the_leader_sees_it(room: classroom.Class) -> None:
    assert set(room.passwords) == {"instructor", "ann", "learner-2"}
    status, page = Visitor(room).enter("ann", "guessed")
    assert status == 403 and "Invalid username or password" in page
    ann = Visitor(room)
    ann.enter("ann", then="/hub/spawn")
    until(lambda: "jupyter-config-data" in ann.ask("/user/ann/lab")[1], "Ann's notebook server", 120)
    assert '"00_start_here.ipynb"' in ann.ask("/user/ann/api/contents/notebooks")[1]
    assert ann.ask("/services/board/")[0] == 403  # a learner sees no board
    assert ann.ask("/user/learner-2/api/contents")[0] in (403, 404)  # nor what others have
    told = room.run("ann", "from helpers import check, connect\nconnect()\ncheck('0.1', 'never')")
    assert "account 000000000001" in told and "✘ 0.1" in told
    leader = Visitor(room)
    leader.enter("instructor")
    status, board = leader.ask("/services/board/")
    assert status == 200
    assert re.search("<th scope=row>Ann</th><td>000000000001</td><td class=busy>now</td>.*✘ 1", board)
    assert "<th scope=row>山田 太郎</th><td>000000000002</td><td class=idle>not here yet</td>" in board
