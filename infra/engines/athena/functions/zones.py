"""Times, zones and durations written as text."""

import math
import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.engines.athena.errors import Refused
from infra.engines.athena.functions.refusing import bad_argument
from infra.engines.athena.text import java_double

_ZONED = re.compile(
    r"\s*(\d{4,}-\d{1,2}-\d{1,2})(?: (\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d+)?)?))?"
    r"\s*([A-Za-z][\w/+-]*|[+-]\d{1,2}(?::?\d{2})?)?\s*"
)


def zoned_parts(text: str) -> list[str]:
    """A timestamp as text and its zone ("UTC" when none is given)."""
    match = _ZONED.fullmatch(text)
    if not match:
        raise Refused("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp with time zone: {text}")
    clock = match[2] or "00:00:00"
    if clock.count(":") == 1:
        clock += ":00"
    return [f"{match[1]} {clock}", zone_name(match[3] or "UTC")]


def zone_name(zone: str) -> str:
    """A zone as Trino shows it: UTC for Z and +00:00, +hh:mm for an offset."""
    if zone in ("Z", "UTC", "GMT", "UT", "Zulu", "Etc/UTC"):
        return "UTC"
    if match := re.fullmatch(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?", zone):
        name = f"{match[1]}{int(match[2]):02d}:{match[3] or '00'}"
        return "UTC" if name[1:] == "00:00" else name
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused("NOT_SUPPORTED", f"Time zone not supported: {zone}") from None
    return zone


_ISO_DATE = re.compile(r"([+-]?\d{4,})(?:-(\d{2})(?:-(\d{2}))?|-W(\d{2})(?:-(\d))?|-(\d{3}))?")


def iso_date(text: str) -> str:
    """An ISO 8601 date in any of its forms (2020-08-22, 2020-W10-1, 2020-123) as yyyy-mm-dd."""
    match = _ISO_DATE.fullmatch(text)
    try:
        if not match:
            raise ValueError(text)
        year = int(match[1])
        if match[4]:
            return str(date.fromisocalendar(year, int(match[4]), int(match[5] or 1)))
        if match[6]:
            return str(date(year, 1, 1) + timedelta(days=int(match[6]) - 1))
        return str(date(year, int(match[2] or 1), int(match[3] or 1)))
    except ValueError:
        raise bad_argument(f'Invalid format: "{text}"') from None


def iso_timestamp(text: str) -> list[str]:
    """An ISO 8601 timestamp as local text and zone."""
    day, _, rest = text.partition("T")
    match = re.fullmatch(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?", rest)
    if rest and not match:
        raise bad_argument(f'Invalid format: "{text}" is malformed at "{rest}"')
    if not match:
        return [f"{iso_date(day)} 00:00:00", "UTC"]
    fraction = f".{match[4][:6]}" if match[4] else ""
    return [f"{iso_date(day)} {match[1]}:{match[2] or '00'}:{match[3] or '00'}{fraction}", zone_name(match[5] or "UTC")]


_UNITS = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def human_readable_seconds(seconds: float) -> str:
    if math.isnan(seconds) or math.isinf(seconds):
        raise bad_argument(f"Invalid argument found: {java_double(seconds)}")
    rest = abs(math.floor(seconds + 0.5))
    parts = []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return ", ".join(parts) or "0 seconds"


_DURATIONS = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}


def duration_millis(text: str) -> int:
    if not text:
        raise bad_argument("duration is empty")
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    if match and match[2] not in _DURATIONS:
        raise bad_argument(f"Unknown time unit: {match[2]}")
    if not match:
        raise bad_argument(f"duration is not a valid data duration string: {text}")
    return round(float(match[1]) * _DURATIONS[match[2]])
