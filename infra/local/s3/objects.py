"""Amazon S3: objects and the parts of uploads are files, buckets and all other settings are moto's.

A put is acknowledged when its file is written and store.py has noted it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from moto.core.utils import utcnow
from moto.s3.models import FakeKey, s3_backends
from moto.utilities.utils import LowercaseDict

from infra.local.core import state
from infra.local.s3 import encryption
from infra.local.s3.encryption import CustomerKey
from infra.local.s3.store import Store, write_file

BACKENDS = s3_backends
PARTITION = "aws"
COPY_BYTES = 1 << 20
DEFAULT_METADATA = LowercaseDict({"Content-Type": "binary/octet-stream"})

open_stores: dict[str, Store] = {}
unsaved: dict[str, dict[tuple[str, str], Any]] = defaultdict(
    dict
)  # account → (bucket, key) of what differs from what is stored → its upload
garbage_of: dict[str, list[str]] = defaultdict(
    list
)  # account → files of replaced and deleted objects, until that is stored
opening = threading.Lock()


# --- what is stored -------------------------------------------------------------------------------------------------


def store(account: str) -> Store:
    """Return the store of an account; it is made if it is not there."""
    found = open_stores.get(account)
    if found is None:
        with opening:
            found = open_stores.get(account)
            if found is None:
                found = open_stores[account] = Store(state.folder("s3", account, PARTITION))
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
        multipart: Any = None,  # its parts are in `value` already
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
        if hasattr(multipart, "completed"):  # an upload; what moto copies an object from says of its parts only
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
            garbage_of[self.account_id].append(old)

    @property
    def file_path(self) -> str:
        """Return the path of the file with the bytes; as text, for those who only open it."""
        return store(self.account_id).path(self.file)

    @property
    def path(self) -> Path:
        return Path(self.file_path)

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
            garbage_of[self.account_id].append(self.file)
            self.disposed = True

    def __del__(self) -> None:
        pass
