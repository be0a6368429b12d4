"""Compressed text files, unpacked for reading.

Source: "Supported file types for data sources" of the guide: .gz .snappy .lz4 .bz2 .deflate for CSV and JSON; the extension says which.
"""

import bz2
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .errors import DataRefused
from .frame import Workspace

if TYPE_CHECKING:
    from .datasets import File

_CHUNK = 1 << 20
_PACKED = (".gz", ".bz2", ".deflate", ".lz4", ".snappy")


@contextmanager
def plain_files(workspace: Workspace, files: "Sequence[File]", suffix: str) -> "Iterator[list[File]]":
    """The files without compression; what had to be unpacked is deleted at the end.

    Raises
    ------
    DataRefused : a file is broken.
    """
    if not any(file.name.lower().endswith(_PACKED) for file in files):
        yield list(files)
        return
    scratch = workspace.scratch()
    if scratch is None:
        raise DataRefused("Compressed text can't be read without a folder to unpack it into.")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        yield [_plain(file, Path(folder) / f"{n}{suffix}") for n, file in enumerate(files)]


def _plain(file: "File", target: Path) -> "File":
    kind = next((end for end in _PACKED if file.name.lower().endswith(end)), None)
    if kind is None:
        return file
    try:
        with file.path.open("rb") as source, target.open("wb") as out:
            _unpack(kind, source, out)
    except (OSError, EOFError, zlib.error, ValueError, struct.error):
        raise DataRefused(f"The file {file.name} can't be unpacked: it is broken or not {kind[1:]}.") from None
    return file._replace(path=target)


def _unpack(kind: str, source: BinaryIO, out: BinaryIO) -> None:
    if kind in (".gz", ".deflate"):
        _inflate(source, out, zlib.MAX_WBITS | 16 if kind == ".gz" else zlib.MAX_WBITS)
    elif kind == ".bz2":
        with bz2.open(source) as content:
            shutil.copyfileobj(content, out, _CHUNK)
    elif kind == ".lz4":
        import pyarrow as pa

        with pa.CompressedInputStream(pa.PythonFile(source), "lz4") as content:
            while block := content.read(_CHUNK):
                out.write(block)
    else:
        _snappy_blocks(source, out)


def _inflate(source: BinaryIO, out: BinaryIO, bits: int) -> None:
    """zlib's or gzip's format, several members one after the other too."""
    unpacker = zlib.decompressobj(bits)
    while chunk := source.read(_CHUNK):
        while chunk:
            out.write(unpacker.decompress(chunk))
            chunk = unpacker.unused_data
            if chunk:
                unpacker = zlib.decompressobj(bits)
    out.write(unpacker.flush())
    if not unpacker.eof:
        raise EOFError


def _snappy_blocks(source: BinaryIO, out: BinaryIO) -> None:
    """Hadoop's form of Snappy: a block's length, then chunks, each with its packed length."""
    import pyarrow as pa

    codec = pa.Codec("snappy")
    while head := source.read(4):
        left = struct.unpack(">I", head)[0]
        while left > 0:
            packed = source.read(struct.unpack(">I", source.read(4))[0])
            size = _snappy_size(packed)
            if size == 0 or size > left:
                raise ValueError("not Snappy")
            out.write(codec.decompress(packed, size).to_pybytes())
            left -= size


def _snappy_size(packed: bytes) -> int:
    """The unpacked length that a raw Snappy chunk begins with."""
    size = 0
    for shift, byte in enumerate(packed[:5]):
        size |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return size
    raise ValueError("not Snappy")
