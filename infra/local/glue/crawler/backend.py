"""Glue crawlers and classifiers: their API, states, schedules and runs. What a crawl does is in crawler_run.py.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler.html
"""

from __future__ import annotations

import json
import logging
import statistics
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.glue.exceptions import AlreadyExistsException, CrawlerRunningException, EntityNotFoundException
from moto.glue.models import GlueBackend, glue_backends
from moto.glue.utils import validate_crawl_filters

from infra.local.core import pace, state, telemetry
from infra.local.core.cron import Cron
from infra.local.glue.catalog.backend import CatalogResponse
from infra.local.glue.catalog.checked import CheckedCatalog
from infra.local.glue.crawler.checks import (
    TARGET_KINDS,
    InvalidInput,
    assume,
    check_classifier,
    check_crawler,
    check_schedule,
)
from infra.local.glue.crawler.events import Messages
from infra.local.glue.crawler.formats import Classifier
from infra.local.glue.crawler.rights import CrawlDenied, Rights
from infra.local.glue.crawler.run import (
    Changes,
    CrawlFailed,
    CrawlStopped,
    Plan,
    Target,
    group,
    known_folders,
    look,
    new_folders,
    table_of_folder,
    target_of,
    warnings,
    write,
    write_folders,
)

log = logging.getLogger("workshop.crawler")

LOG_GROUP = "/aws-glue/crawlers"
# A crawl stays STOPPING for some seconds on AWS. Scripts that wait for that state look once a second, so it must last longer than that.
STOPPING_SECONDS = 1.1
DPU = 2  # what a crawl is charged for at a time
LONGEST_WAIT_SECONDS = 300.0  # of the schedule's clock, so that a changed system time is noticed

CLASSIFIER_KINDS = ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier")
_LOG_ONLY = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}

_runs: dict[str, Run] = {}  # crawl id → its running part
_is_shutting_down = threading.Event()


class NotRunning(JsonRESTError):
    def __init__(self, name: str):
        super().__init__("CrawlerNotRunningException", f"Crawler with name {name} isn't running")


class Stopping(JsonRESTError):
    def __init__(self, name: str):
        super().__init__("CrawlerStoppingException", f"Crawler with name {name} is already stopping")


# --- what is kept ---------------------------------------------------------------------------------------------------


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


# --- the backend ----------------------------------------------------------------------------------------------------


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
        state.afterwards(lambda: _start(self, crawler, crawl))

    def stop_crawler(self, name: str) -> None:
        crawler = self.get_crawler(name)
        if crawler.state == "READY":
            raise NotRunning(name)
        if crawler.state == "STOPPING":
            raise Stopping(name)
        crawler.state = "STOPPING"
        state.afterwards(_runs[crawler.crawls[-1].crawl_id].stop.set)

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


# --- a run ----------------------------------------------------------------------------------------------------------


def _start(backend: Any, crawler: Crawler, crawl: Crawl) -> None:
    run = _runs[crawl.crawl_id] = Run(backend, crawler, crawl)
    run.thread.start()


class Run:
    """One crawl, in a thread of its own."""

    def __init__(self, backend: Any, crawler: Crawler, crawl: Crawl):
        self.backend = backend
        self.crawler = crawler
        self.crawl = crawl
        self.account, self.region = backend.account_id, backend.region_name
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, name=f"crawl-{crawler.name}", daemon=True)
        self.rights: Rights | None = None

    def run(self) -> None:
        status, error = "FAILED", "Internal Service Exception"
        try:
            self._tell("BENCHMARK : Running Start Crawl for Crawler " + self.crawler.name)
            self._event("Started", {"startTime": _iso(self.crawl.start_time), "message": "Crawler Started"})
            pace.pause(pace.deadline("crawler running"), lambda: self.stop.is_set() or _is_shutting_down.is_set())
            status, error = self._work()
            _is_shutting_down.wait(max(STOPPING_SECONDS, pace.begin("crawler stopping")))
        except Exception:
            log.exception("crawl of %s", self.crawler.name)
        finally:
            self._end(status, error)

    def _work(self) -> tuple[str, str]:
        """Crawl; return the crawl's status and error. The crawler is STOPPING afterwards."""
        line = ""
        try:
            messages = self._crawl()
        except CrawlStopped:
            status, error = "STOPPED", ""
        except CrawlFailed as failure:
            status, error = "FAILED", str(failure)
        except CrawlDenied as denied:
            status, error, line = "FAILED", str(denied), denied.line
        except JsonRESTError as failure:
            status, error = "FAILED", str(failure.message)
        else:
            messages.delete()
            return "COMPLETED", ""
        with state.lock("glue", self.account):
            self.crawler.state = "STOPPING"
        if error:
            self._tell(f"ERROR : {line or error}")
        return status, error

    def _crawl(self) -> Messages:
        """Look and write; return the events that are done with."""
        plan = self._plan()
        messages = Messages(plan.rights.session, self.region, plan.targets[0].queue_arn)
        catalog = CheckedCatalog(self.backend, plan.rights.check_catalog)
        folders, add_only = self._folders(plan, messages, catalog)
        if folders is None:
            found = [(target, look(plan, target, self.stop.is_set)) for target in plan.targets]
        else:
            found = [(target, look(plan, target, self.stop.is_set, folders[target])) for target in plan.targets]
        self._tell(f"BENCHMARK : Classification complete, writing results to database {plan.database}")
        self._tell(_configured_line(self.crawler))
        groups = group(plan, found) if folders is None else []
        with state.lock("glue", self.account):
            if self.stop.is_set():
                raise CrawlStopped
            if folders is None:
                changes = write(catalog, plan, groups)
            else:
                changes = Changes()
                for target, files in found:
                    some = write_folders(catalog, plan, target, folders[target], files, add_only)
                    _add(changes, some)
            self.crawl.tables = dict(changes.tables)
            self.crawl.partitions = dict(changes.partitions)
            self.crawl.is_written = True
            self.crawler.must_list = False
            self.crawler.state = "STOPPING"
            state.keep(("glue",), self.account, self.region)
        self._tell(
            *warnings(found),
            *plan.rights.unread,
            *changes.lines,
            "BENCHMARK : Finished writing to Catalog",
            *_summary_lines(self.crawl),
        )
        return messages

    def _plan(self) -> Plan:
        with state.lock("glue", self.account):
            given = self.crawler.settings
            configuration = json.loads(given.get("Configuration") or "{}")
            output, grouping = configuration.get("CrawlerOutput", {}), configuration.get("Grouping", {})
            classifiers = [_classifier(self.backend.get_classifier(name)) for name in given.get("Classifiers") or []]
            policy = self.crawler.schema_change
            session = assume(self.account, given["Role"])
        self.rights = rights = Rights(session, self.region)
        return Plan(
            account=self.account,
            crawler=self.crawler.name,
            crawl_id=self.crawl.crawl_id,
            database=given["DatabaseName"],
            targets=tuple(
                target_of(
                    self.account,
                    rights,
                    target["Path"],
                    exclusions=tuple(target.get("Exclusions") or ()),
                    sample_size=target.get("SampleSize"),
                    queue_arn=target.get("EventQueueArn"),
                )
                for target in given["Targets"]["S3Targets"]
            ),
            rights=rights,
            prefix=given.get("TablePrefix") or "",
            classifiers=tuple(classifiers),
            update=policy["UpdateBehavior"] == "UPDATE_IN_DATABASE",
            delete=policy["DeleteBehavior"],
            only_new_columns=output.get("Tables", {}).get("AddOrUpdateBehavior") == "MergeNewColumns",
            inherit=output.get("Partitions", {}).get("AddOrUpdateBehavior") == "InheritFromTable",
            combine=grouping.get("TableGroupingPolicy") == "CombineCompatibleSchemas",
            level=grouping.get("TableLevelConfiguration"),
            threshold=output.get("Tables", {}).get("TableThreshold"),
            index=bool(configuration.get("CreatePartitionIndex")),
        )

    def _folders(
        self, plan: Plan, messages: Messages, catalog: CheckedCatalog
    ) -> tuple[dict[Target, set[str]] | None, bool]:
        """Return the folders of each target that are to be looked at (None for all), and whether they are only to be added."""
        recrawl = self.crawler.recrawl
        if recrawl == "CRAWL_NEW_FOLDERS_ONLY" and any(crawl.status == "COMPLETED" for crawl in self.crawler.crawls):
            with state.lock("glue", self.account):
                known = known_folders(catalog, plan)
            return {target: new_folders(plan, target, known) for target in plan.targets}, True
        if recrawl != "CRAWL_EVENT_MODE":
            return None, False
        target = plan.targets[0]
        changed = messages.folders(target, self.stop.is_set)
        if self.crawler.must_list:
            self._tell("INFO : Crawl is not running in S3 event mode.")
            return None, False
        self._tell("INFO : The crawl is running by consuming Amazon S3 events.")
        with state.lock("glue", self.account):
            is_known = all(table_of_folder(catalog, plan, target, folder) for folder in changed)
        return ({target: changed}, False) if is_known else (None, False)

    def _end(self, status: str, error: str) -> None:
        def change() -> None:
            self.crawl.status, self.crawl.error = status, error
            self.crawl.end_time = utcnow()
            self.crawler.state = "READY"

        state.step("glue", self.account, self.region, change, _is_shutting_down)
        del _runs[self.crawl.crawl_id]
        self._tell("BENCHMARK : Crawler has finished running and is in state READY")
        if status == "COMPLETED":
            self._event("Succeeded", _succeeded(self.crawl))
        elif status == "FAILED":
            self._event(
                "Failed", {"errorMessage": error, "message": "Crawler Failed", "cloudWatchLogLink": self._link()}
            )

    def _tell(self, *lines: str) -> None:
        if not self._may_log():
            return
        told = [f"[{self.crawl.crawl_id}] {line}" for line in lines]
        telemetry.log(self.account, self.region, LOG_GROUP, self.crawler.name, told)

    def _may_log(self) -> bool:
        """Whether the role may write the crawl's log; a crawl whose role may not runs all the same."""
        if self.rights is None:
            try:
                self.rights = Rights(assume(self.account, self.crawler.settings["Role"]), self.region)
            except JsonRESTError:  # no role to act as: the service says so itself
                return True
        return self.rights.may_log(LOG_GROUP, self.crawler.name)

    def _link(self) -> str:
        return (
            f"https://console.aws.amazon.com/cloudwatch/home?region={self.region}"
            f"#logEventViewer:group={LOG_GROUP};stream={self.crawler.name}"
        )

    def _event(self, change: str, detail: dict[str, str]) -> None:
        common = {"accountId": self.account, "crawlerName": self.crawler.name, "state": change}
        if change == "Succeeded":
            common["cloudWatchLogLink"] = self._link()
        telemetry.event(self.account, self.region, "aws.glue", "Glue Crawler State Change", {**detail, **common})


def _classifier(stored: dict[str, Any]) -> Classifier:
    kind, settings = next(iter(stored.items()))
    return Classifier(kind, settings)


def _add(changes: Changes, more: Changes) -> None:
    for all_of, some in ((changes.tables, more.tables), (changes.partitions, more.partitions)):
        for action, names in some.items():
            all_of[action] += names
    changes.lines += more.lines


def _configured_line(crawler: Crawler) -> str:
    policy = json.dumps(crawler.schema_change, separators=(",", ":"))
    configuration = crawler.settings.get("Configuration")
    if not configuration:
        return f"INFO : Crawler configured with SchemaChangePolicy {policy}."
    return (
        f"INFO : Crawler configured with Configuration {configuration} and SchemaChangePolicy {policy}. "
        "Note that values in the Configuration override values in the SchemaChangePolicy for S3 Targets."
    )


def _summary_lines(crawl: Crawl) -> list[str]:
    lines = []
    for name, changes in (("PARTITION", crawl.partitions), ("TABLE", crawl.tables)):
        told = [f"INFO : {action}: {len(names)}" for action, names in changes.items() if names]
        if told:
            lines += [f"INFO : Run Summary For {name}:", *told]
    return lines


def _succeeded(crawl: Crawl) -> dict[str, str]:
    counts = {
        f"{what}{verb}": str(len(changes.get(action, [])))
        for what, changes in (("tables", crawl.tables), ("partitions", crawl.partitions))
        for verb, action in (("Created", "ADD"), ("Updated", "UPDATE"), ("Deleted", "DELETE"))
    }
    return {
        **counts,
        "warningMessage": "N/A",
        "runningTime (sec)": str(round(crawl.seconds)),
        "completionDate": _iso(crawl.end_time or utcnow()),
        "message": "Crawler Succeeded",
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- schedule -------------------------------------------------------------------------------------------------------


class Schedule:
    """Starts scheduled crawlers when they are due: one thread that sleeps until the next one is."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def changed(self) -> None:
        """Look at the crawlers again: a schedule was made, changed or deleted."""
        if self._thread is None and _scheduled() and not _is_shutting_down.is_set():
            self._thread = threading.Thread(target=self._run, name="crawler-schedule", daemon=True)
            self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        seen = utcnow()
        while not _is_shutting_down.is_set():
            now = utcnow()
            for backend, crawler in due(seen, now):
                self._start(backend, crawler)
            seen = now
            self._wake.wait(min(LONGEST_WAIT_SECONDS, _seconds_to_next(seen)))
            self._wake.clear()

    def _start(self, backend: Any, crawler: Crawler) -> None:
        account, region = backend.account_id, backend.region_name
        with state.lock("glue", account), state.changing():
            if backend.crawlers.get(crawler.name) is crawler and crawler.state == "READY":
                backend.start_crawler(crawler.name)
                state.keep(("glue",), account, region)


schedule = Schedule()


def _scheduled() -> list[tuple[Any, Crawler]]:
    found = []
    for account, _, backend in list(glue_backends.iter_backends()):
        with state.lock("glue", account):
            crawlers: Any = list(backend.crawlers.values())
        found += [(backend, crawler) for crawler in crawlers if crawler.schedule_state == "SCHEDULED"]
    return found


def due(after: datetime, until: datetime) -> list[tuple[Any, Crawler]]:
    """Return the crawlers, with their backends, whose schedule has a time in (after, until]."""
    found = []
    for backend, crawler in _scheduled():
        moment = Cron(crawler.settings["Schedule"]).next_after(max(after, crawler.scheduled_since))
        if moment is not None and moment <= until:
            found.append((backend, crawler))
    return found


def _seconds_to_next(now: datetime) -> float:
    moments = [Cron(crawler.settings["Schedule"]).next_after(now) for _, crawler in _scheduled()]
    coming = [moment for moment in moments if moment is not None]
    return max(0.0, (min(coming) - utcnow()) / timedelta(seconds=1)) if coming else LONGEST_WAIT_SECONDS


# --- start and stop of the server -----------------------------------------------------------------------------------


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
    for run in list(_runs.values()):
        crawler = stored.crawlers.get(run.crawler.name)
        if (run.account, run.region) == (stored.account_id, stored.region_name) and crawler is not None:
            for crawl in crawler.crawls:
                if crawl.crawl_id == run.crawl.crawl_id:
                    state.follow(run.crawl, crawl)
                    state.follow(run.crawler, crawler)


def stop() -> None:
    """End crawls and the schedule; a crawl that has not written yet is STOPPED."""
    _is_shutting_down.set()
    running = list(_runs.values())
    for run in running:
        run.stop.set()
    schedule.changed()
    for run in running:
        run.thread.join(timeout=5)


# --- the API --------------------------------------------------------------------------------------------------------


class CrawlerResponse(CatalogResponse):
    def create_crawler(self) -> ActionResult:
        given = self.parameters
        name, tags = given.pop("Name"), given.pop("Tags", None)
        self.glue_backend.create_crawler(name, tags, **given)
        return EmptyResult()

    def update_crawler(self) -> ActionResult:
        given = self.parameters
        self.glue_backend.update_crawler(given.pop("Name"), **given)
        return EmptyResult()

    def get_crawlers(self) -> ActionResult:
        return self.answer_page("Crawlers", self.glue_backend.get_crawlers(), 1000, default=100)

    def list_crawlers(self) -> ActionResult:
        tags = self.parameters.get("Tags") or {}
        backend = self.glue_backend
        found = [
            crawler
            for crawler in backend.get_crawlers()
            if not tags or tags.items() <= backend.get_tags(crawler.arn).items()
        ]
        return self.answer_page("CrawlerNames", found, 1000, default=100, render=lambda crawler: crawler.name)

    def batch_get_crawlers(self) -> ActionResult:
        names = self.at_most("CrawlerNames", 100)
        found = self.glue_backend.batch_get_crawlers(names)
        known = {crawler["Name"] for crawler in found}
        return ActionResult({"Crawlers": found, "CrawlersNotFound": [name for name in names if name not in known]})

    def list_crawls(self) -> ActionResult:
        given = self.parameters
        filters = validate_crawl_filters(given.get("Filters") or [])
        crawls = self.glue_backend.list_crawls(given["CrawlerName"], filters)
        return self.answer_page(
            "Crawls", crawls, 1000, default=20, render=lambda crawl: crawl.as_dict(given["CrawlerName"])
        )

    def get_crawler_metrics(self) -> ActionResult:
        backend = self.glue_backend
        names = self.parameters.get("CrawlerNameList") or [crawler.name for crawler in backend.get_crawlers()]
        known = [name for name in names if name in backend.crawlers]
        return self.answer_page("CrawlerMetricsList", known, 1000, default=100, render=backend.metrics)

    def update_crawler_schedule(self) -> ActionResult:
        given = self.parameters
        self.glue_backend.update_crawler_schedule(given["CrawlerName"], given.get("Schedule", ""))
        return EmptyResult()

    def start_crawler_schedule(self) -> ActionResult:
        self.glue_backend.set_crawler_schedule_state(self.parameters["CrawlerName"], "SCHEDULED")
        return EmptyResult()

    def stop_crawler_schedule(self) -> ActionResult:
        self.glue_backend.set_crawler_schedule_state(self.parameters["CrawlerName"], "NOT_SCHEDULED")
        return EmptyResult()

    def _classifier(self) -> tuple[str, dict[str, Any]]:
        given = [(kind, self.parameters[kind]) for kind in CLASSIFIER_KINDS if self.parameters.get(kind)]
        if len(given) != 1:
            raise InvalidInput("Exactly one classifier must be given.")
        return given[0]

    def create_classifier(self) -> ActionResult:
        self.glue_backend.create_classifier(*self._classifier())
        return EmptyResult()

    def update_classifier(self) -> ActionResult:
        self.glue_backend.update_classifier(*self._classifier())
        return EmptyResult()

    def get_classifier(self) -> ActionResult:
        return ActionResult({"Classifier": self.glue_backend.get_classifier(self.parameters["Name"])})

    def get_classifiers(self) -> ActionResult:
        found = [stored for _, stored in sorted(self.glue_backend.classifiers.items())]
        return self.answer_page("Classifiers", found, 1000, default=100, render=lambda stored: stored)

    def delete_classifier(self) -> ActionResult:
        self.glue_backend.delete_classifier(self.parameters["Name"])
        return EmptyResult()
