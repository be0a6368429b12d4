"""Spark: sessions and jobs of Glue, against plain PySpark on the same Java, jars and settings in the same run."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from infra.engines.spark import options
from infra.kernels import glue as glue_kernel
from tests.bench import doubles, lake, scaling
from tests.bench.doubles import Double
from tests.bench.kernel import Kernel, resident_mb
from tests.bench.plain import Plain
from tests.bench.report import row

BUCKET, LARGE, DATABASE = "bench-spark", "bench-spark-large", "bench"
PAUSE = 10  # seconds between two runs of a job: the learner reads what came out
STATEMENT = "spark.range(1000).count()"

CHAIN = """
raw = glue_context.create_dynamic_frame.from_catalog(database="bench", table_name="{table}")
tracks = glue_context.create_dynamic_frame.from_catalog(database="bench", table_name="reference_data")
joined = Join.apply(raw, tracks, "track_id", "track_id")
clean = DropFields.apply(frame=joined, paths=["partition_0", "partition_1", "partition_2", "partition_3", "`.track_id`"])
glue_context.write_dynamic_frame.from_options(
    frame=clean, connection_type="s3", connection_options={{"path": "{target}"}}, format="parquet"
)
"""
IMPORTS = """
from awsglue.context import GlueContext
from awsglue.transforms import DropFields, Join
from pyspark.context import SparkContext

glue_context = GlueContext(SparkContext.getOrCreate())
spark = glue_context.spark_session
"""
JOB = f"""{IMPORTS}
import sys
from awsglue.job import Job
from awsglue.utils import getResolvedOptions

arguments = getResolvedOptions(sys.argv, ["JOB_NAME"])
job = Job(glue_context)
job.init(arguments["JOB_NAME"], arguments)
{CHAIN.format(table="raw", target=f"s3://{BUCKET}/joined-by-job/")}
job.commit()
"""


class Lab:
    """A server with the workshop's 10,000 events and its reference data in the Data Catalog, and a role for Glue."""

    def __init__(self, double: Double, home: Path, large: int = 0):
        """Fill the server; `large` is how many events the table `large` has, 0 for no such table."""
        self.double, self.home = double, home
        self.s3, self.glue = self.double.client("s3"), self.double.client("glue")
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.create_bucket(Bucket=LARGE)  # beside `raw` in one bucket, the crawler would take both for one table
        self.s3.put_object(Bucket=BUCKET, Key="data/reference_data/tracks_list.json", Body=scaling.TRACKS.read_bytes())
        self.raw = scaling.fill(self.s3, BUCKET, "raw", 10_000, scaling.FIREHOSE)
        self.large = scaling.fill(self.s3, LARGE, "large", large, scaling.FIREHOSE) if large else self.raw
        made = self.double.client("iam").create_role(
            RoleName=glue_kernel.ROLE, AssumeRolePolicyDocument=json.dumps(lake.TRUST)
        )
        self.role = made["Role"]["Arn"]
        self.glue.create_database(DatabaseInput={"Name": DATABASE})
        paths = [f"s3://{BUCKET}/data/", *([self.large.url] if large else [])]
        targets = {"S3Targets": [{"Path": path} for path in paths]}
        self.glue.create_crawler(Name="bench", Role=self.role, DatabaseName=DATABASE, Targets=targets)
        self.glue.start_crawler(Name="bench")
        while self.glue.get_crawler(Name="bench")["Crawler"]["State"] != "READY":
            time.sleep(0.02)
        self.s3.put_object(Bucket=BUCKET, Key="scripts/join.py", Body=JOB.encode())
        self.glue.create_job(
            Name="join",
            Role=self.role,
            GlueVersion="5.1",
            WorkerType="G.1X",
            NumberOfWorkers=2,
            Command={"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/scripts/join.py"},
        )

    def job(self) -> float:
        """Seconds from StartJobRun until GetJobRun says SUCCEEDED."""
        started = time.perf_counter()
        run = self.glue.start_job_run(JobName="join")["JobRunId"]
        while True:
            found = self.glue.get_job_run(JobName="join", RunId=run)["JobRun"]
            if found["JobRunState"] == "SUCCEEDED":
                return time.perf_counter() - started
            if found["JobRunState"] in ("FAILED", "STOPPED", "TIMEOUT", "ERROR"):
                raise RuntimeError(found.get("ErrorMessage", found["JobRunState"]))
            time.sleep(0.05)

    def session(self, name: str, conf: str) -> float:
        """Seconds from CreateSession until GetSession says READY. Another `conf` than the last one's: never the spare driver."""
        started = time.perf_counter()
        self.glue.create_session(
            Id=name,
            Role=self.role,
            Command={"Name": "glueetl", "PythonVersion": "3"},
            DefaultArguments={"--conf": f"spark.app.name={conf}"},
        )
        while True:
            session = self.glue.get_session(Id=name)["Session"]
            if session["Status"] == "READY":
                return time.perf_counter() - started
            if session["Status"] == "FAILED":
                raise RuntimeError(session["ErrorMessage"])
            time.sleep(0.02)

    def statement(self, session: str, code: str) -> tuple[float, str]:
        """Seconds from RunStatement until GetStatement has the result, and its text."""
        started = time.perf_counter()
        number = self.glue.run_statement(SessionId=session, Code=code)["Id"]
        while True:
            found = self.glue.get_statement(SessionId=session, Id=number)["Statement"]
            if found["State"] in ("AVAILABLE", "ERROR", "CANCELLED"):
                break
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        if found["Output"]["Status"] != "ok":
            raise RuntimeError(found["Output"]["ErrorValue"])
        return seconds, found["Output"]["Data"]["TextPlain"]


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    runs, statements, large = (1, 5, 100_000) if short else (3, 15, 1_000_000)
    options.make_archive()
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as name:
        cold = [_first_job(Path(name) / f"cold-{number}") for number in range(runs)]
        with doubles.ours_running(Path(name) / "home") as double:
            lab = Lab(double, Path(name) / "home", large)
            rows = [*_sessions(lab, runs), *_jobs(lab, cold, runs), *_statements(lab, statements), *_chain(lab, runs)]
    return [
        "Glue's sessions and jobs by boto3 and by AWS's own kernel (nbclient); plain PySpark is a process of its own with the same Java, jars and",
        f"settings. Runs take turns; figures are medians of {runs}, of statements {statements}.",
        "",
        "| what | value | goal | met |",
        "|---|---|---|---|",
        *rows,
    ]


def _first_job(home: Path) -> float:
    with doubles.ours_running(home) as double:
        return Lab(double, home).job()


def _sessions(lab: Lab, runs: int) -> list[str]:
    seconds = []
    for number in range(runs):
        seconds.append(lab.session(f"cold-{number}", f"cold-{number}"))
        lab.glue.stop_session(Id=f"cold-{number}")
    time.sleep(PAUSE)
    spare = lab.session("main", f"cold-{runs - 1}")
    ready = statistics.median(seconds)
    return [
        row("Session from CreateSession to READY, with the class archive", f"{ready:.1f} s", "≤ 5 s", ready <= 5),
        row(
            f"… the same settings again, {PAUSE} s after the session before (a spare driver)",
            f"{spare:.2f} s",
            "",
            True,
        ),
    ]


def _jobs(lab: Lab, cold: list[float], runs: int) -> list[str]:
    warm = []
    lab.job()
    for _ in range(runs):
        time.sleep(PAUSE)
        warm.append(lab.job())
    first, again = statistics.median(cold), statistics.median(warm)
    return [
        row("Job of 10,000 records, the first of a server", f"{first:.1f} s", "≤ 12 s", first <= 12),
        row(f"… again, {PAUSE} s after the one before", f"{again:.1f} s", "≤ 6 s", again <= 6),
    ]


def _statements(lab: Lab, count: int) -> list[str]:
    """The same code in plain PySpark, by the API and through AWS's kernel, in turns."""
    plain, api, kernel = [], [], []
    with Plain(lab.double) as spark, Kernel("glue_pyspark", lab.double, lab.home) as notebook:
        notebook.run(STATEMENT)
        for _ in range(count + 1):
            plain.append(spark.run(STATEMENT))
            api.append(_right(*lab.statement("main", STATEMENT)))
            kernel.append(_right(*notebook.run(STATEMENT)))
        notebook.run("%stop_session")
    # the first of each waits for classes
    code, by_api, by_kernel = (statistics.median(each[1:]) * 1000 for each in (plain, api, kernel))
    driver = int(lab.statement("main", "import os\nos.getpid()")[1])
    lab.statement("main", IMPORTS + CHAIN.format(table="raw", target=f"s3://{BUCKET}/joined-by-session/"))
    memory = resident_mb(driver)
    return [
        row(
            f"Statement `{STATEMENT}` by the API, over plain PySpark",
            f"{by_api:.0f} − {code:.0f} = {by_api - code:.0f} ms",
            "≤ 60 ms",
            by_api - code <= 60,
        ),
        row(
            "… through AWS's kernel, over plain PySpark",
            f"{by_kernel:.0f} − {code:.0f} = {by_kernel - code:.0f} ms",
            "≤ 150 ms",
            by_kernel - code <= 150,
        ),
        row(
            "Memory of a session's driver (Python and Java) after a join", f"{memory:.0f} MB", "≤ 700 MB", memory <= 700
        ),
    ]


def _right(seconds: float, text: str) -> float:
    if text.strip() != "1000":
        raise RuntimeError(f"The statement gave {text!r}, not 1000.")
    return seconds


def _chain(lab: Lab, runs: int) -> list[str]:
    """awsglue and DataFrames in one process, in turns, each into a folder of its own."""
    ours, plain = [], []
    with Plain(lab.double) as spark:
        spark.run(IMPORTS)
        for number in range(-1, runs):
            data = (lab.raw, "raw") if number < 0 else (lab.large, "large")
            for name, seconds, code in (("glue", ours, CHAIN), ("plain", plain, scaling.JOIN)):
                target = f"s3://{BUCKET}/joined-{name}-{number}/"
                given: dict[str, Any] = {"target": target, "table": data[1], "raw": data[0].url, "write": scaling.PLAIN}
                seconds.append(spark.run(code.format(**given, reference=f"s3://{BUCKET}/data/reference_data/")))
                scaling.written(lab.s3, target, data[0].joined)
    chain, frames = statistics.median(ours[1:]), statistics.median(plain[1:])
    return [
        row(
            f"from_catalog → Join → DropFields → Parquet over {lab.large.records:,} records against plain DataFrames",
            f"{chain:.1f} s against {frames:.1f} s = {chain / frames:.2f} ×",
            "≤ 1.3 ×",
            chain <= 1.3 * frames,
        )
    ]
