"""S3 requests as they come: plain puts, reads, listings and deletes are answered here, all others by moto.

Uploads go to their file as they arrive. A request that is not signed may do what the bucket's policy or an access control list gives to everybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, NamedTuple, TypeVar
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
    access,
    attributes,
    checks,
    checksums,
    conditions,
    copying,
    deletion,
    encryption,
    forms,
    hot,
    kms_keys,
    lifecycle,
    object_lock,
    operations,
    pages,
    sharing,
    uploads,
)
from infra.local.s3.buckets import changed
from infra.local.s3.chunked import ChunkedBody
from infra.local.s3.objects import PARTITION
from infra.local.s3.presigned import check_not_expired

T = TypeVar("T")
NO_CONTENT = {"DeletePublicAccessBlock", "DeleteBucketOwnershipControls"}
_copiers = ThreadPoolExecutor(8, "copying")
log = logging.getLogger("workshop.s3")


async def wire(request: Request) -> Answer | None:
    """Answer a request to S3; None where the answer was sent already. Raises Refused."""
    virtual = operations.bucket_of_host(request.host)
    if virtual:
        request.raw_path = f"/{virtual}{request.raw_path}"
    bucket_name, _, key = unquote(request.raw_path).lstrip("/").partition("/")
    if request.method == "POST" and request.content_type == "multipart/form-data" and not key:
        return await _form(request, bucket_name)
    if request.credential.presigned:
        check_not_expired(request.query)
    return await _asked(request, bucket_name, key)


async def _form(request: Request, bucket_name: str) -> Answer | None:
    """Answer an upload by an HTML form: the put that it stands for. Raises Refused."""
    form = forms.read(request.headers.get("content-type", ""), await request.body())
    if not request.signed:
        request.use(forms.credential(form))
        request.service = "s3"
        if request.signed and members.enforced():
            forms.check_signature(request, form)
    key = forms.as_put(request, form, bucket_name)
    answer = await _asked(request, bucket_name, key)
    return forms.answered(form, bucket_name, key, request.headers.get("host", ""), answer) if answer else None


async def _asked(request: Request, bucket_name: str, key: str) -> Answer | None:
    operations.without_framing(request)
    query = operations.asked(request.query)
    request.operation = operations.find(request.method, bucket_name, key, query, request.headers)
    checks.check(request.operation, key, query, request.headers)
    request.parameters = {"Bucket": bucket_name, "Key": key, **operations.parameters(request, query)}
    roles.authorize(request, request.operation, request.parameters)
    access.admit(request, bucket_name, key)
    if request.method == "OPTIONS":
        checks.check_preflight(request.headers, access.bucket_of(bucket_name))
    checks.check_owner(request.headers, bucket_name)
    encryption.check(request.operation, request.headers)
    bucket = hot.find_bucket(request.account, bucket_name) if bucket_name else None
    kms_keys.check(request.operation, request.account, bucket, key, query, request.headers)
    if request.operation in uploads.OPERATIONS and bucket is not None:
        uploads.check_is_there(request.operation, bucket, key, query["uploadId"])
    asked = Asked(request, bucket, bucket_name, key, query)
    if request.operation == "UploadPartCopy":
        return await _copy_part(request, bucket_name, query)
    if request.method == "PUT" and key and request.operation not in sharing.OPERATIONS:
        return await _put(request, bucket, bucket_name, key, query)
    body = await request.body()
    checks.check_body(request.operation, body, bucket_name)
    if request.operation == "ListBuckets":
        work = partial(pages.list_buckets, request.account, hot.buckets(request.account), query)
        return Answer(200, {"content-type": "application/xml"}, await holding(asked.lock, work))
    answer = _ANSWERS.get(request.operation)
    if answer is not None and bucket is not None:
        return await answer(asked, body)
    return await _cold(request, bucket_name, key, body)


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


async def _read(asked: Asked, body: bytes) -> Answer | None:
    request, bucket = asked.request, asked.bucket
    if not request.signed and hot.SHOWN_AS.keys() & asked.query.keys():
        raise Refused(400, "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")  # fmt: skip
    stored = hot.find_object(bucket, asked.key, asked.query.get("versionId"))
    if stored is not None:
        encryption.check_read(stored.customer_key, request.headers)
        if conditions.is_unmodified(stored, request.headers):
            return Answer(304, hot.not_modified(stored), b"")
        _drop_headers(request, conditions.READS)
        if asked.query.keys() <= hot.READS_BY and not hot.is_moto_s(bucket, request.headers):
            answer = hot.read_object(stored, request.headers, asked.query)
            if answer is not None:
                return await _send(request, answer)
    answered = await _cold(request, asked.bucket_name, asked.key, body)
    if answered.status == 404:
        hidden = gate.missing(request, asked.bucket_name)
        if hidden is not None:
            raise hidden
    return answered


def _drop_headers(request: Request, names: Collection[str]) -> None:
    """Take headers from a request that have been heeded."""
    if any(name in request.headers for name in names):
        for headers in (request.headers, request.original_headers):
            for name in [name for name in headers if name.lower() in names]:
                del headers[name]


async def _attributes(asked: Asked, body: bytes) -> Answer | None:
    request = asked.request
    work = partial(attributes.answer, asked.bucket, asked.key, asked.query, request.headers)
    return await holding(asked.lock, work) or await _cold(request, asked.bucket_name, asked.key, body)


def _listing(work: Callable[..., bytes]) -> Callable[[Asked, bytes], Awaitable[Answer]]:
    async def answer(asked: Asked, body: bytes) -> Answer:
        listed = await holding(asked.lock, partial(work, asked.bucket, asked.query))
        return Answer(200, {"content-type": "application/xml"}, listed)

    return answer


async def _parts(asked: Asked, body: bytes) -> Answer:
    listed = await holding(asked.lock, partial(pages.list_parts, asked.bucket, asked.key, asked.query))
    return Answer(200, {"content-type": "application/xml"}, listed)


async def _delete(asked: Asked, body: bytes) -> Answer:
    work = partial(deletion.answer, asked.request, asked.bucket, asked.key, asked.query.get("versionId"))
    return await holding(asked.lock, work)


async def _delete_several(asked: Asked, body: bytes) -> Answer:
    refused = access.refused_keys(asked.request, asked.bucket_name, body)
    return await holding(asked.lock, partial(deletion.answer_several, asked.request, asked.bucket, body, refused))


async def _lists(asked: Asked, body: bytes) -> Answer:
    work = partial(sharing.answer, asked.request, asked.bucket_name, asked.key, asked.query, body)
    return await holding(asked.lock, work)


def _checked(check: Callable[[Any, bytes], None]) -> Callable[[Asked, bytes], Awaitable[Answer]]:
    """Return what lets moto answer where a check of bucket and body says nothing."""

    async def answer(asked: Asked, body: bytes) -> Answer:
        check(asked.bucket, body)
        return await _cold(asked.request, asked.bucket_name, asked.key, body)

    return answer


async def _put_lifecycle(asked: Asked, body: bytes) -> Answer:
    document = lifecycle.with_names(body)

    def put() -> Answer:
        asked.bucket.lifecycle = document
        state.save("s3", asked.request.account, PARTITION)
        return Answer(200, {}, b"")

    return await holding(asked.lock, put)


async def _get_lifecycle(asked: Asked, body: bytes) -> Answer:
    if asked.bucket.lifecycle:
        return Answer(200, {"content-type": "application/xml"}, asked.bucket.lifecycle)
    return await _cold(asked.request, asked.bucket_name, asked.key, body)


async def _select(asked: Asked, body: bytes) -> Answer:
    """Refuse S3 Select as AWS does for who has not used it before July 2024; Athena reads the same objects."""
    raise Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


async def _policy_status(asked: Asked, body: bytes) -> Answer:
    return sharing.policy_status(asked.bucket)


async def _create_upload(asked: Asked, body: bytes) -> Answer:
    request = asked.request
    uploads.check_creation(request)
    object_lock.of_write(asked.bucket, request.headers)
    sharing.check_write(request.operation, asked.bucket, request.headers)
    then = partial(uploads.created, request, request.account, asked.bucket_name, asked.key)
    return await _cold(request, asked.bucket_name, asked.key, body, then=then)


async def _complete_upload(asked: Asked, body: bytes) -> Answer:
    request, upload_id = asked.request, asked.query["uploadId"]
    given = (request.account, asked.bucket_name, upload_id)
    await _copying(uploads.prepare_completion, *given, body, request.headers)
    condition = partial(uploads.check_completion, *given, request.headers)
    then = partial(uploads.completed, request, request.account, asked.bucket_name, asked.key)
    return await _cold(request, asked.bucket_name, asked.key, body, condition, then)


_ANSWERS: dict[str, Callable[[Asked, bytes], Awaitable[Answer | None]]] = {
    "GetObject": _read,
    "HeadObject": _read,
    "GetObjectAttributes": _attributes,
    "ListObjects": _listing(pages.list_objects),
    "ListObjectsV2": _listing(pages.list_objects_v2),
    "DeleteObject": _delete,
    "DeleteObjects": _delete_several,
    "CreateMultipartUpload": _create_upload,
    "CompleteMultipartUpload": _complete_upload,
    "PutBucketLifecycleConfiguration": _put_lifecycle,
    "GetBucketLifecycleConfiguration": _get_lifecycle,
    "GetBucketPolicyStatus": _policy_status,
    "ListMultipartUploads": _listing(pages.list_uploads),
    "ListObjectVersions": _listing(pages.list_versions),
    "ListParts": _parts,
    "PutBucketOwnershipControls": _checked(sharing.check_ownership),
    "PutBucketPolicy": _checked(sharing.check_policy),
    "SelectObjectContent": _select,
    "PutBucketVersioning": _checked(sharing.check_versioning),
    **dict.fromkeys(sharing.OPERATIONS, _lists),
}


async def _copy_part(request: Request, bucket: str, query: Mapping[str, str]) -> Answer:
    await request.body()
    try:
        return await _copying(copying.copy_part, request.account, bucket, query, request.headers)
    except S3ClientError as error:
        raise Refused(404 if error.code.startswith("NoSuch") else 400, error.code, error.message) from None


async def _put(request: Request, bucket: Any, bucket_name: str, key: str, query: Mapping[str, str]) -> Answer:
    headers = request.headers
    is_part = query.keys() == {"uploadId", "partNumber"} and query["partNumber"].isdigit()
    sharing.check_write(request.operation, bucket, headers)
    plain = bucket is not None and (
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
            put: Callable[..., dict[str, str] | None]
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
    condition: Callable[[], None] = _nothing
    if request.operation in ("PutObject", "CopyObject") and bucket is not None:
        lock = object_lock.of_write(bucket, headers)
        if request.operation == "PutObject":
            object_lock.check_digest(lock, headers)
        await _check_received(received, headers)
        request.original_headers["Content-MD5"] = received.content_md5()  # moto asks for it of all that will be locked
        of_copy = None
        if request.operation == "CopyObject":
            of_copy = await _copying(copying.prepare_copy, headers)
            _drop_headers(request, (checksums.ALGORITHM,))
        condition = partial(conditions.check_write, bucket, key, headers)
        then = partial(uploads.written, request, request.account, bucket_name, key, of_copy)
        return await _cold(request, bucket_name, key, body, condition, then)
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


async def _cold(
    request: Request,
    bucket: str,
    key: str,
    body: bytes,
    condition: Callable[[], None] = _nothing,
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
