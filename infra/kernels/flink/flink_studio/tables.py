"""A result as text and as HTML: small, escaped, the same at every run."""

import html
import re
from collections.abc import Sequence

from .changelog import Row, as_text

SHOWN = 20  # rows on the screen; more of them nobody reads, and a stored output of a hundred hides the text below it
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
    right = _right(columns, rows)

    def line(values: Sequence[str]) -> str:
        parts = (v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True))
        return "  ".join(parts).rstrip()

    return "\n".join([line(columns), line(["-" * w for w in widths]), *map(line, cells), _count(len(rows), total)])


def html_table(columns: Sequence[str], rows: Sequence[Row], total: int) -> str:
    """The same as an HTML table; arguments as in text_table."""
    sides = ["right" if right else "left" for right in _right(columns, rows)]
    head = _html_row([f'th scope="col" style="text-align:{side}"' for side in sides], columns)
    cells = [f'td style="text-align:{side}"' for side in sides]
    body = "".join(_html_row(cells, [_short(as_text(value)) for value in row]) for row in rows)
    count = html.escape(_count(len(rows), total))
    return f"<table cellpadding='6'><thead>{head}</thead><tbody>{body}</tbody></table><p>{count}</p>"


def _right(columns: Sequence[str], rows: Sequence[Row]) -> list[bool]:
    """Which columns are set to the right: numbers, NULL aside."""
    return [any(_is_number(row[i]) for row in rows) for i in range(len(columns))]


def _html_row(tags: Sequence[str], texts: Sequence[str]) -> str:
    cells = (f"<{tag}>{html.escape(text)}</{tag[:2]}>" for tag, text in zip(tags, texts, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def _count(shown: int, total: int) -> str:
    if shown < total:
        return f"{shown} of {total:,} rows"
    return "1 row" if total == 1 else f"{total:,} rows"


def _is_number(value) -> bool:
    return value is not None and not isinstance(value, str | bool)


def _short(text: str) -> str:
    text = re.sub(r"[\r\n\t]", " ", text)  # a row is one line
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
