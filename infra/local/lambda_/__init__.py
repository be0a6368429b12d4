"""AWS Lambda."""

from infra.local.core.service import Service
from infra.local.lambda_.backend import BACKENDS, RESPONSE

SERVICE = Service("lambda", BACKENDS, RESPONSE)
