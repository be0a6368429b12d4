"""kill -9 while executions run: they go on where they were, and nothing is started twice."""

from __future__ import annotations

import json

import pytest

from tests.local.stepfunctions.flows import Flows, machine, make_function, make_job
from tests.polling import until

ACCOUNT = "210000000001"


@pytest.fixture
def flows(own_server):
    return Flows(lambda service, **settings: own_server.client(service, ACCOUNT, **settings))


def restart(own_server) -> None:
    own_server.kill()
    own_server.restart()


def test_waits_branches_and_items_go_on(own_server, flows):
    sqs = flows.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    send = {"QueueUrl": queue, "MessageBody.$": "States.Format('{}', $)"}
    item = machine(
        ("Pause", {"Type": "Wait", "Seconds": 2}),
        ("Send", {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": send}),
        ("Pause2", {"Type": "Wait", "Seconds": 1}),
        ("Keep", {"Type": "Pass", "Result": "sent"}),
    )
    branch = machine(("Long", {"Type": "Wait", "Seconds": 4}), ("Value", {"Type": "Pass", "Result": 1}))
    both = {"Type": "Parallel", "Branches": [json.loads(machine(("Items", {"Type": "Map", "ItemProcessor": json.loads(item)}))), json.loads(branch)]}  # fmt: skip
    arn = flows.create("flow", machine(("Both", both)))
    executions = [flows.start(arn, list(range(5))) for _ in range(4)]
    restart(own_server)  # in the first pause
    # the second kill comes when no call is under way: what becomes of one that is, is the next test's
    until(lambda: all(flows.kinds(each).count("TaskSucceeded") == 5 for each in executions))
    restart(own_server)
    restart(own_server)
    for execution in executions:
        found = flows.ended(execution)
        assert (found["status"], found["output"]) == ("SUCCEEDED", '[["sent","sent","sent","sent","sent"],1]'), found
        ids = [event["id"] for event in flows.history(execution)]
        assert ids == list(range(1, len(ids) + 1))
        started = [event for event in flows.history(execution) if event["type"] == "TaskScheduled"]
        assert len(started) == 5
    bodies = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in messages]
    assert len(bodies) == 20, "each message was sent once"


def test_a_call_under_way_is_not_made_again_without_a_retry(own_server, flows):
    """Nobody knows whether a call that was cut off has been done: the task fails with what AWS calls a lost connection."""
    sqs = flows.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    receive = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sqs:receiveMessage",
        "Parameters": {"QueueUrl": queue, "WaitTimeSeconds": 20},
    }
    retry = [{"ErrorEquals": ["Sqs.SdkClientException"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    plain = flows.start(flows.create("plain", machine(("Receive", receive))))
    again = flows.start(flows.create("again", machine(("Receive", {**receive, "Retry": retry}))))
    for execution in (plain, again):
        until(lambda execution=execution: "TaskStarted" in flows.kinds(execution))
    restart(own_server)
    found = flows.ended(plain)
    assert (found["status"], found["error"]) == ("FAILED", "Sqs.SdkClientException")
    assert "not known" in found["cause"]
    until(lambda: flows.kinds(again).count("TaskStarted") == 2)
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    found = flows.ended(again)
    assert found["status"] == "SUCCEEDED" and json.loads(found["output"])["Messages"][0]["Body"] == "m"


def test_reads_and_nested_executions_go_on(own_server, flows):
    inner = flows.create(
        "inner", machine(("Wait", {"Type": "Wait", "Seconds": 5}), ("End", {"Type": "Pass", "Result": 7}))
    )
    start = {"StateMachineArn": inner, "Input": {}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": start}
    execution = flows.start(
        flows.create("outer", machine(("Start", task), ("Out", {"Type": "Pass", "OutputPath": "$.Output"})))
    )
    until(lambda: "TaskSubmitted" in flows.kinds(execution))
    restart(own_server)
    found = flows.ended(execution)
    assert (found["status"], found["output"]) == ("SUCCEEDED", "7")
    assert len(flows.sfn.list_executions(stateMachineArn=inner)["executions"]) == 1


def test_tokens_retries_and_time_limits_survive(own_server, flows):
    sqs = flows.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    send = {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"}
    ask = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": send}
    token = flows.start(flows.create("token", machine(("Ask", {**ask, "TimeoutSeconds": 600}))))
    late = flows.start(flows.create("late", machine(("Ask", {**ask, "TimeoutSeconds": 4}))))
    whole = flows.start(flows.create("whole", machine(("Wait", {"Type": "Wait", "Seconds": 600}), TimeoutSeconds=4)))
    fails = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sqs:getQueueUrl",
        "Parameters": {"QueueName": "later"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "BackoffRate": 1, "MaxAttempts": 5}],
    }
    retried = flows.start(flows.create("retried", machine(("Get", fails))))
    activity = flows.sfn.create_activity(name="work")["activityArn"]
    worked = flows.start(flows.create("worked", machine(("Work", {"Type": "Task", "Resource": activity}))))
    until(lambda: "TaskSubmitted" in flows.kinds(token) and "TaskFailed" in flows.kinds(retried))
    restart(own_server)
    sqs.create_queue(QueueName="later")
    tokens = {}

    def received() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            tokens[message["Body"]] = True
        return len(tokens) == 2

    until(received)
    for each in tokens:
        try:
            flows.sfn.send_task_success(taskToken=each, output="5")
        except flows.sfn.exceptions.TaskTimedOut:
            continue
    task = flows.sfn.get_activity_task(activityArn=activity)
    flows.sfn.send_task_success(taskToken=task["taskToken"], output="6")
    assert flows.ended(token)["output"] == "5"
    assert flows.ended(worked)["output"] == "6"
    assert flows.ended(retried)["status"] == "SUCCEEDED"
    assert flows.ended(whole)["status"] == "TIMED_OUT"
    assert flows.ended(late)["status"] in ("FAILED", "SUCCEEDED")


def test_what_was_started_is_there_after_any_kill(own_server, flows):
    """Executions are started while the server is killed again and again: each that was acknowledged ends well."""
    states = [(f"S{number}", {"Type": "Pass", "Result": number, "ResultPath": f"$.s{number}"}) for number in range(12)]
    arn = flows.create("many", machine(*states))
    started = []
    for _ in range(3):
        for _ in range(30):
            started.append(flows.start(arn, {"n": len(started)}))
        restart(own_server)
    for number, execution in enumerate(started):
        found = flows.ended(execution)
        output = json.loads(found["output"])
        assert found["status"] == "SUCCEEDED" and output["n"] == number and output["s11"] == 11
        assert len(flows.history(execution)) == 26


def test_a_job_is_started_once_and_a_function_is_not_run_twice(own_server, flows):
    make_job(flows, "slow", "import time\ntime.sleep(4)")
    functions = flows.client("lambda")
    make_function(functions, flows.role, "import time\ndef handler(event, context):\n    time.sleep(600)\n")
    job = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": {"JobName": "slow"}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}}
    catch = [{"ErrorEquals": ["Lambda.SdkClientException"], "Next": "Lost"}]
    run = flows.start(flows.create("run", machine(("Run", job))))
    invoke = flows.start(
        flows.create("invoke", machine(("Invoke", {**task, "Catch": catch, "End": True}), ("Lost", {"Type": "Pass"})))
    )
    until(lambda: "TaskSubmitted" in flows.kinds(run) and "TaskStarted" in flows.kinds(invoke))
    restart(own_server)
    found = flows.ended(invoke)
    assert json.loads(found["output"])["Error"] == "Lambda.SdkClientException"
    found = flows.ended(run)
    runs = flows.client("glue").get_job_runs(JobName="slow")["JobRuns"]
    assert len(runs) == 1 and found["status"] == runs[0]["JobRunState"].replace("STOPPED", "FAILED"), (found, runs)


def test_the_end_of_every_execution_is_told(own_server, flows):
    """A rule waits for the ends; the server is killed right after they are stored."""
    sqs, events = flows.client("sqs"), flows.client("events")
    queue = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pattern = {"source": ["aws.states"], "detail": {"status": ["SUCCEEDED"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ends", Targets=[{"Id": "1", "Arn": arn}])
    machine_arn = flows.create("flow", machine(("Only", {"Type": "Pass"})))
    started = set()
    for _ in range(2):
        started |= {flows.start(machine_arn) for _ in range(25)}
        restart(own_server)
    told = set()

    def all_told() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            told.add(json.loads(message["Body"])["detail"]["executionArn"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return told == started

    until(all_told)
