"""Rules with a ScheduleExpression: each time gives one event, `Scheduled Event`, to the rule's targets.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.core import registry, state
from infra.local.core.cron import Cron, Rate
from infra.local.core.service_principal import split_arn
from infra.local.core.timetable import Timetable

MISSED_SECONDS = 60.0  # a time that passed while the server was stopped is left out


def is_valid(expression: str) -> bool:
    """Whether EventBridge takes a schedule expression."""
    try:
        _ = Rate(expression) if expression.startswith("rate(") else Cron(expression)
    except ValueError:
        return False
    return True


def following(expression: str, after: float) -> float | None:
    """Return the first time (epoch seconds) of an expression after another one; None when there is none."""
    if expression.startswith("rate("):
        return after + Rate(expression).seconds
    moment = Cron(expression).next_after(datetime.fromtimestamp(after, UTC).replace(tzinfo=None))
    return moment.replace(tzinfo=UTC).timestamp() if moment else None


def next_after(expression: str, due: float, now: float) -> float | None:
    """Return the next time of a schedule expression; a rate keeps its beat.

    Parameters
    ----------
    expression: rate(…) or cron(…)
    due: its last time, in seconds since 1970
    now: in seconds since 1970

    Returns
    -------
    The first time after `now`, in seconds since 1970; None when there is none

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    """
    if expression.startswith("rate("):
        beat = Rate(expression).seconds
        return due + beat * (math.floor(max(0.0, now - due) / beat) + 1)
    return following(expression, max(due, now))


def plan(rule: Any) -> None:
    """Let a rule fire when its schedule says, from now on; never when it has none or is disabled."""
    wanted = rule.scheduled_expression and rule.state != "DISABLED"
    table.set(rule.arn, following(rule.scheduled_expression, time.time()) if wanted else None)


def forget(arn: str) -> None:
    state.afterwards(lambda: table.set(arn, None))


def resume() -> None:
    """Go on after a restart; rules of a lake that an older version wrote are planned."""
    table.resume()
    for _, _, backend in list(registry.get("events").backends.iter_backends()):
        for rule in backend.event_buses["default"].rules.values():
            if rule.scheduled_expression and table.due(rule.arn) is None:
                plan(rule)


def _fire(arn: str, due: float) -> float | None:
    from infra.local.events import buses, delivery
    from infra.local.events.backend import envelope

    _, region, account, resource = split_arn(arn)
    now = time.time()
    with state.lock("events", account):
        bus = registry.get("events").backends[account][region].event_buses["default"]
        rule = bus.rules.get(resource.removeprefix("rule/"))
        if rule is None or not rule.scheduled_expression or rule.state == "DISABLED":
            return None
        if now - due < MISSED_SECONDS:
            event = envelope(account, region, "aws.events", "Scheduled Event", {}, [arn], due)
            delivery.outbox.add(buses.for_rules([rule], event))
        return next_after(rule.scheduled_expression, due, now)


def _path() -> Path:
    return state.root() / "rule_schedules.sqlite"


table = Timetable("rule-schedules", _path, _fire)
