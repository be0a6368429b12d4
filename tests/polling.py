"""Waiting for what must come true: asked again and again, with an end. A long limit costs nothing where the answer comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SHORTEST, LONGEST = 0.02, 0.2  # seconds between two questions
SHARE = 0.05  # of the time waited so far: questions cost more than the answer comes late by


def until(ask: Callable[[], Any], what: str = "what the test waits for", seconds: float = 90) -> Any:
    """The first true answer of `ask`; an assertion fails after so many seconds without one."""
    began = time.monotonic()
    while not (answer := ask()):
        waited = time.monotonic() - began
        assert waited < seconds, f"{what} did not come within {seconds} s; the last answer was {answer!r}"
        time.sleep(min(max(SHORTEST, SHARE * waited), LONGEST))
    return answer
