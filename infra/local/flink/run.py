"""Managed Flink applications: one that runs. A thread watches its process and starts it again from the last complete checkpoint when it ends unasked."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.engines.flink import FlinkError
from infra.local.core import limits, pace, state, telemetry
from infra.local.core.places import Places
from infra.local.flink import configuration as flink_configuration
from infra.local.flink import logs as flink_logs
from infra.local.flink import metrics as flink_metrics
from infra.local.flink.record import SERVICE, FlinkApplication

if TYPE_CHECKING:
    from infra.engines.flink.process import FlinkProcess

log = logging.getLogger("workshop.flink_applications")

LOOK_SECONDS = 0.3
START_SECONDS = 120.0
SNAPSHOT_SECONDS = 120.0
METRIC_SECONDS = 15.0  # as AWS: four samples a minute
RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)  # before the first, second, … start after crashes in a row
STEADY_SECONDS = 60.0  # a process that lived so long begins anew with these
KILLED_STARTS = 3  # in a row, of an application that does not run yet: it is not the program that fails
BEGINNING = ("STARTING", "UPDATING", "ROLLING_BACK")


def _limit() -> int:
    """Return how many applications may run at once: as many as the class was given, without a class any number."""
    return sys.maxsize if limits.flink_applications is None else limits.flink_applications


places = Places(_limit, lambda: max(1, _limit() // 4))


class Run:
    """An application that runs: its process and the thread that watches over it.

    Parameters
    ----------
    operation: id of the operation that starts it; empty when the server goes on with a running one
    failed: called with the reason, in the thread, when it never came to run
    """

    def __init__(self, application: FlinkApplication, operation: str, failed: Callable[[str], None]):
        self.application, self.operation = application, operation
        self.process: FlinkProcess | None = None
        self._failed = failed
        self._folder: Path | None = None  # of the process
        self._log: flink_logs.RunLog | None = None
        self._lock = threading.RLock()  # around starts and ends of the process
        self._done = threading.Event()
        self._was_killed = False  # the process, by a signal
        self._was_up = application.application_status == "RUNNING"
        self._metrics_at = 0.0
        self._up_at = 0.0 if self._was_up else pace.deadline("application starting")
        self._place = f"{application.application_arn} {uuid.uuid4().hex}"
        self._thread = threading.Thread(target=self._run, name=f"flink-{application.application_name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the process and the watching, and remove what the process wrote; returns when all is over."""
        self._done.set()
        with self._lock:
            self._end_process()
        if self._thread is not threading.current_thread():
            self._thread.join(10)

    def tell(self, lines: list[str], kind: str = "INFO") -> None:
        """Write lines to the application's log stream."""
        flink_logs.tell(self.application, lines, kind)

    def job_plan(self) -> str:
        """Return the job's plan as Flink's JSON; empty while there is no job."""
        process = self.process
        try:
            job = process.job() if process is not None and process.web else None
            if process is None or job is None:
                return ""
            return json.dumps(process.rest(f"/jobs/{job['jid']}/plan")["plan"])
        except FlinkError:  # it is being started again
            return ""

    def snapshot(self, folder: Path) -> str:
        """Take a savepoint and return its path; the job goes on. Raises FlinkError.

        Never Flink's stop with a savepoint: it ends the Kinesis source first, which then stores the positions of the checkpoint before,
        and what it read since then would count twice.
        """
        process = self.process
        job = process.job() if process is not None and process.web else None
        if process is None or job is None or job["state"] != "RUNNING":
            raise FlinkError("The job is not running.")
        savepoints = f"/jobs/{job['jid']}/savepoints"
        trigger = process.rest(savepoints, {"target-directory": f"file://{folder}"})["request-id"]
        deadline = time.monotonic() + SNAPSHOT_SECONDS
        while time.monotonic() < deadline:
            answer = process.rest(f"{savepoints}/{trigger}")
            if answer["status"]["id"] == "COMPLETED":
                operation = answer["operation"]
                if "failure-cause" in operation:
                    raise FlinkError(operation["failure-cause"]["stack-trace"].splitlines()[0])
                return operation["location"].removeprefix("file:")
            time.sleep(LOOK_SECONDS)
        raise FlinkError("The snapshot took more than two minutes.")

    # the thread

    def _run(self) -> None:
        try:
            reason = self._keep_running() if self._has_place() else ""
        except FlinkError as error:
            reason = str(error)
        except Exception as error:  # never leave an application without an end
            log.exception("application %s", self.application.application_name)
            reason = str(error)
        with self._lock:
            self._end_process()
        places.leave(self._place)
        if not self._done.is_set():
            self._done.set()
            self._failed(reason)

    def _has_place(self) -> bool:
        """Wait for a place, and say in the log which one it has in the queue; False where it is ended before."""
        places.enter(self._place, self.application.account_id)
        if place := places.place(self._place):
            told = f"queue place {place}: all {_limit()} places for Flink applications of this class are taken."
            self.tell([told], "WARN")
        return places.wait(self._place, self._done.is_set)

    def _keep_running(self) -> str:
        """Start the process again and again until told to end; return why it never came to run."""
        crashes = 0
        while not self._done.is_set():
            began = time.monotonic()
            reason = self._start_and_watch()
            if self._done.is_set():
                break
            if not self._was_up and not (self._was_killed and crashes < KILLED_STARTS):
                return reason
            crashes = 0 if time.monotonic() - began > STEADY_SECONDS else crashes
            self.tell([f"The job ended: {reason} It is started again from {self._restore_name()}."], "ERROR")
            self._done.wait(RESTART_SECONDS[min(crashes, len(RESTART_SECONDS) - 1)])
            crashes += 1
        return ""

    def _start_and_watch(self) -> str:
        """Start the process and return why it ended."""
        with self._lock:
            if self._done.is_set():
                return ""
            self._end_process()
            self._was_killed = False
            if reason := self._clear():
                return reason
            self._folder = self.application.run_folder / uuid.uuid4().hex[:12]
            process = self.process = self._start(self._folder)
            run_log = self._log = flink_logs.RunLog(self.application, process.output, process.flink_log)
        deadline = time.monotonic() + START_SECONDS
        has_job = False
        while not self._done.wait(LOOK_SECONDS):
            code, has_submitted = process.exit_code, process.has_submitted  # before what they say is looked at
            run_log.forward(to_the_end=code is not None)
            if code is not None:
                self._was_killed = code < 0 or code > 128
                return f"the process ended with code {code}: {run_log.last_words}"
            try:
                job = process.job() if process.web else None
                has_job = has_job or job is not None
                reason = self._look(process, job) if job is not None else ""
            except FlinkError as error:  # its process is about to end, or too busy to answer
                log.info("Flink's REST: %s", error)
                continue
            if reason:
                return reason
            if not has_job and has_submitted:
                return "The program submitted no job."
            if not has_job and time.monotonic() > deadline:
                return "The program submitted no job within two minutes."
        return ""

    def _look(self, process: FlinkProcess, job: dict[str, Any]) -> str:
        """Take the job's state into the application's; return why the job ended, or nothing."""
        if job["state"] == "FAILED":
            return _root_cause(process, job["jid"])
        if job["state"] == "CANCELED":
            return "The job was cancelled."
        if not self._was_up:
            if job["state"] == "RESTARTING" and self._goes_back():
                return _root_cause(process, job["jid"])
            if job["state"] in ("FINISHED", "RESTARTING") or (job["state"] == "RUNNING" and _all_tasks_run(job)):
                if not pace.reached(self._up_at):
                    return ""
                self._is_up()
        if job["state"] in ("RUNNING", "RESTARTING") and time.monotonic() > self._metrics_at:
            self._metrics_at = time.monotonic() + METRIC_SECONDS
            flink_metrics.send(self.application, process, job)
        return ""

    def _goes_back(self) -> bool:
        """Whether a new version whose tasks fail is given up for the one before, instead of tried again."""
        application = self.application
        return application.application_status == "UPDATING" and flink_configuration.rollback_enabled(
            application.configuration
        )

    def _is_up(self) -> None:
        application = self.application

        def change() -> None:
            if application.application_status not in BEGINNING or application.current != self.operation:
                return
            self._was_up = True
            application.application_status = "RUNNING"
            if application.ran[-1:] != [application.application_version_id]:
                application.ran.append(application.application_version_id)
            application.finish(self.operation)

        state.step(SERVICE, application.account_id, application.region_name, change, self._done)

    # the process

    def _clear(self) -> str:
        """End what runs before have left in a session cluster; return why that cannot be done now."""
        from infra.engines.flink import process

        try:
            process.clear(self.application.run_folder)
        except FlinkError as error:
            return str(error)
        return ""

    def _start(self, folder: Path) -> FlinkProcess:
        from infra.engines.flink.process import FlinkProcess

        application = self.application
        code = folder / "code"
        code.mkdir(parents=True)
        assert application.code is not None, "what starts has code"
        with zipfile.ZipFile(application.folder / application.code.name) as file:
            file.extractall(code)  # zipfile keeps names inside the folder
        groups = flink_configuration.property_groups(application.configuration)
        (folder / "application_properties.json").write_text(json.dumps(groups))
        settings = {
            "folder": str(folder),
            "log_level": flink_configuration.monitoring(application.configuration)["LogLevel"],
            "options": self._options(),
            **self._files(code),
        }
        role = flink_configuration.assume(
            application.account_id, application.service_execution_role, application.application_arn
        )
        environment = {
            "AWS_ACCESS_KEY_ID": role.access_key,
            "AWS_SECRET_ACCESS_KEY": role.secret_key,
            "AWS_SESSION_TOKEN": role.token,
            "AWS_REGION": application.region_name,
            "AWS_DEFAULT_REGION": application.region_name,
            "AWS_ENDPOINT_URL": telemetry.endpoint(),
        }
        return FlinkProcess(folder, settings, environment)

    def _files(self, code: Path) -> dict[str, Any]:
        """The run options as files of the unpacked code. Raises FlinkError when one is not in the zip."""
        options = flink_configuration.run_options(self.application.configuration)
        names = {
            "main": [options.get("python", "main.py")],
            "python_files": flink_configuration.file_list(options.get("pyFiles", "")),
            "python_archives": flink_configuration.file_list(options.get("pyArchives", "")),
            "jars": flink_configuration.file_list(options.get("jarfile", "")),
        }
        missing = [name for each in names.values() for name in each if not (code / name).exists()]
        if missing:
            raise FlinkError(f"The code has no file {', '.join(missing)}. The local AWS runs Python programs.")
        return {option: [str(code / name) for name in each] for option, each in names.items()}

    def _options(self) -> dict[str, str]:
        application = self.application
        checkpoints = flink_configuration.checkpoints(application.configuration)
        options = {
            "parallelism.default": str(flink_configuration.parallelism(application.configuration)["Parallelism"]),
            "restart-strategy.type": "exponential-delay",
            "restart-strategy.exponential-delay.initial-backoff": "1 s",
            "restart-strategy.exponential-delay.max-backoff": "60 s",
            "execution.checkpointing.dir": f"file://{application.checkpoint_folder}",
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "execution.checkpointing.storage": "filesystem",
            "web.cancel.enable": "false",  # jobs end by StopApplication
        }
        if checkpoints["CheckpointingEnabled"]:
            options["execution.checkpointing.interval"] = f"{checkpoints['CheckpointInterval']} ms"
            options["execution.checkpointing.min-pause"] = f"{checkpoints['MinPauseBetweenCheckpoints']} ms"
        restore = application.last_checkpoint() or application.started_from
        if restore:
            options["execution.state-recovery.path"] = f"file://{restore}"
            options["execution.state-recovery.ignore-unclaimed-state"] = str(application.allow_non_restored).lower()
        return options

    def _end_process(self) -> None:
        """End the process, forward its last lines and remove its folder."""
        if self.process is not None:
            self.process.end()
            if self._log is not None:
                self._log.forward(to_the_end=True)
            self.process = self._log = None
        if self._folder is not None:
            from infra.engines.flink import process

            process.remove(self._folder)
            self._folder = None

    def _restore_name(self) -> str:
        checkpoint = self.application.last_checkpoint()
        if checkpoint:
            return f"checkpoint {Path(checkpoint).name.removeprefix('chk-')}"
        return "its snapshot" if self.application.started_from else "the beginning, because there is no checkpoint yet"


def _all_tasks_run(job: dict[str, Any]) -> bool:
    """Tell whether every task has started: a snapshot asked for earlier would fail."""
    tasks = job["tasks"]
    return tasks["total"] > 0 and tasks["running"] + tasks["finished"] == tasks["total"]


def _root_cause(process: FlinkProcess, job: str) -> str:
    entries = process.rest(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
    trace = entries[0]["stacktrace"] if entries else "no reason given"
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
    return (causes[-1].removeprefix("Caused by: ") if causes else trace.splitlines()[0]) + "."
