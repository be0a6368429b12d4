"""Tables of JSON: keys, types, bad lines; compression and hidden files, which all text shares."""

from __future__ import annotations

import bz2
import gzip
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.orc

from tests.local.athena.athena_lake import Lake


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
