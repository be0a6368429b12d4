"""Executions of other state machines: `states:startExecution`, `.sync` and `.sync:2`.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from infra.local.stepfunctions import resources
from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.integrations import answers, sdk
from infra.local.stepfunctions.integrations.calls import Call, Result, Started
from infra.local.stepfunctions.scope import compact

JSON_TEXTS = ("Input", "Output")  # which `.sync:2` gives as JSON


def start(call: Call) -> Started:
    """Start the execution; its name is the same whenever this try is started again. Raises StateFailure."""
    operation = resources.operation(call.resource)
    given = answers.parameters(call.arguments, operation.input_shape)
    given.setdefault("name", str(uuid.UUID(call.token)))
    if "Input" in call.arguments:
        given["input"] = (
            compact(call.arguments["Input"]) if not isinstance(call.arguments["Input"], str) else given["input"]
        )
    output = sdk.send(call, "stepfunctions", operation.name, given)
    shown = answers.answer(output, operation.output_shape) | answers.metadata(output)
    if not call.resource.pattern:
        return Started(shown)
    handle = None if call.resource.pattern == resources.TOKEN else {"executionArn": output["executionArn"]}
    return Started(shown, is_submitted=True, handle=handle)


def poll(call: Call) -> Result | None:
    """Look at the execution. Raises StateFailure if it did not succeed."""
    client = call.client("stepfunctions")
    try:
        found = client.describe_execution(**call.task["handle"])
    except answers.ERRORS as error:
        raise answers.failure(error, call.resource) from None
    if found["status"] == "RUNNING":
        return None
    shown = _shown(found, call.resource.pattern == resources.SYNC2)
    if found["status"] != "SUCCEEDED":
        raise StateFailure("States.TaskFailed", compact(shown))
    return Result(shown)


def _shown(found: dict[str, Any], as_json: bool) -> dict[str, Any]:
    names: tuple[str, ...] = (
        "executionArn",
        "input",
        "inputDetails",
        "name",
        "output",
        "outputDetails",
        "startDate",
        "stateMachineArn",
    )
    names += ("status", "stopDate", "error", "cause")
    shown: dict[str, Any] = {}
    for name in sorted(names):
        if name in found:
            value = found[name]
            if name in ("startDate", "stopDate"):
                value = round(value.timestamp() * 1000)
            elif name in ("inputDetails", "outputDetails"):
                value = {"Included": value.get("included", True)}
            shown[answers.pascal(name)] = value
    if as_json:
        shown |= {name: json.loads(shown[name]) for name in JSON_TEXTS if name in shown}
    return shown


def cancel(call: Call) -> None:
    call.client("stepfunctions").stop_execution(**call.task["handle"])


def is_repeatable(call: Call) -> bool:
    """An execution has a name: the second start finds the first."""
    return True


def error_prefix(call: Call) -> str:
    return "StepFunctions"
