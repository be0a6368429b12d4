"""What was asked for, and whether it was allowed: for `workshop permissions`."""

from __future__ import annotations

import threading
from typing import NamedTuple

from infra.local.core.roles.evaluation import Ask, Decision

LIMIT = 50_000  # distinct questions; a key per object would grow without an end


class Asked(NamedTuple):
    """One kind of question: which role or user asked for which action on which resource, and the answer."""

    principal: str
    action: str
    resource: str
    allowed: bool


_asked: dict[Asked, int] = {}
_lock = threading.Lock()


def record(ask: Ask, decision: Decision) -> None:
    """Count one answer."""
    principal = ask.principal.principal_arn or ask.principal.arn
    asked = Asked(principal, ask.action, ask.resource, decision.allowed)
    if asked in _asked or len(_asked) < LIMIT:
        _asked[asked] = _asked.get(asked, 0) + 1


def asked(account: str) -> dict[Asked, int]:
    """Return how often each question was asked by the roles and users of an account."""
    return {each: count for each, count in list(_asked.items()) if f"::{account}:" in each.principal}
