"""Asynchronous invocation: accepted events are files until they are done, tried again after errors, and told to destinations.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import base64
import heapq
import logging
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from infra.local.core import lineage, state, telemetry
from infra.local.lambda_ import backend as backends
from infra.local.lambda_ import destinations, running
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError
from infra.local.lambda_.records import LATEST, Function, Json

log = logging.getLogger("workshop.lambda")

PAYLOAD_LIMIT = 1_048_576  # bytes
RETRY_SECONDS = (60.0, 120.0)  # before the second and the third attempt
THROTTLE_SECONDS = (1.0, 300.0)  # first and longest pause before a throttled event is tried again
AGE_SECONDS = 21600
WORKERS = 16


def pace() -> float:
    """Return by what the pauses of retries are multiplied: 1, AWS's clock, unless WORKSHOP_LAMBDA_PACE says otherwise."""
    return float(os.environ.get("WORKSHOP_LAMBDA_PACE", "1"))


@dataclass
class Waiting:
    """An accepted event.

    Parameters
    ----------
    payload: base64
    accepted, due: seconds since 1970
    attempts: how often the function ran
    throttled: how often it could not, since it last ran
    hops: how many times what it comes from has come round, see core/lineage.py
    """

    request_id: str
    account: str
    region: str
    function: str
    qualifier: str
    payload: str
    accepted: float
    due: float
    attempts: int = 0
    throttled: int = 0
    hops: int = 0

    @property
    def event(self) -> bytes:
        return base64.b64decode(self.payload)


class Queue:
    """The events of all accounts, in the order in which they are due."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._due: list[tuple[float, str, Waiting]] = []
        self._thread: threading.Thread | None = None
        self._workers = ThreadPoolExecutor(WORKERS, "lambda-event")
        self._stopping = False

    def put(self, waiting: Waiting) -> None:
        """Take an event that is on disk already."""
        with self._lock:
            heapq.heappush(self._due, (waiting.due, waiting.request_id, waiting))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lambda-events", daemon=True)
                self._thread.start()
            self._lock.notify_all()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._stopping and (not self._due or self._due[0][0] > time.time()):
                    self._lock.wait(max(0.0, self._due[0][0] - time.time()) if self._due else None)
                if self._stopping:
                    return
                _, _, waiting = heapq.heappop(self._due)
            self._workers.submit(self._attempt, waiting)

    def _attempt(self, waiting: Waiting) -> None:
        try:
            with lineage.caused_by(waiting.hops):
                later = attempt(waiting)
        except Exception:
            log.exception("event %s of %s", waiting.request_id, waiting.function)
            later = True
            waiting.due = time.time() + THROTTLE_SECONDS[1] * pace()
        if later:
            store(waiting)
            self.put(waiting)
        else:
            _path(waiting).unlink(missing_ok=True)

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        self._workers.shutdown(wait=False, cancel_futures=True)


QUEUE = Queue()


def _path(waiting: Waiting) -> Path:
    folder = state.folder("lambda", waiting.account, waiting.region) / "events"
    folder.mkdir(exist_ok=True)
    return folder / f"{waiting.request_id}.json"


def store(waiting: Waiting) -> None:
    state.write_atomically(_path(waiting), orjson.dumps(asdict(waiting)))


def accept(backend: LocalLambdaBackend, given: str, qualifier: str | None, payload: bytes) -> str:
    """Store an event to be run soon, and return its request id. Raises LambdaError when the function is not there."""
    function, _, asked = backend.version(given, qualifier)
    now = time.time()
    text = base64.b64encode(payload or b"{}").decode()
    account, region = backend.account_id, backend.region_name
    waiting = Waiting(str(uuid.uuid4()), account, region, function.name, asked, text, now, now, hops=lineage.counted())
    store(waiting)
    _metric(waiting, "AsyncEventsReceived", 1, "Count")
    QUEUE.put(waiting)
    return waiting.request_id


def attempt(waiting: Waiting) -> bool:
    """Run an event once. Returns whether it must be tried again, at the time that it says then."""
    backend = backends.of(waiting.account, waiting.region)
    function = backend.functions.get(waiting.function)
    if function is None:  # deleted since: nobody is left to tell
        _metric(waiting, "AsyncEventsDropped", 1, "Count")
        return False
    settings = config(function, waiting.qualifier)
    if function.reserved == 0:
        _told(backend, function, waiting, settings, "ZeroReservedConcurrency", None)
        return False
    _metric(waiting, "AsyncEventAge", (time.time() - waiting.accepted) * 1000, "Milliseconds")
    try:
        result = running.run(backend, waiting.function, waiting.qualifier or None, waiting.event, waiting.request_id)
    except LambdaError as error:
        return _throttled(backend, function, waiting, settings, error)
    waiting.attempts, waiting.throttled = waiting.attempts + 1, 0
    if result.function_error is None:
        _told(backend, function, waiting, settings, "Success", result)
        return False
    if waiting.attempts > settings.get("MaximumRetryAttempts", 2):
        _told(backend, function, waiting, settings, "RetriesExhausted", result)
        return False
    waiting.due = time.time() + RETRY_SECONDS[waiting.attempts - 1] * pace()
    if waiting.due - waiting.accepted > settings.get("MaximumEventAgeInSeconds", AGE_SECONDS):
        _told(backend, function, waiting, settings, "EventAgeExceeded", result)
        return False
    return True


def _throttled(
    backend: LocalLambdaBackend, function: Function, waiting: Waiting, settings: Json, error: LambdaError
) -> bool:
    """The function could not run: the event goes back, for longer each time, until it is too old."""
    if error.code == "RecursiveInvocationException":
        log.warning("event %s of %s is dropped: %s", waiting.request_id, waiting.function, error)
        _told(backend, function, waiting, settings, "RetriesExhausted", None)
        return False
    log.info("event %s of %s waits: %s", waiting.request_id, waiting.function, error)
    first, longest = THROTTLE_SECONDS
    waiting.due = time.time() + min(longest, first * 2**waiting.throttled) * pace()
    waiting.throttled += 1
    if waiting.due - waiting.accepted > settings.get("MaximumEventAgeInSeconds", AGE_SECONDS):
        _told(backend, function, waiting, settings, "EventAgeExceeded", None)
        return False
    return True


def config(function: Function, qualifier: str) -> Json:
    """Return the event invoke configuration of a function, version or alias."""
    return function.invoke_configs.get("" if qualifier == LATEST else qualifier, {})


def _told(
    backend: LocalLambdaBackend,
    function: Function,
    waiting: Waiting,
    settings: Json,
    condition: str,
    result: running.Result | None,
) -> None:
    """Tell the destination of success or failure, and the dead-letter queue of a failure."""
    success = condition == "Success"
    if not success:
        _metric(waiting, "AsyncEventsDropped", 1, "Count")
    version = function.version(running.choose(function, waiting.qualifier)) or function.latest
    sender = destinations.Sender(backend, function.name, version.configuration["Role"])
    target = (settings.get("DestinationConfig", {}).get("OnSuccess" if success else "OnFailure") or {}).get(
        "Destination"
    )
    arn = f"{function.arn}:{waiting.qualifier or LATEST}"
    if target:
        record = destinations.record(waiting.request_id, arn, condition, waiting.attempts, waiting.event, result)
        if not sender.send(target, record, success, arn):
            _metric(waiting, "DestinationDeliveryFailures", 1, "Count")
    dead = version.configuration.get("DeadLetterConfig", {}).get("TargetArn")
    if dead and not success and not sender.bury(dead, waiting.event, waiting.request_id, result):
        _metric(waiting, "DeadLetterErrors", 1, "Count")


def _metric(waiting: Waiting, name: str, value: float, unit: str) -> None:
    dimensions = {"FunctionName": waiting.function}
    telemetry.metric(waiting.account, waiting.region, "AWS/Lambda", dimensions, {name: (value, unit)})


def resume() -> None:
    """Take up the events that a stopped server had accepted."""
    for path in sorted(state.root().glob("*/*/lambda/events/*.json")):
        told = state.read_json(path, "the event that it held is lost")
        if told is None:
            continue
        try:
            QUEUE.put(Waiting(**told))
        except TypeError:  # a name in it is damaged
            state.set_aside(path, "it is no event; what it held is lost")
