"""The files of a target, and what they hold. Looking takes no lock.

Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from moto.s3.exceptions import MissingBucket
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

from infra.globs import glob_pattern
from infra.local import s3
from infra.local.glue.crawler.content import SAMPLE_BYTES
from infra.local.glue.crawler.formats import read
from infra.local.glue.crawler.grouping import File, is_hidden
from infra.local.glue.crawler.plan import CrawlFailed, CrawlStopped, Plan, Target
from infra.local.glue.crawler.rights import Rights

# A crawl that has read this much looks at a shorter start of each further file, so that thousands of large files take seconds, not minutes.
ENOUGH_BYTES = 128 << 20
SHORT_SAMPLE_BYTES = 64 << 10


def target_of(account: str, rights: Rights, path: str, **settings: Any) -> Target:
    """Return the target of an include path: a folder, with or without its slash, or one file."""
    bucket, _, key = path.removeprefix("s3://").partition("/")
    if key and not key.endswith("/"):
        exact = [stored for stored in _listed(account, rights, bucket, key) if stored.name == key]
        key = key if exact else f"{key}/"
    return Target(bucket, key, **settings)


def _listed(account: str, rights: Rights, bucket: str, prefix: str) -> list[s3.StoredKey]:
    rights.check_list(bucket, prefix)
    try:
        return s3.objects(account, bucket, prefix)
    except MissingBucket:
        raise CrawlFailed(f"The S3 location s3://{bucket}/{prefix} does not exist: no such bucket.") from None


def look(plan: Plan, target: Target, stopped: Callable[[], bool], folders: Iterable[str] | None = None) -> list[File]:
    """Return the files of a target with what they hold.

    Parameters
    ----------
    stopped: tells whether the crawl is to end
    folders: only the files that lie in these key prefixes themselves

    Raises CrawlStopped, CrawlFailed, CrawlDenied.
    """
    files: list[File] = []
    sampled: dict[str, int] = defaultdict(int)
    total = 0
    for stored in wanted(plan.account, plan.rights, target, folders):
        if stopped():
            raise CrawlStopped
        folder = folder_of(stored.name)
        if target.sample_size and sampled[folder] >= target.sample_size:
            continue
        sampled[folder] += 1
        if not plan.rights.may_read(target.bucket, stored.name):
            continue
        sample = SAMPLE_BYTES if total < ENOUGH_BYTES else SHORT_SAMPLE_BYTES
        total += min(stored.size, sample)
        try:
            content = read(stored.path, stored.size, plan.classifiers, sample)
        except FileNotFoundError:
            continue  # deleted since it was listed
        files.append(File(stored.name, stored.size, content))
    return files


def wanted(account: str, rights: Rights, target: Target, folders: Iterable[str] | None) -> list[s3.StoredKey]:
    """Return the objects to look at: no folder markers, empty, hidden, archived or excluded ones."""
    patterns = [glob_pattern(pattern) for pattern in target.exclusions]
    if folders is None:
        listed = _listed(account, rights, target.bucket, target.include)
    else:
        listed = [
            stored
            for folder in sorted(folders)
            for stored in _listed(account, rights, target.bucket, folder)
            if folder_of(stored.name) == folder
        ]
    found = []
    for stored in listed:
        below = stored.name[len(target.include) :]
        if not stored.size or stored.name.endswith("/") or stored.storage_class in ARCHIVE_STORAGE_CLASSES:
            continue
        if is_hidden(below) or any(pattern.fullmatch(below) for pattern in patterns):
            continue
        found.append(stored)
    return found


def folder_of(key: str) -> str:
    """Return the key prefix of the folder that an object lies in."""
    return key[: key.rfind("/") + 1]


def warnings(found: Sequence[tuple[Target, list[File]]]) -> list[str]:
    """Return a log line for each file with lines that are not of its format."""
    return [
        f"WARN : {file.content.skipped} malformed records were skipped in s3://{target.bucket}/{file.key}"
        for target, files in found
        for file in files
        if file.content.skipped
    ]
