"""Who may ask at all: programs of this computer, and no web page of somebody else.

A browser sends forms, images and `fetch(…, {mode: "no-cors"})` to any server without asking it first. What it cannot do for a page: leave out
`Origin` and `Sec-Fetch-Site`, or name another host than the page's (a page whose DNS name was pointed here after it was loaded).

Sources: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""

from __future__ import annotations

import re
from functools import lru_cache

from infra.local.core import registry
from infra.local.core.refused import Refused
from infra.local.core.request import Request

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
ORIGIN = re.compile(r"https?://([^/]+)")
HOST = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\[\]]+)(?::\d+)?")


def check(request: Request) -> None:
    """Check Host, Origin and Sec-Fetch-Site of a request. Raises Refused.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    headers = request.headers
    host = headers.get("host", "")
    if not is_own(host):
        raise Refused(
            403, "AccessDenied", f"The local AWS does not answer for the host {host!r}; it is 127.0.0.1 or localhost."
        )
    origin = headers.get("origin")
    foreign = origin is not None and not _is_own_origin(origin)
    if foreign or (headers.get("sec-fetch-site") == "cross-site" and not _opens_an_object(request)):
        raise Refused(403, "AccessDenied", "The local AWS does not answer web pages of other sites.")


def _opens_an_object(request: Request) -> bool:
    """Tell whether somebody followed a link to a presigned URL: it changes nothing, and the page does not see what it shows."""
    return (
        request.method == "GET"
        and request.service == "s3"
        and request.credential.presigned
        and request.headers.get("sec-fetch-dest") == "document"
    )


@lru_cache(maxsize=256)
def is_own(host: str) -> bool:
    """Tell whether a host, with or without its port, is this computer or a name that a service hands out.

    Parameters
    ----------
    host: as the header has it
    """
    match = HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].lower()
    return name in LOOPBACK or registry.of_host(name) is not None


def _is_own_origin(origin: str) -> bool:
    match = ORIGIN.fullmatch(origin)
    return match is not None and is_own(match[1])
