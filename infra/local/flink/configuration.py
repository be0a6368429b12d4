"""Managed Flink applications: what a configuration may say, AWS's defaults, and updates of it.

What the local AWS does not do is refused here, so that no setting is ignored.

Sources: https://docs.aws.amazon.com/managed-flink/latest/apiv2/ (ApplicationConfiguration, ApplicationConfigurationUpdate),
https://docs.aws.amazon.com/managed-flink/latest/java/how-python-creating.html (run options) and how-scaling.html (parallelism).
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from pathlib import Path
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.s3.exceptions import MissingBucket, MissingKey

from infra.local import s3
from infra.local.core import roles
from infra.local.core import validation as constraints

RUNTIME = "FLINK-1_20"
STUDIO_RUNTIME = "ZEPPELIN-FLINK-3_0"
RUN_OPTIONS = "kinesis.analytics.flink.run.options"
KNOWN_OPTIONS = {"python", "pyFiles", "pyArchives", "jarfile"}
LIMIT_PARALLELISM = 16  # slots of a local application
LIMIT_PER_KPU = 8
LIMIT_TAGS = 50
MAX_CODE_BYTES = 512 * 1024 * 1024

LOG_STREAM = re.compile(r"arn:[^:]+:logs:[^:]+:[^:]+:log-group:[^:]+:log-stream:[^:*]+")
UPDATES = {"EnvironmentPropertyUpdates": "EnvironmentProperties", "VpcConfigurationUpdates": "VpcConfigurations"}
CHECKPOINTS = {"CheckpointingEnabled": True, "CheckpointInterval": 60000, "MinPauseBetweenCheckpoints": 5000}
MONITORING = {"MetricsLevel": "APPLICATION", "LogLevel": "INFO"}
PARALLELISM = {"Parallelism": 1, "ParallelismPerKPU": 1, "AutoScalingEnabled": False}


class FlinkServiceError(JsonRESTError):
    """One of the service's errors: its code and message."""


def error(code: str, message: str) -> FlinkServiceError:
    return FlinkServiceError(code, message)


def invalid(message: str) -> FlinkServiceError:
    return error("InvalidArgumentException", message)


def unsupported(message: str) -> FlinkServiceError:
    return error("UnsupportedOperationException", message)


def flink_settings(configuration: dict[str, Any], name: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """Return one of the Flink configurations with AWS's defaults; ConfigurationType DEFAULT ignores all others.

    Parameters
    ----------
    configuration: an ApplicationConfiguration
    name: `CheckpointConfiguration`, `MonitoringConfiguration` or `ParallelismConfiguration`
    """
    own = configuration.get("FlinkApplicationConfiguration", {}).get(name, {})
    kind = own.get("ConfigurationType", "DEFAULT")
    chosen = {key: own[key] for key in defaults if key in own} if kind == "CUSTOM" else {}
    return {"ConfigurationType": kind, **defaults, **chosen}


def checkpoints(configuration: dict[str, Any]) -> dict[str, Any]:
    return flink_settings(configuration, "CheckpointConfiguration", CHECKPOINTS)


def monitoring(configuration: dict[str, Any]) -> dict[str, Any]:
    return flink_settings(configuration, "MonitoringConfiguration", MONITORING)


def parallelism(configuration: dict[str, Any]) -> dict[str, Any]:
    return flink_settings(configuration, "ParallelismConfiguration", PARALLELISM)


def snapshots_enabled(configuration: dict[str, Any]) -> bool:
    return configuration.get("ApplicationSnapshotConfiguration", {}).get("SnapshotsEnabled", True)


def rollback_enabled(configuration: dict[str, Any]) -> bool:
    return configuration.get("ApplicationSystemRollbackConfiguration", {}).get("RollbackEnabled", False)


def property_groups(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    return configuration.get("EnvironmentProperties", {}).get("PropertyGroups", [])


def run_options(configuration: dict[str, Any]) -> dict[str, str]:
    """Return the group that says what of the zip is run: `python`, `pyFiles`, `pyArchives`, `jarfile`."""
    groups = property_groups(configuration)
    return next((group["PropertyMap"] for group in groups if group["PropertyGroupId"] == RUN_OPTIONS), {})


def file_list(value: str) -> list[str]:
    """Return the names of a comma-separated run option."""
    return [name.strip() for name in value.split(",") if name.strip()]


def check_request(operation: str, given: dict[str, Any]) -> None:
    """Raises FlinkServiceError for members that are not within the limits of the service's model."""
    if errors := constraints.request_errors("kinesisanalyticsv2", operation, given):
        raise error("ValidationException", constraints.message(errors))


def check_runtime(runtime: str) -> None:
    """Raises FlinkServiceError for a runtime that is not here."""
    if runtime not in (RUNTIME, STUDIO_RUNTIME):
        raise unsupported(f"The local AWS runs {RUNTIME} and describes {STUDIO_RUNTIME}, not {runtime}.")


def assume(account: str, arn: str, application: str) -> roles.Session:
    """Return the credentials with which an application acts as its role. Raises FlinkServiceError.

    `application` is the ARN for which it acts. The service's name is still that of Kinesis Data Analytics.
    """
    try:
        return roles.session(account, arn, "kinesisanalytics", source_arn=application)
    except roles.CannotAssume:
        raise invalid(
            f"Kinesis Analytics service doesn't have sufficient privileges to assume the role {arn}. "
            "Please verify role's TrustPolicy"
        ) from None


def check_logging(options: list[dict[str, str]]) -> None:
    """Raises FlinkServiceError unless there is at most one logging option, and it names a log stream."""
    if len(options) > 1:
        raise invalid("An application has at most one CloudWatch logging option.")
    for option in options:
        if not LOG_STREAM.fullmatch(option["LogStreamARN"]):
            raise invalid(f"LogStreamARN is not the ARN of a log stream: {option['LogStreamARN']}")


def check_tags(tags: list[dict[str, str]]) -> None:
    """Raises FlinkServiceError for tags that an application cannot have together."""
    names = [tag["Key"] for tag in tags]
    if len(names) > LIMIT_TAGS:
        raise error("TooManyTagsException", f"An application has at most {LIMIT_TAGS} tags, not {len(names)}.")
    if len(set(names)) < len(names):
        raise invalid("A tag key may be given only once.")
    if any(name.startswith("aws:") for name in names):
        raise invalid("Tag keys that begin with aws: are reserved for AWS.")


def check_configuration(mode: str, configuration: dict[str, Any]) -> None:
    """Raises FlinkServiceError for what AWS or the local AWS does not take in an application of this ApplicationMode."""
    if mode == "STREAMING" and "ZeppelinApplicationConfiguration" in configuration:
        raise invalid("ZeppelinApplicationConfiguration is for Studio notebooks, whose ApplicationMode is INTERACTIVE.")
    if configuration.get("VpcConfigurations"):
        raise unsupported("The local AWS has no VPC: leave VpcConfigurations out.")
    if "SqlApplicationConfiguration" in configuration:
        raise unsupported("SQL applications were discontinued by AWS on 27 January 2026.")
    if configuration.get("ApplicationEncryptionConfiguration", {}).get("KeyType") == "CUSTOMER_MANAGED_KEY":
        raise unsupported("The local AWS does not encrypt state: leave CUSTOMER_MANAGED_KEY out.")
    if configuration.get("ApplicationSnapshotConfiguration", {}).get("SnapshotMode") == "ENHANCED_SNAPSHOTS":
        raise unsupported("The local AWS has application snapshots only, not ENHANCED_SNAPSHOTS.")
    groups = [group["PropertyGroupId"] for group in property_groups(configuration)]
    if len(set(groups)) < len(groups):
        raise invalid("A PropertyGroupId may be given only once.")
    _check_run_options(run_options(configuration))
    wanted = parallelism(configuration)
    if wanted["AutoScalingEnabled"]:
        raise unsupported("The local AWS does not scale: set AutoScalingEnabled to false.")
    if not 1 <= wanted["Parallelism"] <= LIMIT_PARALLELISM:
        raise invalid(f"Parallelism is 1 to {LIMIT_PARALLELISM} on the local AWS, not {wanted['Parallelism']}.")
    if wanted["ParallelismPerKPU"] > LIMIT_PER_KPU:
        raise invalid(f"ParallelismPerKPU is 1 to {LIMIT_PER_KPU}, not {wanted['ParallelismPerKPU']}.")


def _check_run_options(options: dict[str, str]) -> None:
    refused = sorted(options.keys() - KNOWN_OPTIONS)
    if refused:
        raise unsupported(
            f"Managed Service for Apache Flink does not support the run option {', '.join(refused)}: "
            "use python, pyFiles, pyArchives and jarfile."
        )
    for option, value in options.items():
        for name in file_list(value):
            if name.startswith("/") or ".." in Path(name).parts:
                raise invalid(f"The run option {option} names a file of the zip, not {name}.")


def read_code(role: roles.Session, region: str, configuration: dict[str, Any]) -> bytes | None:
    """Return the zip of a configuration, or None when it has no code; the role reads it. Raises FlinkServiceError."""
    code = configuration.get("ApplicationCodeConfiguration")
    if not code:
        return None
    content = code.get("CodeContent", {})
    if code.get("CodeContentType") != "ZIPFILE":
        raise unsupported("The local AWS runs Python code in a zip: CodeContentType is ZIPFILE.")
    if ("ZipFileContent" in content) == ("S3ContentLocation" in content):
        raise invalid("CodeContent needs one of S3ContentLocation and ZipFileContent.")
    if "ZipFileContent" in content:
        data = base64.b64decode(content["ZipFileContent"])
    else:
        data = _read_object(role, region, content["S3ContentLocation"])
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise error("CodeValidationException", "The code is not a zip file.")
    return data


def _read_object(role: roles.Session, region: str, place: dict[str, str]) -> bytes:
    if place.get("ObjectVersion"):
        raise unsupported("The local AWS reads the newest version of the code: leave ObjectVersion out.")
    bucket = place["BucketARN"].rpartition(":")[2]
    try:
        roles.check(role, region, "s3:GetObject", f"arn:aws:s3:::{bucket}/{place['FileKey']}")
        stored = s3.get(role.account, bucket, place["FileKey"])
    except (MissingBucket, MissingKey, roles.Denied):
        raise invalid(
            "Please check the role provided or validity of S3 location you provided. We are unable to get the specified "
            f"fileKey: {place['FileKey']} in the specified bucket: {bucket}"
        ) from None
    if stored.size > MAX_CODE_BYTES:
        raise error("CodeValidationException", "The code is larger than 512 MB.")
    return Path(stored.path).read_bytes()


def merge(configuration: Any, update: Any) -> Any:
    """Return a configuration with an update, whose names end in Update, applied to it."""
    if not isinstance(update, dict):
        return update
    merged = dict(configuration) if isinstance(configuration, dict) else {}
    for name, value in update.items():
        plain = UPDATES.get(name, name.removesuffix("Update"))
        if plain == "CodeContent":
            merged[plain] = merge(_moved_within_s3(merged.get(plain, {}), value), value)
        elif plain == "PropertyGroups":
            merged[plain] = value
        else:
            merged[plain] = merge(merged.get(plain), value)
    return merged


def _moved_within_s3(content: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """What stays of the code's old place: bucket and key, of which an update may name only one; code of another kind goes."""
    return content if "S3ContentLocationUpdate" in update and "S3ContentLocation" in content else {}
