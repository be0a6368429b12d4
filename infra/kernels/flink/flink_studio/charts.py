"""Zeppelin's charts of a result: keys on the axis, groups as series, values as numbers."""

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from infra import project

from .changelog import Row, as_text
from .told import Told

KINDS = ("bar", "line", "pie", "area", "scatter")
MOST_KEYS = 40
MOST_SERIES = 8
MOST_NUMBERS = 12  # so many bars carry their number
STYLE = (
    project.ROOT / "helpers" / "workshop.mplstyle"
)  # the notebooks' own: colours that colour-blind readers can tell apart
MARKERS = "os^Dv*PX"
TIME = re.compile(r"(?P<date>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d)\.\d{3}")


class ChartError(Told):
    """The result or the settings do not make a chart; the message says what to choose."""


@dataclass(frozen=True)
class Settings:
    """What a chart shows, in Zeppelin's terms.

    Attributes:
        kind: one of KINDS.
        keys: columns along the axis (the slices of a pie).
        groups: columns whose values make one series each.
        values: number columns; values with the same key and group are summed.
    """

    kind: str = "bar"
    keys: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)


def is_number_type(flink_type: str) -> bool:
    """Whether a Flink type is a number."""
    names = ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL")
    return flink_type.split("(")[0].split()[0] in names


def defaults(columns: Sequence[str], types: Sequence[str], kind: str = "bar") -> Settings:
    """The first column that is no number as key, the last number that is not the key as value.

    Raises:
        ChartError: there is no number column.
    """
    numbers = [name for name, kind_ in zip(columns, types, strict=True) if is_number_type(kind_)]
    others = [name for name in columns if name not in numbers]
    key = others[0] if others else columns[0]
    values = [name for name in numbers if name != key][-1:]
    if not values:
        raise ChartError("A chart needs a column with numbers beside its key: none of this result's columns is one.")
    return Settings(kind, [key], [], values)


def pivot(columns: Sequence[str], rows: Sequence[Row], settings: Settings) -> tuple[list[str], dict[str, list[float]]]:
    """Sum the values by key and group.

    Returns:
        the key labels in order of appearance, and for each series its values, one a key (0 where there is none).

    Raises:
        ChartError: a column that the result does not have, or a value that is no number.
    """
    for name in [*settings.keys, *settings.groups, *settings.values]:
        if name not in columns:
            raise ChartError(f"There is no column {name!r}: this result has {', '.join(columns)}.")
    if not settings.keys or not settings.values:
        raise ChartError("A chart needs at least one key and one value.")
    place = {name: columns.index(name) for name in columns}
    labels: dict[str, None] = {}
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        label = " · ".join(as_text(row[place[name]]) for name in settings.keys)
        labels[label] = None
        group = " · ".join(as_text(row[place[name]]) for name in settings.groups)
        for value in settings.values:
            number = row[place[value]]
            if isinstance(number, str | bool):
                raise ChartError(f"{value} is not a number column: choose another value.")
            if number is None or not math.isfinite(number):
                continue
            series = value if not group else group if len(settings.values) == 1 else f"{group} {value}"
            of = sums.setdefault(series, {})
            of[label] = of.get(label, 0.0) + float(number)
    return list(labels), {name: [of.get(label, 0.0) for label in labels] for name, of in sums.items()}


def png(columns: Sequence[str], rows: Sequence[Row], settings: Settings) -> tuple[bytes, str, str]:
    """Draw a chart.

    Returns:
        the picture, the sentence that is its title and says what is to be seen, and the picture in words.

    Raises:
        ChartError: see pivot; or an unknown kind, or values that this kind cannot show.
    """
    if settings.kind not in KINDS:
        raise ChartError(f"There is no chart {settings.kind!r}: choose {', '.join(KINDS)}.")
    labels, series = pivot(columns, rows, settings)
    if not series:
        raise ChartError("There are no numbers to draw yet.")
    told = _told(labels, series, settings)
    labels = labels[:MOST_KEYS]
    series = {name: values[:MOST_KEYS] for name, values in list(series.items())[:MOST_SERIES]}
    title = finding(labels, series, settings)
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(7, 3.4), dpi=90)
        axes = figure.add_subplot()
        axes.set_title(title, wrap=True)
        if settings.kind == "pie":
            _draw_pie(axes, labels, series)
        else:
            _draw(axes, settings, labels, series)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue(), title, told


def finding(labels: list[str], series: dict[str, list[float]], settings: Settings) -> str:
    """What the chart shows, as a sentence: the highest and the lowest value, or the largest share of a pie."""
    what = ", ".join(settings.values)
    if settings.kind == "pie":
        totals = [sum(column) for column in zip(*series.values(), strict=True)]
        most = max(totals)
        return f"{labels[totals.index(most)]} has the largest share of {what}: {most / (sum(totals) or 1):.0%}"
    points = [
        (value, " · ".join(filter(None, (label, name if len(series) > 1 else ""))))
        for name, values in series.items()
        for label, value in zip(labels, values, strict=True)
    ]
    most, least = max(points)[0], min(points)[0]
    if most == least:
        return f"{what} is {_number(most)} for {_names(points, most)}"
    return f"{what} is highest for {_names(points, most)} ({_number(most)}), lowest for {_names(points, least)} ({_number(least)})"


def _names(points: list[tuple[float, str]], value: float) -> str:
    names = [name for at, name in points if at == value]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _draw_pie(axes, labels: list[str], series: dict[str, list[float]]) -> None:
    totals = [sum(column) for column in zip(*series.values(), strict=True)]
    if min(totals) < 0 or sum(totals) == 0:
        raise ChartError("A pie shows shares: its values must not be negative, and one must be above zero. Choose bar.")
    edges = {"edgecolor": "white", "linewidth": 1}
    axes.pie(totals, labels=labels, autopct="%.0f%%", counterclock=False, startangle=90, wedgeprops=edges)


def _draw(axes, settings: Settings, labels: list[str], series: dict[str, list[float]]) -> None:
    places = range(len(labels))
    if settings.kind == "bar":
        width = 0.8 / len(series)
        for number, (name, values) in enumerate(series.items()):
            left = (number - (len(series) - 1) / 2) * width
            bars = axes.bar([at + left for at in places], values, width, label=name)
            if len(labels) * len(series) <= MOST_NUMBERS:
                axes.bar_label(bars, [_number(value) for value in values], padding=2)
    elif settings.kind == "area":
        axes.stackplot(list(places), *series.values(), labels=list(series), edgecolor="white", linewidth=0.5)
    else:
        line = "" if settings.kind == "scatter" else "-"
        for (name, values), marker in zip(series.items(), MARKERS, strict=False):
            axes.plot(list(places), values, label=name, marker=marker, linestyle=line)
    axes.margins(y=0.1)
    axes.set_ylim(bottom=min(0, *map(min, series.values())) * 1.1)
    axes.grid(axis="x", visible=False)
    axes.yaxis.set_major_formatter(lambda value, _: _number(value))
    axes.set_ylabel(", ".join(settings.values))
    labels, day = _without_day(labels)
    axes.set_xticks(list(places), labels)
    axes.set_xlabel(", ".join(settings.keys) + day)
    if max(map(len, labels)) * len(labels) > 80:
        axes.tick_params(axis="x", rotation=45)
        for text in axes.get_xticklabels():
            text.set(horizontalalignment="right", rotation_mode="anchor")
    if len(series) > 1:
        axes.legend(title=", ".join(settings.groups) or None, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))


def _without_day(labels: list[str]) -> tuple[list[str], str]:
    """Timestamps of one day as times, and the day for the axis' label; other labels as they are."""
    times = [time for label in labels if (time := TIME.fullmatch(label))]
    if len(times) < len(labels) or len({time["date"] for time in times}) > 1:
        return labels, ""
    return [time["time"] for time in times], f" (on {times[0]['date']})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def _told(labels: list[str], series: dict[str, list[float]], settings: Settings) -> str:
    """The picture in words: every number when they are few."""
    what = f"{settings.kind} chart of {', '.join(settings.values)} by {', '.join([*settings.keys, *settings.groups])}"
    cut = f", the first {MOST_KEYS} of {len(labels)} keys" if len(labels) > MOST_KEYS else ""
    cut += f", the first {MOST_SERIES} of {len(series)} series" if len(series) > MOST_SERIES else ""
    if len(series) == 1 and len(labels) <= 12:
        values = next(iter(series.values()))
        return f"{what}: " + ", ".join(f"{label} {value:.12g}" for label, value in zip(labels, values, strict=True))
    return f"{what}: {len(labels)} keys, {len(series)} series{cut}"
