"""S3 requests as they come: plain puts, reads, listings and deletes are answered here, all others by moto.

Uploads go to their file as they arrive. A request that is not signed may read what everybody may read, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote
from xml.parsers.expat import ExpatError

from moto.s3.exceptions import S3ClientError

from infra.local.core import members, moto_call, registry, roles, state
from infra.local.core.answers import Answer
from infra.local.core.locks import holding
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.roles import gate
from infra.local.s3 import (
    attributes,
    checks,
    conditions,
    copying,
    deletion,
    encryption,
    hot,
    kms_keys,
    operations,
    uploads,
)
from infra.local.s3.access import check_anonymous, check_form, check_not_expired, credential_of_form, owner_of
from infra.local.s3.chunked import ChunkedBody
from infra.local.s3.objects import changed

T = TypeVar("T")
READS_BY = {"partNumber", "versionId"}
_copiers = ThreadPoolExecutor(8, "copying")
log = logging.getLogger("workshop.s3")


async def wire(request: Request) -> Answer | None:
    """Answer a request to S3; None where the answer was sent already. Raises Refused."""
    virtual = operations.bucket_of_host(request.host)
    if virtual:
        request.raw_path = f"/{virtual}{request.raw_path}"
    bucket_name, _, key = unquote(request.raw_path).lstrip("/").partition("/")
    query = operations.asked(request.query)
    form: bytes | None = None
    if not request.signed and request.method == "POST" and request.content_type == "multipart/form-data":
        form = await request.body()
        request.use(credential_of_form(form))
        if request.signed and members.enforced():
            check_form(request, form)
    if not request.signed:
        request.account = owner_of(bucket_name) or request.account
    if request.credential.presigned:
        check_not_expired(request.query)
    request.operation = operations.find(request.method, bucket_name, key, query, request.headers)
    checks.check(request.operation, key, query, request.headers)
    request.parameters = {"Bucket": bucket_name, "Key": key, **operations.parameters(request, query)}
    if not request.signed:
        check_anonymous(request, bucket_name, key)
    roles.authorize(request, request.operation, request.parameters)
    encryption.check(request.operation, request.headers)
    bucket = hot.find_bucket(request.account, bucket_name) if bucket_name else None
    kms_keys.check(request.operation, request.account, bucket, key, query, request.headers)
    if request.operation == "UploadPartCopy":
        return await _copy_part(request, bucket_name, query)
    if request.method == "PUT" and key:
        return await _put(request, bucket, bucket_name, key, query)
    body = await request.body() if form is None else form
    checks.check_body(request.operation, body, bucket_name)
    lock = state.lock("s3", request.account)
    if bucket is not None and request.signed:
        if request.operation in ("GetObject", "HeadObject") and query.keys() <= READS_BY and not bucket.cors:
            stored = hot.find_object(bucket, key, query.get("versionId"))
            if stored is not None:
                encryption.check_read(stored.customer_key, request.headers)
                part = query.get("partNumber")
                answer = hot.read_object(stored, request.headers, int(part) if part else None)
                if answer is not None:
                    return await _send(request, answer)
        elif request.operation == "GetObjectAttributes":
            found = await holding(lock, partial(attributes.answer, bucket, key, query, request.headers))
            if found is not None:
                return found
        elif request.operation == "ListObjectsV2":
            listing = await holding(lock, partial(hot.list_objects_v2, bucket, query))
            if listing is not None:
                return Answer(200, {"content-type": "application/xml"}, listing)
        elif request.operation == "DeleteObject" and not query:
            if await holding(lock, partial(hot.delete_object, request.account, bucket, key, request.headers)):
                return Answer(204, {}, b"")
    if bucket is not None and request.operation in ("GetObject", "HeadObject", "GetObjectAttributes"):
        seen = hot.find_object(bucket, key, query.get("versionId"))
        if seen is not None:
            encryption.check_read(seen.customer_key, request.headers)
    if bucket is not None and request.operation == "DeleteObject":
        conditions.check_delete(bucket, key, query.get("versionId"), request.headers)
    if request.operation == "CreateMultipartUpload":
        uploads.check_creation(request)
        return await _completed_by(request, uploads.created, bucket_name, key, body)
    if request.operation == "CompleteMultipartUpload":
        await _copying(
            uploads.prepare_completion, request.account, bucket_name, query["uploadId"], body, request.headers
        )
        return await _completed_by(request, uploads.completed, bucket_name, key, body)
    if request.operation == "DeleteObjects" and (refused := gate.refused_keys(request, bucket_name, body)):
        return await _delete_allowed(request, bucket_name, body, refused)
    answer = await _cold(request, bucket_name, key, body)
    if answer.status == 404 and bucket is not None and request.operation in ("GetObject", "HeadObject"):
        hidden = gate.missing(request, bucket_name)
        if hidden is not None:
            raise hidden
    return answer


async def _completed_by(
    request: Request, complete: Callable[..., Answer], bucket: str, key: str, body: bytes
) -> Answer:
    """Let moto answer, and add to object or upload, and to the answer, what it leaves out."""
    answer = await _cold(request, bucket, key, body)
    if answer.status != 200:
        return answer
    lock = state.lock("s3", request.account)
    return await holding(lock, partial(complete, request, request.account, bucket, key, answer))


async def _delete_allowed(request: Request, bucket: str, body: bytes, refused: list[tuple[str, str]]) -> Answer:
    """Delete what the caller may delete, and tell of the others one by one."""
    answer = await _cold(request, bucket, "", deletion.without(body, refused))
    if answer.status != 200:
        return answer
    return Answer(200, answer.headers, deletion.with_errors(answer.body, refused))


async def _copy_part(request: Request, bucket: str, query: Mapping[str, str]) -> Answer:
    await request.body()
    try:
        return await _copying(copying.copy_part, request.account, bucket, query, request.headers)
    except S3ClientError as error:
        raise Refused(404 if error.code.startswith("NoSuch") else 400, error.code, error.message) from None


async def _put(request: Request, bucket: Any, bucket_name: str, key: str, query: Mapping[str, str]) -> Answer:
    headers = request.headers
    is_part = query.keys() == {"uploadId", "partNumber"} and query["partNumber"].isdigit()
    plain = bucket is not None and request.signed and (
        is_part or not query and hot.is_plain_put(headers) and not hot.is_moto_s(bucket, headers)
    )  # fmt: skip
    chunked = ChunkedBody() if headers.get("x-amz-content-sha256", "").startswith("STREAMING-") else None
    announced = headers.get("x-amz-decoded-content-length" if chunked else "content-length", "-1")
    received = hot.Receiver(request.account, int(announced) if announced.lstrip("-").isdigit() else -1)
    stored = False
    lock = state.lock("s3", request.account)
    try:
        async for data in request.stream():
            received.write(chunked.feed(data) if chunked else data)
        if chunked and not chunked.done or announced.isdigit() and received.size != int(announced):
            raise Refused(
                400,
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header.",
            )
        if chunked:
            headers.update(
                {name: value for name, value in chunked.trailer.items() if name.startswith("x-amz-checksum-")}
            )
        if plain:
            if is_part:
                put = partial(hot.put_part, request.account, bucket, query["uploadId"], int(query["partNumber"]))
            else:
                put = partial(hot.put_object, request.account, bucket_name, key)
            await _check_received(received, headers)
            answer = await holding(lock, partial(put, received, headers))
            if answer is not None:
                stored = True
                return Answer(200, answer, b"")
        value = received.value()
        body = value if isinstance(value, bytes) else value.read_bytes()
    finally:
        if not stored:
            received.discard()
    if chunked:
        request.original_headers = {
            name: value
            for name, value in request.original_headers.items()
            if name.lower() not in ("x-amz-content-sha256", "content-length")
        }
        request.original_headers.update({**chunked.trailer, "content-length": str(len(body))})
    checks.check_body(request.operation, body, bucket_name)
    if request.operation == "PutObject" and bucket is not None:
        await _check_received(received, headers)
        conditions.check_write(bucket, key, headers)
    if request.operation in ("PutObject", "CopyObject"):
        return await _completed_by(request, uploads.written, bucket_name, key, body)
    return await _cold(request, bucket_name, key, body)


async def _check_received(received: hot.Receiver, headers: Mapping[str, str]) -> None:
    """Compare what arrived with its checksums; large bodies in a thread. Raises Refused."""
    if received.path is None:
        received.check(headers)
    else:
        await _copying(received.check, headers)


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


async def _copying(work: Callable[..., T], *given: Any) -> T:
    """Do what goes through an object's bytes in a thread of its own kind, so that it takes none from those who answer."""
    return await asyncio.get_running_loop().run_in_executor(_copiers, copy_context().run, work, *given)


def _nothing() -> None:
    pass


async def _cold(request: Request, bucket: str, key: str, body: bytes) -> Answer:
    if request.operation == "CopyObject":
        await _copying(copying.prepare_copy, request.account, request.headers)
    noted = partial(changed, request.account, bucket, key) if key and request.method in ("PUT", "POST") else _nothing
    try:
        status, headers, content = await moto_call.answer(registry.get("s3"), request, body, noted)
    except (ExpatError, KeyError):
        log.info("malformed S3 request", exc_info=True)
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise Refused(400, "MalformedXML", message) from None
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    if request.method == "HEAD":
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), "0")
        return Answer(status, {**kept, "content-length": length}, b"")
    return Answer(status, kept, content)
