"""CloudFormation templates: reading, checking, parameters, and what their functions give.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-reference.html
"""

from __future__ import annotations

import base64
import graphlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from infra.local.cloudformation import schema

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Rules",
    "Transform",
    "Hooks",
    "Resources",
    "Outputs",
}
NOT_SUPPORTED_SECTIONS = ("Transform", "Rules", "Hooks")
RESOURCE_ATTRIBUTES = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "CreationPolicy",
    "UpdatePolicy",
}
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
PARAMETER_TYPES = {"String", "Number", "List<Number>", "CommaDelimitedList"}
DELETION_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate"}
CONDITION_FUNCTIONS = {"Fn::And", "Fn::Equals", "Fn::If", "Fn::Not", "Fn::Or"}
VALUE_FUNCTIONS = {
    "Ref",
    "Fn::Base64",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
}
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

Lookup = Callable[[str, str | None], Any]


class TemplateError(Exception):
    """The template or a parameter is not valid; the message is AWS's."""


# --- reading --------------------------------------------------------------------------------------------------------


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML with CloudFormation's short forms; dates stay text, as in AWS."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if name == "Fn::GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)


def read(text: str) -> dict[str, Any]:
    """Return a template's body from JSON or YAML text. Raises TemplateError."""
    if text.lstrip().startswith("{"):
        try:
            body = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"(line {error.lineno}, column {error.colno})"
            raise TemplateError(f"Template format error: JSON not well-formed. {where}") from None
    else:
        try:
            if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _Loader)):
                raise TemplateError("Template format error: YAML aliases are not allowed in CloudFormation templates")
            body = yaml.load(text, _Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"(line {mark.line + 1}, column {mark.column + 1})" if mark else ""
            raise TemplateError(f"Template format error: YAML not well-formed. {where}".strip()) from None
        except (yaml.YAMLError, ValueError, TypeError):
            raise TemplateError("Template format error: YAML not well-formed.") from None
    if not isinstance(body, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return body


# --- references -----------------------------------------------------------------------------------------------------


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
        text, own = value[name] if isinstance(value[name], list) and len(value[name]) == 2 else (value[name], {})
        yield from references(own)
        for variable in SUB_VARIABLE.findall(text) if isinstance(text, str) else ():
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


def _conditions_in(value: Any) -> Iterator[str]:
    """Give the names of the conditions that a value uses by Fn::If or Condition."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Fn::If" and isinstance(item, list) and item and isinstance(item[0], str):
                yield item[0]
            elif key == "Condition" and len(value) == 1 and isinstance(item, str):
                yield item
            yield from _conditions_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _conditions_in(item)


# --- checking -------------------------------------------------------------------------------------------------------


class Template:
    """A template that passed AWS's checks of its form.

    Parameters
    ----------
    text: JSON or YAML
    known_types: the resource types that can be made here

    Raises TemplateError with AWS's message.
    """

    def __init__(self, text: str, known_types: Any):
        self.text = text
        self.body = read(text)
        self._known_types = known_types
        self._check_sections()
        self.description: str = self.body.get("Description", "")
        self.parameters: dict[str, dict[str, Any]] = self._section("Parameters")
        self.mappings: dict[str, Any] = self._section("Mappings")
        self.conditions: dict[str, Any] = self._section("Conditions")
        self.resources: dict[str, dict[str, Any]] = self._section("Resources")
        self.outputs: dict[str, dict[str, Any]] = self._section("Outputs")
        self._check_parameters()
        self._check_mappings()
        self._check_resources()
        self._check_outputs()
        self._check_functions(self.resources, VALUE_FUNCTIONS)
        self._check_functions(self.outputs, VALUE_FUNCTIONS)
        self._check_functions(self.conditions, CONDITION_FUNCTIONS | {"Ref", "Fn::FindInMap", "Fn::Sub", "Fn::Select"})
        self._check_references()
        self.order = self._order()

    def _section(self, name: str) -> dict[str, Any]:
        section = self.body.get(name, {})
        if not isinstance(section, dict):
            raise TemplateError(f"Template format error: {name} must be an object.")
        for key, value in section.items():
            if not isinstance(key, str) or not key.isalnum() or not key.isascii():
                if name == "Resources":
                    raise TemplateError(f"Template format error: Resource name {key} is non alphanumeric.")
                if name in ("Parameters", "Outputs"):
                    raise TemplateError(f"Template format error: {name[:-1]} name {key} is non alphanumeric.")
            if name != "Conditions" and not isinstance(value, dict):
                raise TemplateError(f"Template format error: Every {name} member must be an object.")
        return section

    def _check_sections(self) -> None:
        strange = [str(name) for name in self.body if name not in SECTIONS]
        if strange:
            raise TemplateError(f"Invalid template property or properties [{', '.join(strange)}]")
        if self.body.get("AWSTemplateFormatVersion", "2010-09-09") != "2010-09-09":
            raise TemplateError("Template format error: unsupported value for AWSTemplateFormatVersion.")
        for name in NOT_SUPPORTED_SECTIONS:
            if name in self.body:
                raise TemplateError(f"Template format error: The local AWS does not support the section {name}.")
        if not isinstance(self.body.get("Description", ""), str):
            raise TemplateError("Template format error: Every Description member must be a string.")
        if not self.body.get("Resources"):
            raise TemplateError("Template format error: At least one Resources member must be defined.")

    def _check_parameters(self) -> None:
        for name, definition in self.parameters.items():
            if not isinstance(definition.get("Type"), str):
                raise TemplateError("Template format error: Every Parameters object must contain a Type member.")
            if definition["Type"] not in PARAMETER_TYPES:
                raise TemplateError(f"Template format error: Unrecognized parameter type: {definition['Type']}")
            strange = next((key for key in definition if key not in PARAMETER_ATTRIBUTES), None)
            if strange is not None:
                raise TemplateError(f"Invalid template parameter property '{strange}'")
            if isinstance(definition.get("Default"), (dict, list)):
                raise TemplateError(f"Template format error: Every Default member must be a string. ({name})")

    def _check_mappings(self) -> None:
        for mapping in self.mappings.values():
            for key in mapping.values():
                if not isinstance(key, dict) or any(isinstance(value, dict) for value in key.values()):
                    raise TemplateError("Template format error: Every Mappings attribute must be a String or a List.")

    def _check_resources(self) -> None:
        unknown = []
        for name, resource in self.resources.items():
            kind = resource.get("Type")
            if not isinstance(kind, str):
                raise TemplateError(
                    f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
                )
            strange = next((key for key in resource if key not in RESOURCE_ATTRIBUTES), None)
            if strange is not None:
                raise TemplateError(f"Invalid template resource property '{strange}'")
            for attribute in ("CreationPolicy", "UpdatePolicy"):
                if attribute in resource:
                    raise TemplateError(
                        f"Template format error: The local AWS does not support {attribute} (resource {name})."
                    )
            if not isinstance(resource.get("Properties", {}), dict):
                raise TemplateError(
                    f"Template format error: [/Resources/{name}/Properties] Properties must be an object."
                )
            _check_nulls(resource.get("Properties", {}), f"/Resources/{name}/Properties")
            for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
                policy = resource.get(attribute, "Delete")
                if policy == "Snapshot":
                    raise TemplateError(
                        f"Template error: resource type {kind} does not support deletion policy Snapshot"
                    )
                if policy not in DELETION_POLICIES:
                    raise TemplateError(f"Template format error: Unrecognized {attribute} {policy} for resource {name}")
            if kind not in self._known_types and kind not in unknown:
                unknown.append(kind)
        if unknown:
            raise TemplateError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")

    def _check_outputs(self) -> None:
        for name, output in self.outputs.items():
            if output.get("Value") is None:
                raise TemplateError(
                    f"Template format error: Output {name} is malformed. Every Outputs member must contain a Value object"
                )
            strange = next((key for key in output if key not in ("Value", "Description", "Export", "Condition")), None)
            if strange is not None:
                raise TemplateError(f"Invalid template output property '{strange}'")
            export = output.get("Export", {"Name": ""})
            if not isinstance(export, dict) or set(export) != {"Name"}:
                raise TemplateError(f"Template format error: Output {name} is malformed. Export must contain a Name")

    def _check_functions(self, value: Any, allowed: set[str]) -> None:
        name = function_of(value)
        if name is not None and name not in CONDITION_FUNCTIONS | VALUE_FUNCTIONS:
            raise TemplateError(f"Template format error: The local AWS does not support the function {name}.")
        if name is not None and name not in allowed:
            raise TemplateError(f"Template format error: The function {name} is not allowed here.")
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self._check_functions(item, allowed)

    def _check_references(self) -> None:
        unresolved = [
            target
            for target, _ in references(self.conditions)
            if target not in self.parameters and target not in PSEUDO_PARAMETERS
        ]
        if unresolved:
            raise TemplateError(
                f"Template format error: Unresolved dependencies [{', '.join(dict.fromkeys(unresolved))}]. "
                "Cannot reference resources in the Conditions block of the template"
            )
        for name in _conditions_in([self.conditions, self.resources, self.outputs]):
            self._check_condition_name(name)
        for owner in (*self.resources.values(), *self.outputs.values()):
            if "Condition" in owner:
                self._check_condition_name(owner["Condition"])
        for block, content in (("Resources", self.resources), ("Outputs", self.outputs)):
            self._check_targets(block, content)

    def _check_condition_name(self, name: Any) -> None:
        if name not in self.conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")

    def _check_targets(self, block: str, content: dict[str, dict[str, Any]]) -> None:
        unresolved = []
        for owner in content.values():
            for target in _as_list(owner.get("DependsOn", [])):
                if target not in self.resources:
                    unresolved.append(str(target))
            for target, attribute in references(owner):
                if attribute is None:
                    if target not in {*self.parameters, *self.resources, *PSEUDO_PARAMETERS}:
                        unresolved.append(target)
                elif target not in self.resources:
                    raise TemplateError(
                        f"Template error: instance of Fn::GetAtt references undefined resource {target}"
                    )
                elif attribute and not schema.has_attribute(self.resources[target]["Type"], attribute):
                    raise TemplateError(
                        f"Template error: resource {target} does not support attribute type {attribute} in Fn::GetAtt"
                    )
        if unresolved:
            names = ", ".join(dict.fromkeys(unresolved))
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{names}] in the {block} block of the template"
            )

    def needs(self, logical_id: str) -> set[str]:
        """Return the resources that must be there before this one."""
        resource = self.resources[logical_id]
        named = {target for target, _ in references(resource.get("Properties", {}))}
        return (named | set(_as_list(resource.get("DependsOn", [])))) & set(self.resources)

    def _order(self) -> list[str]:
        """Return the logical ids so that each comes after those that it needs, else in the template's order."""
        graph = {name: sorted(self.needs(name), key=list(self.resources).index) for name in self.resources}
        try:
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            circle = list(dict.fromkeys(error.args[1]))
            raise TemplateError(f"Circular dependency between resources: [{', '.join(circle)}]") from None

    def capabilities(self) -> tuple[list[str], list[str]]:
        """Return the capabilities that creating the stack needs, and the resource types that are the reason."""
        iam = [resource for resource in self.resources.values() if resource["Type"].startswith("AWS::IAM::")]
        named = any(
            schema.name_property(resource["Type"]) in resource.get("Properties", {})
            for resource in iam
            if resource["Type"] != "AWS::IAM::Policy"  # its name is no name of its own, but one within a role
        )
        types = list(dict.fromkeys(resource["Type"] for resource in iam))
        return (["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"] if iam else []), types


def _check_nulls(value: Any, path: str) -> None:
    if value is None:
        raise TemplateError(f"[{path}] 'null' values are not allowed in templates")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        _check_nulls(item, f"{path}/{key}")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# --- parameters -----------------------------------------------------------------------------------------------------


def parameter_values(
    template: Template, given: list[dict[str, Any]], previous: dict[str, str] | None = None
) -> dict[str, str]:
    """Return the value of every parameter, as text.

    Parameters
    ----------
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
    strange = [key for key in values if key not in template.parameters]
    if strange:
        raise TemplateError(f"Parameters: [{', '.join(strange)}] do not exist in the template")
    for name, definition in template.parameters.items():
        if name not in values and "Default" in definition:
            values[name] = _text(definition["Default"])
    missing = [name for name in template.parameters if name not in values]
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, definition in template.parameters.items():
        _check_value(name, values[name], definition)
    return values


def _check_value(name: str, value: str, definition: dict[str, Any]) -> None:
    problem = _value_problem(value, definition)
    if problem and definition.get("ConstraintDescription"):
        problem = f"failed to satisfy constraint: {definition['ConstraintDescription']}"
    if problem:
        raise TemplateError(f"Parameter '{name}' {problem}")


def _value_problem(value: str, definition: dict[str, Any]) -> str | None:
    kind = definition["Type"]
    parts = [part.strip() for part in value.split(",")] if kind in ("CommaDelimitedList", "List<Number>") else [value]
    allowed = definition.get("AllowedValues")
    for part in parts:
        if allowed is not None and part not in [_text(item) for item in allowed]:
            return "must be one of AllowedValues"
        pattern = definition.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, part):
            return f"must match pattern {pattern}"
        if "MinLength" in definition and len(part) < int(definition["MinLength"]):
            return f"must contain at least {definition['MinLength']} characters"
        if "MaxLength" in definition and len(part) > int(definition["MaxLength"]):
            return f"must contain at most {definition['MaxLength']} characters"
        if kind in ("Number", "List<Number>"):
            try:
                number = float(part)
            except ValueError:
                return "must be a number"
            if "MinValue" in definition and number < float(definition["MinValue"]):
                return f"must be a number not less than {definition['MinValue']}"
            if "MaxValue" in definition and number > float(definition["MaxValue"]):
                return f"must be a number not greater than {definition['MaxValue']}"
    return None


# --- functions ------------------------------------------------------------------------------------------------------


class _NoValue:
    """What `AWS::NoValue` gives: the property that holds it is left out."""


class Evaluation:
    """What the functions of a template give, with parameter values and the resources so far.

    Parameters
    ----------
    parameters: name → text, as `parameter_values` gives them
    pseudo: `AWS::Region` … → value
    lookup: (logical id, attribute or None) → value; None asks for what Ref gives
    import_value: export name → value; raises TemplateError
    """

    def __init__(
        self,
        template: Template,
        parameters: dict[str, str],
        pseudo: dict[str, Any],
        lookup: Lookup,
        import_value: Callable[[str], Any],
    ):
        self.template = template
        self._parameters = parameters
        self._pseudo = pseudo
        self._lookup = lookup
        self._import_value = import_value
        self._conditions: dict[str, bool] = {}

    def active(self) -> list[str]:
        """Return the resources whose condition holds, in the order of creation. Raises TemplateError."""
        active = [name for name in self.template.order if self._holds(self.template.resources[name])]
        for block, content in (("Resources", self.template.resources), ("Outputs", self.template.outputs)):
            used = [
                target
                for name, owner in content.items()
                if (name in active if block == "Resources" else self._holds(owner))
                for target, _ in self._live_references(owner)
                if target in self.template.resources and target not in active
            ]
            if used:
                raise TemplateError(
                    f"Template format error: Unresolved resource dependencies [{', '.join(dict.fromkeys(used))}] "
                    f"in the {block} block of the template"
                )
        return active

    def _holds(self, owner: dict[str, Any]) -> bool:
        return "Condition" not in owner or self.condition(owner["Condition"])

    def _live_references(self, value: Any) -> Iterator[tuple[str, str | None]]:
        """As `references`, without the branches of Fn::If that are not taken."""
        if function_of(value) == "Fn::If" and isinstance(value["Fn::If"], list) and len(value["Fn::If"]) == 3:
            name, yes, no = value["Fn::If"]
            yield from self._live_references(yes if self.condition(name) else no)
        elif function_of(value):
            yield from (
                references(value) if not self._contains_if(value) else self._live_references(list(value.values()))
            )
        elif isinstance(value, dict):
            for item in value.values():
                yield from self._live_references(item)
        elif isinstance(value, list):
            for item in value:
                yield from self._live_references(item)

    def _contains_if(self, value: Any) -> bool:
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return function_of(value) == "Fn::If" or any(self._contains_if(item) for item in items)

    def condition(self, name: str) -> bool:
        """Return whether a condition of the template holds. Raises TemplateError."""
        if name not in self._conditions:
            if name not in self.template.conditions:
                raise TemplateError(f"Template format error: Unresolved condition dependency {name}")
            self._conditions[name] = self._truth(self.template.conditions[name])
        return self._conditions[name]

    def _truth(self, value: Any) -> bool:
        if isinstance(value, dict) and set(value) == {"Condition"}:
            return self.condition(value["Condition"])
        name = function_of(value)
        if name == "Fn::Equals":
            left, right = self._arguments(name, value[name], 2)
            return _text(self.resolve(left)) == _text(self.resolve(right))
        if name == "Fn::Not":
            return not self._truth(self._arguments(name, value[name], 1)[0])
        if name in ("Fn::And", "Fn::Or"):
            if not isinstance(value[name], list) or not 2 <= len(value[name]) <= 10:
                raise TemplateError(
                    f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
                )
            return (all if name == "Fn::And" else any)(self._truth(item) for item in value[name])
        if name == "Fn::If":
            chosen, yes, no = self._arguments(name, value[name], 3)
            return self._truth(yes if self.condition(chosen) else no)
        raise TemplateError(
            "Template format error: Conditions can only be boolean operations on parameters and other conditions"
        )

    @staticmethod
    def _arguments(name: str, value: Any, count: int) -> list[Any]:
        if not isinstance(value, list) or len(value) != count:
            words = {1: "one parameter", 2: "two string parameters", 3: "three parameters"}
            raise TemplateError(f"Template error: {name} requires a list argument with {words[count]}")
        return value

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return a resource's properties with all functions replaced. Raises TemplateError."""
        return self.resolve(self.template.resources[logical_id].get("Properties", {}))

    def outputs(self) -> dict[str, dict[str, Any]]:
        """Return name → {Value, Description, Export} of the outputs whose condition holds. Raises TemplateError."""
        found = {}
        for name, output in self.template.outputs.items():
            if not self._holds(output):
                continue
            value = self.resolve(output["Value"])
            if isinstance(value, (dict, list)):
                raise TemplateError(
                    f"Template format error: The Value field of every Outputs member must evaluate to a String. ({name})"
                )
            export = self.resolve(output.get("Export", {}))
            found[name] = {
                "Value": _text(value),
                "Description": output.get("Description"),
                "Export": export.get("Name"),
            }
        return found

    def resolve(self, value: Any) -> Any:
        """Return a template value with all functions replaced; what gives AWS::NoValue is left out."""
        result = self._resolve(value)
        return None if result is _NoValue else result

    def _resolve(self, value: Any) -> Any:
        name = function_of(value)
        if name is not None:
            return getattr(self, f"_{name.removeprefix('Fn::').lower()}")(value[name])
        if isinstance(value, dict):
            resolved = {key: self._resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not _NoValue}
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not _NoValue]
        return value

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return _NoValue
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            value = self._parameters[name]
            if self.template.parameters[name]["Type"] in ("CommaDelimitedList", "List<Number>"):
                return [part.strip() for part in value.split(",")] if value else []
            return value
        if name not in self.template.resources:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            )
        return self._lookup(name, None)

    def _getatt(self, value: Any) -> Any:
        target = value.split(".", 1) if isinstance(value, str) else value
        if not isinstance(target, list) or len(target) != 2:
            raise TemplateError(
                "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
            )
        return self._lookup(target[0], _text(self._resolve(target[1])))

    def _sub(self, value: Any) -> str:
        text, own = value if isinstance(value, list) and len(value) == 2 else (value, {})
        if not isinstance(text, str) or not isinstance(own, dict):
            raise TemplateError(
                "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string "
                "as first argument, and an optional second argument to specify a mapping of values to replace in the string"
            )

        def replacement(match: re.Match[str]) -> str:
            variable = match[1].strip()
            if variable in own:
                result = self._resolve(own[variable])
            elif "." in variable:
                result = self._getatt(variable)
            else:
                result = self._ref(variable)
            if isinstance(result, (dict, list)) or result is _NoValue:
                raise TemplateError(
                    f"Template error: variable {variable} in Fn::Sub expression does not resolve to a string"
                )
            return _text(result)

        return SUB_VARIABLE.sub(replacement, text).replace("${!", "${")

    def _join(self, value: Any) -> str:
        parts = self._resolve(value[1]) if isinstance(value, list) and len(value) == 2 else None
        if isinstance(parts, str) and UNKNOWN in parts:
            return UNKNOWN
        if (
            not isinstance(parts, list)
            or not isinstance(value[0], str)
            or any(isinstance(p, (dict, list)) for p in parts)
        ):
            raise TemplateError(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
                "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
            )
        return value[0].join(_text(part) for part in parts)

    def _split(self, value: Any) -> Any:
        text = self._resolve(value[1]) if isinstance(value, list) and len(value) == 2 else None
        if not isinstance(text, str) or not isinstance(value[0], str) or not value[0]:
            raise TemplateError(
                "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to "
                "be split or a function that returns a string to be split."
            )
        return UNKNOWN if UNKNOWN in text else text.split(value[0])

    def _select(self, value: Any) -> Any:
        index = self._resolve(value[0]) if isinstance(value, list) and len(value) == 2 else None
        items = self._resolve(value[1]) if index is not None else None
        if isinstance(items, str) and UNKNOWN in items:
            return UNKNOWN
        if not isinstance(items, list) or not str(index).isdigit():
            raise TemplateError(
                "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
            )
        if int(index) >= len(items):
            raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[int(index)]

    def _if(self, value: Any) -> Any:
        name, yes, no = self._arguments("Fn::If", value, 3)
        return self._resolve(yes if self.condition(name) else no)

    def _findinmap(self, value: Any) -> Any:
        if not isinstance(value, list) or len(value) != 3:
            raise TemplateError(
                "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the "
                "attribute for return value"
            )
        names = [_text(self._resolve(item)) for item in value]
        found: Any = self.template.mappings
        for name in names:
            if not isinstance(found, dict) or name not in found:
                raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(names)}")
            found = found[name]
        return found

    def _importvalue(self, value: Any) -> Any:
        return self._import_value(_text(self._resolve(value)))

    def _base64(self, value: Any) -> str:
        text = self._resolve(value)
        if isinstance(text, (dict, list)):
            raise TemplateError("Template error: every Fn::Base64 object must have a String-typed value.")
        return base64.b64encode(_text(text).encode()).decode()


def _text(value: Any) -> str:
    """Return a scalar as CloudFormation writes it: booleans in lower case, whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
