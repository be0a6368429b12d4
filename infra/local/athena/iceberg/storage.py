"""pyiceberg's files are objects of S3, read and written as whoever runs the statement."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

from pyiceberg.io import FileIO, InputFile, OutputFile

from infra.local import s3
from infra.local.athena.lake import rights
from infra.local.athena.lake.files import split_location


class LakeIO(FileIO):
    """The S3 of an account. pyiceberg reads manifests in threads of its own, so the rights are those of the thread that made this."""

    def __init__(self, account: str, region: str):
        super().__init__({})
        self.account, self.region, self._context = account, region, copy_context()

    def new_input(self, location: str) -> InputFile:
        return _Input(self, location)

    def new_output(self, location: str) -> OutputFile:
        return _Output(self, location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        bucket, key = split_location(location if isinstance(location, str) else location.location)
        self.checked(rights.check_delete, bucket, key)
        s3.delete(self.account, bucket, key)

    def checked(self, check: Any, bucket: str, key: str) -> None:
        self._context.copy().run(check, self.region, bucket, key)

    def stored(self, location: str) -> s3.StoredKey:
        """The object at a location. Raises FileNotFoundError, NotAuthorized."""
        bucket, key = split_location(location)
        self.checked(rights.check_read, bucket, key)
        with _missing(location):
            return s3.get(self.account, bucket, key)

    def put(self, location: str, body: Any) -> None:
        """Store bytes, or a file that is moved in. Raises FileNotFoundError, NotAuthorized."""
        bucket, key = split_location(location)
        self.checked(rights.check_write, bucket, key)
        with _missing(location):
            s3.put(self.account, bucket, key, body, content_type="application/octet-stream")


@contextlib.contextmanager
def _missing(location: str) -> Iterator[None]:
    try:
        yield
    except (s3.MissingBucket, s3.MissingKey):
        raise FileNotFoundError(location) from None


class _Input(InputFile):
    def __init__(self, files: LakeIO, location: str):
        super().__init__(location)
        self._files = files

    def __len__(self) -> int:
        return self._files.stored(self.location).size

    def exists(self) -> bool:
        try:
            self._files.stored(self.location)
        except FileNotFoundError:
            return False
        return True

    def open(self, seekable: bool = True) -> Any:
        return open(self._files.stored(self.location).path, "rb")


class _Output(OutputFile):
    def __init__(self, files: LakeIO, location: str):
        super().__init__(location)
        self._files = files

    def __len__(self) -> int:
        return len(self.to_input_file())

    def exists(self) -> bool:
        return self.to_input_file().exists()

    def to_input_file(self) -> InputFile:
        return _Input(self._files, self.location)

    def create(self, overwrite: bool = False) -> Any:
        if not overwrite and self.exists():
            raise FileExistsError(self.location)
        return _Stream(self._files, self.location)


class _Stream(io.BytesIO):
    """Bytes that are an object once they are closed."""

    def __init__(self, files: LakeIO, location: str):
        super().__init__()
        self._files, self._location = files, location

    def close(self) -> None:
        if not self.closed:
            self._files.put(self._location, self.getvalue())
        super().close()
