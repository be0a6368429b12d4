"""How reads and listings are answered: what is there, what stands in its place, and pages of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from moto.core.utils import rfc_1123_datetime
from moto.s3.models import FakeDeleteMarker

from infra.local.core import answers
from infra.local.core.answers import Answer
from infra.local.core.locks import holding
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.roles import gate
from infra.local.s3 import attributes, conditions, encryption, hot, pages
from infra.local.s3.asked import Asked, by_moto, drop_headers


async def read(asked: Asked, body: bytes) -> Answer | None:
    request, bucket = asked.request, asked.bucket
    if not request.signed and hot.SHOWN_AS.keys() & asked.query.keys():
        raise Refused(400, "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")  # fmt: skip
    stored = hot.find_object(bucket, asked.key, asked.query.get("versionId"))
    if stored is not None:
        encryption.check_read(stored.customer_key, request.headers)
        if conditions.is_unmodified(stored, request.headers):
            return Answer(304, hot.not_modified(stored), b"")
        drop_headers(request, conditions.READS)
        if asked.query.keys() <= hot.READS_BY and not hot.is_moto_s(bucket, request.headers):
            answer = hot.read_object(stored, request.headers, asked.query)
            if answer is not None:
                return await _send(request, answer)
    marker = hot.find_marker(bucket, asked.key, asked.query.get("versionId")) if stored is None else None
    if marker is not None:
        answered = _marked(request, marker, "versionId" in asked.query)
    else:
        answered = await by_moto(request, asked.bucket_name, asked.key, body)
    if answered.status == 404:
        hidden = gate.missing(request, asked.bucket_name)
        if hidden is not None:
            raise hidden
    return answered


def _marked(request: Request, marker: FakeDeleteMarker, is_named: bool) -> Answer:
    """Answer a read that meets a delete marker. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html"""
    told = {"x-amz-delete-marker": "true", "x-amz-version-id": marker.version_id}
    if is_named:
        said = "The specified method is not allowed against this resource."
        status, headers, content = answers.error(request, 405, "MethodNotAllowed", said)
        told |= {"Allow": "DELETE", "Last-Modified": rfc_1123_datetime(marker.last_modified)}
    else:
        status, headers, content = answers.error(request, 404, "NoSuchKey", "The specified key does not exist.")
    return Answer(status, {**headers, **told}, content)


async def _send(request: Request, answer: tuple[int, dict[str, str], Any, int, int]) -> Answer | None:
    status, headers, stored, first, length = answer
    if request.method == "HEAD" or length == 0:
        return Answer(status, headers, b"")
    parts = hot.chunks(stored, first, length)
    data = next(parts)
    if len(data) == length:
        return Answer(status, headers, data)
    await request.start(status, headers)
    await request.send(data, more=True)
    for data in parts:
        await request.send(data, more=True)
    await request.send(b"", more=False)
    return None


async def attributes_of(asked: Asked, body: bytes) -> Answer | None:
    request = asked.request
    work = partial(attributes.answer, asked.bucket, asked.key, asked.query, request.headers)
    return await holding(asked.lock, work) or await by_moto(request, asked.bucket_name, asked.key, body)


def listing(work: Callable[..., bytes]) -> Callable[[Asked, bytes], Awaitable[Answer]]:
    async def answer(asked: Asked, body: bytes) -> Answer:
        listed = await holding(asked.lock, partial(work, asked.bucket, asked.query))
        return Answer(200, {"content-type": "application/xml"}, listed)

    return answer


async def parts(asked: Asked, body: bytes) -> Answer:
    listed = await holding(asked.lock, partial(pages.list_parts, asked.bucket, asked.key, asked.query))
    return Answer(200, {"content-type": "application/xml"}, listed)
