"""Query executions at work, in a thread each: the statement is carried out, its result stored, its end told."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local import s3
from infra.local.athena.api.executions import CANCELLED, FAILED, FINAL, RUNNING, SUCCEEDED, Execution, store
from infra.local.athena.lake import managed, rights
from infra.local.athena.statements.jobs import Job
from infra.local.athena.statements.start import reuse_key
from infra.local.core import pace, roles, state

if TYPE_CHECKING:
    from infra.local.athena.statements.queries import Outcome

log = logging.getLogger("workshop.athena")

SYSTEM_ERROR, USER_ERROR = 1, 2
TOO_DEEP = "statement is too large (stack overflow while parsing)"
NO_COLUMNS_WITH_METADATA = ("ALTER_TABLE_ADD_COLUMN", "ALTER_TABLE_REPLACE_COLUMN", "MSCK_REPAIR")


def _scratch(execution: Execution) -> Path:
    return state.folder("athena", execution.account, execution.region) / "scratch" / execution.id


def run(job: Job, location: str) -> None:
    execution = job.execution
    pace.pause(pace.deadline("query queued"), lambda: execution.state in FINAL)
    execution.queue_ms = execution.total_ms()
    if not job.move(RUNNING):
        job.ended.set()
        return
    pace.pause(pace.deadline("query running"), lambda: execution.state in FINAL)
    scratch = _scratch(execution)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with roles.acting_as(execution.caller):
            if _reused(job, location) or _performed(job, scratch, location):
                job.move(SUCCEEDED)
    except Exception:
        log.exception("query %s", execution.id)
        _fail(job, "GENERIC_INTERNAL_ERROR: Internal error", SYSTEM_ERROR, 1001)
    finally:
        job.ended.set()
        shutil.rmtree(scratch, ignore_errors=True)


def _fail(job: Job, reason: str, category: int, kind: int) -> None:
    execution = job.execution
    if execution.output.endswith(".txt") and execution.kind != "EXPLAIN" and execution.state not in FINAL:
        text = reason if reason.startswith("FAILED: ") else f"FAILED: {reason}"
        try:
            _put(execution, "", text.encode())
        except (
            s3.MissingBucket,
            rights.NotAuthorized,
            OSError,
        ):  # the query has failed all the same, and says why in its status
            log.exception("result of query %s", execution.id)
    job.move(
        FAILED,
        reason,
        {"ErrorCategory": category, "ErrorType": kind, "Retryable": category == SYSTEM_ERROR, "ErrorMessage": reason},
    )


def _performed(job: Job, scratch: Path, location: str) -> bool:
    """Carry out the statement and store its result; False when it failed or was stopped."""
    from infra.engines.athena.client import Overdue, Stopped
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
    except Stopped:
        return False
    except Overdue:
        _fail(job, "Query timeout", USER_ERROR, 1006)
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
    except rights.NotAuthorized as error:
        _fail(job, error.message, error.category, error.type)
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
    if execution.managed:
        managed.put(execution, suffix, body)
        return
    bucket, _, key = execution.output.removeprefix("s3://").partition("/")
    rights.check_write(execution.region, bucket, key + suffix)
    encryption = execution.result.get("EncryptionConfiguration") or {}
    kms_key = encryption.get("KmsKey") if encryption.get("EncryptionOption") == "SSE_KMS" else None
    if kms_key:
        rights.check_key(execution.account, execution.region, kms_key, bucket, key + suffix)
    s3.put(execution.account, bucket, key + suffix, body, content_type=kind, kms_key=kms_key)


def _reused(job: Job, location: str) -> bool:
    """Give the result of an earlier execution of the same text, when the request allows it and it is there."""
    execution = job.execution
    key = reuse_key(execution, job.text, location)
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
