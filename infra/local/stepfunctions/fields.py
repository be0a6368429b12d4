"""Which fields a state may have, which it must have, and of what kind they are.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html and the pages of the state types
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.local.stepfunctions import jsonata
from infra.local.stepfunctions.definition import JSONATA
from infra.local.stepfunctions.diagnostic import Diagnostic
from infra.local.stepfunctions.jsonpath import is_number

STRING, OBJECT, ARRAY, INTEGER, BOOLEAN, NUMBER, PATH = (
    "String",
    "Object",
    "Array",
    "Integer",
    "Boolean",
    "Number",
    "Path",
)
ROOT = {
    "Comment": STRING,
    "StartAt": STRING,
    "States": OBJECT,
    "QueryLanguage": STRING,
    "TimeoutSeconds": INTEGER,
    "Version": STRING,
}
INNER = {"Comment", "StartAt", "States", "QueryLanguage", "ProcessorConfig"}
STATE_KINDS = {
    "Comment": STRING,
    "Type": STRING,
    "Next": STRING,
    "End": BOOLEAN,
    "InputPath": PATH,
    "OutputPath": PATH,
    "ResultPath": PATH,
    "Assign": OBJECT,
    "Retry": ARRAY,
    "Catch": ARRAY,
    "ResultSelector": OBJECT,
    "QueryLanguage": STRING,
}
KINDS_BY_TYPE: dict[str, dict[str, str]] = {
    "Task": {"Resource": STRING, "TimeoutSecondsPath": PATH, "HeartbeatSecondsPath": PATH},
    "Choice": {"Choices": ARRAY, "Default": STRING},
    "Parallel": {"Branches": ARRAY},
    "Map": {
        "ItemProcessor": OBJECT,
        "Iterator": OBJECT,
        "ItemsPath": PATH,
        "ItemBatcher": OBJECT,
        "MaxConcurrencyPath": PATH,
        "ToleratedFailureCountPath": PATH,
        "ToleratedFailurePercentagePath": PATH,
    },
    "Fail": {"Error": STRING, "Cause": STRING, "ErrorPath": STRING, "CausePath": STRING},
    "Wait": {"SecondsPath": PATH, "TimestampPath": PATH},
}
COMMON = {"Type", "Comment", "QueryLanguage"}
PATHS = {"InputPath", "OutputPath"}
STEPS = {"Next", "End"}
FAULTS = {"Retry", "Catch"}
RESULTS = {"ResultPath", "ResultSelector", "Parameters"}
TIMES = {"TimeoutSeconds", "HeartbeatSeconds"}
MAP_FIELDS = {"ItemProcessor", "Iterator", "ItemSelector", "ItemBatcher", "MaxConcurrency", "ToleratedFailureCount"}
MAP_FIELDS |= {"ToleratedFailurePercentage", "ItemReader", "ResultWriter", "Label"}
BOTH: dict[str, set[str]] = {
    "Pass": STEPS | {"Assign"},
    "Task": STEPS | FAULTS | TIMES | {"Resource", "Assign", "Credentials"},
    "Choice": {"Choices", "Default", "Assign"},
    "Wait": STEPS | {"Seconds", "Timestamp", "Assign"},
    "Succeed": set(),
    "Fail": {"Error", "Cause"},
    "Parallel": STEPS | FAULTS | {"Branches", "Assign"},
    "Map": STEPS | FAULTS | MAP_FIELDS | {"Assign"},
}
ONLY_PATH: dict[str, set[str]] = {
    "Pass": PATHS | {"Result", "ResultPath", "Parameters"},
    "Task": PATHS | RESULTS | {"TimeoutSecondsPath", "HeartbeatSecondsPath"},
    "Choice": PATHS,
    "Wait": PATHS | {"SecondsPath", "TimestampPath"},
    "Succeed": PATHS,
    "Fail": {"ErrorPath", "CausePath"},
    "Parallel": PATHS | RESULTS,
    "Map": PATHS
    | RESULTS
    | {"ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath"},
}
ONLY_JSONATA: dict[str, set[str]] = {
    "Pass": {"Output"},
    "Task": {"Arguments", "Output"},
    "Choice": {"Output"},
    "Wait": {"Output"},
    "Succeed": {"Output"},
    "Fail": set(),
    "Parallel": {"Arguments", "Output"},
    "Map": {"Items", "Output"},
}
EXTRA_PARAMETERS = {"ClientToken", "Payload"}  # beside the members of the API's model


def unsupported(kind: str, state: dict[str, Any], language: str, location: str) -> Iterator[Diagnostic]:
    """Yield what a state of this type and language may not have."""
    other, own = (ONLY_PATH, ONLY_JSONATA) if language == JSONATA else (ONLY_JSONATA, ONLY_PATH)
    for name in state:
        if name in other[kind]:
            yield Diagnostic(f"The field '{name}' is not supported in {language} states", location)
        elif name not in COMMON | BOTH[kind] | own[kind]:
            yield Diagnostic(f"Field '{name}' is not supported", location)


def kinds(value: dict[str, Any], expected: dict[str, str], location: str) -> Iterator[Diagnostic]:
    """Yield the fields that are of a wrong JSON type."""
    for name, kind in expected.items():
        if name in value and not _is(value[name], kind):
            yield Diagnostic(f"Expected value of type {'String' if kind == PATH else kind}", f"{location}/{name}")


def _is(value: Any, kind: str) -> bool:
    if kind == PATH:
        return value is None or isinstance(value, str)
    if kind == INTEGER:
        return is_number(value) and float(value).is_integer()
    return isinstance(value, {STRING: str, OBJECT: dict, ARRAY: list, BOOLEAN: bool}[kind])


def required(kind: str, state: dict[str, Any], language: str, location: str) -> Iterator[Diagnostic]:
    """Yield what a state must have and has not, and what does not go together."""
    yield from _steps(kind, state, location)
    needed = {"Task": ["Resource"], "Choice": ["Choices"], "Parallel": ["Branches"]}.get(kind, [])
    missing = [name for name in needed if name not in state]
    if kind == "Map" and "ItemProcessor" not in state and "Iterator" not in state:
        missing.append("ItemProcessor")
    if missing:
        yield Diagnostic(f"These fields are required: [{', '.join(missing)}]", location)
    for name in ("Choices", "Branches"):
        if state.get(name) == []:
            yield Diagnostic("Value cannot be empty", f"{location}/{name}")
    if kind == "Wait":
        yield from _only_one(state, ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"), location, True)
    for name in ("TimeoutSeconds", "HeartbeatSeconds", "Error", "Cause", "MaxConcurrency"):
        yield from _only_one(state, (name, name + "Path"), location, False)
    if "ItemProcessor" in state and "Iterator" in state:
        yield Diagnostic("Map state must not have both 'ItemProcessor' and 'Iterator'", location)
    if "ItemSelector" in state and "Parameters" in state:
        yield Diagnostic("Map state must not have both 'ItemSelector' and 'Parameters'", location)
    yield from _numbers(state, language, location)
    yield from _handlers(state, location)


def _steps(kind: str, state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    if kind in ("Choice", "Succeed", "Fail"):
        return
    if "Next" in state and state.get("End"):
        yield Diagnostic("A state cannot have both 'Next' and 'End'", location)
    elif "Next" not in state and not state.get("End"):
        yield Diagnostic("These fields are required: [Next] or [End]", location)


def _only_one(
    state: dict[str, Any], names: tuple[str, ...], location: str, one_is_needed: bool
) -> Iterator[Diagnostic]:
    given = [name for name in names if name in state]
    if len(given) > 1 or (one_is_needed and not given):
        yield Diagnostic(f"State must have {'exactly' if one_is_needed else 'at most'} one of {list(names)}", location)


def _numbers(state: dict[str, Any], language: str, location: str) -> Iterator[Diagnostic]:
    limits = (
        ("TimeoutSeconds", 1, 99_999_999),
        ("HeartbeatSeconds", 1, 99_999_999),
        ("Seconds", 0, 99_999_999),
        ("MaxConcurrency", 0, None),
        ("ToleratedFailureCount", 0, None),
        ("ToleratedFailurePercentage", 0, 100),
    )
    for name, low, high in limits:
        value = state.get(name)
        if name not in state or (language == JSONATA and isinstance(value, str) and jsonata.is_expression(value)):
            continue
        whole = name == "ToleratedFailurePercentage" or (is_number(value) and float(value).is_integer())
        if not is_number(value) or not whole or value < low or (high is not None and value > high):
            most = f" and at most {high}" if high is not None else ""
            yield Diagnostic(f"Value must be a number of at least {low}{most}", f"{location}/{name}")
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if is_number(timeout) and is_number(heartbeat) and heartbeat >= timeout:
        yield Diagnostic("'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'", f"{location}/HeartbeatSeconds")


RETRIER = {
    "ErrorEquals",
    "IntervalSeconds",
    "MaxAttempts",
    "BackoffRate",
    "MaxDelaySeconds",
    "JitterStrategy",
    "Comment",
}
CATCHER = {"ErrorEquals", "Next", "ResultPath", "Assign", "Output", "Comment"}
RULE_KINDS = {"Next": STRING, "ResultPath": PATH, "Assign": OBJECT, "Comment": STRING}


def _handlers(state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    for group, known in (("Retry", RETRIER), ("Catch", CATCHER)):
        rules = state.get(group) or []
        for number, rule in enumerate(rules):
            where = f"{location}/{group}[{number}]"
            if not isinstance(rule, dict):
                yield Diagnostic("Expected value of type Object", where)
                continue
            for name in rule:
                if name not in known:
                    yield Diagnostic(f"Field '{name}' is not supported", where)
            yield from kinds(rule, RULE_KINDS, where)
            yield from _error_names(rule, number == len(rules) - 1, where)
            if group == "Catch" and not isinstance(rule.get("Next"), str):
                yield Diagnostic("These fields are required: [Next]", where)
            if group == "Retry":
                yield from _retrier(rule, where)


def _error_names(rule: dict[str, Any], is_last: bool, where: str) -> Iterator[Diagnostic]:
    names = rule.get("ErrorEquals")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        yield Diagnostic("These fields are required: [ErrorEquals]", where)
    elif not names:
        yield Diagnostic("Value cannot be empty", f"{where}/ErrorEquals")
    elif "States.ALL" in names and (len(names) > 1 or not is_last):
        yield Diagnostic("States.ALL must appear alone and at the end of the list", f"{where}/ErrorEquals")


def _retrier(rule: dict[str, Any], where: str) -> Iterator[Diagnostic]:
    limits: tuple[tuple[str, float, float], ...] = (
        ("IntervalSeconds", 1, 99_999_999),
        ("MaxAttempts", 0, 99_999_999),
        ("BackoffRate", 1, float("inf")),
        ("MaxDelaySeconds", 1, 31_622_400),
    )
    for name, low, high in limits:
        value = rule.get(name)
        is_right = is_number(value) and low <= value <= high and (name == "BackoffRate" or float(value).is_integer())
        if name in rule and not is_right:
            kind = "a number" if name == "BackoffRate" else "a whole number"
            yield Diagnostic(f"Value must be {kind} of at least {low:g}", f"{where}/{name}")
    if rule.get("JitterStrategy", "NONE") not in ("NONE", "FULL"):
        yield Diagnostic("The field 'JitterStrategy' should have one of these values: [NONE, FULL]", where)
    longest, interval = rule.get("MaxDelaySeconds"), rule.get("IntervalSeconds", 1)
    if is_number(longest) and is_number(interval) and longest <= interval:
        yield Diagnostic("'MaxDelaySeconds' must be greater than 'IntervalSeconds'", f"{where}/MaxDelaySeconds")
