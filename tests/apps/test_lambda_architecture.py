"""Chapter 10's chain, whole, with the server killed in the middle: generator, stream, Firehose and Flink, result stream, Lambda, DynamoDB, and the job.

The truth is the stream itself, read from its beginning after all: what it holds must be in the lake's files and in the served counts, each once.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import awswrangler as wr
import boto3
import pytest

from helpers.generator import Clock, Constant, Generator
from helpers.stacks import deploy
from infra import project
from infra.engines.flink import environment
from tests.conftest import Server
from tests.polling import until

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not environment.is_made(), reason="the Flink environment was not made"),
]
APPS = project.ROOT / "infra" / "apps"
NAME = "analytics-workshop-speed"
EVENTS, RATE, STEP = 1200, 200, 0.05  # sent in six seconds; a minute of event time, six buckets
TEMPLATE = """{"uuid": "{{random.uuid}}", "device_ts": "{{date.utc("YYYY-MM-DD HH:mm:ss.SSS")}}", "track_id": 1,
"activity_type": {{random.arrayElement(["\\"Running\\"", "\\"Sitting\\""])}}}"""


@pytest.fixture
def aws(own_server: Server, account: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The default boto3 session is on the test's own server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", own_server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    boto3.setup_default_session()
    yield boto3.Session()
    boto3.DEFAULT_SESSION = None


class Chain:
    """The stacks of chapters 01 and 10, and the application, as the notebook makes them."""

    def __init__(self, aws: Any):
        now = datetime.now(UTC)
        self.aws, self.begin = aws, now.replace(second=now.second // 10 * 10, microsecond=0, tzinfo=None)
        self.lake = deploy("01_ingest", BufferSeconds=2)
        s3, self.bucket = aws.client("s3"), self.lake["BucketName"]
        for folder, file in (("speed_layer", "main.py"), ("speed_store", "app.py")):
            s3.put_object(Bucket=self.bucket, Key=f"apps/{folder}.zip", Body=zipped(folder, file))
        s3.upload_file(str(APPS / "batch_layer" / "job.py"), self.bucket, "apps/batch_layer.py")
        outputs = deploy("10_lambda_architecture")
        self.job = outputs["BatchJobName"]
        self.table = aws.resource("dynamodb").Table(outputs["TableName"])
        self.flink = aws.client("kinesisanalyticsv2")
        streams = {
            "source": self.lake["StreamName"],
            "sink": outputs["ResultStreamName"],
            "region": "us-east-1",
            "since": f"{now.timestamp():.1f}",
            "windows": "60/10",
        }
        self.flink.create_application(
            ApplicationName=NAME,
            RuntimeEnvironment="FLINK-1_20",
            ServiceExecutionRole=outputs["SpeedRoleArn"],
            ApplicationConfiguration=configuration(self.bucket, streams),
        )
        self.flink.start_application(ApplicationName=NAME)
        until(lambda: self.status() == "RUNNING", "the application")

    def status(self) -> str:
        return self.flink.describe_application(ApplicationName=NAME)["ApplicationDetail"]["ApplicationStatus"]

    def speed(self) -> Counter[str]:
        """Events by bucket, as the function has kept them."""
        counts: Counter[str] = Counter()
        for item in self.table.scan(ConsistentRead=True)["Items"]:
            if item["bucket"].startswith("2"):
                counts[item["bucket"]] += int(item["events"])
        return counts

    def in_the_stream(self) -> list[dict[str, Any]]:
        """All records of the stream."""
        kinesis, name, found = self.aws.client("kinesis"), self.lake["StreamName"], []
        for shard in kinesis.list_shards(StreamName=name)["Shards"]:
            where = kinesis.get_shard_iterator(
                StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while records := (answer := kinesis.get_records(ShardIterator=where))["Records"]:
                found += [json.loads(record["Data"]) for record in records]
                where = answer["NextShardIterator"]
        return found

    def in_the_lake(self) -> list[str]:
        """The uuid of each event in the lake's files."""
        s3 = self.aws.client("s3")
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=self.bucket, Prefix="data/raw/").get("Contents", [])]
        bodies = [s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys]
        return [json.loads(line)["uuid"] for body in bodies for line in body.splitlines()]

    def batch(self, until_moment: str) -> None:
        """Run the job with this watermark, to its end."""
        glue = self.aws.client("glue")
        arguments = {
            "--bucket": self.bucket,
            "--table": self.table.name,
            "--since": f"{self.begin:%Y-%m-%d %H:%M:%S}",
            "--until": until_moment,
        }
        run = glue.start_job_run(JobName=self.job, Arguments=arguments)["JobRunId"]

        def ended() -> str:
            state = glue.get_job_run(JobName=self.job, RunId=run)["JobRun"]["JobRunState"]
            return "" if state in ("STARTING", "RUNNING", "WAITING") else state

        assert until(ended, "the batch") == "SUCCEEDED"

    def served(self) -> Counter[str]:
        """Batch before the watermark, speed from it on, as the notebook puts them together."""
        mark = self.table.get_item(Key={"bucket": "watermark", "activity_type": "-"})["Item"]
        view = wr.s3.read_parquet(mark["folder"]).groupby("bucket")["events"].sum()
        batch = Counter({str(bucket): int(events) for bucket, events in view.items()})
        assert batch and max(batch) < mark["until"]
        return batch + Counter({bucket: events for bucket, events in self.speed().items() if bucket >= mark["until"]})


def zipped(folder: str, file: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(file, (APPS / folder / file).read_text())
    return packed.getvalue()


def configuration(bucket: str, streams: dict[str, str]) -> dict[str, Any]:
    code = {"S3ContentLocation": {"BucketARN": f"arn:aws:s3:::{bucket}", "FileKey": "apps/speed_layer.zip"}}
    groups = [
        {"PropertyGroupId": "streams", "PropertyMap": streams},
        {"PropertyGroupId": "kinesis.analytics.flink.run.options", "PropertyMap": {"python": "main.py"}},
    ]
    flink = {
        "CheckpointConfiguration": {
            "ConfigurationType": "CUSTOM",
            "CheckpointInterval": 1000,
            "MinPauseBetweenCheckpoints": 500,
        },
        "ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "Parallelism": 1, "ParallelismPerKPU": 1},
    }
    return {
        "ApplicationCodeConfiguration": {"CodeContentType": "ZIPFILE", "CodeContent": code},
        "EnvironmentProperties": {"PropertyGroups": groups},
        "FlinkApplicationConfiguration": flink,
    }


def test_a_kill_in_the_middle_loses_nothing_and_counts_nothing_twice(own_server, aws):
    chain = Chain(aws)
    generator = Generator(TEMPLATE, seed=7, clock=Clock(chain.begin.replace(tzinfo=UTC), step=STEP))
    generator.start(stream_name=chain.lake["StreamName"], records=EVENTS, rate=Constant(RATE))
    until(lambda: sum(chain.speed().values()) > 0, "the first counts")
    own_server.kill()
    own_server.restart()
    assert generator.wait().failed == 0

    truth = chain.in_the_stream()
    assert len({event["uuid"] for event in truth}) == EVENTS  # all that was acknowledged is there
    buckets = Counter(event["device_ts"][:18] + "0" for event in truth)
    until(lambda: sum(chain.speed().values()) >= len(truth), "the last counts")
    assert chain.speed() == buckets
    until(lambda: len(chain.in_the_lake()) >= len(truth), "the last file")
    assert Counter(chain.in_the_lake()) == Counter(event["uuid"] for event in truth)

    edge = f"{chain.begin + timedelta(seconds=30):%Y-%m-%d %H:%M:%S}"
    chain.batch(edge)
    assert chain.served() == buckets
    assert chain.status() == "RUNNING"
