"""How much one query may take of the machine, and what it is told when it wants more."""

from __future__ import annotations

import os

from infra.engines.athena.errors import QueryError

QUERY_BYTES = 420 << 20  # what a query's process may take beside its code
DUCKDB_BYTES = 230 << 20  # of these for the rows that DuckDB holds; more goes to disk
CODE_BYTES = 160 << 20  # of a process that has done nothing yet, at most
SPILL_BYTES = 8 << 30
FILE_BYTES = 8 << 30
QUERY_SECONDS = 30 * 60.0  # https://docs.aws.amazon.com/athena/latest/ug/service-limits.html: DML query timeout
THREADS = min(4, os.cpu_count() or 1)
EXHAUSTED_CODE = 77  # how a process ends that has seen itself grow beyond QUERY_BYTES


def exhausted() -> QueryError:
    """Trino's words for a query that needs more memory than one node gives it."""
    return QueryError("EXCEEDED_LOCAL_MEMORY_LIMIT", f"Query exceeded per-node memory limit of {QUERY_BYTES >> 20}MB")
