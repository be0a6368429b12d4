"""TestState: one state alone, with an input, and what becomes of it at each step.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
"""

from __future__ import annotations

import json
import time
from typing import Any

from infra.local.core import roles, strict_json
from infra.local.stepfunctions import retry
from infra.local.stepfunctions.api import Answer, Ask, present
from infra.local.stepfunctions.choice import timestamp
from infra.local.stepfunctions.dataflow import Visit
from infra.local.stepfunctions.definition import JSONPATH, Definition
from infra.local.stepfunctions.diagnostic import SCHEMA
from infra.local.stepfunctions.errors import StatesError, invalid
from infra.local.stepfunctions.failures import RUNTIME, StateFailure
from infra.local.stepfunctions.integrations import calls
from infra.local.stepfunctions.interpreter import Interpreter
from infra.local.stepfunctions.record import Execution
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.validation import diagnose

SUPPORTED = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice")
SECONDS = 300.0
POLL_SECONDS = 0.2


def test_state(ask: Ask) -> Answer:
    """Run one state. No execution is made and nothing is stored."""
    state, name = _state(ask)
    if state["Type"] == "Task" and not ask.get("roleArn") and not ask.get("mock"):
        raise invalid("RoleArn must be specified when testing a Task state")
    interpreter = Interpreter(_execution(ask, state, name))
    interpreter.begin()
    frame = next(iter(interpreter.execution.frames.values()))
    frame.variables = _json(ask.get("variables"), "variables") or {}
    frame.entered_at, frame.entered_event = time.time(), 2
    visit = interpreter._visit(frame)
    try:
        following, output, assigned = _run(ask, visit, interpreter.execution)
    except StateFailure as failure:
        return _failed(ask, visit, failure)
    answer = {"status": "SUCCEEDED", "output": compact(output), "nextState": following}
    return present({**answer, "inspectionData": _inspection(ask, visit, assigned)})


def _state(ask: Ask) -> tuple[dict[str, Any], str]:
    try:
        given = strict_json.loads(ask["definition"])
    except ValueError as error:
        raise _invalid(f"INVALID_JSON_DESCRIPTION: {error}") from None
    name = ask.get("stateName")
    if isinstance(given, dict) and "States" in given:
        if not name or name not in given["States"]:
            raise invalid("StateName must name a state of the definition")
        language = given.get("QueryLanguage", JSONPATH)
        given = {"QueryLanguage": language, **given["States"][name]}
    if not isinstance(given, dict):
        raise _invalid(f"{SCHEMA}: Definition must be a valid JSON object")
    if given.get("Type") in ("Map", "Parallel"):
        raise StatesError(
            "InvalidDefinition",
            f"TestState API does not support Map or Parallel states. Supported state types include: [{', '.join(SUPPORTED)}]",
        )
    name = name or "StateName"
    targets = [given.get("Next"), given.get("Default")]
    targets += [
        rule.get("Next") for group in ("Choices", "Catch") for rule in given.get(group) or [] if isinstance(rule, dict)
    ]
    others = {target: {"Type": "Succeed"} for target in targets if isinstance(target, str) and target != name}
    machine = {"StartAt": name, "States": {name: given, **others}}
    faults = [fault for fault in diagnose(json.dumps(machine)) if fault.severity == "ERROR"]
    if faults:
        raise _invalid(", ".join(fault.text() for fault in faults))
    return given, name


def _invalid(words: str) -> StatesError:
    return StatesError("InvalidDefinition", f"Invalid State Machine Definition: '{words}'")


def _json(text: str | None, what: str) -> Any:
    if text is None:
        return None
    try:
        return strict_json.loads(text)
    except ValueError as error:
        if what == "input":
            raise StatesError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None
        raise invalid(f"The {what} must be valid JSON") from None


def _execution(ask: Ask, state: dict[str, Any], name: str) -> Execution:
    given = ask.get("input") or "{}"
    _json(given, "input")
    arn = ask.backend.arn("stateMachine", "TestState")
    definition = Definition(json.dumps({"StartAt": name, "States": {name: state}}))
    role = ask.get("roleArn") or ""
    if role and not ask.get("mock"):
        try:
            roles.session(ask.account, role, "states")
        except roles.CannotAssume as error:
            raise StatesError("AccessDeniedException", str(error)) from None
    return Execution(
        arn=ask.backend.arn("execution", "TestState:test"), machine_arn=arn, name="test", kind="STANDARD", role=role, input=given,
        definition=definition, start=time.time(), account=ask.account, region=ask.region,
    )  # fmt: skip


def _run(ask: Ask, visit: Visit, execution: Execution) -> tuple[str | None, Any, dict[str, Any]]:
    kind = visit.state["Type"]
    if kind == "Choice":
        return visit.chosen()
    if kind == "Fail":
        raise visit.failing()
    if kind == "Pass" and not visit.is_jsonata:
        arguments = visit.arguments()
        output = visit.output(visit.state.get("Result", arguments), selector=False)
    elif kind == "Task":
        output = visit.output(_task(ask, visit, execution))
    else:
        if kind == "Wait" and "TimestampPath" in visit.state:
            text = visit.scope(visit.effective_input()).select(visit.state["TimestampPath"])
            if timestamp(text) is None:
                raise StateFailure(RUNTIME, f"The TimestampPath parameter does not reference a valid timestamp: {text}")
        output = visit.output()
    return visit.state.get("Next"), *output


def _task(ask: Ask, visit: Visit, execution: Execution) -> Any:
    arguments = visit.arguments()
    mock = ask.get("mock")
    if mock:
        if "errorOutput" in mock:
            raise StateFailure(mock["errorOutput"].get("error"), mock["errorOutput"].get("cause"))
        return _json(mock.get("result"), "mock")
    resource = visit.state["Resource"]
    task = {"id": "test", "resource": resource, "arguments": arguments, "scheduled": time.time()}
    call = calls.Call(execution, task)
    started = calls.start(call)
    if started.handle is None:
        return started.output
    task["handle"] = started.handle
    deadline = time.monotonic() + SECONDS
    while (result := calls.poll(call)) is None:
        if time.monotonic() > deadline:
            raise StateFailure("States.Timeout", "TestState has a limit of five minutes.")
        time.sleep(POLL_SECONDS)
    return result.output


def _failed(ask: Ask, visit: Visit, failure: StateFailure) -> Answer:
    configuration = ask.get("stateConfiguration") or {}
    used = configuration.get("retrierRetryCount", 0)
    again = retry.next_try(visit.state, failure, [used] * len(visit.state.get("Retry") or []))
    answer: Answer = {"error": failure.error, "cause": failure.cause}
    details: dict[str, Any] = {}
    if again is not None:
        details = {"retryIndex": again.retrier, "retryBackoffIntervalSeconds": int(again.seconds)}
        answer["status"] = "RETRIABLE"
    elif (caught := retry.catcher(visit.state, failure)) is not None:
        output, _ = visit.caught(caught[1], failure)
        answer |= {"status": "CAUGHT_ERROR", "output": compact(output), "nextState": caught[1]["Next"]}
        details = {"catchIndex": caught[0]}
    else:
        answer["status"] = "FAILED"
    inspection = _inspection(ask, visit, {})
    if inspection is not None and details:
        inspection["errorDetails"] = details
    return present({**answer, "inspectionData": inspection})


def _inspection(ask: Ask, visit: Visit, assigned: dict[str, Any]) -> dict[str, Any] | None:
    if ask.get("inspectionLevel", "INFO") == "INFO":
        return None
    shown = {name: compact(value) for name, value in visit.trace.items()}
    shown["input"] = compact(visit.raw)
    if assigned:
        shown["variables"] = compact(assigned)
    return shown
