"""Show a figure so that everybody can read it: alt text, one style, colours that colour-blind readers can tell apart."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

STYLE = str(Path(__file__).with_name("workshop.mplstyle"))


def show(figure: Figure, alt: str) -> None:
    """Display a matplotlib figure with a text for readers who cannot see it, and close it.

    Parameters
    ----------
    alt: one sentence that says what the figure shows and what follows from it
    """
    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)
