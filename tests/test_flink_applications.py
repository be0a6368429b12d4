"""Managed Flink applications on real Flink: states, properties, crash, snapshots, restart of the server.

Expected values are counted by hand from what each test puts into its stream.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.kernels.flink import install

needs_flink = pytest.mark.skipif(not install.is_made(), reason="the Flink environment was not made")

ROLE = "arn:aws:iam::123456789012:role/flink"
PROGRAM = """
import json
from pyflink.table import EnvironmentSettings, TableEnvironment

groups = json.load(open("/etc/flink/application_properties.json"))
settings = next(group["PropertyMap"] for group in groups if group["PropertyGroupId"] == "streams")
table = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
table.execute_sql(f'''CREATE TABLE source_stream (n INT, at_time TIMESTAMP(3), WATERMARK FOR at_time AS at_time) WITH (
  'connector' = 'kinesis', 'stream' = '{settings["source"]}', 'aws.region' = 'us-east-1', 'scan.stream.initpos' = 'TRIM_HORIZON',
  'scan.shard.getrecords.intervalmillis' = '200', 'format' = 'json', 'json.timestamp-format.standard' = 'SQL')''')
table.execute_sql(f'''CREATE TABLE results (window_start TIMESTAMP(3), records BIGINT) WITH (
  'connector' = 'kinesis', 'stream' = '{settings["sink"]}', 'aws.region' = 'us-east-1', 'format' = 'json', 'json.timestamp-format.standard' = 'SQL')''')
table.execute_sql('''INSERT INTO results SELECT window_start, COUNT(*) FROM TABLE(
  TUMBLE(TABLE source_stream, DESCRIPTOR(at_time), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end''')
print("the windows are submitted")
"""


def code_zip(program: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("main.py", program)
    return buffer.getvalue()


def wait_for(look: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds} s")


class Lab:
    """Two streams, a bucket with the program, and one application."""

    def __init__(self, client: Callable[..., Any], program: str = PROGRAM):
        self.flink, self.kinesis, self.logs = client("kinesisanalyticsv2"), client("kinesis"), client("logs")
        self.cloudwatch = client("cloudwatch")
        for stream in ("in", "out"):
            self.kinesis.create_stream(StreamName=stream, ShardCount=1)
        s3 = client("s3")
        s3.create_bucket(Bucket=f"code-{id(self)}")
        s3.put_object(Bucket=f"code-{id(self)}", Key="app.zip", Body=code_zip(program))
        account = client("sts").get_caller_identity()["Account"]
        self.created = self.flink.create_application(
            ApplicationName="windows",
            RuntimeEnvironment="FLINK-1_20",
            ServiceExecutionRole=ROLE,
            ApplicationConfiguration={
                "ApplicationCodeConfiguration": {
                    "CodeContentType": "ZIPFILE",
                    "CodeContent": {
                        "S3ContentLocation": {"BucketARN": f"arn:aws:s3:::code-{id(self)}", "FileKey": "app.zip"}
                    },
                },
                "EnvironmentProperties": {
                    "PropertyGroups": [
                        {"PropertyGroupId": "streams", "PropertyMap": {"source": "in", "sink": "out"}},
                        {
                            "PropertyGroupId": "kinesis.analytics.flink.run.options",
                            "PropertyMap": {"python": "main.py"},
                        },
                    ]
                },
                "FlinkApplicationConfiguration": {
                    "CheckpointConfiguration": {
                        "ConfigurationType": "CUSTOM",
                        "CheckpointingEnabled": True,
                        "CheckpointInterval": 1000,
                        "MinPauseBetweenCheckpoints": 100,
                    }
                },
            },
            CloudWatchLoggingOptions=[
                {"LogStreamARN": f"arn:aws:logs:us-east-1:{account}:log-group:/flink:log-stream:windows"}
            ],
        )["ApplicationDetail"]

    def status(self) -> str:
        return self.flink.describe_application(ApplicationName="windows")["ApplicationDetail"]["ApplicationStatus"]

    def wait_status(self, wanted: str) -> None:
        wait_for(lambda: self.status() == wanted, wanted)

    def put(self, minute: int, records: int) -> None:
        data = [json.dumps({"n": n, "at_time": f"2026-01-05 09:{minute:02}:00.{n:03}"}) for n in range(records)]
        self.kinesis.put_records(StreamName="in", Records=[{"Data": d.encode(), "PartitionKey": "k"} for d in data])

    def results(self) -> list[tuple[str, int]]:
        iterator = self.kinesis.get_shard_iterator(
            StreamName="out", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = [json.loads(r["Data"]) for r in self.kinesis.get_records(ShardIterator=iterator)["Records"]]
        return [(record["window_start"][11:16], record["records"]) for record in records]

    def messages(self) -> list[str]:
        try:
            events = self.logs.get_log_events(logGroupName="/flink", logStreamName="windows")["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(event["message"])["message"] for event in events]

    def checkpoints(self, folder: Any) -> set[str]:
        return {str(path) for path in folder.rglob("chk-*/_metadata")}

    def wait_new_checkpoint(self, folder: Any) -> None:
        """Two checkpoints later, the second began after this call."""
        for _ in range(2):
            before = self.checkpoints(folder)
            wait_for(lambda before=before: self.checkpoints(folder) - before, "a checkpoint")


def processes(folder: Any, part: str = "") -> list[int]:
    """Application processes and their Java processes: those whose command line names a folder, and a part."""
    found = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    lines = [line for line in found.splitlines() if str(folder) in line and "infra.local.server" not in line]
    return [int(line.split()[0]) for line in lines if part in line]


@needs_flink
def test_crash_and_snapshots_and_restart_of_the_server_keep_every_count(own_server, account):
    lab = Lab(lambda service: own_server.client(service, account))
    folder = own_server.home
    lab.flink.start_application(ApplicationName="windows", RunConfiguration={})
    assert lab.status() == "STARTING"
    with pytest.raises(ClientError, match="ResourceInUseException"):
        lab.flink.stop_application(ApplicationName="windows")
    lab.wait_status("RUNNING")
    assert "the windows are submitted" in wait_for(lab.messages, "log lines")

    # the job process is killed in the middle of a window
    lab.put(minute=0, records=30)
    lab.put(minute=1, records=20)
    assert wait_for(lab.results, "the first window") == [("09:00", 30)]
    lab.wait_new_checkpoint(folder)
    killed = processes(folder)
    (python,) = processes(folder, "infra.engines.flink.application")
    assert len(killed) == 2
    os.kill(python, signal.SIGKILL)
    wait_for(lambda: not set(killed) & set(processes(folder)), "the end of the killed processes")
    lab.put(minute=1, records=5)
    lab.put(minute=2, records=40)
    wait_for(lambda: len(set(lab.results())) == 2, "the second window")
    assert set(lab.results()) == {("09:00", 30), ("09:01", 25)}
    assert any("It is started again from checkpoint" in message for message in lab.messages())

    # the server is killed too; its applications end with it and go on with it
    lab.wait_new_checkpoint(folder)
    own_server.kill()
    wait_for(lambda: not processes(folder), "the end of the processes")
    own_server.restart()
    assert lab.status() == "RUNNING"
    lab.put(minute=3, records=10)
    wait_for(lambda: len(set(lab.results())) == 3, "the third window")
    assert set(lab.results()) == {("09:00", 30), ("09:01", 25), ("09:02", 40)}

    # stop takes a snapshot, start goes on from it
    lab.flink.stop_application(ApplicationName="windows")
    lab.wait_status("READY")
    assert not processes(folder)
    (snapshot,) = lab.flink.list_application_snapshots(ApplicationName="windows")["SnapshotSummaries"]
    assert snapshot["SnapshotStatus"] == "READY"
    lab.flink.start_application(
        ApplicationName="windows",
        RunConfiguration={
            "ApplicationRestoreConfiguration": {
                "ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT",
                "SnapshotName": snapshot["SnapshotName"],
            }
        },
    )
    lab.wait_status("RUNNING")
    lab.put(minute=3, records=7)
    lab.put(minute=4, records=1)
    wait_for(lambda: len(set(lab.results())) == 4, "the fourth window")
    assert ("09:03", 17) in lab.results()
    assert lab.results().count(("09:03", 17)) == 1

    lab.flink.create_application_snapshot(ApplicationName="windows", SnapshotName="by-hand")

    def made() -> bool:
        answer = lab.flink.describe_application_snapshot(ApplicationName="windows", SnapshotName="by-hand")
        return answer["SnapshotDetails"]["SnapshotStatus"] == "READY"

    wait_for(made, "the snapshot")
    lab.flink.delete_application(ApplicationName="windows", CreateTimestamp=lab.created["CreateTimestamp"])
    wait_for(lambda: not lab.flink.list_applications()["ApplicationSummaries"], "the deletion")
    assert not processes(folder)


@needs_flink
def test_a_program_that_fails_leaves_the_application_ready_with_the_reason(client):
    lab = Lab(client, "raise ValueError('no such property')")
    operation = lab.flink.start_application(ApplicationName="windows")["OperationId"]
    lab.wait_status("READY")
    found = lab.flink.describe_application_operation(ApplicationName="windows", OperationId=operation)
    details = found["ApplicationOperationInfoDetails"]
    assert details["OperationStatus"] == "FAILED"
    assert "ValueError: no such property" in details["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert "ValueError: no such property" in lab.messages()


def test_describe_gives_the_defaults_and_the_code(client):
    lab = Lab(client)
    detail = lab.flink.describe_application(ApplicationName="windows")["ApplicationDetail"]
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
        ApplicationName="windows", CurrentApplicationVersionId=1, ApplicationConfigurationUpdate=change
    )["ApplicationDetail"]
    assert answer["ApplicationVersionId"] == 2
    flink = answer["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    assert flink["CheckpointConfigurationDescription"]["CheckpointInterval"] == 5000
    assert flink["CheckpointConfigurationDescription"]["MinPauseBetweenCheckpoints"] == 100
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        lab.flink.update_application(
            ApplicationName="windows", CurrentApplicationVersionId=1, ApplicationConfigurationUpdate=change
        )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"RuntimeEnvironment": "FLINK-1_6"}, "UnsupportedOperationException"),
        ({"ApplicationName": "with space"}, "InvalidArgumentException"),
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
        "ServiceExecutionRole": ROLE,
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


def test_cloudformation_makes_changes_and_deletes_an_application(client):
    lab = Lab(client)
    program = client("s3").list_buckets()["Buckets"][0]["Name"]
    application = {
        "Type": "AWS::KinesisAnalyticsV2::Application",
        "Properties": {
            "ApplicationName": "from-template",
            "RuntimeEnvironment": "FLINK-1_20",
            "ServiceExecutionRole": ROLE,
            "ApplicationConfiguration": {
                "ApplicationCodeConfiguration": {
                    "CodeContentType": "ZIPFILE",
                    "CodeContent": {
                        "S3ContentLocation": {"BucketARN": f"arn:aws:s3:::{program}", "FileKey": "app.zip"}
                    },
                },
                "ApplicationSnapshotConfiguration": {"SnapshotsEnabled": False},
            },
        },
    }
    account = client("sts").get_caller_identity()["Account"]
    logging = {
        "Type": "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
        "Properties": {
            "ApplicationName": {"Ref": "Application"},
            "CloudWatchLoggingOption": {
                "LogStreamARN": f"arn:aws:logs:us-east-1:{account}:log-group:/flink:log-stream:template"
            },
        },
    }
    cloudformation = client("cloudformation")

    def status() -> str:
        try:
            return cloudformation.describe_stacks(StackName="flink")["Stacks"][0]["StackStatus"]
        except ClientError:
            return "GONE"

    body = {"Resources": {"Application": application, "Logging": logging}}
    cloudformation.create_stack(StackName="flink", TemplateBody=json.dumps(body))
    wait_for(lambda: status() == "CREATE_COMPLETE", "the stack")
    detail = lab.flink.describe_application(ApplicationName="from-template")["ApplicationDetail"]
    assert len(detail["CloudWatchLoggingOptionDescriptions"]) == 1
    application["Properties"]["ApplicationConfiguration"]["ApplicationSnapshotConfiguration"]["SnapshotsEnabled"] = True
    cloudformation.update_stack(StackName="flink", TemplateBody=json.dumps(body))
    wait_for(lambda: status() == "UPDATE_COMPLETE", "the update")
    detail = lab.flink.describe_application(ApplicationName="from-template")["ApplicationDetail"]
    configuration = detail["ApplicationConfigurationDescription"]
    assert configuration["ApplicationSnapshotConfigurationDescription"] == {"SnapshotsEnabled": True}
    cloudformation.delete_stack(StackName="flink")
    wait_for(lambda: status() in ("GONE", "DELETE_COMPLETE"), "the deletion")
    names = [each["ApplicationName"] for each in lab.flink.list_applications()["ApplicationSummaries"]]
    assert names == ["windows"]


@needs_flink
def test_metrics_come_and_a_forced_stop_takes_no_snapshot(client):
    lab = Lab(client)
    lab.flink.start_application(ApplicationName="windows")
    lab.wait_status("RUNNING")

    def duration() -> list[Any]:
        names = lab.cloudwatch.list_metrics(Namespace="AWS/KinesisAnalytics")["Metrics"]
        return [metric for metric in names if metric["MetricName"] == "lastCheckpointDuration"]

    assert wait_for(duration, "metrics")[0]["Dimensions"] == [{"Name": "Application", "Value": "windows"}]
    lab.put(minute=0, records=10)

    def names() -> set[str]:
        return {
            metric["MetricName"] for metric in lab.cloudwatch.list_metrics(Namespace="AWS/KinesisAnalytics")["Metrics"]
        }

    wait_for(
        lambda: names() >= {"numRecordsInPerSecond", "millisBehindLatest", "uptime", "fullRestarts"}, "all metrics"
    )
    lab.flink.stop_application(ApplicationName="windows", Force=True)
    lab.wait_status("READY")
    assert lab.flink.list_application_snapshots(ApplicationName="windows")["SnapshotSummaries"] == []
