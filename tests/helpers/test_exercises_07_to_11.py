"""Typical wrong answers of chapters 07 to 11 are told apart, each with its own sentence; right ones are right with other data too."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter, deque
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest

from helpers import prices
from helpers.leftovers import find as find_leftovers
from infra.teaching.exercise import Open, Wrong, find, of_chapter, yourself
from tests.service_roles import service_role


class Stream:
    """Stands for Flink's batch environment: two texts of SQL and their counts."""

    def execute_sql(self, sql: str) -> Any:
        if sql == "SELECT 1 WHERE false":
            return SimpleNamespace(collect=lambda: iter([]))
        counts = {"SELECT count(*) FROM `raw`": 7, "SELECT count(*) AS events FROM `raw`": 7, "SELECT 5": 5}
        if sql not in counts:
            raise ValueError('Encountered "raw"')
        return SimpleNamespace(collect=lambda: iter([(counts[sql],)]))


HISTORY = [{"type": kind} for kind in ("TaskStateEntered", "TaskStateExited", "ChoiceStateEntered", "TaskStateEntered")]
MACHINES = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda executionArn: [{"events": HISTORY}]))
NAMES = {
    "bt_env": Stream(),
    "slept": list(range(4)),
    "files": 3,
    "machines": MACHINES,
    "execution": "arn",
    "definition": {"States": dict.fromkeys("ABCDE")},
    "prices": prices,
    "delete": True,
}
RIGHT = [
    ("7.1", "latest"), ("7.2", "SELECT count(*) AS events FROM `raw`"), ("7.3", "device_ts"), ("7.4", "09:03:05"), ("7.5", "09:01"),
    ("8.1", 6), ("8.4", 24), ("8.5", (4, 0)), ("9.1", 4), ("9.4", 3), ("10.1", 30), ("10.2", "10:06:50"),
    ("11.1", "Exports"), ("7.1", ["'LATEST'"]), ("7.3", "`known`.device_ts".replace("`", "")), ("7.4", time(9, 3, 5)), ("7.4", "9:03:05"),
    ("7.4", "2026-01-05 09:03:05.000"), ("7.5", datetime(2026, 1, 5, 9, 1)), ("8.1", Decimal(6)), ("8.4", "24"), ("8.5", [4, 0]),
    ("8.5", np.array([4, 0])), ("8.5", ("4", 0.0)), ("9.1", np.int64(4)), ("9.4", {3}), ("10.1", "30"), ("10.2", pd.Timestamp("2026-01-05 10:06:50")),
    ("11.1", ("export",)), ("7.1", " latest. "), ("7.3", "`known`.`device_ts`"), ("7.4", timedelta(hours=9, minutes=3, seconds=5)),
    ("7.4", np.datetime64("2026-01-05T09:03:05", "ns")), ("7.4", pd.DataFrame({"t": [pd.Timestamp("2026-01-05 09:03:05")]})), ("7.4", "09:03:05Z"),
    ("7.4", "09:03:04.999"), ("7.4", time(9, 3, 4, 999_000)), ("7.2", "SELECT count(*) AS events FROM `raw`;\n"), ("8.5", "4, 0"), ("8.5", "(4; 0)"),
    ("8.5", pd.DataFrame({"calls": [4], "totals": [0]})), ("8.5", deque([4, 0])),
]  # fmt: skip
WRONG = [
    ("7.1", "TRIM_HORIZON", "all that the stream still has"),
    ("7.1", "BEGINNING", "not TRIM_HORIZON"),
    ("7.2", 'SELECT count(*) FROM "raw"', "Double quotes are Athena's"),
    ("7.2", "SELECT 5", "not the number of rows"),
    ("7.3", "seen", "made anew"),
    ("7.3", "track_id", "time columns"),
    ("7.4", "09:03:00", "09:02:55"),
    ("7.4", "09:05:00", "must reach 09:03:00"),
    ("7.5", "09:02", "has not come so far"),
    ("7.5", "09:09", "smallest, not the largest"),
    ("7.5", "08:00", "shard that is behind"),
    ("7.4", "five past", "text with colons"),
    ("7.4", "25:61:00", "text with colons"),
    ("8.1", [0, 1, 2, 3], "Give one value; these are 4"),
    ("8.4", "a day", "Give a number"),
    ("8.5", {4, 0}, "A set has no order"),
    ("8.5", 4, "2 numbers in a tuple"),
    ("8.1", 4, "how often"),
    ("8.1", 10, "process is killed"),
    ("8.1", 7, "Add up the list"),
    ("8.4", float("inf"), "what does the stream do with old ones"),
    ("8.4", 1440, "give hours"),
    ("8.5", {"calls": 4, "totals": 0}, "not a dictionary"),
    ("7.2", "SELECT 1 WHERE false", "no row"),
    ("7.4", "09:03:04.5", "must reach 09:03:00"),
    ("7.1", "trim horizon", "all that the stream still has"),
    ("8.4", 1, "Until the record is gone"),
    ("8.5", (4, 1), "Who adds them up"),
    ("8.5", (1, 1), "called for each shard"),
    ("8.5", (2, 0), "Two numbers"),
    ("9.1", 3, "one more"),
    ("9.1", 9, "One message an object"),
    ("9.4", 5, "how many states there are"),
    ("9.4", 4, "ends in StateEntered"),
    ("10.1", -30, "or there twice"),
    ("10.1", 60, "Not the whole window"),
    ("10.1", 1, "When did the window begin"),
    ("10.2", "10:06:58", "middle of a bucket"),
    ("10.2", "10:07:00", "Round down"),
    ("10.2", "10:07:40", "take the 45 seconds off first"),
    ("10.2", "10:00:00", "multiple of ten"),
    ("11.1", "versions", "hold up the bucket"),
    ("11.1", "writes", "does not look at it"),
    ("11.1", "order", "hold on to"),
]


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_right(number, answer):
    assert find(number).judge(answer, NAMES).endswith(".")


@pytest.mark.parametrize(("number", "answer", "said"), WRONG)
def test_each_kind_of_wrong_has_its_sentence(number, answer, said):
    with pytest.raises(Wrong, match=said):
        find(number).judge(answer, NAMES)


@pytest.mark.parametrize("chapter", ["07", "08", "09", "10", "11"])
def test_questions_have_answers_and_exercises_hints(chapter):
    assert len(yourself(chapter)) == 3
    assert len(of_chapter(chapter)) >= 3


class Application:
    """A Managed Flink application as two calls tell it."""

    def __init__(self, status: str, snapshots: int, restore: str = "RESTORE_FROM_LATEST_SNAPSHOT"):
        self.status, self.snapshots, self.restore = status, snapshots, restore

    def describe_application(self, ApplicationName: str) -> dict[str, Any]:
        run = {"ApplicationRestoreConfigurationDescription": {"ApplicationRestoreType": self.restore}}
        configuration = {"RunConfigurationDescription": run}
        return {
            "ApplicationDetail": {
                "ApplicationStatus": self.status,
                "ApplicationConfigurationDescription": configuration,
            }
        }

    def list_application_snapshots(self, ApplicationName: str) -> dict[str, Any]:
        return {"SnapshotSummaries": [{"SnapshotStatus": "READY"}] * self.snapshots}


def test_an_application_that_was_stopped_to_its_end_and_started():
    judge = lambda *told: find("7.6").judge(None, {"flink": Application(*told), "name": "a"})  # noqa: E731
    with pytest.raises(Open):
        judge("RUNNING", 1)
    assert judge("RUNNING", 2).startswith("STOPPING lasts")
    for told, said in [
        (("STOPPING", 1), "a start is refused"),
        (("READY", 2), "start it again"),
        (("STARTING", 2), "when it is RUNNING"),
        (("RUNNING", 2, "SKIP_RESTORE_FROM_SNAPSHOT"), "skipped the snapshot"),
    ]:
        with pytest.raises(Wrong, match=said):
            judge(*told)


def test_a_late_event_of_ones_own():
    begin = datetime(2026, 1, 5, 9, tzinfo=UTC)
    counts = Counter({"2026-01-05 09:00:00": 400})
    names = {"begin": begin, "events": 3000, "step": 0.025, "speed_buckets": lambda: counts}
    with pytest.raises(Wrong, match="fewer events than were sent"):
        find("10.3").judge(None, names)
    counts["2026-01-05 09:00:00"] = 401
    with pytest.raises(Open):
        find("10.3").judge(None, names)
    counts["2026-01-05 09:00:00"] = 402
    assert find("10.3").judge(None, names).startswith("1 more")


def test_a_pattern_for_data_and_not_for_markers(cloud):
    judge, names = find("9.2").judge, {"events": cloud("events"), "bucket": "b"}

    def of(*conditions: dict[str, str], **more: Any) -> dict[str, Any]:
        return {"source": ["aws.s3"], "detail": {"object": {"key": list(conditions)}}, **more}

    created = {"detail-type": ["Object Created"]}
    assert judge(of({"wildcard": "automation/arrivals/*.json"}, **created), names)
    with pytest.raises(Wrong, match="Object Deleted"):
        judge(of({"wildcard": "automation/arrivals/*.json"}), names)
    with pytest.raises(Wrong, match="is no .json"):
        judge(of({"wildcard": "automation/arrivals/*/1*"}, **created), names)
    with pytest.raises(Wrong, match="does not match"):
        judge(of({"prefix": "arrivals/"}), names)
    with pytest.raises(Wrong, match="marker"):
        judge(of({"prefix": "automation/arrivals/"}, {"suffix": ".json"}), names)
    with pytest.raises(Wrong, match="what the job writes"):
        judge(of({"suffix": ".json"}), names)
    assert judge([json.dumps(of({"wildcard": "automation/arrivals/*.json"}, **created))], names)
    assert judge(of({"wildcard": "automation/arrivals/*.json"}, **{"detail-type": {"Object Created"}}), names)
    for answer in ("{", '{"source": "aws.s3"}', 7):
        with pytest.raises(Wrong, match="EventBridge does not take it"):
            judge(answer, names)
    with pytest.raises(Wrong, match="A pattern is JSON"):
        judge({"source": [object()]}, names)


def test_a_fault_that_is_heard(cloud, account):
    events, chain = cloud("events"), f"arn:aws:lambda:us-east-1:{account}:function:AutomationChain"
    judge, names = find("9.3").judge, {"events": events, "job": "J", "chain": chain}
    with pytest.raises(Open):
        judge(None, names)

    def rule(*states: str) -> None:
        detail = {"jobName": ["J"], "state": list(states)}
        pattern = {"source": ["aws.glue"], "detail-type": ["Glue Job State Change"], "detail": detail}
        events.put_rule(Name="automation-failed", EventPattern=json.dumps(pattern))

    rule("TIMEOUT")
    with pytest.raises(Wrong, match="does not match"):
        judge(None, names)
    rule("FAILED", "SUCCEEDED")
    with pytest.raises(Wrong, match="has succeeded"):
        judge(None, names)
    rule("FAILED")
    with pytest.raises(Wrong, match="no target"):
        judge(None, names)
    events.put_targets(Rule="automation-failed", Targets=[{"Id": "1", "Arn": chain}])
    with pytest.raises(Wrong, match="Input with do and text"):
        judge(None, names)
    told = json.dumps({"do": "tell", "text": "failed"})
    events.put_targets(Rule="automation-failed", Targets=[{"Id": "1", "Arn": chain, "Input": told}])
    assert judge(None, names)


def code(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", text)
    return packed.getvalue()


def test_a_version_with_a_name(cloud):
    functions, judge = cloud("lambda"), find("8.3").judge
    functions.create_function(
        FunctionName="songs",
        Runtime="python3.11",
        Handler="app.handler",
        Role=service_role(cloud, "lambda"),
        Code={"ZipFile": code("handler = 1")},
    )
    names = {"functions": functions, "name": "songs"}
    with pytest.raises(Open):
        judge(None, names)
    functions.get_waiter("function_active_v2").wait(FunctionName="songs", WaiterConfig={"Delay": 1})
    functions.create_alias(FunctionName="songs", Name="live", FunctionVersion="$LATEST")
    with pytest.raises(Wrong, match=r"points to \$LATEST"):
        judge(None, names)
    version = functions.publish_version(FunctionName="songs")["Version"]
    functions.update_alias(FunctionName="songs", Name="live", FunctionVersion=version)
    assert judge(None, names)
    functions.update_function_code(FunctionName="songs", ZipFile=code("handler = 2"))
    with pytest.raises(Wrong, match="other code"):
        judge(None, names)


def test_what_a_deleted_stack_leaves_behind(cloud):
    session, logs = boto3.Session(), cloud("logs")
    names = {
        "delete": True,
        "find": find_leftovers,
        "aws": session,
        "logs": logs,
        "forgotten": "/aws/lambda/analytics-workshop-forgotten",
    }
    logs.create_log_group(logGroupName=names["forgotten"])
    with pytest.raises(Wrong, match="does not list 'S3 bucket'"):
        find("11.2").judge("S3 bucket", names)
    for answer in ("log group", "Log groups", find_leftovers(session)[-1]):
        assert find("11.2").judge(answer, names)
    with pytest.raises(Open):
        find("11.3").judge(None, names)
    logs.delete_log_group(logGroupName=names["forgotten"])
    assert find("11.3").judge(None, names)
    assert find("11.2").judge("S3 bucket", names).startswith("Nothing: you have deleted")
