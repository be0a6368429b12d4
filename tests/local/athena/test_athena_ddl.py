"""Athena's DDL, CTAS, INSERT INTO, UNLOAD, views, SHOW and DESCRIBE, against the Glue Data Catalog and S3."""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.engines.athena.errors import SyntaxRefused
from infra.local.athena.statements.parser import hive_string, parse
from tests.local.athena.athena_lake import Lake

LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
MANUAL = "You may need to manually clean the data at location '{}' before retrying. Athena will not delete data in your account."


@pytest.fixture
def lake(client: Callable[..., Any], account: str) -> Lake:
    return Lake(client, account)


def glue_table(lake: Lake, name: str) -> dict[str, Any]:
    return lake.glue.get_table(DatabaseName="db", Name=name)["Table"]


def partitions(lake: Lake, name: str) -> dict[tuple[str, ...], str]:
    found = lake.glue.get_partitions(DatabaseName="db", TableName=name)["Partitions"]
    return {tuple(p["Values"]): p["StorageDescriptor"]["Location"] for p in found}


# --- reading statements ---------------------------------------------------------------------------------------------


def test_hive_strings() -> None:
    assert hive_string(r"'\t'") == "\t"
    assert hive_string(r"'\001'") == "\x01"
    assert hive_string(r"'A'") == "A"
    assert hive_string(r'"it\'s"') == "it's"
    assert hive_string("'it''s'") == "it's"
    assert hive_string(r"'\\'") == "\\"


def test_create_external_table_with_every_clause() -> None:
    found = parse(
        """CREATE EXTERNAL TABLE IF NOT EXISTS `Db`.`T` (
          `a` INT COMMENT 'the a', b struct<X:int, y:array<string>>, c decimal(10, 2), d map<string,int>)
        COMMENT 'all of it' PARTITIONED BY (year STRING, month int COMMENT 'm') CLUSTERED BY (a) INTO 4 BUCKETS
        ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' COLLECTION ITEMS TERMINATED BY ','
        MAP KEYS TERMINATED BY ':' LINES TERMINATED BY '\\n' NULL DEFINED AS 'nil'
        STORED AS TEXTFILE LOCATION 's3://b/x/' TBLPROPERTIES ("has_encrypted_data"="false", 'k'='v');"""
    )
    assert (found.kind, found.type, found.name, found.absent) == ("CREATE_TABLE", "DDL", ("db", "t"), True)
    assert found.columns == [
        {"Name": "a", "Type": "int", "Comment": "the a"}, {"Name": "b", "Type": "struct<x:int,y:array<string>>"},
        {"Name": "c", "Type": "decimal(10,2)"}, {"Name": "d", "Type": "map<string,int>"},
    ]  # fmt: skip
    assert found.partition_keys == [
        {"Name": "year", "Type": "string"}, {"Name": "month", "Type": "int", "Comment": "m"},
    ]  # fmt: skip
    assert (found.bucket_columns, found.buckets) == (["a"], 4)
    assert found.delimited == {
        "serialization.format": "\t", "field.delim": "\t", "escape.delim": "\\", "collection.delim": ",",
        "mapkey.delim": ":", "line.delim": "\n", "serialization.null.format": "nil",
    }  # fmt: skip
    assert found.properties == {"has_encrypted_data": "false", "k": "v"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CREATE EXTERNAL TABLE t (a int) LOCATON 's3://b/'", "line 1:33: mismatched input 'LOCATON' expecting"),
        ("ALTER TABLE t ADD COLUMN a int", "line 1:19: no viable alternative at input 'ALTER TABLE t ADD COLUMN'"),
        ("ALTER TABLE IF EXISTS t ADD COLUMNS (a int)", "line 1:16: no viable alternative at input 'ALTER TABLE IF EXISTS'"),
        ('DROP TABLE "t"', "line 1:12: mismatched input '\"t\"' expecting"),
        ("CREATE OR REPLACE TABLE t AS SELECT 1 AS a", "line 1:19: mismatched input 'TABLE'. Expecting: 'MATERIALIZED'"),
        ("SHOW NOTHING", "line 1:6: no viable alternative at input 'SHOW NOTHING'"),
        ("CREATE TABLE t AS SELEC 1", "line 1:19: mismatched input 'SELEC'"),
    ],
)  # fmt: skip
def test_syntax_errors(text: str, message: str) -> None:
    with pytest.raises(SyntaxRefused) as caught:
        parse(text)
    assert caught.value.message.startswith(message)


# --- databases and tables -------------------------------------------------------------------------------------------


def test_databases(lake: Lake) -> None:
    lake.ok("CREATE DATABASE IF NOT EXISTS sales COMMENT 'ours' LOCATION 's3://x/y/' WITH DBPROPERTIES ('a'='b')")
    found = lake.glue.get_database(Name="sales")["Database"]
    assert (found["Description"], found["LocationUri"], found["Parameters"]) == ("ours", "s3://x/y/", {"a": "b"})
    lake.ok("CREATE SCHEMA IF NOT EXISTS sales")
    assert "Database sales already exists" in lake.reason("CREATE DATABASE sales")
    assert lake.lines("SHOW DATABASES") == ["db", "default", "sales"]
    assert lake.lines("SHOW SCHEMAS LIKE 's.*'") == ["sales"]
    lake.ok("ALTER DATABASE sales SET DBPROPERTIES ('c'='d')")
    assert lake.glue.get_database(Name="sales")["Database"]["Parameters"] == {"a": "b", "c": "d"}
    lake.ok(f"CREATE EXTERNAL TABLE sales.t (a int) LOCATION 's3://{lake.bucket}/t/'")
    assert "Database sales is not empty" in lake.reason("DROP DATABASE sales")
    lake.ok("DROP DATABASE sales CASCADE")
    assert lake.lines("SHOW DATABASES") == ["db", "default"]
    lake.ok("DROP DATABASE IF EXISTS sales")
    failed = lake.run("DROP DATABASE sales")
    reason = "FAILED: SemanticException [Error 10072]: Database does not exist: sales"
    assert failed["Status"]["StateChangeReason"] == reason
    assert failed["Status"]["AthenaError"]["ErrorType"] == 1003
    assert lake.get(failed["ResultConfiguration"]["OutputLocation"]) == reason.encode()  # as the service leaves it


def test_create_external_table_in_glue(lake: Lake) -> None:
    execution = lake.ok(
        f"CREATE EXTERNAL TABLE t (a int, b array<string>) COMMENT 'c' PARTITIONED BY (p string) "
        f"ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('ignore.malformed.json'='true') "
        f"LOCATION 's3://{lake.bucket}/t/' TBLPROPERTIES ('k'='v')"
    )
    table = glue_table(lake, "t")
    descriptor = table["StorageDescriptor"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert [(c["Name"], c["Type"]) for c in descriptor["Columns"]] == [("a", "int"), ("b", "array<string>")]
    assert [(c["Name"], c["Type"]) for c in table["PartitionKeys"]] == [("p", "string")]
    assert descriptor["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
    assert descriptor["OutputFormat"] == "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    assert descriptor["SerdeInfo"] == {
        "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
        "Parameters": {"ignore.malformed.json": "true", "serialization.format": "1"},
    }
    assert table["Parameters"]["EXTERNAL"] == "TRUE"
    assert (table["Parameters"]["k"], table["Parameters"]["comment"]) == ("v", "c")
    assert lake.get(execution["ResultConfiguration"]["OutputLocation"]) == b""
    assert "AlreadyExistsException" in lake.reason(f"CREATE EXTERNAL TABLE t (a int) LOCATION 's3://{lake.bucket}/t/'")
    lake.ok(f"CREATE EXTERNAL TABLE IF NOT EXISTS t (a int) LOCATION 's3://{lake.bucket}/t/'")
    lake.ok("DROP TABLE t")
    assert lake.reason("DROP TABLE t") == "FAILED: SemanticException [Error 10001]: Table not found db.t"
    lake.ok("DROP TABLE IF EXISTS t")


def test_stored_as_and_default_formats(lake: Lake) -> None:
    lake.ok(f"CREATE EXTERNAL TABLE p (a int) STORED AS PARQUET LOCATION 's3://{lake.bucket}/p/'")
    descriptor = glue_table(lake, "p")["StorageDescriptor"]
    assert descriptor["SerdeInfo"]["SerializationLibrary"] == PARQUET
    assert descriptor["InputFormat"].endswith("MapredParquetInputFormat")
    lake.ok(
        f"CREATE EXTERNAL TABLE c (a int) ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' LOCATION 's3://{lake.bucket}/c/'"
    )
    serde = glue_table(lake, "c")["StorageDescriptor"]["SerdeInfo"]
    assert serde == {"SerializationLibrary": LAZY, "Parameters": {"field.delim": "|", "serialization.format": "|"}}
    lake.put("c/x", "7|8\n")
    assert lake.rows("SELECT a FROM c") == [["7"]]


def test_alter_columns_properties_and_location(lake: Lake) -> None:
    lake.ok(f"CREATE EXTERNAL TABLE t (a int, b string COMMENT 'bb') LOCATION 's3://{lake.bucket}/t/'")
    lake.ok("ALTER TABLE t ADD COLUMNS (c double, d date)")
    lake.ok("ALTER TABLE t CHANGE COLUMN b e varchar(5) AFTER c")

    def columns() -> list[tuple[str, str]]:
        return [(c["Name"], c["Type"]) for c in glue_table(lake, "t")["StorageDescriptor"]["Columns"]]

    assert columns() == [("a", "int"), ("c", "double"), ("e", "varchar(5)"), ("d", "date")]
    lake.ok("ALTER TABLE t REPLACE COLUMNS (x int, y string)")
    assert columns() == [("x", "int"), ("y", "string")]
    lake.ok("ALTER TABLE t SET TBLPROPERTIES ('k'='v', 'classification'='csv')")
    lake.ok(f"ALTER TABLE t SET LOCATION 's3://{lake.bucket}/other/'")
    table = glue_table(lake, "t")
    assert table["Parameters"]["k"] == "v"
    assert table["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/other/"
    assert "Query type not supported by DDL engine." in lake.reason("ALTER TABLE t RENAME TO u")
    assert "Duplicate column name: x" in lake.reason("ALTER TABLE t ADD COLUMNS (x int)")


def test_partitions_by_hand(lake: Lake) -> None:
    base = f"s3://{lake.bucket}/t/"
    lake.ok(f"CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (y string, m int) LOCATION '{base}'")
    lake.ok(
        f"ALTER TABLE t ADD PARTITION (y='2025', m=12) PARTITION (y='2026', m=1) LOCATION 's3://{lake.bucket}/else/'"
    )
    assert partitions(lake, "t") == {
        ("2025", "12"): base + "y=2025/m=12/", ("2026", "1"): f"s3://{lake.bucket}/else/",
    }  # fmt: skip
    assert "Partition already exists" in lake.reason("ALTER TABLE t ADD PARTITION (y='2025', m=12)")
    lake.ok("ALTER TABLE t ADD IF NOT EXISTS PARTITION (y='2025', m=12) PARTITION (y='2026', m=2)")
    assert lake.lines("SHOW PARTITIONS t") == ["y=2025/m=12", "y=2026/m=1", "y=2026/m=2"]
    lake.ok("ALTER TABLE t PARTITION (y='2026', m=2) RENAME TO PARTITION (y='2027', m=3)")
    lake.ok(f"ALTER TABLE t PARTITION (y='2027', m=3) SET LOCATION '{base}moved/'")
    assert partitions(lake, "t")["2027", "3"] == base + "moved/"
    lake.ok("ALTER TABLE t DROP PARTITION (y='2027', m=3), PARTITION (y='2025')")
    assert list(partitions(lake, "t")) == [("2026", "1")]
    assert "Partition not found" in lake.reason("ALTER TABLE t DROP PARTITION (y='1999')")
    lake.ok("ALTER TABLE t DROP IF EXISTS PARTITION (y='1999')")


def test_msck_repair_finds_hive_folders_only(lake: Lake) -> None:
    lake.ok(f"CREATE EXTERNAL TABLE t (a string) PARTITIONED BY (day string) LOCATION 's3://{lake.bucket}/t/'")
    assert lake.lines("MSCK REPAIR TABLE t") == ["Tables missing on filesystem:\tt"]
    lake.put("t/day=2026-01-01/x", "one\n")
    lake.put("t/day=a%20b/x", "two\n")
    lake.put("t/2026/01/x", "three\n")
    assert lake.lines("MSCK REPAIR TABLE t") == [
        "Partitions not in metastore:\tt:day=2026-01-01\tt:day=a b",
        "Repair: Added partition to metastore t:day=2026-01-01",
        "Repair: Added partition to metastore t:day=a b",
    ]
    assert lake.rows("SELECT day, a FROM t ORDER BY 1") == [["2026-01-01", "one"], ["a b", "two"]]
    assert lake.lines("MSCK REPAIR TABLE t") == []
    lake.ok(f"CREATE EXTERNAL TABLE plain (a string) LOCATION 's3://{lake.bucket}/t/'")
    assert lake.lines("MSCK REPAIR TABLE plain") == []
    assert partitions(lake, "plain") == {}


# --- CTAS, INSERT INTO, UNLOAD --------------------------------------------------------------------------------------


def test_ctas_writes_parquet_gzip_under_tables(lake: Lake) -> None:
    execution = lake.ok("CREATE TABLE t AS SELECT 1 AS a, 'x' AS b, DATE '2026-01-01' AS d, 1.5 AS e")
    identifier = execution["QueryExecutionId"]
    root = f"s3://{lake.out}/results/tables/{identifier}"
    manifest = execution["Statistics"]["DataManifestLocation"]
    assert manifest == f"{root}-manifest.csv"
    (uri,) = lake.get(manifest).decode().split()
    assert uri.startswith(f"{root}/")
    column = pq.ParquetFile(io.BytesIO(lake.get(uri))).metadata.row_group(0).column(0)
    assert (column.path_in_schema, column.compression) == ("a", "GZIP")
    table = glue_table(lake, "t")
    assert table["StorageDescriptor"]["Location"] == f"{root}/"
    assert [c["Type"] for c in table["StorageDescriptor"]["Columns"]][:3] == ["int", "varchar(1)", "date"]
    answer = lake.athena.get_query_results(QueryExecutionId=identifier)
    assert answer["UpdateCount"] == 1
    assert [c["Name"] for c in answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]] == ["rows"]
    assert lake.rows("SELECT a, b, d FROM t") == [["1", "x", "2026-01-01"]]


def test_ctas_partitioned_bucketed_and_empty(lake: Lake) -> None:
    lake.ok(
        f"CREATE TABLE t WITH (format = 'JSON', external_location = 's3://{lake.bucket}/t/', partitioned_by = ARRAY['p']) "
        "AS SELECT a, IF(a > 1, 'many', NULL) AS p FROM (VALUES 1, 2, 3) v(a)"
    )
    assert partitions(lake, "t") == {
        ("many",): f"s3://{lake.bucket}/t/p=many/",
        ("__HIVE_DEFAULT_PARTITION__",): f"s3://{lake.bucket}/t/p=__HIVE_DEFAULT_PARTITION__/",
    }
    (key,) = lake.keys(lake.bucket, "t/p=many/")
    assert key.endswith(".gz")
    records = gzip.decompress(lake.get(f"s3://{lake.bucket}/{key}")).decode().splitlines()
    assert sorted(records) == ['{"a":2}', '{"a":3}']
    assert lake.rows("SELECT a, p FROM t ORDER BY a") == [["1", None], ["2", "many"], ["3", "many"]]
    lake.ok(
        "CREATE TABLE b WITH (bucketed_by = ARRAY['a'], bucket_count = 3) AS SELECT x AS a FROM UNNEST(sequence(1, 50)) u(x)"
    )
    assert glue_table(lake, "b")["StorageDescriptor"]["NumberOfBuckets"] == 3
    assert lake.rows("SELECT count(*), sum(a) FROM b") == [["50", "1275"]]
    lake.ok("CREATE TABLE e AS SELECT a, p FROM t WITH NO DATA")
    assert lake.rows("SELECT count(*) FROM e") == [["0"]]


def test_ctas_textfile_of_all_types(lake: Lake) -> None:
    lake.ok(
        "CREATE TABLE t WITH (format = 'TEXTFILE', field_delimiter = '|', write_compression = 'NONE') AS SELECT "
        "1 AS i, 1e20 AS d, CAST(NULL AS varchar) AS n, true AS b, TIMESTAMP '2020-01-01 01:02:03.456' AS ts, "
        "ARRAY[1, 2] AS arr, MAP(ARRAY['k'], ARRAY[7]) AS m, CAST(ROW(1, 'x') AS row(f integer, g varchar)) AS r"
    )
    location = glue_table(lake, "t")["StorageDescriptor"]["Location"]
    (key,) = lake.keys(lake.out, location.removeprefix(f"s3://{lake.out}/"))
    line = b"1|1.0E20|\\N|true|2020-01-01 01:02:03.456|1\x022|k\x037|1\x02x\n"
    assert lake.get(f"s3://{lake.out}/{key}") == line
    assert lake.rows("SELECT * FROM t") == [
        ["1", "1.0E20", None, "true", "2020-01-01 01:02:03.456", "[1, 2]", "{k=7}", "{f=1, g=x}"]
    ]


def test_ctas_failures_name_the_place_to_clean(lake: Lake) -> None:
    def reason(query: str) -> tuple[str, str]:
        execution = lake.run(query)
        assert execution["Status"]["State"] == "FAILED"
        place = execution["ResultConfiguration"]["OutputLocation"]
        return execution["Status"]["StateChangeReason"], MANUAL.format(place)

    text, cleaning = reason("CREATE TABLE t AS SELECT 1")
    assert text == f"MISSING_COLUMN_NAME: line 1:1: Column name not specified at position 1. {cleaning}"
    text, cleaning = reason("CREATE TABLE t AS SELECT 1 AS a, 2 AS a")
    assert text == f"DUPLICATE_COLUMN_NAME: line 1:1: Column name 'a' specified more than once. {cleaning}"
    text, cleaning = reason("CREATE TABLE t AS SELECT nope FROM (VALUES 1) v(a)")
    assert text.startswith("COLUMN_NOT_FOUND: line 1:26: Column 'nope' cannot be resolved")
    text, cleaning = reason("CREATE TABLE t AS SELECT TIME '01:02:03' AS c")
    assert text == f"NOT_SUPPORTED: Unsupported Hive type: time(0). {cleaning}"
    text, cleaning = reason("CREATE TABLE t WITH (format = 'ION') AS SELECT 1 AS a")
    assert text.startswith("NOT_SUPPORTED: The local AWS does not write the format ION")
    lake.put("full/x", "there")
    location = f"s3://{lake.bucket}/full/"
    text, _ = reason(f"CREATE TABLE t WITH (external_location = '{location}') AS SELECT 1 AS a")
    assert text.startswith(
        f"HIVE_PATH_ALREADY_EXISTS: Target directory for table 'awsdatacatalog.db.t' already exists: {location[:-1]}"
    )
    text, _ = reason(
        "CREATE TABLE t WITH (partitioned_by = ARRAY['p']) AS SELECT x AS a, x AS p FROM UNNEST(sequence(1, 101)) u(x)"
    )
    assert text.startswith("HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets")
    assert lake.lines("SHOW TABLES") == []


def test_insert_into(lake: Lake) -> None:
    lake.ok(
        f"CREATE TABLE t WITH (external_location = 's3://{lake.bucket}/t/', partitioned_by = ARRAY['p']) "
        "AS SELECT 1 AS a, 'x' AS b, 10 AS p"
    )
    execution = lake.ok("INSERT INTO t SELECT 2, CAST('y' AS varchar(1)), 10 UNION ALL SELECT 3, 'z', 20")
    assert lake.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["UpdateCount"] == 2
    uris = lake.get(execution["Statistics"]["DataManifestLocation"]).decode().split()
    assert sorted(uri.split("/")[4] for uri in uris) == ["p=10", "p=20"]
    assert sorted(partitions(lake, "t")) == [("10",), ("20",)]
    lake.ok("INSERT INTO t (p, a) VALUES (20, 4)")
    assert lake.rows("SELECT a, b, p FROM t ORDER BY a") == [
        ["1", "x", "10"], ["2", "y", "10"], ["3", "z", "20"], ["4", None, "20"],
    ]  # fmt: skip
    assert lake.reason("INSERT INTO t SELECT 'a', 'b', 1") == (
        "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [integer, varchar(1), integer], "
        "Query: [varchar(1), varchar(1), integer]"
    )
    lake.put_json("j/x", {"a": 1})
    lake.table("j", "a int, t timestamp", "j/")
    lake.ok("INSERT INTO j VALUES (2, TIMESTAMP '2026-01-01 00:00:01.5')")
    assert lake.rows("SELECT a, t FROM j ORDER BY a") == [["1", None], ["2", "2026-01-01 00:00:01.500"]]


def test_unload(lake: Lake) -> None:
    target = f"s3://{lake.bucket}/u/"
    query = f"UNLOAD (SELECT a, b FROM (VALUES (1, 'x'), (2, 'y')) v(a, b)) TO '{target}' "
    execution = lake.ok(query + "WITH (format = 'TEXTFILE', field_delimiter = ',', partitioned_by = ARRAY['b'])")
    uris = lake.get(execution["Statistics"]["DataManifestLocation"]).decode().split()
    assert [uri.rpartition("/")[0] for uri in uris] == [f"{target}b=x", f"{target}b=y"]
    assert gzip.decompress(lake.get(uris[1])) == b"2\n"
    assert lake.reason(query + "WITH (format = 'PARQUET')") == (
        f"HIVE_PATH_ALREADY_EXISTS: Target directory already exists: {target[:-1]}"
    )


# --- views ----------------------------------------------------------------------------------------------------------


def test_views_in_prestos_encoding(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1}, {"a": 2})
    lake.table("raw", "a int", "raw/")
    lake.ok("CREATE VIEW v AS SELECT a, count(*) AS n FROM raw GROUP BY a")
    table = glue_table(lake, "v")
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
    assert table["ViewExpandedText"] == "/* Presto View */"
    encoded = table["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    assert json.loads(base64.b64decode(encoded)) == {
        "originalSql": "SELECT a, count(*) AS n FROM raw GROUP BY a", "catalog": "awsdatacatalog", "schema": "db",
        "columns": [{"name": "a", "type": "integer"}, {"name": "n", "type": "bigint"}],
    }  # fmt: skip
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [("a", "int"), ("n", "bigint")]
    assert lake.rows("SELECT sum(n) FROM v WHERE a > 1") == [["1"]]
    assert "View already exists" in lake.reason("CREATE VIEW v AS SELECT 1 AS x")
    assert lake.lines("SHOW VIEWS") == ["v"]
    assert lake.lines("SHOW CREATE VIEW v") == ["CREATE VIEW db.v AS", "SELECT a, count(*) AS n FROM raw GROUP BY a"]
    assert lake.lines("DESCRIBE v") == ["a\tinteger", "n\tbigint"]
    lake.ok("CREATE OR REPLACE VIEW v AS SELECT 7 AS x")
    assert lake.rows("SELECT * FROM v") == [["7"]]
    assert "Cannot drop a view with DROP TABLE" in lake.reason("DROP TABLE v")
    lake.ok("DROP VIEW v")
    assert lake.reason("DROP VIEW v") == "TABLE_NOT_FOUND: line 1:1: View 'awsdatacatalog.db.v' does not exist"
    lake.ok("DROP VIEW IF EXISTS v")
    assert lake.reason("CREATE VIEW w AS SELECT 1").startswith("MISSING_COLUMN_NAME")


def test_a_view_whose_table_changed_is_stale(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1, "b": "x"})
    lake.table("raw", "a int, b string", "raw/")
    lake.ok("CREATE VIEW v AS SELECT * FROM raw")
    lake.ok("ALTER TABLE raw ADD COLUMNS (c int)")
    stale = "VIEW_IS_STALE: line 1:15: View 'awsdatacatalog.db.v' is stale or in invalid state: "
    assert lake.reason("SELECT * FROM v") == (
        f"{stale}stored view column count (2) does not match column count derived from the view query analysis (3)"
    )
    lake.ok("CREATE OR REPLACE VIEW v AS SELECT a, b FROM raw")
    lake.ok("ALTER TABLE raw REPLACE COLUMNS (a string, b string)")
    assert lake.reason("SELECT a FROM v") == (
        f"{stale}column [a] of type varchar projected from query view at position 0 cannot be coerced to column [a] of "
        "type integer stored in view definition"
    )
    lake.ok("ALTER TABLE raw REPLACE COLUMNS (b string)")
    assert lake.reason("SELECT b FROM v").startswith("INVALID_VIEW: line 1:15: Failed analyzing stored view")


def test_the_names_in_a_view_mean_the_database_that_it_was_made_in(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1})
    lake.table("raw", "a int", "raw/")
    lake.ok("CREATE DATABASE `views`")
    lake.ok("CREATE VIEW views.v AS SELECT a FROM raw")
    assert lake.rows("SELECT a FROM v", QueryExecutionContext={"Database": "views"}) == [["1"]]


# --- SHOW, DESCRIBE, information_schema -----------------------------------------------------------------------------


def test_properties_are_shown_in_the_order_of_javas_maps(lake: Lake) -> None:
    names = ["classification", "compressionType", "typeOfData", "projection.enabled"]
    lake.table("t", "a int", "t/", parameters=dict.fromkeys(names, "x"))
    told = lake.lines("SHOW CREATE TABLE t")
    shown = [str(line).split("'")[1] for line in told[told.index("TBLPROPERTIES (") + 1 :]]
    assert shown == ["compressionType", "classification", "projection.enabled", "typeOfData"]


def test_show_tables_columns_and_properties(lake: Lake) -> None:
    lake.table(
        "alpha", "a int, a_very_long_column_name_x string", "a/", keys="p string", parameters={"k": "v", "b": "c"}
    )
    lake.table("beta", "a int", "b/")
    assert lake.lines("SHOW TABLES") == ["alpha", "beta"]
    assert lake.lines("SHOW TABLES IN db 'al*'") == ["alpha"]
    assert lake.lines("SHOW TABLES IN db LIKE '*a|x'") == ["alpha", "beta"]
    assert lake.lines("SHOW COLUMNS IN alpha") == [
        "a                   ", "a_very_long_column_name_x", "p                   ",
    ]  # fmt: skip
    properties = [line for line in lake.lines("SHOW TBLPROPERTIES alpha") if line in ("k\tv", "b\tc")]
    assert properties == ["b\tc", "k\tv"]
    assert lake.lines("SHOW TBLPROPERTIES alpha ('k')") == ["k\tv"]
    assert "is not a partitioned table" in lake.reason("SHOW PARTITIONS beta")
    assert "Database does not exist: nope" in lake.reason("SHOW TABLES IN nope")


def test_describe(lake: Lake) -> None:
    lake.table("t", "a int; b struct<aa:int,bb:int>", "t/", keys="p string")
    pad = " " * 20
    expected = [
        f"a{pad[1:]}\tint{pad[3:]}\t{pad}",
        f"b{pad[1:]}\tstruct<aa:int,bb:int>\t{pad}",
        f"p{pad[1:]}\tstring{pad[6:]}\t{pad}",
        "\t \t ",
        "# Partition Information\t \t ",
        "# col_name            \tdata_type           \tcomment             ",
        "\t \t ",
        f"p{pad[1:]}\tstring{pad[6:]}\t{pad}",
    ]
    execution = lake.ok("DESCRIBE t")
    assert [row[0] for row in lake.results(execution)] == expected
    assert lake.get(execution["ResultConfiguration"]["OutputLocation"]).decode() == "\n".join(expected)
    info = lake.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"][
        "ResultSetMetadata"
    ]
    assert [(c["Name"], c["Type"]) for c in info["ColumnInfo"]] == [
        ("col_name", "string"), ("data_type", "string"), ("comment", "string"),
    ]  # fmt: skip
    formatted = lake.lines("DESCRIBE FORMATTED db.t")
    assert f"Location:           \ts3://{lake.bucket}/t/" in "\n".join(map(str, formatted))
    assert lake.lines("DESCRIBE t a") == [expected[0]]


def test_show_create_table_makes_the_same_table_again(lake: Lake) -> None:
    lake.ok(
        f"CREATE EXTERNAL TABLE t (a int COMMENT 'one', b string) PARTITIONED BY (p string) ROW FORMAT DELIMITED "
        f"FIELDS TERMINATED BY '\\t' LOCATION 's3://{lake.bucket}/t/' TBLPROPERTIES ('k'='v')"
    )
    lines = [str(line) for line in lake.lines("SHOW CREATE TABLE t")]
    assert lines[:5] == [
        "CREATE EXTERNAL TABLE `t`(", "  `a` int COMMENT 'one', ", "  `b` string)", "PARTITIONED BY ( ", "  `p` string)",
    ]  # fmt: skip
    before = glue_table(lake, "t")
    assert before["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/t"  # as Hive's paths: no slash at the end
    lake.ok("DROP TABLE t")
    lake.ok("\n".join(lines))
    after = glue_table(lake, "t")
    for key in ("Columns", "Location", "InputFormat", "OutputFormat", "SerdeInfo"):
        assert after["StorageDescriptor"][key] == before["StorageDescriptor"][key]
    assert after["PartitionKeys"] == before["PartitionKeys"]


def test_a_bucket_as_location_keeps_its_slash(lake: Lake) -> None:
    for name, location in (("t", f"s3://{lake.bucket}/"), ("u", f"s3://{lake.bucket}")):
        lake.ok(f"CREATE EXTERNAL TABLE {name} (a int) LOCATION '{location}'")
        assert glue_table(lake, name)["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/"


def test_information_schema(lake: Lake) -> None:
    lake.table("t", "a int, b string", "t/", keys="p string")
    lake.ok("CREATE VIEW v AS SELECT 1 AS x")
    assert lake.rows("SELECT schema_name FROM information_schema.schemata ORDER BY 1") == [
        ["db"],
        ["default"],
        ["information_schema"],
    ]
    assert lake.rows("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'db' ORDER BY 1") == [
        ["t", "BASE TABLE"], ["v", "VIEW"],
    ]  # fmt: skip
    assert lake.rows(
        "SELECT column_name, data_type, ordinal_position, extra_info FROM information_schema.columns "
        "WHERE table_name = 't' ORDER BY ordinal_position"
    ) == [["a", "integer", "1", None], ["b", "varchar", "2", None], ["p", "varchar", "3", "partition key"]]
    assert lake.rows("SELECT view_definition FROM information_schema.views") == [["SELECT 1 AS x"]]


def test_explain(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1})
    lake.table("raw", "a int", "raw/")
    execution = lake.ok("EXPLAIN SELECT a, count(*) FROM raw WHERE a > 0 GROUP BY a")
    lines = [row[0] for row in lake.results(execution)]
    assert lines[0] == "Query Plan"
    assert lines[1:7] == [
        "Fragment 0 [SINGLE]",
        "    Output layout: [a, _col1]",
        "    Input: awsdatacatalog.db.raw",
        "    - Output[columnNames = [a, _col1]]",
        "        - Aggregate[keys = [a], functions = [count(*)]]",
        "            - ScanFilter[table = awsdatacatalog:db:raw, columns = [a], filterPredicate = (a > 0)]",
    ]
    assert execution["Statistics"]["DataScannedInBytes"] == 0
    analyzed = lake.ok("EXPLAIN ANALYZE SELECT a FROM raw")
    assert analyzed["Statistics"]["DataScannedInBytes"] == 9
    ran = [str(row[0]).strip() for row in lake.results(analyzed)]
    assert "- TableScan" in ran
    assert any(line.startswith("CPU: ") and line.endswith("ms, Output: 1 rows") for line in ran)
    assert lake.lines("EXPLAIN (TYPE VALIDATE) SELECT a FROM raw") == ["Valid", "true"]
    assert lake.reason("EXPLAIN SELECT nope FROM raw").startswith("COLUMN_NOT_FOUND: line 1:16:")


def test_lengths_decimals_and_properties_of_tables(lake: Lake) -> None:
    where = f"LOCATION 's3://{lake.bucket}/kept/'"
    lake.ok(f"CREATE EXTERNAL TABLE kept (c char(4), price decimal(8,2)) STORED AS PARQUET {where}")
    lake.ok("INSERT INTO kept VALUES ('ab', 1.25), ('abcd', 3)")
    assert lake.rows("SELECT c || '|', price FROM kept ORDER BY price") == [["ab  |", "1.25"], ["abcd|", "3.00"]]
    assert "mismatched column types" in lake.reason("INSERT INTO kept SELECT 'x', nan()")
    assert lake.reason("CREATE TABLE odd WITH (nosuch = 'x') AS SELECT 1 a").startswith(
        "INVALID_TABLE_PROPERTY: line 1:1: Catalog 'awsdatacatalog' table property 'nosuch' does not exist"
    )
    lake.put("logs/a", '1.2.3.4 [10/Oct/2000:13:55:36] "GET /a" 200\nodd\n')
    lake.ok(
        r"""CREATE EXTERNAL TABLE logs (host string, at string, request string, status int)
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
        WITH SERDEPROPERTIES ("input.regex" = "([^ ]*) (\\[[^\\]]*\\]) (\"[^\"]*\") (\\d+)") """
        + f"LOCATION 's3://{lake.bucket}/logs/'"
    )
    assert lake.rows("SELECT * FROM logs ORDER BY status") == [
        ["1.2.3.4", "[10/Oct/2000:13:55:36]", '"GET /a"', "200"], [None] * 4,
    ]  # fmt: skip
    lake.ok(
        r"""CREATE EXTERNAL TABLE grok_logs (host string, at string, request string, status int)
        ROW FORMAT SERDE 'com.amazonaws.glue.serde.GrokSerDe'
        WITH SERDEPROPERTIES ('input.format' = '%{IPV4:host} \\[%{INSIDE:at}\\] %{QS:request} %{POSINT:status}',
            'input.grokCustomPatterns' = 'NO_COMMAS [^,]+\nINSIDE ([^\\]]*)')
        STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat' """
        + f"LOCATION 's3://{lake.bucket}/logs/'"
    )
    assert lake.rows("SELECT * FROM grok_logs ORDER BY status") == [
        ["1.2.3.4", "10/Oct/2000:13:55:36", "GET /a", "200"], [None] * 4,
    ]  # fmt: skip
    lake.put(
        "trail/a.json", '{"Records": [{"eventName": "Put", "requestParameters": {"k": "v"}}, {"eventName": "Get"}]}'
    )
    lake.ok(
        """CREATE EXTERNAL TABLE trail (eventname string, requestparameters string)
        ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
        STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat' """
        + f"LOCATION 's3://{lake.bucket}/trail/'"
    )
    assert lake.rows("SELECT * FROM trail") == [["Put", '{"k":"v"}'], ["Get", None]]
