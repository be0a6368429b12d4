"""While the local AWS is used, no name of real AWS is looked up: a program that spells an endpoint out gets an error, and no packet leaves."""

import re
import socket
from collections.abc import Callable
from typing import Any

NAMES = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|api\.aws|on\.aws)\.?$", re.IGNORECASE)
LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


def refuse(applies: Callable[[], bool] = lambda: True) -> None:
    """Let this process's Python find no name of AWS from now on.

    Parameters
    ----------
    applies: asked at each look-up, where a process may change to real AWS
    """
    for name in LOOKUPS:
        setattr(socket, name, _checked(getattr(socket, name), applies))


def _checked(lookup: Callable[..., Any], applies: Callable[[], bool]) -> Callable[..., Any]:
    def checked(host: Any, *rest: Any, **named: Any) -> Any:
        text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
        if NAMES.search(text) and applies():
            reason = (
                f"the local AWS is used, and {text} is real AWS: leave endpoint_url out, or choose a real AWS profile"
            )
            raise socket.gaierror(socket.EAI_NONAME, reason)
        return lookup(host, *rest, **named)

    return checked
