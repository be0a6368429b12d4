"""The result table of a paragraph, kept up to date from Flink's changelog: Zeppelin's types update, append and single."""

import html
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from .told import Told

INSERT, UPDATE_BEFORE, UPDATE_AFTER, DELETE = range(4)  # Flink's RowKind.toByteValue()
REMOVES = (UPDATE_BEFORE, DELETE)
LIMIT = 100_000

Row = tuple


class ChangelogError(Told):
    """A change that the chosen type cannot show; the message says which type can."""


class UpdateView:
    """`type=update`: the whole result table. Inserts add a row, retractions take an equal row away.

    Args:
        limit: the most rows kept; the oldest are forgotten first (`forgotten` counts them).
        in_order: keep the order of arrival, as for a batch query with ORDER BY.
    """

    def __init__(self, limit: int = LIMIT, in_order: bool = False):
        self.changes = 0
        self.forgotten = 0
        self.insert_only = True
        self._limit = limit
        self._in_order = in_order
        self._counts: dict[Row, int] = {}

    def apply(self, kinds: Sequence[int], rows: Sequence[Row]) -> None:
        """Apply changes in order.

        Args:
            kinds: Flink's row kinds (0 insert, 1 update before, 2 update after, 3 delete).
            rows: the rows, one tuple a kind.
        """
        counts = self._counts
        for kind, row in zip(kinds, rows, strict=True):
            step = -1 if kind in REMOVES else 1
            left = counts.get(row, 0) + step
            if left:
                counts[row] = left
            else:
                del counts[row]
        self.changes += len(kinds)
        self.insert_only = self.insert_only and not any(kinds)
        while len(counts) > self._limit:
            counts.pop(next(iter(counts)))
            self.forgotten += 1

    def __len__(self) -> int:
        return sum(count for count in self._counts.values() if count > 0)

    def rows(self, most: int | None = None) -> list[Row]:
        """The table, sorted by its columns (a stream has no order of its own).

        Args:
            most: only so many rows: the first ones, but the newest of a long append-only result, in order of arrival.
        """
        rows = [row for row, count in self._counts.items() for _ in range(count)]
        if self._in_order:
            return rows[:most]
        if self.insert_only and most and len(rows) > most:
            return rows[-most:]
        return sorted(rows, key=_sort_key)[:most]


class AppendView:
    """`type=append`: rows of the last `threshold_ms` by the timestamp in the first column, sorted by it."""

    def __init__(self, threshold_ms: int):
        self.changes = 0
        self.forgotten = 0
        self._threshold = timedelta(milliseconds=threshold_ms)
        self._rows: list[tuple[datetime, Row]] = []

    def apply(self, kinds: Sequence[int], rows: Sequence[Row]) -> None:
        """Add rows; arguments as in UpdateView.

        Raises:
            ChangelogError: a row is taken back or changed, or the first column is not a timestamp.
        """
        if any(kinds):
            raise ChangelogError(
                "This query changes rows that it gave before, so type=append cannot show it: use type=update."
            )
        self._rows += [(_timestamp(row[0]), row) for row in rows]
        self._rows.sort(key=lambda pair: pair[0])
        self.changes += len(kinds)
        if self._rows:
            oldest = self._rows[-1][0] - self._threshold
            kept = [pair for pair in self._rows if pair[0] >= oldest]
            self.forgotten += len(self._rows) - len(kept)
            self._rows = kept

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, most: int | None = None) -> list[Row]:
        """The rows in time order; `most`: only the newest ones."""
        rows = [row for _, row in self._rows]
        return rows[-most:] if most else rows


class SingleView:
    """`type=single`: only the newest row, shown through a template with `{0}`, `{1}` … for its columns."""

    def __init__(self, template: str):
        self.changes = 0
        self.forgotten = 0
        self._template = template
        self._row: Row | None = None

    def apply(self, kinds: Sequence[int], rows: Sequence[Row]) -> None:
        """Take the newest row that is not a retraction; arguments as in UpdateView."""
        self.changes += len(kinds)
        for kind, row in zip(reversed(kinds), reversed(rows), strict=True):
            if kind not in REMOVES:
                self._row = row
                return

    def __len__(self) -> int:
        return 0 if self._row is None else 1

    def rows(self, most: int | None = None) -> list[Row]:
        """The newest row as a list of at most one."""
        return [] if self._row is None else [self._row]

    def html(self) -> str:
        """The template filled with the newest row: the template may be HTML, the values are escaped."""
        return self._fill(lambda value: html.escape(as_text(value)))

    def text(self) -> str:
        """The template filled with the newest row, its tags left out."""
        return self._fill(as_text, re.sub(r"<[^>]*>", "", self._template))

    def _fill(self, form, template: str | None = None) -> str:
        row = self._row
        if row is None:
            return ""

        def column(match: re.Match) -> str:
            place = int(match[1])
            if place >= len(row):
                raise ChangelogError(
                    f"The template asks for {match[0]}, but the row has {len(row)} columns (from {{0}})."
                )
            return form(row[place])

        return re.sub(r"\{(\d+)\}", column, template or self._template)


def as_text(value) -> str:
    """A cell's value as text: NULL as Flink writes it."""
    return "NULL" if value is None else str(value)


def _timestamp(value) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ChangelogError(
            f"type=append needs a timestamp as first column, this query gives {as_text(value)!r}: use type=update."
        ) from None


def _sort_key(row: Row) -> tuple:
    return tuple((value is not None, isinstance(value, str), value if value is not None else 0) for value in row)
