"""Iceberg tables: rows, snapshots, schema evolution, maintenance, and another client on the same metadata."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.engines.athena.functions.iceberg import iceberg_hash_bytes, iceberg_hash_number
from tests.local.athena.athena_lake import Lake, refused


def table(lake: Lake, name: str = "t", columns: str = "id bigint, name string, ts timestamp", by: str = "") -> None:
    partitioned = f"PARTITIONED BY ({by}) " if by else ""
    lake.ok(
        f"CREATE TABLE {name} ({columns}) {partitioned}LOCATION 's3://{lake.bucket}/{name}/' "
        "TBLPROPERTIES ('table_type' = 'ICEBERG')"
    )


def snapshots(lake: Lake, name: str = "t") -> list[str | None]:
    return [row[0] for row in lake.rows(f'SELECT snapshot_id FROM "{name}$history" ORDER BY made_current_at')]


def test_rows_are_inserted_updated_merged_deleted_and_old_states_stay(lake: Lake) -> None:
    table(lake, by="day(ts), bucket(4, id)")
    assert lake.rows("SELECT * FROM t") == []
    told = lake.ok(
        "INSERT INTO t VALUES (1, 'a', TIMESTAMP '2024-01-01 10:00:00'), (2, 'b', TIMESTAMP '2024-01-02 10:00:00')"
    )
    assert lake.athena.get_query_results(QueryExecutionId=told["QueryExecutionId"])["UpdateCount"] == 2
    lake.ok("INSERT INTO t (id, name) SELECT 3, 'c'")
    lake.ok("UPDATE t SET name = upper(name), id = id + 10 WHERE id >= 2")
    every = "SELECT id, name FROM t ORDER BY id"
    assert lake.rows(every) == [["1", "a"], ["12", "B"], ["13", "C"]]
    lake.ok(
        "MERGE INTO t USING (VALUES (12, 'z'), (13, 'gone'), (7, 'new')) s(i, n) ON t.id = s.i "
        "WHEN MATCHED AND s.n = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET name = s.n "
        "WHEN NOT MATCHED AND s.i > 100 THEN INSERT (id) VALUES (0) WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.i, s.n)"
    )
    assert lake.rows(every) == [["1", "a"], ["7", "new"], ["12", "z"]]
    assert lake.rows("SELECT id FROM t WHERE ts IS NULL") == [["7"]]
    deleted = lake.ok("DELETE FROM t WHERE name = 'a' OR id IN (SELECT 7)")
    assert lake.athena.get_query_results(QueryExecutionId=deleted["QueryExecutionId"])["UpdateCount"] == 2
    assert lake.rows(every) == [["12", "z"]]
    states = snapshots(lake)
    assert lake.rows(f"SELECT count(*) FROM t FOR VERSION AS OF {states[1]}") == [["3"]]
    assert lake.rows("SELECT count(*) FROM t FOR TIMESTAMP AS OF current_timestamp x WHERE x.id > 0") == [["1"]]
    assert "No version history" in lake.reason(
        "SELECT * FROM t FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'"
    )
    assert (
        lake.reason("SELECT * FROM t FOR VERSION AS OF 5") == "INVALID_ARGUMENTS: Iceberg snapshot ID does not exist: 5"
    )


def test_every_type_and_transform_comes_back_as_it_was(lake: Lake) -> None:
    columns = (
        "i int, s string, f float, d double, n decimal(10,2), o boolean, b binary, t date, l array<int>, "
        "m map<string,int>, r struct<a:int,b:string>, filename string"
    )
    table(lake, columns=columns, by="truncate(2, s), month(t), n, o, bucket(3, s), truncate(10, i)")
    values = (
        "(-7, 'häns', REAL '1.5', 2.25, DECIMAL '3.10', true, X'00ff', DATE '1969-12-31', ARRAY[1, 2], MAP(ARRAY['k'], ARRAY[1]), "
        "CAST(ROW(1, 'x') AS ROW(a integer, b varchar)), 'own'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    )
    lake.ok(f"INSERT INTO t VALUES {values}")
    expected = [
        "-7",
        "häns",
        "1.5",
        "2.25",
        "3.10",
        "true",
        "00 ff",
        "1969-12-31",
        "[1, 2]",
        "{k=1}",
        "{a=1, b=x}",
        "own",
    ]
    assert lake.rows("SELECT * FROM t ORDER BY i") == [expected, [None] * 12]
    paths = [row[0] or "" for row in lake.rows('SELECT "$path" FROM t WHERE i = -7')]
    assert "/data/s_trunc=h%C3%A4/t_month=1969-12/n=3.10/o=true/s_bucket=" in paths[0]
    assert "/i_trunc=-10/" in paths[0]
    lake.ok("UPDATE t SET filename = 'new' WHERE filename = 'own'")
    assert lake.rows("SELECT filename, s FROM t ORDER BY i") == [["new", "häns"], [None, None]]
    scanned = lake.ok("SELECT s FROM t WHERE s = 'zz'")["Statistics"]["DataScannedInBytes"]
    assert scanned < lake.ok("SELECT s FROM t")["Statistics"]["DataScannedInBytes"]


def test_the_hash_of_buckets_is_icebergs() -> None:
    """Source: https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements"""
    assert iceberg_hash_number(34) == 2017239379
    assert iceberg_hash_bytes(b"iceberg") == 1210000089
    assert iceberg_hash_bytes(bytes([0, 1, 2, 3])) == -188683207


def test_a_schema_evolves_and_old_files_are_read_by_field(lake: Lake) -> None:
    table(lake, columns="id int, name string COMMENT 'who', gone date")
    lake.ok("INSERT INTO t VALUES (1, 'a', DATE '2024-01-01')")
    lake.ok("ALTER TABLE t ADD COLUMNS (extra int)")
    lake.ok("ALTER TABLE t CHANGE COLUMN name label string")
    lake.ok("ALTER TABLE t CHANGE COLUMN id id bigint")
    lake.ok("ALTER TABLE t DROP COLUMN gone")
    lake.ok("ALTER TABLE t ADD COLUMNS (name string)")  # another field than the first of that name
    lake.ok("INSERT INTO t VALUES (3000000000, 'b', 5, 'n')")
    assert lake.rows("SELECT * FROM t ORDER BY id") == [["1", "a", None, None], ["3000000000", "b", "5", "n"]]
    assert "cannot be resolved" in lake.reason("SELECT gone FROM t")
    assert "Cannot change column type" in lake.reason("ALTER TABLE t CHANGE COLUMN label label int")
    assert "Duplicate column name: extra" in lake.reason("ALTER TABLE t ADD COLUMNS (extra int)")
    columns = lake.glue.get_table(DatabaseName="db", Name="t")["Table"]["StorageDescriptor"]["Columns"]
    current = {c["Name"]: c["Parameters"]["iceberg.field.current"] for c in columns}
    assert current == {"id": "true", "label": "true", "extra": "true", "name": "true", "gone": "false"}
    lake.ok("ALTER TABLE t SET TBLPROPERTIES ('vacuum_min_snapshots_to_keep' = '3')")
    assert lake.lines("SHOW CREATE TABLE t") == [
        "CREATE TABLE db.t (", "  id bigint,", "  label string COMMENT 'who',", "  extra int,", "  name string)",
        f"LOCATION 's3://{lake.bucket}/t'", "TBLPROPERTIES (", "  'table_type'='iceberg',", "  'write_compression'='zstd',",
        "  'vacuum_min_snapshots_to_keep'='3'", ")",
    ]  # fmt: skip


def test_a_table_made_of_a_query_is_renamed_and_dropped_with_its_files(lake: Lake) -> None:
    made = (
        f"CREATE TABLE {{}} WITH (table_type = 'ICEBERG', is_external = false, location = 's3://{lake.bucket}/{{}}/', "
        "partitioning = ARRAY['day(at)', 'id']) AS SELECT id, TIMESTAMP '2024-05-01 00:00:00 UTC' AS at FROM UNNEST(sequence(1, {})) u(id)"
    )
    lake.ok(made.format("t", "t", 3))
    assert lake.rows("SELECT at, count(*) FROM t GROUP BY 1") == [["2024-05-01 00:00:00.000 UTC", "3"]]
    assert lake.reason(made.format("t", "u", 3)).startswith("TABLE_ALREADY_EXISTS")
    assert "Cannot create a table on a non-empty location" in lake.reason(made.format("u", "t", 3))
    assert "ICEBERG_TOO_MANY_OPEN_PARTITIONS" in lake.reason(made.format("u", "u", 101))
    lake.ok("ALTER TABLE t RENAME TO other")
    assert lake.rows("SELECT count(*) FROM other") == [["3"]]
    lake.ok("DROP TABLE other")
    assert lake.keys(lake.bucket, "t/") == []


def test_optimize_packs_and_vacuum_forgets(lake: Lake) -> None:
    table(lake, columns="id int")
    for number in range(3):
        lake.ok(f"INSERT INTO t VALUES ({number})")
    files = 'SELECT count(*), sum(record_count) FROM "t$files"'
    assert lake.rows(files) == [["3", "3"]]
    lake.ok("OPTIMIZE t REWRITE DATA USING BIN_PACK WHERE id > 0")
    assert lake.rows(files) == [["2", "3"]]
    lake.ok("OPTIMIZE t REWRITE DATA USING BIN_PACK")
    assert lake.rows(files) == [["1", "3"]]
    lake.ok("VACUUM t")
    assert len(snapshots(lake)) == 5
    lake.ok("ALTER TABLE t SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds' = '0')")
    lake.ok("VACUUM t")
    assert lake.rows('SELECT count(*) FROM "t$snapshots"') == [["1"]]
    assert len(lake.keys(lake.bucket, "t/data/")) == 1
    assert lake.rows("SELECT id FROM t ORDER BY id") == [["0"], ["1"], ["2"]]


def test_the_default_database_and_prepared_changes(lake: Lake) -> None:
    table(lake, "default.u", "id int")
    assert lake.rows("SELECT count(*) FROM default.u") == [["0"]]
    lake.ok("PREPARE put FROM INSERT INTO default.u VALUES (?)")
    lake.ok("EXECUTE put USING 7")
    lake.ok("PREPARE gone FROM DELETE FROM default.u WHERE id = ?")
    lake.ok("EXECUTE gone", ExecutionParameters=["7"])
    assert lake.rows("SELECT count(*) FROM default.u") == [["0"]]


def test_writers_beside_each_other_lose_nothing(lake: Lake) -> None:
    table(lake, columns="id int")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: lake.ok(f"INSERT INTO t VALUES ({number})"), range(6)))
    assert lake.rows("SELECT count(*), sum(id) FROM t") == [["6", "15"]]


def test_pyiceberg_reads_and_writes_the_same_table(lake: Lake, server: object, account: str) -> None:
    import pyarrow as pa
    from pyiceberg.catalog.glue import GlueCatalog

    table(lake, columns="id int, name string")
    lake.ok("INSERT INTO t VALUES (1, 'athena')")
    endpoint = server.endpoint  # type: ignore[attr-defined]
    keys = {"access-key-id": account, "secret-access-key": "test", "region": "us-east-1", "endpoint": endpoint}
    catalog = GlueCatalog("c", **{f"{part}.{key}": value for part in ("s3", "glue") for key, value in keys.items()})
    found = catalog.load_table("db.t")
    assert found.scan().to_arrow().to_pylist() == [{"id": 1, "name": "athena"}]
    found.append(pa.table({"id": pa.array([2], pa.int32()), "name": ["pyiceberg"]}))
    assert lake.rows("SELECT * FROM t ORDER BY id") == [["1", "athena"], ["2", "pyiceberg"]]
    lake.ok("DELETE FROM t WHERE id = 1")
    assert catalog.load_table("db.t").scan().to_arrow().to_pylist() == [{"id": 2, "name": "pyiceberg"}]


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE t SET nix = 1", "COLUMN_NOT_FOUND"),
        ("UPDATE t SET id = 'x'", "TYPE_MISMATCH"),
        ("DELETE FROM none WHERE id = 1", "TABLE_NOT_FOUND"),
        ("DELETE FROM hive", "NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables"),
        ("SELECT * FROM hive FOR VERSION AS OF 1", "NOT_SUPPORTED: This connector does not support versioned tables"),
        ("MERGE INTO t USING (VALUES 1, 1) s(i) ON true WHEN MATCHED THEN DELETE", "MERGE_TARGET_ROW_MULTIPLE_MATCHES"),
        ("EXPLAIN DELETE FROM t", "NOT_SUPPORTED: EXPLAIN of DELETE is not supported"),
        ("SELECT \"$pos\" FROM t", "COLUMN_NOT_FOUND"),
        ("CREATE TABLE u (a tinyint) LOCATION 's3://x/u' TBLPROPERTIES ('table_type'='ICEBERG')", "NOT_SUPPORTED: Type not supported for Iceberg: tinyint"),
        ("CREATE TABLE u (a int) LOCATION 's3://x/u' TBLPROPERTIES ('table_type'='ICEBERG', 'nix'='1')", "INVALID_TABLE_PROPERTY: Unsupported table property key: nix"),
        ("CREATE TABLE u (a int) PARTITIONED BY (day(a)) LOCATION 's3://x/u' TBLPROPERTIES ('table_type'='ICEBERG')", "Invalid source type int"),
    ],
)  # fmt: skip
def test_refusals(lake: Lake, statement: str, why: str) -> None:
    table(lake)
    lake.ok("INSERT INTO t (id) VALUES 1")
    lake.table("hive", "id int", "hive/")
    assert why in lake.reason(statement)


def test_what_is_refused_before_it_starts(lake: Lake) -> None:
    iceberg = "TBLPROPERTIES ('table_type'='ICEBERG')"
    told = refused(lambda: lake.start(f"CREATE EXTERNAL TABLE t (a int) LOCATION 's3://x/t' {iceberg}"))
    assert told == ("INVALID_INPUT", "External keyword not supported for table type ICEBERG")
    lake.table("hive", "id int, a int", "hive/")
    told = refused(lambda: lake.start("ALTER TABLE hive DROP COLUMN a"))
    assert told == ("MALFORMED_QUERY", "line 1:23: mismatched input 'COLUMN' expecting 'PARTITION'")
    assert refused(lambda: lake.start("ALTER TABLE hive UNSET TBLPROPERTIES ('a')"))[0] == "MALFORMED_QUERY"
    assert refused(lambda: lake.start("MERGE INTO t USING u ON true"))[0] == "MALFORMED_QUERY"
    assert refused(lambda: lake.start("DELETE t"))[0] == "MALFORMED_QUERY"
    assert refused(lambda: lake.start("UPDATE t SET a = 1 WHERE"))[0] == "MALFORMED_QUERY"
    assert (
        refused(lambda: lake.start("CREATE TABLE t (a int) PARTITIONED BY (a) LOCATION 's3://x/t'"))[0]
        == "MALFORMED_QUERY"
    )
