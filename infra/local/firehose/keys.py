"""Names of the objects that Amazon Data Firehose delivers to S3: prefixes with expressions, time patterns, the suffix.

Pure functions. Sources: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html and s3-object-name.html;
time patterns: https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html (English names, as on AWS).
"""

from __future__ import annotations

import calendar
import re
import secrets
import string
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

EXPRESSION = re.compile(r"!\{([^}]*)\}")
DEFAULT_PREFIX = "!{timestamp:yyyy/MM/dd/HH/}"
ERROR_OUTPUT_TYPE = "firehose:error-output-type"
RANDOM_STRING = "firehose:random-string"
RANDOM_LENGTH = 11
EVALUATED_LENGTH = 512
FROM_QUERY, FROM_LAMBDA = "partitionKeyFromQuery", "partitionKeyFromLambda"
EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy", "HADOOP_SNAPPY": ".hsnappy"}
LONGEST_ERROR_TYPE = "AmazonOpenSearchService-failed"
PartitionKeys = Mapping[tuple[str, str], str]  # (namespace, name) → the value in a record


class PrefixError(ValueError):
    """A prefix that Firehose refuses; the message says which rule it breaks."""


class PartitionError(PrefixError):
    """A prefix with partition keys where there are none; the message is AWS's whole one."""


class PatternError(ValueError):
    """A time pattern that java.time.format.DateTimeFormatter refuses; the message is Java's."""


# --- prefixes -------------------------------------------------------------------------------------------------------


def check_prefixes(prefix: str, error_prefix: str, partitioned: bool = False) -> None:
    """Check a destination's Prefix and ErrorOutputPrefix ("" where not given) against the rules of s3-prefixes.html.

    Parameters
    ----------
    partitioned: dynamic partitioning is on

    Raises PrefixError.
    """
    expressions, error_expressions = _expressions(prefix), _expressions(error_prefix)
    if expressions and not error_prefix:
        raise PrefixError("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")
    if ERROR_OUTPUT_TYPE in expressions:
        raise PrefixError(f"Prefix must not contain any occurrence of !{{{ERROR_OUTPUT_TYPE}}}")
    if error_expressions and ERROR_OUTPUT_TYPE not in error_expressions:
        raise PrefixError(f"ErrorOutputPrefix must contain at least one occurrence of !{{{ERROR_OUTPUT_TYPE}}}")
    if partition_keys(error_prefix):
        raise PartitionError("Dynamic Partitioning Namespaces can't be part of an error prefix expression")
    if partition_keys(prefix) and not partitioned:
        raise PartitionError(
            "Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled."
        )
    sample = datetime(2026, 12, 30, 23, 59, 59, 999_999, UTC)
    for name, value in (("Prefix", prefix), ("ErrorOutputPrefix", error_prefix)):
        try:
            evaluated = (
                evaluate_prefix(value, sample) if name == "Prefix" else evaluate(value, sample, LONGEST_ERROR_TYPE)
            )
        except PatternError as error:
            raise PrefixError(f"{name} contains an invalid timestamp expression: {error}") from None
        if len(evaluated) > EVALUATED_LENGTH:
            raise PrefixError(f"{name} cannot be greater than {EVALUATED_LENGTH} characters after it is evaluated")


def partition_keys(prefix: str) -> list[tuple[str, str]]:
    """Return namespace and name of the partition keys in a prefix."""
    found = (expression.partition(":") for expression in EXPRESSION.findall(prefix))
    return [(namespace, name) for namespace, _, name in found if namespace in (FROM_QUERY, FROM_LAMBDA)]


def _expressions(prefix: str) -> list[str]:
    """Return what stands in the `!{…}` of a prefix. Raises PrefixError for an expression that Firehose does not have."""
    found = EXPRESSION.findall(prefix)
    for expression in found:
        namespace, _, value = expression.partition(":")
        known = namespace in ("timestamp", FROM_QUERY, FROM_LAMBDA) and value
        if not known and expression not in (ERROR_OUTPUT_TYPE, RANDOM_STRING):
            raise PrefixError(f"!{{{expression}}} is not a valid expression")
    if "!{" in EXPRESSION.sub("", prefix):
        raise PrefixError("the sequence '!{' can only appear in !{namespace:value} expressions")
    return found


def evaluate_prefix(prefix: str, moment: datetime, keys: PartitionKeys | None = None) -> str:
    """Return the evaluated Prefix of delivered records.

    Without a timestamp expression `yyyy/MM/dd/HH/` is appended to it, and no slash before that; not where it has partition keys.
    Raises PatternError.
    """
    if not any(
        expression.startswith(("timestamp:", FROM_QUERY, FROM_LAMBDA)) for expression in EXPRESSION.findall(prefix)
    ):
        prefix += DEFAULT_PREFIX
    return evaluate(prefix, moment, keys=keys)


def evaluate_error_prefix(prefix: str, error_prefix: str, moment: datetime, error_type: str) -> str:
    """Return the evaluated ErrorOutputPrefix of what could not be processed.

    Without expressions the kind of error and `yyyy/MM/dd/HH/` are appended to it; where it is not given, to Prefix.
    Source: the table on https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
    """
    if EXPRESSION.search(error_prefix):
        return evaluate(error_prefix, moment, error_type)
    return evaluate(f"{error_prefix or prefix}{error_type}/{DEFAULT_PREFIX}", moment)


def evaluate(
    prefix: str, moment: datetime, error_type: str = "processing-failed", keys: PartitionKeys | None = None
) -> str:
    """Return a prefix with its expressions replaced.

    Parameters
    ----------
    moment: arrival of the object's oldest record, in the time zone that the expressions are to use
    error_type: value of `!{firehose:error-output-type}`
    keys: values of partition keys; one that has none stands as its own name

    Raises PatternError.
    """

    def value(match: re.Match[str]) -> str:
        expression = match[1]
        namespace, _, name = expression.partition(":")
        if expression == ERROR_OUTPUT_TYPE:
            return error_type
        if expression == RANDOM_STRING:
            return random_string()
        if namespace in (FROM_QUERY, FROM_LAMBDA):
            return (keys or {}).get((namespace, name), name)
        return format_time(name, moment)

    return EXPRESSION.sub(value, prefix)


def random_string() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(RANDOM_LENGTH))


def object_key(evaluated: str, stream: str, version: str, moment: datetime, unique: str, extension: str = "") -> str:
    """Return the key of a delivered object: `<evaluated prefix><stream>-<version>-yyyy-MM-dd-HH-mm-ss-<unique><extension>`.

    Parameters
    ----------
    moment: arrival of the object's oldest record, in the time zone of the destination
    unique: a UUID
    """
    return f"{evaluated}{stream}-{version}-{moment:%Y-%m-%d-%H-%M-%S}-{unique}{extension}"


def local_time(epoch_ms: int, zone: str) -> datetime:
    """Return a time in a zone by its IANA name (CustomTimeZone), UTC for ""."""
    return datetime.fromtimestamp(epoch_ms / 1000, ZoneInfo(zone or "UTC"))


# --- java.time.format.DateTimeFormatter -----------------------------------------------------------------------------


def format_time(pattern: str, moment: datetime) -> str:
    """Format a time by a java.time DateTimeFormatter pattern, e.g. `yyyy/MM/dd`, `'year='yyyy`, `EEE`.

    Parameters
    ----------
    moment: with a time zone

    Raises PatternError with Java's message, also for what is not supported here (padding `p`, full zone names `zzzz`).
    """
    out, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        if character == "'":
            text, at = _quoted(pattern, at)
            out.append(text)
        elif character.isascii() and character.isalpha():
            end = at
            while end < len(pattern) and pattern[end] == character:
                end += 1
            field = FIELDS.get(character)
            if field is None:
                raise PatternError(f"Unknown pattern letter: {character}")
            out.append(field(moment, character, end - at))
            at = end
        elif character in "{}#":
            raise PatternError(f"Pattern includes reserved character: '{character}'")
        else:
            if character not in "[]":  # optional sections are always there when a complete time is formatted
                out.append(character)
            at += 1
    return "".join(out)


def _quoted(pattern: str, at: int) -> tuple[str, int]:
    """Return the literal that starts at a quote and the place after it; `''` is a quote, also inside of a literal."""
    text: list[str] = []
    end = at + 1
    while end < len(pattern):
        if pattern[end] == "'":
            if pattern[end + 1 : end + 2] != "'":
                return "".join(text) or "'", end + 1
            text.append("'")
            end += 2
            continue
        text.append(pattern[end])
        end += 1
    raise PatternError(f"Pattern ends with an incomplete string literal: {pattern}")


def _too_many(letter: str) -> PatternError:
    return PatternError(f"Too many pattern letters: {letter}")


def _number(value: Callable[[datetime], int], longest: int) -> Callable[[datetime, str, int], str]:
    """A number with as many digits as letters, at most `longest` letters."""

    def field(moment: datetime, letter: str, count: int) -> str:
        if count > longest:
            raise _too_many(letter)
        return f"{value(moment):0{count}d}"

    return field


def _year(value: Callable[[datetime], int]) -> Callable[[datetime, str, int], str]:
    def field(moment: datetime, letter: str, count: int) -> str:
        year = value(moment)
        return f"{year % 100:02d}" if count == 2 else f"{year:0{count}d}"

    return field


def _named(value: Callable[[datetime], int], short: list[str], full: list[str], narrow: list[str], numbers: int):
    """A number for up to `numbers` letters, else the short (3 letters), full (4) or narrow (5) name; names count from 1."""

    def field(moment: datetime, letter: str, count: int) -> str:
        if count > 5:
            raise _too_many(letter)
        if letter == "c" and count == 2:
            raise PatternError('Invalid pattern "cc"')
        if count <= numbers:
            return f"{value(moment):0{count}d}"
        names = {4: full, 5: narrow}.get(count, short)
        return names[value(moment) - 1]

    return field


def _meridiem(moment: datetime, letter: str, count: int) -> str:
    if count > 1:
        raise _too_many(letter)
    return "AM" if moment.hour < 12 else "PM"


def _fraction(moment: datetime, letter: str, count: int) -> str:
    if count > 9:
        raise PatternError(f"Minimum width must be from 0 to 9 inclusive but was {count}")
    return f"{moment.microsecond * 1000:09d}"[:count]


def _offset(moment: datetime, letter: str, count: int) -> str:
    """X, x, Z and O: the offset from UTC."""
    if count > 5 or (letter == "O" and count not in (1, 4)):
        raise _too_many(letter) if letter != "O" else PatternError("Pattern letter count must be 1 or 4: O")
    offset = moment.utcoffset()
    assert offset is not None, "arrivals have a zone"
    minutes = int(offset.total_seconds() // 60)
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    if letter == "O" or (letter == "Z" and count == 4):
        if not minutes:
            return "GMT"
        if letter == "O" and count == 1:
            return f"GMT{sign}{hours}" + (f":{rest:02d}" if rest else "")
        return f"GMT{sign}{hours:02d}:{rest:02d}"
    if not minutes and (letter == "X" or (letter == "Z" and count == 5)):
        return "Z"
    if letter == "Z":
        return f"{sign}{hours:02d}{':' if count == 5 else ''}{rest:02d}"
    if count == 1:
        return f"{sign}{hours:02d}" + (f"{rest:02d}" if rest else "")
    return f"{sign}{hours:02d}{':' if count in (3, 5) else ''}{rest:02d}"


def _zone_id(moment: datetime, letter: str, count: int) -> str:
    if count != 2:
        raise PatternError(f"Pattern letter count must be 2: {letter}")
    return getattr(moment.tzinfo, "key", None) or ("Z" if moment.tzinfo is UTC else str(moment.tzinfo))


def _zone_name(moment: datetime, letter: str, count: int) -> str:
    if count > 4:
        raise _too_many(letter)
    if count == 4:
        raise PatternError("Full time-zone names (zzzz) are not supported by the local AWS; use z, VV or XXX")
    return moment.tzname() or ""


def _week(moment: datetime) -> tuple[int, int]:
    """Return week-based year and week as the US counts: weeks begin on Sunday, and week 1 holds January 1."""
    saturday = moment.date() + timedelta(days=6 - _sunday_based(moment) + 1)
    first = date(saturday.year, 1, 1)
    return saturday.year, (saturday.timetuple().tm_yday + (first.weekday() + 1) % 7 - 1) // 7 + 1


def _sunday_based(moment: datetime) -> int:
    """Return the day of the week, Sunday = 1."""
    return moment.isoweekday() % 7 + 1


def _week_of_month(moment: datetime) -> int:
    first = moment.replace(day=1)
    return (moment.day + _sunday_based(first) - 2) // 7 + 1


def _nano_of_day(moment: datetime) -> int:
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 10**9 + moment.microsecond * 1000


MONTHS, MONTHS_SHORT = calendar.month_name[1:], calendar.month_abbr[1:]
DAYS = [calendar.day_name[6], *calendar.day_name[:6]]
DAYS_SHORT = [calendar.day_abbr[6], *calendar.day_abbr[:6]]
QUARTERS = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"]
DIGITS = ["1", "2", "3", "4"]

_month = _named(lambda t: t.month, MONTHS_SHORT, MONTHS, [name[0] for name in MONTHS], 2)
_quarter = _named(lambda t: (t.month + 2) // 3, ["Q1", "Q2", "Q3", "Q4"], QUARTERS, DIGITS, 2)
_narrow_days = [name[0] for name in DAYS]

FIELDS: dict[str, Callable[[datetime, str, int], str]] = {
    "G": _named(lambda t: 1, ["AD"], ["Anno Domini"], ["A"], 0),
    "u": _year(lambda t: t.year),
    "y": _year(lambda t: t.year),
    "Y": _year(lambda t: _week(t)[0]),
    "D": _number(lambda t: t.timetuple().tm_yday, 3),
    "M": _month,
    "L": _month,
    "Q": _quarter,
    "q": _quarter,
    "w": _number(lambda t: _week(t)[1], 2),
    "W": _number(_week_of_month, 1),
    "d": _number(lambda t: t.day, 2),
    "F": _number(
        lambda t: (t.day - 1) % 7 + 1, 1
    ),  # Java's own reading of F (until Java 19), not that of its documentation
    "E": _named(_sunday_based, DAYS_SHORT, DAYS, _narrow_days, 0),
    "e": _named(_sunday_based, DAYS_SHORT, DAYS, _narrow_days, 2),
    "c": _named(_sunday_based, DAYS_SHORT, DAYS, _narrow_days, 1),
    "a": _meridiem,
    "h": _number(lambda t: (t.hour - 1) % 12 + 1, 2),
    "K": _number(lambda t: t.hour % 12, 2),
    "k": _number(lambda t: t.hour or 24, 2),
    "H": _number(lambda t: t.hour, 2),
    "m": _number(lambda t: t.minute, 2),
    "s": _number(lambda t: t.second, 2),
    "S": _fraction,
    "A": _number(lambda t: _nano_of_day(t) // 10**6, 19),
    "n": _number(lambda t: t.microsecond * 1000, 19),
    "N": _number(_nano_of_day, 19),
    "X": _offset,
    "x": _offset,
    "Z": _offset,
    "O": _offset,
    "V": _zone_id,
    "z": _zone_name,
}
