"""Resource types of CloudFormation itself.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_CloudFormation.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType

Properties = dict[str, Any]


class WaitConditionHandle(ResourceType):
    """A place to signal to; it needs no service."""

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        host = f"cloudformation-waitcondition-{context.region}.s3.{context.region}.amazonaws.com"
        return f"https://{host}/{context.stack_id}/{name}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(self.physical_id(context, name, properties))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        return None

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        return None

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


TYPES: dict[str, ResourceType] = {
    "AWS::CloudFormation::WaitConditionHandle": WaitConditionHandle(),
}
