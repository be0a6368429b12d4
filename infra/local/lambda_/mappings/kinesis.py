"""Reads the shards of a Kinesis stream for a mapping, as the function's role: parents before children, each from where it was.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core import pace
from infra.local.core.roles import sessions
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError
from infra.local.lambda_.mappings.batches import Record, Shard, Stopped, Window, decoded
from infra.local.lambda_.mappings.filters import Filters
from infra.local.lambda_.mappings.record import Mapping, Place, Places

log = logging.getLogger("workshop.lambda")

POLL_SECONDS = 0.2
LIST_SECONDS = 2.0
PAYLOAD_LIMIT = 6_000_000  # bytes of records in base64, below the event's limit
STATE_LIMIT = 1_048_576  # bytes of a window's state
WINDOW_GRACE_SECONDS = 1.0  # after its end a window is closed, when nothing newer has closed it


class StreamPoller:
    """Polls a stream: one thread for the list of shards, and one for each open shard."""

    def __init__(self, backend: LocalLambdaBackend, mapping: Mapping):
        self.backend, self.mapping = backend, mapping
        self.stopping = threading.Event()
        self.places = Places(backend.account_id, backend.region_name, mapping.uuid)
        self._readers: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._run, name=f"mapping-{mapping.uuid[:8]}", daemon=True)
        self._thread.start()

    def stop(self, wait: bool) -> None:
        self.stopping.set()
        if wait:
            for thread in (self._thread, *list(self._readers.values())):
                if thread is not threading.current_thread():
                    thread.join(5.0)

    def client(self) -> Any:
        """Return a client of Kinesis as the function's role. Raises LambdaError or CannotAssume."""
        function, version, _ = self.backend.version(self.mapping.function)
        role = version.configuration["Role"]
        session = sessions.session(self.backend.account_id, role, "lambda", function.name)
        return session.client(self.mapping.source.split(":")[3], "kinesis")

    def _run(self) -> None:
        pace.pause(self.mapping.settled_at or 0.0, self.stopping.is_set)
        while not self.stopping.is_set():
            try:
                self._start_readers()
            except (ClientError, BotoCoreError, LambdaError, sessions.CannotAssume) as error:
                self._problem(error)
            self.stopping.wait(LIST_SECONDS)

    def _problem(self, error: Exception) -> None:
        log.info("mapping %s: %s", self.mapping.uuid, error)
        said = f"PROBLEM: {error}"
        if isinstance(error, ClientError):
            said = f"PROBLEM: {error.response['Error']['Message']}"
        self.mapping.last_result = said

    def _start_readers(self) -> None:
        """Start to read each shard whose parents are read to their ends."""
        client, shards = self.client(), []
        given = {"StreamARN": self.mapping.source}
        while True:
            answer = client.list_shards(**given)
            shards += answer["Shards"]
            if not answer.get("NextToken"):
                break
            given = {"NextToken": answer["NextToken"]}
        there = {shard["ShardId"] for shard in shards}
        closed = {name for name in there if self.places.read(name).closed}
        for shard in shards:
            name = shard["ShardId"]
            parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} & there
            reader = self._readers.get(name)
            if name in closed or parents - closed or (reader is not None and reader.is_alive()):
                continue
            thread = threading.Thread(
                target=self._read, args=(name, bool(parents)), name=f"shard-{name[-4:]}", daemon=True
            )
            self._readers[name] = thread
            thread.start()

    def _read(self, shard: str, after_parent: bool) -> None:
        try:
            ShardReader(self, shard, after_parent).run()
        except Stopped:
            pass
        except (ClientError, BotoCoreError, LambdaError, sessions.CannotAssume) as error:
            self._problem(error)  # the list's thread starts it again
        except Exception:
            log.exception("mapping %s, shard %s", self.mapping.uuid, shard)


class ShardReader:
    """Reads one shard in batches. What is read and not done yet is in memory only: a restart reads it again."""

    def __init__(self, poller: StreamPoller, shard: str, after_parent: bool):
        self.poller, self.mapping, self.stopping = poller, poller.mapping, poller.stopping
        self.settings = poller.mapping.settings
        self.shard, self.after_parent = shard, after_parent
        self.place = poller.places.read(shard)
        self.client = poller.client()
        self.filters = Filters(self.settings.get("FilterCriteria") or {})
        self.caller = Shard(poller.backend, self.mapping, shard, self.stopping, self._done)
        self.waiting: list[Record] = []
        self.since = 0.0  # when the first of them was read
        self.read_to = self.place.position
        _, version, _ = poller.backend.version(self.mapping.function)
        self.role = version.configuration["Role"]

    def run(self) -> None:
        iterator = self._iterator()
        while iterator and not self.stopping.is_set():
            answer = self._records(iterator)
            if answer is None:
                iterator = self._iterator()
                continue
            iterator = answer.get("NextShardIterator")
            self._take(answer["Records"])
            self._deliver(closing=iterator is None)
            if not answer["Records"] and iterator:
                self.stopping.wait(POLL_SECONDS)
        if iterator is None:
            self._deliver(closing=True)
            self._close_window(final=True)
            self.place.closed = True
            self.poller.places.write(self.place)

    def _iterator(self) -> str:
        given: dict[str, Any] = {"StreamARN": self.mapping.source, "ShardId": self.shard}
        start = self.settings["StartingPosition"]
        if self.read_to:
            given |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.read_to}
        elif self.after_parent or start == "TRIM_HORIZON":
            given["ShardIteratorType"] = "TRIM_HORIZON"
        else:  # LATEST: nothing that comes after the mapping is left out
            moment = self.settings["StartingPositionTimestamp"] if start == "AT_TIMESTAMP" else self.mapping.created
            given |= {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": moment}
        try:
            return self.client.get_shard_iterator(**given)["ShardIterator"]
        except self.client.exceptions.InvalidArgumentException:
            given.pop("StartingSequenceNumber", None)
            return self.client.get_shard_iterator(**{**given, "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]

    def _records(self, iterator: str) -> Any:
        """Return the next records, None when the iterator is too old. Raises ClientError."""
        try:
            return self.client.get_records(ShardIterator=iterator, Limit=10_000, StreamARN=self.mapping.source)
        except self.client.exceptions.ExpiredIteratorException:
            return None
        except self.client.exceptions.ProvisionedThroughputExceededException:
            self.stopping.wait(1.0)
            return None

    def _take(self, found: list[dict[str, Any]]) -> None:
        for each in found:
            record = self._record(each)
            self.read_to = record.sequence
            if self.filters.let_through(self._filtered(each, record)):
                if not self.waiting:
                    self.since = time.monotonic()
                self.waiting.append(record)

    def _record(self, found: dict[str, Any]) -> Record:
        arrived = found["ApproximateArrivalTimestamp"].timestamp()
        data = decoded(found["Data"])
        form = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": found["PartitionKey"],
                "sequenceNumber": found["SequenceNumber"],
                "data": data,
                "approximateArrivalTimestamp": round(arrived, 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.shard}:{found['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self.role,
            "awsRegion": self.mapping.source.split(":")[3],
            "eventSourceARN": self.mapping.source,
        }
        return Record(found["SequenceNumber"], arrived, form, len(data) + len(found["PartitionKey"]) + 500)

    @staticmethod
    def _filtered(found: dict[str, Any], record: Record) -> dict[str, Any]:
        """Return a record as filters see it: its data is JSON beside the members of `kinesis`."""
        try:
            data = json.loads(found["Data"])
        except ValueError:
            data = None
        kept = {key: value for key, value in record.form.items() if key != "kinesis"}
        inner = {key: value for key, value in record.form["kinesis"].items() if key != "data"}
        return {**kept, **inner, "kinesis": inner, "data": data} if data is not None else {**kept, **inner}

    # --- batches ----------------------------------------------------------------------------------------------------

    def _deliver(self, closing: bool = False) -> None:
        """Call the function with the batches that are due."""
        while not self.stopping.is_set():
            self._close_window()
            batch = self._due(closing)
            if not batch:
                break
            self._call(batch)
            del self.waiting[: len(batch)]
            self.since = time.monotonic()
        if not self.waiting and self.read_to != self.place.position:  # what filters left out is done with
            self._done(self.read_to, 0)

    def _due(self, closing: bool) -> list[Record]:
        """Return the next batch; nothing while its window is open and it may grow."""
        if not self.waiting:
            return []
        most = self.settings["BatchSize"] * self.settings["ParallelizationFactor"]
        size, count = 0, 0
        for record in self.waiting[:most]:
            if size + record.size > PAYLOAD_LIMIT and count:
                break
            if self._window_of(record) != self._window_of(self.waiting[0]):
                closing = True
                break
            size, count = size + record.size, count + 1
        full = count == most or count < len(self.waiting)
        waited = time.monotonic() - self.since >= self.settings["MaximumBatchingWindowInSeconds"]
        return self.waiting[:count] if full or closing or waited else []

    def _call(self, batch: list[Record]) -> None:
        lanes = self.settings["ParallelizationFactor"]
        window = self._open_window(batch[0])
        if lanes == 1:
            self.caller.run(batch, self.place.attempts, window)
            self._keep_window(window)
            return
        by_lane: dict[int, list[Record]] = {}
        for record in batch:
            key = record.form["kinesis"]["partitionKey"]
            by_lane.setdefault(int(hashlib.md5(key.encode()).hexdigest(), 16) % lanes, []).append(record)
        callers = [
            Shard(self.poller.backend, self.mapping, self.shard, self.stopping, lambda *_: None) for _ in by_lane
        ]
        with ThreadPoolExecutor(lanes, "lane") as pool:
            for future in [
                pool.submit(caller.run, lane) for caller, lane in zip(callers, by_lane.values(), strict=True)
            ]:
                future.result()
        self._done(batch[-1].sequence, 0)

    def _done(self, sequence: str, attempts: int) -> None:
        """Note how far the shard is done with; before anything else happens with it."""
        self.place.position = sequence or self.place.position
        self.place.attempts = attempts
        self.poller.places.write(self.place)

    # --- tumbling windows -------------------------------------------------------------------------------------------

    @property
    def _seconds(self) -> int:
        return self.settings["TumblingWindowInSeconds"]

    def _window_of(self, record: Record) -> float | None:
        return record.arrived // self._seconds * self._seconds if self._seconds else None

    def _open_window(self, record: Record) -> Window | None:
        start = self._window_of(record)
        if start is None:
            return None
        if self.place.window is None:
            self.place.window, self.place.window_state = start, {}
        return Window(self.place.window, self._seconds, self.place.window_state)

    def _keep_window(self, window: Window | None) -> None:
        if window is None:
            return
        self.place.window_state = window.state
        self.poller.places.write(self.place)
        if len(json.dumps(window.state)) > STATE_LIMIT:
            self._finish_window(Window(window.start, self._seconds, window.state, is_final=True, is_early=True))

    def _close_window(self, final: bool = False) -> None:
        """Make the last call of the open window, when a later record or the clock has passed its end."""
        if self.place.window is None or not self._seconds:
            return
        end = self.place.window + self._seconds
        later = bool(self.waiting) and self.waiting[0].arrived >= end
        if later or final or (not self.waiting and time.time() > end + WINDOW_GRACE_SECONDS):
            self._finish_window(Window(self.place.window, self._seconds, self.place.window_state, is_final=True))

    def _finish_window(self, window: Window) -> None:
        self.caller.run([], 0, window)
        self.place.window, self.place.window_state = None, {}
        self.poller.places.write(self.place)


__all__ = ["Place", "ShardReader", "StreamPoller"]
