"""The stream that a request is about, where only its shard iterator or its token says so."""

from __future__ import annotations

import base64
import binascii
from typing import Any


def resources(request: Any) -> list[str] | None:
    """Return the stream's ARN for GetRecords, None for requests that name their stream.

    A broken iterator names no stream: who may read all streams is told that it is broken.
    """
    if request.operation != "GetRecords":
        return None
    try:
        text = base64.b64decode(request.parameters["ShardIterator"], validate=True).decode()
    except (KeyError, TypeError, ValueError, binascii.Error):
        return [request.arn("stream/*")]
    return [request.arn(f"stream/{text.partition('/')[0]}")]
