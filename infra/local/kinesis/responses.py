"""Kinesis's other operations by AWS's rules: descriptions and lists in pages, consumers, settings of streams.

Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.kinesis.exceptions import InvalidArgumentError

from infra.local.kinesis import consumers
from infra.local.kinesis.errors import LimitExceeded
from infra.local.kinesis.shards import ShardsResponse
from infra.local.kinesis.streams import LocalStream

PAGE = 100  # shards of a description, names of a list, consumers, where the request does not say it
RECORD_KIB = 1024


class LocalKinesisResponse(ShardsResponse):
    """moto's response class where AWS's rules are others."""

    def create_stream(self) -> ActionResult:
        result = super().create_stream()
        stream = self.kinesis_backend.streams[self._get_param("StreamName")]
        stream.max_record_size_kib = self._get_param("MaxRecordSizeInKiB") or RECORD_KIB
        stream.tags.update(self._get_param("Tags") or {})
        return result

    def delete_stream(self) -> ActionResult:
        with_consumers = bool(self._get_param("EnforceConsumerDeletion"))
        names = self._get_param("StreamARN"), self._get_param("StreamName")
        self.kinesis_backend.delete_stream(*names, with_consumers=with_consumers)
        return EmptyResult()

    def describe_stream(self) -> ActionResult:
        stream = self._named()
        after = self._get_param("ExclusiveStartShardId") or ""
        shards = sorted(
            (each for each in stream.shards.values() if each.shard_id > after), key=lambda each: each.shard_id
        )
        page = shards[: self._get_param("Limit") or PAGE]
        told = _described(stream)
        told["Shards"] = [shard.to_json() for shard in page]
        told["HasMoreShards"] = len(page) < len(shards)
        return ActionResult({"StreamDescription": told})

    def describe_stream_summary(self) -> ActionResult:
        stream = self._named()
        told = {
            **_described(stream),
            "OpenShardCount": len(stream.writable),
            "ConsumerCount": len(stream.consumers),
            "MaxRecordSizeInKiB": getattr(stream, "max_record_size_kib", RECORD_KIB),
        }
        return ActionResult({"StreamDescriptionSummary": told})

    def _named(self) -> LocalStream:
        arn, name = self._get_param("StreamARN"), self._get_param("StreamName")
        if arn is None and name is None:
            raise InvalidArgumentError("Either StreamName or StreamARN must be provided.")
        return self.kinesis_backend.describe_stream(arn, name)

    def list_streams(self) -> ActionResult:
        after, token = self._get_param("ExclusiveStartStreamName"), self._get_param("NextToken")
        if token is not None:
            if after is not None:
                raise InvalidArgumentError("NextToken and ExclusiveStartStreamName cannot be provided together.")
            after = _after(token, "streams")
        streams = [each for each in self.kinesis_backend.list_streams() if each.stream_name > (after or "")]
        page = streams[: self._get_param("Limit") or PAGE]
        answer: dict[str, Any] = {
            "HasMoreStreams": len(page) < len(streams),
            "StreamNames": [each.stream_name for each in page],
            "StreamSummaries": [_summary(each) for each in page],
        }
        if answer["HasMoreStreams"]:
            answer["NextToken"] = _token("streams", page[-1].stream_name)
        return ActionResult(answer)

    def update_shard_count(self) -> ActionResult:
        stream, target = self._named(), self._get_param("TargetShardCount")
        before = self.kinesis_backend.update_shard_count(stream.arn, stream.stream_name, target)
        told = {"StreamName": stream.stream_name, "StreamARN": stream.arn}
        return ActionResult({**told, "CurrentShardCount": before, "TargetShardCount": target})

    def update_max_record_size(self) -> ActionResult:
        self._named().max_record_size_kib = self._get_param("MaxRecordSizeInKiB")
        return EmptyResult()

    # --- consumers

    def register_stream_consumer(self) -> ActionResult:
        given = self._get_param("StreamARN"), self._get_param("ConsumerName")
        return ActionResult({"Consumer": consumers.register(self.kinesis_backend, *given).to_json()})

    def describe_stream_consumer(self) -> ActionResult:
        _, consumer = consumers.find(self.kinesis_backend, *self._consumer())
        return ActionResult({"ConsumerDescription": consumer.to_json(include_stream_arn=True)})

    def deregister_stream_consumer(self) -> ActionResult:
        consumers.deregister(self.kinesis_backend, *self._consumer())
        return EmptyResult()

    def _consumer(self) -> tuple[str | None, str | None, str | None]:
        return self._get_param("ConsumerARN"), self._get_param("StreamARN"), self._get_param("ConsumerName")

    def list_stream_consumers(self) -> ActionResult:
        stream = self.kinesis_backend.describe_stream(self._get_param("StreamARN"), None)
        token = self._get_param("NextToken")
        after = _after(token, stream.arn) if token is not None else ""
        listed = sorted(
            (each for each in stream.consumers if each.consumer_name > after), key=lambda each: each.consumer_name
        )
        page = listed[: self._get_param("MaxResults") or PAGE]
        answer: dict[str, Any] = {"Consumers": [each.to_json() for each in page]}
        if len(page) < len(listed):
            answer["NextToken"] = _token(stream.arn, page[-1].consumer_name)
        return ActionResult(answer)

    # --- tags, by the ARN of a stream

    def tag_resource(self) -> ActionResult:
        stream, given = self._tagged(), self._get_param("Tags")
        if len({*stream.tags, *given}) > 50:
            raise LimitExceeded(f"Stream {stream.stream_name} under account {stream.account_id} may have 50 tags.")
        stream.tags.update(given)
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        stream = self._tagged()
        for key in self._get_param("TagKeys"):
            stream.tags.pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        tags = sorted(self._tagged().tags.items())
        return ActionResult({"Tags": [{"Key": key, "Value": value} for key, value in tags]})

    def _tagged(self) -> LocalStream:
        arn = self._get_param("ResourceARN")
        if "/consumer/" in arn:
            raise InvalidArgumentError("Tags of consumers are not supported by the local AWS.")
        return self.kinesis_backend.describe_stream(arn, None)


def _described(stream: LocalStream) -> dict[str, Any]:
    told: dict[str, Any] = {
        **_summary(stream),
        "RetentionPeriodHours": stream.retention_period_hours,
        "EnhancedMonitoring": [{"ShardLevelMetrics": stream.shard_level_metrics}],
        "EncryptionType": stream.encryption_type,
    }
    return {**told, "KeyId": stream.key_id} if stream.key_id else told


def _summary(stream: LocalStream) -> dict[str, Any]:
    return {
        "StreamName": stream.stream_name,
        "StreamARN": stream.arn,
        "StreamStatus": stream.status,
        "StreamModeDetails": stream.stream_mode,
        "StreamCreationTimestamp": stream.creation_datetime,
    }


def _token(of: str, after: str) -> str:
    return base64.b64encode(json.dumps([of, after]).encode()).decode()


def _after(token: str, of: str) -> str:
    """Return behind which name a page begins. Raises InvalidArgumentError for a token of another list."""
    try:
        kind, after = json.loads(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError, TypeError):
        kind, after = None, None
    if kind != of or not isinstance(after, str):
        raise InvalidArgumentError("Invalid NextToken.")
    return after
