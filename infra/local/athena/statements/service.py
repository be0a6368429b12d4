"""Query executions from their start to the end of the server: queued by account, run, stopped."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.local.athena.api.executions import CANCELLED
from infra.local.athena.statements import jobs
from infra.local.athena.statements.answers import find
from infra.local.athena.statements.jobs import running_jobs
from infra.local.athena.statements.start import accept
from infra.local.core.fair_queue import FairQueue

if TYPE_CHECKING:
    from infra.local.athena.api.workgroups import LocalAthenaBackend

QUERIES, QUERIES_OF_ONE = 4, 2
OTHERS, OTHERS_OF_ONE = 4, 2
FORGET_SECONDS = 10.0  # for the queries of an account that is emptied
_queries = FairQueue("athena", QUERIES, QUERIES_OF_ONE)
_others = FairQueue("athena-ddl", OTHERS, OTHERS_OF_ONE)


def start(backend: LocalAthenaBackend, request: dict[str, Any], caller: str = "") -> str:
    """Check a StartQueryExecution request, save its execution, queue it; return its id. Raises InvalidRequest."""
    from infra.local.athena.statements.run import run

    accepted = accept(backend, request, caller)
    if accepted.job is not None:
        job = accepted.job
        running_jobs[accepted.id] = job
        with job.lock:
            job.tell()
        queue = _queries if hasattr(job.statement, "query") or job.statement.kind == "EXPLAIN" else _others
        queue.submit(job.execution.account, partial(run, job, accepted.location))
    return accepted.id


def stop_execution(backend: LocalAthenaBackend, identifier: str) -> None:
    """Stop an execution; one that has ended is left as it is. Raises InvalidRequest."""
    find(backend, identifier)
    job = running_jobs.get(identifier)
    if job is not None:
        job.move(CANCELLED, "Query cancelled by user")
        job.interrupt()


def forget(account: str) -> None:
    """Cancel the executions of an account that is emptied, and wait for their ends."""
    mine = [job for job in list(running_jobs.values()) if job.execution.account == account]
    for job in mine:
        job.move(CANCELLED, "The account was emptied.")
        job.interrupt()
    deadline = time.monotonic() + FORGET_SECONDS
    while any(job.execution.id in running_jobs for job in mine) and time.monotonic() < deadline:
        time.sleep(0.05)


def stop() -> None:
    """End the threads and the engines; what runs is interrupted and counts as FAILED after the restart."""
    for job in list(running_jobs.values()):
        job.interrupt()
    _queries.close()
    _others.close()
    jobs.stop()
    if _queries.used:  # the engines' module is loaded with the first query
        from infra.local.athena.statements import engines

        engines.stop()
