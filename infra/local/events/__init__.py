"""Amazon EventBridge: buses, rules and targets."""

from infra.local.core.service import Service
from infra.local.events.backend import BACKENDS, RESPONSE

SERVICE = Service("events", BACKENDS, RESPONSE, changes=("logs", "sqs"))
