"""The hash of Iceberg's bucket transform. Source: https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements"""

from __future__ import annotations

import struct

import mmh3


def iceberg_hash_number(value: int) -> int:
    """A whole number, a date's days or a timestamp's microseconds: hashed as eight bytes."""
    return mmh3.hash(struct.pack("<q", value))


def iceberg_hash_bytes(value: bytes) -> int:
    """Bytes, or a text's in UTF-8."""
    return mmh3.hash(value)
