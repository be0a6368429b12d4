"""Uploads in parts: each part is a file and a row, and completing one joins the files."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from moto.s3 import models
from moto.s3.models import FakeMultipart

from infra.local.s3 import checksums
from infra.local.s3.encryption import CustomerKey
from infra.local.s3.objects import COPY_BYTES, Part, StoredKey, store, unsaved


class StoredMultipart(FakeMultipart):
    """An upload in parts: each part is a file and a row, and completing it joins the files."""

    joined: tuple[list[StoredKey], Path, Any] | None = None  # of these parts, made before the lock was taken
    completed: tuple[Part, ...] = ()
    customer_key: CustomerKey | None = None
    owner: str | None = None  # of the object that it will be, where that is not the bucket's account
    initiator: str | None = None  # the account that began it, where that is not the bucket's

    lock: dict[str, str] = {}  # retention and legal hold of the object that it will be
    begun = 0.0  # seconds of the epoch

    def __init__(self, *given: Any, **settings: Any):
        super().__init__(*given, **settings)
        self.begun = time.time()

    @property
    def algorithm(self) -> str | None:
        """The algorithm of the parts' checksums, None where the upload asked for none."""
        return self.metadata.get("x-amz-checksum-algorithm") or None

    @property
    def kind(self) -> str | None:
        """What the whole object's checksum is to be made of, None where the upload did not say."""
        return self.metadata.get("x-amz-checksum-type") or None

    @property
    def row(self) -> str:
        """Under what its parts are stored."""
        return f"/{self.id}"  # no bucket's name has a slash

    def set_part(self, part_id: int, value: bytes | Path) -> StoredKey:
        part: StoredKey = super().set_part(part_id, value)
        unsaved[self.account_id][self.row, str(part_id)] = self
        return part

    def dispose(self) -> None:
        super().dispose()
        self._note_all()
        self.parts.clear()
        self.partlist.clear()

    def _note_all(self) -> None:
        for number in self.parts:
            unsaved[self.account_id][self.row, str(number)] = self

    def getlist(self, number: str) -> list[StoredKey] | None:
        """Return a part as the keys of a bucket return an object."""
        part = self.parts.get(int(number))
        return None if part is None else [part]

    def reset(self, number: str) -> None:
        """Take a part back to what is stored."""
        stored = store(self.account_id).read((self.row, number))
        self.parts.pop(int(number), None)
        if stored is not None:
            self.parts[int(number)] = pickle.loads(stored)[0]
        self.partlist = sorted(self.parts)

    def chosen(self, listed: list[tuple[int, str]]) -> list[StoredKey]:
        """Return the parts that a completion lists by number and ETag. Raises S3's errors."""
        if not listed:
            raise models.MalformedXML()
        parts: list[StoredKey] = []
        for number, etag in listed:
            part = self.parts.get(number)
            if part is None or part.etag.strip('"') != etag.strip('"'):
                raise models.InvalidPart()
            parts.append(part)
        if any(part.size < models.S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
            raise models.EntityTooSmall()
        return parts

    def join(self, parts: list[StoredKey]) -> None:
        """Make one file of parts; they do not change meanwhile, so no lock is needed."""
        checksum = checksums.OfParts(self.algorithm, self.kind) if self.algorithm else None
        if len(parts) == 1:
            target = parts[0].linked()
        else:
            target = Path(store(self.account_id).new_file())
            with open(target, "wb") as whole:
                for part in parts:
                    with open(part.path, "rb") as file:
                        shutil.copyfileobj(file, whole, COPY_BYTES)
        if checksum is not None:
            for part in parts:
                checksum.add(part.path, part.checksum_value if part.checksum_algorithm == self.algorithm else None)
        self.joined = (parts, target, checksum.result() if checksum else None)

    def complete(self, body: Iterable[tuple[int, str]]) -> tuple[Path, str, Any]:
        parts = self.chosen(list(body))
        if self.joined is None or self.joined[0] != parts:
            self.join(parts)
        assert self.joined is not None
        _, target, details = self.joined
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        numbers = {id(part): number for number, part in self.parts.items()}
        self.completed = tuple(
            Part(
                numbers[id(part)], part.size, part.checksum_value if part.checksum_algorithm == self.algorithm else None
            )
            for part in parts
        )
        self.dispose()
        return target, etag, details

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("parts", "partlist", "joined", "completed")
        }

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.parts, self.partlist = {}, []
        self.__dict__.update(values)
        if "parts" in values:  # a lake of before
            self._note_all()
            return
        for number, part in store(self.account_id).rows(self.row):
            self.parts[int(number)] = pickle.loads(part)[0]
        self.partlist = sorted(self.parts)
