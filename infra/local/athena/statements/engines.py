"""The engines that queries run in: one at a time each, kept for the next query for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.engines.athena.client import Engine, Stopped
from infra.engines.athena.limits import QUERY_SECONDS
from infra.local.core import state

if TYPE_CHECKING:
    from infra.local.athena.statements.jobs import Job

KEPT = 2
IDLE_SECONDS = 300.0
_idle: list[Engine] = []
_lock = threading.Lock()
_timer: threading.Timer | None = None


@contextmanager
def borrowed(job: Job) -> Iterator[Engine]:
    """An engine for a job, which its stop ends. Raises Stopped for a job that was stopped before."""
    engine = _taken()
    try:
        with job.lock:
            if job.cancelled.is_set():
                raise Stopped
            job.engine = engine
        engine.deadline = time.monotonic() + QUERY_SECONDS
        yield engine
    finally:
        with job.lock:
            job.engine = None
        _give_back(engine)


def _taken() -> Engine:
    with _lock:
        if _idle:
            return _idle.pop()
    return Engine(state.root() / "spill")


def _give_back(engine: Engine) -> None:
    global _timer
    engine.deadline = None
    if not engine.spent:
        engine.finish()
    with _lock:
        keep = not engine.spent and len(_idle) < KEPT
        if keep:
            _idle.append(engine)
            if _timer is not None:
                _timer.cancel()
            _timer = threading.Timer(IDLE_SECONDS, close_idle)
            _timer.daemon = True
            _timer.start()
    if not keep:
        engine.close()


def close_idle() -> None:
    """End the engines that no query uses."""
    with _lock:
        gone = _idle[:]
        _idle.clear()
    for engine in gone:
        engine.close()


def stop() -> None:
    """End the engines and the timer at shutdown."""
    if _timer is not None:
        _timer.cancel()
    close_idle()
