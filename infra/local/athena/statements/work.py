"""What each kind of statement does, between RUNNING and its result."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.athena.api import workgroups
from infra.local.athena.functions.table import AGGREGATES, SCALARS, WINDOW
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.lake.results import Listing, csv_line, text_columns
from infra.local.athena.statements import ddl, engines
from infra.local.athena.statements.parser import Statement
from infra.local.athena.statements.queries import Outcome, Query, managed_table

if TYPE_CHECKING:
    from infra.local.athena.statements.jobs import Job


SIGNATURE = re.compile(r"(\w+)\((.*?)\) -> (.+?) = ")


def perform(job: Job, scratch: Path, location: str) -> Outcome:
    """Carry out a job's statement. Raises QueryError, ScanLimit, Stopped, Overdue."""
    execution, statement = job.execution, job.statement
    catalog = GlueCatalog(execution.account, execution.region)
    database = execution.database
    if statement.kind in ("PREPARE", "DEALLOCATE_PREPARE"):
        return _listed(_prepared(job, statement), scratch)
    if statement.kind == "SHOW_FUNCTIONS":
        return _functions(statement, scratch)
    if statement.kind == "VACUUM":
        return _vacuumed(catalog, database, statement, scratch)
    if not _has_query(statement):
        return _listed(ddl.execute(statement, catalog, database), scratch)
    with engines.borrowed(job) as engine:
        query = Query(catalog, database, scratch, engine, job.parameters, job.limits.scan_limit, job.note)
        try:
            return _of_query(query, job.text, statement, location + f"tables/{execution.id}", job.limits.enforced)
        finally:
            execution.scanned, execution.planning_ms = query.scanned, query.planning_ms


def _has_query(statement: Statement) -> bool:
    return hasattr(statement, "query") or statement.kind == "EXPLAIN"


def _of_query(query: Query, text: str, statement: Statement, tables: str, enforced: bool) -> Outcome:
    if statement.kind == "CREATE_VIEW":
        query.create_view(text, statement)
        return _listed(Listing([], [], counted=False), query.scratch)
    if statement.kind == "CREATE_TABLE_AS_SELECT":
        return query.create_table_as(text, statement, tables, enforced)
    others: dict[str, Callable[[], Outcome]] = {
        "SELECT": lambda: query.select(text, statement.query),
        "EXPLAIN": lambda: query.explain(text, statement),
        "INSERT": lambda: query.insert(text, statement),
        "UNLOAD": lambda: query.unload(text, statement),
        **{kind: lambda: query.change(text, statement) for kind in ("DELETE", "UPDATE", "MERGE", "OPTIMIZE")},
    }
    return others[statement.kind]()


def _vacuumed(catalog: GlueCatalog, database: str | None, statement: Statement, scratch: Path) -> Outcome:
    entry = managed_table(catalog, database, statement)
    from infra.local.athena.iceberg import vacuum

    vacuum.vacuum(catalog, entry)
    return _listed(Listing([], [], counted=False), scratch)


def _listed(listing: Listing, scratch: Path) -> Outcome:
    """A text result: rows by lines, without a header and without a last line end."""
    path = scratch / "result.txt"
    path.write_text("\n".join(listing.rows), encoding="utf-8")
    return Outcome(path, listing.columns, len(listing.rows), 0 if listing.counted else None)


def _prepared(job: Job, statement: Statement) -> Listing:
    execution = job.execution
    backend = workgroups.backend(execution.account, execution.region)
    if statement.kind == "PREPARE":
        backend.save_prepared_statement(execution.workgroup, statement.name, statement.text)
    else:
        backend.drop_prepared_statement(execution.workgroup, statement.name)
    return Listing([], [], counted=False)


def _functions(statement: Statement, scratch: Path) -> Outcome:
    heads = ["Function", "Return Type", "Argument Types", "Function Type", "Deterministic", "Description"]
    kinds = (("scalar", SCALARS), ("aggregate", AGGREGATES), ("window", WINDOW))
    signatures = [(kind, line) for kind, table in kinds for lines in table.values() for line in lines]
    parsed = sorted((*m.groups(), kind) for kind, line in signatures if (m := SIGNATURE.match(line)))
    rows = [
        [name, returned, arguments, kind, str(name not in ("random", "rand", "uuid", "shuffle")).lower(), ""]
        for name, arguments, returned, kind in parsed
        if statement.pattern is None or fnmatch(name, statement.pattern.lower().replace("%", "*"))
    ]
    path = scratch / "result.csv"
    path.write_bytes(b"".join(map(csv_line, [heads, *rows])))
    return Outcome(path, text_columns(*heads, type="varchar"), len(rows), 0)
