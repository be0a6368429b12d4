"""What one crawl is to do, and what it did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from infra.local.glue.crawler.content import Classifier
from infra.local.glue.crawler.rights import Rights
from infra.local.glue.crawler.tables import Writer


class CrawlFailed(Exception):
    """The crawl cannot go on; the message is what LastCrawl shows."""


class CrawlStopped(Exception):
    """StopCrawler was called."""


@dataclass(frozen=True)
class Target:
    """An S3 target: bucket, key prefix with its slash (or the key of a file), patterns, files to look at in a folder, queue of events."""

    bucket: str
    include: str
    exclusions: tuple[str, ...] = ()
    sample_size: int | None = None
    queue_arn: str | None = None

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.include}"


@dataclass(frozen=True)
class Plan:
    """What of a crawler's settings one crawl needs."""

    account: str
    crawler: str
    crawl_id: str
    database: str
    targets: tuple[Target, ...]
    rights: Rights
    prefix: str = ""
    classifiers: tuple[Classifier, ...] = ()
    update: bool = True  # UpdateBehavior is UPDATE_IN_DATABASE
    delete: str = "DEPRECATE_IN_DATABASE"
    only_new_columns: bool = False
    inherit: bool = False
    combine: bool = False
    level: int | None = None
    threshold: int | None = None
    index: bool = False

    def writer(self, target: Target) -> Writer:
        exclusions = tuple(f"{target.url}{pattern}" for pattern in target.exclusions)
        return Writer(self.crawler, self.crawl_id, self.inherit, self.index, exclusions)


@dataclass
class Changes:
    """What a crawl did: ADD, UPDATE, DELETE → names, of tables and of partitions; and log lines."""

    tables: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    partitions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lines: list[str] = field(default_factory=list)
