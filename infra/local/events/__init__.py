"""Amazon EventBridge: buses, rules and targets; events are delivered over a queue on disk."""

from infra.local.core.service import Service
from infra.local.events.backend import BACKENDS, RESPONSE, bus_policy, resume, stop
from infra.local.events.patterns import InvalidPattern
from infra.local.events.patterns import matches as pattern_matches
from infra.local.events.patterns import parse as parse_pattern
from infra.local.events.retries import again, bury
from infra.local.events.schedules import next_after
from infra.local.events.targets import Delivery, Failure, failure_of, kind, send, send_message

SERVICE = Service(
    "events", BACKENDS, RESPONSE, unsaved={"PutEvents"}, resource_policy=bus_policy, resume=resume, stop=stop
)

__all__ = [
    "Delivery",
    "Failure",
    "InvalidPattern",
    "again",
    "bury",
    "failure_of",
    "kind",
    "next_after",
    "parse_pattern",
    "pattern_matches",
    "send",
    "send_message",
]
