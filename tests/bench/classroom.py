"""A class at once on one local AWS: `python -m tests.bench.classroom --learners 30` (a quiet machine, some minutes), or the group `class` of tests.bench.

Each learner is a process, and an account with a key of its own whose signatures are checked. It makes the calls of chapters 01, 02 and 06 by boto3: two
stacks by change sets, ten thousand events through Kinesis and Firehose into S3, a crawl, queries. No kernels: they would measure the notebooks' own Python
thirty times. Then as many Spark sessions as there are places, and one more, which has to wait.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Empty
from typing import Any

import boto3
import psutil
from botocore.config import Config

from helpers.generator import Clock, Generator
from infra import profile, project, server_process
from infra.classroom.roster import Learner, Roster
from tests.bench.report import row

LEARNERS, SHORT_LEARNERS, PLACES = 30, 4, 8
EVENTS, BATCH = 10_000, 500
LOOK_SECONDS = 0.2  # between two looks, as the helpers begin
WORST_SECONDS = 900
COUNTS = "SELECT activity_type, count(*) FROM raw GROUP BY activity_type ORDER BY activity_type"
JOIN = "SELECT count(*) FROM raw JOIN reference_data ON raw.track_id = reference_data.track_id"
DATA = {"PutRecords", "StartQueryExecution", "GetObject", "PutObject"}  # everything else is a control call
TRUST = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}


@dataclass
class Told:
    """What became of one learner; times in seconds."""

    name: str
    whole: float = 0.0
    stacks: list[float] = field(default_factory=list)  # from CreateChangeSet to CREATE_COMPLETE
    calls: list[tuple[str, float]] = field(default_factory=list)  # operation, its time
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""


def until(ask: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + WORST_SECONDS
    while not good(answer := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {answer!r} after {WORST_SECONDS} s")
        time.sleep(LOOK_SECONDS)
    return answer


class Desk:
    """One learner at work, each call timed."""

    def __init__(self, endpoint: str, learner: Learner):
        self.told = Told(learner.name)
        self._endpoint, self._learner = endpoint, learner

    def client(self, service: str) -> Any:
        made = boto3.client(
            service,
            endpoint_url=self._endpoint,
            region_name=profile.REGION,
            aws_access_key_id=self._learner.access_key,
            aws_secret_access_key=self._learner.secret_key,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=300),
        )
        began = [0.0]
        made.meta.events.register("before-call", lambda **_: began.__setitem__(0, time.perf_counter()))
        made.meta.events.register(
            "after-call", lambda model, **_: self.told.calls.append((model.name, time.perf_counter() - began[0]))
        )
        return made

    def work(self, lines: list[bytes]) -> None:
        began = time.perf_counter()
        self._ingest(lines)
        self.told.counts = self._analyze(self._catalog())
        self.told.whole = time.perf_counter() - began

    def _deploy(self, template: str) -> dict[str, str]:
        cloudformation, began = self.client("cloudformation"), time.perf_counter()
        name = f"analytics-workshop-{template.replace('_', '-')}"
        body = (project.ROOT / "infra" / "stacks" / f"{template}.yaml").read_text()
        change = cloudformation.create_change_set(
            StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
        )  # fmt: skip
        until(
            lambda: cloudformation.describe_change_set(ChangeSetName=change["Id"])["Status"],
            lambda status: not status.endswith(("PENDING", "IN_PROGRESS")),
        )
        cloudformation.execute_change_set(ChangeSetName=change["Id"])
        stack = until(
            lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0],
            lambda each: not each["StackStatus"].endswith("IN_PROGRESS"),
        )
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise RuntimeError(f"{name}: {stack['StackStatus']}")
        self.told.stacks.append(time.perf_counter() - began)
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def _ingest(self, lines: list[bytes]) -> None:
        """Chapter 01."""
        outputs = self._deploy("01_ingest")
        s3, kinesis, bucket = self.client("s3"), self.client("kinesis"), outputs["BucketName"]
        tracks = (project.ROOT / "data" / "tracks_list.json").read_bytes()
        s3.put_object(Bucket=bucket, Key="data/reference_data/tracks_list.json", Body=tracks)
        for first in range(0, len(lines), BATCH):
            records = [
                {"Data": line, "PartitionKey": str(number)} for number, line in enumerate(lines[first : first + BATCH])
            ]
            if refused := kinesis.put_records(StreamName=outputs["StreamName"], Records=records)["FailedRecordCount"]:
                raise RuntimeError(f"{refused} records were refused")
        until(
            lambda: s3.list_objects_v2(Bucket=bucket, Prefix="data/raw/").get("Contents", []),
            lambda files: sum(file["Size"] for file in files) >= sum(map(len, lines)),
        )

    def _catalog(self) -> dict[str, str]:
        """Chapter 02."""
        outputs, glue = self._deploy("02_catalog"), self.client("glue")
        glue.start_crawler(Name=outputs["CrawlerName"])
        ask = lambda: glue.get_crawler(Name=outputs["CrawlerName"])["Crawler"]["State"]  # noqa: E731
        until(ask, lambda state: state == "READY")
        return outputs

    def _analyze(self, outputs: dict[str, str]) -> dict[str, int]:
        """Chapter 06: the counts by activity, three times, and a join."""
        athena = self.client("athena")

        def ask(sql: str) -> list[list[str]]:
            query = athena.start_query_execution(
                QueryString=sql,
                QueryExecutionContext={"Database": outputs["DatabaseName"]},
                WorkGroup=outputs["WorkGroupName"],
            )["QueryExecutionId"]
            status = until(
                lambda: athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"],
                lambda told: told["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"),
            )
            if status["State"] != "SUCCEEDED":
                raise RuntimeError(status["StateChangeReason"])
            rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
            return [[cell["VarCharValue"] for cell in row["Data"]] for row in rows]

        answers = [{name: int(count) for name, count in ask(COUNTS)} for _ in range(3)]
        if any(answer != answers[0] for answer in answers):
            raise RuntimeError(f"one question, several answers: {answers}")
        return answers[0] | {"joined": int(ask(JOIN)[0][0])}


def _process(endpoint: str, learner: Learner, lines: list[bytes], ready: Barrier, told: Any) -> None:
    desk = Desk(endpoint, learner)
    ready.wait(WORST_SECONDS)
    try:
        desk.work(lines)
    except Exception as error:  # one that fails is told, and the others go on
        desk.told.error = f"{type(error).__name__}: {error}"
    told.put(desk.told)


def at_once(endpoint: str, learners: list[Learner], lines: list[bytes]) -> list[Told]:
    """Let all learners work at once; return what became of each."""
    context = multiprocessing.get_context("fork")  # boto3 is loaded once
    ready, told = context.Barrier(len(learners)), context.Queue()
    running = [
        context.Process(target=_process, args=(endpoint, learner, lines, ready, told), daemon=True)
        for learner in learners
    ]
    for process in running:
        process.start()
    try:
        return [told.get(timeout=WORST_SECONDS) for _ in running]
    except Empty:
        raise RuntimeError("a learner did not come to the end") from None
    finally:
        for process in running:
            process.kill()


def expected(lines: list[bytes]) -> dict[str, int]:
    """Return what the queries must find, counted from the events and the reference data themselves."""
    events = [json.loads(line) for line in lines]
    tracks = (project.ROOT / "data" / "tracks_list.json").read_text().splitlines()
    known = Counter(json.loads(line)["track_id"] for line in tracks if line.strip())
    counts = Counter(event["activity_type"] for event in events)
    return dict(counts) | {"joined": sum(known[event["track_id"]] for event in events)}


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def rows_of(told: list[Told], right: dict[str, int]) -> list[str]:
    """Return the rows of what all learners together have measured."""
    errors = [f"{each.name}: {each.error}" for each in told if each.error]
    for error in errors[:3]:
        print(error, flush=True)
    correct = sum(each.counts == right for each in told)
    wholes = [each.whole for each in told if each.whole] or [float("inf")]
    stacks = [each.stacks[0] for each in told if each.stacks] or [float("inf")]
    control = [taken for each in told for name, taken in each.calls if name not in DATA] or [float("inf")]
    ratio, slow = max(wholes) / min(wholes), _p95(control)
    return [
        row("Learners whose results are all right", f"{correct} of {len(told)}", "all", correct == len(told)),
        row("Errors", str(len(errors)), "0", not errors),
        row("p50 of control calls", f"{statistics.median(control) * 1000:.0f} ms", "", True),
        row("p95 of control calls", f"{slow * 1000:.0f} ms", "≤ 1,000 ms", slow <= 1),
        row("First stack, the slowest learner's", f"{max(stacks):.1f} s", "", True),
        row("All of it, the fastest learner", f"{min(wholes):.1f} s", "", True),
        row("All of it, the slowest learner", f"{max(wholes):.1f} s", "", True),
        row("Slowest learner / fastest", f"{ratio:.2f}", "≤ 2", ratio <= 2),
    ]


def sessions(endpoint: str, learners: list[Learner], places: int) -> list[str]:
    """Start a Spark session for each place and one more, which waits for the first that ends; return the rows."""
    began, desks = time.perf_counter(), [Desk(endpoint, learner) for learner in learners[: places + 1]]
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    for desk in desks:
        role = desk.client("iam").create_role(RoleName="class", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        command = {"Name": "glueetl", "PythonVersion": "3"}
        desk.client("glue").create_session(Id="class", Role=role, Command=command, GlueVersion="5.1")

    def look(desk: Desk, name: str = "Status") -> str:
        return str(desk.client("glue").get_session(Id="class")["Session"].get(name, ""))

    *first, last = desks
    ended = [until(lambda desk=desk: look(desk), lambda status: status != "PROVISIONING") for desk in first]
    ready, took, waits = ended.count("READY"), time.perf_counter() - began, look(last, "ErrorMessage")
    first[0].client("glue").stop_session(Id="class")
    then = until(lambda: look(last), lambda status: status != "PROVISIONING")
    return [
        row("Spark sessions at once that are READY", f"{ready} of {len(first)}", "all", ready == len(first)),
        row("All of them, from the first call", f"{took:.1f} s", "", True),
        row("What the next one is told", f"“{waits}”", "its place", waits.startswith("queue place 1:")),
        row("The next one, when a session has ended", then, "READY", then == "READY"),
        row("Memory of the machine in use", f"{psutil.virtual_memory().used / 2**30:.1f} GiB", "", True),
    ]


def measure(short: bool, learners: int = LEARNERS, places: int = PLACES) -> list[str]:
    """Return the section of docs/benchmarks.md.

    Parameters
    ----------
    short: a few learners, no Spark sessions
    learners: how many work at once
    places: how many Spark sessions may run at once; 0 leaves the sessions out
    """
    learners, places = (SHORT_LEARNERS, 0) if short else (learners, places)
    template = (project.ROOT / "data" / "record_template_workshop.txt").read_text()
    generator = Generator(template, seed=7, clock=Clock("2026-01-05T09:00:00Z", step=0.06))
    lines = [f"{event}\n".encode() for event in generator.records(EVENTS)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        roster = Roster(Path(folder) / "class")
        roster.enrol([f"learner-{number:02d}" for number in range(1, max(learners, places + 1 if places else 0) + 1)])
        settings = {"members": roster.members, "spark-sessions": places or PLACES}
        running = server_process.start(Path(folder), settings=settings)
        try:
            rows = rows_of(at_once(running.endpoint, roster.learners[:learners], lines), expected(lines))
            server = psutil.Process(running.pid)
            times = server.cpu_times()
            rows += [
                row("Processor time of the server and its queries", f"{sum(times[:4]):.0f} s", "", True),
                row("Memory of the server afterwards", f"{server.memory_info().rss / 2**20:.0f} MB", "", True),
            ]
            rows += sessions(running.endpoint, roster.learners, places) if places else []
        finally:
            server_process.stop(Path(folder))
    then = f"; then {places} Spark sessions and one more" if places else ""
    return [
        f"{learners} learners, each a process, and an account whose signatures are checked, on the cores of the server: chapters 01, 02 and 06 by boto3, "
        f"{EVENTS:,} events each{then}.",
        "",
        "| what | value | goal | met |",
        "|---|---|---|---|",
        *rows,
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.classroom")
    parser.add_argument("--learners", type=int, default=LEARNERS)
    parser.add_argument("--spark-sessions", type=int, default=PLACES, help="places; 0 leaves the sessions out")
    options = parser.parse_args()
    return int(any("**no**" in line for line in measure(False, options.learners, options.spark_sessions)))


if __name__ == "__main__":
    sys.exit(main())
