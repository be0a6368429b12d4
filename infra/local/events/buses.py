"""What happens to an event that reaches a bus: it is kept in archives and accepted for the targets of each rule that matches it."""

from __future__ import annotations

from typing import Any

from infra.local.core import registry, state
from infra.local.core.roles.evaluation import Ask, Kind, Policies, Principal, evaluate
from infra.local.core.roles.policy import parse
from infra.local.core.service_principal import NotAllowed, split_arn
from infra.local.events import archives, delivery

ACTION = "events:PutEvents"


class NoBus(Exception):
    """There is no such bus."""


def put(arn: str, event: dict[str, Any], sender: str, hops: int = 0) -> None:
    """Put an event, in EventBridge's envelope, on a bus: it is on disk for all targets when this returns.

    Parameters
    ----------
    arn: of the bus
    sender: account that sends it
    hops: how many buses it has come from

    Raises
    ------
    NoBus, NotAllowed: the bus is another account's and its policy does not let the sender
    """
    delivery.outbox.add(items(arn, event, sender, hops))


def items(arn: str, event: dict[str, Any], sender: str, hops: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """Return what goes into the outbox for an event that reaches a bus; see `put`. Archives keep it at once."""
    _, region, account, resource = split_arn(arn)
    name = resource.removeprefix("event-bus/")
    backend = registry.get("events").backends[account][region]
    with state.lock("events", account):
        bus = backend.event_buses.get(name)
        if bus is None:
            raise NoBus(f"Event bus {name} does not exist.")
        if sender != account:
            _check_policy(bus.policy, sender, arn)
        matched = [rule for rule in bus.rules.values() if rule.takes(event)]
        return for_rules(matched, event, hops)


def for_rules(rules: list[Any], event: dict[str, Any], hops: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """Return what goes into the outbox for an event that these rules take."""
    found = []
    for rule in rules:
        if any(archives.is_archive(target) for target in rule.targets):
            archives.keep(rule, event)
        else:
            found += delivery.items(
                delivery.RuleRef(rule.arn, rule.name, rule.account_id, rule.region_name), rule.targets, event, hops
            )
    return found


def _check_policy(document: str | None, sender: str, arn: str) -> None:
    """Raise NotAllowed unless the bus lets the other account; that the sender may do it is that account's own matter."""
    root = f"arn:aws:iam::{sender}:root"
    ask = Ask(Principal(Kind.ROLE, sender, root, root), ACTION, arn, resource_account=split_arn(arn)[2])
    own = parse({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ACTION, "Resource": "*"}})
    bus = (parse(document),) if document else ()
    if not evaluate(ask, Policies(identity=(own,), resource=bus)).allowed:
        raise NotAllowed(
            f"User: {root} is not authorized to perform: {ACTION} on resource: {arn} "
            f"because no resource-based policy allows the {ACTION} action"
        )
