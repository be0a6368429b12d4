"""Wait for something that AWS does in its own time, and show what it is doing meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any, TypeVar

from helpers.showing import live_line

State = TypeVar("State")


class TookTooLong(TimeoutError):
    """What was waited for did not happen in time; the message says what was seen last."""


def wait_for(
    ask: Callable[[], State], done: Callable[[State], Any], what: str, seconds: float = 300, every: float = 0.5
) -> State:
    """Ask again and again until `done` says yes, and return the last answer.

    Parameters
    ----------
    ask: returns the present state, for example `lambda: glue.get_crawler(Name=name)["Crawler"]["State"]`
    done: says whether this state is the end, for example `lambda state: state == "READY"`
    what: what is waited for, as the reader would call it
    seconds, every: how long to wait at most, and between two questions

    Raises TookTooLong.
    """
    started = time.monotonic()
    show = live_line()
    while True:
        state = ask()
        if done(state):
            show(None)
            return state
        if time.monotonic() - started > seconds:
            raise TookTooLong(f"{what}: still {state} after {seconds:.0f} s.")
        show(f"{escape(what)}: {escape(str(state)[:200])} … {time.monotonic() - started:.0f} s")
        time.sleep(every)
