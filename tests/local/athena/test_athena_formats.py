"""Tables of CSV, Parquet, ORC and Avro: what is read, what counts as scanned, what is bad data."""

from __future__ import annotations

import gzip
import io
import uuid

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from tests.local.athena.athena_lake import LAZY, OPEN_CSV, PARQUET, Lake, parquet


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
    lake.table("o", "a bigint", "o/", serde="com.amazon.ionhiveserde.IonHiveSerDe")
    assert lake.reason("SELECT a FROM o").startswith("NOT_SUPPORTED: The local AWS does not read tables with the SerDe")


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
