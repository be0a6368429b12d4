"""Numbers: other bases, the normal distribution, histograms."""

import math
from statistics import NormalDist

from infra.engines.athena.functions.refusing import bad_argument


def from_base(text: str, radix: int) -> int:
    if not 2 <= radix <= 36:
        raise bad_argument("Radix must be between 2 and 36")
    try:
        return int(text, radix)
    except ValueError:
        raise bad_argument(f"Not a valid base-{radix} number: {text}") from None


def to_base_text(value: int, radix: int) -> str:
    if not 2 <= radix <= 36:
        raise bad_argument("Radix must be between 2 and 36")
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return "-" * (value < 0) + digits


def normal_cdf(mean: float, deviation: float, value: float) -> float:
    if deviation <= 0:
        raise bad_argument("standardDeviation must be > 0")
    return 0.5 * math.erfc((mean - value) / (deviation * math.sqrt(2)))


def inverse_normal_cdf(mean: float, deviation: float, p: float) -> float:
    if not 0 < p < 1:
        raise bad_argument("p must be 0 > p > 1")
    if deviation <= 0:
        raise bad_argument("sd must be > 0")
    return NormalDist(mean, deviation).inv_cdf(p)


def histogram_of(values: list[float], buckets: int) -> dict[float, float]:
    """Trino's numeric_histogram: the nearest two centres are merged until there are `buckets`."""
    centres: list[list[float]] = []
    for value in sorted(v for v in values if v is not None):
        if centres and centres[-1][0] == value:
            centres[-1][1] += 1
        else:
            centres.append([value, 1.0])
    while len(centres) > buckets:
        at = min(range(len(centres) - 1), key=lambda i: centres[i + 1][0] - centres[i][0])
        (a, m), (b, n) = centres[at], centres[at + 1]
        centres[at : at + 2] = [[(a * m + b * n) / (m + n), m + n]]
    return {c: n for c, n in centres}
