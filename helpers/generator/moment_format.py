"""Date formats with the tokens of moment.js 2.17 (locale en): `YYYY-MM-DD HH:mm:ss.SSS`, `dddd, MMMM Do YYYY, h:mm:ss a`, …

Tokens: https://momentjs.com/docs/#/displaying/format/
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()

_LONG_FORMATS = {
    "LTS": "h:mm:ss A",
    "LT": "h:mm A",
    "L": "MM/DD/YYYY",
    "LL": "MMMM D, YYYY",
    "LLL": "MMMM D, YYYY h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "l": "M/D/YYYY",
    "ll": "MMM D, YYYY",
    "lll": "MMM D, YYYY h:mm A",
    "llll": "ddd, MMM D, YYYY h:mm A",
}
_LONG_FORMAT = re.compile(r"(\[[^\[]*\])|(\\)?(LTS|LT|LL?L?L?|l{1,4})")
_TOKEN = re.compile(
    r"\[[^\[]*\]|\\?(?:[Hh]mm(?:ss)?|Mo|M{1,4}|Do|DDDo|D{1,4}|do|d{1,4}|w[o|w]?|W[o|W]?|Qo?"
    r"|YYYYYY|YYYYY|YYYY|YY|gg(?:ggg?)?|GG(?:GGG?)?|hh?|HH?|kk?|mm?|ss?|S{1,9}|zz?|ZZ?|.)"
)


def _ordinal(number: int) -> str:
    if number % 100 // 10 == 1:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _weekday(time: datetime) -> int:
    return time.isoweekday() % 7


def _hour12(time: datetime) -> int:
    return time.hour % 12 or 12


def _week(time: datetime) -> tuple[int, int]:
    """(week-year, week) of the locale en: weeks begin on Sunday, week 1 holds 1 January."""
    saturday = time.date() + timedelta(days=6 - _weekday(time))
    return saturday.year, (saturday.timetuple().tm_yday - 1) // 7 + 1


def _offset(time: datetime, separator: str) -> str:
    offset = time.utcoffset()
    assert offset is not None, "a moment has a zone"
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{separator}{abs(minutes) % 60:02d}"


_TOKENS: dict[str, Callable[[datetime], str]] = {
    "M": lambda t: str(t.month),
    "Mo": lambda t: _ordinal(t.month),
    "MM": lambda t: f"{t.month:02d}",
    "MMM": lambda t: MONTHS[t.month - 1][:3],
    "MMMM": lambda t: MONTHS[t.month - 1],
    "Q": lambda t: str((t.month + 2) // 3),
    "Qo": lambda t: _ordinal((t.month + 2) // 3),
    "D": lambda t: str(t.day),
    "Do": lambda t: _ordinal(t.day),
    "DD": lambda t: f"{t.day:02d}",
    "DDD": lambda t: str(t.timetuple().tm_yday),
    "DDDo": lambda t: _ordinal(t.timetuple().tm_yday),
    "DDDD": lambda t: f"{t.timetuple().tm_yday:03d}",
    "d": lambda t: str(_weekday(t)),
    "do": lambda t: _ordinal(_weekday(t)),
    "dd": lambda t: WEEKDAYS[_weekday(t)][:2],
    "ddd": lambda t: WEEKDAYS[_weekday(t)][:3],
    "dddd": lambda t: WEEKDAYS[_weekday(t)],
    "e": lambda t: str(_weekday(t)),
    "E": lambda t: str(t.isoweekday()),
    "w": lambda t: str(_week(t)[1]),
    "wo": lambda t: _ordinal(_week(t)[1]),
    "ww": lambda t: f"{_week(t)[1]:02d}",
    "W": lambda t: str(t.isocalendar().week),
    "Wo": lambda t: _ordinal(t.isocalendar().week),
    "WW": lambda t: f"{t.isocalendar().week:02d}",
    "Y": lambda t: str(t.year),
    "YY": lambda t: f"{t.year % 100:02d}",
    "YYYY": lambda t: f"{t.year:04d}",
    "YYYYY": lambda t: f"{t.year:05d}",
    "YYYYYY": lambda t: f"+{t.year:06d}",
    "gg": lambda t: f"{_week(t)[0] % 100:02d}",
    "gggg": lambda t: f"{_week(t)[0]:04d}",
    "ggggg": lambda t: f"{_week(t)[0]:05d}",
    "GG": lambda t: f"{t.isocalendar().year % 100:02d}",
    "GGGG": lambda t: f"{t.isocalendar().year:04d}",
    "GGGGG": lambda t: f"{t.isocalendar().year:05d}",
    "a": lambda t: "am" if t.hour < 12 else "pm",
    "A": lambda t: "AM" if t.hour < 12 else "PM",
    "H": lambda t: str(t.hour),
    "HH": lambda t: f"{t.hour:02d}",
    "h": lambda t: str(_hour12(t)),
    "hh": lambda t: f"{_hour12(t):02d}",
    "k": lambda t: str(t.hour or 24),
    "kk": lambda t: f"{t.hour or 24:02d}",
    "m": lambda t: str(t.minute),
    "mm": lambda t: f"{t.minute:02d}",
    "s": lambda t: str(t.second),
    "ss": lambda t: f"{t.second:02d}",
    "hmm": lambda t: f"{_hour12(t)}{t.minute:02d}",
    "hmmss": lambda t: f"{_hour12(t)}{t.minute:02d}{t.second:02d}",
    "Hmm": lambda t: f"{t.hour}{t.minute:02d}",
    "Hmmss": lambda t: f"{t.hour}{t.minute:02d}{t.second:02d}",
    "X": lambda t: str(int(t.timestamp())),
    "z": lambda t: "UTC" if t.tzinfo is UTC else "",
    "zz": lambda t: "Coordinated Universal Time" if t.tzinfo is UTC else "",
    "Z": lambda t: _offset(t, ":"),
    "ZZ": lambda t: _offset(t, ""),
}


def _expand(text: str) -> str:
    """Write LT, LL, … out, as often as moment does (it stops after five rounds)."""
    for _ in range(6):
        expanded = _LONG_FORMAT.sub(lambda match: _LONG_FORMATS.get(match[0], match[0]), text)
        if expanded == text:
            break
        text = expanded
    return text


def _literal(token: str) -> str:
    if len(token) > 1 and token[0] == "[":
        return token[1:].removesuffix("]")
    return token.replace("\\", "")


class MomentFormat:
    """A compiled format. Call it with milliseconds since 1970 (int); it gives the text.

    Everything down to the second is kept until the second changes, since thousands of records share one.
    """

    def __init__(self, text: str, zone: tzinfo | None) -> None:
        self._zone = zone
        self._tokens = _TOKEN.findall(_expand(text))
        self._subsecond = [token for token in self._tokens if token == "x" or set(token) == {"S"}]
        self._second: int | None = None
        self._pattern = ""

    def _render_second(self, second: int) -> str:
        time = datetime.fromtimestamp(second, UTC).astimezone(self._zone)
        parts = []
        for token in self._tokens:
            if token == "x" or set(token) == {"S"}:
                parts.append("%s")
            else:
                text = _TOKENS[token](time) if token in _TOKENS else _literal(token)
                parts.append(text.replace("%", "%%"))
        return "".join(parts)

    def __call__(self, milliseconds: int) -> str:
        second, fraction = divmod(milliseconds, 1000)
        if second != self._second:
            self._pattern = self._render_second(second)
            self._second = second
        if not self._subsecond:
            return self._pattern % ()
        digits = f"{fraction:03d}000000"
        return self._pattern % tuple(
            [str(milliseconds) if token == "x" else digits[: len(token)] for token in self._subsecond]
        )
