"""Checksums of what is uploaded: of bytes as they come, of files read piece by piece, and of an object that comes in parts.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from infra.local.core.refused import Refused
from infra.local.s3 import crc

PIECE_BYTES = 1 << 20
LENGTHS = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}  # algorithm → bytes of its digest
HEADER = "x-amz-checksum-"
ALGORITHM = f"{HEADER}algorithm"
NO_WHOLE = {"SHA1", "SHA256"}  # cannot be joined of parts' checksums: COMPOSITE only


class Running(Protocol):
    def update(self, data: bytes) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def running(algorithm: str) -> Running:
    """Return a checksum of one of the five algorithms, to be fed with bytes."""
    if algorithm == "CRC32":
        return _Crc32()
    if algorithm == "CRC32C":
        return crc.crc32c()
    if algorithm == "CRC64NVME":
        return crc.crc64nvme()
    return hashlib.new(algorithm.lower(), usedforsecurity=False)


def of(value: bytes | Path, algorithm: str) -> str:
    """Return the checksum of bytes or of a file, in base64."""
    checksum = running(algorithm)
    for piece in _pieces(value) if isinstance(value, Path) else (value,):
        checksum.update(piece)
    return base64.b64encode(checksum.digest()).decode()


def given(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return algorithm and checksum that a request's headers tell, None where they tell none.

    Raises
    ------
    Refused: there are several, or it is no checksum of its kind
    """
    found = [(name, headers[f"{HEADER}{name.lower()}"]) for name in LENGTHS if f"{HEADER}{name.lower()}" in headers]
    if not found:
        return None
    if len(found) > 1:
        raise Refused(400, "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")  # fmt: skip
    algorithm, value = found[0]
    if not is_valid(algorithm, value):
        raise Refused(400, "InvalidRequest", f"Value for {HEADER}{algorithm.lower()} header is invalid.")
    return algorithm, value


def is_valid(algorithm: str, value: str) -> bool:
    """Tell whether a text is a checksum of an algorithm, in base64."""
    try:
        return len(base64.b64decode(value, validate=True)) == LENGTHS[algorithm]
    except ValueError:
        return False


def unsupported() -> Refused:
    """Return S3's answer for an algorithm that it has not."""
    return Refused(400, "InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")  # fmt: skip


def kind_of(algorithm: str, asked: str | None) -> str:
    """Return whether the checksum of an upload in parts is COMPOSITE or FULL_OBJECT. Raises Refused."""
    kind = asked or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    if (kind == "COMPOSITE" and algorithm == "CRC64NVME") or (kind == "FULL_OBJECT" and algorithm in NO_WHOLE):
        raise Refused(400, "InvalidRequest", f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.")  # fmt: skip
    return kind


class OfParts:
    """The checksum of a completed upload: of its parts' checksums, or of the whole object.

    Parameters
    ----------
    algorithm: one of the five
    kind: COMPOSITE (of the parts' checksums) or FULL_OBJECT
    """

    def __init__(self, algorithm: str, kind: str | None):
        self.algorithm, self.kind = algorithm, kind_of(algorithm, kind)
        self._whole = running(algorithm)
        self._parts = 0

    def add(self, path: Path, known: str | None = None) -> None:
        """Take the file of the next part, and its checksum where it is known."""
        self._parts += 1
        if self.kind == "FULL_OBJECT":
            for piece in _pieces(path):
                self._whole.update(piece)
        else:
            self._whole.update(base64.b64decode(known or of(path, self.algorithm)))

    def result(self) -> tuple[str, str, int]:
        """Return kind, checksum in base64 and number of parts."""
        return self.kind, base64.b64encode(self._whole.digest()).decode(), self._parts


def told(stored: Any) -> str:
    """Return an object's checksum as answers tell it: with the number of its parts where it is composed of theirs."""
    return (
        f"{stored.checksum_value}-{stored.checksum_parts}"
        if stored.checksum_type == "COMPOSITE"
        else stored.checksum_value
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
