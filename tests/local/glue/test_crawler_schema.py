"""What a crawler reads of single files. Expected values are written by hand from AWS's classifier rules."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.local.glue.crawler.content import Classifier, Content
from infra.local.glue.crawler.formats import read
from infra.local.glue.crawler.json_records import json_path
from infra.local.glue.crawler.schema import NULL, are_similar, json_schema, json_type, merge, render, text_type


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "int"),
        (2147483647, "int"),
        (2147483648, "bigint"),
        (-2147483649, "bigint"),
        (1669266000000, "bigint"),
        (2**64, "double"),
        (1.0, "double"),
        (True, "boolean"),
        ("2022-11-24T05:00:00Z", "string"),
        (None, "string"),
        ([], "array<string>"),
        ([1, 2.5], "array<double>"),
        (
            {"a": 1, "b": {"c": [{"d": "x"}, {"d": None, "e": 2}]}},
            "struct<a:int,b:struct<c:array<struct<d:string,e:int>>>>",
        ),
        ({}, "string"),
    ],
)
def test_json_types(value: Any, expected: str) -> None:
    assert render(json_type(value)) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("int", "bigint", "bigint"),
        ("int", "double", "double"),
        ("bigint", "float", "double"),
        ("int", "string", "string"),
        ("boolean", "int", "string"),
        (NULL, "int", "int"),
        ("int", NULL, "int"),
        ({"a": "int"}, {"b": "string"}, {"a": "int", "b": "string"}),
        ({"a": "int"}, ["int"], "string"),
        (["int"], ["double"], ["double"]),
    ],
)
def test_merged_types(one: Any, other: Any, expected: Any) -> None:
    assert merge(one, other) == expected


def test_json_columns_are_lower_case_in_order_of_first_appearance() -> None:
    schema, keys = json_schema([{"trackId": 1, "B": None}, {"a": 1.5, "trackid": 3_000_000_000}])
    assert list(schema.items()) == [("trackid", "bigint"), ("b", NULL), ("a", "double")]
    assert keys == {"trackId", "trackid", "B", "a"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "bigint"),
        ("-12", "bigint"),
        ("1.5", "double"),
        ("1e7", "double"),
        ("", NULL),
        ("nan", "string"),
        ("1_000", "string"),
        ("2022-11-24", "string"),
        ("true", "string"),
    ],
)
def test_csv_types(text: str, expected: str) -> None:
    assert text_type(text) == expected


def test_similar_means_more_than_seventy_percent() -> None:
    ten = {f"c{number}": "int" for number in range(10)}
    assert are_similar(ten, {f"c{number}": "int" for number in range(8)})
    assert not are_similar(ten, {f"c{number}": "int" for number in range(7)})
    assert are_similar({"a": "int"}, {"a": "double"})
    assert not are_similar({"a": "int"}, {"a": "string"})


# --- files ----------------------------------------------------------------------------------------------------------

RECORD = b'{"device_id": 7, "track_id": 30, "activity_type": "Running", "temp": 36.6}'


def look(tmp_path: Path, data: bytes, *classifiers: Classifier) -> Content:
    path = tmp_path / "file"
    path.write_bytes(data)
    return read(path, len(data), classifiers)


def types(content: Content) -> dict[str, str]:
    return {name: render(kind) for name, kind in content.schema.items()}


def test_json_lines(tmp_path: Path) -> None:
    found = look(tmp_path, RECORD + b"\n" + RECORD + b"\n")
    assert (found.classification, found.compression, found.records) == ("json", "none", 2)
    assert types(found) == {"device_id": "int", "track_id": "int", "activity_type": "string", "temp": "double"}
    assert found.keys == {"device_id", "track_id", "activity_type", "temp"}


def test_json_without_line_ends(tmp_path: Path) -> None:
    assert look(tmp_path, RECORD * 3).records == 3


def test_long_json_without_line_ends_is_sampled(tmp_path: Path) -> None:
    found = look(tmp_path, RECORD * 20_000)  # 1.5 MB
    assert (found.classification, found.skipped) == ("json", 0)
    assert 19_900 < found.records < 20_100


def test_whole_numbers_are_looked_at_in_every_record(tmp_path: Path) -> None:
    found = look(tmp_path, b'{"a": 1, "b": {"c": 1}}\n' * 3 + b'{"a": 3000000000, "b": {"c": 1.5}}\n')
    assert types(found) == {"a": "bigint", "b": "struct<c:double>"}


def test_one_json_document_of_many_lines(tmp_path: Path) -> None:
    found = look(tmp_path, json.dumps({"a": 1, "b": {"c": "x"}}, indent=2).encode())
    assert (found.records, types(found)) == (1, {"a": "int", "b": "struct<c:string>"})


def test_json_array_is_one_column(tmp_path: Path) -> None:
    found = look(tmp_path, json.dumps([{"id": 1, "Name": "x"}, {"id": 2}], indent=1).encode())
    assert types(found) == {"array": "array<struct<id:int,Name:string>>"}


def test_json_classifier_opens_the_array(tmp_path: Path) -> None:
    classifier = Classifier("JsonClassifier", {"Name": "rows", "JsonPath": "$[*]"})
    found = look(tmp_path, json.dumps([{"id": 1, "Name": "x"}, {"id": 2}]).encode(), classifier)
    assert types(found) == {"id": "int", "name": "string"}
    assert (found.classification, found.records, found.parameters) == ("json", 2, {"jsonPath": "$[*]"})


def test_json_classifier_into_a_member(tmp_path: Path) -> None:
    classifier = Classifier("JsonClassifier", {"Name": "rows", "JsonPath": "$.result['rows'][*]"})
    found = look(tmp_path, b'{"result": {"rows": [{"a": 1}, {"a": 2.5}]}}', classifier)
    assert types(found) == {"a": "double"}


def test_json_classifier_that_does_not_fit_leaves_the_file_to_the_built_in_ones(tmp_path: Path) -> None:
    classifier = Classifier("JsonClassifier", {"Name": "rows", "JsonPath": "$.nix[*]"})
    assert types(look(tmp_path, b'{"a": 1}', classifier)) == {"a": "int"}


@pytest.mark.parametrize("path", ["a", "$..a", "$[", "$.a[?(@.b)]"])
def test_bad_json_path(path: str) -> None:
    with pytest.raises(ValueError):
        json_path(path)


def test_malformed_lines_are_passed_over(tmp_path: Path) -> None:
    found = look(tmp_path, RECORD + b"\n{broken\n" + RECORD + b"\n" + RECORD)
    assert (found.classification, found.records, found.skipped) == ("json", 3, 1)


def test_mostly_malformed_is_unknown(tmp_path: Path) -> None:
    assert look(tmp_path, RECORD + b'\n{"a": ,\n{"b": ,\n').classification == "UNKNOWN"


def test_mixed_json_values(tmp_path: Path) -> None:
    found = look(tmp_path, b'{"id": 1}\n{"id": "x"}\n{"id": null, "more": [1]}\n')
    assert types(found) == {"id": "string", "more": "array<int>"}


def test_gzip_and_bzip2_and_zip(tmp_path: Path) -> None:
    lines = (RECORD + b"\n") * 5
    found = look(tmp_path, gzip.compress(lines))
    assert (found.classification, found.compression, found.records) == ("json", "gzip", 5)
    assert found.record_bytes == len(lines)  # uncompressed
    assert look(tmp_path, gzip.compress(lines) + gzip.compress(lines)).records == 10
    assert look(tmp_path, bz2.compress(lines)).compression == "bzip2"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("records.json", lines)
    found = look(tmp_path, archive.getvalue())
    assert (found.classification, found.compression, found.records) == ("json", "zip", 5)


def test_truncated_gzip_gives_what_came_before(tmp_path: Path) -> None:
    rows = b"".join(
        b'{"id": %d, "text": "%s"}\n' % (number, bytes(f"{number * 7919:x}", "ascii")) for number in range(2000)
    )
    whole = gzip.compress(rows)
    found = look(tmp_path, whole[: len(whole) // 2])
    assert (found.classification, found.compression) == ("json", "gzip")
    assert types(found) == {"id": "int", "text": "string"}
    assert 500 < found.records < 1500


def test_damaged_gzip_is_unknown(tmp_path: Path) -> None:
    found = look(tmp_path, b"\x1f\x8b" + b"no gzip at all" * 10)
    assert (found.classification, found.compression) == ("UNKNOWN", "gzip")


def test_large_file_is_sampled(tmp_path: Path) -> None:
    line = b'{"id": 1, "pad": "%s"}\n' % (b"x" * 1000)
    data = line * 3000 + b'{"id": "text beyond the sample"}\n'
    found = look(tmp_path, data)
    assert types(found)["id"] == "int"
    assert 2950 < found.records < 3050  # estimated


def test_record_longer_than_the_sample(tmp_path: Path) -> None:
    found = look(tmp_path, b'{"id": 1, "pad": "%s"}' % (b"x" * 3_000_000))
    assert (found.classification, found.records) == ("json", 1)


def test_csv_with_header(tmp_path: Path) -> None:
    found = look(tmp_path, b"Track_ID,Name,Price\n1,Alpha,1.5\n2,Beta,2\n")
    assert types(found) == {"track_id": "bigint", "name": "string", "price": "double"}
    assert (found.classification, found.records) == ("csv", 2)
    assert found.parameters == {
        "delimiter": ",",
        "areColumnsQuoted": "false",
        "columnsOrdered": "true",
        "skip.header.line.count": "1",
    }


def test_csv_of_text_only_has_no_header(tmp_path: Path) -> None:
    found = look(tmp_path, b"name|artist\nAlpha|X\nBeta|Y\n")
    assert types(found) == {"col0": "string", "col1": "string"}
    assert "skip.header.line.count" not in found.parameters
    assert (found.parameters["delimiter"], found.records) == ("|", 3)


def test_csv_without_header(tmp_path: Path) -> None:
    assert types(look(tmp_path, b"1;x\n2;y\n")) == {"col0": "bigint", "col1": "string"}


@pytest.mark.parametrize("data", [b"one column\nonly\n", b"one,row\n", b"\x00\x01\x02binary", b"   \n", b""])
def test_not_csv(tmp_path: Path, data: bytes) -> None:
    assert look(tmp_path, data).classification == "UNKNOWN"


def test_long_or_empty_header_cells_are_no_header(tmp_path: Path) -> None:
    assert list(look(tmp_path, b"%s,n\nx,1\ny,2\n" % (b"h" * 150)).schema) == ["col0", "col1"]
    assert list(look(tmp_path, b",n\nx,1\ny,2\n").schema) == ["col0", "col1"]


def test_quoted_cells_and_ragged_lines(tmp_path: Path) -> None:
    rows = b"".join(b'%d,"a, b"\n' % number for number in range(20))
    found = look(tmp_path, b"id,name\n" + rows + b"1,2,3\n")
    assert types(found) == {"id": "bigint", "name": "string"}
    assert found.skipped == 1


def test_csv_classifier(tmp_path: Path) -> None:
    settings = {
        "Name": "tracks",
        "Delimiter": "#",
        "QuoteSymbol": "'",
        "ContainsHeader": "PRESENT",
        "Header": ["ID", "title"],
        "Serde": "OpenCSVSerDe",
    }
    found = look(tmp_path, b"a#b\nx#'y#z'\n", Classifier("CsvClassifier", settings))
    assert types(found) == {"id": "string", "title": "string"}
    assert found.parameters["skip.header.line.count"] == "1"
    assert found.serde == "OpenCSVSerDe"
    single = {"Name": "one", "Delimiter": ",", "AllowSingleColumn": True, "ContainsHeader": "ABSENT"}
    assert types(look(tmp_path, b"x\ny\n", Classifier("CsvClassifier", single))) == {"col0": "string"}


def test_parquet_orc_and_their_types(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.orc
    import pyarrow.parquet

    table = pyarrow.table(
        {
            "Id": pyarrow.array([1, 2], pyarrow.int32()),
            "big": pyarrow.array([1, 2], pyarrow.int64()),
            "at": pyarrow.array([0, 1], pyarrow.timestamp("ms")),
            "day": pyarrow.array([0, 1], pyarrow.date32()),
            "price": pyarrow.array([None, None], pyarrow.decimal128(5, 2)),
            "tags": pyarrow.array([["a"], []], pyarrow.list_(pyarrow.string())),
            "who": pyarrow.array([{"n": 1.5}, None], pyarrow.struct([("n", pyarrow.float64())])),
        }
    )
    expected = {
        "id": "int",
        "big": "bigint",
        "at": "timestamp",
        "day": "date",
        "price": "decimal(5,2)",
        "tags": "array<string>",
        "who": "struct<n:double>",
    }
    path = tmp_path / "file"
    pyarrow.parquet.write_table(table, path)
    found = read(path, path.stat().st_size)
    assert (found.classification, found.compression, found.records) == ("parquet", "none", 2)
    assert types(found) == expected
    path.write_bytes(path.read_bytes()[:-20])
    assert read(path, path.stat().st_size).classification == "UNKNOWN"
    pyarrow.orc.write_table(table, path)
    found = read(path, path.stat().st_size)
    assert (found.classification, found.records, types(found)) == ("orc", 2, expected)


def test_avro(tmp_path: Path) -> None:
    literal = json.dumps(
        {
            "type": "record",
            "name": "track",
            "fields": [
                {"name": "Id", "type": ["null", "long"]},
                {"name": "tags", "type": {"type": "array", "items": "string"}},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            ],
        }
    ).encode()

    def number(value: int) -> bytes:  # zigzag, 7 bits a byte
        value, out = value * 2, b""
        while value > 0x7F:
            out += bytes([value & 0x7F | 0x80])
            value >>= 7
        return out + bytes([value])

    sync = b"0123456789abcdef"
    header = b"Obj\x01" + number(1) + number(11) + b"avro.schema" + number(len(literal)) + literal + number(0) + sync
    block = number(3) + number(5) + b"-----" + sync
    found = look(tmp_path, header + block + block)
    assert (found.classification, found.records) == ("avro", 6)
    assert types(found) == {"id": "bigint", "tags": "array<string>", "at": "timestamp"}
    assert found.parameters == {"avro.schema.literal": literal.decode()}
    assert look(tmp_path, header[:30]).classification == "UNKNOWN"
