"""Retry and Catch of a state: whether a failure is tried again, after how long, and who catches it.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from infra.local.stepfunctions.failures import StateFailure, matches

INTERVAL_SECONDS = 1
MAX_ATTEMPTS = 3
BACKOFF_RATE = 2.0
MAX_DELAY_SECONDS = 31_622_400  # no execution lasts longer


class Again(NamedTuple):
    """A retry: which retrier, and after how many seconds."""

    retrier: int
    seconds: float


def next_try(state: dict[str, Any], failure: StateFailure, tries: list[int]) -> Again | None:
    """Return the retry of a failure, None if there is none left.

    Parameters
    ----------
    state: the state's definition
    tries: how often each retrier was used since the state was entered
    """
    number = retrier(state, failure)
    if number is None:
        return None
    rule = state["Retry"][number]
    used = tries[number] if number < len(tries) else 0
    return Again(number, delay(rule, used)) if used < rule.get("MaxAttempts", MAX_ATTEMPTS) else None


def retrier(state: dict[str, Any], failure: StateFailure) -> int | None:
    """Return the number of the retrier that counts for a failure, None if there is none."""
    rules = state.get("Retry") or []
    return next((number for number, each in enumerate(rules) if matches(failure, each["ErrorEquals"])), None)


def delay(rule: dict[str, Any], used: int) -> float:
    """Return the seconds before the next try of a retrier that was used so often."""
    first, rate = rule.get("IntervalSeconds", INTERVAL_SECONDS), float(rule.get("BackoffRate", BACKOFF_RATE))
    longest = rule.get("MaxDelaySeconds", MAX_DELAY_SECONDS)
    try:
        seconds = min(first * rate**used, longest)
    except OverflowError:
        seconds = longest
    return random.uniform(0, seconds) if rule.get("JitterStrategy") == "FULL" else float(seconds)


def catcher(state: dict[str, Any], failure: StateFailure) -> tuple[int, dict[str, Any]] | None:
    """Return number and definition of the catcher that takes a failure, None if it is not caught."""
    for number, each in enumerate(state.get("Catch") or []):
        if matches(failure, each["ErrorEquals"]):
            return number, each
    return None
