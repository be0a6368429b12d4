"""INSERT … VALUES (ROW(…)): Flink's parser takes the one ROW for the columns of the row itself, and the table has one column."""

import re

from .paragraph import TOKEN

VALUES = re.compile(r"\bVALUES(?=\s*\()", re.I)
ROW = re.compile(r"\s*\(\s*(ROW\s*\()", re.I)
MISCOUNTED = "Different number of columns"


def selected(insert: str) -> str | None:
    """An INSERT of VALUES whose every row is one ROW, said with SELECT, which Flink reads as one column.

    Parameters
    ----------
    insert
        The statement's text.

    Returns
    -------
    str or None
        `INSERT INTO t SELECT ROW(1, 2) UNION ALL SELECT ROW(3, 4)` for `INSERT INTO t VALUES (ROW(1, 2)), (ROW(3, 4))`; None for all others.
    """
    plain = TOKEN.sub(_masked, insert)
    values = VALUES.search(plain)
    if values is None:
        return None
    rows, at = [], values.end()
    while (row := ROW.match(plain, at)) is not None:
        end = _closing(plain, row.end(1))
        after = re.compile(r"\s*\)\s*(,|$)").match(plain, end)
        if after is None:
            return None
        rows.append("SELECT " + insert[row.start(1) : end])
        at = after.end()
        if not after[1]:
            return insert[: values.start()] + " UNION ALL ".join(rows)
    return None


def _masked(token: re.Match[str]) -> str:
    """As long as the quoted text or comment, without its brackets and words."""
    return (" " if token[0].startswith(("--", "/*")) else ".") * len(token[0])


def _closing(plain: str, start: int) -> int:
    """The place behind the bracket that closes the one before `start`; the text's end where none does."""
    depth = 1
    for at in range(start, len(plain)):
        depth += {"(": 1, ")": -1}.get(plain[at], 0)
        if depth == 0:
            return at + 1
    return len(plain)
