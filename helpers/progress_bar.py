"""A bar in a notebook while records are sent. In a stored or headless notebook one line of text is left of it."""

from __future__ import annotations

from html import escape

from IPython import get_ipython
from IPython.display import display

from helpers.sending import Listener, Sent


def progress_bar(title: str, total: int | None) -> Listener:
    """Show a bar under the present cell; call the result with the counts. Outside a notebook it shows nothing.

    Parameters
    ----------
    title: the line that stays when all is sent. It has no times or counts, so that a stored output never differs from a new one
    total: number of records, None if unknown
    """
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return lambda sent: None
    handle = display({"text/plain": title}, raw=True, display_id=True)

    def show(sent: Sent) -> None:
        bundle = {"text/plain": title}
        if not sent.finished:
            bundle["text/html"] = _html(title, total, sent)
        handle.update(bundle, raw=True)

    return show


def _html(title: str, total: int | None, sent: Sent) -> str:
    share = f' value="{sent.sent}" max="{total}"' if total else ""
    bar = f'<progress aria-label="records sent"{share}></progress>'
    counts = f"{sent.sent:,} sent · {sent.failed:,} failed · {sent.retried:,} retried"
    return f"{escape(title)} {bar} {counts} · {sent.records_per_second:,.0f} records/s"
