"""Log groups and streams that grow: a batch of lines costs the batch, beside however many lines and streams."""

from __future__ import annotations

import copy
from typing import Any

from moto.logs import models
from moto.logs.models import LogGroup, LogStream, logs_backends

from infra.local.core import pace
from infra.local.core.records import RecordDict, RecordList

BACKENDS = logs_backends


class StoredLogStream(LogStream):
    def __init__(self, log_group: Any, name: str):
        super().__init__(log_group, name)
        self.events = RecordList()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "log_group"}  # which holds the stream

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if not isinstance(self.events, RecordList):  # plain in lakes of before
            self.events = RecordList(self.events)

    def get_log_events(self, *given: Any) -> Any:
        return LogStream.get_log_events(self._as_seen(), *given)

    def filter_log_events(self, *given: Any) -> Any:
        return LogStream.filter_log_events(self._as_seen(), *given)

    def _as_seen(self) -> LogStream:
        """Return the stream with the lines that can be read by now: at a pace a line is not seen at once."""
        if not pace.factor:
            return self
        delay = pace.seconds("log line")
        seen = copy.copy(self)
        seen.events = [  # type: ignore[assignment]
            event for event in self.events if pace.reached(event.ingestion_time / 1000 + delay)
        ]
        return seen


class StoredLogGroup(LogGroup):
    def __init__(self, *given: Any, **more: Any):
        super().__init__(*given, **more)
        self.streams = RecordDict()

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if not isinstance(self.streams, RecordDict):  # plain in lakes of before
            self.streams = RecordDict(self.streams)
        for stream in self.streams.values():
            stream.log_group = self

    def put_log_events(self, log_stream_name: str, log_events: list[dict[str, Any]]) -> str:
        token = super().put_log_events(log_stream_name, log_events)
        self.streams.note(log_stream_name)
        return token


models.LogGroup = StoredLogGroup
models.LogStream = StoredLogStream
