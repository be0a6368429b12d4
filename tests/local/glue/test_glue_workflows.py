"""Triggers and workflows: jobs and crawlers that start each other, on demand, by events of EventBridge and by a schedule; kill -9."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.glue.workflows import running
from infra.local.glue.workflows.record import Action, Run, Trigger
from tests.local.stepfunctions.flows import ALL, Flows, make_job
from tests.polling import until

GOOD, BAD = "print('done')", "raise SystemExit(1)"


class Lab:
    """A role, jobs in Python and a crawler over an empty folder, in one account."""

    def __init__(self, client: Any):
        self.client, self.glue = client, client("glue")
        self.flows = Flows(client)
        client("iam").create_role(RoleName="events", AssumeRolePolicyDocument=json.dumps(TRUST))
        client("iam").put_role_policy(RoleName="events", PolicyName="p", PolicyDocument=json.dumps(ALL))
        self.events_role = client("iam").get_role(RoleName="events")["Role"]["Arn"]

    def job(self, name: str, script: str = GOOD) -> None:
        make_job(self.flows, name, script)

    def crawler(self, name: str, bucket: str) -> None:
        self.glue.create_database(DatabaseInput={"Name": "lake"})
        targets = {"S3Targets": [{"Path": f"s3://{bucket}/none/"}]}
        self.glue.create_crawler(Name=name, Role=self.flows.role, DatabaseName="lake", Targets=targets)

    def trigger(self, name: str, kind: str, *actions: dict[str, Any], **more: Any) -> None:
        starts = {"StartOnCreation": True} if kind in ("SCHEDULED", "CONDITIONAL") else {}
        self.glue.create_trigger(Name=name, Type=kind, Actions=list(actions), **starts, **more)

    def ended(self, workflow: str, run: str, **more: Any) -> dict[str, Any]:
        def over() -> Any:
            found = self.glue.get_workflow_run(Name=workflow, RunId=run, **more)["Run"]
            return found if found["Status"] not in ("RUNNING", "STOPPING") else None

        found: dict[str, Any] = until(over, "the end of the workflow's run", 60)
        return found


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture
def lab(client: Any) -> Lab:
    return Lab(client)


def on(name: str, state: str) -> dict[str, Any]:
    return {"LogicalOperator": "EQUALS", "JobName": name, "State": state}


def test_a_workflow_goes_from_job_to_crawler_and_leaves_out_what_does_not_follow(lab: Lab) -> None:
    lab.job("first", "import sys; print(sys.argv)")
    lab.job("rescue")
    lab.crawler("look", "jobs-first")
    lab.glue.create_workflow(Name="w", DefaultRunProperties={"day": "monday", "who": "me"})
    lab.trigger("begin", "ON_DEMAND", {"JobName": "first", "Arguments": {"--colour": "red"}}, WorkflowName="w")
    lab.trigger(
        "then",
        "CONDITIONAL",
        {"CrawlerName": "look"},
        WorkflowName="w",
        Predicate={"Conditions": [on("first", "SUCCEEDED")]},
    )
    lab.trigger("else", "CONDITIONAL", {"JobName": "rescue"}, WorkflowName="w", Predicate={"Logical": "ANY", "Conditions": [on("first", "FAILED"), on("first", "TIMEOUT")]})  # fmt: skip
    run = lab.glue.start_workflow_run(Name="w", RunProperties={"day": "friday"})["RunId"]
    lab.glue.put_workflow_run_properties(Name="w", RunId=run, RunProperties={"rows": "3"})
    found = lab.ended("w", run, IncludeGraph=True)
    assert found["Status"] == "COMPLETED" and found["CompletedOn"] >= found["StartedOn"]
    assert found["WorkflowRunProperties"] == {"day": "friday", "who": "me", "rows": "3"}
    counts = found["Statistics"]
    assert (counts["TotalActions"], counts["SucceededActions"], counts["RunningActions"]) == (2, 2, 0)
    job = lab.glue.get_job_runs(JobName="first")["JobRuns"][0]
    assert job["TriggerName"] == "begin"
    assert job["Arguments"]["--WORKFLOW_RUN_ID"] == run and job["Arguments"]["--colour"] == "red"
    assert lab.glue.get_job_runs(JobName="rescue")["JobRuns"] == []
    nodes = {node["Name"]: node for node in found["Graph"]["Nodes"]}
    assert {name: node["Type"] for name, node in nodes.items()} == {
        "begin": "TRIGGER", "first": "JOB", "then": "TRIGGER", "look": "CRAWLER", "else": "TRIGGER", "rescue": "JOB",
    }  # fmt: skip
    assert nodes["look"]["CrawlerDetails"]["Crawls"][0]["State"] == "SUCCEEDED"
    names = {node["UniqueId"]: name for name, node in nodes.items()}
    edges = {(names[edge["SourceId"]], names[edge["DestinationId"]]) for edge in found["Graph"]["Edges"]}
    assert {("begin", "first"), ("first", "then"), ("then", "look"), ("else", "rescue")} <= edges


def test_events_start_a_workflow_in_batches(lab: Lab) -> None:
    lab.job("takes")
    lab.glue.create_workflow(Name="w")
    arn = f"arn:aws:glue:us-east-1:{lab.flows.role.split(':')[4]}:workflow/w"
    lab.trigger("begin", "EVENT", {"JobName": "takes"}, WorkflowName="w", EventBatchingCondition={"BatchSize": 2})
    events = lab.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    target = {"Id": "t", "Arn": arn}
    with pytest.raises(ClientError, match="RoleArn is required"):
        events.put_targets(Rule="r", Targets=[target])
    events.put_targets(Rule="r", Targets=[{**target, "RoleArn": lab.events_role}])
    entry = {"Source": "shop", "DetailType": "d", "Detail": "{}"}
    ids = [events.put_events(Entries=[entry])["Entries"][0]["EventId"] for _ in range(2)]
    runs = until(lambda: lab.glue.get_workflow_runs(Name="w")["Runs"], "the run of the batch")
    assert lab.ended("w", runs[0]["WorkflowRunId"])["StartingEventBatchCondition"]["BatchSize"] == 2
    told = runs[0]["WorkflowRunProperties"]["aws:eventIds"]
    assert sorted(told[1:-1].split(",")) == sorted(ids)


def test_triggers_without_a_workflow_and_a_run_that_is_stopped(lab: Lab) -> None:
    lab.job("bad", BAD)
    lab.job("after")
    lab.job("long", "import time; time.sleep(600)")
    lab.trigger("go", "ON_DEMAND", {"JobName": "bad"})
    lab.trigger("on", "CONDITIONAL", {"JobName": "after"}, Predicate={"Conditions": [on("bad", "FAILED")]})
    lab.glue.start_trigger(Name="go")
    until(lambda: lab.glue.get_job_runs(JobName="after")["JobRuns"], "the job behind the one that failed", 60)
    assert [each["Name"] for each in lab.glue.get_triggers(DependentJobName="after")["Triggers"]] == ["on"]
    lab.glue.create_workflow(Name="w", MaxConcurrentRuns=1)
    lab.trigger("begin", "ON_DEMAND", {"JobName": "long"}, WorkflowName="w")
    run = lab.glue.start_workflow_run(Name="w")["RunId"]
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        lab.glue.start_workflow_run(Name="w")
    lab.glue.stop_workflow_run(Name="w", RunId=run)
    found = lab.ended("w", run)
    assert (found["Status"], found["Statistics"]["StoppedActions"]) == ("STOPPED", 1)
    lab.glue.delete_workflow(Name="w")
    assert lab.glue.batch_get_triggers(TriggerNames=["begin", "go"])["TriggersNotFound"] == ["begin"]


TEMPLATE = """
Resources:
  Flow: {Type: AWS::Glue::Workflow, Properties: {Name: w, DefaultRunProperties: {day: monday}, Tags: {for: test}}}
  Begin:
    Type: AWS::Glue::Trigger
    Properties: {Name: begin, Type: ON_DEMAND, WorkflowName: !Ref Flow, Actions: [{JobName: stacked}]}
"""


def test_a_workflow_of_a_stack_runs(lab: Lab) -> None:
    lab.job("stacked")
    stacks = lab.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=TEMPLATE)
    until(lambda: stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE", "the stack")
    run = lab.glue.start_workflow_run(Name="w")["RunId"]
    assert lab.ended("w", run)["Statistics"]["SucceededActions"] == 1
    stacks.delete_stack(StackName="s")
    until(lambda: not lab.glue.list_workflows()["Workflows"], "the workflow is gone")


def test_what_is_refused(lab: Lab) -> None:
    lab.job("j")
    lab.glue.create_workflow(Name="w")
    lab.trigger("begin", "ON_DEMAND", {"JobName": "j"}, WorkflowName="w")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("InvalidInputException", {"Type": "EVENT"}),
        ("InvalidInputException", {"Type": "EVENT", "WorkflowName": "w"}),
        ("EntityNotFoundException", {"Type": "ON_DEMAND", "WorkflowName": "none"}),
        ("InvalidInputException", {"Type": "SCHEDULED"}),
        ("InvalidInputException", {"Type": "SCHEDULED", "Schedule": "every day"}),
        ("InvalidInputException", {"Type": "ON_DEMAND", "Schedule": "cron(0 12 * * ? *)"}),
        ("InvalidInputException", {"Type": "ON_DEMAND", "StartOnCreation": True}),
        ("InvalidInputException", {"Type": "CONDITIONAL"}),
        ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": {"Conditions": [{"JobName": "j"}]}}),
        ("InvalidInputException", {"Type": "ON_DEMAND", "Actions": [{"JobName": "j", "CrawlerName": "c"}]}),
        ("EntityNotFoundException", {"Type": "ON_DEMAND", "Actions": [{"JobName": "none"}]}),
        ("AlreadyExistsException", {"Type": "ON_DEMAND", "Name": "begin"}),
    ]
    for code, given in wrong:
        with pytest.raises(ClientError) as error:
            lab.glue.create_trigger(**{"Name": "t", "Actions": [{"JobName": "j"}], **given})
        assert error.value.response["Error"]["Code"] == code, given
    with pytest.raises(ClientError, match="no starting trigger"):
        lab.glue.create_workflow(Name="empty")
        lab.glue.start_workflow_run(Name="empty")


def test_a_run_goes_on_after_kill_9(own_server: Any, account: str) -> None:
    lab = Lab(lambda service, **more: own_server.client(service, account, **more))
    lab.job("first")
    lab.job("after")
    lab.glue.create_workflow(Name="w")
    lab.trigger("begin", "ON_DEMAND", {"JobName": "first"}, WorkflowName="w")
    lab.trigger("on", "CONDITIONAL", {"JobName": "after"}, WorkflowName="w", Predicate={"Logical": "ANY", "Conditions": [on("first", "SUCCEEDED"), on("first", "FAILED")]})  # fmt: skip
    lab.job("timed")
    lab.trigger("clock", "SCHEDULED", {"JobName": "timed"}, Schedule="cron(0 12 1 1 ? *)")
    run = lab.glue.start_workflow_run(Name="w")["RunId"]
    own_server.kill()
    with sqlite3.connect(next(own_server.home.rglob("glue_triggers.sqlite"))) as times:
        times.execute("UPDATE times SET due = ?", (time.time() + 1,))
    own_server.restart()
    found = lab.ended("w", run)
    assert (found["Status"], found["Statistics"]["TotalActions"]) == ("COMPLETED", 2)
    timed = until(lambda: lab.glue.get_job_runs(JobName="timed")["JobRuns"], "the run of the schedule")
    assert [each["TriggerName"] for each in timed] == ["clock"]


@pytest.mark.unit
def test_a_predicate_asks_for_the_last_action_of_each() -> None:
    run = Run("w", actions=[Action("t", "job", "a", state="FAILED"), Action("t", "job", "a", state="SUCCEEDED")])
    both = {"Conditions": [on("a", "SUCCEEDED"), {"CrawlerName": "c", "CrawlState": "SUCCEEDED"}]}
    trigger = Trigger("t", "arn", {"Type": "CONDITIONAL", "Actions": [], "Predicate": both})
    assert not running._holds(trigger, run)
    run.actions.append(Action("t", "crawler", "c", state="SUCCEEDED"))
    assert running._holds(trigger, run)
    both["Conditions"][0]["State"] = "FAILED"
    assert not running._holds(trigger, run)
    assert running._holds(Trigger("t", "arn", {"Type": "CONDITIONAL", "Predicate": {**both, "Logical": "ANY"}}), run)


def test_a_schedule_is_planned_while_the_trigger_is_active(lab: Lab) -> None:
    lab.job("timed")
    soon = datetime.now(UTC) + timedelta(hours=2)
    lab.trigger("clock", "SCHEDULED", {"JobName": "timed"}, Schedule=f"cron({soon.minute} {soon.hour} * * ? *)")
    assert lab.glue.get_trigger(Name="clock")["Trigger"]["State"] == "ACTIVATED"
    lab.glue.stop_trigger(Name="clock")
    assert lab.glue.get_trigger(Name="clock")["Trigger"]["State"] == "DEACTIVATED"
    changed = lab.glue.update_trigger(Name="clock", TriggerUpdate={"Schedule": "cron(0 12 * * ? *)"})["Trigger"]
    assert (changed["Schedule"], changed["Type"]) == ("cron(0 12 * * ? *)", "SCHEDULED")
