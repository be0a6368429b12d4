"""Where the fate of an event is told: queues, topics, functions, buses and buckets, as the function's role.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core.roles import sessions
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError
from infra.local.lambda_.records import Json

log = logging.getLogger("workshop.lambda")


def moment() -> str:
    """Return the time as records have it: `2026-11-28T18:14:12.081Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def record(request_id: str, arn: str, condition: str, count: int, event: bytes, result: Any) -> Json:
    """Return what a destination of asynchronous invocation gets.

    Parameters
    ----------
    count: how often the function ran
    result: of the last run, None when it did not run
    """
    made: Json = {
        "version": "1.0",
        "timestamp": moment(),
        "requestContext": {
            "requestId": request_id,
            "functionArn": arn,
            "condition": condition,
            "approximateInvokeCount": count,
        },
        "requestPayload": parsed(event),
    }
    if result is not None:
        made["responseContext"] = {"statusCode": 200, "executedVersion": result.executed_version}
        if result.function_error:
            made["responseContext"]["functionError"] = result.function_error
        made["responsePayload"] = parsed(result.payload)
    return made


class Sender:
    """Sends as the role of a function. What cannot be sent is logged and counted, not raised: nobody waits for it."""

    def __init__(self, backend: LocalLambdaBackend, function: str, role: str):
        self.account, self.region = backend.account_id, backend.region_name
        self.function, self.role = function, role

    def _client(self, service: str, region: str) -> Any:
        return sessions.session(self.account, self.role, "lambda", self.function).client(region or self.region, service)

    def send(self, target: str, told: Json, success: bool, arn: str) -> bool:
        """Send a record to a destination; return whether it took it."""
        body = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
        try:
            self._send(target, body, success, arn)
        except (ClientError, BotoCoreError, LambdaError, sessions.CannotAssume) as error:
            log.warning("%s: the destination %s did not take the record: %s", self.function, target, error)
            return False
        return True

    def _send(self, target: str, body: str, success: bool, arn: str) -> None:
        _, _, service, region, account, name = target.split(":", 5)
        if service == "sqs":
            sqs = self._client("sqs", region)
            url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=body)
        elif service == "sns":
            self._client("sns", region).publish(TopicArn=target, Message=body)
        elif service == "lambda":
            self._client("lambda", region).invoke(FunctionName=target, InvocationType="Event", Payload=body)
        elif service == "events":
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {'Success' if success else 'Failure'}",
                "Detail": body,
                "Resources": [target, arn],
                "EventBusName": target,
            }
            answer = self._client("events", region).put_events(Entries=[entry])
            if answer["FailedEntryCount"]:
                raise LambdaError("InvalidParameterValueException", answer["Entries"][0].get("ErrorMessage", "refused"))
        else:
            self.keep(target, body, "async")

    def keep(self, bucket_arn: str, body: str, kind: str) -> None:
        """Put a record as an object of a bucket, under Lambda's own key. Raises ClientError."""
        when = time.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S", time.gmtime())
        key = f"aws/lambda/{kind}/{self.function}/{when}-{uuid.uuid4()}"
        bucket = bucket_arn.rpartition(":")[2]
        self._client("s3", self.region).put_object(Bucket=bucket, Key=key, Body=body.encode())

    def bury(self, target: str, event: bytes, request_id: str, result: Any) -> bool:
        """Send an event that failed to the dead-letter queue or topic; return whether it took it."""
        message = parsed(result.payload).get("errorMessage", "") if result is not None else ""
        attributes = {
            "RequestID": {"DataType": "String", "StringValue": request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": "200" if result is not None else "429"},
        }
        if message:
            attributes["ErrorMessage"] = {"DataType": "String", "StringValue": message[:1024]}
        _, _, service, region, account, name = target.split(":", 5)
        body = event.decode("utf-8", "replace")
        try:
            if service == "sqs":
                sqs = self._client("sqs", region)
                url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
                sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
            else:
                self._client("sns", region).publish(TopicArn=target, Message=body, MessageAttributes=attributes)
        except (ClientError, BotoCoreError, LambdaError, sessions.CannotAssume) as error:
            log.warning("%s: the dead-letter target %s did not take the event: %s", self.function, target, error)
            return False
        return True
