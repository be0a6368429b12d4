"""What TestState takes in place of the world: a mocked result or error, and a context object. The words are AWS's.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
"""

from __future__ import annotations

from typing import Any

from infra.local.core import strict_json
from infra.local.stepfunctions import resources
from infra.local.stepfunctions.errors import invalid
from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.integrations.answers import pascal

MOCKED = ("Task", "Map", "Parallel")
CONTEXT: dict[str, dict[str, type]] = {
    "Execution": {
        "Id": str,
        "Input": object,
        "Name": str,
        "RoleArn": str,
        "StartTime": str,
        "RedriveCount": int,
        "RedriveTime": str,
    },
    "State": {"EnteredTime": str, "Name": str, "RetryCount": int},
    "StateMachine": {"Id": str, "Name": str},
    "Task": {"Token": str},
}
NAMES = {str: "a string", int: "a number"}
JSON_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "structure": (dict, "an object"),
    "map": (dict, "an object"),
    "list": (list, "an array"),
    "boolean": (bool, "a boolean"),
    **dict.fromkeys(("integer", "long", "float", "double"), ((int, float), "a number")),
    **dict.fromkeys(("string", "timestamp", "blob"), (str, "a string")),
}


def check(ask: dict[str, Any], state: dict[str, Any]) -> None:
    """Raise ValidationException for a mock that does not go with the state or the request."""
    mock, configuration = ask.get("mock"), ask.get("stateConfiguration") or {}
    if mock is None:
        if "mapIterationFailureCount" in configuration:
            raise invalid("TestState does not support MapIterationFailureCount when a mock is not specified.")
        return
    if state["Type"] not in MOCKED:
        raise invalid(f"State type '{state['Type']}' is not supported when a mock is specified")
    if "result" in mock and "errorOutput" in mock:
        raise invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if ask.get("revealSecrets"):
        raise invalid("TestState does not support RevealSecrets when a mock is specified.")


def outcome(mock: dict[str, Any], state: dict[str, Any]) -> Any:
    """Return the mocked result of a state.

    Raises
    ------
    StateFailure: an error is mocked
    JsonRESTError: the result is not one that the state can have
    """
    if "errorOutput" in mock:
        raise StateFailure(mock["errorOutput"].get("error"), mock["errorOutput"].get("cause"))
    try:
        result = strict_json.loads(mock.get("result") or "")
    except ValueError:
        raise invalid("Mocked result must be valid JSON") from None
    if state["Type"] == "Task":
        _check_fields(result, resources.parse(state["Resource"]), mock.get("fieldValidationMode", "STRICT"))
    elif not isinstance(result, list):
        raise invalid("Mocked result must be an array.")
    elif state["Type"] == "Parallel" and len(result) != len(state["Branches"]):
        raise invalid("Mocked result must contain the same number of items as number of Parallel branches.")
    return result


def _check_fields(result: Any, resource: resources.Resource, mode: str) -> None:
    """Compare a result with the answer in the API's model. Of what is waited for, the answer is not the task's result."""
    operation = resources.operation(resource)
    if operation is None or resource.pattern or mode == "NONE" or operation.output_shape is None:
        return
    own = {"Payload"} if resource.kind == "optimised" and resource.service == "lambda" else set()
    _check_value("", result, operation.output_shape, mode == "STRICT", own)


def _check_value(name: str, value: Any, shape: Any, strict: bool, free: set[str]) -> None:
    kind, words = JSON_KINDS.get(shape.type_name, (object, ""))
    is_right = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
    if not is_right:
        raise _wrong(f"Field '{name}' must be {words}" if name else f"The result must be {words}")
    if shape.type_name == "structure":
        for member, inner in shape.members.items():
            shown = pascal(member)
            if shown in value and shown not in free:
                _check_value(shown, value[shown], inner, strict, set())
            elif strict and member in shape.required_members and shown not in value:
                raise _wrong(f"Required field '{shown}' is missing")
    elif shape.type_name in ("list", "map"):
        inner = shape.member if shape.type_name == "list" else shape.value
        for item in value if isinstance(value, list) else value.values():
            _check_value(name, item, inner, strict, set())
    _check_limits(name, value, shape)


def _check_limits(name: str, value: Any, shape: Any) -> None:
    known = getattr(shape, "enum", None)
    if known and value not in known:
        raise _wrong(f"Field '{name}' is not an expected value")
    is_number = isinstance(value, int | float)
    size = value if is_number else len(value)
    if size < shape.metadata.get("min", size):
        raise _wrong(
            f"Field '{name}' is {'less than the minimum value' if is_number else 'smaller than the minimum length'}"
        )
    if size > shape.metadata.get("max", size):
        raise _wrong(f"Field '{name}' exceeds the maximum {'value' if is_number else 'length'}")


def _wrong(words: str) -> Exception:
    return invalid(f"Mock result schema validation error: {words}")


def context(text: str, state: dict[str, Any]) -> dict[str, Any]:
    """Return the context object of a request. Raises ValidationException."""
    try:
        given = strict_json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise _bad_context("it must be a JSON object")
    if "Map" in given:
        raise _bad_context("'Map' field is not supported when mocking a Context object")
    for name, fields in given.items():
        if name not in CONTEXT:
            raise _bad_context(f"Field '{name}' is not allowed")
        if not isinstance(fields, dict):
            raise _bad_context(f"{name} must be an object")
        for field, value in fields.items():
            if field not in CONTEXT[name]:
                raise _bad_context(f"Field '{field}' is not allowed")
            if not isinstance(value, CONTEXT[name][field]):
                raise _bad_context(f"{name}.{field} must be {NAMES[CONTEXT[name][field]]}")
    if "Task" in given and not (state["Type"] == "Task" and resources.parse(state["Resource"]).pattern):
        raise _bad_context(
            "Context object contains 'Task' when state is not a Task state "
            "with a '.sync' or '.waitForTaskToken' service integration pattern"
        )
    return given


def _bad_context(words: str) -> Exception:
    return invalid(f"Invalid Context object provided: {words}")
