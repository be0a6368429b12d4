"""Trino's functions of probability distributions and of hashes, for each value.

Sources: https://trino.io/docs/current/functions/math.html (cumulative distribution functions) and functions/binary.html
(murmur3: MurmurHash3's x64 form of 128 bits, seed 0, as its author describes it at https://github.com/aappleby/smhasher).
"""

import math
import struct

from infra.engines.athena.errors import Refused

_ENOUGH = 1e-15
_TINY = 1e-300
_STEPS = 300
_MASK = 2**64 - 1
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def beta_cdf(a: float, b: float, value: float) -> float:
    """The share of a beta distribution that lies below a value."""
    if a <= 0 or b <= 0:
        raise Refused("INVALID_FUNCTION_ARGUMENT", "a, b must be > 0")
    if not 0 <= value <= 1:
        raise Refused("INVALID_FUNCTION_ARGUMENT", "value must be 0 >= v >= 1")
    return _incomplete_beta(a, b, value)


def inverse_beta_cdf(a: float, b: float, p: float) -> float:
    """The value below which the share `p` of a beta distribution lies."""
    if a <= 0 or b <= 0:
        raise Refused("INVALID_FUNCTION_ARGUMENT", "a, b must be > 0")
    if not 0 <= p <= 1:
        raise Refused("INVALID_FUNCTION_ARGUMENT", "p must be 0 >= p >= 1")
    if p in (0, 1):
        return float(p)
    low, high = 0.0, 1.0
    while high - low > _ENOUGH:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _incomplete_beta(a, b, middle) < p else (low, middle)
    return (low + high) / 2


def t_cdf(value: float, freedom: float) -> float:
    """The share of Student's t distribution that lies below a value."""
    if freedom <= 0:
        raise Refused("INVALID_FUNCTION_ARGUMENT", "df must be greater than 0")
    tail = _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + value * value)) / 2
    return 1 - tail if value > 0 else tail


def t_pdf(value: float, freedom: float) -> float:
    """The density of Student's t distribution at a value."""
    if freedom <= 0:
        raise Refused("INVALID_FUNCTION_ARGUMENT", "df must be greater than 0")
    half = (freedom + 1) / 2
    scale = math.lgamma(half) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(scale - half * math.log1p(value * value / freedom))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        a * math.log(x) + b * math.log1p(-x) - math.log(a) - math.lgamma(a) - math.lgamma(b) + math.lgamma(a + b)
    )
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(_STEPS):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + term * d) or _TINY)
        c = (1 + term / c) or _TINY
        fraction *= c * d
        if abs(1 - c * d) < _ENOUGH:
            break
    return front * (fraction - 1)


def murmur3(data: bytes) -> bytes:
    """The MurmurHash3 of bytes, 128 bits in the order of the machine that made it."""
    first, second = _murmur(data)
    return struct.pack("<QQ", first, second)


def murmur_of_bigint(value: int) -> int:
    """The hash by which a set digest knows a whole number."""
    return struct.unpack("<q", murmur3(struct.pack("<q", value))[:8])[0]


def murmur_of_text(text: str) -> int:
    """The hash by which a set digest knows a text."""
    return struct.unpack("<q", murmur3(text.encode())[:8])[0]


def _turned(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _mixed(value: int, one: int, bits: int, other: int) -> int:
    return _turned(value * one & _MASK, bits) * other & _MASK


def _last(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33


def _murmur(data: bytes) -> tuple[int, int]:
    h1 = h2 = 0
    whole = len(data) // 16 * 16
    for k1, k2 in struct.iter_unpack("<QQ", data[:whole]):
        h1 = _turned(h1 ^ _mixed(k1, _C1, 31, _C2), 27)
        h1 = ((h1 + h2) * 5 + 0x52DCE729) & _MASK
        h2 = _turned(h2 ^ _mixed(k2, _C2, 33, _C1), 31)
        h2 = ((h2 + h1) * 5 + 0x38495AB5) & _MASK
    if rest := data[whole:]:
        k1, k2 = struct.unpack("<QQ", rest.ljust(16, b"\0"))
        h2 ^= _mixed(k2, _C2, 33, _C1)
        h1 ^= _mixed(k1, _C1, 31, _C2)
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = (h1 + h2) & _MASK
    h2 = (h2 + h1) & _MASK
    h1, h2 = _last(h1), _last(h2)
    h1 = (h1 + h2) & _MASK
    return h1, (h2 + h1) & _MASK


FUNCTIONS = {
    beta_cdf: (["DOUBLE", "DOUBLE", "DOUBLE"], "DOUBLE"),
    inverse_beta_cdf: (["DOUBLE", "DOUBLE", "DOUBLE"], "DOUBLE"),
    t_cdf: (["DOUBLE", "DOUBLE"], "DOUBLE"),
    t_pdf: (["DOUBLE", "DOUBLE"], "DOUBLE"),
    murmur3: (["BLOB"], "BLOB"),
    murmur_of_bigint: (["BIGINT"], "BIGINT"),
    murmur_of_text: (["VARCHAR"], "BIGINT"),
}
