"""Spark driver processes: crashes with their reason, starts that fail, and job runs."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict

import psutil
import pytest

from infra.engines import jars
from infra.engines.java import java_home
from infra.engines.spark import job, options
from infra.engines.spark.client import DriverLost
from infra.engines.spark.protocol import Channel
from tests.engines.spark_session import ACCOUNT, BUCKET, START_SECONDS, Session
from tests.polling import until


def test_driver_that_is_killed_says_why(server):
    running = Session(server.endpoint)
    running.driver.ready.result(START_SECONDS)
    started = (
        "import os, subprocess, time\nsleeping = subprocess.Popen(['sleep', '600'])\nif os.fork() == 0: time.sleep(600)"
    )
    assert running.run(started)["status"] == "ok"  # they hold the driver's outputs, the second its channel too
    children = psutil.Process(running.driver.pid).children(recursive=True)
    assert len(children) == 3
    future = running.submit("import time\ntime.sleep(600)")
    os.kill(running.driver.pid, signal.SIGKILL)
    with pytest.raises(DriverLost, match="killed by signal 9 \\(SIGKILL\\)"):
        future.result(20)
    assert "SIGKILL" in running.driver.exited.result(20)
    with pytest.raises(DriverLost):
        running.submit("1")
    until(lambda: not any(child.is_running() for child in children))


def test_messages_that_come_with_the_first_one_are_not_lost(server, tmp_path):
    settings = options.Settings(server.endpoint, "us-east-1", ACCOUNT, "test")
    messages = [
        {"do": "start", "settings": asdict(settings), "catalog": False},
        {"do": "run", "id": 7, "code": "6 * 7"},
    ]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall("".join(json.dumps(message) + "\n" for message in messages).encode())
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.engines.spark.driver", str(theirs.fileno())],
            cwd=tmp_path,
            env=options.environment(settings, tmp_path),
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(START_SECONDS)
        channel = Channel(ours)
        done = next(message for message in channel.messages() if message["event"] == "done")
        assert (done["id"], done["result"]["text"]) == (7, "42")
        channel.send({"do": "stop"})
        assert process.wait(20) == 0


def test_java_that_is_killed_ends_the_driver(server):
    running = Session(server.endpoint)
    running.driver.ready.result(START_SECONDS)
    java = psutil.Process(running.driver.pid).children()[0]
    java.kill()
    with pytest.raises(DriverLost, match="Java"):
        running.run("import time\ntime.sleep(600)")


def test_cancel_after_spark_was_started_anew(server):
    running = Session(server.endpoint)
    running.run("spark.stop()\nfrom pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()")
    until(lambda: running.run("spark.range(3).count()").get("text") == "3")
    started = []
    running.number += 1
    endless = "spark.range(10**13).selectExpr('sum(sqrt(id))').collect()"
    future = running.driver.run(running.number, endless, started=lambda: started.append(1))
    until(lambda: started)
    running.driver.cancel(running.number)
    assert future.result(20)["status"] == "cancelled"
    assert running.run("spark.range(4).count()")["text"] == "4"  # the cancelled job has left the cores
    running.driver.stop()


def test_out_of_memory_is_named(server):
    running = Session(server.endpoint, conf={"spark.driver.memory": "512m"})
    running.driver.ready.result(START_SECONDS)
    with pytest.raises(DriverLost, match="^Command Failed due to Out of Memory$"):
        running.run("spark._jvm.java.util.ArrayList(10**9)")


def test_spark_that_cannot_start_says_why(server):
    running = Session(server.endpoint, conf={"spark.driver.memory": "256m"})
    with pytest.raises(DriverLost, match="^Spark could not start: .*INVALID_DRIVER_MEMORY") as lost:
        running.driver.ready.result(START_SECONDS)
    assert "\n" not in str(lost.value)


def test_jars_offline(monkeypatch, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(jars, "MAVEN", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("WORKSHOP_CACHE", str(tmp_path))
        with pytest.raises(
            RuntimeError, match="hadoop-aws-3.3.4.jar could not be downloaded .*connect to the internet"
        ):
            jars.fetch(jars.SPARK)
    assert (java_home() / "bin" / "java").exists()


# jobs


@pytest.fixture
def run_job(server, tmp_path):
    """Run a script as a job; returns its result and the lines it wrote."""

    def run(script: str, *arguments: str, **settings):
        path = tmp_path / "script.py"
        path.write_text(script)
        running = Session(server.endpoint, **settings)
        running.driver.ready.result(START_SECONDS)
        result = running.driver.run_job(path, list(arguments)).result(START_SECONDS)
        running.driver.stop()
        return result, running.lines

    return run


SCRIPT = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
import more

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
sc = SparkContext()
glueContext = GlueContext(sc)
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
rdd = sc.parallelize([{"n": more.double(i)} for i in range(5)]).map(lambda r: {"n": more.double(r["n"])})
frame = glueContext.create_dynamic_frame.from_rdd(rdd, "numbers")
path = f"s3://{args['bucket']}/job-output/"
glueContext.write_dynamic_frame.from_options(frame, "s3", {"path": path}, "json")
print("counted", frame.count())
print("to stderr", file=sys.stderr)
job.commit()
"""


def test_job_with_arguments_and_extra_files(server, run_job, tmp_path):
    server.client("s3", ACCOUNT).create_bucket(Bucket=BUCKET)
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "more.py").write_text("def double(n):\n    return 2 * n\n")
    result, lines = run_job(SCRIPT, "--JOB_NAME", "copy", "--bucket", BUCKET, py_files=(str(tmp_path / "libs"),))
    assert result == {"status": "ok", "exit_code": 0}, result
    assert ("stdout", "counted 5") in lines
    assert ("stderr", "to stderr") in lines
    s3 = server.client("s3", ACCOUNT)
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix="job-output/")["Contents"]]
    written = [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]
    values = sorted(json.loads(line)["n"] for body in written for line in body.splitlines())
    assert values == [0, 4, 8, 12, 16]


def test_job_may_ask_for_other_spark_settings(run_job):
    script = (
        "from pyspark import SparkConf, SparkContext\n"
        "from pyspark.sql import SparkSession\n"
        "sc = SparkContext(conf=SparkConf().set('spark.sql.shuffle.partitions', '7').setAppName('mine'))\n"
        "spark = SparkSession(sc)\n"
        "print(sc.appName, spark.conf.get('spark.sql.shuffle.partitions'), spark.range(4).count())\n"
    )
    result, lines = run_job(script)
    assert result["status"] == "ok", result
    assert ("stdout", "mine 7 4") in lines


GLUE_ARGUMENT_ERROR = "class GlueArgumentError(Exception): pass\n\nraise GlueArgumentError('the following')"


@pytest.mark.parametrize(
    ("script", "code", "shell", "spark"),
    [
        ("import sys\nsys.exit(0)", 0, None, "SYSTEM_EXIT_ERROR; SystemExit: 0"),
        ("import sys\nsys.exit()", 0, None, "SYSTEM_EXIT_ERROR; SystemExit"),
        ("import sys\nsys.exit(3)", 3, "SystemExit: 3", "SYSTEM_EXIT_ERROR; SystemExit: 3"),
        (
            "x = 1\n\nundefined",
            1,
            "NameError: name 'undefined' is not defined",
            "INVALID_ARGUMENT_ERROR; Failed Line Number: 3; NameError: name 'undefined' is not defined",
        ),
        (
            "def f(:",
            1,
            "SyntaxError: invalid syntax (script.py, line 1)",
            "SYNTAX_ERROR; SyntaxError: invalid syntax (script.py, line 1)",
        ),
        (
            "import missing_module",
            1,
            "ModuleNotFoundError: No module named 'missing_module'",
            "IMPORT_ERROR; Failed Line Number: 1; ModuleNotFoundError: No module named 'missing_module'",
        ),
        (
            "def f():\n    return {}['key']\n\nf()",
            1,
            "KeyError: 'key'",
            "INVALID_ARGUMENT_ERROR; Failed Line Number: 2; KeyError: 'key'",
        ),
        (
            GLUE_ARGUMENT_ERROR,
            1,
            "GlueArgumentError: the following",
            "INVALID_ARGUMENT_ERROR; Failed Line Number: 3; GlueArgumentError: the following",
        ),
        (
            "raise ValueError('first\\nsecond')",
            1,
            "ValueError: first",
            "UNCLASSIFIED_ERROR; Failed Line Number: 1; ValueError: first",
        ),
    ],
)
def test_job_error_messages(tmp_path, script, code, shell, spark, capsys):
    path = tmp_path / "script.py"
    path.write_text(script)
    result = job.run(str(path), ["--JOB_NAME", "x"], is_spark=False)
    assert (result["exit_code"], result.get("error_message")) == (code, shell)
    result = job.run(str(path), ["--JOB_NAME", "x"], is_spark=True)
    assert (result["exit_code"], result["error_message"]) == (code, f"Error Category: {spark}")


def test_archive_is_used_once_it_is_there(tmp_path, monkeypatch):
    made = tmp_path / "spark.jsa"
    monkeypatch.setattr(options, "archive", lambda: made)
    assert not [flag for flag in options.java_command({}) if "SharedArchiveFile" in flag]
    made.touch()
    assert [flag for flag in options.java_command({}) if str(made) in flag]
    assert options.make_archive() == made
