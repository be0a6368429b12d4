"""Texts as values, by the rules that Hive's SerDes share.

Sources: https://docs.aws.amazon.com/athena/latest/ug/data-types-timestamps.html, Trino's HiveFormatUtils and text encodings
(https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats), which are made to answer as Hive does.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from infra.engines.athena.errors import Refused
from infra.engines.athena.functions.formats import joda_parsed
from infra.engines.athena.types import Type

EPOCH = datetime(1970, 1, 1)
BITS = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}
NUMBERS = (*BITS, "double", "real", "decimal")
_JAVA_WHOLE = re.compile(r"[+-]?[0-9]+")
_JAVA_NUMBER = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[dDfF]?)")
_BIG_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_JAVA_BLANKS = "".join(map(chr, range(33)))
_DATE = re.compile(r"([+-]?[0-9]{1,10})-([0-9]{1,2})-([0-9]{1,2})")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.([0-9]{1,9}))?")
_ISO_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)?")
MILLIS = "millis"


class Bad(Exception):
    """A value that is none of its column's type."""

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text


def in_range(number: int, name: str, text: str) -> int:
    """A whole number of an integer type. Raises Bad."""
    if not -(1 << BITS[name]) <= number < 1 << BITS[name]:
        raise Bad(text)
    return number


def java_whole(text: str, name: str) -> int:
    """As Java's parseInt and parseLong read it: digits with a sign, no blanks. Raises Bad."""
    if not _JAVA_WHOLE.fullmatch(text):
        raise Bad(text)
    return in_range(int(text), name, text)


def java_double(text: str) -> float:
    """As Java's Double.parseDouble reads it, blanks around it and the endings d and f included. Raises Bad."""
    stripped = text.strip(_JAVA_BLANKS)
    if not _JAVA_NUMBER.fullmatch(stripped):
        raise Bad(text)
    return float(stripped if stripped[-1:] in "Ny" else stripped.rstrip("dDfF"))


def java_number(text: str, kind: Type) -> Any:
    """A text as one of NUMBERS, as Java's own parsers read it. Raises Bad."""
    if kind.name in BITS:
        return java_whole(text, kind.name)
    return decimal(text, kind) if kind.name == "decimal" else number(java_double(text))


def big_decimal(text: str) -> Decimal:
    """As Java's BigDecimal reads it. Raises Bad."""
    if not _BIG_DECIMAL.fullmatch(text):
        raise Bad(text)
    return Decimal(text)


def decimal(text: str, kind: Type) -> str:
    """A decimal's text, rounded half up to the type's scale. Raises Bad."""
    precision, scale = kind.args
    number = big_decimal(text)
    if number and number.adjusted() >= precision - scale:
        raise Bad(text)
    with localcontext() as context:
        context.prec = 100
        try:
            number = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        except InvalidOperation:
            raise Bad(text) from None
    if len(number.as_tuple().digits) > precision and number:
        raise Bad(text)
    return f"{number:f}"


def truncated(text: str) -> int:
    """A decimal's whole part. Raises Bad."""
    number = big_decimal(text)
    if number.adjusted() > 20:
        raise Bad(text)
    return int(number.to_integral_value(ROUND_DOWN))


def cut(text: str, kind: Type) -> str:
    """A text in a varchar or char column: no longer than the type says, a char without blanks at its end."""
    if kind.args:
        text = text[: kind.args[0]]
    return text.rstrip(" ") if kind.name == "char" else text


def hive_date(text: str) -> date:
    """`2021-1-5`, or the day of a timestamp; a month 13 is the next January. Raises Bad."""
    match = _DATE.fullmatch(text.strip().partition(" ")[0])
    if not match:
        raise Bad(text)
    try:
        return _lenient_day(*map(int, match.groups()))
    except (ValueError, OverflowError):
        raise Bad(text) from None


def _lenient_day(year: int, month: int, day: int) -> date:
    years, months = divmod(month - 1, 12)
    return date(year + years, months + 1, 1) + timedelta(days=day - 1)


def _moment(day: date, clock: re.Match[str] | None) -> datetime:
    start = datetime(day.year, day.month, day.day)
    if clock is None:
        return start
    hours, minutes, seconds, fraction = clock.groups()
    millis = (int((fraction or "0").ljust(9, "0")[:9]) + 500_000) // 1_000_000  # the nearest millisecond
    return start + timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0), milliseconds=millis)


def hive_timestamp(text: str) -> datetime:
    """`yyyy-MM-dd`, `yyyy-MM-dd HH:mm:ss[.f…]`, or ISO's form with a T and without a zone. Raises Bad."""
    stripped = text.strip()
    day, between, clock = stripped.partition(" ")
    match = _CLOCK.fullmatch(clock) if between else None
    if between and match is None or "T" in day.upper():
        day, between, clock = re.sub("t", "T", stripped).partition("T")
        match = _ISO_CLOCK.fullmatch(clock) if between else None
        if match is None:
            raise Bad(text)
    parts = _DATE.fullmatch(day)
    if not parts:
        raise Bad(text)
    try:
        return _moment(_lenient_day(*map(int, parts.groups())), match)
    except (ValueError, OverflowError):
        raise Bad(text) from None


def from_millis(millis: int, text: str) -> datetime:
    """A moment of so many milliseconds since 1970. Raises Bad."""
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise Bad(text) from None


def by_patterns(text: str, patterns: list[str]) -> datetime | None:
    """A timestamp in one of the forms of `timestamp.formats`; None if it has none of them."""
    for pattern in patterns:
        if pattern.lower() == MILLIS:
            if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
                return from_millis(int(text.partition(".")[0]), text)
            continue
        try:
            local, zone = joda_parsed(text, pattern)
        except (Refused, ValueError, OverflowError):
            continue
        return _utc(local, zone)
    return None


def _utc(local: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(local)
    if zone[0] in "+-":
        hours, minutes = map(int, zone[1:].split(":"))
        return moment - timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def patterns_of(text: str | None) -> list[str]:
    """The forms in a property `timestamp.formats`: separated by commas; a backslash before a comma keeps it."""
    if not text:
        return []
    parts = re.findall(r"(?:\\.|[^,\\])+", text)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts if part]


def shown(moment: datetime | date) -> str:
    """A timestamp or date as DuckDB reads it back."""
    if isinstance(moment, datetime):
        return moment.isoformat(" ", "milliseconds")
    return moment.isoformat()


def number(value: float) -> float | str:
    """A double that JSON can hold."""
    return value if value - value == 0 else str(value)


def text_of(value: Any) -> str:
    """A value for a message."""
    return value if isinstance(value, str) else str(value)
