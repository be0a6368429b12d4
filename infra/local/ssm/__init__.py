"""AWS Systems Manager."""

from infra.local.core.service import Service
from infra.local.ssm.backend import BACKENDS, RESPONSE

SERVICE = Service("ssm", BACKENDS, RESPONSE)
