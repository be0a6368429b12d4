"""The time that a generator writes into its records: the wall clock, or event time that is the same in every run."""

import time
from datetime import UTC, datetime


class WallClock:
    """The real time, in the zone of this machine.

    simulated: milliseconds since 1970 that `date.simTime` shows while a Periodic rate plays a stretch of time, else None.
    """

    zone = None
    simulated: int | None = None

    def now(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def advance(self) -> None:
        """Called after each record; real time moves by itself."""

    def zone_name(self) -> str:
        return datetime.now().astimezone().tzname() or ""


class Clock:
    """Event time: record number n (from 0) happens at start + n * step, whenever it is made or sent.

    start: ISO 8601 text (`"2026-01-05T09:00:00Z"`) or a datetime; without a zone it is UTC. `date.now` writes in its zone.
    step: seconds between two records, 0 or more, down to microseconds.
    Raises ValueError for text that is no time and for a negative step.
    """

    def __init__(self, start: str | datetime, step: float = 1.0) -> None:
        moment = datetime.fromisoformat(start) if isinstance(start, str) else start
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if step < 0:
            raise ValueError(f"step is {step}; it must be 0 or more seconds.")
        self.zone = moment.tzinfo
        self._start = moment
        self._start_microseconds = round(moment.timestamp() * 1_000_000)
        self._step_microseconds = round(step * 1_000_000)
        self._records = 0

    @property
    def simulated(self) -> int:
        return self.now()

    def now(self) -> int:
        """Milliseconds since 1970 of the record that is being made."""
        return (self._start_microseconds + self._records * self._step_microseconds) // 1000

    def advance(self) -> None:
        """Go on to the next record."""
        self._records += 1

    def zone_name(self) -> str:
        return self._start.tzname() or ""
