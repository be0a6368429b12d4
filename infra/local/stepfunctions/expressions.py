"""Paths, intrinsic functions, JSONata expressions and choice rules in a definition: are they well formed?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.local.stepfunctions import intrinsics, jsonata, jsonpath
from infra.local.stepfunctions.choice import COMBINATIONS, COMPARISONS, OPERATORS, TESTS, WITH_PATH, timestamp
from infra.local.stepfunctions.definition import JSONATA
from infra.local.stepfunctions.diagnostic import Diagnostic
from infra.local.stepfunctions.jsonpath import is_number

REFERENCES: tuple[str, ...] = ("ResultPath", "ItemsPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath")
REFERENCES += (
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
)
PATH_FIELDS = ("InputPath", "OutputPath")
CALLABLE_PATHS = ("ErrorPath", "CausePath")  # which may also be an intrinsic function
TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "ItemBatcher")
INNER_MACHINES = ("Branches", "ItemProcessor", "Iterator")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
RESERVED = re.compile(r"\$states\s*\.\s*(result|errorOutput)\b")
TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
WITH_RESULT = ("Task", "Parallel", "Map")
RULE_FIELDS = {"Next", "Comment", "Assign", "Output"}


def expression_faults(kind: str, state: dict[str, Any], language: str, location: str) -> Iterator[Diagnostic]:
    """Yield the malformed paths, functions, expressions and choice rules of a state."""
    yield from _variables(state, location)
    if language == JSONATA:
        own = {name: value for name, value in state.items() if name not in INNER_MACHINES}
        yield from _jsonata(own, location)
        yield from _reserved(kind, own, location)
    else:
        yield from _paths(state, location)
        for name in TEMPLATES:
            yield from _template(state.get(name), f"{location}/{name}")
        for number, catcher in enumerate(state.get("Catch") or []):
            yield from _paths(catcher, f"{location}/Catch[{number}]")
            yield from _template(catcher.get("Assign"), f"{location}/Catch[{number}]/Assign")
    if kind == "Choice":
        for number, rule in enumerate(state.get("Choices") or []):
            yield from _rule(rule, language, f"{location}/Choices[{number}]", is_top=True)
    if kind == "Wait" and "Timestamp" in state and not _is_time(state["Timestamp"], language):
        yield Diagnostic("The Timestamp is not a valid ISO-8601 extended offset date-time", f"{location}/Timestamp")
    items = state.get("Items", [])
    if kind == "Map" and not isinstance(items, list | dict) and not _is_expression(items):
        yield Diagnostic("Value must be an array, an object or a JSONata expression", f"{location}/Items")


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and jsonata.is_expression(value)


def _is_time(value: Any, language: str) -> bool:
    return timestamp(value) is not None or (language == JSONATA and _is_expression(value))


def assigned(state: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the variables that a state assigns: itself, in a rule, in a catcher."""
    for where in (state, *(state.get("Choices") or []), *(state.get("Catch") or [])):
        given = where.get("Assign") if isinstance(where, dict) else None
        for name in given if isinstance(given, dict) else {}:
            yield name.removesuffix(".$")


def _variables(state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    for name in assigned(state):
        if not VARIABLE.fullmatch(name) or name == "states":
            yield Diagnostic(f"The variable name '{name}' is not valid", f"{location}/Assign")


def _paths(state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    for name in (*PATH_FIELDS, *REFERENCES, *CALLABLE_PATHS):
        text = state.get(name)
        if not isinstance(text, str) or (name in CALLABLE_PATHS and intrinsics.is_intrinsic(text)):
            continue
        try:
            path = jsonpath.parse(text)
        except jsonpath.PathSyntaxError:
            yield Diagnostic("Value is not a valid JSONPath", f"{location}/{name}")
            continue
        if (name in REFERENCES and not path.is_reference) or (name == "ResultPath" and path.variable):
            yield Diagnostic("Value is not a Reference Path", f"{location}/{name}")


def _template(value: Any, location: str) -> Iterator[Diagnostic]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _template(item, f"{location}[{number}]")
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if not name.endswith(".$"):
            yield from _template(item, f"{location}/{name}")
        elif not isinstance(item, str) or not _is_path_or_function(item):
            yield Diagnostic(
                f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call",
                f"{location}",
            )


def _is_path_or_function(text: str) -> bool:
    try:
        if intrinsics.is_intrinsic(text):
            intrinsics.parse(text)
        else:
            jsonpath.parse(text)
    except (intrinsics.IntrinsicSyntaxError, jsonpath.PathSyntaxError):
        return False
    return True


def _jsonata(value: Any, location: str) -> Iterator[Diagnostic]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _jsonata(item, f"{location}[{number}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _jsonata(item, f"{location}/{name}")
    elif isinstance(value, str) and jsonata.is_expression(value):
        fault = jsonata.syntax_error(value)
        if fault:
            yield Diagnostic(f"The JSONata expression '{jsonata.source(value)}' is not valid: {fault}", location)


def _reserved(kind: str, state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    """Yield where $states.result or $states.errorOutput is read and is not there.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#reserved-variable-states
    """
    results = {"Output", "Assign"} if kind in WITH_RESULT else set()
    for field, value in state.items():
        if field == "Catch":
            for number, catcher in enumerate(value or []):
                yield from _unreachable(catcher, "result", f"{location}/Catch[{number}]")
        else:
            yield from _unreachable(value, "errorOutput", f"{location}/{field}")
            if field not in results:
                yield from _unreachable(value, "result", f"{location}/{field}")


def _unreachable(value: Any, member: str, location: str) -> Iterator[Diagnostic]:
    if isinstance(value, str) and jsonata.is_expression(value):
        if member in RESERVED.findall(TEXT.sub("", value)):
            yield Diagnostic(f"'$states.{member}' is not accessible in this field", location)
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            where = f"{location}[{name}]" if isinstance(value, list) else f"{location}/{name}"
            yield from _unreachable(inner, member, where)


def _rule(rule: Any, language: str, location: str, is_top: bool) -> Iterator[Diagnostic]:
    if not isinstance(rule, dict):
        yield Diagnostic("Expected value of type Object", location)
        return
    if is_top and not isinstance(rule.get("Next"), str):
        yield Diagnostic("These fields are required: [Next]", location)
    if not is_top and "Next" in rule:
        yield Diagnostic("Field 'Next' is not supported", location)
    if not isinstance(rule.get("Assign", {}), dict):
        yield Diagnostic("Expected value of type Object", f"{location}/Assign")
        return
    if language == JSONATA:
        condition = rule.get("Condition")
        if not (isinstance(condition, bool) or (isinstance(condition, str) and jsonata.is_expression(condition))):
            yield Diagnostic("These fields are required: [Condition]", location)
        return
    yield from _template(rule.get("Assign"), f"{location}/Assign")
    combinations = [name for name in COMBINATIONS if name in rule]
    operators = [name for name in rule if name in OPERATORS]
    for name in rule:
        if name not in {*RULE_FIELDS, *COMBINATIONS, *OPERATORS, "Variable"}:
            yield Diagnostic(f"Field '{name}' is not supported", location)
    if len(combinations) + len(operators) != 1:
        yield Diagnostic("A choice rule must have exactly one comparison or one of [And, Or, Not]", location)
    elif combinations:
        yield from _combination(rule, combinations[0], language, location)
    else:
        yield from _comparison(rule, operators[0], location)


def _combination(rule: dict[str, Any], name: str, language: str, location: str) -> Iterator[Diagnostic]:
    if name == "Not":
        yield from _rule(rule["Not"], language, f"{location}/Not", is_top=False)
    elif not isinstance(rule[name], list) or not rule[name]:
        yield Diagnostic("Value cannot be empty", f"{location}/{name}")
    else:
        for number, each in enumerate(rule[name]):
            yield from _rule(each, language, f"{location}/{name}[{number}]", is_top=False)


def _comparison(rule: dict[str, Any], operator: str, location: str) -> Iterator[Diagnostic]:
    for name in ("Variable", *([operator] if operator in WITH_PATH else [])):
        text = rule.get(name)
        if text is None and name == "Variable":
            yield Diagnostic("These fields are required: [Variable]", location)
        elif not isinstance(text, str) or not _is_path_or_function(text) or intrinsics.is_intrinsic(text):
            yield Diagnostic("Value is not a Reference Path", f"{location}/{name}")
    if operator in WITH_PATH:
        return
    value = rule[operator]
    if operator in TESTS or operator in ("IsPresent", "BooleanEquals"):
        is_right, kind = isinstance(value, bool), "Boolean"
    elif operator.startswith("Numeric"):
        is_right, kind = is_number(value), "Number"
    elif operator.startswith("Timestamp"):
        is_right, kind = timestamp(value) is not None, "Timestamp"
    else:
        is_right, kind = isinstance(value, str) and operator in COMPARISONS, "String"
    if not is_right:
        yield Diagnostic(f"Expected value of type {kind}", f"{location}/{operator}")
