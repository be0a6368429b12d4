"""Rows of the tables in docs/benchmarks.md, and its sections: each is written by the group of measurements that it is about."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

from tests.bench import doubles

TITLE = "# Benchmarks"


def met(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


def row(what: str, value: str, goal: str, is_met: bool) -> str:
    """Return a row of a table with the columns what, value, goal, met; printed as well, because a run takes minutes."""
    print(f"{what:<60} {value} {goal} {'' if is_met else 'MISSED'}", flush=True)
    return f"| {what} | {value} | {goal} | {met(is_met) if goal else ''} |"


def comparison(names: list[str], compared: list[str], alone: list[str]) -> list[str]:
    """Return two tables: the rows of all servers, by name, and the rows of ours alone."""
    return [
        f"| what | {' | '.join(names)} | ours / best peer | goal | met |",
        f"|---|{'---|' * (len(names) + 3)}",
        *compared,
        "",
        "| what, ours alone | value | goal | met |",
        "|---|---|---|---|",
        *alone,
    ]


def load() -> float:
    """Return how many processes wanted the processors, on average over the last minute."""
    return os.getloadavg()[0]


def section(title: str, group: str, load_before: float, lines: list[str]) -> str:
    """Return the text of a group's section, with the day, the machine and how busy it was before the run."""
    return "\n".join(
        [
            f"## {title}",
            "",
            f"Written by `python -m tests.bench {group}` on {datetime.date.today()}: {doubles.machine()}, {platform.system()} {platform.release()}, "
            f"Python {platform.python_version()}; load before the run {load_before:.1f}.",
            "",
            *lines,
        ]
    )


def write(path: Path, sections: dict[str, str], titles: list[str]) -> None:
    """Put sections (title -> text) into the file in place of the old ones; others stay. `titles` is the order."""
    texts = path.read_text().split("\n## ")[1:]
    kept = {text.partition("\n")[0]: f"## {text.rstrip()}" for text in texts} | sections
    path.write_text("\n\n".join([TITLE, *(kept[title].rstrip() for title in titles if title in kept)]) + "\n")
