"""What would change: the lines of a change set.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from infra.local.cloudformation import schema
from infra.local.cloudformation.stack import Change, Definition, Resource, Stack, resource_type
from infra.local.cloudformation.templates.dynamic_references import replaced
from infra.local.cloudformation.templates.evaluation import Evaluation
from infra.local.cloudformation.templates.references import UNKNOWN


def find_changes(stack: Stack, target: Definition, import_value: Callable[[str], Any]) -> tuple[list[Change], bool]:
    """Return the changes that bring a stack to `target`, and whether outputs or tags change too. Raises TemplateError."""
    template = target.made()
    new_ids: dict[str, bool] = {}  # logical id → whether it gets a new physical id for certain

    def lookup(logical_id: str, attribute: str | None) -> Any:
        resource = stack.resources.get(logical_id)
        if resource is None or resource.physical_id is None or logical_id in new_ids:
            return UNKNOWN
        return resource.physical_id if attribute is None else resource.attributes.get(attribute, UNKNOWN)

    evaluation = Evaluation(template, target.values(), stack.pseudo(), lookup, import_value)
    changes = []
    active = evaluation.active()
    for logical_id in active:
        definition, resource = template.resources[logical_id], stack.resources.get(logical_id)
        if resource is None:
            new_ids[logical_id] = True
            changes.append(Change("Add", logical_id, definition["Type"]))
            continue
        properties = replaced(evaluation.properties(logical_id), target.references)
        change = _modification(resource, definition, properties, target.tags != stack.definition.tags)
        if change is not None:
            changes.append(change)
            if change.replacement in ("True", "Conditional"):
                new_ids[logical_id] = change.replacement == "True"
    for logical_id, resource in stack.resources.items():
        if logical_id not in active:
            changes.append(Change("Remove", logical_id, resource.type, resource.physical_id))
    outputs_change = replaced(evaluation.outputs(), target.references) != stack.outputs
    return changes, outputs_change or target.tags != stack.definition.tags


def _modification(
    resource: Resource, definition: dict[str, Any], properties: dict[str, Any], tags_change: bool
) -> Change | None:
    change = Change("Modify", resource.logical_id, resource.type, resource.physical_id, "False")
    properties, problem = schema.check(definition["Type"], resource.logical_id, properties)
    if definition["Type"] != resource.type:
        change.replacement, change.scope, change.type = "True", ["Properties"], definition["Type"]
        return change
    replacing = set() if problem else schema.replacing(resource.type, resource.properties, properties)
    template_text = json.dumps(definition.get("Properties", {}))
    for name in sorted({*properties, *resource.properties}):
        if properties.get(name) != resource.properties.get(name):
            _note_property(change, name, properties.get(name), name in replacing, template_text)
    for scope, old, new in policies(resource, definition):
        if old != new:
            _note(change, scope, "Static", "DirectModification")
    if tags_change and schema.is_taggable(resource.type) and "Tags" not in change.scope:
        _note(change, "Tags", "Static", "DirectModification")
    if not change.scope and resource_type(resource.type).looks_again:
        _note(change, "Properties", "Dynamic", "Automatic")
    return change if change.scope else None


def _note(change: Change, attribute: str, evaluation: str, source: str) -> None:
    """Note that an attribute as a whole changes, without a new resource."""
    target = {"Attribute": attribute, "RequiresRecreation": "Never"}
    change.scope.append(attribute)
    change.details.append({"Target": target, "Evaluation": evaluation, "ChangeSource": source})


def _note_property(change: Change, name: str, value: Any, is_replacing: bool, template_text: str) -> None:
    """Note that a property, or the tags, change, and whether that needs a new resource."""
    is_unknown = UNKNOWN in json.dumps(value)
    recreation = "Never" if not is_replacing else "Conditionally" if is_unknown else "Always"
    attribute = "Tags" if name == "Tags" else "Properties"
    target = {"Attribute": attribute, "RequiresRecreation": recreation}
    if attribute == "Properties":
        target["Name"] = name
    source = "DirectModification"
    if is_unknown:
        source = "ResourceReference" if "Fn::GetAtt" not in template_text else "ResourceAttribute"
    change.details.append(
        {"Target": target, "Evaluation": "Dynamic" if is_unknown else "Static", "ChangeSource": source}
    )
    if attribute not in change.scope:
        change.scope.append(attribute)
    if recreation == "Always":
        change.replacement = "True"
    elif recreation == "Conditionally" and change.replacement == "False":
        change.replacement = "Conditional"


def policies(resource: Resource, definition: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    yield "DeletionPolicy", resource.deletion_policy, definition.get("DeletionPolicy", "Delete")
    yield "UpdateReplacePolicy", resource.replace_policy, definition.get("UpdateReplacePolicy", "Delete")
    yield "Metadata", resource.metadata, definition.get("Metadata")
