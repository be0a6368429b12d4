"""Metrics that grow: a sample costs the sample."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch import models
from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from infra.local.core.records import RecordList

BACKENDS = cloudwatch_backends


class LocalCloudWatchBackend(CloudWatchBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.metric_data = RecordList()

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if not isinstance(self.metric_data, RecordList):  # plain in lakes of before
            self.metric_data = RecordList(self.metric_data)


cloudwatch_backends.backend = LocalCloudWatchBackend
models.CloudWatchBackend = LocalCloudWatchBackend  # under this name older lakes have it
