"""Glue crawlers and classifiers: requests and answers."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.glue.utils import validate_crawl_filters

from infra.local.glue.catalog.api import CatalogResponse
from infra.local.glue.crawler.checks import (
    InvalidInput,
)

CLASSIFIER_KINDS = ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier")


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
