"""Schedules of crawlers: AWS's cron, what is due, the operations."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.local.core.cron import Cron
from infra.local.glue import backend as glue
from infra.local.glue.crawler import schedule as crawler
from infra.local.glue.crawler.record import Crawler
from tests.local.glue.crawler_lake import Lake
from tests.polling import until
from tests.refusals import refusal

THURSDAY = datetime(2022, 11, 24, 5, 0)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(15 12 * * ? *)", datetime(2022, 11, 24, 12, 15)),
        ("cron(0/5 * * * ? *)", datetime(2022, 11, 24, 5, 5)),
        ("cron(0 5 * * ? *)", datetime(2022, 11, 25, 5, 0)),  # after, not at
        ("cron(0 18 ? * SAT-SAT *)", datetime(2022, 11, 26, 18, 0)),
        ("cron(0 18 ? * MON-FRI *)", datetime(2022, 11, 24, 18, 0)),
        ("cron(0 8 1 * ? *)", datetime(2022, 12, 1, 8, 0)),
        ("cron(0 10 L * ? *)", datetime(2022, 11, 30, 10, 0)),
        ("cron(0 10 ? * 6L *)", datetime(2022, 11, 25, 10, 0)),  # the last Friday
        ("cron(0 10 ? * 3#2 *)", datetime(2022, 12, 13, 10, 0)),  # the second Tuesday
        ("cron(0 10 1W JAN ? *)", datetime(2023, 1, 2, 10, 0)),  # the 1st is a Sunday
        ("cron(0 0 29 2 ? *)", datetime(2024, 2, 29)),
        ("cron(0 0 1 1 ? 2021)", None),
    ],
)
def test_cron(expression: str, expected: datetime | None) -> None:
    assert Cron(expression).next_after(THURSDAY) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "rate(5 minutes)",
        "cron(0 0 * * ?)",
        "cron(0 0 * * * *)",
        "cron(0 0 ? * ? *)",
        "cron(60 0 * * ? *)",
        "cron(0 0 XX * ? *)",
        "cron(* * * * ? *)",
        "cron(0/4 * * * ? *)",
    ],
)
def test_bad_cron(expression: str) -> None:
    with pytest.raises(ValueError):
        Cron(expression, shortest_minutes=5)


@pytest.fixture
def scheduled(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A crawler that is due at 5:00, in a backend of this process."""
    backend = glue.BACKENDS["123456789012"]["us-east-1"]
    made = Crawler("nightly", {"Schedule": "cron(0 5 * * ? *)"}, "arn")
    made.scheduled_since = datetime(2022, 11, 23)
    monkeypatch.setattr(backend, "crawlers", {"nightly": made})
    return made


def test_what_is_due(scheduled: Any) -> None:
    def names(*times: datetime) -> list[str]:
        return [each.name for _, each in crawler.due(*times)]

    assert names(datetime(2022, 11, 24, 4, 55), datetime(2022, 11, 24, 4, 59)) == []
    assert names(datetime(2022, 11, 24, 4, 59), datetime(2022, 11, 24, 5, 0)) == ["nightly"]
    assert names(datetime(2022, 11, 24, 5, 0), datetime(2022, 11, 24, 5, 1)) == []
    scheduled.scheduled_since = datetime(2022, 11, 24, 5, 0, 30)  # made after 5:00: due tomorrow
    assert names(datetime(2022, 11, 24, 4, 59), datetime(2022, 11, 24, 5, 1)) == []
    scheduled.schedule_state = "NOT_SCHEDULED"
    assert names(datetime(2022, 11, 25, 4, 59), datetime(2022, 11, 25, 5, 1)) == []


def test_clock_starts_what_is_due_when_it_is(scheduled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    began, looks, started = time.monotonic(), [], []

    def now() -> datetime:
        looks.append(time.monotonic())
        return datetime(2022, 11, 24, 4, 59, 59, 500_000) + timedelta(seconds=time.monotonic() - began)

    monkeypatch.setattr(crawler, "utcnow", now)
    monkeypatch.setattr(crawler.Schedule, "_start", lambda self, backend, each: started.append((each.name, now())))
    crawler.Schedule().changed()
    until(lambda: started)
    name, moment = started[0]
    assert name == "nightly"
    assert datetime(2022, 11, 24, 5, 0) <= moment < datetime(2022, 11, 24, 5, 0, 5)
    assert len(looks) < 12  # it sleeps, it does not poll


def test_schedule_api(lake: Lake) -> None:
    glue = lake.glue
    lake.create(Schedule="cron(0 0 1 1 ? 2199)")
    assert glue.get_crawler(Name="crawler")["Crawler"]["Schedule"] == {
        "ScheduleExpression": "cron(0 0 1 1 ? 2199)",
        "State": "SCHEDULED",
    }
    assert refusal(glue.start_crawler_schedule, CrawlerName="crawler")[0] == "SchedulerRunningException"
    glue.stop_crawler_schedule(CrawlerName="crawler")
    assert glue.get_crawler(Name="crawler")["Crawler"]["Schedule"]["State"] == "NOT_SCHEDULED"
    assert refusal(glue.stop_crawler_schedule, CrawlerName="crawler")[0] == "SchedulerNotRunningException"
    bad = {"CrawlerName": "crawler", "Schedule": "cron(nix)"}
    assert refusal(glue.update_crawler_schedule, **bad)[0] == "InvalidInputException"
    glue.update_crawler_schedule(CrawlerName="crawler", Schedule="")
    assert "Schedule" not in glue.get_crawler(Name="crawler")["Crawler"]
    assert refusal(glue.start_crawler_schedule, CrawlerName="crawler")[0] == "NoScheduleException"
