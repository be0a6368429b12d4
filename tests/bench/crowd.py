"""A class at work at once: each learner, a process with an account of its own, deploys the first stacks, sends 10,000 records and asks six queries."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Empty
from typing import Any

from infra import project
from tests.bench import doubles
from tests.bench.doubles import Double
from tests.bench.lake import ACTIVITIES, COLUMNS, _lines
from tests.bench.report import row

LEARNERS, SHORT_LEARNERS = 30, 8
RECORDS, BATCH, OBJECTS = 10_000, 500, 10
LOOK_SECONDS = 0.2  # between two looks, as the helpers begin
STACKS = ("01_ingest", "02_catalog")
TABLE = "analyticsworkshopdb.raw"
QUERIES = (
    f"SELECT count(*) FROM {TABLE}",
    f"SELECT activity_type, count(*) FROM {TABLE} GROUP BY 1 ORDER BY 1",
    f"SELECT track_id, avg(device_temp) FROM {TABLE} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5",
    f"SELECT count(DISTINCT device_id) FROM {TABLE} WHERE device_temp > 30",
    f"WITH busy AS (SELECT device_id, count(*) AS n FROM {TABLE} GROUP BY 1) SELECT max(n), min(n) FROM busy",
    f"SELECT activity_type, rank() OVER (ORDER BY count(*) DESC) FROM {TABLE} GROUP BY 1 ORDER BY 2, 1",
)
WORST_SECONDS = 900


@dataclass
class Told:
    """What one learner measured, in seconds."""

    calls: list[tuple[str, float]] = field(default_factory=list)  # operation, its time
    stacks: list[float] = field(default_factory=list)  # from CreateChangeSet to CREATE_COMPLETE
    whole: float = 0.0
    error: str = ""


class Learner:
    """One account's way through the first chapters, each call timed."""

    def __init__(self, double: Double, number: int):
        self.account, self.told = f"{300_000_000_000 + number}", Told()
        self._seed, self._double = number, double
        names = ("cloudformation", "kinesis", "s3", "glue", "athena")
        self._clients = {name: double.client(name, self.account) for name in names}
        self._objects = [_lines(RECORDS // OBJECTS, number * OBJECTS + part) for part in range(OBJECTS)]

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        started = time.perf_counter()
        answer = getattr(self._clients[service], operation)(**given)
        self.told.calls.append((f"{service}.{operation}", time.perf_counter() - started))
        return answer

    def work(self) -> None:
        started = time.perf_counter()
        outputs = {}
        for template in STACKS:
            outputs |= self._deploy(template)
        self._send(outputs["StreamName"])
        self._store(outputs["BucketName"])
        for sql in QUERIES:
            self._query(sql, outputs["BucketName"])
        self.told.whole = time.perf_counter() - started

    def _deploy(self, template: str) -> dict[str, str]:
        name, started = f"analytics-workshop-{template.replace('_', '-')}", time.perf_counter()
        body = (project.ROOT / "infra" / "stacks" / f"{template}.yaml").read_text()
        made = self.ask(
            "cloudformation", "create_change_set", StackName=name, ChangeSetName="first", ChangeSetType="CREATE",
            TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"],
        )  # fmt: skip
        while (
            status := self.ask("cloudformation", "describe_change_set", ChangeSetName=made["Id"])["Status"]
        ) != "CREATE_COMPLETE":
            assert status.startswith("CREATE_"), status
            time.sleep(LOOK_SECONDS)
        self.ask("cloudformation", "execute_change_set", ChangeSetName=made["Id"])
        while True:
            self.ask("cloudformation", "describe_stack_events", StackName=made["StackId"])
            (stack,) = self.ask("cloudformation", "describe_stacks", StackName=made["StackId"])["Stacks"]
            if stack["StackStatus"] == "CREATE_COMPLETE":
                break
            assert stack["StackStatus"].endswith("IN_PROGRESS"), stack
            time.sleep(LOOK_SECONDS)
        self.told.stacks.append(time.perf_counter() - started)
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def _send(self, stream: str) -> None:
        lines = b"".join(self._objects).splitlines(keepends=True)
        for start in range(0, RECORDS, BATCH):
            records = [
                {"Data": line, "PartitionKey": str(at)} for at, line in enumerate(lines[start : start + BATCH], start)
            ]
            answer = self.ask("kinesis", "put_records", StreamName=stream, Records=records)
            assert answer["FailedRecordCount"] == 0

    def _store(self, bucket: str) -> None:
        for number, body in enumerate(self._objects):
            self.ask("s3", "put_object", Bucket=bucket, Key=f"data/own/{number}.json", Body=body)
        columns = [dict(zip(("Name", "Type"), each.split(), strict=True)) for each in COLUMNS]
        descriptor = {
            "Columns": columns,
            "Location": f"s3://{bucket}/data/own/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
        }
        database, name = TABLE.split(".")
        table = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": descriptor}
        self.ask("glue", "create_table", DatabaseName=database, TableInput=table)

    def _query(self, sql: str, bucket: str) -> None:
        output = {"OutputLocation": f"s3://{bucket}/query_results/"}
        identifier = self.ask("athena", "start_query_execution", QueryString=sql, ResultConfiguration=output)[
            "QueryExecutionId"
        ]
        while True:
            status = self.ask("athena", "get_query_execution", QueryExecutionId=identifier)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                break
            assert status["State"] in ("QUEUED", "RUNNING"), status
            time.sleep(LOOK_SECONDS)
        rows = self.ask("athena", "get_query_results", QueryExecutionId=identifier)["ResultSet"]["Rows"]
        if sql == QUERIES[0]:
            assert rows[1]["Data"][0]["VarCharValue"] == str(RECORDS), rows
        elif sql == QUERIES[1]:
            assert [each["Data"][0]["VarCharValue"] for each in rows[1:]] == sorted(ACTIVITIES), rows


def _process(double: Double, number: int, ready: Barrier, told: Any) -> None:
    learner = Learner(double, number)
    ready.wait(WORST_SECONDS)
    try:
        learner.work()
    except Exception as error:
        learner.told.error = f"{type(error).__name__}: {error}"
    told.put(learner.told)


def crowd(double: Double, learners: int) -> list[Told]:
    """Let so many learners work at once, and return what each measured."""
    context = multiprocessing.get_context("fork")  # boto3 is loaded once
    ready, told = context.Barrier(learners), context.Queue()
    running = [context.Process(target=_process, args=(double, at, ready, told), daemon=True) for at in range(learners)]
    for process in running:
        process.start()
    try:
        return [told.get(timeout=WORST_SECONDS) for _ in running]
    except Empty:
        raise RuntimeError("a learner did not come to the end") from None
    finally:
        for process in running:
            process.kill()


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def measure(short: bool) -> list[str]:
    learners = SHORT_LEARNERS if short else LEARNERS
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, doubles.ours_running(Path(folder) / "home") as double:
        told = crowd(double, learners)
        memory, processor = double.resident_mb(), double.processor_seconds()
    errors = [each.error for each in told if each.error]
    calls = [each for one in told for each in one.calls]
    seconds = [taken for _, taken in calls]
    firsts = [one.stacks[0] for one in told if one.stacks]
    wholes = [one.whole for one in told if one.whole]
    rows = [
        row("Calls that failed", str(len(errors)), "0", not errors),
        row("p95 of all calls", f"{_p95(seconds) * 1000:.0f} ms", "≤ 400 ms", _p95(seconds) <= 0.4),
        row("First stack, median", f"{statistics.median(firsts):.1f} s", "", True),
        row("First stack, the slowest learner's", f"{max(firsts):.1f} s", "≤ 5 s", max(firsts) <= 5),
        row("All of it, the slowest learner", f"{max(wholes, default=0):.1f} s", "", True),
        row("Slowest learner / fastest", f"{max(wholes, default=0) / min(wholes, default=1):.2f}", "", True),
        row("Processor time of the server", f"{processor:.0f} s", "", True),
        row("Memory of the server afterwards", f"{memory:.0f} MB", "", True),
    ]
    names = sorted({name for name, _ in calls})
    table = ["", "| operation | calls | median | p95 |", "|---|---|---|---|"]
    for name in names:
        own = [taken for each, taken in calls if each == name]
        table.append(f"| {name} | {len(own)} | {statistics.median(own) * 1000:.0f} ms | {_p95(own) * 1000:.0f} ms |")
    for error in errors[:3]:
        print(json.dumps(error), flush=True)
    head = [
        f"{learners} learners, each a process with an account of its own, on the cores of the server: chapter 01's and 02's stacks by change sets, "
        f"{RECORDS:,} records by PutRecords, {OBJECTS} objects, a table, {len(QUERIES)} queries.",
        "",
        "| what | value | goal | met |",
        "|---|---|---|---|",
    ]
    return [*head, *rows, *table]
