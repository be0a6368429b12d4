"""The objects of tables: where they are, and how their files are written into DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import literal

ARCHIVED = {"GLACIER", "DEEP_ARCHIVE"}  # the storage classes whose objects Athena leaves out


class File(NamedTuple):
    """An object of a table: its file, URI, bytes, time of change, and the values of its partition."""

    path: Path
    uri: str
    size: int
    modified: float
    values: tuple[str | None, ...]


class Source(NamedTuple):
    """Files that are read in one way."""

    format: str
    compression: str
    serde: dict[str, str]  # the SerDe's parameters
    parameters: dict[str, str]  # the table's
    files: list[File]


def split_location(location: str) -> tuple[str, str]:
    """The bucket and the key prefix of an s3:// location. Raises QueryError for other places."""
    scheme, _, rest = location.partition("://")
    if scheme not in ("s3", "s3a", "s3n") or not rest:
        raise QueryError("HIVE_METASTORE_ERROR", f"The location of the table is not an S3 path: {location}")
    bucket, _, key = rest.partition("/")
    return bucket, key


def folder(location: str) -> tuple[str, str]:
    """The bucket of a location and its prefix as a folder, with one slash at the end."""
    bucket, key = split_location(location)
    return bucket, key.rstrip("/") + "/" if key.strip("/") else ""


def is_hidden(key: str, prefix: str) -> bool:
    """Whether Athena skips an object: some part of its name below the table starts with _ or a dot."""
    return any(part.startswith(("_", ".")) for part in key[len(prefix) :].split("/"))


def absent(duck: str) -> str:
    """NULL for a column that files do not have. DuckDB 2.0 fails to fold some macros over a constant NULL, so it is none."""
    return f"TRY_CAST(CASE WHEN filename = '' THEN '' END AS {duck})"


def paths(files: Iterable[File]) -> str:
    return "[" + ", ".join(literal(str(file.path)) for file in files) + "]"
