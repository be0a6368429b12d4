"""A run that has had its time ends as TIMEOUT, whether it works or waits for its turn."""

import time

import pytest

from infra.local.databrew import runs
from infra.local.databrew.backend import DataBrewBackend
from infra.local.databrew.records import JobRun

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("minutes", "begun", "late"), [(1, 61, True), (1, 50, False), (0, 10**6, False)])
def test_the_limit_is_in_minutes_and_0_is_none(tmp_path, monkeypatch, minutes, begun, late):
    monkeypatch.setattr(runs.reading, "scratch", lambda backend: tmp_path)
    run = JobRun(JobRun.new_id(), "j", "RECIPE", {"Timeout": minutes}, [], started=time.time() - begun)
    live = runs.Live(DataBrewBackend("us-east-1", "123456789012"), run)
    if not late:
        live.check()
        return
    with pytest.raises(runs.Interrupted):
        live.check()
    assert live._early() == ("TIMEOUT", "Job run timed out")
