"""Bytes: base 32 and 64, numbers in bytes, checksums and hashes."""

import base64
import hashlib
import hmac
import struct
import zlib

from infra.engines.athena.functions.refusing import bad_argument


def reversed_bytes(data: bytes) -> bytes:
    return bytes(reversed(data))


def crc32(data: bytes) -> int:
    return zlib.crc32(data)


_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def from_base32(text: str) -> bytes:
    plain = text.rstrip("=")
    if len(plain) % 8 in (1, 3, 6):
        raise bad_argument(f"Invalid input length {len(plain)}")
    odd = next((c for c in plain if c not in _BASE32), None)
    if odd:
        raise bad_argument(f"Unrecognized character: {odd}")
    return base64.b32decode(plain + "=" * (-len(plain) % 8))


def to_base32(data: bytes) -> str:
    return base64.b32encode(data).decode()


def from_base64url(text: str) -> bytes:
    odd = next((c for c in text if not (c.isascii() and (c.isalnum() or c in "-_="))), None)
    if odd:
        raise bad_argument(f"Illegal base64 character {ord(odd):x}")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise bad_argument("Input byte array has wrong 4-byte ending unit") from None


def to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def from_bytes(data: bytes, layout: str) -> str:
    size = struct.calcsize(layout)
    if len(data) != size:
        said = f"expected {size}-byte input, but got instead: {len(data)}"
        raise bad_argument(
            f"Input floating-point value must be exactly {size} bytes long" if layout[1] in "fd" else said
        )
    return str(struct.unpack(layout, data)[0])


def whole_bytes(value: int, layout: str) -> bytes:
    return struct.pack(layout, value)


def float_bytes(value: float, layout: str) -> bytes:
    return struct.pack(layout, value)


def hmac_bytes(data: bytes, key: bytes, algorithm: str) -> bytes:
    return hmac.new(key, data, algorithm).digest()


def sha512_bytes(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
)  # fmt: skip
_MASK = 2**64 - 1


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def xxhash(data: bytes) -> int:
    """xxHash64 with seed 0 (https://github.com/Cyan4973/xxHash, the algorithm's description)."""
    at, size = 0, len(data)
    if size >= 32:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        while at <= size - 32:
            lanes = [_round(a, w) for a, w in zip(lanes, struct.unpack_from("<4Q", data, at), strict=True)]
            at += 32
        found = sum(_rotated(a, n) for a, n in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            found = ((found ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        found = _P5
    found = (found + size) & _MASK
    while at <= size - 8:
        found = (_rotated(found ^ _round(0, struct.unpack_from("<Q", data, at)[0]), 27) * _P1 + _P4) & _MASK
        at += 8
    if at <= size - 4:
        found = (_rotated(found ^ (struct.unpack_from("<I", data, at)[0] * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        found = _rotated(found ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    for shift, prime in ((33, _P2), (29, _P3), (32, 1)):
        found = (found ^ (found >> shift)) * prime & _MASK
    return found


def xxhash64(data: bytes) -> bytes:
    return struct.pack(">Q", xxhash(data))


def checksum_of(values: list[bytes | None]) -> bytes:
    """Trino's checksum(): order does not matter, a NULL counts as the prime itself."""
    total = sum(_P1 if v is None else xxhash(v) * _P1 for v in values)
    return struct.pack("<Q", total & _MASK)
