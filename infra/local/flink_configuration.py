"""Managed Flink applications: what a configuration may say, AWS's defaults, and updates of it.

What the local AWS does not do is refused here, so that no setting is ignored.

Sources: https://docs.aws.amazon.com/managed-flink/latest/apiv2/ (ApplicationConfiguration, ApplicationConfigurationUpdate) and
https://docs.aws.amazon.com/managed-flink/latest/java/how-python-creating.html (run options).
"""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import get_service_model

from infra.local import s3

RUNTIME = "FLINK-1_20"
STUDIO_RUNTIME = "ZEPPELIN-FLINK-3_0"
RUN_OPTIONS = "kinesis.analytics.flink.run.options"
KNOWN_OPTIONS = {"python", "pyFiles", "pyArchives", "jarfile"}
LIMIT_PARALLELISM = 16  # slots of a local application
MAX_CODE_BYTES = 512 * 1024 * 1024

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


def check_runtime(runtime: str) -> None:
    """Raises FlinkServiceError, for a name that AWS does not know and for a runtime that is not here."""
    known = get_service_model("kinesisanalyticsv2").shape_for("RuntimeEnvironment").enum
    if runtime not in known:
        raise error(
            "ValidationException",
            f"1 validation error detected: Value '{runtime}' at 'runtimeEnvironment' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(known)}]",
        )
    if runtime not in (RUNTIME, STUDIO_RUNTIME):
        raise unsupported(f"The local AWS runs {RUNTIME} and describes {STUDIO_RUNTIME}, not {runtime}.")


def check_configuration(configuration: dict[str, Any]) -> None:
    """Raises FlinkServiceError for what AWS or the local AWS does not take."""
    if configuration.get("VpcConfigurations"):
        raise unsupported("The local AWS has no VPC: leave VpcConfigurations out.")
    if configuration.get("SqlApplicationConfiguration"):
        raise unsupported("SQL applications were discontinued by AWS on 27 January 2026.")
    if configuration.get("ApplicationEncryptionConfiguration", {}).get("KeyType") == "CUSTOMER_MANAGED_KEY":
        raise unsupported("The local AWS does not encrypt state: leave CUSTOMER_MANAGED_KEY out.")
    if configuration.get("ApplicationSnapshotConfiguration", {}).get("SnapshotMode") == "ENHANCED_SNAPSHOTS":
        raise unsupported("The local AWS has application snapshots only, not ENHANCED_SNAPSHOTS.")
    _check_run_options(run_options(configuration))
    wanted = parallelism(configuration)
    if wanted["AutoScalingEnabled"]:
        raise unsupported("The local AWS does not scale: set AutoScalingEnabled to false.")
    if not 1 <= wanted["Parallelism"] <= LIMIT_PARALLELISM:
        raise invalid(f"Parallelism is 1 to {LIMIT_PARALLELISM} on the local AWS, not {wanted['Parallelism']}.")


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


def read_code(account: str, configuration: dict[str, Any]) -> bytes | None:
    """Return the zip of a configuration, or None when it has no code. Raises FlinkServiceError."""
    code = configuration.get("ApplicationCodeConfiguration")
    if not code:
        return None
    content = code.get("CodeContent", {})
    if code.get("CodeContentType") != "ZIPFILE":
        raise unsupported("The local AWS runs Python code in a zip: CodeContentType is ZIPFILE.")
    if "ZipFileContent" in content:
        data = base64.b64decode(content["ZipFileContent"])
    elif "S3ContentLocation" in content:
        data = _read_object(account, content["S3ContentLocation"])
    else:
        raise invalid("CodeContent needs S3ContentLocation or ZipFileContent.")
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise error("CodeValidationException", "The code is not a zip file.")
    return data


def _read_object(account: str, place: dict[str, str]) -> bytes:
    if place.get("ObjectVersion"):
        raise unsupported("The local AWS reads the newest version of the code: leave ObjectVersion out.")
    bucket = place["BucketARN"].rpartition(":")[2]
    try:
        stored = s3.get(account, bucket, place["FileKey"])
    except Exception as reason:  # moto has a class for each of S3's errors
        raise error(
            "InvalidApplicationConfigurationException",
            f"Failed to take s3 object: {place['FileKey']} in bucket {place['BucketARN']} ({type(reason).__name__}).",
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
        plain = "EnvironmentProperties" if name == "EnvironmentPropertyUpdates" else name.removesuffix("Update")
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
