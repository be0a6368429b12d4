"""Managed Flink applications: what a program may bring along, two shards read by two subtasks, and what happens to its source.

Expected values are counted by hand from what each test puts into its stream.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path

import pytest

from infra.engines.flink import environment
from tests.local.flink.flink_lab import NAME, PROGRAM, TABLES, Lab, listening, needs_flink, processes
from tests.polling import until

needs_javac = pytest.mark.skipif(shutil.which("javac") is None, reason="no Java compiler")

TWICE = """
package workshop;

public class Twice extends org.apache.flink.table.functions.ScalarFunction {
    public Long eval(Long value) {
        return 2 * value;
    }
}
"""
# counted are the records of which all three agree that n is odd: Python of a module, an archive's file and a class of a jar
FUNCTIONS = (
    TABLES
    + """
from pyflink.table import DataTypes
from pyflink.table.udf import udf
from parity import is_odd

table.create_temporary_function("is_odd", udf(is_odd, result_type=DataTypes.BOOLEAN()))
table.execute_sql("CREATE TEMPORARY FUNCTION twice AS 'workshop.Twice' LANGUAGE JAVA")
table.execute_sql('''INSERT INTO results SELECT window_start, twice(COUNT(*)) FROM TABLE(
  TUMBLE(TABLE source_stream, DESCRIPTOR(at_time), INTERVAL '1' MINUTE)) WHERE is_odd(n) GROUP BY window_start, window_end''').wait()
"""
)
PARITY = """
import boto3

# in the program and in the workers of its functions: the application's role, on this AWS
assert "assumed-role/" in boto3.client("sts").get_caller_identity()["Arn"]


def is_odd(n):
    with open("words.zip/remainder.txt") as file:  # pyArchives are unpacked under their name
        return n % 2 == int(file.read())
"""


def jar(folder: Path) -> bytes:
    """A jar with one Java function, compiled against Flink's own classes."""
    source = folder / "Twice.java"
    source.write_text(TWICE)
    classes = folder / "classes"
    path = ":".join(map(str, (environment.HOME / "home" / "lib").glob("flink-table-api-java-uber-*.jar")))
    subprocess.run(["javac", "--release", "11", "-cp", path, "-d", str(classes), str(source)], check=True)
    return zipped({"workshop/Twice.class": (classes / "workshop" / "Twice.class").read_bytes()})


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


@needs_flink
@needs_javac
def test_modules_archives_and_jars_of_the_zip_are_used_and_nothing_of_the_run_is_left(own_server, account, tmp_path):
    files = {
        "code/parity.py": PARITY.encode(),
        "lib/words.zip": zipped({"remainder.txt": b"1"}),
        "lib/twice.jar": jar(tmp_path),
    }
    options = {"pyFiles": "code/parity.py", "pyArchives": "lib/words.zip", "jarfile": "lib/twice.jar"}
    lab = Lab(lambda service: own_server.client(service, account), FUNCTIONS, files, options)
    folder = own_server.home
    before = {path.name for path in Path("/tmp").iterdir()}
    lab.start()  # although the program waits for its job
    lab.put(minute=0, records=31)
    lab.put(minute=1, records=1)
    lab.wait_result("09:00", 2 * 15)

    started = processes(folder)
    assert len(started) > 2  # Python, Java and Flink's Python workers
    assert listening(started) <= {"127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"}
    assert listening(started)
    (python,) = processes(folder, "infra.engines.flink.application")
    os.kill(python, signal.SIGKILL)
    until(lambda: not set(started) & set(processes(folder)), "the end of Java and the workers")
    until(lambda: len(processes(folder)) > 1, "the next process")
    assert len(list(folder.rglob("kinesisanalytics/*/run/*/code"))) == 1  # the killed process's folder is gone

    own_server.stop()
    assert not processes(folder)
    assert not list(folder.rglob("kinesisanalytics/*/run"))
    assert not [path for path in Path("/tmp").iterdir() if path.name not in before and "lz4" in path.name]


@needs_flink
def test_two_subtasks_count_two_shards_and_go_on_when_one_is_split(client):
    parallelism = {"ConfigurationType": "CUSTOM", "Parallelism": 2, "ParallelismPerKPU": 1}
    lab = Lab(client, shards=2, ParallelismConfiguration=parallelism)
    lab.start()
    detail = lab.detail()["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    assert detail["ParallelismConfigurationDescription"]["CurrentParallelism"] == 2
    described = lab.flink.describe_application(ApplicationName=NAME, IncludeAdditionalDetails=True)["ApplicationDetail"]
    flink = described["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    nodes = json.loads(flink["JobPlanDescription"])["nodes"]
    assert [node["parallelism"] for node in nodes if "source_stream" in node["description"]] == [2]
    keys = "0123456789abcdef"  # each shard gets some, before and after the split

    def put(minute: int, records: int, read: int) -> None:
        """Watermarks are of subtasks, not of shards: a minute must be read before the next is put."""
        lab.put(minute, records, keys)
        until(lambda: lab.read() == read, f"{read} records in the source")

    put(minute=0, records=40, read=40)
    put(minute=1, records=64, read=104)
    lab.wait_result("09:00", 40)
    shard = lab.kinesis.list_shards(StreamName="in")["Shards"][0]["ShardId"]
    lab.kinesis.split_shard(StreamName="in", ShardToSplit=shard, NewStartingHashKey=str(2**126))
    until(lambda: len(lab.kinesis.list_shards(StreamName="in")["Shards"]) == 4, "the new shards")
    put(minute=1, records=16, read=120)
    put(minute=2, records=64, read=184)
    lab.wait_result("09:01", 80)
    assert [minute for minute, _ in lab.results()] == ["09:00", "09:01"]  # none twice, none in parts


@needs_flink
def test_a_broken_record_and_a_deleted_source_are_in_the_log_and_the_job_is_tried_again(client):
    lab = Lab(client)
    lab.start()

    def reasons() -> list[str]:
        failures = [entry for entry in lab.entries() if entry["messageType"] == "WARN"]
        return [entry.get("throwableInformation", "") for entry in failures]

    lab.kinesis.put_record(StreamName="in", Data=b"this is no JSON", PartitionKey="k")
    broken = "Failed to deserialize JSON 'this is no JSON'."
    until(lambda: any(broken in reason for reason in reasons()), "the broken record in the log")
    assert lab.status() == "RUNNING"  # as on AWS: the job fails and restarts, the application runs
    lab.kinesis.delete_stream(StreamName="in")
    missing = f"Stream in under account {lab.created['ApplicationARN'].split(':')[4]} not found"
    until(lambda: any(missing in reason for reason in reasons()), "the reason in the log")
    assert lab.status() == "RUNNING"
    with_stop = lab.flink.stop_application(ApplicationName=NAME)["OperationId"]
    until(lambda: lab.operation(with_stop)["OperationStatus"] == "FAILED", "the stop without a snapshot")
    assert lab.status() == "RUNNING"
    lab.stop_by_force()


@needs_flink
def test_a_second_job_of_a_program_is_refused_with_flinks_own_message(client):
    lab = Lab(
        client,
        PROGRAM + "table.execute_sql('INSERT INTO results SELECT at_time, CAST(n AS BIGINT) FROM source_stream')",
    )
    operation = lab.flink.start_application(ApplicationName=NAME)["OperationId"]
    until(lambda: lab.operation(operation)["OperationStatus"] != "IN_PROGRESS", "the end of the start")
    messages = "\n".join(lab.messages())
    assert "Cannot have more than one execute() or executeAsync() call in a single environment." in messages


@needs_flink
def test_a_program_without_a_job_leaves_the_application_ready(client):
    lab = Lab(client, "print('nothing to do')")
    operation = lab.flink.start_application(ApplicationName=NAME)["OperationId"]
    lab.wait_status("READY")
    assert lab.operation(operation)["OperationFailureDetails"]["ErrorInfo"]["ErrorString"] == (
        "The program submitted no job."
    )
