"""Glue jobs: definitions, runs, retries and bookmarks. A run is a Spark driver, or a Python process for pythonshell.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.glue.exceptions import AlreadyExistsException, ConcurrentRunsExceededException, EntityNotFoundException
from moto.glue.models import GlueBackend, glue_backends

from infra.engines import python_process
from infra.local import s3
from infra.local.core import pace, roles, state, telemetry
from infra.local.core.records import RecordList
from infra.local.glue import drivers as glue_drivers
from infra.local.glue.catalog.backend import CatalogResponse
from infra.local.glue.drivers import LOOK_SECONDS, STOP_SECONDS, InvalidInput, NotSupported
from infra.local.glue.studio import script as glue_studio

if TYPE_CHECKING:
    from infra.engines.spark.client import SparkDriver
    from infra.engines.spark.options import Settings

log = logging.getLogger("workshop.glue_jobs")

DEFAULT_TIMEOUT = 480  # minutes, as for Glue 5
OLD_TIMEOUT = 2880  # of Glue 4.0 and earlier
MOST_TIMEOUT = 10080
OLD_VERSIONS = ("3.0", "4.0")
DEFAULT_WORKERS = 10
PAGE = 200
MOST_JOBS = 1000  # in one answer
BY_DPUS = {"MaxCapacity", "AllocatedCapacity"}
BY_WORKERS = {"WorkerType", "NumberOfWorkers"}
UNFINISHED = ("WAITING", "STARTING", "RUNNING", "STOPPING")
COMMANDS = ("glueetl", "pythonshell")
ENDED_BY_SERVER = "The local AWS ended while the job was running; the run's process ended too."
MESSAGES = {
    "SUCCEEDED": "Job run succeeded",
    "STOPPED": "Job run stopped",
    "TIMEOUT": "Job run timed out",
}
SEVERITIES = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "TIMEOUT": "WARN", "FAILED": "ERROR"}
NOT_THERE = {
    "MaintenanceWindow": "Maintenance windows are for streaming jobs, which are not part of the local AWS.",
    "SourceControlDetails": "Source control of jobs is not part of the local AWS.",
    "SecurityConfiguration": "Security configurations are not part of the local AWS.",
    "JobRunQueuingEnabled": "Job run queuing is not part of the local AWS; allow more runs with MaxConcurrentRuns.",
    "ExecutionRoleSessionPolicy": "Session policies are not part of the local AWS, which does not check what a role allows.",
    "JobRunId": "Resuming an earlier run (JobRunId) is not part of the local AWS.",
}
SCALA = "scripts are Python here; choose a real AWS profile to run Scala"
LOG_PREFIX = "this is of Glue 4.0 and earlier; use --custom-logGroup-prefix and --custom-logStream-prefix"
REFUSED_ARGUMENTS = {
    "--class": SCALA,
    "--continuous-log-logGroup": LOG_PREFIX,
    "--continuous-log-logStreamPrefix": LOG_PREFIX,
}


@dataclass
class JobRun:
    """One attempt of a run."""

    account: str
    region: str
    job_name: str
    run_id: str
    settings: dict[str, Any]  # the job's, with what StartJobRun changed
    arguments: dict[str, str]
    previous_run_id: str = ""
    attempt: int = 0
    status: str = "WAITING"
    error: str = ""
    started_on: datetime = field(default_factory=utcnow)
    running_since: datetime | None = None
    completed_on: datetime | None = None

    @property
    def dpus(self) -> float:
        return glue_drivers.dpus(self.settings)

    @property
    def log_group(self) -> str:
        """What the names of its log groups, <this>/output and <this>/error, begin with."""
        default = "/aws-glue/jobs" if self.settings["Command"]["Name"] == "glueetl" else "/aws-glue/python-jobs"
        return self.arguments.get("--custom-logGroup-prefix") or default

    @property
    def log_stream(self) -> str:
        prefix = self.arguments.get("--custom-logStream-prefix")
        return f"{prefix}-driver" if prefix else self.run_id

    @property
    def seconds(self) -> float:
        """How long the script had its workers."""
        if self.running_since is None:
            return 0.0
        return ((self.completed_on or utcnow()) - self.running_since).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        names = ("WorkerType", "NumberOfWorkers", "GlueVersion", "ExecutionClass", "Timeout", "NotificationProperty")
        answer = {name: self.settings.get(name) for name in names}
        answer |= {
            "Id": self.run_id,
            "Attempt": self.attempt,
            "PreviousRunId": self.previous_run_id or None,
            "JobName": self.job_name,
            "JobMode": self.settings["JobMode"],
            "StartedOn": self.started_on,
            "LastModifiedOn": self.completed_on or self.running_since or self.started_on,
            "CompletedOn": self.completed_on,
            "JobRunState": self.status,
            "Arguments": self.arguments,
            "ErrorMessage": self.error or None,
            "PredecessorRuns": [],
            "AllocatedCapacity": int(self.dpus),
            "MaxCapacity": self.dpus,
            "ExecutionTime": round(self.seconds),
            "LogGroupName": self.log_group,
            "DPUSeconds": round(self.seconds * self.dpus, 1) if self.completed_on else None,
        }
        return {name: value for name, value in answer.items() if value is not None}


class Job:
    """A job as it is stored; `settings` holds the API's members with AWS's defaults."""

    def __init__(self, name: str, settings: dict[str, Any], account: str, region: str):
        self.name = name
        self.arn = f"arn:aws:glue:{region}:{account}:job/{name}"
        self.settings = settings
        self.created_on = self.last_modified_on = utcnow()
        self.runs = RecordList()
        self._watched: list[JobRun] = []  # runs that were unfinished when they were saved

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_watched"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if not isinstance(self.runs, RecordList):  # plain in lakes of before
            self.runs = RecordList(self.runs)
        self._watched = [run for run in self.runs if run.status in UNFINISHED]

    def note_changes(self) -> None:
        """Tell which runs may have changed since they were saved: a finished one never does."""
        new = self.runs[max(self.runs.saved, 0) :]
        for run in self._watched:
            self.runs.note(run)
        watched = {run.run_id: run for run in (*self._watched, *new)}
        self._watched = [run for run in watched.values() if run.status in UNFINISHED]

    def get_name(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "CreatedOn": self.created_on,
            "LastModifiedOn": self.last_modified_on,
            **self.settings,
            "AllocatedCapacity": int(glue_drivers.dpus(self.settings)),
            "MaxCapacity": glue_drivers.dpus(self.settings),
        }

    def run(self, run_id: str) -> JobRun:
        for run in self.runs:
            if run.run_id == run_id:
                return run
        raise EntityNotFoundException(f"JobRun {run_id} for job {self.name} not found.")


# --- what runs ------------------------------------------------------------------------------------------------------

_live: dict[str, Live] = {}  # run id → its running part
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
        if self._driver is not None and not _live:
            glue_drivers.keep_spare(self._driver.settings, self._driver.catalog)

    def _work(self) -> tuple[str, str]:
        if self.stopped.is_set():
            return "STOPPED", ""
        self._set("STARTING")
        self._begins = pace.deadline("job starting")
        run = self.run
        location = run.arguments.get("--scriptLocation") or run.settings["Command"]["ScriptLocation"]
        role = self._log.role = self._assume()
        script = glue_drivers.fetch(role, run.region, location, self._folder)
        settings, catalog = glue_drivers.settings(role, run.region, run.arguments, self._folder)
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
        bookmark = bookmark_file(run.account, run.region, run.job_name)
        driver = self._driver = glue_drivers.start(settings, catalog, self._log.keep)
        pace.pause(self._begins, self.stopped.is_set)
        try:
            result = driver.run_job(
                script, arguments, {"GLUE_JOB_BOOKMARK_FILE": str(bookmark)}, started=lambda: self._set("RUNNING")
            )
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
        del _live[run.run_id]

    def _forward(self, name: str, stream: Any) -> None:
        for line in stream:
            self._log.keep(name, line.rstrip("\n"))


def _job_id(run: JobRun) -> str:
    return f"j_{hashlib.sha256(f'{run.account}/{run.region}/{run.job_name}'.encode()).hexdigest()}"


def bookmark_file(account: str, region: str, job: str) -> Path:
    """Return where a job's bookmark is kept; awsglue.bookmark describes what is in it."""
    folder = state.folder("glue", account, region) / "bookmarks"
    folder.mkdir(exist_ok=True)
    return folder / f"{hashlib.sha256(job.encode()).hexdigest()[:32]}.json"


def _begin(job: Job, run: JobRun) -> None:
    job.runs.append(run)
    state.afterwards(lambda: _start(run))


def _start(run: JobRun) -> None:
    live = _live[run.run_id] = Live(run)
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
    _begin(job, again)


# --- what is refused --------------------------------------------------------------------------------------------------


def check_job(backend: GlueBackend, given: dict[str, Any]) -> None:
    """Fill in AWS's defaults. Raises InvalidInputException or OperationNotSupportedException for what cannot run here."""
    _refuse(given)
    command = given.get("Command") or {}
    if command.get("Name") not in COMMANDS:
        raise NotSupported(f"Command.Name must be one of {', '.join(COMMANDS)} on the local AWS.")
    if given.get("CodeGenConfigurationNodes") and command["Name"] != "glueetl":
        raise InvalidInput("CodeGenConfigurationNodes become a Spark script: Command.Name must be glueetl.")
    if command.get("PythonVersion") == "2":
        raise NotSupported("Python 2 is not part of the local AWS; Command.PythonVersion must be 3 or 3.9.")
    bucket, _, key = command.get("ScriptLocation", "").removeprefix("s3://").partition("/")
    if not command.get("ScriptLocation", "").startswith("s3://") or not bucket or not key:
        raise InvalidInput("Command.ScriptLocation must be the s3:// address of a script.")
    glue_drivers.check_connections(given)
    if not 0 <= given.setdefault("MaxRetries", 0) <= 10:
        raise InvalidInput("MaxRetries must be from 0 to 10.")
    if given.setdefault("ExecutionProperty", {"MaxConcurrentRuns": 1}).setdefault("MaxConcurrentRuns", 1) < 1:
        raise InvalidInput("MaxConcurrentRuns must be at least 1.")
    given.setdefault("JobMode", "VISUAL" if given.get("CodeGenConfigurationNodes") else "SCRIPT")
    given.setdefault("DefaultArguments", {})
    glue_drivers.assume(backend.account_id, given.get("Role", ""))
    check_settings(given)
    _check_arguments(given["DefaultArguments"] | given.get("NonOverridableArguments", {}))


def _refuse(given: dict[str, Any]) -> None:
    for name, why in NOT_THERE.items():
        if _says_something(given.get(name)):
            raise NotSupported(why)


def _says_something(value: Any) -> bool:
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _check_arguments(arguments: dict[str, str]) -> None:
    """Raise InvalidInputException for an argument that has no effect here."""
    glue_drivers.check_arguments(arguments)
    for name, why in REFUSED_ARGUMENTS.items():
        if arguments.get(name):
            raise InvalidInput(f"{name} is refused by the local AWS: {why}.")
    if arguments.get("--job-language", "python").lower() != "python":
        raise InvalidInput(f"--job-language is refused by the local AWS: {SCALA}.")


def check_settings(given: dict[str, Any]) -> None:
    """Check timeout, capacity and execution class, which a run may change. Raises InvalidInputException."""
    default = OLD_TIMEOUT if given.get("GlueVersion") in OLD_VERSIONS else DEFAULT_TIMEOUT
    if given.setdefault("Timeout", default) > MOST_TIMEOUT:
        raise InvalidInput(f"Timeout must be at most {MOST_TIMEOUT} minutes (7 days).")
    if allocated := given.pop("AllocatedCapacity", 0):
        if given.get("WorkerType") or given.get("NumberOfWorkers"):
            raise InvalidInput("Please do not set Allocated Capacity if using Worker Type and Number of Workers.")
        if given.setdefault("MaxCapacity", allocated) != allocated:
            raise InvalidInput("Please set only Allocated Capacity or Max Capacity.")
    if given.get("ExecutionClass") == "FLEX" and given["Command"]["Name"] != "glueetl":
        raise InvalidInput("ExecutionClass FLEX is for glueetl jobs only.")
    if given["Command"]["Name"] == "pythonshell":
        if given.get("WorkerType") or given.get("NumberOfWorkers"):
            raise InvalidInput("A pythonshell job has MaxCapacity, no WorkerType and no NumberOfWorkers.")
        if given.setdefault("MaxCapacity", 0.0625) not in (0.0625, 1):
            raise InvalidInput("MaxCapacity of a pythonshell job must be 0.0625 or 1.")
        return
    glue_drivers.check_engine(given, DEFAULT_WORKERS)


class WrongTransition(JsonRESTError):
    def __init__(self, message: str):
        super().__init__("JobRunInvalidStateTransitionException", message)


# --- the backend ------------------------------------------------------------------------------------------------------


class Jobs(GlueBackend):
    """The operations on jobs, their runs and their bookmarks."""

    def create_job(self, name: str, **given: Any) -> Job:  # type: ignore[override]
        if name in self.jobs:
            raise AlreadyExistsException("Job")
        check_job(self, given)
        self._store_script(given)
        tags = given.pop("Tags", None)
        job = Job(name, given, self.account_id, self.region_name)
        self.tag_resource(job.arn, tags)
        self.jobs[name] = job  # type: ignore[assignment]
        return job

    def update_job(self, name: str, given: dict[str, Any]) -> None:
        """Replace all settings of a job, as AWS does: what is not given has its default again."""
        job = self.get_job(name)
        check_job(self, given)
        self._store_script(given)
        job.settings, job.last_modified_on = given, utcnow()

    def _store_script(self, given: dict[str, Any]) -> None:
        """Write a visual job's script where the job looks for it. Raises InvalidInputException for a wrong graph."""
        nodes = given.get("CodeGenConfigurationNodes")
        if not nodes:
            return
        try:
            text = glue_studio.script(nodes, self._catalog_table)
        except glue_studio.WrongGraph as wrong:
            raise InvalidInput(str(wrong)) from None
        bucket, _, key = given["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
        try:
            s3.put(self.account_id, bucket, key, text.encode(), content_type="text/x-python")
        except s3.MissingBucket:
            raise InvalidInput(f"The bucket {bucket} of Command.ScriptLocation does not exist.") from None

    def _catalog_table(self, database: str, table: str) -> dict[str, Any]:
        try:
            return self.get_table(database, table).as_dict()
        except EntityNotFoundException:
            raise glue_studio.WrongGraph(f"The Data Catalog has no table {database}.{table}.") from None

    def get_job(self, name: str) -> Job:  # type: ignore[override]
        if name not in self.jobs:
            raise EntityNotFoundException(f"Job with name: {name} not found.")
        return self.jobs[name]  # type: ignore[return-value]

    def delete_job(self, name: str) -> None:
        job = self.jobs.pop(name, None)
        if job is None:
            return
        self.tagger.delete_all_tags_for_resource(job.arn)
        state.afterwards(lambda: self._forget(job))

    def _forget(self, job: Any) -> None:
        """End what runs of a job that is gone, and remove its bookmark."""
        for run in job.runs:
            if run.run_id in _live:
                _live[run.run_id].stopped.set()
        bookmark_file(self.account_id, self.region_name, job.name).unlink(missing_ok=True)

    def start_job_run(self, name: str, given: dict[str, Any]) -> str:  # type: ignore[override]
        job = self.get_job(name)
        running = sum(run.status in UNFINISHED for run in job.runs)
        if running >= job.settings["ExecutionProperty"]["MaxConcurrentRuns"]:
            raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {name}")
        _refuse(given)
        replaced = set()
        if BY_DPUS & given.keys():
            replaced = BY_DPUS | BY_WORKERS
        elif BY_WORKERS & given.keys():
            replaced = BY_DPUS
        settings = {name: value for name, value in job.settings.items() if name not in replaced}
        changing = (*BY_DPUS, *BY_WORKERS, "Timeout", "ExecutionClass", "NotificationProperty")
        settings |= {name: given[name] for name in changing if name in given}
        check_settings(settings)
        arguments = {**settings["DefaultArguments"], **given.get("Arguments", {})}
        arguments |= settings.get("NonOverridableArguments", {})
        _check_arguments(arguments)
        run = JobRun(self.account_id, self.region_name, name, f"jr_{secrets.token_hex(32)}", settings, arguments)
        _begin(job, run)
        return run.run_id

    def get_job_run(self, name: str, run_id: str) -> JobRun:  # type: ignore[override]
        return self.get_job(name).run(run_id)

    def stop_job_run(self, name: str, run_id: str) -> None:
        """Begin to stop a run. Raises EntityNotFoundException, JobRunInvalidStateTransitionException when it has ended."""
        run = self.get_job_run(name, run_id)
        if run.status not in UNFINISHED:
            raise WrongTransition(f"Job run {run_id} is in the state {run.status} and cannot be stopped.")
        run.status = "STOPPING"
        state.afterwards(_live[run_id].stopped.set)

    def bookmark(self, name: str) -> dict[str, Any]:
        """Return the JobBookmarkEntry. Raises EntityNotFoundException when no run has committed one."""
        self.get_job(name)
        file = bookmark_file(self.account_id, self.region_name, name)
        if not file.exists():
            raise EntityNotFoundException(f"Continuation for job {name} not found.")
        return json.loads(file.read_text())

    def reset_bookmark(self, name: str) -> dict[str, Any]:
        entry = self.bookmark(name)
        bookmark_file(self.account_id, self.region_name, name).unlink()
        return entry | {"JobBookmark": "{}"}


# --- the API ----------------------------------------------------------------------------------------------------------


class JobsResponse(CatalogResponse):
    def create_job(self) -> ActionResult:
        given = self.given()
        return ActionResult({"Name": self.glue_backend.create_job(given.pop("Name"), **given).name})

    def update_job(self) -> ActionResult:
        given = self.given()
        self.glue_backend.update_job(given["JobName"], given["JobUpdate"])
        return ActionResult({"JobName": given["JobName"]})

    def get_job(self) -> ActionResult:
        return ActionResult({"Job": self.glue_backend.get_job(self.parameters["JobName"]).as_dict()})

    def get_jobs(self) -> ActionResult:
        return self.answer_page("Jobs", list(self.glue_backend.jobs.values()), MOST_JOBS, default=PAGE)

    def list_jobs(self) -> ActionResult:
        names = self.filter_jobs_by_tags(self.glue_backend.jobs.values(), self.parameters.get("Tags"))
        return self.answer_page("JobNames", list(names), MOST_JOBS, default=PAGE, render=str)

    def delete_job(self) -> ActionResult:
        name = self.parameters["JobName"]
        self.glue_backend.delete_job(name)
        return ActionResult({"JobName": name})

    def start_job_run(self) -> ActionResult:
        given = self.given()
        return ActionResult({"JobRunId": self.glue_backend.start_job_run(given["JobName"], given)})

    def get_job_run(self) -> ActionResult:
        run = self.glue_backend.get_job_run(self.parameters["JobName"], self.parameters["RunId"])
        return ActionResult({"JobRun": run.as_dict()})

    def get_job_runs(self) -> ActionResult:
        runs = self.glue_backend.get_job(self.parameters["JobName"]).runs[::-1]  # newest first
        return self.answer_page("JobRuns", runs, PAGE)

    def batch_stop_job_run(self) -> ActionResult:
        given = self.given()
        name, stopping, errors = given["JobName"], [], []
        for run_id in given["JobRunIds"]:
            told = {"JobName": name, "JobRunId": run_id}
            try:
                self.glue_backend.stop_job_run(name, run_id)
                stopping.append(told)
            except (EntityNotFoundException, WrongTransition) as error:
                errors.append({**told, "ErrorDetail": {"ErrorCode": error.error_type, "ErrorMessage": error.message}})
        return ActionResult({"SuccessfulSubmissions": stopping, "Errors": errors})

    def get_job_bookmark(self) -> ActionResult:
        return ActionResult({"JobBookmarkEntry": self.glue_backend.bookmark(self.parameters["JobName"])})

    def reset_job_bookmark(self) -> ActionResult:
        return ActionResult({"JobBookmarkEntry": self.glue_backend.reset_bookmark(self.parameters["JobName"])})


# --- start and stop of the server -------------------------------------------------------------------------------------


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
    for live in list(_live.values()):
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
    running = list(_live.values())
    for live in running:
        live.stopped.set()
    deadline = time.monotonic() + 2 * STOP_SECONDS
    for live in running:
        live.thread.join(max(0.0, deadline - time.monotonic()))
