"""The KMS key of an object: while it is disabled, about to be deleted or gone, nothing is read or written with it.

Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html; S3 tells KMS's errors with `KMS.` before their codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.s3.exceptions import S3ClientError

from infra.local.core.refused import Refused
from infra.local.s3 import copying, encryption, hot

METHODS = ("aws:kms", "aws:kms:dsse")
PARTS = ("UploadPart", "UploadPartCopy", "CompleteMultipartUpload")
COPIES = ("CopyObject", "UploadPartCopy")


def check(operation: str, account: str, bucket: Any, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> None:  # fmt: skip
    """Check the keys that an operation works with.

    Parameters
    ----------
    operation: S3's name of it
    account: whose bucket it is
    bucket: the bucket, None where there is none

    Raises Refused, as S3 does: 400 KMS.NotFoundException, KMS.DisabledException, KMS.KMSInvalidStateException.
    """
    if bucket is None:
        return
    for name in _keys(operation, account, bucket, key, query, headers):
        from infra.local import kms  # its library of ciphers is for those who have keys

        try:
            kms.check_usable(name, account, bucket.region_name)
        except kms.UnusableKey as unusable:
            raise Refused(400, f"KMS.{unusable.code}", str(unusable)) from None


def _keys(operation: str, account: str, bucket: Any, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[str]:  # fmt: skip
    """Yield the KMS keys that are needed, as they were named."""
    if operation == "GetObject":
        yield from _of(hot.find_object(bucket, key, query.get("versionId")))
    elif operation in encryption.WRITES:
        yield from _of_new(bucket, headers.get(encryption.SSE), headers.get(encryption.KMS_KEY))
    elif operation in PARTS:
        upload = bucket.multiparts.get(query.get("uploadId"))
        if upload is not None and upload.customer_key is None:
            yield from _of_new(bucket, upload.sse_encryption, upload.kms_key_id)
    if operation in COPIES:
        try:
            yield from _of(copying.source_of(headers.get("x-amz-copy-source", "")))
        except (S3ClientError, Refused):
            return  # the operation says so


def _of(stored: Any) -> Iterator[str]:
    if stored is not None and stored.encryption in METHODS and stored.kms_key_id:
        yield stored.kms_key_id


def _of_new(bucket: Any, method: str | None, name: str | None) -> Iterator[str]:
    """Yield the key of an object that is to be written: what was asked for, else the bucket's own."""
    rule = (bucket.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
    name = name or rule.get("KMSMasterKeyID")
    if (method or rule.get("SSEAlgorithm")) in METHODS and name:
        yield name
