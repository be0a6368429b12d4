"""One batch of a stream, from its first call to the end: done, tried again, split, or told to the on-failure destination.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-errors.html
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core.roles import sessions
from infra.local.lambda_ import destinations, running
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError
from infra.local.lambda_.mappings.record import Mapping
from infra.local.lambda_.records import LATEST, Json

log = logging.getLogger("workshop.lambda")

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
FAILED = "PROBLEM: Function call failed"


@dataclass(frozen=True)
class Record:
    """A record of a stream: its place, when it arrived (seconds since 1970), and its form in the event."""

    sequence: str
    arrived: float
    form: Json
    size: int


class Stopped(Exception):
    """The mapping is being stopped: what is not done yet is read again later."""


@dataclass
class Window:
    """A tumbling window as the event tells it."""

    start: float
    seconds: int
    state: Any
    is_final: bool = False
    is_early: bool = False

    def members(self) -> Json:
        return {
            "window": {"start": _iso(self.start), "end": _iso(self.start + self.seconds)},
            "state": self.state,
            "isFinalInvokeForWindow": self.is_final,
            "isWindowTerminatedEarly": self.is_early,
        }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shard:
    """Calls the function with the records of one shard.

    Parameters
    ----------
    done: is told the sequence number up to which (with it) all is done, and the number of attempts of what comes next
    """

    def __init__(
        self,
        backend: LocalLambdaBackend,
        mapping: Mapping,
        shard: str,
        stopping: threading.Event,
        done: Callable[[str, int], None],
    ):
        self.backend, self.mapping, self.shard = backend, mapping, shard
        self.stopping, self._done = stopping, done

    def run(self, records: list[Record], attempts: int = 0, window: Window | None = None) -> None:
        """Bring a batch to its end. Raises Stopped.

        Parameters
        ----------
        attempts: how often it failed before the server was started again
        window: changed to the state that the function returns
        """
        refusals = 0
        while records or (window is not None and window.is_final):
            records = self._without_old(records)
            if not records and not (window is not None and window.is_final):
                return
            result, failed_from = self._call(records, window)
            if failed_from is None:
                self.mapping.last_result = "OK"
                self._finish(records, 0)
                return
            self.mapping.last_result = FAILED
            if result is None:  # throttled, or it could not be run: only the records' age ends this
                refusals += 1
                self._pause(refusals)
                continue
            splits = self.mapping.settings["BisectBatchOnFunctionError"]  # and that does not use up retries
            if failed_from > 0:  # the first ones are done with: the rest is a batch of its own
                self._finish(records[:failed_from], attempts if splits else attempts + 1)
                records = records[failed_from:]
                if splits:
                    continue
            elif splits and len(records) > 1:
                half = len(records) // 2
                self.run(records[:half], attempts, window)
                records = records[half:]
                continue
            attempts += 1
            most = self.mapping.settings["MaximumRetryAttempts"]
            if most >= 0 and attempts > most:
                self._give_up(records, "RetryAttemptsExhausted", attempts, result)
                return
            self._done("", attempts)
            self._pause(attempts)

    def _finish(self, records: list[Record], attempts: int) -> None:
        if records:
            self._done(records[-1].sequence, attempts)

    def _pause(self, attempts: int) -> None:
        seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 10))
        if self.stopping.wait(seconds):
            raise Stopped

    def _without_old(self, records: list[Record]) -> list[Record]:
        """Leave out records that are too old, and tell of them."""
        most = self.mapping.settings["MaximumRecordAgeInSeconds"]
        if most < 0:
            return records
        old = [record for record in records if time.time() - record.arrived > most]
        if old:
            self._give_up(old, "RecordAgeExceeded", 0, None)
        return records[len(old) :]

    # --- the call ---------------------------------------------------------------------------------------------------

    def _call(self, records: list[Record], window: Window | None) -> tuple[running.Result | None, int | None]:
        """Call the function once; return its result and the index from which records failed, None when none did."""
        if self.stopping.is_set():
            raise Stopped
        event: Json = {"Records": [record.form for record in records]}
        if window is not None:
            event.update(window.members(), shardId=self.shard, eventSourceARN=self.mapping.source)
        if records:
            age = (time.time() - records[-1].arrived) * 1000
            name = self.mapping.function.split(":")[6]
            running.metrics(self.backend, name, "", {"IteratorAge": (max(0.0, age), "Milliseconds")})
        try:
            payload = json.dumps(event, ensure_ascii=False).encode()
            result = running.run(self.backend, self.mapping.function, None, payload)
        except LambdaError as error:
            log.info("mapping %s: %s", self.mapping.uuid, error)
            return None, 0
        if result.function_error:
            return result, 0
        if window is not None and not self._take_state(result, window):
            return result, 0
        return result, self._failed_from(records, result) if self.mapping.reports_items else None

    @staticmethod
    def _take_state(result: running.Result, window: Window) -> bool:
        """Keep the state that a function returned for a window; return whether it did."""
        said = destinations.parsed(result.payload)
        if not isinstance(said, dict) or not isinstance(said.get("state"), dict):
            return window.is_final and said is None
        window.state = said["state"]
        return True

    @staticmethod
    def _failed_from(records: list[Record], result: running.Result) -> int | None:
        """Return the index of the first record that the function reported, 0 for an answer that makes no sense."""
        said = destinations.parsed(result.payload)
        if said in (None, {}, "", []):
            return None
        if not isinstance(said, dict):
            return None
        items = said.get("batchItemFailures")
        if items in (None, []):
            return None
        if not isinstance(items, list):
            return 0
        places = {record.sequence: index for index, record in enumerate(records)}
        found = []
        for item in items:
            name = item.get("itemIdentifier") if isinstance(item, dict) else None
            if name not in places:
                return 0
            found.append(places[name])
        return min(found)

    # --- the end of a batch that fails ------------------------------------------------------------------------------

    def _give_up(self, records: list[Record], condition: str, attempts: int, result: running.Result | None) -> None:
        """Tell the on-failure destination of records that are left out, and go on behind them."""
        target = self.mapping.settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        log.info("mapping %s leaves out %d records: %s", self.mapping.uuid, len(records), condition)
        if target:
            self._tell(target, records, condition, attempts, result)
        self._finish(records, 0)

    def _tell(
        self, target: str, records: list[Record], condition: str, attempts: int, result: running.Result | None
    ) -> None:
        function, version, asked = self.backend.version(self.mapping.function)
        told: Json = {
            "requestContext": {
                "requestId": result.request_id if result else destinations.uuid.uuid4().hex,
                "functionArn": f"{function.arn}:{asked or LATEST}",
                "condition": condition,
                "approximateInvokeCount": max(1, attempts),
            }
        }
        if result is not None:
            error = result.function_error
            told["responseContext"] = {
                "statusCode": 200,
                "executedVersion": result.executed_version,
                "functionError": error,
            }
        told |= {
            "version": "1.0",
            "timestamp": destinations.moment(),
            "KinesisBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": records[0].sequence,
                "endSequenceNumber": records[-1].sequence,
                "approximateArrivalOfFirstRecord": _moment(records[0].arrived),
                "approximateArrivalOfLastRecord": _moment(records[-1].arrived),
                "batchSize": len(records),
                "streamArn": self.mapping.source,
            },
        }
        sender = destinations.Sender(self.backend, function.name, version.configuration["Role"])
        if target.split(":")[2] != "s3":
            if not sender.send(target, told, False, function.arn):
                running.metrics(self.backend, function.name, "", {"DestinationDeliveryFailures": (1, "Count")})
            return
        told["payload"] = json.dumps({"Records": [record.form for record in records]})
        try:
            sender.keep(target, json.dumps(told), f"{self.mapping.uuid}/{self.shard}")
        except (ClientError, BotoCoreError, sessions.CannotAssume) as error:
            log.warning("mapping %s: %s did not take the records: %s", self.mapping.uuid, target, error)
            running.metrics(self.backend, function.name, "", {"DestinationDeliveryFailures": (1, "Count")})


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def decoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
