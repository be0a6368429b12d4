"""What is kept of an event source mapping, and its place in each shard, which is a file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from infra.local.core import pace, state
from infra.local.lambda_.records import Json

SETTLE_SECONDS = 0.1
UPDATE_SECONDS = 30.0  # longest; the poller tells when it goes on with what is new
STREAM_DEFAULTS: Json = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "MaximumRetryAttempts": -1,
    "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
}
QUEUE_DEFAULTS: Json = {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}


@dataclass
class Mapping:
    """An event source mapping.

    Parameters
    ----------
    function: the function's ARN, with its qualifier
    settings: what the request set, with the defaults
    state: Creating, Enabled, Disabled, Updating, Enabling, Disabling or Deleting
    settled: the state that comes next, at `settled_at`
    """

    uuid: str
    arn: str
    source: str
    function: str
    settings: Json
    enabled: bool
    created: float
    state: str = "Creating"
    settled_at: float | None = None
    modified: float = 0.0
    last_result: str = "No records processed"
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def is_stream(self) -> bool:
        return self.source.split(":")[2] == "kinesis"

    @property
    def reports_items(self) -> bool:
        return "ReportBatchItemFailures" in self.settings.get("FunctionResponseTypes", [])

    def change(self, state_name: str, seconds: float = SETTLE_SECONDS) -> None:
        """Begin a change that takes so long, or as long as on AWS at the pace."""
        lasts = max(seconds, pace.begin("mapping changing"))
        self.state, self.settled_at, self.modified = state_name, time.time() + lasts, time.time()

    def delete(self) -> None:
        """Begin the deletion: it goes on after a restart, and nothing else follows."""
        self.state, self.settled_at, self.enabled, self.modified = "Deleting", None, False, time.time()

    def settle(self) -> None:
        """Finish the change under way when its time has come."""
        if self.settled_at is not None and time.time() >= self.settled_at:
            self.settled_at = None
            self.state = "Enabled" if self.enabled else "Disabled"

    def answer(self) -> Json:
        self.settle()
        shown = {key: value for key, value in self.settings.items() if value is not None}
        answer: Json = {
            "UUID": self.uuid,
            "EventSourceMappingArn": self.arn,
            "EventSourceArn": self.source,
            "FunctionArn": self.function,
            "LastModified": self.modified,
            "State": self.state,
            "StateTransitionReason": "User action" if self.is_stream else "USER_INITIATED",
            **shown,
        }
        if self.is_stream:
            answer["LastProcessingResult"] = self.last_result
            answer.setdefault("DestinationConfig", {"OnFailure": {}})
        return answer


@dataclass
class Place:
    """How far a mapping is in one shard.

    Parameters
    ----------
    position: sequence number of the last record that is done with, "" before the first
    attempts: how often the batch that comes next has failed already
    closed: the shard was read to its end
    window: start of the tumbling window that is open, in seconds since 1970
    window_state: what the function returned for it
    """

    shard: str
    position: str = ""
    attempts: int = 0
    closed: bool = False
    window: float | None = None
    window_state: Any = field(default_factory=dict)


class Places:
    """The files with a mapping's places: one a shard."""

    def __init__(self, account: str, region: str, uuid: str):
        self._folder = state.folder("lambda", account, region) / "mappings" / uuid

    def _path(self, shard: str) -> Path:
        return self._folder / f"{shard}.json"

    def read(self, shard: str) -> Place:
        path, lost = self._path(shard), "the shard is read from the mapping's starting position again"
        told = state.read_json(path, lost)
        try:
            return Place(**told) if told is not None else Place(shard)
        except TypeError:
            state.set_aside(path, f"it is no place; {lost}")
            return Place(shard)

    def write(self, place: Place) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        state.write_atomically(self._path(place.shard), orjson.dumps(place.__dict__))

    def forget(self) -> None:
        import shutil

        shutil.rmtree(self._folder, ignore_errors=True)
