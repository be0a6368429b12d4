"""What functions write, on its way to CloudWatch Logs: collected, and put as the function's role a few times a second.

A role without the right gets no log, and the run is as it was: so it is on AWS.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core.roles import sessions

log = logging.getLogger("workshop.lambda")

PAUSE_SECONDS = 0.1
BATCH_BYTES = 1_000_000
BATCH_EVENTS = 10_000
EVENT_OVERHEAD = 26
WAITING_BYTES = 32 * 1024 * 1024  # more than this and a function that writes waits


class Place(NamedTuple):
    """Where lines go, and as whom."""

    account: str
    region: str
    role: str
    function: str
    group: str
    stream: str


class Writer:
    """One thread that puts the lines of all functions."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._lines: dict[Place, list[tuple[int, str]]] = {}
        self._bytes = 0
        self._made: set[tuple[str, ...]] = set()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def write(self, place: Place, line: str) -> None:
        """Take one log event, to be put soon."""
        now = int(time.time() * 1000)
        with self._lock:
            self._lock.wait_for(lambda: self._bytes < WAITING_BYTES or self._stopping)
            self._lines.setdefault(place, []).append((now, line))
            self._bytes += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lambda-logs", daemon=True)
                self._thread.start()
            self._lock.notify_all()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._lines or self._stopping)
                if self._stopping and not self._lines:
                    return
                self._lock.wait_for(lambda: self._stopping, PAUSE_SECONDS)
                taken, self._lines, self._bytes = self._lines, {}, 0
                self._lock.notify_all()
            for place, lines in taken.items():
                try:
                    self._put(place, lines)
                except (ClientError, BotoCoreError, sessions.CannotAssume) as error:
                    log.info("no log of %s in %s: %s", place.function, place.group, error)

    def _put(self, place: Place, lines: list[tuple[int, str]]) -> None:
        client = sessions.session(place.account, place.role, "lambda", place.function).client(place.region, "logs")
        self._ensure(client, place)
        batch: list[dict[str, object]] = []
        size = 0
        for moment, line in lines:
            own = len(line.encode()) + EVENT_OVERHEAD
            if batch and (size + own > BATCH_BYTES or len(batch) == BATCH_EVENTS):
                client.put_log_events(logGroupName=place.group, logStreamName=place.stream, logEvents=batch)
                batch, size = [], 0
            if line:
                batch.append({"timestamp": moment, "message": line})
                size += own
        if batch:
            try:
                client.put_log_events(logGroupName=place.group, logStreamName=place.stream, logEvents=batch)
            except client.exceptions.ResourceNotFoundException:  # the group was deleted since: made anew, as on AWS
                self._made.discard(self._name(place))
                self._ensure(client, place)
                client.put_log_events(logGroupName=place.group, logStreamName=place.stream, logEvents=batch)

    @staticmethod
    def _name(place: Place) -> tuple[str, ...]:
        return (place.account, place.region, place.group, place.stream)

    def _ensure(self, client: Any, place: Place) -> None:
        """Make the stream, and the group only when it is not there: a role may be without the right to make groups."""
        if self._name(place) in self._made:
            return
        try:
            self._make_stream(client, place)
        except client.exceptions.ResourceNotFoundException:
            client.create_log_group(logGroupName=place.group)
            self._make_stream(client, place)
        self._made.add(self._name(place))

    @staticmethod
    def _make_stream(client: Any, place: Place) -> None:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(logGroupName=place.group, logStreamName=place.stream)

    def stop(self) -> None:
        """Put what is waiting, and end. Only while the server answers."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(2.0)


WRITER = Writer()
