"""What the workshop's stacks cost on AWS while they exist, and a limit that nobody passes by accident.

Only what is billed by the hour is counted: streams and alarms. What is billed by use (queries, jobs, crawls, sessions, records) says its price
where it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from infra.teaching.prices import usd

PREFIX = "analytics-workshop-"
HOURS_OF_A_MONTH = 730
NEVER_MADE = "REVIEW_IN_PROGRESS"


class LimitReached(RuntimeError):
    """A stack was not made because it would pass the limit; shown as its one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Cost(NamedTuple):
    """USD an hour, and of what: `3 Kinesis shards`."""

    hourly: float
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.parts:
            return "nothing by the hour"
        return f"{self.hourly:.3f} USD an hour ({', '.join(self.parts)})"


_RESOURCE = re.compile(r"^    Type: (AWS::[\w:]+)\s*$", re.MULTILINE)
_SHARDS = re.compile(r"^      ShardCount: (\d+)", re.MULTILINE)


def of_template(text: str, region: str = "us-east-1") -> Cost:
    """Return what the resources of a template cost by the hour.

    The workshop's templates are read as text, two blanks an indent: the kernels of Glue and Flink have no reader of YAML.
    """
    return _cost(region, *_counted(text))


def shards(text: str) -> int:
    """Return how many shards the streams of a template have together; one on demand begins with four."""
    provisioned, on_demand, _ = _counted(text)
    return provisioned + 4 * on_demand


def _counted(text: str) -> tuple[int, int, int]:
    """Return the shards, the streams on demand and the alarms of a template."""
    shards = on_demand = alarms = 0
    found = list(_RESOURCE.finditer(text))
    for match, following in zip(found, [*found[1:], None], strict=True):
        block = text[match.end() : following.start() if following else len(text)]
        if match[1] == "AWS::Kinesis::Stream" and "StreamMode: ON_DEMAND" in block:
            on_demand += 1
        elif match[1] == "AWS::Kinesis::Stream":
            count = _SHARDS.search(block)
            shards += int(count[1]) if count else 1
        alarms += match[1] == "AWS::CloudWatch::Alarm"
    return shards, on_demand, alarms


def _cost(region: str, shards: int, on_demand: int, alarms: int) -> Cost:
    counted = (
        (shards, "Kinesis shard", usd("kinesis shard", region)),
        (on_demand, "on-demand stream", usd("kinesis on-demand stream", region)),
        (alarms, "alarm", usd("alarm", region) / HOURS_OF_A_MONTH),
    )
    parts = tuple(f"{count} {name}{'s' if count > 1 else ''}" for count, name, _ in counted if count)
    return Cost(sum(count * price for count, _, price in counted), parts)


def of_stack(name: str, folder: Path, region: str) -> Cost:
    """Return what a stack of the workshop costs by the hour; `folder` holds its template."""
    template = folder / f"{name.removeprefix(PREFIX).replace('-', '_')}.yaml"
    return of_template(template.read_text(), region) if template.exists() else Cost(0.0)


class Running(NamedTuple):
    """The workshop's stacks in an account: USD an hour now, and since they were made."""

    hourly: float
    total: float
    stacks: tuple[str, ...]


def running(session: Any, folder: Path) -> Running:
    """Return what the workshop's stacks in this account cost now, and what all have cost, those that are deleted included.

    Parameters
    ----------
    folder: the stacks' templates

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html (deleted stacks are listed for 90 days)
    """
    found = session.client("cloudformation").get_paginator("list_stacks").paginate()
    hourly = total = 0.0
    names = []
    for stack in (each for page in found for each in page["StackSummaries"]):
        template = folder / f"{stack['StackName'].removeprefix(PREFIX).replace('-', '_')}.yaml"
        if not stack["StackName"].startswith(PREFIX) or stack["StackStatus"] == NEVER_MADE or not template.exists():
            continue
        price = of_template(template.read_text(), session.region_name).hourly
        until = stack.get("DeletionTime") or datetime.now(UTC)
        total += price * (until - stack["CreationTime"]).total_seconds() / 3600
        if stack["StackStatus"] != "DELETE_COMPLETE":
            hourly += price
            names.append(stack["StackName"])
    return Running(hourly, total, tuple(sorted(names)))


def limit(file: Path, profile: str, ask: Callable[[str], str]) -> float:
    """Return the limit in USD that was given for a profile; it is asked for once. Raises LimitReached where none is given."""
    known = json.loads(file.read_text()) if file.exists() else {}
    if profile in known:
        return _usd(known[profile])
    known[profile] = _usd(ask(f"The profile {profile} is real AWS. How many USD may the workshop cost there in all? "))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known))
    return known[profile]


def _usd(answer: Any) -> float:
    """Return an answer as an amount. Raises LimitReached: it is none, or one that nothing ever passes, as `nan`."""
    try:
        amount = float(answer)
    except (TypeError, ValueError):
        amount = inf
    if not 0 <= amount < inf:
        raise LimitReached(f"Without a limit in USD nothing is made on real AWS; '{answer}' is no amount.")
    return amount


def check(now: Running, more: Cost, most: float) -> None:
    """Raises LimitReached where an hour of what runs and of what is to be made passes the limit."""
    expected = now.total + now.hourly + more.hourly
    if expected > most:
        raise LimitReached(
            f"Not made: the workshop has cost about {now.total:.2f} USD here, and another hour with this one would come to "
            f"{expected:.2f} USD. The limit is {most:.2f} USD; delete stacks, or raise it in .workshop/limits.json."
        )
