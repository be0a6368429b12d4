"""A window into a frame, and what its columns' headers show. The text of a session action's Result is JSON of this; AWS does not document its own.

{"columns": [{"name", "type", "statistics"?}], "rows": [[text or null, …]], "rowCount", "columnCount", "startRowIndex", "startColumnIndex", "stepIndex"}

Source: https://docs.aws.amazon.com/databrew/latest/dg/API_ViewFrame.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Column, Frame

ROWS, COLUMNS = 50, 20  # where the request says nothing
BUCKETS, TOP_VALUES = 10, 5


def window(frame: Frame, asked: dict[str, Any] | None) -> dict[str, Any]:
    """Return the rows and columns that a ViewFrame asks for.

    Parameters
    ----------
    asked: the request's ViewFrame, if it has one
    """
    asked = asked or {}
    hidden = set(asked.get("HiddenColumns") or [])
    visible = [column for column in frame.columns if column.name not in hidden]
    start_column, start_row = asked.get("StartColumnIndex", 0), asked.get("StartRowIndex", 0)
    shown = visible[start_column : start_column + asked.get("ColumnRange", COLUMNS)]
    rows = frame.keep(shown).texts(start_row, max(0, asked.get("RowRange", ROWS))) if shown else []
    columns: list[dict[str, Any]] = [{"name": column.name, "type": column.type} for column in shown]
    if asked.get("Analytics", "ENABLE") == "ENABLE":
        for described, column in zip(columns, shown, strict=True):
            described["statistics"] = statistics(frame, column)
    return {
        "columns": columns,
        "rows": [list(row) for row in rows],
        "rowCount": frame.count(),
        "columnCount": len(visible),
        "startRowIndex": start_row,
        "startColumnIndex": start_column,
    }


def _row(frame: Frame, sql: str) -> tuple[Any, ...]:
    """The only row of a query of aggregates."""
    found = frame.workspace.execute(sql).fetchone()
    assert found is not None
    return found


def statistics(frame: Frame, column: Column) -> dict[str, Any]:
    """What the header of a column shows: how many values there are, and how they are distributed."""
    from .engine.types import NUMBERS, text

    shown = text(column.key, column.type)
    present = f"nullif({shown}, '')"
    total, valid, distinct = _row(
        frame, f"SELECT count(*), count({present}), count(DISTINCT {present}) FROM {frame.source}"
    )
    found: dict[str, Any] = {"valid": valid, "missing": total - valid, "distinct": distinct}
    if column.type in NUMBERS:
        return found | _numbers(frame, f"CAST({column.key} AS DOUBLE)")
    top = frame.workspace.execute(
        f"SELECT {present} AS value, count(*) AS n FROM {frame.source} WHERE {present} IS NOT NULL "
        f"GROUP BY ALL ORDER BY n DESC, value LIMIT {TOP_VALUES}"
    ).fetchall()
    return found | {"topValues": [{"value": value, "count": count} for value, count in top]}


def _numbers(frame: Frame, number: str) -> dict[str, Any]:
    """Least, greatest, mean and median, and a histogram of equal buckets."""
    source = f"(SELECT {number} AS x FROM {frame.source} WHERE isfinite({number}))"
    low, high, mean, median = _row(frame, f"SELECT min(x), max(x), avg(x), median(x) FROM {source}")
    if low is None:
        return {"distribution": []}
    width = (high - low) / BUCKETS
    bucket = f"least(CAST(floor((x - {low!r}) / {width!r}) AS INTEGER), {BUCKETS - 1})" if width else "0"
    counts = dict(
        frame.workspace.execute(f"SELECT {bucket} AS bucket, count(*) FROM {source} GROUP BY bucket").fetchall()
    )
    edges = [low + width * at for at in range(BUCKETS if width else 1)]
    distribution = [
        {"bucket": [edge, edge + width if width else high], "count": counts.get(at, 0)} for at, edge in enumerate(edges)
    ]
    return {"min": low, "max": high, "mean": mean, "median": median, "distribution": distribution}
