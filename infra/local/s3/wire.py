"""S3 requests as they come: plain puts, reads, listings and deletes are answered here, all others by moto.

Uploads go to their file as they arrive. A request that is not signed may do what the bucket's policy or an access control list gives to everybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from moto.s3.exceptions import S3ClientError

from infra.local.core import answers, members, roles, state
from infra.local.core.answers import Answer
from infra.local.core.locks import holding
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.s3 import (
    absent,
    access,
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
    reads,
    sharing,
    uploads,
)
from infra.local.s3.asked import Asked, by_moto, drop_headers, in_a_thread, nothing
from infra.local.s3.chunked import ChunkedBody
from infra.local.s3.objects import PARTITION
from infra.local.s3.presigned import check_not_expired


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
    try:
        return await _asked(request, bucket_name, key)
    except conditions.Missed as missed:
        answered = answers.error(request, missed.status, missed.code, str(missed))
        told = f"<Condition>{missed.condition}</Condition><RequestId>".encode()
        return answered._replace(body=answered.body.replace(b"<RequestId>", told))


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
    roles.authorize(request, request.operation, {"Bucket": bucket_name})
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
    if request.operation in absent.OPERATIONS and bucket is not None:
        return await _absent(asked)
    if request.operation == "UploadPartCopy":
        return await _copy_part(request, bucket_name, query)
    if request.method == "PUT" and key and request.operation not in sharing.OPERATIONS:
        return await _put(request, bucket, bucket_name, key, query)
    body = await request.body()
    if request.operation == "DeleteObjects" or request.method == "PUT":
        _check_digest(request, body)
    checks.check_body(request.operation, body, bucket_name)
    if request.operation == "ListBuckets":
        work = partial(pages.list_buckets, request.account, hot.buckets(request.account), query)
        return Answer(200, {"content-type": "application/xml"}, await holding(asked.lock, work))
    answer = _ANSWERS.get(request.operation)
    if answer is not None and bucket is not None:
        return await answer(asked, body)
    return await by_moto(request, bucket_name, key, body)


def _check_digest(request: Request, body: bytes) -> None:
    """Compare a document with what was signed and told of it. Raises Refused."""
    payload = request.headers.get("x-amz-content-sha256", "")
    if payload.startswith("STREAMING-"):
        return
    received = hot.Receiver(request.account, 0, hot.signed_hash(payload))
    received.write(body)
    received.check(request.headers)


async def _absent(asked: Asked) -> Answer:
    operation, body = asked.request.operation, await asked.request.body()
    checks.check_body(operation, body, asked.bucket_name)

    def answer() -> Answer:
        answered = absent.answer(operation, asked.bucket, asked.query.get("id", ""), body)
        if asked.request.method != "GET":
            state.save("s3", asked.request.account, PARTITION)
        return answered

    return await holding(asked.lock, answer)


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
        return await by_moto(asked.request, asked.bucket_name, asked.key, body)

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
    return await by_moto(asked.request, asked.bucket_name, asked.key, body)


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
    return await by_moto(request, asked.bucket_name, asked.key, body, then=then)


async def _complete_upload(asked: Asked, body: bytes) -> Answer:
    request, upload_id = asked.request, asked.query["uploadId"]
    given = (request.account, asked.bucket_name, upload_id)
    await in_a_thread(uploads.prepare_completion, *given, body, request.headers)
    condition = partial(uploads.check_completion, *given, request.headers)
    then = partial(uploads.completed, request, request.account, asked.bucket_name, asked.key)
    return await by_moto(request, asked.bucket_name, asked.key, body, condition, then)


_ANSWERS: dict[str, Callable[[Asked, bytes], Awaitable[Answer | None]]] = {
    "GetObject": reads.read,
    "HeadObject": reads.read,
    "GetObjectAttributes": reads.attributes_of,
    "ListObjects": reads.listing(pages.list_objects),
    "ListObjectsV2": reads.listing(pages.list_objects_v2),
    "DeleteObject": _delete,
    "DeleteObjects": _delete_several,
    "CreateMultipartUpload": _create_upload,
    "CompleteMultipartUpload": _complete_upload,
    "PutBucketLifecycleConfiguration": _put_lifecycle,
    "GetBucketLifecycleConfiguration": _get_lifecycle,
    "GetBucketPolicyStatus": _policy_status,
    "ListMultipartUploads": reads.listing(pages.list_uploads),
    "ListObjectVersions": reads.listing(pages.list_versions),
    "ListParts": reads.parts,
    "PutBucketOwnershipControls": _checked(sharing.check_ownership),
    "PutBucketPolicy": _checked(sharing.check_policy),
    "SelectObjectContent": _select,
    "PutBucketVersioning": _checked(sharing.check_versioning),
    **dict.fromkeys(sharing.OPERATIONS, _lists),
}


async def _copy_part(request: Request, bucket: str, query: Mapping[str, str]) -> Answer:
    await request.body()
    try:
        return await in_a_thread(copying.copy_part, request.account, bucket, query, request.headers)
    except S3ClientError as error:
        raise Refused(404 if error.code.startswith("NoSuch") else 400, error.code, error.message) from None


async def _put(request: Request, bucket: Any, bucket_name: str, key: str, query: Mapping[str, str]) -> Answer:
    headers = request.headers
    is_part = query.keys() == {"uploadId", "partNumber"} and query["partNumber"].isdigit()
    sharing.check_write(request.operation, bucket, headers)
    plain = bucket is not None and (
        is_part or not query and hot.is_plain_put(headers) and not hot.is_moto_s(bucket, headers)
    )  # fmt: skip
    payload = headers.get("x-amz-content-sha256", "")
    chunked = ChunkedBody() if payload.startswith("STREAMING-") else None
    announced = headers.get("x-amz-decoded-content-length" if chunked else "content-length", "-1")
    received = hot.Receiver(request.account, int(announced) if announced.lstrip("-").isdigit() else -1, hot.signed_hash(payload))  # fmt: skip
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
            chunked.check_trailer(headers.get("x-amz-trailer", ""))
            headers.update(
                {name: value for name, value in chunked.trailer.items() if name.startswith("x-amz-checksum-")}
            )
        await _check_received(received, headers)
        if plain:
            put: Callable[..., dict[str, str] | None]
            if is_part:
                put = partial(hot.put_part, request.account, bucket, query["uploadId"], int(query["partNumber"]))
            else:
                put = partial(hot.put_object, request.account, bucket_name, key)
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
    condition: Callable[[], None] = nothing
    if request.operation in ("PutObject", "CopyObject") and bucket is not None:
        locked = object_lock.of_write(bucket, headers)
        if request.operation == "PutObject":
            object_lock.check_digest(locked, headers)
        request.original_headers["Content-MD5"] = received.content_md5()  # moto asks for it of all that will be locked
        of_copy = None
        if request.operation == "CopyObject":
            of_copy = await in_a_thread(copying.prepare_copy, headers)
            drop_headers(request, (checksums.ALGORITHM,))
        condition = partial(conditions.check_write, bucket, key, headers)
        then = partial(uploads.written, request, request.account, bucket_name, key, of_copy)
        return await by_moto(request, bucket_name, key, body, condition, then)
    return await by_moto(request, bucket_name, key, body)


async def _check_received(received: hot.Receiver, headers: Mapping[str, str]) -> None:
    """Compare what arrived with its checksums; large bodies in a thread. Raises Refused."""
    if received.path is None:
        received.check(headers)
    else:
        await in_a_thread(received.check, headers)
