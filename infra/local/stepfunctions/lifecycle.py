"""The service's start after a restart, and its end."""

from __future__ import annotations

from infra.local.core import state
from infra.local.stepfunctions.backend import BACKENDS, LocalStatesBackend, upgrade
from infra.local.stepfunctions.engine import ENGINE


def resume() -> None:
    """Go on with the executions that ran when the server ended."""
    places = []
    for account, region, backend in list(BACKENDS.iter_backends()):
        if not isinstance(backend, LocalStatesBackend):
            BACKENDS[account][region] = upgrade(backend)
            state.save("states", account, region)
        places.append((account, region))
    ENGINE.resume(places)


def forget(account: str) -> None:
    ENGINE.forget(account)


def stop() -> None:
    ENGINE.close()
