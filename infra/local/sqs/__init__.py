"""Amazon SQS."""

from infra.local.core.service import Service
from infra.local.sqs.backend import BACKENDS, RESPONSE, UNLOCKED

SERVICE = Service("sqs", BACKENDS, RESPONSE, unlocked=UNLOCKED)
