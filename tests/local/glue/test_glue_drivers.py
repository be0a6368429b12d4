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


class Waiting:
    """Stands for client.SparkDriver."""

    made: list[Waiting] = []

    def __init__(self, settings: Settings, catalog: bool = False, log: Any = None, parent: Path | None = None):
        self.settings, self.catalog, self.log = settings, catalog, log
        self.exited: Future[str] = Future()
        Waiting.made.append(self)

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
    glue_drivers.keep_spare(MINE, False)
    taken = glue_drivers.start(MINE, False, keep)
    assert [taken] == drivers and taken.log is keep
    assert glue_drivers.start(MINE, False, keep) is drivers[1]


@pytest.mark.parametrize(("settings", "catalog"), [(THEIRS, False), (MINE, True)])
def test_a_start_with_other_settings_ends_it(drivers: list[Waiting], settings: Settings, catalog: bool) -> None:
    glue_drivers.keep_spare(MINE, False)
    started = glue_drivers.start(settings, catalog, keep)
    assert drivers[0].exited.done() and started is drivers[1]
    assert (started.settings, started.catalog) == (settings, catalog)


def test_a_spare_that_has_ended_is_not_used(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE, False)
    drivers[0].exited.set_result("killed by somebody")
    drivers[0].kill = lambda: None
    assert glue_drivers.start(MINE, False, keep) is drivers[1]


def test_there_is_one_at_most(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE, False)
    glue_drivers.keep_spare(THEIRS, False)
    assert [driver.settings for driver in drivers] == [MINE]


def test_none_when_memory_is_short_or_files_would_differ(
    drivers: list[Waiting], monkeypatch: pytest.MonkeyPatch
) -> None:
    glue_drivers.keep_spare(Settings("", "us-east-1", "a", "b", py_files=("/folder/of/a/run/x.zip",)), False)
    memory(monkeypatch, 1.9e9)
    glue_drivers.keep_spare(MINE, False)
    assert drivers == []
    memory(monkeypatch, 2.1e9)
    glue_drivers.keep_spare(MINE, False)
    assert len(drivers) == 1


def test_it_ends_when_nobody_uses_it(drivers: list[Waiting], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glue_drivers, "SPARE_SECONDS", 0.05)
    glue_drivers.keep_spare(MINE, False)
    until(drivers[0].exited.done)
    glue_drivers.keep_spare(MINE, False)
    glue_drivers.start(MINE, False, keep)
    third = glue_drivers.start(MINE, False, keep)
    time.sleep(0.1)  # longer than SPARE_SECONDS: the clock of the spare must not end a driver that was taken
    assert not drivers[1].exited.done() and not third.exited.done()


def test_shutdown_ends_it_and_lets_no_other_start(drivers: list[Waiting]) -> None:
    glue_drivers.keep_spare(MINE, False)
    glue_drivers.stop()
    assert drivers[0].exited.done()
    glue_drivers.keep_spare(MINE, False)
    assert len(drivers) == 1
