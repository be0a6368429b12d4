"""Pages of listings, over the sorted names of a bucket."""

from __future__ import annotations

import base64
import copy
from bisect import bisect_left, bisect_right
from typing import Any

from moto.s3.models import FakeDeleteMarker

from infra.local.core.refused import Refused
from infra.local.s3.buckets import StoredBucket
from infra.local.s3.objects import StoredKey


def encode_token(name: str) -> str:
    """Return the token of a listing that ended with this name."""
    return base64.urlsafe_b64encode(name.encode()).decode()


def decode_token(token: str) -> str:
    """Return the name after which a listing goes on. Raises Refused for what is no token."""
    try:
        name = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        name = ""
    if not name:
        raise Refused(400, "InvalidArgument", "The continuation token provided is incorrect")
    return name


def list_page(
    bucket: StoredBucket, prefix: str, delimiter: str, after: str, max_keys: int | None
) -> tuple[list[StoredKey | str], bool]:
    """Return one page of a listing, in order, and whether there is more.

    Keys come as objects, common prefixes as text; delete markers are left out.
    """
    names, keys = bucket.keys.names(), bucket.keys
    limit = len(names) if max_keys is None else min(max_keys, 1000)
    page: list[StoredKey | str] = []
    at = max(bisect_left(names, prefix), bisect_right(names, after) if after else 0)
    while at < len(names) and names[at].startswith(prefix):
        name = names[at]
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        if cut >= 0:
            folder = name[: cut + len(delimiter)]
            at = bisect_left(names, folder[:-1] + chr(ord(folder[-1]) + 1), at)
            if folder == after:  # the page before ended with this folder
                continue
            item: StoredKey | str = folder
        else:
            item, at = keys[name], at + 1
            if isinstance(item, FakeDeleteMarker):
                continue
        if len(page) == limit:
            return page, limit > 0
        page.append(item)
    return page, False


def after_folder(names: list[str], folder: str, at: int) -> int:
    """Return where the names that begin with `folder` end, from a place on."""
    return bisect_left(names, folder[:-1] + chr(ord(folder[-1]) + 1), at)


def versions_page(
    bucket: StoredBucket, prefix: str, delimiter: str, key_marker: str, version_marker: str, max_keys: int
) -> tuple[list[Any], list[str], bool]:
    """Return one page of versions and delete markers, newest first, the common prefixes on it, and whether there is more.

    A page begins after the marked version; where that was deleted meanwhile, with all that its key has left.
    """
    names, keys = bucket.keys.names(), bucket.keys
    page: list[Any] = []
    folders: list[str] = []
    at = max(bisect_left(names, prefix), bisect_left(names, key_marker) if key_marker else 0)
    while at < len(names) and names[at].startswith(prefix):
        name = names[at]
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        if cut >= 0:
            folder = name[: cut + len(delimiter)]
            at = after_folder(names, folder, at)
            if folder == key_marker:
                continue
            if len(page) + len(folders) == max_keys:
                return page, folders, max_keys > 0
            folders.append(folder)
            continue
        at += 1
        versions = _marked_latest(keys.getlist(name))
        if name == key_marker:
            versions = _after(versions, version_marker)
        for version in versions:
            if len(page) + len(folders) == max_keys:
                return page, folders, max_keys > 0
            page.append(version)
    return page, folders, False


def _marked_latest(versions: list[Any]) -> list[Any]:
    """Return copies, newest first, the first of them the latest."""
    copies = [copy.copy(version) for version in reversed(versions)]
    for number, version in enumerate(copies):
        version.is_latest = number == 0
    return copies


def _after(versions: list[Any], marker: str) -> list[Any]:
    if not marker:
        return []
    ids = [str(version.version_id) for version in versions]
    return versions[ids.index(marker) + 1 :] if marker in ids else versions
