"""What `check` tells a learner it tells the board too: only on the local AWS, and never in the learner's way."""

from __future__ import annotations

import time

from infra import server_process
from infra.teaching import answers, progress


def rows(server, account):
    told = server_process.ask(server_process.find(server.home), "GET", "/_workshop/progress")
    return {row["exercise"]: (row["state"], row["tries"]) for row in told["rows"] if row["account"] == account}


def test_open_wrong_and_solved(cloud, server, account, capsys):
    answers.check("0.1")
    assert rows(server, account) == {"0.1": ("open", 0)}
    answers.check("0.1", 1)
    answers.check("0.1", 2)
    assert rows(server, account) == {"0.1": ("wrong", 2)}
    answers.check("0.1", 1_048_576 // 178)
    answers.check("0.1", 3)  # somebody plays on
    assert rows(server, account) == {"0.1": ("solved", 4)}


def test_without_a_board_the_check_says_what_it_has_to_say(cloud, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    began = time.monotonic()
    answers.check("0.1", 1_048_576 // 178)
    assert "✔ 0.1" in capsys.readouterr().out
    assert time.monotonic() - began < 5


def test_nothing_is_sent_to_real_aws(cloud, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setattr(progress.urllib.request, "urlopen", lambda *_, **__: 1 / 0)
    assert progress.signed("POST", "/_workshop/progress", {}) is None
