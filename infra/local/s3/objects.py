"""Amazon S3: objects and the parts of uploads are files, buckets and all other settings are moto's.

A put is acknowledged when its file is written and store.py has noted it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import threading
import time
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from moto.core.utils import utcnow
from moto.s3 import models
from moto.s3.exceptions import MissingBucket, MissingKey
from moto.s3.models import FakeBucket, FakeKey, FakeMultipart, s3_backends
from moto.s3.utils import _VersionedKeyStore
from moto.utilities.utils import LowercaseDict

from infra.local.core import state
from infra.local.s3 import acl, checksums, encryption, notifications
from infra.local.s3.encryption import CustomerKey
from infra.local.s3.store import Store, write_file

BACKENDS = s3_backends
PARTITION = "aws"
COPY_BYTES = 1 << 20
DEFAULT_METADATA = LowercaseDict({"Content-Type": "binary/octet-stream"})

_stores: dict[str, Store] = {}
_changed: dict[str, dict[tuple[str, str], Any]] = defaultdict(
    dict
)  # account → (bucket, key) of what differs from what is stored → its upload
_garbage: dict[str, list[str]] = defaultdict(
    list
)  # account → files of replaced and deleted objects, until that is stored
_opening = threading.Lock()


# --- what is stored -------------------------------------------------------------------------------------------------


def store(account: str) -> Store:
    """Return the store of an account; it is made if it is not there."""
    found = _stores.get(account)
    if found is None:
        with _opening:
            found = _stores.get(account)
            if found is None:
                found = _stores[account] = Store(state.folder("s3", account, PARTITION))
    return found


class Part(NamedTuple):
    """A part of a completed upload: its number, its bytes, and its checksum in base64 where it has one."""

    number: int
    size: int
    checksum: str | None


class Uploaded(NamedTuple):
    """The upload in parts that an object came of: asked again to complete it, S3 answers the same."""

    id: str
    parts: tuple[Part, ...] = ()


def new_file(account: str) -> Path:
    """Return a fresh path for bytes that are on their way to become an object of an account."""
    return Path(store(account).new_file())


class StoredKey(FakeKey):
    """An object whose bytes are a file. `path` is that file, `size` its bytes.

    Attributes that most objects leave at their default live on the class: 100,000 objects must fit in memory.
    """

    acl = None  # private, its owner's
    owner: str | None = None  # an account that is not the bucket's
    website_redirect_location = None
    checksum_algorithm: str | None = None
    checksum_value: str | None = None
    checksum_type: str | None = None
    checksum_parts: int | None = None
    multipart: Uploaded | None = None
    _md5: str | None = None
    encryption = "AES256"
    customer_key: CustomerKey | None = None
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
        if isinstance(multipart, StoredMultipart):
            self.multipart = Uploaded(multipart.id, multipart.completed)
            if multipart.customer_key is not None:
                self.customer_key = multipart.customer_key
            if multipart.owner is not None:
                self.owner = multipart.owner
            for name, value in multipart.lock.items():
                setattr(self, name, value)
        self.file = ""
        self._store(value)

    def _store(self, value: bytes | Path) -> None:
        old, kept = self.file, store(self.account_id)
        if isinstance(value, Path):
            self.contentsize = value.stat().st_size
            self.file = kept.keep(str(value))
        else:
            data = value.encode() if isinstance(value, str) else bytes(value)
            path = kept.new_file()
            write_file(path, data)
            self.file = kept.keep(path)
            self.contentsize = len(data)
            if self._etag is None:
                self._etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if old:
            _garbage[self.account_id].append(old)

    @property
    def path(self) -> Path:
        return Path(store(self.account_id).path(self.file))

    def linked(self) -> Path:
        """Return a second name of the file, for a copy: the bytes of an object never change."""
        path = store(self.account_id).new_file()
        try:
            os.link(self.path, path)
        except OSError:  # a file system without links
            shutil.copyfile(self.path, path)
        return Path(path)

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

    def whole_md5(self) -> str:
        """Return the MD5 of the bytes: what a copy has as its ETag, also where this object came in parts."""
        if "-" not in self.etag:
            return self.etag.strip('"')
        if self._md5 is None:
            with open(self.path, "rb") as file:
                self._md5 = hashlib.file_digest(file, "md5").hexdigest()
        return self._md5

    @property
    def response_dict(self) -> dict[str, Any]:
        """Return the headers that moto's answers have of an object."""
        kept = {name: value for name, value in super().response_dict.items() if not name.startswith(encryption.SSE)}
        return {**kept, **encryption.answered(self)}

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
        self.file = os.path.basename(values["file"])  # lakes of before have the whole path

    def dispose(self, garbage: bool = False) -> None:
        if not garbage and not self.disposed and self.file:
            _garbage[self.account_id].append(self.file)
            self.disposed = True

    def __del__(self) -> None:
        pass


class StoredMultipart(FakeMultipart):
    """An upload in parts: each part is a file and a row, and completing it joins the files."""

    joined: tuple[list[StoredKey], Path, Any] | None = None  # of these parts, made before the lock was taken
    completed: tuple[Part, ...] = ()
    customer_key: CustomerKey | None = None
    owner: str | None = None  # of the object that it will be, where that is not the bucket's account
    initiator: str | None = None  # the account that began it, where that is not the bucket's

    lock: dict[str, str] = {}  # retention and legal hold of the object that it will be
    begun = 0.0  # seconds of the epoch

    def __init__(self, *given: Any, **settings: Any):
        super().__init__(*given, **settings)
        self.begun = time.time()

    @property
    def algorithm(self) -> str | None:
        """The algorithm of the parts' checksums, None where the upload asked for none."""
        return self.metadata.get("x-amz-checksum-algorithm") or None

    @property
    def kind(self) -> str | None:
        """What the whole object's checksum is to be made of, None where the upload did not say."""
        return self.metadata.get("x-amz-checksum-type") or None

    @property
    def row(self) -> str:
        """Under what its parts are stored."""
        return f"/{self.id}"  # no bucket's name has a slash

    def set_part(self, part_id: int, value: bytes | Path) -> StoredKey:
        part: StoredKey = super().set_part(part_id, value)
        _changed[self.account_id][self.row, str(part_id)] = self
        return part

    def dispose(self) -> None:
        super().dispose()
        self._note_all()
        self.parts = {}
        self.partlist = []

    def _note_all(self) -> None:
        for number in self.parts:
            _changed[self.account_id][self.row, str(number)] = self

    def getlist(self, number: str) -> list[StoredKey] | None:
        """Return a part as the keys of a bucket return an object."""
        part = self.parts.get(int(number))
        return None if part is None else [part]

    def reset(self, number: str) -> None:
        """Take a part back to what is stored."""
        stored = store(self.account_id).read((self.row, number))
        self.parts.pop(int(number), None)
        if stored is not None:
            self.parts[int(number)] = pickle.loads(stored)[0]
        self.partlist = sorted(self.parts)

    def chosen(self, listed: list[tuple[int, str]]) -> list[StoredKey]:
        """Return the parts that a completion lists by number and ETag. Raises S3's errors."""
        if not listed:
            raise models.MalformedXML()
        parts = [self.parts.get(number) for number, _ in listed]
        for part, (_, etag) in zip(parts, listed, strict=True):
            if part is None or part.etag.strip('"') != etag.strip('"'):
                raise models.InvalidPart()
        if any(part.size < models.S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
            raise models.EntityTooSmall()
        return parts

    def join(self, parts: list[StoredKey]) -> None:
        """Make one file of parts; they do not change meanwhile, so no lock is needed."""
        checksum = checksums.OfParts(self.algorithm, self.kind) if self.algorithm else None
        if len(parts) == 1:
            target = parts[0].linked()
        else:
            target = Path(store(self.account_id).new_file())
            with open(target, "wb") as whole:
                for part in parts:
                    with open(part.path, "rb") as file:
                        shutil.copyfileobj(file, whole, COPY_BYTES)
        for part in parts if checksum else ():
            checksum.add(part.path, part.checksum_value if part.checksum_algorithm == self.algorithm else None)
        self.joined = (parts, target, checksum.result() if checksum else None)

    def complete(self, body: Iterable[tuple[int, str]]) -> tuple[Path, str, Any]:
        parts = self.chosen(list(body))
        if self.joined is None or self.joined[0] != parts:
            self.join(parts)
        assert self.joined is not None
        _, target, details = self.joined
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        numbers = {id(part): number for number, part in self.parts.items()}
        self.completed = tuple(
            Part(
                numbers[id(part)], part.size, part.checksum_value if part.checksum_algorithm == self.algorithm else None
            )
            for part in parts
        )
        self.dispose()
        return target, etag, details

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("parts", "partlist", "joined", "completed")
        }

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.parts, self.partlist = {}, []
        self.__dict__.update(values)
        if "parts" in values:  # a lake of before
            self._note_all()
            return
        for number, part in store(self.account_id).rows(self.row):
            self.parts[int(number)] = pickle.loads(part)[0]
        self.partlist = sorted(self.parts)


class StoredKeys(_VersionedKeyStore):
    """A bucket's objects by name, newest version last. Remembers what changed, and the names in order."""

    def __init__(self, account: str, bucket: str):
        super().__init__()
        self._account = account
        self._bucket = bucket
        self._names: list[str] | None = None

    def load(self) -> None:
        stored, damaged = store(self._account), []
        for name, versions in stored.rows(self._bucket):
            try:
                dict.__setitem__(self, name, pickle.loads(versions))
            except Exception:  # whatever a damaged row raises
                damaged.append(name)
        for name in damaged:
            versions = stored.of_journal((self._bucket, name))
            if versions is None:
                state.say(
                    f"What is stored of the object {name} in the bucket {self._bucket} cannot be read: it is lost."
                )
            else:
                dict.__setitem__(self, name, pickle.loads(versions))

    def reset(self, name: str) -> None:
        """Take an object back to what is stored, after a change that could not be."""
        stored = store(self._account).read((self._bucket, name))
        if stored is not None:
            dict.__setitem__(self, name, pickle.loads(stored))
        else:
            dict.pop(self, name, None)
        self._names = None

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

    @contextmanager
    def without(self, key: str, versions: list[Any]) -> Iterator[None]:
        """Within, an object seems to have only its other versions; at the end these come before them."""
        if not versions:
            yield
            return
        before = self.getlist(key)
        dict.__setitem__(self, key, [each for each in before if each not in versions])
        try:
            yield
        except Exception:
            dict.__setitem__(self, key, before)
            raise
        dict.__setitem__(self, key, [*versions, *self.getlist(key)])

    def pop(self, key: str) -> None:
        super().pop(key)
        _changed[self._account][self._bucket, key] = None
        if self._names is not None:
            del self._names[bisect_left(self._names, key)]

    def _note(self, key: str) -> None:
        _changed[self._account][self._bucket, key] = None
        if self._names is not None and key not in self:
            insort(self._names, key)


class StoredBucket(FakeBucket):
    def __init__(self, name: str, account_id: str, region_name: str, **settings: Any):
        super().__init__(name, account_id, region_name, **settings)
        self.keys = StoredKeys(account_id, name)
        self.acl = acl.canned("private", acl.Owners(account_id, account_id))

    def default_retention(self) -> str:
        """Return until when an object that is written now is retained."""
        days = (self.default_lock_days or 0) + 365 * (self.default_lock_years or 0)
        return (utcnow() + timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def get_permission(self, action: str, resource: str) -> Any:
        """Leave who may do what to core/roles and access.py: moto reads no conditions."""
        from moto.iam.access_control import PermissionResult

        return PermissionResult.PERMITTED

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


def flush(account: str) -> None:
    """Store the changed objects of an account, then remove the files that are no more. Raises OSError: then nothing has changed."""
    with state.lock("s3", account):
        changes, garbage = _changed[account], _garbage[account]
        try:
            for (bucket, name), upload in list(changes.items()):
                owner = upload if upload is not None else _keys(account, bucket)
                versions = owner.getlist(name) if owner is not None else None
                stored = pickle.dumps(versions, protocol=pickle.HIGHEST_PROTOCOL) if versions else None
                store(account).write((bucket, name), stored)
                del changes[bucket, name]
        except OSError:
            for (bucket, name), upload in changes.items():
                owner = upload if upload is not None else _keys(account, bucket)
                if owner is not None:
                    owner.reset(name)
            changes.clear()
            garbage.clear()  # they are objects still; what was new is removed at the next start
            raise
        while garbage:
            with suppress(FileNotFoundError):
                os.unlink(store(account).path(garbage.pop()))


def _keys(account: str, bucket: str) -> StoredKeys | None:
    found = s3_backends[account][PARTITION].buckets.get(bucket)
    return None if found is None else found.keys


def resume() -> None:
    """Bring back buckets whose settings were lost, remove what is past, and go on with notifications."""
    accounts = set(s3_backends.keys()) | {path.parent.parent.name for path in state.root().glob(f"*/{PARTITION}/s3")}
    for account in sorted(accounts):
        _bring_back(account)
        flush(account)
        _, aside = store(account).tidy()
        if aside:
            state.say(
                f"{aside} files of S3 in account {account} belong to no object that is known; they were set aside in "
                f"{store(account).folder / 'set-aside'}."
            )
    notifications.resume(sorted(accounts))


def _bring_back(account: str) -> None:
    """Make the buckets of stored objects whose own settings could not be read."""
    backend = s3_backends[account][PARTITION]
    lost = [name for name in store(account).buckets() if not name.startswith("/") and name not in backend.buckets]
    for name in lost:
        if s3_backends.bucket_accounts.get(name) == (
            PARTITION,
            account,
        ):  # told by settings of which a part could be read
            del s3_backends.bucket_accounts[name]
        bucket = backend.create_bucket(name, "us-east-1")
        bucket.keys.load()
        state.say(f"The settings of the bucket {name} in account {account} were lost; its objects are there.")
    if lost:
        state.save("s3", account, PARTITION)


def forget(account: str) -> None:
    """Let go of the files of an account that is emptied."""
    with state.lock("s3", account):
        for bucket in [name for name, (_, owner) in list(s3_backends.bucket_accounts.items()) if owner == account]:
            del s3_backends.bucket_accounts[bucket]
        _changed.pop(account, None)
        _garbage.pop(account, None)
        with _opening:
            if (opened := _stores.pop(account, None)) is not None:
                opened.close()


def stop() -> None:
    notifications.stop()
    for account in list(_stores):
        flush(account)
        _stores.pop(account).close()


def changed(account: str, bucket: str, name: str) -> None:
    """Note that an operation of moto's changed an object in place (tags, ACL, retention, restore)."""
    owner = s3_backends.bucket_accounts.get(bucket, (PARTITION, account))[1]
    _changed[owner][bucket, name] = None


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
    account: its twelve digits
    bucket: its name, without s3://
    key: of the object, as text
    body: the bytes, or a file that is moved in
    content_type: a media type
    metadata: user metadata without the `x-amz-meta-` prefix

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
        stored = s3_backends[account][PARTITION].put_object(bucket, key, body)
        stored.set_metadata(
            {"Content-Type": content_type, **{f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}}
        )
        flush(account)
        return stored


def carry(live: Any, stored: Any) -> None:
    """Let the names of buckets, which are the whole world's, be nobody's where their creation was refused."""
    for name in live.buckets.keys() - stored.buckets.keys():
        s3_backends.bucket_accounts.pop(name, None)


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
