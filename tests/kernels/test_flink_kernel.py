"""The kernel `Flink (Studio)` as papermill runs it: nbclient, the real Flink, the real local AWS. The workshop's paragraphs are verbatim."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import nbformat
import psutil
import pyarrow.parquet
import pytest
from nbclient import NotebookClient

from infra import profile, project
from infra.engines.flink import environment
from infra.kernels.flink import install
from tests.polling import until

pytestmark = pytest.mark.skipif(
    not environment.is_made(), reason="the Flink environment is not made: workshop setup makes it"
)

BUCKET = "mk-20220819-analytics-workshop-bucket"
STREAM = "analytics-workshop-stream"
ACTIVITIES = ("Running", "Working", "Walking", "Traveling", "Sitting")
RECORDS = 500
TRACKS = project.ROOT / "data" / "tracks_list.json"


class Notebook:
    """A running kernel that executes cells."""

    def __init__(self, environment: dict[str, str]):
        self._client = NotebookClient(
            nbformat.v4.new_notebook(), kernel_name=install.NAME, timeout=120, allow_errors=True
        )
        self._environment = environment

    def __enter__(self) -> Notebook:
        self._setup = self._client.setup_kernel(env=self._environment)
        self._setup.__enter__()
        return self

    def __exit__(self, *problem) -> None:
        self._setup.__exit__(*problem)

    @property
    def pid(self) -> int:
        return self._client.km.provisioner.pid

    def run(self, source: str) -> nbformat.NotebookNode:
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        return self._client.execute_cell(cell, len(self._client.nb.cells) - 1)

    def text(self, source: str) -> str:
        """Run a cell that must work; its printed and plain outputs."""
        cell = self.run(source)
        assert not errors(cell), errors(cell)
        return "\n".join(o.text if o.output_type == "stream" else o.data.get("text/plain", "") for o in cell.outputs)

    def error(self, source: str) -> str:
        """Run a cell that must fail; its error."""
        found = errors(self.run(source))
        assert len(found) == 1
        return found[0]


def errors(cell) -> list[str]:
    return ["\n".join(o.traceback) for o in cell.outputs if o.output_type == "error"]


def java_of(kernel: int) -> int:
    """The Java process of a kernel."""
    found = subprocess.run(["pgrep", "-P", str(kernel), "java"], capture_output=True, text=True, check=True)
    return int(found.stdout)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kernel_environment(endpoint: str, account: str, home: Path) -> dict[str, str]:
    profile.write(home, endpoint, account)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return clean | {"WORKSHOP_HOME": str(home)}


@pytest.fixture(scope="module")
def lake(server):
    """The workshop's stream, table and reference data in an account of this module; 500 records with fixed contents."""
    account = "299999999901"
    kinesis, glue, s3 = (server.client(name, account) for name in ("kinesis", "glue", "s3"))
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
    glue.create_database(DatabaseInput={"Name": "analyticsworkshopdb"})
    glue.create_table(DatabaseName="analyticsworkshopdb", TableInput=raw_stream_table())
    glue.create_table(
        DatabaseName="analyticsworkshopdb",
        TableInput={
            "Name": "in_orc",
            "Parameters": {"classification": "orc"},
            "StorageDescriptor": {"Columns": [], "Location": f"s3://{BUCKET}/data/processed-data/"},
        },
    )
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="data/reference_data/tracks_list.json", Body=TRACKS.read_bytes())
    kinesis.put_records(StreamName=STREAM, Records=[record(i) for i in range(RECORDS)])
    return server, account


def raw_stream_table() -> dict:
    """As in the seed's stack, and TRIM_HORIZON, because the records are older than the query."""
    columns = {"uuid": "string", "device_ts": "timestamp", "device_id": "int", "device_temp": "int", "track_id": "int"}
    return {
        "Name": "raw_stream",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "classification": "json",
            "kinesisanalytics.proctime": "proctime",
            "kinesisanalytics.rowtime": "device_ts",
            "kinesisanalytics.watermark.device_ts.milliseconds": "0",
            "flink.scan.stream.initpos": "TRIM_HORIZON",
        },
        "StorageDescriptor": {
            "Columns": [{"Name": n, "Type": t} for n, t in (columns | {"activity_type": "string"}).items()],
            "Location": STREAM,
            "Parameters": {
                "endpointUrl": "https://kinesis.us-east-1.amazonaws.com",
                "streamName": STREAM,
                "typeOfData": "kinesis",
            },
        },
    }


def record(number: int) -> dict:
    """Record `number`: one a second, activities and track ids 0..30 in turn."""
    data = {
        "uuid": f"{number:08d}",
        "device_ts": f"2026-11-24 05:{number // 60:02d}:{number % 60:02d}.000",
        "device_id": number % 51,
        "device_temp": 34,
        "track_id": number % 31,
        "activity_type": ACTIVITIES[number % 5],
    }
    return {"Data": json.dumps(data), "PartitionKey": str(number)}


@pytest.fixture(scope="module")
def notebook(lake, tmp_path_factory) -> Iterator[Notebook]:
    server, account = lake
    environment = kernel_environment(server.endpoint, account, tmp_path_factory.mktemp("home"))
    with Notebook(environment) as running:
        running.run("z.stop_after(idle=1.5, seconds=40)")
        yield running


def test_a_stream_needs_a_type_and_an_end(notebook):
    assert "needs a type" in notebook.error("%flink.ssql\nSELECT * FROM raw_stream")
    notebook.run("z.stop_after()")
    assert "z.stop_after(idle=3" in notebook.error("%flink.ssql(type=update)\nSELECT * FROM raw_stream")
    notebook.run("z.stop_after(idle=1.5, seconds=40)")


def test_the_workshops_paragraphs(notebook):
    notebook.text("%flink.ssql(type=update)\nSELECT * FROM raw_stream;\n")
    assert (
        notebook.text("columns, rows = z.result(); print(len(rows), columns[:2])").strip()
        == "500 ['uuid', 'device_ts']"
    )
    cell = notebook.run(
        "%flink.ssql(type=update)\nSELECT activity_type, count(*) as activity_cnt FROM raw_stream group by activity_type;"
    )
    table, chart = (o for o in cell.outputs if o.output_type == "display_data")
    assert table.data["text/plain"].splitlines()[2:] == [f"{name:13}           100" for name in sorted(ACTIVITIES)] + [
        "5 rows"
    ]
    assert '<td style="text-align:right">100</td>' in table.data["text/html"]
    alt = "activity_cnt is 100 for Running and 4 more. Bar chart of activity_cnt by activity_type: Running 100, Sitting 100, Traveling 100, Walking 100, Working 100"
    assert chart.metadata["image/png"]["alt"] == alt and chart.data["image/png"]


TRACKS_TABLE = f"""%flink.bsql()

CREATE TABLE tracks (
    track_id INT,
    track_name VARCHAR(255),
    artist_name VARCHAR(255)
) WITH (
    'connector' = 'filesystem',
    'path' = 's3://{BUCKET}/data/reference_data/',
    'format' = 'json'
)
"""
JOIN = """%flink.ssql(type=update)

SELECT
    activity_type, device_id, device_temp, raw_stream.track_id, uuid, track_name, artist_name
FROM raw_stream
INNER JOIN tracks
ON raw_stream.track_id = tracks.track_id;
"""
VIEW = """%flink.ssql()

CREATE TEMPORARY VIEW aggregated AS
        SELECT A.track_id as track_id, track_name, artist_name, activity_type, cnt
        FROM
            tracks AS A,
            (
                SELECT track_id, activity_type, COUNT(device_id) as cnt
                FROM raw_stream
                GROUP BY track_id, activity_type, HOP(device_ts, INTERVAL '10' second, INTERVAL '2' minute)
            )  AS B
        WHERE
          A.track_id = B.track_id
"""
SHOW = """%flink.pyflink()

from pyflink.table import *
from pyflink.table.expressions import col

table = st_env.from_path("aggregated") # get view defined by ssql
z.show(table, stream_type="update") # show in zeppelin notebook
"""


def test_the_seeds_paragraphs(notebook, lake):
    server, account = lake
    notebook.text(TRACKS_TABLE)
    stored = server.client("glue", account).get_table(DatabaseName="analyticsworkshopdb", Name="tracks")["Table"]
    assert stored["Parameters"]["flink.connector"] == "filesystem"
    assert stored["Parameters"]["flink.schema.1.data-type"] == "VARCHAR(255)"
    assert [c["Type"] for c in stored["StorageDescriptor"]["Columns"]] == ["int", "varchar(255)", "varchar(255)"]
    notebook.text(JOIN)
    lost = sum(number % 31 == 0 for number in range(RECORDS))  # track 0 is not in the reference data
    assert notebook.text("print(len(z.result()[1]))").strip() == str(RECORDS - lost)
    notebook.text(VIEW)
    notebook.text(SHOW)
    total = int(notebook.text("print(sum(row[-1] for row in z.result()[1]))"))
    # windows of 2 minutes, every 10 s, end when both shards have passed: the newest events hold those of the end open
    newest = min(max(n for n in range(RECORDS) if shard_of(n) == shard) for shard in (0, 1))
    ends = range(10, newest + 1, 10)
    assert total == sum(n % 31 != 0 for end in ends for n in range(max(0, end - 120), end))


def shard_of(number: int) -> int:
    """Two shards halve the hash space: the first bit of the partition key's MD5."""
    return hashlib.md5(str(number).encode()).digest()[0] >> 7


def test_a_dropped_table_leaves_the_catalog(notebook, lake):
    server, account = lake
    glue = server.client("glue", account)
    notebook.text("%flink.ssql\nCREATE TABLE gone (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3')")
    assert glue.get_table(DatabaseName="analyticsworkshopdb", Name="gone")
    notebook.text("%flink.ssql\nALTER TABLE gone SET ('number-of-rows' = '4')")
    changed = glue.get_table(DatabaseName="analyticsworkshopdb", Name="gone")["Table"]["Parameters"]
    assert changed["flink.number-of-rows"] == "4"
    notebook.text("%flink.bsql\nSELECT a FROM gone")
    assert notebook.text("print(len(z.result()[1]))").strip() == "4"
    notebook.text("%flink.ssql\nDROP TABLE gone")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName="analyticsworkshopdb", Name="gone")


def test_a_database_goes_to_glue_and_leaves_it_with_its_tables(notebook, lake):
    server, account = lake
    glue = server.client("glue", account)

    def databases() -> list[str]:
        return [database["Name"] for database in glue.get_databases()["DatabaseList"]]

    notebook.text(
        "%flink.bsql\nCREATE DATABASE more COMMENT 'of a test';\nCREATE TABLE more.t (a INT) WITH ('connector'='datagen')"
    )
    assert glue.get_database(Name="more")["Database"]["Description"] == "of a test"
    assert glue.get_table(DatabaseName="more", Name="t")
    glue.create_table(DatabaseName="more", TableInput=crawled("other", "orc", "other", {"a": "int"}, {}))
    assert "is not empty" in notebook.error("%flink.ssql\nDROP DATABASE more")
    assert "holds tables that Flink has not: other" in notebook.error("%flink.ssql\nDROP DATABASE more CASCADE")
    notebook.text("%flink.ssql\nDESCRIBE more.t")
    assert glue.get_table(DatabaseName="more", Name="t")
    glue.delete_table(DatabaseName="more", Name="other")
    notebook.text("%flink.ssql\nDROP DATABASE more CASCADE")
    assert databases() == ["analyticsworkshopdb"]


def test_options_of_a_table_made_by_hand_are_changed_in_glue(notebook, lake):
    server, account = lake
    glue = server.client("glue", account)
    glue.create_table(DatabaseName="analyticsworkshopdb", TableInput=raw_stream_table() | {"Name": "by_hand"})

    def parameters() -> dict:
        return glue.get_table(DatabaseName="analyticsworkshopdb", Name="by_hand")["Table"]["Parameters"]

    before = parameters()
    notebook.text(
        "%flink.ssql\nALTER TABLE by_hand SET ('scan.stream.initpos' = 'LATEST', 'json.ignore-parse-errors' = 'true')"
    )
    assert parameters() == before | {"flink.scan.stream.initpos": "LATEST", "flink.json.ignore-parse-errors": "true"}
    notebook.text("%flink.ssql\nALTER TABLE by_hand RESET ('scan.stream.initpos', 'json.ignore-parse-errors')")
    assert parameters() == {k: v for k, v in before.items() if k != "flink.scan.stream.initpos"}
    assert "change them in the Glue Data Catalog" in notebook.error("%flink.ssql\nALTER TABLE by_hand ADD more INT")
    assert "more" not in notebook.text("%flink.ssql\nDESCRIBE by_hand")


def test_a_table_made_like_another_has_no_endpoint_in_glue(notebook, lake):
    server, account = lake
    notebook.text("%flink.ssql\nCREATE TABLE alike LIKE raw_stream")
    table = server.client("glue", account).get_table(DatabaseName="analyticsworkshopdb", Name="alike")["Table"]
    assert table["Parameters"]["flink.stream"] == STREAM
    assert not {"flink.aws.endpoint", "flink.aws.http.protocol.version"} & table["Parameters"].keys()


def test_create_table_as_select_waits_for_the_rows(notebook):
    made = f"CREATE TABLE filled WITH ('connector'='filesystem', 'path'='s3://{BUCKET}/filled/', 'format'='parquet')"
    notebook.text(f"%flink.bsql\n{made} AS SELECT 7 AS a;\nSELECT * FROM filled")
    assert notebook.text("print(z.result())").strip() == "(['a'], [(7,)])"
    stream = "CREATE TABLE filled2 WITH ('connector' = 'kinesis', 'stream' = 's', 'format' = 'json') AS SELECT 1 AS a"
    assert "write CREATE TABLE, then INSERT INTO" in notebook.error(f"%flink.ssql\n{stream}")


def test_a_row_is_the_only_column_of_values(notebook, lake):
    """Names with blanks stay in Glue; Flink itself counts the fields of the ROW as the table's columns."""
    made = f"CREATE TABLE boxed (r ROW<x INT, `y z` INT>) WITH ('connector'='filesystem', 'path'='s3://{BUCKET}/boxed/', 'format'='json')"
    told = notebook.text(
        f"%flink.bsql\n{made};\nINSERT INTO boxed VALUES (ROW(1, 2)), (ROW(3, 4));\nSELECT r.`y z` FROM boxed"
    )
    assert "this ran as SELECT ROW(a, b), one column" in told
    assert sorted(eval(notebook.text("print(z.result()[1])"))) == [(2,), (4,)]
    server, account = lake
    table = server.client("glue", account).get_table(DatabaseName="analyticsworkshopdb", Name="boxed")["Table"]
    assert [c["Type"] for c in table["StorageDescriptor"]["Columns"]] == ["struct<x:int,y z:int>"]


def test_values_of_every_kind(notebook):
    notebook.text(
        "%flink.bsql\nSELECT CAST(0.1 AS FLOAT), TIMESTAMP '2026-01-01 10:00:00.123456', TIME '12:00:00', MAP['k', 1, 'b', 2],"
        "ROW(1, 'x', TIMESTAMP '2026-01-01 00:00:00'), ARRAY[ROW(1, 2)], ARRAY[CAST(NULL AS STRING), 'x'], CAST(1.50 AS DECIMAL(9, 3))"
    )
    assert notebook.text("print(z.result()[1])").strip() == (
        "[(0.1, '2026-01-01 10:00:00.123456', '12:00:00', '{b=2, k=1}', '(1, x, 2026-01-01 00:00:00.000)', '[(1, 2)]', "
        "'[NULL, x]', Decimal('1.500'))]"
    )


def test_a_row_with_nan_is_taken_back(notebook):
    notebook.text(
        "%flink.ssql(type=update)\nSET 'table.exec.mini-batch.enabled' = 'false'; -- each change of a row is sent on\n"
        "SELECT a, CAST('NaN' AS DOUBLE) + COUNT(*) AS x FROM (VALUES ('k'), ('k'), ('l')) AS t(a) GROUP BY a;\n"
        "RESET 'table.exec.mini-batch.enabled'"
    )
    assert notebook.text("print(z.result()[1])").strip() == "[('k', nan), ('l', nan)]"


def crawled(name: str, kind: str, folder: str, columns: dict[str, str], keys: dict[str, str], **parameters) -> dict:
    """A table as the crawler makes it."""
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": kind} | parameters,
        "PartitionKeys": [{"Name": key, "Type": of} for key, of in keys.items()],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": of} for column, of in columns.items()],
            "Location": f"s3://{BUCKET}/data/{folder}/",
        },
    }


def parquet(compression: str, **columns) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file, compression=compression)
    return file.getvalue()


def test_crawled_files_are_bounded_tables(notebook, lake):
    """JSON in Firehose's folders without keys, CSV with a header line, Parquet in folders with keys."""
    server, account = lake
    s3, glue = server.client("s3", account), server.client("glue", account)
    moment = pyarrow.array([datetime(2026, 11, 24, 5, 6, 7, 123000)], pyarrow.timestamp("us"))
    files = {
        "raw/2026/11/24/05/one": b'{"uuid": "a", "device_ts": "2026-11-24 05:00:01.500"}\n{"uuid": "b"}\n',
        "raw/2026/11/24/06/two": b'{"uuid": "c"}',
        "csv/tracks.csv": 'track_id;name\r\n1;"x;y"\r\n2;é\r\n'.encode(),
        "csv/more.csv": b"track_id;name\n3;z",
        "parquet/kind=new/1.parquet": parquet(
            "snappy", n=pyarrow.array([7], pyarrow.int32()), at=moment, tags=[["u", "v"]]
        ),
        "parquet/kind=old/2.parquet": parquet("zstd", n=pyarrow.array([8], pyarrow.int32()), at=moment, tags=[["w"]]),
    }
    for key, body in files.items():
        s3.put_object(Bucket=BUCKET, Key=f"data/{key}", Body=body)
    folders = {f"partition_{number}": "string" for number in range(4)}
    for table in (
        crawled("raw", "json", "raw", {"uuid": "string", "device_ts": "timestamp"}, folders),
        crawled(
            "names",
            "csv",
            "csv",
            {"track_id": "int", "name": "string"},
            {},
            **{"skip.header.line.count": "1", "delimiter": ";"},
        ),
        crawled(
            "columnar",
            "parquet",
            "parquet",
            {"n": "int", "at": "timestamp", "tags": "array<string>"},
            {"kind": "string"},
        ),
    ):
        glue.create_table(DatabaseName="analyticsworkshopdb", TableInput=table)
    glue.create_partition(
        DatabaseName="analyticsworkshopdb",
        TableName="columnar",
        PartitionInput={"Values": ["new"], "StorageDescriptor": {"Location": f"s3://{BUCKET}/data/parquet/kind=new/"}},
    )
    show = "print(sorted(z.result()[1]))"
    notebook.text("%flink.bsql\nSELECT uuid, device_ts, partition_3 FROM `raw` WHERE partition_0 = '2026'")
    assert notebook.text("print(sorted(z.result()[1], key=str))").strip() == (
        "[('a', '2026-11-24 05:00:01.500', '05'), ('b', None, '05'), ('c', None, '06')]"
    )
    notebook.text("%flink.bsql\nSELECT * FROM names")
    assert notebook.text(show).strip() == "[(1, 'x;y'), (2, 'é'), (3, 'z')]"
    notebook.text("%flink.bsql\nSELECT * FROM columnar")
    assert notebook.text(show).strip() == (
        "[(7, '2026-11-24 05:06:07.123', '[u, v]', 'new'), (8, '2026-11-24 05:06:07.123', '[w]', 'old')]"
    )


def test_insert_into_a_stream(notebook, lake):
    server, account = lake
    kinesis = server.client("kinesis", account)
    kinesis.create_stream(StreamName="counts", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="counts")
    notebook.text(
        "%flink.ssql\nCREATE TABLE counts (a STRING, t INT) WITH ('connector'='kinesis','stream'='counts','format'='json')"
    )
    notebook.text("%flink.ssql(jobName=copy)\nINSERT INTO counts SELECT activity_type, track_id FROM raw_stream")
    shard = kinesis.list_shards(StreamName="counts")["Shards"][0]["ShardId"]

    def records() -> list[dict]:
        start = kinesis.get_shard_iterator(StreamName="counts", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        return kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]

    until(lambda: len(records()) >= RECORDS)
    found = [json.loads(r["Data"]) for r in records()]
    assert len(found) == RECORDS and sum(r["t"] for r in found) == sum(n % 31 for n in range(RECORDS))
    assert "copy: RUNNING" in notebook.text("print(z.jobs())")
    notebook.text("z.cancel('copy')")
    assert notebook.text("print(z.jobs())").strip() == "{}"


def test_a_late_record_is_dropped_when_one_task_reads_the_shard(notebook, lake):
    """With more tasks than shards the watermark waits until the others are marked idle, and a late record of a fast replay may count."""
    server, account = lake
    kinesis = server.client("kinesis", account)
    kinesis.create_stream(StreamName="late", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="late")
    times = [f"09:{second // 60:02d}:{second % 60:02d}" for second in range(180)] + ["09:04:00", "09:00:30"]
    kinesis.put_records(
        StreamName="late",
        Records=[{"Data": json.dumps({"t": f"2026-01-05 {time}.000"}), "PartitionKey": "one"} for time in times],
    )
    notebook.text(
        "%flink.ssql\nCREATE TEMPORARY TABLE late (t TIMESTAMP(3), WATERMARK FOR t AS t - INTERVAL '5' SECOND) WITH ("
        "'connector' = 'kinesis', 'stream' = 'late', 'format' = 'json', 'json.timestamp-format.standard' = 'SQL',"
        "'scan.stream.initpos' = 'TRIM_HORIZON')"
    )
    query = "SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE late, DESCRIPTOR(t), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end"
    for _ in range(3):
        shown = notebook.text(f"%flink.ssql(type=append, parallelism=1)\n{query}")
        found = set(re.findall(r"(09:0\d):00\.000 +(\d+)", shown))  # in the table and in the chart's text
        assert found == {("09:00", "60"), ("09:01", "60"), ("09:02", "60")}


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%flink\nval x = 1", "write %flink.pyflink"),
        ("%flink.ssql(type=update)\n\nSELECT * FORM raw_stream", "Flink, line 3, column 15"),
        ("%flink.ssql(type=update)\nSELECT nope FROM raw_stream", "line 2, column 8: Column 'nope' not found"),
        ("%flink.ssql(type=update)\nSELECT * FROM nowhere", "Object 'nowhere' not found"),
        ("%flink.ssql(type=update)\nSELECT uuid + 1 FROM raw_stream WHERE uuid IS TRUE", "Flink"),
        ("%flink.ssql(type=update)\nSELECT * FROM raw", "write it in backticks, `raw`"),
        ("%flink.ssql(type=update)\nSELECT * FROM in_orc", "holds orc"),
        ("%flink.bsql\nCREATE TABLE raw (a INT) WITH ('connector' = 'datagen')", "write it in backticks, `raw`"),
        ("%flink.ssql\nCREATE TABLE mixedCase (a INT) WITH ('connector' = 'datagen')", "lower case"),
        ("%flink.pyflink\nst_env.sql_query('SELECT 1 AS one')", "`one`"),
    ],
)
def test_errors_are_short_and_the_kernel_goes_on(notebook, cell, says):
    error = notebook.error(cell)
    assert says in error and len(error.splitlines()) <= 5
    assert notebook.text("print(1 + 1)").strip() == "2"


def test_a_failing_job_stops_and_says_why(notebook, lake):
    server, account = lake
    kinesis = server.client("kinesis", account)
    kinesis.create_stream(StreamName="broken", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="broken")
    kinesis.put_record(StreamName="broken", Data=b"this is not json", PartitionKey="1")
    table = "CREATE TABLE broken (a INT) WITH ('connector'='kinesis','stream'='broken','format'='json','scan.stream.initpos'='TRIM_HORIZON'%s)"
    notebook.text("%flink.ssql\n" + table % "")
    assert "Failed to deserialize JSON 'this is not json'" in notebook.error(
        "%flink.ssql(type=update)\nSELECT * FROM broken"
    )
    notebook.text("%flink.ssql\nDROP TABLE broken;\n" + table % ",'json.ignore-parse-errors'='true'")
    kinesis.put_record(StreamName="broken", Data=b'{"a": 7}', PartitionKey="1")
    notebook.text("%flink.ssql(type=update)\nSELECT * FROM broken")
    assert notebook.text("print(z.result()[1])").strip() == "[(7,)]"
    assert "not found" in notebook.error(
        "%flink.ssql(type=update)\nSELECT * FROM raw_stream /*+ OPTIONS('stream' = 'deleted-stream') */"
    )


def test_a_stream_without_data_says_that_it_waits(notebook, lake):
    server, account = lake
    kinesis = server.client("kinesis", account)
    kinesis.create_stream(StreamName="silent", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="silent")
    notebook.text("z.stop_after(seconds=1)")
    said = notebook.text("%flink.ssql(type=update)\nSELECT * FROM raw_stream /*+ OPTIONS('stream' = 'silent') */")
    assert re.search(r"no row came since \d\d:\d\d:\d\d UTC", said)
    notebook.text("z.stop_after(idle=1.5, seconds=40)")


def test_an_interrupt_stops_the_job(notebook):
    notebook.text("z.stop_after(seconds=40)")
    subprocess.Popen(["sh", "-c", f"sleep 2; kill -INT {notebook.pid}"])
    started = time.monotonic()
    assert "KeyboardInterrupt" in notebook.error("%flink.ssql(type=update)\nSELECT * FROM raw_stream")
    assert time.monotonic() - started < 35  # its own end would come after 40
    jobs = "import json, urllib.request; print(json.load(urllib.request.urlopen(z.web() + '/jobs/overview'))['jobs'])"
    assert "RUNNING" not in notebook.text(jobs)
    notebook.text("z.stop_after(idle=1.5, seconds=40)")


def test_forms_have_their_defaults(notebook):
    assert notebook.text("print(z.input('name', 'x'), z.select('n', [(1, 'one'), (2, 'two')], 2))").strip() == "x 2"


TWICE = """from pyflink.table import DataTypes
from pyflink.table.udf import udf
st_env.create_temporary_function("twice", udf(lambda n: 2 * n, result_type=DataTypes.BIGINT()))
doubled = st_env.execute_sql("SELECT twice(track_id) FROM raw_stream")"""


def listening(*pids: int) -> list[str]:
    lines = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[3] for line in lines if any(f"pid={pid}," in line for pid in pids)]


def test_only_loopback_is_listened_on_by_the_servers_of_python_functions_too(notebook):
    pids = (notebook.pid, java_of(notebook.pid))
    before = listening(*pids)
    assert len(before) >= 3
    notebook.text(TWICE)
    until(lambda: len(listening(*pids)) > len(before))
    for address in listening(*pids):
        assert re.match(r"(127\.0\.0\.1|\[::ffff:127\.0\.0\.1\]|\[::1\]):", address), address
    notebook.text("cancelled = doubled.get_job_client().cancel().result()")


def test_both_processes_stay_below_900_mb(notebook):
    def megabytes(pid: int) -> float:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024

    assert megabytes(notebook.pid) + megabytes(java_of(notebook.pid)) < 900


def test_java_killed_gives_one_message_and_the_next_paragraph_works(notebook):
    java = java_of(notebook.pid)
    os.kill(java, signal.SIGKILL)
    until(lambda: not runs(java))
    # the next paragraph starts a new Java process, or says first that the old one has ended when it was still ending
    said = errors(notebook.run("%flink.ssql\nSHOW TABLES"))
    assert said in ([], [line for line in said if line.startswith("Flink's Java process has ended by signal 9")][:1])
    notebook.text("%flink.bsql\nSELECT a FROM (VALUES (1)) AS t(a)")
    assert notebook.text("print(z.result()[1])").strip() == "[(1,)]"
    assert java_of(notebook.pid) != java


def test_java_killed_under_a_running_paragraph(notebook):
    java = java_of(notebook.pid)
    subprocess.Popen(["sh", "-c", f"sleep 2; kill -9 {java}"])
    notebook.run("z.stop_after(seconds=30)")
    error = notebook.error("%flink.ssql(type=update)\nSELECT * FROM raw_stream")
    assert "Flink's Java process has ended by signal 9 (SIGKILL)" in error and len(error.splitlines()) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_is_left_behind(lake, tmp_path, how):
    server, account = lake
    with Notebook(kernel_environment(server.endpoint, account, tmp_path)) as running:
        running.text("st_env.get_current_database()")
        kernel, java = running.pid, java_of(running.pid)
        os.kill(kernel, how)
        until(lambda: not runs(java))
        until(lambda: not runs(kernel))


def test_a_normal_shutdown_ends_java(lake, tmp_path):
    server, account = lake
    with Notebook(kernel_environment(server.endpoint, account, tmp_path)) as running:
        running.text("st_env.get_current_database()")
        java = java_of(running.pid)
    until(lambda: not runs(java))
