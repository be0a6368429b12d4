"""A bar in a notebook while records are sent. In a stored or headless notebook one line of text is left of it."""

from __future__ import annotations

from html import escape

from helpers.generator.sending import Listener, Sent
from helpers.showing import live_line


def progress_bar(title: str, total: int | None) -> Listener:
    """Show a bar under the present cell; call the result with the counts. Outside a notebook it shows nothing.

    Parameters
    ----------
    title: the line that stays when all is sent. It has no times or counts, so that a stored output never differs from a new one
    total: number of records, None if unknown
    """
    show = live_line(title)
    return lambda sent: show(None if sent.finished else _html(title, total, sent))


def _html(title: str, total: int | None, sent: Sent) -> str:
    share = f' value="{sent.sent}" max="{total}"' if total else ""
    bar = f'<progress aria-label="records sent"{share}></progress>'
    counts = f"{sent.sent:,} sent · {sent.failed:,} failed · {sent.retried:,} retried"
    return f"{escape(title)} {bar} {counts} · {sent.records_per_second:,.0f} records/s"
