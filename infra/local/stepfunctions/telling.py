"""What executions tell: status events on EventBridge, log lines, metrics. Told after it is stored, in its order, by a thread of its own.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html, eventbridge-integration.html and procedure-cw-metrics.html
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.local.core import lineage, telemetry
from infra.local.stepfunctions.record import Execution
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.store import Store

if TYPE_CHECKING:
    from infra.local.stepfunctions.engine import Engine

INCLUDED_BYTES = 248 * 1024  # of input and output in a status event
LEVELS = {
    "ERROR": ("Failed", "TimedOut", "Aborted"),
    "FATAL": ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"),
}
DATA = ("input", "output", "parameters", "error", "cause", "inputDetails", "outputDetails", "assignedVariables")
METRICS = {"SUCCEEDED": "ExecutionsSucceeded", "FAILED": "ExecutionsFailed", "TIMED_OUT": "ExecutionsTimedOut"}
METRICS |= {"ABORTED": "ExecutionsAborted"}


def status(engine: Engine, execution: Execution) -> None:
    """Tell a change of an execution's status; Express executions have only metrics."""
    detail = status_detail(execution)
    store = engine.store(execution.account, execution.region)
    engine.tell.submit("", partial(_tell_status, execution, detail, store))


def _tell_status(execution: Execution, detail: dict[str, Any], store: Store) -> None:
    where = {"StateMachineArn": execution.machine_arn}
    values: dict[str, tuple[float, str]] = {}
    if detail["status"] == "RUNNING":
        values["ExecutionsStarted"] = (1, "Count")
    else:
        values[METRICS[detail["status"]]] = (1, "Count")
        values["ExecutionTime"] = (detail["stopDate"] - detail["startDate"], "Milliseconds")
    telemetry.metric(execution.account, execution.region, "AWS/States", where, values)
    if not execution.is_express:
        kind = "Step Functions Execution Status Change"
        with lineage.caused_by(execution.hops):
            telemetry.event(execution.account, execution.region, "aws.states", kind, detail, [execution.arn])
        store.told(execution.arn, detail["status"])  # what is not noted is told again after a restart


def status_detail(execution: Execution) -> dict[str, Any]:
    """Return the detail of a status event."""
    reason = {"RUNNING": "Execution is RUNNING and cannot be redriven"}.get(execution.status)
    if execution.status == "SUCCEEDED":
        reason = "Execution is SUCCEEDED and cannot be redriven"
    given, is_given = _included(execution.input)
    output, is_output = _included(execution.output)
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": round(execution.start * 1000),
        "stopDate": round(execution.stop * 1000) if execution.stop is not None else None,
        "input": given,
        "output": output,
        "stateMachineVersionArn": execution.version_arn,
        "stateMachineAliasArn": execution.alias_arn,
        "redriveCount": execution.redrive_count,
        "redriveDate": round(execution.redrive_date * 1000) if execution.redrive_date is not None else None,
        "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
        "redriveStatusReason": reason,
        "inputDetails": {"included": is_given},
        "outputDetails": {"included": is_output} if execution.output is not None else None,
        "error": execution.error,
        "cause": execution.cause,
    }


def _included(text: str | None) -> tuple[str | None, bool]:
    if text is not None and len(text.encode()) > INCLUDED_BYTES:
        return None, False
    return text, True


def events(engine: Engine, execution: Execution, made: list[dict[str, Any]]) -> None:
    """Write the events that the state machine's logging asks for."""
    level = execution.logging.get("level", "OFF")
    destinations = execution.logging.get("destinations") or []
    if level == "OFF" or not destinations or not made:
        return
    with_data = bool(execution.logging.get("includeExecutionData"))
    lines = [log_line(execution, event, with_data) for event in made if _is_logged(event["type"], level)]
    group = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"].split(":log-group:")[1].removesuffix(":*")
    stream = f"states/{execution.machine_name}/{time.strftime('%Y-%m-%d-%H-%M', time.gmtime())}/{execution.definition.hash[:8]}"
    if lines:
        tell = partial(telemetry.log, execution.account, execution.region, group, stream, lines)
        engine.tell.submit("", tell)


def _is_logged(kind: str, level: str) -> bool:
    if level == "ALL":
        return True
    return kind in LEVELS["FATAL"] if level == "FATAL" else kind.endswith(LEVELS["ERROR"]) or kind == "FailStateEntered"


def log_line(execution: Execution, event: dict[str, Any], with_data: bool) -> str:
    """Return an event as Step Functions writes it to a log."""
    details = event.get("details", {})
    if not with_data:
        details = {name: value for name, value in details.items() if name not in DATA}
    return compact(
        {
            "id": str(event["id"]),
            "type": event["type"],
            "details": json.loads(compact(details)),
            "redrive_count": str(execution.redrive_count),
            "previous_event_id": str(event["previousEventId"]),
            "execution_arn": execution.arn,
            "event_timestamp": str(round(event["timestamp"] * 1000)),
        }
    )
