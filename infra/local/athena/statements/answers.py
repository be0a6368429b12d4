"""What is asked about executions: their record and the pages of their results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local import s3
from infra.local.athena.api.executions import CANCELLED, FAILED, QUEUED, RUNNING, Execution, store
from infra.local.athena.api.refusals import InvalidRequest
from infra.local.athena.lake import managed
from infra.local.athena.lake import results as pages
from infra.local.athena.statements.jobs import running_jobs

if TYPE_CHECKING:
    from infra.local.athena.api.workgroups import LocalAthenaBackend


def find(backend: LocalAthenaBackend, identifier: str) -> Execution:
    """An execution of an account and region. Raises InvalidRequest."""
    job = running_jobs.get(identifier)
    if job is not None and (job.execution.account, job.execution.region) == (backend.account_id, backend.region_name):
        return job.execution
    found = store(backend.account_id, backend.region_name).get(identifier)
    if found is None:
        raise InvalidRequest(f"QueryExecution {identifier} was not found", "QUERY_EXECUTION_NOT_FOUND")
    return found


def results(backend: LocalAthenaBackend, request: dict[str, Any]) -> dict[str, Any]:
    """Answer GetQueryResults. Raises InvalidRequest."""
    limit, token = request.get("MaxResults"), request.get("NextToken")
    problems = []
    if token == "":
        problems.append(
            "Value at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )
    if limit is not None and limit < 1:
        problems.append(
            "Value at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"
        )
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected"
        raise InvalidRequest(f"{count}: {'; '.join(problems)}")
    execution = find(backend, request["QueryExecutionId"])
    if limit is not None and limit > pages.PAGE:
        raise InvalidRequest(f"MaxResults is more than maximum allowed length {pages.PAGE}")
    failed_text = execution.state == FAILED and execution.output.endswith(".txt") and execution.kind != "EXPLAIN"
    if execution.state in (QUEUED, RUNNING):
        raise InvalidRequest(
            f"Query has not yet finished. Current state: {execution.state}", "INVALID_QUERY_EXECUTION_STATE"
        )
    if execution.state == CANCELLED:
        raise InvalidRequest("Could not find results", "INVALID_QUERY_EXECUTION_STATE")
    if execution.state == FAILED and not failed_text:
        raise InvalidRequest(
            "Query did not finish successfully. Final query state: FAILED", "INVALID_QUERY_EXECUTION_STATE"
        )
    rows, following = _page(execution, token, limit or pages.PAGE, failed_text)
    columns = None if failed_text else {"ColumnInfo": execution.columns}
    answer: dict[str, Any] = {"ResultSet": {"Rows": rows, "ResultSetMetadata": columns}}
    if execution.update_count is not None:
        answer["UpdateCount"] = execution.update_count
    if following:
        answer["NextToken"] = following
    return answer


def _result(execution: Execution) -> Path:
    """The file of a result. Raises s3.MissingKey, s3.MissingBucket."""
    if execution.managed:
        return managed.path(execution)
    bucket, _, key = execution.output.removeprefix("s3://").partition("/")
    return s3.get(execution.account, bucket, key).path


def _page(execution: Execution, token: str | None, limit: int, failed: bool) -> tuple[list[Any], str | None]:
    path = None
    rows = 1 if failed else execution.rows
    if execution.output.endswith((".csv", ".txt")) and (rows or execution.is_csv):
        try:
            path = _result(execution)
        except (s3.MissingKey, s3.MissingBucket):
            raise InvalidRequest("Could not find results", "INVALID_QUERY_EXECUTION_STATE") from None
    try:
        return pages.page(path, execution.is_csv, rows, token, limit)
    except pages.BadToken:
        raise InvalidRequest(f"Malformed nextPageToken {token}") from None
