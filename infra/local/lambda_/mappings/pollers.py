"""The pollers of enabled mappings: started when the server starts and when a mapping is made, stopped with either."""

from __future__ import annotations

import threading
import time

from infra.local.core import pace
from infra.local.lambda_ import backend as backends
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.mappings.kinesis import StreamPoller
from infra.local.lambda_.mappings.record import Mapping
from infra.local.lambda_.mappings.sqs import QueuePoller

_lock = threading.Lock()
_running: dict[str, StreamPoller | QueuePoller] = {}


def start(backend: LocalLambdaBackend, mapping: Mapping) -> None:
    """Start the poller of a mapping that is enabled."""
    kind = StreamPoller if mapping.is_stream else QueuePoller
    with _lock:
        if mapping.uuid not in _running:
            _running[mapping.uuid] = kind(backend, mapping)


def stop(uuid: str, wait: bool = False) -> None:
    """Stop a mapping's poller; what it is doing is finished or read again later."""
    with _lock:
        poller = _running.pop(uuid, None)
    if poller is not None:
        poller.stop(wait)


def restart(backend: LocalLambdaBackend, mapping: Mapping) -> None:
    """Let a mapping go on with other settings, after the batch that is under way."""

    def again() -> None:
        stop(mapping.uuid, wait=True)
        mapping.settled_at = max(time.time(), mapping.modified + pace.seconds("mapping changing"))
        if mapping.enabled and backend.mappings.get(mapping.uuid) is mapping:
            start(backend, mapping)

    threading.Thread(target=again, name=f"restart-{mapping.uuid[:8]}", daemon=True).start()


def resume() -> None:
    """Start the pollers of all mappings that are enabled, and finish what was being deleted."""
    from infra.local.lambda_.mappings import operations

    for _, _, backend in list(backends.BACKENDS.iter_backends()):
        for mapping in list(backend.mappings.values()):  # type: ignore[attr-defined]
            if mapping.state == "Deleting":
                operations.drop(backend, mapping)  # type: ignore[arg-type]
            elif mapping.enabled:
                start(backend, mapping)  # type: ignore[arg-type]


def stop_all() -> None:
    for uuid in list(_running):
        stop(uuid)
