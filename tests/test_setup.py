"""The set-up's steps: in their order, those of a group beside each other, each with its line."""

from __future__ import annotations

import re
import threading

import pytest

from infra import setup
from infra.setup import Step


def test_steps_of_a_group_are_done_beside_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []
    meet = threading.Barrier(2, timeout=10)
    groups = [[Step("a", lambda: done.append("a"))], [Step("b", meet.wait), Step("c", meet.wait)]]
    monkeypatch.setattr(setup, "_steps", lambda: [*groups, [Step("d", lambda: done.append("d"))]])
    setup.run()
    assert done == ["a", "d"]
    assert re.findall(r"^  (\w) … \d+\.\d s$", capsys.readouterr().out, re.MULTILINE) == ["a", "b", "c", "d"]


def test_a_step_that_fails_ends_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("no Java")

    later: list[str] = []
    monkeypatch.setattr(setup, "_steps", lambda: [[Step("a", fail)], [Step("b", lambda: later.append("b"))]])
    with pytest.raises(RuntimeError, match="no Java"):
        setup.run()
    assert later == []
