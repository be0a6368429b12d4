"""How many records a second: the two kinds of rate of the Kinesis Data Generator."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

Table = float | list[list[float]]


class Tick(NamedTuple):
    """`count` records are due `due` seconds after the start; `simulated` is their `date.simTime` in milliseconds, if there is one."""

    due: float
    count: int  # type: ignore[assignment]  # a tuple's own count() is not asked for
    simulated: int | None = None


@dataclass(frozen=True)
class Constant:
    """`per_second` records at once, every second (a whole number, 1 or more; KDG's default is 100, its form allows 2000)."""

    per_second: int

    def __post_init__(self) -> None:
        if not isinstance(self.per_second, int) or isinstance(self.per_second, bool) or self.per_second < 1:
            raise ValueError(
                f"The rate is {self.per_second!r}; it must be a whole number of records a second, 1 or more."
            )

    def ticks(self, rng: Random, strict: bool) -> Iterator[Tick]:
        second = 0
        while True:
            yield Tick(second, self.per_second)
            second += 1


@dataclass(frozen=True)
class Periodic:
    """A rate that follows the hour of the week: each second a count from the normal distribution (mu, sigma) of its hour.

    mu, sigma: one number for all hours, or a table of 7 days (Sunday first) × 24 hours. KDG's defaults: 100 and 10.
    smoothing: go on a straight line from one hour's values to the next hour's, in steps of a minute.
    start, end: play this stretch of time (ISO 8601 text or datetime, both included) instead of the real time; then `date.simTime` shows
    the played second, `seconds_per_tick` seconds are played at once, and `tick_wait` seconds lie between two ticks.
    Raises ValueError for a table of another shape, a negative value, or a start without an end.
    """

    mu: Table = 100
    sigma: Table = 10
    smoothing: bool = False
    start: str | datetime | None = None
    end: str | datetime | None = None
    seconds_per_tick: int = 5
    tick_wait: float = 0.1

    def __post_init__(self) -> None:
        for name in ("mu", "sigma"):
            table = getattr(self, name)
            rows = table if isinstance(table, list) else [[table] * 24] * 7
            if len(rows) != 7 or any(len(row) != 24 for row in rows):
                raise ValueError(f"{name} must be one number or 7 lists (Sunday first) of 24 numbers.")
            if any(value < 0 for row in rows for value in row):
                raise ValueError(f"{name} has a negative value; it must be 0 or more.")
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end go together: give both, or none for the real time.")
        if self.seconds_per_tick < 1 or self.tick_wait < 0:
            raise ValueError("seconds_per_tick must be 1 or more, and tick_wait 0 or more.")

    def ticks(self, rng: Random, strict: bool) -> Iterator[Tick]:
        if self.start is None:
            moment, second = datetime.now(), 0
            while True:
                yield Tick(second, self._count(moment + timedelta(seconds=second), rng, strict))
                second += 1
        assert self.end is not None, "start and end go together"
        first, last = _moment(self.start), _moment(self.end)
        for second in range(int((last - first).total_seconds()) + 1):
            moment = first + timedelta(seconds=second)
            due = second // self.seconds_per_tick * self.tick_wait
            yield Tick(due, self._count(moment, rng, strict), round(moment.timestamp() * 1000))

    def _count(self, moment: datetime, rng: Random, strict: bool) -> int:
        mu, sigma = self.parameters(moment, strict)
        return max(0, math.ceil(rng.gauss(mu, sigma)))

    def parameters(self, moment: datetime, strict: bool = False) -> tuple[float, float]:
        """(mu, sigma) at that moment.

        strict: smooth as KDG does, which takes Sunday 0:00 for the hour after 22:00 and after 23:00 of every day.
        """
        day, hour = moment.isoweekday() % 7, moment.hour
        mu, sigma = _at(self.mu, day, hour), _at(self.sigma, day, hour)
        if not self.smoothing:
            return mu, sigma
        if strict and hour >= 22:
            next_day, next_hour = 0, 0
        else:
            next_day, next_hour = (day, hour + 1) if hour < 23 else ((day + 1) % 7, 0)
        part = moment.minute / 60
        return (
            mu + (_at(self.mu, next_day, next_hour) - mu) * part,
            sigma + (_at(self.sigma, next_day, next_hour) - sigma) * part,
        )


def _at(table: Table, day: int, hour: int) -> float:
    return table[day][hour] if isinstance(table, list) else table


def _moment(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
