"""What a request asks of S3, and how moto answers it where nobody else does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, NamedTuple, TypeVar
from xml.parsers.expat import ExpatError

from infra.local.core import moto_call, registry, state
from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.s3 import hot, sharing
from infra.local.s3.buckets import changed

T = TypeVar("T")
NO_CONTENT = {"DeletePublicAccessBlock", "DeleteBucketOwnershipControls", "PutBucketPolicy", "PutBucketTagging"}
_copiers = ThreadPoolExecutor(8, "copying")
log = logging.getLogger("workshop.s3")


class Asked(NamedTuple):
    """What a request asks for: its bucket (None where there is none), the key and the query."""

    request: Request
    bucket: Any
    bucket_name: str
    key: str
    query: dict[str, str]

    @property
    def lock(self) -> Any:
        return state.lock("s3", self.request.account)


def drop_headers(request: Request, names: Collection[str]) -> None:
    """Take headers from a request that have been heeded."""
    if any(name in request.headers for name in names):
        for headers in (request.headers, request.original_headers):
            for name in [name for name in headers if name.lower() in names]:
                del headers[name]


async def in_a_thread(work: Callable[..., T], *given: Any) -> T:
    """Do what goes through an object's bytes in a thread of its own kind, so that it takes none from those who answer."""
    return await asyncio.get_running_loop().run_in_executor(_copiers, copy_context().run, work, *given)


def nothing() -> None:
    pass


async def by_moto(
    request: Request,
    bucket: str,
    key: str,
    body: bytes,
    condition: Callable[[], None] = nothing,
    then: Callable[[Answer], Answer] | None = None,
) -> Answer:
    """Let moto answer.

    Parameters
    ----------
    condition: decides under the lock whether it may; raises Refused
    then: adds what moto leaves out, under the same lock and before anything is saved
    """
    if request.operation == "CreateBucket":
        sharing.check_creation(request.account, bucket, request.headers)
        then = partial(sharing.created, request, bucket)

    def first() -> None:
        condition()
        if key and request.method in ("PUT", "POST"):
            changed(request.account, bucket, key)

    try:
        answered = await moto_call.answer(registry.get("s3"), request, body, first, then or _same)
    except (ExpatError, KeyError):
        log.info("malformed S3 request", exc_info=True)
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise Refused(400, "MalformedXML", message) from None
    status, headers, content = answered
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    if request.operation in ("GetObject", "HeadObject"):
        kept.update(hot.metadata_told(kept))
    if request.method == "HEAD":
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), "0")
        return Answer(status, {**kept, "content-length": length}, b"")
    if status == 200 and request.operation in NO_CONTENT:
        status = 204
    return Answer(status, kept, content)


def _same(answered: Answer) -> Answer:
    return answered
