"""The spare Spark driver: for whom it is, when it is started and when it ends. No Spark runs here, but processes that only wait."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from infra.engines.spark import client
from infra.engines.spark.options import Settings
from infra.local.core import state
from infra.local.glue import drivers as glue_drivers
from tests.polling import until

MINE = Settings("http://127.0.0.1:1", "us-east-1", "210000000801", "local")
THEIRS = Settings("http://127.0.0.1:1", "us-east-1", "210000000802", "local")
ELSEWHERE = Settings("http://127.0.0.1:1", "eu-west-1", "210000000801", "local")
TUNED = Settings("http://127.0.0.1:1", "us-east-1", "210000000801", "local", conf={"spark.sql.ansi.enabled": "true"})


class Waiting:
    """Stands for client.SparkDriver."""

    made: list[Waiting] = []

    def __init__(self, settings: Settings, catalog: bool = False, log: Any = None, parent: Path | None = None):
        self.settings, self.catalog, self.log = settings, catalog, log
        self.exited: Future[str] = Future()
        Waiting.made.append(self)

    def become(self, settings: Settings, catalog: bool) -> None:
        self.settings, self.catalog = settings, catalog

    def kill(self) -> None:
        self.exited.set_result("killed")


def keep(stream: str, line: str) -> None:
    pass


@pytest.fixture(autouse=True)
def drivers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Waiting]:
    monkeypatch.setattr(state, "_root", tmp_path / "state")
    monkeypatch.setattr(client, "SparkDriver", Waiting)
    monkeypatch.setattr(Waiting, "made", [])
    monkeypatch.setattr(glue_drivers, "_spare", None)
    monkeypatch.setattr(glue_drivers, "_is_shutting_down", False)
    memory(monkeypatch, 8e9)
    return Waiting.made


def memory(monkeypatch: pytest.MonkeyPatch, available: float) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))


def test_a_spare_is_used_once(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE)
    taken = glue_drivers.start(MINE, False, keep)
    assert [taken] == drivers and taken.log is keep
    assert glue_drivers.start(MINE, False, keep) is drivers[1]


def test_it_waits_without_credentials_and_becomes_whose_it_is(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE)
    assert drivers[0].settings == Settings("http://127.0.0.1:1", "us-east-1", "", "")
    taken = glue_drivers.start(THEIRS, True, keep)
    assert [taken] == drivers and (taken.settings, taken.catalog) == (THEIRS, True)


@pytest.mark.parametrize("settings", [ELSEWHERE, TUNED])
def test_a_start_with_other_settings_ends_it(drivers: list[Waiting], settings: Settings) -> None:
    glue_drivers.keep_spare(MINE)
    started = glue_drivers.start(settings, False, keep)
    assert drivers[0].exited.done() and started is drivers[1]
    assert started.settings == settings


def test_a_spare_that_has_ended_is_not_used(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE)
    drivers[0].exited.set_result("killed by somebody")
    drivers[0].kill = lambda: None
    assert glue_drivers.start(MINE, False, keep) is drivers[1]


def test_there_is_one_at_most(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE)
    glue_drivers.keep_spare(THEIRS)
    assert len(drivers) == 1


def test_none_when_memory_is_short_or_files_would_differ(
    drivers: list[Waiting], monkeypatch: pytest.MonkeyPatch
) -> None:
    glue_drivers.keep_spare(Settings("", "us-east-1", "a", "b", py_files=("/folder/of/a/run/x.zip",)))
    memory(monkeypatch, 1.9e9)
    glue_drivers.keep_spare(MINE)
    assert drivers == []
    memory(monkeypatch, 2.1e9)
    glue_drivers.keep_spare(MINE)
    assert len(drivers) == 1


def test_it_ends_when_nobody_uses_it(drivers: list[Waiting], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glue_drivers, "SPARE_SECONDS", 0.05)
    glue_drivers.keep_spare(MINE)
    until(drivers[0].exited.done)
    glue_drivers.keep_spare(MINE)
    glue_drivers.start(MINE, False, keep)
    third = glue_drivers.start(MINE, False, keep)
    time.sleep(0.1)  # longer than SPARE_SECONDS: the clock of the spare must not end a driver that was taken
    assert not drivers[1].exited.done() and not third.exited.done()


def test_shutdown_ends_it_and_lets_no_other_start(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE)
    glue_drivers.stop()
    assert drivers[0].exited.done()
    glue_drivers.keep_spare(MINE)
    assert len(drivers) == 1
