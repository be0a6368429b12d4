"""Waiting for what must come true: asked again and again, with an end. A long limit costs nothing where the answer comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(ask: Callable[[], Any], what: str = "what the test waits for", seconds: float = 90) -> Any:
    """The first true answer of `ask`; an assertion fails after so many seconds without one."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s; the last answer was {answer!r}"
        time.sleep(0.02)
    return answer
