"""EventBridge through boto3: events from a bus over rules to targets of each kind, retries, dead letters, kill -9."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from infra.local.core.outbox import Again, Item, Outbox
from tests.local.events.event_lab import (
    REGION,
    Client,
    Queue,
    allow_call,
    make_function,
    make_role,
    metric_sum,
    rule,
    send,
)
from tests.polling import until
from tests.refusals import refusal

SOLD = {"source": ["shop"], "detail-type": ["Sold"]}


@pytest.fixture
def events(client: Client) -> Any:
    return client("events")


@pytest.fixture
def queue(client: Client, account: str) -> Queue:
    return Queue(client("sqs"), "told", account)


# --- what arrives ---------------------------------------------------------------------------------------------------


def test_envelope(events: Any, queue: Queue, account: str) -> None:
    rule(events, "r", SOLD, queue.arn)
    entry = {
        "Source": "shop",
        "DetailType": "Sold",
        "Detail": '{"piece": "ü", "number": 1.5, "list": []}',
        "Resources": ["arn:x"],
        "Time": 1_700_000_000.9,
    }
    (answer,) = events.put_events(Entries=[entry])["Entries"]
    assert queue.bodies(1) == [
        {
            "version": "0",
            "id": answer["EventId"],
            "detail-type": "Sold",
            "source": "shop",
            "account": account,
            "time": "2023-11-14T22:13:20Z",
            "region": REGION,
            "resources": ["arn:x"],
            "detail": {"piece": "ü", "number": 1.5, "list": []},
        }
    ]


def test_only_what_matches_arrives_and_a_disabled_rule_sends_nothing(events: Any, queue: Queue) -> None:
    rule(events, "big", {"detail": {"size": [{"numeric": [">", 10]}]}}, queue.arn, Input='"big"')
    rule(events, "off", {"source": ["shop"]}, queue.arn, Input='"off"')
    events.disable_rule(Name="off")
    events.put_rule(Name="clock", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="clock", Targets=[{"Id": "t", "Arn": queue.arn, "Input": '"clock"'}])
    send(events, size=1)
    send(events, size=11)
    assert queue.bodies(1) == ["big"]
    events.enable_rule(Name="off")
    send(events, size=2)
    assert queue.bodies(1) == ["off"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"Input": '{"constant": true}'}, {"constant": True}),
        ({"InputPath": "$.detail"}, {"n": 7, "who": "me"}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.n", "who": "$.detail.who"},
                    "InputTemplate": '{"text": "<who> has <n>", "rule": "<aws.events.rule-name>", "n": <n>}',
                }
            },
            {"text": "me has 7", "rule": "r", "n": 7},
        ),
    ],
)
def test_input(events: Any, queue: Queue, target: dict[str, Any], expected: Any) -> None:
    rule(events, "r", SOLD, queue.arn, **target)
    send(events, n=7, who="me")
    assert queue.bodies(1) == [expected]


def test_transformer_knows_the_whole_event(events: Any, queue: Queue) -> None:
    template = (
        '{"event": <aws.events.event>, "all": <aws.events.event.json>, '
        '"arn": <aws.events.rule-arn>, "at": <aws.events.event.ingestion-time>}'
    )
    arn = rule(events, "r", SOLD, queue.arn, InputTransformer={"InputTemplate": template})
    event_id = send(events, n=1)
    (body,) = queue.bodies(1)
    assert body["all"].pop("detail") == {"n": 1}
    body["all"]["detailType"] = body["all"].pop("detail-type")
    assert body["event"] == body["all"] and body["event"]["id"] == event_id and body["arn"] == arn
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["at"])


def test_a_template_that_gives_no_json_is_not_delivered(
    events: Any, queue: Queue, client: Client, account: str
) -> None:
    letters = Queue(client("sqs"), "letters", account)
    transformer = {"InputPathsMap": {"tags": "$.detail.tags"}, "InputTemplate": '{"tags": "<tags>"}'}
    rule(events, "r", SOLD, queue.arn, InputTransformer=transformer, DeadLetterConfig={"Arn": letters.arn})
    send(events, tags=[1, 2])
    send(events, tags=["a"])
    (letter,) = letters.take(1)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"
    assert queue.bodies(1) == [{"tags": "[1,2]"}]


# --- targets --------------------------------------------------------------------------------------------------------


def test_fifo_queue(client: Client, events: Any, account: str) -> None:
    fifo = Queue(client("sqs"), "f.fifo", account, FifoQueue="true", ContentBasedDeduplication="true")
    error = refusal(
        events.put_targets,
        Rule=events.put_rule(Name="r", EventPattern=json.dumps(SOLD)) and "r",
        Targets=[{"Id": "t", "Arn": fifo.arn}],
    )
    assert error[1] == "Parameter(s) SqsParameters must be specified for target: t."
    rule(events, "r", SOLD, fifo.arn, SqsParameters={"MessageGroupId": "g"})
    sent = [send(events, n=number) for number in range(12)]
    messages = []
    until(lambda: messages.extend(fifo.messages()) or len(messages) >= 12)
    assert [json.loads(message["Body"])["id"] for message in messages] == sent
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}


def test_topic(client: Client, events: Any, account: str) -> None:
    sns, queue = client("sns"), Queue(client("sqs"), "of-topic", account, allowed=False)
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    queue.allow("sns.amazonaws.com")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    rule(events, "r", SOLD, topic)
    event_id = send(events)
    assert queue.bodies(1)[0]["id"] == event_id


def test_streams(client: Client, events: Any, account: str) -> None:
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    role = make_role(client("iam"), "to-stream", "events.amazonaws.com", "kinesis:PutRecord", "kinesis:PutRecords")
    arn = f"arn:aws:kinesis:{REGION}:{account}:stream/s"
    until(
        lambda: kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    )
    events.put_rule(Name="r", EventPattern=json.dumps(SOLD))
    assert refusal(events.put_targets, Rule="r", Targets=[{"Id": "t", "Arn": arn}]) == (
        "ValidationException",
        f"RoleArn is required for target {arn}.",
    )
    parameters = {"PartitionKeyPath": "$.detail.key"}
    rule(events, "r", SOLD, arn, RoleArn=role, KinesisParameters=parameters)
    send(events, key="k1")
    event_id = send(events)
    shard = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = until(
        lambda: (found := kinesis.get_records(ShardIterator=shard)["Records"]) and len(found) == 2 and found
    )
    assert [record["PartitionKey"] for record in records] == ["k1", event_id]
    assert json.loads(records[0]["Data"])["detail"] == {"key": "k1"}


def test_log_group_with_a_resource_policy(client: Client, events: Any, account: str) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="/aws/events/r")
    arn = f"arn:aws:logs:{REGION}:{account}:log-group:/aws/events/r"
    rule(events, "r", SOLD, arn)
    send(events, n=1)
    until(lambda: metric_sum(client("cloudwatch"), "FailedInvocations", "r") == 1)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{arn}:*",
    }
    logs.put_resource_policy(
        policyName="p", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    event_id = send(events, n=2)
    found = until(lambda: logs.filter_log_events(logGroupName="/aws/events/r")["events"])
    assert [json.loads(line["message"])["id"] for line in found] == [event_id]


def test_other_bus(client: Client, events: Any, queue: Queue, account: str) -> None:
    other = events.create_event_bus(Name="orders")["EventBusArn"]
    rule(events, "r", SOLD, other)
    events.put_rule(Name="all", EventBusName="orders", EventPattern=json.dumps({"account": [account]}))
    events.put_targets(Rule="all", EventBusName="orders", Targets=[{"Id": "t", "Arn": queue.arn}])
    event_id = send(events)
    assert queue.bodies(1)[0]["id"] == event_id


def test_bus_of_another_account(server: Any, client: Client, events: Any, account: str) -> None:
    far = str(int(account) + 500_000_000_000)
    far_events, far_queue = server.client("events", far), Queue(server.client("sqs", far), "far", far)
    bus = f"arn:aws:events:{REGION}:{far}:event-bus/default"
    rule(far_events, "r", {"source": ["shop"]}, far_queue.arn)
    entry = {"Source": "shop", "DetailType": "Sold", "Detail": "{}", "EventBusName": bus}
    code, text = refusal(events.put_events, Entries=[entry])
    assert code == "AccessDeniedException"
    assert text == (
        f"User: arn:aws:iam::{account}:root is not authorized to perform: events:PutEvents on resource: {bus} "
        "because no resource-based policy allows the events:PutEvents action"
    )
    far_events.put_permission(Action="events:PutEvents", Principal=account, StatementId="friend")
    (answer,) = events.put_events(Entries=[entry])["Entries"]
    (body,) = far_queue.bodies(1)
    assert (body["id"], body["account"]) == (answer["EventId"], account)


def test_a_rule_that_triggers_itself_is_stopped(client: Client, events: Any, queue: Queue, account: str) -> None:
    own_bus = f"arn:aws:events:{REGION}:{account}:event-bus/default"
    rule(events, "r", SOLD, own_bus, DeadLetterConfig={"Arn": queue.arn})
    event_id = send(events)
    (letter,) = queue.take(1)
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == "LOOP_DETECTED" and "in a circle" in told["ERROR_MESSAGE"]
    assert json.loads(letter["Body"])["id"] == event_id


SEND_ON = """
import json, boto3
def handler(event, context):
    detail = json.dumps({"n": event["detail"].get("n", 0) + 1})
    boto3.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "Sold", "Detail": detail}])
"""


def test_function_and_a_rule_that_triggers_itself_through_it(client: Client, events: Any, queue: Queue) -> None:
    function = make_function(client, "on", SEND_ON, "events:PutEvents")
    rule(events, "loop", SOLD, function, DeadLetterConfig={"Arn": queue.arn})
    send(events)
    (letter,) = queue.take(1)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    allow_call(client, "on", "events.amazonaws.com")
    send(events)
    (letter,) = queue.take(1, seconds=60)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "LOOP_DETECTED"
    assert json.loads(letter["Body"])["detail"] == {"n": 17}


SEND_ON_FROM_QUEUE = """
import boto3, json
def handler(event, context):
    for record in event["Records"]:
        number = json.loads(record["body"] if "body" in record else record["Sns"]["Message"])["detail"].get("n", 0)
        entry = {"Source": "shop", "DetailType": "Sold", "Detail": json.dumps({"n": number + 1})}
        boto3.client("events").put_events(Entries=[entry])
"""


def test_a_rule_that_triggers_itself_through_a_topic(client: Client, events: Any, queue: Queue) -> None:
    topic = client("sns").create_topic(Name="round")["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    function = make_function(client, "on", SEND_ON_FROM_QUEUE, "events:PutEvents")
    allow_call(client, "on", "sns.amazonaws.com")
    client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    rule(events, "loop", SOLD, topic, DeadLetterConfig={"Arn": queue.arn})
    send(events)
    (letter,) = queue.take(1, seconds=60)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "LOOP_DETECTED"
    assert json.loads(letter["Body"])["detail"] == {"n": 17}


def test_a_rule_that_triggers_itself_through_a_queue(client: Client, events: Any, queue: Queue, account: str) -> None:
    between = Queue(client("sqs"), "between", account)
    make_function(client, "on", SEND_ON_FROM_QUEUE, "events:PutEvents", "sqs:*")
    client("lambda").create_event_source_mapping(EventSourceArn=between.arn, FunctionName="on", BatchSize=1)
    rule(events, "loop", SOLD, between.arn, DeadLetterConfig={"Arn": queue.arn})
    send(events)
    (letter,) = queue.take(1, seconds=60)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "LOOP_DETECTED"
    assert json.loads(letter["Body"])["detail"] == {"n": 17}


WRITE = """
import boto3
def handler(event, context):
    name = event["detail"]["object"]["key"]
    boto3.client("s3").put_object(Bucket=event["detail"]["bucket"]["name"], Key=f"{name}+", Body=b"x")
"""


@pytest.fixture
def watched(client: Client, account: str) -> str:
    """A bucket that tells EventBridge of its objects."""
    bucket = f"watched-{account}"
    client("s3").create_bucket(Bucket=bucket)
    client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return bucket


def stopped_after(queue: Queue) -> str:
    """The key in the event that was stopped as a loop."""
    (letter,) = queue.take(1, seconds=60)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "LOOP_DETECTED"
    return str(json.loads(letter["Body"])["detail"]["object"]["key"])


def test_rule_that_triggers_itself_through_the_object_that_its_function_writes(
    client: Client, events: Any, queue: Queue, watched: str
) -> None:
    function = make_function(client, "writes", WRITE, "s3:PutObject")
    allow_call(client, "writes", "events.amazonaws.com")
    rule(events, "loop", {"source": ["aws.s3"]}, function, DeadLetterConfig={"Arn": queue.arn})
    client("s3").put_object(Bucket=watched, Key="a", Body=b"x")
    assert stopped_after(queue) == "a" + "+" * 17
    assert len(client("s3").list_objects_v2(Bucket=watched)["Contents"]) == 18  # and nothing came after it


def test_rule_that_triggers_itself_through_a_state_machine(
    client: Client, events: Any, queue: Queue, watched: str
) -> None:
    write = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Arguments": {
            "Bucket": watched, "Key": "{% $states.input.detail.object.key & '+' %}", "Body": "x",
        },
        "End": True,
    }  # fmt: skip
    machine = client("stepfunctions").create_state_machine(
        name="writes",
        definition=json.dumps({"StartAt": "Write", "States": {"Write": write}}),
        roleArn=make_role(client("iam"), "writes", "states.amazonaws.com", "s3:PutObject"),
    )["stateMachineArn"]
    role = make_role(client("iam"), "starts", "events.amazonaws.com", "states:StartExecution")
    rule(events, "loop", {"source": ["aws.s3"]}, machine, RoleArn=role, DeadLetterConfig={"Arn": queue.arn})
    client("s3").put_object(Bucket=watched, Key="a", Body=b"x")
    assert stopped_after(queue) == "a" + "+" * 17


def test_state_machine_is_started_once_for_an_event(client: Client, events: Any, account: str) -> None:
    machines, iam = client("stepfunctions"), client("iam")
    definition = {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}
    machine = machines.create_state_machine(
        name="m",
        definition=json.dumps(definition),
        roleArn=make_role(iam, "machine", "states.amazonaws.com", "logs:CreateLogGroup"),
    )["stateMachineArn"]
    role = make_role(iam, "starter", "events.amazonaws.com", "states:StartExecution")
    rule(events, "r", SOLD, machine, RoleArn=role)
    event_id = send(events, n=1)
    (execution,) = until(lambda: machines.list_executions(stateMachineArn=machine)["executions"])
    assert execution["name"].startswith(f"{event_id}_")
    told = machines.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(told["input"])["detail"] == {"n": 1}


def test_delivery_stream(client: Client, events: Any, account: str) -> None:
    s3, iam, firehose = client("s3"), client("iam"), client("firehose")
    s3.create_bucket(Bucket=f"events-{account}")
    firehose.create_delivery_stream(
        DeliveryStreamName="d",
        ExtendedS3DestinationConfiguration={
            "RoleARN": make_role(iam, "firehose", "firehose.amazonaws.com", "s3:*"),
            "BucketARN": f"arn:aws:s3:::events-{account}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
        },
    )
    role = make_role(iam, "putter", "events.amazonaws.com", "firehose:PutRecord", "firehose:PutRecordBatch")
    arn = f"arn:aws:firehose:{REGION}:{account}:deliverystream/d"
    rule(events, "r", SOLD, arn, RoleArn=role, InputPath="$.detail")
    send(events, n=7)
    (found,) = until(lambda: s3.list_objects_v2(Bucket=f"events-{account}").get("Contents"))
    assert s3.get_object(Bucket=f"events-{account}", Key=found["Key"])["Body"].read() == b'{"n":7}'


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:glue:us-east-1:123456789012:crawler/raw",
        "arn:aws:glue:us-east-1:123456789012:job/raw",
        "arn:aws:ecs:us-east-1:123456789012:cluster/c",
        "arn:aws:events:us-east-1:123456789012:api-destination/a/1",
    ],
)
def test_targets_that_are_refused(events: Any, arn: str) -> None:
    events.put_rule(Name="r", EventPattern=json.dumps(SOLD))
    code, text = refusal(events.put_targets, Rule="r", Targets=[{"Id": "t", "Arn": arn}])
    assert code == "ValidationException" and "The local AWS" in text


# --- permissions, retries, dead letters -----------------------------------------------------------------------------


@pytest.fixture
def letters(client: Client, account: str) -> Queue:
    return Queue(client("sqs"), "letters", account)


def letter_of(letters: Queue) -> dict[str, str]:
    (letter,) = letters.take(1)
    return {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}


def test_queue_without_a_policy_gets_nothing(client: Client, events: Any, letters: Queue, account: str) -> None:
    closed = Queue(client("sqs"), "closed", account, allowed=False)
    arn = rule(events, "r", SOLD, closed.arn, DeadLetterConfig={"Arn": letters.arn})
    send(events)
    assert letter_of(letters) == {
        "RULE_ARN": arn,
        "TARGET_ARN": closed.arn,
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": f"User: events.amazonaws.com is not authorized to perform: sqs:SendMessage on resource: {closed.arn} "
        "because no resource-based policy allows the sqs:SendMessage action",
        "RETRY_ATTEMPTS": "0",
    }
    cloudwatch = client("cloudwatch")
    counts = {
        name: metric_sum(cloudwatch, name, "r")
        for name in ("MatchedEvents", "Invocations", "FailedInvocations", "InvocationsSentToDlq")
    }
    assert counts == {"MatchedEvents": 1, "Invocations": 1, "FailedInvocations": 1, "InvocationsSentToDlq": 1}


def test_queue_policy_for_another_rule(client: Client, events: Any, letters: Queue, account: str) -> None:
    closed = Queue(client("sqs"), "closed", account, allowed=False)
    closed.allow("events.amazonaws.com", f"arn:aws:events:{REGION}:{account}:rule/other")
    rule(events, "r", SOLD, closed.arn, DeadLetterConfig={"Arn": letters.arn})
    send(events)
    assert letter_of(letters)["ERROR_CODE"] == "NO_PERMISSIONS"
    closed.allow("events.amazonaws.com", f"arn:aws:events:{REGION}:{account}:rule/r*")
    send(events)
    closed.take(1)


def test_target_that_is_gone(client: Client, events: Any, letters: Queue, account: str) -> None:
    target = Queue(client("sqs"), "gone", account)
    rule(events, "r", SOLD, target.arn, DeadLetterConfig={"Arn": letters.arn})
    target.sqs.delete_queue(QueueUrl=target.url)
    send(events)
    told = letter_of(letters)
    assert (told["ERROR_CODE"], told["ERROR_MESSAGE"]) == ("NO_RESOURCE", "The specified queue does not exist.")


def test_role_that_does_not_trust_eventbridge(client: Client, events: Any, letters: Queue, account: str) -> None:
    client("kinesis").create_stream(StreamName="s", ShardCount=1)
    role = make_role(client("iam"), "wrong", "glue.amazonaws.com", "kinesis:*")
    rule(
        events,
        "r",
        SOLD,
        f"arn:aws:kinesis:{REGION}:{account}:stream/s",
        RoleArn=role,
        DeadLetterConfig={"Arn": letters.arn},
    )
    send(events)
    told = letter_of(letters)
    assert told["ERROR_CODE"] == "NO_PERMISSIONS" and "sts:AssumeRole" in told["ERROR_MESSAGE"]


def test_outbox_tries_again_in_order_and_keeps_what_is_not_delivered(tmp_path: Any) -> None:
    seen: list[tuple[int, int]] = []

    def deliver(items: list[Item]) -> list[Again | None]:
        seen.extend((item.body["n"], item.attempts) for item in items)
        return [Again(0.05, "busy") if item.body["n"] == 1 and item.attempts < 2 else None for item in items]

    outbox = Outbox("test", lambda: tmp_path / "outbox.sqlite", deliver)
    outbox.add([("lane", {"n": 0}), ("lane", {"n": 1})])
    until(lambda: outbox.waiting() == 0)
    assert seen == [(0, 0), (1, 0), (1, 1), (1, 2)]
    outbox.stop()

    held = Outbox("held", lambda: tmp_path / "held.sqlite", lambda items: [Again(3600, "no")] * len(items))
    held.add([("lane", {"n": 2})])
    until(lambda: held._rows.read("SELECT attempts FROM items WHERE attempts = 1"))
    held.stop()
    assert held.waiting() == 1


def test_one_slow_receiver_does_not_hold_up_another(tmp_path: Any) -> None:
    done: list[str] = []

    def deliver(items: list[Item]) -> list[Again | None]:
        if items[0].lane == "slow":
            time.sleep(0.5)
        done.extend(item.lane for item in items)
        return [None] * len(items)

    outbox = Outbox("test", lambda: tmp_path / "outbox.sqlite", deliver)
    outbox.add([("slow", {"n": n}) for n in range(30)] + [("quick", {"n": n}) for n in range(30)])
    until(lambda: done.count("quick") == 30, seconds=1)
    assert done.count("slow") < 30
    outbox.stop()


# --- what is refused ------------------------------------------------------------------------------------------------


def test_test_event_pattern(events: Any) -> None:
    event = {
        "id": "1", "account": "1", "source": "aws.s3", "time": "2026-01-01T00:00:00Z", "region": REGION,
        "resources": [], "detail-type": "Object Created", "detail": {"object": {"key": "data/raw/x"}},
    }  # fmt: skip
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "data/raw/"}]}}}
    ask = events.test_event_pattern
    assert ask(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"] is True
    event["source"] = "aws.glue"
    assert ask(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"] is False
    assert refusal(ask, EventPattern='{"source": "x"}', Event=json.dumps(event)) == (
        "InvalidEventPatternException",
        'Event pattern is not valid. Reason: "source" must be an object or an array',
    )
    assert refusal(ask, EventPattern=json.dumps(pattern), Event="{")[0] == "ValidationException"
    assert refusal(ask, EventPattern=json.dumps(pattern), Event='{"id": "1"}')[0] == "ValidationException"


def test_put_events_errors_are_per_entry(events: Any, queue: Queue) -> None:
    rule(events, "r", {"source": ["shop"]}, queue.arn)
    good = {"Source": "shop", "DetailType": "Sold", "Detail": "{}"}
    answer = events.put_events(
        Entries=[
            good,
            {"DetailType": "Sold", "Detail": "{}"},
            {"Source": "shop", "Detail": "{}"},
            {"Source": "shop", "DetailType": "Sold"},
            {**good, "Detail": "{"},
            {**good, "Detail": "[1]"},
            {**good, "Source": "aws.s3"},
            {**good, "EventBusName": "nobody"},
        ]
    )
    codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
    assert codes == [
        None, "InvalidArgument", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail",
        "NotAuthorizedForSourceException", None,
    ]  # fmt: skip
    assert answer["FailedEntryCount"] == 6
    assert answer["Entries"][3]["ErrorMessage"] == (
        "Parameter Detail is not valid. Reason: Detail is a required argument."
    )
    queue.take(1)
    assert "less than or equal to 10" in refusal(events.put_events, Entries=[good] * 11)[1]
    big = {**good, "Detail": json.dumps({"x": "y" * 600_000})}
    assert refusal(events.put_events, Entries=[big, big]) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


@pytest.mark.parametrize(
    "expression",
    ["rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 seconds)", "cron(0 0 * * * *)", "cron(0 0 * * ?)", "at(2030-01-01T00:00:00)"],
)  # fmt: skip
def test_bad_schedules(events: Any, expression: str) -> None:
    assert refusal(events.put_rule, Name="r", ScheduleExpression=expression) == (
        "ValidationException",
        "Parameter ScheduleExpression is not valid.",
    )


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"Input": "1", "InputPath": "$"}, "Only one of Input, InputPath, or InputTransformer must be provided for target t."),
        ({"Input": "{"}, "JSON syntax error in input for target t."),
        ({"InputPath": "x"}, "Invalid JSON path x for target t."),
        (
            {"InputTransformer": {"InputPathsMap": {"a": "$.a"}, "InputTemplate": '"<a> <b>"'}},
            "InputTemplate for target t contains invalid placeholder b.",
        ),
    ],
)  # fmt: skip
def test_bad_targets(events: Any, queue: Queue, target: dict[str, Any], text: str) -> None:
    events.put_rule(Name="r", EventPattern=json.dumps(SOLD))
    targets = [{"Id": "t", "Arn": queue.arn, **target}]
    assert refusal(events.put_targets, Rule="r", Targets=targets) == ("ValidationException", text)


def test_rules_that_are_not_there(events: Any, queue: Queue) -> None:
    missing = ("ResourceNotFoundException", "Rule no does not exist on EventBus default.")
    targets = [{"Id": "t", "Arn": queue.arn}]
    assert refusal(events.describe_rule, Name="no") == missing
    assert refusal(events.enable_rule, Name="no") == missing
    assert refusal(events.disable_rule, Name="no") == missing
    assert refusal(events.put_targets, Rule="no", Targets=targets) == missing
    assert refusal(events.list_targets_by_rule, Rule="no") == missing
    rule(events, "r", SOLD, queue.arn)
    assert refusal(events.delete_rule, Name="r")[1] == "Rule can't be deleted since it has targets."
    six = [{"Id": f"t{number}", "Arn": queue.arn} for number in range(5)]
    assert refusal(events.put_targets, Rule="r", Targets=six)[0] == "LimitExceededException"


# --- archives -------------------------------------------------------------------------------------------------------


def test_archive_and_replay(events: Any, queue: Queue, account: str) -> None:
    bus = f"arn:aws:events:{REGION}:{account}:event-bus/default"
    events.create_archive(ArchiveName="a", EventSourceArn=bus, EventPattern=json.dumps(SOLD))
    sent = {send(events, n=number) for number in range(3)}
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 3
    rule(events, "r", SOLD, queue.arn)
    events.start_replay(
        ReplayName="again",
        EventSourceArn=events.describe_archive(ArchiveName="a")["ArchiveArn"],
        EventStartTime=time.time() - 60,
        EventEndTime=time.time() + 60,
        Destination={"Arn": bus},
    )
    bodies = queue.bodies(3)
    assert {body["id"] for body in bodies} == sent and {body["replay-name"] for body in bodies} == {"again"}
    until(lambda: events.describe_replay(ReplayName="again")["State"] == "COMPLETED")
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 3  # a replay is not archived again
    assert refusal(events.update_archive, ArchiveName="a")[0] == "ValidationException"
    events.update_archive(ArchiveName="a", EventPattern=json.dumps({"source": ["other"]}))
    send(events)
    send(events, source="other")
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 4
    assert refusal(events.list_archives, EventSourceArn=f"{bus}-no")[0] == "ResourceNotFoundException"


# --- kill -9 --------------------------------------------------------------------------------------------------------


def test_no_accepted_event_is_lost_by_kill(own_server: Any) -> None:
    account = "123456789012"
    events, sqs = own_server.client("events", account), own_server.client("sqs", account)
    queue = Queue(sqs, "told", account)
    rule(events, "r", SOLD, queue.arn, InputPath="$.id")
    accepted: set[str] = set()
    for _ in range(3):
        for number in range(20):
            entry = {"Source": "shop", "DetailType": "Sold", "Detail": json.dumps({"n": number})}
            accepted |= {each["EventId"] for each in events.put_events(Entries=[entry] * 10)["Entries"]}
        own_server.kill()
        own_server.restart()
    found: list[str] = []

    def all_there() -> bool:
        found.extend(json.loads(message["Body"]) for message in queue.messages())
        return set(found) >= accepted

    until(all_there, "every accepted event", 60)
    assert len(accepted) == 600 and set(found) == accepted
    assert len(found) <= len(accepted) + 3 * 40  # twice only what was on its way at a kill


def test_quotas_of_rules_and_details_that_are_none(events: Any) -> None:
    too_many = ("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    assert refusal(events.put_rule, Name="r", EventPattern=json.dumps({"source": ["a" * 2048]})) == too_many
    events.create_event_bus(Name="full")
    for number in range(300):
        events.put_rule(Name=str(number), EventBusName="full", EventPattern='{"source": ["a"]}')
    assert refusal(events.put_rule, Name="r", EventBusName="full", EventPattern='{"source": ["a"]}') == too_many
    events.put_rule(Name="0", EventBusName="full", EventPattern='{"source": ["b"]}')
    details = ['{"a": NaN}', '{"a": 1e999}', '{"a": ' + "[" * 900 + "]" * 900 + "}", "[]"]
    entries = [{"Source": "shop", "DetailType": "Sold", "Detail": detail} for detail in details]
    answers = events.put_events(Entries=entries)["Entries"]
    assert answers == [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}] * 4
