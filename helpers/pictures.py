"""The picture of the lake: drawn, so that each chapter can mark its own part. live_lake.py draws the same boxes with what is in them now."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.showing import INK, LINE, STYLE


class Box(NamedTuple):
    """A part of the lake: where it stands (lower left corner, in units of the picture), what it is, which chapter builds it."""

    left: float
    bottom: float
    label: str
    chapter: str


BOXES = {
    "generator": Box(0.0, 2.6, "Generator\ndevices that\nplay tracks", "01"),
    "stream": Box(2.2, 2.6, "Kinesis\nData Streams\n2 shards", "01"),
    "firehose": Box(4.4, 4.0, "Firehose\nbuffers,\nwrites files", "01"),
    "flink": Box(4.4, 1.2, "Flink\nwindows,\nlive tables", "07, 10"),
    "automate": Box(4.4, 6.0, "EventBridge,\nStep Functions\nrun it", "09"),
    "raw": Box(6.6, 4.0, "S3\ndata/raw\ndata/reference", "01"),
    "lambda": Box(6.6, 1.2, "Lambda\non each batch\nof records", "08, 10"),
    "crawler": Box(8.8, 6.0, "Glue crawler\nreads files,\nmakes tables", "02"),
    "spark": Box(8.8, 4.0, "Glue Spark\njoins, writes\nParquet", "03, 04"),
    "databrew": Box(8.8, 2.0, "DataBrew\nprofiles,\nrecipes", "05"),
    "serving": Box(8.8, 0.1, "DynamoDB\ncounts that\nare served", "10"),
    "athena": Box(11.0, 4.0, "Athena\nSQL on the\nfiles", "02, 06"),
}
ARROWS = (
    ("generator", "stream"), ("stream", "firehose"), ("stream", "flink"), ("firehose", "raw"), ("flink", "lambda"), ("lambda", "serving"),
    ("automate", "crawler"), ("raw", "crawler"), ("raw", "spark"), ("raw", "databrew"), ("crawler", "athena"), ("spark", "athena"),
    ("databrew", "athena"),
)  # fmt: skip
WIDTH, HEIGHT = 1.7, 1.3
TITLE = "From events to answers: the parts of the lake, and the chapters that build them"


def draw_lake(marked: tuple[str, ...] = ()) -> Figure:
    """Return the picture of the whole lake.

    Parameters
    ----------
    marked: names of the boxes that this chapter builds, see BOXES
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(10, 5.4))
        axes.set(xlim=(-0.3, 13.0), ylim=(-0.3, 7.6), title=TITLE)
        axes.set_axis_off()
        for start, end in ARROWS:
            axes.add_patch(_arrow(BOXES[start], BOXES[end]))
        for name, box in BOXES.items():
            colour, line = ("#E69F00", 2.0) if name in marked else ("#DCEBF7", 1.0)
            style = {"boxstyle": "round,pad=0.08", "edgecolor": LINE, "facecolor": colour, "linewidth": line}
            axes.add_patch(FancyBboxPatch((box.left, box.bottom), WIDTH, HEIGHT, **style))
            middle = box.left + WIDTH / 2
            axes.text(
                middle, box.bottom + HEIGHT / 2 + 0.12, box.label, ha="center", va="center", fontsize=8.5, color=INK
            )
            chapter = f"chapter {box.chapter}"
            axes.text(middle, box.bottom, chapter, ha="center", va="bottom", fontsize=7, color=INK)
    return figure


def _arrow(start: Box, end: Box) -> FancyArrowPatch:
    return FancyArrowPatch(
        (start.left + WIDTH + 0.1, start.bottom + HEIGHT / 2),
        (end.left - 0.1, end.bottom + HEIGHT / 2),
        arrowstyle="-|>",
        mutation_scale=14,
        color=LINE,
    )
