"""Where every request passes: may its caller do this?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.local.core.request import Request


def authorize(request: Request, operation: str, parameters: dict[str, Any]) -> None:
    """Check that the caller of a request may do an operation with these parameters; raises Refused where it may not.

    Called for every signed and every anonymous request before its service sees it: by the front, and by the wires of S3 and Kinesis.
    The front itself refuses what is not signed; an anonymous request to S3 arrives here with `request.signed` False.
    """
