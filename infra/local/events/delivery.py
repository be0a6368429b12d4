"""The way of an event from a bus to the targets of the rules that match it, over a queue on disk; retries, dead letters, metrics.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from infra.local.core import state, telemetry
from infra.local.core.lineage import MOST_HOPS
from infra.local.core.outbox import Again, Item, Outbox
from infra.local.core.service_principal import Caller, NotAllowed
from infra.local.events import retries, targets, transform
from infra.local.events.targets import Delivery, Failure, Outcome

log = logging.getLogger("workshop.events")

PRINCIPAL = "events.amazonaws.com"
EVENT_FIELDS = {  # of the placeholder aws.events.event, which has no detail → of the event
    "id": "id", "account": "account", "detailType": "detail-type", "time": "time",
    "source": "source", "region": "region", "resources": "resources", "version": "version",
}  # fmt: skip


@dataclass(frozen=True)
class RuleRef:
    """What a delivery needs to know of its rule."""

    arn: str
    name: str
    account: str
    region: str


def items(
    rule: RuleRef, rule_targets: list[dict[str, Any]], event: dict[str, Any], hops: int = 0
) -> list[tuple[str, dict[str, Any]]]:
    """Return what goes into the outbox for an event that a rule takes: one item a target.

    Parameters
    ----------
    hops: how many buses and functions the event has come through
    """
    _count(rule, {"MatchedEvents": 1, "TriggeredRules": 1})
    body = {"arn": rule.arn, "name": rule.name, "account": rule.account, "region": rule.region}
    return [
        (f"{rule.arn} {target['Id']}", {**body, "target": target, "event": event, "hops": hops})
        for target in rule_targets
    ]


def _deliver(items: list[Item]) -> list[Again | None]:
    """Hand over events of one rule to one target, those together that have come round as often; a changed target is another one."""
    outcomes: list[Again | None] = []
    for _, group in groupby(items, key=lambda item: (item.body["target"], item.body["hops"])):
        outcomes += _deliver_alike(list(group))
    return outcomes


def _deliver_alike(items: list[Item]) -> list[Again | None]:
    body = items[0].body
    rule = RuleRef(body["arn"], body["name"], body["account"], body["region"])
    target = body["target"]
    caller = Caller(PRINCIPAL, rule.account, rule.region, rule.arn)
    deliveries = [Delivery(item.body["event"], _text(rule, item), item.body["hops"]) for item in items]
    retried = sum(1 for item in items if item.attempts)
    _count(rule, {"InvocationAttempts": len(items), "RetryInvocationAttempts": retried})
    if items[0].body["hops"] > MOST_HOPS:
        reason = f"The event has come round {MOST_HOPS} times: its rules send it in a circle."
        failures: list[Outcome] = [Failure("LOOP_DETECTED", reason)] * len(items)
    elif _is_bus(target["Arn"]):
        failures = [_forward(caller, target["Arn"], item) for item in items]
    elif "InputTransformer" in target and not all(transform.is_deliverable(each.text) for each in deliveries):
        failures = [_sent_if_json(caller, target, each) for each in deliveries]
    else:
        failures = targets.send(caller, target, deliveries)
    return [_settled(rule, caller, target, item, failure) for item, failure in zip(items, failures, strict=True)]


def _sent_if_json(caller: Caller, target: dict[str, Any], delivery: Delivery) -> Outcome:
    if not transform.is_deliverable(delivery.text):
        return Failure("INVALID_JSON", "What the InputTemplate gives for this event is not valid JSON.")
    return targets.send(caller, target, [delivery])[0]


def _text(rule: RuleRef, item: Item) -> str:
    event = item.body["event"]
    ingested = datetime.fromtimestamp(item.accepted, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    reserved = {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event.ingestion-time": ingested,
        "aws.events.event": {name: event[field] for name, field in EVENT_FIELDS.items()},
        "aws.events.event.json": event,
    }
    return transform.payload(event, item.body["target"], reserved)


def _is_bus(arn: str) -> bool:
    return ":event-bus/" in arn


def _forward(caller: Caller, arn: str, item: Item) -> Outcome:
    """Put an event on another bus: it keeps its id, account and time."""
    from infra.local.events import buses

    hops = item.body["hops"] + 1
    event = item.body["event"]
    _, region, account, _ = targets.split_arn(arn)
    if account != caller.account and event["account"] not in (caller.account, account):
        return Failure(
            "THIRD_ACCOUNT_HOP_DETECTED", "An event that came from another account is not sent on to a third."
        )
    try:
        buses.put(arn, event, sender=caller.account, hops=hops)
    except buses.NoBus as error:
        return Failure("NO_RESOURCE", str(error))
    except NotAllowed as error:
        return Failure("NO_PERMISSIONS", str(error))
    return None


def _settled(rule: RuleRef, caller: Caller, target: dict[str, Any], item: Item, failure: Outcome) -> Again | None:
    """Count what came of an attempt; return when to try again, or None when the event is done with."""
    if failure is None:
        delay = (time.time() - item.accepted) * 1000
        _count(rule, {"Invocations": 1})
        telemetry.metric(
            rule.account, rule.region, "AWS/Events", {"RuleName": rule.name},
            {"IngestionToInvocationSuccessLatency": (delay, "Milliseconds")},
        )  # fmt: skip
        return None
    decided = retries.again(target.get("RetryPolicy", {}), item, failure)
    if isinstance(decided, Again):
        return decided
    log.warning("rule %s to %s: %s: %s", rule.name, target["Arn"], failure.code, failure.message)
    _count(rule, {"Invocations": 1, "FailedInvocations": 1})
    dead = target.get("DeadLetterConfig", {}).get("Arn")
    if dead:
        attributes = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message or failure.code,
            "RETRY_ATTEMPTS": str(item.attempts),
            "EXHAUSTED_RETRY_CONDITION": decided,
        }
        sent = retries.bury(caller, {"Arn": dead}, transform.as_json(item.body["event"]), attributes)
        _count(rule, {"InvocationsSentToDlq" if sent else "InvocationsFailedToBeSentToDlq": 1})
    return None


def _count(rule: RuleRef, counts: dict[str, int]) -> None:
    values = {name: (float(count), "Count") for name, count in counts.items() if count}
    if values:
        telemetry.metric(rule.account, rule.region, "AWS/Events", {"RuleName": rule.name}, values)


def _path() -> Path:
    return state.root() / "events.sqlite"


outbox = Outbox("events", _path, _deliver, "event")
