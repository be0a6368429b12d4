"""DataBrew's grid in a notebook: the sample with a header for each column, and the recipe at its side.

In JupyterLab the grid is alive: rows are turned over, and the slider goes back and forth in the recipe. In a notebook that runs headless it is one
static table. Both show what SendProjectSessionAction answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
from botocore.exceptions import ClientError

from helpers.showing import svg_image

ROWS = 8
COLUMNS = 12
LONGEST = 28  # signs of a value that are shown
MARKS = {"string": "ABC", "boolean": "0|1", "date": "day", "timestamp": "time"}  # all other types are numbers
GREEN, GREY, BLUE = "#009E73", "#BBBBBB", "#0072B2"
BAR_HEIGHT, BAR_WIDTH = 26, 90  # pixels
CELL = "line-height:1.4;padding:3px 8px;border:1px solid #ddd;text-align:left;vertical-align:top;white-space:nowrap;color:#222;background:#fff"  # JupyterLab gives rows a background of its own
TABLE = "border-collapse:collapse;font-size:12px;background:#fff"


class Grid(widgets.VBox):
    """The grid of an open project.

    Parameters
    ----------
    brew: a boto3 client of DataBrew
    project, session: the project's name, and the ClientSessionId that StartProjectSession gave
    hidden: columns that are not shown

    Its parts have CSS classes: brew-table, brew-recipe, brew-back, brew-on, brew-step, brew-error.
    """

    def __init__(self, brew: Any, project: str, session: str, hidden: tuple[str, ...] = ()) -> None:
        self._brew, self._project, self._session, self._hidden = brew, project, session, list(hidden)
        self._start = 0
        self.table, self.recipe, self.error = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.back = widgets.Button(description="Rows before", disabled=True)
        self.on = widgets.Button(description="Rows after")
        steps = self._steps()
        self.step = widgets.IntSlider(
            len(steps), min=0, max=max(1, len(steps)), description="Steps", disabled=not steps, continuous_update=False
        )
        for name in "table recipe error back on step".split():
            getattr(self, name).add_class(f"brew-{name}")
        self.back.on_click(lambda _: self._turn(-ROWS))
        self.on.on_click(lambda _: self._turn(ROWS))
        self.step.observe(lambda _: self._turn(-self._start), "value")
        scrolled = widgets.Box([self.table], layout=widgets.Layout(overflow="auto", flex="1 1 auto"))
        super().__init__(
            [widgets.HBox([self.back, self.on, self.step]), widgets.HBox([scrolled, self.recipe]), self.error]
        )
        self.add_class("brew-grid")
        self._show()

    def _steps(self) -> list[dict[str, Any]]:
        name = self._brew.describe_project(Name=self._project)["RecipeName"]
        return self._brew.describe_recipe(Name=name, RecipeVersion="LATEST_WORKING")["Steps"]

    def _turn(self, rows: int) -> None:
        self._start = max(0, self._start + rows)
        self._show()

    def _show(self) -> None:
        view = {
            "StartColumnIndex": 0,
            "ColumnRange": COLUMNS,
            "HiddenColumns": self._hidden,
            "StartRowIndex": self._start,
            "RowRange": ROWS,
        }
        self.error.value = ""
        try:
            answer = self._brew.send_project_session_action(
                Name=self._project,
                ClientSessionId=self._session,
                Preview=True,
                StepIndex=self.step.value,
                ViewFrame=view,
            )
            steps = self._steps()
        except ClientError as error:
            self.error.value = f'<span role="alert" style="color:#b00020">{escape(str(error))}</span>'
            return
        frame = json.loads(answer["Result"])
        self.table.value = table_html(frame)
        self.recipe.value = recipe_html(steps, self.step.value)
        self.back.disabled = self._start == 0
        self.on.disabled = self._start + ROWS >= frame["rowCount"]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live form, and for readers without a kernel the same as static HTML."""
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/html"] = (
            f'<div style="display:flex;gap:12px;overflow:auto">{self.table.value}{self.recipe.value}</div>'
        )
        data["text/plain"] = repr(self)
        return data

    def __repr__(self) -> str:
        return f"The grid of the project {self._project}: a table that you can turn over, in JupyterLab."


def table_html(frame: dict[str, Any]) -> str:
    """Return the table of a session's frame.

    Parameters
    ----------
    frame: the Result of an action, read from its JSON
    """
    header = "".join(_header(column) for column in frame["columns"])
    rows = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in frame["rows"])
    first, last = frame["startRowIndex"] + 1, frame["startRowIndex"] + len(frame["rows"])
    caption = f"Rows {first:,} to {last:,} of {frame['rowCount']:,} in the sample, {frame['columnCount']} columns"
    return (
        f'<table style="{TABLE}"><caption style="text-align:left;color:#222;background:#fff">{caption}</caption>'
        f"<thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _header(column: dict[str, Any]) -> str:
    """Type and name, the bar of present and missing values, and how the values are distributed."""
    statistics = column.get("statistics", {})
    mark = MARKS.get(column["type"], "#")
    title = f'<span title="{escape(column["type"])}" style="color:{BLUE}">{mark}</span> {escape(column["name"])}'
    return (
        f'<th scope="col" style="{CELL};font-weight:600">{title}{_quality(statistics)}{_distribution(statistics)}</th>'
    )


def _quality(statistics: dict[str, Any]) -> str:
    valid, missing = statistics.get("valid", 0), statistics.get("missing", 0)
    share = 100 * valid / (valid + missing) if valid + missing else 0
    text = f"{share:.0f} % present, {missing:,} missing, {statistics.get('distinct', 0):,} distinct"
    return (
        f'<div role="img" aria-label="{text}" title="{text}" style="width:{BAR_WIDTH}px;height:5px;margin:4px 0;'
        f'background:linear-gradient(to right,{GREEN} {share:.1f}%,{GREY} {share:.1f}%)"></div>'
    )


def _distribution(statistics: dict[str, Any]) -> str:
    """Bars: of numbers a histogram, of others the most frequent values."""
    if "distribution" in statistics:
        bars = [
            (bucket["count"], f"{bucket['bucket'][0]:g} to {bucket['bucket'][1]:g}")
            for bucket in statistics["distribution"]
        ]
    else:
        bars = [(value["count"], str(value["value"])) for value in statistics.get("topValues", [])]
    if not bars:
        return ""
    most, width = max(count for count, _ in bars) or 1, BAR_WIDTH / len(bars)
    drawn = "".join(
        f'<rect x="{number * width:.1f}" y="{BAR_HEIGHT - BAR_HEIGHT * count / most:.1f}" width="{width - 1:.1f}" '
        f'height="{BAR_HEIGHT * count / most:.1f}" fill="{BLUE}"/>'
        for number, (count, _) in enumerate(bars)
    )
    told = "Distribution: " + ", ".join(f"{label}: {count:,}" for count, label in bars)
    return svg_image(f'<svg viewBox="0 0 {BAR_WIDTH} {BAR_HEIGHT}">{drawn}</svg>', told, BAR_WIDTH, BAR_HEIGHT)


def _cell(value: str | None) -> str:
    if value is None:
        return f'<td style="{CELL};background:#eee" title="missing"><i>missing</i></td>'
    return f'<td style="{CELL}">{escape(value if len(value) <= LONGEST else value[: LONGEST - 1] + "…")}</td>'


def recipe_html(steps: list[dict[str, Any]], shown: int) -> str:
    """Return the panel with the steps of a recipe; those behind the first `shown` are grey."""
    lines = "".join(
        f'<li style="color:{"#222" if number <= shown else "#767676"}">{escape(describe(step))}</li>'
        for number, step in enumerate(steps, 1)
    )
    listed = f'<ol style="margin:4px 0 0;padding-left:20px">{lines}</ol>' if steps else "<p>No step yet.</p>"
    return (
        '<div style="min-width:180px;padding:6px 10px;border:1px solid #ddd;font-size:12px;background:#fff;color:#222">'
        f"<b>Recipe</b> ({len(steps)} {'step' if len(steps) == 1 else 'steps'}){listed}</div>"
    )


def describe(step: dict[str, Any]) -> str:
    """Return one line about a step: its operation, and what it is done to."""
    action = step["Action"]
    parameters = action.get("Parameters", {})
    words: list[Callable[[], str]] = [
        lambda: f"{parameters['joinType']} with {parameters['secondaryDatasetName']}",
        lambda: f"{parameters['sourceColumn']} to {parameters['targetColumn']}",
        lambda: ", ".join(json.loads(parameters["sourceColumns"])),
        lambda: parameters["sourceColumn"],
    ]
    for word in words:
        try:
            return f"{action['Operation']}: {word()}"
        except KeyError:
            continue
    return action["Operation"]
