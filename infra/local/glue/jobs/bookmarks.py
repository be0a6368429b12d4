"""Glue jobs: where bookmarks are kept, and what earlier runs had committed (awsglue.bookmark describes what is in the files).

Source: https://docs.aws.amazon.com/glue/latest/dg/monitor-continuations.html
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.core import state

if TYPE_CHECKING:
    from infra.local.glue.jobs.record import Job, JobRun

RANGE = ("--job-bookmark-from", "--job-bookmark-to")
VARIABLES = ("GLUE_JOB_BOOKMARK_FROM", "GLUE_JOB_BOOKMARK_TO")


class WrongRange(ValueError):
    """A run asks for a range of runs that cannot be read; the message says why."""


def file(account: str, region: str, job: str) -> Path:
    """Return where a job's bookmark is kept."""
    folder = state.folder("glue", account, region) / "bookmarks"
    folder.mkdir(exist_ok=True)
    return folder / f"{hashlib.sha256(job.encode()).hexdigest()[:32]}.json"


def entry_file(run: JobRun) -> Path:
    """Return where the entry that a run committed is kept."""
    return file(run.account, run.region, run.job_name).with_suffix(".runs") / f"{run.run_id}.json"


def committed(job: Job, run_id: str) -> Path | None:
    """Return the entry of the last run up to this one that committed its bookmark, None if there is none.

    Raises EntityNotFoundException for a run that the job has not.
    """
    wanted = job.run(run_id)
    runs = list(job.runs)
    entries = [entry_file(run) for run in runs[: runs.index(wanted) + 1]]
    return next((entry for entry in reversed(entries) if entry.exists()), None)


def rewind(job: Job, account: str, region: str, run_id: str) -> dict[str, Any]:
    """Take a job's bookmark back to where it was after a run, and return the entry of then.

    Raises EntityNotFoundException for a run that the job has not.
    """
    entry, bookmark = committed(job, run_id), file(account, region, job.name)
    if entry is None:
        bookmark.unlink(missing_ok=True)
        return {"JobName": job.name, "JobBookmark": "{}"}
    part = bookmark.with_name(f"{bookmark.name}.part")
    shutil.copyfile(entry, part)
    part.replace(bookmark)
    return json.loads(entry.read_text())


def forget(account: str, region: str, job: str) -> None:
    """Remove the bookmark of a job that is gone, and those of its runs."""
    bookmark = file(account, region, job)
    bookmark.unlink(missing_ok=True)
    shutil.rmtree(bookmark.with_suffix(".runs"), ignore_errors=True)


def variables(job: Job, run: JobRun) -> dict[str, str]:
    """Return the environment variables by which a run's script finds its bookmark.

    Raises
    ------
    WrongRange: of `--job-bookmark-from` and `--job-bookmark-to` one is missing or names no run, or the option is not `job-bookmark-pause`
    """
    found = {
        "GLUE_JOB_BOOKMARK_FILE": str(file(run.account, run.region, run.job_name)),
        "GLUE_JOB_BOOKMARK_ENTRY": str(entry_file(run)),
    }
    given = [run.arguments.get(name, "") for name in RANGE]
    if not any(given):
        return found
    if run.arguments.get("--job-bookmark-option") != "job-bookmark-pause":
        raise WrongRange(f"{' and '.join(RANGE)} belong to --job-bookmark-option job-bookmark-pause.")
    if not all(given):
        raise WrongRange(f"{' and '.join(RANGE)} must be given together.")
    known = {each.run_id for each in job.runs}
    for name, run_id in zip(RANGE, given, strict=True):
        if run_id not in known:
            raise WrongRange(f"{name}: the job {job.name} has no run {run_id}.")
    return found | {name: str(committed(job, run_id) or "") for name, run_id in zip(VARIABLES, given, strict=True)}
