"""A crawl under way: its thread, its states, its log and its events. What it does is in looking, writing and folders."""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow

from infra.local.core import pace, state, telemetry
from infra.local.glue.catalog.checked import CheckedCatalog
from infra.local.glue.crawler.checks import (
    assume,
)
from infra.local.glue.crawler.content import Classifier
from infra.local.glue.crawler.events import Messages
from infra.local.glue.crawler.folders import known_folders, new_folders, table_of_folder, write_folders
from infra.local.glue.crawler.looking import look, target_of, warnings
from infra.local.glue.crawler.plan import Changes, CrawlFailed, CrawlStopped, Plan, Target
from infra.local.glue.crawler.record import LOG_GROUP, Crawl, Crawler
from infra.local.glue.crawler.rights import CrawlDenied, Rights
from infra.local.glue.crawler.writing import group, write

log = logging.getLogger("workshop.crawler")
# A crawl stays STOPPING for some seconds on AWS. Scripts that wait for that state look once a second, so it must last longer than that.
STOPPING_SECONDS = 1.1

under_way: dict[str, Run] = {}  # crawl id → its running part
ending = threading.Event()


def start(backend: Any, crawler: Crawler, crawl: Crawl) -> None:
    run = under_way[crawl.crawl_id] = Run(backend, crawler, crawl)
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
            pace.pause(pace.deadline("crawler running"), lambda: self.stop.is_set() or ending.is_set())
            status, error = self._work()
            ending.wait(max(STOPPING_SECONDS, pace.begin("crawler stopping")))
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

        state.step("glue", self.account, self.region, change, ending)
        del under_way[self.crawl.crawl_id]
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
