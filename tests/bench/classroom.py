"""A class at once on one local AWS: `python -m tests.bench.classroom --learners 30` (a quiet machine, some minutes).

Each learner has an account with a key of its own, whose signatures are checked, and makes the calls of chapters 01, 02 and 06 by boto3: a stack, ten
thousand events through Kinesis and Firehose into S3, a crawl, queries. No kernels: they would measure the notebooks' own Python thirty times. Then as
many Spark sessions as there are places, and one more, which has to wait.

Told: whether every result is right, slowest against fastest learner, the times of control calls, errors, and memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import psutil
from botocore.config import Config

from helpers.generator import Clock, Generator
from infra import profile, project, server_process
from infra.classroom.roster import Learner, Roster

EVENTS = 10_000
SQL = "SELECT activity_type, count(*) FROM raw GROUP BY activity_type ORDER BY activity_type"
JOIN = "SELECT count(*) FROM raw JOIN reference_data ON raw.track_id = reference_data.track_id"
DATA = {"PutRecords", "StartQueryExecution", "GetObject", "PutObject"}  # everything else is a control call


class Told(NamedTuple):
    """What became of one learner."""

    name: str
    seconds: float
    counts: dict[str, int]
    error: str


class Room:
    """The class's server, and the times of all calls."""

    def __init__(self, learners: int, sessions: int, folder: Path):
        self.home = folder
        self.roster = Roster(folder / "class")
        self.roster.enrol([f"learner-{number:02d}" for number in range(1, learners + 1)])
        settings = {"members": self.roster.members, "spark-sessions": sessions}
        self.running = server_process.start(folder, settings=settings)
        self.calls: list[tuple[str, float]] = []
        self._lock = threading.Lock()

    def client(self, learner: Learner, service: str) -> Any:
        with self._lock:  # boto3's loader is shared
            made = boto3.client(
                service,
                endpoint_url=self.running.endpoint,
                region_name=profile.REGION,
                aws_access_key_id=learner.access_key,
                aws_secret_access_key=learner.secret_key,
                config=Config(retries={"total_max_attempts": 1}, read_timeout=300),
            )
        began = threading.local()
        made.meta.events.register("before-call", lambda **_: setattr(began, "at", time.perf_counter()))
        made.meta.events.register(
            "after-call", lambda model, **_: self.calls.append((model.name, time.perf_counter() - began.at))
        )
        return made

    def until(self, ask: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 600) -> Any:
        deadline = time.monotonic() + seconds
        while not good(answer := ask()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"still {answer!r} after {seconds:.0f} s")
            time.sleep(0.2)
        return answer


def deploy(room: Room, learner: Learner, template: str) -> dict[str, str]:
    cloudformation = room.client(learner, "cloudformation")
    name = f"analytics-workshop-{template.replace('_', '-')}"
    body = (project.ROOT / "infra" / "stacks" / f"{template}.yaml").read_text()
    cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    stack = room.until(
        lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0],
        lambda each: not each["StackStatus"].endswith("_IN_PROGRESS"),
    )
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise RuntimeError(f"{name}: {stack['StackStatus']}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def ingest(room: Room, learner: Learner, lines: list[bytes]) -> None:
    """Chapter 01."""
    outputs = deploy(room, learner, "01_ingest")
    s3, kinesis = room.client(learner, "s3"), room.client(learner, "kinesis")
    bucket = outputs["BucketName"]
    s3.put_object(
        Bucket=bucket,
        Key="data/reference_data/tracks_list.json",
        Body=(project.ROOT / "data" / "tracks_list.json").read_bytes(),
    )
    for first in range(0, len(lines), 500):
        records = [{"Data": line, "PartitionKey": str(first + n)} for n, line in enumerate(lines[first : first + 500])]
        answer = kinesis.put_records(StreamName=outputs["StreamName"], Records=records)
        if answer["FailedRecordCount"]:
            raise RuntimeError(f"{answer['FailedRecordCount']} records were refused")
    whole = sum(map(len, lines))
    room.until(
        lambda: sum(item["Size"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="data/raw/").get("Contents", [])),
        lambda size: size >= whole,
    )


def catalog(room: Room, learner: Learner) -> dict[str, str]:
    """Chapter 02."""
    outputs = deploy(room, learner, "02_catalog")
    glue = room.client(learner, "glue")
    glue.start_crawler(Name=outputs["CrawlerName"])
    room.until(
        lambda: glue.get_crawler(Name=outputs["CrawlerName"])["Crawler"]["State"], lambda state: state == "READY"
    )
    return outputs


def analyze(room: Room, learner: Learner, outputs: dict[str, str]) -> dict[str, int]:
    """Chapter 06: the counts by activity, three times, and a join."""
    athena = room.client(learner, "athena")

    def ask(sql: str) -> list[list[str]]:
        query = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": outputs["DatabaseName"]},
            WorkGroup=outputs["WorkGroupName"],
        )["QueryExecutionId"]
        status = room.until(
            lambda: athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"],
            lambda told: told["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"),
        )
        if status["State"] != "SUCCEEDED":
            raise RuntimeError(status["StateChangeReason"])
        rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
        return [[cell["VarCharValue"] for cell in row["Data"]] for row in rows]

    for _ in range(3):
        counts = {name: int(count) for name, count in ask(SQL)}
    return counts | {"joined": int(ask(JOIN)[0][0])}


def learn(room: Room, learner: Learner, lines: list[bytes], start: threading.Barrier) -> Told:
    start.wait()
    began = time.monotonic()
    try:
        ingest(room, learner, lines)
        counts = analyze(room, learner, catalog(room, learner))
        return Told(learner.name, time.monotonic() - began, counts, "")
    except Exception as error:  # one that fails is told, and the others go on
        return Told(learner.name, time.monotonic() - began, {}, f"{type(error).__name__}: {error}")


def sessions(room: Room, places: int) -> dict[str, Any]:
    """Start a Spark session for each place and one more; tell whether all but the last are READY, and what the last is told."""
    wanted = room.roster.learners[: places + 1]
    for learner in wanted:
        role = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ],
            }
        )
        arn = room.client(learner, "iam").create_role(RoleName="crowd", AssumeRolePolicyDocument=role)["Role"]["Arn"]
        room.client(learner, "glue").create_session(
            Id="crowd", Role=arn, Command={"Name": "glueetl", "PythonVersion": "3"}, GlueVersion="5.1"
        )
    began = time.monotonic()

    def look(learner: Learner) -> dict[str, Any]:
        return room.client(learner, "glue").get_session(Id="crowd")["Session"]

    for learner in wanted[:places]:
        room.until(lambda learner=learner: look(learner)["Status"], lambda status: status != "PROVISIONING")
    told: dict[str, Any] = {
        "seconds": round(time.monotonic() - began, 1),
        "ready": sum(look(learner)["Status"] == "READY" for learner in wanted[:places]),
        "memory_gb": round(psutil.virtual_memory().used / 1e9, 1),
    }
    if len(wanted) > places:
        told["ninth"] = look(wanted[-1]).get("ErrorMessage", "")
        room.client(wanted[0], "glue").stop_session(Id="crowd")
        room.until(lambda: look(wanted[-1])["Status"], lambda status: status != "PROVISIONING")
        told["ninth_then"] = look(wanted[-1])["Status"]
    return told


@contextmanager
def room_of(learners: int, places: int) -> Iterator[Room]:
    with tempfile.TemporaryDirectory() as folder:
        room = Room(learners, places, Path(folder))
        try:
            yield room
        finally:
            server_process.stop(room.home)


def expected(lines: list[bytes]) -> dict[str, int]:
    """Return what the queries must find, counted from the events and the reference data themselves."""
    events = [json.loads(line) for line in lines]
    tracks = (project.ROOT / "data" / "tracks_list.json").read_text().splitlines()
    known = Counter(str(json.loads(line)["track_id"]) for line in tracks if line.strip())
    counts = Counter(event["activity_type"] for event in events)
    return dict(counts) | {"joined": sum(known[str(event["track_id"])] for event in events)}


def crowd(room: Room) -> dict[str, Any]:
    """Let everybody work at once; return the figures."""
    template = (project.ROOT / "data" / "record_template_workshop.txt").read_text()
    generator = Generator(template, seed=7, clock=Clock("2026-01-05T09:00:00Z", step=0.06))
    lines = [f"{event}\n".encode() for event in generator.records(EVENTS)]
    start = threading.Barrier(len(room.roster.learners))
    with ThreadPoolExecutor(len(room.roster.learners)) as threads:
        told = list(threads.map(lambda learner: learn(room, learner, lines, start), room.roster.learners))
    seconds = [each.seconds for each in told]
    right = expected(lines)
    control = sorted(time for name, time in room.calls if name not in DATA)
    return {
        "learners": len(told),
        "right": sum(not each.error and each.counts == right for each in told),
        "counts": right,
        "errors": [f"{each.name}: {each.error}" for each in told if each.error],
        "fastest_s": round(min(seconds), 1),
        "slowest_s": round(max(seconds), 1),
        "slowest_by_fastest": round(max(seconds) / min(seconds), 2),
        "calls": len(room.calls),
        "control_p50_s": round(statistics.median(control), 3),
        "control_p95_s": round(control[int(0.95 * len(control))], 3),
        "memory_gb": round(psutil.virtual_memory().used / 1e9, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.classroom")
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--spark-sessions", type=int, default=8, help="places; 0 leaves the sessions out")
    options = parser.parse_args()
    with room_of(options.learners, options.spark_sessions or 8) as room:
        figures = crowd(room)
        print(json.dumps(figures, indent=1), flush=True)
        if options.spark_sessions:
            figures["sessions"] = sessions(room, options.spark_sessions)
            print(json.dumps(figures["sessions"], indent=1))
    good = figures["right"] == options.learners and figures["slowest_by_fastest"] <= 2 and figures["control_p95_s"] <= 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
