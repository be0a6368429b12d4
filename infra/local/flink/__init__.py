"""Amazon Managed Service for Apache Flink: applications, each a process of its own."""

from infra.local.core.service import Service
from infra.local.flink.api import RESPONSE
from infra.local.flink.backend import BACKENDS, carry, resume, stop

SERVICE = Service("kinesisanalytics", BACKENDS, RESPONSE, carry=carry, resume=resume, stop=stop)
