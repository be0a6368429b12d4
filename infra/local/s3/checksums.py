"""Checksums of an object that comes in parts, read from files piece by piece.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PIECE_BYTES = 1 << 20
HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256}
COMPUTED = {
    "CRC32",
    *HASHES,
}  # the others need a library that is not here: S3's clients check what they are told, so nothing is told


class OfParts:
    """The checksum of a completed upload: of its parts' checksums, or of the whole object.

    Parameters
    ----------
    algorithm: CRC32, SHA1, SHA256; others give no result
    kind: COMPOSITE (of the parts' checksums) or FULL_OBJECT; the first by default
    """

    def __init__(self, algorithm: str, kind: str | None):
        self.algorithm, self.kind = algorithm, kind or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
        self._digests = b""
        self._whole = _Running(algorithm) if algorithm in COMPUTED else None
        self._parts = 0

    def add(self, path: Path) -> None:
        """Take the file of the next part."""
        self._parts += 1
        if self._whole is None:
            return
        if self.kind == "FULL_OBJECT":
            for piece in _pieces(path):
                self._whole.update(piece)
            return
        own = _Running(self.algorithm)
        for piece in _pieces(path):
            own.update(piece)
        self._digests += own.digest()

    def result(self) -> tuple[str, str, int] | None:
        """Return kind, checksum in base64 and number of parts; None where it cannot be told."""
        if self._whole is None:
            return None
        if self.kind == "FULL_OBJECT":
            return self.kind, base64.b64encode(self._whole.digest()).decode(), 1
        self._whole.update(self._digests)
        return self.kind, base64.b64encode(self._whole.digest()).decode(), self._parts


class _Running:
    def __init__(self, algorithm: str):
        self._crc = 0
        self._hash: Any = HASHES[algorithm](usedforsecurity=False) if algorithm in HASHES else None

    def update(self, data: bytes) -> None:
        if self._hash is not None:
            self._hash.update(data)
        else:
            self._crc = zlib.crc32(data, self._crc)

    def digest(self) -> bytes:
        return self._hash.digest() if self._hash is not None else self._crc.to_bytes(4, "big")


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
