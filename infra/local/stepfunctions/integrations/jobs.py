"""Jobs that run for a while: Glue and DataBrew job runs, Athena queries; with `.sync` their end is waited for.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html, connect-athena.html and connect-databrew.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from infra.local.stepfunctions import resources
from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.integrations import answers, sdk
from infra.local.stepfunctions.integrations.calls import Call, Result, Started
from infra.local.stepfunctions.record import Execution
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.store import Store

CLOCK_SECONDS = 2.0  # by which a service's times may be coarser than ours


class Job(NamedTuple):
    """A kind of job.

    Parameters
    ----------
    state: the way to its state in what the service says of it
    good, bad: states at its end
    """

    state: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]


JOBS = {
    "glue": Job(("JobRunState",), ("SUCCEEDED",), ("FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED")),
    "athena": Job(("Status", "State"), ("SUCCEEDED",), ("FAILED", "CANCELLED")),
    "databrew": Job(("State",), ("SUCCEEDED",), ("FAILED", "TIMEOUT", "STOPPED")),
}


def start(call: Call) -> Started:
    """Start the job, or make the plain call. Raises StateFailure."""
    operation = resources.operation(call.resource)
    given = answers.parameters(call.arguments, operation.input_shape)
    if operation.name == "StartQueryExecution":
        given.setdefault("ClientRequestToken", call.token)
    output = sdk.send(call, call.resource.service, operation.name, given)
    shown = answers.answer(output, operation.output_shape)
    return _started(call, shown)


def _started(call: Call, shown: dict[str, Any]) -> Started:
    handle = _handle(call, shown)
    if call.resource.service == "glue":
        shown = {"JobName": call.arguments["JobName"], **shown}
    return Started(shown, is_submitted=bool(call.resource.pattern), handle=handle if call.resource.pattern else None)


def _handle(call: Call, output: dict[str, Any]) -> dict[str, Any]:
    if call.resource.service == "glue":
        return {"JobName": call.arguments["JobName"], "RunId": output["JobRunId"]}
    if call.resource.service == "databrew":
        return {"Name": call.arguments["Name"], "RunId": output["RunId"]}
    return {"QueryExecutionId": output.get("QueryExecutionId")}


def poll(call: Call) -> Result | None:
    """Look at the job. Raises StateFailure if it did not succeed; the cause is the job as JSON."""
    service = call.resource.service
    detail = _look(call)
    state: Any = detail
    for name in JOBS[service].state:
        state = state.get(name, "") if isinstance(state, dict) else ""
    if state in JOBS[service].bad:
        raise StateFailure("States.TaskFailed", compact(detail))
    if state not in JOBS[service].good:
        return None
    return Result({"QueryExecution": detail} if service == "athena" else detail)


def _look(call: Call) -> dict[str, Any]:
    """Return what the service says of the job, with the calls that AWS's policies for Step Functions name."""
    handle = dict(call.task["handle"])
    if call.resource.service == "glue":
        return _asked(call, "GetJobRun", handle)["JobRun"]
    if call.resource.service == "athena":
        return _asked(call, "GetQueryExecution", handle)["QueryExecution"]
    given = {"Name": handle["Name"]}
    while True:
        page = _asked(call, "ListJobRuns", given)
        for run in page["JobRuns"]:
            if run["RunId"] == handle["RunId"]:
                return run
        if "NextToken" not in page:
            raise StateFailure("States.TaskFailed", f"The job run {handle['RunId']} is not there any more.")
        given["NextToken"] = page["NextToken"]


def _asked(call: Call, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    service = call.resource.service
    model = resources.service_model(service).operation_model(operation)
    shown: dict[str, Any] = answers.answer(sdk.send(call, service, operation, given), model.output_shape)
    return shown


def cancel(call: Call) -> None:
    handle = call.task["handle"]
    client = call.client(call.resource.service)
    if call.resource.service == "glue":
        client.batch_stop_job_run(JobName=handle["JobName"], JobRunIds=[handle["RunId"]])
    elif call.resource.service == "databrew":
        client.stop_job_run(**handle)
    else:
        client.stop_query_execution(**handle)


def recover(call: Call, store: Store) -> Started | None:
    """Find the run that a call started before the server ended; start it if there is none. None where it cannot be known."""
    if call.resource.service == "athena":
        return start(call)  # known by its token
    listed = _runs_since(call)
    mine = [
        run for run in listed if not store.has_output(call.resource.service, run) and not _is_taken(run, call.execution)
    ]
    if len(mine) > 1:
        return None
    if not mine:
        return start(call)
    name = {"glue": "JobRunId", "databrew": "RunId"}[call.resource.service]
    return _started(call, {name: mine[0]})


def _runs_since(call: Call) -> list[str]:
    """Return the ids of the job's runs since the task was scheduled."""
    since = call.task["scheduled"] - CLOCK_SECONDS
    try:
        if call.resource.service == "glue":
            runs = call.client("glue").get_job_runs(JobName=call.arguments["JobName"])["JobRuns"]
            wanted = call.arguments.get("Arguments") or {}
            return [
                run["Id"]
                for run in runs
                if run["StartedOn"].timestamp() >= since and wanted.items() <= (run.get("Arguments") or {}).items()
            ]
        runs = call.client("databrew").list_job_runs(Name=call.arguments["Name"])["JobRuns"]
        return [run["RunId"] for run in runs if run["StartedOn"].timestamp() >= since]
    except answers.ERRORS as error:
        raise answers.failure(error, call.resource) from None


def _is_taken(run: str, execution: Execution) -> bool:
    """Whether another task of the execution has this run."""
    handles = (frame.task.get("handle") or {} for frame in execution.frames.values() if frame.task)
    return any(handle.get("RunId") == run for handle in handles)


def error_prefix(call: Call) -> str:
    return answers.error_prefix(call.resource)
