"""Zeppelin's charts of a result: keys on the axis, groups as series, values as numbers."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from .changelog import Row, as_text
from .told import Told

KINDS = ("bar", "line", "pie", "area", "scatter")
MOST_KEYS = 40
MOST_SERIES = 8


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
            if number is None:
                continue
            if isinstance(number, str | bool):
                raise ChartError(f"{value} is not a number column: choose another value.")
            series = value if not group else group if len(settings.values) == 1 else f"{group} {value}"
            of = sums.setdefault(series, {})
            of[label] = of.get(label, 0.0) + float(number)
    return list(labels), {name: [of.get(label, 0.0) for label in labels] for name, of in sums.items()}


def png(columns: Sequence[str], rows: Sequence[Row], settings: Settings) -> tuple[bytes, str]:
    """Draw a chart.

    Returns:
        the picture, and a sentence that says what it shows (the alternative text).

    Raises:
        ChartError: see pivot; or an unknown kind.
    """
    if settings.kind not in KINDS:
        raise ChartError(f"There is no chart {settings.kind!r}: choose {', '.join(KINDS)}.")
    labels, series = pivot(columns, rows, settings)
    if not series:
        raise ChartError("There are no rows to draw yet.")
    told = _told(labels, series, settings)
    labels = labels[:MOST_KEYS]
    series = {name: values[:MOST_KEYS] for name, values in list(series.items())[:MOST_SERIES]}
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.4), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    _draw(axes, settings.kind, labels, series)
    if settings.kind != "pie":
        axes.set_xlabel(", ".join(settings.keys))
        axes.set_ylabel(", ".join(settings.values))
        axes.spines[["top", "right"]].set_visible(False)
        if max(map(len, labels)) * len(labels) > 70:
            axes.tick_params(axis="x", rotation=60)
        if len(series) > 1:
            axes.legend(title=", ".join(settings.groups) or None, fontsize="small")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue(), told


def _draw(axes, kind: str, labels: list[str], series: dict[str, list[float]]) -> None:
    places = range(len(labels))
    if kind == "pie":
        totals = [sum(values[i] for values in series.values()) for i in places]
        axes.pie(totals, labels=labels, autopct="%.0f%%", counterclock=False, startangle=90)
        return
    if kind == "bar":
        width = 0.8 / len(series)
        for number, (name, values) in enumerate(series.items()):
            axes.bar([at + (number - (len(series) - 1) / 2) * width for at in places], values, width, label=name)
    elif kind == "area":
        axes.stackplot(list(places), *series.values(), labels=list(series))
    else:
        style = {"line": {"marker": "o"}, "scatter": {"marker": "o", "linestyle": ""}}[kind]
        for name, values in series.items():
            axes.plot(list(places), values, label=name, **style)
    axes.set_xticks(list(places), labels)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))


def _told(labels: list[str], series: dict[str, list[float]], settings: Settings) -> str:
    """The picture in words: every number when they are few."""
    what = f"{settings.kind} chart of {', '.join(settings.values)} by {', '.join([*settings.keys, *settings.groups])}"
    cut = f", the first {MOST_KEYS} of {len(labels)} keys" if len(labels) > MOST_KEYS else ""
    cut += f", the first {MOST_SERIES} of {len(series)} series" if len(series) > MOST_SERIES else ""
    if len(series) == 1 and len(labels) <= 12:
        values = next(iter(series.values()))
        return f"{what}: " + ", ".join(f"{label} {value:g}" for label, value in zip(labels, values, strict=True))
    return f"{what}: {len(labels)} keys, {len(series)} series{cut}"
