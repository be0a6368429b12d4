"""Operations on executions: start, look, stop, redrive, and the results that workers send.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from typing import Any

from infra.local.core import lineage, state, strict_json
from infra.local.stepfunctions import history
from infra.local.stepfunctions.api import Answer, Ask, position, present, token
from infra.local.stepfunctions.backend import EXECUTION, EXPRESS, check_name
from infra.local.stepfunctions.definition import Definition
from infra.local.stepfunctions.engine import ENGINE, EXPRESS_SECONDS, Run
from infra.local.stepfunctions.errors import StatesError, invalid, invalid_arn, no_execution
from infra.local.stepfunctions.record import Execution, Frame
from infra.local.stepfunctions.store import AlreadyStored

REDRIVABLE_SECONDS = 14 * 24 * 3600
MAX_REDRIVES = 1000
BILLED_MEMORY_MB = 64
BILLED_STEP_MS = 100


def start(ask: Ask) -> Answer:
    execution = _new(ask, is_sync=False)
    try:
        ENGINE.start(execution)
    except AlreadyStored:
        known = ENGINE.store(ask.account, ask.region).find(execution.arn)
        if known is None or known.status != "RUNNING" or known.input != execution.input:
            raise StatesError("ExecutionAlreadyExists", f"Execution Already Exists: '{execution.arn}'") from None
        return {"executionArn": known.arn, "startDate": known.start}
    return {"executionArn": execution.arn, "startDate": execution.start}


def start_sync(ask: Ask) -> Answer:
    execution = _new(ask, is_sync=True)
    ENGINE.start(execution)
    execution.finished.wait(EXPRESS_SECONDS + 30)
    stop = execution.stop if execution.stop is not None else time.time()
    milliseconds = max((stop - execution.start) * 1000, 1)
    with_data = ask.get("includedData") != "METADATA_ONLY"
    return present(
        {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "startDate": execution.start,
            "stopDate": stop,
            "status": execution.status if execution.status != "ABORTED" else "FAILED",
            "error": execution.error,
            "cause": execution.cause,
            **(_data(execution) if with_data else {}),
            "traceHeader": execution.trace_header,
            "billingDetails": {
                "billedMemoryUsedInMB": BILLED_MEMORY_MB,
                "billedDurationInMilliseconds": -(-int(milliseconds) // BILLED_STEP_MS) * BILLED_STEP_MS
                or BILLED_STEP_MS,
            },
        }
    )


def _new(ask: Ask, is_sync: bool) -> Execution:
    """Return an execution as a request wants it, not yet started. Raises the request's errors."""
    name = ask.get("name")
    if name is not None:
        check_name(name)
    machine, settings, version, alias = ask.backend.resolve(ask["stateMachineArn"])
    if is_sync and machine.kind != "EXPRESS":
        raise StatesError(
            "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
        )
    given = ask.get("input")
    given = "{}" if given is None else given
    _check_input(given)
    name = name or str(uuid.uuid4())
    kind = "express" if machine.kind == "EXPRESS" else "execution"
    arn = ask.backend.arn(kind, f"{machine.name}:{name}") + (f":{uuid.uuid4()}" if kind == "express" else "")
    return Execution(
        arn=arn,
        machine_arn=machine.arn,
        name=name,
        kind=machine.kind,
        role=settings.role,
        input=given,
        definition=Definition(settings.definition),
        start=round(time.time(), 3),
        account=ask.account,
        region=ask.region,
        version_arn=version.arn if version else None,
        alias_arn=alias.arn if alias else None,
        logging=settings.logging,
        trace_header=ask.get("traceHeader"),
        is_sync=is_sync,
        hops=lineage.current(),
    )


def _check_input(text: str) -> None:
    try:
        strict_json.loads(text)
    except ValueError as error:
        raise StatesError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None


def find(ask: Ask, with_frames: bool = False) -> Execution:
    """Return the execution of a request. Raises InvalidArn, ExecutionDoesNotExist."""
    arn = ask["executionArn"]
    if EXPRESS.fullmatch(arn):
        raise StatesError("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    if not EXECUTION.fullmatch(arn):
        raise invalid_arn(arn)
    execution = ENGINE.store(ask.account, ask.region).find(arn, with_frames)
    if execution is None:
        raise no_execution(arn)
    return execution


def describe(ask: Ask) -> Answer:
    execution = find(ask)
    reason = _not_redrivable(execution)
    with_data = ask.get("includedData") != "METADATA_ONLY"
    return present(
        {
            **_summary(execution),
            **(_data(execution) if with_data else {}),
            "error": execution.error,
            "cause": execution.cause,
            "traceHeader": execution.trace_header,
            "redriveCount": execution.redrive_count,
            "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            "redriveStatusReason": reason,
        }
    )


def _summary(execution: Execution) -> Answer:
    return present(
        {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": execution.start,
            "stopDate": execution.stop,
            "stateMachineVersionArn": execution.version_arn,
            "stateMachineAliasArn": execution.alias_arn,
            "redriveDate": execution.redrive_date,
        }
    )


def _data(execution: Execution) -> Answer:
    shown: Answer = {"input": execution.input, "inputDetails": {"included": True}}
    if execution.output is not None:
        shown |= {"output": execution.output, "outputDetails": {"included": True}}
    return shown


def list_(ask: Ask) -> Answer:
    if ask.get("mapRunArn"):
        raise StatesError("ResourceNotFound", f"Resource not found: '{ask['mapRunArn']}'")
    if not ask.get("stateMachineArn"):
        raise invalid("Must specify exactly one of stateMachineArn and mapRunArn.")
    machine, qualifier = ask.backend.qualified(ask["stateMachineArn"])
    if machine.kind == "EXPRESS":
        raise StatesError(
            "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
        )
    scope = f"executions {ask['stateMachineArn']} {ask.get('statusFilter')}"
    before, shown, store = position(ask, scope), [], ENGINE.store(ask.account, ask.region)
    while True:
        found, before = store.page(machine.arn, ask.get("statusFilter"), before, ask.limit())
        shown += [each for each in found if _is_listed(each, qualifier, ask)]
        if before is None or len(shown) >= ask.limit() or not qualifier:
            break
    names = [_summary(each) | {"redriveCount": each.redrive_count} for each in shown]
    return {"executions": names, **({"nextToken": token(before, scope)} if before is not None else {})}


def _is_listed(execution: Execution, qualifier: str, ask: Ask) -> bool:
    if qualifier and ask["stateMachineArn"] not in (execution.version_arn, execution.alias_arn):
        return False
    wanted = ask.get("redriveFilter")
    return wanted is None or (wanted == "REDRIVEN") == bool(execution.redrive_count)


def machine_of(ask: Ask) -> Answer:
    execution = find(ask)
    answer = {
        "stateMachineArn": execution.version_arn or execution.machine_arn,
        "name": execution.machine_name,
        "definition": execution.definition.text if ask.get("includedData") != "METADATA_ONLY" else "",
        "roleArn": execution.role,
        "updateDate": execution.start,
        "loggingConfiguration": execution.logging,
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
        "tracingConfiguration": {"enabled": False},
    }
    machine = ask.backend.find(execution.machine_arn)
    if machine is not None and machine.settings.definition == execution.definition.text:
        answer["updateDate"] = machine.updated
    return answer


def get_history(ask: Ask) -> Answer:
    execution = find(ask)
    store = ENGINE.store(ask.account, ask.region)
    reverse = bool(ask.get("reverseOrder"))
    scope = f"history {execution.arn} {reverse}"
    begin = position(ask, scope)
    if begin is None:
        begin = store.last_event(execution.arn) if reverse else 1
    limit = ask.limit()
    events = store.events(execution.arn, begin, limit + 1, reverse)
    with_data = ask.get("includeExecutionData", True)
    answer: Answer = {"events": [history.shown(event, with_data) for event in events[:limit]]}
    if len(events) > limit:
        answer["nextToken"] = token(events[limit]["id"], scope)
    return answer


def stop(ask: Ask) -> Answer:
    execution = find(ask)
    run = ENGINE.find(execution.arn)
    if run is not None:
        ENGINE.stop(run, ask.get("error"), ask.get("cause"))
        execution = run.execution
    return {"stopDate": execution.stop if execution.stop is not None else time.time()}


def _not_redrivable(execution: Execution) -> str | None:
    if execution.status in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {execution.status} and cannot be redriven"
    if time.time() - (execution.stop or 0) > REDRIVABLE_SECONDS:
        return "Execution redrivable period exceeded"
    if execution.redrive_count >= MAX_REDRIVES:
        return "Execution has reached the maximum number of redrives"
    return None


def redrive(ask: Ask) -> Answer:
    with state.lock("states-redrive"):  # of two at a time only one
        execution = find(ask, with_frames=True)
        running = ENGINE.find(execution.arn)
        if running is not None:
            execution = running.execution
        if ask.get("clientToken") and ask["clientToken"] == execution.redrive_token:
            return {"redriveDate": execution.redrive_date}
        reason = _not_redrivable(execution)
        if reason:
            raise StatesError("ExecutionNotRedrivable", reason)
        execution.redrive_token = ask.get("clientToken")
        run = ENGINE.redrive(execution)
        return {"redriveDate": run.execution.redrive_date}


# --- task tokens --------------------------------------------------------------------------------------------------------


def _task_of(ask: Ask) -> tuple[Run, Frame, str]:
    """Return whose task a token is of. Raises InvalidToken, TaskTimedOut."""
    try:
        text = base64.urlsafe_b64decode(ask["taskToken"].encode("ascii")).decode()
        arn, number, task = text.split("|")
        frame_number = int(number)
    except (binascii.Error, ValueError):
        raise StatesError("InvalidToken", "Invalid Token: 'Invalid token'") from None
    if arn.split(":")[3:5] != [ask.region, ask.account]:
        raise StatesError("InvalidToken", "Invalid Token: 'Invalid token'")
    run = ENGINE.find(arn)
    frame = run.execution.frames.get(frame_number) if run else None
    if run is None or frame is None or ENGINE.current(run, frame, task) is None:
        raise StatesError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
    return run, frame, task


def send_success(ask: Ask) -> Answer:
    try:
        output: Any = strict_json.loads(ask["output"])
    except ValueError as error:
        raise StatesError("InvalidOutput", f"Invalid Output: '{error}'") from None
    run, frame, task = _task_of(ask)
    ENGINE.token_result(run, frame, task, {"output": output})
    return {}


def send_failure(ask: Ask) -> Answer:
    run, frame, task = _task_of(ask)
    ENGINE.token_result(run, frame, task, {"error": ask.get("error"), "cause": ask.get("cause")})
    return {}


def send_heartbeat(ask: Ask) -> Answer:
    run, frame, _ = _task_of(ask)
    ENGINE.heartbeat(run, frame)
    return {}
