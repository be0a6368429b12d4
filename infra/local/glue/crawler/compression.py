"""The text of a file that may be compressed: as much of it as is needed."""

from __future__ import annotations

import bz2
import io
import zipfile
import zlib
from typing import BinaryIO

from infra.local.glue.crawler.content import MOST_SAMPLE_BYTES


def text_of(file: BinaryIO, sample: int) -> tuple[bytes, str, int]:
    """Return the uncompressed start of a file, its compression, and how many bytes of the file that took."""
    file.seek(0)
    raw = file.read(sample)
    if raw[:2] == b"\x1f\x8b":
        text, consumed = _inflate(raw, sample)
        return text, "gzip", consumed
    if raw[:3] == b"BZh":
        return _bunzip(raw), "bzip2", len(raw)
    if raw[:4] == b"PK\x03\x04":
        return _unzip(file, sample)
    return raw, "none", len(raw)


def _inflate(raw: bytes, sample: int) -> tuple[bytes, int]:
    """Return the start of what a gzip file holds, and how many bytes of it that took.

    A file that is cut off or damaged gives what comes before the damage.
    """
    out = bytearray()
    left = raw
    while left and len(out) < sample:
        stream = zlib.decompressobj(wbits=31)
        try:
            out += stream.decompress(left, sample - len(out))
        except zlib.error:
            return bytes(out), len(raw)
        if not stream.eof:
            left = stream.unconsumed_tail
            break
        left = stream.unused_data  # the next member
    return bytes(out), len(raw) - len(left)


def _bunzip(raw: bytes) -> bytes:
    try:
        return bz2.BZ2Decompressor().decompress(raw, MOST_SAMPLE_BYTES)
    except OSError:
        return b""


def _unzip(file: BinaryIO, sample: int) -> tuple[bytes, str, int]:
    """A ZIP archive is read when it holds one file, as on AWS."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) != 1:
                return b"", "zip", sample
            with archive.open(members[0]) as member:
                text = member.read(sample)
            share = max(1, len(text) * members[0].compress_size // max(1, members[0].file_size))
            whole = len(text) == members[0].file_size
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        return b"", "zip", sample
    return text, "zip", file.seek(0, io.SEEK_END) if whole else share
