"""One invocation: an environment is found or made, the event is run, and what is told about it is told.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import json
import math
import random
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from infra.engines.lambda_.environment import INIT_SECONDS, Environment
from infra.engines.lambda_.invocation import Event, Outcome, Spec
from infra.engines.lambda_.launching import Launcher
from infra.local.core import lineage, telemetry
from infra.local.core.roles import sessions
from infra.local.lambda_ import code, destinations, logs
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError
from infra.local.lambda_.pool import POOL, Key, Place, new_folder
from infra.local.lambda_.records import LATEST, Function, Json, Version

TAIL_BYTES = 4096
LOG_BYTES = 16 * 1024 * 1024  # of one run; more is left out, and a line says so
MOST_ROUNDS = lineage.MOST_HOPS + 1  # a rule that is in the circle stops it before
RUNTIME_NAME = "python:3.11.v90"


@dataclass(frozen=True)
class Result:
    """What an invocation gave.

    Parameters
    ----------
    payload: the function's answer, or the error's description, as JSON
    function_error: "Unhandled" when the function failed, else None
    executed_version: the version that ran
    tail: the last 4 KB of the run's log
    """

    payload: bytes
    function_error: str | None
    executed_version: str
    request_id: str
    tail: str = ""


def choose(function: Function, qualifier: str) -> str:
    """Return the version number of a qualifier; an alias with weights is asked anew each time."""
    alias = function.aliases.get(qualifier)
    if alias is None:
        return qualifier or LATEST
    for version, weight in alias.weights.items():
        if random.random() < weight:
            return version
    return alias.version


def run(
    backend: LocalLambdaBackend,
    given: str,
    qualifier: str | None,
    payload: bytes,
    request_id: str = "",
    client_context: str = "",
) -> Result:
    """Run a function once and wait for its end. Raises LambdaError when it cannot be run at all.

    Parameters
    ----------
    given: name, partial ARN or ARN
    payload: the event, as JSON
    request_id: of an event that is tried again; a new one when empty
    """
    request_id = request_id or str(uuid.uuid4())
    lineage.note(request_id)
    function, _, asked = backend.version(given, qualifier)
    number = choose(function, asked)
    version = function.version(number)
    assert version is not None
    _stop_loop(backend, function, asked)
    _await_active(version)
    reserved_of_all = sum(each.reserved or 0 for each in list(backend.functions.values()))
    try:
        POOL.enter(backend.account_id, function.arn, function.reserved, reserved_of_all)
    except LambdaError:
        metrics(backend, function.name, asked, {"Throttles": (1, "Count")})
        raise
    try:
        invoked_arn = f"{function.arn}:{asked}" if asked else function.arn
        timeout = float(version.configuration["Timeout"])
        event = Event(request_id, payload or b"{}", invoked_arn, timeout, client_context)
        return _Run(backend, function, version, asked, event).result()
    finally:
        concurrent = POOL.leave(backend.account_id, function.arn)
        metrics(backend, function.name, asked, {"ConcurrentExecutions": (concurrent, "Count")})


def _stop_loop(backend: LocalLambdaBackend, function: Function, asked: str) -> None:
    """Raise LambdaError for an event that comes round and round, unless the function is allowed to do that.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    if lineage.current() <= MOST_ROUNDS or function.recursion == "Allow":
        return
    metrics(backend, function.name, asked, {"RecursiveInvocationsDropped": (1, "Count")})
    raise LambdaError(
        "RecursiveInvocationException",
        "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your "
        "function's invocation.",
    )


def _await_active(version: Version) -> None:
    """A function that is just made or changed is ready in a moment."""
    while version.settled_at is not None:
        time.sleep(max(0.0, version.settled_at - time.time()))
        version.settle()


def metrics(backend: LocalLambdaBackend, name: str, qualifier: str, values: dict[str, tuple[float, str]]) -> None:
    for dimensions in (
        {"FunctionName": name},
        {"FunctionName": name, "Resource": f"{name}:{qualifier}" if qualifier else name},
    ):
        telemetry.metric(backend.account_id, backend.region_name, "AWS/Lambda", dimensions, values)


class _Run:
    """The run of one event."""

    def __init__(self, backend: LocalLambdaBackend, function: Function, version: Version, asked: str, event: Event):
        self.backend, self.function, self.version, self.asked, self.event = backend, function, version, asked, event
        self.configuration = dict(version.configuration)
        self.is_json = self.configuration["LoggingConfig"]["LogFormat"] == "JSON"
        self.tail: list[str] = []
        self.logged = 0
        self.place: Place | None = None
        self.target: logs.Place | None = None
        self.in_event = False

    def result(self) -> Result:
        key = Key(
            self.backend.account_id,
            self.function.arn,
            self.version.number,
            f"{self.version.code} {self.configuration['LastModified']}",
        )
        place = POOL.take(key)
        first = Outcome()
        if place is None:
            place = self._started(key)
            self.target = self._log_place(place.stream)
            self._init_line()
            first = place.environment.initialise(self._told)
            if first.fault == "timeout":
                place, first = self._again(place, key)
        self.target = self._log_place(place.stream)
        fresh = place.fresh
        self.in_event = True
        if first.fault:
            outcome = self._failed_init(place, first)
        else:
            self._start_line()
            outcome = place.environment.invoke(self.event, self._told)
        self._finish_lines(outcome, first.seconds if fresh and not first.fault else None)
        POOL.give_back(place, outcome.usable)
        self._count(outcome)
        error = "Unhandled" if outcome.fault else None
        return Result(outcome.payload, error, self.version.number, self.event.request_id, self._tail_text())

    # --- the environment --------------------------------------------------------------------------------------------

    def _started(self, key: Key) -> Place:
        try:
            folder = new_folder()
            stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{self.version.number}]{uuid.uuid4().hex}"
            spec = self._spec(folder, stream)
        except BaseException:
            POOL.abandon()
            raise
        return POOL.start(key, spec, stream, folder)

    def _again(self, place: Place, key: Key) -> tuple[Place, Outcome]:
        """AWS ends a first phase of more than ten seconds and repeats it as part of the event, within the function's timeout."""
        self._say(f"INIT_REPORT Init Duration: {INIT_SECONDS * 1000:.2f} ms\tPhase: init\tStatus: timeout\n")
        place.environment.stop()
        place.environment = Environment(_launcher(), self._spec(place.folder, place.stream))
        outcome = place.environment.initialise(self._told, self.event.timeout)
        if outcome.fault == "timeout":
            message = f"Task timed out after {self.event.timeout:.2f} seconds"
            outcome.error_type = "Sandbox.Timedout"
            outcome.payload = _error("Sandbox.Timedout", f"RequestId: {self.event.request_id} Error: {message}")
        return place, outcome

    def _failed_init(self, place: Place, first: Outcome) -> Outcome:
        """The handler cannot be had: the event fails with what the first phase said."""
        place.environment.stop()
        if not first.payload:
            reason = place.environment.reason(first)
            first.payload = _error(first.error_type, f"RequestId: {self.event.request_id} Error: {reason}")
        if first.fault == "error":
            self._say(
                f"INIT_REPORT Init Duration: {first.seconds * 1000:.2f} ms\tPhase: init\tStatus: error\t"
                f"Error Type: {first.error_type}\n"
            )
        self._start_line()
        first.usable = False
        return first

    def _spec(self, folder: Path, stream: str) -> Spec:
        account, region = self.backend.account_id, self.backend.region_name
        configuration = self.configuration
        return Spec(
            handler=configuration["Handler"],
            variables=self._variables(stream),
            task=code.unpacked(account, region, self.version.code),
            opt=code.layered(account, region, self.version.layers),
            tmp=folder / "tmp",
            memory_mb=configuration["MemorySize"],
            storage_mb=configuration["EphemeralStorage"]["Size"],
        )

    def _variables(self, stream: str) -> dict[str, str]:
        account, region = self.backend.account_id, self.backend.region_name
        configuration = self.configuration
        try:
            session = sessions.session(account, configuration["Role"], "lambda", self.function.name)
        except sessions.CannotAssume as error:
            raise LambdaError(
                "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda."
            ) from error
        logging = configuration["LoggingConfig"]
        variables = {
            "LANG": "en_US.UTF-8",
            "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "TZ": ":UTC",
            **configuration.get("Environment", {}).get("Variables", {}),
            "_HANDLER": configuration["Handler"],
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": self.function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
            "AWS_LAMBDA_FUNCTION_VERSION": self.version.number,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": logging["LogGroup"],
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_ACCESS_KEY_ID": session.access_key,
            "AWS_SECRET_ACCESS_KEY": session.secret_key,
            "AWS_SESSION_TOKEN": session.token,
        }
        variables.setdefault("AWS_ENDPOINT_URL", telemetry.endpoint())
        variables.setdefault("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
        if logging["LogFormat"] == "JSON":
            variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
            variables["AWS_LAMBDA_LOG_LEVEL"] = logging["ApplicationLogLevel"]
        return variables

    # --- what is told -----------------------------------------------------------------------------------------------

    def _log_place(self, stream: str) -> logs.Place:
        backend, configuration = self.backend, self.configuration
        group = configuration["LoggingConfig"]["LogGroup"]
        role = configuration["Role"]
        return logs.Place(backend.account_id, backend.region_name, role, self.function.name, group, stream)

    def _told(self, line: str) -> None:
        """Take a line of the function."""
        self.logged += len(line)
        if self.logged > LOG_BYTES:
            if self.logged - len(line) <= LOG_BYTES:
                self._say(f"The local AWS keeps {LOG_BYTES} bytes of a run's log; the rest is left out.\n")
            return
        self._say(line)

    def _say(self, line: str) -> None:
        assert self.target is not None
        logs.WRITER.write(self.target, line)
        if self.in_event:
            self.tail.append(line)

    def _platform(self, kind: str, record: Json) -> None:
        """Write a line of Lambda's own in the JSON form of advanced logging, unless the system's log level leaves it out."""
        if self.configuration["LoggingConfig"]["SystemLogLevel"] != "WARN":
            said = {"time": destinations.moment(), "type": f"platform.{kind}", "record": record}
            self._say(json.dumps(said, separators=(",", ":")) + "\n")

    def _init_line(self) -> None:
        runtime_arn = self.configuration["RuntimeVersionConfig"]["RuntimeVersionArn"]
        if not self.is_json:
            self._say(f"INIT_START Runtime Version: {RUNTIME_NAME}\tRuntime Version ARN: {runtime_arn}\n")
            return
        record: Json = {"initializationType": "on-demand", "phase": "init", "runtimeVersion": RUNTIME_NAME}
        record |= {"runtimeVersionArn": runtime_arn, "functionName": self.function.name}
        self._platform("initStart", {**record, "functionVersion": self.version.number})

    def _start_line(self) -> None:
        if self.is_json:
            self._platform("start", {"requestId": self.event.request_id, "version": self.version.number})
            return
        self._say(f"START RequestId: {self.event.request_id} Version: {self.version.number}\n")

    def _finish_lines(self, outcome: Outcome, init_seconds: float | None) -> None:
        milliseconds = outcome.seconds * 1000
        if outcome.error_type == "Sandbox.Timedout":
            milliseconds = self.event.timeout * 1000
        billed = math.ceil(milliseconds + (init_seconds or 0.0) * 1000)
        if self.is_json:
            self._report_record(outcome, milliseconds, billed, init_seconds)
            return
        report = (
            f"REPORT RequestId: {self.event.request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {self.configuration['MemorySize']} MB\tMax Memory Used: {outcome.memory_mb} MB\t"
        )
        if init_seconds is not None:
            report += f"Init Duration: {init_seconds * 1000:.2f} ms\t"
        if outcome.fault == "timeout":
            report += "Status: timeout"
        elif outcome.fault and outcome.error_type:
            report += f"Status: error\tError Type: {outcome.error_type}"
        self._say(f"END RequestId: {self.event.request_id}\n")
        self._say(report + "\n")

    def _report_record(self, outcome: Outcome, milliseconds: float, billed: int, init_seconds: float | None) -> None:
        metrics: Json = {"durationMs": round(milliseconds, 3), "billedDurationMs": billed}
        metrics |= {"memorySizeMB": self.configuration["MemorySize"], "maxMemoryUsedMB": outcome.memory_mb}
        if init_seconds is not None:
            metrics["initDurationMs"] = round(init_seconds * 1000, 3)
        record: Json = {"requestId": self.event.request_id, "metrics": metrics, "status": outcome.fault or "success"}
        if outcome.error_type and outcome.fault == "error":
            record["errorType"] = outcome.error_type
        self._platform("report", record)

    def _tail_text(self) -> str:
        return (
            "".join(line if line.endswith("\n") else line + "\n" for line in self.tail)
            .encode()[-TAIL_BYTES:]
            .decode("utf-8", "ignore")
        )

    def _count(self, outcome: Outcome) -> None:
        values: dict[str, tuple[float, str]] = {
            "Invocations": (1, "Count"),
            "Errors": (int(bool(outcome.fault)), "Count"),
            "Duration": (outcome.seconds * 1000, "Milliseconds"),
        }
        metrics(self.backend, self.function.name, self.asked, values)


def _launcher() -> Launcher:
    assert POOL.launcher is not None
    return POOL.launcher


def _error(kind: str, message: str) -> bytes:
    said: Json = {"errorType": kind, "errorMessage": message}
    return json.dumps(said).encode()
