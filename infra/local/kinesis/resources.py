"""The streams and consumers that a request is about, where only an iterator, a token or a consumer's ARN says so."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from moto.kinesis.models import kinesis_backends

OF_CONSUMERS = ("SubscribeToShard", "DescribeStreamConsumer", "DeregisterStreamConsumer")


def resources(request: Any) -> list[str] | None:
    """Return the ARNs that a request asks for, None for requests that name their stream.

    A broken iterator or token names no stream: who may read all streams is told that it is broken.
    """
    if request.operation == "GetRecords":
        return [request.arn(f"stream/{_text(request.get('ShardIterator')).partition('/')[0] or '*'}")]
    if request.operation == "ListShards" and request.get("NextToken"):
        return [request.arn(f"stream/{_stream_of(_text(request.get('NextToken')))}")]
    if request.operation in OF_CONSUMERS:
        return [request.get("ConsumerARN") or _consumer(request)]
    return None


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


def _stream_of(token: str) -> str:
    try:
        return str(json.loads(token)["stream"])
    except (ValueError, KeyError, TypeError):
        return "*"


def _consumer(request: Any) -> str:
    """Return the ARN of a consumer that is named by its stream and its own name; one that is not there has no time in it."""
    arn, name = request.get("StreamARN"), request.get("ConsumerName")
    if request.account in kinesis_backends.keys():
        stream = kinesis_backends[request.account][request.region].streams.get(arn.rpartition("/")[2])
        for consumer in stream.consumers if stream is not None else ():
            if consumer.consumer_name == name:
                return str(consumer.consumer_arn)
    return f"{arn}/consumer/{name}"
