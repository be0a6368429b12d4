"""The bytes and lines of text files, and what tells whether DuckDB would read a file as the SerDe does."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from infra.engines.athena.errors import QueryError

CHUNK = 16 << 20
OVERLAP = 1 << 10


def opened(path: Path, compression: str) -> IO[bytes]:
    """The bytes of a file, without its compression."""
    if compression == "gzip":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if compression == "bzip2":
        return cast(IO[bytes], bz2.open(path, "rb"))
    if compression == "zstd":
        import pyarrow

        return io.BufferedReader(pyarrow.input_stream(str(path), compression="zstd"))
    if compression == "deflate":
        return io.BufferedReader(_Unpacked(_inflated(path)))
    if compression == "snappy":
        return io.BufferedReader(_Unpacked(_unsnapped(path)))
    return open(path, "rb")


class _Unpacked(io.RawIOBase):
    """Parts of bytes as a file."""

    def __init__(self, parts: Iterator[bytes]):
        self._parts, self._rest = parts, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = part
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def _inflated(path: Path) -> Iterator[bytes]:
    unpack = zlib.decompressobj()
    with open(path, "rb") as file:
        while data := file.read(CHUNK):
            yield unpack.decompress(data)
    if not unpack.eof:
        raise EOFError


def _unsnapped(path: Path) -> Iterator[bytes]:
    """Hadoop's blocks of Snappy: the size of the block, then for each of its parts the size and the bytes."""
    import pyarrow

    codec = pyarrow.Codec("snappy")
    with open(path, "rb") as file:
        while head := file.read(4):
            left = int.from_bytes(head, "big")
            while left > 0:
                size = int.from_bytes(_exactly(file, 4), "big")
                data = _exactly(file, size)
                plain = _snappy_size(data)
                yield codec.decompress(data, plain, asbytes=True)
                left -= plain


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _snappy_size(data: bytes) -> int:
    """The size of what a Snappy part holds, a number of seven bits a byte at its beginning."""
    size = 0
    for place, byte in enumerate(data[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return size
    raise EOFError


def _chunks(path: Path, compression: str) -> Iterator[bytes]:
    """The bytes of a file in chunks that overlap a little, so that a key is whole in one of them."""
    try:
        with opened(path, compression) as file:
            tail = b""
            while data := file.read(CHUNK):
                yield tail + data
                tail = data[-OVERLAP:]
    except (EOFError, zlib.error, OSError) as error:
        raise damaged(error) from None


def damaged(error: Exception) -> QueryError:
    """What Athena says about a compressed file that cannot be read to its end."""
    if isinstance(error, FileNotFoundError):
        return QueryError("HIVE_CANNOT_OPEN_SPLIT", "Error opening Hive split: The specified key does not exist")
    if isinstance(error, EOFError):
        return QueryError("HIVE_CURSOR_ERROR", "Unexpected end of input stream")
    return QueryError("HIVE_CURSOR_ERROR", "incorrect header check")


def key_forms(path: Path, compression: str, names: list[str]) -> dict[str, str | None]:
    """How a JSON file writes keys given in lower case: itself if it is not there, None if in several ways."""
    quoted = {name: json.dumps(name, ensure_ascii=False).encode() for name in names}
    variants: dict[str, set[bytes]] = {name: set() for name in names}
    for data in _chunks(path, compression):
        lowered = data.lower()
        for name, key in quoted.items():
            if lowered.count(key) != data.count(key):
                variants[name].update(re.findall(rb"(?i)(" + re.escape(key) + rb")\s*:", data))
            elif key in data:
                variants[name].add(key)
    return {
        name: json.loads(next(iter(found))) if len(found) == 1 else None if found else name
        for name, found in variants.items()
    }


def holds(path: Path, compression: str, patterns: tuple[bytes, ...]) -> bool:
    """Whether a file holds one of some byte patterns, or begins with an empty line or a byte order mark."""
    for number, data in enumerate(_chunks(path, compression)):
        if number == 0 and data.startswith((b"\n", b"\r", codecs.BOM_UTF8)):
            return True
        if any(pattern in data for pattern in patterns):
            return True
    return False


# What the lenient reader of OpenX's SerDe and DuckDB read differently, or only one of them reads.
_ODD_JSON = re.compile(
    rb"\n(?![{\n]|\Z)"  # a line that is no object
    rb"|\r(?!\n)|\\u00[4-7]"  # a line end of its own; a letter of a key as an escape
    rb"|,\s*[}\]]|-0(?![.\d])"  # a comma too much; a zero with a sign
    rb"|[:\[,]\s*-?(?:[iI]|[nN](?!ull\b))"  # NaN, Infinity
)


def odd_json(path: Path, compression: str) -> bool:
    """Whether a file of JSON lines has something that only the exact reader reads as Athena does."""
    for number, data in enumerate(_chunks(path, compression)):
        if number == 0 and not data.startswith(b"{"):
            return True
        if _ODD_JSON.search(data):
            return True
    return False


def lines(path: Path, compression: str) -> Iterator[str]:
    """The lines of a file, which end with a line feed, a carriage return or both. Raises QueryError for a damaged file."""
    try:
        with io.TextIOWrapper(opened(path, compression), encoding="utf-8-sig", errors="replace", newline=None) as file:
            for line in file:
                yield line.removesuffix("\n")
    except (EOFError, zlib.error, OSError) as error:
        raise damaged(error) from None


def without(found: Iterator[str], first: int, last: int) -> Iterator[str]:
    """Lines without some at the beginning and at the end of their file."""
    for _ in range(first):
        next(found, None)
    held: list[str] = []
    for line in found:
        held.append(line)
        if len(held) > last:
            yield held.pop(0)
