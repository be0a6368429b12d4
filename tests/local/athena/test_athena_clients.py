"""Athena through the official clients, each with nothing but a profile file that names this server."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

pd = pytest.importorskip("pandas")
wr = pytest.importorskip("awswrangler")

from pyathena import connect  # noqa: E402
from pyathena.cursor import DictCursor  # noqa: E402
from pyathena.error import OperationalError  # noqa: E402
from pyathena.pandas.cursor import PandasCursor  # noqa: E402

from tests.conftest import Server  # noqa: E402

FRAME = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "name": ["a", 'b"c', None],
        "x": [1.5, None, 3.0],
        "ok": [True, False, True],
        "ts": pd.to_datetime(["2026-01-01 10:00:00.123", "2026-01-02 00:00:00.000", "2026-01-03 00:00:00.000"]),
        "day": ["2026-01-01", "2026-01-02", "2026-01-02"],
    }
)


@pytest.fixture
def profile(server: Server, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a client: a profile whose endpoint_url is the server."""
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(f"[profile lake]\nregion = us-east-1\nendpoint_url = {server.endpoint}\noutput = json\n")
    credentials.write_text(f"[lake]\naws_access_key_id = {account}\naws_secret_access_key = test\n")
    settings = {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_PROFILE": "lake",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield settings


@pytest.fixture
def lake(profile: dict[str, str], account: str) -> str:
    """A bucket with the partitioned Parquet table db.t, made by awswrangler."""
    bucket = f"wr-{account}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    wr.catalog.create_database("db")
    wr.s3.to_parquet(
        FRAME,
        path=f"s3://{bucket}/t/",
        dataset=True,
        database="db",
        table="t",
        mode="overwrite",
        partition_cols=["day"],
    )
    return bucket


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wr.config.athena_query_wait_polling_delay = 0.05  # seconds; its default is 1
        yield
        wr.config.reset("athena_query_wait_polling_delay")


def _same_as_frame(found: pd.DataFrame) -> None:
    assert found["id"].tolist() == [1, 2, 3]
    assert found["name"].fillna("NULL").tolist() == ["a", 'b"c', "NULL"]
    assert found["x"].fillna(-1).tolist() == [1.5, -1, 3.0]
    assert found["ok"].tolist() == [True, False, True]
    assert found["ts"].tolist() == FRAME["ts"].tolist()
    assert found["day"].tolist() == ["2026-01-01", "2026-01-02", "2026-01-02"]


def test_awswrangler_reads_a_query_in_each_of_its_ways(lake: str) -> None:
    query = "SELECT * FROM t ORDER BY id"
    _same_as_frame(wr.athena.read_sql_query(query, database="db"))  # CTAS, its default
    assert wr.catalog.tables(database="db")["Table"].tolist() == ["t"]  # and its temporary table is gone
    _same_as_frame(
        wr.athena.read_sql_query(
            query, database="db", ctas_approach=False, unload_approach=True, s3_output=f"s3://{lake}/unload/"
        )
    )
    _same_as_frame(wr.athena.read_sql_query(query, database="db", ctas_approach=False))


def test_awswrangler_parameters_empty_results_chunks_and_errors(lake: str) -> None:
    assert wr.athena.read_sql_query("SELECT * FROM t WHERE id = 99", database="db").empty
    named = wr.athena.read_sql_query(
        "SELECT name FROM t WHERE id = :id", database="db", params={"id": 2}, ctas_approach=False
    )
    assert named["name"].tolist() == ['b"c']
    chunks = wr.athena.read_sql_query("SELECT id FROM t ORDER BY id", database="db", ctas_approach=False, chunksize=2)
    assert [len(chunk) for chunk in chunks] == [2, 1]
    with pytest.raises(wr.exceptions.QueryFailed, match="COLUMN_NOT_FOUND: line .*: Column 'nope' cannot be resolved"):
        wr.athena.read_sql_query("SELECT nope FROM t", database="db", ctas_approach=False)
    with pytest.raises(wr.exceptions.InvalidCtasApproachQuery):
        wr.athena.read_sql_query("SELECT id, id FROM t", database="db")


def test_awswrangler_appends_overwrites_and_reads_the_catalog(lake: str) -> None:
    location = f"s3://{lake}/t/"
    wr.s3.to_parquet(
        FRAME.assign(id=FRAME["id"] + 10), path=location, dataset=True, database="db", table="t", mode="append",
        partition_cols=["day"],
    )  # fmt: skip
    counted = wr.athena.read_sql_query("SELECT count(*) AS n FROM t", database="db")
    assert counted["n"].tolist() == [6]
    described = wr.catalog.table(database="db", table="t")
    assert dict(zip(described["Column Name"], described["Type"], strict=True)) == {
        "id": "bigint", "name": "string", "x": "double", "ok": "boolean", "ts": "timestamp", "day": "string",
    }  # fmt: skip
    assert sorted(wr.catalog.get_partitions("db", "t").values()) == [["2026-01-01"], ["2026-01-02"]]
    wr.s3.to_parquet(
        FRAME[:1], path=location, dataset=True, database="db", table="t", mode="overwrite", partition_cols=["day"]
    )
    assert wr.athena.read_sql_table("t", database="db")["id"].tolist() == [1]
    assert "PARTITIONED BY ( `day` string)" in wr.athena.show_create_table("t", database="db")
    assert wr.athena.describe_table("t", database="db")["Column Name"].tolist() == [
        "id",
        "name",
        "x",
        "ok",
        "ts",
        "day",
    ]
    wr.athena.repair_table("t", database="db")


def test_awswrangler_json_and_csv_tables(lake: str) -> None:
    frame = FRAME.drop(columns=["ts", "day"])
    wr.s3.to_json(
        frame, path=f"s3://{lake}/j/", dataset=True, database="db", table="j", orient="records", lines=True, index=False
    )
    assert wr.s3.read_json(f"s3://{lake}/j/", dataset=True, lines=True)["id"].tolist() == [1, 2, 3]
    found = wr.athena.read_sql_query("SELECT * FROM j ORDER BY id", database="db")
    assert found["name"].fillna("NULL").tolist() == ["a", 'b"c', "NULL"]
    wr.s3.to_csv(FRAME, path=f"s3://{lake}/c/", dataset=True, database="db", table="c", index=False)
    assert wr.athena.read_sql_query("SELECT sum(id) AS s FROM c", database="db")["s"].tolist() == [6]


def test_awswrangler_prepared_statements_and_cache(lake: str) -> None:
    wr.athena.create_prepared_statement("SELECT name FROM t WHERE id = ?", "by_id")
    found = wr.athena.read_sql_query("EXECUTE by_id USING 2", database="db", ctas_approach=False)
    assert found["name"].tolist() == ['b"c']
    assert [item["StatementName"] for item in wr.athena.list_prepared_statements()] == ["by_id"]
    wr.athena.create_prepared_statement("SELECT x FROM t WHERE id = ?", "by_id")  # replaced, as awswrangler does
    wr.athena.delete_prepared_statement("by_id")
    assert wr.athena.list_prepared_statements() == []
    settings = {"max_cache_seconds": 900}
    first = wr.athena.read_sql_query("SELECT id FROM t ORDER BY id", database="db", athena_cache_settings=settings)
    executions = len(wr.athena.list_query_executions())
    again = wr.athena.read_sql_query("SELECT id FROM t ORDER BY id", database="db", athena_cache_settings=settings)
    assert again["id"].tolist() == first["id"].tolist() == [1, 2, 3]
    assert len(wr.athena.list_query_executions()) == executions


def test_pyathena_cursors(lake: str) -> None:
    connection = connect(s3_staging_dir=f"s3://{lake}/pyathena/", schema_name="db", poll_interval=0.05)
    cursor = connection.cursor()
    rows = cursor.execute("SELECT id, name, x, ok, ts, day FROM t ORDER BY id").fetchall()
    assert rows[0] == (1, "a", 1.5, True, datetime.datetime(2026, 1, 1, 10, 0, 0, 123000), "2026-01-01")
    assert rows[2][1] is None
    assert [(d[0], d[1], d[4]) for d in cursor.description[:3]] == [
        ("id", "bigint", 19), ("name", "varchar", 2147483647), ("x", "double", 17),
    ]  # fmt: skip
    assert cursor.execute("SELECT id FROM t WHERE id = %(wanted)d", {"wanted": 3}).fetchall() == [(3,)]
    assert cursor.execute("SELECT id FROM t WHERE name = ?", ["'a'"], paramstyle="qmark").fetchall() == [(1,)]
    assert connection.cursor(DictCursor).execute("SHOW TABLES").fetchall() == [{"tab_name": "t"}]
    _same_as_frame(connection.cursor(PandasCursor).execute("SELECT * FROM t ORDER BY id").as_pandas())
    unloaded = connection.cursor(PandasCursor, unload=True).execute("SELECT id FROM t ORDER BY id").as_pandas()
    assert unloaded["id"].tolist() == [1, 2, 3]
    assert [column.name for column in cursor.get_table_metadata("t").columns] == ["id", "name", "x", "ok", "ts"]
    assert [database.name for database in cursor.list_databases("AwsDataCatalog")] == ["db", "default"]
    with pytest.raises(OperationalError, match="TABLE_NOT_FOUND"):
        cursor.execute("SELECT * FROM nowhere")


def test_aws_cli(lake: str, profile: dict[str, str]) -> None:
    def aws(*arguments: str) -> dict:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "aws"), "athena", *arguments],
            capture_output=True, text=True, env={**os.environ, **profile}, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else {}

    started = aws(
        "start-query-execution", "--query-string", "SELECT count(*) AS n FROM db.t", "--result-configuration",
        f"OutputLocation=s3://{lake}/cli/",
    )  # fmt: skip
    deadline = time.monotonic() + 30
    state = "QUEUED"
    while state in ("QUEUED", "RUNNING") and time.monotonic() < deadline:
        answer = aws("get-query-execution", "--query-execution-id", started["QueryExecutionId"])
        state = answer["QueryExecution"]["Status"]["State"]
    assert state == "SUCCEEDED"
    found = aws("get-query-results", "--query-execution-id", started["QueryExecutionId"])
    assert [row["Data"][0]["VarCharValue"] for row in found["ResultSet"]["Rows"]] == ["n", "3"]
