"""When a schedule is due: `at(…)`, `rate(…)` and `cron(…)`, in its time zone, between its start and its end.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.local.core.cron import Cron, Rate

AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


class InvalidSchedule(ValueError):
    """Scheduler would refuse the expression or the time zone; the message is its own."""


def check(expression: str, zone: str) -> None:
    """Raises InvalidSchedule."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidSchedule(f"Invalid Schedule Expression Timezone {zone}.") from None
    try:
        following(expression, zone, 0.0, 0.0)
    except ValueError:
        raise InvalidSchedule(f"Invalid Schedule Expression {expression}.") from None


def is_once(expression: str) -> bool:
    return expression.startswith("at(")


def following(expression: str, zone: str, begin: float, after: float) -> float | None:
    """Return the first time (epoch seconds) after `after`; None when there is none. Raises ValueError.

    Parameters
    ----------
    begin: when a rate counts from
    """
    match = AT.fullmatch(expression)
    if match:
        due = datetime.fromisoformat(match[1]).replace(tzinfo=ZoneInfo(zone)).timestamp()
        return due if due > after else None
    if expression.startswith("rate("):
        beat = Rate(_with_unit(expression)).seconds
        return begin if begin > after else begin + beat * (math.floor((after - begin) / beat) + 1)
    return _next_of_cron(Cron(expression), ZoneInfo(zone), after)


def _with_unit(expression: str) -> str:
    """Return a rate with the plural that rules ask for; Scheduler takes both."""
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    return f"rate({match[1]} {match[2]}{'' if match[1] == '1' else 's'})" if match else expression


def _next_of_cron(cron: Cron, zone: ZoneInfo, after: float) -> float | None:
    """Return the next time of a cron expression on the clocks of a zone; a time that they leave out in spring is passed over."""
    moment = datetime.fromtimestamp(after, zone).replace(tzinfo=None)
    while (found := cron.next_after(moment)) is not None:
        due = found.replace(tzinfo=zone).timestamp()
        is_real = datetime.fromtimestamp(due, zone).replace(tzinfo=None) == found
        if is_real and due > after:
            return due
        moment = found
    return None


def next_time(schedule: Any, after: float) -> float | None:
    """Return when a schedule (moto's record) is due next after a time; None when it is off or over."""
    if schedule.state != "ENABLED":
        return None
    start = _seconds(schedule.start_date)
    begin = start if start is not None else float(schedule.creation_date)
    floor = after if start is None else max(after, start - 1)
    due = following(schedule.schedule_expression, schedule.schedule_expression_timezone, begin, floor)
    end = _seconds(schedule.end_date)
    return None if due is None or end is not None and due > end else due


def _seconds(given: Any) -> float | None:
    """Return a date of a request (epoch seconds, or ISO 8601) as epoch seconds."""
    if given is None or given == "":
        return None
    if isinstance(given, (int, float)):
        return float(given)
    try:
        return float(given)
    except ValueError:
        return datetime.fromisoformat(str(given)).astimezone(UTC).timestamp()
