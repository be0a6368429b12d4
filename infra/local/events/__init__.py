"""Amazon EventBridge: buses, rules and targets; events are delivered over a queue on disk."""

from infra.local.core.service import Service
from infra.local.events.backend import BACKENDS, RESPONSE, bus_policy, resume, stop
from infra.local.events.retries import again, bury
from infra.local.events.schedules import next_after
from infra.local.events.targets import Delivery, Failure, failure_of, kind, send, send_message

SERVICE = Service(
    "events", BACKENDS, RESPONSE, unsaved={"PutEvents"}, resource_policy=bus_policy, resume=resume, stop=stop
)

__all__ = ["Delivery", "Failure", "again", "bury", "failure_of", "kind", "next_after", "send", "send_message"]
