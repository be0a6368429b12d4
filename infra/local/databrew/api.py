"""Requests come in here: each is checked, done under the service's lock, and saved before it is answered."""

from __future__ import annotations

import json
import uuid
from typing import Any

from infra.local.core import state

from . import datasets, jobs, recipes, sessions, wire
from .backend import DataBrewBackend, databrew_backends
from .errors import BrewError

OPERATIONS = datasets.OPERATIONS | recipes.OPERATIONS | jobs.OPERATIONS
READS = ("Describe", "List")
EVERY = frozenset(OPERATIONS) | frozenset(sessions.OPERATIONS)

Answer = tuple[int, dict[str, str], str]


def handle(request: Any, url: str, headers: Any) -> Answer:
    """Answer one request."""
    region = request.host.split(".")[1]
    backend = databrew_backends[headers["x-moto-account-id"]][region]
    try:
        uri, body = request.environ["RAW_URI"], request.get_data()
        operation, given = wire.parse(request.method, uri, dict(headers), body)
        return 200, _headers(), wire.answer(operation, _done(backend, operation, given))
    except BrewError as error:
        return error.status, _headers(error.code), json.dumps({"Message": str(error)})


def _headers(code: str | None = None) -> dict[str, str]:
    headers = {"content-type": "application/json", "x-amzn-requestid": str(uuid.uuid4())}
    return headers | ({"x-amzn-errortype": code} if code else {})


def _done(backend: DataBrewBackend, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    if operation in sessions.OPERATIONS:  # they may take long, and lock and save themselves
        return sessions.OPERATIONS[operation](backend, given)
    with state.lock("databrew", backend.account_id):
        answer = OPERATIONS[operation](backend, given)
        if not operation.startswith(READS):
            backend.save()
        return answer


URLS: list[tuple[str, Any]] = [(r"https?://databrew\.(.+)\.amazonaws\.com/.*", handle)]
