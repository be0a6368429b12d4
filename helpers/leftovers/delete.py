"""Delete what of the workshop is left, in the order that works, and tell what could not be deleted and what to do."""

from __future__ import annotations

import time
from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError

from helpers.leftovers.find import Item, find
from helpers.stacks import StackFailed

GONE = (
    "ResourceNotFoundException",
    "EntityNotFoundException",
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
)
BUSY_SECONDS, PAUSE = 120.0, 1.0
BUSY = {  # what a service says while something is still under way, which ends by itself
    "CrawlerRunningException", "CrawlerStoppingException", "ResourceInUseException", "ResourceConflictException",
    "ConcurrentModificationException", "ConflictException", "OperationAbortedException", "IllegalSessionStateException",
}  # fmt: skip
REMEDIES = {
    "BucketNotEmpty": "something still writes into it: look for a delivery stream or a job that runs, then repeat",
    "AccessDenied": "your identity may not delete it: ask the account's administrator",
    "AccessDeniedException": "your identity may not delete it: ask the account's administrator",
}


def delete_all(session: boto3.Session, tell: Callable[[str], None] = print) -> list[tuple[Item, str]]:
    """Delete everything of the workshop that `find` finds, and return what could not be deleted, with the reason.

    A thing that is busy (a crawler that runs, an application that starts) is tried again for two minutes. It can be called again.

    Parameters
    ----------
    session: the account and region
    tell: called with a line for each thing
    """
    failed: list[tuple[Item, str]] = []
    done: set[tuple[str, str]] = set()
    while True:  # a deleted stack takes much with it: look again, until nothing new is found
        todo = [item for item in find(session) if (item.kind, item.name) not in done]
        if not todo:
            return failed
        first = todo[0].order
        for item in (each for each in todo if each.order == first):
            done.add((item.kind, item.name))
            reason = _delete(item)
            tell(
                f"{'NOT deleted' if reason else 'deleted':<12}{item.kind}: {item.name}{f' ({reason})' if reason else ''}"
            )
            if reason:
                failed.append((item, reason))


def _delete(item: Item) -> str:
    """Delete one thing; return why it could not be deleted, "" when it is gone."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            item.delete()
            return ""
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            if code in GONE or "NonExistent" in code:
                return ""
            if code not in BUSY or time.monotonic() > deadline:
                return f"{code}: {message}{f' → {REMEDIES[code]}' if code in REMEDIES else ''}"
        except StackFailed as error:
            return f"{error} → mend what it names, then repeat"
        time.sleep(PAUSE)
