"""The figures of DataBrew's profile, drawn from the JSON that a profile job writes."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from helpers.showing import STYLE

Columns = list[dict[str, Any]]


def numbers(profile: dict[str, Any]) -> Columns:
    """Return the columns of numbers: those that have percentiles."""
    return [column for column in profile["columns"] if "percentile25" in column]


def draw_distributions(columns: Columns, title: str) -> Figure:
    """Return a histogram for each column of numbers, from its valueDistribution.

    The ranges of a profile differ in width, so the height of a bar is its rows for each unit of the value.
    """
    with plt.style.context(STYLE):
        figure, all_axes = plt.subplots(1, len(columns), figsize=(10, 2.6))
        for axes, column in zip([all_axes] if len(columns) == 1 else all_axes, columns, strict=True):
            lows, widths, counts = _ranges(column)
            heights = [count / width for count, width in zip(counts, widths, strict=True)]
            axes.bar(lows, heights, width=widths, align="edge", linewidth=0)
            axes.set(xlabel=column["name"])
        figure.axes[0].set_ylabel("rows for each unit")
        figure.suptitle(title)
    return figure


def _ranges(column: dict[str, Any]) -> tuple[list[float], list[float], list[int]]:
    """Where each range begins, how wide it is, how many rows it has; the last one ends with the greatest value."""
    bars = column["valueDistribution"]
    whole = isinstance(column["max"], int)
    lows = [bar["bucket"][0] for bar in bars]
    ends = [*lows[1:], column["max"] + (1 if whole else 0)]
    widths = [(end - low) or 1 for low, end in zip(lows, ends, strict=True)]
    return lows, widths, [bar["count"] for bar in bars]


def draw_boxes(columns: Columns, title: str) -> Figure:
    """Return box plots from the percentiles: the box from 25 to 75 with the median, whiskers from 5 to 95."""
    with plt.style.context(STYLE):
        figure, all_axes = plt.subplots(1, len(columns), figsize=(10, 2.4))
        for axes, column in zip([all_axes] if len(columns) == 1 else all_axes, columns, strict=True):
            box = {
                "med": column["median"],
                "q1": column["percentile25"],
                "q3": column["percentile75"],
                "whislo": column["percentile5"],
                "whishi": column["percentile95"],
                "label": column["name"],
            }
            axes.bxp([box], showfliers=False, orientation="horizontal")
        figure.suptitle(title)
    return figure


def draw_correlations(columns: Columns, title: str) -> Figure:
    """Return the matrix of Pearson's coefficients, as colours and as numbers."""
    names = [column["name"] for column in columns if column.get("correlations")]
    rows = [
        [column["correlations"].get(name) or 0.0 for name in names] for column in columns if column["name"] in names
    ]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(5, 3.4))
        picture = axes.imshow(rows, cmap="RdBu_r", vmin=-1, vmax=1)
        for y, row in enumerate(rows):
            for x, value in enumerate(row):
                axes.text(
                    x, y, f"{value:.2f}", ha="center", va="center", color="white" if abs(value) > 0.6 else "black"
                )
        axes.set_xticks(range(len(names)), names, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.grid(False)
        axes.set_title(title)
        figure.colorbar(picture, label="correlation")
    return figure


def draw_missing(columns: Columns, rows: int, title: str) -> Figure:
    """Return a bar for each column: its present and its missing cells, in per cent of the rows."""
    names = [column["name"] for column in columns]
    missing = [100 * column["missingValuesCount"] / rows for column in columns]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 0.6 + 0.28 * len(names)))
        axes.barh(names, [100 - share for share in missing], label="present")
        axes.barh(names, missing, left=[100 - share for share in missing], color="#BBBBBB", label="missing")
        axes.set(xlabel="per cent of the rows", title=title)
        axes.invert_yaxis()
        figure.legend(loc="outside right upper", fontsize=8)
    return figure


def draw_top_values(column: dict[str, Any], count: int, title: str) -> Figure:
    """Return the most frequent values of a column, the most frequent on top."""
    top = column["mostCommonValues"][:count]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(6, 0.6 + 0.3 * len(top)))
        axes.barh([str(value["value"]) for value in top], [value["count"] for value in top])
        axes.set(xlabel="rows", ylabel=column["name"], title=title)
        axes.invert_yaxis()
    return figure
