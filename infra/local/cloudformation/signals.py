"""What comes from outside to a stack that waits: answers of custom resources, and signals to wait conditions.

Their URLs are on this server, each with a token that nobody can guess; on AWS they are presigned URLs of S3.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html, using-cfn-waitcondition.html
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from infra.local.cloudformation.backend import BACKENDS
from infra.local.cloudformation.resources.signalled import MOST_BYTES, PATH
from infra.local.cloudformation.stack import Resource, Stack
from infra.local.core import state

PLACE = re.compile(re.escape(PATH) + r"(\d{12})/([a-z0-9-]+)/([0-9a-f]{32})")
Answer = tuple[int, list[tuple[str, str]], bytes]


def hosted(method: str, host: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
    """Take what is put to the URL of a resource that waits; it is stored when the answer leaves."""
    place = PLACE.fullmatch(path)
    if method != "PUT" or place is None:
        return _refused(403, "AccessDenied", "Access Denied")
    account, region, token = place.groups()
    if len(body) > MOST_BYTES:
        body = json.dumps({"Status": "FAILED", "Reason": "Response object is too long."}).encode()
    with state.lock("cloudformation", account):
        if account not in BACKENDS or region not in BACKENDS[account].keys():
            return _refused(403, "AccessDenied", "Access Denied")
        stack, resource = next(_waiting(BACKENDS[account][region].stacks.values(), token), (None, None))
        if stack is None or resource is None:
            return _refused(403, "AccessDenied", "Request has expired")
        before = copy.deepcopy(resource.memory)
        try:
            _note(resource, token, body)
            BACKENDS[account][region].stacks.note(stack.id)
            state.save("cloudformation", account, region)
        except OSError:  # refused, so it must not be seen
            resource.memory.clear()
            resource.memory.update(before)
            raise
    return 200, [("content-length", "0")], b""


def _waiting(stacks: Any, token: str) -> Iterator[tuple[Stack, Resource]]:
    for stack in stacks:
        for resource in (*stack.resources.values(), *stack.cleanup):
            request = resource.memory.get("Request") or {}
            if token in (resource.memory.get("Token"), request.get("Token")):
                yield stack, resource


def _note(resource: Resource, token: str, body: bytes) -> None:
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        given = {"Status": "FAILED", "Reason": "Invalid response object: it is no JSON object."}
    if resource.memory.get("Token") == token:
        unique = str(given.get("UniqueId", ""))
        resource.memory["Signals"] = {**resource.memory.get("Signals", {}), unique: given}
    elif "Answer" not in resource.memory["Request"]:  # the first counts
        resource.memory["Request"]["Answer"] = given


def _refused(status: int, code: str, message: str) -> Answer:
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, [("content-type", "application/xml")], text.encode()
