"""`make rehearsal`: the whole suite in a fresh lake, at a share of AWS's pace, with a learner's rights; its report is docs/rehearsal.md.

It proves that no chapter leans on the local AWS being quick, or on rights that a learner has not. When all chapters pass, what the roles asked
for becomes infra/permissions/recorded.json: a learner who solves every exercise asks for all that the templates have to grant.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from infra import project, run, server_process
from infra.permissions import recording
from infra.run import Result

PARTICIPANT = "AnalyticsWorkshopParticipant"  # of infra/stacks/00_participant.yaml
PACE = 0.2
CELL_SECONDS = 1200
SHOWN_SECONDS = 2.0  # cells in which less than this was waited for are not listed
REPORT = project.ROOT / "docs" / "rehearsal.md"


class Cell(NamedTuple):
    """A cell that waited: its chapter, number and first line, how long it took, and the steps that began in it."""

    chapter: str
    number: int
    line: str
    seconds: float
    steps: Counter[str]
    waited: float


class Told(NamedTuple):
    """What the server tells of its pace: (when, step, seconds) of what began, and how often a call was throttled."""

    begun: list[tuple[float, str, float]]
    throttled: Counter[str]


@contextlib.contextmanager
def participant() -> Iterator[None]:
    """Make the learner's role in the lake of WORKSHOP_HOME, and work as it: every profile that is written meanwhile is its session.

    Raises helpers.stacks.StackFailed.
    """
    from helpers import connect, stacks

    with contextlib.redirect_stdout(io.StringIO()):
        connect()
        stacks.deploy("00_participant")
    os.environ["WORKSHOP_ROLE"] = PARTICIPANT
    try:
        yield
    finally:
        del os.environ["WORKSHOP_ROLE"]


def rehearse(chapters: list[str], pace: float, report: Path | None = REPORT) -> list[Result]:
    """Run chapters (all without names) in a lake of their own, and write the report.

    Raises ValueError for an unknown chapter, infra.server_process.LocalAwsError.
    """
    notebooks, home = run.find(chapters), project.BUILD / "rehearsal"
    shutil.rmtree(home, ignore_errors=True)
    before = dict(os.environ)  # connect() names the lake's profile and files there
    os.environ.pop("AWS_PROFILE", None)
    os.environ["WORKSHOP_HOME"] = str(home)
    endpoint = server_process.start(home, settings={"pace": pace}).endpoint
    try:
        with participant():
            results, cells, throttled = _run(notebooks, home / "notebooks", endpoint)
        if report is not None and notebooks == project.chapters() and not any(result.reason for result in results):
            recording.keep(endpoint, [home / "notebooks" / path.name for path in notebooks])
    finally:
        server_process.stop(home)
        os.environ.clear()
        os.environ.update(before)
    if report is not None:
        report.write_text(text(pace, results, cells, throttled))
    return results


def _run(
    notebooks: list[Path], output: Path, endpoint: str
) -> tuple[list[Result], list[Cell], dict[str, Counter[str]]]:
    results: list[Result] = []
    cells: list[Cell] = []
    throttled: dict[str, Counter[str]] = {}
    before: Counter[str] = Counter()
    for notebook in notebooks:
        results += run.run([notebook], output, solutions=True, cell_seconds=CELL_SECONDS)
        now = told(endpoint)
        throttled[notebook.stem] = now.throttled - before
        before = now.throttled
        cells += waits(output / notebook.name, now.begun)
        if results[-1].reason:
            break
    return results, cells, throttled


def told(endpoint: str) -> Told:
    """Return what the server at this URL tells of its pace."""
    with urllib.request.urlopen(f"{endpoint}/_workshop/pace", timeout=10) as answer:
        found = json.load(answer)
    return Told([tuple(each) for each in found["begun"]], Counter(found["throttled"]))


def waits(executed: Path, begun: list[tuple[float, str, float]]) -> list[Cell]:
    """Return the cells of an executed copy in which steps began that last, in their order."""
    found = []
    for number, cell in enumerate(json.loads(executed.read_text())["cells"]):
        times: dict[str, Any] = cell["metadata"].get("papermill", {})
        if cell["cell_type"] != "code" or not times.get("start_time") or not times.get("end_time"):
            continue
        start, end = (datetime.fromisoformat(times[name]).timestamp() for name in ("start_time", "end_time"))
        steps = [(step, seconds) for when, step, seconds in begun if start <= when < end]
        waited = sum(seconds for _, seconds in steps)
        if waited >= SHOWN_SECONDS:
            lines = [line for line in "".join(cell["source"]).splitlines() if line.strip() and not line.startswith("#")]
            line = lines[0] if lines else ""
            found.append(Cell(executed.stem, number, line, end - start, Counter(step for step, _ in steps), waited))
    return found


def text(pace: float, results: list[Result], cells: list[Cell], throttled: dict[str, Counter[str]]) -> str:
    """Return the report as Markdown."""
    failed = [result for result in results if result.reason]
    outcome = f"{failed[0].notebook.stem} failed: {failed[0].reason}" if failed else "All passed."
    lines = [
        "# Rehearsal",
        "",
        f"`make rehearsal` runs the suite in a fresh lake, without a person, with all exercises solved, as the role of `infra/stacks/00_participant.yaml`, at {pace:g} of AWS's pace:",
        f"a step that takes a minute on AWS takes {60 * pace:g} s, and calls are throttled as on AWS. It writes this page. Nothing of it was run on real AWS.",
        "",
        f"{len(results)} of {len(project.chapters())} chapters. {outcome}",
        "",
        "| chapter | result | seconds | calls throttled, and tried again by boto3 |",
        "|---|---|---|---|",
    ]
    for result in results:
        counted = throttled.get(result.notebook.stem, Counter())
        listed = ", ".join(f"{call} {count}" for call, count in counted.most_common()) or "-"
        state = "failed" if result.reason else "ok"
        lines.append(f"| {result.notebook.stem} | {state} | {result.seconds:.0f} | {listed} |")
    lines += [
        "",
        "## Cells that waited",
        "",
        f"Cells in which steps of {SHOWN_SECONDS:g} s or more in all began. *Waited* is what these steps last at this pace, one after another: some run side by side, and some go on after the cell.",
        "",
        "| chapter | cell | its first line | seconds | waited | for |",
        "|---|---|---|---|---|---|",
    ]
    for cell in cells:
        steps = ", ".join(f"{step} ×{count}" if count > 1 else step for step, count in cell.steps.most_common())
        line = cell.line.replace("|", "\\|")[:60]
        lines.append(
            f"| {cell.chapter[:2]} | {cell.number} | `{line}` | {cell.seconds:.0f} | {cell.waited:.0f} | {steps} |"
        )
    return "\n".join([*lines, ""])
