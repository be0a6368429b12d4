"""Records through a user's function: the event it gets, what it may answer, and what its failures are called.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/ (data-transformation-status-model, data-transformation-failure-handling,
monitoring-with-cloudwatch-logs), https://docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core import roles
from infra.local.firehose.processors import Transform
from infra.local.firehose.records import Failure, Record

RETRY_SECONDS = 0.5  # before the first retry; twice as long before each later one
LONGEST_RETRY_SECONDS = 10.0
FUNCTION_ERROR = (
    "Lambda.FunctionError",
    "The Lambda function was successfully invoked but it returned an error result.",
)
MISSING_ID = (
    "Lambda.MissingRecordId",
    "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.",
)
DUPLICATED_ID = (
    "Lambda.DuplicatedRecordId",
    "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each "
    "record.",
)
FAILED_STATUS = ("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
NO_DATA = (
    "Lambda.InvalidReturnFormat",
    "The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok. The value "
    "field cannot be null when the SourceType is MSKAsSource and processing result is Ok.",
)
NO_ROLE = (
    "Lambda.AssumeRoleAccessDenied",
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role.",
)
ERRORS = {
    "AccessDeniedException": (
        "Lambda.InvokeAccessDenied",
        "Access was denied. Ensure that the access policy allows access to the Lambda function.",
    ),
    "ResourceNotFoundException": (
        "Lambda.ResourceNotFound",
        "The specified Lambda function does not exist. Use a different function that does exist.",
    ),
    "TooManyRequestsException": (
        "Lambda.InvokeLimitExceeded",
        "The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit.",
    ),
}
INTERNAL = ("Lambda.InternalServerError", "The Lambda service encountered an internal error.")


class Transformed(NamedTuple):
    """What a function made of a record: other data (None for one that it dropped) with partition keys, or why it failed."""

    data: bytes | None = None
    keys: dict[str, str] = {}  # noqa: RUF012 (a NamedTuple's default; nobody changes it)
    failure: Failure | None = None


class Stopped(Exception):
    """The delivery stream was stopped while its function was asked."""


class Source(NamedTuple):
    """The delivery stream for which a function is asked.

    Attributes
    ----------
    session: gives the credentials of a role ("" for the destination's); raises roles.CannotAssume
    """

    arn: str
    region: str
    kinesis_arn: str | None
    session: Callable[[str], roles.Session]
    stopping: threading.Event


def transform(source: Source, step: Transform, number: int, records: list[Record]) -> list[Transformed]:
    """Ask the function for all records, in batches of the size that the step says.

    Parameters
    ----------
    number: of the segment: together with a record's place in it, it makes the record's id

    Raises Stopped.
    """
    found: list[Transformed] = []
    batch: list[tuple[str, Record]] = []
    size = 0
    for place, record in enumerate(records):
        if batch and size + len(record.data) > step.size:
            found += _batch(source, step, batch)
            batch, size = [], 0
        batch.append((_record_id(record, number, place), record))
        size += len(record.data)
    return found + (_batch(source, step, batch) if batch else [])


def _record_id(record: Record, number: int, place: int) -> str:
    if record.origin:
        return f"{record.origin['sequenceNumber']}{record.origin['subsequenceNumber']:06d}"
    return f"49{record.arrival_ms:014d}{number:020d}{place:020d}000000"


def _batch(source: Source, step: Transform, batch: list[tuple[str, Record]]) -> list[Transformed]:
    failure, pause = None, RETRY_SECONDS
    for attempt in range(1, step.retries + 2):
        answer, failure = _invoke(source, step, batch, attempt)
        if failure is None:
            return _answers(answer, batch, attempt)
        if attempt <= step.retries and source.stopping.wait(pause):
            raise Stopped
        pause = min(pause * 2, LONGEST_RETRY_SECONDS)
    return [Transformed(failure=failure)] * len(batch)


def _invoke(
    source: Source, step: Transform, batch: list[tuple[str, Record]], attempt: int
) -> tuple[Any, Failure | None]:
    """Return what the function answered, or why there is no answer."""
    if source.stopping.is_set():
        raise Stopped
    try:
        client = source.session(step.role).client(step.function.split(":")[3], "lambda")
        answer = client.invoke(FunctionName=step.function, Payload=orjson.dumps(_event(source, batch)))
        payload = answer["Payload"].read()
    except roles.CannotAssume:
        return None, Failure(*NO_ROLE, attempt)
    except ClientError as error:
        return None, Failure(*ERRORS.get(error.response["Error"]["Code"], INTERNAL), attempt)
    except BotoCoreError:
        if source.stopping.is_set():
            raise Stopped from None
        return None, Failure(*INTERNAL, attempt)
    if answer.get("FunctionError"):
        return None, Failure(*FUNCTION_ERROR, attempt)
    try:
        return orjson.loads(payload), None
    except orjson.JSONDecodeError:
        return None, Failure(*FUNCTION_ERROR, attempt)


def _event(source: Source, batch: list[tuple[str, Record]]) -> dict[str, Any]:
    records = []
    for record_id, record in batch:
        told: dict[str, Any] = {"recordId": record_id, "approximateArrivalTimestamp": record.arrival_ms}
        told["data"] = base64.b64encode(record.data).decode()
        if record.origin:
            told["kinesisRecordMetadata"] = {**record.origin, "approximateArrivalTimestamp": record.arrival_ms}
        records.append(told)
    head = {"invocationId": str(uuid.uuid4()), "deliveryStreamArn": source.arn, "region": source.region}
    if source.kinesis_arn:
        head["sourceKinesisStreamArn"] = source.kinesis_arn
    return {**head, "records": records}


def _answers(answer: Any, batch: list[tuple[str, Record]], attempt: int) -> list[Transformed]:
    """Return what the answer says of each record; what it says of others is not looked at."""
    listed = answer.get("records") if isinstance(answer, dict) else None
    found: dict[Any, Any] = {}
    twice = set()
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("recordId"), str):
            twice.update({each["recordId"]} & found.keys())
            found[each["recordId"]] = each
    try:
        return [_one(found.get(record_id), record_id in twice, attempt) for record_id, _ in batch]
    except (binascii.Error, ValueError, TypeError):  # an answer out of form fails its whole batch
        return [Transformed(failure=Failure(*FUNCTION_ERROR, attempt))] * len(batch)


def _one(told: dict[str, Any] | None, twice: bool, attempt: int) -> Transformed:
    """Return what the function says of one record. Raises ValueError, TypeError for what nobody can read."""
    if told is None:
        return Transformed(failure=Failure(*MISSING_ID, attempt))
    if twice:
        return Transformed(failure=Failure(*DUPLICATED_ID, attempt))
    result = told.get("result")
    if result == "Dropped":
        return Transformed()
    if result == "ProcessingFailed":
        return Transformed(failure=Failure(*FAILED_STATUS, attempt))
    if result != "Ok":
        raise ValueError(result)
    if told.get("data") is None:
        return Transformed(failure=Failure(*NO_DATA, attempt))
    metadata = told.get("metadata")
    keys = metadata.get("partitionKeys") if isinstance(metadata, dict) else None
    named = {str(name): _key_text(value) for name, value in keys.items()} if isinstance(keys, dict) else {}
    return Transformed(base64.b64decode(told["data"], validate=True), named)


def _key_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def now_ms() -> int:
    return int(time.time() * 1000)
