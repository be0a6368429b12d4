"""Stacks, resources and change sets in the words of AWS's model.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.stack import Change, ChangeSet, Definition, Resource, Stack
from infra.local.cloudformation.templates.references import as_list
from infra.local.cloudformation.templates.template import Template


def is_secret(definition: dict[str, Any]) -> bool:
    return str(definition.get("NoEcho", False)).lower() == "true"


def described(template: Template) -> dict[str, Any]:
    """Return what both ValidateTemplate and GetTemplateSummary say of a template."""
    capabilities, types = template.capabilities()
    answer: dict[str, Any] = {
        "Description": template.description,
        "Parameters": [
            {
                "ParameterKey": name,
                "DefaultValue": default(definition),
                "NoEcho": is_secret(definition),
                "Description": definition.get("Description"),
            }
            for name, definition in template.parameters.items()
        ],
        "Capabilities": capabilities,
        "DeclaredTransforms": as_list(template.body.get("Transform", [])),
    }
    if types:
        answer["CapabilitiesReason"] = f"The following resource(s) require capabilities: [{', '.join(types)}]"
    return answer


def default(definition: dict[str, Any]) -> str | None:
    value = definition.get("Default")
    return value if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def parameters_answer(definition: Definition) -> list[dict[str, str]]:
    declared = definition.head().get("Parameters", {})
    return [
        {
            "ParameterKey": name,
            "ParameterValue": "****" if is_secret(declared[name]) else value,
            **({"ResolvedValue": definition.stored[name]} if name in definition.stored else {}),
        }
        for name, value in definition.parameters.items()
    ]


def stack_answer(stack: Stack) -> dict[str, Any]:
    definition = stack.definition
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id,
        "Description": definition.head().get("Description"),
        "Parameters": parameters_answer(definition),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "NotificationARNs": [],
        "TimeoutInMinutes": stack.timeout_minutes,
        "Capabilities": definition.capabilities,
        "Outputs": [
            {
                "OutputKey": name,
                "OutputValue": output["Value"],
                "Description": output["Description"],
                "ExportName": output["Export"],
            }
            for name, output in stack.outputs.items()
        ],
        "RoleARN": stack.role_arn,
        "Tags": [{"Key": key, "Value": value} for key, value in definition.tags.items()],
        "EnableTerminationProtection": stack.is_protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def stack_summary(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "TemplateDescription": stack.definition.head().get("Description"),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def physical_ids(stack: Stack) -> set[str | None]:
    return {resource.physical_id for resource in stack.resources.values()}


def resource_answer(stack: Stack, resource: Resource) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def change_set_summary(stack: Stack, change_set: ChangeSet) -> dict[str, Any]:
    return {
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": change_set.description,
        "CreationTime": change_set.created,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "IncludeNestedStacks": False,
    }


def change_answer(change: Change) -> dict[str, Any]:
    answer = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
        "Scope": change.scope,
        "Details": change.details,
    }
    if change.replacement is not None:
        answer["Replacement"] = change.replacement
    return {"Type": "Resource", "ResourceChange": answer}
