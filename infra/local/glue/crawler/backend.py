"""Glue crawlers and classifiers: the operations.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler.html
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.glue.exceptions import AlreadyExistsException, CrawlerRunningException, EntityNotFoundException
from moto.glue.models import GlueBackend, glue_backends

from infra.local.core import state
from infra.local.glue.crawler.checks import (
    InvalidInput,
    check_classifier,
    check_crawler,
    check_schedule,
)
from infra.local.glue.crawler.crawl import ending, start, under_way
from infra.local.glue.crawler.record import DPU, Crawl, Crawler
from infra.local.glue.crawler.schedule import schedule


class NotRunning(JsonRESTError):
    def __init__(self, name: str):
        super().__init__("CrawlerNotRunningException", f"Crawler with name {name} isn't running")


class Stopping(JsonRESTError):
    def __init__(self, name: str):
        super().__init__("CrawlerStoppingException", f"Crawler with name {name} is already stopping")


class Crawlers(GlueBackend):
    """Crawlers by name in `crawlers`, custom classifiers by name in `classifiers`."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.classifiers: dict[str, dict[str, Any]] = {}

    def create_crawler(self, name: str, tags: dict[str, str] | None = None, **settings: Any) -> None:  # type: ignore[override]
        """Create a crawler; `settings` are CreateCrawler's other members, by their API names.

        Raises AlreadyExistsException, InvalidInputException.
        """
        if name in self.crawlers:
            raise AlreadyExistsException("Crawler")
        settings = {member: value for member, value in settings.items() if value is not None}
        check_crawler(settings, self.account_id, self.region_name, self.classifiers)
        arn = f"arn:aws:glue:{self.region_name}:{self.account_id}:crawler/{name}"
        self.crawlers[name] = Crawler(name, settings, arn)
        self.tag_resource(arn, tags)
        schedule.changed()

    def update_crawler(self, name: str, **changes: Any) -> None:
        crawler = self.get_crawler(name)
        if crawler.state != "READY":
            raise CrawlerRunningException(
                "Cannot update Crawler while running. Please stop crawl or wait until it completes to update."
            )
        changes = {member: value for member, value in changes.items() if value is not None}
        settings = {**crawler.settings, **changes}
        check_crawler(settings, self.account_id, self.region_name, self.classifiers)
        targets = [target.get("Path") for target in crawler.settings["Targets"].get("S3Targets") or []]
        wanted = [target.get("Path") for target in settings["Targets"].get("S3Targets") or []]
        if crawler.recrawl == "CRAWL_NEW_FOLDERS_ONLY" and wanted != targets:
            raise InvalidInput("The S3 targets of a crawler that crawls new folders only cannot be changed.")
        crawler.settings = settings
        if "Schedule" in changes:
            crawler.set_schedule_state("SCHEDULED" if changes["Schedule"] else None)
        crawler.must_list = True
        crawler.last_updated = utcnow()
        crawler.version += 1
        schedule.changed()

    def get_crawler(self, name: str) -> Any:
        try:
            return self.crawlers[name]
        except KeyError:
            raise EntityNotFoundException(f"Crawler entry with name {name} does not exist") from None

    def get_crawlers(self) -> list[Any]:
        return [self.crawlers[name] for name in sorted(self.crawlers)]

    def delete_crawler(self, name: str) -> None:
        crawler = self.get_crawler(name)
        if crawler.state != "READY":
            raise CrawlerRunningException(f"Cannot delete crawler{name} while it's running")
        del self.crawlers[name]
        self.tagger.delete_all_tags_for_resource(crawler.arn)
        schedule.changed()

    def start_crawler(self, name: str) -> None:
        if name not in self.crawlers:
            raise EntityNotFoundException(f"Crawler with name {name} does not exist")
        crawler: Crawler = self.crawlers[name]  # type: ignore[assignment]
        if crawler.state != "READY":
            raise CrawlerRunningException(f"Crawler with name {name} has already started")
        crawl = Crawl()
        crawler.crawls.append(crawl)
        crawler.state = "RUNNING"
        state.afterwards(lambda: start(self, crawler, crawl))

    def stop_crawler(self, name: str) -> None:
        crawler = self.get_crawler(name)
        if crawler.state == "READY":
            raise NotRunning(name)
        if crawler.state == "STOPPING":
            raise Stopping(name)
        crawler.state = "STOPPING"
        state.afterwards(under_way[crawler.crawls[-1].crawl_id].stop.set)

    def batch_get_crawlers(self, crawler_names: list[str]) -> list[dict[str, Any]]:
        return [self.crawlers[name].as_dict() for name in crawler_names if name in self.crawlers]

    def list_crawls(self, crawler_name: str, filters: list[Any]) -> list[Any]:
        """Return a crawler's crawls that pass all filters, newest first."""
        return [crawl for crawl in reversed(self.get_crawler(crawler_name).crawls) if all(map(_test(crawl), filters))]

    def metrics(self, name: str) -> dict[str, Any]:
        crawler = self.get_crawler(name)
        ended = [crawl for crawl in crawler.crawls if crawl.status != "RUNNING"]
        seconds = [crawl.seconds for crawl in ended]
        last = ended[-1] if ended else Crawl()
        median = statistics.median(seconds) if seconds else 0.0
        running = crawler.crawls[-1].seconds if crawler.state != "READY" else 0.0
        return {
            "CrawlerName": name,
            "TimeLeftSeconds": max(0.0, median - running) if running else 0.0,
            "StillEstimating": bool(running) and not ended,
            "LastRuntimeSeconds": seconds[-1] if seconds else 0.0,
            "MedianRuntimeSeconds": median,
            "TablesCreated": len(last.tables.get("ADD", [])),
            "TablesUpdated": len(last.tables.get("UPDATE", [])),
            "TablesDeleted": len(last.tables.get("DELETE", [])),
        }

    # --- schedules ---

    def update_crawler_schedule(self, name: str, expression: str) -> None:
        crawler = self.get_crawler(name)
        if expression:
            check_schedule(expression)
        crawler.settings["Schedule"] = expression
        crawler.set_schedule_state("SCHEDULED" if expression else None)
        schedule.changed()

    def set_crawler_schedule_state(self, name: str, wanted: str) -> None:
        """Start or stop a schedule: `wanted` is SCHEDULED or NOT_SCHEDULED."""
        crawler = self.get_crawler(name)
        if not crawler.settings.get("Schedule"):
            raise JsonRESTError("NoScheduleException", f"Crawler with name {name} has no schedule")
        if crawler.schedule_state == wanted:
            code = "SchedulerRunningException" if wanted == "SCHEDULED" else "SchedulerNotRunningException"
            is_running = "is already running" if wanted == "SCHEDULED" else "isn't running"
            raise JsonRESTError(code, f"The schedule of crawler {name} {is_running}")
        crawler.set_schedule_state(wanted)
        schedule.changed()

    # --- classifiers ---

    def create_classifier(self, kind: str, given: dict[str, Any]) -> None:
        """Create a custom classifier; `kind` is the API's member name, such as CsvClassifier."""
        if given["Name"] in self.classifiers:
            raise JsonRESTError("AlreadyExistsException", f"Classifier with name {given['Name']} already exists")
        check_classifier(kind, given)
        now = utcnow()
        self.classifiers[given["Name"]] = {kind: {**given, "CreationTime": now, "LastUpdated": now, "Version": 1}}

    def update_classifier(self, kind: str, given: dict[str, Any]) -> None:
        known = self.get_classifier(given["Name"]).get(kind)
        if known is None:
            raise InvalidInput(f"Classifier {given['Name']} is of another type.")
        settings = {**known, **given}
        check_classifier(kind, settings)
        settings.update(LastUpdated=utcnow(), Version=known["Version"] + 1)
        self.classifiers[given["Name"]] = {kind: settings}

    def get_classifier(self, name: str) -> dict[str, Any]:
        try:
            return self.classifiers[name]
        except KeyError:
            raise EntityNotFoundException(f"Classifier with name {name} does not exist") from None

    def delete_classifier(self, name: str) -> None:
        self.get_classifier(name)
        del self.classifiers[name]


def _test(crawl: Crawl) -> Any:
    """Return a function that tests one filter of ListCrawls on a crawl. Times are given in milliseconds since 1970."""

    def test(wanted: Any) -> bool:
        found: Any = {
            "CRAWL_ID": crawl.crawl_id,
            "STATE": crawl.status,
            "START_TIME": _milliseconds(crawl.start_time),
            "END_TIME": _milliseconds(crawl.end_time),
            "DPU_HOUR": crawl.seconds * DPU / 3600,
        }[wanted.field_name]
        if found is None:
            return False
        value: Any = wanted.field_value
        if not isinstance(found, str):
            try:
                value = float(value)
            except ValueError:
                raise InvalidInput(f"{value} is not a number.") from None
        return {
            "EQ": found == value,
            "NE": found != value,
            "GT": found > value,
            "GE": found >= value,
            "LT": found < value,
            "LE": found <= value,
        }[wanted.operator]

    return test


def _milliseconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.replace(tzinfo=UTC).timestamp() * 1000


def resume() -> None:
    """After a restart: crawls that were under way are done if they had written, else FAILED; schedules go on."""
    for account, region, backend in list(glue_backends.iter_backends()):
        interrupted = [crawler for crawler in backend.crawlers.values() if crawler.state != "READY"]
        for crawler in interrupted:
            crawl = crawler.crawls[-1]
            crawl.status = "COMPLETED" if crawl.is_written else "FAILED"
            crawl.error = "" if crawl.is_written else "The crawl was interrupted by a restart of the service."
            crawl.end_time = utcnow()
            crawler.state = "READY"
        if interrupted:
            state.save("glue", account, region)
    schedule.changed()


def carry(stored: Any) -> None:
    """Let the crawls under way be what is on disk of them."""
    for run in list(under_way.values()):
        crawler = stored.crawlers.get(run.crawler.name)
        if (run.account, run.region) == (stored.account_id, stored.region_name) and crawler is not None:
            for crawl in crawler.crawls:
                if crawl.crawl_id == run.crawl.crawl_id:
                    state.follow(run.crawl, crawl)
                    state.follow(run.crawler, crawler)


def stop() -> None:
    """End crawls and the schedule; a crawl that has not written yet is STOPPED."""
    ending.set()
    running = list(under_way.values())
    for run in running:
        run.stop.set()
    schedule.changed()
    for run in running:
        run.thread.join(timeout=5)
