"""StartQueryExecution: a request is checked, its statement read, its execution saved.

Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
"""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from infra.local import s3
from infra.local.athena.api.executions import Execution, store
from infra.local.athena.api.refusals import InvalidRequest
from infra.local.athena.api.workgroups import S3_PATH
from infra.local.athena.lake import rights
from infra.local.athena.statements.jobs import Job, Limits
from infra.local.core import state

if TYPE_CHECKING:
    from infra.local.athena.api.workgroups import LocalAthenaBackend
    from infra.local.athena.statements.parser import Statement

NO_OUTPUT = (
    "No output location provided. An output location is required either through the Workgroup result configuration setting "
    "or as an API input."
)
NOT_REPEATABLE = re.compile(
    r"\b(now|random|rand|uuid|shuffle|current_(date|time|timestamp|timezone|user)|localtime|localtimestamp|tablesample)\b",
    re.IGNORECASE,
)
TOO_DEEP = "statement is too large (stack overflow while parsing)"
MAX_QUERY_BYTES = 262_144
MAX_REUSE_MINUTES = 10_080


class Accepted(NamedTuple):
    """A request that was accepted: its execution's id, and its job where the execution is new."""

    id: str
    job: Job | None
    location: str


class Read(NamedTuple):
    """A statement, the text that it stands in, and the values of its parameters."""

    statement: Statement
    text: str
    parameters: list[str]


def accept(backend: LocalAthenaBackend, request: dict[str, Any], caller: str) -> Accepted:
    """Check a request and save its execution; `caller` is the access key that asked. Raises InvalidRequest."""
    account, region = backend.account_id, backend.region_name
    executions = store(account, region)
    group = backend.enabled_work_group(request.get("WorkGroup") or "primary")
    token = request.get("ClientRequestToken") or ""
    asked = json.dumps({key: request[key] for key in sorted(request) if key != "ClientRequestToken"})
    if earlier := _of_token(executions.by_token(token) if token else None, token, asked):
        return Accepted(earlier, None, "")
    text = request["QueryString"].strip()
    if len(text.encode()) > MAX_QUERY_BYTES:
        raise InvalidRequest(f"Query string length must be at most {MAX_QUERY_BYTES} bytes")
    managed = bool((group.configuration.get("ManagedQueryResultsConfiguration") or {}).get("Enabled"))
    result, location = _output(account, region, group.configuration, request.get("ResultConfiguration") or {}, managed)
    context = {key: value.lower() for key, value in (request.get("QueryExecutionContext") or {}).items() if value}
    given = request.get("ExecutionParameters")
    read = _read(backend, group.name, text, context.get("Database", "").strip("`") or None, list(given or []))
    identifier = str(uuid.uuid4())
    execution = Execution(
        id=identifier, account=account, region=region, query=text, kind=read.statement.kind, type=read.statement.type,
        workgroup=group.name, context=context, result=result, output=location + _name(read.statement, identifier),
        parameters=given, reuse=_reuse(request), managed=managed, caller=caller,
        selected_engine=group.configuration["EngineVersion"]["SelectedEngineVersion"],
    )  # fmt: skip
    if executions.new:  # a server that starts finds the service by its saved state, and then the executions
        with state.lock("athena", account):
            state.save("athena", account, region)
        executions.new = False
    executions.add(execution, token, asked, reuse_key(execution, read.text, location))
    return Accepted(identifier, Job(execution, *read, _limits(group.configuration)), location)


def _of_token(there: tuple[str, str] | None, token: str, asked: str) -> str | None:
    """The execution that a token was used for before. Raises InvalidRequest."""
    if token and not 32 <= len(token) <= 128:
        raise InvalidRequest("clientRequestToken must have a length between 32 and 128")
    if there is None:
        return None
    if there[1] != asked:
        raise InvalidRequest("Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH")
    return there[0]


def _read(backend: LocalAthenaBackend, group: str, text: str, database: str | None, parameters: list[str]) -> Read:
    """The statement that a text holds, or the prepared one that it executes. Raises InvalidRequest."""
    from infra.engines.athena.errors import SyntaxRefused
    from infra.local.athena.lake.catalog import GlueCatalog
    from infra.local.athena.statements import ddl, parser

    try:
        statement = parser.parse(text)
        if statement.kind == "EXECUTE":
            parameters = statement.values or parameters
            text = _prepared(backend, group, statement)
            statement = parser.parse(text)
        ddl.check_at_start(statement, GlueCatalog(backend.account_id, backend.region_name), database)
    except SyntaxRefused as error:
        raise InvalidRequest(error.message, "MALFORMED_QUERY") from None
    except RecursionError:
        raise InvalidRequest(TOO_DEEP, "MALFORMED_QUERY") from None
    except parser.Unsupported:
        raise InvalidRequest("Queries of this type are not supported", "MALFORMED_QUERY") from None
    except ddl.Refused as error:
        raise InvalidRequest(str(error), error.code) from None
    return Read(statement, text, parameters)


def _reuse(request: dict[str, Any]) -> dict[str, Any]:
    """ResultReuseByAgeConfiguration. Raises InvalidRequest."""
    given = (request.get("ResultReuseConfiguration") or {}).get("ResultReuseByAgeConfiguration") or {}
    if not given.get("Enabled"):
        return {"Enabled": False}
    minutes = given.get("MaxAgeInMinutes", 60)
    if not 0 <= minutes <= MAX_REUSE_MINUTES:
        raise InvalidRequest(f"MaxAgeInMinutes must be between 0 and {MAX_REUSE_MINUTES}")
    return {"Enabled": True, "MaxAgeInMinutes": minutes}


def _limits(configuration: dict[str, Any]) -> Limits:
    return Limits(
        enforced=bool(configuration.get("EnforceWorkGroupConfiguration")),
        scan_limit=configuration.get("BytesScannedCutoffPerQuery"),
        metrics=bool(configuration.get("PublishCloudWatchMetricsEnabled")),
    )


def _output(
    account: str, region: str, configuration: dict[str, Any], given: dict[str, Any], managed: bool
) -> tuple[dict[str, Any], str]:
    """The result configuration that counts, and its location with one slash at the end. Raises InvalidRequest."""
    if managed:  # Athena keeps the result itself
        if given.get("OutputLocation"):
            raise InvalidRequest("OutputLocation cannot be used in a workgroup with managed query results")
        return {}, ""
    group = configuration.get("ResultConfiguration") or {}
    if configuration.get("EnforceWorkGroupConfiguration"):
        chosen = dict(group)
    else:
        chosen = {**group, **given} if given.get("OutputLocation") or group.get("OutputLocation") else dict(given)
    if (chosen.get("EncryptionConfiguration") or {}).get("EncryptionOption") == "CSE_KMS":
        raise InvalidRequest("The local AWS does not encrypt results before they are in S3 (CSE_KMS); use SSE_KMS")
    location = chosen.pop("OutputLocation", None)
    if not location:
        raise InvalidRequest(NO_OUTPUT)
    match = S3_PATH.fullmatch(location)
    if not match:
        raise InvalidRequest("outputLocation is not a valid S3 path.")
    if not s3.exists(account, match[1]) or not rights.may_find(region, match[1]):
        raise InvalidRequest(f"Unable to verify/create output bucket {match[1]}")
    return chosen, location.rstrip("/") + "/"


def _prepared(backend: LocalAthenaBackend, group: str, statement: Statement) -> str:
    """The text that EXECUTE runs. Raises InvalidRequest."""
    found = backend.prepared_statements.get((group, statement.name))
    if found is None:
        raise InvalidRequest(f"PreparedStatement {statement.name} was not found in workGroup {group}")
    return found.query_statement


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


def reuse_key(execution: Execution, text: str, location: str) -> str:
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
