"""The front: an ASGI application that finds out which service and operation a request is for, and who may ask.

A service with a wire of its own (S3, Kinesis) is handed the request and asks `ordinary` for what it leaves to moto. All others go to moto, in
worker threads, and a change is on disk before its answer leaves.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from functools import partial
from typing import Any

from infra.local.core import (
    answers,
    lineage,
    members,
    models,
    moto_call,
    operations,
    origin,
    own_pages,
    rates,
    registry,
    roles,
    scope,
    signature,
    validation,
)
from infra.local.core.answers import JSON_TYPES, Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Receive, Request, Send
from infra.local.core.service import Service

log = logging.getLogger("workshop.front")

_ready: dict[str, Service] = {}  # by the name in the signature
ANYBODY = {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}  # of STS: asked for without a signature


async def application(connection: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer a request of HTTP: the ASGI application that uvicorn runs.

    Parameters
    ----------
    connection: ASGI's scope
    receive: gives the parts of the body
    send: takes the parts of the answer
    """
    if connection["type"] != "http":
        return
    request = Request(connection, receive, send)
    lineage.enter(request.headers.get("x-amzn-trace-id"))
    try:
        answer = await _answer(request)
    except Refused as error:
        answer = answers.error(request, error.status, error.code, str(error))
    except ConnectionAbortedError:
        return  # the client went away in the middle of its upload; nothing was stored
    except OSError as error:
        log.exception("%s %s", request.service, request.operation)
        message = f"The local AWS could not write to its disk: {error.strerror}."
        answer = answers.error(request, 500, "InternalFailure", message)
    except Exception as error:
        log.exception("%s %s %s %s", request.service, request.operation, request.method, request.raw_path)
        message = f"The local AWS failed at this request ({type(error).__name__}); see its log file."
        answer = answers.error(request, 500, "InternalFailure", message)
    if answer is not None:
        await request.respond(*answer)


async def _answer(request: Request) -> Answer | None:
    """Return the answer to a request, None where it was sent already. Raises Refused."""
    origin.check(request)
    hosting = registry.of_path(request.raw_path) or registry.of_host(request.host)
    if hosting:
        service = await _service(hosting)
        if service.hosted is not None:
            await _hosted(service, request)
            return None
    if request.raw_path.startswith("/_workshop/"):
        return await own_pages.answer(request)
    if not request.signed:
        scope.check_unreadable(request)
        return await _unsigned(request)
    scope.check_region(request)
    if members.enforced():
        await signature.check(request)
    service = await _service(request.service)
    if service.wire is not None:
        return await service.wire(request)
    return await ordinary(request, await request.unpacked_body())


async def _hosted(service: Service, request: Request) -> None:
    """Let a service answer a request to a host name or path of its own."""
    assert service.hosted is not None
    if members.enforced() and request.signed and not request.credential.presigned:
        await signature.check(request)
    given = (request.method, request.headers.get("host", ""), request.raw_path, request.query_string, request.headers)
    call = partial(service.hosted, *given, await request.body())
    status, headers, content = await asyncio.get_running_loop().run_in_executor(
        moto_call.waiting, copy_context().run, call
    )
    await request.send_listed(status, headers, b"" if request.method == "HEAD" else content)


async def _unsigned(request: Request) -> Answer | None:
    """Answer who has not signed: it may do in S3 what its owner has opened to everybody, and ask STS for a role with another's token. Raises Refused."""
    if request.target or request.content_type in JSON_TYPES:
        raise Refused(400, "MissingAuthenticationTokenException", "Request is missing Authentication Token")
    if request.is_form or "Action" in request.query:
        body = await request.body()
        action = operations.of_form(request, body)
        if request.method != "POST" or action not in ANYBODY:
            raise Refused(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        request.service, request.operation = "sts", action
        request.account = operations.account_of_role(request, body) or request.account
        return await ordinary(request, body)
    request.service = "s3"
    service = await _service("s3")
    assert service.wire is not None
    return await service.wire(request)


def _prepare(name: str) -> Service:
    service = registry.get(name)
    models.of(service)
    return service


async def _service(name: str) -> Service:
    """Return a service; its package and its model are read in a worker thread. Raises Refused for one that is not there."""
    try:
        service = _ready.get(name)
        if service is None:
            service = _ready[name] = await asyncio.to_thread(_prepare, name)
        return service
    except registry.UnknownService:
        raise Refused(
            501,
            "NotImplemented",
            f"The service '{name}' is not part of the local AWS. Choose a real AWS profile to use it.",
        ) from None


async def ordinary(request: Request, body: bytes) -> Answer:
    """Check a request against AWS's model and its caller's rights, then let moto answer it. Raises Refused.

    Parameters
    ----------
    request: as it came, with its credential and operation
    body: its bytes, read already
    """
    service = await _service(request.service)
    request.operation = operations.find(service, request, body)
    if request.credential.presigned and not (request.method == "GET" and moto_call.is_read(request)):
        raise Refused(403, "AccessDenied", "A URL that is signed in its query may only read.")
    request.parameters = validation.check(service, request, body)
    roles.authorize(request, request.operation, request.parameters)
    rates.check(request)
    return await moto_call.answer(service, request, body)
