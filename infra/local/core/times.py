"""Times as AWS writes them in texts."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: datetime | float) -> str:
    """Return a time, aware or in seconds since 1970, in UTC with milliseconds: 2026-01-31T12:00:00.000Z.

    Parameters
    ----------
    moment: a datetime, or a number
    """
    aware = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
