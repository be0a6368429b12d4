"""What depends on what is there: If-Match and If-None-Match of puts, completions and deletes, and with dates of reads and copies' sources.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, conditional-deletes.html, conditional-reads.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from infra.local.core.refused import Refused

READS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
OF_SOURCE = "x-amz-copy-source-"
MISSED = "At least one of the pre-conditions you specified did not hold"


class Missed(Refused):
    """A condition that does not hold; `condition` is the header's name, as the answer tells it."""

    def __init__(self, condition: str):
        super().__init__(412, "PreconditionFailed", MISSED)
        self.condition = condition


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
            raise Missed("If-Match")
    if none_match is not None and etag is not None and _names(none_match, etag):
        raise Missed("If-None-Match")


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
        raise Missed("If-Match")


def check_copy(source: Any, headers: Mapping[str, str]) -> None:
    """Check what a copy asks of its source's ETag and date. Raises Refused."""
    missed = _missed(source, headers, OF_SOURCE)
    if missed is not None:
        raise Missed(f"{OF_SOURCE}{missed.title()}")


def is_unmodified(stored: Any, headers: Mapping[str, str]) -> bool:
    """Tell whether a read is answered with 304: the caller has what is there. Raises Refused where another condition does not hold."""
    missed = _missed(stored, headers, "")
    if missed is not None and missed in ("if-match", "if-unmodified-since"):
        raise Missed(missed.title())
    return missed is not None


def _missed(stored: Any, headers: Mapping[str, str], prefix: str) -> str | None:
    """Return the condition that does not hold, None where all do: a date counts only where no ETag is named."""
    match, none_match, since, until = (headers.get(prefix + name) for name in READS)
    modified = stored.last_modified.replace(microsecond=0, tzinfo=UTC)
    if match is not None:
        if not _names(match, stored.etag):
            return "if-match"
    elif until is not None and (moment := _date(until)) is not None and modified > moment:
        return "if-unmodified-since"
    if none_match is not None:
        return "if-none-match" if _names(none_match, stored.etag) else None
    if since is not None and (moment := _date(since)) is not None and modified <= moment <= datetime.now(UTC):
        return "if-modified-since"
    return None


def _date(text: str) -> datetime | None:
    """Return a date of HTTP or of ISO 8601, None for what is none: such a condition does not count."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _names(condition: str, etag: str) -> bool:
    return condition.strip() == "*" or etag.strip('"') in [each.strip().strip('"') for each in condition.split(",")]
