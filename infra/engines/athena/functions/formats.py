"""Formats of dates: MySQL's and Joda's."""

import re
from datetime import date, datetime, timedelta

from infra.engines.athena.functions.refusing import bad_argument
from infra.engines.athena.functions.zones import zone_name

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
            raise bad_argument(f"%{letter} not supported in date format string")
        return _MYSQL.get(letter, letter)

    return re.sub(r"%(.?)", put, pattern, flags=re.DOTALL)


def joda_tokens(pattern: str) -> list[tuple[str, str]]:
    """The parts of a Joda pattern: ("yyyy", "") for a field, ("", "T") for text."""
    found: list[tuple[str, str]] = []
    for match in re.finditer(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", pattern):
        text = match[0]
        if match[2]:
            if match[2] not in "GCYxweEyDMdaKhHkmsSzZ":
                raise bad_argument(f"Illegal pattern component: {text}")
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
        raise bad_argument(f'Invalid format: "{text}"')
    values = {name[0]: value for name, value in zip(names, match.groups(), strict=True)}
    widths = {name[0]: len(name) for name in names}
    try:
        local = _joda_time(values, widths)
    except (ValueError, KeyError, StopIteration):
        raise bad_argument(f'Invalid format: "{text}"') from None
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


def _month_of(name: str) -> int:
    return next(number for number, known in enumerate(_MONTHS, 1) if known[:3].lower() == name[:3].lower())


def _joda_time(values: dict[str, str], widths: dict[str, int]) -> datetime:
    year_key = next((k for k in "yY" if k in values), None)
    year = int(values[year_key]) if year_key else 1970
    if year_key and widths[year_key] == 2 and len(values[year_key]) == 2:
        year += 2000 if year < 70 else 1900
    written = values.get("M", "1")
    month = int(written) if written.isdigit() else _month_of(written)
    hour = int(values.get("H") or values.get("k") or 0) % 24
    if "h" in values or "K" in values:
        hour = int(values.get("h") or values["K"]) % 12
        hour += 12 if values.get("a", "AM").upper() == "PM" else 0
    micros = int(values.get("S", "0").ljust(6, "0")[:6])
    clock = (hour, int(values.get("m", 0)), int(values.get("s", 0)), micros)
    if "x" in values and "w" in values:
        day = date.fromisocalendar(int(values["x"]), int(values["w"]), int(values.get("e", 1)))
        return datetime(day.year, day.month, day.day, *clock)
    if "D" in values:
        day = date(year, 1, 1) + timedelta(days=int(values["D"]) - 1)
        return datetime(day.year, day.month, day.day, *clock)
    return datetime(year, month, int(values.get("d", 1)), *clock)
