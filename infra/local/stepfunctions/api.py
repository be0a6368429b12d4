"""How the service's operations are called: one function an operation, with what its request says."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.core import validation
from infra.local.stepfunctions.backend import LocalStatesBackend
from infra.local.stepfunctions.errors import StatesError, invalid

PAGE = 100
MAX_PAGE = 1000


@dataclass
class Ask:
    """A request."""

    account: str
    region: str
    backend: LocalStatesBackend
    given: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.given[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.given.get(name, default)

    def limit(self) -> int:
        """Return how many a page may hold; 0 is the default."""
        return min(self.get("maxResults") or PAGE, MAX_PAGE)


Answer = dict[str, Any]
Operation = Callable[[Ask], Answer]


def check(operation: str, given: dict[str, Any]) -> None:
    """Raise ValidationException for members that are not within the limits of the service's model."""
    if errors := validation.request_errors("stepfunctions", operation, given):
        raise invalid(validation.message(errors))


def token(position: Any, scope: str) -> str:
    """Return the token of the page that begins at a position, for a listing of `scope` only."""
    return base64.urlsafe_b64encode(json.dumps([scope, position]).encode()).decode()


def position(ask: Ask, scope: str) -> Any:
    """Return where the asked page begins, None for the first. Raises InvalidToken."""
    given = ask.get("nextToken")
    if given is None:
        return None
    try:
        known, at = json.loads(base64.urlsafe_b64decode(given.encode()))
    except (binascii.Error, ValueError, TypeError):
        known, at = None, None
    if known != scope:
        raise StatesError("InvalidToken", "Invalid Token: 'Invalid token'")
    return at


def page(ask: Ask, items: Sequence[Any], scope: str) -> tuple[Sequence[Any], dict[str, str]]:
    """Return the asked page of items and, where there are more, the token of the next."""
    start = position(ask, scope) or 0
    end = start + ask.limit()
    return items[start:end], ({"nextToken": token(end, scope)} if end < len(items) else {})


def present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
