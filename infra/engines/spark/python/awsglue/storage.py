"""Objects below an S3 path (or files below a local one): list, put, delete."""

import json
import os
import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlparse

import boto3

from infra.globs import glob_pattern

AT_ONCE = 8


@dataclass(frozen=True)
class StoredFile:
    uri: str  # s3://bucket/key, or file:/path
    modified: int  # milliseconds since 1970
    size: int  # bytes
    storage_class: str = "STANDARD"


@cache
def s3():
    """One client for the process: making one costs more than a small request."""
    return boto3.client("s3")


def is_s3(path: str) -> bool:
    return urlparse(path).scheme in ("s3", "s3a", "s3n")


def bucket_and_key(path: str) -> tuple[str, str]:
    parsed = urlparse(path, allow_fragments=False)
    return parsed.netloc, path.split("://", 1)[1].partition("/")[2]


def local(path: str) -> Path:
    return Path(urlparse(path).path if path.startswith("file:") else path)


def files(path: str, recurse: bool = True) -> list[StoredFile]:
    """Data files below a path, sorted by name; names that start with `_` or `.` are no data (as for Spark).

    Args:
        recurse: also those in folders below.
    """
    found = list(_s3_files(path) if is_s3(path) else _local_files(path))
    root = len(_folder(path))
    kept = []
    for file in found:
        inner = file.uri[root:].split("/") if file.uri.startswith(_folder(path)) else [file.uri.rsplit("/", 1)[-1]]
        if not inner[-1] or any(part.startswith(("_", ".")) for part in inner):
            continue
        if recurse or len(inner) == 1:
            kept.append(file)
    return sorted(kept, key=lambda file: file.uri)


def _folder(path: str) -> str:
    full = re.sub(r"^s3[an]:", "s3:", path) if is_s3(path) else f"file:{local(path)}"
    return full.rstrip("/") + "/"


def _s3_files(path: str) -> Iterable[StoredFile]:
    bucket, key = bucket_and_key(path)
    for page in s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key.rstrip("/")):
        for item in page.get("Contents", []):
            if item["Key"] == key or item["Key"].startswith(key.rstrip("/") + "/") or not key:
                modified = int(item["LastModified"].timestamp() * 1000)
                kind = item.get("StorageClass", "STANDARD")
                yield StoredFile(f"s3://{bucket}/{item['Key']}", modified, item["Size"], kind)


def _local_files(path: str) -> Iterable[StoredFile]:
    root = local(path)
    for file in [root] if root.is_file() else root.rglob("*"):
        if file.is_file():
            stat = file.stat()
            yield StoredFile(f"file:{file}", stat.st_mtime_ns // 1_000_000, stat.st_size)


def spark_path(file: StoredFile) -> str:
    """The file's URI as Spark's column `_metadata.file_path` has it: what java.net.URI takes for illegal is escaped."""
    return "".join(c if not c.isascii() else quote(c, safe="/;:@&=+$,-_.!~*'()") for c in file.uri)


def excluded(file: StoredFile, patterns: list[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(file.uri) for pattern in patterns)


def exclusion_patterns(option: str | list[str]) -> list[re.Pattern[str]]:
    """The globs of Glue's option `exclusions`, each for a whole address or what comes below some folder of it."""
    globs = json.loads(option) if isinstance(option, str) else option
    return [glob_pattern("{,**/}" + glob) for glob in globs]


def put_all(sources: list[tuple[Path, str]]) -> None:
    """Move local files to their places, several at once; a place is `s3://…` or a local path."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda pair: _put(*pair), sources))


def _put(source: Path, target: str) -> None:
    if is_s3(target):
        bucket, key = bucket_and_key(target)
        with source.open("rb") as body:
            s3().upload_fileobj(body, bucket, key)
        return
    place = local(target)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    shutil.move(source, part)
    os.replace(part, place)


def put_text(target: str, text: str) -> None:
    if is_s3(target):
        bucket, key = bucket_and_key(target)
        s3().put_object(Bucket=bucket, Key=key, Body=text.encode())
    else:
        local(target).parent.mkdir(parents=True, exist_ok=True)
        local(target).write_text(text)


def delete(found: list[StoredFile]) -> list[StoredFile]:
    """Delete files and return those that could not be deleted."""
    failed = []
    by_bucket: dict[str, list[StoredFile]] = {}
    for file in found:
        if is_s3(file.uri):
            by_bucket.setdefault(bucket_and_key(file.uri)[0], []).append(file)
        else:
            local(file.uri).unlink(missing_ok=True)
    for bucket, members in by_bucket.items():
        keys = {bucket_and_key(file.uri)[1]: file for file in members}
        for start in range(0, len(members), 1000):
            batch = list(keys)[start : start + 1000]
            answer = s3().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch]})
            failed += [keys[error["Key"]] for error in answer.get("Errors", [])]
    return failed
