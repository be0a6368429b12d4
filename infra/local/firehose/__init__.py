"""Amazon Data Firehose: delivery streams with a buffer on disk, delivered to S3.

Other services use it through its API (`telemetry.client(account, region, "firehose")`): the package has no face of its own.
"""

from infra.local.core.service import Service
from infra.local.firehose.backend import BACKENDS, UNSAVED, carry, resume, stop
from infra.local.firehose.responses import LocalFirehoseResponse

SERVICE = Service("firehose", BACKENDS, LocalFirehoseResponse, unsaved=UNSAVED, carry=carry, resume=resume, stop=stop)
