"""Parameters of a stack: their types, and the values that a request gives.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.templates.references import text
from infra.local.core.patterns import Pattern, TooSlow

PARAMETER_ATTRIBUTES = {
    "Type",
    "Default",
    "Description",
    "NoEcho",
    "AllowedValues",
    "AllowedPattern",
    "ConstraintDescription",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
}
SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
SSM_NAME = "AWS::SSM::Parameter::Name"
LIST = re.compile(r"List<(.+)>")
ZONE = "AWS::EC2::AvailabilityZone::Name"
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
PLAIN = {"String", "Number"}


class Kind(NamedTuple):
    """What a parameter's type says.

    Attributes
    ----------
    item: the type of the value, of each item of a list
    is_list: whether Ref gives a list
    is_stored: the value given is the name of a parameter of Systems Manager, where the value is read
    """

    item: str
    is_list: bool = False
    is_stored: bool = False


def kind_of(name: str) -> Kind:
    """Return what a parameter's type says. Raises TemplateError for one that is not known."""
    stored = SSM_VALUE.fullmatch(name)
    inner = stored[1] if stored else name
    listed = LIST.fullmatch(inner)
    item = "String" if inner == "CommaDelimitedList" else listed[1] if listed else inner
    is_list = bool(listed) or inner == "CommaDelimitedList"
    if item in PLAIN or item == ZONE or item == SSM_NAME and not is_list and not stored:
        return Kind(item, is_list, bool(stored))
    if item.startswith(("AWS::EC2::", "AWS::Route53::")):
        if stored:
            return Kind("String", is_list, True)
        service = item.split("::")[1]
        raise TemplateError(
            f"Template format error: The local AWS does not support the parameter type {name}: it has no {service}."
        )
    raise TemplateError(f"Template format error: Unrecognized parameter type: {name}")


def listed(value: str) -> list[str]:
    """Return the items of a list parameter's text."""
    return [part.strip() for part in value.split(",")] if value else []


def declared_parameters(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the section Parameters of a template. Raises TemplateError."""
    section = body.get("Parameters", {})
    if not isinstance(section, dict) or any(not isinstance(each, dict) for each in section.values()):
        raise TemplateError("Template format error: Every Parameters member must be an object.")
    for name, definition in section.items():
        if not isinstance(definition.get("Type"), str):
            raise TemplateError("Template format error: Every Parameters object must contain a Type member.")
        kind_of(definition["Type"])
        strange = next((key for key in definition if key not in PARAMETER_ATTRIBUTES), None)
        if strange is not None:
            raise TemplateError(f"Invalid template parameter property '{strange}'")
        if isinstance(definition.get("Default"), (dict, list)):
            raise TemplateError(f"Template format error: Every Default member must be a string. ({name})")
        _check_limits(definition)
    return section


def _check_limits(definition: dict[str, Any]) -> None:
    """Check the attributes that limit a parameter's values. Raises TemplateError."""
    allowed = definition.get("AllowedValues", [])
    if not isinstance(allowed, list) or any(isinstance(item, (dict, list)) or item is None for item in allowed):
        raise TemplateError("Template format error: Every AllowedValues member must be a list of strings.")
    for key in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
        if key in definition and not NUMBER.fullmatch(text(definition[key])):
            raise TemplateError(f"Template format error: Every {key} member must be a number.")
    pattern = definition.get("AllowedPattern", "")
    try:
        Pattern(pattern)
    except ValueError:
        raise TemplateError(
            "Template format error: Every AllowedPattern member must be a regular expression."
        ) from None


def parameter_values(
    declared: dict[str, dict[str, Any]], given: list[dict[str, Any]], previous: dict[str, str] | None = None
) -> dict[str, str]:
    """Return the value of every parameter, as text.

    Parameters
    ----------
    declared: the section Parameters of the template
    given: the Parameters of a request, each with ParameterKey and ParameterValue or UsePreviousValue
    previous: the values of the stack that is updated, None for a new stack

    Raises TemplateError for missing, unknown and invalid values.
    """
    values: dict[str, str] = {}
    for item in given:
        key = item.get("ParameterKey", "")
        if item.get("UsePreviousValue"):
            if item.get("ParameterValue"):
                raise TemplateError(
                    f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true and non empty value "
                    "for a parameter"
                )
            if key not in (previous or {}):
                raise TemplateError(
                    f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key "
                    "not in the previous template"
                )
            values[key] = (previous or {})[key]
        elif item.get("ParameterValue") is not None:
            values[key] = item["ParameterValue"]
    strange = [key for key in values if key not in declared]
    if strange:
        raise TemplateError(f"Parameters: [{', '.join(strange)}] do not exist in the template")
    for name, definition in declared.items():
        if name not in values and "Default" in definition:
            values[name] = text(definition["Default"])
    missing = [name for name in declared if name not in values]
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, definition in declared.items():
        _check_value(name, values[name], definition)
    return values


def _check_value(name: str, value: str, definition: dict[str, Any]) -> None:
    problem = _value_problem(value, definition)
    if problem and definition.get("ConstraintDescription"):
        raise TemplateError(f"Parameter {name} failed to satisfy constraint: {definition['ConstraintDescription']}")
    if problem:
        raise TemplateError(f"Parameter '{name}' {problem}")


def _fits(pattern: str, value: str) -> bool:
    try:
        return Pattern(pattern).matches(value)
    except TooSlow:
        raise TemplateError(f"Template format error: AllowedPattern {pattern} takes too long.") from None


def _value_problem(value: str, definition: dict[str, Any]) -> str | None:
    kind = kind_of(definition["Type"])
    parts = [part.strip() for part in value.split(",")] if kind.is_list and not kind.is_stored else [value]
    allowed = definition.get("AllowedValues")
    for part in parts:
        if allowed is not None and part not in [text(item) for item in allowed]:
            return "must be one of AllowedValues"
        pattern = definition.get("AllowedPattern")
        if pattern and not _fits(pattern, part):
            return f"must match pattern {pattern}"
        if "MinLength" in definition and len(part) < float(definition["MinLength"]):
            return f"must contain at least {definition['MinLength']} characters"
        if "MaxLength" in definition and len(part) > float(definition["MaxLength"]):
            return f"must contain at most {definition['MaxLength']} characters"
        if kind.item == "Number" and not kind.is_stored:
            try:
                number = float(part)
            except ValueError:
                return "must be a number"
            if "MinValue" in definition and number < float(definition["MinValue"]):
                return f"must be a number not less than {definition['MinValue']}"
            if "MaxValue" in definition and number > float(definition["MaxValue"]):
                return f"must be a number not greater than {definition['MaxValue']}"
    return None
