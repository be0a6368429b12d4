"""Glue crawlers: what is kept of a crawler and of its crawls.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler.html
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow

from infra.local.glue.crawler.checks import (
    TARGET_KINDS,
)

LOG_GROUP = "/aws-glue/crawlers"
DPU = 2  # what a crawl is charged for at a time
_LOG_ONLY = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}


@dataclass
class Crawl:
    """One run of a crawler. `status` is RUNNING, COMPLETED, FAILED or STOPPED, as ListCrawls says it."""

    crawl_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "RUNNING"
    start_time: datetime = field(default_factory=utcnow)
    end_time: datetime | None = None
    error: str = ""
    is_written: bool = False  # the Data Catalog has all that this crawl found
    tables: dict[str, list[str]] = field(default_factory=dict)
    partitions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return ((self.end_time or utcnow()) - self.start_time).total_seconds()

    def as_dict(self, crawler: str) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "CrawlId": self.crawl_id,
            "State": self.status,
            "StartTime": self.start_time,
            "LogGroup": LOG_GROUP,
            "LogStream": crawler,
            "MessagePrefix": self.crawl_id,
            "DPUHour": round(self.seconds * DPU / 3600, 6),
        }
        if self.end_time:
            answer["EndTime"] = self.end_time
            answer["Summary"] = self.summary()
        if self.error:
            answer["ErrorMessage"] = self.error
        return answer

    def summary(self) -> str:
        """Return the Summary of ListCrawls: JSON in JSON, as the API gives it."""
        parts = {}
        for name, changes in (("TABLE", self.tables), ("PARTITION", self.partitions)):
            told = {
                action: {"Details": json.dumps({"names": names}), "Count": len(names)}
                for action, names in changes.items()
                if names
            }
            if told:
                parts[name] = json.dumps(told)
        return json.dumps(parts)


class Crawler:
    """A crawler as it is stored. `settings` holds the members of the API that were given, in AWS's form."""

    def __init__(self, name: str, settings: dict[str, Any], arn: str):
        self.name = name
        self.arn = arn
        self.settings = settings
        self.state = "READY"
        self.creation_time = self.last_updated = utcnow()
        self.set_schedule_state("SCHEDULED" if settings.get("Schedule") else None)
        self.version = 1
        self.crawls: list[Crawl] = []
        self.must_list = True  # event mode: the next crawl lists everything

    def set_schedule_state(self, wanted: str | None) -> None:
        self.schedule_state = wanted
        self.scheduled_since = utcnow()

    @property
    def recrawl(self) -> str:
        return (self.settings.get("RecrawlPolicy") or {}).get("RecrawlBehavior") or "CRAWL_EVERYTHING"

    @property
    def schema_change(self) -> dict[str, str]:
        if self.recrawl == "CRAWL_NEW_FOLDERS_ONLY":
            return _LOG_ONLY
        given = self.settings.get("SchemaChangePolicy") or {}
        return {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE", **given}

    def as_dict(self) -> dict[str, Any]:
        given = self.settings
        targets = {kind: given["Targets"].get(kind) or [] for kind in TARGET_KINDS}
        targets["S3Targets"] = [{"Exclusions": [], **target} for target in targets["S3Targets"]]
        answer = {
            "Name": self.name,
            "Role": given["Role"],
            "Targets": targets,
            "DatabaseName": given.get("DatabaseName"),
            "Description": given.get("Description"),
            "Classifiers": given.get("Classifiers") or [],
            "RecrawlPolicy": {"RecrawlBehavior": self.recrawl},
            "SchemaChangePolicy": self.schema_change,
            "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
            "State": self.state,
            "TablePrefix": given.get("TablePrefix"),
            "CrawlElapsedTime": int(self.crawls[-1].seconds * 1000) if self.state != "READY" else 0,
            "CreationTime": self.creation_time,
            "LastUpdated": self.last_updated,
            "Version": self.version,
            "Configuration": given.get("Configuration"),
            "LakeFormationConfiguration": {"UseLakeFormationCredentials": False, "AccountId": ""},
        }
        if given.get("Schedule"):
            answer["Schedule"] = {"ScheduleExpression": given["Schedule"], "State": self.schedule_state}
        ended = [crawl for crawl in self.crawls if crawl.status != "RUNNING"]
        if ended:
            answer["LastCrawl"] = _last_crawl(ended[-1], self.name)
        return {name: value for name, value in answer.items() if value is not None}


def _last_crawl(crawl: Crawl, crawler: str) -> dict[str, Any]:
    answer = {
        "Status": {"COMPLETED": "SUCCEEDED", "STOPPED": "CANCELLED", "FAILED": "FAILED"}[crawl.status],
        "LogGroup": LOG_GROUP,
        "LogStream": crawler,
        "MessagePrefix": crawl.crawl_id,
        "StartTime": crawl.start_time,
    }
    return {**answer, "ErrorMessage": crawl.error} if crawl.error else answer
