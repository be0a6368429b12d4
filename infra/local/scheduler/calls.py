"""What a schedule does when it is due: a target of EventBridge's kinds, a bus, or any operation of a service ("universal target").

Sources: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html, managing-targets-universal.html
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from infra.local import events
from infra.local.core.service_principal import Caller, NotAllowed, client, split_arn

UNIVERSAL = re.compile(r"arn:aws:scheduler:::aws-sdk:([a-z0-9]+):([a-z]\w+)")
READS = re.compile(r"(get|describe|list|poll|receive|search|scan|query|select|lookup|discover|validate|batchGet)")
SERVICES = {  # the names of AWS's Java SDK → botocore's, for the services of the local AWS
    "athena": "athena",
    "cloudformation": "cloudformation",
    "cloudwatch": "cloudwatch",
    "cloudwatchlogs": "logs",
    "databrew": "databrew",
    "eventbridge": "events",
    "firehose": "firehose",
    "glue": "glue",
    "kinesis": "kinesis",
    "kinesisanalyticsv2": "kinesisanalyticsv2",
    "lambda": "lambda",
    "s3": "s3",
    "sfn": "stepfunctions",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
}


class InvalidTarget(ValueError):
    """Scheduler, or the local AWS, would not take the target; the message says why."""


def check(target: dict[str, Any]) -> None:
    """Raises InvalidTarget."""
    arn = target["Arn"]
    if arn.startswith("arn:aws:scheduler:"):
        _check_universal(arn)
    elif arn.count(":") < 5:
        raise InvalidTarget("Provided Arn is not in correct format.")
    elif ":event-bus/" in arn:
        if not target.get("EventBridgeParameters"):
            raise InvalidTarget("EventBridgeParameters must be specified for this target.")
    elif events.kind(arn) in (None, "glue", "logs"):  # which rules have, schedules not
        raise InvalidTarget(f"{arn} is not a target of schedules that the local AWS has.")
    if arn.endswith(".fifo") and ":sqs:" in arn and not target.get("SqsParameters"):
        raise InvalidTarget("MessageGroupId must be specified for a FIFO queue.")
    if ":kinesis:" in arn and not target.get("KinesisParameters"):
        raise InvalidTarget("PartitionKey must be specified for a Kinesis stream.")


def _check_universal(arn: str) -> None:
    match = UNIVERSAL.fullmatch(arn)
    if not match or match[1] not in SERVICES:
        raise InvalidTarget(f"{arn} names no service of the local AWS.")
    if READS.match(match[2]):
        raise InvalidTarget(f"{arn} only reads: Scheduler does not support such operations.")
    from moto.core.utils import get_service_model

    if operation_of(match[2]) not in get_service_model(SERVICES[match[1]]).operation_names:
        raise InvalidTarget(f"{arn} names no operation.")


def operation_of(name: str) -> str:
    return name[0].upper() + name[1:]


def call(caller: Caller, target: dict[str, Any], text: str, execution: str) -> events.Failure | None:
    """Do what a schedule asks for, as its role; return what went wrong, or None."""
    try:
        universal = UNIVERSAL.fullmatch(target["Arn"])
        if universal:
            return _call_operation(caller, target, SERVICES[universal[1]], operation_of(universal[2]), text)
        if ":event-bus/" in target["Arn"]:
            return _put_event(caller, target, text)
        return events.send(caller, target, [events.Delivery({"id": execution}, text)])[0]
    except (NotAllowed, ClientError, BotoCoreError) as error:
        return events.failure_of(error)


def _call_operation(
    caller: Caller, target: dict[str, Any], service: str, operation: str, text: str
) -> events.Failure | None:
    made = client(caller, service, target["RoleArn"])
    try:
        parameters = json.loads(text) if text else {}
        getattr(made, xform_name(operation))(**parameters)
    except (ValueError, TypeError) as error:
        return events.Failure("INVALID_JSON", str(error))
    except BotoCoreError as error:
        return events.Failure("SDK_CLIENT_ERROR", str(error))
    return None


def _put_event(caller: Caller, target: dict[str, Any], text: str) -> events.Failure | None:
    _, region, account, _ = split_arn(target["Arn"])
    given = target["EventBridgeParameters"]
    entry = {
        "Source": given["Source"],
        "DetailType": given["DetailType"],
        "Detail": text,
        "EventBusName": target["Arn"],
    }
    (answer,) = client(caller, "events", target["RoleArn"], region).put_events(Entries=[entry])["Entries"]
    if "ErrorCode" in answer:
        return events.Failure("INVALID_PARAMETER", answer["ErrorMessage"])
    return None


def default_input(account: str, region: str, arn: str, due: float) -> str:
    """Return what a target gets when the schedule has no Input."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": iso(due),
        "region": region,
        "resources": [arn],
        "detail": "{}",
    }
    return json.dumps(event)


def filled(text: str, arn: str, due: float, execution: str, attempt: int) -> str:
    """Return an Input with Scheduler's own keywords replaced."""
    values = {
        "schedule-arn": arn,
        "scheduled-time": iso(due),
        "execution-id": execution,
        "attempt-number": str(attempt),
    }
    return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda found: values.get(found[1], found[0]), text)


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
