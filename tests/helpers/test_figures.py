"""Figures are legible on JupyterLab's light and dark page: the contrast of each text and mark to what lies behind it, computed as WCAG 2.2 says.

Source: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.patches import FancyBboxPatch, Rectangle

from helpers import STYLE
from helpers.brew_profile import draw_boxes, draw_distributions, draw_missing, draw_top_values
from helpers.dag import draw_dag
from helpers.machine import draw_machine
from helpers.pictures import BOXES, draw_lake

PAGES = {"light": "#ffffff", "dark": "#111111"}  # --jp-layout-color0 of JupyterLab's two themes
TEXT, MARKS = 4.3, 3.0  # WCAG asks for 4.5 of small text on one page; no grey has more than 4.4 to both of these

COLUMN = {
    "name": "track_id", "median": 3, "percentile5": 1, "percentile25": 2, "percentile75": 4, "percentile95": 5, "max": 5,
    "missingValuesCount": 1, "valueDistribution": [{"bucket": [0, 2], "count": 3}, {"bucket": [3, 5], "count": 4}],
    "mostCommonValues": [{"value": 1, "count": 3}],
}  # fmt: skip
NODES = {
    "a": {"S3CatalogSource": {"Name": "Events", "Inputs": []}},
    "b": {"ApplyMapping": {"Name": "Only facts", "Inputs": ["a"]}},
    "c": {"S3GlueParquetTarget": {"Name": "Lake", "Inputs": ["b"]}},
}
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}}
FIGURES = {
    "lake": lambda: draw_lake(marked=tuple(BOXES)[:3]),
    "job": lambda: draw_dag(NODES, "A job", {"a": 10}),
    "machine": lambda: draw_machine(MACHINE, "A machine", {"A": "done", "B": "failed"}),
    "histograms": lambda: draw_distributions([COLUMN], "Spread"),
    "boxes": lambda: draw_boxes([COLUMN], "Boxes"),
    "missing": lambda: draw_missing([COLUMN], 10, "Missing"),
    "values": lambda: draw_top_values(COLUMN, 1, "Values"),
}


def luminance(colour):
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_computation_is_wcag_s():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_style_shows_on_both_pages(page):
    with plt.style.context(STYLE):
        for name in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "boxplot.boxprops.color"):
            assert contrast(plt.rcParams[name], page) >= TEXT, name
        for colour in plt.rcParams["axes.prop_cycle"].by_key()["color"]:
            assert contrast(f"#{colour.lstrip('#')}", page) >= MARKS, colour


@pytest.mark.parametrize("name", FIGURES)
def test_every_text_of_a_figure_is_legible_on_both_pages(name):
    figure = FIGURES[name]()
    figure.canvas.draw()
    try:
        texts = [text for text in figure.findobj(plt.Text) if text.get_text().strip() and text.get_visible()]
        assert texts
        for text in texts:
            for page in [_fill_behind(figure, text)] if _fill_behind(figure, text) else PAGES.values():
                assert contrast(text.get_color(), page) >= TEXT, (text.get_text(), text.get_color(), page)
    finally:
        plt.close(figure)


def _fill_behind(figure, text):
    """The fill of the box in which a text stands; None where the page is behind it."""
    box = text.get_window_extent()
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    for patch in figure.findobj(lambda artist: isinstance(artist, (FancyBboxPatch, Rectangle))):
        around = patch.get_window_extent()
        if to_rgba(patch.get_facecolor())[3] == 1 and around.contains(*middle) and around.width > box.width:
            return patch.get_facecolor()
    return None


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_lies_behind_a_figure(name):
    figure, picture = FIGURES[name](), io.BytesIO()
    figure.savefig(picture, format="png")
    plt.close(figure)
    picture.seek(0)
    pixels = plt.imread(picture)
    assert pixels.shape[2] == 4 and np.all(pixels[[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0)
