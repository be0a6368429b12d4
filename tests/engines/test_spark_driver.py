"""The Spark driver: statements as in a REPL, cancelling, progress, memory, and spark.sql over the Data Catalog."""

import base64
import time

import psutil
import pytest

from infra import project
from tests.engines.spark_session import ACCOUNT, BUCKET, START_SECONDS, Session
from tests.polling import until

DATABASE = "lake"


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
        ("if True\n    pass", "SyntaxError", "expected ':' (<stdin>, line 1)"),
        (
            "class Bad(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Bad",
            "Bad",
            "ZeroDivisionError in",
        ),
        ("raise ValueError('half \\ud83d')", "ValueError", "half \\ud83d"),
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
    assert str(project.ROOT) not in text
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


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("print('x' * 3_000_000)", "stdout"),
        ("'x' * 3_000_000", "text"),
        ("raise ValueError('x' * 3_000_000)", "evalue"),
    ],
)
def test_output_is_bounded(session, code, where):
    result = session.run(code)
    assert len(result[where]) < 1_100_000
    assert result[where].endswith("more output was cut off\n")
    assert max(map(len, result.get("traceback", [""]))) < 1_100_000


def test_output_that_utf8_does_not_have(session):
    assert session.run("print('half', '\\ud83d', 'é 🎉')")["stdout"] == "half \\ud83d é 🎉\n"


def test_log_records_and_warnings_of_each_statement(session):
    quiet = "logging.getLogger('py4j').setLevel('WARNING')"  # it tells at any time that a connection was closed
    begin = (
        f"import logging, sys, warnings\n{quiet}\nlogging.basicConfig(level='INFO', force=True)\nlogging.info('one')"
    )
    assert session.run(begin)["stderr"] == "INFO:root:one\n"
    assert session.run("logging.info('two')")["stderr"] == "INFO:root:two\n"
    warned = session.run("warnings.warn('three')")["stderr"]
    assert warned == "<stdin>:1: UserWarning: three\n  warnings.warn('three')\n"
    assert session.run("sys.stdout.encoding")["text"] == "'utf-8'"


# cancelling


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\ntime.sleep(600)",
        "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt:\n        done = done + 1",
        "while True:\n    try:\n        __import__('time').sleep(0.1)\n    except:\n        pass",
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
    until(lambda: started)
    session.driver.cancel(session.number)
    assert future.result(20)["status"] == "cancelled"
    assert session.run("spark.range(3).count()")["text"] == "3"


def test_cancel_while_java_plans(session):
    """Java submits the job after the statement was cancelled; it must not keep the cores from the next one."""
    code = """slow = spark.sql("SELECT reflect('java.lang.Thread', 'sleep', 2000L) s FROM VALUES (1) AS t(x)")
slow.crossJoin(spark.range(10**13)).selectExpr("sum(sqrt(id) + length(s))").collect()"""
    started = []
    session.number += 1
    future = session.driver.run(session.number, code, started=lambda: started.append(1))
    until(lambda: started)
    submitted = time.monotonic() + 3
    session.driver.cancel(session.number)
    assert future.result(20)["status"] == "cancelled"
    until(lambda: time.monotonic() > submitted)
    assert session.run("spark.range(3).count()")["text"] == "3"


def test_cancel_of_a_waiting_statement(session):
    first = session.submit("import time\ntime.sleep(600)")
    second = session.submit("ran = True")
    session.driver.cancel(session.number)
    assert second.done() and second.result()["status"] == "cancelled"  # while the first is running
    session.driver.cancel(session.number - 1)
    assert first.result(20)["status"] == "cancelled"
    assert session.run("'ran' in globals()")["text"] == "False"


def test_progress_of_spark_stages(session):
    code = "import time\nsc.parallelize(range(8), 8).map(lambda n: time.sleep(0.4)).count()"
    future = session.submit(code)
    seen = set()
    until(lambda: seen.add(session.driver.progress.get(session.number, 0)) or future.done())
    assert any(0 < value < 1 for value in seen)
    assert session.driver.progress[session.number] == 1.0


# the process


def test_memory_loopback_and_threads(session):
    process = psutil.Process(session.driver.pid)
    family = [process, *process.children(recursive=True)]
    # pss: pages that the forked Python workers share with their parent count once
    assert sum(member.memory_full_info().pss for member in family) < 700 * 2**20
    listening = [c.laddr.ip for member in family for c in member.net_connections("tcp") if c.status == "LISTEN"]
    assert listening
    assert {address.removeprefix("::ffff:") for address in listening} <= {"127.0.0.1", "::1"}


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
