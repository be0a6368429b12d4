"""The progress board, a service of the hub that only whoever leads may open: who has solved what, where many are stuck, who is idle."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from html import escape
from typing import Any

IDLE_SECONDS = 600
STUCK_TRIES, STUCK_LEARNERS = 3, 2  # an exercise on which so many have tried so often
MARKS = {"solved": "✔", "wrong": "✘", "open": "○"}
STYLE = """
body{font:15px system-ui,sans-serif;margin:1.5em;color:#222;background:#fff} table{border-collapse:collapse}
th,td{border:1px solid #bbb;padding:.25em .5em;text-align:center} th:first-child,td:first-child{text-align:left;white-space:nowrap}
.solved{background:#cfe8d5}.wrong{background:#f6d5c9}.idle{color:#6b6b6b}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}th,td{border-color:#555}.solved{background:#1f4d2b}.wrong{background:#642d19}.idle{color:#a0a0a0}}
"""


def exercises() -> list[str]:
    """Return the numbers of all exercises, in order."""
    from infra import project
    from infra.teaching.exercise import of_chapter

    return [exercise.number for path in project.chapters() for exercise in of_chapter(path.stem[:2])]


def stuck(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return (exercise, how many) where at least two have tried three times or more without success, the most first."""
    counted: dict[str, int] = {}
    for row in rows:
        if row["state"] == "wrong" and row["tries"] >= STUCK_TRIES:
            counted[row["exercise"]] = counted.get(row["exercise"], 0) + 1
    return sorted(
        ((each, n) for each, n in counted.items() if n >= STUCK_LEARNERS), key=lambda pair: (-pair[1], pair[0])
    )


def last_sign(account: str, told: Mapping[str, Any]) -> float | None:
    """Return how many seconds ago a learner has last done anything, None for never."""
    moments = [row["last"] for row in told["rows"] if row["account"] == account]
    moments += [told["seen"][account]] if account in told["seen"] else []
    return told["now"] - max(moments) if moments else None


def ago(seconds: float | None) -> str:
    if seconds is None:
        return "not here yet"
    return "now" if seconds < 60 else f"{seconds // 60:.0f} min ago"


def page(told: Mapping[str, Any], numbers: list[str]) -> str:
    """Return the board as HTML.

    Parameters
    ----------
    told: what the local AWS answers below /_workshop/progress
    numbers: the exercises, in order
    """
    found = {(row["account"], row["exercise"]): row for row in told["rows"]}
    numbers = [number for number in numbers if any(key[1] == number for key in found)] or numbers[:4]
    where = ", ".join(f"{exercise} ({count} learners)" for exercise, count in stuck(told["rows"])) or "nowhere"
    head = "".join(f"<th scope=col>{number}</th>" for number in numbers)
    body = []
    for account, name in sorted(told["names"].items()):
        seconds = last_sign(account, told)
        idle = seconds is None or seconds > IDLE_SECONDS
        cells = "".join(_cell(found.get((account, number))) for number in numbers)
        solved = sum(row["state"] == "solved" for key, row in found.items() if key[0] == account)
        body.append(
            f"<tr><th scope=row>{escape(name)}</th><td>{account}</td><td class={'idle' if idle else 'busy'}>{ago(seconds)}</td>"
            f"<td>{solved}</td>{cells}</tr>"
        )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=10><title>Progress</title>"
        f"<style>{STYLE}</style><h1>Progress of the class</h1><p id=stuck><b>Many are stuck at:</b> {where}</p>"
        f"<table><thead><tr><th scope=col>Learner</th><th scope=col>Account</th><th scope=col>Last sign</th><th scope=col>Solved</th>{head}</tr>"
        f"</thead><tbody>{''.join(body)}</tbody></table><p>✔ solved, ✘ tried without success (how often), ○ open.</p>"
    )


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "<td></td>"
    tries = f" {row['tries']}" if row["state"] == "wrong" else ""
    return f"<td class={row['state']}>{MARKS[row['state']]}{tries}</td>"


def main() -> None:
    """Serve the board; the hub starts this and hands its visitors over."""
    from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
    from tornado import ioloop, web

    from infra import project, server_process

    leader = json.loads(os.environ["WORKSHOP_CLASS_PLAN"])["leader"]

    class Board(HubOAuthenticated, web.RequestHandler):
        @web.authenticated
        def get(self) -> None:
            if self.current_user["name"] != leader:
                raise web.HTTPError(403)
            running = server_process.find(project.home())
            if running is None:
                raise web.HTTPError(503, "The local AWS does not answer.")
            self.finish(page(server_process.ask(running, "GET", "/_workshop/progress"), exercises()))

    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    application = web.Application(
        [(prefix + r"oauth_callback", HubOAuthCallbackHandler), (prefix + r"?", Board)], cookie_secret=os.urandom(32)
    )
    application.listen(json.loads(os.environ["WORKSHOP_CLASS_PLAN"])["board_port"], "127.0.0.1")
    with contextlib.suppress(KeyboardInterrupt):  # the hub ends it so
        ioloop.IOLoop.current().start()


if __name__ == "__main__":
    main()
