"""Pages of listings, over the sorted names of a bucket."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from typing import Any, NamedTuple

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


class Version(NamedTuple):
    """A version of an object or a delete marker, as a listing shows it."""

    what: Any
    is_latest: bool


def versions_page(
    bucket: StoredBucket, prefix: str, delimiter: str, key_marker: str, version_marker: str, max_keys: int
) -> tuple[list[Version | str], bool]:
    """Return one page of versions and delete markers, newest first, and whether there is more; common prefixes are text.

    A page begins after the marked version; where that was deleted meanwhile, with all that its key has left.
    """
    names, keys = bucket.keys.names(), bucket.keys
    page: list[Version | str] = []
    at = max(bisect_left(names, prefix), bisect_left(names, key_marker) if key_marker else 0)
    while at < len(names) and names[at].startswith(prefix):
        name = names[at]
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        found: list[Version | str]
        if cut >= 0:
            folder = name[: cut + len(delimiter)]
            at = after_folder(names, folder, at)
            found = [] if folder == key_marker else [folder]
        else:
            at += 1
            versions = list(reversed(keys.getlist(name)))
            found = [Version(each, number == 0) for number, each in enumerate(versions)]
            if name == key_marker:
                found = _after(versions, found, version_marker)
        if len(page) + len(found) > max_keys:
            return page + found[: max_keys - len(page)], max_keys > 0
        page += found
    return page, False


def _after(versions: list[Any], listed: list[Version | str], marker: str) -> list[Version | str]:
    if not marker:
        return []
    ids = [str(version.version_id) for version in versions]
    return listed[ids.index(marker) + 1 :] if marker in ids else listed
