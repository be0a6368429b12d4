"""Kinesis connectors of the DataStream API: what names no endpoint gets that of this AWS. Tables get it from java/AWSOptionUtils.java."""

from collections.abc import Callable
from typing import Any


def complete(options: Callable[[], dict[str, str]]) -> None:
    """Add options to what a program gives the connectors, where it does not say them itself.

    Args:
        options: asked when a connector is made, for a kernel follows its profile.
    """
    from pyflink.datastream.connectors import kinesis

    consume = kinesis.FlinkKinesisConsumer.__init__

    def consumer(self, streams, schema, config):
        consume(self, streams, schema, options() | config)

    kinesis.FlinkKinesisConsumer.__init__ = consumer
    for builder, name in (
        (kinesis.KinesisStreamsSinkBuilder, "set_kinesis_client_properties"),
        (kinesis.KinesisFirehoseSinkBuilder, "set_firehose_client_properties"),  # for whom its jar is there
    ):
        setattr(builder, name, _with_options(getattr(builder, name), options))


def _with_options(given: Callable[..., Any], options: Callable[[], dict[str, str]]) -> Callable[..., Any]:
    return lambda self, properties: given(self, options() | properties)
