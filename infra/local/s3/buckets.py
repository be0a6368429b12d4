"""Buckets: their objects by name, and how what has changed of them is stored."""

from __future__ import annotations

import os
import pickle
from bisect import bisect_left, insort
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.s3.models import FakeBucket, s3_backends
from moto.s3.utils import _VersionedKeyStore

from infra.local.core import state
from infra.local.s3 import acl, notifications
from infra.local.s3.objects import PARTITION, garbage_of, store, unsaved


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
            before = stored.of_journal((self._bucket, name))
            if before is None:
                state.say(
                    f"What is stored of the object {name} in the bucket {self._bucket} cannot be read: it is lost."
                )
            else:
                dict.__setitem__(self, name, pickle.loads(before))

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
        unsaved[self._account][self._bucket, key] = None
        if self._names is not None:
            del self._names[bisect_left(self._names, key)]

    def _note(self, key: str) -> None:
        unsaved[self._account][self._bucket, key] = None
        if self._names is not None and key not in self:
            insort(self._names, key)


class StoredBucket(FakeBucket):
    lifecycle: bytes | None = None  # the document; None where there is none, or it is one of moto's, of an older lake

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
        changes, garbage = unsaved[account], garbage_of[account]
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


def is_tagged(account: str, bucket: str, key: str) -> bool:
    """Tell whether the object that a put will replace has tags: they go with it, and are stored with the buckets' settings."""
    backend = s3_backends[account][PARTITION]
    return bool(backend.tagger.has_tags(f"arn:{PARTITION}:s3:::{bucket}/{key}/null"))


def store_put(account: str, was_tagged: bool) -> None:
    """Store what a put has changed; the caller holds the account's lock. Raises OSError."""
    if was_tagged:
        state.save("s3", account, PARTITION)
    else:
        flush(account)


def _keys(account: str, bucket: str) -> StoredKeys | None:
    found: Any = dict.get(s3_backends[account][PARTITION].buckets, bucket)  # its objects are stored elsewhere
    return None if found is None else found.keys


def changed(account: str, bucket: str, name: str) -> None:
    """Note that an operation of moto's changed an object in place (tags, ACL, retention, restore)."""
    owner = s3_backends.bucket_accounts.get(bucket, (PARTITION, account))[1]
    unsaved[owner][bucket, name] = None
