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
    for number, retrier in enumerate(state.get("Retry") or []):
        if matches(failure, retrier["ErrorEquals"]):
            used = tries[number] if number < len(tries) else 0
            if used >= retrier.get("MaxAttempts", MAX_ATTEMPTS):
                return None
            return Again(number, delay(retrier, used))
    return None


def delay(retrier: dict[str, Any], used: int) -> float:
    """Return the seconds before the next try of a retrier that was used so often."""
    seconds = retrier.get("IntervalSeconds", INTERVAL_SECONDS) * retrier.get("BackoffRate", BACKOFF_RATE) ** used
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else float(seconds)


def catcher(state: dict[str, Any], failure: StateFailure) -> tuple[int, dict[str, Any]] | None:
    """Return number and definition of the catcher that takes a failure, None if it is not caught."""
    for number, each in enumerate(state.get("Catch") or []):
        if matches(failure, each["ErrorEquals"]):
            return number, each
    return None
