"""Resource types of Systems Manager.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_SSM.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceType,
    as_tag_list,
    created_tags,
    picked,
    tags_changed,
)

Properties = dict[str, Any]


class Parameter(ResourceType):
    settings = ("AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value")
    supported = frozenset({*settings, "Name", "Tags"})

    def name(self, context: Context, properties: Properties) -> str:
        made = super().name(context, properties)
        return made if self.own_name(context, properties) else f"CFN-{made}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("ssm").put_parameter(
            Name=name, **picked(properties, *self.settings), **created_tags("ssm", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        client, which = context.client("ssm"), {"ResourceType": "Parameter", "ResourceId": physical_id}
        client.put_parameter(Name=physical_id, Overwrite=True, **picked(properties, *self.settings))
        gone, added = tags_changed(properties, old, context)
        if gone:
            client.remove_tags_from_resource(**which, TagKeys=gone)
        if added:
            client.add_tags_to_resource(**which, Tags=as_tag_list(added))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ssm").delete_parameter(Name=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        arn = context.arn("ssm", f"parameter/{physical_id.lstrip('/')}")
        return {"Arn": arn, **picked(properties, "Type", "Value")}


TYPES: dict[str, ResourceType] = {"AWS::SSM::Parameter": Parameter()}
