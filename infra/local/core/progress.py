"""What learners have solved: a row for each account and exercise, written by `check` of the notebooks, read by whoever leads.

An account writes its own rows only; nobody but the holder of the server's key reads any.
"""

from __future__ import annotations

import re
import threading
import time
from typing import Any

from infra.local.core import members, state
from infra.local.core.refused import Refused
from infra.local.core.rows import Rows

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS progress (account TEXT, exercise TEXT, state TEXT, tries INTEGER, first REAL, last REAL, solved REAL, "
    "PRIMARY KEY (account, exercise))",
)
STATES = ("open", "wrong", "solved")
EXERCISE = re.compile(r"\d{1,2}\.\d{1,2}")
_rows: Rows | None = None
_opening = threading.Lock()


def _table() -> Rows:
    global _rows
    with _opening:
        if _rows is None:
            _rows = Rows(state.root() / "progress.sqlite", SCHEMA)
        return _rows


def note(account: str, told: Any) -> None:
    """Store what became of an exercise: `{"exercise": "1.2", "state": "solved"}`; on disk when this returns.

    What is solved stays solved, whatever is tried afterwards. Raises Refused for anything else.

    Parameters
    ----------
    account: its twelve digits
    told: what the check of the exercise found
    """
    told = told if isinstance(told, dict) else {}
    exercise, found = told.get("exercise"), told.get("state")
    if not isinstance(exercise, str) or not EXERCISE.fullmatch(exercise) or found not in STATES:
        raise Refused(400, "ValidationException", f"exercise must be like 1.2, and state one of {', '.join(STATES)}.")
    now, tried = time.time(), int(found != "open")
    with _table().change() as rows:
        rows.execute(
            "INSERT INTO progress VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET tries = tries + excluded.tries, last = excluded.last, "
            "state = CASE WHEN state = 'solved' OR excluded.state = 'open' THEN state ELSE excluded.state END, "
            "solved = coalesce(solved, excluded.solved)",
            (account, exercise, found, tried, now, now, now if found == "solved" else None),
        )


def all_rows() -> dict[str, Any]:
    """Return all rows, the names of the members, and when each has last asked for something."""
    columns = ("account", "exercise", "state", "tries", "first", "last", "solved")
    rows = _table().read("SELECT account, exercise, state, tries, first, last, solved FROM progress")
    return {
        "rows": [dict(zip(columns, row, strict=True)) for row in rows],
        "names": members.names(),
        "seen": members.seen(),
        "now": time.time(),
    }


def forget(account: str) -> None:
    """Drop the rows of an account that is emptied.

    Parameters
    ----------
    account: its twelve digits
    """
    with _table().change() as rows:
        rows.execute("DELETE FROM progress WHERE account = ?", (account,))
