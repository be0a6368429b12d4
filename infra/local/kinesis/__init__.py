"""Amazon Kinesis Data Streams: records are in files of their shards."""

from infra.local.core.service import Service
from infra.local.kinesis.streams import BACKENDS, HOT, RESPONSE, KinesisError, resume, stop, stream

SERVICE = Service("kinesis", BACKENDS, RESPONSE, resume=resume, stop=stop)

__all__ = ["HOT", "KinesisError", "stream"]
