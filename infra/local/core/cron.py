"""AWS's schedule expressions, `cron(…)` and `rate(…)`: when they are next due.

Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html,
https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {name: number for number, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}
_DAYS = {name: number for number, name in enumerate("SUN MON TUE WED THU FRI SAT".split(), 1)}
_LOOK_AHEAD_DAYS = 366 * 9  # 29 February can be eight years away


class Cron:
    """`cron(minutes hours day-of-month month day-of-week year)`, in UTC. Raises ValueError when it is not valid.

    Parameters
    ----------
    shortest_minutes: what runs more often is refused: crawlers take 5
    """

    def __init__(self, expression: str, shortest_minutes: int = 1):
        match = re.fullmatch(r"cron\((.+)\)", expression.strip())
        fields: list[str] = match[1].upper().split() if match else []
        if len(fields) != 6:
            raise ValueError(f"Invalid schedule expression {expression}: it has the form cron(m h dom mon dow year).")
        minutes, hours, self._month_day, months, self._week_day, years = fields
        if (self._month_day == "?") == (self._week_day == "?"):
            raise ValueError(
                f"Invalid schedule expression {expression}: one of day-of-month and day-of-week must be a question mark."
            )
        self._minutes = _numbers(minutes, 0, 59)
        self._hours = _numbers(hours, 0, 23)
        self._months = _numbers(months, 1, 12, _MONTHS)
        self._years = _numbers(years, 1970, 2199)
        self._fits(datetime(2024, 2, 1))  # raises ValueError when a day field is not valid
        ordered = sorted(self._minutes)
        gaps = [later - earlier for earlier, later in zip(ordered, ordered[1:], strict=False)]
        if len(self._hours) > 1:
            gaps.append(60 - ordered[-1] + ordered[0])
        if gaps and min(gaps) < shortest_minutes:
            raise ValueError(
                f"Invalid schedule expression {expression}: it runs more often than every {shortest_minutes} minutes."
            )

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after `moment` (naive, UTC), or None when there is none.

        Parameters
        ----------
        moment: naive, in UTC
        """
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for ahead in range(_LOOK_AHEAD_DAYS):
            day = (start + timedelta(days=ahead)).replace(hour=0, minute=0) if ahead else start
            if day.year not in self._years or day.month not in self._months or not self._fits(day):
                continue
            for hour in sorted(self._hours):
                for minute in sorted(self._minutes):
                    due = day.replace(hour=hour, minute=minute)
                    if due >= start:
                        return due
        return None

    def _fits(self, day: datetime) -> bool:
        if self._week_day == "?":
            return day.day in _month_days(self._month_day, day)
        return day.day in _week_days(self._week_day, day)


class Rate:
    """`rate(1 hour)`, `rate(5 minutes)`. Raises ValueError when it is not valid: one hours, five minute, zero.

    Attributes
    ----------
    seconds: from one time to the next
    """

    def __init__(self, expression: str):
        match = re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression)
        if not match or int(match[1]) < 1 or (int(match[1]) == 1) == bool(match[3]):
            raise ValueError(f"Invalid schedule expression {expression}: it has the form rate(5 minutes).")
        self.seconds = int(match[1]) * _UNITS[match[2]]


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """Return the numbers of a field of lists, ranges and steps."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if step and (not step.isdigit() or step == "0"):
            raise ValueError(f"Invalid schedule expression: {part} is not valid.")
        if span == "*":
            start, end = low, high
        else:
            start = _number(first, low, high, names)
            end = _number(last, low, high, names) if dash else high if step else start
        if end < start:
            raise ValueError(f"Invalid schedule expression: {part} is not valid.")
        found.update(range(start, end + 1, int(step or 1)))
    return found


def _number(text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    number = (names or {}).get(text, int(text) if text.isdigit() else -1)
    if not low <= number <= high:
        raise ValueError(f"Invalid schedule expression: {text} is not between {low} and {high}.")
    return number


def _month_days(field: str, day: datetime) -> set[int]:
    """Return the days of `day`'s month that a day-of-month field means; L is the last, 15W the weekday nearest to the 15th."""
    length = calendar.monthrange(day.year, day.month)[1]
    if field == "L":
        return {length}
    match = re.fullmatch(r"(\d{1,2})W", field)
    if match:
        wanted = min(_number(match[1], 1, 31, None), length)
        weekday = datetime(day.year, day.month, wanted).weekday()
        if weekday == 5:
            return {wanted - 1 if wanted > 1 else wanted + 2}
        if weekday == 6:
            return {wanted + 1 if wanted < length else wanted - 2}
        return {wanted}
    return _numbers(field, 1, 31)


def _week_days(field: str, day: datetime) -> set[int]:
    """Return the days of `day`'s month that a day-of-week field means; 6L is the last Friday, 3#2 the second Tuesday."""
    length = calendar.monthrange(day.year, day.month)[1]

    def dates(weekday: int) -> list[int]:
        return [date for date in range(1, length + 1) if _week_day(day.year, day.month, date) == weekday]

    if field == "L":
        return set(dates(7))
    match = re.fullmatch(r"(\w+?)(?:(L)|#([1-5]))", field)
    if match:
        found = dates(_number(match[1], 1, 7, _DAYS))
        if match[2]:
            return {found[-1]}
        at = int(match[3]) - 1
        return set(found[at : at + 1])
    return {date for weekday in _numbers(field, 1, 7, _DAYS) for date in dates(weekday)}


def _week_day(year: int, month: int, date: int) -> int:
    """Return AWS's number of a day: Sunday is 1."""
    return datetime(year, month, date).isoweekday() % 7 + 1
