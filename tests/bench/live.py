"""The live lake: what a picture costs that is drawn anew every few seconds, in the notebook's process and in the server."""

from __future__ import annotations

import inspect
import json
import os
import tempfile
import time
from pathlib import Path

import boto3

from helpers.live_lake import Observer, live_lake
from helpers.live_lake.svg import describe, draw
from tests.bench import doubles
from tests.bench.doubles import Double
from tests.bench.report import row

LOOKS = 30
TRUST = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}


def _make_lake(ours: Double) -> None:
    """About as much as there is in chapter 10: seven streams, 200 files, jobs, a crawler, tables and rules."""
    kinesis, s3, glue = (ours.client(name) for name in ("kinesis", "s3", "glue"))
    for number in range(7):
        kinesis.create_stream(StreamName=f"analytics-workshop-stream-{number}", ShardCount=1)
    bucket = "aw-123456789012-analytics-workshop-bucket"
    s3.create_bucket(Bucket=bucket)
    for number in range(200):
        s3.put_object(Bucket=bucket, Key=f"data/raw/{number}.json", Body=b"{}")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = ours.client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/x.py"}
    for number in range(4):
        glue.create_job(Name=f"AnalyticsOnAWS-{number}", Role=role, Command=command)
    glue.create_database(DatabaseInput={"Name": "analyticsworkshopdb"})
    target = {"S3Targets": [{"Path": f"s3://{bucket}/data/"}]}
    glue.create_crawler(Name="AnalyticsworkshopCrawler", Role=role, DatabaseName="analyticsworkshopdb", Targets=target)
    pattern = json.dumps({"source": ["x"]})
    for number in range(6):
        ours.client("events").put_rule(Name=f"analytics-workshop-{number}", EventPattern=pattern)


def _server_seconds(ours: Double) -> float:
    """Processor time that the server has taken, in seconds."""
    fields = Path(f"/proc/{ours.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    looks = 5 if short else LOOKS
    every = float(inspect.signature(live_lake).parameters["every"].default)
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as folder, doubles.ours_running(Path(folder)) as ours:
        _make_lake(ours)
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{ours.port}"
        observer = Observer(boto3.Session("123456789012", "bench", region_name="us-east-1"))
        observer.look()  # makes the clients, once
        kinesis = ours.client("kinesis")
        served, client = _server_seconds(ours), time.process_time()
        for _ in range(looks):
            seen = observer.look()
            describe(seen), draw(seen, "The lake, live")
            kinesis.put_record(StreamName="analytics-workshop-stream-0", Data=b"{}", PartitionKey="a")
        client, served = time.process_time() - client, _server_seconds(ours) - served
        del os.environ["AWS_ENDPOINT_URL"]
    share, of_server = client / looks / every, served / looks / every
    return [
        f"Processor time of {looks} looks at a lake of seven streams, 200 files, four jobs and six rules, each with its picture and a record put, "
        f"over the {every:g} s between two looks.",
        "",
        "| what | value | goal | met |",
        "|---|---|---|---|",
        row("The notebook's process", f"{share:.1%} of a core", "", True),
        row(
            "… and the local AWS that answers it",
            f"{share + of_server:.1%} of a core",
            "< 5 %",
            share + of_server < 0.05,
        ),
    ]
