"""What sessions and job runs share: which settings they may have, their Spark driver with its folder and log lines, and one spare driver.

The spare is a driver that is started in the background when a run or a session has ended, with the settings of that one, because the next
often has the same; but without its credentials: it gets those of whoever takes it. It is used once at most, and only for the same settings
(region and --conf are among them); any other start ends it first, so that it never needs memory that somebody asked for. It ends after
SPARE_SECONDS without use.
"""

from __future__ import annotations

import logging
import shlex
import shutil
import tempfile
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from moto.core.exceptions import JsonRESTError

from infra.local import s3
from infra.local.core import limits, roles, state, telemetry

if TYPE_CHECKING:
    from infra.engines.spark.client import SparkDriver
    from infra.engines.spark.options import Settings

log = logging.getLogger("workshop.glue_drivers")

MINUTE = 60.0  # seconds of Timeout's and IdleTimeout's unit
LOOK_SECONDS = 1.0  # between two looks at the clocks and log lines of a session or run
STOP_SECONDS = 3.0  # for a process to end by itself
SPARE_SECONDS = 600.0
DRIVER_BYTES = 1_000_000_000  # of the machine's memory, for each driver that runs
LINE_LIMIT = 10_000  # characters of a line in the log

DPUS = {"Standard": 1, "G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16}
DPUS |= {"R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8, "Z.2X": 2}
VERSIONS = ("3.0", "4.0", "5.0", "5.1", "auto")
SESSION_NAME = "GlueJobRunnerSession"
ENGINE = "5.1"  # which Glue version's Spark, Python and Java run here
SHARED_PYTHON = (
    "all sessions and jobs here share the workshop's own Python environment; add the package with uv instead"
)
NO_JARS = "its jars are not part of the local AWS; choose a real AWS profile to use it"
REFUSED_ARGUMENTS = {
    "--additional-python-modules": SHARED_PYTHON,
    "--python-modules-installer-option": SHARED_PYTHON,
    "--datalake-formats": NO_JARS,
    "--extra-files": "read them from S3 in the code instead",
}


class InvalidInput(JsonRESTError):
    def __init__(self, message: str):
        super().__init__("InvalidInputException", message)


class NotSupported(JsonRESTError):
    def __init__(self, message: str):
        super().__init__("OperationNotSupportedException", message)


# --- what is refused --------------------------------------------------------------------------------------------------


def assume(account: str, role: str) -> roles.Session:
    """Return the credentials with which a session or a run acts as its role. Raises InvalidInputException."""
    try:
        return roles.session(account, role, "glue", name=SESSION_NAME)
    except roles.CannotAssume:
        raise InvalidInput(f"Role {role} should be given assume role permissions for Glue Service.") from None


def check_engine(given: dict[str, Any], workers: int) -> None:
    """Fill in the defaults of GlueVersion, WorkerType and NumberOfWorkers (`workers`).

    Raises InvalidInputException for what is unknown or contradicts itself.
    """
    if given.setdefault("GlueVersion", ENGINE) not in VERSIONS:
        raise InvalidInput(f"Glue version {given['GlueVersion']} is not one of {', '.join(VERSIONS)}.")
    if given.get("MaxCapacity"):
        if given.get("WorkerType") or given.get("NumberOfWorkers"):
            raise InvalidInput("Please do not set Max Capacity if using Worker Type and Number of Workers.")
        if given["MaxCapacity"] < 2:
            raise InvalidInput("Max Capacity must be at least 2 DPU.")
        return
    given.setdefault("WorkerType", "G.1X")
    given.setdefault("NumberOfWorkers", workers)
    if given["WorkerType"] not in DPUS:
        raise InvalidInput(f"Worker type {given['WorkerType']} is not one of {', '.join(DPUS)}.")
    if given["NumberOfWorkers"] < 2:
        raise InvalidInput("Number of workers must be at least 2.")


def dpus(given: dict[str, Any]) -> float:
    """Return how many data processing units the capacity is."""
    return given.get("MaxCapacity") or DPUS[given["WorkerType"]] * given["NumberOfWorkers"]


def check_connections(given: dict[str, Any]) -> None:
    if given.get("Connections", {}).get("Connections"):
        raise NotSupported("Connections into a VPC are not part of the local AWS.")


def check_arguments(arguments: dict[str, str]) -> None:
    """Raise InvalidInputException for an argument that has no effect here."""
    for name, why in REFUSED_ARGUMENTS.items():
        if arguments.get(name):
            raise InvalidInput(f"{name} is refused by the local AWS: {why}.")
    parse_conf(arguments.get("--conf", ""))


def parse_conf(text: str) -> dict[str, str]:
    """Return the Spark settings of a `--conf` argument, `a=1 --conf b=2`. Raises InvalidInputException for anything else."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInput(f"The argument --conf cannot be read: {error}.") from None
    settings = {}
    for word in words:
        if word == "--conf":
            continue
        name, equals, value = word.partition("=")
        if not equals or not name.startswith("spark."):
            raise InvalidInput(f"'{word}' in the argument --conf is no Spark setting of the form spark.name=value.")
        settings[name] = value
    return settings


def limit() -> int:
    """Return how many drivers may run at once: what the class was given, else what this machine's memory allows."""
    if limits.drivers is not None:
        return limits.drivers
    return max(2, psutil.virtual_memory().total // DRIVER_BYTES)


# --- what a driver is started with ------------------------------------------------------------------------------------


class Missing(Exception):
    """A file that the session or run needs is not on S3; the message is its ErrorMessage."""


def settings(
    role: roles.Session, region: str, given: dict[str, Any], arguments: dict[str, str], folder: Path
) -> tuple[Settings, bool]:
    """Return a driver's settings and whether spark.sql sees the Data Catalog; extra files are put into `folder`.

    Parameters
    ----------
    role: whose credentials the driver has
    given: the capacity, which a cluster is asked for: one of the workers is the driver

    Raises Missing.
    """
    from infra.engines.spark import cluster
    from infra.engines.spark.options import Settings

    files = [fetch(role, region, url, folder) for url in _list(arguments.get("--extra-py-files"))]
    jars = [fetch(role, region, url, folder) for url in _list(arguments.get("--extra-jars"))]
    chosen = Settings(
        telemetry.endpoint(),
        region,
        role.access_key,
        role.secret_key,
        role.token,
        conf=parse_conf(arguments.get("--conf", "")),
        extra_jars=tuple(map(str, jars)),
        py_files=tuple(dict.fromkeys(str(path.parent if path.suffix == ".py" else path) for path in files)),
        master=cluster.chosen(),
        executors=max(int(given.get("NumberOfWorkers") or given.get("MaxCapacity") or 2) - 1, 1),
    )
    return chosen, arguments.get("--enable-glue-datacatalog", "false").lower() != "false"


def _list(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def fetch(role: roles.Session, region: str, url: str, folder: Path) -> Path:
    """Copy a file from S3, which the role must be allowed to read, into `folder` and return its path. Raises Missing."""
    bucket, _, key = url.removeprefix("s3://").removeprefix("s3a://").partition("/")
    path = folder / (key.rpartition("/")[2] or "script")
    try:
        roles.check(role, region, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        shutil.copyfile(s3.get(role.account, bucket, key).path, path)
    except roles.Denied:
        denied = f"Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: {uuid.uuid4()})"
        message = f"LAUNCH ERROR | Error downloading from S3 for bucket: {bucket}, key: {key}.{denied}"
        raise Missing(message) from None
    except (s3.MissingBucket, s3.MissingKey) as missing:
        what = "key" if isinstance(missing, s3.MissingKey) else "bucket"
        message = f"LAUNCH ERROR | Error downloading from S3 for bucket: {bucket}, key: {key}. The specified {what} does not exist."
        raise Missing(message) from None
    return path


# --- folders and log lines --------------------------------------------------------------------------------------------


def _folders() -> Path:
    path = state.root().parent / "tmp" / "glue"
    path.mkdir(parents=True, exist_ok=True)
    return path


def new_folder(prefix: str) -> Path:
    """Make a folder for the files of one process; who makes it removes it."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_folders()))


def remove_folders() -> None:
    """Remove what the processes of a killed server have left."""
    shutil.rmtree(_folders(), ignore_errors=True)


class LogLines:
    """Lines of a process on their way to CloudWatch: stdout into `<group>/output`, stderr into `<group>/error`."""

    def __init__(self, account: str, region: str, group: str, stream: str):
        self._where = (account, region, group, stream)
        self.role: roles.Session | None = None  # once it is known: lines that it may not write are lost, as on AWS
        self._lines: deque[tuple[str, str]] = deque()

    def keep(self, source: str, line: str) -> None:
        """Take a line from "stdout" or "stderr"; called from any thread."""
        self._lines.append((source, line[:LINE_LIMIT]))

    def tell_engine(self, version: str) -> None:
        if version not in (ENGINE, "auto"):
            self.keep("stderr", f"Glue {version} was asked for; the local AWS runs the Spark of {ENGINE}.")

    def write(self) -> None:
        """Hand over the lines so far; called from one thread only."""
        account, region, group, stream = self._where
        lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        while self._lines:
            source, line = self._lines.popleft()
            lines[source].append(line or " ")  # CloudWatch takes no empty message
        for kind, told in (("output", lines["stdout"]), ("error", lines["stderr"])):
            arn = f"arn:aws:logs:{region}:{account}:log-group:{group}/{kind}:log-stream:{stream}"
            if told and (self.role is None or roles.is_allowed(self.role, region, "logs:PutLogEvents", arn)):
                telemetry.log(account, region, f"{group}/{kind}", stream, told)


# --- drivers, and the spare -------------------------------------------------------------------------------------------

_spare: SparkDriver | None = None
_lock = threading.Lock()
_is_shutting_down = False


def start(settings: Settings, catalog: bool, keep: Callable[[str, str], None]) -> SparkDriver:
    """Return a driver with these settings: the spare if it has them, else a new one.

    `keep` is called with ("stdout" | "stderr", line) for what it writes from now on.
    """
    from infra.engines.spark.client import SparkDriver

    spare = _take()
    if spare is not None and spare.settings == _of_spare(settings) and not spare.exited.done():
        spare.log = keep
        spare.become(settings, catalog)
        return spare
    if spare is not None:
        spare.kill()
    return SparkDriver(settings, catalog, keep, _folders())


def _of_spare(settings: Settings) -> Settings:
    """Return the settings with which a spare waits for these: executors are asked for in a cluster only."""
    return replace(settings, access_key="", secret_key="", session_token="", executors=1)


def keep_spare(settings: Settings) -> None:
    """Start a spare, unless there is one, memory is short, or the settings name files that the next one has in another place, or a cluster,
    whose workers others may wait for.
    """
    global _spare
    from infra.engines.spark.client import SparkDriver

    if (
        settings.py_files
        or settings.extra_jars
        or settings.master
        or psutil.virtual_memory().available < 2 * DRIVER_BYTES
    ):
        return
    with _lock:
        if _is_shutting_down or _spare is not None and not _spare.exited.done():
            return
        spare = _spare = SparkDriver(_of_spare(settings), parent=_folders())
    timer = threading.Timer(SPARE_SECONDS, end_spare, [spare])
    timer.daemon = True
    timer.start()


def end_spare(only: SparkDriver | None = None) -> None:
    """End the spare and wait for its end; with `only`, unless it has been taken since."""
    spare = _take(only)
    if spare is not None:
        spare.kill()
        spare.exited.result()


def _take(only: SparkDriver | None = None) -> SparkDriver | None:
    global _spare
    with _lock:
        if only is not None and _spare is not only:
            return None
        taken, _spare = _spare, None
        return taken


def stop() -> None:
    """At shutdown, before the sessions and runs are stopped: end the spare, and let no other start."""
    global _is_shutting_down
    _is_shutting_down = True
    end_spare()
