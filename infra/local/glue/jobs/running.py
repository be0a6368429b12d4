"""Glue jobs: a run under way is a Spark driver, or a Python process for pythonshell."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.glue.models import glue_backends

from infra.engines import python_process
from infra.local.core import pace, roles, state, telemetry
from infra.local.glue import drivers as glue_drivers
from infra.local.glue.drivers import LOOK_SECONDS, STOP_SECONDS
from infra.local.glue.jobs import bookmarks
from infra.local.glue.jobs.record import UNFINISHED, Job, JobRun

if TYPE_CHECKING:
    from infra.engines.spark.client import SparkDriver
    from infra.engines.spark.options import Settings


log = logging.getLogger("workshop.glue_jobs")
ENDED_BY_SERVER = "The local AWS ended while the job was running; the run's process ended too."
MESSAGES = {
    "SUCCEEDED": "Job run succeeded",
    "STOPPED": "Job run stopped",
    "TIMEOUT": "Job run timed out",
}
SEVERITIES = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "TIMEOUT": "WARN", "FAILED": "ERROR"}

under_way: dict[str, Live] = {}  # run id → its running part
# Every Spark driver may fill a core and a gigabyte: more runs than that wait for their turn.
_places = threading.BoundedSemaphore(max(1, min(os.cpu_count() or 2, glue_drivers.limit())))
_is_shutting_down = threading.Event()


class RunFailed(Exception):
    """The script could not be run, or failed; the message is the run's ErrorMessage."""


class Live:
    """A run under way: the thread that starts its process, watches over it and writes its end."""

    def __init__(self, run: JobRun):
        self.run = run
        self.stopped = threading.Event()
        self._delay_told = False
        self.thread = threading.Thread(target=self._run, name=f"job-{run.run_id[:12]}", daemon=True)
        self._log = glue_drivers.LogLines(run.account, run.region, run.log_group, run.log_stream)
        self._folder = Path()
        self._driver: SparkDriver | None = None

    def _run(self) -> None:
        while not _places.acquire(timeout=LOOK_SECONDS / 10):
            self._tell_delay()
            if self.stopped.is_set():
                self._end("STOPPED", "")
                return
        self._folder = glue_drivers.new_folder("job-")
        try:
            status, error = self._work()
        except (RunFailed, glue_drivers.Missing) as failed:
            status, error = "FAILED", str(failed)
        except Exception as failure:  # never leave a run without an end
            log.exception("job run %s", self.run.run_id)
            status, error = "FAILED", f"The job could not be run: {type(failure).__name__}"
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            _places.release()
        self._end(status, error)
        if self._driver is not None and not under_way:
            glue_drivers.keep_spare(self._driver.settings)

    def _work(self) -> tuple[str, str]:
        if self.stopped.is_set():
            return "STOPPED", ""
        self._set("STARTING")
        self._begins = pace.deadline("job starting")
        run = self.run
        location = run.arguments.get("--scriptLocation") or run.settings["Command"]["ScriptLocation"]
        role = self._log.role = self._assume()
        script = glue_drivers.fetch(role, run.region, location, self._folder)
        settings, catalog = glue_drivers.settings(role, run.region, run.settings, run.arguments, self._folder)
        arguments = ["--JOB_NAME", run.job_name, "--JOB_RUN_ID", run.run_id, "--JOB_ID", _job_id(run)]
        for name, value in run.arguments.items():
            arguments += [name, value]
        if run.settings["Command"]["Name"] == "pythonshell":
            return self._run_python(settings, script, arguments)
        return self._run_spark(settings, catalog, script, arguments)

    def _assume(self) -> roles.Session:
        """Return the credentials of the run's role. Raises RunFailed."""
        run = self.run
        try:
            return glue_drivers.assume(run.account, run.settings["Role"])
        except glue_drivers.InvalidInput as failure:
            raise RunFailed(
                f"JobName:{run.job_name} and JobRunId:{run.run_id} failed to execute with exception {failure.message}"
            ) from None

    def _run_spark(self, settings: Settings, catalog: bool, script: Path, arguments: list[str]) -> tuple[str, str]:
        from infra.engines.spark.client import DriverLost

        run = self.run
        self._log.tell_engine(run.settings["GlueVersion"])
        marks = self._bookmarks()
        driver = self._driver = glue_drivers.start(settings, catalog, self._log.keep)
        pace.pause(self._begins, self.stopped.is_set)
        try:
            result = driver.run_job(script, arguments, marks, started=lambda: self._set("RUNNING"))
            if early := self._watch(result):
                return early
            outcome = result.result()
        except DriverLost as lost:
            reason = str(lost)
            raise RunFailed(f"{reason[:1].upper()}{reason[1:]}") from None
        finally:
            driver.stop(STOP_SECONDS)
        if outcome["status"] != "ok":
            raise RunFailed(outcome["error_message"])
        return "SUCCEEDED", ""

    def _bookmarks(self) -> dict[str, str]:
        run = self.run
        with state.lock("glue", run.account):
            job = glue_backends[run.account][run.region].jobs.get(run.job_name)
            if job is None or run not in job.runs:  # deleted meanwhile
                raise RunFailed(f"The job {run.job_name} is not there any more.")
            try:
                return bookmarks.variables(job, run)
            except bookmarks.WrongRange as wrong:
                raise RunFailed(str(wrong)) from None

    def _run_python(self, settings: Settings, script: Path, arguments: list[str]) -> tuple[str, str]:
        from infra.engines.spark.options import environment

        result = self._folder / ".result.json"
        pace.pause(self._begins, self.stopped.is_set)
        try:
            arguments = [str(result), str(script), *arguments]
            process = python_process.start(
                "infra.engines.python_shell",
                arguments,
                self._folder,
                env=environment(settings, self._folder),
                stdin=subprocess.PIPE,
            )
        except (OSError, ValueError) as error:  # arguments that are too long or have a NUL
            reason = error.strerror if isinstance(error, OSError) else error
            raise RunFailed(f"The Python process could not be started: {reason}") from None
        readers = [
            threading.Thread(target=self._forward, args=(name, stream), daemon=True)
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        ]
        for reader in readers:
            reader.start()
        self._set("RUNNING")
        try:
            while process.poll() is None:
                if early := self._ends_early():
                    return early
                try:
                    process.wait(LOOK_SECONDS / 5)
                except subprocess.TimeoutExpired:
                    self._log.write()
        finally:
            python_process.kill_group(process.pid)  # what the script has started, too
            process.wait()
            for reader in readers:
                reader.join(STOP_SECONDS)
            if process.stdin is not None:
                process.stdin.close()
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            raise RunFailed(f"The Python process was killed by signal {-process.returncode} ({name})")
        if process.returncode:
            told = json.loads(result.read_text()) if result.exists() else {}
            raise RunFailed(told.get("error_message") or f"Command failed with exit code {process.returncode}")
        return "SUCCEEDED", ""

    def _watch(self, future: Future[Any]) -> tuple[str, str] | None:
        """Wait for a future; return how the run ends if that is decided before."""
        while not future.done():
            if early := self._ends_early():
                return early
            wait([future], timeout=LOOK_SECONDS / 5)
        return None

    def _tell_delay(self) -> None:
        """Put the event of a run that takes longer than NotifyDelayAfter says, once."""
        run = self.run
        after = (run.settings.get("NotificationProperty") or {}).get("NotifyDelayAfter")
        if not after or self._delay_told:
            return
        if (utcnow() - run.started_on).total_seconds() < after * glue_drivers.MINUTE:
            return
        self._delay_told = True
        detail = {
            "jobName": run.job_name,
            "severity": "INFO",
            "notificationCondition": {"NotifyDelayAfter": float(after)},
            "state": run.status,
            "jobRunId": run.run_id,
            "message": f"Job is in {run.status} state",
            "startedOn": run.started_on.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        telemetry.event(run.account, run.region, "aws.glue", "Glue Job Run Status", detail)

    def _ends_early(self) -> tuple[str, str] | None:
        self._log.write()
        self._tell_delay()
        if self.stopped.is_set():
            return ("FAILED", ENDED_BY_SERVER) if _is_shutting_down.is_set() else ("STOPPED", "")
        timeout = self.run.settings["Timeout"]
        if self.run.seconds > timeout * glue_drivers.MINUTE:
            return "TIMEOUT", MESSAGES["TIMEOUT"]
        return None

    def _set(self, status: str) -> None:
        run = self.run

        def change() -> None:
            if run.status == "STOPPING":
                return
            run.status = status
            if status == "RUNNING":
                run.running_since = utcnow()

        state.step("glue", run.account, run.region, change, self.stopped)

    def _end(self, status: str, error: str) -> None:
        run = self.run
        if error:
            self._log.keep("stderr", error)
        try:
            self._log.write()  # before the end: who sees that finds every line
        finally:
            self._note_end(status, error)
        telemetry.event(
            run.account,
            run.region,
            "aws.glue",
            "Glue Job State Change",
            {
                "jobName": run.job_name,
                "severity": SEVERITIES[status],
                "state": status,
                "jobRunId": run.run_id,
                "message": error or MESSAGES[status],
            },
        )

    def _note_end(self, status: str, error: str) -> None:
        run = self.run

        def change() -> None:
            run.status, run.error, run.completed_on = status, error, utcnow()
            if status == "FAILED" and not _is_shutting_down.is_set():
                _retry(run)

        state.step("glue", run.account, run.region, change, _is_shutting_down)
        del under_way[run.run_id]

    def _forward(self, name: str, stream: Any) -> None:
        for line in stream:
            self._log.keep(name, line.rstrip("\n"))


def _job_id(run: JobRun) -> str:
    return f"j_{hashlib.sha256(f'{run.account}/{run.region}/{run.job_name}'.encode()).hexdigest()}"


def begin(job: Job, run: JobRun) -> None:
    job.runs.append(run)
    state.afterwards(lambda: _start(run))


def _start(run: JobRun) -> None:
    live = under_way[run.run_id] = Live(run)
    live.thread.start()


def _retry(failed: JobRun) -> None:
    """Begin the next attempt of a failed run, if the job allows one more."""
    job = glue_backends[failed.account][failed.region].jobs.get(failed.job_name)
    if job is None or failed not in job.runs or failed.attempt >= failed.settings["MaxRetries"]:
        return  # the job was deleted, and may be another one of that name now, or this was the last attempt
    first = failed.run_id.partition("_attempt_")[0]
    again = replace(
        failed,
        run_id=f"{first}_attempt_{failed.attempt + 1}",
        previous_run_id=failed.run_id,
        attempt=failed.attempt + 1,
        status="WAITING",
        error="",
        started_on=utcnow(),
        running_since=None,
        completed_on=None,
    )
    begin(job, again)


def resume() -> None:
    """After a restart: no process is left, so runs that were under way have FAILED."""
    for account, region, backend in list(glue_backends.iter_backends()):
        lost = [run for job in backend.jobs.values() for run in job.runs if run.status in UNFINISHED]
        for run in lost:
            run.status, run.error, run.completed_on = "FAILED", ENDED_BY_SERVER, utcnow()
        if lost:
            state.save("glue", account, region)


def carry(stored: Any) -> None:
    """Let the runs under way be what is on disk of them."""
    for live in list(under_way.values()):
        run = live.run
        if (run.account, run.region) == (stored.account_id, stored.region_name) and run.job_name in stored.jobs:
            for found in stored.jobs[run.job_name].runs:
                if found.run_id == run.run_id:
                    state.follow(run, found)


def flush(account: str) -> None:
    """Note which runs of an account have to be saved."""
    for backend in glue_backends[account].values():
        for job in backend.jobs.values():
            job.note_changes()


def stop() -> None:
    """End every run, and wait for the ends of their processes."""
    _is_shutting_down.set()
    running = list(under_way.values())
    for live in running:
        live.stopped.set()
    deadline = time.monotonic() + 2 * STOP_SECONDS
    for live in running:
        live.thread.join(max(0.0, deadline - time.monotonic()))
