"""Places for Flink kernels of a class. They run beside the learners' notebook servers, not here; this server counts them, because all ask it.

A kernel's place is freed by its notebook server, or when that server's process is gone. Who waits and does not ask again for two minutes has left.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import psutil

from infra.local.core import limits
from infra.local.core.places import Places
from infra.local.core.refused import Refused

PATIENCE_SECONDS = 120.0
_places = Places(lambda: limits.flink_kernels or 0, lambda: 1)
_asked: dict[str, tuple[int, float]] = {}  # account → process of its notebook server, when it has asked last
_lock = threading.Lock()


def ask(account: str, told: Any) -> dict[str, int]:
    """Return {"place": 0} where an account has a place for a Flink kernel now, else its place in the queue. Raises Refused.

    Parameters
    ----------
    told: `{"pid": …}`, the process of the notebook server
    """
    pid = told.get("pid") if isinstance(told, dict) else None
    if not isinstance(pid, int) or pid < 2 or not psutil.pid_exists(pid):
        raise Refused(400, "ValidationException", "pid must be the process of a notebook server on this machine.")
    if limits.flink_kernels is None:
        return {"place": 0}
    with _lock:
        _sweep()
        _asked[account] = (pid, time.monotonic())
        _places.enter(account, account)
    return {"place": _places.place(account)}


def leave(account: str) -> None:
    """Free the place of an account.

    Parameters
    ----------
    account: its twelve digits
    """
    with _lock:
        _asked.pop(account, None)
        _places.leave(account)


def _sweep() -> None:
    """Free the places of notebook servers that are gone, and of whoever waits no more."""
    for account, (pid, asked) in list(_asked.items()):
        waits = _places.place(account) > 0
        if not psutil.pid_exists(pid) or waits and time.monotonic() - asked > PATIENCE_SECONDS:
            del _asked[account]
            _places.leave(account)
