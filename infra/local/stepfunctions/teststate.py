"""TestState: one state alone, with an input, and what becomes of it at each step.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from infra.local.core import roles, strict_json
from infra.local.stepfunctions import mocks, resources, retry
from infra.local.stepfunctions.api import Answer, Ask, present
from infra.local.stepfunctions.choice import timestamp
from infra.local.stepfunctions.dataflow import Visit
from infra.local.stepfunctions.definition import JSONPATH, Definition, inner_machines
from infra.local.stepfunctions.diagnostic import SCHEMA
from infra.local.stepfunctions.errors import StatesError, invalid
from infra.local.stepfunctions.failures import RUNTIME, StateFailure
from infra.local.stepfunctions.groups import THRESHOLD
from infra.local.stepfunctions.integrations import calls
from infra.local.stepfunctions.interpreter import Interpreter
from infra.local.stepfunctions.items import batches_of, items_of, selected, tolerated_failures, whole
from infra.local.stepfunctions.record import Execution
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.validation import diagnose

UNMOCKED = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice")
PLAIN_NUMBERS = ("maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage")  # the rest is JSON text


def test_state(ask: Ask) -> Answer:
    """Run one state. No execution is made and nothing is stored."""
    state, name = _state(ask)
    mocks.check(ask.given, state)
    _check_needs(ask, state)
    execution = _execution(ask, state, name)
    visit = _visit(ask, state, execution)
    try:
        following, output, assigned = _run(ask, visit, execution)
    except StateFailure as failure:
        return _failed(ask, visit, failure)
    answer = {"status": "SUCCEEDED", "output": compact(output), "nextState": following}
    return present({**answer, "inspectionData": _inspection(ask, visit, assigned)})


def _state(ask: Ask) -> tuple[dict[str, Any], str]:
    """Return the state that is asked for, and its name. Raises what AWS says of a definition that is none."""
    try:
        given = strict_json.loads(ask["definition"])
    except ValueError as error:
        raise _invalid(f"INVALID_JSON_DESCRIPTION: {error}") from None
    name = ask.get("stateName")
    if not isinstance(given, dict):
        raise _invalid(f"{SCHEMA}: Definition must be a valid JSON object")
    if "States" in given or name:
        found = next((state for each, state in _states(given) if each == name), None)
        if found is None:
            raise invalid("State not found in definition")
        given = {"QueryLanguage": given.get("QueryLanguage", JSONPATH), **found}
    if given.get("Type") in mocks.MOCKED[1:] and not ask.get("mock"):
        raise StatesError(
            "InvalidDefinition",
            f"TestState API does not support Map or Parallel states. Supported state types include: [{', '.join(UNMOCKED)}]",
        )
    name = name or "StateName"
    targets = [given.get("Next"), given.get("Default")]
    for group in ("Choices", "Catch"):
        rules = given.get(group)
        targets += [rule.get("Next") for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    others = {target: {"Type": "Succeed"} for target in targets if isinstance(target, str) and target != name}
    machine = {"StartAt": name, "States": {name: given, **others}}
    faults = [fault for fault in diagnose(json.dumps(machine)) if fault.severity == "ERROR"]
    if faults:
        raise _invalid(", ".join(fault.text() for fault in faults))
    return given, name


def _states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the states of a definition with their names, those inside of others too."""
    states = machine.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            yield name, state
            for inner, _ in inner_machines(state, ""):
                yield from _states(inner) if isinstance(inner, dict) else ()


def _invalid(words: str) -> StatesError:
    return StatesError("InvalidDefinition", f"Invalid State Machine Definition: '{words}'")


def _check_needs(ask: Ask, state: dict[str, Any]) -> None:
    if state["Type"] != "Task" or ask.get("mock"):
        return
    if not ask.get("roleArn"):
        raise invalid("RoleArn must be specified when testing a Task state")
    resource = resources.parse(state["Resource"])
    if resource.kind == "activity" or resource.pattern:
        # https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html: these only with a mock
        raise StatesError(
            "InvalidDefinition",
            "TestState API does not support Activities, '.sync' or '.waitForTaskToken' unless a mock is specified",
        )


def _json(text: str, what: str) -> Any:
    try:
        return strict_json.loads(text)
    except ValueError as error:
        if what == "input":
            raise StatesError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None
        raise invalid(f"The {what} must be valid JSON") from None


def _visit(ask: Ask, state: dict[str, Any], execution: Execution) -> Visit:
    """Return the state with its input, its variables and a context object: the request's, or one that is made up."""
    interpreter = Interpreter(execution)
    interpreter.begin()
    frame = next(iter(execution.frames.values()))
    frame.variables = _json(ask.get("variables") or "{}", "variables")
    frame.entered_at, frame.entered_event = time.time(), 2
    visit = interpreter._visit(frame)
    if ask.get("context") is not None:
        visit.context = mocks.context(ask["context"], state)
    else:
        visit.context["Execution"].pop("RedriveCount")
    return visit


def _execution(ask: Ask, state: dict[str, Any], name: str) -> Execution:
    given = ask.get("input") or "{}"
    _json(given, "input")
    role = ask.get("roleArn") or ""
    if role and not ask.get("mock"):
        try:
            roles.session(ask.account, role, "states")
        except roles.CannotAssume as error:
            raise StatesError("AccessDeniedException", str(error)) from None
    return Execution(
        arn=ask.backend.arn("express", "TestState:test"), machine_arn=ask.backend.arn("stateMachine", "TestState"),
        name="test", kind="EXPRESS", role=role, input=given,
        definition=Definition(json.dumps({"StartAt": name, "States": {name: state}})),
        start=time.time(), account=ask.account, region=ask.region,
    )  # fmt: skip


def _run(ask: Ask, visit: Visit, execution: Execution) -> tuple[str | None, Any, dict[str, Any]]:
    kind = visit.state["Type"]
    if kind == "Choice":
        return visit.chosen()
    if kind == "Fail":
        visit.effective_input()
        raise visit.failing()
    if kind == "Pass" and not visit.is_jsonata:
        output = _pass(visit)
    elif kind in mocks.MOCKED:
        output = _work(ask, visit, execution)
    else:
        if kind == "Wait" and "TimestampPath" in visit.state:
            text = visit.scope(visit.effective_input()).select(visit.state["TimestampPath"])
            if timestamp(text) is None:
                raise StateFailure(RUNTIME, f"The TimestampPath parameter does not reference a valid timestamp: {text}")
        output = visit.output()
    return visit.state.get("Next"), *output


def _pass(visit: Visit) -> tuple[Any, dict[str, Any]]:
    """Return output and variables of a Pass; AWS shows either its Result or what was made of the input."""
    arguments = visit.arguments()
    output = visit.output(visit.state.get("Result", arguments), selector=False)
    for name in ("afterInputPath", "afterParameters") if "Result" in visit.state else ("result",):
        visit.trace.pop(name, None)
    return output


def _work(ask: Ask, visit: Visit, execution: Execution) -> tuple[Any, dict[str, Any]]:
    """Return output and variables of a Task, Map or Parallel."""
    mock, kind = ask.get("mock"), visit.state["Type"]
    if kind == "Task":
        return visit.output(_task(ask, visit, execution))
    assert mock is not None
    if kind == "Map":
        _iterations(visit)
    else:
        visit.arguments()
    result = mocks.outcome(mock, visit.state)
    if kind == "Map":
        _check_failures(ask, visit, len(result))
    output = visit.output(result)
    for name in ("result",) if kind == "Map" else ("result", "afterInputPath", "afterParameters"):
        visit.trace.pop(name, None)
    return output


def _iterations(visit: Visit) -> None:
    """Note how a Map would go over its items. Raises StateFailure."""
    items = items_of(visit)
    visit.trace["maxConcurrency"] = whole(visit, "MaxConcurrency") or 0
    if not visit.is_jsonata:
        visit.trace["afterItemsPath"] = [item["Value"] for _, item in items]
    selector = visit.state.get("ItemSelector", visit.state.get("Parameters"))
    if selector is not None:
        visit.trace["afterItemSelector"] = [selected(visit, selector, item) for _, item in items]
    if "ItemBatcher" in visit.state:
        visit.trace["afterItemBatcher"] = [value for value, _ in batches_of(visit, items)]
    if (count := whole(visit, "ToleratedFailureCount")) is not None:
        visit.trace["toleratedFailureCount"] = count
    if (percentage := visit.number("ToleratedFailurePercentage")) is not None:
        visit.trace["toleratedFailurePercentage"] = percentage


def _check_failures(ask: Ask, visit: Visit, iterations: int) -> None:
    """Raise StateFailure if more iterations failed, as the request says, than the Map tolerates."""
    failed = (ask.get("stateConfiguration") or {}).get("mapIterationFailureCount", 0)
    if failed > iterations:
        raise invalid("Map iteration failure count must be less than or equal to the number of Map iterations")
    if failed > tolerated_failures(visit, iterations):
        raise StateFailure(THRESHOLD, "The specified tolerated failure threshold was exceeded")


def _task(ask: Ask, visit: Visit, execution: Execution) -> Any:
    arguments = visit.arguments()
    if ask.get("mock"):
        return mocks.outcome(ask["mock"], visit.state)
    task = {"id": "test", "resource": visit.state["Resource"], "arguments": arguments, "scheduled": time.time()}
    return calls.start(calls.Call(execution, task)).output


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
        if (tried := retry.retrier(visit.state, failure)) is not None:
            details = {"retryIndex": tried}
    inspection = _inspection(ask, visit, {})
    if inspection is not None and details:
        inspection["errorDetails"] = details
    return present({**answer, "inspectionData": inspection})


def _inspection(ask: Ask, visit: Visit, assigned: dict[str, Any]) -> dict[str, Any] | None:
    if ask.get("inspectionLevel", "INFO") == "INFO":
        return None
    shown = {name: value if name in PLAIN_NUMBERS else compact(value) for name, value in visit.trace.items()}
    shown["input"] = compact(visit.raw)
    variables = {**visit.variables, **assigned}
    if variables:
        shown["variables"] = compact(variables)
    return shown
