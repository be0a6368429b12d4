"""Amazon Data Firehose."""

from moto.firehose.models import firehose_backends
from moto.firehose.responses import FirehoseResponse

BACKENDS = firehose_backends
RESPONSE = FirehoseResponse
