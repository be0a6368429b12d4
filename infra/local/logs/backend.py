"""Log streams that grow: a batch of lines costs the batch."""

from __future__ import annotations

import copy
from typing import Any

from moto.logs import models
from moto.logs.models import LogStream, logs_backends

from infra.local.core import pace
from infra.local.core.records import RecordList

BACKENDS = logs_backends


class StoredLogStream(LogStream):
    def __init__(self, log_group: Any, name: str):
        super().__init__(log_group, name)
        self.events = RecordList()

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


models.LogStream = StoredLogStream
