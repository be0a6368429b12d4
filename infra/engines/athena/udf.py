"""Trino functions that DuckDB has no parts for, written in Python and called by DuckDB for each value.

An error's message starts with `ATHENA CODE: `, so that engine.run_time_error() finds Trino's words in DuckDB's.
"""

import base64
import hashlib
import hmac
import json
import math
import re
import struct
import unicodedata
import zlib
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import NormalDist
from urllib.parse import parse_qsl, quote_plus, unquote, unquote_plus, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from . import jsonpath
from .errors import Refused
from .json_text import Number, json_text
from .text import java_double


def _bad_argument(text: str) -> Refused:
    return Refused("INVALID_FUNCTION_ARGUMENT", text)


# --- times and zones

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
        raise _bad_argument(f'Invalid format: "{text}"') from None


def iso_timestamp(text: str) -> list[str]:
    """An ISO 8601 timestamp as local text and zone."""
    day, _, rest = text.partition("T")
    match = re.fullmatch(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?", rest)
    if rest and not match:
        raise _bad_argument(f'Invalid format: "{text}" is malformed at "{rest}"')
    if not match:
        return [f"{iso_date(day)} 00:00:00", "UTC"]
    fraction = f".{match[4][:6]}" if match[4] else ""
    return [f"{iso_date(day)} {match[1]}:{match[2] or '00'}:{match[3] or '00'}{fraction}", zone_name(match[5] or "UTC")]


_UNITS = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def human_readable_seconds(seconds: float) -> str:
    rest = round(seconds)
    parts = []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return ", ".join(parts) or "0 seconds"


_DURATIONS = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}


def duration_millis(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    if not match or match[2] not in _DURATIONS:
        raise _bad_argument(f"duration is not a valid data duration string: {text}")
    return round(float(match[1]) * _DURATIONS[match[2]])


_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip


def mysql_format(pattern: str) -> str:
    """A MySQL date pattern as strftime's."""

    def put(match: re.Match) -> str:
        letter = match[1]
        if letter in "DUuVwX" and letter:
            raise _bad_argument(f"%{letter} not supported in date format string")
        return _MYSQL.get(letter, letter)

    return re.sub(r"%(.?)", put, pattern, flags=re.DOTALL)


def joda_tokens(pattern: str) -> list[tuple[str, str]]:
    """The parts of a Joda pattern: ("yyyy", "") for a field, ("", "T") for text."""
    found: list[tuple[str, str]] = []
    for match in re.finditer(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", pattern):
        text = match[0]
        if match[2]:
            if match[2] not in "GCYxweEyDMdaKhHkmsSzZ":
                raise _bad_argument(f"Illegal pattern component: {text}")
            found.append((text, ""))
        elif text == "''":
            found.append(("", "'"))
        else:
            found.append(("", match[1].replace("''", "'") if match[1] is not None else text))
    return found


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def joda_format(local: datetime, zone: str, minutes: int, pattern: str) -> str:
    """A time as a Joda pattern shows it; `minutes` is its zone's offset."""
    return "".join(text or _joda_field(field, local, zone, minutes) for field, text in joda_tokens(pattern))


def _joda_field(field: str, at: datetime, zone: str, minutes: int) -> str:
    letter, width = field[0], len(field)
    if letter in "yYx":
        year = at.isocalendar()[0] if letter == "x" else at.year
        return f"{year % 100:02d}" if width == 2 else f"{year:0{width}d}"
    if letter == "M" and width >= 3:
        return _MONTHS[at.month - 1][: None if width > 3 else 3]
    if letter == "E":
        return _DAYS[at.weekday()][: None if width > 3 else 3]
    if letter == "a":
        return "AM" if at.hour < 12 else "PM"
    if letter == "S":
        return f"{at.microsecond:06d}".ljust(width, "0")[:width]
    if letter == "G":
        return "AD"
    if letter == "z":
        return zone if width < 4 else {"UTC": "Coordinated Universal Time"}.get(zone, zone)
    if letter == "Z":
        sign, rest = ("-" if minutes < 0 else "+"), abs(minutes)
        if width >= 3:
            return zone
        return f"{sign}{rest // 60:02d}{':' if width == 2 else ''}{rest % 60:02d}"
    number = {
        "M": at.month, "d": at.day, "H": at.hour, "k": at.hour or 24, "K": at.hour % 12, "h": at.hour % 12 or 12,
        "m": at.minute, "s": at.second, "D": at.timetuple().tm_yday, "w": at.isocalendar()[1], "e": at.isoweekday(),
        "C": at.year // 100,
    }[letter]  # fmt: skip
    return f"{number:0{width}d}"


_READ = {
    "y": r"[+-]?\d+", "Y": r"[+-]?\d+", "x": r"\d+", "M": r"\d{1,2}", "d": r"\d{1,2}", "H": r"\d{1,2}", "k": r"\d{1,2}",
    "K": r"\d{1,2}", "h": r"\d{1,2}", "m": r"\d{1,2}", "s": r"\d{1,2}", "D": r"\d{1,3}", "w": r"\d{1,2}", "e": r"\d",
    "a": r"(?i:AM|PM)", "E": r"[A-Za-z]+", "G": r"AD|BC", "z": r"[A-Za-z][\w/+-]*", "Z": r"Z|[+-]\d{2}:?\d{2}|[A-Za-z][\w/+-]*",
}  # fmt: skip


def joda_parsed(text: str, pattern: str) -> list[str]:
    """Text read by a Joda pattern: local time and zone."""
    names, regex = [], ""
    tokens = joda_tokens(pattern)
    for i, (field, literal) in enumerate(tokens):
        if literal:
            regex += re.escape(literal)
            continue
        names.append(field)
        following = i + 1 < len(tokens) and tokens[i + 1][0]
        regex += f"({_joda_regex(field, bool(following))})"
    match = re.fullmatch(regex, text)
    if not match:
        raise _bad_argument(f'Invalid format: "{text}"')
    values = {name[0]: value for name, value in zip(names, match.groups(), strict=True)}
    widths = {name[0]: len(name) for name in names}
    try:
        local = _joda_time(values, widths)
    except (ValueError, KeyError, StopIteration):
        raise _bad_argument(f'Invalid format: "{text}"') from None
    return [
        local.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0"),
        zone_name(values.get("Z") or values.get("z") or "UTC"),
    ]


def _joda_regex(field: str, digits_follow: bool) -> str:
    letter, width = field[0], len(field)
    if letter == "S":
        return rf"\d{{{width}}}" if digits_follow else r"\d{1,9}"
    if letter == "M" and width >= 3:
        return r"[A-Za-z]+"
    if digits_follow and letter in "yYMdHkKhmsDwe":
        return rf"\d{{{width}}}"
    return _READ[letter]


def _joda_time(values: dict[str, str], widths: dict[str, int]) -> datetime:
    year_key = next((k for k in "yY" if k in values), None)
    year = int(values[year_key]) if year_key else 1970
    if year_key and widths[year_key] == 2 and len(values[year_key]) == 2:
        year += 2000 if year < 70 else 1900
    month = values.get("M", "1")
    if not month.isdigit():
        month = next(i for i, n in enumerate(_MONTHS, 1) if n.lower()[:3] == month.lower()[:3])
    hour = int(values.get("H") or values.get("k") or 0) % 24
    if "h" in values or "K" in values:
        hour = int(values.get("h") or values.get("K")) % 12
        hour += 12 if values.get("a", "AM").upper() == "PM" else 0
    micros = int(values.get("S", "0").ljust(6, "0")[:6])
    clock = (hour, int(values.get("m", 0)), int(values.get("s", 0)), micros)
    if "x" in values and "w" in values:
        day = date.fromisocalendar(int(values["x"]), int(values["w"]), int(values.get("e", 1)))
        return datetime(day.year, day.month, day.day, *clock)
    if "D" in values:
        day = date(year, 1, 1) + timedelta(days=int(values["D"]) - 1)
        return datetime(day.year, day.month, day.day, *clock)
    return datetime(year, int(month), int(values.get("d", 1)), *clock)


# --- JSON


def _no_constant(name: str):
    raise ValueError(name)


def json_canonical(text: str) -> str:
    """JSON text as Trino writes it: no blanks, keys sorted, fractions as doubles."""
    try:
        value = json.loads(
            text, parse_float=lambda n: Number(java_double(float(n))), parse_int=Number, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise _bad_argument(f"Cannot convert value to JSON: '{text}'") from None
    return json_text(value)


# --- text


def from_utf8(data: bytes, replacement: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(errors="replace").replace("�", replacement)


def luhn_check(digits: str) -> bool:
    if not digits or not digits.isdigit():
        raise _bad_argument("Input string contains non-digit characters" if digits else "Input string is empty")
    total = 0
    for i, c in enumerate(reversed(digits)):
        n = int(c) * (1 + i % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


def unicode_normalized(text: str, form: str) -> str:
    return unicodedata.normalize(form, text)


_SOUNDS = {c: d for d, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for c in letters}


def soundex(text: str) -> str:
    letters = [c for c in text.upper() if c.isalpha()]
    if not letters:
        return ""
    code, last = letters[0], _SOUNDS.get(letters[0])
    for c in letters[1:]:
        sound = _SOUNDS.get(c)
        if sound and sound != last:
            code += str(sound)
        if c not in "HW":
            last = sound
    return code[:4].ljust(4, "0")


_FORMAT = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


def java_format(pattern: str, args: list[str | None]) -> str:
    """Java's String.format; each argument is a letter for its kind (d, f, s, b, t) and its text."""
    following = iter(range(len(args)))

    def put(match: re.Match) -> str:
        index, flags, width, precision, conversion = match.groups()
        if conversion in "%n":
            return "%" if conversion == "%" else "\n"
        at = int(index) - 1 if index else next(following, None)
        if at is None or at >= len(args):
            raise _bad_argument(
                f"Invalid format string: {pattern} (MissingFormatArgument: Format specifier '{match[0]}')"
            )
        value = args[at]
        text = _java_value(value, flags, precision, conversion, pattern)
        if width:
            size = int(width)
            if "-" in flags:
                return text.ljust(size)
            if "0" in flags and conversion in "dfeExX":
                sign = text[:1] if text[:1] in "+-" else ""
                return sign + text[len(sign) :].rjust(size - len(sign), "0")
            return text.rjust(size)
        return text

    return _FORMAT.sub(put, pattern)


def _java_value(value: str | None, flags: str, precision: str | None, conversion: str, pattern: str) -> str:
    if value is None or value[1:] == "\0":
        return "false" if conversion == "b" else "null"
    kind, text = value[0], value[1:]
    mismatch = _bad_argument(f"Invalid format string: {pattern} (IllegalFormatConversion: {conversion} != {kind})")
    if conversion in "sS":
        text = text[: int(precision)] if precision else text
        return text.upper() if conversion == "S" else text
    if conversion == "b":
        return text if kind == "b" else "true"
    if conversion == "d":
        if kind != "d":
            raise mismatch
        return _signed(f"{int(text):,}" if "," in flags else text, flags)
    if conversion in "xX":
        if kind != "d":
            raise mismatch
        number = int(text)
        shown = f"{number if number >= 0 else number + 2**64:x}"
        return shown.upper() if conversion == "X" else shown
    if conversion in "feE":
        if kind != "f":
            raise mismatch
        return _signed(_java_float(text, precision, conversion, flags), flags)
    if conversion == "c" and kind == "s":
        return text
    raise mismatch


def _java_float(text: str, precision: str | None, conversion: str, flags: str) -> str:
    places = int(precision) if precision is not None else 6
    number = Decimal(text)
    if not number.is_finite():
        return text
    if conversion == "f":
        rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        return f"{rounded:,f}" if "," in flags else f"{rounded:f}"
    shown = f"{number:.{places}e}"
    head, _, exponent = shown.partition("e")
    shown = f"{head}e{exponent[0]}{exponent[1:].zfill(2)}"
    return shown.upper() if conversion == "E" else shown


def _signed(text: str, flags: str) -> str:
    if "(" in flags and text.startswith("-"):
        return f"({text[1:]})"
    if "+" in flags and not text.startswith("-"):
        return "+" + text
    if " " in flags and not text.startswith("-"):
        return " " + text
    return text


def format_number(value: float) -> str:
    """A number with a unit: 123456 → 123K."""
    for unit, size in (("Q", 1e15), ("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if abs(value) >= size:
            value, suffix = value / size, unit
            break
    else:
        suffix = ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    text = f"{rounded:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + suffix


_SIZES = {u: 1024**i for i, u in enumerate(("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"))}


def parse_data_size(text: str) -> str:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]+)", text)
    if not match or match[2] not in _SIZES:
        raise _bad_argument(f"Invalid data size: '{text}'")
    return str(int(Decimal(match[1]) * _SIZES[match[2]]))


# --- bytes


def reversed_bytes(data: bytes) -> bytes:
    return bytes(reversed(data))


def crc32(data: bytes) -> int:
    return zlib.crc32(data)


def from_base32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def to_base32(data: bytes) -> str:
    return base64.b32encode(data).decode()


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def from_bytes(data: bytes, layout: str) -> str:
    size = struct.calcsize(layout)
    if len(data) != size:
        raise _bad_argument(f"expected {size}-byte input, but got instead: {len(data)}")
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


# --- numbers


def from_base(text: str, radix: int) -> int:
    if not 2 <= radix <= 36:
        raise _bad_argument("Radix must be between 2 and 36")
    try:
        return int(text, radix)
    except ValueError:
        raise _bad_argument(f"Not a valid base-{radix} number: {text}") from None


def to_base_text(value: int, radix: int) -> str:
    if not 2 <= radix <= 36:
        raise _bad_argument("Radix must be between 2 and 36")
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return "-" * (value < 0) + digits


def normal_cdf(mean: float, deviation: float, value: float) -> float:
    if deviation <= 0:
        raise _bad_argument("standardDeviation must be > 0")
    return 0.5 * math.erfc((mean - value) / (deviation * math.sqrt(2)))


def inverse_normal_cdf(mean: float, deviation: float, p: float) -> float:
    if not 0 < p < 1:
        raise _bad_argument("p must be 0 > p > 1")
    if deviation <= 0:
        raise _bad_argument("sd must be > 0")
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


# --- URLs


def url_encoded(text: str) -> str:
    return quote_plus(text, safe="*-._").replace("~", "%7E")


def url_decoded(text: str) -> str:
    return unquote_plus(text)


def url_part(url: str | None, part: str) -> str | None:
    """A part of a URL, without its escapes; NULL if it is no URL, or, for a host or port, if it has none."""
    text = _url_part(url, part)
    return unquote(text) if text is not None and part in ("path", "query", "fragment") else text


def _url_part(url: str | None, part: str) -> str | None:
    if url is None or re.search(r"[\s<>\"{}|\\^`]", url):
        return None
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError:
        return None
    if part == "port":
        return None if port is None else str(port)
    if part == "host":
        netloc = found.netloc.rpartition("@")[2]
        return re.sub(r":\d*$", "", netloc) or None
    if part == "protocol":
        return url.split(":", 1)[0] if found.scheme else ""
    return getattr(found, part)


def url_parameter(url: str | None, name: str | None) -> str | None:
    query = _url_part(url, "query")
    if query is None or name is None:
        return None
    return next((v for k, v in parse_qsl(query, keep_blank_values=True) if k == name), None)


# --- regular expressions that RE2 has no forms for


def _python_regex(pattern: str) -> re.Pattern:
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern))
    except re.error as error:
        raise ValueError(f"regular expression: {error}") from None


def py_regexp_like(text: str, pattern: str) -> bool:
    return _python_regex(pattern).search(text) is not None


def py_regexp_extract(text: str | None, pattern: str | None, group: int) -> str | None:
    if text is None or pattern is None:
        return None
    match = _python_regex(pattern).search(text)
    return match[group] if match else None


def py_regexp_extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    return [m[group] for m in _python_regex(pattern).finditer(text)]


def py_regexp_replace(text: str, pattern: str, replacement: str) -> str:
    put = re.sub(r"\\(.)", lambda m: "\\\\" if m[1] == "\\" else m[1], replacement)
    put = re.sub(r"\$(\d)", r"\\g<\1>", put)
    put = re.sub(r"\$\{(\w+)\}", r"\\g<\1>", put)
    return _python_regex(pattern).sub(put, text)


def py_regexp_split(text: str, pattern: str) -> list[str]:
    found, last = [], 0
    for match in _python_regex(pattern).finditer(text):
        found.append(text[last : match.start()])
        last = match.end()
    return [*found, text[last:]]


def py_regexp_groups(text: str, pattern: str) -> list[list[str | None]]:
    """For each match, its groups; the text between is what py_regexp_split() gives."""
    return [list(m.groups()) for m in _python_regex(pattern).finditer(text)]


def py_regexp_position(text: str, pattern: str, start: int, occurrence: int) -> int:
    if start < 1:
        raise _bad_argument("start position cannot be smaller than 1")
    if occurrence < 1:
        raise _bad_argument("occurrence cannot be smaller than 1")
    matches = _python_regex(pattern).finditer(text, start - 1)
    found = next((m for i, m in enumerate(matches, 1) if i == occurrence), None)
    return found.start() + 1 if found else -1


def json_path(text: str | None, path: str | None) -> str | None:
    """json_extract() with a path that is not a literal."""
    return None if text is None or path is None else jsonpath.extract(text, path)


def sql_json(text: str | None, path: str, form: str) -> str | None:
    """JSON_EXISTS, JSON_VALUE and JSON_QUERY; `form` is the call's clauses as JSON."""
    return jsonpath.sql_json(text, path, json.loads(form))


def word_stem(word: str, language: str) -> str:
    """The stem of a word, in lower case or not as the word is."""
    name = _LANGUAGES.get(language.strip().lower())
    if name is None:
        raise _bad_argument(f"Unknown stemmer language: {language}")
    import snowballstemmer

    return snowballstemmer.stemmer(name).stemWord(word)


_LANGUAGES = {
    "ca": "catalan", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish", "fr": "french", "de": "german",
    "hu": "hungarian", "it": "italian", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "es": "spanish", "sv": "swedish", "tr": "turkish", "ga": "irish", "lt": "lithuanian", "hy": "armenian", "eu": "basque",
}  # fmt: skip


_PLAIN = {
    word_stem: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    zoned_parts: (["VARCHAR"], "VARCHAR[]"),
    zone_name: (["VARCHAR"], "VARCHAR"),
    iso_date: (["VARCHAR"], "VARCHAR"),
    iso_timestamp: (["VARCHAR"], "VARCHAR[]"),
    human_readable_seconds: (["DOUBLE"], "VARCHAR"),
    duration_millis: (["VARCHAR"], "BIGINT"),
    mysql_format: (["VARCHAR"], "VARCHAR"),
    joda_format: (["TIMESTAMP", "VARCHAR", "BIGINT", "VARCHAR"], "VARCHAR"),
    joda_parsed: (["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    json_canonical: (["VARCHAR"], "VARCHAR"),
    from_utf8: (["BLOB", "VARCHAR"], "VARCHAR"),
    luhn_check: (["VARCHAR"], "BOOLEAN"),
    unicode_normalized: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    soundex: (["VARCHAR"], "VARCHAR"),
    java_format: (["VARCHAR", "VARCHAR[]"], "VARCHAR"),
    format_number: (["DOUBLE"], "VARCHAR"),
    parse_data_size: (["VARCHAR"], "VARCHAR"),
    reversed_bytes: (["BLOB"], "BLOB"),
    crc32: (["BLOB"], "BIGINT"),
    from_base32: (["VARCHAR"], "BLOB"),
    to_base32: (["BLOB"], "VARCHAR"),
    from_base64url: (["VARCHAR"], "BLOB"),
    to_base64url: (["BLOB"], "VARCHAR"),
    from_bytes: (["BLOB", "VARCHAR"], "VARCHAR"),
    whole_bytes: (["BIGINT", "VARCHAR"], "BLOB"),
    float_bytes: (["DOUBLE", "VARCHAR"], "BLOB"),
    hmac_bytes: (["BLOB", "BLOB", "VARCHAR"], "BLOB"),
    sha512_bytes: (["BLOB"], "BLOB"),
    xxhash64: (["BLOB"], "BLOB"),
    checksum_of: (["BLOB[]"], "BLOB"),
    from_base: (["VARCHAR", "BIGINT"], "BIGINT"),
    to_base_text: (["BIGINT", "BIGINT"], "VARCHAR"),
    normal_cdf: (["DOUBLE", "DOUBLE", "DOUBLE"], "DOUBLE"),
    inverse_normal_cdf: (["DOUBLE", "DOUBLE", "DOUBLE"], "DOUBLE"),
    histogram_of: (["DOUBLE[]", "BIGINT"], "MAP(DOUBLE, DOUBLE)"),
    url_encoded: (["VARCHAR"], "VARCHAR"),
    url_decoded: (["VARCHAR"], "VARCHAR"),
    py_regexp_like: (["VARCHAR", "VARCHAR"], "BOOLEAN"),
    py_regexp_extract_all: (["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR[]"),
    py_regexp_replace: (["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    py_regexp_split: (["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    py_regexp_groups: (["VARCHAR", "VARCHAR"], "VARCHAR[][]"),
    py_regexp_position: (["VARCHAR", "VARCHAR", "BIGINT", "BIGINT"], "INTEGER"),
}
# These may answer NULL for values that are not.
_WITH_NULLS = {
    url_part: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    url_parameter: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    py_regexp_extract: (["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    json_path: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    sql_json: (["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
}


def register(database: duckdb.DuckDBPyConnection) -> None:
    for function, (parameters, result) in _PLAIN.items():
        database.create_function(function.__name__, function, parameters, result)
    for function, (parameters, result) in _WITH_NULLS.items():
        database.create_function(function.__name__, function, parameters, result, null_handling="special")
