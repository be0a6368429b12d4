"""No query takes the server with it: each runs in a process with a limit of memory, and the accounts take turns."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from tests.local.athena.athena_lake import FINAL, Lake
from tests.polling import until

OTHER = "299999999901"
GIGABYTE = 1 << 30
MEMORY = "EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit of"
GREEDY = {
    "a value": "SELECT length(array_join(repeat(lpad('', 100000, 'x'), 10000), ''))",
    "values of one vector": "SELECT sum(length(array_join(repeat(lpad('', 1000, v), 4000), ''))) FROM (VALUES 'a', 'b', 'c') t(v) CROSS JOIN UNNEST(sequence(1, 900)) s(n)",
    "doubled": "SELECT length(a || a) FROM (SELECT a || a || a || a AS a FROM (SELECT a || a || a || a AS a FROM (SELECT array_join(repeat(lpad('', 10000, 'x'), 3000), '') AS a)))",
    "an array": "SELECT cardinality(array_agg(a.n * b.n * c.n)) FROM UNNEST(sequence(1, 1000)) a(n), UNNEST(sequence(1, 1000)) b(n), UNNEST(sequence(1, 1000)) c(n)",
    "a map": "SELECT cardinality(map_agg(a.n * 1000000 + b.n * 1000 + c.n, lpad('', 100, 'x'))) FROM UNNEST(sequence(1, 1000)) a(n), UNNEST(sequence(1, 1000)) b(n), UNNEST(sequence(1, 1000)) c(n)",
    "a text of many": "SELECT length(listagg(lpad('', 1000, 'x'), ',') WITHIN GROUP (ORDER BY a.n)) FROM UNNEST(sequence(1, 1000)) a(n), UNNEST(sequence(1, 1000)) b(n)",
    "a Python function": "SELECT length(url_encode(array_join(repeat(lpad('', 10000, '/'), 9000), '')))",
}  # fmt: skip
REFUSED = {
    "SELECT repeat('x', 3000000000)": "INVALID_FUNCTION_ARGUMENT: count argument of repeat function must be less than or equal to 10000",
    "SELECT sequence(1, 3000000000)": "INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries",
    "SELECT lpad('x', 3000000000, 'a')": "INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]",
    "SELECT rpad('x', 2000000000, 'y')": MEMORY,
    "SELECT length(lpad('x', 100000000, 'ü'))": MEMORY,
    "SELECT sequence(DATE '2000-01-01', DATE '2100-01-01')": "INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries",
}  # fmt: skip


def memory_of(pid: int) -> int:
    """The bytes of memory that a process and its children hold."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(entry.name) == pid or int(fields[1]) == pid:
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:  # it has ended
            continue
    return total


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("what", GREEDY)
def test_a_greedy_query_ends_and_the_server_does_not(lake: Lake, server, what: str) -> None:
    before = most = memory_of(server.pid)
    identifier = lake.start(GREEDY[what])

    def ended() -> dict | None:
        nonlocal most
        most = max(most, memory_of(server.pid))
        status = lake.athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]["Status"]
        return status if status["State"] in FINAL else None

    state = until(ended, "the end of the query")
    assert state["State"] == "FAILED"
    assert state["StateChangeReason"].startswith(MEMORY)
    assert most - before < GIGABYTE
    assert lake.rows("SELECT 1") == [["1"]]


def test_functions_have_trinos_limits(lake: Lake) -> None:
    for query, reason in REFUSED.items():
        assert lake.reason(query).startswith(reason), query
    assert lake.rows("SELECT length(rpad('x', 1000000, 'y')), length(lpad('xyz', 2, 'y'))") == [["1000000", "2"]]


def test_a_stopped_query_ends_at_once(lake: Lake) -> None:
    endless = "SELECT count(*) FROM " + ", ".join(f"UNNEST(sequence(1, 10000)) t{n}(x)" for n in range(4))
    identifiers = [lake.start(endless) for _ in range(3)]
    for identifier in identifiers:
        lake.athena.stop_query_execution(QueryExecutionId=identifier)
        assert lake.wait(identifier)["Status"]["State"] == "CANCELLED"
    assert lake.rows("SELECT 2") == [["2"]]


def test_accounts_take_turns(lake: Lake, server) -> None:
    """An account that has filled its share and the queue leaves room for the next."""
    greedy, other = lake, Lake(partial(server.client, account=OTHER), OTHER)
    endless = "SELECT count(*) FROM " + ", ".join(f"UNNEST(sequence(1, 10000)) t{n}(x)" for n in range(4))
    identifiers = [greedy.start(endless) for _ in range(8)]
    assert other.rows("SELECT 1") == [["1"]]
    assert greedy.lines("SHOW DATABASES")  # what needs no engine does not wait for one
    for identifier in identifiers:
        greedy.athena.stop_query_execution(QueryExecutionId=identifier)
