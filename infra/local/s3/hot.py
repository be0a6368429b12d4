"""S3's hot operations: puts, reads, deletes and listings on moto's state, without moto's dispatch."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from moto.core.utils import rfc_1123_datetime
from moto.s3 import models
from moto.s3.models import s3_backends
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

from infra.local.core import state
from infra.local.s3.listing import decode_token, encode_token, list_page
from infra.local.s3.objects import COPY_BYTES, PARTITION, StoredBucket, StoredKey, flush, new_file

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
_CHECKSUMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


class BadChecksum(Exception):
    """The bytes that arrived are not those the client announced; `str()` is S3's own message, `code` its code."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def find_bucket(account: str, name: str) -> StoredBucket | None:
    """Return a bucket of this account for the hot path; None where moto must decide (missing, foreign, with a policy or CORS)."""
    bucket = s3_backends[account][PARTITION].buckets.get(name)
    if bucket is None or bucket.policy or bucket.cors or bucket.object_lock_enabled:
        return None
    return bucket


def is_plain_put(headers: dict[str, str]) -> bool:
    """Tell whether a PUT asks for nothing but bytes, content headers, user metadata and a checksum."""
    if "if-match" in headers or "if-none-match" in headers:
        return False
    for name in headers:
        if (
            name.startswith("x-amz-")
            and name not in _PLAIN_PUT_HEADERS
            and not name.startswith(("x-amz-meta-", "x-amz-checksum-"))
        ):
            return False
    return True


class Receiver:
    """Takes an object's bytes as they arrive: small ones stay in memory, larger ones go to the file that will be the object.

    `size_hint` is the announced length in bytes, -1 if unknown.
    """

    IN_MEMORY = 1 << 20

    def __init__(self, account: str, size_hint: int):
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
        self.crc32 = zlib.crc32(data, self.crc32)
        self.size += len(data)
        if self._file is not None:
            self._file.write(data)
        else:
            self._parts.append(data)

    def value(self) -> bytes | Path:
        if self._file is not None:
            self._file.close()
            return self.path
        return b"".join(self._parts)

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            self.path.unlink(missing_ok=True)

    def check(self, headers: dict[str, str]) -> None:
        """Compare with Content-MD5 and the checksum headers. Raises BadChecksum."""
        announced = headers.get("content-md5")
        if announced is not None:
            try:
                valid = len(base64.b64decode(announced, validate=True)) == 16
            except ValueError:
                valid = False
            if not valid:
                raise BadChecksum("InvalidDigest", "The Content-MD5 you specified was invalid.")
            if base64.b64encode(self.md5.digest()).decode() != announced:
                raise BadChecksum("BadDigest", "The Content-MD5 you specified did not match what we received.")
        crc = headers.get("x-amz-checksum-crc32")
        if crc is not None and base64.b64encode(self.crc32.to_bytes(4, "big")).decode() != crc:
            raise BadChecksum("BadDigest", "The CRC32 you specified did not match the calculated checksum.")
        for name, function in (("sha1", hashlib.sha1), ("sha256", hashlib.sha256)):
            given = headers.get(f"x-amz-checksum-{name}")
            if given is not None and self._digest(function) != given:
                raise BadChecksum(
                    "BadDigest", f"The {name.upper()} you specified did not match the calculated checksum."
                )

    def _digest(self, function: Any) -> str:
        value = self.value()
        if isinstance(value, Path):
            with open(value, "rb") as file:
                digest = hashlib.file_digest(file, function)
        else:
            digest = function(value)
        return base64.b64encode(digest.digest()).decode()


def _checksum(headers: dict[str, str]) -> tuple[str, str] | None:
    for name in _CHECKSUMS:
        value = headers.get(f"x-amz-checksum-{name}")
        if value:
            return name, value
    return None


def put_object(account: str, bucket: str, key: str, received: Receiver, headers: dict[str, str]) -> dict[str, str]:
    """Store a received and checked object and return the answer's headers."""
    with state.lock("s3", account):
        backend = s3_backends[account][PARTITION]
        stored = backend.put_object(bucket, key, received.value(), etag=received.md5.hexdigest())
        kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
        kept.update((name, value) for name, value in headers.items() if name.startswith("x-amz-meta-"))
        if kept:
            stored.set_metadata(
                {"Content-Encoding" if name == "content-encoding" else name: value for name, value in kept.items()}
            )
        checksum = _checksum(headers)
        answer = {"ETag": stored.etag, "x-amz-server-side-encryption": stored.encryption}
        if checksum:
            stored.checksum_algorithm, stored.checksum_value = checksum[0].upper(), checksum[1]
            stored.checksum_type = "FULL_OBJECT"
            answer[f"x-amz-checksum-{checksum[0]}"] = checksum[1]
            answer["x-amz-checksum-type"] = "FULL_OBJECT"
        if stored._is_versioned:
            answer["x-amz-version-id"] = stored.version_id
        flush(account)
    return answer


def put_part(
    account: str, bucket: StoredBucket, upload_id: str, number: int, received: Receiver, headers: dict[str, str]
) -> dict[str, str] | None:
    """Store one part of an upload and return the answer's headers; None when there is no such upload (moto answers)."""
    with state.lock("s3", account):
        upload = bucket.multiparts.get(upload_id)
        if upload is None or not 1 <= number <= 10_000:
            return None
        part = upload.set_part(number, received.value())
        part._etag = received.md5.hexdigest()
        answer = {"ETag": part.etag, "x-amz-server-side-encryption": part.encryption}
        checksum = _checksum(headers)
        if checksum:
            answer[f"x-amz-checksum-{checksum[0]}"] = checksum[1]
        flush(account)
    return answer


def delete_object(account: str, bucket: StoredBucket, key: str) -> bool:
    """Delete from a bucket without versions; False where moto must do it."""
    with state.lock("s3", account):
        if bucket.versioning_status is not None:
            return False
        s3_backends[account][PARTITION].delete_object(bucket.name, key)
        flush(account)
    return True


def read_object(
    bucket: StoredBucket, key: str, headers: dict[str, str]
) -> tuple[int, dict[str, str], StoredKey, int, int] | None:
    """Answer a plain GET or HEAD: (status, headers, object, first byte, length); None where moto must do it."""
    stored = bucket.keys.get(key)
    if not isinstance(stored, StoredKey) or stored.storage_class in ARCHIVE_STORAGE_CLASSES:
        return None
    if any(name in headers for name in _CONDITIONS):
        return None
    status, first, length = 200, 0, stored.size
    answer = {
        "ETag": stored.etag,
        "Last-Modified": rfc_1123_datetime(stored.last_modified),
        "Accept-Ranges": "bytes",
        "x-amz-server-side-encryption": stored.encryption,
    }
    for name, value in stored.metadata.items():
        answer[name] = str(value)
    if stored._is_versioned:
        answer["x-amz-version-id"] = stored.version_id
    if stored.storage_class != "STANDARD":
        answer["x-amz-storage-class"] = stored.storage_class
    asked = headers.get("range")
    if asked:
        bounds = _range(asked, stored.size)
        if bounds is None:
            return None
        status, first, length = 206, bounds[0], bounds[1] - bounds[0] + 1
        answer["Content-Range"] = f"bytes {bounds[0]}-{bounds[1]}/{stored.size}"
    elif headers.get("x-amz-checksum-mode") == "ENABLED" and stored.checksum_algorithm and stored.checksum_value:
        composite = f"-{stored.checksum_parts}" if stored.checksum_type == "COMPOSITE" else ""
        answer[f"x-amz-checksum-{stored.checksum_algorithm.lower()}"] = stored.checksum_value + composite
        answer["x-amz-checksum-type"] = stored.checksum_type or "FULL_OBJECT"
    tags = s3_backends[stored.account_id][PARTITION].tagger.get_tag_dict_for_resource(stored.arn)
    if tags:
        answer["x-amz-tagging-count"] = str(len(tags))
    answer["Content-Length"] = str(length)
    return status, answer, stored, first, length


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of a single satisfiable range, else None."""
    unit, _, spec = asked.partition("=")
    begin, dash, end = spec.partition("-")
    if unit.strip() != "bytes" or not dash or "," in spec or not (begin.isdigit() or (not begin and end.isdigit())):
        return None
    if end and not end.isdigit():
        return None
    if not begin:
        wanted = int(end)
        return (max(size - wanted, 0), size - 1) if wanted and size else None
    first, last = int(begin), min(int(end), size - 1) if end else size - 1
    return (first, last) if first <= last else None


def list_objects_v2(bucket: StoredBucket, query: dict[str, str]) -> bytes | None:
    """Answer ListObjectsV2 as XML; None where moto must do it (bad parameters)."""
    try:
        max_keys = int(query.get("max-keys", "1000"))
    except ValueError:
        return None
    token = query.get("continuation-token")
    if token == "" or max_keys < 0:
        return None
    try:
        after = decode_token(token) if token else query.get("start-after", "")
    except models.InvalidRequest:
        return None
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    with state.lock("s3", bucket.account_id):
        page, truncated = list_page(bucket, prefix, delimiter, after, max_keys)
    encode = _url if query.get("encoding-type") == "url" else escape
    owner = f"<Owner><ID>{models.OWNER}</ID></Owner>" if query.get("fetch-owner") == "true" else ""
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
        f"<Name>{bucket.name}</Name><Prefix>{encode(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>",
        f"<MaxKeys>{min(max_keys, 1000)}</MaxKeys><IsTruncated>{'true' if truncated else 'false'}</IsTruncated>",
    ]
    if delimiter:
        out.append(f"<Delimiter>{encode(delimiter)}</Delimiter>")
    if query.get("encoding-type") == "url":
        out.append("<EncodingType>url</EncodingType>")
    if token:
        out.append(f"<ContinuationToken>{escape(token)}</ContinuationToken>")
    if query.get("start-after"):
        out.append(f"<StartAfter>{encode(query['start-after'])}</StartAfter>")
    if truncated:
        last = page[-1]
        out.append(
            f"<NextContinuationToken>{encode_token(last if isinstance(last, str) else last.name)}</NextContinuationToken>"
        )
    for item in page:
        if isinstance(item, str):
            out.append(f"<CommonPrefixes><Prefix>{encode(item)}</Prefix></CommonPrefixes>")
        else:
            algorithm = (
                f"<ChecksumAlgorithm>{item.checksum_algorithm}</ChecksumAlgorithm>" if item.checksum_algorithm else ""
            )
            out.append(
                f"<Contents><Key>{encode(item.name)}</Key><LastModified>{item.last_modified_ISO8601}</LastModified>"
                f"<ETag>&quot;{item.etag[1:-1]}&quot;</ETag>{algorithm}<Size>{item.size}</Size>{owner}"
                f"<StorageClass>{item.storage_class}</StorageClass></Contents>"
            )
    out.append("</ListBucketResult>")
    return "".join(out).encode()


def _url(text: str) -> str:
    return quote(text, safe="/")


def chunks(stored: StoredKey, first: int, length: int) -> Iterator[bytes]:
    """Yield `length` bytes of an object from byte `first`, at most 1 MiB at a time."""
    with open(stored.path, "rb") as file:
        file.seek(first)
        while length > 0:
            data = file.read(min(COPY_BYTES, length))
            if not data:
                break
            length -= len(data)
            yield data
