"""Look at the lake through AWS's own list calls and metrics, so that it is the same on the local AWS and on real AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from helpers import prices
from infra.teaching.names import is_our_bucket, is_ours

QUIET_SECONDS = 5.0  # a rate is 0 when its count has stood still for so long, or twice as long as between its last two moves (AWS: a minute)
SLOW_SECONDS = 10.0  # between two listings of the bucket
LISTED = 5000  # objects of a bucket that are counted at most


@dataclass
class Seen:
    """What one look has seen.

    Parameters
    ----------
    lines: box → what stands in it, a line each
    states: box → "off" (not there), "ready", "busy" or "failed"
    rates: box → records a second that come into it
    usd_hour: what all that exists now would cost an hour on real AWS, in USD
    """

    lines: dict[str, list[str]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    usd_hour: float = 0.0

    def put(self, box: str, state: str, *lines: str) -> None:
        """Say what stands in a box."""
        self.states[box], self.lines[box] = state, list(lines)


class Observer:
    """Looks again and again at the workshop's own things in one account and region."""

    def __init__(self, session: boto3.Session):
        self._clients: dict[str, Any] = {}
        self._session = session
        self._started = datetime.now(UTC).replace(second=0, microsecond=0)
        self._counts: dict[
            str, tuple[float, float, float, float]
        ] = {}  # box → count, when it changed, rate, seconds since the change before
        self._listing: tuple[float, int, int] = (-SLOW_SECONDS, 0, 0)

    def look(self) -> Seen:
        """Return what is there now. A service that refuses to tell is shown as failed, with its error code."""
        seen = Seen()
        looks: dict[str, Callable[[Seen], None]] = {
            "stream": self._streams, "firehose": self._firehose, "raw": self._bucket, "crawler": self._crawlers, "spark": self._spark,
            "databrew": self._databrew, "flink": self._flink, "lambda": self._functions, "serving": self._tables,
            "automate": self._machines, "athena": self._athena,
        }  # fmt: skip
        for box, look in looks.items():
            seen.put(box, "off")
            try:
                look(seen)
            except ClientError as error:
                seen.put(box, "failed", error.response["Error"]["Code"])
        return seen

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
        return self._clients[service]

    def _streams(self, seen: Seen) -> None:
        kinesis = self._client("kinesis")
        names = [name for name in kinesis.list_streams()["StreamNames"] if is_ours(name)]
        if not names:
            return
        shards = 0
        for name in names:
            summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
            shards += summary["OpenShardCount"]
        seen.usd_hour += shards * prices.SHARD_HOUR
        rate = self._rate(seen, "stream", "AWS/Kinesis", "IncomingRecords", "StreamName", names)
        streams = "1 stream" if len(names) == 1 else f"{len(names)} streams"
        seen.put("stream", "busy" if rate else "ready", f"{streams}, {shards} shards")

    def _firehose(self, seen: Seen) -> None:
        firehose = self._client("firehose")
        names = [name for name in firehose.list_delivery_streams()["DeliveryStreamNames"] if is_ours(name)]
        if names:
            name = "DeliveryToS3.Records"
            rate = self._rate(seen, "firehose", "AWS/Firehose", name, "DeliveryStreamName", names)
            seen.put("firehose", "busy" if rate else "ready", f"{self._count('firehose'):,.0f} delivered")

    def _bucket(self, seen: Seen) -> None:
        s3 = self._client("s3")
        names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if is_our_bucket(bucket["Name"])]
        if not names:
            return
        if time.monotonic() - self._listing[0] >= SLOW_SECONDS:
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=names[0], Prefix="data/", PaginationConfig={"MaxItems": LISTED}
            )
            sizes = [item["Size"] for page in pages for item in page.get("Contents", [])]
            self._listing = (time.monotonic(), len(sizes), sum(sizes))
        _, files, size = self._listing
        more = "over " if files == LISTED else ""
        seen.put("raw", "ready", f"{more}{files:,} {'file' if files == 1 else 'files'}", f"{size / 1e6:,.1f} MB")

    def _crawlers(self, seen: Seen) -> None:
        crawlers = [each for each in self._client("glue").get_crawlers()["Crawlers"] if is_ours(each["Name"])]
        for crawler in crawlers:
            last = crawler.get("LastCrawl", {}).get("Status", "never ran")
            state = "busy" if crawler["State"] != "READY" else "failed" if last == "FAILED" else "ready"
            seen.put("crawler", state, crawler["State"].lower(), f"last: {last.lower()}")

    def _spark(self, seen: Seen) -> None:
        glue = self._client("glue")
        names = [name for name in glue.list_jobs()["JobNames"] if is_ours(name)]
        runs = [run for name in names for run in glue.get_job_runs(JobName=name, MaxResults=1)["JobRuns"]]
        running = [run for run in runs if run["JobRunState"] in ("STARTING", "RUNNING", "STOPPING", "WAITING")]
        sessions = [
            each
            for each in glue.list_sessions().get("Sessions", [])
            if each["Status"] in ("READY", "PROVISIONING") and is_ours(each.get("Role", "").rsplit("/", 1)[-1])
        ]
        if not names and not sessions:
            return
        workers = sum(each.get("MaxCapacity") or each.get("NumberOfWorkers") or 2 for each in [*running, *sessions])
        seen.usd_hour += workers * prices.DPU_HOUR
        last = max(runs, key=lambda run: run["StartedOn"], default=None)
        is_failed = last is not None and last["JobRunState"] in ("FAILED", "ERROR", "TIMEOUT")
        state = "busy" if running or sessions else "failed" if is_failed else "ready"
        told = [f"{len(sessions)} sessions"] if sessions else []
        told += [f"{len(running)} jobs run"] if running else [f"last: {last['JobRunState'].lower()}"] if last else []
        seen.put("spark", state, *told)

    def _databrew(self, seen: Seen) -> None:
        brew = self._client("databrew")
        jobs = [job["Name"] for job in brew.list_jobs().get("Jobs", []) if is_ours(job["Name"], job.get("Tags"))]
        runs = [run for name in jobs for run in brew.list_job_runs(Name=name, MaxResults=1).get("JobRuns", [])]
        states = [run["State"] for run in runs]
        if jobs:
            is_busy = any(state in ("STARTING", "RUNNING", "STOPPING") for state in states)
            state = "busy" if is_busy else "failed" if "FAILED" in states else "ready"
            seen.put("databrew", state, f"{len(jobs)} jobs", states[0].lower() if states else "never ran")

    def _flink(self, seen: Seen) -> None:
        listed = self._client("kinesisanalyticsv2").list_applications()["ApplicationSummaries"]
        applications = [each for each in listed if is_ours(each["ApplicationName"])]
        states = [each["ApplicationStatus"] for each in applications]
        running = sum(state in ("RUNNING", "STARTING", "UPDATING", "STOPPING") for state in states)
        seen.usd_hour += running * 2 * prices.KPU_HOUR  # one unit, and the one of each application
        if applications:
            seen.put("flink", "busy" if running else "ready", *sorted({state.lower() for state in states}))

    def _functions(self, seen: Seen) -> None:
        listed = self._client("lambda").list_functions()["Functions"]
        names = [each["FunctionName"] for each in listed if is_ours(each["FunctionName"])]
        if not names:
            return
        rate = self._rate(seen, "lambda", "AWS/Lambda", "Invocations", "FunctionName", names)
        errors = self._sum("AWS/Lambda", "Errors", "FunctionName", names)
        told = [f"{self._count('lambda'):,.0f} calls"] + ([f"{errors:,.0f} errors"] if errors else [])
        seen.put("lambda", "failed" if errors else "busy" if rate else "ready", *told)

    def _tables(self, seen: Seen) -> None:
        dynamodb = self._client("dynamodb")
        names = [name for name in dynamodb.list_tables()["TableNames"] if is_ours(name)]
        if names:
            items = sum(dynamodb.describe_table(TableName=name)["Table"].get("ItemCount", 0) for name in names)
            seen.put("serving", "ready", f"{items:,} items")

    def _machines(self, seen: Seen) -> None:
        states = self._client("stepfunctions")
        machines = [each for each in states.list_state_machines()["stateMachines"] if is_ours(each["name"])]
        found = self._client("events").list_rules()["Rules"]
        rules = [
            each for each in found if is_ours(each["Name"]) or each["Name"].startswith("automation-")
        ]  # chapter 09's
        if not machines and not rules:
            return
        latest = [
            execution
            for machine in machines
            if machine["type"] == "STANDARD"
            for execution in states.list_executions(stateMachineArn=machine["stateMachineArn"], maxResults=10)[
                "executions"
            ]
        ]
        running = sum(each["status"] == "RUNNING" for each in latest)
        is_failed = bool(latest) and latest[0]["status"] in ("FAILED", "TIMED_OUT")
        state = "busy" if running else "failed" if is_failed else "ready"
        seen.put("automate", state, f"{len(rules)} rules", f"{running} executions run" if machines else "")

    def _athena(self, seen: Seen) -> None:
        groups = [each for each in self._client("athena").list_work_groups()["WorkGroups"] if is_ours(each["Name"])]
        if groups:
            seen.put("athena", "ready", "paid by query")

    def _rate(self, seen: Seen, box: str, namespace: str, metric: str, dimension: str, names: Iterable[str]) -> float:
        """Note and return how fast a count grows, in a second; it is as fresh as the cloud's metrics."""
        total, now = self._sum(namespace, metric, dimension, names), time.monotonic()
        before, changed, rate, gap = self._counts.get(box, (total, now, 0.0, 0.0))
        if total != before:
            gap, changed = max(now - changed, 0.5), now
            rate = (total - before) / gap
        elif now - changed > max(QUIET_SECONDS, 2 * gap):
            rate = 0.0
        self._counts[box] = (total, changed, rate, gap)
        seen.rates[box] = rate
        return rate

    def _count(self, box: str) -> float:
        return self._counts[box][0]

    def _sum(self, namespace: str, metric: str, dimension: str, names: Iterable[str]) -> float:
        """Return the sum of a metric over all `names` since the first look."""
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": metric,
                        "Dimensions": [{"Name": dimension, "Value": name}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number, name in enumerate(names)
        ]
        end = datetime.now(UTC) + timedelta(minutes=1)
        answer = self._client("cloudwatch").get_metric_data(
            MetricDataQueries=queries, StartTime=self._started, EndTime=end
        )
        return float(sum(sum(result["Values"]) for result in answer["MetricDataResults"]))
