"""Amazon CloudWatch metrics and alarms: moto's, with the samples in rows of their own."""

from infra.local.cloudwatch.backend import BACKENDS
from infra.local.core.service import Service

SERVICE = Service("monitoring", BACKENDS)
