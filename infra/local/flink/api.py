"""Managed Service for Apache Flink: the service's operations. Each running application is a real Flink job in a process of its own.

What is kept of an application is in flink_record.py, what a configuration may say in flink_configuration.py, its process in flink_run.py, and how it comes
from a state to the next in flink_transitions.py. Processes end with the server; after a restart, running applications go on from their last checkpoint.

Source: https://docs.aws.amazon.com/managed-flink/latest/apiv2/Welcome.html
"""

from __future__ import annotations

import json
import shutil
from functools import cached_property
from typing import Any

from moto.kinesisanalyticsv2.responses import KinesisAnalyticsV2Response

from infra.local.core import pages, state
from infra.local.flink import transitions as flink_transitions
from infra.local.flink.backend import LocalFlinkBackend
from infra.local.flink.configuration import (
    RUNTIME,
    STUDIO_RUNTIME,
    assume,
    check_configuration,
    check_logging,
    check_request,
    check_runtime,
    check_tags,
    error,
    invalid,
    merge,
    read_code,
    unsupported,
)
from infra.local.flink.record import LATEST, FlinkApplication

OPERATION_DETAILS = ("ApplicationVersionChangeDetails", "OperationFailureDetails")  # not in the list of operations


class LocalFlinkResponse(KinesisAnalyticsV2Response):
    """The operations, of which moto has only a few."""

    @cached_property
    def given(self) -> dict[str, Any]:
        """What the request says. Raises FlinkServiceError for what the service's model does not allow."""
        given = json.loads(self.body or "{}")
        check_request(self._get_action(), given)
        return given

    @property
    def backend(self) -> LocalFlinkBackend:
        return self.kinesisanalyticsv2_backend

    @property
    def application(self) -> FlinkApplication:
        return self.backend.find(self.given["ApplicationName"])

    def create_application(self) -> str:
        given, backend = self.given, self.backend
        name, runtime = given["ApplicationName"], given["RuntimeEnvironment"]
        configuration = given.get("ApplicationConfiguration") or {}
        if name in backend.applications:
            raise error("ResourceInUseException", f"Application already exists: {name}")
        check_runtime(runtime)
        mode = given.get("ApplicationMode") or ("STREAMING" if runtime == RUNTIME else "INTERACTIVE")
        if (mode == "INTERACTIVE") != (runtime == STUDIO_RUNTIME):
            raise invalid(f"ApplicationMode {mode} does not go with RuntimeEnvironment {runtime}.")
        check_configuration(mode, configuration)
        arn = f"arn:aws:kinesisanalytics:{backend.region_name}:{backend.account_id}:application/{given['ApplicationName']}"
        role = assume(backend.account_id, given["ServiceExecutionRole"], arn)
        check_tags(given.get("Tags") or [])
        check_logging(given.get("CloudWatchLoggingOptions") or [])
        code = read_code(role, backend.region_name, configuration)
        if mode == "STREAMING" and code is None:
            raise invalid("ApplicationCodeConfiguration is required for a Flink application.")
        application = backend.applications[name] = FlinkApplication(
            code,
            account_id=backend.account_id,
            region_name=backend.region_name,
            application_name=name,
            application_description=given.get("ApplicationDescription"),
            runtime_environment=runtime,
            service_execution_role=given["ServiceExecutionRole"],
            application_configuration=configuration,
            cloud_watch_logging_options=given.get("CloudWatchLoggingOptions"),
            application_mode=mode,
        )
        if given.get("Tags"):
            backend.tagger.tag_resource(application.application_arn, given["Tags"])
        return json.dumps({"ApplicationDetail": application.detail()})

    def describe_application(self) -> str:
        application = self.application
        detail = application.detail()
        run = flink_transitions.running(application)
        if self.given.get("IncludeAdditionalDetails") and run is not None:
            plan = run.job_plan()
            shown = detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
            detail["ApplicationConfigurationDescription"] = {
                **detail["ApplicationConfigurationDescription"],
                "FlinkApplicationConfigurationDescription": shown | ({"JobPlanDescription": plan} if plan else {}),
            }
        return json.dumps({"ApplicationDetail": detail})

    def list_applications(self) -> str:
        names = ("ApplicationName", "ApplicationARN", "ApplicationStatus", "ApplicationVersionId", "RuntimeEnvironment")
        details = [application.detail() for application in self.backend.applications.values()]
        summaries = [{name: detail[name] for name in (*names, "ApplicationMode")} for detail in details]
        return self._paged("ApplicationSummaries", summaries)

    def start_application(self) -> str:
        given, application = self.given, self.application
        if application.application_mode == "INTERACTIVE":
            raise unsupported(
                "On the local AWS the Studio notebook is the kernel `Flink (Studio)`: open a notebook with it."
            )
        self._must_be(application, "READY")
        if (given.get("RunConfiguration") or {}).get("SqlRunConfigurations"):
            raise invalid("SqlRunConfigurations are for SQL applications.")
        self._take_run_configuration(application, given.get("RunConfiguration") or {})
        application.start_is_settled = False
        application.started_from = application.snapshot_path(application.restore)
        application.drop_checkpoints()
        application.application_status = "STARTING"
        operation = application.begin("StartApplication")
        flink_transitions.begin(application, operation)
        return json.dumps({"OperationId": operation})

    def stop_application(self) -> str:
        application = self.application
        force = self.given.get("Force", False)
        self._must_be(application, "RUNNING", *(("STARTING", "UPDATING", "STOPPING") if force else ()))
        name = "" if force else flink_transitions.new_service_snapshot(application)
        application.application_status = "FORCE_STOPPING" if force else "STOPPING"
        operation = application.begin("StopApplication")
        flink_transitions.background(flink_transitions.stop, application, operation, name)
        return json.dumps({"OperationId": operation})

    def update_application(self) -> str:
        given, application = self.given, self.application
        self._check_version(application)
        self._must_be(application, "READY", "RUNNING")
        if given.get("RuntimeEnvironmentUpdate", application.runtime_environment) != application.runtime_environment:
            raise unsupported("The local AWS cannot change the runtime of an application.")
        change = given.get("ApplicationConfigurationUpdate") or {}
        configuration = merge(application.configuration, change)
        check_configuration(application.application_mode, configuration)
        acting = str(given.get("ServiceExecutionRoleUpdate", application.service_execution_role))
        if "ServiceExecutionRoleUpdate" in given:
            assume(self.backend.account_id, acting, application.application_arn)
        code = application.code
        if "ApplicationCodeConfigurationUpdate" in change:
            role = assume(self.backend.account_id, acting, application.application_arn)
            code = application.store_code(read_code(role, self.backend.region_name, configuration))
        logging = {option["CloudWatchLoggingOptionId"]: option for option in application.logging}
        for option in given.get("CloudWatchLoggingOptionUpdates") or []:
            number = option["CloudWatchLoggingOptionId"]
            if number not in logging:
                raise invalid(f"No logging option {number}.")
            stream = option.get("LogStreamARNUpdate", logging[number]["LogStreamARN"])
            logging[number] = logging[number] | {"LogStreamARN": stream}
        check_logging(list(logging.values()))
        run = given.get("RunConfigurationUpdate") or {}
        self._take_run_configuration(application, run)
        application.logging = list(logging.values())
        application.service_execution_role = acting
        is_running = application.application_status == "RUNNING"
        application.start_is_settled = not is_running and (bool(run) or application.start_is_settled)
        name = flink_transitions.new_service_snapshot(application) if is_running else ""  # the old version's
        before = application.updated_from = application.application_version_id
        application.rolled_back = None
        application.become(configuration, code)
        operation = application.begin("UpdateApplication")
        application.operation(operation)["ApplicationVersionChangeDetails"] = {
            "ApplicationVersionUpdatedFrom": before,
            "ApplicationVersionUpdatedTo": application.application_version_id,
        }
        if is_running:
            application.application_status = "UPDATING"
            flink_transitions.background(flink_transitions.update_running, application, operation, name)
        else:
            application.finish(operation)
        return json.dumps({"ApplicationDetail": application.detail(), "OperationId": operation})

    def rollback_application(self) -> str:
        application = self.application
        self._check_version(application)
        self._must_be(application, "RUNNING", "UPDATING")
        if not flink_transitions.can_roll_back(application):
            raise error(
                "InvalidRequestException",
                f"Application {application.application_name} has no earlier version that ran and left a snapshot.",
            )
        operation = flink_transitions.prepare_rollback(application)
        flink_transitions.background(flink_transitions.roll_back, application, operation)
        return json.dumps({"ApplicationDetail": application.detail(), "OperationId": operation})

    def delete_application(self) -> str:
        application = self.application
        if int(self.given["CreateTimestamp"]) != application.created:
            raise invalid("CreateTimestamp is not that of the application.")
        self._must_be(application, "READY", "RUNNING")
        if flink_transitions.running(application) is None:
            self.backend.drop(application)
            return "{}"
        application.application_status = "DELETING"
        flink_transitions.background(flink_transitions.delete, application, self.backend.drop)
        return "{}"

    # snapshots

    def create_application_snapshot(self) -> str:
        application, name = self.application, self.given["SnapshotName"]
        if not application.snapshots_enabled:
            raise error("InvalidApplicationConfigurationException", "Snapshots are not enabled for this application.")
        if name in application.snapshots:
            raise error("ResourceInUseException", f"Snapshot {name} already exists.")
        self._must_be(application, "RUNNING")
        application.new_snapshot(name)
        flink_transitions.background(flink_transitions.take_snapshot, application, name)
        return "{}"

    def describe_application_snapshot(self) -> str:
        return json.dumps({"SnapshotDetails": _shown(self.application.snapshot(self.given["SnapshotName"]))})

    def list_application_snapshots(self) -> str:
        return self._paged("SnapshotSummaries", [_shown(s) for s in reversed(self.application.snapshots.values())])

    def delete_application_snapshot(self) -> str:
        application = self.application
        snapshot = application.snapshot(self.given["SnapshotName"])
        if int(self.given["SnapshotCreationTimestamp"]) != snapshot["SnapshotCreationTimestamp"]:
            raise invalid("SnapshotCreationTimestamp is not that of the snapshot.")
        if snapshot["SnapshotStatus"] == "CREATING":
            raise error("ResourceInUseException", f"Snapshot {snapshot['SnapshotName']} is being created.")
        self._must_be(application, "READY", "RUNNING")
        path, is_running = snapshot["path"], application.application_status == "RUNNING"
        if is_running and path and path == application.started_from:
            raise error("ResourceInUseException", "The application was started from this snapshot: stop it first.")
        del application.snapshots[snapshot["SnapshotName"]]
        if path:
            state.afterwards(lambda: shutil.rmtree(path, ignore_errors=True))
        return "{}"

    # operations, versions, logging options, tags

    def list_application_operations(self) -> str:
        given = self.given
        found = [
            {name: value for name, value in operation.items() if name not in OPERATION_DETAILS}
            for operation in self.application.operations
            if given.get("Operation", operation["Operation"]) == operation["Operation"]
            and given.get("OperationStatus", operation["OperationStatus"]) == operation["OperationStatus"]
        ]
        return self._paged("ApplicationOperationInfoList", found)

    def describe_application_operation(self) -> str:
        operation = self.application.operation(self.given["OperationId"])
        details = {name: value for name, value in operation.items() if name != "OperationId"}
        return json.dumps({"ApplicationOperationInfoDetails": details})

    def list_application_versions(self) -> str:
        versions = [
            {"ApplicationVersionId": number, "ApplicationStatus": version.detail["ApplicationStatus"]}
            for number, version in sorted(self.application.versions.items())
        ]
        return self._paged("ApplicationVersionSummaries", versions)

    def describe_application_version(self) -> str:
        number = self.given["ApplicationVersionId"]
        if number not in self.application.versions:
            raise error("ResourceNotFoundException", f"Version {number} could not be found.")
        return json.dumps({"ApplicationVersionDetail": self.application.versions[number].detail})

    def add_application_cloud_watch_logging_option(self) -> str:
        application = self.application
        self._check_version(application)
        self._must_be(application, "READY", "RUNNING")
        stream = self.given["CloudWatchLoggingOption"]["LogStreamARN"]
        check_logging([*application.logging, {"LogStreamARN": stream}])
        number = f"{application.application_version_id + 1}.1"
        application.logging = [*application.logging, {"CloudWatchLoggingOptionId": number, "LogStreamARN": stream}]
        return self._logging_answer(application)

    def delete_application_cloud_watch_logging_option(self) -> str:
        application, number = self.application, self.given["CloudWatchLoggingOptionId"]
        self._check_version(application)
        self._must_be(application, "READY", "RUNNING")
        kept = [option for option in application.logging if option["CloudWatchLoggingOptionId"] != number]
        if len(kept) == len(application.logging):
            raise error("ResourceNotFoundException", f"No logging option {number}.")
        application.logging = kept
        return self._logging_answer(application)

    def list_tags_for_resource(self) -> str:
        arn = self.backend.find_by_arn(self.given["ResourceARN"]).application_arn
        return json.dumps({"Tags": self.backend.list_tags_for_resource(arn)})

    def tag_resource(self) -> str:
        arn, tags = self.backend.find_by_arn(self.given["ResourceARN"]).application_arn, self.given["Tags"]
        check_tags(tags)
        names = {tag["Key"] for tag in tags}
        check_tags([*tags, *(tag for tag in self.backend.list_tags_for_resource(arn) if tag["Key"] not in names)])
        self.backend.tagger.tag_resource(arn, tags)
        return "{}"

    def untag_resource(self) -> str:
        arn = self.backend.find_by_arn(self.given["ResourceARN"]).application_arn
        self.backend.untag_resource(arn, self.given["TagKeys"])
        return "{}"

    def create_application_presigned_url(self) -> str:
        application = self.application
        if self.given["UrlType"] != "FLINK_DASHBOARD_URL":
            raise unsupported("The local AWS has no Zeppelin: use the kernel `Flink (Studio)`.")
        self._must_be(application, "RUNNING")
        run = flink_transitions.running(application)
        process = run.process if run is not None else None
        if process is None or not process.web:
            raise error("ResourceInUseException", "The application's job is being started again: try in a moment.")
        return json.dumps({"AuthorizedUrl": process.web})

    def _logging_answer(self, application: FlinkApplication) -> str:
        """Make the change of the logging options a version and say so; a running job's lines go to them at once."""
        application.new_version()
        operation = application.begin(self._get_action())
        application.finish(operation)
        return json.dumps(
            {
                "ApplicationARN": application.application_arn,
                "ApplicationVersionId": application.application_version_id,
                "CloudWatchLoggingOptionDescriptions": application.logging,
                "OperationId": operation,
            }
        )

    def _check_version(self, application: FlinkApplication) -> None:
        given = self.given
        version, token = given.get("CurrentApplicationVersionId"), given.get("ConditionalToken")
        if version is None and token is None:
            raise invalid("Give CurrentApplicationVersionId or ConditionalToken.")
        if version not in (None, application.application_version_id):
            raise error(
                "ConcurrentModificationException",
                f"The application is at version {application.application_version_id}, not {version}.",
            )
        if token not in (None, application.conditional_token):
            raise error("ConcurrentModificationException", "The application has changed since this ConditionalToken.")

    def _must_be(self, application: FlinkApplication, *statuses: str) -> None:
        if application.application_status not in statuses:
            raise error(
                "ResourceInUseException",
                f"Application {application.application_name} is in state {application.application_status}, "
                "which does not allow this.",
            )

    def _take_run_configuration(self, application: FlinkApplication, run: dict[str, Any]) -> None:
        """Take over how the application starts next, with AWS's defaults for what is not given. Raises FlinkServiceError.

        How it was started before does not count: an update goes on from the snapshot that it takes. Only what an update said of
        an application that does not run holds until it is started.
        """
        settled, allowed = application.restore, application.allow_non_restored
        if not application.start_is_settled:
            settled, allowed = {"ApplicationRestoreType": LATEST}, False
        restore = run.get("ApplicationRestoreConfiguration") or settled
        application.snapshot_path(restore)
        application.restore = restore
        application.allow_non_restored = (run.get("FlinkRunConfiguration") or {}).get("AllowNonRestoredState", allowed)

    def _paged(self, name: str, items: list[Any]) -> str:
        try:
            found, token = pages.page(items, self.given.get("NextToken"), self.given.get("Limit") or 50)
        except ValueError:
            raise invalid("NextToken is not one that this operation has given.") from None
        return json.dumps({name: found, **({"NextToken": token} if token else {})})


RESPONSE = LocalFlinkResponse


def _shown(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in snapshot.items() if name != "path"}
