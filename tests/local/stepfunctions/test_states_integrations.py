"""Tasks that run functions, jobs and queries."""

from __future__ import annotations

import json

import pytest

from tests.local.databrew.brew_lab import JOIN, BrewLab
from tests.local.stepfunctions.flows import Flows, machine, make_function, make_job, make_role
from tests.polling import until

FUNCTION = """
import boto3, os

class Odd(Exception):
    pass

def handler(event, context):
    if isinstance(event, dict) and event.get("fail"):
        raise Odd("odd number")
    if isinstance(event, dict) and "token" in event:
        boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='{"told": true}')
    return {"got": event}
"""


@pytest.fixture
def flows(client):
    return Flows(client)


@pytest.fixture
def function(flows):
    return make_function(flows.client("lambda"), flows.role, FUNCTION)


def test_a_function_is_invoked(flows, function):
    invoke = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
    found = flows.run(
        machine(
            ("Bare", {"Type": "Task", "Resource": function, "Parameters": {"n.$": "$.n"}}),
            ("Invoke", {**invoke, "Parameters": {"FunctionName": function, "Payload.$": "$"}}),
        ),
        {"n": 1},
    )
    assert found["status"] == "SUCCEEDED", found
    output = json.loads(found["output"])
    assert output["Payload"] == {"got": {"got": {"n": 1}}}
    assert output["StatusCode"] == 200 and output["ExecutedVersion"] == "$LATEST"
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200 and output["SdkResponseMetadata"]["RequestId"]
    kinds = flows.kinds(found["executionArn"])
    assert kinds[2:5] == ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]


def test_the_error_of_a_function_is_the_name_of_its_class(flows, function):
    invoke = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
    task = {**invoke, "Parameters": {"FunctionName": "f", "Payload": {"fail": True}}}
    catch = [{"ErrorEquals": ["Odd"], "Next": "Caught"}]
    found = flows.run(machine(("Invoke", {**task, "Catch": catch, "End": True}), ("Caught", {"Type": "Pass"})))
    output = json.loads(found["output"])
    assert output["Error"] == "Odd" and json.loads(output["Cause"])["errorMessage"] == "odd number"
    none = {**invoke, "Parameters": {"FunctionName": "none", "Payload": {}}}
    found = flows.run(machine(("Invoke", none)), name="none")
    assert (
        found["error"] == "Lambda.ResourceNotFoundException"
        and "Service: AWSLambda; Status Code: 404" in found["cause"]
    )


def test_a_function_sends_the_token_back(flows, function):
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 60,
    }
    found = flows.run(machine(("Invoke", task)))
    assert (found["status"], found["output"]) == ("SUCCEEDED", '{"told":true}'), found


def test_a_glue_job_is_waited_for(flows):
    make_job(flows, "good", "print('done')")
    make_job(flows, "bad", "raise SystemExit('it broke')")
    start = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync"}
    found = flows.run(machine(("Run", {**start, "Parameters": {"JobName": "good", "Arguments": {"--a": "1"}}})))
    assert found["status"] == "SUCCEEDED", found
    run = json.loads(found["output"])
    assert (run["JobName"], run["JobRunState"], run["Arguments"]["--a"]) == ("good", "SUCCEEDED", "1")
    assert flows.kinds(found["executionArn"])[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    found = flows.run(machine(("Run", {**start, "Parameters": {"JobName": "bad"}})), name="bad")
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["JobRunState"] == "FAILED"
    found = flows.run(machine(("Run", {**start, "Parameters": {"JobName": "none"}})), name="none")
    assert found["error"] == "Glue.EntityNotFoundException"
    plain = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun", "Parameters": {"JobName": "good"}}
    found = flows.run(machine(("Run", plain)), name="plain")
    assert json.loads(found["output"]).keys() == {"JobName", "JobRunId"}


def test_a_stopped_execution_stops_its_job(flows):
    make_job(flows, "long", "import time\ntime.sleep(600)")
    task = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": {"JobName": "long"}}
    execution = flows.start(flows.create("flow", machine(("Run", task))))
    until(lambda: "TaskSubmitted" in flows.kinds(execution))
    flows.sfn.stop_execution(executionArn=execution)
    glue = flows.client("glue")
    until(lambda: glue.get_job_runs(JobName="long")["JobRuns"][0]["JobRunState"] == "STOPPED")


def test_a_query_is_waited_for(flows):
    flows.client("s3").create_bucket(Bucket="results-of-flows")
    start = {"Type": "Task", "Resource": "arn:aws:states:::athena:startQueryExecution.sync"}
    place = {"OutputLocation": "s3://results-of-flows/out/"}
    query = {"QueryString": "SELECT 1 + 1 AS two", "WorkGroup": "primary", "ResultConfiguration": place}
    get = {"QueryExecutionId.$": "$.QueryExecution.QueryExecutionId"}
    found = flows.run(
        machine(
            ("Query", {**start, "Parameters": query}),
            ("Get", {"Type": "Task", "Resource": "arn:aws:states:::athena:getQueryResults", "Parameters": get}),
        )
    )
    assert found["status"] == "SUCCEEDED", found
    rows = json.loads(found["output"])["ResultSet"]["Rows"]
    assert [row["Data"][0]["VarCharValue"] for row in rows] == ["two", "2"]
    wrong = {**query, "QueryString": "SELECT none FROM nowhere.nothing"}
    found = flows.run(machine(("Query", {**start, "Parameters": wrong})), name="wrong")
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["Status"]["State"] == "FAILED"


def test_a_databrew_job_is_waited_for(flows, client):
    lab = BrewLab(client)
    lab.new_recipe("steps", JOIN)
    lab.new_job("good", lab.output(Format="CSV", Overwrite=True))
    start = {"Type": "Task", "Resource": "arn:aws:states:::databrew:startJobRun.sync"}
    found = flows.run(machine(("Run", {**start, "Parameters": {"Name": "good"}})))
    assert found["status"] == "SUCCEEDED", found
    run = json.loads(found["output"])
    assert (run["JobName"], run["State"]) == ("good", "SUCCEEDED")
    found = flows.run(machine(("Run", {**start, "Parameters": {"Name": "none"}})), name="none")
    assert found["error"] == "DataBrew.ResourceNotFoundException"


def test_what_the_role_may_not_do_fails(client):
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "glue:GetDatabases", "Resource": "*"}],
    }
    flows = Flows(client, make_role(client("iam"), policy=policy))
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:getTables", "Parameters": {"DatabaseName": "d"}}
    allowed = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:glue:getDatabases",
        "Parameters": {},
        "ResultPath": None,
    }
    found = flows.run(machine(("List", allowed), ("Get", state)))
    assert (found["status"], found["error"]) == ("FAILED", "Glue.AccessDeniedException")
    assert "assumed-role/flow/" in found["cause"] and "is not authorized to perform: glue:GetTables" in found["cause"]


def test_events_are_put_and_one_that_fails_fails_the_task(flows):
    put = {"Type": "Task", "Resource": "arn:aws:states:::events:putEvents"}
    entry = {"Source": "me", "DetailType": "t", "Detail": {"a.$": "$.a"}}
    found = flows.run(machine(("Put", {**put, "Parameters": {"Entries": [entry]}})), {"a": 1})
    assert json.loads(found["output"])["FailedEntryCount"] == 0
    found = flows.run(
        machine(("Put", {**put, "Parameters": {"Entries": [{**entry, "Detail": "no JSON"}]}})), {"a": 1}, "bad"
    )
    assert found["error"] == "EventBridge.FailedEntry"


def test_a_rule_starts_an_execution(flows):
    events = flows.client("events")
    arn = flows.create("flow", machine(("Keep", {"Type": "Pass", "InputPath": "$.detail"})))
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}]}  # fmt: skip
    role = flows.client("iam").create_role(RoleName="rule", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": arn}],
    }
    flows.client("iam").put_role_policy(RoleName="rule", PolicyName="start", PolicyDocument=json.dumps(policy))
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["me"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn, "RoleArn": role}])
    events.put_events(Entries=[{"Source": "me", "DetailType": "t", "Detail": '{"a": 1}'}])
    listed = until(lambda: flows.sfn.list_executions(stateMachineArn=arn)["executions"])
    assert flows.ended(listed[0]["executionArn"])["output"] == '{"a":1}'
