"""S3's hot operations: puts, reads, deletes and listings on moto's state, without moto's dispatch."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from moto.core.utils import rfc_1123_datetime
from moto.s3.models import FakeDeleteMarker, s3_backends
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

from infra.local.core import state
from infra.local.core.refused import Refused
from infra.local.s3 import checksums, conditions, encryption, sharing
from infra.local.s3.buckets import StoredBucket, flush, is_tagged, store_put
from infra.local.s3.objects import COPY_BYTES, DEFAULT_METADATA, PARTITION, StoredKey, new_file

log = logging.getLogger("workshop.s3")

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_ONE_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)", re.ASCII)
_PLAIN_PUT_HEADERS = (
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-amz-user-agent",
    "x-amz-te",
)
_KEPT_HEADERS = (
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
)
SHOWN_AS = {  # what a signed read may ask to be told instead
    "response-content-type": "Content-Type",
    "response-content-language": "Content-Language",
    "response-expires": "Expires",
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
}
READS_BY = {"partNumber", "versionId", *SHOWN_AS}


def buckets(account: str) -> Mapping[str, StoredBucket]:
    """Return an account's buckets by name."""
    return s3_backends[account][PARTITION].buckets


def find_bucket(account: str, name: str) -> StoredBucket | None:
    """Return a bucket of this account for the hot path; None where moto must decide (missing, foreign)."""
    bucket = s3_backends[account][PARTITION].buckets.get(name)
    return bucket


def is_moto_s(bucket: StoredBucket, headers: Mapping[str, str]) -> bool:
    """Tell whether a put or read has a browser's origin to be answered, or a retention by default to be set."""
    return bool(bucket.cors and "origin" in headers) or bucket.object_lock_enabled


def is_plain_put(headers: dict[str, str]) -> bool:
    """Tell whether a PUT asks for nothing but bytes, content headers, user metadata and a checksum."""
    for name in headers:
        if (
            name.startswith("x-amz-")
            and name not in _PLAIN_PUT_HEADERS
            and not name.startswith(("x-amz-meta-", "x-amz-checksum-", encryption.SSE))
        ):
            return False
    return True


def signed_hash(payload: str) -> str | None:
    """Return the SHA-256 that a header x-amz-content-sha256 tells of a body, in hexadecimal digits, None where it tells none. Raises Refused.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    if not payload or payload == "UNSIGNED-PAYLOAD" or payload.startswith("STREAMING-"):
        return None
    if not _SHA256.fullmatch(payload):
        raise Refused(400, "InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.")  # fmt: skip
    return payload.lower()


class Receiver:
    """Takes an object's bytes as they arrive: small ones stay in memory, larger ones go to the file that will be the object.

    `size_hint` is the announced length in bytes, -1 if unknown; `signed` the SHA-256 that was signed, None where none was.
    """

    IN_MEMORY = 1 << 20

    def __init__(self, account: str, size_hint: int, signed: str | None = None):
        self._signed, self._sha256 = signed, hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.crc32 = 0
        self.size = 0
        self._parts: list[bytes] = []
        self.path: Path | None = None
        self._file: Any = None
        if size_hint < 0 or size_hint > self.IN_MEMORY:
            self.path = new_file(account)
            self._file = open(self.path, "wb")

    def write(self, data: bytes) -> None:
        self.md5.update(data)
        if self._signed is not None:
            self._sha256.update(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        self.size += len(data)
        if self._file is not None:
            self._file.write(data)
        else:
            self._parts.append(data)

    def value(self) -> bytes | Path:
        if self._file is not None and self.path is not None:
            self._file.close()
            return self.path
        return b"".join(self._parts)

    def discard(self) -> None:
        if self._file is not None and self.path is not None:
            self._file.close()
            self.path.unlink(missing_ok=True)

    def check(self, headers: Mapping[str, str]) -> None:
        """Compare with what was signed, Content-MD5 and the checksum headers. Raises Refused."""
        if self._signed not in (None, self._sha256.hexdigest()):
            raise Refused(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")  # fmt: skip
        announced = headers.get("content-md5")
        if announced is not None:
            try:
                valid = len(base64.b64decode(announced, validate=True)) == 16
            except ValueError:
                valid = False
            if not valid:
                raise Refused(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
            if self.content_md5() != announced:
                raise Refused(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        told = checksums.given(headers)
        if told is not None and self.checksum(told[0]) != told[1]:
            raise Refused(400, "BadDigest", f"The {told[0]} you specified did not match the calculated checksum.")

    def content_md5(self) -> str:
        """Return the MD5 of what arrived, as a header tells it."""
        return base64.b64encode(self.md5.digest()).decode()

    def checksum(self, algorithm: str) -> str:
        """Return the checksum of what arrived, in base64."""
        if algorithm == "CRC32":
            return base64.b64encode(self.crc32.to_bytes(4, "big")).decode()
        return checksums.of(self.value(), algorithm)


def _encryption(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return what a put says about encryption, as moto's backend takes it."""
    return {
        "encryption": headers.get(encryption.SSE),
        "kms_key_id": headers.get(encryption.KMS_KEY),
        "bucket_key_enabled": headers.get(f"{encryption.SSE}-bucket-key-enabled"),
    }


def put_object(account: str, bucket: str, key: str, received: Receiver, headers: dict[str, str]) -> dict[str, str]:
    """Store a received and checked object and return the answer's headers."""
    with state.lock("s3", account):
        backend = s3_backends[account][PARTITION]
        conditions.check_write(backend.get_bucket(bucket), key, headers)
        was_tagged = is_tagged(account, bucket, key)
        asked = encryption.is_asked(headers)
        customer = encryption.customer_key(headers) if asked else None
        settings = _encryption(headers) if asked else {}
        stored = backend.put_object(bucket, key, received.value(), etag=received.md5.hexdigest(), **settings)
        if customer is not None:
            stored.customer_key = customer
        sharing.claim(stored, backend.get_bucket(bucket), headers)
        kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
        kept.update((name, value) for name, value in headers.items() if name.startswith("x-amz-meta-"))
        if kept:
            stored.set_metadata(
                {"Content-Encoding" if name == "content-encoding" else name: value for name, value in kept.items()}
            )
        checksum = checksums.given(headers)
        answer = {"ETag": stored.etag, **encryption.answered(stored)}
        if checksum:
            stored.checksum_algorithm, stored.checksum_value = checksum
            stored.checksum_type = "FULL_OBJECT"
            answer[f"x-amz-checksum-{checksum[0].lower()}"] = checksum[1]
            answer["x-amz-checksum-type"] = "FULL_OBJECT"
        if stored._is_versioned:
            answer["x-amz-version-id"] = stored.version_id
        store_put(account, was_tagged)
    return answer


def put_part(
    account: str, bucket: StoredBucket, upload_id: str, number: int, received: Receiver, headers: dict[str, str]
) -> dict[str, str] | None:
    """Store one part of an upload and return the answer's headers; None when there is no such upload (moto answers)."""
    with state.lock("s3", account):
        upload = bucket.multiparts.get(upload_id)
        if upload is None or not 1 <= number <= 10_000:
            return None
        encryption.check_part(upload.customer_key, headers)
        checksum = checksums.given(headers)
        if upload.algorithm and checksum and checksum[0] != upload.algorithm:
            raise Refused(400, "InvalidRequest", f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, actual checksum Type: {checksum[0].lower()}")  # fmt: skip
        if upload.algorithm and not checksum:
            checksum = upload.algorithm, received.checksum(upload.algorithm)
        part = upload.set_part(number, received.value())
        part._etag = received.md5.hexdigest()
        part.customer_key = upload.customer_key
        part.encryption, part.kms_key_id = upload.sse_encryption or "AES256", upload.kms_key_id
        answer = {"ETag": part.etag, **encryption.answered(part)}
        if checksum:
            part.checksum_algorithm, part.checksum_value = checksum
            answer[f"x-amz-checksum-{checksum[0].lower()}"] = checksum[1]
        flush(account)
    return answer


def find_object(bucket: StoredBucket, key: str, version: str | None) -> StoredKey | None:
    """Return an object or a version of it; None where there is none, or a delete marker."""
    if version is None:
        found = bucket.keys.get(key)
    else:
        found = next((each for each in bucket.keys.getlist(key, []) if str(each.version_id) == version), None)
    return found if isinstance(found, StoredKey) else None


def find_marker(bucket: StoredBucket, key: str, version: str | None) -> FakeDeleteMarker | None:
    """Return the delete marker that a read meets, None where there is none."""
    versions = bucket.keys.getlist(key, [])
    found = next((each for each in reversed(versions) if version is None or str(each.version_id) == version), None)
    return found if isinstance(found, FakeDeleteMarker) else None


def _headers_of(stored: StoredKey) -> dict[str, str]:
    """The headers that every answer with this object has."""
    answer = {
        "ETag": stored.etag,
        "Last-Modified": rfc_1123_datetime(stored.last_modified),
        "Accept-Ranges": "bytes",
        **encryption.answered(stored),
    }
    metadata = stored.metadata.store
    for name, value in metadata.items():
        answer[name] = str(value)
    if metadata is not DEFAULT_METADATA.store:
        answer.update(metadata_told(answer))
    if stored._is_versioned:
        answer["x-amz-version-id"] = stored.version_id
    if stored.storage_class != "STANDARD":
        answer["x-amz-storage-class"] = stored.storage_class
    return answer


def not_modified(stored: StoredKey) -> dict[str, str]:
    """Return the headers of an answer to who has the object already."""
    told = {name.title(): value for name, value in _headers_of(stored).items()}
    return {name: value for name, value in told.items() if name in ("Etag", "Last-Modified", "Cache-Control", "Expires", "X-Amz-Version-Id")}  # fmt: skip


def read_object(
    stored: StoredKey, headers: Mapping[str, str], query: Mapping[str, str]
) -> tuple[int, dict[str, str], StoredKey, int, int] | None:
    """Answer a GET or HEAD whose conditions hold: (status, headers, object, first byte, length); None where moto must do it. Raises Refused."""
    if stored.storage_class in ARCHIVE_STORAGE_CLASSES:
        return None
    status, first, length = 200, 0, stored.size
    answer = _headers_of(stored)
    part, asked = query.get("partNumber"), headers.get("range")
    shows_checksum = headers.get("x-amz-checksum-mode") == "ENABLED"
    bounds = _range(asked, stored.size) if asked else None
    if part is not None:
        if asked:
            raise Refused(400, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
        status, first, length = 206, *_part(stored, int(part))
        answer.update(_told_of_part(stored, int(part), first, length, shows_checksum))
    elif bounds is not None:
        status, first, length = 206, bounds[0], bounds[1] - bounds[0] + 1
        answer["Content-Range"] = f"bytes {bounds[0]}-{bounds[1]}/{stored.size}"
    elif shows_checksum and stored.checksum_algorithm and stored.checksum_value:
        answer[f"x-amz-checksum-{stored.checksum_algorithm.lower()}"] = checksums.told(stored)
        answer["x-amz-checksum-type"] = stored.checksum_type or "FULL_OBJECT"
    tags = s3_backends[stored.account_id][PARTITION].tagger.get_tag_dict_for_resource(stored.arn)
    if tags:
        answer["x-amz-tagging-count"] = str(len(tags))
    answer["Content-Length"] = str(length)
    return status, _as_asked(answer, query), stored, first, length


def _as_asked(answer: dict[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with those that the query names."""
    for name in query.keys() & SHOWN_AS.keys():
        shown = SHOWN_AS[name]
        for old in [old for old in answer if old.lower() == shown.lower()]:
            del answer[old]
        answer[shown] = query[name]
    return answer


def _told_of_part(stored: StoredKey, number: int, first: int, length: int, shows_checksum: bool) -> dict[str, str]:
    """Return the headers of an answer with one part of an object."""
    answer = {}
    if length:
        answer["Content-Range"] = f"bytes {first}-{first + length - 1}/{stored.size}"
    parts = stored.multipart.parts if stored.multipart is not None else ()
    if parts:
        answer["x-amz-mp-parts-count"] = str(len(parts))
    checksum = parts[number - 1].checksum if parts else None
    if shows_checksum and checksum and stored.checksum_algorithm:
        answer[f"x-amz-checksum-{stored.checksum_algorithm.lower()}"] = checksum
        answer["x-amz-checksum-type"] = stored.checksum_type or "FULL_OBJECT"
    return answer


def metadata_told(headers: Mapping[str, str]) -> dict[str, str]:
    """Return user metadata that is not ASCII as S3 tells it: its bytes, read as Latin-1, in the words of RFC 2047.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
    """
    return {
        name: f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="
        for name, value in headers.items()
        if name.lower().startswith("x-amz-meta-") and not value.isascii()
    }


def _part(stored: StoredKey, number: int) -> tuple[int, int]:
    """Return the first byte and the length of a part; an object that came whole is its own first. Raises Refused."""
    parts = stored.multipart.parts if stored.multipart is not None else ()
    if number > max(len(parts), 1):
        raise Refused(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
    if not parts:
        return 0, stored.size
    return sum(each.size for each in parts[: number - 1]), parts[number - 1].size


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of a single range; None for what is none or names several: then the object is told whole.

    Raises Refused where the object has none of these bytes. Source: RFC 9110 14.2, S3 takes one range only
    """
    match = _ONE_RANGE.fullmatch(asked.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, last = max(size - int(match[2]), 0), size - 1
    else:
        first, last = int(match[1]), min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < first:
            return None
    if first >= size:
        raise Refused(416, "InvalidRange", "The requested range is not satisfiable")
    return first, last


def _damaged(stored: StoredKey, what: str) -> Refused:
    """Return S3's answer for an object whose bytes were lost. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
    log.error("the object %s cannot be read: its file %s %s", stored.name, stored.path, what)
    return Refused(500, "InternalError", "We encountered an internal error. Please try again.")


def chunks(stored: StoredKey, first: int, length: int) -> Iterator[bytes]:
    """Yield `length` bytes of an object from byte `first`, at most 1 MiB at a time. Raises Refused where its file is not whole."""
    try:
        descriptor = os.open(stored.file_path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _damaged(stored, "is not there") from None
    try:
        end = first + length
        if os.fstat(descriptor).st_size < end:
            raise _damaged(stored, "is shorter than it was written")
        while first < end:
            data = os.pread(descriptor, min(COPY_BYTES, end - first), first)
            if not data:
                break
            first += len(data)
            yield data
    finally:
        os.close(descriptor)
