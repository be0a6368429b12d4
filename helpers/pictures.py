"""The picture of the lake: drawn, so that each chapter can mark its own part."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.showing import STYLE

BOXES = {  # name → (left, bottom, label, chapter)
    "generator": (0.0, 2.0, "Generator\ndevices that\nplay tracks", "01"),
    "stream": (2.2, 2.0, "Kinesis\nData Streams\n2 shards", "01"),
    "firehose": (4.4, 3.1, "Firehose\nbuffers,\nwrites files", "01"),
    "flink": (4.4, 0.9, "Flink\nwindows,\nlive tables", "07"),
    "raw": (6.6, 3.1, "S3\ndata/raw\ndata/reference", "01"),
    "crawler": (8.8, 4.2, "Glue crawler\nreads files,\nmakes tables", "02"),
    "spark": (8.8, 2.0, "Glue and\nDataBrew\ntransform", "03 – 05"),
    "athena": (11.0, 3.1, "Athena\nSQL on the\nfiles", "02, 06"),
}
ARROWS = [
    ("generator", "stream"),
    ("stream", "firehose"),
    ("stream", "flink"),
    ("firehose", "raw"),
    ("raw", "crawler"),
    ("raw", "spark"),
    ("crawler", "athena"),
    ("spark", "athena"),
]
WIDTH, HEIGHT = 1.7, 1.3


def draw_lake(marked: tuple[str, ...] = ()) -> Figure:
    """Return the picture of the whole lake.

    Parameters
    ----------
    marked: names of the boxes that this chapter builds: generator, stream, firehose, flink, raw, crawler, spark, athena
    """
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(10, 4.2))
        axes.set(xlim=(-0.3, 13.0), ylim=(0.4, 5.8), title="From events to answers: each box is one AWS service")
        axes.set_axis_off()
        for start, end in ARROWS:
            axes.add_patch(_arrow(start, end))
        for name, (left, bottom, label, chapter) in BOXES.items():
            colour, line = ("#E69F00", 2.0) if name in marked else ("#DCEBF7", 1.0)
            axes.add_patch(
                FancyBboxPatch(
                    (left, bottom),
                    WIDTH,
                    HEIGHT,
                    boxstyle="round,pad=0.08",
                    facecolor=colour,
                    edgecolor="#333333",
                    linewidth=line,
                )
            )
            axes.text(left + WIDTH / 2, bottom + HEIGHT / 2 + 0.1, label, ha="center", va="center", fontsize=9)
            axes.text(
                left + WIDTH / 2,
                bottom + 0.02,
                f"chapter {chapter}",
                ha="center",
                va="bottom",
                fontsize=7,
                color="#444444",
            )
    return figure


def _arrow(start: str, end: str) -> FancyArrowPatch:
    left, bottom = BOXES[start][:2]
    to_left, to_bottom = BOXES[end][:2]
    return FancyArrowPatch(
        (left + WIDTH + 0.1, bottom + HEIGHT / 2),
        (to_left - 0.1, to_bottom + HEIGHT / 2),
        arrowstyle="-|>",
        mutation_scale=14,
        color="#333333",
    )
