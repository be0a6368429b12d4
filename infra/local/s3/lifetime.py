"""S3 from start to stop: buckets whose settings were lost, accounts that are emptied, and the end."""

from __future__ import annotations

from typing import Any

from moto.s3.models import s3_backends

from infra.local.core import state
from infra.local.s3 import notifications
from infra.local.s3.buckets import flush
from infra.local.s3.objects import PARTITION, garbage_of, open_stores, opening, store, unsaved


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
        unsaved.pop(account, None)
        garbage_of.pop(account, None)
        with opening:
            if (opened := open_stores.pop(account, None)) is not None:
                opened.close()


def stop() -> None:
    notifications.stop()
    for account in list(open_stores):
        flush(account)
        open_stores.pop(account).close()


def carry(live: Any, stored: Any) -> None:
    """Let the names of buckets, which are the whole world's, be nobody's where their creation was refused."""
    for name in live.buckets.keys() - stored.buckets.keys():
        s3_backends.bucket_accounts.pop(name, None)
