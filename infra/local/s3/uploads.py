"""Uploads in parts, copies and the puts that moto does: what is checked before, and what object and answer need besides.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html, API_CompleteMultipartUpload.html, API_CopyObject.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple
from xml.etree import ElementTree

from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

from infra.local.core import state
from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.s3 import access, checksums, conditions, encryption, object_lock, sharing
from infra.local.s3.documents import name_of
from infra.local.s3.multiparts import StoredMultipart
from infra.local.s3.objects import PARTITION, StoredKey

OPERATIONS = {"UploadPart", "UploadPartCopy", "ListParts", "CompleteMultipartUpload", "AbortMultipartUpload"}
REDIRECT = "x-amz-website-redirect-location"
COPIED = re.compile(rb"(<Checksum\w+>[^<]*</Checksum\w+>)*</CopyObjectResult>")
UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
INVALID_PART = "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."  # fmt: skip


class Listed(NamedTuple):
    """A part as a completion names it: number, ETag, and its checksums by algorithm."""

    number: int
    etag: str
    checksums: Mapping[str, str]


def check_creation(request: Request) -> None:
    """Check the checksum that an upload asks for, and say which kind it is where the caller did not. Raises Refused."""
    headers = request.headers
    algorithm, kind = headers.get("x-amz-checksum-algorithm"), headers.get("x-amz-checksum-type")
    if algorithm is None:
        if kind is not None:
            raise Refused(400, "InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")  # fmt: skip
        return
    if algorithm.upper() not in checksums.LENGTHS:
        raise checksums.unsupported()
    if kind not in (None, "COMPOSITE", "FULL_OBJECT"):
        raise Refused(400, "InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
    said = {
        "x-amz-checksum-algorithm": algorithm.upper(),
        "x-amz-checksum-type": checksums.kind_of(algorithm.upper(), kind),
    }
    headers.update(said)
    request.original_headers = {
        **{name: value for name, value in request.original_headers.items() if name.lower() not in said},
        **said,
    }


def created(request: Request, account: str, bucket: str, key: str, answer: Answer) -> Answer:
    """Keep the customer's key with the upload, and tell of its encryption."""
    found = UPLOAD_ID.search(answer.body)
    backend = s3_backends[account][PARTITION]
    upload = backend.get_bucket(bucket).multiparts.get(found[1].decode()) if found else None
    if upload is None:
        return answer
    bucket_s = backend.get_bucket(bucket)
    upload.acl = sharing.list_of(bucket_s, request.headers)
    lock = object_lock.of_write(bucket_s, request.headers)
    upload.lock = {name: value for name, value in lock._asdict().items() if value is not None}
    owners = access.owners(bucket_s)
    upload.initiator = owners.owner if owners.owner != owners.bucket else None
    upload.owner = sharing.owner_of(bucket_s, request.headers)
    upload.customer_key = encryption.customer_key(request.headers)
    if upload.customer_key is not None:
        answer.headers.update(upload.customer_key.headers())
    elif upload.sse_encryption in (None, ""):
        answer.headers.setdefault(encryption.SSE, "AES256")
    return answer


def check_is_there(operation: str, bucket: Any, key: str, upload_id: str) -> None:
    """Check that an upload is under way, and for this key; a completion may be repeated while its object is there. Raises Refused."""
    upload = bucket.multiparts.get(upload_id)
    if upload is not None and upload.key_name == key:
        return
    if operation == "CompleteMultipartUpload":
        made = bucket.keys.get(key)
        if isinstance(made, StoredKey) and made.multipart is not None and made.multipart.id == upload_id:
            return
    raise no_such_upload()


def no_such_upload() -> Refused:
    """Return S3's answer for an upload that is not there."""
    return Refused(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")  # fmt: skip


def prepare_completion(account: str, bucket: str, upload_id: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Check and join the parts that a completion lists, before any lock is taken. Raises Refused."""
    with state.lock("s3", account):
        found = s3_backends[account][PARTITION].buckets.get(bucket)
        upload = found.multiparts.get(upload_id) if found is not None else None
        if upload is None:
            return
        check_completion(account, bucket, upload_id, headers)
        if upload.customer_key is not None and (upload.algorithm or encryption.given_key(headers) is not None):
            encryption.check_part(upload.customer_key, headers)
        try:
            listed = _listed(body)
            _check_listed(upload, listed, headers)
            parts = upload.chosen([(each.number, each.etag) for each in listed])
        except (S3ClientError, ElementTree.ParseError, ValueError, TypeError):
            return  # the operation says so
    for part, named in zip(parts, listed, strict=True):
        own = named.checksums.get(part.checksum_algorithm or "")
        if own is not None and own != part.checksum_value:
            raise Refused(400, "InvalidPart", INVALID_PART)
    upload.join(parts)
    try:
        _check_whole(upload, headers)
        _check_each_has_one(upload, listed)
    except Refused:
        upload.joined[1].unlink(missing_ok=True)
        upload.joined = None
        raise


def check_completion(account: str, bucket: str, upload_id: str, headers: Mapping[str, str]) -> None:
    """Check what a completion asks of the object that is there; the caller holds the account's lock. Raises Refused."""
    found = s3_backends[account][PARTITION].buckets.get(bucket)
    upload = found.multiparts.get(upload_id) if found is not None else None
    if upload is not None:  # a repeated one is answered as the first was
        conditions.check_write(found, upload.key_name, headers)


def _check_whole(upload: StoredMultipart, headers: Mapping[str, str]) -> None:
    """Compare the joined object with what the completion says of it."""
    assert upload.joined is not None
    _, path, details = upload.joined
    size = headers.get("x-amz-mp-object-size")
    if size is not None and size != str(path.stat().st_size):
        raise Refused(400, "InvalidRequest", "The provided 'x-amz-mp-object-size' header value does not match what was computed")  # fmt: skip
    for algorithm in checksums.LENGTHS:
        given = headers.get(f"{checksums.HEADER}{algorithm.lower()}")
        if given is None:
            continue
        if details is not None and algorithm == upload.algorithm:
            kind, value, parts = details
            right = given.partition("-")[0] == value and given.partition("-")[2] in ("", str(parts))
        else:
            right = given == checksums.of(path, algorithm)
        if not right:
            raise Refused(400, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


def _check_listed(upload: StoredMultipart, listed: list[Listed], headers: Mapping[str, str]) -> None:
    """Check that the parts are in order, and that the checksum is to be of the kind that was asked for. Raises Refused."""
    if any(later.number <= earlier.number for earlier, later in pairwise(listed)):
        raise Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be specified in order by part number.")  # fmt: skip
    kind = headers.get("x-amz-checksum-type")
    if upload.kind and kind and kind != upload.kind:
        raise Refused(400, "InvalidRequest", f"The upload was created using the {upload.kind} checksum mode. The complete request must use the same checksum mode.")  # fmt: skip


def _check_each_has_one(upload: StoredMultipart, listed: list[Listed]) -> None:
    """Check that each part is listed with its checksum where the whole one is made of them. Raises Refused."""
    if upload.algorithm and upload.kind == "COMPOSITE":
        for each in listed:
            if upload.algorithm not in each.checksums:
                raise Refused(400, "InvalidRequest", f"The upload was created using a {upload.algorithm.lower()} checksum. The complete request must include the checksum for each part. It was missing for part {each.number} in the request.")  # fmt: skip


def _listed(body: bytes) -> list[Listed]:
    parts = [part for part in ElementTree.fromstring(body) if name_of(part) == "Part"]
    listed = []
    for part in parts:
        fields = {name_of(field): field.text or "" for field in part}
        told = {name.removeprefix("Checksum"): value for name, value in fields.items() if name.startswith("Checksum")}
        listed.append(Listed(int(fields.get("PartNumber", "")), fields.get("ETag", ""), told))
    return listed


def completed(request: Request, account: str, bucket: str, key: str, answer: Answer) -> Answer:
    """Tell the checksum and the encryption of what a completion has made."""
    stored = _newest(account, bucket, key)
    if stored is None:
        return answer
    for name in [name for name in answer.headers if name.lower().startswith(encryption.SSE)]:
        del answer.headers[name]
    answer.headers.update(encryption.answered(stored))
    if not stored._is_versioned:
        answer.headers.pop("x-amz-version-id", None)
    if stored.checksum_algorithm and stored.checksum_value:
        name = f"Checksum{stored.checksum_algorithm}"
        told = f"<{name}>{checksums.told(stored)}</{name}><ChecksumType>{stored.checksum_type}</ChecksumType>"
        end = b"</CompleteMultipartUploadResult>"
        return Answer(answer.status, answer.headers, answer.body.replace(end, told.encode() + end))
    return answer


def written(
    request: Request, account: str, bucket: str, key: str, of_copy: tuple[str, str] | None, answer: Answer
) -> Answer:
    """Keep the customer's key and the checksum with what a put or a copy of moto's has made, and tell of them.

    Parameters
    ----------
    of_copy: algorithm and checksum of a copy's bytes, None for a put and for a copy that has none
    """
    stored = _newest(account, bucket, key)
    if stored is None:
        return answer
    kept = encryption.customer_key(request.headers)
    if kept is not None:
        stored.customer_key = kept
    sharing.claim(stored, s3_backends[account][PARTITION].get_bucket(bucket), request.headers)
    redirect = request.headers.get(REDIRECT)
    if request.operation == "CopyObject" and (redirect or REDIRECT in stored.metadata):  # goes with no copy
        carried = {name: value for name, value in stored.metadata.items() if name.lower() != REDIRECT}
        stored.set_metadata({**carried, REDIRECT: redirect} if redirect else carried, replace=True)
    checksum = checksums.given(request.headers) if request.operation == "PutObject" else of_copy
    if checksum is not None:
        stored.checksum_algorithm, stored.checksum_value = checksum
        stored.checksum_type = "FULL_OBJECT"
    if checksum is not None and request.operation == "PutObject":
        answer.headers["x-amz-checksum-type"] = "FULL_OBJECT"
    elif of_copy is not None:
        name = f"Checksum{of_copy[0]}"
        told = f"<{name}>{of_copy[1]}</{name}><ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>"
        answer = answer._replace(body=COPIED.sub(told.encode(), answer.body))
    for name in [name for name in answer.headers if name.lower().startswith(encryption.SSE)]:
        del answer.headers[name]
    answer.headers.update(encryption.answered(stored))
    return answer


def _newest(account: str, bucket: str, key: str) -> StoredKey | None:
    found = s3_backends[account][PARTITION].get_bucket(bucket).keys.get(key)
    return found if isinstance(found, StoredKey) else None
