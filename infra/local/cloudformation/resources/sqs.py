"""Resource types of SQS: queues and their policies.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_SQS.html
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceType,
    created_tags,
    document,
    exists,
    is_missing,
    missing_is_fine,
    retag,
    text_attributes,
)

Properties = dict[str, Any]


class Queue(ResourceType):
    name_length = 80

    def name(self, context: Context, properties: Properties) -> str:
        made = super().name(context, properties)
        is_fifo = properties.get("FifoQueue") and not made.endswith(".fifo")
        return f"{made[:75]}.fifo" if is_fifo and not properties.get("QueueName") else made

    def physical_id(self, context: Context, name: str, properties: Properties) -> str | None:
        try:
            return context.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def create(self, context: Context, name: str, properties: Properties) -> None:
        sqs = context.client("sqs")
        if exists(sqs.get_queue_url, QueueName=name):
            raise context.already_exists(name)
        url = sqs.create_queue(
            QueueName=name,
            Attributes=text_attributes(properties, "QueueName"),
            **created_tags("sqs", properties, context),
        )["QueueUrl"]
        context.made(url)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        sqs = context.client("sqs")
        defaults = {
            "DelaySeconds": "0",
            "MaximumMessageSize": "262144",
            "MessageRetentionPeriod": "345600",
            "ReceiveMessageWaitTimeSeconds": "0",
            "VisibilityTimeout": "30",
        }
        gone = {key: defaults.get(key, "") for key in old if key not in properties and key != "Tags"}
        sqs.set_queue_attributes(
            QueueUrl=physical_id, Attributes={**gone, **text_attributes(properties, "QueueName", "FifoQueue")}
        )
        retag("sqs", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("sqs").delete_queue(QueueUrl=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        name = physical_id.rpartition("/")[2]
        return {**properties, "Arn": context.arn("sqs", name), "QueueName": name, "QueueUrl": physical_id}


class QueuePolicy(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(name)
        self._set(context, properties["Queues"], document(properties["PolicyDocument"]))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._clear(context, [url for url in old["Queues"] if url not in properties["Queues"]])
        self._set(context, properties["Queues"], document(properties["PolicyDocument"]))

    def _set(self, context: Context, urls: list[str], policy: str) -> None:
        for url in urls:
            context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._clear(context, properties["Queues"])

    def _clear(self, context: Context, urls: list[str]) -> None:
        for url in urls:
            with missing_is_fine():
                self._set(context, [url], "")

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


TYPES: dict[str, ResourceType] = {
    "AWS::SQS::Queue": Queue(),
    "AWS::SQS::QueuePolicy": QueuePolicy(),
}
