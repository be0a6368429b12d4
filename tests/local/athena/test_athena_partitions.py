"""Partitions: pruned, projected, listed, of another schema; hidden columns and samples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.engines.athena.errors import QueryError
from infra.local.athena.lake import projection
from tests.local.athena.athena_lake import LAZY, Lake


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


def test_partitions_that_share_a_location(lake: Lake) -> None:
    lake.put("shared/a", "1\n2\n")
    lake.table("shared", "v int", "shared/", keys="k string", serde=LAZY)
    for value in ("x", "y"):
        lake.ok(f"ALTER TABLE shared ADD PARTITION (k = '{value}') LOCATION 's3://{lake.bucket}/shared/'")
    assert lake.rows("SELECT k, v FROM shared ORDER BY 1, 2") == [["x", "1"], ["x", "2"], ["y", "1"], ["y", "2"]]
    assert lake.rows('SELECT count(*), sum(v), count(DISTINCT "$path") FROM shared') == [["4", "6", "1"]]
    assert lake.rows("SELECT count(*) FROM shared WHERE k = 'x'") == [["2"]]


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
    assert lake.rows("SELECT count(*) FROM q WHERE kind IN ('a', 'z') AND n < 3") == [["2"]]
    for where in ("", " WHERE kind > 'a'", " WHERE kind LIKE 'z%'", " WHERE n = 1", " WHERE kind = 'z' OR n = 1"):
        assert lake.reason("SELECT count(*) FROM q" + where).startswith(
            "CONSTRAINT_VIOLATION: For the injected projected partition"
        ), where
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
