"""What the workshop costs on AWS: a limit in USD on real AWS that nothing passes, and what is left running."""

from __future__ import annotations

import os

import boto3

from infra import project
from infra.teaching import cost, guard
from infra.teaching.guard import Estimate

FOLDER = project.ROOT / "infra" / "stacks"


def check(price: float) -> None:
    """On real AWS, refuse what passes the limit in USD, which is asked for once; the local AWS is free.

    Parameters
    ----------
    price: of what is about to begin, in USD: an hour of it

    Raises infra.teaching.cost.LimitReached.
    """
    guard.check(os.environ.get("AWS_PROFILE"), price, input)


def say(price: cost.Cost) -> None:
    """Say what a stack costs by the hour while it exists; the local AWS is free."""
    free = project.is_local(os.environ.get("AWS_PROFILE"))
    print(f"{'Free here; on AWS it costs' if free else 'It costs'} {price} while it exists.")


def watch(session: boto3.Session) -> None:
    """Check each call of a session's clients that costs by use before it is sent. Its clients raise LimitReached then."""

    def look(estimate: Estimate) -> None:
        check(estimate.usd)

    guard.watch(session, boto3.Session(), look)


def left_running() -> None:
    """Say what of the workshop exists now and is billed by its time on AWS, with its price a day."""
    session = boto3.Session()
    stacks = cost.running(session, FOLDER)
    parts = [
        f"{name.removeprefix(cost.PREFIX)}: {', '.join(price.parts)}"
        for name in stacks.stacks
        if (price := cost.of_stack(name, FOLDER, session.region_name)).hourly
    ]
    by_use = list(guard.hourly(session))
    parts += [each.what for each in by_use]
    day = 24 * (stacks.hourly + sum(each.usd for each in by_use))
    if not parts:
        print("Left running: nothing that is billed by the hour on AWS.")
        return
    print(f"Left running: {'; '.join(parts)}. On AWS that is {day:.2f} USD a day.")
