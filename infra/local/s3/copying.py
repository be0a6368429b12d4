"""Copies: the bytes are copied before the account's lock is taken, or not at all, for an object's file never changes.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote

from moto.s3.exceptions import MissingBucket, MissingKey, MissingVersion, S3ClientError
from moto.s3.models import FakeKey, s3_backends

from infra.local.core import state
from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.s3 import access, checksums, conditions, encryption, uploads
from infra.local.s3.buckets import flush
from infra.local.s3.objects import COPY_BYTES, PARTITION, StoredKey, new_file

RANGE = re.compile(r"bytes=(\d+)-(\d+)")
MOST_BYTES = 5 * 1024**3


def source_of(header: str) -> StoredKey:
    """Return the object that a header x-amz-copy-source names, of whatever account: it was asked before. Raises Refused, moto's MissingBucket, MissingKey and MissingVersion."""
    path, _, query = header.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    if not bucket or not key:
        raise Refused(
            400, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        )
    version = parse_qs(query).get("versionId", [None])[0]
    owner = access.owner_of(bucket)
    if not owner:
        raise MissingBucket(bucket=bucket)
    backend = s3_backends[owner][PARTITION]
    found = backend.get_object(bucket, key, version_id=version)
    if (
        found is None
        and version
        and any(str(each.version_id) == version for each in backend.get_bucket(bucket).keys.getlist(key, ()))
    ):
        raise Refused(400, "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")  # fmt: skip
    if not isinstance(found, StoredKey):
        raise MissingVersion() if version else MissingKey(key=key)
    return found


def prepare_copy(headers: dict[str, str]) -> tuple[str, str] | None:
    """Compute what a copy of an object will need of its bytes, before any lock is taken: its MD5, and algorithm and checksum where it has one.

    A copy has the checksum that is asked for, else one as its source has; it is that of all bytes, also where the source came in parts. Raises Refused.
    """
    try:
        source = source_of(headers["x-amz-copy-source"])
    except S3ClientError:
        return None  # the operation says so
    encryption.check_read(source.customer_key, headers, encryption.SOURCE_CUSTOMER)
    conditions.check_copy(source, headers)
    source.whole_md5()
    algorithm = headers.get(checksums.ALGORITHM, "").upper() or source.checksum_algorithm
    if not algorithm:
        return None
    if algorithm not in checksums.LENGTHS:
        raise checksums.unsupported()
    if algorithm == source.checksum_algorithm and source.checksum_type != "COMPOSITE" and source.checksum_value:
        return algorithm, source.checksum_value
    return algorithm, checksums.of(source.path, algorithm)


def copy_part(account: str, bucket: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
    """Make a part of an upload of an object, or of a range of it. Raises Refused and moto's errors."""
    with state.lock("s3", account):
        upload = s3_backends[account][PARTITION].get_bucket(bucket).multiparts.get(query["uploadId"])
        source = source_of(headers["x-amz-copy-source"])
    number = query["partNumber"]
    if upload is None:
        raise uploads.no_such_upload()
    if not number.isdigit() or not 1 <= int(number) <= 10_000:
        raise Refused(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    conditions.check_copy(source, headers)
    encryption.check_read(source.customer_key, headers, encryption.SOURCE_CUSTOMER)
    encryption.check_part(upload.customer_key, headers)
    first, last = _bounds(headers.get("x-amz-copy-source-range"), source.size)
    whole = first == 0 and last == source.size - 1
    path = source.linked() if whole else _copied(account, source, first, last - first + 1)
    etag = source.whole_md5() if whole else _md5(path)
    checksum = checksums.of(path, upload.algorithm) if upload.algorithm else None
    with state.lock("s3", account):
        if upload.id not in s3_backends[account][PARTITION].get_bucket(bucket).multiparts:  # over meanwhile
            path.unlink()
            raise uploads.no_such_upload()
        part = upload.set_part(int(number), path)
        part._etag = etag
        part.customer_key = upload.customer_key
        part.encryption, part.kms_key_id = upload.sse_encryption or "AES256", upload.kms_key_id
        part.checksum_algorithm, part.checksum_value = upload.algorithm, checksum
        flush(account)
    told = f"<Checksum{upload.algorithm}>{checksum}</Checksum{upload.algorithm}>" if checksum else ""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CopyPartResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<LastModified>{part.last_modified_ISO8601}</LastModified><ETag>&quot;{etag}&quot;</ETag>{told}</CopyPartResult>"
    )
    answer = {"content-type": "application/xml", **encryption.answered(part)}
    if source._is_versioned:
        answer["x-amz-copy-source-version-id"] = source.version_id
    return Answer(200, answer, text.encode())


def _bounds(given: str | None, size: int) -> tuple[int, int]:
    if given is None:
        if size > MOST_BYTES:
            raise Refused(
                400,
                "InvalidRequest",
                f"The specified copy source is larger than the maximum allowable size for a copy source: {MOST_BYTES}",
            )
        return 0, size - 1
    match = RANGE.fullmatch(given)
    if match is None or int(match[1]) > int(match[2]):
        raise Refused(400, "InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")  # fmt: skip
    if int(match[2]) >= size:
        raise Refused(400, "InvalidArgument", f"Range specified is not valid for source object of size: {size}")
    return int(match[1]), int(match[2])


def _copied(account: str, source: FakeKey, first: int, length: int) -> Path:
    """Copy a range of an object's file into a new one."""
    target = new_file(account)
    with open(source.path, "rb") as reading, open(target, "wb") as writing:
        done = 0
        while done < length:
            try:
                step = os.copy_file_range(
                    reading.fileno(), writing.fileno(), min(COPY_BYTES, length - done), first + done
                )
            except OSError:  # another file system
                step = writing.write(os.pread(reading.fileno(), min(COPY_BYTES, length - done), first + done))
                writing.flush()
            done += step
    return target


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
