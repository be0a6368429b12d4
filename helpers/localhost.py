"""Host names below `localhost` are this computer, as browsers and curl know; Python asks the system, and not every system does.

Source: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
"""

from __future__ import annotations

import socket
from typing import Any

_ask = socket.getaddrinfo


def resolve_names() -> None:
    """Let this process resolve names such as `….lambda-url.us-east-1.localhost`, the host names of the local AWS's function URLs."""
    socket.getaddrinfo = _resolved


def _resolved(host: Any, *others: Any, **named: Any) -> Any:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str) and name.lower().rstrip(".").endswith(".localhost"):
        host = "127.0.0.1"
    return _ask(host, *others, **named)
