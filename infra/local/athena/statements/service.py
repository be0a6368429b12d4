"""Query executions at work: accepted, queued, run in worker threads, stopped, resumed.

Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import re
import shutil
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError

from infra.local import s3
from infra.local.athena.api.executions import CANCELLED, FAILED, FINAL, QUEUED, RUNNING, SUCCEEDED, Execution, store
from infra.local.core import state, telemetry

if TYPE_CHECKING:
    from infra.local.athena.api.workgroups import LocalAthenaBackend
    from infra.local.athena.statements.parser import Statement
    from infra.local.athena.statements.queries import Outcome

log = logging.getLogger("workshop.athena")

WORKERS = 4
INTERRUPT_SECONDS = 0.05
S3_PATH = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
NO_OUTPUT = (
    "No output location provided. An output location is required either through the Workgroup result configuration setting "
    "or as an API input."
)
NOT_REPEATABLE = re.compile(
    r"\b(now|random|rand|uuid|shuffle|current_(date|time|timestamp|timezone|user)|localtime|localtimestamp|tablesample)\b",
    re.IGNORECASE,
)
SYSTEM_ERROR, USER_ERROR = 1, 2
TOO_DEEP = "statement is too large (stack overflow while parsing)"
MAX_QUERY_BYTES = 262_144
NO_COLUMNS_WITH_METADATA = ("ALTER_TABLE_ADD_COLUMN", "ALTER_TABLE_REPLACE_COLUMN", "MSCK_REPAIR")


class InvalidRequest(JsonRESTError):
    """InvalidRequestException with Athena's own code."""

    code = 400
    kind = "InvalidRequestException"

    def __init__(self, message: str, athena_code: str = "INVALID_INPUT"):
        super().__init__(self.kind, message)
        self.description = json.dumps(
            {
                "__type": self.kind,
                "AthenaErrorCode": athena_code,
                "ErrorCode": athena_code,
                "Message": message,
            }
        )


class ResourceNotFound(InvalidRequest):
    """ResourceNotFoundException: there is no such prepared statement or tagged resource."""

    kind = "ResourceNotFoundException"

    def __init__(self, message: str):
        super().__init__(message, "RESOURCE_NOT_FOUND")


@dataclasses.dataclass
class Limits:
    """What the workgroup says about an execution, taken when it was started."""

    enforced: bool = False
    scan_limit: int | None = None
    metrics: bool = False


class Job:
    """An execution that is queued or running: its statement, the text that holds it, and the values of its parameters."""

    def __init__(self, execution: Execution, statement: Statement, text: str, parameters: list[str], limits: Limits):
        self.execution, self.statement, self.limits = execution, statement, limits
        self.text, self.parameters = text, parameters
        self.cancelled, self.ended = threading.Event(), threading.Event()
        self.connection: Any = None
        self.lock = threading.Lock()
        self.events = 0
        self.previous: str | None = None

    def move(self, to: str, reason: str | None = None, error: dict[str, Any] | None = None) -> bool:
        """Go to another state and save it; False when the execution has ended already."""
        with self.lock:
            execution = self.execution
            if execution.state in FINAL:
                return False
            execution.state, execution.reason, execution.error = to, reason, error
            if to in FINAL:
                execution.completed = time.time()
                execution.processing_ms = max(
                    execution.total_ms() - execution.queue_ms - execution.planning_ms - execution.engine_ms, 0
                )
            store(execution.account, execution.region).save(execution)
            self.tell()
        if to in FINAL:
            _jobs.pop(execution.id, None)
            if self.limits.metrics:
                _metrics(execution)
        return True

    def tell(self) -> None:
        """Send the EventBridge event of the present state, in the background and in order."""
        execution = self.execution
        self.events += 1
        detail: dict[str, Any] = {
            "versionId": "0",
            "currentState": execution.state,
            "statementType": execution.type,
            "queryExecutionId": execution.id,
            "workgroupName": execution.workgroup,
            "sequenceNumber": str(self.events),
        }
        if self.previous:
            detail["previousState"] = self.previous
        if execution.error:
            detail["athenaError"] = {key[0].lower() + key[1:]: value for key, value in execution.error.items()}
        self.previous = execution.state
        _events.submit(_send_event, execution.account, execution.region, detail)


_jobs: dict[str, Job] = {}
_workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="athena")
_events = ThreadPoolExecutor(1, thread_name_prefix="athena-events")


def _send_event(account: str, region: str, detail: dict[str, Any]) -> None:
    try:
        telemetry.event(account, region, "aws.athena", "Athena Query State Change", detail)
    except Exception:
        log.exception("event of query %s", detail["queryExecutionId"])


def _metrics(execution: Execution) -> None:
    statistics = execution.statistics()
    names = {
        "TotalExecutionTime": "TotalExecutionTimeInMillis", "QueryQueueTime": "QueryQueueTimeInMillis",
        "QueryPlanningTime": "QueryPlanningTimeInMillis", "EngineExecutionTime": "EngineExecutionTimeInMillis",
        "ServiceProcessingTime": "ServiceProcessingTimeInMillis",
    }  # fmt: skip
    values: dict[str, tuple[float, str]] = {name: (statistics[key], "Milliseconds") for name, key in names.items()}
    values["ProcessedBytes"] = (execution.scanned, "Bytes")
    dimensions = {"QueryState": execution.state, "QueryType": execution.type, "WorkGroup": execution.workgroup}
    telemetry.metric(execution.account, execution.region, "AWS/Athena", dimensions, values)


# --- accepting ------------------------------------------------------------------------------------------------------


def start(backend: LocalAthenaBackend, request: dict[str, Any]) -> str:
    """Check a StartQueryExecution request, save its execution, queue it; return its id. Raises InvalidRequest."""
    from infra.engines.athena.errors import SyntaxRefused
    from infra.local.athena.lake.catalog import GlueCatalog
    from infra.local.athena.statements import ddl
    from infra.local.athena.statements import parser as statements

    account, region = backend.account_id, backend.region_name
    executions = store(account, region)
    text = request["QueryString"].strip()
    group = backend.enabled_work_group(request.get("WorkGroup") or "primary")
    token = request.get("ClientRequestToken") or ""
    asked = json.dumps({key: request[key] for key in sorted(request) if key != "ClientRequestToken"})
    if token and not 32 <= len(token) <= 128:
        raise InvalidRequest("clientRequestToken must have a length between 32 and 128")
    if token and (there := executions.by_token(token)):
        if there[1] != asked:
            raise InvalidRequest("Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH")
        return there[0]
    if len(text.encode()) > MAX_QUERY_BYTES:
        raise InvalidRequest(f"Query string length must be at most {MAX_QUERY_BYTES} bytes")
    result, location = _output(account, group.configuration, request.get("ResultConfiguration") or {})
    context = {key: value.lower() for key, value in (request.get("QueryExecutionContext") or {}).items() if value}
    database = context.get("Database", "").strip("`") or None
    try:
        statement = statements.parse(text)
        parameters = request.get("ExecutionParameters")
        run_text, run_parameters = text, list(parameters or [])
        if statement.kind == "EXECUTE":
            run_text, run_parameters = _prepared(backend, group.name, statement), statement.values or run_parameters
            statement = statements.parse(run_text)
        ddl.check_at_start(statement, GlueCatalog(account, region), database)
    except SyntaxRefused as error:
        raise InvalidRequest(error.message, "MALFORMED_QUERY") from None
    except RecursionError:
        raise InvalidRequest(TOO_DEEP, "MALFORMED_QUERY") from None
    except statements.Unsupported:
        raise InvalidRequest("Queries of this type are not supported", "MALFORMED_QUERY") from None
    except ddl.Refused as error:
        raise InvalidRequest(str(error), error.code) from None
    identifier = str(uuid.uuid4())
    reuse = (request.get("ResultReuseConfiguration") or {}).get("ResultReuseByAgeConfiguration") or {"Enabled": False}
    if reuse.get("Enabled"):
        reuse = {"Enabled": True, "MaxAgeInMinutes": reuse.get("MaxAgeInMinutes", 60)}
        if not 0 <= reuse["MaxAgeInMinutes"] <= 10_080:
            raise InvalidRequest("MaxAgeInMinutes must be between 0 and 10080")
    execution = Execution(
        id=identifier, account=account, region=region, query=text, kind=statement.kind, type=statement.type,
        workgroup=group.name, context=context, result=result, output=location + _name(statement, identifier),
        parameters=parameters, reuse=reuse,
        selected_engine=group.configuration["EngineVersion"]["SelectedEngineVersion"],
    )  # fmt: skip
    limits = Limits(
        enforced=bool(group.configuration.get("EnforceWorkGroupConfiguration")),
        scan_limit=group.configuration.get("BytesScannedCutoffPerQuery"),
        metrics=bool(group.configuration.get("PublishCloudWatchMetricsEnabled")),
    )
    executions.add(execution, token, asked, _reuse_key(execution, run_text, location))
    job = Job(execution, statement, run_text, run_parameters, limits)
    _jobs[identifier] = job
    with job.lock:
        job.tell()
    _workers.submit(_run, job, location)
    return identifier


def _prepared(backend: LocalAthenaBackend, group: str, statement: Statement) -> str:
    """The text that EXECUTE runs. Raises InvalidRequest."""
    found = backend.prepared_statements.get((group, statement.name))
    if found is None:
        raise InvalidRequest(f"PreparedStatement {statement.name} was not found in workGroup {group}")
    return found.query_statement


def _output(account: str, configuration: dict[str, Any], given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The result configuration that counts, and its location with one slash at the end. Raises InvalidRequest."""
    group = configuration.get("ResultConfiguration") or {}
    if configuration.get("EnforceWorkGroupConfiguration"):
        chosen = dict(group)
    else:
        chosen = {**group, **given} if given.get("OutputLocation") or group.get("OutputLocation") else dict(given)
    location = chosen.get("OutputLocation")
    if not location:
        raise InvalidRequest(NO_OUTPUT)
    match = S3_PATH.fullmatch(location)
    if not match:
        raise InvalidRequest("outputLocation is not a valid S3 path.")
    if not s3.exists(account, match[1]):
        raise InvalidRequest(f"Unable to verify/create output bucket {match[1]}")
    chosen.pop("OutputLocation")
    return chosen, location.rstrip("/") + "/"


def _name(statement: Statement, identifier: str) -> str:
    """The result object's name below the output location."""
    if statement.kind == "CREATE_TABLE_AS_SELECT":
        return f"tables/{identifier}"
    if statement.kind in ("INSERT", "UNLOAD"):
        return identifier
    is_csv = statement.kind in (
        "SELECT",
        "SHOW_FUNCTIONS",
        "DELETE",
        "UPDATE",
        "MERGE",
        "VACUUM",
        "OPTIMIZE",
    )
    return f"{identifier}.csv" if is_csv else f"{identifier}.txt"


def _reuse_key(execution: Execution, text: str, location: str) -> str:
    """What executions must have in common to share a result; "" for those whose result is not used again."""
    if execution.kind != "SELECT" or NOT_REPEATABLE.search(text):
        return ""
    return json.dumps(
        [
            execution.query,
            text,
            execution.context,
            execution.parameters,
            execution.workgroup,
            execution.result,
            location,
        ]
    )


# --- running --------------------------------------------------------------------------------------------------------


def _scratch(execution: Execution) -> Path:
    return state.folder("athena", execution.account, execution.region) / "scratch" / execution.id


def _run(job: Job, location: str) -> None:
    execution = job.execution
    execution.queue_ms = execution.total_ms()
    if not job.move(RUNNING):
        job.ended.set()
        return
    scratch = _scratch(execution)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        if _reused(job, location) or _performed(job, scratch, location):
            job.move(SUCCEEDED)
    except Exception:
        log.exception("query %s", execution.id)
        _fail(job, "GENERIC_INTERNAL_ERROR: The local AWS failed at this query; see its log file.", SYSTEM_ERROR, 1001)
    finally:
        job.ended.set()
        shutil.rmtree(scratch, ignore_errors=True)


def _fail(job: Job, reason: str, category: int, kind: int) -> None:
    execution = job.execution
    if execution.output.endswith(".txt") and execution.kind != "EXPLAIN" and execution.state not in FINAL:
        text = reason if reason.startswith("FAILED: ") else f"FAILED: {reason}"
        try:
            _put(execution, "", text.encode())
        except (s3.MissingBucket, OSError):  # the query has failed all the same, and says why in its status
            log.exception("result of query %s", execution.id)
    job.move(
        FAILED,
        reason,
        {"ErrorCategory": category, "ErrorType": kind, "Retryable": category == SYSTEM_ERROR, "ErrorMessage": reason},
    )


def _performed(job: Job, scratch: Path, location: str) -> bool:
    """Carry out the statement and store its result; False when it failed or was stopped."""
    import duckdb

    from infra.engines.athena.errors import QueryError
    from infra.local.athena.statements.queries import ScanLimit
    from infra.local.athena.statements.work import perform

    execution = job.execution
    started = time.perf_counter()
    try:
        outcome = perform(job, scratch, location)
    except ScanLimit:
        job.move(CANCELLED, "Bytes scanned limit was exceeded")
        return False
    except duckdb.InterruptException:
        if not job.cancelled.is_set():
            raise
        return False
    except RecursionError:
        _fail(job, f"STACK_OVERFLOW: {TOO_DEEP}", USER_ERROR, 1006)
        return False
    except QueryError as error:
        execution.engine_ms = round((time.perf_counter() - started) * 1000)
        reason = error.message
        if execution.kind == "CREATE_TABLE_AS_SELECT":
            target = getattr(job.statement, "properties", {}).get("external_location") or execution.output
            reason = (
                f"{reason.rstrip('.')}. You may need to manually clean the data at location '{target}' before retrying. "
                "Athena will not delete data in your account."
            )
        _fail(job, reason, error.category, error.type)
        return False
    execution.engine_ms = max(round((time.perf_counter() - started) * 1000) - execution.planning_ms, 0)
    if job.cancelled.is_set():
        return False
    try:
        _store(job, outcome, location)
    except s3.MissingBucket:
        _fail(job, "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket)",
              USER_ERROR, 1006)  # fmt: skip
        return False
    return True


def _store(job: Job, outcome: Outcome, location: str) -> None:
    """Put the result object, its metadata and its manifest."""
    from infra.local.athena.lake.results import metadata
    from infra.local.athena.lake.writers import engine_id

    execution = job.execution
    execution.columns, execution.rows, execution.update_count = outcome.columns, outcome.rows, outcome.update_count
    plain = execution.type == "UTILITY" and execution.kind not in (
        "DESCRIBE_TABLE",
        "SHOW_CREATE_TABLE",
        "SHOW_FUNCTIONS",
    )
    binary = plain or (
        execution.type == "DDL" and not outcome.columns and execution.kind not in NO_COLUMNS_WITH_METADATA
    )
    kind = "binary/octet-stream" if binary else "application/octet-stream"
    if outcome.path is not None:
        execution.output_bytes = outcome.path.stat().st_size
        _put(execution, "", outcome.path, kind)
    own_id = execution.kind in ("DESCRIBE_TABLE", "SHOW_CREATE_TABLE", *NO_COLUMNS_WITH_METADATA)
    if outcome.columns or execution.kind in NO_COLUMNS_WITH_METADATA:
        identifier = execution.id if own_id else engine_id()
        body = metadata(identifier, outcome.columns, outcome.update_type, outcome.update_count)
        _put(execution, ".metadata", body, kind)
    if outcome.uris is not None:
        _put(execution, "-manifest.csv", "".join(f"{uri}\n" for uri in outcome.uris).encode())
        execution.manifest = f"{execution.output}-manifest.csv"


def _put(execution: Execution, suffix: str, body: bytes | Path, kind: str = "application/octet-stream") -> None:
    bucket, _, key = execution.output.removeprefix("s3://").partition("/")
    s3.put(execution.account, bucket, key + suffix, body, content_type=kind)


def _reused(job: Job, location: str) -> bool:
    """Give the result of an earlier execution of the same text, when the request allows it and it is there."""
    execution = job.execution
    key = _reuse_key(execution, job.text, location)
    if not execution.reuse.get("Enabled") or not key:
        return False
    since = time.time() - execution.reuse["MaxAgeInMinutes"] * 60
    earlier = store(execution.account, execution.region).reusable(key, since)
    if earlier is None:
        return False
    bucket, _, name = earlier.output.removeprefix("s3://").partition("/")
    try:
        for suffix in ("", ".metadata"):
            _put(execution, suffix, s3.get(execution.account, bucket, name + suffix).path.read_bytes())
    except (s3.MissingKey, s3.MissingBucket, FileNotFoundError):
        return False
    execution.columns, execution.rows, execution.update_count = earlier.columns, earlier.rows, earlier.update_count
    execution.output_bytes, execution.reused = earlier.output_bytes, True
    return True


# --- stopping, reading ----------------------------------------------------------------------------------------------


def find(backend: LocalAthenaBackend, identifier: str) -> Execution:
    """An execution of an account and region. Raises InvalidRequest."""
    job = _jobs.get(identifier)
    if job is not None and (job.execution.account, job.execution.region) == (backend.account_id, backend.region_name):
        return job.execution
    found = store(backend.account_id, backend.region_name).get(identifier)
    if found is None:
        raise InvalidRequest(f"QueryExecution {identifier} was not found", "QUERY_EXECUTION_NOT_FOUND")
    return found


def stop_execution(backend: LocalAthenaBackend, identifier: str) -> None:
    """Stop an execution; one that has ended is left as it is. Raises InvalidRequest."""
    find(backend, identifier)
    job = _jobs.get(identifier)
    if job is None:
        return
    job.cancelled.set()
    job.move(CANCELLED, "Query cancelled by user")
    threading.Thread(target=_interrupt, args=(job,), daemon=True, name="athena-stop").start()


def _interrupt(job: Job) -> None:
    """Interrupt a job until it has ended: DuckDB forgets an interrupt that comes before its query begins."""
    import duckdb

    while True:
        connection = job.connection
        if connection is not None:
            with contextlib.suppress(duckdb.ConnectionException):  # it was closed meanwhile
                connection.interrupt()
        if job.ended.wait(INTERRUPT_SECONDS):
            return


def results(backend: LocalAthenaBackend, request: dict[str, Any]) -> dict[str, Any]:
    """Answer GetQueryResults. Raises InvalidRequest."""
    from infra.local.athena.lake import results as pages

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


def _page(execution: Execution, token: str | None, limit: int, failed: bool) -> tuple[list[Any], str | None]:
    from infra.local.athena.lake import results as pages

    path = None
    rows = 1 if failed else execution.rows
    if execution.output.endswith((".csv", ".txt")) and (rows or execution.is_csv):
        bucket, _, key = execution.output.removeprefix("s3://").partition("/")
        try:
            path = s3.get(execution.account, bucket, key).path
        except (s3.MissingKey, s3.MissingBucket):
            raise InvalidRequest("Could not find results", "INVALID_QUERY_EXECUTION_STATE") from None
    try:
        return pages.page(path, execution.is_csv, rows, token, limit)
    except pages.BadToken:
        raise InvalidRequest(f"Malformed nextPageToken {token}") from None


# --- shutdown -------------------------------------------------------------------------------------------------------


def stop() -> None:
    """End the threads; what runs is interrupted and counts as FAILED after the restart."""
    for job in list(_jobs.values()):
        job.cancelled.set()
        threading.Thread(target=_interrupt, args=(job,), daemon=True).start()
    _workers.shutdown(wait=True, cancel_futures=True)
    _events.shutdown(wait=True, cancel_futures=True)
