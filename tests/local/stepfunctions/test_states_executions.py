"""Executions on the server: tasks that call services of the local AWS, and the operations on executions."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.stepfunctions.flows import Flows, machine
from tests.polling import until

PASS = ("Only", {"Type": "Pass"})


@pytest.fixture
def flows(client):
    return Flows(client)


def code_of(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"]


def test_a_message_is_sent_and_the_history_tells_it(flows, client):
    queue = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    send = {"QueueUrl": queue, "MessageBody": {"song.$": "$.song"}}
    found = flows.run(
        machine(
            ("Send", {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": send, "ResultPath": "$.sent"}),
            ("Keep", {"Type": "Pass", "OutputPath": "$.song"}),
        ),
        {"song": 7},
    )  # fmt: skip
    assert (found["status"], found["output"]) == ("SUCCEEDED", "7")
    body = client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"]
    assert json.loads(body) == {"song": 7}
    events = flows.history(found["executionArn"])
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["previousEventId"] for event in events] == [0, 0, 2, 3, 4, 5, 6, 7, 8]
    scheduled = events[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"], scheduled["region"]) == (
        "sqs",
        "sendMessage",
        "us-east-1",
    )


def test_a_crawler_is_polled_until_it_is_ready(flows, client):
    glue = client("glue")
    client("s3").create_bucket(Bucket="lake-of-flows")
    client("s3").put_object(Bucket="lake-of-flows", Key="raw/a.json", Body=b'{"song": 1}\n')
    glue.create_database(DatabaseInput={"Name": "db"})
    glue.create_crawler(
        Name="raw", Role=flows.role, DatabaseName="db", Targets={"S3Targets": [{"Path": "s3://lake-of-flows/raw/"}]}
    )
    sdk = "arn:aws:states:::aws-sdk:glue:"
    get = {"Type": "Task", "Resource": sdk + "getCrawler", "Parameters": {"Name": "raw"}}
    ready = [
        {
            "And": [
                {"Variable": "$.Crawler.State", "StringEquals": "READY"},
                {"Variable": "$.Crawler.LastCrawl", "IsPresent": True},
                {"Variable": "$.Crawler.LastCrawl.Status", "StringEquals": "SUCCEEDED"},
            ],
            "Next": "Done",
        }
    ]
    again = {
        "Type": "Task",
        "Resource": sdk + "startCrawler",
        "Parameters": {"Name": "raw"},
        "Catch": [{"ErrorEquals": ["Glue.CrawlerRunningException"], "ResultPath": "$.error", "Next": "Wait"}],
    }
    found = flows.run(
        machine(
            ("Start", {**again, "Next": "StartAgain"}),
            ("StartAgain", again),
            ("Wait", {"Type": "Wait", "Seconds": 1}),
            (
                "Get",
                {**get, "Retry": [{"ErrorEquals": ["States.ALL"]}]},
            ),
            ("IsReady", {"Type": "Choice", "Choices": ready, "Default": "Wait"}),
            ("Done", {"Type": "Succeed", "OutputPath": "$.Crawler.State"}),
        )
    )  # fmt: skip
    assert found["status"] == "SUCCEEDED", found
    assert json.loads(found["output"]) == "READY"
    assert glue.get_table(DatabaseName="db", Name="raw")["Table"]["Name"] == "raw"


def test_an_sdk_error_has_the_name_and_the_words_of_step_functions(flows):
    found = flows.run(
        machine(("Get", {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:getDatabase", "Parameters": {"Name": "none"}}))
    )  # fmt: skip
    assert (found["status"], found["error"]) == ("FAILED", "Glue.EntityNotFoundException")
    assert found["cause"].endswith(" (SDK Attempt Count: 1)") and "(Service: Glue, Status Code: 400," in found["cause"]


def test_a_nested_execution_is_waited_for(flows):
    inner = flows.create("inner", machine(("Wait", {"Type": "Wait", "Seconds": 1}), PASS))
    start = {"StateMachineArn": inner, "Input": {"a.$": "$.a"}}
    both = {
        "Type": "Parallel",
        "Branches": [
            json.loads(machine((f"Start{number}", {"Type": "Task", "Resource": f"arn:aws:states:::states:startExecution.{sync}", "Parameters": start})))
            for number, sync in enumerate(("sync", "sync:2"))
        ],
    }  # fmt: skip
    found = flows.run(machine(("Both", both)), {"a": 1}, "outer")
    assert found["status"] == "SUCCEEDED", found
    text, value = json.loads(found["output"])
    assert (text["Output"], value["Output"]) == ('{"a":1}', {"a": 1})
    assert "TaskSubmitted" in flows.kinds(found["executionArn"])


def test_a_nested_execution_that_fails_fails_its_task(flows):
    inner = flows.create("inner", machine(("No", {"Type": "Fail", "Error": "Broken", "Cause": "It is."})))
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": inner},
    }
    found = flows.run(machine(("Start", task)), name="outer")
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["Error"] == "Broken"


def test_a_task_waits_for_its_token(flows, client):
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    send = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": send}
    arn = flows.create("flow", machine(("Ask", {**task, "HeartbeatSeconds": 600})))
    execution = flows.start(arn)

    def token() -> str:
        found = until(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=found[0]["ReceiptHandle"])
        return json.loads(found[0]["Body"])["token"]

    first = token()
    flows.sfn.send_task_heartbeat(taskToken=first)
    assert code_of(flows.sfn.send_task_success, taskToken=first, output="{") == "InvalidOutput"
    flows.sfn.send_task_success(taskToken=first, output='{"yes": true}')
    found = flows.ended(execution)
    assert (found["status"], found["output"]) == ("SUCCEEDED", '{"yes":true}')
    assert code_of(flows.sfn.send_task_success, taskToken=first, output="{}") == "TaskTimedOut"
    assert code_of(flows.sfn.send_task_heartbeat, taskToken="none") == "InvalidToken"
    execution = flows.start(arn)
    flows.sfn.send_task_failure(taskToken=token(), error="No", cause="Because.")
    found = flows.ended(execution)
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "No", "Because.")
    kinds = flows.kinds(execution)
    assert kinds[-3:] == ["TaskSubmitted", "TaskFailed", "ExecutionFailed"]


def test_a_task_without_heartbeat_times_out_and_is_caught(flows, client):
    queue = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    send = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Caught"}]
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": send}
    found = flows.run(
        machine(("Ask", {**task, "HeartbeatSeconds": 1, "Catch": catch, "End": True}), ("Caught", {"Type": "Pass"}))
    )
    assert found["status"] == "SUCCEEDED"
    assert json.loads(found["output"])["Error"] == "States.Timeout"
    assert "TaskTimedOut" in flows.kinds(found["executionArn"])


def test_an_activity_is_done_by_a_worker(flows):
    activity = flows.sfn.create_activity(name="check")["activityArn"]
    assert flows.sfn.describe_activity(activityArn=activity)["name"] == "check"
    execution = flows.start(flows.create("flow", machine(("Check", {"Type": "Task", "Resource": activity}))), {"n": 4})
    task = flows.sfn.get_activity_task(activityArn=activity, workerName="me")
    assert json.loads(task["input"]) == {"n": 4}
    flows.sfn.send_task_success(taskToken=task["taskToken"], output="16")
    assert flows.ended(execution)["output"] == "16"
    assert flows.kinds(execution)[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]


def test_start_is_idempotent_by_name_and_input_while_it_runs(flows):
    arn = flows.create("flow", machine(("Wait", {"Type": "Wait", "Seconds": 3600})))
    first = flows.start(arn, {"a": 1}, name="one")
    assert flows.start(arn, {"a": 1}, name="one") == first
    assert code_of(flows.sfn.start_execution, stateMachineArn=arn, name="one", input="{}") == "ExecutionAlreadyExists"
    flows.sfn.stop_execution(executionArn=first, error="Enough", cause="Over.")
    found = flows.ended(first)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "Over.")
    assert flows.kinds(first) == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]
    code = code_of(flows.sfn.start_execution, stateMachineArn=arn, name="one", input='{"a": 1}')
    assert code == "ExecutionAlreadyExists"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"input": "{"}, "InvalidExecutionInput"),
        ({"name": "a b"}, "InvalidName"),
        ({"name": "a" * 81}, "ValidationException"),
        ({"stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:x"}, "InvalidArn"),
        ({"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:none"}, "StateMachineDoesNotExist"),
        ({"input": '"' + "x" * 262144 + '"'}, "ValidationException"),
    ],
)
def test_a_wrong_start_is_refused(flows, parameters, code):
    arn = flows.create("flow", machine(PASS))
    assert code_of(flows.sfn.start_execution, **{"stateMachineArn": arn, **parameters}) == code


def test_executions_and_history_come_in_pages(flows):
    arn = flows.create("flow", machine(PASS))
    started = [flows.start(arn, name=f"run-{number}") for number in range(7)]
    for execution in started:
        flows.ended(execution)
    pages = list(
        flows.sfn.get_paginator("list_executions").paginate(stateMachineArn=arn, PaginationConfig={"PageSize": 3})
    )
    assert [len(page["executions"]) for page in pages] == [3, 3, 1]
    assert [each["executionArn"] for page in pages for each in page["executions"]] == started[::-1]
    listed = flows.sfn.list_executions(stateMachineArn=arn, statusFilter="RUNNING")
    assert listed["executions"] == []
    assert code_of(flows.sfn.list_executions, stateMachineArn=arn, nextToken="wrong") == "InvalidToken"
    pager = flows.sfn.get_paginator("get_execution_history")
    pages = list(pager.paginate(executionArn=started[0], reverseOrder=True, PaginationConfig={"PageSize": 3}))
    assert [[event["id"] for event in page["events"]] for page in pages] == [[4, 3, 2], [1]]


def test_a_failed_execution_is_redriven_where_it_failed(flows, client):
    get = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sqs:getQueueUrl", "Parameters": {"QueueName": "later"}}
    found = flows.run(machine(("Before", {"Type": "Pass", "Result": 1, "ResultPath": "$.a"}), ("Get", get)))
    execution = found["executionArn"]
    assert (found["status"], found["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    client("sqs").create_queue(QueueName="later")
    flows.sfn.redrive_execution(executionArn=execution, clientToken="once")
    flows.sfn.redrive_execution(executionArn=execution, clientToken="once")
    found = flows.ended(execution)
    assert (found["status"], found["redriveCount"]) == ("SUCCEEDED", 1)
    kinds = flows.kinds(execution)
    assert kinds.count("ExecutionRedriven") == 1 and kinds.count("PassStateEntered") == 1
    assert code_of(flows.sfn.redrive_execution, executionArn=execution) == "ExecutionNotRedrivable"


def test_a_redrive_runs_only_the_branches_and_items_that_failed(flows, client):
    get = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sqs:getQueueUrl", "ResultSelector": {"Found": True}}
    item = machine(("Get", {**get, "Parameters": {"QueueName.$": "$"}}))
    items = {"Type": "Map", "ItemsPath": "$", "MaxConcurrency": 1, "ItemProcessor": json.loads(item)}
    client("sqs").create_queue(QueueName="a")
    found = flows.run(machine(("Items", items)), ["a", "b", "c"])
    execution = found["executionArn"]
    assert found["status"] == "FAILED" and flows.kinds(execution).count("TaskSucceeded") == 1
    for name in ("b", "c"):
        client("sqs").create_queue(QueueName=name)
    flows.sfn.redrive_execution(executionArn=execution)
    found = flows.ended(execution)
    assert (found["status"], found["output"]) == ("SUCCEEDED", '[{"Found":true},{"Found":true},{"Found":true}]')
    assert flows.kinds(execution).count("TaskSucceeded") == 3


def test_the_whole_execution_has_a_time_limit(flows):
    found = flows.run(machine(("Wait", {"Type": "Wait", "Seconds": 3600}), TimeoutSeconds=1))
    assert found["status"] == "TIMED_OUT"
    assert flows.kinds(found["executionArn"])[-1] == "ExecutionTimedOut"


def test_express_runs_at_once_and_has_no_history(flows, client):
    arn = flows.create(
        "quick", machine(("Add", {"Type": "Pass", "Parameters": {"b.$": "States.MathAdd($.a, 1)"}})), type="EXPRESS"
    )
    sync = client("stepfunctions", inject_host_prefix=False)
    found = sync.start_sync_execution(stateMachineArn=arn, input='{"a": 1}')
    assert (found["status"], found["output"]) == ("SUCCEEDED", '{"b":2}')
    assert found["billingDetails"]["billedDurationInMilliseconds"] >= 100
    found = sync.start_sync_execution(stateMachineArn=arn, input="{}")
    assert (found["status"], found["error"]) == ("FAILED", "States.IntrinsicFailure")
    execution = flows.start(arn, {"a": 1})
    assert ":express:quick:" in execution
    assert code_of(flows.sfn.describe_execution, executionArn=execution) == "InvalidArn"
    assert code_of(flows.sfn.list_executions, stateMachineArn=arn) == "StateMachineTypeNotSupported"
    standard = flows.create("slow", machine(PASS))
    assert code_of(sync.start_sync_execution, stateMachineArn=standard) == "StateMachineTypeNotSupported"


def test_status_events_and_log_lines_are_told(flows, client):
    logs, events, sqs = client("logs"), client("events"), client("sqs")
    logs.create_log_group(logGroupName="/flows")
    group = logs.describe_log_groups()["logGroups"][0]["arn"]
    queue = sqs.create_queue(QueueName="status")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="status", EventPattern=json.dumps({"source": ["aws.states"]}))
    events.put_targets(Rule="status", Targets=[{"Id": "1", "Arn": queue_arn}])
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue_arn}]}  # fmt: skip
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    logging = {
        "level": "ALL",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
    }
    arn = flows.create("flow", machine(PASS), loggingConfiguration=logging)
    execution = flows.start(arn, {"a": 1})
    flows.ended(execution)

    def messages() -> list:
        return [json.loads(each["message"]) for each in logs.filter_log_events(logGroupName="/flows")["events"]]

    lines = until(lambda: (found := messages()) and len(found) == 4 and found)
    assert [line["type"] for line in lines] == flows.kinds(execution)
    assert lines[0]["details"]["input"] == '{"a": 1}' and lines[0]["execution_arn"] == execution
    told = {}

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        ):
            body = json.loads(message["Body"])
            told[body["detail"]["status"]] = body
        return told.keys() == {"RUNNING", "SUCCEEDED"}

    until(both)
    assert told["SUCCEEDED"]["detail-type"] == "Step Functions Execution Status Change"
    assert told["SUCCEEDED"]["detail"]["output"] == '{"a":1}' and told["RUNNING"]["resources"] == [execution]


def test_many_waits_cost_no_thread(flows):
    arn = flows.create("flow", machine(("Wait", {"Type": "Wait", "Seconds": 2}), PASS))
    begin = time.monotonic()
    started = [flows.start(arn) for _ in range(60)]
    assert all(flows.ended(each)["status"] == "SUCCEEDED" for each in started)
    assert time.monotonic() - begin < 30
