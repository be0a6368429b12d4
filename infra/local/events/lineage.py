"""From which event a call of a function came: so that a rule that triggers itself through a function is stopped.

Lambda gives each invocation a trace id that begins with its request id; AWS's SDK in the function sends it with each call.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict

MOST_KNOWN = 10_000  # invocations
ROOT = re.compile(r"Root=1-[0-9a-f]{8}-([0-9a-f]{24})")

_lock = threading.Lock()
_hops: OrderedDict[str, int] = OrderedDict()  # start of the request id → how many times its event has come round


def note(request_id: str, hops: int) -> None:
    """Remember which event an invocation of a function was given."""
    with _lock:
        _hops[request_id.replace("-", "")[:24]] = hops
        if len(_hops) > MOST_KNOWN:
            _hops.popitem(last=False)


def of(trace: str | None) -> int:
    """Return how many times the event behind a call has come round; 0 when no event is behind it.

    Parameters
    ----------
    trace: the call's header X-Amzn-Trace-Id
    """
    found = ROOT.search(trace or "")
    with _lock:
        return _hops.get(found[1], 0) if found else 0
