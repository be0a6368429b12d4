"""A result as text and as HTML: small, escaped, the same at every run."""

import html
from collections.abc import Sequence

from .changelog import Row, as_text

SHOWN = 100
WIDTH = 60


def text_table(columns: Sequence[str], rows: Sequence[Row], total: int) -> str:
    """Columns side by side, for text/plain.

    Args:
        columns: the names.
        rows: the rows to show.
        total: how many rows the result has; said when they are more.
    """
    cells = [[_short(as_text(value)) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]

    def line(values: Sequence[str]) -> str:
        parts = (v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True))
        return "  ".join(parts).rstrip()

    return "\n".join([line(columns), line(["-" * w for w in widths]), *map(line, cells), _count(len(rows), total)])


def html_table(columns: Sequence[str], rows: Sequence[Row], total: int) -> str:
    """The same as an HTML table; arguments as in text_table."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    count = html.escape(_count(len(rows), total))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{count}</p>"


def _cell(value) -> str:
    align = ' style="text-align:right"' if _is_number(value) else ""
    return f"<td{align}>{html.escape(_short(as_text(value)))}</td>"


def _count(shown: int, total: int) -> str:
    if shown < total:
        return f"{shown} of {total:,} rows"
    return "1 row" if total == 1 else f"{total:,} rows"


def _is_number(value) -> bool:
    return value is not None and not isinstance(value, str | bool)


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
