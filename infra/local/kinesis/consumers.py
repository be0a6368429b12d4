"""Registered consumers of streams, which are pushed their records (enhanced fan-out).

Sources: https://docs.aws.amazon.com/kinesis/latest/APIReference/ (API_RegisterStreamConsumer, API_ListStreamConsumers,
API_DescribeStreamConsumer, API_DeregisterStreamConsumer), https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
"""

from __future__ import annotations

from moto.core.utils import unix_time
from moto.kinesis.exceptions import InvalidArgumentError, ResourceInUseError, ResourceNotFoundError
from moto.kinesis.models import Consumer

from infra.local.kinesis.errors import LimitExceeded
from infra.local.kinesis.streams import LocalKinesisBackend, LocalStream

MOST_CONSUMERS = 20  # of a stream


def register(backend: LocalKinesisBackend, stream_arn: str, name: str) -> Consumer:
    """Register a consumer; its ARN ends with the second of its registration."""
    stream = backend.describe_stream(stream_arn, None)
    if any(each.consumer_name == name for each in stream.consumers):
        raise ResourceInUseError(
            f"Consumer {name} under stream {stream.stream_name} already exists for account {backend.account_id}."
        )
    if len(stream.consumers) >= MOST_CONSUMERS:
        raise LimitExceeded(
            f"Stream {stream.stream_name} under account {backend.account_id} has {MOST_CONSUMERS} registered consumers, which is the limit."
        )
    consumer = Consumer(name, backend.account_id, backend.region_name, stream.arn)
    consumer.consumer_arn = f"{stream.arn}/consumer/{name}:{int(unix_time(consumer.created))}"
    stream.consumers.append(consumer)
    return consumer


def find(
    backend: LocalKinesisBackend, consumer_arn: str | None, stream_arn: str | None = None, name: str | None = None
) -> tuple[LocalStream, Consumer]:
    """Return a consumer by its ARN, or by its stream's ARN and its name, with its stream."""
    if consumer_arn is None and (stream_arn is None or name is None):
        raise InvalidArgumentError("Either ConsumerARN or both StreamARN and ConsumerName must be specified.")
    arn = stream_arn if consumer_arn is None else consumer_arn.partition("/consumer/")[0]
    stream = backend.describe_stream(arn, None)
    for consumer in stream.consumers:
        if consumer_arn == consumer.consumer_arn or (consumer_arn is None and name == consumer.consumer_name):
            return stream, consumer
    told = consumer_arn if consumer_arn is not None else f"{name} under stream {stream.stream_name}"
    raise ResourceNotFoundError(f"Consumer {told}, account {backend.account_id} not found.")


def deregister(
    backend: LocalKinesisBackend, consumer_arn: str | None, stream_arn: str | None, name: str | None
) -> None:
    """Forget a consumer."""
    stream, consumer = find(backend, consumer_arn, stream_arn, name)
    stream.consumers.remove(consumer)
