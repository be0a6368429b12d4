"""Managed Flink applications: what is kept of one, and how the service shows it.

Source: https://docs.aws.amazon.com/managed-flink/latest/apiv2/API_ApplicationDetail.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from moto.kinesisanalyticsv2.models import Application

from infra.local.core import contents, state
from infra.local.flink import configuration as flink_configuration
from infra.local.flink.configuration import RUNTIME

SERVICE = "kinesisanalytics"
LATEST = "RESTORE_FROM_LATEST_SNAPSHOT"
SKIP = "SKIP_RESTORE_FROM_SNAPSHOT"
ERROR_LENGTH = 512  # of ErrorString


def plain(text: str) -> str:
    """Return what a run says without the applications' folders, which are of no use to a reader."""
    return re.sub(f"{re.escape(str(state.root()))}/\\d+/[^/]+/{SERVICE}/[0-9a-f]+/(run/[0-9a-f]+/)?", "", text)


class Code(NamedTuple):
    """A zip in the application's folder."""

    name: str
    size: int  # bytes
    md5: str  # Base64


class Version(NamedTuple):
    """One version of an application: what it was, to show it and to go back to it."""

    detail: dict[str, Any]
    configuration: dict[str, Any]
    code: Code | None


class FlinkApplication(Application):
    """What is kept of an application; its running part is a Run."""

    # here because state that was saved before they were thought of has no such attributes
    updated_from: int | None = None
    application_mode: str
    start_is_settled = False  # an update said how the application, which does not run, is started next

    def __init__(self, code: bytes | None = None, **given: Any):
        self.account_id, self.region_name = given["account_id"], given["region_name"]
        self.application_name = given["application_name"]
        self.created = self.changed = int(time.time())
        self.configuration = given.get("application_configuration") or {}
        self.code = self.store_code(code)
        super().__init__(**given)
        self.app_config_description = self._generate_app_config_description(self.configuration)
        self.application_mode = self.application_mode or "STREAMING"
        self.application_status = "READY"
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.operations: list[dict[str, Any]] = []  # newest first
        self.current = ""  # id of the operation under way: background work that finds another one here was overtaken
        self.versions: dict[int, Version] = {}
        self.ran: list[int] = []  # versions that came to run, in this order
        self.rolled_back: tuple[int, int] | None = None  # from, to
        self.allow_non_restored = False
        self.restore = {"ApplicationRestoreType": LATEST}
        self.started_from = ""  # the snapshot of this run, where it goes back to before its first checkpoint
        self.logging: list[dict[str, str]] = [
            {"CloudWatchLoggingOptionId": f"1.{number}", "LogStreamARN": option["LogStreamARN"]}
            for number, option in enumerate(given.get("cloud_watch_logging_options") or [], 1)
        ]
        self.remember_version()

    def _generate_app_config_description(self, application_configuration: dict[str, Any]) -> dict[str, Any]:
        shown = json.loads(json.dumps(application_configuration))
        shown.get("ApplicationCodeConfiguration", {}).get("CodeContent", {}).pop("ZipFileContent", None)
        description = super()._generate_app_config_description(shown)
        description.pop("FlinkApplicationConfigurationDescription", None)
        is_flink = self.runtime_environment == RUNTIME
        if is_flink or "FlinkApplicationConfiguration" in application_configuration:
            parallelism = flink_configuration.parallelism(application_configuration)
            description["FlinkApplicationConfigurationDescription"] = {
                "CheckpointConfigurationDescription": flink_configuration.checkpoints(application_configuration),
                "MonitoringConfigurationDescription": flink_configuration.monitoring(application_configuration),
                "ParallelismConfigurationDescription": {
                    **parallelism,
                    "CurrentParallelism": parallelism["Parallelism"],
                },
            }
        if is_flink:
            description["ApplicationSnapshotConfigurationDescription"] = {"SnapshotsEnabled": self.snapshots_enabled}
        content = description.get("ApplicationCodeConfigurationDescription", {}).get("CodeContentDescription")
        if content is not None and self.code is not None:
            content |= {"CodeMD5": self.code.md5, "CodeSize": self.code.size}
        return description

    @property
    def snapshots_enabled(self) -> bool:
        return flink_configuration.snapshots_enabled(self.configuration)

    # files

    @property
    def folder(self) -> Path:
        """Where its code, checkpoints and snapshots are."""
        name = hashlib.sha256(f"{self.application_name} {self.created}".encode()).hexdigest()[:24]
        path = state.folder(SERVICE, self.account_id, self.region_name) / name
        path.mkdir(exist_ok=True)
        return path

    @property
    def run_folder(self) -> Path:
        """Where each process has a folder with everything that ends with it: unpacked code, logs, temporary files."""
        return self.folder / "run"

    @property
    def checkpoint_folder(self) -> Path:
        return self.folder / "checkpoints"

    def drop_checkpoints(self) -> None:
        """Remove them, when the change that makes them of no use is on disk."""
        state.afterwards(lambda: shutil.rmtree(self.checkpoint_folder, ignore_errors=True))

    def last_checkpoint(self) -> str:
        """Return the path of the newest complete checkpoint, empty when there is none: Flink writes _metadata last."""
        found = sorted(self.checkpoint_folder.glob("*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime_ns)
        return str(found[-1].parent) if found else ""

    def store_code(self, data: bytes | None) -> Code | None:
        """Put a zip into the folder, once for all versions that have it."""
        if data is None:
            return None
        name = f"code-{hashlib.sha256(data).hexdigest()}.zip"
        state.write_atomically(self.folder / name, data)
        contents.made(self.folder / name)
        return Code(name, len(data), base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode())

    # versions

    def become(self, configuration: dict[str, Any], code: Code | None) -> None:
        """Take over a configuration and its code as a new version."""
        self.configuration, self.code = configuration, code
        self.app_config_description = self._generate_app_config_description(configuration)
        self.new_version()

    def new_version(self) -> None:
        self.application_version_id += 1
        self.changed = int(time.time())
        self.conditional_token = uuid.uuid4().hex
        self.remember_version()

    def remember_version(self) -> None:
        self.versions[self.application_version_id] = Version(self.detail(), self.configuration, self.code)

    def previous_version(self) -> int | None:
        """Return the newest version that ran before this one."""
        return next((number for number in reversed(self.ran) if number != self.application_version_id), None)

    def detail(self) -> dict[str, Any]:
        """Return its ApplicationDetail."""
        configuration = dict(self.app_config_description or {})
        if self.runtime_environment == RUNTIME:
            configuration["RunConfigurationDescription"] = {
                "ApplicationRestoreConfigurationDescription": self.restore,
                "FlinkRunConfigurationDescription": {"AllowNonRestoredState": self.allow_non_restored},
            }
        back_from, back_to = self.rolled_back or (None, None)
        detail = {
            "ApplicationARN": self.application_arn,
            "ApplicationDescription": self.application_description,
            "ApplicationName": self.application_name,
            "RuntimeEnvironment": self.runtime_environment,
            "ServiceExecutionRole": self.service_execution_role,
            "ApplicationStatus": self.application_status,
            "ApplicationVersionId": self.application_version_id,
            "CreateTimestamp": self.created,
            "LastUpdateTimestamp": self.changed,
            "ApplicationVersionCreateTimestamp": self.changed,
            "ApplicationVersionUpdatedFrom": self.updated_from,
            "ApplicationConfigurationDescription": configuration,
            "CloudWatchLoggingOptionDescriptions": self.logging,
            "ConditionalToken": self.conditional_token,
            "ApplicationVersionRolledBackFrom": back_from,
            "ApplicationVersionRolledBackTo": back_to,
            "ApplicationMode": self.application_mode,
        }
        return {name: value for name, value in detail.items() if value is not None}

    # operations

    def begin(self, operation: str) -> str:
        """Record an operation, which overtakes the one under way, and return its id."""
        for other in self.operations:
            if other["OperationStatus"] == "IN_PROGRESS":
                other |= {"EndTime": time.time(), "OperationStatus": "CANCELLED"}
        self.current = uuid.uuid4().hex
        self.operations.insert(
            0,
            {
                "Operation": operation,
                "OperationId": self.current,
                "StartTime": time.time(),
                "EndTime": time.time(),
                "OperationStatus": "IN_PROGRESS",
            },
        )
        return self.current

    def operation(self, number: str) -> dict[str, Any]:
        """Return an operation. Raises FlinkServiceError."""
        for operation in self.operations:
            if operation["OperationId"] == number:
                return operation
        raise flink_configuration.error("ResourceNotFoundException", f"Operation {number} could not be found.")

    def finish(self, number: str, reason: str = "") -> None:
        """Record the end of the operation under way, if it is this one: FAILED when there is a reason."""
        if not number or self.current != number:
            return
        self.current = ""
        operation = self.operation(number)
        operation |= {"EndTime": time.time(), "OperationStatus": "FAILED" if reason else "SUCCESSFUL"}
        if reason:
            operation["OperationFailureDetails"] = {"ErrorInfo": {"ErrorString": plain(reason)[:ERROR_LENGTH]}}

    # snapshots

    def new_snapshot(self, name: str) -> None:
        self.snapshots[name] = {
            "SnapshotName": name,
            "SnapshotStatus": "CREATING",
            "ApplicationVersionId": self.application_version_id,
            "SnapshotCreationTimestamp": int(time.time()),
            "RuntimeEnvironment": self.runtime_environment,
            "path": "",
        }

    def snapshot(self, name: str) -> dict[str, Any]:
        """Return a snapshot. Raises FlinkServiceError."""
        if name not in self.snapshots:
            raise flink_configuration.error("ResourceNotFoundException", f"Snapshot {name} could not be found.")
        return self.snapshots[name]

    def latest_snapshot(self, version: int | None = None) -> dict[str, Any] | None:
        """Return the newest complete snapshot, with `version` of those that this version made."""
        for snapshot in reversed(self.snapshots.values()):
            if snapshot["SnapshotStatus"] == "READY" and version in (None, snapshot["ApplicationVersionId"]):
                return snapshot
        return None

    def snapshot_path(self, restore: dict[str, Any]) -> str:
        """Return the path of the snapshot that a restore configuration names; empty for none. Raises FlinkServiceError."""
        if "SnapshotArn" in restore:
            raise flink_configuration.unsupported("The local AWS has application snapshots only: give SnapshotName.")
        if restore["ApplicationRestoreType"] == SKIP:
            return ""
        if restore["ApplicationRestoreType"] == LATEST:
            latest = self.latest_snapshot()
            return latest["path"] if latest else ""
        if "SnapshotName" not in restore:
            raise flink_configuration.invalid("RESTORE_FROM_CUSTOM_SNAPSHOT needs SnapshotName.")
        snapshot = self.snapshot(restore["SnapshotName"])
        if snapshot["SnapshotStatus"] != "READY":
            raise flink_configuration.error(
                "ResourceInUseException", f"Snapshot {snapshot['SnapshotName']} is {snapshot['SnapshotStatus']}."
            )
        return snapshot["path"]

    def choose_restore(self) -> None:
        """Settle what a new version starts from: the newest of snapshot and checkpoint, or what its restore configuration names."""
        path = self.snapshot_path(self.restore)
        checkpoint = self.last_checkpoint()
        is_behind = bool(checkpoint) and (not path or _written(path) < _written(checkpoint))
        if self.restore["ApplicationRestoreType"] == LATEST and self.snapshots_enabled and is_behind:
            return  # the snapshot failed, or there are checkpoints of the new version already
        self.drop_checkpoints()
        self.started_from = path


def _written(path: str) -> int:
    return os.stat(Path(path) / "_metadata").st_mtime_ns
