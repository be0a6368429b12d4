"""A template that has passed AWS's checks of its form.

Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html, cloudformation-limits.html
"""

from __future__ import annotations

import graphlib
from typing import Any

from infra.local.cloudformation import schema
from infra.local.cloudformation.templates import placement
from infra.local.cloudformation.templates.parameters import declared_parameters
from infra.local.cloudformation.templates.reading import TemplateError, read
from infra.local.cloudformation.templates.references import PSEUDO_PARAMETERS, as_list, conditions_in, references

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
NOT_SUPPORTED_SECTIONS = ("Rules", "Hooks")
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
MOST = {"Mappings": 200, "Outputs": 200, "Parameters": 200, "Resources": 500}
DESCRIPTION_BYTES = 1024
DELETION_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate"}


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
        self.is_extended = placement.EXTENSIONS in as_list(self.body.get("Transform", []))
        self.description: str = self.body.get("Description", "")
        self.parameters: dict[str, dict[str, Any]] = self._section("Parameters")
        self.mappings: dict[str, Any] = self._section("Mappings")
        self.conditions: dict[str, Any] = self._section("Conditions")
        self.resources: dict[str, dict[str, Any]] = self._section("Resources")
        self.outputs: dict[str, dict[str, Any]] = self._section("Outputs")
        declared_parameters(self.body)
        self._check_mappings()
        self._check_resources()
        self._check_outputs()
        functions = placement.Placement(self.is_extended, self.resources)
        functions.check(self.resources)
        functions.check(self.outputs)
        functions.check_conditions(self.conditions)
        self._check_references()
        self.order = self._order()

    def _section(self, name: str) -> dict[str, Any]:
        section = self.body.get(name, {})
        if not isinstance(section, dict):
            raise TemplateError(f"Template format error: {name} must be an object.")
        if len(section) > MOST.get(name, len(section)):
            counted = f"Number of {name.lower()}, {len(section)}, is greater than maximum allowed, {MOST[name]}"
            raise TemplateError(f"Template format error: {counted}")
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
        for name in as_list(self.body.get("Transform", [])):
            if name != placement.EXTENSIONS:
                raise TemplateError(f"The local AWS does not support the transform {name}: macros are not run here.")
        if not isinstance(self.body.get("Description", ""), str):
            raise TemplateError("Template format error: Every Description member must be a string.")
        if len(self.body.get("Description", "").encode()) > DESCRIPTION_BYTES:
            raise TemplateError(f"Template format error: 'Description' length is greater than {DESCRIPTION_BYTES}.")
        if not self.body.get("Resources"):
            raise TemplateError("Template format error: At least one Resources member must be defined.")

    def _check_mappings(self) -> None:
        for mapping in self.mappings.values():
            for key in mapping.values():
                if not isinstance(key, dict) or any(isinstance(value, dict) for value in key.values()):
                    raise TemplateError("Template format error: Every Mappings attribute must be a String or a List.")

    def _check_resources(self) -> None:
        unknown: list[str] = []
        for name, resource in self.resources.items():
            kind = _check_resource(name, resource)
            if kind not in self._known_types and not schema.is_custom(kind) and kind not in unknown:
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
        for name in conditions_in([self.conditions, self.resources, self.outputs]):
            self._check_condition_name(name)
        for owner in (*self.resources.values(), *self.outputs.values()):
            if "Condition" in owner:
                self._check_condition_name(owner["Condition"])
        for block, content in (("Resources", self.resources), ("Outputs", self.outputs)):
            self._check_targets(block, content)

    def _check_condition_name(self, name: Any) -> None:
        if not isinstance(name, str) or name not in self.conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")

    def _check_targets(self, block: str, content: dict[str, dict[str, Any]]) -> None:
        unresolved = []
        for owner in content.values():
            for target in as_list(owner.get("DependsOn", [])):
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
        return (named | set(as_list(resource.get("DependsOn", [])))) & set(self.resources)

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


def _check_resource(name: str, resource: dict[str, Any]) -> str:
    """Refuse a resource that is no resource; return its type."""
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
            raise TemplateError(f"Template format error: The local AWS does not support {attribute} (resource {name}).")
    if not isinstance(resource.get("Properties", {}), dict):
        raise TemplateError(f"Template format error: [/Resources/{name}/Properties] Properties must be an object.")
    if not all(isinstance(each, str) for each in as_list(resource.get("DependsOn", []))):
        raise TemplateError("Template format error: DependsOn must be a string or list of strings.")
    _check_nulls(resource.get("Properties", {}), f"/Resources/{name}/Properties")
    _check_policies(name, kind, resource)
    return kind


def _check_policies(name: str, kind: str, resource: dict[str, Any]) -> None:
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        policy = resource.get(attribute, "Delete")
        if not isinstance(policy, str):
            raise TemplateError(f"Template format error: Every {attribute} member must be a string.")
        if policy == "Snapshot":
            raise TemplateError(f"Template error: resource type {kind} does not support deletion policy Snapshot")
        if policy not in DELETION_POLICIES:
            raise TemplateError(f"Template format error: Unrecognized {attribute} {policy} for resource {name}")


def _check_nulls(value: Any, path: str) -> None:
    if value is None:
        raise TemplateError(f"[{path}] 'null' values are not allowed in templates")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        _check_nulls(item, f"{path}/{key}")
