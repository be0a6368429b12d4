"""Athena's service: executions, what they scan, result objects, tables of each format, workgroups, restart."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sqlite3
import time
import uuid
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from infra.engines.athena.errors import QueryError
from infra.local.athena.lake import projection
from tests.conftest import Server
from tests.local.athena.athena_lake import Lake
from tests.local.events.event_lab import queue_policy

LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
LONG = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) "
    "CROSS JOIN UNNEST(sequence(1, 10000)) c(z) WHERE (x * y + z) % 7 = 3"
)


@pytest.fixture
def lake(client: Callable[..., Any], account: str) -> Lake:
    return Lake(client, account)


def parquet(**columns: pa.Array) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="gzip")
    return out.getvalue()


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """The AthenaErrorCode and the message of a refused request."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return response.get("AthenaErrorCode", response["Error"]["Code"]), response["Error"]["Message"]


# --- executions -----------------------------------------------------------------------------------------------------


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


# --- JSON tables ----------------------------------------------------------------------------------------------------


def test_json_keys_in_any_case_absent_keys_and_nested_types(lake: Lake) -> None:
    lake.put(
        "raw/a", '{"Track_ID": 1, "tags": ["x", "y"], "place": {"City": "Ulm"}, "more": {"a": 1}}\n{"tags": null}\n'
    )
    lake.put("raw/b", '{"track_id": 2}\n\n')
    lake.table("raw", "track_id int; tags array<string>; place struct<city:string>; more map<string,int>", "raw/")
    assert lake.rows("SELECT track_id, tags[1], place.city, more['a'] FROM raw WHERE track_id = 1") == [
        ["1", "x", "Ulm", "1"]
    ]
    assert lake.rows("SELECT track_id, tags, place FROM raw ORDER BY track_id") == [
        ["1", "[x, y]", "{city=Ulm}"], ["2", None, None], [None, None, None],
    ]  # fmt: skip


def test_json_values_of_other_types(lake: Lake) -> None:
    lake.put(
        "raw/a", '{"i": "12", "s": 1.5, "b": "true", "d": "2.5", "l": 3000000000, "o": {"k": [1, 2]}}\n{"i": 1.9}\n'
    )
    lake.table("raw", "i int, s string, b boolean, d double, l bigint, o string", "raw/")
    assert lake.rows("SELECT * FROM raw ORDER BY i DESC") == [
        ["12", "1.5", "true", "2.5", "3000000000", '{"k":[1,2]}'], ["1", None, None, None, None, None],
    ]  # fmt: skip


def test_json_timestamps(lake: Lake) -> None:
    lake.put_json("raw/a", {"t": "2026-01-01 10:00:00.123"}, {"t": "2026-01-01T10:00:00Z"}, {"t": 1767261600000})
    lake.table("raw", "t timestamp", "raw/")
    assert lake.rows("SELECT t FROM raw ORDER BY t") == [
        ["2026-01-01 10:00:00.000"], ["2026-01-01 10:00:00.000"], ["2026-01-01 10:00:00.123"],
    ]  # fmt: skip


def test_json_that_is_bad_fails_in_athenas_words(lake: Lake) -> None:
    lake.put("cut/a", '{"a": 1}\n{"a": \n')
    lake.table("cut", "a int", "cut/")
    assert lake.reason("SELECT * FROM cut") == "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"
    lake.put("word/a", '{"b": 1, "a": "twelve"}\n')
    lake.table("word", "b int, a int", "word/")
    assert lake.reason("SELECT a FROM word") == (
        "HIVE_BAD_DATA: Error parsing field value 'twelve' for field 1: For input string: \"twelve\""
    )
    lake.put("big/a", '{"a": 12312845691}\n')
    lake.table("big", "a int", "big/")
    assert lake.reason("SELECT a FROM big") == (
        "HIVE_BAD_DATA: Error parsing field value '12312845691' for field 0: For input string: \"12312845691\""
    )


def test_json_lines_that_are_no_objects(lake: Lake) -> None:
    lake.put("raw/a", '{"a": 1, "b": "x"}\n"text"\n[2, "y"]\n7\n')
    lake.table("raw", "a int, b string", "raw/")
    assert lake.rows("SELECT a, b FROM raw ORDER BY a") == [["1", "x"], ["2", "y"], [None, None], [None, None]]


def test_json_exact_reading_of_all_types(lake: Lake) -> None:
    lake.put(
        "raw/a",
        '{"I":"0x1F","l":9007199254740993,"d":"1e3","r":1.5,"n":"12.345","b":true,"s":{"X":{"Y":[1,"2"]}},"t":1.5,"x":"AQI="} tail\n',
    )
    lake.table(
        "raw", "i int; l bigint; d double; r float; n decimal(10,2); b boolean; s struct<x:struct<y:array<int>>>; "
        "t timestamp; x binary", "raw/",
    )  # fmt: skip
    assert lake.rows("SELECT * FROM raw") == [
        [
            "31",
            "9007199254740993",
            "1000.0",
            "1.5",
            "12.35",
            "true",
            "{x={y=[1, 2]}}",
            "1970-01-01 00:00:01.500",
            "01 02",
        ]
    ]


def test_json_keys_that_the_serde_maps(lake: Lake) -> None:
    lake.put("raw/a", '{"MyKey": 1, "a.b": 2, "TS": 3}\n')
    lake.table(
        "raw", "mine int, a_b int, ts int", "raw/",
        serde_parameters={"mapping.mine": "MyKey", "dots.in.keys": "true"},
    )  # fmt: skip
    assert lake.rows("SELECT mine, ts FROM raw") == [["1", "3"]]
    assert lake.rows("SELECT mine, a_b, ts FROM raw") == [["1", "2", "3"]]


def test_json_keys_in_two_cases_in_one_file(lake: Lake) -> None:
    lake.put("raw/a", '{"Id": 1}\n{"ID": 2}\n{"id": 3}\n')
    lake.table("raw", "id int", "raw/")
    assert lake.rows("SELECT id FROM raw ORDER BY id") == [["1"], ["2"], ["3"]]


def test_objects_that_are_replaced_are_read_anew(lake: Lake) -> None:
    lake.table("raw", "a int", "raw/")
    for number in range(3):
        lake.put_json("raw/x", {"A" if number % 2 else "a": number})
        assert lake.rows("SELECT a FROM raw") == [[str(number)]]


def test_json_malformed_lines_are_null_when_the_table_says_so(lake: Lake) -> None:
    lake.put("raw/a", '{"a": 1}\n{"a": \n{"a": 3}\n')
    lake.table("raw", "a int", "raw/", serde_parameters={"ignore.malformed.json": "true"})
    assert lake.rows("SELECT a FROM raw") == [["1"], [None], ["3"]]


def test_json_only_the_first_object_of_a_line_counts(lake: Lake) -> None:
    lake.put("raw/a", '{"a": 1}{"a": 2}{"a": 3}\n{"a": 4}')  # what Firehose writes without a delimiter
    lake.table("raw", "a int", "raw/")
    assert lake.rows("SELECT a FROM raw ORDER BY a") == [["1"], ["4"]]
    assert lake.rows("SELECT count(*) FROM raw") == [["2"]]


def test_gzip_is_known_by_its_name_and_damage_is_told(lake: Lake) -> None:
    packed = gzip.compress(b'{"a": 1}\n{"a": 2}\n' * 100)
    lake.put("good/a.gz", packed)
    lake.table("good", "a int", "good/")
    execution = lake.ok("SELECT sum(a) FROM good")
    assert lake.results(execution)[1] == ["300"]
    assert execution["Statistics"]["DataScannedInBytes"] == len(packed)
    lake.put("cut/a.gz", packed[:-12])
    lake.table("cut", "a int", "cut/")
    assert lake.reason("SELECT sum(a) FROM cut") == "HIVE_CURSOR_ERROR: Unexpected end of input stream"
    lake.put("not/a.gz", b'{"a": 1}\n')
    lake.table("not_gzip", "a int", "not/")
    assert lake.reason("SELECT sum(a) FROM not_gzip") == "HIVE_CURSOR_ERROR: incorrect header check"


def test_other_compressions(lake: Lake, tmp_path: Path) -> None:
    lake.put("raw/a.bz2", bz2.compress(b'{"a": 1}\n{"A": 2}\n'))
    with pa.output_stream(str(tmp_path / "b.zst")) as out:
        out.write(b'{"A": 3}\n{"a": 4}\n')
    lake.put("raw/b.zst", (tmp_path / "b.zst").read_bytes())
    lake.table("raw", "a int", "raw/")
    assert lake.rows("SELECT a FROM raw ORDER BY a") == [["1"], ["2"], ["3"], ["4"]]
    lines = b'{"a": 1}\n{"a": 2}\n'
    part = pa.Codec("snappy").compress(lines, asbytes=True)
    block = len(lines).to_bytes(4, "big") + len(part).to_bytes(4, "big") + part  # as Hadoop writes it
    lake.put("snap/a.snappy", block + block)
    lake.put("snap/b.deflate", zlib.compress(lines))
    lake.table("snap", "a int", "snap/")
    assert lake.rows("SELECT count(*), sum(a) FROM snap") == [["6", "9"]]
    lake.put("lz/a.lz4", b"x")
    lake.table("lz", "a int", "lz/")
    assert lake.reason("SELECT a FROM lz").startswith(
        "NOT_SUPPORTED: The local AWS does not read the compression of s3://"
    )


def test_hidden_files_are_skipped_and_empty_tables_are_empty(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1})
    lake.put("raw/_SUCCESS", "not json")
    lake.put("raw/.hidden/x", "not json")
    lake.put("raw/empty", "")
    lake.table("raw", "a int", "raw/")
    lake.table("nothing", "a int, b string, c double", "nothing/")
    assert lake.rows("SELECT * FROM raw") == [["1"]]
    assert lake.rows("SELECT * FROM nothing") == []
    assert lake.rows("SELECT count(*), max(b) FROM nothing") == [["0", None]]


# --- CSV tables -----------------------------------------------------------------------------------------------------


def test_lazy_csv(lake: Lake) -> None:
    lake.put("c/a", 'id,name,x,ok\n1,"q",1.5,true\n2,,abc,no\n\\N,\\N,\\N,\\N\n4\n5,e,2,TRUE,extra\n')
    lake.table(
        "c", "id int, name string, x double, ok boolean", "c/", serde=LAZY, serde_parameters={"field.delim": ","},
        parameters={"skip.header.line.count": "1"},
    )  # fmt: skip
    assert lake.rows("SELECT * FROM c ORDER BY id") == [
        ["1", '"q"', "1.5", "true"], ["2", "", None, None], ["4", None, None, None], ["5", "e", "2.0", "true"],
        [None, None, None, None],
    ]  # fmt: skip


def test_lazy_text_with_escapes_collections_and_own_null(lake: Lake) -> None:
    lake.put("c/a", "a\\|b|1,2|k:1,l:2|NIL\nx||NIL|y\n")
    lake.table(
        "c", "s string; n array<int>; m map<string,int>; t string", "c/", serde=LAZY,
        serde_parameters={
            "field.delim": "|", "collection.delim": ",", "mapkey.delim": ":", "escape.delim": "\\",
            "serialization.null.format": "NIL",
        },
    )  # fmt: skip
    assert lake.rows("SELECT s, n, m, t FROM c ORDER BY s") == [
        ["a|b", "[1, 2]", "{k=1, l=2}", None], ["x", "[]", None, "y"],
    ]  # fmt: skip


def test_open_csv(lake: Lake) -> None:
    lake.put("c/a", '"1","a,b","say ""hi"""\n2,plain,\n')
    lake.put("c/b.gz", gzip.compress(b'3,"back\\"slash",x\n'))
    lake.table("c", "id string, name string, q string", "c/", serde=OPEN_CSV)
    assert lake.rows("SELECT * FROM c ORDER BY id") == [
        ["1", "a,b", 'say "hi"'], ["2", "plain", ""], ["3", 'back"slash', "x"],
    ]  # fmt: skip
    lake.table("typed", "id int, name string", "c/", serde=OPEN_CSV)
    assert lake.rows("SELECT sum(id) FROM typed") == [["6"]]
    lake.table("wrong", "id string, name int", "c/", serde=OPEN_CSV)
    assert lake.reason("SELECT name FROM wrong") == (
        "HIVE_BAD_DATA: Error parsing field value 'a,b' for field 1: For input string: \"a,b\""
    )


# --- Parquet tables -------------------------------------------------------------------------------------------------


def test_parquet_by_name_with_missing_columns(lake: Lake) -> None:
    lake.put("p/a", parquet(B=pa.array(["x", None]), a=pa.array([1, 2], pa.int32())))
    lake.put("p/b", parquet(a=pa.array([3], pa.int32())))
    lake.table("p", "a bigint, b string, c double", "p/", serde=PARQUET)
    assert lake.rows("SELECT a, b, c FROM p ORDER BY a") == [["1", "x", None], ["2", None, None], ["3", None, None]]


def test_parquet_counts_only_the_chunks_of_used_columns(lake: Lake) -> None:
    body = parquet(a=pa.array(range(5000), pa.int64()), wide=pa.array([uuid.uuid4().hex for _ in range(5000)]))
    lake.put("p/a", body)
    lake.table("p", "a bigint, wide string", "p/", serde=PARQUET)
    group = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0)
    sizes = {group.column(i).path_in_schema: group.column(i).total_compressed_size for i in range(2)}
    assert lake.ok("SELECT max(a) FROM p")["Statistics"]["DataScannedInBytes"] == sizes["a"]
    assert lake.ok("SELECT * FROM p LIMIT 1")["Statistics"]["DataScannedInBytes"] == sizes["a"] + sizes["wide"]
    assert lake.ok("SELECT count(*) FROM p")["Statistics"]["DataScannedInBytes"] == 0


def test_parquet_row_groups_that_conditions_rule_out_do_not_count(lake: Lake) -> None:
    out = io.BytesIO()
    table = pa.table({"a": pa.array(range(3000), pa.int32()), "day": pa.array([f"d{x // 1000}" for x in range(3000)])})
    pq.write_table(table, out, row_group_size=1000)
    lake.put("p/a", out.getvalue())
    lake.table("p", "a int, day string", "p/", serde=PARQUET)
    metadata = pq.ParquetFile(io.BytesIO(out.getvalue())).metadata
    a = [metadata.row_group(i).column(0).total_compressed_size for i in range(3)]
    day = [metadata.row_group(i).column(1).total_compressed_size for i in range(3)]
    expected = {
        "SELECT count(*) FROM p WHERE a >= 2500": (500, a[2]),
        "SELECT count(*) FROM p WHERE 1000 > a": (1000, a[0]),
        "SELECT count(*) FROM p WHERE a BETWEEN 1500 AND 1600": (101, a[1]),
        "SELECT count(*) FROM p WHERE day = 'd1' AND a < 1500": (500, a[1] + day[1]),
        "SELECT count(*) FROM p WHERE a IN (5, 2005)": (2, a[0] + a[2]),
        "SELECT count(*) FROM p WHERE a > 9000": (0, 0),
        "SELECT count(*) FROM p WHERE a > 2500 OR day = 'd0'": (1499, sum(a[::2]) + sum(day[::2])),
        "SELECT count(*) FROM p WHERE a % 2 = 0": (1500, sum(a)),
    }
    for query, (count, scanned) in expected.items():
        execution = lake.ok(query)
        assert lake.results(execution)[1] == [str(count)], query
        assert execution["Statistics"]["DataScannedInBytes"] == scanned, query


def test_parquet_of_another_type_or_none_at_all_is_bad_data(lake: Lake) -> None:
    lake.put("p/a", parquet(a=pa.array(["x"])))
    lake.table("p", "a bigint", "p/", serde=PARQUET)
    reason = lake.reason("SELECT a FROM p")
    assert reason.startswith(
        f"HIVE_BAD_DATA: Field a's type VARCHAR in parquet file s3://{lake.bucket}/p/a is incompatible"
    )
    lake.put("q/a", b"this is no parquet")
    lake.table("q", "a bigint", "q/", serde=PARQUET)
    assert lake.reason("SELECT a FROM q") == (
        f"HIVE_BAD_DATA: Not valid Parquet file: s3://{lake.bucket}/q/a expected magic number: PAR1 got: quet"
    )


def test_one_malformed_parquet_file_among_others_is_named(lake: Lake) -> None:
    for name in ("a", "c"):
        lake.put(f"p/{name}", parquet(a=pa.array([1], pa.int64())))
    lake.put("p/b", b"PAR1 no footer here PAR1")
    lake.table("p", "a bigint", "p/", serde=PARQUET)
    assert lake.reason("SELECT a FROM p") == f"HIVE_BAD_DATA: Malformed Parquet file: s3://{lake.bucket}/p/b"


def test_a_byte_order_mark_and_bytes_that_are_no_utf8(lake: Lake) -> None:
    lake.put("raw/a", b'\xef\xbb\xbf{"a": "x"}\n{"a": "caf\xe9"}\n')
    lake.table("raw", "a string", "raw/")
    assert lake.rows("SELECT a FROM raw ORDER BY a") == [["caf\ufffd"], ["x"]]


def test_serdes_that_are_not_there_are_refused(lake: Lake) -> None:
    lake.put("o/a", b"x")
    lake.table("o", "a bigint", "o/", serde="org.apache.hadoop.hive.serde2.RegexSerDe")
    assert lake.reason("SELECT a FROM o").startswith("NOT_SUPPORTED: The local AWS does not read tables with the SerDe")


# --- partitions -----------------------------------------------------------------------------------------------------


def partitioned(lake: Lake) -> None:
    lake.table("raw", "a int", "raw/", keys="y string, m int")
    for year, month in (("2025", 12), ("2026", 1), ("2026", 2)):
        key = f"raw/{year}/{month}/"
        lake.put_json(key + "x", {"a": month})
        lake.glue.create_partition(
            DatabaseName="db", TableName="raw",
            PartitionInput={
                "Values": [year, str(month)],
                "StorageDescriptor": {
                    "Columns": [{"Name": "a", "Type": "int"}],
                    "Location": f"s3://{lake.bucket}/{key}",
                    "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
                },
            },
        )  # fmt: skip


def test_partitions_are_pruned_and_not_counted(lake: Lake) -> None:
    partitioned(lake)
    every = lake.ok("SELECT y, m, a FROM raw ORDER BY y, m")
    assert lake.results(every)[1:] == [["2025", "12", "12"], ["2026", "1", "1"], ["2026", "2", "2"]]
    assert every["Statistics"]["DataScannedInBytes"] == 10 + 9 + 9
    some = lake.ok("SELECT sum(a) FROM raw WHERE y = '2026' AND m > 1")
    assert lake.results(some)[1] == ["2"]
    assert some["Statistics"]["DataScannedInBytes"] == 9
    none = lake.ok("SELECT count(*) FROM raw WHERE y = '1999'")
    assert (lake.results(none)[1], none["Statistics"]["DataScannedInBytes"]) == (["0"], 0)
    mixed = lake.ok("SELECT count(*) FROM raw WHERE y IN ('2025', '2026') AND a = 12")
    assert lake.results(mixed)[1] == ["1"]


def test_the_partitions_of_a_table_are_a_table(lake: Lake) -> None:
    partitioned(lake)
    listed = lake.ok('SELECT * FROM "raw$partitions" ORDER BY m DESC')
    assert lake.results(listed) == [["y", "m"], ["2025", "12"], ["2026", "2"], ["2026", "1"]]
    assert listed["Statistics"]["DataScannedInBytes"] == 0
    assert lake.rows("SELECT max(m) FROM awsdatacatalog.db.\"raw$partitions\" p WHERE p.y = '2026'") == [["2"]]
    lake.table("flat", "a int", "flat/")
    assert lake.reason('SELECT * FROM "flat$partitions"') == (
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.flat$partitions' does not exist"
    )
    for query in ('SELECT "$path" FROM "raw$partitions"', 'SELECT "$path" FROM information_schema.tables'):
        assert lake.reason(query).startswith("COLUMN_NOT_FOUND: line 1:8: Column '$path' cannot be resolved")
    lake.table("none", "a int", "none/", keys="y string, m int")
    assert lake.rows('SELECT * FROM "none$partitions"') == []
    values = {
        "Values": ["__HIVE_DEFAULT_PARTITION__", "3"],
        "StorageDescriptor": {"Location": f"s3://{lake.bucket}/n/"},
    }
    lake.glue.create_partition(DatabaseName="db", TableName="none", PartitionInput=values)
    assert lake.rows('SELECT y, m FROM "none$partitions"') == [[None, "3"]]


def test_a_system_sample_reads_whole_files(lake: Lake) -> None:
    for number in range(40):
        lake.put_json(f"raw/{number:02}", {"a": number}, {"a": number})
    lake.table("raw", "a int", "raw/")
    for percentage, rows in ((100, "80"), (0, "0")):
        execution = lake.ok(f"SELECT count(r.a) FROM raw AS r TABLESAMPLE SYSTEM ({percentage})")
        assert lake.results(execution)[1] == [rows]
        assert (execution["Statistics"]["DataScannedInBytes"] == 0) is (percentage == 0)
    some = lake.rows("SELECT a, count(*) FROM raw TABLESAMPLE SYSTEM (50) GROUP BY a")
    assert 0 < len(some) < 40  # 1 in 2**39 that a right sample is not
    assert {count for _, count in some} == {"2"}


def test_partition_values_of_another_type(lake: Lake) -> None:
    partitioned(lake)
    lake.put_json("raw/odd/x", {"a": 1})
    entry = lake.glue.get_partitions(DatabaseName="db", TableName="raw")["Partitions"][0]["StorageDescriptor"]
    entry["Location"] = f"s3://{lake.bucket}/raw/odd/"
    lake.glue.create_partition(
        DatabaseName="db", TableName="raw", PartitionInput={"Values": ["2026", "x"], "StorageDescriptor": entry}
    )
    assert lake.rows("SELECT a FROM raw WHERE y = '2025'") == [["12"]]
    assert lake.reason("SELECT a FROM raw WHERE y = '2026'") == (
        "HIVE_INVALID_PARTITION_VALUE: Invalid partition value 'x' for INTEGER partition key: m"
    )


def test_hidden_columns(lake: Lake) -> None:
    partitioned(lake)
    assert lake.rows('SELECT "$path", "$file_size", m FROM raw WHERE y = \'2025\'') == [
        [f"s3://{lake.bucket}/raw/2025/12/x", "10", "12"]
    ]
    assert lake.rows(
        "SELECT count(*) FROM raw WHERE \"$file_modified_time\" > TIMESTAMP '2020-01-01 00:00:00 UTC'"
    ) == [["3"]]


def test_partition_schema_mismatch(lake: Lake) -> None:
    partitioned(lake)
    table = lake.glue.get_table(DatabaseName="db", Name="raw")["Table"]
    entry = {key: table[key] for key in ("Name", "TableType", "PartitionKeys", "StorageDescriptor")}
    entry["StorageDescriptor"]["Columns"][0]["Type"] = "boolean"
    lake.glue.update_table(DatabaseName="db", TableInput=entry)
    assert lake.reason("SELECT a FROM raw WHERE y = '2025'") == (
        "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition schemas. The types are "
        "incompatible and cannot be coerced. The column 'a' in table 'db.raw' is declared as type 'boolean', but "
        "partition 'y=2025/m=12' declared column 'a' as type 'int'."
    )


def test_partition_projection(lake: Lake) -> None:
    for hour in ("2026/01/01/09", "2026/01/01/10", "2026/01/02/00", "2031/01/01/00"):
        lake.put_json(f"fire/{hour}/x", {"a": int(hour[-2:])})
    lake.table(
        "fire", "a int", "fire/", keys="datehour string",
        parameters={
            "projection.enabled": "true", "projection.datehour.type": "date",
            "projection.datehour.format": "yyyy/MM/dd/HH", "projection.datehour.range": "2026/01/01/00,2030/01/01/00",
            "projection.datehour.interval": "1", "projection.datehour.interval.unit": "HOURS",
            "storage.location.template": f"s3://{lake.bucket}/fire/${{datehour}}/",
        },
    )  # fmt: skip
    assert lake.rows("SELECT datehour, a FROM fire ORDER BY 1") == [
        ["2026/01/01/09", "9"], ["2026/01/01/10", "10"], ["2026/01/02/00", "0"],
    ]  # fmt: skip
    some = lake.ok("SELECT a FROM fire WHERE datehour >= '2026/01/01/10' AND datehour < '2026/01/02/00'")
    assert lake.results(some)[1:] == [["10"]]
    assert some["Statistics"]["DataScannedInBytes"] == len('{"a": 10}\n')


def test_projection_of_enum_integer_and_injected(lake: Lake) -> None:
    for kind, number in (("a", "01"), ("a", "03"), ("b", "02"), ("z", "01"), ("a", "09")):
        lake.put_json(f"p/kind={kind}/n={number}/x", {"v": 1})
    settings = {
        "projection.enabled": "true", "projection.kind.type": "enum", "projection.kind.values": "a,b",
        "projection.n.type": "integer", "projection.n.range": "1,4", "projection.n.digits": "2",
    }  # fmt: skip
    lake.table("p", "v int", "p/", keys="kind string, n int", parameters=settings)
    assert lake.rows("SELECT kind, n FROM p ORDER BY 1, 2") == [["a", "1"], ["a", "3"], ["b", "2"]]
    lake.table(
        "q", "v int", "p/", keys="kind string, n int", parameters={**settings, "projection.kind.type": "injected"}
    )
    assert lake.rows("SELECT count(*) FROM q WHERE kind = 'z'") == [["1"]]
    assert lake.reason("SELECT count(*) FROM q").startswith(
        "CONSTRAINT_VIOLATION: For the injected projected partition"
    )
    lake.table("r", "v int", "p/", keys="kind string, n int", parameters={"projection.enabled": "true"})
    assert lake.reason("SELECT * FROM r") == (
        "HIVE_METASTORE_ERROR: Table db.r is configured for partition projection, but the following partition columns "
        "are missing projection configuration: [kind, n] (table db.r)"
    )


def projected(values: list[str], **settings: str) -> list[str]:
    """Which values of a column `d` a projection takes."""
    table = {
        "DatabaseName": "db", "Name": "t", "PartitionKeys": [{"Name": "d", "Type": "string"}],
        "StorageDescriptor": {"Location": "s3://b/t/"},
        "Parameters": {f"projection.d.{key.replace('_', '.')}": value for key, value in settings.items()},
    }  # fmt: skip
    found = projection.projections(table)
    text = projection.template(table, found)
    return [v for (v,) in projection.matches(text, found, [f"s3://b/t/d={value}/x" for value in values])]


def test_projected_dates_relative_to_now() -> None:
    now = datetime.now(UTC)
    days = [(now + timedelta(days=shift)).strftime("%Y-%m-%d") for shift in (-400, -10, 0, 2)]
    settings = {"type": "date", "format": "yyyy-MM-dd"}
    assert projected(days, range="NOW-1YEARS,NOW", **settings) == days[1:3]
    assert projected(days, range="NOW-30DAYS,NOW+3DAYS", **settings) == days[1:]
    assert projected(["2026-01-01", "2026-01-02", "2026-01-08"], range="2026-01-01,NOW+9999DAYS", interval="1",
                     interval_unit="WEEKS", **settings) == ["2026-01-01", "2026-01-08"]  # fmt: skip
    months = ["202601", "202602", "202604"]
    assert projected(months, type="date", format="yyyyMM", range="202601,203001", interval="3") == ["202601", "202604"]
    assert projected(["2026-01-01T05", "x"], type="date", format="yyyy-MM-dd'T'HH", range="2026-01-01T00,2026-01-02T00",
                     interval="1", interval_unit="HOURS") == ["2026-01-01T05"]  # fmt: skip


def test_projections_that_are_wrong() -> None:
    for settings, text in (
        ({"type": "date", "range": "2026,NOW"}, "The property projection.d.format is missing"),
        ({"type": "date", "range": "2026,NOW", "format": "GG"}, "the letter 'G' of the format 'GG' is not supported"),
        ({"type": "date", "range": "2026-01-01T00,NOW", "format": "yyyy-MM-dd'T'HH"}, "interval.unit is required"),
        ({"type": "integer", "range": "a,b"}, "Invalid partition projection of column d"),
        ({"type": "uuid"}, "Unknown projection type 'uuid' of column d"),
    ):
        with pytest.raises(QueryError, match="HIVE_METASTORE_ERROR") as caught:
            projected(["x"], **settings)
        assert text in caught.value.message


def test_properties_that_are_not_read_are_refused(lake: Lake) -> None:
    lake.put("c/a", "1\n2\n")
    lake.table("foot", "a int", "c/", serde=LAZY, parameters={"skip.footer.line.count": "1"})
    assert lake.rows("SELECT a FROM foot") == [["1"]]
    lake.table("odd", "a int", "c/", serde=LAZY, parameters={"skip.header.line.count": "one"})
    assert lake.reason("SELECT a FROM odd") == (
        "HIVE_INVALID_METADATA: Invalid value for skip.header.line.count property: one"
    )
    lake.table("latin", "a int", "c/", serde=LAZY, serde_parameters={"serialization.encoding": "ISO-8859-1"})
    assert lake.reason("SELECT a FROM latin").startswith(
        "NOT_SUPPORTED: The local AWS reads tables with serialization.encoding = 'UTF-8' only"
    )


# --- workgroups, reuse, prepared statements, named queries ----------------------------------------------------------


def test_an_enforced_workgroup_wins_over_the_client(lake: Lake) -> None:
    lake.athena.create_work_group(
        Name="team",
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{lake.bucket}/team/"}},
        Description="ours",
    )
    execution = lake.ok("SELECT 1", WorkGroup="team")
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{lake.bucket}/team/")
    reason = lake.reason(
        f"CREATE TABLE x WITH (external_location = 's3://{lake.bucket}/x/') AS SELECT 1 AS a", WorkGroup="team"
    )
    assert "enforces a centralized output location" in reason
    made = lake.ok("CREATE TABLE x AS SELECT 1 AS a", WorkGroup="team")
    location = lake.glue.get_table(DatabaseName="db", Name="x")["Table"]["StorageDescriptor"]["Location"]
    assert location == f"s3://{lake.bucket}/team/tables/{made['QueryExecutionId']}/"
    group = lake.athena.get_work_group(WorkGroup="team")["WorkGroup"]
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is True
    assert group["State"] == "ENABLED"


def test_workgroup_states_and_deletion(lake: Lake) -> None:
    names = [group["Name"] for group in lake.athena.list_work_groups()["WorkGroups"]]
    assert names == ["primary"]
    lake.athena.create_work_group(
        Name="team", Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{lake.out}/team/"}}
    )
    identifier = lake.ok("SELECT 1", WorkGroup="team")["QueryExecutionId"]
    lake.athena.update_work_group(WorkGroup="team", State="DISABLED")
    assert refused(lambda: lake.start("SELECT 1", WorkGroup="team"))[1] == "WorkGroup team is disabled."
    assert refused(lambda: lake.athena.delete_work_group(WorkGroup="team"))[1] == "WorkGroup team is not empty"
    lake.athena.delete_work_group(WorkGroup="team", RecursiveDeleteOption=True)
    assert refused(lambda: lake.athena.get_work_group(WorkGroup="team"))[1] == "WorkGroup team is not found."
    assert (
        refused(lambda: lake.athena.get_query_execution(QueryExecutionId=identifier))[0] == "QUERY_EXECUTION_NOT_FOUND"
    )
    assert refused(lambda: lake.athena.delete_work_group(WorkGroup="primary"))[0] == "INVALID_INPUT"
    assert f"team/{identifier}.csv" in lake.keys(lake.out)  # result objects are the user's


def test_bytes_scanned_cutoff_cancels(lake: Lake) -> None:
    lake.put("raw/a", ('{"a": 1, "pad": "' + "x" * 10_000 + '"}\n') * 1100)
    lake.table("raw", "a int", "raw/")
    lake.athena.create_work_group(
        Name="small",
        Configuration={"EnforceWorkGroupConfiguration": False, "BytesScannedCutoffPerQuery": 10_000_000},
    )
    status = lake.run("SELECT count(*) FROM raw", WorkGroup="small")["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Bytes scanned limit was exceeded")
    assert lake.rows("SELECT count(*) FROM raw") == [["1100"]]


def test_metrics_of_a_workgroup(lake: Lake, client: Callable[..., Any]) -> None:
    lake.athena.create_work_group(
        Name="team",
        Configuration={"EnforceWorkGroupConfiguration": False, "PublishCloudWatchMetricsEnabled": True},
    )
    lake.put_json("raw/a", {"a": 1})
    lake.table("raw", "a int", "raw/")
    lake.ok("SELECT a FROM raw", WorkGroup="team")
    lake.ok("SELECT a FROM raw")  # primary publishes none
    dimensions = [
        {"Name": "QueryState", "Value": "SUCCEEDED"}, {"Name": "QueryType", "Value": "DML"},
        {"Name": "WorkGroup", "Value": "team"},
    ]  # fmt: skip
    now = datetime.now(UTC)
    found = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Athena", MetricName="ProcessedBytes", Dimensions=dimensions, Statistics=["Sum", "SampleCount"],
        StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=1), Period=3600,
    )["Datapoints"]  # fmt: skip
    assert [(point["Sum"], point["SampleCount"]) for point in found] == [(9.0, 1.0)]


def test_result_reuse(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1})
    lake.table("raw", "a int", "raw/")
    reuse = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 10}}}
    lake.ok("SELECT a FROM raw", **reuse)
    again = lake.ok("SELECT a FROM raw", **reuse)
    assert again["Statistics"]["ResultReuseInformation"] == {"ReusedPreviousResult": True}
    assert again["Statistics"]["DataScannedInBytes"] == 0
    assert lake.results(again) == [["a"], ["1"]]
    assert not lake.ok("SELECT a FROM raw")["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    for _ in range(2):
        changing = lake.ok("SELECT a, now() FROM raw", **reuse)
        assert not changing["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]


def test_parameters_and_prepared_statements(lake: Lake) -> None:
    execution = lake.ok("SELECT a FROM (VALUES 1, 2, 3) t(a) WHERE a > ? AND ? = 'x'", ExecutionParameters=["1", "'x'"])
    assert execution["ExecutionParameters"] == ["1", "'x'"]
    assert lake.results(execution)[1:] == [["2"], ["3"]]
    assert lake.reason("SELECT ?", ExecutionParameters=["1", "2"]).startswith("INVALID_PARAMETER_USAGE")
    lake.ok("PREPARE more FROM SELECT a FROM (VALUES 1, 2, 3) t(a) WHERE a >= ?")
    assert lake.rows("EXECUTE more USING 2") == [["2"], ["3"]]
    assert lake.rows("EXECUTE more", ExecutionParameters=["3"]) == [["3"]]
    listed = lake.athena.list_prepared_statements(WorkGroup="primary")["PreparedStatements"]
    assert [item["StatementName"] for item in listed] == ["more"]
    lake.athena.create_prepared_statement(StatementName="less", WorkGroup="primary", QueryStatement="SELECT ? + 1")
    assert lake.rows("EXECUTE less USING 41") == [["42"]]
    found = lake.athena.get_prepared_statement(StatementName="less", WorkGroup="primary")["PreparedStatement"]
    assert (found["QueryStatement"], found["WorkGroupName"]) == ("SELECT ? + 1", "primary")
    lake.athena.update_prepared_statement(StatementName="less", WorkGroup="primary", QueryStatement="SELECT ? - 1")
    assert lake.rows("EXECUTE less USING 41") == [["40"]]
    lake.ok("DEALLOCATE PREPARE more")
    lake.athena.delete_prepared_statement(StatementName="less", WorkGroup="primary")
    assert refused(lambda: lake.start("EXECUTE more USING 1"))[1] == (
        "PreparedStatement more was not found in workGroup primary"
    )


def test_prepared_statements_of_other_kinds(lake: Lake) -> None:
    lake.ok(f"CREATE TABLE t WITH (external_location = 's3://{lake.bucket}/t/') AS SELECT 1 AS a")
    lake.ok("PREPARE more FROM INSERT INTO t SELECT ?")
    execution = lake.ok("EXECUTE more USING 41")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "INSERT")
    assert lake.rows("SELECT a FROM t ORDER BY a") == [["1"], ["41"]]


def test_tags(lake: Lake, account: str) -> None:
    arn = f"arn:aws:athena:us-east-1:{account}:workgroup/team"
    lake.athena.create_work_group(Name="team", Tags=[{"Key": "a", "Value": "1"}])
    lake.athena.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    lake.athena.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert lake.athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    plain = arn.replace("team", "primary")
    assert lake.athena.list_tags_for_resource(ResourceARN=plain)["Tags"] == []


def test_named_queries(lake: Lake) -> None:
    identifier = lake.athena.create_named_query(Name="first", Database="db", QueryString="SELECT 1")["NamedQueryId"]
    assert lake.athena.list_named_queries()["NamedQueryIds"] == [identifier]
    lake.athena.update_named_query(NamedQueryId=identifier, Name="second", QueryString="SELECT 2")
    found = lake.athena.get_named_query(NamedQueryId=identifier)["NamedQuery"]
    assert (found["Name"], found["QueryString"], found["WorkGroup"]) == ("second", "SELECT 2", "primary")
    batch = lake.athena.batch_get_named_query(NamedQueryIds=[identifier, str(uuid.uuid4())])
    assert (len(batch["NamedQueries"]), len(batch["UnprocessedNamedQueryIds"])) == (1, 1)
    lake.athena.delete_named_query(NamedQueryId=identifier)
    assert lake.athena.list_named_queries()["NamedQueryIds"] == []


def test_catalog_operations(lake: Lake) -> None:
    lake.table("raw", "a int, b string", "raw/", keys="day string")
    assert lake.athena.list_data_catalogs()["DataCatalogsSummary"] == [
        {"CatalogName": "AwsDataCatalog", "Type": "GLUE"}
    ]
    databases = lake.athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]
    assert [database["Name"] for database in databases] == ["db"]
    table = lake.athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db", TableName="raw")
    metadata = table["TableMetadata"]
    assert metadata["Columns"] == [{"Name": "a", "Type": "int"}, {"Name": "b", "Type": "string"}]
    assert metadata["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    assert metadata["Parameters"]["location"] == f"s3://{lake.bucket}/raw/"
    listed = lake.athena.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db", Expression="r.*")
    assert [t["Name"] for t in listed["TableMetadataList"]] == ["raw"]
    with pytest.raises(ClientError, match="MetadataException"):
        lake.athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db", TableName="nope")


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


# --- restart --------------------------------------------------------------------------------------------------------


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


# --- ORC and Avro ---------------------------------------------------------------------------------------------------

EVERYTHING = (
    "SELECT 1 AS i, BIGINT '3000000000' AS l, REAL '1.5' AS r, 2.5 AS d, DECIMAL '12.34' AS n, true AS b, 'x' AS s, "
    "DATE '2021-01-05' AS day, TIMESTAMP '2021-01-05 10:00:00.123' AS t, ARRAY[1, NULL] AS a, MAP(ARRAY['k'], ARRAY[2]) AS m, "
    "CAST(ROW(1, 'y') AS ROW(p integer, q varchar)) AS w, X'0102' AS x, CAST(NULL AS varchar) AS nothing"
)


@pytest.mark.parametrize(
    ("form", "codec"), [("ORC", "ZLIB"), ("ORC", "NONE"), ("AVRO", "DEFLATE"), ("AVRO", "NONE"), ("PARQUET", "ZSTD")]
)
def test_every_type_is_written_and_read(lake: Lake, form: str, codec: str) -> None:
    lake.ok(f"CREATE TABLE t WITH (format = '{form}', write_compression = '{codec}') AS {EVERYTHING}")
    expected = lake.rows(EVERYTHING)
    assert lake.rows("SELECT * FROM t") == expected
    lake.ok(f"INSERT INTO t {EVERYTHING}")
    assert lake.rows("SELECT * FROM t") == [*expected, *expected]
    assert lake.rows("SELECT a[1], w.q, m['k'] FROM t WHERE day = DATE '2021-01-05'") == [["1", "y", "2"]] * 2


def test_orc_columns_are_found_by_their_place_unless_the_table_says_otherwise(lake: Lake) -> None:
    out = io.BytesIO()
    pa.orc.write_table(pa.table({"one": [1], "two": ["x"]}), out)
    lake.put("o/a", out.getvalue())
    orc = "org.apache.hadoop.hive.ql.io.orc.OrcSerde"
    lake.table("o", "two int, one string, three string", "o/", serde=orc)
    assert lake.rows("SELECT * FROM o") == [["1", "x", None]]
    lake.table("named", "two string, one int", "o/", serde=orc, serde_parameters={"orc.column.index.access": "false"})
    assert lake.rows("SELECT * FROM named") == [["x", "1"]]
    lake.put("bad/a", b"ORC, but no more")
    lake.table("bad", "a int", "bad/", serde=orc)
    assert lake.reason("SELECT * FROM bad").startswith("HIVE_BAD_DATA: Malformed ORC file: s3://")


# --- contradictions, managed results, parameters --------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("own", "wanted", "fits"),
    [
        ("int", "bigint", True), ("bigint", "int", False), ("string", "int", True), ("double", "boolean", False),
        ("struct<a:int>", "struct<a:int,b:string>", True), ("struct<a:int,b:string>", "struct<a:int>", True),
        ("struct<a:int,b:string>", "struct<a:int,n:int,b:string>", False), ("struct<a:int>", "struct<a:bigint>", True),
        ("struct<a:bigint>", "struct<a:int>", False), ("array<int>", "array<bigint>", True), ("array<string>", "array<boolean>", False),
        ("map<string,int>", "map<string,string>", True), ("map<string,struct<a:int,b:int>>", "map<string,struct<b:int>>", False),
        ("struct<a:int>", "string", False), ("array<struct<a:string>>", "array<string>", False), ("decimal(10,2)", "decimal(12,2)", True),
        ("varchar(10)", "string", True), ("decimal(10,2)", "boolean", False),
    ],
)  # fmt: skip
def test_schemas_of_partitions(lake: Lake, own: str, wanted: str, fits: bool) -> None:
    lake.table("p", f"id int; c {wanted}", "p/", keys="d string")
    descriptor = lake.glue.get_table(DatabaseName="db", Name="p")["Table"]["StorageDescriptor"]
    columns = [{"Name": "id", "Type": "int"}, {"Name": "c", "Type": own}]
    given = {**descriptor, "Columns": columns, "Location": f"s3://{lake.bucket}/p/d=1/"}
    lake.glue.create_partition(
        DatabaseName="db", TableName="p", PartitionInput={"Values": ["1"], "StorageDescriptor": given}
    )
    if fits:
        assert lake.rows("SELECT count(*) FROM p") == [["0"]]
    else:
        assert lake.reason("SELECT count(*) FROM p").startswith("HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch")


def test_managed_query_results(lake: Lake) -> None:
    lake.athena.create_work_group(Name="kept", Configuration={"ManagedQueryResultsConfiguration": {"Enabled": True}})
    execution = lake.ok("SELECT 1 AS a", WorkGroup="kept", ResultConfiguration={})
    assert execution["ManagedQueryResultsConfiguration"] == {"Enabled": True}
    assert "OutputLocation" not in execution["ResultConfiguration"]
    assert lake.results(execution) == [["a"], ["1"]]
    assert lake.results(lake.ok("SHOW DATABASES", WorkGroup="kept", ResultConfiguration={})) == [["db"]]
    with pytest.raises(ClientError, match="OutputLocation cannot be used"):
        lake.start("SELECT 1", WorkGroup="kept")


def test_execution_parameters_are_values_of_the_columns_type(lake: Lake) -> None:
    lake.put_json("p/a", {"c": "Washington", "n": 7, "d": "2021-01-05"}, {"c": "98101", "n": 8, "d": "2021-01-06"})
    lake.table("p", "c string, n int, d date", "p/")
    for where, values, expected in (
        ("c = ?", ["Washington"], ["7"]), ("c = ?", ["'Washington'"], ["7"]), ("c = ?", ["98101"], ["8"]), ("n = ?", ["7"], ["7"]),
        ("n = ?", ["'8'"], ["8"]), ("d = ?", ["2021-01-05"], ["7"]), ("c IN (?, ?)", ["98101", "x"], ["8"]),
        ("d BETWEEN ? AND ?", ["2021-01-06", "'2021-01-07'"], ["8"]), ("c LIKE ?", ["Wash%"], ["7"]), ("n > ? + 1", ["6"], ["8"]),
        ("c = upper(?)", ["washington"], None),
    ):  # fmt: skip
        found = lake.rows(f"SELECT n FROM p WHERE {where}", ExecutionParameters=values)
        assert found == ([expected] if expected else []), (where, values)


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


def test_an_interrupted_ctas_is_gone_and_failed(own_server: Server) -> None:
    """The end of the server between the last file and the end of the statement: all is there, but it had not SUCCEEDED."""
    account = "200000000991"
    lake = Lake(partial(own_server.client, account=account), account)
    query = "CREATE TABLE t WITH (partitioned_by = ARRAY['p']) AS SELECT x AS a, x % 3 AS p FROM UNNEST(sequence(1, 9)) u(x)"
    execution = lake.ok(query)
    whole = lake.ok("CREATE TABLE whole AS SELECT 1 AS a")
    identifier = execution["QueryExecutionId"]
    root = execution["ResultConfiguration"]["OutputLocation"].split("/", 3)[3] + "/"
    assert len(lake.keys(lake.out, root)) == 3
    own_server.kill()
    (path,) = own_server.home.rglob("executions.sqlite")
    with sqlite3.connect(path) as table:
        (body,) = table.execute("SELECT body FROM executions WHERE id = ?", (identifier,)).fetchone()
        running = json.dumps({**json.loads(body), "state": "RUNNING", "completed": None})
        table.execute("UPDATE executions SET state = 'RUNNING', body = ? WHERE id = ?", (running.encode(), identifier))
    table.close()
    own_server.start()
    status = lake.athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]["Status"]
    assert status["State"] == "FAILED"
    assert lake.lines("SHOW TABLES IN db") == ["whole"]
    assert lake.keys(lake.out, root) == []
    assert lake.rows("SELECT a FROM whole") == [["1"]]
    assert lake.wait(whole["QueryExecutionId"])["Status"]["State"] == "SUCCEEDED"
    lake.ok(query)
