"""Managed Service for Apache Flink: each running application is a real Flink job in a process of its own.

A thread watches each process. When it or its job ends unasked, it is started again from the last complete checkpoint. The process ends with the server;
after a restart of the server, running applications are started again from their last checkpoint.

Source: https://docs.aws.amazon.com/managed-flink/latest/apiv2/Welcome.html
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import re
import shutil
import threading
import time
import urllib.parse
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.kinesisanalyticsv2.models import Application, KinesisAnalyticsV2Backend, kinesisanalyticsv2_backends
from moto.kinesisanalyticsv2.responses import KinesisAnalyticsV2Response

from infra.local import s3, state, telemetry

if TYPE_CHECKING:
    from infra.engines.flink.process import FlinkProcess

log = logging.getLogger("workshop.flink_applications")

SERVICE = "kinesisanalytics"
RUNTIME = "FLINK-1_20"
STUDIO_RUNTIME = "ZEPPELIN-FLINK-3_0"
RUN_OPTIONS = "kinesis.analytics.flink.run.options"
LOOK_SECONDS = 0.3
START_SECONDS = 120.0
SNAPSHOT_SECONDS = 120.0
METRIC_SECONDS = 5.0
RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)  # before the first, second, … start after crashes in a row
STEADY_SECONDS = 60.0  # a process that lived so long begins anew with these
LIMIT_PARALLELISM = 16  # slots of a local application
MAX_CODE_BYTES = 512 * 1024 * 1024

METRIC_UNITS = {
    "numRecordsInPerSecond": "Count/Second",
    "numRecordsOutPerSecond": "Count/Second",
    "numRecordsIn": "Count",
    "numRecordsOut": "Count",
    "numLateRecordsDropped": "Count",
    "millisBehindLatest": "Milliseconds",
}

CHECKPOINTS = {"CheckpointingEnabled": True, "CheckpointInterval": 60000, "MinPauseBetweenCheckpoints": 5000}
MONITORING = {"MetricsLevel": "APPLICATION", "LogLevel": "INFO"}
PARALLELISM = {"Parallelism": 1, "ParallelismPerKPU": 1, "AutoScalingEnabled": False}


class FlinkServiceError(JsonRESTError):
    """One of the service's errors: its code and message."""


def _error(code: str, message: str) -> FlinkServiceError:
    return FlinkServiceError(code, message)


def _invalid(message: str) -> FlinkServiceError:
    return _error("InvalidArgumentException", message)


# --- applications -----------------------------------------------------------------------------------------------------


class FlinkApplication(Application):
    """What is kept of an application; its running part is a Run."""

    def __init__(self, code: bytes | None = None, **given: Any):
        self.configuration = given.get("application_configuration") or {}
        self.code = code
        super().__init__(**given)
        self.application_mode = self.application_mode or "STREAMING"
        self.application_status = "READY"
        self.created = self.changed = int(time.time())
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.operations: list[dict[str, Any]] = []
        self.versions: dict[int, dict[str, Any]] = {}
        self.allow_non_restored = False
        self.restore = {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}
        self.started_from = ""  # the snapshot of this run, where it goes back to before its first checkpoint
        self.logging: list[dict[str, str]] = [
            {"CloudWatchLoggingOptionId": f"1.{number}", "LogStreamARN": option["LogStreamARN"]}
            for number, option in enumerate(given.get("cloud_watch_logging_options") or [], 1)
        ]

    def _generate_app_config_description(self, application_configuration: dict[str, Any]) -> dict[str, Any]:
        shown = json.loads(json.dumps(application_configuration))
        shown.get("ApplicationCodeConfiguration", {}).get("CodeContent", {}).pop("ZipFileContent", None)
        description = super()._generate_app_config_description(shown)
        description.pop("FlinkApplicationConfigurationDescription", None)
        if self.runtime_environment == RUNTIME:
            given = application_configuration.get("FlinkApplicationConfiguration", {})
            parallelism = _settings(given, "ParallelismConfiguration", PARALLELISM)
            description["FlinkApplicationConfigurationDescription"] = {
                "CheckpointConfigurationDescription": _settings(given, "CheckpointConfiguration", CHECKPOINTS),
                "MonitoringConfigurationDescription": _settings(given, "MonitoringConfiguration", MONITORING),
                "ParallelismConfigurationDescription": {
                    **parallelism,
                    "CurrentParallelism": parallelism["Parallelism"],
                },
            }
            description["ApplicationSnapshotConfigurationDescription"] = {"SnapshotsEnabled": self.snapshots_enabled}
        content = description.get("ApplicationCodeConfigurationDescription", {}).get("CodeContentDescription")
        if content is not None and self.code is not None:
            content["CodeMD5"] = base64.b64encode(hashlib.md5(self.code, usedforsecurity=False).digest()).decode()
            content["CodeSize"] = len(self.code)
        return description

    @property
    def snapshots_enabled(self) -> bool:
        return self.configuration.get("ApplicationSnapshotConfiguration", {}).get("SnapshotsEnabled", True)

    @property
    def properties(self) -> list[dict[str, Any]]:
        return self.configuration.get("EnvironmentProperties", {}).get("PropertyGroups", [])

    @property
    def folder(self) -> Path:
        """Where its code, checkpoints and snapshots are."""
        name = hashlib.sha256(f"{self.application_name} {self.created}".encode()).hexdigest()[:24]
        path = state.folder(SERVICE, self.account_id, self.region_name) / name
        path.mkdir(exist_ok=True)
        return path

    def detail(self) -> dict[str, Any]:
        configuration = dict(self.app_config_description or {})
        if self.runtime_environment == RUNTIME:
            configuration["RunConfigurationDescription"] = {
                "ApplicationRestoreConfigurationDescription": self.restore,
                "FlinkRunConfigurationDescription": {"AllowNonRestoredState": self.allow_non_restored},
            }
        detail = {
            "ApplicationARN": self.application_arn,
            "ApplicationDescription": self.application_description,
            "ApplicationName": self.application_name,
            "RuntimeEnvironment": self.runtime_environment,
            "ServiceExecutionRole": self.service_execution_role,
            "ApplicationStatus": self.application_status,
            "ApplicationVersionId": self.application_version_id,
            "CreateTimestamp": self.created,
            "LastUpdateTimestamp": self.changed,
            "ApplicationConfigurationDescription": configuration,
            "CloudWatchLoggingOptionDescriptions": self.logging,
            "ConditionalToken": self.conditional_token,
            "ApplicationMode": self.application_mode,
        }
        return {name: value for name, value in detail.items() if value is not None}

    def begin(self, operation: str) -> str:
        """Record an operation and return its id."""
        number = uuid.uuid4().hex
        self.operations.insert(
            0,
            {
                "Operation": operation,
                "OperationId": number,
                "StartTime": time.time(),
                "EndTime": time.time(),
                "OperationStatus": "IN_PROGRESS",
            },
        )
        return number

    def finish(self, number: str, reason: str = "") -> None:
        """Record the end of an operation: FAILED when there is a reason."""
        for operation in self.operations:
            if operation["OperationId"] == number and operation["OperationStatus"] == "IN_PROGRESS":
                operation |= {"EndTime": time.time(), "OperationStatus": "FAILED" if reason else "SUCCESSFUL"}
                if reason:
                    operation["OperationFailureDetails"] = {"ErrorInfo": {"ErrorString": reason}}


def _settings(given: dict[str, Any], name: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """Settings with AWS's defaults; ConfigurationType DEFAULT ignores all others."""
    own = given.get(name, {})
    kind = own.get("ConfigurationType", "DEFAULT")
    chosen = {key: own[key] for key in defaults if key in own} if kind == "CUSTOM" else {}
    return {"ConfigurationType": kind, **defaults, **chosen}


def _read_code(account: str, configuration: dict[str, Any]) -> bytes | None:
    """The zip of a configuration, or None when it has no code. Raises FlinkServiceError."""
    code = configuration.get("ApplicationCodeConfiguration")
    if not code:
        return None
    content = code.get("CodeContent", {})
    if code.get("CodeContentType") != "ZIPFILE":
        raise _error(
            "UnsupportedOperationException", "The local AWS runs Python code in a zip: CodeContentType is ZIPFILE."
        )
    if "ZipFileContent" in content:
        data = base64.b64decode(content["ZipFileContent"])
    elif "S3ContentLocation" in content:
        place = content["S3ContentLocation"]
        if place.get("ObjectVersion"):
            raise _error(
                "UnsupportedOperationException",
                "The local AWS reads the newest version of the code: leave ObjectVersion out.",
            )
        bucket = place["BucketARN"].rpartition(":")[2]
        try:
            stored = s3.get(account, bucket, place["FileKey"])
        except Exception as error:  # moto has a class for each of S3's errors
            raise _error(
                "InvalidApplicationConfigurationException",
                f"Failed to take s3 object: {place['FileKey']} in bucket {place['BucketARN']} ({type(error).__name__}).",
            ) from None
        if stored.size > MAX_CODE_BYTES:
            raise _error("CodeValidationException", "The code is larger than 512 MB.")
        data = Path(stored.path).read_bytes()
    else:
        raise _invalid("CodeContent needs S3ContentLocation or ZipFileContent.")
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise _error("CodeValidationException", "The code is not a zip file.")
    return data


def _check_configuration(configuration: dict[str, Any]) -> None:
    if configuration.get("VpcConfigurations"):
        raise _error("UnsupportedOperationException", "The local AWS has no VPC: leave VpcConfigurations out.")
    if configuration.get("SqlApplicationConfiguration"):
        raise _error("UnsupportedOperationException", "SQL applications were discontinued by AWS on 27 January 2026.")
    groups = configuration.get("EnvironmentProperties", {}).get("PropertyGroups", [])
    options = {name for group in groups if group["PropertyGroupId"] == RUN_OPTIONS for name in group["PropertyMap"]}
    if options - {"python", "pyFiles", "jarfile"}:  # the connectors of a jarfile are in the local Flink already
        names = ", ".join(sorted(options - {"python", "pyFiles", "jarfile"}))
        raise _error("UnsupportedOperationException", f"The local AWS does not know the run option {names}.")
    flink = configuration.get("FlinkApplicationConfiguration", {})
    if _settings(flink, "ParallelismConfiguration", PARALLELISM)["AutoScalingEnabled"]:
        raise _error("UnsupportedOperationException", "The local AWS does not scale: set AutoScalingEnabled to false.")
    wanted = _settings(flink, "ParallelismConfiguration", PARALLELISM)["Parallelism"]
    if not 1 <= wanted <= LIMIT_PARALLELISM:
        raise _invalid(f"Parallelism is 1 to {LIMIT_PARALLELISM} on the local AWS, not {wanted}.")


def _merge(configuration: Any, update: Any) -> Any:
    """Apply an update, whose names end in Update, to a configuration."""
    if not isinstance(update, dict):
        return update
    merged = dict(configuration) if isinstance(configuration, dict) else {}
    for name, value in update.items():
        plain = "EnvironmentProperties" if name == "EnvironmentPropertyUpdates" else name.removesuffix("Update")
        if plain == "CodeContent":
            merged[plain] = _merge({}, value)
        elif plain == "PropertyGroups":
            merged[plain] = value
        else:
            merged[plain] = _merge(merged.get(plain), value)
    return merged


# --- what runs --------------------------------------------------------------------------------------------------------

_runs: dict[str, Run] = {}  # ARN → its running part


class Run:
    """An application that runs: its process and the thread that watches over it."""

    def __init__(self, application: FlinkApplication, operation: str):
        self.application, self.operation = application, operation
        self.process: FlinkProcess | None = None
        self.lock = threading.RLock()  # around starts and ends of the process
        self.done = threading.Event()
        self._told = 0  # bytes of the output that are in the log
        self._metrics_at = 0.0
        self._account, self._region = application.account_id, application.region_name
        self.thread = threading.Thread(target=self._run, name=f"flink-{application.application_name}", daemon=True)

    def _run(self) -> None:
        crashes = 0
        try:
            while not self.done.is_set():
                began = time.monotonic()
                reason = self._start_and_watch()
                if self.done.is_set():
                    break
                with state.lock(SERVICE):
                    is_first = self.application.application_status in ("STARTING", "UPDATING")
                if is_first:
                    self._fail(reason)
                    break
                crashes = 0 if time.monotonic() - began > STEADY_SECONDS else crashes
                self.tell([f"The job ended: {reason} It is started again from {self._restore_name()}."])
                self.done.wait(RESTART_SECONDS[min(crashes, len(RESTART_SECONDS) - 1)])
                crashes += 1
        except Exception as error:  # never leave an application without an end
            log.exception("application %s", self.application.application_name)
            self._fail(str(error))
        finally:
            self._end_process()

    def _start_and_watch(self) -> str:
        """Start the process and return why it ended."""
        with self.lock:
            if self.done.is_set():
                return ""
            self._end_process()
            self.process = self._start()
        process, deadline = self.process, time.monotonic() + START_SECONDS
        while not self.done.wait(LOOK_SECONDS):
            self._forward_output()
            if process.exit_code is not None:
                return self._last_words(process)
            reason = self._look(process)
            if reason:
                return reason
            if time.monotonic() > deadline and not process.web:
                return "The program submitted no job within two minutes."
        return ""

    def _look(self, process: FlinkProcess) -> str:
        """Take the job's state into the application's; return why the job ended, or nothing."""
        from infra.engines.flink.process import FlinkError

        if not process.web:
            return ""
        try:
            job = process.job()
            if job is None:
                return "The program submitted no job."
            if job["state"] == "FAILED":
                return self._root_exception(process, job["jid"])
            if job["state"] == "FINISHED" or (job["state"] == "RUNNING" and _all_tasks_run(job)):
                self._is_up()
            if job["state"] == "RUNNING" and time.monotonic() > self._metrics_at:
                self._metrics_at = time.monotonic() + METRIC_SECONDS
                self._send_metrics(process, job)
        except FlinkError as error:
            log.info("Flink's REST: %s", error)
        return ""

    def _root_exception(self, process: FlinkProcess, job: str) -> str:
        entries = process.rest(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
        trace = entries[0]["stacktrace"] if entries else "no reason given"
        self.tell(trace.splitlines())
        causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
        return (causes[-1].removeprefix("Caused by: ") if causes else trace.splitlines()[0]) + "."

    def _is_up(self) -> None:
        application = self.application
        with state.lock(SERVICE):
            if application.application_status in ("STARTING", "UPDATING"):
                application.application_status = "RUNNING"
                application.finish(self.operation)
                state.save(SERVICE, self._account, self._region)

    def _fail(self, reason: str) -> None:
        application = self.application
        self.done.set()
        with state.lock(SERVICE):
            _runs.pop(application.application_arn, None)
            application.application_status = "READY"
            application.finish(self.operation, reason)
            state.save(SERVICE, self._account, self._region)
        self.tell([f"The application could not be started: {reason}"])

    def _start(self) -> FlinkProcess:
        from infra.engines.flink.process import FlinkProcess

        application = self.application
        folder = application.folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "code").mkdir(parents=True)
        self._told = 0
        with zipfile.ZipFile(io.BytesIO(application.code)) as code:
            code.extractall(folder / "code")  # zipfile keeps names inside the folder
        (folder / "application_properties.json").write_text(json.dumps(application.properties))
        options = next(
            (group["PropertyMap"] for group in application.properties if group["PropertyGroupId"] == RUN_OPTIONS), {}
        )
        settings = {
            "folder": str(folder),
            "main": options.get("python", "main.py"),
            "python_files": [name.strip() for name in options.get("pyFiles", "").split(",") if name.strip()],
            "options": self._options(),
        }
        environment = {
            "AWS_ACCESS_KEY_ID": self._account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_ENDPOINT_URL": telemetry.endpoint(),
        }
        return FlinkProcess(folder, settings, environment)

    def _options(self) -> dict[str, str]:
        application = self.application
        given = application.configuration.get("FlinkApplicationConfiguration", {})
        checkpoints = _settings(given, "CheckpointConfiguration", CHECKPOINTS)
        parallelism = _settings(given, "ParallelismConfiguration", PARALLELISM)["Parallelism"]
        options = {
            "parallelism.default": str(parallelism),
            "restart-strategy.type": "exponential-delay",
            "restart-strategy.exponential-delay.initial-backoff": "1 s",
            "restart-strategy.exponential-delay.max-backoff": "60 s",
            "execution.checkpointing.dir": f"file://{application.folder / 'checkpoints'}",
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "execution.checkpointing.storage": "filesystem",
        }
        if checkpoints["CheckpointingEnabled"]:
            options["execution.checkpointing.interval"] = f"{checkpoints['CheckpointInterval']} ms"
            options["execution.checkpointing.min-pause"] = f"{checkpoints['MinPauseBetweenCheckpoints']} ms"
        restore = _last_checkpoint(application.folder) or application.started_from
        if restore:
            options["execution.state-recovery.path"] = f"file://{restore}"
            options["execution.state-recovery.ignore-unclaimed-state"] = str(application.allow_non_restored).lower()
        return options

    def _restore_name(self) -> str:
        checkpoint = _last_checkpoint(self.application.folder)
        if checkpoint:
            return f"checkpoint {Path(checkpoint).name.removeprefix('chk-')}"
        return "its snapshot" if self.application.started_from else "the beginning, because there is no checkpoint yet"

    def _last_words(self, process: FlinkProcess) -> str:
        lines = process.output.read_text(errors="replace").strip().splitlines()
        said = lines[-1] if lines else "no message"
        return f"the process ended with code {process.exit_code}: {said}"

    # log lines and metrics

    def _forward_output(self) -> None:
        with self.process.output.open("rb") as file:
            file.seek(self._told)
            data = file.read()
        end = len(data) if self.process.exit_code is not None else data.rfind(b"\n") + 1
        self._told += end
        lines = data[:end].decode(errors="replace").splitlines()
        if lines:
            self.tell(lines)

    def tell(self, lines: list[str]) -> None:
        """Write lines to the application's log stream, in the form of the service's own."""
        application = self.application
        for option in application.logging:
            _, _, rest = option["LogStreamARN"].partition(":log-group:")
            group, _, stream = rest.partition(":log-stream:")
            messages = [
                json.dumps(
                    {
                        "applicationARN": application.application_arn,
                        "applicationVersionId": str(application.application_version_id),
                        "message": line,
                        "messageType": "INFO",
                    }
                )
                for line in lines
            ]
            telemetry.log(self._account, self._region, group, stream, messages)

    def _send_metrics(self, process: FlinkProcess, job: dict[str, Any]) -> None:
        path = f"/jobs/{job['jid']}"
        checkpoints = process.rest(f"{path}/checkpoints")
        newest = checkpoints["latest"]["completed"]
        restarts = process.rest(f"{path}/metrics?get=numRestarts")
        values = {
            "uptime": (float(job["duration"]), "Milliseconds"),
            "fullRestarts": (float(restarts[0]["value"]) if restarts else 0.0, "Count"),
            "numberOfFailedCheckpoints": (float(checkpoints["counts"]["failed"]), "Count"),
        }
        if newest:
            values["lastCheckpointDuration"] = (float(newest["end_to_end_duration"]), "Milliseconds")
            values["lastCheckpointSize"] = (float(newest["state_size"]), "Bytes")
        for vertex in process.rest(path)["vertices"]:
            for name, (value, unit) in _vertex_metrics(
                process, f"{path}/vertices/{vertex['id']}/subtasks/metrics"
            ).items():
                before = values.get(name, (0.0, unit))[0]
                values[name] = (max(before, value) if name == "millisBehindLatest" else before + value, unit)
        name = {"Application": self.application.application_name}
        telemetry.metric(self._account, self._region, "AWS/KinesisAnalytics", name, values)

    # snapshots and ends

    def snapshot(self, folder: Path, stop: bool) -> str:
        """Take a savepoint, with `stop` end the job with it; return its path. Raises FlinkError."""
        from infra.engines.flink.process import FlinkError

        process = self.process
        job = process.job() if process is not None and process.web else None
        if job is None or job["state"] != "RUNNING":
            raise FlinkError("The job is not running.")
        asked = {"targetDirectory": f"file://{folder}"} if stop else {"target-directory": f"file://{folder}"}
        path = f"/jobs/{job['jid']}/{'stop' if stop else 'savepoints'}"
        trigger = process.rest(path, asked)["request-id"]
        deadline = time.monotonic() + SNAPSHOT_SECONDS
        while time.monotonic() < deadline:
            answer = process.rest(f"/jobs/{job['jid']}/savepoints/{trigger}")
            if answer["status"]["id"] == "COMPLETED":
                operation = answer["operation"]
                if "failure-cause" in operation:
                    raise FlinkError(operation["failure-cause"]["stack-trace"].splitlines()[0])
                return operation["location"].removeprefix("file:")
            time.sleep(LOOK_SECONDS)
        raise FlinkError("The snapshot took more than two minutes.")

    def _end_process(self) -> None:
        if self.process is not None:
            self.process.end()

    def end(self) -> None:
        """End the process and the watching; returns when both are over."""
        self.done.set()
        with self.lock:
            self._end_process()
        if self.thread is not threading.current_thread() and self.thread.is_alive():
            self.thread.join(10)


def _vertex_metrics(process: FlinkProcess, path: str) -> dict[str, tuple[float, str]]:
    """One task's rates, summed over its subtasks, and how far the slowest shard is behind."""
    known = [metric["id"] for metric in process.rest(path)]
    found: dict[str, tuple[float, str]] = {}
    for metric in known:
        name = metric.rpartition(".")[2]
        is_total = metric == name  # not of one operator inside the task
        if name not in METRIC_UNITS or (name != "millisBehindLatest" and not is_total):
            continue
        for answer in process.rest(f"{path}?get={urllib.parse.quote(metric)}"):
            value = answer["max"] if name == "millisBehindLatest" else answer["sum"]
            before = found.get(name, (0.0, ""))[0]
            found[name] = (max(before, value) if name == "millisBehindLatest" else before + value, METRIC_UNITS[name])
    return found


def _last_checkpoint(folder: Path) -> str:
    """The path of the newest complete checkpoint: Flink writes _metadata last. Empty when there is none."""
    found = sorted(folder.glob("checkpoints/*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime_ns)
    return str(found[-1].parent) if found else ""


def _begin(application: FlinkApplication, operation: str) -> None:
    run = _runs[application.application_arn] = Run(application, operation)
    run.thread.start()


def _all_tasks_run(job: dict[str, Any]) -> bool:
    """Tell whether every task has started: a snapshot asked for earlier would fail."""
    tasks = job["tasks"]
    return tasks["total"] > 0 and tasks["running"] + tasks["finished"] == tasks["total"]


def _take_snapshot(application: FlinkApplication, name: str, run: Run, stop: bool) -> str:
    """Fill a snapshot that was recorded as CREATING; return why it failed, or nothing."""
    from infra.engines.flink.process import FlinkError

    folder = application.folder / "snapshots" / hashlib.sha256(name.encode()).hexdigest()[:24]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        path, reason = run.snapshot(folder, stop), ""
    except FlinkError as error:
        path, reason = "", str(error)
    with state.lock(SERVICE):
        application.snapshots[name] |= {"path": path, "SnapshotStatus": "FAILED" if reason else "READY"}
        state.save(SERVICE, application.account_id, application.region_name)
    return reason


def _new_snapshot(application: FlinkApplication, name: str) -> None:
    application.snapshots[name] = {
        "SnapshotName": name,
        "SnapshotStatus": "CREATING",
        "ApplicationVersionId": application.application_version_id,
        "SnapshotCreationTimestamp": int(time.time()),
        "RuntimeEnvironment": application.runtime_environment,
        "path": "",
    }


def _latest_snapshot(application: FlinkApplication) -> dict[str, Any] | None:
    return next((s for s in reversed(application.snapshots.values()) if s["SnapshotStatus"] == "READY"), None)


def _stop_run(application: FlinkApplication, operation: str, name: str) -> None:
    """Stop, with a snapshot when it has a name; without a snapshot that was asked for, the application stays as it is."""
    run = _runs.get(application.application_arn)
    reason = ""
    if name:
        reason = _take_snapshot(application, name, run, stop=True) if run else "The job is not running."
    if run is not None and not reason:
        run.end()
    with state.lock(SERVICE):
        if not reason:
            _runs.pop(application.application_arn, None)
            shutil.rmtree(application.folder / "run", ignore_errors=True)
            shutil.rmtree(application.folder / "checkpoints", ignore_errors=True)
        application.application_status = "RUNNING" if reason else "READY"
        application.finish(operation, reason)
        state.save(SERVICE, application.account_id, application.region_name)


def _restart_updated(application: FlinkApplication, operation: str, name: str) -> None:
    """UpdateApplication of a running application: stop with a snapshot, start the new version from it."""
    run = _runs.get(application.application_arn)
    reason = _take_snapshot(application, name, run, stop=True) if name and run else ""
    if reason:
        run.tell([f"No snapshot could be taken: {reason} The new version starts from the last checkpoint."])
    if run is not None:
        run.end()
    with state.lock(SERVICE):
        if not reason:
            shutil.rmtree(application.folder / "checkpoints", ignore_errors=True)
            application.started_from = application.snapshots[name]["path"] if name else ""
        _begin(application, operation)
        state.save(SERVICE, application.account_id, application.region_name)


def _background(work: Any, *arguments: Any) -> None:
    threading.Thread(target=work, args=arguments, name=work.__name__, daemon=True).start()


# --- the API ----------------------------------------------------------------------------------------------------------


class LocalFlinkBackend(KinesisAnalyticsV2Backend):
    """Applications that run."""

    applications: dict[str, FlinkApplication]

    def find(self, name: str) -> FlinkApplication:
        if name not in self.applications:
            raise _error("ResourceNotFoundException", f"Application {name} could not be found.")
        return self.applications[name]

    def drop(self, application: FlinkApplication) -> None:
        del self.applications[application.application_name]
        self.tagger.delete_all_tags_for_resource(application.application_arn)
        shutil.rmtree(application.folder, ignore_errors=True)


kinesisanalyticsv2_backends.backend = LocalFlinkBackend
BACKENDS = kinesisanalyticsv2_backends


class LocalFlinkResponse(KinesisAnalyticsV2Response):
    """The operations, of which moto has only a few."""

    @property
    def given(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def backend(self) -> LocalFlinkBackend:
        return self.kinesisanalyticsv2_backend

    @property
    def application(self) -> FlinkApplication:
        return self.backend.find(self.given["ApplicationName"])

    def create_application(self) -> str:
        given, backend = self.given, self.backend
        name, runtime = given["ApplicationName"], given["RuntimeEnvironment"]
        configuration = given.get("ApplicationConfiguration") or {}
        if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,128}", name):
            raise _invalid("ApplicationName has 1 to 128 letters, digits, '_', '.' or '-'.")
        if name in backend.applications:
            raise _error("ResourceInUseException", f"Application already exists: {name}")
        if runtime not in (RUNTIME, STUDIO_RUNTIME):
            raise _error(
                "UnsupportedOperationException",
                f"The local AWS runs {RUNTIME} and describes {STUDIO_RUNTIME}, not {runtime}.",
            )
        mode = given.get("ApplicationMode") or ("STREAMING" if runtime == RUNTIME else "INTERACTIVE")
        if (mode == "INTERACTIVE") != (runtime == STUDIO_RUNTIME):
            raise _invalid(f"ApplicationMode {mode} does not go with RuntimeEnvironment {runtime}.")
        _check_configuration(configuration)
        code = _read_code(backend.account_id, configuration)
        if mode == "STREAMING" and code is None:
            raise _invalid("ApplicationCodeConfiguration is required for a Flink application.")
        application = backend.applications[name] = FlinkApplication(
            code,
            account_id=backend.account_id,
            region_name=backend.region_name,
            application_name=name,
            application_description=given.get("ApplicationDescription"),
            runtime_environment=runtime,
            service_execution_role=given["ServiceExecutionRole"],
            application_configuration=configuration,
            cloud_watch_logging_options=given.get("CloudWatchLoggingOptions"),
            application_mode=mode,
        )
        if given.get("Tags"):
            backend.tagger.tag_resource(application.application_arn, given["Tags"])
        application.versions[1] = application.detail()
        return json.dumps({"ApplicationDetail": application.detail()})

    def describe_application(self) -> str:
        return json.dumps({"ApplicationDetail": self.application.detail()})

    def list_applications(self) -> str:
        names = ("ApplicationName", "ApplicationARN", "ApplicationStatus", "ApplicationVersionId", "RuntimeEnvironment")
        details = [application.detail() for application in self.backend.applications.values()]
        summaries = [{name: detail[name] for name in (*names, "ApplicationMode")} for detail in details]
        return self._paged("ApplicationSummaries", summaries)

    def start_application(self) -> str:
        given, application = self.given, self.application
        if application.application_mode == "INTERACTIVE":
            raise _error(
                "UnsupportedOperationException",
                "On the local AWS the Studio notebook is the kernel `Flink (Studio)`: open a notebook with it.",
            )
        self._must_be(application, "READY")
        run = given.get("RunConfiguration") or {}
        restore = run.get("ApplicationRestoreConfiguration") or application.restore
        path = self._snapshot_path(application, restore)
        application.allow_non_restored = (run.get("FlinkRunConfiguration") or {}).get("AllowNonRestoredState", False)
        application.restore, application.started_from = restore, path
        shutil.rmtree(application.folder / "checkpoints", ignore_errors=True)
        application.application_status = "STARTING"
        operation = application.begin("StartApplication")
        _begin(application, operation)
        return json.dumps({"OperationId": operation})

    def stop_application(self) -> str:
        application = self.application
        force = self.given.get("Force", False)
        status = application.application_status
        if status != "RUNNING" and not (force and status in ("STARTING", "UPDATING", "STOPPING")):
            raise _in_use(application)
        name = ""
        if not force and application.snapshots_enabled:
            name = f"{application.application_name}-{uuid.uuid4().hex[:12]}"
            _new_snapshot(application, name)
        application.application_status = "FORCE_STOPPING" if force else "STOPPING"
        operation = application.begin("StopApplication")
        _background(_stop_run, application, operation, name)
        return json.dumps({"OperationId": operation})

    def update_application(self) -> str:
        given, application = self.given, self.application
        self._check_version(application)
        if application.application_status not in ("READY", "RUNNING"):
            raise _in_use(application)
        if given.get("RuntimeEnvironmentUpdate", application.runtime_environment) != application.runtime_environment:
            raise _error("UnsupportedOperationException", "The local AWS cannot change the runtime of an application.")
        configuration = _merge(application.configuration, given.get("ApplicationConfigurationUpdate") or {})
        _check_configuration(configuration)
        code = application.code
        if "ApplicationCodeConfigurationUpdate" in (given.get("ApplicationConfigurationUpdate") or {}):
            code = _read_code(self.backend.account_id, configuration)
        logging_options = {option["CloudWatchLoggingOptionId"]: option for option in application.logging}
        for change in given.get("CloudWatchLoggingOptionUpdates") or []:
            if change["CloudWatchLoggingOptionId"] not in logging_options:
                raise _invalid(f"No logging option {change['CloudWatchLoggingOptionId']}.")
        for change in given.get("CloudWatchLoggingOptionUpdates") or []:
            logging_options[change["CloudWatchLoggingOptionId"]]["LogStreamARN"] = change["LogStreamARNUpdate"]
        application.configuration, application.code = configuration, code
        application.app_config_description = application._generate_app_config_description(configuration)
        application.service_execution_role = given.get("ServiceExecutionRoleUpdate", application.service_execution_role)
        operation = application.begin("UpdateApplication")
        if application.application_status == "RUNNING":
            name = ""
            if application.snapshots_enabled:
                name = f"{application.application_name}-{uuid.uuid4().hex[:12]}"
                _new_snapshot(application, name)
            application.application_status = "UPDATING"
            _background(_restart_updated, application, operation, name)
        else:
            application.finish(operation)
        self._new_version(application)
        return json.dumps({"ApplicationDetail": application.detail(), "OperationId": operation})

    def delete_application(self) -> str:
        application = self.application
        if int(self.given["CreateTimestamp"]) != application.created:
            raise _invalid("CreateTimestamp is not that of the application.")
        if application.application_status not in ("READY", "RUNNING"):
            raise _in_use(application)
        run = _runs.pop(application.application_arn, None)
        if run is None:
            self.backend.drop(application)
            return "{}"
        application.application_status = "DELETING"
        _background(_delete_running, self.backend, application, run)
        return "{}"

    # snapshots

    def create_application_snapshot(self) -> str:
        application, name = self.application, self.given["SnapshotName"]
        if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,256}", name):
            raise _invalid("SnapshotName has 1 to 256 letters, digits, '_', '.' or '-'.")
        if not application.snapshots_enabled:
            raise _error("InvalidApplicationConfigurationException", "Snapshots are not enabled for this application.")
        if name in application.snapshots:
            raise _error("ResourceInUseException", f"Snapshot {name} already exists.")
        self._must_be(application, "RUNNING")
        _new_snapshot(application, name)
        _background(_take_snapshot, application, name, _runs[application.application_arn], False)
        return "{}"

    def describe_application_snapshot(self) -> str:
        return json.dumps({"SnapshotDetails": _shown(self._snapshot(self.given["SnapshotName"]))})

    def list_application_snapshots(self) -> str:
        return self._paged("SnapshotSummaries", [_shown(s) for s in reversed(self.application.snapshots.values())])

    def delete_application_snapshot(self) -> str:
        application, snapshot = self.application, self._snapshot(self.given["SnapshotName"])
        if int(self.given["SnapshotCreationTimestamp"]) != snapshot["SnapshotCreationTimestamp"]:
            raise _invalid("SnapshotCreationTimestamp is not that of the snapshot.")
        if snapshot["SnapshotStatus"] == "CREATING":
            raise _error("ResourceInUseException", f"Snapshot {snapshot['SnapshotName']} is being created.")
        if (
            snapshot["path"]
            and snapshot["path"] == application.started_from
            and application.application_status != "READY"
        ):
            raise _error("ResourceInUseException", "The application was started from this snapshot: stop it first.")
        del application.snapshots[snapshot["SnapshotName"]]
        if snapshot["path"]:
            shutil.rmtree(snapshot["path"], ignore_errors=True)
        return "{}"

    # operations, versions, logging options, tags

    def list_application_operations(self) -> str:
        given = self.given
        found = [
            {name: value for name, value in operation.items() if name != "OperationFailureDetails"}
            for operation in self.application.operations
            if given.get("Operation", operation["Operation"]) == operation["Operation"]
            and given.get("OperationStatus", operation["OperationStatus"]) == operation["OperationStatus"]
        ]
        return self._paged("ApplicationOperationInfoList", found)

    def describe_application_operation(self) -> str:
        wanted = self.given["OperationId"]
        operation = next((o for o in self.application.operations if o["OperationId"] == wanted), None)
        if operation is None:
            raise _error("ResourceNotFoundException", f"Operation {wanted} could not be found.")
        details = {name: value for name, value in operation.items() if name != "OperationId"}
        return json.dumps({"ApplicationOperationInfoDetails": details})

    def list_application_versions(self) -> str:
        versions = [
            {"ApplicationVersionId": number, "ApplicationStatus": detail["ApplicationStatus"]}
            for number, detail in sorted(self.application.versions.items())
        ]
        return self._paged("ApplicationVersionSummaries", versions)

    def describe_application_version(self) -> str:
        number = self.given["ApplicationVersionId"]
        if number not in self.application.versions:
            raise _error("ResourceNotFoundException", f"Version {number} could not be found.")
        return json.dumps({"ApplicationVersionDetail": self.application.versions[number]})

    def add_application_cloud_watch_logging_option(self) -> str:
        application = self.application
        self._check_version(application)
        if application.logging:
            raise _invalid("An application has at most one CloudWatch logging option.")
        stream = self.given["CloudWatchLoggingOption"]["LogStreamARN"]
        number = f"{application.application_version_id + 1}.1"
        application.logging.append({"CloudWatchLoggingOptionId": number, "LogStreamARN": stream})
        self._new_version(application)
        return self._logging_answer(application)

    def delete_application_cloud_watch_logging_option(self) -> str:
        application, number = self.application, self.given["CloudWatchLoggingOptionId"]
        self._check_version(application)
        kept = [option for option in application.logging if option["CloudWatchLoggingOptionId"] != number]
        if len(kept) == len(application.logging):
            raise _error("ResourceNotFoundException", f"No logging option {number}.")
        application.logging = kept
        self._new_version(application)
        return self._logging_answer(application)

    def untag_resource(self) -> str:
        self.backend.untag_resource(self.given["ResourceARN"], self.given["TagKeys"])
        return "{}"

    def create_application_presigned_url(self) -> str:
        application = self.application
        if self.given["UrlType"] != "FLINK_DASHBOARD_URL":
            raise _error(
                "UnsupportedOperationException", "The local AWS has no Zeppelin: use the kernel `Flink (Studio)`."
            )
        self._must_be(application, "RUNNING")
        run = _runs[application.application_arn]
        return json.dumps({"AuthorizedUrl": run.process.web})

    def _logging_answer(self, application: FlinkApplication) -> str:
        return json.dumps(
            {
                "ApplicationARN": application.application_arn,
                "ApplicationVersionId": application.application_version_id,
                "CloudWatchLoggingOptionDescriptions": application.logging,
            }
        )

    def _new_version(self, application: FlinkApplication) -> None:
        application.application_version_id += 1
        application.changed = int(time.time())
        application.conditional_token = uuid.uuid4().hex
        application.versions[application.application_version_id] = application.detail()

    def _check_version(self, application: FlinkApplication) -> None:
        given = self.given
        version, token = given.get("CurrentApplicationVersionId"), given.get("ConditionalToken")
        if version is None and token is None:
            raise _invalid("Give CurrentApplicationVersionId or ConditionalToken.")
        if version not in (None, application.application_version_id) or token not in (
            None,
            application.conditional_token,
        ):
            raise _error(
                "ConcurrentModificationException",
                f"The application is at version {application.application_version_id}, not {version}.",
            )

    def _must_be(self, application: FlinkApplication, status: str) -> None:
        if application.application_status != status:
            raise _in_use(application)

    def _snapshot(self, name: str) -> dict[str, Any]:
        if name not in self.application.snapshots:
            raise _error("ResourceNotFoundException", f"Snapshot {name} could not be found.")
        return self.application.snapshots[name]

    def _snapshot_path(self, application: FlinkApplication, restore: dict[str, Any]) -> str:
        """The path of the snapshot that a restore configuration names; empty for none."""
        if restore["ApplicationRestoreType"] == "SKIP_RESTORE_FROM_SNAPSHOT":
            return ""
        if restore["ApplicationRestoreType"] == "RESTORE_FROM_LATEST_SNAPSHOT":
            latest = _latest_snapshot(application)
            return latest["path"] if latest else ""
        if "SnapshotName" not in restore:
            raise _invalid("RESTORE_FROM_CUSTOM_SNAPSHOT needs SnapshotName.")
        snapshot = self._snapshot(restore["SnapshotName"])
        if snapshot["SnapshotStatus"] != "READY":
            raise _error(
                "ResourceInUseException", f"Snapshot {snapshot['SnapshotName']} is {snapshot['SnapshotStatus']}."
            )
        return snapshot["path"]

    def _paged(self, name: str, items: list[Any]) -> str:
        token, limit = self.given.get("NextToken") or "0", self.given.get("Limit") or 50
        if not token.isdigit():
            raise _invalid("NextToken is not one that this operation has given.")
        end = int(token) + limit
        more = {"NextToken": str(end)} if end < len(items) else {}
        return json.dumps({name: items[int(token) : end], **more})


RESPONSE = LocalFlinkResponse


def _in_use(application: FlinkApplication) -> FlinkServiceError:
    return _error(
        "ResourceInUseException",
        f"Application {application.application_name} is in state {application.application_status}, which does not allow this.",
    )


def _shown(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in snapshot.items() if name != "path"}


def _delete_running(backend: LocalFlinkBackend, application: FlinkApplication, run: Run) -> None:
    run.end()
    with state.lock(SERVICE):
        backend.drop(application)
        state.save(SERVICE, application.account_id, application.region_name)


# --- start and stop of the server -------------------------------------------------------------------------------------


def resume() -> None:
    """After a restart of the server: what ran, runs again from its last checkpoint; what was on its way is brought to an end."""
    for account, region, backend in list(kinesisanalyticsv2_backends.iter_backends()):
        for application in list(backend.applications.values()):
            for snapshot in application.snapshots.values():
                if snapshot["SnapshotStatus"] == "CREATING":
                    snapshot["SnapshotStatus"] = "FAILED"
            status = application.application_status
            under_way = next(
                (o["OperationId"] for o in application.operations if o["OperationStatus"] == "IN_PROGRESS"), ""
            )
            if status in ("STARTING", "RUNNING", "UPDATING"):
                _begin(application, under_way)
            elif (
                status == "STOPPING" and application.snapshots_enabled
            ):  # it has no snapshot: it must not lose its state
                application.finish(under_way, "The local AWS ended while the snapshot was taken.")
                application.application_status = "RUNNING"
                _begin(application, "")
            elif status in ("STOPPING", "FORCE_STOPPING"):
                application.finish(under_way)
                application.application_status = "READY"
            elif status == "DELETING":
                backend.drop(application)
        state.save(SERVICE, account, region)


def stop() -> None:
    """End every process; the applications stay RUNNING on disk and go on at the next start."""
    for run in list(_runs.values()):
        run.end()
