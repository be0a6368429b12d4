"""Log streams that grow: a batch of lines costs the batch."""

from __future__ import annotations

from typing import Any

from moto.logs import models
from moto.logs.models import LogStream, logs_backends

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


models.LogStream = StoredLogStream
