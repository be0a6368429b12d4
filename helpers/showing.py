"""Show a figure so that everybody can read it: alt text, one style, colours that colour-blind readers can tell apart."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.core.pylabtools import print_figure
from IPython.display import DisplayHandle, display
from matplotlib.figure import Figure

STYLE = str(Path(__file__).with_name("workshop.mplstyle"))
INK = "#222222"  # text on a light fill, whatever the page behind the figure
LINE = "#797979"  # lines and text on the page itself: as in the style


def show(figure: Figure, alt: str) -> None:
    """Display a matplotlib figure with a text for readers who cannot see it, and close it.

    Parameters
    ----------
    alt: one sentence that says what the figure shows and what follows from it
    """
    data, metadata = picture(figure, alt)
    display(data, metadata=metadata, raw=True)
    plt.close(figure)


def redraw(figure: Figure, alt: str, over: DisplayHandle | None = None) -> DisplayHandle | None:
    """Display a figure that will change, with its text; the result is given as `over` to put a later state in its place."""
    data, metadata = picture(figure, alt)
    if over is None:
        return display(data, metadata=metadata, raw=True, display_id=True)
    over.update(data, metadata=metadata, raw=True)
    return over


def picture(figure: Figure, alt: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return a figure's output: as HTML with its text, because JupyterLab gives a plain PNG none, and as PNG for who shows no HTML."""
    png = str(print_figure(figure, fmt="png", base64=True)).replace("\n", "")
    html = f'<img alt="{escape(alt)}" src="data:image/png;base64,{png}">'
    return {"text/html": html, "image/png": png, "text/plain": repr(figure)}, {"image/png": {"alt": alt}}


def svg_image(svg: str, alt: str, width: int, height: int) -> str:
    """Return an SVG element as an image in HTML: where a notebook is not trusted yet, JupyterLab takes `<svg>` away and leaves its texts in a row.

    Parameters
    ----------
    svg: with a viewBox; an image knows nothing of the page's theme, so its colours must be legible on a light page and on a dark one
    alt: what it shows, also told when the mouse rests on it
    width, height: in pixels; on a narrow page it becomes smaller
    """
    whole = svg.replace("<svg", f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"', 1)
    data, told = b64encode(whole.encode()).decode(), escape(alt)
    return f'<img alt="{told}" title="{told}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def live_line(title: str = "") -> Callable[[str | None], None]:
    """Show HTML that changes while a cell runs; call the result with it, and with None at the end.

    Only `title` stays in the notebook: no line that still "waits", no times or counts, so that a stored output never differs
    from a new one. Outside a notebook nothing is shown.
    """
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return lambda html: None
    handle = display({"text/plain": title}, raw=True, display_id=True)

    def show(html: str | None) -> None:
        handle.update({"text/plain": title} | ({"text/html": html} if html else {}), raw=True)

    return show
