"""The operation Invoke, and the configuration of asynchronous invocation.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any

import orjson

from infra.local.core import lineage
from infra.local.lambda_ import asynchronous, running
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError, invalid, missing, refused
from infra.local.lambda_.records import LATEST, Function, Json

PAYLOAD_LIMIT = 6_291_456  # bytes
MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
Answer = tuple[int, dict[str, str], bytes]


def invoke(backend: LocalLambdaBackend, given: Json) -> Answer:
    """Answer Invoke: status, headers and body."""
    kind, payload = given.get("InvocationType", "RequestResponse"), given.get("Payload", b"")
    if given.get("DurableExecutionName") or given.get("TenantId"):
        raise refused("durable executions and tenants")
    limit = asynchronous.PAYLOAD_LIMIT if kind == "Event" else PAYLOAD_LIMIT
    if len(payload) > limit:
        raise LambdaError(
            "RequestEntityTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
        )
    check_json(payload)
    qualifier = given.get("Qualifier")
    _find(backend, given["FunctionName"], qualifier)
    if kind == "DryRun":
        return 204, {}, b""
    if kind == "Event":
        request_id = asynchronous.accept(backend, given["FunctionName"], qualifier, payload)
        return 202, {"x-amzn-RequestId": request_id}, b""
    context = _client_context(given.get("ClientContext", ""))
    with lineage.caused_by(lineage.counted()):
        result = running.run(backend, given["FunctionName"], qualifier, payload, client_context=context)
    headers = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": result.request_id,
        "X-Amz-Executed-Version": result.executed_version,
    }
    if result.function_error:
        headers["X-Amz-Function-Error"] = result.function_error
    if given.get("LogType") == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(result.tail.encode()).decode()
    return 200, headers, result.payload


def _find(backend: LocalLambdaBackend, given: str, qualifier: str | None) -> None:
    """Raise the error of Invoke for a function that is not there: it names $LATEST."""
    name, asked = backend.named(given, qualifier)
    if name not in backend.functions:
        raise missing(f"Function not found: {backend.arn(name, asked or LATEST)}")
    backend.version(given, qualifier)


def _client_context(text: str) -> str:
    if not text:
        return ""
    try:
        decoded = base64.b64decode(text, validate=True).decode()
        json.loads(decoded)
    except (binascii.Error, ValueError):
        raise LambdaError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."
        ) from None
    return decoded


def check_json(payload: bytes) -> None:
    """Raise LambdaError for an event that is no JSON."""
    if not payload.strip():
        return
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        place = (
            "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "
            f"line: {error.lineno}, column: {error.colno + 1}]"
        )
        text = error.doc[error.pos :]
        word = "".join(c for c in text.split(maxsplit=1)[0]) if text.split(maxsplit=1) else ""
        if not word:
            what = "Unexpected end-of-input"
        elif word[0].isalpha():
            what = f"Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        else:
            what = (
                f"Unexpected character ('{word[0]}' (code {ord(word[0])})): expected a valid value "
                "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            )
        raise LambdaError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {what}{place}",
        ) from None


def invoke_async(backend: LocalLambdaBackend, given: Json) -> Answer:
    """Answer the older operation InvokeAsync."""
    payload = given.get("InvokeArgs", b"")
    check_json(payload)
    _find(backend, given["FunctionName"], None)
    request_id = asynchronous.accept(backend, given["FunctionName"], None, payload)
    return 202, {"x-amzn-RequestId": request_id, "Content-Type": "application/json"}, b'{"Status":202}'


# --- configuration --------------------------------------------------------------------------------------------------


def _place(backend: LocalLambdaBackend, given: Json) -> tuple[Function, str]:
    function, _, asked = backend.version(given["FunctionName"], given.get("Qualifier"))
    return function, "" if asked == LATEST else asked


def put_config(backend: LocalLambdaBackend, given: Json) -> Json:
    return _put(backend, given, {})


def update_config(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _place(backend, given)
    if qualifier not in function.invoke_configs:
        raise _no_config(function, qualifier)
    return _put(backend, given, function.invoke_configs[qualifier])


def _put(backend: LocalLambdaBackend, given: Json, before: Json) -> Json:
    if not any(member in given for member in MEMBERS):
        raise invalid("You must specify at least one of error handling or destination setting.")
    function, qualifier = _place(backend, given)
    made = {**before, **{member: given[member] for member in MEMBERS if member in given}}
    wanted = made.setdefault("DestinationConfig", {})
    made["DestinationConfig"] = {kind: wanted.get(kind) or {} for kind in ("OnSuccess", "OnFailure")}
    for kind, destination in made["DestinationConfig"].items():
        arn = destination.get("Destination")
        if arn:
            _check_destination(backend, function, kind, arn)
    made["LastModified"] = time.time()
    function.invoke_configs[qualifier] = made
    return _answer(function, qualifier)


def _check_destination(backend: LocalLambdaBackend, function: Function, kind: str, arn: str) -> None:
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service not in ("sqs", "sns", "lambda", "events", "s3") or (service == "s3" and kind == "OnSuccess"):
        raise invalid(f"The provided destination config DestinationConfig({kind}) is invalid: {arn}")
    if service == "sqs" and arn.endswith(".fifo"):
        raise invalid(f"The destination ARN {arn} is invalid: FIFO queues are not supported.")
    if service == "lambda" and arn.split(":function:")[-1].partition(":")[0] == function.name:
        raise invalid("You can't specify the function as a destination for itself.")


def _answer(function: Function, qualifier: str) -> Json:
    return {"FunctionArn": f"{function.arn}:{qualifier or LATEST}", **function.invoke_configs[qualifier]}


def _no_config(function: Function, qualifier: str) -> LambdaError:
    return missing(f"The function {function.arn}:{qualifier or LATEST} doesn't have an EventInvokeConfig")


def get_config(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _place(backend, given)
    if qualifier not in function.invoke_configs:
        raise _no_config(function, qualifier)
    return _answer(function, qualifier)


def delete_config(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _place(backend, given)
    if function.invoke_configs.pop(qualifier, None) is None:
        raise _no_config(function, qualifier)
    return {}


def list_configs(backend: LocalLambdaBackend, given: Json) -> Json:
    from infra.local.lambda_ import pages

    function, _ = backend.function(given["FunctionName"])
    found = [_answer(function, qualifier) for qualifier in sorted(function.invoke_configs)]
    return pages.page(found, given, "FunctionEventInvokeConfigs", 50)


OPERATIONS: dict[str, Any] = {
    "DeleteFunctionEventInvokeConfig": delete_config,
    "GetFunctionEventInvokeConfig": get_config,
    "Invoke": invoke,
    "InvokeAsync": invoke_async,
    "ListFunctionEventInvokeConfigs": list_configs,
    "PutFunctionEventInvokeConfig": put_config,
    "UpdateFunctionEventInvokeConfig": update_config,
}
