"""Tables whose location holds manifests: text files that name the files to read, a line each.

Delta's `symlink_format_manifest` and the `hive` folder of S3 Inventory are such.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-athena-query.html
"""

from __future__ import annotations

from infra.engines.athena.errors import QueryError
from infra.local import s3
from infra.local.athena.lake import rights
from infra.local.athena.lake.files import ARCHIVED, File, split_location

INPUT = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"


def follow(account: str, region: str, manifests: list[File]) -> list[File]:
    """The files that manifests name, each as often as it is named and with its manifest's partition values.

    Raises QueryError HIVE_BAD_DATA for a line that is no S3 path, HIVE_FILE_NOT_FOUND for a file that is not there; NotAuthorized.
    """
    found: list[File] = []
    listed: set[tuple[str, str]] = set()
    for manifest in manifests:
        for line in manifest.path.read_text("utf-8", "replace").split("\n"):
            uri = line.strip()
            if not uri:
                continue
            bucket, key = _place(uri, manifest)
            parent = key[: key.rfind("/") + 1]
            if (bucket, parent) not in listed:
                rights.check_list(region, bucket, parent)
                listed.add((bucket, parent))
            file = _file(account, bucket, key, uri, manifest.values)
            rights.check_read(region, bucket, key)
            if file.size:
                found.append(file)
    return found


def _place(uri: str, manifest: File) -> tuple[str, str]:
    try:
        bucket, key = split_location(uri)
    except QueryError:
        bucket, key = "", ""
    if not bucket or not key:
        raise QueryError("HIVE_BAD_DATA", f"Error parsing symlinks from: {manifest.uri.rpartition('/')[0]}")
    return bucket, key


def _file(account: str, bucket: str, key: str, uri: str, values: tuple[str | None, ...]) -> File:
    try:
        stored = s3.get(account, bucket, key)
    except (s3.MissingBucket, s3.MissingKey):
        stored = None
    if stored is None or stored.storage_class in ARCHIVED:
        raise QueryError(
            "HIVE_FILE_NOT_FOUND",
            f"Manifest file from the location [{uri.rpartition('/')[0]}] contains non-existent path: {uri}",
        )
    return File(stored.path, f"s3://{bucket}/{key}", stored.size, stored.last_modified.timestamp(), values)
