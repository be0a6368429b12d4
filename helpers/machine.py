"""The picture of a state machine, drawn from its own definition, with the states of an execution in colour while it runs."""

from __future__ import annotations

import json
import time
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.showing import INK, LINE, STYLE, redraw

COLOURS = {"waiting": "#F2F2F2", "running": "#DCEBF7", "done": "#CDEBDD", "caught": "#FBE8BF", "failed": "#F6CFC0"}
WIDTH, HEIGHT = 0.8, 0.62  # of a box; columns and rows are 1 apart
Edge = tuple[str, str, str]  # from, to, kind: next, choice or catch


def edges(definition: dict[str, Any]) -> list[Edge]:
    """Return the ways from state to state of a definition in the Amazon States Language."""
    found: list[Edge] = []
    for name, state in definition["States"].items():
        found += [(name, state["Next"], "next")] if "Next" in state else []
        found += [(name, choice["Next"], "choice") for choice in state.get("Choices", ())]
        found += [(name, state["Default"], "choice")] if "Default" in state else []
        found += [(name, catch["Next"], "catch") for catch in state.get("Catch", ())]
    return list(dict.fromkeys(found))


def _places(definition: dict[str, Any], ways: list[Edge]) -> dict[str, tuple[float, float]]:
    """Give each state a row below all that lead to it, not counting ways back, and the column of what leads straight to it."""
    order: list[str] = []
    back: set[tuple[str, str]] = set()

    def walk(name: str, above: tuple[str, ...]) -> None:
        for start, end, _ in ways:
            if start == name and end in (*above, name):
                back.add((start, end))
            elif start == name and end not in order:
                walk(end, (*above, name))
        if name not in order:
            order.insert(0, name)

    walk(definition["StartAt"], ())
    rows: dict[str, int] = {}
    for name in order:
        before = [rows[start] for start, end, _ in ways if end == name and start in rows and (start, end) not in back]
        rows[name] = 1 + max(before, default=-1)
    forward = [(start, end) for start, end, _ in ways if (start, end) not in back]
    straight = {start: end for start, end in reversed(forward)}  # the first way out of a state goes straight down
    columns: dict[str, int] = {}
    for name in order:
        sources = [start for start, end in forward if end == name]
        above = [columns[start] for start in sources if straight[start] == name]
        column = min(above) if above else 1 + max((columns[start] for start in sources), default=-1)
        while any(columns[other] == column and rows[other] == rows[name] for other in columns):
            column += 1
        columns[name] = column
    return {name: (float(columns[name]), -float(rows[name])) for name in order}


def draw_machine(definition: dict[str, Any], title: str, states: dict[str, str] | None = None) -> Figure:
    """Return the picture of a state machine.

    Parameters
    ----------
    definition: as `describe_state_machine` returns it, read as JSON
    states: name of a state → waiting, running, done, caught or failed; without it nothing is coloured
    """
    ways = edges(definition)
    places = _places(definition, ways)
    right, low = max(x for x, _ in places.values()), min(y for _, y in places.values())
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(3.4 + 2.4 * right, 0.8 - 0.52 * low))
        for start, end, kind in ways:
            _arrow(axes, places[start], places[end], kind)
        for name, (x, y) in places.items():
            state = (states or {}).get(name, "waiting")
            corner = x - WIDTH / 2, y - HEIGHT / 2
            axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, "round,pad=0.03", fc=COLOURS[state], ec=LINE))
            axes.text(x, y + 0.08, fill(name, 22), ha="center", va="center", fontsize=8.5, color=INK)
            told = definition["States"][name]["Type"] + ("" if state == "waiting" else f" · {state}")
            axes.text(x, y - 0.2, told, ha="center", va="center", fontsize=6.5, color=INK)
        axes.set(xlim=(-0.8, right + 0.7), ylim=(low - 0.5, 0.5), title=title)
        axes.set_axis_off()
    return figure


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
    style = {"catch": "dashed"}.get(kind, "solid")
    if end[1] >= start[1]:  # a way back
        from_, to, bend = (start[0] - WIDTH / 2, start[1]), (end[0] - WIDTH / 2, end[1]), "arc3,rad=-0.5"
    elif end[0] > start[0]:
        from_, to, bend = (
            (start[0] + WIDTH / 2, start[1]),
            (end[0], end[1] + HEIGHT / 2),
            "angle,angleA=0,angleB=90,rad=8",
        )
    elif end[0] < start[0]:
        from_, to, bend = (
            (start[0], start[1] - HEIGHT / 2),
            (end[0] + WIDTH / 2, end[1]),
            "angle,angleA=90,angleB=0,rad=8",
        )
    elif start[1] - end[1] > 1:  # over a row: beside the boxes
        from_, to, bend = (start[0] + WIDTH / 2, start[1]), (end[0] + WIDTH / 2, end[1]), "arc3,rad=-0.3"
    else:
        from_, to, bend = (start[0], start[1] - HEIGHT / 2), (end[0], end[1] + HEIGHT / 2), "arc3"
    axes.add_patch(
        FancyArrowPatch(
            from_, to, arrowstyle="-|>", connectionstyle=bend, mutation_scale=10, linestyle=style, color=LINE
        )
    )


def states_of(history: list[dict[str, Any]]) -> dict[str, str]:
    """Return what has become of each state, from the events of `get_execution_history`."""
    found: dict[str, str] = {}
    last, failed = "", False
    for event in history:
        kind = event["type"]
        if kind.endswith("StateEntered"):
            last, failed = event["stateEnteredEventDetails"]["name"], False
            found[last] = "failed" if kind == "FailStateEntered" else "running"
        elif kind.endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            found[name] = "caught" if failed and name == last else "done"
        elif kind in ("TaskFailed", "TaskTimedOut"):
            failed = True
        elif kind == "TaskSucceeded":
            failed = False
        elif kind in ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted") and found.get(last) == "running":
            found[last] = "failed"
    return found


def watch_machine(client: Any, execution: str, title: str, every: float = 0.5, seconds: float = 600) -> str:
    """Show a state machine while an execution of it runs, and return the status at its end.

    Parameters
    ----------
    client: boto3 client of Step Functions
    execution: ARN
    every, seconds: between two looks, and at most

    Raises TimeoutError.
    """
    told = client.describe_state_machine_for_execution(executionArn=execution)["definition"]
    definition, ends = json.loads(told), time.monotonic() + seconds
    handle, shown = None, None
    while True:
        status = str(client.describe_execution(executionArn=execution)["status"])
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
        states = states_of([event for page in pages for event in page["events"]])
        if states != shown:
            figure = draw_machine(definition, title, states)
            alt = "; ".join(f"{name}: {states.get(name, 'not reached')}" for name in definition["States"])
            handle = redraw(figure, f"The state machine, from top to bottom. {alt}.", handle)
            plt.close(figure)
            shown = states
        if status != "RUNNING":
            return status
        if time.monotonic() > ends:
            raise TimeoutError(f"The execution still runs after {seconds:.0f} s.")
        time.sleep(every)
