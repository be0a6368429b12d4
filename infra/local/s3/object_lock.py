"""Object Lock: the retention and the legal hold that a write asks for or a bucket gives, and what may be changed of them.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html, https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from infra.local.core.refused import Refused
from infra.local.s3 import deletion

HEADERS = {
    "lock_mode": "x-amz-object-lock-mode",
    "lock_until": "x-amz-object-lock-retain-until-date",
    "lock_legal_status": "x-amz-object-lock-legal-hold",
}


class Lock(NamedTuple):
    """How an object is locked: mode and end of its retention, ON or OFF for its legal hold; None for what it has not."""

    lock_mode: str | None = None
    lock_until: str | None = None
    lock_legal_status: str | None = None


def of_write(bucket: Any, headers: Mapping[str, str]) -> Lock:
    """Return how an object that is written now will be locked. Raises Refused."""
    asked = Lock(*(headers.get(HEADERS[name]) for name in Lock._fields))
    if asked != Lock() and not bucket.object_lock_enabled:
        raise Refused(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
    if (asked.lock_mode is None) != (asked.lock_until is None):
        raise Refused(400, "InvalidArgument", "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")  # fmt: skip
    if asked.lock_until is not None and moment(asked.lock_until) <= datetime.now(UTC):
        raise Refused(400, "InvalidArgument", "The retain until date must be in the future!")
    if asked.lock_mode is None and bucket.has_default_lock:
        return asked._replace(lock_mode=bucket.default_lock_mode, lock_until=bucket.default_retention())
    return asked


def check_digest(lock: Lock, headers: Mapping[str, str]) -> None:
    """Check that what will be locked comes with a checksum. Raises Refused."""
    if (
        lock != Lock()
        and "content-md5" not in headers
        and not any(each.startswith("x-amz-checksum-") for each in headers)
    ):
        raise Refused(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")  # fmt: skip


def keep(stored: Any, lock: Lock) -> None:
    """Lock an object, or the upload that one will come of."""
    for name, value in lock._asdict().items():
        if value is not None:
            setattr(stored, name, value)


def moment(text: str) -> datetime:
    """Return a date of a header or document. Raises Refused."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "InvalidArgument", "The retain until date must be provided in ISO 8601 format") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def check_change(stored: Any, mode: str | None, until: str | None, headers: Mapping[str, str]) -> None:
    """Check that a retention may be replaced by this one (None: by none). Raises Refused."""
    if stored.lock_mode is None or moment(stored.lock_until) <= datetime.now(UTC):
        return
    longer = until is not None and moment(until) >= moment(stored.lock_until)
    if stored.lock_mode == mode and longer:
        return
    if stored.lock_mode == "GOVERNANCE" and deletion.bypasses(headers):
        return
    raise Refused(403, "AccessDenied", deletion.LOCKED)
