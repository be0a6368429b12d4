"""One page a chapter, from the chapters' own goals and figures: `make handout`. HTML; PDF too where Chromium is installed."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from infra import project

GOALS = re.compile(r"\*\*You will be able to\*\*\s*\n((?:\s*- .+(?:\n  .+)*\n?)+)")
PROMISE = re.compile(r"^# .+?\n+(.+?)\n\n", re.DOTALL)
TIME = re.compile(r"^\*\*Time\*\* (.+?) · \*\*Cost\*\* (.+?) · ", re.MULTILINE)
FIGURES_A_PAGE = 3
PDF_SECONDS = 120
STYLE = """
@page{size:A4;margin:14mm} body{font:12pt/1.4 system-ui,sans-serif;color:#111;background:#fff;max-width:190mm;margin:auto}
section{break-after:page} section:last-child{break-after:auto} h1{font-size:20pt;margin:.4em 0} figure{margin:.6em 0;break-inside:avoid}
figure img,figure svg{max-width:100%;max-height:42mm} figcaption{font-size:9.5pt;color:#444} .facts{color:#444}
"""


class Figure(NamedTuple):
    """A figure: what an HTML page shows, and its words."""

    html: str
    words: str


class Sheet(NamedTuple):
    """What is on the page of a chapter."""

    title: str
    promise: str
    goals: tuple[str, ...]
    time: str
    cost: str
    figures: tuple[Figure, ...]


def sheet(notebook: Path) -> Sheet:
    """Return the page of a chapter. Raises ValueError for one without title or goals."""
    book = json.loads(notebook.read_text())
    first = "".join(book["cells"][0]["source"]) + "\n"
    goals, title = GOALS.search(first), re.match(r"# (.+)", first)
    if goals is None or title is None:
        raise ValueError(f"{notebook.name} has no title or no list after 'You will be able to'.")
    listed = tuple(" ".join(goal.split()) for goal in re.split(r"^\s*- ", goals[1], flags=re.MULTILINE) if goal.strip())
    promise, times = PROMISE.search(first), TIME.search(first)
    return Sheet(
        title[1],
        " ".join(promise[1].split()) if promise else "",
        listed,
        times[1] if times else "",
        times[2] if times else "",
        tuple(_chosen([figure for cell in book["cells"] for figure in _figures(cell)])),
    )


def _figures(cell: dict[str, Any]) -> list[Figure]:
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        page = "".join(data.get("text/html", ""))
        alt = re.search(r'alt="([^"]*)"', page)
        if picture := re.match(r"<img[^>]*>", page):
            found.append(Figure(picture[0], alt[1] if alt else ""))
        elif "image/png" in data:
            bytes64 = "".join(data["image/png"]).replace("\n", "")
            words = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            found.append(Figure(f'<img alt="{escape(words)}" src="data:image/png;base64,{bytes64}">', escape(words)))
    return found


def _chosen(figures: list[Figure]) -> list[Figure]:
    """Return as many figures as a page takes: the first, which is the chapter's map, and the last ones, which are its findings."""
    return figures if len(figures) <= FIGURES_A_PAGE else [figures[0], *figures[-(FIGURES_A_PAGE - 1) :]]


def page(sheets: list[Sheet]) -> str:
    """Return all pages as one HTML file that needs nothing else."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Analytics workshop: the chapters</title><style>{STYLE}</style>"
        + "".join(map(_section, sheets))
    )


def _section(each: Sheet) -> str:
    goals = "".join(f"<li>{_inline(goal)}</li>" for goal in each.goals)
    figures = "".join(
        f"<figure>{figure.html}<figcaption>{figure.words}</figcaption></figure>" for figure in each.figures
    )
    facts = f"<p class=facts>{_inline(each.time)} · {_inline(each.cost)}</p>" if each.time else ""
    return (
        f"<section><h1>{_inline(each.title)}</h1><p>{_inline(each.promise)}</p><p>You will be able to</p><ul>{goals}</ul>"
        f"{facts}{figures}</section>"
    )


def _inline(text: str) -> str:
    """Return one line of Markdown as HTML: code, bold, slanted, and links by their words."""
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", escape(text, quote=False))
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*([^*]+)\*", r"<i>\1</i>", re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text))


def answers() -> str:
    """Return the solutions, hints and answers to "Check yourself" of all chapters as Markdown, for whoever leads."""
    from infra.teaching.exercise import UnknownExercise, of_chapter, yourself

    lines = ["# The answers, for whoever leads", ""]
    for notebook in project.chapters():
        lines += [f"## {sheet(notebook).title}", ""]
        for exercise in of_chapter(notebook.stem[:2]):
            lines += [f"**{exercise.number}**", "", "```python", exercise.solution.strip(), "```", ""]
            lines += [f"- Hint: {hint}" for hint in exercise.hints] + [""]
        with contextlib.suppress(UnknownExercise):  # a chapter without such questions
            lines += ["Check yourself:", "", *(f"1. {answer}" for answer in yourself(notebook.stem[:2])), ""]
    return "\n".join(lines)


def write(folder: Path) -> list[Path]:
    """Write the handout and return its files: `chapters.html`, `answers.md`, and `chapters.pdf` where Chromium is installed."""
    from infra.setup import browser

    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "chapters.html"
    written.write_text(page([sheet(notebook) for notebook in project.chapters()]))
    solved = folder / "answers.md"
    solved.write_text(answers())
    chromium = browser()
    if chromium is None:
        return [written, solved]
    printed = written.with_suffix(".pdf")
    command = [str(chromium), "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command += [f"--print-to-pdf={printed}", written.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=PDF_SECONDS)
    return [written, solved, *([printed] if done.returncode == 0 and printed.exists() else [])]
