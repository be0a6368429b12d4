"""The targets of rules and schedules: what each needs, and how it is called, through the public API of the service that it is in.

Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html, eb-use-resource-based.html, rule-dlq.html
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core import lineage, telemetry
from infra.local.core.service_principal import Caller, NotAllowed, check, check_policy, client, split_arn
from infra.local.events import transform

MISSING_CODES = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
    "NotFound",
    "NotFoundException",
)
DENIED_CODES = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized")
THROTTLED_CODES = (
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TooManyRequestsException",
    "ExecutionLimitExceeded",
    "ServiceUnavailableException",
)


@dataclass
class Failure:
    """Why a target did not take an event: ERROR_CODE and ERROR_MESSAGE of a dead letter, and whether it is tried again."""

    code: str
    message: str
    retry: bool = False


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target: the text that the target gets, and the event itself.

    Attributes
    ----------
    hops: how many times the event has come round: through buses, functions, executions and objects
    """

    event: dict[str, Any]
    text: str
    hops: int = 0


Outcome = Failure | None
Send = Callable[[Caller, dict[str, Any], list[Delivery]], list[Outcome]]


def failure_of(error: Exception) -> Failure:
    """Return what an error of a call means for a delivery.

    Parameters
    ----------
    error: that the call to the target raised

    Returns
    -------
    Its code and message, and whether trying again may help
    """
    if isinstance(error, NotAllowed):
        return Failure("NO_PERMISSIONS", str(error))
    if not isinstance(error, ClientError):
        return Failure("CONNECTION_FAILURE", str(error), retry=True)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if code in MISSING_CODES:
        return Failure("NO_RESOURCE", message)
    if code in DENIED_CODES:
        return Failure("NO_PERMISSIONS", message)
    if code in THROTTLED_CODES:
        return Failure("THROTTLING", message, retry=True)
    if status >= 500:
        return Failure("ERROR_FROM_TARGET", message, retry=status != 501)
    return Failure("INVALID_PARAMETER", message)


def send(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    """Hand events to a target of `KINDS`.

    Parameters
    ----------
    caller: who sends: the service, or the role of a rule
    target: as PutTargets takes it
    deliveries: the events, as the target gets them

    Returns
    -------
    For each what went wrong, or None
    """
    found = kind(target["Arn"])
    if found is None:
        return [Failure("INVALID_PARAMETER", f"{target['Arn']} is no target of the local AWS.")] * len(deliveries)
    try:
        return KINDS[found].send(caller, target, deliveries)
    except (NotAllowed, ClientError, BotoCoreError) as error:
        return [failure_of(error)] * len(deliveries)


def send_message(caller: Caller, arn: str, text: str, options: dict[str, Any], hops: int = 0) -> Outcome:
    """Hand a text to a queue or a function.

    Parameters
    ----------
    caller: who sends: the service, or the role of a rule
    arn: of the queue or function
    text: the message
    options: more parameters of SQS's SendMessage
    hops: how many times what the text tells of has come round

    Returns
    -------
    What went wrong, or None
    """
    delivery = Delivery({}, text, hops - 1)  # this is no rule: it does not count as a round
    if kind(arn) == "sqs":
        return _attempt(
            lambda _: queue_client(caller, {"Arn": arn}).send_message(
                QueueUrl=queue_url(arn), MessageBody=text, **options
            ),
            delivery,
        )
    return send(caller, {"Arn": arn}, [delivery])[0]


def _one_by_one(deliveries: list[Delivery], call: Callable[[Delivery], Any]) -> list[Outcome]:
    return [_attempt(call, delivery) for delivery in deliveries]


def _attempt(call: Callable[[Delivery], Any], delivery: Delivery) -> Outcome:
    try:
        with lineage.caused_by(delivery.hops + 1):
            call(delivery)
    except (NotAllowed, ClientError, BotoCoreError) as error:
        return failure_of(error)
    return None


# --- Lambda, SQS, SNS: by the target's policy, or as a role ---------------------------------------------------------


def _acting(caller: Caller, target: dict[str, Any], action: str, is_there: Callable[[Any], Any]) -> Any:
    """Return a client for a target that has a policy: as the target's role, else as the service if the policy lets it.

    Raises NotAllowed; ClientError when `is_there`, a call with the client, says that the target is gone.
    """
    arn, role = target["Arn"], target.get("RoleArn")
    service, region, account, _ = split_arn(arn)
    made = client(caller, service, role, region, account)
    if role is None:
        try:
            check(caller, action, arn)
        except NotAllowed:
            is_there(made)
            raise
    return made


def _to_function(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    arn = target["Arn"]
    functions = _acting(
        caller, target, "lambda:InvokeFunction", lambda made: made.get_function_configuration(FunctionName=arn)
    )

    def invoke(delivery: Delivery) -> None:
        functions.invoke(FunctionName=arn, InvocationType="Event", Payload=delivery.text.encode())

    return _one_by_one(deliveries, invoke)


def queue_url(arn: str) -> str:
    _, _, account, name = split_arn(arn)
    return f"{telemetry.endpoint()}/{account}/{name}"


def queue_client(caller: Caller, target: dict[str, Any]) -> Any:
    """Return a client for SendMessage to a queue. Raises NotAllowed, ClientError when it is not there."""
    url = queue_url(target["Arn"])
    return _acting(caller, target, "sqs:SendMessage", lambda made: made.get_queue_attributes(QueueUrl=url))


def _to_queue(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    queues = queue_client(caller, target)
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    entries = [
        {"Id": str(number), "MessageBody": delivery.text, **({"MessageGroupId": group} if group else {})}
        for number, delivery in enumerate(deliveries)
    ]
    with lineage.caused_by(max(delivery.hops for delivery in deliveries) + 1):
        answer = queues.send_message_batch(QueueUrl=queue_url(target["Arn"]), Entries=entries)
    failed = {entry["Id"]: entry for entry in answer.get("Failed", ())}
    return [
        Failure("INVALID_PARAMETER", failed[entry["Id"]].get("Message", "")) if entry["Id"] in failed else None
        for entry in entries
    ]


def _to_topic(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    arn = target["Arn"]
    topics = _acting(caller, target, "sns:Publish", lambda made: made.get_topic_attributes(TopicArn=arn))
    subject = {"Subject": target["Subject"]} if "Subject" in target else {}
    return _one_by_one(deliveries, lambda delivery: topics.publish(TopicArn=arn, Message=delivery.text, **subject))


def _to_log_group(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    _, region, account, resource = split_arn(target["Arn"])
    group = resource.removeprefix("log-group:").removesuffix(":*")
    logs = client(caller, "logs", target.get("RoleArn"), region, account)
    stream_arn = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{caller.service}"
    statements = [
        statement
        for policy in logs.describe_resource_policies().get("resourcePolicies", ())
        for statement in json.loads(policy["policyDocument"])["Statement"]
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        check_policy(caller, document, action, stream_arn)
    stream = str(uuid.uuid4())
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    lines = [_log_line(delivery.text) for delivery in deliveries]
    logs.put_log_events(
        logGroupName=group, logStreamName=stream, logEvents=sorted(lines, key=lambda line: line["timestamp"])
    )
    return [None] * len(deliveries)


def _log_line(text: str) -> dict[str, Any]:
    """Return a log event; a transformer may give time and message itself, as `{"timestamp": …, "message": …}`."""
    now = int(time.time() * 1000)
    try:
        given = json.loads(text)
    except ValueError:
        return {"timestamp": now, "message": text}
    if isinstance(given, dict) and given.keys() == {"timestamp", "message"} and str(given["timestamp"]).isdigit():
        return {"timestamp": int(given["timestamp"]), "message": str(given["message"])}
    return {"timestamp": now, "message": text}


# --- Step Functions, Kinesis, Firehose: always as a role ------------------------------------------------------------


def _to_state_machine(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    arn = target["Arn"]
    machines = client(caller, "stepfunctions", target.get("RoleArn"), split_arn(arn)[1])
    suffix = hashlib.sha256(f"{caller.source_arn} {target.get('Id', '')}".encode()).hexdigest()[:24]

    def start(delivery: Delivery) -> None:
        # The same name for the same event: delivered twice after a kill, it starts once.
        name = f"{delivery.event['id']}_{suffix}"
        try:
            machines.start_execution(stateMachineArn=arn, name=name, input=delivery.text)
        except machines.exceptions.ExecutionAlreadyExists:
            return

    return _one_by_one(deliveries, start)


def _to_stream(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    _, region, _, resource = split_arn(target["Arn"])
    streams = client(caller, "kinesis", target.get("RoleArn"), region)
    records = [
        {"Data": delivery.text.encode(), "PartitionKey": _partition_key(target, delivery)} for delivery in deliveries
    ]
    answer = streams.put_records(StreamName=resource.removeprefix("stream/"), Records=records)
    return [_record_outcome(record) for record in answer["Records"]]


def _partition_key(target: dict[str, Any], delivery: Delivery) -> str:
    parameters = target.get("KinesisParameters", {})
    if "PartitionKey" in parameters:
        return str(parameters["PartitionKey"])
    path = parameters.get("PartitionKeyPath")
    found = transform.part(delivery.event, path) if path else transform.MISSING
    if found is transform.MISSING:
        return str(delivery.event["id"])
    return (found if isinstance(found, str) else transform.as_json(found))[:256]


def _to_delivery_stream(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    _, region, _, resource = split_arn(target["Arn"])
    streams = client(caller, "firehose", target.get("RoleArn"), region)
    answer = streams.put_record_batch(
        DeliveryStreamName=resource.removeprefix("deliverystream/"),
        Records=[{"Data": delivery.text.encode()} for delivery in deliveries],
    )
    return [_record_outcome(record) for record in answer["RequestResponses"]]


def _to_workflow(caller: Caller, target: dict[str, Any], deliveries: list[Delivery]) -> list[Outcome]:
    """Tell a workflow of Glue of events. There is no operation for it in the public API; the right is `glue:notifyEvent`."""
    from infra.local import glue
    from infra.local.core import roles

    _, region, account, resource = split_arn(target["Arn"])
    name = caller.service.partition(".")[0]
    try:
        session = roles.session(account, target["RoleArn"], name, source_arn=caller.source_arn)
    except roles.CannotAssume as error:
        return [Failure("NO_PERMISSIONS", str(error))] * len(deliveries)
    if not roles.is_allowed(session, region, "glue:NotifyEvent", target["Arn"]):
        denied = f"The role {target['RoleArn']} is not authorized to perform: glue:notifyEvent on {target['Arn']}"
        return [Failure("NO_PERMISSIONS", denied)] * len(deliveries)
    outcomes: list[Outcome] = []
    for delivery in deliveries:
        try:
            glue.notify(account, region, resource.removeprefix("workflow/"), delivery.event["id"])
            outcomes.append(None)
        except LookupError as error:
            outcomes.append(Failure("NO_RESOURCE", str(error)))
    return outcomes


def _record_outcome(record: dict[str, Any]) -> Outcome:
    if not record.get("ErrorCode"):
        return None
    return Failure("THROTTLING", record.get("ErrorMessage", ""), retry=True)


# --- the kinds ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A kind of target; `needs_role`: EventBridge asks for RoleArn when the target is put."""

    send: Send
    needs_role: bool = False


KINDS = {
    "lambda": Kind(_to_function),
    "sqs": Kind(_to_queue),
    "sns": Kind(_to_topic),
    "logs": Kind(_to_log_group),
    "states": Kind(_to_state_machine, needs_role=True),
    "kinesis": Kind(_to_stream, needs_role=True),
    "firehose": Kind(_to_delivery_stream, needs_role=True),
    "glue": Kind(_to_workflow, needs_role=True),
}
RESOURCES = {
    "lambda": "function:",
    "sqs": "",
    "sns": "",
    "logs": "log-group:",
    "states": "stateMachine:",
    "kinesis": "stream/",
    "firehose": "deliverystream/",
    "glue": "workflow/",
}


def kind(arn: str) -> str | None:
    """Return what kind of target an ARN names.

    Parameters
    ----------
    arn: of the target

    Returns
    -------
    A key of `KINDS`; None where the local AWS sends nothing to such targets

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
    """
    service, _, _, resource = split_arn(arn)
    return service if service in RESOURCES and resource.startswith(RESOURCES[service]) else None
