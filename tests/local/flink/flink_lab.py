"""What the tests of managed Flink applications share: streams, a bucket with a program, one application, and what it left."""

from __future__ import annotations

import io
import json
import subprocess
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.engines.flink import environment
from tests.polling import until
from tests.service_roles import service_role

needs_flink = pytest.mark.skipif(not environment.is_made(), reason="the Flink environment was not made")

NAME = "windows"
RUN_OPTIONS = "kinesis.analytics.flink.run.options"
TABLES = """
import json
from pyflink.table import EnvironmentSettings, TableEnvironment

groups = json.load(open("/etc/flink/application_properties.json"))
settings = next(group["PropertyMap"] for group in groups if group["PropertyGroupId"] == "streams")
table = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
table.execute_sql(f'''CREATE TABLE source_stream (n INT, at_time TIMESTAMP(3), WATERMARK FOR at_time AS at_time) WITH (
  'connector' = 'kinesis', 'stream' = '{settings["source"]}', 'aws.region' = 'us-east-1', 'scan.stream.initpos' = 'TRIM_HORIZON',
  'scan.shard.getrecords.intervalmillis' = '200', 'scan.shard.discovery.intervalmillis' = '500',
  'format' = 'json', 'json.timestamp-format.standard' = 'SQL')''')
table.execute_sql(f'''CREATE TABLE results (window_start TIMESTAMP(3), records BIGINT) WITH (
  'connector' = 'kinesis', 'stream' = '{settings["sink"]}', 'aws.region' = 'us-east-1', 'sink.flush-buffer.timeout' = '200',
  'format' = 'json', 'json.timestamp-format.standard' = 'SQL')''')
"""
PROGRAM = (
    TABLES
    + """
table.execute_sql(f'''INSERT INTO results SELECT window_start, COUNT(*) + {settings["bonus"]} FROM TABLE(
  TUMBLE(TABLE source_stream, DESCRIPTOR(at_time), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end''')
print("the windows are submitted")
"""
)


def code_zip(program: str | None, files: dict[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        if program is not None:
            file.writestr("main.py", program)
        for name, data in (files or {}).items():
            file.writestr(name, data)
    return buffer.getvalue()


def configuration(bucket: str, options: dict[str, str] | None = None, bonus: int = 0, **flink: Any) -> dict[str, Any]:
    """An ApplicationConfiguration with a checkpoint each second."""
    return {
        "ApplicationCodeConfiguration": {
            "CodeContentType": "ZIPFILE",
            "CodeContent": {"S3ContentLocation": {"BucketARN": f"arn:aws:s3:::{bucket}", "FileKey": "app.zip"}},
        },
        "EnvironmentProperties": {"PropertyGroups": property_groups(options, bonus)},
        "FlinkApplicationConfiguration": {
            "CheckpointConfiguration": {
                "ConfigurationType": "CUSTOM",
                "CheckpointingEnabled": True,
                "CheckpointInterval": 1000,
                "MinPauseBetweenCheckpoints": 100,
            },
            **flink,
        },
    }


def property_groups(options: dict[str, str] | None = None, bonus: int = 0) -> list[dict[str, Any]]:
    return [
        {"PropertyGroupId": "streams", "PropertyMap": {"source": "in", "sink": "out", "bonus": str(bonus)}},
        {"PropertyGroupId": RUN_OPTIONS, "PropertyMap": {"python": "main.py", **(options or {})}},
    ]


def flink_role(client: Callable[..., Any], name: str = "flink") -> str:
    """The ARN of a new role that the service may assume; it may do all."""
    return service_role(client, "kinesisanalytics", name)


class Lab:
    """Two streams, a bucket with the program, and one application."""

    def __init__(
        self,
        client: Callable[..., Any],
        program: str | None = PROGRAM,
        files: dict[str, bytes] | None = None,
        options: dict[str, str] | None = None,
        shards: int = 1,
        **flink: Any,
    ):
        self.flink, self.kinesis, self.logs = client("kinesisanalyticsv2"), client("kinesis"), client("logs")
        self.cloudwatch, self.s3 = client("cloudwatch"), client("s3")
        self.kinesis.create_stream(StreamName="in", ShardCount=shards)
        self.kinesis.create_stream(StreamName="out", ShardCount=1)
        self.role = flink_role(client)
        account = self.role.split(":")[4]
        self.bucket = f"code-{account}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.upload(program, files)
        self.created = self.flink.create_application(
            ApplicationName=NAME,
            RuntimeEnvironment="FLINK-1_20",
            ServiceExecutionRole=self.role,
            ApplicationConfiguration=configuration(self.bucket, options, **flink),
            CloudWatchLoggingOptions=[
                {"LogStreamARN": f"arn:aws:logs:us-east-1:{account}:log-group:/flink:log-stream:{NAME}"}
            ],
        )["ApplicationDetail"]

    def upload(self, program: str | None, files: dict[str, bytes] | None = None) -> None:
        self.s3.put_object(Bucket=self.bucket, Key="app.zip", Body=code_zip(program, files))

    def detail(self) -> dict[str, Any]:
        return self.flink.describe_application(ApplicationName=NAME)["ApplicationDetail"]

    def status(self) -> str:
        return self.detail()["ApplicationStatus"]

    def wait_status(self, wanted: str) -> None:
        until(lambda: self.status() == wanted, wanted)

    def start(self, run: dict[str, Any] | None = None) -> str:
        operation = self.flink.start_application(ApplicationName=NAME, RunConfiguration=run or {})["OperationId"]
        self.wait_status("RUNNING")
        return operation

    def stop_by_force(self) -> None:
        self.flink.stop_application(ApplicationName=NAME, Force=True)
        self.wait_status("READY")

    def update(self, **change: Any) -> dict[str, Any]:
        """UpdateApplication of what it is now, with its code read anew."""
        code = {"CodeContentUpdate": {"S3ContentLocationUpdate": {"FileKeyUpdate": "app.zip"}}}
        return self.flink.update_application(
            ApplicationName=NAME,
            CurrentApplicationVersionId=self.detail()["ApplicationVersionId"],
            ApplicationConfigurationUpdate={"ApplicationCodeConfigurationUpdate": code, **change},
        )

    def operation(self, number: str) -> dict[str, Any]:
        answer = self.flink.describe_application_operation(ApplicationName=NAME, OperationId=number)
        return answer["ApplicationOperationInfoDetails"]

    def snapshots(self) -> list[dict[str, Any]]:
        return self.flink.list_application_snapshots(ApplicationName=NAME)["SnapshotSummaries"]

    def put(self, minute: int, records: int, keys: str = "k") -> None:
        """Put so many records into a minute, spread over partition keys."""
        data = [json.dumps({"n": n, "at_time": f"2026-01-05 09:{minute:02}:00.{n:03}"}) for n in range(records)]
        entries = [{"Data": each.encode(), "PartitionKey": keys[n % len(keys)]} for n, each in enumerate(data)]
        self.kinesis.put_records(StreamName="in", Records=entries)

    def results(self) -> list[tuple[str, int]]:
        iterator = self.kinesis.get_shard_iterator(
            StreamName="out", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = [json.loads(r["Data"]) for r in self.kinesis.get_records(ShardIterator=iterator)["Records"]]
        return [(record["window_start"][11:16], record["records"]) for record in records]

    def begin_second_minute(self) -> None:
        """30 records of 09:00, which are counted when this returns, and 20 of 09:01, whose window is open."""
        self.put(minute=0, records=30)
        self.put(minute=1, records=20)
        self.wait_result("09:00", 30)

    def wait_result(self, minute: str, records: int) -> None:
        until(lambda: (minute, records) in self.results(), f"{records} records of {minute}")

    def read(self) -> int:
        """How many records the source has read since the last start of the job, from Flink's own page."""
        answer = self.flink.create_application_presigned_url(ApplicationName=NAME, UrlType="FLINK_DASHBOARD_URL")
        web = answer["AuthorizedUrl"]
        (job,) = _json(f"{web}/jobs")["jobs"]
        source = _json(f"{web}/jobs/{job['id']}")["vertices"][0]["id"]
        metrics = f"{web}/jobs/{job['id']}/vertices/{source}/subtasks/metrics"
        (found,) = _json(f"{metrics}?get=Source__source_stream%5B1%5D.numRecordsOut") or ({"sum": 0},)
        return int(found["sum"])

    def entries(self) -> list[dict[str, str]]:
        """The newest entries of the application's log stream."""
        try:
            events = self.logs.get_log_events(logGroupName="/flink", logStreamName=NAME, limit=10000)["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(event["message"]) for event in events]

    def messages(self) -> list[str]:
        return [entry["message"] for entry in self.entries()]

    def metrics(self) -> list[tuple[str, dict[str, str]]]:
        """Names and dimensions of the service's metrics."""
        pages = self.cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/KinesisAnalytics")
        found = [metric for page in pages for metric in page["Metrics"]]
        return [(each["MetricName"], {d["Name"]: d["Value"] for d in each["Dimensions"]}) for each in found]


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def checkpoints(home: Path) -> set[str]:
    return {str(path) for path in home.rglob("chk-*/_metadata")}


def wait_new_checkpoint(home: Path) -> None:
    """Two checkpoints later, the second began after this call."""
    for _ in range(2):
        before = checkpoints(home)
        until(lambda before=before: checkpoints(home) - before, "a checkpoint")


def processes(folder: Path, part: str = "") -> list[int]:
    """Processes that belong to a folder: Python, Java and Flink's Python workers name it in their command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:  # it ended, or is another user's
            continue
        command = arguments.replace(b"\0", b" ").decode(errors="replace")
        is_of_folder = str(folder).encode() in arguments + environment
        if arguments and is_of_folder and "infra.local.server" not in command and part in command:
            found.append(int(process.name))
    return found


def listening(pids: list[int]) -> set[str]:
    """Addresses that processes listen on."""
    found = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in found.splitlines() if any(f"pid={pid}," in line for pid in pids)]
    return {line.split()[3].rpartition(":")[0] for line in lines}
