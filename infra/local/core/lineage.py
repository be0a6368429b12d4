"""How many times the event behind a call has come round, so that a rule that triggers itself is stopped.

A target of a rule is called with a trace header that counts; whoever answers the call (or runs a function or an execution because of it) counts on.
Lambda gives each invocation a trace id that begins with its request id, and AWS's SDK in the function sends it with each call.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Amzn-Trace-Id"
MOST_HOPS = 16  # as Lambda's own recursion detection; EventBridge itself would go on for ever
MOST_KNOWN = 10_000  # invocations
ROOT = re.compile(r"Root=1-[0-9a-f]{8}-([0-9a-f]{24})")
LINEAGE = re.compile(r"Lineage=[0-9a-f]+:(\d{1,5})")

_lock = threading.Lock()
_noted: OrderedDict[str, int] = (
    OrderedDict()
)  # start of an invocation's request id, or of a message's id → how many times its event has come round
_current: ContextVar[int] = ContextVar("hops", default=0)
_by_function: ContextVar[bool] = ContextVar("by_function", default=False)


def current() -> int:
    """Return how many times the event behind what this thread or task does has come round; 0 when no event is behind it."""
    return _current.get()


def enter(trace: str | None) -> None:
    """Begin to answer a request.

    Parameters
    ----------
    trace: its header X-Amzn-Trace-Id
    """
    _current.set(of(trace))
    _by_function.set(trace is not None and not LINEAGE.search(trace) and ROOT.search(trace) is not None)


def counted() -> int:
    """Return the same with the function that makes this call, if one does: for what leads straight back to a function."""
    return current() + _by_function.get()


@contextmanager
def caused_by(hops: int) -> Iterator[None]:
    """Do something because of an event that has come round so many times; calls to this server tell it.

    Parameters
    ----------
    hops: rounds so far, 0 for what nobody caused
    """
    before = _current.set(hops)
    try:
        yield
    finally:
        _current.reset(before)


def note(identifier: str, hops: int | None = None) -> None:
    """Remember how many times what is behind an invocation, or a message, has come round.

    Parameters
    ----------
    identifier: the invocation's request id, or the message's id
    hops: `current` when None
    """
    hops = current() if hops is None else hops
    if not hops:
        return
    with _lock:
        _noted[_short(identifier)] = hops
        if len(_noted) > MOST_KNOWN:
            _noted.popitem(last=False)


def noted(identifier: str) -> int:
    """Return what was remembered of an invocation or a message; 0 for nothing.

    Parameters
    ----------
    identifier: request id of an invocation, or id of a message
    """
    with _lock:
        return _noted.get(_short(identifier), 0)


def _short(identifier: str) -> str:
    return identifier.replace("-", "")[:24]


def header() -> str | None:
    """Return the trace header of a call that is made now; None when no event is behind it."""
    return f"Lineage=00000000:{current()}" if current() else None


def of(trace: str | None) -> int:
    """Return how many times the event behind a call has come round.

    Parameters
    ----------
    trace: the call's header X-Amzn-Trace-Id
    """
    if not trace:
        return 0
    if told := LINEAGE.search(trace):
        return int(told[1])
    found = ROOT.search(trace)
    return noted(found[1]) if found else 0
