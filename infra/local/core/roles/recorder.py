"""What was asked for, and whether it was allowed: for `workshop permissions`.

Kept in memory, and on disk once a minute and at shutdown: a request must not pay for it.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from infra.local.core import state
from infra.local.core.roles.evaluation import Ask, Decision, Kind

FILE = "permissions.json"  # in the state folder
LIMIT = 20_000  # distinct questions; denials name their resource, and those could be many


class Asked(NamedTuple):
    """One kind of question and its answer: by which role or user, for which action; the resource of a denial, else ""."""

    principal: str
    action: str
    resource: str
    allowed: bool


_asked: dict[Asked, int] = {}


def record(ask: Ask, decision: Decision) -> None:
    """Count one answer. What root may needs no record."""
    if ask.principal.kind is Kind.ROOT:
        return
    principal = ask.principal.principal_arn or ask.principal.arn
    asked = Asked(principal, ask.action, "" if decision.allowed else ask.resource, decision.allowed)
    if asked in _asked or len(_asked) < LIMIT:
        _asked[asked] = _asked.get(asked, 0) + 1


def asked(account: str) -> list[list[object]]:
    """Return the questions of an account's roles and users: role, action, resource, answer, how often."""
    return [[*each, count] for each, count in list(_asked.items()) if f"::{account}:" in each.principal]


def load() -> None:
    """Take up what was recorded before the last stop."""
    path = state.root() / FILE
    if path.exists():
        for *question, count in orjson.loads(path.read_bytes()):
            _asked[Asked(*question)] = count


def flush() -> None:
    """Write what is recorded to disk."""
    if _asked:
        state.write_atomically(state.root() / FILE, orjson.dumps([[*each, count] for each, count in _asked.items()]))
