"""What was asked for, and whether it was allowed: for `workshop permissions`, and for the proof that a role has enough and no more.

Kept in memory, and on disk once a minute and at shutdown: a request must not pay for it.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import orjson

from infra.local.core import notes, state
from infra.local.core.roles.evaluation import Ask, Decision, Kind, Layer

FILE = "permissions.json"  # in the state folder
LIMIT = 20_000  # distinct questions; denials name their resource, and those could be many


class Asked(NamedTuple):
    """One kind of question and its answer: by which role or user, for which action; the resource of a denial, else ""."""

    principal: str
    action: str
    resource: str
    allowed: bool


class Use(NamedTuple):
    """A statement (its Sid) of a principal's policies that has allowed an action."""

    principal: str
    sid: str
    action: str


class Call(NamedTuple):
    """The first call that a statement has allowed, if possible one that no other statement allows.

    Attributes
    ----------
    at: seconds since 1970
    keys: the request's keys, names in small letters
    alone: whether no other statement allows it
    """

    resource: str
    keys: dict[str, tuple[str, ...]]
    at: float
    alone: bool


_asked: dict[Asked, int] = {}
_first_denied: dict[Asked, float] = {}
_calls: dict[Use, Call] = {}


def record(ask: Ask, decision: Decision) -> None:
    """Count one answer. What root may needs no record.

    Parameters
    ----------
    ask: who asked for what
    decision: what came of it
    """
    if ask.principal.kind is Kind.ROOT:
        return
    principal = ask.principal.principal_arn or ask.principal.arn
    asked = Asked(principal, ask.action, "" if decision.allowed else ask.resource, decision.allowed)
    if asked in _asked or len(_asked) < LIMIT:
        _asked[asked] = _asked.get(asked, 0) + 1
    if not decision.allowed and asked in _asked:
        _first_denied.setdefault(asked, time.time())
    elif decision.allowed and decision.layer is Layer.IDENTITY:
        _note_statements(principal, ask, decision)


def _note_statements(principal: str, ask: Ask, decision: Decision) -> None:
    allowing = [statement for _, statement in decision.matched if statement.principals is None]
    for statement in allowing:
        use, alone = Use(principal, statement.sid, ask.action), len(allowing) == 1
        known = _calls.get(use)
        if (known is None and len(_calls) < LIMIT) or (known is not None and alone and not known.alone):
            _calls[use] = Call(ask.resource, dict(ask.context), time.time(), alone)


def asked(account: str) -> dict[str, list[Any]]:
    """Return what an account's roles and users have asked for, "" those of all accounts.

    `asked`: role, action, resource, answer, how often; `calls`: role, Sid, action, then a `Call`'s fields; `denied`: an `Asked`'s fields, first when.

    Parameters
    ----------
    account: its twelve digits, or ""
    """
    mine = f"::{account}:" if account else ""
    return {
        "asked": [[*each, count] for each, count in list(_asked.items()) if mine in each.principal],
        "calls": [[*use, *call] for use, call in list(_calls.items()) if mine in use.principal],
        "denied": [[*each, at] for each, at in list(_first_denied.items()) if mine in each.principal],
    }


def load() -> None:
    """Take up what was recorded before the last stop."""
    path = state.root() / FILE
    if not path.exists():
        return
    try:
        _take_up(orjson.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError, AttributeError, *notes.UNREADABLE) as error:
        for known in (_asked, _calls, _first_denied):
            known.clear()
        state.set_aside(path, f"what roles asked for cannot be read ({type(error).__name__}: {error})")


def _take_up(stored: Any) -> None:
    if isinstance(stored, list):  # of an older version
        stored = {"asked": stored, "calls": [], "denied": []}
    for *question, count in stored["asked"]:
        _asked[Asked(*question)] = count
    for principal, sid, action, *call in stored["calls"]:
        _calls[Use(principal, sid, action)] = Call(*call)
    for *question, at in stored["denied"]:
        _first_denied[Asked(*question)] = at


def flush() -> None:
    """Write what is recorded to disk."""
    if _asked:
        state.write_atomically(state.root() / FILE, orjson.dumps(asked("")))
