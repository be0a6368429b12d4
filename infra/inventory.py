"""What an account holds and what it would cost an hour on AWS: `workshop status`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from infra.teaching.cost import HOURS_OF_A_MONTH
from infra.teaching.pages import pages
from infra.teaching.prices import usd
from infra.teaching.units import dpus, kpus

ALIVE = ("PROVISIONING", "READY", "STOPPING")
RUNNING = ("STARTING", "RUNNING", "UPDATING", "STOPPING")
Client = Callable[[str], Any]


class Line(NamedTuple):
    """One thing: its kind, its name, what is worth knowing, and USD an hour on AWS while it is so (0 where it is billed by use)."""

    kind: str
    name: str
    detail: str
    hourly: float = 0.0

    def __str__(self) -> str:
        price = f"{self.hourly:8.3f}" if self.hourly else ""
        return f"{self.kind:<22} {self.name:<44} {self.detail:<30} {price}".rstrip()


def look(client: Client, region: str) -> list[Line]:
    """Return what there is in an account: stacks, tables, streams with their records, sessions, jobs, applications, alarms.

    Parameters
    ----------
    client: makes a boto3 client in the account
    region: whose prices count
    """
    return [line for each in LOOKS for line in each(client, region)]


def total(lines: list[Line]) -> float:
    """Return USD an hour of all together."""
    return sum(line.hourly for line in lines)


def _stacks(client: Client, region: str) -> Iterator[Line]:
    for stack in sorted(
        pages(client("cloudformation"), "describe_stacks", "Stacks"), key=lambda each: each["StackName"]
    ):
        yield Line("stack", stack["StackName"], stack["StackStatus"])


def _tables(client: Client, region: str) -> Iterator[Line]:
    glue = client("glue")
    for database in pages(glue, "get_databases", "DatabaseList"):
        for table in pages(glue, "get_tables", "TableList", DatabaseName=database["Name"]):
            count = table.get("Parameters", {}).get("recordCount")
            yield Line("table", f"{database['Name']}.{table['Name']}", f"{int(count):,} records" if count else "")


def _streams(client: Client, region: str) -> Iterator[Line]:
    kinesis = client("kinesis")
    for name in pages(kinesis, "list_streams", "StreamNames"):
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        shards = summary["OpenShardCount"]
        on_demand = summary.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND"
        price = usd("kinesis on-demand stream", region) if on_demand else shards * usd("kinesis shard", region)
        detail = f"{_records(client, name):,} records in 24 hours, {shards} shard{'s' if shards > 1 else ''}"
        yield Line("stream", name, detail, price)


def _records(client: Client, stream: str) -> int:
    """Return how many records came in the last day: CloudWatch counts them, reading them all would take its time."""
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    points = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Kinesis",
        MetricName="IncomingRecords",
        Dimensions=[{"Name": "StreamName", "Value": stream}],
        StartTime=now - timedelta(days=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in points))


def _sessions(client: Client, region: str) -> Iterator[Line]:
    for session in pages(client("glue"), "list_sessions", "Sessions"):
        if session["Status"] in ALIVE:
            yield Line("Glue session", session["Id"], session["Status"], dpus(session) * usd("glue dpu", region))


def _jobs(client: Client, region: str) -> Iterator[Line]:
    glue = client("glue")
    for job in pages(glue, "get_jobs", "Jobs"):
        runs = glue.get_job_runs(JobName=job["Name"])["JobRuns"]
        running = [run for run in runs if run["JobRunState"] in ("STARTING", "RUNNING", "STOPPING", "WAITING")]
        price = sum(dpus(run) for run in running) * usd("glue dpu", region)
        yield Line("Glue job", job["Name"], f"{len(running)} of {len(runs)} runs under way", price)


def _applications(client: Client, region: str) -> Iterator[Line]:
    flink = client("kinesisanalyticsv2")
    for each in pages(flink, "list_applications", "ApplicationSummaries"):
        status, price = each["ApplicationStatus"], 0.0
        if status in RUNNING:
            detail = flink.describe_application(ApplicationName=each["ApplicationName"])["ApplicationDetail"]
            price = kpus(detail) * usd("flink kpu", region)
        yield Line("Flink application", each["ApplicationName"], status, price)


def _alarms(client: Client, region: str) -> Iterator[Line]:
    for alarm in pages(client("cloudwatch"), "describe_alarms", "MetricAlarms"):
        yield Line("alarm", alarm["AlarmName"], alarm["StateValue"], usd("alarm", region) / HOURS_OF_A_MONTH)


LOOKS = (_stacks, _tables, _streams, _sessions, _jobs, _applications, _alarms)
