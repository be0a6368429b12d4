"""The Flink kernel without Flink: paragraphs, changelog views, charts, Glue's tables as Flink's and back, errors."""

from __future__ import annotations

import math

import pytest

from infra.kernels.flink.flink_studio import charts, errors, glue, paragraph, tables, whole_rows, zeppelin
from infra.kernels.flink.flink_studio.catalog import tables_in
from infra.kernels.flink.flink_studio.changelog import AppendView, ChangelogError, SingleView, UpdateView
from infra.kernels.flink.flink_studio.extension import await_shows
from infra.kernels.flink.flink_studio.paragraph import ParagraphError, Statement, parse
from infra.kernels.flink.flink_studio.zeppelin import StopAfter, Zeppelin, read_stop_after

ADD, BEFORE, AFTER, DELETE = 0, 1, 2, 3


# --- paragraphs


def test_options_of_the_first_line():
    read = parse(
        '%flink.ssql(type=update, refreshInterval=2000, parallelism=2, jobName="a, b", runAsOne=true)\nSELECT 1'
    )
    assert read.interpreter == "ssql"
    assert read.options == paragraph.Options("update", 2000, parallelism=2, job_name="a, b", run_as_one=True)


def test_the_type_may_be_written_in_capitals_as_in_zeppelin():
    assert parse("%flink.ssql (parallelism=1, type = Update)\nSELECT 1").options == paragraph.Options(
        "update", parallelism=1
    )


@pytest.mark.parametrize("first", ["%flink.bsql()", "%flink.bsql", "%flink.bsql ( )".replace(" ", "")])
def test_empty_options(first):
    assert parse(f"{first}\n\nSELECT 1").options == paragraph.Options()


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%flink\nval x = 1", "write %flink.pyflink"),
        ("%flink.ipyflink\nx", "%flink.ipyflink is not known"),
        ("%flink.ssql(typ=update)\nSELECT 1", "no option 'typ'"),
        ("%flink.bsql(type=update)\nSELECT 1", "no option 'type'"),
        ("%flink.ssql(type=live)\nSELECT 1", "use type=update"),
        ("%flink.ssql(refreshInterval=soon)\nSELECT 1", "whole number"),
        ("%flink.ssql(parallelism=33)\nSELECT 1", "a whole number from 1 to 32"),
        ("%flink.ssql(runAsOne=maybe)\nSELECT 1", "runAsOne=true"),
        ("%flink.ssql(type=update\nSELECT 1", "not closed"),
        ("%flink.ssql\nSELECT 1\n%flink.bsql\nSELECT 2", "a cell of its own"),
    ],
)
def test_what_is_refused_says_what_to_write(cell, says):
    with pytest.raises(ParagraphError) as error:
        parse(cell)
    assert says in str(error.value)


def test_statements_are_split_outside_of_quotes_and_comments():
    cell = "%flink.ssql\n-- one; not two\nSELECT ';' AS `a;b` /* ; */ FROM t;\n\n  SHOW TABLES;\n"
    assert parse(cell).statements == [
        Statement("SELECT ';' AS `a;b` /* ; */ FROM t", 3, 1),
        Statement("SHOW TABLES", 5, 3),
    ]


def test_a_statement_set_is_one_statement():
    inserts = "INSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2;\nEND"
    whole = Statement(f"EXECUTE STATEMENT SET BEGIN\n{inserts}", 2, 1)
    for start in ("EXECUTE STATEMENT SET BEGIN", "begin statement set ;"):  # the second is that of Flink's SQL client
        assert [whole.kind, whole] == ["insert", *parse(f"%flink.ssql\n{start}\n{inserts};").statements]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1", "query"),
        ("/* x */ WITH a AS (SELECT 1) SELECT * FROM a", "query"),
        ("(SELECT 1)", "query"),
        ("TABLE a", "query"),
        ("INSERT INTO a SELECT 1", "insert"),
        ("SET 'a' = 'b'", "set"),
        ("DESC t", "show"),
        ("CREATE TABLE a (b INT)", "ddl"),
    ],
)
def test_kinds(sql, kind):
    assert Statement(sql, 1, 1).kind == kind


def test_shows_outside_of_functions_wait_for_the_event_loop():
    cell = 'é = 1; z.show(t, stream_type="update")\ndef f():\n    z.show(t)\n'
    assert await_shows(cell) == 'é = 1; await z.show_live(t, stream_type="update")\ndef f():\n    z.show(t)\n'


def test_stop_after_from_the_environment():
    assert read_stop_after("rows=500, idle=3,seconds=60.5") == StopAfter(500, 3.0, 60.5)
    assert not read_stop_after("")
    with pytest.raises(ParagraphError):
        read_stop_after("records=5")


# --- changelog


def test_update_view_honours_retractions():
    view = UpdateView()
    view.apply([ADD, ADD, BEFORE, AFTER, DELETE], [("b", 1), ("a", 1), ("b", 1), ("b", 2), ("a", 1)])
    assert view.rows() == [("b", 2)]
    assert (len(view), view.changes) == (1, 5)


def test_update_view_keeps_equal_rows_apart():
    view = UpdateView()
    view.apply([ADD, ADD, ADD, DELETE], [("a",)] * 4)
    assert view.rows() == [("a",), ("a",)]


def test_update_view_survives_a_retraction_before_its_row():
    view = UpdateView()
    view.apply([BEFORE], [("a", 1)])
    assert view.rows() == []
    view.apply([ADD], [("a", 1)])
    assert view.rows() == [] and len(view) == 0


def test_update_view_sorts_numbers_texts_and_nulls():
    view = UpdateView()
    view.apply([ADD] * 4, [(10,), (None,), (9,), (-1,)])
    assert view.rows() == [(None,), (-1,), (9,), (10,)]


def test_long_append_only_results_show_the_newest_rows():
    view = UpdateView(limit=5)
    view.apply([ADD] * 7, [(n,) for n in (7, 6, 5, 4, 3, 2, 1)])
    assert view.rows(2) == [(2,), (1,)]
    assert (len(view), view.forgotten) == (5, 2)


def test_batch_keeps_the_order_of_the_query():
    view = UpdateView(in_order=True)
    view.apply([ADD] * 3, [(3,), (1,), (2,)])
    assert view.rows() == [(3,), (1,), (2,)]


def test_append_view_keeps_the_last_milliseconds():
    view = AppendView(2000)
    rows = [("2026-01-01 00:00:03.000", 3), ("2026-01-01 00:00:00.500", 0), ("2026-01-01 00:00:01.000", 1)]
    view.apply([ADD] * 3, rows)
    assert view.rows() == [("2026-01-01 00:00:01.000", 1), ("2026-01-01 00:00:03.000", 3)]


def test_append_view_refuses_retractions_and_other_first_columns():
    with pytest.raises(ChangelogError, match="type=update"):
        AppendView(1000).apply([DELETE], [("2026-01-01 00:00:00.000",)])
    with pytest.raises(ChangelogError, match="timestamp as first column"):
        AppendView(1000).apply([ADD], [("Running", 1)])


def test_single_view_fills_its_template():
    view = SingleView("<b>{1}</b> of {0}")
    view.apply([ADD, BEFORE, AFTER, BEFORE], [("<a>", 1), ("<a>", 1), ("<a>", 2), ("<a>", 2)])
    assert view.html() == "<b>2</b> of &lt;a&gt;"
    assert view.text() == "2 of <a>"
    bad = SingleView("{3}")
    bad.apply([ADD], [("x",)])
    with pytest.raises(ChangelogError, match=r"asks for \{3\}"):
        bad.html()


# --- tables and charts


def test_tables_as_text_and_html():
    columns, rows = ["a", "n"], [("x", 1), (None, 22)]
    assert tables.text_table(columns, rows, 5).splitlines() == [
        "a      n",
        "----  --",
        "x      1",
        "NULL  22",
        "2 of 5 rows",
    ]
    page = tables.html_table(["<a>", "n"], [("<b>", None), ("x", 3)], 2)
    assert '<th scope="col" style="text-align:left">&lt;a&gt;</th>' in page
    assert '<td style="text-align:left">&lt;b&gt;</td><td style="text-align:right">NULL</td>' in page


def test_a_row_of_a_text_table_is_one_line():
    assert tables.text_table(["a"], [("x\ny\tz",)], 1).splitlines()[2:] == ["x y z", "1 row"]


def test_what_is_no_number_is_not_drawn():
    rows = [("a", math.nan), ("b", None), ("c", math.inf)]
    settings = charts.Settings("bar", ["k"], [], ["v"])
    assert charts.pivot(["k", "v"], [*rows, ("d", 2)], settings)[1] == {"v": [0.0, 0.0, 0.0, 2.0]}
    with pytest.raises(charts.ChartError, match="no numbers to draw"):
        charts.png(["k", "v"], rows, settings)


def test_pivot_sums_by_key_and_group():
    rows = [("a", "x", 1), ("a", "y", 2), ("b", "x", 3), ("a", "x", 4)]
    settings = charts.Settings("bar", ["k"], ["g"], ["v"])
    assert charts.pivot(["k", "g", "v"], rows, settings) == (["a", "b"], {"x": [5.0, 3.0], "y": [2.0, 0.0]})


def test_chart_defaults_and_words():
    settings = charts.defaults(["activity_type", "cnt"], ["STRING", "BIGINT NOT NULL"])
    assert settings == charts.Settings("bar", ["activity_type"], [], ["cnt"])
    picture, title, told = charts.png(["activity_type", "cnt"], [("Running", 4000000), ("Sitting", 2)], settings)
    assert picture.startswith(b"\x89PNG") and told == "bar chart of cnt by activity_type: Running 4000000, Sitting 2"
    assert title == "cnt is highest for Running (4,000,000), lowest for Sitting (2)"
    with pytest.raises(charts.ChartError, match="a column with numbers"):
        charts.defaults(["a"], ["STRING"])
    with pytest.raises(charts.ChartError, match="no column 'nope'"):
        charts.png(["a", "b"], [("x", 1)], charts.Settings("bar", ["nope"], [], ["b"]))


@pytest.mark.parametrize("kind", charts.KINDS)
def test_every_chart_is_drawn(kind):
    rows = [("a", "x", 1.5), ("b", "x", 2), ("b", "y", 3)]
    picture, title, told = charts.png(["k", "g", "v"], rows, charts.Settings(kind, ["k"], ["g"], ["v"]))
    assert picture.startswith(b"\x89PNG") and told.startswith(f"{kind} chart")


@pytest.mark.parametrize(
    ("kind", "series", "title"),
    [
        ("bar", {"cnt": [3, 1]}, "cnt is highest for a (3), lowest for b (1)"),
        ("bar", {"cnt": [3, 3]}, "cnt is 3 for a and 1 more"),
        ("line", {"x": [1.25, 0], "y": [7, 0]}, "cnt is highest for a · y (7), lowest for b · x and 1 more (0)"),
        ("pie", {"cnt": [1, 3]}, "b has the largest share of cnt: 75%"),
    ],
)
def test_a_title_says_what_is_to_be_seen(kind, series, title):
    assert charts.finding(["a", "b"], series, charts.Settings(kind, ["k"], [], ["cnt"])) == title


def test_a_pie_refuses_what_is_no_share():
    with pytest.raises(charts.ChartError, match="must not be negative"):
        charts.png(["k", "v"], [("a", 1), ("b", -2)], charts.Settings("pie", ["k"], [], ["v"]))


# --- Glue


def raw_stream(**parameters):
    columns = [("uuid", "string"), ("device_ts", "timestamp"), ("device_id", "int")]
    return {
        "Name": "raw_stream",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "json", **parameters},
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
            "Location": "analytics-workshop-stream",
            "Parameters": {
                "endpointUrl": "https://kinesis.ap-northeast-1.amazonaws.com",
                "streamName": "analytics-workshop-stream",
                "typeOfData": "kinesis",
            },
        },
    }


@pytest.mark.parametrize("prefix", ["managed-flink.", "kinesisanalytics."])
def test_a_kinesis_table_of_the_console_or_a_stack(prefix):
    told = {"proctime": "proctime", "rowtime": "device_ts", "watermark.device_ts.milliseconds": "5500"}
    table = glue.to_flink(raw_stream(**{prefix + key: value for key, value in told.items()}), "us-east-1")
    assert table.options == {
        "connector": "kinesis",
        "stream": "analytics-workshop-stream",
        "aws.region": "ap-northeast-1",
        "format": "json",
    }
    assert table.columns == [
        "`uuid` STRING",
        "`device_ts` TIMESTAMP(3)",
        "`device_id` INT",
        "`proctime` AS PROCTIME()",
        "WATERMARK FOR `device_ts` AS `device_ts` - INTERVAL '5.500' SECOND",
    ]


def test_flink_options_of_a_table_win():
    table = glue.to_flink(raw_stream(**{"flink.scan.stream.initpos": "TRIM_HORIZON"}), "us-east-1")
    assert table.options["scan.stream.initpos"] == "TRIM_HORIZON"


def test_a_stream_by_its_arn():
    table = raw_stream()
    table["StorageDescriptor"] |= {"Parameters": {}, "Location": "arn:aws:kinesis:eu-west-1:123456789012:stream/s"}
    options = glue.to_flink(table, "us-east-1").options
    assert (options["stream"], options["aws.region"]) == ("s", "eu-west-1")


def crawled(classification, **more):
    return {
        "Name": "raw",
        "Parameters": {"classification": classification} | more,
        "PartitionKeys": [{"Name": "partition_0", "Type": "string"}],
        "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://bucket/data/raw/"},
    }


def test_crawled_files_with_folders_of_key_and_value():
    table = glue.to_flink(crawled("json"), "us-east-1")
    assert table.options == {"connector": "filesystem", "path": "s3://bucket/data/raw/", "format": "json"}
    assert table.columns == ["`a` INT", "`partition_0` STRING"] and table.partition_keys == ["partition_0"]


def test_folders_without_a_key_are_columns_from_the_path_of_the_file():
    """A file's path is /data/raw/2026/…: its third part is partition_0."""
    table = glue.to_flink(crawled("parquet"), "us-east-1", hive_folders=False)
    assert table.options["format"] == "parquet" and table.partition_keys == []
    assert table.columns == [
        "`a` INT",
        "`file.path` STRING NOT NULL METADATA VIRTUAL",
        "`partition_0` AS CAST(SPLIT_INDEX(`file.path`, '/', 3) AS STRING)",
    ]


def test_csv_with_and_without_a_header():
    plain = glue.to_flink(crawled("csv", delimiter="|"), "us-east-1").options
    assert (plain["format"], plain["csv.field-delimiter"]) == ("csv", "|")
    table = crawled("csv", **{"skip.header.line.count": "1"})
    table["StorageDescriptor"]["SerdeInfo"] = {"Parameters": {"separatorChar": ";", "quoteChar": "'"}}
    options = glue.to_flink(table, "us-east-1").options
    assert options["format"] == "csv-with-header"
    assert options["csv-with-header.field-delimiter"] == ";" and options["csv-with-header.quote-character"] == "'"


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (crawled("orc"), "holds orc"),
        (crawled("csv", **{"skip.header.line.count": "2"}), "2 header lines"),
        ({"Name": "v", "TableType": "VIRTUAL_VIEW"}, "view of Athena"),
    ],
)
def test_what_flink_cannot_read_is_said(table, says):
    with pytest.raises(glue.UnreadableTable, match=says):
        glue.to_flink(table, "us-east-1")


@pytest.mark.parametrize(
    ("hive", "flink"),
    [
        ("array<int>", "ARRAY<INT>"),
        ("map<string,array<double>>", "MAP<STRING, ARRAY<DOUBLE>>"),
        ("struct<a:int,b:struct<c:string>>", "ROW<`a` INT, `b` ROW<`c` STRING>>"),
        ("decimal(10,2)", "DECIMAL(10,2)"),
        ("timestamp", "TIMESTAMP(3)"),
    ],
)
def test_types_to_flink(hive, flink):
    assert glue.flink_type(hive) == flink


@pytest.mark.parametrize(
    ("flink", "hive"),
    [
        ("VARCHAR(2147483647)", "string"),
        ("VARCHAR(255)", "varchar(255)"),
        ("INT NOT NULL", "int"),
        ("TIMESTAMP(3)", "timestamp"),
        ("ROW<`a` INT, `b` ARRAY<VARCHAR(2147483647)>>", "struct<a:int,b:array<string>>"),
    ],
)
def test_types_to_glue(flink, hive):
    assert glue.glue_type(flink) == hive


def test_a_table_made_here_goes_to_glue_and_comes_back():
    properties = {
        "schema.0.name": "track_id",
        "schema.0.data-type": "INT",
        "schema.1.name": "proc",
        "schema.1.data-type": "TIMESTAMP(3) WITH LOCAL TIME ZONE NOT NULL",
        "schema.1.expr": "PROCTIME()",
        "connector": "kinesis",
        "stream": "s",
        "format": "json",
    }
    made = glue.to_glue("t", properties, "us-east-1")
    assert made["StorageDescriptor"]["Columns"] == [{"Name": "track_id", "Type": "int"}]
    assert made["Parameters"]["flink.connector"] == "kinesis"
    assert made["Parameters"]["classification"] == "json"
    assert glue.to_flink(made, "us-east-1").properties == properties


def test_tables_that_a_statement_names():
    sql = "SELECT 'FROM x' FROM db.`a b` JOIN tracks -- FROM y\n ON a = b, raw"
    assert tables_in(sql) == {("db", "a b"), (None, "tracks"), (None, "raw")}


# --- errors

INVALID = """org.apache.flink.table.api.ValidationException: SQL validation failed. From line 1, column 8 to line 1, column 11: Column 'nope' not found
\tat org.apache.flink.X.y(X.java:1)
Caused by: org.apache.calcite.runtime.CalciteContextException: From line 1, column 8 to line 1, column 11: Column 'nope' not found
\tat a.b
Caused by: org.apache.calcite.sql.validate.SqlValidatorException: Column 'nope' not found"""
FAILED = """java.lang.RuntimeException: Failed to fetch next result
\tat a.b
Caused by: org.apache.flink.runtime.client.JobExecutionException: Job execution failed.
Caused by: org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
Caused by: java.io.IOException: Failed to deserialize JSON 'not json'.
Caused by: com.fasterxml.JsonParseException: Unrecognized token 'not'"""


def test_the_place_of_a_mistake_in_the_cell():
    error = errors.sql_error(Exception(INVALID), Statement("SELECT nope FROM t", 3, 5), set())
    assert str(error).splitlines() == [
        "Flink, line 3, column 12: Column 'nope' not found",
        "    SELECT nope FROM t",
        "           ^",
    ]


def test_a_row_as_the_only_column_of_values_is_explained():
    told = "org.apache.flink.table.api.ValidationException: Cause: Different number of columns."
    one = errors.sql_error(Exception(told), Statement("INSERT INTO t VALUES (ROW(1, 2))", 1, 1), set())
    assert str(one).endswith("for one column that is a ROW write SELECT ROW(a, b).")
    other = errors.sql_error(Exception(told), Statement("INSERT INTO t VALUES (1, ROW(1, 2))", 1, 1), set())
    assert "ROW" not in str(other)


def test_options_for_a_table_that_is_written_are_explained():
    told = "org.apache.flink.table.api.ValidationException: Unable to create a sink for writing table 'o'.\nCaused by: java.lang.UnsupportedOperationException"
    text = "INSERT INTO o /*+ OPTIONS('aws.region'='eu-west-1') */ SELECT n FROM c"
    said = str(errors.sql_error(Exception(told), Statement(text, 1, 1), set()))
    assert "takes no OPTIONS for a table that is written" in said
    source = "INSERT INTO o SELECT n FROM c /*+ OPTIONS('aws.region'='eu-west-1') */"
    assert "takes no OPTIONS" not in str(errors.sql_error(Exception(told), Statement(source, 1, 1), set()))


HARNESS = """org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
\tat a.b
Caused by: java.lang.RuntimeException: Error received from SDK harness for instruction 1: Traceback (most recent call last):
  File "/home/me/.venv-flink/lib/python3.11/site-packages/apache_beam/runners/worker/sdk_worker.py", line 295, in _execute
    response = task()
               ^^^^^^
  File "/tmp/ipykernel_7/1.py", line 8, in add_one
    return x + 1
           ~~^~~
TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'

\tat org.apache.beam.Harness"""


def test_a_python_function_that_fails_is_told_by_its_own_error():
    assert errors.failure(Exception(HARNESS)) == (
        "A Python function failed: TypeError: unsupported operand type(s) for +: 'NoneType' and 'int' (line 8 of its cell, in add_one)"
    )
    bare = HARNESS.split("  File")[0] + "KeyError: 'x'\n"
    assert errors.failure(Exception(bare)) == "A Python function failed: KeyError: 'x'"


@pytest.mark.parametrize(
    ("insert", "selected"),
    [
        ("INSERT INTO t VALUES (ROW(1, 2))", "INSERT INTO t SELECT ROW(1, 2)"),
        ("insert into t (r) values(row(1, ')')),\n ( ROW(f(2), 'x') )", "insert into t (r) SELECT row(1, ')') UNION ALL SELECT ROW(f(2), 'x')"),
        ("INSERT INTO `values (row(` VALUES /* ( */ (ROW(ROW(1), 2)) ", "INSERT INTO `values (row(` SELECT ROW(ROW(1), 2)"),
        ("INSERT INTO t VALUES (ROW(1, 2), 3)", None),
        ("INSERT INTO t VALUES (1, 2)", None),
        ("INSERT INTO t VALUES (ROW(1)), (2)", None),
        ("INSERT INTO t VALUES (ROW(1", None),
        ("INSERT INTO t VALUES (ROW(1).f0)", None),
        ("INSERT INTO t SELECT a FROM u", None),
    ],
)  # fmt: skip
def test_rows_that_are_the_only_column_of_values(insert, selected):
    assert whole_rows.selected(insert) == selected


def test_the_root_cause_of_a_failed_job():
    first, second, hint = errors.failure(Exception(FAILED)).splitlines()
    assert (first, second) == ("Failed to deserialize JSON 'not json'.", "Unrecognized token 'not'")
    assert "'json.ignore-parse-errors' = 'true'" in hint


def test_an_address_of_real_aws_is_explained(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "workshop-local")
    for told in (
        "a.SdkClientException: Unable to execute HTTP request: kinesis.us-east-1.amazonaws.com",
        "java.net.UnknownHostException: Unable to resolve host kinesis.us-east-1.amazonaws.com in hosts file /home/me/x",
    ):
        said = errors.failure(Exception(told))
        assert said.startswith("Flink does not reach kinesis.us-east-1.amazonaws.com, which is real AWS")
        assert "'aws.endpoint'" in said and "/home/me" not in said
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert errors.failure(Exception(told)).startswith("Unable to resolve host kinesis")


def test_what_the_aws_sdk_adds_is_left_out():
    said = (
        "java.nio.AccessDeniedException: s3://b/x: getFileStatus on s3://b/x: com.amazonaws.services.s3.model.AmazonS3Exception: Forbidden "
        "(Service: Amazon S3; Status Code: 403; Error Code: 403 Forbidden; Request ID: 1), S3 Extended Request ID: ab/c=:403"
    )
    assert errors.failure(Exception(said)).endswith(
        "s3://b/x: getFileStatus on s3://b/x: Forbidden (Service: Amazon S3; Status Code: 403; Error Code: 403 Forbidden; Request ID: 1)"
    )
    said = "java.lang.RuntimeException: Stream not found. (Service: AmazonKinesis; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: 1; Proxy: null)"
    assert errors.failure(Exception(said)) == "Stream not found (ResourceNotFoundException)"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("Object 'raw_streem' not found", "Did you mean raw_stream?"),
        ("Column 'activty_type' not found in any table", "Did you mean activity_type?"),
        ("No match found for function signature cuont(<INTEGER>)", "Did you mean count?"),
        ("Column 'zzz' not found in any table", "^"),
    ],
)
def test_did_you_mean(message, says):
    said = f"org.apache.flink.table.api.ValidationException: SQL validation failed. From line 1, column 8 to line 1, column 9: {message}"
    names = ["activity_type", "device_id", "count"]
    error = errors.sql_error(Exception(said), Statement("SELECT x FROM t", 2, 1), ["raw_stream", "tracks"], names)
    assert str(error).splitlines()[-1].strip() == says


def test_reserved_words_need_backticks():
    parse_error = 'org.apache.flink.table.api.SqlParserException: SQL parse failed. Encountered "raw" at line 1, column 15.\nWas expecting one of:\n  x'
    error = errors.sql_error(Exception(parse_error), Statement("SELECT * FROM raw", 2, 1), {"raw"})
    assert str(error).endswith("raw is a reserved word in Flink's SQL: write it in backticks, `raw`.")


def test_an_answer_that_changed_options_do_not_have_is_forgotten(monkeypatch):
    shown = []
    monkeypatch.setattr(zeppelin, "display", shown.append)
    z = Zeppelin(FrontEnd(), StopAfter())
    assert (z.select("window", [1, 2], 2), z.checkbox("tracks", ["a", "b"])) == (2, ["a", "b"])
    shown[0].value, shown[1].value = 1, ("b",)
    assert (z.select("window", [1, 2], 2), z.checkbox("tracks", ["a", "b"])) == (1, ["b"])
    assert (z.select("window", [5, 2], 2), z.checkbox("tracks", ["a"])) == (2, ["a"])
    with pytest.raises(ParagraphError, match="window: 3 is not among the options"):
        z.select("window", [1, 2], 3)


class FrontEnd:
    def has_front_end(self) -> bool:
        return True
