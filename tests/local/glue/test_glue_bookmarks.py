"""Bookmarks of jobs, as the server keeps them: of which run an entry is, rewinding, and the ranges of `job-bookmark-pause`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from moto.glue.exceptions import EntityNotFoundException

from infra.local.core import state
from infra.local.glue.jobs import bookmarks
from infra.local.glue.jobs.record import Job, JobRun

ACCOUNT, REGION = "123456789012", "us-east-1"
PAUSE = {"--job-bookmark-option": "job-bookmark-pause"}


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Job:
    """A job with four runs; the first and the third have committed."""
    monkeypatch.setattr(state, "folder", lambda *_: tmp_path)
    made = Job("copy", {}, ACCOUNT, REGION)
    for number in range(1, 5):
        run = JobRun(ACCOUNT, REGION, "copy", f"jr_{number}", {}, {})
        made.runs.append(run)
        if number in (1, 3):
            entry = json.dumps({"JobName": "copy", "RunId": run.run_id, "JobBookmark": "{}"})
            for file in (bookmarks.entry_file(run), bookmarks.file(ACCOUNT, REGION, "copy")):
                file.parent.mkdir(exist_ok=True)
                file.write_text(entry)
    return made


def bookmark() -> str | None:
    """The run after which the bookmark is."""
    file = bookmarks.file(ACCOUNT, REGION, "copy")
    return json.loads(file.read_text())["RunId"] if file.exists() else None


@pytest.mark.parametrize(("run", "committed"), [("jr_1", "jr_1"), ("jr_2", "jr_1"), ("jr_3", "jr_3"), ("jr_4", "jr_3")])
def test_a_rewound_bookmark_is_that_of_the_last_run_that_committed(job: Job, run: str, committed: str) -> None:
    assert bookmarks.rewind(job, ACCOUNT, REGION, run)["RunId"] == committed
    assert bookmark() == committed


def test_a_bookmark_goes_back_to_before_all_runs_and_none_is_left_of_a_deleted_job(job: Job) -> None:
    bookmarks.entry_file(job.run("jr_1")).unlink()
    assert bookmarks.rewind(job, ACCOUNT, REGION, "jr_2") == {"JobName": "copy", "JobBookmark": "{}"}
    assert bookmark() is None
    with pytest.raises(EntityNotFoundException, match="JobRun jr_9 for job copy not found"):
        bookmarks.rewind(job, ACCOUNT, REGION, "jr_9")
    bookmarks.rewind(job, ACCOUNT, REGION, "jr_3")
    bookmarks.forget(ACCOUNT, REGION, "copy")
    assert bookmark() is None and bookmarks.committed(job, "jr_3") is None


def test_a_run_is_told_the_entries_of_its_range(job: Job) -> None:
    run = JobRun(ACCOUNT, REGION, "copy", "jr_5", {}, PAUSE)
    entries = {f"jr_{number}": str(bookmarks.entry_file(job.run(f"jr_{number}"))) for number in (1, 3)}

    def told(since: str, until: str) -> tuple[str, str]:
        run.arguments = PAUSE | dict(zip(bookmarks.RANGE, (since, until), strict=True))
        found = bookmarks.variables(job, run)
        return found["GLUE_JOB_BOOKMARK_FROM"], found["GLUE_JOB_BOOKMARK_TO"]

    assert told("jr_2", "jr_4") == (entries["jr_1"], entries["jr_3"])
    bookmarks.entry_file(job.run("jr_1")).unlink()
    assert told("jr_1", "jr_3") == ("", entries["jr_3"])
    run.arguments = {}
    assert bookmarks.variables(job, run).keys() == {"GLUE_JOB_BOOKMARK_FILE", "GLUE_JOB_BOOKMARK_ENTRY"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (PAUSE | {"--job-bookmark-from": "jr_1"}, "must be given together"),
        (PAUSE | {"--job-bookmark-to": "jr_1"}, "must be given together"),
        (PAUSE | {"--job-bookmark-from": "jr_1", "--job-bookmark-to": "jr_7"}, "--job-bookmark-to: .* has no run jr_7"),
        ({"--job-bookmark-from": "jr_1", "--job-bookmark-to": "jr_3"}, "belong to .* job-bookmark-pause"),
    ],
)
def test_a_range_that_cannot_be_read(job: Job, arguments: dict[str, str], says: str) -> None:
    with pytest.raises(bookmarks.WrongRange, match=says):
        bookmarks.variables(job, JobRun(ACCOUNT, REGION, "copy", "jr_5", {}, arguments))
