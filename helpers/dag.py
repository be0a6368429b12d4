"""The picture of a Glue Studio job: its own nodes, drawn from left to right."""

from __future__ import annotations

from graphlib import TopologicalSorter
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.showing import INK, LINE, STYLE

COLOURS = {"Source": "#DCEBF7", "Target": "#CDEBDD"}  # by how a node's kind ends; all others are transforms
TRANSFORM = "#FBE8BF"
WIDTH, HEIGHT = 0.72, 0.7  # of a box; columns and rows are 1 apart


def draw_dag(nodes: dict[str, dict[str, Any]], title: str, rows: dict[str, int] | None = None) -> Figure:
    """Return the graph of a visual job.

    Parameters
    ----------
    nodes: CodeGenConfigurationNodes as CreateJob takes and GetJob returns them: id → {kind: {"Name": …, "Inputs": [ids]}}
    rows: id → how many rows leave that node, written on its arrows
    """
    kinds = {node_id: next(iter(node)) for node_id, node in nodes.items()}
    inputs = {node_id: node[kinds[node_id]].get("Inputs", []) for node_id, node in nodes.items()}
    places = _places(inputs)
    right, heights = max(x for x, _ in places.values()), [y for _, y in places.values()]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(10, 1.2 + 1.1 * (max(heights) - min(heights))))
        for node_id, (x, y) in places.items():
            kind, name = kinds[node_id], nodes[node_id][kinds[node_id]]["Name"]
            colour = next((colour for end, colour in COLOURS.items() if kind.endswith(end)), TRANSFORM)
            corner = x - WIDTH / 2, y - HEIGHT / 2
            axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, "round,pad=0.03", fc=colour, ec=LINE))
            axes.text(x, y + 0.1, fill(name, 16), ha="center", va="center", fontsize=9, color=INK)
            axes.text(x, y - 0.22, kind, ha="center", va="center", fontsize=6.5, color=INK)
            for source in inputs[node_id]:
                start, end = (places[source][0] + WIDTH / 2 + 0.04, places[source][1]), (x - WIDTH / 2 - 0.04, y)
                axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=LINE))
                if rows and source in rows:
                    above = 5 if end[1] <= start[1] else -12  # beside the arrow, not on it
                    axes.annotate(f"{rows[source]:,}", start, (2, above), textcoords="offset points", fontsize=8)
        axes.set(xlim=(-0.5, right + 0.5), ylim=(min(heights) - 0.5, max(heights) + 0.5), title=title)
        axes.set_axis_off()
    return figure


def _places(inputs: dict[str, list[str]]) -> dict[str, tuple[float, float]]:
    """Give each node a column, one right of its inputs, and the height between its inputs, or the next that is free."""
    places: dict[str, tuple[float, float]] = {}
    sources = [node_id for node_id, feeding in inputs.items() if not feeding]
    for node_id in TopologicalSorter(inputs).static_order():
        before = [places[source] for source in inputs[node_id]]
        column = 1 + max((x for x, _ in before), default=-1.0)
        height = sum(y for _, y in before) / len(before) if before else -float(sources.index(node_id))
        while any(x == column and abs(y - height) < 1 for x, y in places.values()):
            height -= 1
        places[node_id] = column, height
    return places
