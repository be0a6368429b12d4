"""Lists in pages, as Lambda answers them: MaxItems and Marker in, NextMarker out."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from infra.local.lambda_.errors import invalid


def page(found: list[Any], given: dict[str, Any], member: str, most: int) -> dict[str, Any]:
    """Return one page of a list under its member's name. Raises LambdaError for a marker that is not ours."""
    start = 0
    if given.get("Marker"):
        try:
            start = int(base64.b64decode(given["Marker"], validate=True))
        except (binascii.Error, ValueError):
            raise invalid("Invalid value for Marker") from None
    end = start + min(given.get("MaxItems", most), most)
    answer: dict[str, Any] = {member: found[start:end]}
    if end < len(found):
        answer["NextMarker"] = base64.b64encode(str(end).encode()).decode()
    return answer
