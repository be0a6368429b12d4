"""Deletes: of an object, of one of its versions, of many at once; what is locked stays.

A bucket whose versioning is suspended keeps its versions: only the one named null is replaced by a delete marker of that name.
Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from moto.s3.models import FakeDeleteMarker

from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.s3 import conditions, notifications
from infra.local.s3.buckets import StoredBucket, flush
from infra.local.s3.documents import name_of
from infra.local.s3.objects import StoredKey

NULL = "null"
BYPASS = "x-amz-bypass-governance-retention"
LOCKED = "Access Denied because object protected by object lock."
Event = notifications.S3NotificationEvent


class Deleted(NamedTuple):
    """What a delete did: the version that is gone or the marker that was made, "" for neither, and whether it is a delete marker."""

    version: str = ""
    marker: bool = False


class Name(NamedTuple):
    """What a delete marker stands for where there was no object."""

    name: str


class Wanted(NamedTuple):
    """An object of a DeleteObjects: its key, a version ("" for none), and the ETag that it must have."""

    key: str
    version: str = ""
    etag: str | None = None


def delete(bucket: StoredBucket, key: str, version: str | None, bypass: bool) -> Deleted:
    """Delete an object as DeleteObject does; the caller holds the account's lock and stores the change. Raises Refused.

    Parameters
    ----------
    version: None for the object as such
    bypass: a retention in governance mode does not count
    """
    versions = bucket.keys.getlist(key, [])
    if version is None and bucket.versioning_status is not None:
        return _mark(bucket, key, versions)
    wanted = NULL if version is None else version
    found = next((each for each in versions if str(each.version_id) == wanted), None)
    if found is None:
        return Deleted(version or "")
    if isinstance(found, StoredKey) and found.is_locked(governance_bypass=bypass):
        raise Refused(403, "AccessDenied", LOCKED)
    bucket.keys.setlist(key, [each for each in versions if each is not found])
    if len(versions) == 1:
        bucket.keys.pop(key)
    notifications.send_event(bucket.account_id, Event.OBJECT_REMOVED_DELETE_EVENT, bucket, found)
    return Deleted(version or "", isinstance(found, FakeDeleteMarker))


def _mark(bucket: StoredBucket, key: str, versions: list[Any]) -> Deleted:
    marker = FakeDeleteMarker(key=next((each for each in reversed(versions) if isinstance(each, StoredKey)), Name(key)))
    if bucket.versioning_status != "Enabled":
        marker._version_id = NULL
        versions = [each for each in versions if str(each.version_id) != NULL]
    bucket.keys.setlist(key, [*versions, marker])
    notifications.send_event(bucket.account_id, Event.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT, bucket, marker)
    return Deleted(marker.version_id, True)


def answer(request: Request, bucket: StoredBucket, key: str, version: str | None) -> Answer:
    """Answer a DeleteObject; the caller holds the account's lock. Raises Refused."""
    conditions.check_delete(bucket, key, version, request.headers)
    done = delete(bucket, key, version, bypasses(request.headers))
    flush(request.account)
    headers = {"x-amz-version-id": done.version} if done.version else {}
    if done.marker:
        headers["x-amz-delete-marker"] = "true"
    return Answer(204, headers, b"")


def bypasses(headers: Mapping[str, str]) -> bool:
    """Tell whether a request asks that retentions in governance mode do not count."""
    return headers.get(BYPASS, "").lower() == "true"


def answer_several(request: Request, bucket: StoredBucket, body: bytes, refused: list[tuple[str, str]]) -> Answer:
    """Answer a DeleteObjects; the caller holds the account's lock.

    Parameters
    ----------
    refused: key and version ("" for none) of what the caller may not delete
    """
    root = ElementTree.fromstring(body)
    quiet = any(name_of(child) == "Quiet" and (child.text or "").strip().lower() == "true" for child in root)
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">']
    for wanted in _wanted(root):
        try:
            if (wanted.key, wanted.version) in refused:
                raise Refused(403, "AccessDenied", "Access Denied")
            conditions.check_etag(bucket, wanted.key, wanted.version or None, wanted.etag)
            done = delete(bucket, wanted.key, wanted.version or None, bypasses(request.headers))
        except Refused as error:
            out.append(_told("Error", wanted, {"Code": error.code, "Message": str(error)}))
            continue
        if not quiet:
            marker = {"DeleteMarker": "true", "DeleteMarkerVersionId": done.version} if done.marker else {}
            out.append(_told("Deleted", wanted, marker))
    flush(request.account)
    out.append("</DeleteResult>")
    return Answer(200, {"content-type": "application/xml"}, "".join(out).encode())


def _wanted(root: ElementTree.Element) -> list[Wanted]:
    found = []
    for element in root:
        if name_of(element) == "Object":
            values = {name_of(child): child.text or "" for child in element}
            found.append(Wanted(values.get("Key", ""), values.get("VersionId", ""), values.get("ETag")))
    return found


def _told(kind: str, wanted: Wanted, more: Mapping[str, str]) -> str:
    version = {"VersionId": wanted.version} if wanted.version else {}
    values = {"Key": wanted.key, **version, **more}
    return f"<{kind}>{''.join(f'<{name}>{escape(value)}</{name}>' for name, value in values.items())}</{kind}>"
