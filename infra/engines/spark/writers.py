"""Writers of one path take turns, in all drivers of a server.

Spark's committer keeps the files of a write that is under way in `<path>/_temporary/0`, which is the same for every driver, and who ends
first deletes it: the other's write would fail, or lose files. (On AWS the committers of S3A and EMRFS need no such folder. S3A's are for
Parquet in spark-hadoop-cloud, which is not among pyspark's jars.) A lock ends with its process, kill -9 included.
"""

import fcntl
import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

METHODS = ("save", "parquet", "json", "csv", "orc", "text", "insertInto", "saveAsTable")  # of DataFrameWriter


def install(folder: Path) -> None:
    """Let all writes of this process take turns with those of other processes.

    Args:
        folder: where the lock files are, the same for all drivers of a server.
    """
    from pyspark.sql import DataFrameWriter

    folder.mkdir(exist_ok=True)
    for name in METHODS:
        setattr(DataFrameWriter, name, _in_turn(getattr(DataFrameWriter, name), folder))


def _in_turn(write: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    @functools.wraps(write)
    def in_turn(writer: Any, *args: Any, **kwargs: Any) -> Any:
        named = (kwargs[name] for name in ("path", "name", "tableName") if name in kwargs)
        target = args[0] if args else next(named, None)  # none: it is an option of the writer
        with _lock(folder, target or ""):
            return write(writer, *args, **kwargs)

    return in_turn


@contextmanager
def _lock(folder: Path, target: str) -> Iterator[None]:
    place = target.replace("s3a://", "s3://").replace("s3n://", "s3://").rstrip("/")
    with (folder / hashlib.sha256(place.encode()).hexdigest()[:16]).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
