"""All items of a list operation, however many pages it answers in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def pages(client: Any, operation: str, key: str, **given: Any) -> Iterator[Any]:
    """Yield the items under `key` of all pages of a list operation of boto3.

    Parameters
    ----------
    client: of boto3
    operation: its method, as `list_jobs`
    key: the member of an answer that holds the items
    given: the operation's parameters
    """
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**given):
            yield from page.get(key, [])
        return
    token: dict[str, Any] = {}
    while True:
        answer = getattr(client, operation)(**given, **token)
        yield from answer.get(key, [])
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
