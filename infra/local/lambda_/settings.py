"""What a function may be configured with: what AWS refuses, what the local AWS does not do, and how a request changes a configuration.

Sources: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html,
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

from __future__ import annotations

import json

from infra.local.core.roles import sessions
from infra.local.lambda_ import layers
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError, constraint, invalid, refused
from infra.local.lambda_.records import Json, Version

RUNTIME = "python3.11"
RETIRED = {
    "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet5.0", "dotnet6", "dotnet7", "go1.x",
    "java8", "nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x",
    "nodejs14.x", "nodejs16.x", "provided", "python2.7", "python3.6", "python3.7", "python3.8", "ruby2.5", "ruby2.7",
}  # fmt: skip
MOST_STORAGE_MB = 10240
VARIABLES_LIMIT = 4096  # bytes of the environment as JSON
RESERVED_VARIABLES = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}  # fmt: skip


def check_settings(given: Json) -> None:
    """Refuse what AWS refuses, and what the local AWS does not do."""
    runtime = given.get("Runtime")
    if runtime in RETIRED:
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime is not None and runtime != RUNTIME:
        raise refused(f"the runtime {runtime}: it runs {RUNTIME}")
    for member, most in (("Timeout", 900), ("MemorySize", 10240)):
        if given.get(member, 0) > most:
            lower = member[0].lower() + member[1:]
            raise constraint(given[member], lower, f"Member must have value less than or equal to {most}")
    room = given.get("EphemeralStorage", {}).get("Size", 0)
    if room > MOST_STORAGE_MB:
        raise constraint(
            room, "ephemeralStorage.size", f"Member must have value less than or equal to {MOST_STORAGE_MB}"
        )
    variables = given.get("Environment", {}).get("Variables", {})
    taken = sorted(set(variables) & RESERVED_VARIABLES)
    if taken:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided "
            f"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {', '.join(taken)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > VARIABLES_LIMIT:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided "
            f"exceeded the 4KB limit. String measured: {measured}"
        )
    for member, what in (
        ("VpcConfig", "functions in a VPC"),
        ("FileSystemConfigs", "file systems of functions"),
        ("CodeSigningConfigArn", "code signing"),
        ("ImageConfig", "functions from container images"),
        ("CapacityProviderConfig", "capacity providers"),
        ("DurableConfig", "durable functions"),
        ("TenancyConfig", "tenant isolation"),
    ):
        if any((given.get(member) or {}).values()) if isinstance(given.get(member), dict) else given.get(member):
            raise refused(what)
    if given.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise refused("SnapStart")


def check_role(backend: LocalLambdaBackend, arn: str) -> None:
    if arn.split(":")[4] != backend.account_id:
        raise LambdaError("AccessDeniedException", "Cross-account pass role is not allowed.")
    try:
        sessions.session(backend.account_id, arn, "lambda")
    except sessions.CannotAssume:
        raise invalid("The role defined for the function cannot be assumed by Lambda.") from None


def apply(backend: LocalLambdaBackend, version: Version, given: Json) -> None:
    """Put what a request sets into a version's configuration; empty values take away."""
    configuration = version.configuration
    if "Environment" in given:
        configuration.pop("Environment", None)
        if given["Environment"].get("Variables"):
            configuration["Environment"] = {"Variables": dict(given["Environment"]["Variables"])}
    if "DeadLetterConfig" in given:
        configuration.pop("DeadLetterConfig", None)
        target = given["DeadLetterConfig"].get("TargetArn")
        if target:
            if target.split(":")[2] not in ("sqs", "sns"):
                raise invalid(f"The provided target is not supported: {target}")
            configuration["DeadLetterConfig"] = {"TargetArn": target}
    if "Layers" in given:
        configuration.pop("Layers", None)
        found = layers.resolve(backend, given["Layers"])
        version.layers = [digest for _, digest in found]
        if found:
            configuration["Layers"] = [layer for layer, _ in found]


def logging_of(name: str, given: Json) -> Json:
    made = {"LogFormat": given.get("LogFormat", "Text"), "LogGroup": given.get("LogGroup", f"/aws/lambda/{name}")}
    if made["LogFormat"] == "JSON":
        made["ApplicationLogLevel"] = given.get("ApplicationLogLevel", "INFO")
        made["SystemLogLevel"] = given.get("SystemLogLevel", "INFO")
    elif given.get("ApplicationLogLevel") or given.get("SystemLogLevel"):
        raise invalid("To configure log levels, set the log format to JSON.")
    return made
