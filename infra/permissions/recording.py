"""What the chapters asked for of each role: from the local AWS's record and the executed copies of a whole run to `recorded.json`.

For each action of each statement one call that needed it, with the cell that ran then. Work in the background (Firehose, crawlers, functions)
is told with the cell beside which it was seen first.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from infra import profile, project
from infra.permissions.report import recorded

RECORDED = Path(__file__).with_name("recorded.json")
_ROLE_NAME = re.compile(r"^ +RoleName: *([\w+=,.@-]+) *$", re.MULTILINE)
_TOLD_BY_THE_REQUEST = (
    "aws:requesttag/",
    "aws:resourcetag/",
    "aws:tagkeys",
)  # the other aws: keys are the same each time


class Cell(NamedTuple):
    """A cell of an executed copy and when it began, in seconds since 1970."""

    began: float
    chapter: str
    number: int
    line: str


def keep(endpoint: str, executed: Iterable[Path], to: Path = RECORDED) -> None:
    """Write what the roles of the workshop's templates asked for.

    Parameters
    ----------
    endpoint: of the local AWS in whose fresh lake all chapters have run, as the learner and with their solutions
    executed: their executed copies
    """
    found = of(recorded(endpoint, profile.ACCOUNT), cells(executed), role_names())
    to.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def role_names(templates: Path = project.ROOT / "infra" / "stacks") -> frozenset[str]:
    """Return the names of the roles in a folder of templates, without those of trials: what these lack or never use is the exercise."""
    chapters = [path for path in templates.glob("*.yaml") if not path.stem.endswith("_trial")]
    return frozenset(name for path in chapters for name in _ROLE_NAME.findall(path.read_text()))


def of(record: Mapping[str, Any], ran: list[Cell], roles: frozenset[str]) -> dict[str, Any]:
    """Return `used` (role → Sid → action → its call) and `denied` (role → its calls).

    Raises ValueError without cells, or when nothing was recorded.
    """
    used: dict[str, Any] = {}
    for principal, sid, action, resource, keys, at, alone in record["calls"]:
        name = _name(principal)
        if name in roles:
            call = {"resource": resource, "keys": _own(keys), "alone": alone, **_told(ran, at)}
            used.setdefault(name, {}).setdefault(sid, {})[action] = call
    if not used or not ran:
        raise ValueError("Nothing was recorded of the workshop's roles. Run all chapters in a fresh lake first.")
    denied: dict[str, Any] = {}
    for principal, action, resource, _, at in record["denied"]:
        if _name(principal) in roles:
            call = {"action": action, "resource": resource, **_told(ran, at)}
            denied.setdefault(_name(principal), []).append(call)
    return {"used": used, "denied": denied}


def cells(executed: Iterable[Path]) -> list[Cell]:
    """Return the code cells of executed copies in the order in which they ran."""
    found = []
    for path in executed:
        book = [cell for cell in json.loads(path.read_text())["cells"] if not _is_injected(cell)]
        for number, cell in enumerate(book):
            began = cell.get("metadata", {}).get("papermill", {}).get("start_time")
            if cell["cell_type"] == "code" and began:
                moment = datetime.fromisoformat(began).replace(tzinfo=UTC).timestamp()
                found.append(Cell(moment, path.stem, number, _line("".join(cell["source"]))))
    return sorted(found)


def _is_injected(cell: Mapping[str, Any]) -> bool:
    """Papermill's own cell with parameters is in no stored notebook: without it the numbers are those that a reader counts."""
    return "injected-parameters" in cell.get("metadata", {}).get("tags", [])


def _line(source: str) -> str:
    lines = [line.strip() for line in source.splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), "")


def _told(ran: list[Cell], at: float) -> dict[str, Any]:
    place = bisect_right([cell.began for cell in ran], at)
    if not place:
        raise ValueError("A call was recorded before the first cell: the lake is older than the executed copies.")
    cell = ran[place - 1]
    return {"chapter": cell.chapter, "cell": cell.number, "line": cell.line}


def _name(principal: str) -> str:
    return principal.rpartition("/")[2] if ":role/" in principal else ""


def _own(keys: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {
        name: values
        for name, values in keys.items()
        if not name.startswith("aws:") or name.startswith(_TOLD_BY_THE_REQUEST)
    }
