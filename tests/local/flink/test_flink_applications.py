"""Managed Flink applications: the API, what is refused, metrics and log, CloudFormation.

Expected values are counted by hand from what each test puts into its stream.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.flink import logs as flink_logs
from tests.local.flink.flink_lab import (
    NAME,
    PROGRAM,
    Lab,
    code_zip,
    configuration,
    flink_role,
    needs_flink,
    property_groups,
)
from tests.polling import until
from tests.refusals import refusal

UNSUPPORTED = "UnsupportedOperationException"


@needs_flink
def test_a_program_that_fails_leaves_the_application_ready_with_the_reason(client):
    lab = Lab(client, "raise ValueError('no such property')")
    operation = lab.flink.start_application(ApplicationName=NAME)["OperationId"]
    lab.wait_status("READY")
    details = lab.operation(operation)
    assert details["OperationStatus"] == "FAILED"
    assert "ValueError: no such property" in details["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert "ValueError: no such property" in lab.messages()


def test_describe_gives_the_defaults_and_the_code(client):
    lab = Lab(client)
    detail = lab.flink.describe_application(ApplicationName=NAME)["ApplicationDetail"]
    assert detail["ApplicationStatus"] == "READY"
    assert detail["ApplicationVersionId"] == 1
    configuration = detail["ApplicationConfigurationDescription"]
    assert configuration["FlinkApplicationConfigurationDescription"]["ParallelismConfigurationDescription"] == {
        "ConfigurationType": "DEFAULT",
        "Parallelism": 1,
        "ParallelismPerKPU": 1,
        "CurrentParallelism": 1,
        "AutoScalingEnabled": False,
    }
    assert configuration["FlinkApplicationConfigurationDescription"]["CheckpointConfigurationDescription"] == {
        "ConfigurationType": "CUSTOM",
        "CheckpointingEnabled": True,
        "CheckpointInterval": 1000,
        "MinPauseBetweenCheckpoints": 100,
    }
    content = configuration["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
    assert content["CodeSize"] == len(code_zip(PROGRAM))


def test_update_makes_a_version_and_refuses_an_old_one(client):
    lab = Lab(client)
    change = {
        "FlinkApplicationConfigurationUpdate": {"CheckpointConfigurationUpdate": {"CheckpointIntervalUpdate": 5000}}
    }
    answer = lab.flink.update_application(
        ApplicationName=NAME, CurrentApplicationVersionId=1, ApplicationConfigurationUpdate=change
    )["ApplicationDetail"]
    assert answer["ApplicationVersionId"] == 2
    flink = answer["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    assert flink["CheckpointConfigurationDescription"]["CheckpointInterval"] == 5000
    assert flink["CheckpointConfigurationDescription"]["MinPauseBetweenCheckpoints"] == 100
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        lab.flink.update_application(
            ApplicationName=NAME, CurrentApplicationVersionId=1, ApplicationConfigurationUpdate=change
        )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"RuntimeEnvironment": "FLINK-1_6"}, "UnsupportedOperationException"),
        ({"ApplicationName": "with space"}, "ValidationException"),
        ({"ApplicationMode": "INTERACTIVE"}, "InvalidArgumentException"),
        ({"ApplicationConfiguration": {}}, "InvalidArgumentException"),
        (
            {
                "ApplicationConfiguration": {
                    "FlinkApplicationConfiguration": {
                        "ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "AutoScalingEnabled": True}
                    }
                }
            },
            "UnsupportedOperationException",
        ),
        (
            {
                "ApplicationConfiguration": {
                    "ApplicationCodeConfiguration": {
                        "CodeContentType": "ZIPFILE",
                        "CodeContent": {"ZipFileContent": b"this is no zip"},
                    }
                }
            },
            "CodeValidationException",
        ),
    ],
)
def test_what_cannot_run_is_refused(client, change, code):
    given = {
        "ApplicationName": "wrong",
        "RuntimeEnvironment": "FLINK-1_20",
        "ServiceExecutionRole": flink_role(client),
        "ApplicationConfiguration": {
            "ApplicationCodeConfiguration": {
                "CodeContentType": "ZIPFILE",
                "CodeContent": {"ZipFileContent": code_zip(PROGRAM)},
            }
        },
    }
    flink = client("kinesisanalyticsv2")
    with pytest.raises(ClientError) as refused:
        flink.create_application(**(given | change))
    assert refused.value.response["Error"]["Code"] == code
    assert flink.list_applications()["ApplicationSummaries"] == []


def test_an_unknown_application_is_not_found(client):
    with pytest.raises(ClientError) as refused:
        client("kinesisanalyticsv2").describe_application(ApplicationName="nobody")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


@needs_flink
def test_cloudformation_makes_changes_and_deletes_an_application_and_its_log(client):
    lab = Lab(client)
    template = configuration(lab.bucket)
    application = {
        "Type": "AWS::KinesisAnalyticsV2::Application",
        "Properties": {
            "ApplicationName": "from-template",
            "RuntimeEnvironment": "FLINK-1_20",
            "ServiceExecutionRole": lab.role,
            "ApplicationConfiguration": template,
        },
    }
    account = client("sts").get_caller_identity()["Account"]
    stream = f"arn:aws:logs:us-east-1:{account}:log-group:/flink:log-stream:template"
    logging = {
        "Type": "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
        "Properties": {
            "ApplicationName": {"Ref": "Application"},
            "CloudWatchLoggingOption": {"LogStreamARN": stream},
        },
    }
    cloudformation = client("cloudformation")

    def stack() -> str:
        try:
            return cloudformation.describe_stacks(StackName="flink")["Stacks"][0]["StackStatus"]
        except ClientError:
            return "GONE"

    def detail() -> dict[str, Any]:
        return lab.flink.describe_application(ApplicationName="from-template")["ApplicationDetail"]

    body = {"Resources": {"Application": application, "Logging": logging}}
    cloudformation.create_stack(StackName="flink", TemplateBody=json.dumps(body))
    until(lambda: stack() == "CREATE_COMPLETE", "the stack")
    made = detail()
    assert made["ApplicationStatus"] == "READY"  # as on AWS, a stack starts nothing
    assert [option["LogStreamARN"] for option in made["CloudWatchLoggingOptionDescriptions"]] == [stream]
    shown = made["ApplicationConfigurationDescription"]
    groups = shown["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]
    assert groups == template["EnvironmentProperties"]["PropertyGroups"]
    checkpoints = shown["FlinkApplicationConfigurationDescription"]["CheckpointConfigurationDescription"]
    assert checkpoints == template["FlinkApplicationConfiguration"]["CheckpointConfiguration"]

    # a change of the stack reaches the application that runs
    lab.flink.start_application(ApplicationName="from-template")
    until(lambda: detail()["ApplicationStatus"] == "RUNNING", "RUNNING")
    lab.begin_second_minute()
    template["EnvironmentProperties"]["PropertyGroups"] = property_groups(bonus=1000)
    cloudformation.update_stack(StackName="flink", TemplateBody=json.dumps(body))
    until(lambda: stack() == "UPDATE_COMPLETE", "the update")
    until(lambda: detail()["ApplicationStatus"] == "RUNNING", "RUNNING again")
    lab.put(minute=1, records=5)
    lab.put(minute=2, records=1)
    lab.wait_result("09:01", 25 + 1000)

    cloudformation.delete_stack(StackName="flink")
    until(lambda: stack() in ("GONE", "DELETE_COMPLETE"), "the deletion")
    names = [each["ApplicationName"] for each in lab.flink.list_applications()["ApplicationSummaries"]]
    assert names == [NAME]


@needs_flink
def test_metrics_level_and_log_level_decide_what_comes_and_a_forced_stop_takes_no_snapshot(client):
    monitoring = {"ConfigurationType": "CUSTOM", "MetricsLevel": "TASK", "LogLevel": "WARN"}
    lab = Lab(client, MonitoringConfiguration=monitoring)
    lab.start()
    lab.put(minute=0, records=10)
    behind = ("millisBehindLatest", {"Application": NAME, "Flow": "Input", "Id": "in"})
    until(lambda: behind in lab.metrics(), "how far the source is behind")
    names = {name for name, dimensions in lab.metrics() if dimensions == {"Application": NAME}}
    assert names >= {
        "numRecordsIn",
        "numRecordsInPerSecond",
        "uptime",
        "downtime",
        "fullRestarts",
        "lastCheckpointDuration",
        "lastCheckpointSize",
        "numberOfFailedCheckpoints",
        "heapMemoryUtilization",
    }
    assert "busyTimeMsPerSecond" not in names  # a metric of tasks
    levels = {frozenset(dimensions) for _, dimensions in lab.metrics()}
    assert levels == {
        frozenset({"Application"}),
        frozenset({"Application", "Task"}),
        frozenset({"Application", "Flow", "Id"}),
    }
    own = [entry for entry in lab.entries() if "logger" not in entry]
    assert "the windows are submitted" in [entry["message"] for entry in own]
    assert {entry["messageType"] for entry in lab.entries() if "logger" in entry} <= {"WARN", "ERROR"}
    lab.stop_by_force()
    assert lab.snapshots() == []


def test_a_runtime_that_aws_does_not_know_is_a_validation_error(client):
    code, message = refusal(
        client("kinesisanalyticsv2").create_application,
        ApplicationName="wrong",
        RuntimeEnvironment="FLINK-9_9",
        ServiceExecutionRole="arn:aws:iam::123456789012:role/nobody",
    )
    assert code == "ValidationException"
    assert message.startswith(
        "1 validation error detected: Value 'FLINK-9_9' at 'runtimeEnvironment' failed to satisfy constraint: "
        "Member must satisfy enum value set: [SQL-1_0, FLINK-1_6, "
    )


def test_code_that_is_not_in_s3_is_refused_at_create_and_update(client):
    lab = Lab(client)
    lab.s3.delete_object(Bucket=lab.bucket, Key="app.zip")
    code, message = refusal(
        lab.flink.create_application,
        ApplicationName="other",
        RuntimeEnvironment="FLINK-1_20",
        ServiceExecutionRole=lab.role,
        ApplicationConfiguration=configuration(lab.bucket),
    )
    assert code == "InvalidArgumentException"
    assert message == (
        "Please check the role provided or validity of S3 location you provided. We are unable to get the specified "
        f"fileKey: app.zip in the specified bucket: {lab.bucket}"
    )
    assert refusal(lab.update) == (code, message)
    assert lab.detail()["ApplicationVersionId"] == 1


@needs_flink
@pytest.mark.parametrize(
    ("files", "options", "missing"),
    [
        (None, None, "main.py"),
        ({"main.py": b""}, {"jarfile": "lib/no.jar"}, "lib/no.jar"),
        ({"main.py": b""}, {"pyFiles": "main.py,lib/no.py"}, "lib/no.py"),
    ],
)
def test_a_zip_without_a_file_that_is_run_leaves_the_application_ready(client, files, options, missing):
    lab = Lab(client, program=None, files={"readme.txt": b"", **(files or {})}, options=options)
    operation = lab.flink.start_application(ApplicationName=NAME)["OperationId"]
    lab.wait_status("READY")
    details = lab.operation(operation)
    assert details["OperationStatus"] == "FAILED"
    reason = details["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert reason == f"The code has no file {missing}. The local AWS runs Python programs."
    assert [entry["messageType"] for entry in lab.entries()] == ["ERROR"]


@pytest.mark.parametrize("option", ["pyModule", "pyExecutable", "pyRequirements"])
def test_run_options_that_aws_does_not_support_are_refused(client, option):
    lab = Lab(client)
    groups = property_groups({option: "x"})
    code, message = refusal(lab.update, EnvironmentPropertyUpdates={"PropertyGroups": groups})
    assert code == "UnsupportedOperationException"
    assert f"does not support the run option {option}" in message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ApplicationEncryptionConfigurationUpdate": {"KeyTypeUpdate": "CUSTOMER_MANAGED_KEY"}}, UNSUPPORTED),
        (
            {
                "ApplicationSnapshotConfigurationUpdate": {
                    "SnapshotsEnabledUpdate": True,
                    "SnapshotModeUpdate": "ENHANCED_SNAPSHOTS",
                }
            },
            UNSUPPORTED,
        ),
        (
            {"EnvironmentPropertyUpdates": {"PropertyGroups": property_groups({"pyFiles": "../other.py"})}},
            "InvalidArgumentException",
        ),
    ],
)
def test_an_update_that_would_be_ignored_is_refused_and_changes_nothing(client, change, code):
    lab = Lab(client)
    assert refusal(lab.update, **change)[0] == code
    assert lab.detail()["ApplicationVersionId"] == 1


def test_an_update_needs_the_current_version_or_token(client):
    lab = Lab(client)
    token = lab.detail()["ConditionalToken"]
    other = flink_role(client, "other")
    update = lab.flink.update_application
    assert refusal(update, ApplicationName=NAME, ServiceExecutionRoleUpdate=other)[0] == "InvalidArgumentException"
    answer = update(ApplicationName=NAME, ConditionalToken=token, ServiceExecutionRoleUpdate=other)
    assert answer["ApplicationDetail"]["ServiceExecutionRole"] == other
    code, _ = refusal(update, ApplicationName=NAME, ConditionalToken=token, ServiceExecutionRoleUpdate=lab.role)
    assert code == "ConcurrentModificationException"
    assert lab.detail()["ServiceExecutionRole"] == other


def test_operations_and_versions_are_listed(client):
    lab = Lab(client)
    lab.upload(PROGRAM + "\n# changed")
    number = lab.update()["OperationId"]
    assert lab.operation(number) | {"StartTime": None, "EndTime": None} == {
        "Operation": "UpdateApplication",
        "StartTime": None,
        "EndTime": None,
        "OperationStatus": "SUCCESSFUL",
        "ApplicationVersionChangeDetails": {"ApplicationVersionUpdatedFrom": 1, "ApplicationVersionUpdatedTo": 2},
    }
    listed = lab.flink.list_application_operations(ApplicationName=NAME, Operation="UpdateApplication")
    assert [each["OperationId"] for each in listed["ApplicationOperationInfoList"]] == [number]
    versions = lab.flink.list_application_versions(ApplicationName=NAME)["ApplicationVersionSummaries"]
    assert [version["ApplicationVersionId"] for version in versions] == [1, 2]
    sizes = [
        lab.flink.describe_application_version(ApplicationName=NAME, ApplicationVersionId=version)[
            "ApplicationVersionDetail"
        ]["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"]["CodeContentDescription"][
            "CodeSize"
        ]
        for version in (1, 2)
    ]
    assert sizes == [len(code_zip(PROGRAM)), len(code_zip(PROGRAM + "\n# changed"))]
    code, _ = refusal(lab.flink.describe_application_version, ApplicationName=NAME, ApplicationVersionId=3)
    assert code == "ResourceNotFoundException"
    code, message = refusal(lab.flink.rollback_application, ApplicationName=NAME, CurrentApplicationVersionId=2)
    assert (code, message) == (
        "ResourceInUseException",
        "Application windows is in state READY, which does not allow this.",
    )


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            {"ApplicationMode": "BATCH"},
            "ValidationException",
            "1 validation error detected: Value 'BATCH' at 'applicationMode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [STREAMING, INTERACTIVE]",
        ),
        (
            {"ApplicationName": "with space", "ServiceExecutionRole": "flink"},
            "ValidationException",
            "2 validation errors detected: Value 'with space' at 'applicationName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'flink' at 'serviceExecutionRole' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: arn:.*",
        ),
        (
            {"ServiceExecutionRole": "arn:aws:iam::123456789012:role/nobody"},
            "InvalidArgumentException",
            "Kinesis Analytics service doesn't have sufficient privileges to assume the role "
            "arn:aws:iam::123456789012:role/nobody. Please verify role's TrustPolicy",
        ),
        (
            {"CloudWatchLoggingOptions": [{"LogStreamARN": "arn:aws:s3:::logs"}]},
            "InvalidArgumentException",
            "LogStreamARN is not the ARN of a log stream: arn:aws:s3:::logs",
        ),
        (
            {"Tags": [{"Key": f"key{number}", "Value": ""} for number in range(51)]},
            "TooManyTagsException",
            "An application has at most 50 tags, not 51.",
        ),
    ],
)
def test_members_that_aws_does_not_take_are_refused_in_its_words(client, change, code, message):
    flink = client("kinesisanalyticsv2")
    given = {
        "ApplicationName": "wrong",
        "RuntimeEnvironment": "ZEPPELIN-FLINK-3_0",
        "ServiceExecutionRole": flink_role(client),
    }
    assert refusal(flink.create_application, **(given | change)) == (code, message)
    assert flink.list_applications()["ApplicationSummaries"] == []


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ([{"PropertyGroupId": "with space", "PropertyMap": {"a": "b"}}], "ValidationException"),
        ([{"PropertyGroupId": "a", "PropertyMap": {"a": "b" * 2049}}], "ValidationException"),
        ([{"PropertyGroupId": "a", "PropertyMap": {"a": "b"}}] * 2, "InvalidArgumentException"),
    ],
)
def test_property_groups_that_aws_does_not_take_are_refused(client, groups, code):
    lab = Lab(client)
    assert refusal(lab.update, EnvironmentPropertyUpdates={"PropertyGroups": groups})[0] == code
    assert lab.detail()["ApplicationVersionId"] == 1


def test_the_logging_option_of_an_earlier_version_stays_as_it_was(client):
    lab = Lab(client)
    (option,) = lab.created["CloudWatchLoggingOptionDescriptions"]
    change = {
        "CloudWatchLoggingOptionId": option["CloudWatchLoggingOptionId"],
        "LogStreamARNUpdate": option["LogStreamARN"] + "-2",
    }
    updated = lab.flink.update_application(
        ApplicationName=NAME, CurrentApplicationVersionId=1, CloudWatchLoggingOptionUpdates=[change]
    )["ApplicationDetail"]
    (shown,) = updated["CloudWatchLoggingOptionDescriptions"]
    assert shown["LogStreamARN"] == option["LogStreamARN"] + "-2"
    assert updated["ApplicationVersionUpdatedFrom"] == 1
    first = lab.flink.describe_application_version(ApplicationName=NAME, ApplicationVersionId=1)
    assert first["ApplicationVersionDetail"]["CloudWatchLoggingOptionDescriptions"] == [option]
    removed = lab.flink.delete_application_cloud_watch_logging_option(
        ApplicationName=NAME,
        CurrentApplicationVersionId=2,
        CloudWatchLoggingOptionId=option["CloudWatchLoggingOptionId"],
    )
    assert removed["CloudWatchLoggingOptionDescriptions"] == []
    assert lab.operation(removed["OperationId"])["OperationStatus"] == "SUCCESSFUL"


def test_tags_belong_to_an_application_that_is_there(client):
    lab = Lab(client)
    arn = lab.created["ApplicationARN"]
    lab.flink.tag_resource(ResourceARN=arn, Tags=[{"Key": f"key{number}", "Value": ""} for number in range(50)])
    lab.flink.tag_resource(ResourceARN=arn, Tags=[{"Key": "key0", "Value": "changed"}])
    assert lab.flink.list_tags_for_resource(ResourceARN=arn)["Tags"][0] == {"Key": "key0", "Value": "changed"}
    code, _ = refusal(lab.flink.tag_resource, ResourceARN=arn, Tags=[{"Key": "one-more", "Value": ""}])
    assert code == "TooManyTagsException"
    for call, given in (
        (lab.flink.list_tags_for_resource, {}),
        (lab.flink.tag_resource, {"Tags": [{"Key": "a", "Value": ""}]}),
        (lab.flink.untag_resource, {"TagKeys": ["a"]}),
    ):
        assert refusal(call, ResourceARN=f"{arn}-2", **given)[0] == "ResourceNotFoundException"


def test_the_reason_of_a_failed_program_is_all_lines_of_the_innermost_cause(tmp_path):
    output = tmp_path / "output.log"
    output.write_text(
        "started\nTraceback (most recent call last):\n  File main.py\nTableException: no\n\tat a.b\n"
        "Caused by: ValidationException: Column types do not match.\nCause: Incompatible types.\n\nQuery schema: [a]\n"
        "\tat c.d\n\t... 3 more\n\n"
    )
    application = SimpleNamespace(application_arn="", application_version_id=1, logging=[])
    run_log = flink_logs.RunLog(application, output, tmp_path / "flink.log")
    assert run_log.last_words == "no message"
    run_log.forward()
    assert run_log.last_words == (
        "ValidationException: Column types do not match. Cause: Incompatible types. Query schema: [a]"
    )
    output.write_text(output.read_text() + "  File main.py\n    1 / 0\nZeroDivisionError: division by zero")
    run_log.forward(to_the_end=True)
    assert run_log.last_words == "ZeroDivisionError: division by zero"


def test_how_an_application_starts_is_checked_and_kept(client):
    lab = Lab(client)

    def update(restore: dict[str, str]) -> dict[str, Any]:
        answer = lab.flink.update_application(
            ApplicationName=NAME,
            CurrentApplicationVersionId=lab.detail()["ApplicationVersionId"],
            RunConfigurationUpdate={
                "ApplicationRestoreConfiguration": restore,
                "FlinkRunConfiguration": {"AllowNonRestoredState": True},
            },
        )
        return answer["ApplicationDetail"]["ApplicationConfigurationDescription"]["RunConfigurationDescription"]

    assert update({"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}) == {
        "ApplicationRestoreConfigurationDescription": {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"},
        "FlinkRunConfigurationDescription": {"AllowNonRestoredState": True},
    }
    for restore, expected in (
        ({"SnapshotName": "nothing"}, "ResourceNotFoundException"),
        ({}, "InvalidArgumentException"),
        ({"SnapshotArn": "arn:aws:kinesisanalytics:us-east-1:123456789012:snapshot/x"}, UNSUPPORTED),
    ):
        kind = {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT"}
        assert refusal(update, restore=kind | restore)[0] == expected
    assert lab.detail()["ApplicationVersionId"] == 2


def test_a_studio_notebook_is_described_and_its_start_says_which_kernel_to_use(client):
    flink = client("kinesisanalyticsv2")
    database = "arn:aws:glue:us-east-1:123456789012:database/analyticsworkshopdb"
    parallelism = {"ConfigurationType": "CUSTOM", "Parallelism": 4, "ParallelismPerKPU": 1}
    flink.create_application(
        ApplicationName="AnalyticsWorkshop-KDANotebook",
        RuntimeEnvironment="ZEPPELIN-FLINK-3_0",
        ApplicationMode="INTERACTIVE",
        ServiceExecutionRole=flink_role(client),
        ApplicationConfiguration={
            "FlinkApplicationConfiguration": {"ParallelismConfiguration": parallelism},
            "ZeppelinApplicationConfiguration": {
                "CatalogConfiguration": {"GlueDataCatalogConfiguration": {"DatabaseARN": database}}
            },
        },
    )
    detail = flink.describe_application(ApplicationName="AnalyticsWorkshop-KDANotebook")["ApplicationDetail"]
    shown = detail["ApplicationConfigurationDescription"]
    catalog = shown["ZeppelinApplicationConfigurationDescription"]["CatalogConfigurationDescription"]
    assert catalog == {"GlueDataCatalogConfigurationDescription": {"DatabaseARN": database}}
    found = shown["FlinkApplicationConfigurationDescription"]["ParallelismConfigurationDescription"]
    assert (found["Parallelism"], found["ParallelismPerKPU"]) == (4, 1)
    assert detail["ApplicationMode"] == "INTERACTIVE"
    code, message = refusal(flink.start_application, ApplicationName="AnalyticsWorkshop-KDANotebook")
    assert code == UNSUPPORTED
    assert "the kernel `Flink (Studio)`" in message
