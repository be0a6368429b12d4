"""Amazon S3: objects are files, the index is one SQLite table an account, buckets and all other settings are moto's.

A put is acknowledged when its file is written and its row is committed. A file without a row (killed in between) is swept at the next start.
"""

from __future__ import annotations

import base64
import hashlib
import os
import pickle
import re
import shutil
import sqlite3
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow
from moto.s3 import models
from moto.s3.exceptions import MissingBucket, MissingKey
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, FakeMultipart, S3Backend, get_canned_acl, s3_backends
from moto.s3.responses import S3Response
from moto.s3.utils import _VersionedKeyStore
from moto.utilities.utils import LowercaseDict

from infra.local.core import state
from infra.local.s3 import notifications

BACKENDS = s3_backends
PARTITION = "aws"
COPY_BYTES = 1 << 20
PRIVATE = get_canned_acl("private")
DEFAULT_METADATA = LowercaseDict({"Content-Type": "binary/octet-stream"})

_connections: dict[str, sqlite3.Connection] = {}
_objects: dict[str, str] = {}  # account → folder of its objects' files, once it is made
_changed: set[tuple[str, str, str]] = set()  # (account, bucket, key name) whose row differs from memory
_garbage: list[Path] = []  # files of replaced and deleted objects, removed once the index no longer names them


# --- what is stored -------------------------------------------------------------------------------------------------


def _folder(account: str) -> Path:
    return state.folder("s3", account, PARTITION)


def new_file(account: str) -> Path:
    """Return a fresh path for an object's bytes; 256 folders keep each of them small."""
    return Path(_new_name(account))


def _new_name(account: str) -> str:
    objects = _objects.get(account)
    if objects is None or not os.path.isdir(objects):
        objects = _objects[account] = str(_folder(account) / "objects")
        for number in range(256):
            os.makedirs(f"{objects}/{number:02x}", exist_ok=True)
    name = os.urandom(16).hex()
    return f"{objects}/{name[:2]}/{name}"


def _write_file(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def _connection(account: str) -> sqlite3.Connection:
    if account not in _connections:
        connection = sqlite3.connect(_folder(account) / "index.sqlite", isolation_level=None, check_same_thread=False)
        # A killed process loses nothing that the operating system has; only a power cut could.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS objects (bucket TEXT, name TEXT, versions BLOB, PRIMARY KEY (bucket, name)) WITHOUT ROWID"
        )
        _connections[account] = connection
    return _connections[account]


class StoredKey(FakeKey):
    """An object whose bytes are a file. `path` is that file, `size` its bytes.

    Attributes that most objects leave at their default live on the class: 100,000 objects must fit in memory.
    """

    acl = PRIVATE
    website_redirect_location = None
    checksum_algorithm: str | None = None
    checksum_value: str | None = None
    checksum_type: str | None = None
    checksum_parts: int | None = None
    multipart = None
    encryption = "AES256"
    kms_key_id = bucket_key_enabled = None
    lock_mode = lock_legal_status = lock_until = None
    disposed = False
    model_name = "s3::keyrestore"
    _storage_class = "STANDARD"
    _expiry: datetime | None = None
    _metadata = DEFAULT_METADATA
    _is_versioned = False
    _status = None
    _tick = 0
    _transitions = [(None, "IN_PROGRESS"), ("IN_PROGRESS", "RESTORED")]
    partition = PARTITION

    def __init__(
        self,
        name: str,
        value: bytes | Path,
        account_id: str,
        region_name: str,
        storage: str | None = None,
        etag: str | None = None,
        is_versioned: bool = False,
        version_id: str | None = None,
        multipart: FakeMultipart | None = None,  # its parts are in `value` already
        **settings: Any,
    ):
        self.name = name
        self.account_id = account_id
        self.region_name = region_name
        self.last_modified = utcnow()
        self._etag = etag
        self._version_id = version_id
        if storage and storage != "STANDARD":
            self._storage_class = storage
        if is_versioned:
            self._is_versioned = True
        for setting, given in settings.items():
            if given is not None:
                setattr(self, setting, given)
        self.file: str | None = None
        self._store(value)

    def _store(self, value: bytes | Path) -> None:
        old = self.file
        if isinstance(value, Path):
            self.file = str(value)
            self.contentsize = value.stat().st_size
        else:
            data = value.encode() if isinstance(value, str) else bytes(value)
            self.file = _new_name(self.account_id)
            _write_file(self.file, data)
            self.contentsize = len(data)
            if self._etag is None:
                self._etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if old:
            _garbage.append(Path(old))

    @property
    def path(self) -> Path:
        return Path(self.file or "")

    @property
    def value(self) -> bytes:
        return self.path.read_bytes()

    @value.setter
    def value(self, new_value: bytes) -> None:
        self._etag = None
        self._store(new_value)

    @property
    def etag(self) -> str:
        if self._etag is None:
            with open(self.path, "rb") as file:
                self._etag = hashlib.file_digest(file, "md5").hexdigest()
        return f'"{self._etag}"'

    def set_metadata(self, metadata: Any, replace: bool = False) -> None:
        self._metadata = LowercaseDict({} if replace else self._metadata.store)
        super().set_metadata(metadata)

    def advance(self) -> None:
        if self._expiry is not None:
            super().advance()

    def restore(self, days: int) -> None:
        self._time_progressed = datetime.now()
        super().restore(days)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def dispose(self, garbage: bool = False) -> None:
        if not garbage and not self.disposed and self.file:
            _garbage.append(self.path)
            self.disposed = True

    def __del__(self) -> None:
        pass


class StoredMultipart(FakeMultipart):
    """An upload in parts: each part is a file, and completing it joins the files."""

    def complete(self, body: Iterable[tuple[int, str]]) -> tuple[Path, str, Any]:
        listed = list(body)
        parts = [self.parts.get(number) for number, _ in listed]
        for part, (_, etag) in zip(parts, listed, strict=True):
            if part is None or part.etag.strip('"') != etag.strip('"'):
                raise models.InvalidPart()
        if not parts:
            raise models.MalformedXML()
        if any(part.size < models.S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
            raise models.EntityTooSmall()
        if [number for number, _ in listed] != sorted(number for number, _ in listed):
            raise models.InvalidPart()
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        checksum = models.MultipartChecksumBuilder(
            self.metadata.get("x-amz-checksum-algorithm"), self.metadata.get("x-amz-checksum-type")
        )
        target = new_file(self.account_id)
        with open(target, "wb") as whole:
            for part in parts:
                with open(part.path, "rb") as file:
                    shutil.copyfileobj(file, whole, COPY_BYTES)
                if self.metadata.get("x-amz-checksum-algorithm"):
                    checksum.addPart(part.value)
        details = checksum.build() if self.metadata.get("x-amz-checksum-algorithm") else None
        return target, f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}", details


class StoredKeys(_VersionedKeyStore):
    """A bucket's objects by name, newest version last. Remembers what changed, and the names in order."""

    def __init__(self, account: str, bucket: str):
        super().__init__()
        self._account = account
        self._bucket = bucket
        self._names: list[str] | None = None

    def load(self) -> None:
        rows = _connection(self._account).execute(
            "SELECT name, versions FROM objects WHERE bucket = ?", (self._bucket,)
        )
        for name, versions in rows:
            dict.__setitem__(self, name, pickle.loads(versions))

    def names(self) -> list[str]:
        """Return all names in order (S3 orders by UTF-8 bytes, which is the order of code points)."""
        if self._names is None:
            self._names = sorted(dict.keys(self))
        return self._names

    def __setitem__(self, key: str, value: Any) -> None:
        self._note(key)
        super().__setitem__(key, value)

    def setlist(self, key: str, list_: Any) -> None:
        self._note(key)
        super().setlist(key, list_)

    def pop(self, key: str) -> None:
        super().pop(key)
        _changed.add((self._account, self._bucket, key))
        if self._names is not None:
            del self._names[bisect_left(self._names, key)]

    def _note(self, key: str) -> None:
        _changed.add((self._account, self._bucket, key))
        if self._names is not None and key not in self:
            insort(self._names, key)


class StoredBucket(FakeBucket):
    def __init__(self, name: str, account_id: str, region_name: str, **settings: Any):
        super().__init__(name, account_id, region_name, **settings)
        self.keys = StoredKeys(account_id, name)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "keys"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        s3_backends.bucket_accounts[self.name] = (self.partition, self.account_id)
        self.keys = StoredKeys(self.account_id, self.name)
        self.keys.load()

    def set_notification_configuration(self, notification_config: dict[str, Any] | None) -> None:
        notifications.check_destinations(self.account_id, self.name, notification_config)
        super().set_notification_configuration(notification_config)


BUCKET_NAME = re.compile(r"(?!xn--|sthree-)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")


class LocalS3Backend(S3Backend):
    def create_bucket(self, bucket_name: str, region_name: str, bucket_namespace: str | None = None) -> FakeBucket:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        if not BUCKET_NAME.fullmatch(bucket_name):
            raise models.InvalidBucketName()
        return super().create_bucket(bucket_name, region_name, bucket_namespace)

    def delete_bucket(self, bucket_name: str) -> FakeBucket | None:
        bucket = self.get_bucket(bucket_name)
        deleted = super().delete_bucket(bucket_name)
        if deleted is not None:
            for multipart in bucket.multiparts.values():
                multipart.dispose()
        return deleted

    def _set_delete_marker(self, bucket_name: str, key_name: str) -> FakeDeleteMarker:
        marker = super()._set_delete_marker(bucket_name, key_name)
        event = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
        notifications.send_event(self.account_id, event, self.get_bucket(bucket_name), marker)
        return marker

    def list_objects(
        self, bucket: Any, prefix: str | None, delimiter: str | None, marker: str | None, max_keys: int | None
    ) -> Any:
        after = (self._pagination_tokens.get(marker) or marker) if marker else None
        page, truncated = list_page(bucket, prefix or "", delimiter or "", after or "", max_keys)
        keys = [item for item in page if not isinstance(item, str)]
        folders = [item for item in page if isinstance(item, str)]
        last = page[-1] if truncated else None
        return keys, folders, truncated, last.name if isinstance(last, FakeKey) else last

    def list_objects_v2(
        self,
        bucket: Any,
        prefix: str | None,
        delimiter: str | None,
        continuation_token: str | None,
        start_after: str | None,
        max_keys: int,
    ) -> Any:
        after = decode_token(continuation_token) if continuation_token else start_after
        page, truncated = list_page(bucket, prefix or "", delimiter or "", after or "", max_keys)
        last = page[-1] if truncated else None
        return page, truncated, encode_token(last.name if isinstance(last, FakeKey) else last) if last else None


models.FakeKey = StoredKey
models.FakeMultipart = StoredMultipart
models.FakeBucket = StoredBucket
s3_backends.backend = LocalS3Backend


class LocalS3Response(S3Response):
    def get_bucket_notification(self) -> Any:
        """Answer with EventBridgeConfiguration, too, which moto leaves out."""
        status, headers, body = super().get_bucket_notification()
        configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if configuration is not None and configuration.event_bridge is not None:
            end = "</NotificationConfiguration>"
            rest = f"{body[:-2]}>" if body.endswith("/>") else body.removesuffix(end)
            body = f"{rest}<EventBridgeConfiguration/>{end}"
        return status, headers, body


RESPONSE = LocalS3Response


def encode_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def decode_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise models.InvalidRequest("continuation-token") from None


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


def flush() -> None:
    """Write the rows of changed objects, then remove the files that no row names any more."""
    with state.lock("s3"):
        for change in list(_changed):
            _write_row(*change)
            _changed.discard(change)
        while _garbage:
            _garbage.pop().unlink(missing_ok=True)


def _write_row(account: str, bucket_name: str, name: str) -> None:
    bucket = s3_backends[account][PARTITION].buckets.get(bucket_name)
    versions = bucket.keys.getlist(name) if bucket is not None else None
    connection = _connection(account)
    if versions:
        connection.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)",
            (bucket_name, name, pickle.dumps(versions, protocol=pickle.HIGHEST_PROTOCOL)),
        )
    else:
        connection.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (bucket_name, name))


def resume() -> None:
    """Remove the files of puts that were never acknowledged."""
    for account in list(s3_backends.keys()):
        backend = s3_backends[account][PARTITION]
        named = {
            part.file
            for bucket in backend.buckets.values()
            for upload in bucket.multiparts.values()
            for part in upload.parts.values()
        }
        for bucket in backend.buckets.values():
            for versions in dict.values(bucket.keys):
                named.update(version.file for version in versions if isinstance(version, StoredKey))
        for path in (_folder(account) / "objects").glob("*/*"):
            if str(path) not in named:
                path.unlink(missing_ok=True)
    notifications.resume(list(s3_backends.keys()))


def stop() -> None:
    notifications.stop()
    flush()
    for connection in _connections.values():
        connection.close()
    _connections.clear()


def changed(account: str, bucket: str, name: str) -> None:
    """Note that an operation of moto's changed an object in place (tags, ACL, retention, restore)."""
    owner = s3_backends.bucket_accounts.get(bucket, (PARTITION, account))[1]
    _changed.add((owner, bucket, name))


# --- what services call ---------------------------------------------------------------------------------------------


def _bucket(account: str, bucket: str) -> StoredBucket:
    return s3_backends[account][PARTITION].get_bucket(bucket)


def put(
    account: str,
    bucket: str,
    key: str,
    body: bytes | Path,
    content_type: str = "binary/octet-stream",
    metadata: dict[str, str] | None = None,
) -> StoredKey:
    """Store one object as PutObject does, notifications included.

    Parameters
    ----------
    body: the bytes, or a file that is moved in
    metadata: user metadata without the `x-amz-meta-` prefix

    Raises MissingBucket.
    """
    with state.lock("s3"):
        _bucket(account, bucket)
        if isinstance(body, Path):
            moved = new_file(account)
            shutil.move(body, moved)
            body = moved
        stored = s3_backends[account][PARTITION].put_object(bucket, key, body)
        stored.set_metadata(
            {"Content-Type": content_type, **{f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}}
        )
        flush()
        return stored


def get(account: str, bucket: str, key: str) -> StoredKey:
    """Return the newest version of one object. Raises MissingBucket, MissingKey."""
    stored = s3_backends[account][PARTITION].get_object(bucket, key)
    if stored is None:
        raise MissingKey(key=key)
    return stored


def objects(account: str, bucket: str, prefix: str = "") -> list[StoredKey]:
    """Return the newest versions of all objects under a prefix, in the order of their keys. Raises MissingBucket."""
    with state.lock("s3"):
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
    """Delete one object as DeleteObject does; one that is not there is no error. Raises MissingBucket."""
    with state.lock("s3"):
        _bucket(account, bucket)
        s3_backends[account][PARTITION].delete_object(bucket, key)
        flush()


def exists(account: str, bucket: str) -> bool:
    """Tell whether an account can reach a bucket."""
    try:
        _bucket(account, bucket)
    except MissingBucket:
        return False
    return True
