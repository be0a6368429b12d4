"""What the values of a template refer to: functions, resources, conditions.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PSEUDO_PARAMETERS = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
}
SUB_VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")
UNKNOWN = "{{known after the update}}"  # stands for a value that only exists when its resource was made


def function_of(value: Any) -> str | None:
    """Return the name of the function that a template value calls, or None."""
    if isinstance(value, dict) and len(value) == 1:
        name = next(iter(value))
        if name == "Ref" or isinstance(name, str) and name.startswith("Fn::"):
            return name
    return None


def references(value: Any) -> Iterator[tuple[str, str | None]]:
    """Give every (logical id, attribute or None) that a template value refers to, pseudo parameters included."""
    name = function_of(value)
    if name == "Ref" and isinstance(value["Ref"], str):
        yield value["Ref"], None
    elif name == "Fn::GetAtt":
        target = value[name].split(".", 1) if isinstance(value[name], str) else value[name]
        if isinstance(target, list) and len(target) == 2 and isinstance(target[0], str):
            yield target[0], target[1] if isinstance(target[1], str) else ""
            yield from references(target[1])
    elif name == "Fn::Sub":
        words, own = value[name] if isinstance(value[name], list) and len(value[name]) == 2 else (value[name], {})
        yield from references(own)
        for variable in SUB_VARIABLE.findall(words) if isinstance(words, str) else ():
            variable = variable.strip()
            if variable not in (own if isinstance(own, dict) else {}):
                target, dot, attribute = variable.partition(".")
                yield target, attribute if dot else None
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def conditions_in(value: Any) -> Iterator[str]:
    """Give the names of the conditions that a value uses by Fn::If or Condition."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Fn::If" and isinstance(item, list) and item and isinstance(item[0], str):
                yield item[0]
            elif key == "Condition" and len(value) == 1 and isinstance(item, str):
                yield item
            yield from conditions_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from conditions_in(item)


def text(value: Any) -> str:
    """Return a scalar as CloudFormation writes it: booleans in lower case, whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as a list of it."""
    return value if isinstance(value, list) else [value]
