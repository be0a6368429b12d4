"""What other services use of S3: objects are put, read, listed and deleted in this process."""

from __future__ import annotations

import shutil
from bisect import bisect_left
from pathlib import Path

from moto.s3.exceptions import MissingBucket, MissingKey
from moto.s3.models import s3_backends

from infra.local.core import state
from infra.local.s3.buckets import StoredBucket, flush, is_tagged, store_put
from infra.local.s3.objects import PARTITION, StoredKey, new_file


def _bucket(account: str, bucket: str) -> StoredBucket:
    return s3_backends[account][PARTITION].get_bucket(bucket)


def put(
    account: str,
    bucket: str,
    key: str,
    body: bytes | Path,
    content_type: str = "binary/octet-stream",
    metadata: dict[str, str] | None = None,
    kms_key: str | None = None,
) -> StoredKey:
    """Store one object as PutObject does, notifications included.

    Parameters
    ----------
    account: its twelve digits
    bucket: its name, without s3://
    key: of the object, as text
    body: the bytes, or a file that is moved in
    content_type: a media type
    metadata: user metadata without the `x-amz-meta-` prefix
    kms_key: the key of SSE-KMS, which the caller has looked at; the bucket's encryption where it is None

    Returns
    -------
    The object as it is stored now

    Raises
    ------
    MissingBucket: the account has no such bucket

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    """
    _bucket(account, bucket)
    if isinstance(body, Path):
        moved = new_file(account)
        shutil.move(body, moved)
        body = moved
    with state.lock("s3", account):
        was_tagged = is_tagged(account, bucket, key)
        settings = {"encryption": "aws:kms", "kms_key_id": kms_key} if kms_key else {}
        stored = s3_backends[account][PARTITION].put_object(bucket, key, body, **settings)
        stored.set_metadata(
            {"Content-Type": content_type, **{f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}}
        )
        store_put(account, was_tagged)
        return stored


def get(account: str, bucket: str, key: str) -> StoredKey:
    """Return the newest version of one object.

    Parameters
    ----------
    account: its twelve digits
    bucket: its name, without s3://
    key: of the object, as text

    Returns
    -------
    Its `path` is the file with the bytes, `size` is in bytes, `last_modified` in UTC

    Raises
    ------
    MissingBucket: the account has no such bucket
    MissingKey: there is no such object, or its newest version is a delete marker

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    stored = s3_backends[account][PARTITION].get_object(bucket, key)
    if stored is None:
        raise MissingKey(key=key)
    return stored


def objects(account: str, bucket: str, prefix: str = "") -> list[StoredKey]:
    """List the newest versions of all objects under a prefix.

    Parameters
    ----------
    account: its twelve digits
    bucket: its name, without s3://
    prefix: with which their keys begin; all when empty

    Returns
    -------
    In the order of their keys' bytes

    Raises
    ------
    MissingBucket: the account has no such bucket

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """
    with state.lock("s3", account):
        keys = _bucket(account, bucket).keys
        names = keys.names()
        found = []
        for at in range(bisect_left(names, prefix), len(names)):
            if not names[at].startswith(prefix):
                break
            newest = keys[names[at]]
            if isinstance(newest, StoredKey):
                found.append(newest)
        return found


def delete(account: str, bucket: str, key: str) -> None:
    """Delete one object as DeleteObject does; one that is not there is no error.

    Parameters
    ----------
    account: its twelve digits
    bucket: its name, without s3://
    key: of the object, as text

    Raises
    ------
    MissingBucket: the account has no such bucket

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
    """
    with state.lock("s3", account):
        _bucket(account, bucket)
        s3_backends[account][PARTITION].delete_object(bucket, key)
        flush(account)


def exists(account: str, bucket: str) -> bool:
    """Tell whether an account can reach a bucket.

    Parameters
    ----------
    account: its twelve digits
    bucket: its name, without s3://

    Returns
    -------
    True where it owns one of that name

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    try:
        _bucket(account, bucket)
    except MissingBucket:
        return False
    return True
