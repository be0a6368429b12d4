"""AWS Lambda: `lambda:invoke`, and a function's ARN as the Resource.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

from typing import Any

from infra.local.stepfunctions import resources
from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.integrations import answers, sdk
from infra.local.stepfunctions.integrations.calls import Call, Started
from infra.local.stepfunctions.scope import compact


def start(call: Call) -> Started:
    """Invoke the function. Raises StateFailure, with the function's own error where it has one."""
    if call.resource.kind == "function":
        output = _invoke(call, {"FunctionName": call.resource.arn, "Payload": compact(call.arguments).encode()})
        return Started(answers.as_json(output["Payload"].read()))
    operation = resources.operation(call.resource)
    given = answers.parameters(call.arguments, operation.input_shape)
    if "Payload" in given:
        given["Payload"] = compact(call.arguments["Payload"]).encode()
    output = _invoke(call, given)
    payload = output.pop("Payload", None)
    shown = answers.answer(output, operation.output_shape) | answers.metadata(output)
    if payload is not None:
        shown["Payload"] = answers.as_json(payload.read() or b"{}")
    return Started(shown, is_submitted=call.resource.pattern == resources.TOKEN)


def _invoke(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    output = sdk.send(call, "lambda", "Invoke", given)
    if "FunctionError" not in output:
        return output
    cause = output["Payload"].read().decode("utf-8", "replace")
    error = answers.as_json(cause)
    name = error.get("errorType") if isinstance(error, dict) else None
    raise StateFailure(name or "Lambda.Unknown", cause)


def is_repeatable(call: Call) -> bool:
    """A function may do anything: it is not known whether it may run twice."""
    return False


def error_prefix(call: Call) -> str:
    return "Lambda"
