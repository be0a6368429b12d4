"""Glue jobs: which settings a job and a run may have, and what cannot run here.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html
"""

from __future__ import annotations

from typing import Any

from moto.glue.models import GlueBackend

from infra.local.glue import drivers as glue_drivers
from infra.local.glue.drivers import InvalidInput, NotSupported

DEFAULT_TIMEOUT = 480  # minutes, as for Glue 5
OLD_TIMEOUT = 2880  # of Glue 4.0 and earlier
MOST_TIMEOUT = 10080
OLD_VERSIONS = ("3.0", "4.0")
DEFAULT_WORKERS = 10
COMMANDS = ("glueetl", "pythonshell")
NOT_THERE = {
    "MaintenanceWindow": "Maintenance windows are for streaming jobs, which are not part of the local AWS.",
    "SourceControlDetails": "Source control of jobs is not part of the local AWS.",
    "SecurityConfiguration": "Security configurations are not part of the local AWS.",
    "JobRunQueuingEnabled": "Job run queuing is not part of the local AWS; allow more runs with MaxConcurrentRuns.",
    "ExecutionRoleSessionPolicy": "Session policies are not part of the local AWS, which does not check what a role allows.",
    "JobRunId": "Resuming an earlier run (JobRunId) is not part of the local AWS.",
}
SCALA = "scripts are Python here; choose a real AWS profile to run Scala"
LOG_PREFIX = "this is of Glue 4.0 and earlier; use --custom-logGroup-prefix and --custom-logStream-prefix"
REFUSED_ARGUMENTS = {
    "--class": SCALA,
    "--continuous-log-logGroup": LOG_PREFIX,
    "--continuous-log-logStreamPrefix": LOG_PREFIX,
}


def check_job(backend: GlueBackend, given: dict[str, Any]) -> None:
    """Fill in AWS's defaults. Raises InvalidInputException or OperationNotSupportedException for what cannot run here."""
    refuse(given)
    command = given.get("Command") or {}
    if command.get("Name") not in COMMANDS:
        raise NotSupported(f"Command.Name must be one of {', '.join(COMMANDS)} on the local AWS.")
    if given.get("CodeGenConfigurationNodes") and command["Name"] != "glueetl":
        raise InvalidInput("CodeGenConfigurationNodes become a Spark script: Command.Name must be glueetl.")
    if command.get("PythonVersion") == "2":
        raise NotSupported("Python 2 is not part of the local AWS; Command.PythonVersion must be 3 or 3.9.")
    bucket, _, key = command.get("ScriptLocation", "").removeprefix("s3://").partition("/")
    if not command.get("ScriptLocation", "").startswith("s3://") or not bucket or not key:
        raise InvalidInput("Command.ScriptLocation must be the s3:// address of a script.")
    glue_drivers.check_connections(given)
    if not 0 <= given.setdefault("MaxRetries", 0) <= 10:
        raise InvalidInput("MaxRetries must be from 0 to 10.")
    if given.setdefault("ExecutionProperty", {"MaxConcurrentRuns": 1}).setdefault("MaxConcurrentRuns", 1) < 1:
        raise InvalidInput("MaxConcurrentRuns must be at least 1.")
    given.setdefault("JobMode", "VISUAL" if given.get("CodeGenConfigurationNodes") else "SCRIPT")
    given.setdefault("DefaultArguments", {})
    glue_drivers.assume(backend.account_id, given.get("Role", ""))
    check_settings(given)
    check_arguments(given["DefaultArguments"] | given.get("NonOverridableArguments", {}))


def refuse(given: dict[str, Any]) -> None:
    for name, why in NOT_THERE.items():
        if _says_something(given.get(name)):
            raise NotSupported(why)


def _says_something(value: Any) -> bool:
    return any(value.values()) if isinstance(value, dict) else bool(value)


def check_arguments(arguments: dict[str, str]) -> None:
    """Raise InvalidInputException for an argument that has no effect here."""
    glue_drivers.check_arguments(arguments)
    for name, why in REFUSED_ARGUMENTS.items():
        if arguments.get(name):
            raise InvalidInput(f"{name} is refused by the local AWS: {why}.")
    if arguments.get("--job-language", "python").lower() != "python":
        raise InvalidInput(f"--job-language is refused by the local AWS: {SCALA}.")


def check_settings(given: dict[str, Any]) -> None:
    """Check timeout, capacity and execution class, which a run may change. Raises InvalidInputException."""
    default = OLD_TIMEOUT if given.get("GlueVersion") in OLD_VERSIONS else DEFAULT_TIMEOUT
    if given.setdefault("Timeout", default) > MOST_TIMEOUT:
        raise InvalidInput(f"Timeout must be at most {MOST_TIMEOUT} minutes (7 days).")
    if allocated := given.pop("AllocatedCapacity", 0):
        if given.get("WorkerType") or given.get("NumberOfWorkers"):
            raise InvalidInput("Please do not set Allocated Capacity if using Worker Type and Number of Workers.")
        if given.setdefault("MaxCapacity", allocated) != allocated:
            raise InvalidInput("Please set only Allocated Capacity or Max Capacity.")
    if given.get("ExecutionClass") == "FLEX" and given["Command"]["Name"] != "glueetl":
        raise InvalidInput("ExecutionClass FLEX is for glueetl jobs only.")
    if given["Command"]["Name"] == "pythonshell":
        if given.get("WorkerType") or given.get("NumberOfWorkers"):
            raise InvalidInput("A pythonshell job has MaxCapacity, no WorkerType and no NumberOfWorkers.")
        if given.setdefault("MaxCapacity", 0.0625) not in (0.0625, 1):
            raise InvalidInput("MaxCapacity of a pythonshell job must be 0.0625 or 1.")
        return
    glue_drivers.check_engine(given, DEFAULT_WORKERS)
