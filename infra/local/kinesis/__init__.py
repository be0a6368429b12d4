"""Amazon Kinesis Data Streams: records are in files of their shards.

The face: `stream` gives a stream whose shards are read in this process, as `StoredRecord`s.
"""

from infra.local.core.service import Service
from infra.local.kinesis.resources import resources
from infra.local.kinesis.responses import LocalKinesisResponse
from infra.local.kinesis.storage import StoredRecord
from infra.local.kinesis.streams import BACKENDS, resume, stop, stream
from infra.local.kinesis.wire import wire

SERVICE = Service(
    "kinesis",
    BACKENDS,
    LocalKinesisResponse,
    quick={"DescribeStreamSummary"},
    wire=wire,
    resources=resources,
    resume=resume,
    stop=stop,
)

__all__ = ["StoredRecord", "stream"]
