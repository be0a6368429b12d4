"""Glue interactive sessions: what is kept of a session and of its numbered statements, which outlive it.

Statements are kept in a file a session, `glue/sessions/<hash of the id>.jsonl`, one line at each change; the newest line of a number counts.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-interactive-sessions.html
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow

from infra.local.core import members, state
from infra.local.core.places import Places
from infra.local.glue import drivers as glue_drivers

ALIVE = ("PROVISIONING", "READY", "STOPPING")
UNFINISHED = ("WAITING", "RUNNING", "CANCELLING")


def _share() -> int:
    """Return how many places one account may have: in a class a quarter of them, so that nobody keeps the others out."""
    return max(1, glue_drivers.limit() // 4) if members.enforced() else glue_drivers.limit()


places = Places(glue_drivers.limit, _share)


@dataclass
class Statement:
    """One statement; times are milliseconds since 1970, 0 while not reached."""

    id: int
    code: str
    state: str = "WAITING"
    output: dict[str, Any] = field(default_factory=dict)
    progress: float = 0.0
    started_on: int = 0
    completed_on: int = 0

    def as_dict(self) -> dict[str, Any]:
        answer = {
            "Id": self.id,
            "Code": self.code,
            "State": self.state,
            "Output": self.output,
            "Progress": self.progress,
            "StartedOn": self.started_on,
            "CompletedOn": self.completed_on,
        }
        return {name: value for name, value in answer.items() if value != 0 or name in ("Id", "Progress")}


class Session:
    """What is kept of a session; its running part is a Live."""

    def __init__(self, account: str, region: str, given: dict[str, Any]):
        self.account, self.region = account, region
        self.session_id: str = given["Id"]
        self.arn = f"arn:aws:glue:{region}:{account}:session/{self.session_id}"
        self.given = given
        self.status = "PROVISIONING"
        self.error = ""
        self.created_on = utcnow()
        self.ready_on: datetime | None = None
        self.completed_on: datetime | None = None

    @property
    def dpus(self) -> float:
        return glue_drivers.dpus(self.given)

    @property
    def seconds(self) -> float:
        """How long it could run statements."""
        if self.ready_on is None:
            return 0.0
        return ((self.completed_on or utcnow()) - self.ready_on).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        names = [
            *("Id", "Description", "Role", "Command", "DefaultArguments", "Connections", "SecurityConfiguration"),
            *("GlueVersion", "NumberOfWorkers", "WorkerType", "IdleTimeout", "Timeout", "SessionType"),
        ]
        answer = {name: self.given.get(name) for name in names}
        answer |= {
            "CreatedOn": self.created_on,
            "Status": self.status,
            "ErrorMessage": self.error or self._waits() or None,
            "Progress": 0.0 if self.status == "PROVISIONING" else 1.0,
            "MaxCapacity": self.dpus,
            "CompletedOn": self.completed_on,
            "ExecutionTime": self.seconds if self.completed_on else None,
            "DPUSeconds": self.seconds * self.dpus if self.completed_on else None,
        }
        return {name: value for name, value in answer.items() if value is not None}

    def _waits(self) -> str:
        """Return which place in the queue it has, "" when it does not wait."""
        place = places.place(self.arn) if self.status == "PROVISIONING" else 0
        return (
            f"queue place {place}: {glue_drivers.limit()} sessions run at once here, and all of them are taken."
            if place
            else ""
        )

    def file(self) -> Path:
        folder = state.folder("glue", self.account, self.region) / "sessions"
        folder.mkdir(exist_ok=True)
        return folder / f"{hashlib.sha256(self.session_id.encode()).hexdigest()[:32]}.jsonl"


def output_of(number: int, result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a statement's last state and its Output. A REPL's order: printed text, value of the last line, stderr."""
    text = f"{result['stdout']}{result.get('text', '')}"
    text = f"{text}{chr(10) if result.get('text') else ''}{result['stderr']}".rstrip()
    if result["status"] == "cancelled":
        return "CANCELLED", {"ExecutionCount": number, "Status": "CANCELLED"}
    if result["status"] == "error":
        output = error_output(number, result["ename"], result["evalue"], result["traceback"])
        return "AVAILABLE", output | ({"Data": {"TextPlain": text}} if text else {})
    images = result["images"]
    data = {"TextPlain": text}
    if images:
        if len(images) > 1:
            text = f"{text}\n{len(images)} figures were drawn; a statement can show one, this is the last.".lstrip()
        data = {"TextPlain": text, "MimeType": "image/png;base64", "Result": images[-1], "StdOut": text}
    return "AVAILABLE", {"Data": data, "ExecutionCount": number, "Status": "ok"}


def error_output(number: int, name: str, value: str, trace: list[str]) -> dict[str, Any]:
    return {"ExecutionCount": number, "Status": "error", "ErrorName": name, "ErrorValue": value, "Traceback": trace}


def stored_statements(session: Session) -> dict[int, Statement]:
    """Read a session's statements; those that never ended are ERROR when the session is no longer alive."""
    statements: dict[int, Statement] = {}
    try:
        lines = session.file().read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        try:
            statement = Statement(**json.loads(line))
        except json.JSONDecodeError:  # half a line, from a server that was killed while it wrote
            continue
        statements[statement.id] = statement
    for statement in statements.values():
        if statement.state in UNFINISHED:
            statement.state = "ERROR"
            statement.output = error_output(statement.id, "SessionEnded", session.error, [])
    return statements
