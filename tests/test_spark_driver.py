"""The Spark driver process: statements as in a REPL, cancelling, progress, crashes, jobs, and spark.sql over the Data Catalog."""

import base64
import json
import os
import signal
import socket
import time
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from infra.engines import jars
from infra.engines.java import java_home
from infra.engines.spark import job
from infra.engines.spark.client import DriverLost, SparkDriver
from infra.engines.spark.options import Settings

ACCOUNT = "300000000002"
BUCKET = "driver-tests"
DATABASE = "lake"
START_SECONDS = 60


class Session:
    """A driver with numbered statements, and the lines that it wrote."""

    def __init__(self, endpoint: str, **settings):
        self.lines: list[tuple[str, str]] = []
        catalog = settings.pop("catalog", False)
        self.driver = SparkDriver(
            Settings(endpoint, "us-east-1", ACCOUNT, "test", cores=2, **settings),
            catalog=catalog,
            log=lambda stream, line: self.lines.append((stream, line)),
        )
        self.number = 0

    def submit(self, code: str) -> Future:
        self.number += 1
        return self.driver.run(self.number, code)

    def run(self, code: str) -> dict:
        return self.submit(code).result(START_SECONDS)


@pytest.fixture(scope="module")
def session(server):
    running = Session(server.endpoint, catalog=True)
    s3 = server.client("s3", ACCOUNT)
    s3.create_bucket(Bucket=BUCKET)
    running.driver.ready.result(START_SECONDS)
    yield running
    running.driver.stop()


@pytest.fixture(scope="module")
def glue(server):
    return server.client("glue", ACCOUNT)


def wait_for(condition, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.02)
    return value


# statements


@pytest.mark.parametrize(
    ("code", "text", "stdout"),
    [
        ("1 + 1", "2", ""),
        ("x = 5", "", ""),
        ("print('a')\nx * 2", "10", "a\n"),
        ("None", "", ""),
        ("for i in range(2):\n    print(i)", "", "0\n1\n"),
        ("def f(y):\n    return y + x\nf(1)", "6", ""),
        ("_", "6", ""),
        ("spark.range(10).count()", "10", ""),
        ("sc.parallelize([1, 2]).map(lambda n: f(n)).collect()", "[6, 7]", ""),
        ("", "", ""),
    ],
)
def test_statement_is_like_a_repl(session, code, text, stdout):
    result = session.run(code)
    assert (result["status"], result["text"], result["stdout"]) == ("ok", text, stdout)


def test_show_and_stderr(session):
    result = session.run("import sys\nprint('to stderr', file=sys.stderr)\nspark.range(1).show()")
    assert result["stdout"] == "+---+\n| id|\n+---+\n|  0|\n+---+\n\n"
    assert result["stderr"] == "to stderr\n"


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("y = 1\ny / 0", "ZeroDivisionError", "division by zero"),
        ("nothing_here", "NameError", "name 'nothing_here' is not defined"),
        ("if True\n    pass", "SyntaxError", "expected ':'"),
        ("spark.sql('SELEC 1')", "ParseException", "[PARSE_SYNTAX_ERROR]"),
        ("raise SystemExit(3)", "SystemExit", "3"),
    ],
)
def test_errors_have_name_value_and_traceback(session, code, name, value):
    result = session.run(code)
    assert (result["status"], result["ename"]) == ("error", name)
    assert value in result["evalue"]
    text = "".join(result["traceback"])
    assert name in text
    assert str(Path(__file__).parents[1]) not in text
    assert "infra/engines" not in text
    assert session.run("1")["text"] == "1"


def test_traceback_quotes_the_users_lines(session):
    session.run("def inner():\n    return {}['key']")
    text = "".join(session.run("inner()")["traceback"])
    assert text.startswith("Traceback (most recent call last):\n")
    assert "File \"<stdin>\", line 2, in inner\n    return {}['key']" in text


def test_figures_are_images(session):
    result = session.run("import matplotlib.pyplot as plt\nfigure = plt.plot([1, 2])")
    assert [base64.b64decode(image)[:8] for image in result["images"]] == [b"\x89PNG\r\n\x1a\n"]
    assert session.run("1")["images"] == []
    assert len(session.run("plt.bar([1], [2])\n%matplot plt")["images"]) == 1
    assert session.run("%matplot nothing")["ename"] == "NameError"


def test_output_is_bounded(session):
    result = session.run("print('x' * 3_000_000)")
    assert len(result["stdout"]) < 1_100_000
    assert result["stdout"].endswith("more output was cut off\n")


# cancelling


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\ntime.sleep(600)",
        "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt:\n        done = done + 1",
        "spark.range(10**13).selectExpr('sum(sqrt(id))').collect()",
        "sc.parallelize(range(4), 4).map(lambda n: __import__('time').sleep(600)).collect()",
    ],
)
def test_cancel(session, code):
    session.run("done = -1")
    if "done" in code:
        code = code.replace("        while True: pass", "        while done < 1: pass\n        break")
    started = []
    session.number += 1
    future = session.driver.run(session.number, code, started=lambda: started.append(1))
    wait_for(lambda: started)
    session.driver.cancel(session.number)
    assert future.result(20)["status"] == "cancelled"
    assert session.run("spark.range(3).count()")["text"] == "3"


def test_cancel_of_a_waiting_statement(session):
    first = session.submit("import time\ntime.sleep(600)")
    second = session.submit("ran = True")
    session.driver.cancel(session.number)
    session.driver.cancel(session.number - 1)
    assert (first.result(20)["status"], second.result(20)["status"]) == ("cancelled", "cancelled")
    assert session.run("'ran' in globals()")["text"] == "False"


def test_progress_of_spark_stages(session):
    code = "import time\nsc.parallelize(range(8), 8).map(lambda n: time.sleep(0.4)).count()"
    future = session.submit(code)
    seen = set()
    wait_for(lambda: seen.add(session.driver.progress.get(session.number, 0)) or future.done())
    assert any(0 < value < 1 for value in seen)
    assert session.driver.progress[session.number] == 1.0


# the process


def test_memory_loopback_and_threads(session):
    process = psutil.Process(session.driver.pid)
    family = [process, *process.children(recursive=True)]
    assert sum(member.memory_info().rss for member in family) < 700 * 2**20
    listening = [c.laddr.ip for member in family for c in member.net_connections("tcp") if c.status == "LISTEN"]
    assert listening
    assert {address.removeprefix("::ffff:") for address in listening} <= {"127.0.0.1", "::1"}


def test_driver_that_is_killed_says_why(server):
    running = Session(server.endpoint)
    running.driver.ready.result(START_SECONDS)
    java = [child.pid for child in psutil.Process(running.driver.pid).children(recursive=True)]
    future = running.submit("import time\ntime.sleep(600)")
    os.kill(running.driver.pid, signal.SIGKILL)
    with pytest.raises(DriverLost, match="killed by signal 9 \\(SIGKILL\\)"):
        future.result(20)
    assert "SIGKILL" in running.driver.exited.result(20)
    with pytest.raises(DriverLost):
        running.submit("1")
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in java))


def test_java_that_is_killed_ends_the_driver(server):
    running = Session(server.endpoint)
    running.driver.ready.result(START_SECONDS)
    java = psutil.Process(running.driver.pid).children()[0]
    java.kill()
    with pytest.raises(DriverLost, match="Java"):
        running.run("import time\ntime.sleep(600)")


def test_out_of_memory_is_named(server):
    running = Session(server.endpoint, conf={"spark.driver.memory": "512m"})
    running.driver.ready.result(START_SECONDS)
    with pytest.raises(DriverLost, match="^Command Failed due to Out of Memory$"):
        running.run("spark.range(10**8).selectExpr('collect_list(id)').first()")


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


def test_job_with_arguments_and_extra_files(session, server, run_job, tmp_path):
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


@pytest.mark.parametrize(
    ("script", "code", "message"),
    [
        ("import sys\nsys.exit(0)", 0, None),
        ("import sys\nsys.exit(3)", 3, "SystemExit: 3"),
        ("undefined", 1, "NameError: name 'undefined' is not defined"),
        ("def f(:", 1, "SyntaxError: invalid syntax (script.py, line 1)"),
        ("import missing_module", 1, "ModuleNotFoundError: No module named 'missing_module'"),
    ],
)
def test_job_error_messages(tmp_path, script, code, message, capsys):
    path = tmp_path / "script.py"
    path.write_text(script)
    result = job.run(str(path), ["--JOB_NAME", "x"])
    assert (result["exit_code"], result.get("error_message")) == (code, message)


# the Data Catalog in spark.sql


@pytest.fixture(scope="module")
def lake(session, server, glue):
    glue.create_database(DatabaseInput={"Name": DATABASE, "LocationUri": f"s3://{BUCKET}/warehouse/"})
    s3 = server.client("s3", ACCOUNT)
    s3.put_object(
        Bucket=BUCKET, Key="raw/05/file", Body=b'{"uuid": "a", "track_id": 1}\n{"uuid": "b", "track_id": 2}\n'
    )
    storage = {
        "Columns": [{"Name": "uuid", "Type": "string"}, {"Name": "track_id", "Type": "int"}],
        "Location": f"s3://{BUCKET}/raw/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {}},
    }
    for name in ("raw", "raw-2"):
        glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": name,
                "StorageDescriptor": storage,
                "PartitionKeys": [{"Name": "hour", "Type": "string"}],
                "Parameters": {"classification": "json"},
            },
        )
        place = storage | {"Location": f"s3://{BUCKET}/raw/05/"}
        glue.create_partition(
            DatabaseName=DATABASE, TableName=name, PartitionInput={"Values": ["05"], "StorageDescriptor": place}
        )
    return storage


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (f"spark.sql('select count(*) n from {DATABASE}.raw').first().n", "2"),
        (f"spark.sql('select uuid from {DATABASE}.`raw-2` where hour = \"05\" order by uuid').first().uuid", "'a'"),
        (f"spark.table('{DATABASE}.raw').columns", "['uuid', 'track_id', 'hour']"),
        (f"spark.read.table('{DATABASE}.raw').count()", "2"),
        (
            "spark.sql('''with x as (select * from lake.raw where track_id in (select max(track_id) from lake.raw))"
            " select x.uuid from x join lake.`raw-2` y using (uuid)''').collect()",
            "[Row(uuid='b')]",
        ),
        (f"[t.name for t in spark.catalog.listTables('{DATABASE}')]", "['raw', 'raw-2']"),
        (f"spark.catalog.tableExists('{DATABASE}.raw'), spark.catalog.tableExists('{DATABASE}.no')", "(True, False)"),
        (f"sorted(r.tableName for r in spark.sql('show tables in {DATABASE}').collect())", "['raw', 'raw-2']"),
        (f"'{DATABASE}' in [d.name for d in spark.catalog.listDatabases()]", "True"),
        (f"spark.sql('use {DATABASE}')\nspark.sql('select count(*) c from raw').first().c", "2"),
        ("spark.sql('select count(*) c from {t}', t=spark.range(3)).first().c", "3"),
        ("spark.range(2).createOrReplaceTempView('v')\nspark.sql('select count(*) c from v').first().c", "2"),
    ],
)
def test_sql_sees_the_data_catalog(session, lake, code, text):
    result = session.run(code)
    assert result["status"] == "ok", result
    assert result["text"] == text


def test_sql_sees_new_files_partitions_and_drops(session, server, glue, lake):
    count = f"spark.sql('select count(*) n from {DATABASE}.raw').first().n"
    before = int(session.run(count)["text"])
    s3 = server.client("s3", ACCOUNT)
    s3.put_object(Bucket=BUCKET, Key="raw/05/second", Body=b'{"uuid": "c", "track_id": 3}\n')
    assert int(session.run(count)["text"]) == before + 1
    s3.put_object(Bucket=BUCKET, Key="raw/06/file", Body=b'{"uuid": "d", "track_id": 3}\n')
    place = lake | {"Location": f"s3://{BUCKET}/raw/06/"}
    glue.create_partition(
        DatabaseName=DATABASE, TableName="raw", PartitionInput={"Values": ["06"], "StorageDescriptor": place}
    )
    assert int(session.run(count)["text"]) == before + 2
    glue.create_table(
        DatabaseName=DATABASE,
        TableInput={"Name": "short", "StorageDescriptor": lake, "Parameters": {"classification": "json"}},
    )
    assert session.run(f"spark.table('{DATABASE}.short').columns")["text"] == "['uuid', 'track_id']"
    glue.delete_table(DatabaseName=DATABASE, Name="short")
    result = session.run(f"spark.sql('select * from {DATABASE}.short')")
    assert "[TABLE_OR_VIEW_NOT_FOUND]" in result["evalue"]


def test_sql_changes_reach_the_data_catalog(session, glue, lake):
    created = session.run(
        f"spark.sql('create table {DATABASE}.copy using parquet partitioned by (hour) as select * from {DATABASE}.raw')"
    )
    assert created["status"] == "ok", created
    table = glue.get_table(DatabaseName=DATABASE, Name="copy")["Table"]
    assert table["Parameters"]["classification"] == "parquet"
    assert table["StorageDescriptor"]["Location"].rstrip("/") == f"s3://{BUCKET}/warehouse/copy"
    assert [key["Name"] for key in table["PartitionKeys"]] == ["hour"]

    inserted = session.run(f'spark.sql(\'insert into {DATABASE}.copy values ("z", 9, "23")\')')
    assert inserted["status"] == "ok", inserted
    values = [part["Values"] for part in glue.get_partitions(DatabaseName=DATABASE, TableName="copy")["Partitions"]]
    assert ["23"] in values
    saved = session.run(f"spark.range(3).write.format('json').saveAsTable('{DATABASE}.numbers')")
    assert saved["status"] == "ok", saved
    columns = glue.get_table(DatabaseName=DATABASE, Name="numbers")["Table"]["StorageDescriptor"]["Columns"]
    assert [(column["Name"], column["Type"]) for column in columns] == [("id", "bigint")]
    dropped = session.run(f"spark.sql('drop table {DATABASE}.numbers')")
    assert dropped["status"] == "ok", dropped
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName=DATABASE, Name="numbers")

    assert session.run("spark.sql('create database if not exists homeless')")["status"] == "ok"
    assert glue.get_database(Name="homeless")["Database"]["Name"] == "homeless"
    homeless = session.run("spark.range(3).write.saveAsTable('homeless.t')")
    assert "Can not create a Path from an empty string" in homeless["evalue"]
    refused = session.run(f"spark.sql('alter table {DATABASE}.copy rename to other')")
    assert refused["ename"] == "NotImplementedError"
