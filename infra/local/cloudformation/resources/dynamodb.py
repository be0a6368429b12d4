"""Resource types of DynamoDB.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dynamodb-table.html
"""

from __future__ import annotations

from typing import Any, ClassVar

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, picked, retag

CREATED = ("KeySchema", "AttributeDefinitions", "BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled")


class Table(ResourceType):
    supported: ClassVar[frozenset[str] | None] = frozenset(
        (*CREATED, "TableName", "Tags", "TimeToLiveSpecification", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    )
    name_length = 255

    def create(self, context: Context, name: str, properties: dict[str, Any]) -> None:
        client = context.client("dynamodb")
        client.create_table(
            TableName=name,
            **picked(properties, *CREATED, "GlobalSecondaryIndexes", "LocalSecondaryIndexes"),
            **created_tags("dynamodb", properties, context),
        )
        context.made(name)
        context.wait(lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
        self._time_to_live(context, name, properties)

    def update(self, context: Context, physical_id: str, properties: dict[str, Any], old: dict[str, Any]) -> None:
        changed = picked(properties, "BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled")
        if changed != picked(old, *changed):
            context.client("dynamodb").update_table(TableName=physical_id, **changed)
        if properties.get("TimeToLiveSpecification") != old.get("TimeToLiveSpecification"):
            self._time_to_live(context, physical_id, properties)
        retag("dynamodb", context.arn("dynamodb", f"table/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: dict[str, Any]) -> None:
        context.client("dynamodb").delete_table(TableName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": context.arn("dynamodb", f"table/{physical_id}")}

    def _time_to_live(self, context: Context, name: str, properties: dict[str, Any]) -> None:
        if "TimeToLiveSpecification" in properties:
            context.client("dynamodb").update_time_to_live(
                TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
            )


TYPES: dict[str, ResourceType] = {"AWS::DynamoDB::Table": Table()}
