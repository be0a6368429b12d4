"""The API of event source mappings.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.local.core import pace, state
from infra.local.core.roles import sessions
from infra.local.lambda_ import pages
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError, conflict, constraint, invalid, missing, refused
from infra.local.lambda_.mappings import filters, pollers
from infra.local.lambda_.mappings.record import QUEUE_DEFAULTS, STREAM_DEFAULTS, UPDATE_SECONDS, Mapping, Places
from infra.local.lambda_.records import Json, Version, new_id

STREAM_ONLY = set(STREAM_DEFAULTS) - set(QUEUE_DEFAULTS) | {"StartingPosition", "StartingPositionTimestamp"}
NOT_THERE = (
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "KMSKeyArn",
    "ProvisionedPollerConfig",
    "Queues",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
)
SETTINGS = (*STREAM_DEFAULTS, "FilterCriteria", "DestinationConfig", "ScalingConfig", "MetricsConfig")
RIGHTS = (
    "Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams Actions "
    "on your stream in IAM."
)


def create(backend: LocalLambdaBackend, given: Json) -> Json:
    source = given.get("EventSourceArn")
    for member in NOT_THERE:
        if given.get(member):
            raise refused(f"event sources with {member}")
    if not source:
        raise invalid("Unrecognized event source.")
    service = source.split(":")[2]
    if service not in ("kinesis", "sqs"):
        raise refused(f"event sources of {service}")
    function, version, asked = _function(backend, given["FunctionName"])
    is_stream = service == "kinesis"
    defaults = STREAM_DEFAULTS if is_stream else QUEUE_DEFAULTS
    settings: Json = {**defaults, **{name: given[name] for name in SETTINGS if name in given}}
    if is_stream:
        _starting_position(settings, given)
    _check(is_stream, source, settings, given)
    arn = backend.arn(function, asked)
    for other in backend.mappings.values():
        if other.source == source and other.function == arn:
            raise conflict(
                f'The event source arn (" {source} ") and function (" {function} ") provided mapping already exists. '
                f"Please update or delete the existing mapping with UUID {other.uuid}"
            )
    _check_source(backend, source, version)
    uuid = new_id()
    mapping = Mapping(
        uuid=uuid,
        arn=f"{backend.prefix}event-source-mapping:{uuid}",
        source=source,
        function=arn,
        settings=settings,
        enabled=given.get("Enabled", True),
        created=time.time(),
        tags=dict(given.get("Tags", {})),
    )
    backend.mappings[uuid] = mapping
    mapping.change("Creating")
    answer = mapping.answer()
    if mapping.enabled:
        pollers.start(backend, mapping)
    return answer


def _function(backend: LocalLambdaBackend, given: str) -> tuple[str, Version, str]:
    try:
        function, version, asked = backend.version(given)
    except LambdaError:
        raise invalid("Function does not exist") from None
    return function.name, version, asked


def _starting_position(settings: Json, given: Json) -> None:
    start = given.get("StartingPosition")
    if start is None:
        message = "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
        raise invalid(message)
    moment = given.get("StartingPositionTimestamp")
    if (start == "AT_TIMESTAMP") != (moment is not None):
        if moment is None:
            raise invalid("StartingPositionTimestamp is required when StartingPosition is AT_TIMESTAMP.")
        raise invalid("StartingPositionTimestamp is only supported when StartingPosition is AT_TIMESTAMP.")
    settings["StartingPosition"] = start
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
        except ValueError:
            raise LambdaError("SerializationException", f"'{moment}' is no timestamp") from None
    if moment is not None:
        settings["StartingPositionTimestamp"] = moment


def _check(is_stream: bool, source: str, settings: Json, given: Json) -> None:
    """Refuse settings that AWS refuses, alone and together."""
    if is_stream:
        _check_stream(settings)
    else:
        _check_queue(source, settings, given)
    filters.check(settings.get("FilterCriteria") or {})


def _check_queue(source: str, settings: Json, given: Json) -> None:
    size, window = settings["BatchSize"], settings["MaximumBatchingWindowInSeconds"]
    wrong = sorted(name for name in STREAM_ONLY if name in given)
    if given.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
        wrong.append("DestinationConfig")
    if wrong:
        raise invalid(f"Unsupported parameter for given event source mapping type: {wrong[0]}")
    if source.endswith(".fifo"):
        if size > 10:
            raise invalid("Batch size must be less than or equal to 10 for FIFO queues.")
        if window:
            raise invalid("Batching window is not supported for FIFO queues.")
    elif size > 10 and window < 1:
        raise invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")


def _check_stream(settings: Json) -> None:
    if settings.get("ScalingConfig"):
        raise invalid("Unsupported parameter for given event source mapping type: ScalingConfig")
    tumbling, factor = settings["TumblingWindowInSeconds"], settings["ParallelizationFactor"]
    if tumbling and factor != 1:
        raise invalid("TumblingWindowInSeconds is only supported with a ParallelizationFactor of 1.")
    age = settings["MaximumRecordAgeInSeconds"]
    if -1 < age < 60:
        raise constraint(age, "maximumRecordAgeInSeconds", "Member must have value -1 or at least 60")
    target = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if target and target.split(":")[2] not in ("sqs", "sns", "s3"):
        raise invalid(f"The provided destination config DestinationConfig(OnFailure) is invalid: {target}")


def _check_source(backend: LocalLambdaBackend, source: str, version: Version) -> None:
    """Ask the source as the function's role. Raises LambdaError when it is not there, or not for the role."""
    _, _, service, region, account, name = source.split(":", 5)
    configuration = version.configuration
    try:
        session = sessions.session(backend.account_id, configuration["Role"], "lambda", configuration["FunctionName"])
        client = session.client(region, service)
        if service == "kinesis":
            client.describe_stream_summary(StreamARN=source)
            return
        url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    except sessions.CannotAssume:
        raise invalid("The role defined for the function cannot be assumed by Lambda.") from None
    except ClientError as error:
        raise _source_error(source, service, error) from None
    visible = int(attributes["VisibilityTimeout"])
    if visible < configuration["Timeout"]:
        raise invalid(
            f"Queue visibility timeout: {visible} seconds is less than Function timeout: {configuration['Timeout']} seconds"
        )


def _source_error(source: str, service: str, error: ClientError) -> LambdaError:
    code = error.response["Error"]["Code"]
    denied = "AccessDenied" in code
    if service == "kinesis":
        return invalid(f"Cannot access stream {source}. {RIGHTS}" if denied else f"Stream not found: {source}")
    if denied:
        return invalid("The provided execution role does not have permissions to call ReceiveMessage on SQS")
    return invalid(
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: "
        "The specified queue does not exist."
    )


def _found(backend: LocalLambdaBackend, given: Json) -> Mapping:
    mapping = backend.mappings.get(given["UUID"])
    if mapping is None:
        raise missing("The resource you requested does not exist.")
    return mapping


def update(backend: LocalLambdaBackend, given: Json) -> Json:
    mapping = _found(backend, given)
    if mapping.settled_at is not None:
        mapping.settle()
    if mapping.settled_at is not None or mapping.state == "Deleting":
        raise _in_use("update")
    if given.get("FunctionName"):
        function, version, asked = _function(backend, given["FunctionName"])
        target = backend.arn(function, asked)
    else:
        _, version, _ = backend.version(mapping.function)
        target = mapping.function
    settings = {**mapping.settings, **{name: given[name] for name in SETTINGS if name in given}}
    named = {name: value for name, value in given.items() if name not in ("UUID", "FunctionName")}
    _check(mapping.is_stream, mapping.source, settings, named)
    before = mapping.enabled
    mapping.settings, mapping.function = settings, target
    mapping.enabled = given.get("Enabled", mapping.enabled)
    changing = "Updating" if mapping.enabled == before else "Enabling" if mapping.enabled else "Disabling"
    mapping.change(changing, UPDATE_SECONDS)
    answer = mapping.answer()
    pollers.restart(backend, mapping)
    return answer


def get(backend: LocalLambdaBackend, given: Json) -> Json:
    return _found(backend, given).answer()


def delete(backend: LocalLambdaBackend, given: Json) -> Json:
    mapping = _found(backend, given)
    if mapping.state == "Deleting":
        raise _in_use("delete")
    mapping.delete()
    pollers.stop(mapping.uuid)
    answer = mapping.answer()
    pace.after("mapping deleting", lambda: drop(backend, mapping))
    return answer


def drop(backend: LocalLambdaBackend, mapping: Mapping) -> None:
    """Finish the deletion of a mapping."""
    with state.lock("lambda", backend.account_id):
        if backend.mappings.pop(mapping.uuid, None) is mapping:
            Places(backend.account_id, backend.region_name, mapping.uuid).forget()
            state.save("lambda", backend.account_id, backend.region_name)


def _in_use(what: str) -> LambdaError:
    return LambdaError(
        "ResourceInUseException", f"Cannot {what} the event source mapping because it is not in the correct state."
    )


def list_all(backend: LocalLambdaBackend, given: Json) -> Json:
    wanted = None
    if given.get("FunctionName"):
        name, asked = backend.named(given["FunctionName"])
        wanted = backend.arn(name, asked)
    found = [
        mapping.answer()
        for mapping in backend.mappings.values()
        if wanted in (None, mapping.function) and given.get("EventSourceArn") in (None, mapping.source)
    ]
    return pages.page(found, given, "EventSourceMappings", 100)


OPERATIONS: dict[str, Any] = {
    "CreateEventSourceMapping": create,
    "DeleteEventSourceMapping": delete,
    "GetEventSourceMapping": get,
    "ListEventSourceMappings": list_all,
    "UpdateEventSourceMapping": update,
}
