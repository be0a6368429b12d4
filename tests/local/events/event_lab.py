"""Queues, roles and events for the tests of EventBridge and Scheduler."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from tests.polling import until

REGION = "us-east-1"
Client = Callable[..., Any]


def trust(*services: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(iam: Any, name: str, service: str, *actions: str) -> str:
    """Return the ARN of a role that trusts a service and may do the actions on everything."""
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName=name, PolicyName="do", PolicyDocument=document)
    return str(arn)


def make_function(client: Client, name: str, code: str, *actions: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("main.py", code)
    role = make_role(client("iam"), f"{name}-role", "lambda.amazonaws.com", "logs:*", *actions)
    functions = client("lambda")
    made = functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="main.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return str(made["FunctionArn"])


def allow_call(client: Client, function: str, service: str) -> None:
    client("lambda").add_permission(
        FunctionName=function, StatementId="call", Action="lambda:InvokeFunction", Principal=service
    )


def queue_policy(arn: str, service: str = "events.amazonaws.com", source: str = "*") -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Queue:
    """A queue that a service may send to; `take(n)` waits for n messages and deletes them."""

    def __init__(self, sqs: Any, name: str, account: str, allowed: bool = True, **attributes: str):
        self.sqs, self.arn = sqs, f"arn:aws:sqs:{REGION}:{account}:{name}"
        self.url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        if allowed:
            self.allow("events.amazonaws.com")

    def allow(self, service: str, source: str = "*") -> None:
        policy = queue_policy(self.arn, service, source)
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def messages(self) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
            WaitTimeSeconds=1,
        ).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return list(found)

    def take(self, count: int, seconds: float = 30) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            found.extend(self.messages())
            return len(found) >= count

        until(enough, f"{count} messages", seconds)
        assert len(found) == count, found
        return found

    def bodies(self, count: int, seconds: float = 30) -> list[Any]:
        return [json.loads(message["Body"]) for message in self.take(count, seconds)]


def rule(events: Any, name: str, pattern: dict[str, Any], target_arn: str, **target: Any) -> str:
    """Make a rule with one target; return its ARN."""
    arn = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target_arn, **target}])
    return str(arn)


def send(events: Any, source: str = "shop", **detail: Any) -> str:
    entry = {"Source": source, "DetailType": "Sold", "Detail": json.dumps(detail)}
    answer = events.put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    return str(answer["Entries"][0]["EventId"])


def metric_sum(cloudwatch: Any, name: str, rule_name: str) -> float:
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    found = cloudwatch.get_metric_statistics(
        Namespace="AWS/Events",
        MetricName=name,
        Dimensions=[{"Name": "RuleName", "Value": rule_name}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))
