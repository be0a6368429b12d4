"""Amazon Athena: SQL over the objects of S3 by DuckDB, on the tables of the Glue Data Catalog.

api/ takes requests and keeps workgroups and the record of executions; statements/ says what a text is and carries it out;
sql/ makes DuckDB's SQL of Trino's; functions/ are Trino's; lake/ is the data: tables over objects, read and written.
A query runs in a process of its own: infra/engines/athena.
"""

import shutil

from moto.athena.models import athena_backends

from infra.local.core import state
from infra.local.core.service import Service

from .api import executions
from .api.operations import LocalAthenaResponse
from .api.resources import resources
from .statements import service

BACKENDS = athena_backends
RESPONSE = LocalAthenaResponse
UNLOCKED = {
    "StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "BatchGetQueryExecution", "ListQueryExecutions",
    "GetQueryResults", "GetQueryRuntimeStatistics", "GetDatabase", "ListDatabases", "GetTableMetadata",
    "ListTableMetadata",
}  # fmt: skip
UNSAVED = {"StartQueryExecution", "StopQueryExecution"}  # executions are in a table of their own


def resume() -> None:
    """Open the tables of executions, which fails what was queued or running when the server stopped, and undo what it left."""
    shutil.rmtree(state.root() / "spill", ignore_errors=True)  # of engines that were killed
    for path in state.root().glob("*/*/athena/executions.sqlite"):
        account, region = path.parts[-4], path.parts[-3]
        stored = executions.store(account, region)
        for execution in stored.interrupted:
            from .statements.undo import undo

            undo(execution)
            stored.save(execution)


def forget(account: str) -> None:
    service.forget(account)
    executions.forget(account)


def stop() -> None:
    service.stop()
    executions.close_all()


SERVICE = Service(
    "athena",
    BACKENDS,
    RESPONSE,
    unlocked=UNLOCKED,
    unsaved=UNSAVED,
    resources=resources,
    forget=forget,
    resume=resume,
    stop=stop,
)
