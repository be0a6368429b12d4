"""ListShards: which shards a stream has, in pages, and those that were open at a moment.

Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html and API_ShardFilter.html
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from datetime import datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.kinesis.exceptions import InvalidArgumentError
from moto.kinesis.responses import KinesisResponse

from infra.local.kinesis.storage import StoredShard
from infra.local.kinesis.streams import LocalStream

PAGE = 1000  # shards, where the request does not say it
TOKEN_SECONDS = 300.0
NEEDS = {"AFTER_SHARD_ID": "ShardId", "AT_TIMESTAMP": "Timestamp", "FROM_TIMESTAMP": "Timestamp"}


class ExpiredNextToken(JsonRESTError):
    def __init__(self, message: str):
        super().__init__(error_type="ExpiredNextTokenException", message=message)


class ShardsResponse(KinesisResponse):
    """moto's response class with ListShards by AWS's rules."""

    def list_shards(self) -> ActionResult:
        token = self._get_param("NextToken")
        if token is not None:
            for name in ("StreamName", "StreamARN", "ShardFilter", "ExclusiveStartShardId", "StreamCreationTimestamp"):
                if self._get_param(name) is not None:
                    raise InvalidArgumentError(f"NextToken and {name} cannot be provided together.")
            asked = _read(token)
            stream = self._stream(None, asked["stream"])
        else:
            stream = self._stream(self._get_param("StreamARN"), self._get_param("StreamName"))
            after = self._get_param("ExclusiveStartShardId") or ""
            asked = {"stream": stream.stream_name, "filter": _checked(self._get_param("ShardFilter")), "after": after}
        wanted = [shard for shard in _filtered(stream, asked["filter"]) if shard.shard_id > asked["after"]]
        page = wanted[: self._get_param("MaxResults") or PAGE]
        answer: dict[str, Any] = {"Shards": [shard.to_json() for shard in page]}
        if len(page) < len(wanted):
            answer["NextToken"] = _written({**asked, "after": page[-1].shard_id})
        return ActionResult(answer)

    def _stream(self, arn: str | None, name: str | None) -> LocalStream:
        if arn is None and name is None:
            raise InvalidArgumentError("Either NextToken or StreamName should be provided.")
        return self.kinesis_backend.describe_stream(stream_arn=arn, stream_name=name)


def _checked(given: dict[str, Any] | None) -> dict[str, Any]:
    """Return a filter with its time in epoch milliseconds. Raises InvalidArgumentError where its type wants more than it has."""
    if given is None:
        return {"Type": "FROM_TRIM_HORIZON"}
    needed = NEEDS.get(given["Type"])
    if needed and given.get(needed) is None:
        raise InvalidArgumentError(f"{needed} must be specified for the ShardFilter type {given['Type']}.")
    at = given.get("Timestamp")
    if at is None:
        return given
    return {**given, "Timestamp": (at.timestamp() if isinstance(at, datetime) else float(at)) * 1000}


def _filtered(stream: LocalStream, wanted: dict[str, Any]) -> list[StoredShard]:
    shards = sorted(stream.shards.values(), key=lambda shard: shard.shard_id)
    kind = wanted["Type"]
    if kind == "AFTER_SHARD_ID":
        return [shard for shard in shards if shard.shard_id > wanted["ShardId"]]
    if kind == "AT_LATEST":
        return [shard for shard in shards if shard.is_open]
    horizon = max(stream.created_ms, (time.time() - stream.retention_period_hours * 3600) * 1000)
    at = wanted["Timestamp"] if kind.endswith("TIMESTAMP") else horizon
    lasted = [shard for shard in shards if _closed_ms(stream, shard) > at]
    if kind.startswith("FROM_"):
        return lasted
    return [shard for shard in lasted if shard.created_ms <= at or shard.parent is None]


def _closed_ms(stream: LocalStream, shard: StoredShard) -> float:
    """Return when a shard was closed: its children were made then; infinity for an open one."""
    children = (each for each in stream.shards.values() if shard.shard_id in (each.parent, each.adjacent_parent))
    return min((child.created_ms for child in children), default=float("inf"))


def _written(asked: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps({**asked, "made": time.time()}).encode()).decode()


def _read(token: str) -> dict[str, Any]:
    try:
        asked = json.loads(base64.b64decode(token, validate=True))
        made = float(asked["made"])
    except (binascii.Error, ValueError, TypeError, KeyError):
        raise InvalidArgumentError("Invalid NextToken.") from None
    if time.time() - made > TOKEN_SECONDS:
        raise ExpiredNextToken("The NextToken is older than 300 seconds: list the shards from the beginning.")
    return asked
