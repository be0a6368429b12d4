"""Resource types of CloudWatch Logs.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Logs.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, retag

Properties = dict[str, Any]


class LogGroup(ResourceType):
    supported = frozenset({"KmsKeyId", "LogGroupClass", "LogGroupName", "RetentionInDays", "Tags"})

    def create(self, context: Context, name: str, properties: Properties) -> None:
        logs = context.client("logs")
        names = {"KmsKeyId": "kmsKeyId", "LogGroupClass": "logGroupClass"}
        parameters: Properties = {names[key]: properties[key] for key in names if key in properties}
        logs.create_log_group(logGroupName=name, **parameters, **created_tags("logs", properties, context))
        context.made(name)
        if "RetentionInDays" in properties:
            logs.put_retention_policy(logGroupName=name, retentionInDays=properties["RetentionInDays"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        logs = context.client("logs")
        if "RetentionInDays" in properties:
            logs.put_retention_policy(logGroupName=physical_id, retentionInDays=properties["RetentionInDays"])
        elif "RetentionInDays" in old:
            logs.delete_retention_policy(logGroupName=physical_id)
        retag("logs", context.arn("logs", f"log-group:{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_log_group(logGroupName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("logs", f"log-group:{physical_id}:*")}


class LogStream(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("logs").create_log_stream(logGroupName=properties["LogGroupName"], logStreamName=name)
        context.made(name)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_log_stream(logGroupName=properties["LogGroupName"], logStreamName=physical_id)


TYPES: dict[str, ResourceType] = {
    "AWS::Logs::LogGroup": LogGroup(),
    "AWS::Logs::LogStream": LogStream(),
}
