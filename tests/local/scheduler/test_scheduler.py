"""EventBridge Scheduler and rules with a schedule: when they are due, that they fire, what a restart does."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.core.timetable import Timetable
from infra.local.events import next_after
from infra.local.scheduler import times
from tests.local.events.event_lab import REGION, Client, Queue, make_role
from tests.polling import until
from tests.refusals import refusal

OFF = {"Mode": "OFF"}


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def soon(seconds: float = 1.0) -> str:
    return f"at({(datetime.now(UTC) + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S')})"


@pytest.fixture
def scheduler(client: Client) -> Any:
    return client("scheduler")


@pytest.fixture
def queue(client: Client, account: str) -> Queue:
    return Queue(client("sqs"), "told", account, allowed=False)


@pytest.fixture
def role(client: Client) -> str:
    return make_role(client("iam"), "scheduler", "scheduler.amazonaws.com", "sqs:SendMessage", "glue:CreateDatabase")


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("at(2026-03-01T12:00:00)", "UTC", "2026-01-01T00:00:00", "2026-03-01T12:00:00"),
        ("at(2026-03-01T12:00:00)", "Asia/Tokyo", "2026-01-01T00:00:00", "2026-03-01T03:00:00"),
        ("at(2026-03-01T12:00:00)", "UTC", "2026-03-01T12:00:00", None),
        ("rate(1 hour)", "UTC", "2026-01-01T10:20:00", "2026-01-01T11:00:00"),
        ("rate(1 hours)", "UTC", "2026-01-01T10:00:00", "2026-01-01T11:00:00"),
        ("cron(30 8 * * ? *)", "UTC", "2026-01-01T08:30:00", "2026-01-02T08:30:00"),
        ("cron(30 8 * * ? *)", "Europe/Berlin", "2026-01-01T00:00:00", "2026-01-01T07:30:00"),
        ("cron(30 8 * * ? *)", "Europe/Berlin", "2026-07-01T00:00:00", "2026-07-01T06:30:00"),
        # on 29 March 2026 Berlin's clocks leave out 2:30; on 25 October they show it twice
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00:00", "2026-03-30T00:30:00"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),
        ("cron(0 12 L * ? *)", "UTC", "2026-02-01T00:00:00", "2026-02-28T12:00:00"),
        ("cron(0 0 1 1 ? 2020)", "UTC", "2026-01-01T00:00:00", None),
    ],
)
def test_next_time(expression: str, zone: str, after: str, due: str | None) -> None:
    found = times.following(expression, zone, stamp("2026-01-01T09:00:00"), stamp(after))
    assert found == (None if due is None else stamp(due))


def test_start_and_end() -> None:
    schedule = SimpleNamespace(
        state="ENABLED",
        start_date=stamp("2026-01-01T12:00:00"),
        end_date=stamp("2026-01-01T13:30:00"),
        creation_date=0,
        schedule_expression="rate(1 hour)",
        schedule_expression_timezone="UTC",
    )
    begin = stamp("2026-01-01T00:00:00")
    assert times.next_time(schedule, begin) == stamp("2026-01-01T12:00:00")
    assert times.next_time(schedule, stamp("2026-01-01T12:00:00")) == stamp("2026-01-01T13:00:00")
    assert times.next_time(schedule, stamp("2026-01-01T13:00:00")) is None
    schedule.state = "DISABLED"
    assert times.next_time(schedule, begin) is None


def test_after_a_long_stop_a_rate_keeps_its_beat() -> None:
    assert next_after("rate(5 minutes)", 1000.0, 1000.0 + 3600 * 24 * 7 + 1) == 1000.0 + 3600 * 24 * 7 + 300


def test_timetable(tmp_path: Path) -> None:
    fired: list[str] = []

    def fire(key: str, due: float) -> float | None:
        fired.append(key)
        return due + 0.05 if key == "often" and fired.count("often") < 3 else None

    table = Timetable("test", lambda: tmp_path / "times.sqlite", fire)
    now = time.time()
    table.set("later", now + 3600)
    table.set("often", now + 0.05)
    table.set("once", now + 0.1)
    table.set("gone", now + 0.1)
    table.set("gone", None)
    until(lambda: len(fired) == 4)
    assert sorted(fired) == ["often", "often", "often", "once"] and table.due("once") is None
    table.stop()
    again = Timetable("again", lambda: tmp_path / "times.sqlite", fire)
    again.resume()
    assert again.due("later") == now + 3600 and again.due("often") is None
    again.stop()


# --- what -----------------------------------------------------------------------------------------------------------


def test_one_time_schedule_fires_and_deletes_itself(scheduler: Any, queue: Queue, role: str, account: str) -> None:
    template = '{"arn": "<aws.scheduler.schedule-arn>", "try": <aws.scheduler.attempt-number>}'
    arn = scheduler.create_schedule(
        Name="once",
        ScheduleExpression=soon(),
        FlexibleTimeWindow=OFF,
        ActionAfterCompletion="DELETE",
        Target={"Arn": queue.arn, "RoleArn": role, "Input": template},
    )["ScheduleArn"]
    assert arn == f"arn:aws:scheduler:{REGION}:{account}:schedule/default/once"
    assert queue.bodies(1) == [{"arn": arn, "try": 1}]
    until(lambda: not scheduler.list_schedules()["Schedules"])


def test_recurring_schedule_in_a_group(scheduler: Any, queue: Queue, role: str) -> None:
    scheduler.create_schedule_group(Name="g")
    scheduler.create_schedule(
        Name="often",
        GroupName="g",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow=OFF,
        Target={"Arn": queue.arn, "RoleArn": role},
    )
    (body,) = queue.bodies(1)  # a rate begins at once
    assert (body["source"], body["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    scheduler.delete_schedule_group(Name="g")
    assert refusal(scheduler.get_schedule, GroupName="g", Name="often")[0] == "ResourceNotFoundException"


def test_any_operation_of_a_service(client: Client, scheduler: Any, role: str) -> None:
    scheduler.create_schedule(
        Name="make",
        ScheduleExpression=soon(0.5),
        FlexibleTimeWindow=OFF,
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:glue:createDatabase",
            "RoleArn": role,
            "Input": json.dumps({"DatabaseInput": {"Name": "made"}}),
        },
    )
    until(lambda: [each["Name"] for each in client("glue").get_databases()["DatabaseList"]] == ["made"])


def test_what_the_role_may_not_goes_to_the_dead_letters(
    client: Client, scheduler: Any, queue: Queue, role: str
) -> None:
    arn = scheduler.create_schedule(
        Name="denied",
        ScheduleExpression=soon(0.5),
        FlexibleTimeWindow=OFF,
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:glue:deleteDatabase",
            "RoleArn": role,
            "Input": '{"Name": "any"}',
            "DeadLetterConfig": {"Arn": queue.arn},
        },
    )["ScheduleArn"]
    (letter,) = queue.take(1)
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (told["ERROR_CODE"], told["SCHEDULE_ARN"], letter["Body"]) == ("NO_PERMISSIONS", arn, '{"Name": "any"}')
    assert "glue:DeleteDatabase" in told["ERROR_MESSAGE"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ScheduleExpression": "at(tomorrow)"}, "Invalid Schedule Expression at(tomorrow)."),
        ({"ScheduleExpression": "rate(0 minutes)"}, "Invalid Schedule Expression rate(0 minutes)."),
        ({"ScheduleExpression": "cron(0 0 * * * *)"}, "Invalid Schedule Expression cron(0 0 * * * *)."),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Invalid Schedule Expression Timezone Mars/Olympus."),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes must be specified"),
        ({"Target.Arn": "arn:aws:scheduler:::aws-sdk:glue:getCrawler"}, "only reads"),
        ({"Target.Arn": "arn:aws:scheduler:::aws-sdk:glue:makeCoffee"}, "names no operation"),
        ({"Target.Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/c"}, "is not a target of schedules"),
        ({"Target.Arn": "arn:aws:glue:us-east-1:123456789012:workflow/w"}, "is not a target of schedules"),
        (
            {"Target.RoleArn": "arn:aws:iam::{}:role/none"},
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        ),
    ],
)
def test_what_is_refused(
    scheduler: Any, queue: Queue, role: str, account: str, change: dict[str, Any], text: str
) -> None:
    given: dict[str, Any] = {
        "Name": "s",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": OFF,
        "Target": {"Arn": queue.arn, "RoleArn": role},
    }
    for name, value in change.items():
        if name.startswith("Target."):
            given["Target"][name.partition(".")[2]] = value.replace("{}", account)
        else:
            given[name] = value
    code, message = refusal(scheduler.create_schedule, **given)
    assert code == "ValidationException" and text in message
    assert scheduler.list_schedules()["Schedules"] == []


def test_missing_and_double(scheduler: Any, queue: Queue, role: str) -> None:
    given = {
        "Name": "s",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": OFF,
        "Target": {"Arn": queue.arn, "RoleArn": role},
        "State": "DISABLED",
    }
    assert refusal(scheduler.create_schedule, **given, GroupName="no")[0] == "ResourceNotFoundException"
    scheduler.create_schedule(**given)
    assert refusal(scheduler.create_schedule, **given)[0] == "ConflictException"
    assert refusal(scheduler.delete_schedule_group, Name="no")[0] == "ResourceNotFoundException"
    assert refusal(scheduler.delete_schedule, Name="no")[0] == "ResourceNotFoundException"
    assert scheduler.get_schedule(Name="s")["State"] == "DISABLED" and queue.messages() == []


# --- after a restart ------------------------------------------------------------------------------------------------


def due_at(path: Path, key: str, due: float) -> None:
    with sqlite3.connect(path) as file:
        assert file.execute("UPDATE times SET due = ? WHERE key LIKE ?", (due, f"%{key}")).rowcount == 1


def test_a_rule_fires_when_it_is_due_and_is_not_a_storm_after_a_stop(own_server: Any) -> None:
    account = "123456789012"
    events, queue = own_server.client("events", account), Queue(own_server.client("sqs", account), "told", account)
    for name in ("due", "missed"):
        arn = events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")["RuleArn"]
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": queue.arn}])
    own_server.kill()
    file = own_server.home / "state" / "rule_schedules.sqlite"
    due = time.time() + 3
    due_at(file, "rule/due", due)
    due_at(file, "rule/missed", time.time() - 86400 * 3)
    own_server.restart()
    (event,) = queue.bodies(1)
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"] == [arn.replace("missed", "due")] and abs(stamp(event["time"][:-1]) - due) <= 1
    assert queue.messages() == []
    own_server.kill()
    with sqlite3.connect(file) as rows:
        left = dict(rows.execute("SELECT key, due FROM times"))
    assert all(0 < value - time.time() <= 3600 for value in left.values()) and len(left) == 2
    own_server.restart()


def test_a_one_time_schedule_that_passed_while_the_server_was_stopped_is_made_up_for(own_server: Any) -> None:
    account = "123456789012"
    queue = Queue(own_server.client("sqs", account), "told", account, allowed=False)
    role = make_role(own_server.client("iam", account), "s", "scheduler.amazonaws.com", "sqs:SendMessage")
    scheduler = own_server.client("scheduler", account)
    for name, expression in (("once", "at(2099-01-01T00:00:00)"), ("often", "cron(0 0 1 1 ? *)")):
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression=expression,
            FlexibleTimeWindow=OFF,
            Target={"Arn": queue.arn, "RoleArn": role, "Input": json.dumps(name)},
        )
    own_server.kill()
    for name in ("once", "often"):
        due_at(own_server.home / "state" / "schedules.sqlite", f"default/{name}", time.time() - 3600)
    own_server.restart()
    assert queue.bodies(1) == ["once"] and queue.messages() == []
