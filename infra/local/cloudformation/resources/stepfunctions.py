"""Resource types of Step Functions.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_StepFunctions.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    created_tags,
    lower_camel,
    retag,
)

Properties = dict[str, Any]


class StateMachine(ResourceType):
    supported = frozenset(
        {
            "Definition",
            "DefinitionS3Location",
            "DefinitionString",
            "DefinitionSubstitutions",
            "EncryptionConfiguration",
            "LoggingConfiguration",
            "RoleArn",
            "StateMachineName",
            "StateMachineType",
            "Tags",
            "TracingConfiguration",
        }
    )
    name_length = 80

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return context.arn("states", f"stateMachine:{name}")

    def create(self, context: Context, name: str, properties: Properties) -> None:
        made = context.client("stepfunctions").create_state_machine(
            name=name,
            type=properties.get("StateMachineType", "STANDARD"),
            **_parameters(context, properties),
            **created_tags("stepfunctions", properties, context),
        )
        context.made(made["stateMachineArn"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        parameters = _parameters(context, properties)
        context.client("stepfunctions").update_state_machine(stateMachineArn=physical_id, **parameters)
        retag("stepfunctions", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("stepfunctions").delete_state_machine(stateMachineArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        found = context.client("stepfunctions").describe_state_machine(stateMachineArn=physical_id)
        return {
            "Arn": physical_id,
            "Name": physical_id.rpartition(":")[2],
            "StateMachineRevisionId": found.get("revisionId", "INITIAL"),
        }


def _parameters(context: Context, properties: Properties) -> Properties:
    parameters: Properties = {"definition": _definition(context, properties), "roleArn": properties["RoleArn"]}
    off = {"LoggingConfiguration": {"Level": "OFF"}, "TracingConfiguration": {"Enabled": False}}
    for name, default in off.items():
        parameters[name[0].lower() + name[1:]] = lower_camel(properties.get(name, default))
    if "EncryptionConfiguration" in properties:
        parameters["encryptionConfiguration"] = lower_camel(properties["EncryptionConfiguration"])
    return parameters


def _definition(context: Context, properties: Properties) -> str:
    """Return the definition's text with its substitutions. Raises ResourceFailure where there is not exactly one."""
    given = [name for name in ("Definition", "DefinitionString", "DefinitionS3Location") if name in properties]
    if len(given) != 1:
        raise ResourceFailure("Exactly one of Definition, DefinitionString and DefinitionS3Location must be given.")
    if given == ["DefinitionS3Location"]:
        place = properties["DefinitionS3Location"]
        version = {"VersionId": place["Version"]} if "Version" in place else {}
        answer = context.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"], **version)
        text = answer["Body"].read().decode()
    elif given == ["Definition"]:
        text = json.dumps(properties["Definition"])
    else:
        text = properties["DefinitionString"]
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        text = text.replace(f"${{{name}}}", shown)
    return text


class Activity(ResourceType):
    supported = frozenset({"EncryptionConfiguration", "Name", "Tags"})
    name_length = 80

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return context.arn("states", f"activity:{name}")

    def create(self, context: Context, name: str, properties: Properties) -> None:
        encryption = properties.get("EncryptionConfiguration")
        made = context.client("stepfunctions").create_activity(
            name=name,
            **({"encryptionConfiguration": lower_camel(encryption)} if encryption else {}),
            **created_tags("stepfunctions", properties, context),
        )
        context.made(made["activityArn"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        retag("stepfunctions", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("stepfunctions").delete_activity(activityArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": physical_id, "Name": physical_id.rpartition(":")[2]}


class StateMachineVersion(ResourceType):
    supported = frozenset({"Description", "StateMachineArn", "StateMachineRevisionId"})

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        given = {"description": "Description", "revisionId": "StateMachineRevisionId"}
        made = context.client("stepfunctions").publish_state_machine_version(
            stateMachineArn=properties["StateMachineArn"],
            **{name: properties[key] for name, key in given.items() if key in properties},
        )
        context.made(made["stateMachineVersionArn"])

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("stepfunctions").delete_state_machine_version(stateMachineVersionArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": physical_id}


class StateMachineAlias(ResourceType):
    supported = frozenset({"DeploymentPreference", "Description", "Name", "RoutingConfiguration"})
    name_length = 80

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        version: str = _routing(properties)[0]["stateMachineVersionArn"]
        return f"{version.rpartition(':')[0]}:{name}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        made = context.client("stepfunctions").create_state_machine_alias(
            name=name, routingConfiguration=_routing(properties), **_alias_description(properties)
        )
        context.made(made["stateMachineAliasArn"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("stepfunctions").update_state_machine_alias(
            stateMachineAliasArn=physical_id,
            routingConfiguration=_routing(properties),
            **_alias_description(properties),
        )

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("stepfunctions").delete_state_machine_alias(stateMachineAliasArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": physical_id}


def _alias_description(properties: Properties) -> Properties:
    return {"description": properties["Description"]} if "Description" in properties else {}


def _routing(properties: Properties) -> list[Properties]:
    """Return an alias's routing. Raises ResourceFailure for a gradual deployment."""
    preference = properties.get("DeploymentPreference")
    if preference is not None:
        if preference["Type"] != "ALL_AT_ONCE":
            raise ResourceFailure("The local AWS deploys the versions of an alias only ALL_AT_ONCE.")
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]
    if "RoutingConfiguration" not in properties:
        raise ResourceFailure("One of RoutingConfiguration and DeploymentPreference must be given.")
    return [
        {"stateMachineVersionArn": each["StateMachineVersionArn"], "weight": int(each["Weight"])}
        for each in properties["RoutingConfiguration"]
    ]


TYPES: dict[str, ResourceType] = {
    "AWS::StepFunctions::Activity": Activity(),
    "AWS::StepFunctions::StateMachine": StateMachine(),
    "AWS::StepFunctions::StateMachineAlias": StateMachineAlias(),
    "AWS::StepFunctions::StateMachineVersion": StateMachineVersion(),
}
