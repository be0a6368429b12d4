"""Runs of jobs: a thread reads the dataset, applies the recipe or takes the profile, and writes. Another watches over it.

Files are whole in a folder before the first goes to S3; which keys a run is about to write is stored before. So a run that is stopped, or killed with
the server, leaves nothing that could be taken for its result: its keys are deleted, and after a restart it begins again.

Source: https://docs.aws.amazon.com/databrew/latest/dg/API_DescribeJobRun.html
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any

from infra.local import s3
from infra.local.core import pace, state, telemetry
from infra.local.core.fair_queue import FairQueue

from . import reading, tables, writing
from .access import Access, delete
from .backend import DataBrewBackend, databrew_backends
from .recipes import version_of
from .records import UNFINISHED, Job, JobRun

log = logging.getLogger("workshop.databrew")

LOOK_SECONDS = 0.05
MINUTE = 60.0
AT_A_TIME, OF_ONE = 2, 1  # runs, and how many of them an account may have
SEVERITIES = {"SUCCEEDED": "INFO", "STOPPED": "WARN", "TIMEOUT": "WARN", "FAILED": "ERROR"}
MESSAGES = {"SUCCEEDED": "Job run succeeded", "STOPPED": "Job run stopped", "TIMEOUT": "Job run timed out"}

_live: dict[str, Live] = {}  # run id → its running part
_queue = FairQueue("databrew", AT_A_TIME, OF_ONE)
_ends = threading.Event()


class Interrupted(Exception):
    """The run is to end: it was stopped, has timed out, or the server ends."""


def start(backend: DataBrewBackend, job: Job) -> JobRun:
    """Begin a run of a job. The caller holds the service's lock and saves."""
    steps: list[dict[str, Any]] = []
    if job.type == "RECIPE":
        reference = job.settings["RecipeReference"]
        _, version = version_of(backend, reference["Name"], reference["RecipeVersion"])
        steps = version.steps
    run = JobRun(JobRun.new_id(), job.name, job.type, dict(job.settings), steps)
    job.runs.append(run)
    state.afterwards(lambda: _begin(backend, run))
    return run


def stop_run(run: JobRun) -> None:
    """Ask a run to end. The caller holds the service's lock and saves."""
    run.state = "STOPPING"
    live = _live.get(run.id)
    if live is not None:
        state.afterwards(live.stop)


def _begin(backend: DataBrewBackend, run: JobRun) -> None:
    live = _live[run.id] = Live(backend, run)
    _queue.submit(backend.account_id, live.do)
    if run.state == "STOPPING":
        live.stop()


class Live:
    """A run under way."""

    def __init__(self, backend: DataBrewBackend, run: JobRun):
        self.backend, self.run = backend, run
        self.stopped = threading.Event()
        self._taken = threading.Lock()  # by the queue's thread, or by who ends what waits
        self.folder = reading.scratch(backend) / run.id
        self._workspace: Any = None
        self._result: tuple[str, str] = ("FAILED", "")
        self._is_late = False

    # --- the watching thread

    def stop(self) -> None:
        """Let the run end; one that still waits for its turn ends at once."""
        self.stopped.set()
        threading.Thread(target=self.do, name=f"stop-{self.run.id[:12]}", daemon=True).start()

    def do(self) -> None:
        """Do the run, unless it was ended while it waited."""
        if not self._taken.acquire(blocking=False):
            return
        try:
            self._delete_planned()
            status, error = self._early() if self._must_end() else self._attempts()
        except Exception as failure:  # never leave a run without an end
            log.exception("job run %s", self.run.id)
            status, error = "FAILED", f"The job could not be run: {type(failure).__name__}"
        if not _ends.is_set():
            self._finish(status, error)

    def _attempts(self) -> tuple[str, str]:
        most = self.run.settings["MaxRetries"]
        self._note(state="RUNNING")
        pace.pause(pace.deadline("databrew job"), self._must_end)
        for attempt in range(most + 1):
            self._note(state="RUNNING", attempt=attempt)
            worker = threading.Thread(target=self._work, name=f"work-{self.run.id[:12]}", daemon=True)
            worker.start()
            while worker.is_alive():
                worker.join(LOOK_SECONDS)
                if self._must_end():
                    self._interrupt()
            status, error = self._result
            if status != "FAILED" or attempt == most:
                break
            self._tell(f"Attempt {attempt} failed: {error} It is tried again.")
        return status, error

    def _interrupt(self) -> None:
        import duckdb

        workspace = self._workspace
        if workspace is not None:
            with contextlib.suppress(duckdb.Error):  # the worker has closed it meanwhile
                workspace.interrupt()

    def _must_end(self) -> bool:
        limit = self.run.settings["Timeout"] * MINUTE
        self._is_late = self._is_late or 0 < limit < time.time() - self.run.started
        return self._is_late or self.stopped.is_set() or _ends.is_set()

    def _early(self) -> tuple[str, str]:
        return ("TIMEOUT", MESSAGES["TIMEOUT"]) if self._is_late else ("STOPPED", "")

    def check(self) -> None:
        """Raises Interrupted when the run is to end."""
        if self._must_end():
            raise Interrupted

    def _note(self, **changes: Any) -> None:
        with state.lock("databrew", self.backend.account_id):
            for name, value in changes.items():
                if name != "state" or self.run.state != "STOPPING":
                    setattr(self.run, name, value)
            self.backend.save()

    def _finish(self, status: str, error: str) -> None:
        run = self.run
        self._tell(f"The job run ended with {status}. {error}".strip())

        def change() -> None:
            run.state, run.error, run.completed, run.planned = status, error, time.time(), []

        self.backend.step(change, _ends)
        _live.pop(run.id, None)
        self._events(status, error)

    # --- the working thread

    def _work(self) -> None:
        import duckdb

        from .engine import DataRefused, StepRefused

        try:
            writing.remove(self.folder)
            self.folder.mkdir(parents=True)
            self._workspace = reading.workspace(self.backend, self.folder)
            (self._recipe if self.run.kind == "RECIPE" else self._profile)()
            self._result = "SUCCEEDED", ""
        except writing.NotWritable as failed:
            self._result = "FAILED", str(failed)
        except (DataRefused, StepRefused) as refused:
            self._result = "FAILED", refused.message
        except (Interrupted, duckdb.InterruptException):
            self._result = self._early()
        except Exception as failure:  # never leave a run without an end
            log.exception("job run %s", self.run.id)
            self._result = "FAILED", f"The job could not be run: {type(failure).__name__}"
        finally:
            if self._workspace is not None:
                self._workspace.close()
                self._workspace = None
            writing.remove(self.folder)
            if self._result[0] != "SUCCEEDED":
                self._delete_planned()

    def _recipe(self) -> None:
        from .engine import run as run_recipe

        settings = self.run.settings
        frame = self._dataset()
        self._tell(f"Applying {len(self.run.steps)} recipe steps to the dataset {settings['DatasetName']}.")
        result = run_recipe(self.run.steps, frame, self._other)
        outputs = [*(settings.get("Outputs") or []), *map(self._table_output, settings.get("DataCatalogOutputs") or [])]
        if len(outputs) > 1:
            result = result.stored()
        files = []
        for number, output in enumerate(outputs):
            self._access().must_own(output["Location"])
            folder = self.folder / f"output{number}"
            parts = writing.Output(output, self.run.job, self.run.started, folder, self.check).write(result)
            files += [(output["Location"]["Bucket"], part) for part in parts]
        self._put(files, [output for output in outputs if output.get("Overwrite")])
        self._note(outputs=settings.get("Outputs"))

    def _dataset(self) -> Any:
        name = self.run.settings["DatasetName"]
        self._tell(f"Reading the dataset {name}.")
        frame = reading.frame(self._workspace, self._access(), name)
        self.check()
        return frame

    def _other(self, name: str, location: str | None) -> Any:
        return reading.other(self._workspace, self._access(), name)

    def _access(self) -> Access:
        return Access(self.backend, self.run.settings["RoleArn"], self.backend.jobs[self.run.job].arn)

    def _table_output(self, output: dict[str, Any]) -> dict[str, Any]:
        """An output to a table of the Data Catalog as one to S3."""
        table = self._access().table(output)
        return tables.output(table, bool(output.get("Overwrite")))

    def _put(self, files: list[tuple[str, writing.Written]], replaced: list[dict[str, Any]]) -> None:
        account, access = self.backend.account_id, self._access()
        for bucket, part in files:
            access.must_exist(bucket)
            access.may_write(bucket, part.key)
        if len(set((bucket, part.key) for bucket, part in files)) < len(files):
            raise writing.NotWritable(
                "Two outputs of the job would write the same file: give them different locations."
            )
        old = [(output["Location"]["Bucket"], key) for output in replaced for key in self._old_keys(output, access)]
        self.check()
        self._note(planned=[(bucket, part.key) for bucket, part in files])
        for bucket, part in files:
            self.check()
            s3.put(account, bucket, part.key, part.path)
        new = {(bucket, part.key) for bucket, part in files}
        for bucket, key in old:
            if (bucket, key) not in new:
                delete(account, bucket, key)
        self._tell(f"Wrote {len(files)} files.")

    def _old_keys(self, output: dict[str, Any], access: Access) -> list[str]:
        """The keys that an output with Overwrite replaces: those of earlier runs of the job, or all of a table."""
        bucket, start = output["Location"]["Bucket"], f"{self.run.job}_part"
        keys = [item.name for item in access.objects(bucket, writing.prefix_of(output["Location"]))]
        if not output.get("WholeLocation"):
            keys = [key for key in keys if key.rpartition("/")[2].startswith(start)]
        for key in keys:
            access.may_delete(bucket, key)
        return keys

    def _delete_planned(self) -> None:
        for bucket, key in self.run.planned:
            delete(self.backend.account_id, bucket, key)

    # --- profiles

    def _profile(self) -> None:
        from .profiling import results

        location = self.run.settings["OutputLocation"]
        self._access().must_own(location)
        frame = self._dataset()
        self._tell("Taking the profile.")
        files, outputs = [], []
        for name, content in results(self.backend, self.run, frame, self.check):
            path = self.folder / name
            path.write_bytes(content)
            key = f"{location.get('Key', '').lstrip('/')}{name}"
            files.append((location["Bucket"], writing.Written(path, key)))
            outputs.append({"Location": {**location, "Key": key}})
        self._put(files, [])
        self._note(outputs=outputs)

    # --- what is told

    def _tell(self, line: str) -> None:
        account, region = self.backend.account_id, self.backend.region_name
        group = f"/aws-glue-databrew/jobs/{self.run.job}"
        stream = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{self.run.id}"
        if self.run.settings.get("LogSubscription") == "ENABLE" and self._may("logs:PutLogEvents", stream):
            moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            telemetry.log(account, region, group, self.run.id, [f"{moment} {line}"])

    def _may(self, action: str, arn: str) -> bool:
        from .engine import DataRefused

        try:
            return self._access().may(action, arn)
        except DataRefused:  # the role is gone
            return False

    def _events(self, status: str, error: str) -> None:
        run, backend = self.run, self.backend
        detail = {
            "jobName": run.job,
            "severity": SEVERITIES[status],
            "state": status,
            "jobRunId": run.id,
            "message": error or MESSAGES[status],
        }
        telemetry.event(backend.account_id, backend.region_name, "aws.databrew", "DataBrew Job State Change", detail)
        for validated in run.validation or []:
            telemetry.event(
                backend.account_id, backend.region_name, "aws.databrew", "DataBrew Ruleset Validation Result", validated
            )


# --- start and stop of the server


def resume() -> None:
    """After a restart: every run that was under way begins again; one that was being stopped is stopped."""
    backends: list[Any] = [backend for _, _, backend in list(databrew_backends.iter_backends())]
    for backend in backends:
        for job in backend.jobs.values():
            for run in job.runs:
                if run.state in UNFINISHED:
                    _begin(backend, run)


def carry(stored: DataBrewBackend) -> None:
    """Let the runs under way be what is on disk of them."""
    for live in list(_live.values()):
        backend, job = live.backend, stored.jobs.get(live.run.job)
        mine = (backend.account_id, backend.region_name) == (stored.account_id, stored.region_name)
        found = job.run(live.run.id) if mine and job is not None else None
        if found is not None:
            state.follow(live.run, found)


def stop() -> None:
    """End the threads; the runs stay as they are stored and go on after the next start."""
    _ends.set()
    _queue.close()
