"""Amazon Kinesis Data Streams: records are in files of their shards."""

from infra.local.core.service import Service
from infra.local.kinesis.resources import resources
from infra.local.kinesis.shards import ShardsResponse
from infra.local.kinesis.streams import BACKENDS, resume, stop, stream
from infra.local.kinesis.wire import wire

SERVICE = Service(
    "kinesis", BACKENDS, ShardsResponse, wire=wire, resources=resources, restores=False, resume=resume, stop=stop
)

__all__ = ["stream"]
