"""Athena reads and writes as whoever started the query: its caller's rights in the Data Catalog and in S3 count, not a role's.

Sources: https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html, s3-permissions.html
"""

from __future__ import annotations

import uuid

from infra.engines.athena.errors import QueryError
from infra.local import glue
from infra.local.core import roles
from infra.local.core.roles.denial import Denied

VIA = {"aws:calledvia": ("athena.amazonaws.com",), "aws:viaawsservice": ("true",)}


class NotAuthorized(QueryError):
    """The caller lacks a right; the message has no code in front."""

    def __init__(self, message: str):
        super().__init__("PERMISSION_DENIED", message)
        self.message = message
        self.args = (message,)


def check_catalog(account: str, region: str, action: str, database: str, table: str) -> None:
    """Raises NotAuthorized unless the caller may do this in the Data Catalog."""
    try:
        for arn in glue.resources(account, region, database, table):
            roles.check(roles.acting(), region, f"glue:{action}", arn, VIA)
    except Denied as denied:
        request = f"Error Code: AccessDeniedException; Request ID: {uuid.uuid4()}; Proxy: null"
        raise NotAuthorized(f"{denied} (Service: AmazonDataCatalog; Status Code: 400; {request})") from None


def check_list(region: str, bucket: str, prefix: str) -> None:
    """Raises NotAuthorized unless the caller may list a folder."""
    _check_s3(region, "s3:ListBucket", bucket, "", prefix)


def check_read(region: str, bucket: str, key: str) -> None:
    """Raises NotAuthorized unless the caller may read an object."""
    _check_s3(region, "s3:GetObject", bucket, key, key)


def check_write(region: str, bucket: str, key: str) -> None:
    """Raises NotAuthorized unless the caller may write an object."""
    if not _may(region, "s3:PutObject", bucket, key):
        raise _unwritten(bucket, key)


def check_key(account: str, region: str, name: str, bucket: str, key: str) -> None:
    """Raises NotAuthorized unless an object can be written that is encrypted with a key of KMS."""
    from infra.local import kms  # its library of ciphers is for those who have keys

    try:
        kms.check_usable(name, account, region)
    except kms.UnusableKey:
        raise _unwritten(bucket, key) from None


def _unwritten(bucket: str, key: str) -> NotAuthorized:
    return NotAuthorized(
        f"Access denied when writing output to url: s3://{bucket}/{key}. Please ensure you are allowed to access the S3 bucket. "
        "If you are encrypting query results with KMS key, please ensure you are allowed to access your KMS key"
    )


def check_delete(region: str, bucket: str, key: str) -> None:
    """Raises NotAuthorized unless the caller may delete an object."""
    _check_s3(region, "s3:DeleteObject", bucket, key, key)


def may_find(region: str, bucket: str) -> bool:
    """Whether the caller may ask where a bucket is, which StartQueryExecution does with the result's."""
    return _may(region, "s3:GetBucketLocation", bucket, "")


def _check_s3(region: str, action: str, bucket: str, key: str, shown: str) -> None:
    if not _may(region, action, bucket, key, shown):
        raise NotAuthorized(f"Permission denied on S3 path: s3://{bucket}/{shown}")


def _may(region: str, action: str, bucket: str, key: str, prefix: str = "") -> bool:
    keys = {**VIA, "s3:prefix": (prefix,)} if action == "s3:ListBucket" else VIA
    return roles.is_allowed(roles.acting(), region, action, f"arn:aws:s3:::{bucket}/{key}".rstrip("/"), keys)
