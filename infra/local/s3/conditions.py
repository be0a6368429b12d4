"""Writes that depend on what is there: If-Match and If-None-Match of puts, completions, copies and deletes.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, conditional-deletes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.core.refused import Refused

MISSED = "At least one of the pre-conditions you specified did not hold"


def check_write(bucket: Any, key: str, headers: Mapping[str, str]) -> None:
    """Check a write's conditions; the caller holds the account's lock. Raises Refused."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is None and none_match is None:
        return
    found = bucket.keys.get(key)
    etag = getattr(found, "etag", None)  # a delete marker has none
    if match is not None:
        if etag is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        if not _names(match, etag):
            raise Refused(412, "PreconditionFailed", MISSED)
    if none_match is not None and etag is not None and _names(none_match, etag):
        raise Refused(412, "PreconditionFailed", MISSED)


def check_delete(bucket: Any, key: str, version: str | None, headers: Mapping[str, str]) -> None:
    """Check If-Match of a delete; of an object that is not there it is no error to delete it. Raises Refused."""
    check_etag(bucket, key, version, headers.get("if-match"))


def check_etag(bucket: Any, key: str, version: str | None, match: str | None) -> None:
    """Check the ETag that what is to be deleted must have, None for any. Raises Refused."""
    if match is None:
        return
    versions = bucket.keys.getlist(key, [])
    found = next((each for each in reversed(versions) if version is None or str(each.version_id) == version), None)
    etag = getattr(found, "etag", None)
    if etag is None:
        raise Refused(404, "NoSuchKey", "The specified key does not exist.")
    if not _names(match, etag):
        raise Refused(412, "PreconditionFailed", MISSED)


def check_copy(source: Any, headers: Mapping[str, str]) -> None:
    """Check what a copy asks of its source's ETag. Raises Refused."""
    match, none_match = headers.get("x-amz-copy-source-if-match"), headers.get("x-amz-copy-source-if-none-match")
    if (
        match is not None
        and not _names(match, source.etag)
        or none_match is not None
        and _names(none_match, source.etag)
    ):
        raise Refused(412, "PreconditionFailed", MISSED)


def _names(condition: str, etag: str) -> bool:
    return condition.strip() == "*" or etag.strip('"') in [each.strip().strip('"') for each in condition.split(",")]
