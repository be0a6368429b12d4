"""Numbers: other bases, the normal distribution, histograms."""

import math
import re
from fractions import Fraction
from statistics import NormalDist

from infra.engines.athena.errors import Refused
from infra.engines.athena.functions.refusing import bad_argument
from infra.engines.athena.text import java_double


def from_base(text: str, radix: int) -> int:
    if not 2 <= radix <= 36:
        raise bad_argument("Radix must be between 2 and 36")
    try:
        found = int(text, radix) if re.fullmatch(r"[+-]?[0-9A-Za-z]+", text) else None
    except ValueError:
        found = None
    if found is None or not -(2**63) <= found < 2**63:
        raise bad_argument(f"Not a valid base-{radix} number: {text}")
    return found


def to_base_text(value: int, radix: int) -> str:
    if not 2 <= radix <= 36:
        raise bad_argument("Radix must be between 2 and 36")
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return "-" * (value < 0) + digits


_WIDEST = 10**38


def wide_decimal(operator: str, left: str, right: str, scale: int) -> str:
    """An operation on decimals whose numbers have more digits than DuckDB's; the result's text, rounded half up."""
    a, b = Fraction(left), Fraction(right)
    if operator in "/%" and not b:
        raise Refused("DIVISION_BY_ZERO", "Division by zero")
    if operator == "%":
        found = a - b * int(a / b)
    else:
        found = {"+": a + b, "-": a - b, "*": a * b, "/": a / (b or 1)}[operator]
    whole = int(abs(found) * 10**scale + Fraction(1, 2))
    if whole >= _WIDEST:
        raise Refused("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    digits = str(whole).rjust(scale + 1, "0")
    point = len(digits) - scale
    return ("-" if found < 0 and whole else "") + digits[:point] + ("." + digits[point:] if scale else "")


def bucket_of(value: float, bins: list[float]) -> int:
    """The bucket of a value among bins, by halves; only the bins that are met on the way are looked at."""
    if not bins:
        raise bad_argument("Bins cannot be an empty array")
    if math.isnan(value):
        raise bad_argument("Operand cannot be NaN")
    low, high = 0, len(bins)
    while low < high:
        if bins[low] > bins[high - 1]:
            raise bad_argument("Bin values are not sorted in ascending order")
        middle = (low + high) // 2
        if not math.isfinite(bins[middle]):
            raise bad_argument(f"Bin value must be finite, got {java_double(bins[middle])}")
        low, high = (low, middle) if value < bins[middle] else (middle + 1, high)
    return low


def normal_cdf(mean: float, deviation: float, value: float) -> float:
    if not deviation > 0:
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
