"""Executions: their fields, result objects, pages, failures, stopping, events, restart."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server
from tests.local.athena.athena_lake import LONG, Lake, refused
from tests.local.events.event_lab import queue_policy


def test_an_execution_has_all_of_athenas_fields(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1}, {"a": 2})
    lake.table("raw", "a int", "raw/")
    execution = lake.ok("SELECT a FROM raw")
    identifier = execution["QueryExecutionId"]
    assert execution["Query"] == "SELECT a FROM raw"
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "SELECT")
    assert execution["ResultConfiguration"]["OutputLocation"] == f"s3://{lake.out}/results/{identifier}.csv"
    assert execution["QueryExecutionContext"] == {"Database": "db"}
    assert execution["ResultReuseConfiguration"] == {"ResultReuseByAgeConfiguration": {"Enabled": False}}
    assert execution["WorkGroup"] == "primary"
    assert execution["EngineVersion"] == {
        "SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3",
    }  # fmt: skip
    assert execution["Status"]["CompletionDateTime"] >= execution["Status"]["SubmissionDateTime"]
    statistics = execution["Statistics"]
    assert statistics["DataScannedInBytes"] == 18  # two lines of 9 bytes
    assert statistics["ResultReuseInformation"] == {"ReusedPreviousResult": False}
    assert statistics["TotalExecutionTimeInMillis"] >= statistics["EngineExecutionTimeInMillis"]


def test_statement_types_and_result_objects(lake: Lake) -> None:
    expected = [
        ("SELECT 1", "DML", "SELECT", "{}.csv"),
        ("VALUES 1", "DML", "SELECT", "{}.csv"),
        ("EXPLAIN SELECT 1", "DML", "EXPLAIN", "{}.txt"),
        ("CREATE DATABASE x1", "DDL", "CREATE_DATABASE", "{}.txt"),
        ("SHOW TABLES", "UTILITY", "SHOW_TABLES", "{}.txt"),
        ("SHOW FUNCTIONS", "UTILITY", "SHOW_FUNCTIONS", "{}.csv"),
        ("CREATE TABLE t WITH (format = 'JSON') AS SELECT 1 AS a", "DDL", "CREATE_TABLE_AS_SELECT", "tables/{}"),
        ("INSERT INTO t SELECT 2", "DML", "INSERT", "{}"),
        (f"UNLOAD (SELECT 1 AS a) TO 's3://{lake.bucket}/u/' WITH (format = 'JSON')", "DML", "UNLOAD", "{}"),
        ("/* SHOW TABLES */ SELECT 1", "DML", "SELECT", "{}.csv"),
        ("-- SELECT\nSHOW TABLES", "UTILITY", "SHOW_TABLES", "{}.txt"),
        ("DROP TABLE t", "DDL", "DROP_TABLE", "{}.txt"),
    ]
    for query, kind, sub, name in expected:
        execution = lake.ok(query)
        assert (execution["StatementType"], execution["SubstatementType"]) == (kind, sub), query
        location = f"s3://{lake.out}/results/" + name.format(execution["QueryExecutionId"])
        assert execution["ResultConfiguration"]["OutputLocation"] == location, query


def test_csv_quotes_all_but_null_and_pages_start_with_the_header(lake: Lake) -> None:
    execution = lake.ok(
        "SELECT 1 AS i, 'it''s' AS s, 'a\"b' AS q, CAST(NULL AS varchar) AS n, '' AS empty, ARRAY[1, 2] AS a, "
        "'two\nlines' AS l, 1e20 AS d, TIMESTAMP '2020-01-01 12:34:56.789' AS ts, true AS b"
    )
    body = lake.get(execution["ResultConfiguration"]["OutputLocation"]).decode()
    assert body == (
        '"i","s","q","n","empty","a","l","d","ts","b"\n'
        '"1","it\'s","a""b",,"","[1, 2]","two\nlines","1.0E20","2020-01-01 12:34:56.789","true"\n'
    )
    answer = lake.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    header, row = answer["ResultSet"]["Rows"]
    assert [d["VarCharValue"] for d in header["Data"]] == ["i", "s", "q", "n", "empty", "a", "l", "d", "ts", "b"]
    assert row["Data"][3] == {}
    assert row["Data"][4] == {"VarCharValue": ""}
    assert answer["UpdateCount"] == 0
    info = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert info[0] == {
        "CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": "i", "Label": "i", "Type": "integer",
        "Precision": 10, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": False,
    }  # fmt: skip
    assert [(c["Type"], c["Precision"]) for c in info] == [
        ("integer", 10), ("varchar", 4), ("varchar", 3), ("varchar", 2147483647), ("varchar", 0), ("array", 0),
        ("varchar", 9), ("double", 17), ("timestamp", 3), ("boolean", 0),
    ]  # fmt: skip


def test_metadata_object_is_the_protobuf_that_drivers_read(lake: Lake) -> None:
    execution = lake.ok("SELECT count(*) AS n FROM (VALUES 1, 2) t(a)")
    body = lake.get(execution["ResultConfiguration"]["OutputLocation"] + ".metadata")
    # field 4: hive, name, label, bigint, precision 19, scale 0, nullable 3, case-sensitive 0
    column = b"\x0a\x04hive\x22\x01n\x2a\x01n\x32\x06bigint\x38\x13\x40\x00\x48\x03\x50\x00"
    assert body[:1] == b"\x0a"
    assert body[2 + body[1] :] == b"\x22" + bytes([len(column)]) + column


def test_no_rows_give_the_header_line_only(lake: Lake) -> None:
    execution = lake.ok("SELECT 1 AS a WHERE false")
    assert lake.get(execution["ResultConfiguration"]["OutputLocation"]) == b'"a"\n'
    assert lake.results(execution) == [["a"]]


def test_columns_that_are_all_null(lake: Lake) -> None:
    lake.ok("CREATE TABLE n AS SELECT CAST(NULL AS double) AS d, CAST(NULL AS real) AS r, CAST(NULL AS timestamp) AS t")
    assert lake.rows("SELECT d, r, t FROM n") == [[None, None, None]]
    assert lake.rows("SELECT CAST(NULL AS double), NULL") == [[None, None]]


def test_result_pages(lake: Lake) -> None:
    identifier = lake.ok("SELECT x FROM UNNEST(sequence(1, 2500)) t(x) ORDER BY x")["QueryExecutionId"]
    pages, token = [], None
    while True:
        more = {"NextToken": token} if token else {}
        answer = lake.athena.get_query_results(QueryExecutionId=identifier, **more)
        pages.append([row["Data"][0]["VarCharValue"] for row in answer["ResultSet"]["Rows"]])
        token = answer.get("NextToken")
        if token is None:
            break
    assert [len(page) for page in pages] == [1000, 1000, 501]  # the header counts
    assert pages[0][:2] == ["x", "1"]
    assert [value for page in pages for value in page][1:] == [str(x) for x in range(1, 2501)]
    small = lake.athena.get_query_results(QueryExecutionId=identifier, MaxResults=1)
    assert small["ResultSet"]["Rows"] == [{"Data": [{"VarCharValue": "x"}]}]


def test_get_query_results_errors(lake: Lake) -> None:
    results = lake.athena.get_query_results
    done = lake.ok("SELECT 1")["QueryExecutionId"]
    assert refused(lambda: results(QueryExecutionId=done, MaxResults=1001)) == (
        "INVALID_INPUT", "MaxResults is more than maximum allowed length 1000",
    )  # fmt: skip
    assert refused(lambda: results(QueryExecutionId=done, NextToken="x")) == (
        "INVALID_INPUT", "Malformed nextPageToken x",
    )  # fmt: skip
    unknown = str(uuid.uuid4())
    assert refused(lambda: results(QueryExecutionId=unknown)) == (
        "QUERY_EXECUTION_NOT_FOUND", f"QueryExecution {unknown} was not found",
    )  # fmt: skip
    failed = lake.run("SELECT 1 / 0")["QueryExecutionId"]
    assert refused(lambda: results(QueryExecutionId=failed)) == (
        "INVALID_QUERY_EXECUTION_STATE", "Query did not finish successfully. Final query state: FAILED",
    )  # fmt: skip


def test_what_start_query_execution_refuses(lake: Lake) -> None:
    start = lake.athena.start_query_execution
    output = {"OutputLocation": f"s3://{lake.out}/"}

    def message(query: str, **settings: Any) -> tuple[str, str]:
        return refused(lambda: start(QueryString=query, **{"ResultConfiguration": output, **settings}))

    code, text = message("SELEC 1")
    assert code == "MALFORMED_QUERY"
    assert text.startswith("line 1:1: mismatched input 'SELEC'. Expecting: 'ALTER', 'ANALYZE', 'CALL'")
    assert message("SELECT 1; SELECT 2")[1].startswith("line 1:9: Only one sql statement is allowed. Got: ")
    assert message("SELECT 1", ResultConfiguration={"OutputLocation": "nowhere"}) == (
        "INVALID_INPUT", "outputLocation is not a valid S3 path.",
    )  # fmt: skip
    assert message("SELECT 1", ResultConfiguration={})[1].startswith("No output location provided. An output location")
    assert message("SELECT 1", WorkGroup="nope") == ("INVALID_INPUT", "WorkGroup nope is not found.")
    assert message("CREATE TABLE x (a int)")[1] == (
        "No location was specified for table. An S3 location must be specified"
    )
    assert message("CREATE TABLE x (a int) LOCATION 's3://b/x/'")[1] == "External keyword required for table type HIVE"
    assert message("DESCRIBE db.nope")[1].startswith("Entity Not Found (Service: AmazonDataCatalog; Status Code: 400;")
    assert message('DROP TABLE "x"')[0] == "MALFORMED_QUERY"
    deep = "(" * 20_000 + "1" + ")" * 20_000
    assert message("SELECT " + deep)[1] == "statement is too large (stack overflow while parsing)"
    assert lake.athena.list_query_executions()["QueryExecutionIds"] == []


def test_request_token_makes_a_start_idempotent(lake: Lake) -> None:
    token = "t" * 32
    first = lake.start("SELECT 1", ClientRequestToken=token)
    assert lake.start("SELECT 1", ClientRequestToken=token) == first
    assert refused(lambda: lake.start("SELECT 2", ClientRequestToken=token)) == (
        "IDEMPOTENT_PARAMETER_MISMATCH", "Idempotent parameters do not match",
    )  # fmt: skip


def test_run_time_failures(lake: Lake) -> None:
    lake.table("raw", "a int", "raw/")
    expected = {
        "SELECT * FROM db.t": ("TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.t' does not exist", 1301),
        "SELECT * FROM x.t": ("SCHEMA_NOT_FOUND: line 1:15: Schema 'x' does not exist", 1301),
        "SELECT nope FROM raw": (
            "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is not authorized to access "
            "requested resources", 1006,
        ),
        "SELECT 1 / 0": ("DIVISION_BY_ZERO: Division by zero", 1001),
    }  # fmt: skip
    for query, (reason, kind) in expected.items():
        execution = lake.run(query)
        status = execution["Status"]
        assert (status["State"], status["StateChangeReason"]) == ("FAILED", reason), query
        assert status["AthenaError"] == {
            "ErrorCategory": 2, "ErrorType": kind, "Retryable": False, "ErrorMessage": reason,
        }  # fmt: skip
    assert lake.keys(lake.out, "results/") == []  # a failed SELECT leaves nothing


def test_stop_really_stops(lake: Lake) -> None:
    identifier = lake.start(LONG)
    deadline = time.monotonic() + 20
    state = ""
    while state != "RUNNING" and time.monotonic() < deadline:
        state = lake.athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]["Status"]["State"]
    assert refused(lambda: lake.athena.get_query_results(QueryExecutionId=identifier)) == (
        "INVALID_QUERY_EXECUTION_STATE", "Query has not yet finished. Current state: RUNNING",
    )  # fmt: skip
    lake.athena.stop_query_execution(QueryExecutionId=identifier)
    status = lake.wait(identifier)["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query cancelled by user")
    assert refused(lambda: lake.athena.get_query_results(QueryExecutionId=identifier))[1] == "Could not find results"
    for _ in range(6):  # the workers are free again: more queries than there are workers run to their end
        assert lake.rows("SELECT 1") == [["1"]]
    lake.athena.stop_query_execution(QueryExecutionId=identifier)  # once more: no error


def test_stop_at_once_and_of_what_is_queued(lake: Lake) -> None:
    identifiers = [lake.start(LONG) for _ in range(7)]  # more than there are workers
    for identifier in identifiers:
        lake.athena.stop_query_execution(QueryExecutionId=identifier)
    assert {lake.wait(identifier)["Status"]["State"] for identifier in identifiers} == {"CANCELLED"}
    started = time.monotonic()
    assert lake.rows("SELECT 1") == [["1"]]
    assert time.monotonic() - started < 15


def test_queries_at_the_same_time_do_not_mix(lake: Lake) -> None:
    for number in range(8):
        lake.put_json(f"t{number}/a", *({"a": number} for _ in range(number + 1)))
        lake.table(f"t{number}", "a int", f"t{number}/")
    identifiers = [lake.start(f"SELECT sum(a), count(*) FROM t{number}") for number in range(8)]
    found = [lake.results(lake.wait(identifier))[1] for identifier in identifiers]
    assert found == [[str(n * (n + 1)), str(n + 1)] for n in range(8)]


def test_blanks_before_a_statement_do_not_count(lake: Lake) -> None:
    execution = lake.run("\n\n   SELECT nope FROM (VALUES 1) t(a) ;  ")
    assert execution["Status"]["StateChangeReason"].startswith("COLUMN_NOT_FOUND: line 1:8: Column 'nope'")
    assert lake.rows("  \n SELECT 1;") == [["1"]]


def test_lists_and_batches(lake: Lake) -> None:
    identifiers = [lake.ok(f"SELECT {number}")["QueryExecutionId"] for number in range(3)]
    page = lake.athena.list_query_executions(MaxResults=2)
    rest = lake.athena.list_query_executions(MaxResults=2, NextToken=page["NextToken"])
    assert page["QueryExecutionIds"] + rest["QueryExecutionIds"] == identifiers[::-1]  # newest first
    unknown = str(uuid.uuid4())
    found = lake.athena.batch_get_query_execution(QueryExecutionIds=[identifiers[0], unknown])
    assert [e["QueryExecutionId"] for e in found["QueryExecutions"]] == [identifiers[0]]
    assert found["UnprocessedQueryExecutionIds"] == [
        {
            "QueryExecutionId": unknown,
            "ErrorCode": "QUERY_EXECUTION_NOT_FOUND",
            "ErrorMessage": f"QueryExecution {unknown} was not found",
        }
    ]
    statistics = lake.athena.get_query_runtime_statistics(QueryExecutionId=identifiers[0])["QueryRuntimeStatistics"]
    assert statistics["Rows"]["OutputRows"] == 1


def test_events_of_a_query(lake: Lake, client: Callable[..., Any], account: str) -> None:
    events, queue = client("events"), client("sqs")
    url = queue.create_queue(QueueName="states")["QueueUrl"]
    policy = queue_policy(f"arn:aws:sqs:us-east-1:{account}:states")
    queue.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_rule(Name="athena", EventPattern=json.dumps({"source": ["aws.athena"]}))
    events.put_targets(Rule="athena", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{account}:states"}])
    lake.ok("SELECT 1")
    seen: list[dict[str, Any]] = []
    deadline = time.monotonic() + 20
    while len(seen) < 3 and time.monotonic() < deadline:
        for message in queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            seen.append(json.loads(message["Body"]))
    assert {e["detail-type"] for e in seen} == {"Athena Query State Change"}
    details = sorted((e["detail"] for e in seen), key=lambda d: int(d["sequenceNumber"]))
    assert [(d["currentState"], d.get("previousState")) for d in details] == [
        ("QUEUED", None), ("RUNNING", "QUEUED"), ("SUCCEEDED", "RUNNING"),
    ]  # fmt: skip


def test_no_message_holds_a_path_of_this_machine(lake: Lake, server: Server) -> None:
    lake.put("raw/a", '{"a": "x"}\n{"a')
    lake.table("raw", "a int", "raw/")
    lake.put_json("ok/a", {"a": 1})
    lake.table("ok", "a int", "ok/")
    texts = [lake.reason("SELECT * FROM raw"), str(lake.lines("EXPLAIN SELECT count(*) FROM ok WHERE a > 0"))]
    texts.append(str(lake.lines("EXPLAIN ANALYZE SELECT count(*) FROM ok WHERE a > 0")))
    for text in texts:
        assert str(server.home) not in text
        assert "/objects/" not in text


def test_executions_survive_kill_and_what_ran_has_failed(own_server: Server) -> None:
    lake = Lake(lambda service, **settings: own_server.client(service, "210000000001", **settings), "210000000001")
    done = lake.ok("SELECT 1 AS a")["QueryExecutionId"]
    named = lake.athena.create_named_query(Name="n", Database="db", QueryString="SELECT 1")["NamedQueryId"]
    running = lake.start(LONG)
    own_server.kill()
    own_server.restart()
    assert lake.results(lake.wait(done)) == [["a"], ["1"]]
    status = lake.wait(running)["Status"]
    assert status["State"] == "FAILED"
    assert "the local AWS was stopped" in status["StateChangeReason"]
    assert lake.athena.list_named_queries()["NamedQueryIds"] == [named]
    assert lake.rows("SELECT 2") == [["2"]]


def test_contradictions_of_the_catalog_are_told(lake: Lake) -> None:
    lake.table("twice", "id int, day int", "t/", keys="day string")
    for query in ("SELECT * FROM twice", "SELECT id FROM twice WHERE day = '1'"):
        assert lake.reason(query) == (
            "HIVE_INVALID_METADATA: Hive metadata for table twice is invalid: Table descriptor contains duplicate columns"
        )
    descriptor = {"Location": f"s3://{lake.bucket}/u/", "InputFormat": "org.apache.hadoop.mapred.TextInputFormat"}
    lake.glue.create_table(
        DatabaseName="db", TableInput={"Name": "unknown", "StorageDescriptor": {**descriptor, "SerdeInfo": {}}}
    )
    assert lake.reason("SELECT * FROM unknown") == "HIVE_UNKNOWN_ERROR: Unable to create input format"


def test_what_hive_does_not_store_is_refused(lake: Lake) -> None:
    for query in (
        "CREATE TABLE t AS SELECT CAST('2020-11-01 00:00:00.123456' AS timestamp(6)) AS at_time",
        f"UNLOAD (SELECT ARRAY[TIMESTAMP '2020-11-01 00:00:00.123456'] AS at_time) TO 's3://{lake.bucket}/u/' WITH (format = 'PARQUET')",
    ):  # fmt: skip
        text = "Incorrect timestamp precision for timestamp(6); the configured precision is MILLISECONDS; column name: at_time"
        assert text in lake.reason(query)
    lake.ok("CREATE TABLE f AS SELECT REAL '0.5' AS x")
    lake.ok("INSERT INTO f VALUES 1.0")
    assert lake.rows("SELECT x FROM f ORDER BY 1") == [["0.5"], ["1.0"]]
    assert lake.reason("CREATE TABLE f AS SELECT 1 AS x").startswith(
        "TABLE_ALREADY_EXISTS: line 1:1: Destination table 'awsdatacatalog.db.f' already exists"
    )


def test_the_default_database_is_always_there(lake: Lake) -> None:
    assert lake.reason("SELECT * FROM default.t") == (
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.t' does not exist"
    )
    assert lake.lines("SHOW TABLES IN default") == []
    lake.ok("CREATE TABLE default.t AS SELECT 1 AS a")
    assert lake.rows("SELECT a FROM t", QueryExecutionContext={"Database": "default"}) == [["1"]]


def test_reserved_words_need_backquotes_in_ddl(lake: Lake) -> None:
    for word in ("timestamp", "date", "user", "order", "group", "table", "values", "Map"):
        with pytest.raises(
            ClientError, match=f"no viable alternative at input 'CREATE EXTERNAL TABLE t \\(id int, {word}'"
        ):
            lake.start(f"CREATE EXTERNAL TABLE t (id int, {word} string) LOCATION 's3://{lake.bucket}/t/'")
    lake.ok(f"CREATE EXTERNAL TABLE t (`timestamp` string, `order` int) LOCATION 's3://{lake.bucket}/t/'")


def test_what_was_interrupted_while_it_wrote_is_gone_and_failed(own_server: Server) -> None:
    """The end of the server between the last file and the end of the statement: all is there, but it had not SUCCEEDED."""
    account = "200000000991"
    lake = Lake(partial(own_server.client, account=account), account)
    rows = "SELECT x AS a, x % 3 AS p FROM UNNEST(sequence(1, 9)) u(x)"
    lake.ok("CREATE TABLE whole WITH (partitioned_by = ARRAY['p']) AS SELECT BIGINT '7' AS a, BIGINT '1' AS p")
    unload = f"UNLOAD ({rows}) TO 's3://{lake.bucket}/unloaded/' WITH (format = 'JSON')"
    queries = [f"CREATE TABLE t WITH (partitioned_by = ARRAY['p']) AS {rows}", f"INSERT INTO whole {rows}", unload]
    done = [lake.ok(query) for query in queries]
    root = done[0]["ResultConfiguration"]["OutputLocation"].split("/", 3)[3]
    assert len(lake.keys(lake.out, f"{root}/")) == 3 and len(lake.lines("SHOW PARTITIONS whole")) == 3
    own_server.kill()
    (path,) = own_server.home.rglob("executions.sqlite")
    with sqlite3.connect(path) as table:
        for identifier in (each["QueryExecutionId"] for each in done):
            (body,) = table.execute("SELECT body FROM executions WHERE id = ?", (identifier,)).fetchone()
            running = json.dumps({**json.loads(body), "state": "RUNNING", "completed": None}).encode()
            table.execute("UPDATE executions SET state = 'RUNNING', body = ? WHERE id = ?", (running, identifier))
    table.close()
    own_server.start()
    assert [lake.wait(each["QueryExecutionId"])["Status"]["State"] for each in done] == ["FAILED"] * 3
    assert lake.lines("SHOW TABLES IN db") == ["whole"] and lake.lines("SHOW PARTITIONS whole") == ["p=1"]
    assert lake.keys(lake.out, root) == [] and lake.keys(lake.bucket, "unloaded/") == []
    assert lake.rows("SELECT a FROM whole") == [["7"]]
    for query in queries:
        lake.ok(query)
    assert lake.rows("SELECT count(*) FROM whole") == [["10"]]
