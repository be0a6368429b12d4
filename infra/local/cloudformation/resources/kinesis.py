"""Resource types of Kinesis Data Streams.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Kinesis.html
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceType,
    created_tags,
    exists,
    is_missing,
    picked,
    retag,
    tag_map,
)

Properties = dict[str, Any]


class KinesisStream(ResourceType):
    supported = frozenset(
        {
            "DesiredShardLevelMetrics",
            "MaxRecordSizeInKiB",
            "Name",
            "RetentionPeriodHours",
            "ShardCount",
            "StreamEncryption",
            "StreamModeDetails",
            "Tags",
        }
    )
    name_length = 128

    def create(self, context: Context, name: str, properties: Properties) -> None:
        kinesis = context.client("kinesis")
        mode = properties.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        parameters = picked(properties, "StreamModeDetails", "MaxRecordSizeInKiB")
        if mode == "PROVISIONED":
            parameters["ShardCount"] = properties.get("ShardCount", 1)
        kinesis.create_stream(StreamName=name, **parameters, **created_tags("kinesis", properties, context))
        context.made(name)
        self._wait(context, name)
        self._configure(context, name, properties, {})

    def _wait(self, context: Context, name: str) -> None:
        kinesis = context.client("kinesis")
        context.wait(
            lambda: (
                kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
            )
        )

    def _configure(self, context: Context, name: str, properties: Properties, old: Properties) -> None:
        kinesis = context.client("kinesis")
        hours, before = properties.get("RetentionPeriodHours", 24), old.get("RetentionPeriodHours", 24)
        if hours > before:
            kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        elif hours < before:
            kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        encryption = properties.get("StreamEncryption")
        if encryption != old.get("StreamEncryption"):
            if encryption:
                kinesis.start_stream_encryption(StreamName=name, **encryption)
            else:
                kinesis.stop_stream_encryption(StreamName=name, **old["StreamEncryption"])
            self._wait(context, name)
        metrics, metrics_before = (
            set(properties.get("DesiredShardLevelMetrics", [])),
            set(old.get("DesiredShardLevelMetrics", [])),
        )
        if metrics - metrics_before:
            kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=sorted(metrics - metrics_before))
        if metrics_before - metrics:
            kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=sorted(metrics_before - metrics))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        kinesis = context.client("kinesis")
        mode = properties.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        if mode != old.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED"):
            kinesis.update_stream_mode(
                StreamARN=context.arn("kinesis", f"stream/{physical_id}"), StreamModeDetails={"StreamMode": mode}
            )
            self._wait(context, physical_id)
        if mode == "PROVISIONED" and properties.get("ShardCount", 1) != old.get("ShardCount", 1):
            kinesis.update_shard_count(
                StreamName=physical_id, TargetShardCount=properties.get("ShardCount", 1), ScalingType="UNIFORM_SCALING"
            )
            self._wait(context, physical_id)
        self._configure(context, physical_id, properties, old)
        retag("kinesis", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        kinesis = context.client("kinesis")
        kinesis.delete_stream(StreamName=physical_id, EnforceConsumerDeletion=True)
        context.wait(lambda: not exists(kinesis.describe_stream_summary, StreamName=physical_id))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("kinesis", f"stream/{physical_id}")}


class StreamConsumer(ResourceType):
    """A registered consumer; Ref gives its ARN, which ends with the second of its registration."""

    def _found(self, context: Context, properties: Properties) -> Properties | None:
        which = picked(properties, "ConsumerName", "StreamARN")
        try:
            described = context.client("kinesis").describe_stream_consumer(**which)["ConsumerDescription"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return dict(described)

    def physical_id(self, context: Context, name: str, properties: Properties) -> str | None:
        found = self._found(context, properties)
        return str(found["ConsumerARN"]) if found else None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        tags = tag_map(properties, context)
        made = context.client("kinesis").register_stream_consumer(
            **picked(properties, "ConsumerName", "StreamARN"), **({"Tags": tags} if tags else {})
        )
        context.made(made["Consumer"]["ConsumerARN"])
        context.wait(lambda: (self._found(context, properties) or {}).get("ConsumerStatus") == "ACTIVE")

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("kinesis").deregister_stream_consumer(ConsumerARN=physical_id)
        context.wait(lambda: self._found(context, properties) is None)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        found = self._found(context, properties) or {}
        return {
            "ConsumerARN": physical_id,
            "ConsumerCreationTimestamp": str(int(found["ConsumerCreationTimestamp"].timestamp())) if found else "",
            "ConsumerStatus": found.get("ConsumerStatus", ""),
        }


TYPES: dict[str, ResourceType] = {
    "AWS::Kinesis::Stream": KinesisStream(),
    "AWS::Kinesis::StreamConsumer": StreamConsumer(),
}
