"""Faults while a paragraph runs: each gives one clear message, the kernel goes on, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.engines.flink import environment
from tests.kernels.test_flink_kernel import (
    Notebook,
    java_of,
    kernel_environment,
    raw_stream_table,
    record,
    runs,
)
from tests.polling import until

pytestmark = pytest.mark.skipif(
    not environment.is_made(), reason="the Flink environment is not made: workshop setup makes it"
)
ACCOUNT = "299999999903"
RUN = environment.HOME / "run"
COUNT = """%flink.ssql(type=update)
SELECT 'all' AS records, count(*) AS n, count(DISTINCT uuid) AS kinds FROM raw_stream
/*+ OPTIONS('stream' = '{}', 'scan.shard.discovery.intervalmillis' = '1000') */"""
JOBS = "import json, urllib.request; print(json.load(urllib.request.urlopen(z.web() + '/jobs/overview'))['jobs'])"
# ways to name a stream
OF_STREAM = "WITH ('connector'='kinesis', 'stream'='ways', 'format'='json', 'scan.stream.initpos'='TRIM_HORIZON'{})"
TABLES = f"""%flink.ssql
-- a comment
/* and another */ CREATE /* here too */ TEMPORARY TABLE commented -- and here
(n INT) {OF_STREAM.format(", 'aws.region'='us-east-1'")};
CREATE TEMPORARY TABLE other_ways.of_another_database (n INT) {OF_STREAM.format("")};
CREATE TEMPORARY TABLE alike LIKE commented;
CREATE TEMPORARY TABLE elsewhere WITH ('aws.region'='eu-west-1') LIKE commented (OVERWRITING OPTIONS);
CREATE CATALOG mine WITH ('type'='generic_in_memory');
CREATE TABLE mine.`default`.of_a_catalog (n INT) {OF_STREAM.format("")};
CREATE TEMPORARY VIEW seen AS SELECT n FROM commented"""
DESCRIBED = """%flink.pyflink
from pyflink.table import DataTypes, Schema, TableDescriptor
described = TableDescriptor.for_connector("kinesis").schema(Schema.new_builder().column("n", DataTypes.INT()).build())
described = described.option("stream", "ways").option("format", "json").option("scan.stream.initpos", "TRIM_HORIZON")
st_env.create_temporary_table("described", described.build())
st_env.create_temporary_view("of_python", st_env.from_descriptor(described.build()))"""
WAYS = (
    "commented",
    "other_ways.of_another_database",
    "alike",
    "mine.`default`.of_a_catalog",
    "seen",
    "described",
    "of_python",
)
HINT = "commented /*+ OPTIONS('aws.region'='us-east-1') */"
REAL = "'aws.endpoint'='https://kinesis.us-east-1.amazonaws.com'"
STREAMED = """%flink.pyflink
from pyflink.common.serialization import SimpleStringSchema
from pyflink.datastream.connectors.kinesis import FlinkKinesisConsumer
read = FlinkKinesisConsumer("ways", SimpleStringSchema(), {"flink.stream.initpos": "TRIM_HORIZON"})
with s_env.add_source(read).execute_and_collect("streamed") as found:
    print(next(found))
from pyflink.java_gateway import get_gateway
try:
    get_gateway().jvm.java.net.InetAddress.getByName("kinesis.us-east-1.amazonaws.com")
except Exception as error:
    print(error.java_exception.toString())"""
BOTO3 = """%flink.pyflink
from pyflink.table.udf import udf
@udf(result_type=DataTypes.STRING())
def boto(region):
    import boto3, botocore.config
    once, real = botocore.config.Config(retries={"max_attempts": 0}), "https://kinesis.us-east-1.amazonaws.com"
    found = [boto3.client("kinesis", region_name=region).list_streams()["StreamNames"].count("ways")]
    try:
        boto3.client("kinesis", region_name=region, endpoint_url=real, config=once).list_streams()
    except Exception as error:
        found.append(type(error).__name__)
    return str(found)
st_env.create_temporary_function("boto", boto)"""


@pytest.fixture(scope="module")
def kinesis(server):
    glue = server.client("glue", ACCOUNT)
    glue.create_database(DatabaseInput={"Name": "analyticsworkshopdb"})
    glue.create_table(DatabaseName="analyticsworkshopdb", TableInput=raw_stream_table())
    return server.client("kinesis", ACCOUNT)


@pytest.fixture(scope="module")
def notebook(server, kinesis, tmp_path_factory) -> Iterator[Notebook]:
    with Notebook(kernel_environment(server.endpoint, ACCOUNT, tmp_path_factory.mktemp("home"))) as running:
        running.run("z.stop_after(idle=1.5, seconds=60)")
        yield running


def stream(kinesis, name: str, records: list[dict], shards: int = 1) -> None:
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    put(kinesis, name, records)


def put(kinesis, name: str, records: list[dict]) -> None:
    assert kinesis.put_records(StreamName=name, Records=records)["FailedRecordCount"] == 0


def text(data: str) -> dict:
    return {"Data": data.encode(), "PartitionKey": "1"}


def when_running(notebook: Notebook, action: Callable[[], None]) -> threading.Thread:
    """Do something in a thread as soon as the notebook's Flink has a running job."""
    web = notebook.text("print(z.web())").strip()

    def wait_and_act() -> None:
        import json
        import urllib.request

        def tasks_run() -> bool:
            with urllib.request.urlopen(f"{web}/jobs/overview", timeout=10) as answer:
                jobs = [job for job in json.load(answer)["jobs"] if job["state"] == "RUNNING"]
            return bool(jobs) and jobs[0]["tasks"]["running"] == jobs[0]["tasks"]["total"]

        until(tasks_run)
        action()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_a_record_that_is_no_json_ends_the_job_with_what_to_do(notebook, kinesis):
    stream(kinesis, "no-json", [text("this is not json")])
    error = notebook.error("%flink.ssql(type=update)\nSELECT * FROM raw_stream /*+ OPTIONS('stream' = 'no-json') */")
    first, second, hint = error.splitlines()
    assert first == "The job failed: Failed to deserialize JSON 'this is not json'."
    assert "Unrecognized token 'this'" in second
    assert "'json.ignore-parse-errors' = 'true'" in hint


def test_skipped_records_are_counted_and_told(notebook, kinesis):
    stream(kinesis, "some-json", [text("no"), record(1), text("{"), record(2)])
    said = notebook.text(
        "%flink.ssql(type=update)\nSELECT uuid FROM raw_stream "
        "/*+ OPTIONS('stream' = 'some-json', 'json.ignore-parse-errors' = 'true') */"
    )
    assert "2 records were skipped" in said
    assert notebook.text("print(z.result()[1])").strip() == "[('00000001',), ('00000002',)]"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("word", '{"device_ts": "2026-11-24 05:00:00.000", "device_id": "seven"}', "at field: device_id"),
        ("no-time", '{"device_id": 7}', "no value in the event-time column"),
    ],
)
def test_a_record_of_other_types(notebook, kinesis, name, data, says):
    stream(kinesis, name, [text(data)])
    error = notebook.error(f"%flink.ssql(type=update)\nSELECT * FROM raw_stream /*+ OPTIONS('stream' = '{name}') */")
    assert says in error and len(error.splitlines()) <= 3


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT * FROM raw_streem", ["line 2, column 15: Object 'raw_streem' not found", "Did you mean raw_stream?"]),
        ("SELECT activty_type FROM raw_stream", ["line 2, column 8", "Did you mean activity_type?"]),
        ("SELECT uuid\nFROM raw_stream WHERE device_ts > device_id", ["line 3, column 23: Cannot apply '>'"]),
        ("SELECT count(* FROM raw_stream", ['line 2, column 16: Encountered "FROM"']),
        ("SELECT * FROM gone /*+ OPTIONS('a' = 'b') */", ["Object 'gone' not found"]),
    ],
)
def test_mistakes_in_sql(notebook, sql, says):
    error = notebook.error(f"%flink.ssql(type=update)\n{sql}")
    assert all(part in error for part in says) and len(error.splitlines()) <= 4


def test_a_stream_deleted_under_a_running_paragraph(notebook, kinesis):
    stream(kinesis, "gone", [record(n) for n in range(20)])
    deleting = when_running(notebook, lambda: kinesis.delete_stream(StreamName="gone"))
    error = notebook.error(COUNT.format("gone"))
    deleting.join()
    assert "Stream gone" in error and "ResourceNotFoundException" in error and len(error.splitlines()) <= 2
    assert "RUNNING" not in notebook.text(JOBS)


def test_a_stream_is_read_here_however_it_is_named(notebook, kinesis, server):
    """Nothing that a text says leads to real AWS, which Java and the workers of Python functions cannot find."""
    stream(kinesis, "ways", [text('{"n": 7}')])
    server.client("glue", ACCOUNT).create_database(DatabaseInput={"Name": "other_ways"})
    notebook.text(TABLES)
    notebook.text(DESCRIBED)
    notebook.run(f"z.stop_after(rows={len(WAYS) + 1}, idle=20, seconds=60)")
    union = " UNION ALL ".join(f"SELECT {at} AS way, n FROM {name}" for at, name in enumerate((*WAYS, HINT)))
    notebook.text(f"%flink.ssql(type=update)\n{union}")
    assert notebook.text("print(sorted(z.result()[1]))").strip() == str([(at, 7) for at in range(len(WAYS) + 1)])
    notebook.run("z.stop_after(idle=1.5, seconds=60)")
    refused = notebook.error("%flink.ssql(type=update)\nSELECT * FROM elsewhere")
    assert "ways" in refused and "not found" in refused
    real = notebook.error(f"%flink.ssql(type=update)\nSELECT * FROM commented /*+ OPTIONS({REAL}) */")
    assert real.startswith("The job failed: Flink does not reach kinesis.us-east-1.amazonaws.com")
    first, second = notebook.text(STREAMED).strip().splitlines()
    assert (first, second.split(":")[0]) == ('{"n": 7}', "java.net.UnknownHostException")
    notebook.text(BOTO3)
    notebook.text("%flink.ssql(type=update)\nSELECT boto('us-east-1') AS found")
    assert notebook.text("print(z.result()[1])").strip() == """[("[1, 'EndpointConnectionError']",)]"""


def test_resharding_counts_every_record_once(notebook, kinesis):
    """One shard is split and two others are merged while the paragraph runs; each time records follow."""
    stream(kinesis, "resharded", [record(n) for n in range(200)], shards=2)

    def open_shards() -> list[dict]:
        shards = kinesis.list_shards(StreamName="resharded")["Shards"]
        return [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]

    def reshard() -> None:
        first, second = open_shards()
        middle = int(first["HashKeyRange"]["EndingHashKey"]) // 2
        kinesis.split_shard(StreamName="resharded", ShardToSplit=first["ShardId"], NewStartingHashKey=str(middle))
        kinesis.get_waiter("stream_exists").wait(StreamName="resharded")
        put(kinesis, "resharded", [record(n) for n in range(200, 400)])
        upper = max(
            open_shards(), key=lambda s: (s["ShardId"] != second["ShardId"], int(s["HashKeyRange"]["EndingHashKey"]))
        )
        kinesis.merge_shards(
            StreamName="resharded", ShardToMerge=upper["ShardId"], AdjacentShardToMerge=second["ShardId"]
        )
        kinesis.get_waiter("stream_exists").wait(StreamName="resharded")
        put(kinesis, "resharded", [record(n) for n in range(400, 500)])

    notebook.run("z.stop_after(idle=15, seconds=90)")
    resharding = when_running(notebook, reshard)
    notebook.text(COUNT.format("resharded"))
    resharding.join()
    assert notebook.text("print(z.result()[1])").strip() == "[('all', 500, 500)]"
    notebook.run("z.stop_after(idle=1.5, seconds=60)")


def test_parallelism_is_of_one_paragraph_only(notebook):
    widths = (
        "import json, urllib.request\n"
        "ask = lambda path: json.load(urllib.request.urlopen(z.web() + path))\n"
        "newest = max(ask('/jobs/overview')['jobs'], key=lambda job: job['start-time'])['jid']\n"
        "print(sorted({vertex['parallelism'] for vertex in ask('/jobs/' + newest)['vertices']}))"
    )
    query = "SELECT uuid FROM raw_stream /*+ OPTIONS('stream' = 'resharded') */"
    notebook.run("z.stop_after(rows=1, seconds=60)")
    notebook.text(f"%flink.ssql(type=update, parallelism=2)\n{query}")
    assert notebook.text(widths).strip() in ("[2]", "[1, 2]")
    notebook.text(f"%flink.ssql(type=update)\n{query}")
    assert notebook.text(widths).strip() in ("[4]", "[1, 4]")
    notebook.run("z.stop_after(idle=1.5, seconds=60)")


def test_nothing_is_left_of_a_killed_kernel(server, notebook, kinesis, tmp_path):
    """Java ends with the kernel, and the next kernel that starts removes the files."""
    environment = kernel_environment(server.endpoint, ACCOUNT, tmp_path)
    with Notebook(environment) as killed:
        killed.text("print(st_env.get_current_database())")
        kernel, java = killed.pid, java_of(killed.pid)
        assert folders(kernel) and all_files_of(java) <= set(folders(kernel))
        os.kill(kernel, signal.SIGKILL)
        until(lambda: not runs(java) and not runs(kernel))
    with Notebook(environment) as following:
        following.text("print(1)")
        assert folders(kernel) == [] and len(folders(following.pid)) == 1
        last = following.pid
    until(lambda: folders(last) == [])


def folders(kernel: int) -> list[Path]:
    """The folders of temporary files of a kernel's Java processes."""
    return list(RUN.glob(f"{kernel}-*"))


def all_files_of(java: int) -> set[Path]:
    """The folders, outside of the installed jars, in which a Java process holds files open for writing."""
    found = set()
    for link in Path(f"/proc/{java}/fd").iterdir():
        target = Path(os.readlink(link))
        flags = Path(f"/proc/{java}/fdinfo/{link.name}").read_text().split("flags:")[1].split()[0]
        if target.is_absolute() and target.is_file() and int(flags, 8) & os.O_ACCMODE:
            found.add(target.parent)
    return found
