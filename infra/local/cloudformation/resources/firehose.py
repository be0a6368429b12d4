"""Resource types of Amazon Data Firehose.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_KinesisFirehose.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    created_tags,
    exists,
    retag,
    without,
)

Properties = dict[str, Any]


class DeliveryStream(ResourceType):
    supported = frozenset(
        {
            "DeliveryStreamEncryptionConfigurationInput",
            "DeliveryStreamName",
            "DeliveryStreamType",
            "ExtendedS3DestinationConfiguration",
            "KinesisStreamSourceConfiguration",
            "S3DestinationConfiguration",
            "Tags",
        }
    )

    def create(self, context: Context, name: str, properties: Properties) -> None:
        firehose = context.client("firehose")
        parameters = without(properties, "DeliveryStreamName", "Tags")
        firehose.create_delivery_stream(
            DeliveryStreamName=name, **parameters, **created_tags("firehose", properties, context)
        )
        context.made(name)

        def is_ready() -> bool:
            found = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
            if found["DeliveryStreamStatus"] == "CREATING_FAILED":
                raise ResourceFailure(found.get("FailureDescription", {}).get("Details", "CREATING_FAILED"))
            return found["DeliveryStreamStatus"] == "ACTIVE"

        context.wait(is_ready)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        firehose = context.client("firehose")
        kind = "ExtendedS3Destination" if "ExtendedS3DestinationConfiguration" in properties else "S3Destination"
        configuration = properties.get(f"{kind}Configuration", {})
        if configuration != old.get(f"{kind}Configuration"):
            found = firehose.describe_delivery_stream(DeliveryStreamName=physical_id)["DeliveryStreamDescription"]
            changes = without(configuration, "S3BackupConfiguration")
            if "S3BackupConfiguration" in configuration:
                changes["S3BackupUpdate"] = configuration["S3BackupConfiguration"]
            firehose.update_destination(
                DeliveryStreamName=physical_id,
                CurrentDeliveryStreamVersionId=found["VersionId"],
                DestinationId=found["Destinations"][0]["DestinationId"],
                **{f"{kind}Update": changes},
            )
        encryption = properties.get("DeliveryStreamEncryptionConfigurationInput")
        if encryption != old.get("DeliveryStreamEncryptionConfigurationInput"):
            if encryption:
                firehose.start_delivery_stream_encryption(
                    DeliveryStreamName=physical_id, DeliveryStreamEncryptionConfigurationInput=encryption
                )
            else:
                firehose.stop_delivery_stream_encryption(DeliveryStreamName=physical_id)
        retag("firehose", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        firehose = context.client("firehose")
        firehose.delete_delivery_stream(DeliveryStreamName=physical_id)
        context.wait(lambda: not exists(firehose.describe_delivery_stream, DeliveryStreamName=physical_id))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("firehose", f"deliverystream/{physical_id}")}


TYPES: dict[str, ResourceType] = {
    "AWS::KinesisFirehose::DeliveryStream": DeliveryStream(),
}
