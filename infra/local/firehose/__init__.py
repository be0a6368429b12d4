"""Amazon Data Firehose: delivery streams with a buffer on disk, delivered to S3."""

from infra.local.core.service import Service
from infra.local.firehose.backend import BACKENDS, RESPONSE, UNSAVED, resume, stop

SERVICE = Service("firehose", BACKENDS, RESPONSE, unsaved=UNSAVED, restores=False, resume=resume, stop=stop)
