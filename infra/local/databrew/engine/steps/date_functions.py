"""Date and time functions, and FORMAT_DATE: dates from text, timestamps and dates; the results are text in the step's format.

Formats are those of the guide: yyyy yy month mon mm dd HH MM SS (minutes in capitals), everything else stands for itself.
Source: "Date and time functions" of the guide, recipe-actions.FORMAT_DATE.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ..errors import StepRefused
from ..frame import Frame
from ..parameters import CHOICE, INTEGER, NAME, OBJECT, TEXT, Values, invalid
from ..registry import Changed, action, optional
from ..types import cast, literal
from .sources import ONE, TWO, as_moment, as_number, new, one, two

DEFAULT = "yyyy-mm-dd HH:MM:SS"
_PARTS = {
    "yyyy": "%Y",
    "yy": "%y",
    "month": "%B",
    "mon": "%b",
    "mm": "%m",
    "dd": "%d",
    "HH": "%H",
    "MM": "%M",
    "SS": "%S",
}
UNITS = {
    "YEARS": "to_years({})",
    "QUARTERS": "to_months(3 * {})",
    "MONTHS": "to_months({})",
    "WEEKS": "to_days(7 * {})",
    "DAYS": "to_days({})",
    "HOURS": "to_hours({})",
    "MINUTES": "to_minutes({})",
    "SECONDS": "to_seconds({})",
    "MILLISECONDS": "to_milliseconds({})",
    "MICROSECONDS": "to_microseconds({})",
}
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?")


def formatted(moment: str, form: str) -> str:
    """SQL of a timestamp as text in a format of the guide."""
    pieces = re.split(f"({'|'.join(_PARTS)})", form)
    strftime = "".join(_PARTS.get(piece, piece.replace("%", "%%")) for piece in pieces)
    return f"strftime({moment}, {literal(strftime)})"


def moment_of(frame: Frame, p: Values, n: str = "") -> str:
    """SQL of the source as a timestamp; a time of day alone is one of 1970-01-01."""
    plain = as_moment(frame, p, n)
    if p["sourceColumn" + n] is None:
        value = literal(p["value" + n])
    else:
        column = frame.column(p["sourceColumn" + n])
        if column.type != "string":
            return plain
        value = column.key
    clock = rf"regexp_full_match(trim({value}), '\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?')"
    return f"CASE WHEN {clock} THEN TRY_CAST('1970-01-01 ' || trim({value}) AS TIMESTAMP) ELSE {plain} END"


_PIECES = {
    "YEAR": ("CAST(year({}) AS INTEGER)", "int"),
    "QUARTER": ("CAST(quarter({}) AS INTEGER)", "int"),
    "MONTH": ("CAST(month({}) AS INTEGER)", "int"),
    "MONTH_NAME": ("monthname({})", "string"),
    "WEEK_NUMBER": ("CAST(week({}) AS INTEGER)", "int"),  # ISO 8601
    "WEEK_DAY": ("CAST(dayofweek({}) + 1 AS INTEGER)", "int"),  # 1 is Sunday, as in Spark
    "DAY": ("CAST(day({}) AS INTEGER)", "int"),
    "HOUR": ("CAST(hour({}) AS INTEGER)", "int"),
    "MINUTE": ("CAST(minute({}) AS INTEGER)", "int"),
    "SECOND": ("CAST(second({}) AS INTEGER)", "int"),
    "MILLISECOND": ("CAST(millisecond({}) % 1000 AS INTEGER)", "int"),
    "UNIX_TIME": ("CAST(floor(epoch({})) AS BIGINT)", "long"),
}


def _piece(template: str, type_: str) -> Callable[[Frame, Values], Changed]:
    return lambda frame, p: new(frame, p, template.replace("{}", moment_of(frame, p)), type_)


for _name, (_template, _type) in _PIECES.items():
    action(_name, validate=one, **ONE)(_piece(_template, _type))

_FORMAT: dict[str, Any] = {"dateTimeFormat": optional(TEXT, DEFAULT)}


@action("DATE_FORMAT", validate=one, **ONE, **_FORMAT)
def date_format(frame: Frame, p: Values) -> Changed:
    return new(frame, p, formatted(moment_of(frame, p), p.dateTimeFormat), "string")


@action("DATE_ADD", validate=one, units=CHOICE(*UNITS), dateAddValue=INTEGER(), **ONE, **_FORMAT)
def date_add(frame: Frame, p: Values) -> Changed:
    """NULL beyond the calendar's end."""
    moved = f"TRY({moment_of(frame, p)} + {UNITS[p.units].replace('{}', f'({p.dateAddValue})')})"
    return new(frame, p, formatted(moved, p.dateTimeFormat), "string")


@action("DATE_DIFF", validate=two, units=CHOICE(*UNITS), **TWO)
def date_diff(frame: Frame, p: Values) -> Changed:
    """How many whole units lie from the first date to the second."""
    unit = p.units[:-1].lower()
    return new(frame, p, f"date_sub('{unit}', {moment_of(frame, p, '1')}, {moment_of(frame, p, '2')})", "long")


@action("UNIX_TIME_FORMAT", validate=one, **ONE, **_FORMAT)
def unix_time_format(frame: Frame, p: Values) -> Changed:
    value, _ = as_number(frame, p)
    moment = f"TRY(make_timestamp(TRY_CAST({value} * 1000000 AS BIGINT)))"
    return new(frame, p, formatted(moment, p.dateTimeFormat), "string")


_COMPONENTS = {"year": 1970, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}


def _components(p: Values) -> None:
    for name, component in p.dateTimeParameters.items():
        if name not in _COMPONENTS or not isinstance(component, dict):
            raise StepRefused(f"dateTimeParameters has {', '.join(_COMPONENTS)}, each an object.")
        if set(component) - {"sourceColumn", "value"} or len(component) > 1:
            raise StepRefused(f"The component {name} of dateTimeParameters has either sourceColumn or value.")
        if "value" in component and not str(component["value"]).strip().isdecimal():
            raise StepRefused(f"The value of {name} in dateTimeParameters must be an integer.")
    if not any(p.dateTimeParameters.values()):
        raise StepRefused("dateTimeParameters needs at least one component.")


def _put_together(frame: Frame, p: Values) -> Changed:
    """A moment from its components, those that are not given from 1970-01-01 00:00:00; NULL for a day that is none."""
    found = []
    for name, default in _COMPONENTS.items():
        component = p.dateTimeParameters.get(name) or {}
        if "sourceColumn" in component:
            column = frame.column(component["sourceColumn"])
            found.append(cast(column.key, column.type, "long"))
        else:
            found.append(f"{int(component.get('value', default))}::BIGINT")
    valid = " AND ".join(f"{sql} BETWEEN 0 AND {9999 if n == 0 else 99}" for n, sql in enumerate(found))
    written = f"printf('%04d-%02d-%02d %02d:%02d:%02d', {', '.join(found)})"
    moment = f"CASE WHEN {valid} THEN TRY_CAST({written} AS TIMESTAMP) END"
    return new(frame, p, formatted(moment, p.dateTimeFormat), "string")


for _name in ("DATE", "TIME", "DATE_TIME"):
    action(_name, validate=_components, dateTimeParameters=OBJECT, targetColumn=NAME, **_FORMAT)(_put_together)


def zone(name: str, value: str) -> str:
    """A time zone: a name of the tz database, UTC, or an offset such as UTC+08:00."""
    try:
        _zone(value)
    except (KeyError, ValueError, OSError):
        raise invalid(name, value, "it is not a time zone") from None
    return value


def _zone(value: str) -> tzinfo:
    found = _OFFSET.fullmatch(value.replace(" ", ""))
    if not found:
        return ZoneInfo(value)
    sign = -1 if found[1] == "-" else 1
    return timezone(sign * timedelta(hours=int(found[2]), minutes=int(found[3] or 0)))


def _shifted(moment: str, value: str, back: bool) -> str:
    """SQL of UTC's time as a zone's, or back."""
    there = _zone(value)
    if isinstance(there, timezone):
        seconds = int(there.utcoffset(None).total_seconds())
        return f"({moment} + to_seconds({-seconds if back else seconds}))"
    if back:
        return f"timezone('UTC', timezone({literal(value)}, {moment}))"
    return f"timezone({literal(value)}, timezone('UTC', {moment}))"


_ZONE: dict[str, Any] = {"timeZone": optional(zone, "UTC"), "targetColumn": NAME}


@action("NOW", **_ZONE)
def now(frame: Frame, p: Values) -> Changed:
    """One moment for all rows: when the step is applied."""
    return new(
        frame, p, literal(datetime.now(UTC).astimezone(_zone(p.timeZone)).strftime("%Y-%m-%d %H:%M:%S")), "string"
    )


@action("TODAY", **_ZONE)
def today(frame: Frame, p: Values) -> Changed:
    return new(frame, p, literal(datetime.now(UTC).astimezone(_zone(p.timeZone)).strftime("%Y-%m-%d")), "string")


@action(
    "CONVERT_TIMEZONE",
    sourceColumn=NAME,
    fromTimeZone=optional(zone, "UTC"),
    toTimeZone=optional(zone, "UTC"),
    targetColumn=NAME,
    **_FORMAT,
)
def convert_timezone(frame: Frame, p: Values) -> Changed:
    source = moment_of(frame, Values(sourceColumn=p.sourceColumn, value=None))
    moved = _shifted(_shifted(source, p.fromTimeZone, back=True), p.toTimeZone, back=False)
    return new(frame, p, formatted(moved, p.dateTimeFormat), "string")


_TARGETS = {"mm/dd/yyyy", "mm-dd-yyyy", "dd month yyyy", "month yyyy", "dd month"}
_MORE: dict[str, Any] = {"sourceColumn": NAME, "targetDateFormat": CHOICE(*sorted(_TARGETS))}


@action("FORMAT_DATE", **_MORE)
def format_date(frame: Frame, p: Values) -> Changed:
    """In place; what is no date becomes NULL."""
    column = frame.column(p.sourceColumn)
    moment = moment_of(frame, Values(sourceColumn=column.name, value=None))
    return Changed([(column.name, formatted(moment, p.targetDateFormat), "string")])
