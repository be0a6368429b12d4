"""Formats that awsglue reads in Python: lines of CSV with an escaper, elements of XML, values of Avro."""

import bz2
import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import fastavro
import pytest
from pyspark.sql import types as spark

from infra.engines.spark.options import PYTHON_FOLDER


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(PYTHON_FOLDER))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"a\,b,c", [["a,b", "c"]]),
        (r'"a\"b",c', [['a"b', "c"]]),
        ('"a""b",""', [['a"b', ""]]),
        (r"\n\t\r\0\\,\q", [["\n\t\r\0\\", "q"]]),
        ("x,,y,\n", [["x", None, "y", None]]),
        ('"open,1\nb,2', [["open,1"], ["b", "2"]]),
        (r"\"a,b", [['"a', "b"]]),
        ('\n\na"b\r\n"c"d\n', [['a"b'], ["cd"]]),
        ("\\", [["\\"]]),
    ],
)
def test_values_of_lines_with_an_escaper(text, expected):
    from awsglue.escaped import Form, lines_of

    assert list(lines_of(text, Form(",", '"', "\\", False, False, False))) == expected


def test_a_quote_holds_line_ends_where_records_may_have_several_lines_and_is_none_where_there_are_no_quotes():
    from awsglue.escaped import Form, lines_of, names, records

    several = Form(",", '"', "\\", True, False, False)
    assert list(lines_of('"x\r\ny",2\r\n3,4', several)) == [["x\r\ny", "2"], ["3", "4"]]
    assert list(lines_of(r'"a\,b"', several._replace(quote=""))) == [['"a,b"']]
    assert records("a,b\n1\n2,3,4\n", several._replace(header=True)) == [{"a": "1"}, {"a": "2", "b": "3"}]
    assert (names("1\n2,3\n", several), names("", several._replace(header=True))) == (["col0", "col1"], [])


@pytest.fixture
def form():
    from awsglue.xml_records import Form

    return Form("rec", "UTF-8", True, False, "_", "_VALUE", False)


def test_elements_become_fields(form):
    from awsglue.xml_records import of_file

    xml = b"""<root a="1"><rec id="1"><n>a &amp; b</n><t>x</t><t>2</t><e/><q k="v">7</q><rec>inner</rec></rec>
    <deep><rec id="2"> <n> b </n>tail</rec></deep><rec>text</rec><rec/></root>"""
    assert of_file("f", xml, form) == [
        {"_id": "1", "n": "a & b", "t": ["x", "2"], "e": None, "q": {"_k": "v", "_VALUE": "7"}, "rec": "inner"},
        {"_id": "2", "n": " b ", "_VALUE": " tail"},
        {"_VALUE": "text"},
        {"_VALUE": None},
    ]
    other = form._replace(with_attributes=False, trim=True, empty_is_null=True, value="text")
    assert of_file("f", b"<r><rec id='1'> <n> b </n><q k='v'>7</q><e>  </e>t </rec></r>", other) == [
        {"n": "b", "q": "7", "e": None, "text": "t"}
    ]
    assert of_file("f", b"<r><rec><e>  </e></rec></r>", form._replace(empty_is_null=True)) == [{"e": None}]


def test_xml_in_other_encodings_and_packed(form):
    from awsglue.xml_records import of_file

    latin = "<?xml version='1.0' encoding='iso-8859-1'?><r><x:rec><v>é</v></x:rec></r>".encode("latin-1")
    for packed in (latin, gzip.compress(latin), bz2.compress(latin)):
        assert of_file("f", packed, form._replace(row="x:rec")) == [{"v": "é"}]
    undeclared = "<r><rec>é</rec></r>".encode("latin-1")
    assert of_file("f", undeclared, form._replace(encoding="iso-8859-1")) == [{"_VALUE": "é"}]
    with pytest.raises(ValueError, match="s3://b/f.xml cannot be read as XML: mismatched tag: line 1, column 8"):
        of_file("s3://b/f.xml", b"<a><b></a>", form)


EVERYTHING = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "micros", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}},
        {"name": "kind", "type": {"type": "enum", "name": "k", "symbols": ["A", "B"]}},
        {"name": "again", "type": ["null", "k"]},
        {"name": "either", "type": ["null", "long", "string", {"type": "array", "items": "int"}]},
        {
            "name": "inner",
            "type": ["null", {"type": "record", "name": "i", "fields": [{"name": "f", "type": "float"}]}],
        },
        {"name": "tags", "type": {"type": "map", "values": "double"}},
    ],
}
MOMENT = datetime(2026, 1, 5, 10, 0, 0, 123000, UTC)
RECORD = {
    "day": date(2026, 1, 5),
    "millis": MOMENT,
    "micros": MOMENT,
    "price": Decimal("-12.30"),
    "kind": "B",
    "again": None,
    "either": "x",
    "inner": {"f": 0.5},
    "tags": {"a": 1.5},
}


def read_avro(version: str, record: dict) -> tuple[str, tuple]:
    """Type and value of a record, written by fastavro, in a version of the format."""
    from awsglue import avro_records

    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(EVERYTHING), [record])
    native, as_row = avro_records._type(
        fastavro.reader(io.BytesIO(file.getvalue())).writer_schema, {}, version == "1.8"
    )
    return native.simpleString(), as_row(next(fastavro.reader(io.BytesIO(file.getvalue()))))


def test_types_and_values_of_both_versions_of_avro():
    """Guide: the table of "Using the Avro format"."""
    millis = int(MOMENT.timestamp() * 1000)
    rest = "kind:string,again:string,either:struct<long:bigint,string:string,array:array<int>>,inner:struct<f:float>"
    types, values = read_avro("1.7", RECORD)
    assert types == f"struct<day:int,millis:bigint,micros:bigint,price:binary,{rest},tags:map<string,double>>"
    assert values[:4] == (20458, millis, millis * 1000, (-1230).to_bytes(2, "big", signed=True))
    assert values[4:] == ("B", None, (None, "x", None), (0.5,), {"a": 1.5})
    types, values = read_avro("1.8", RECORD | {"either": [1, 2], "inner": None, "again": "A"})
    assert types == f"struct<day:date,millis:timestamp,micros:bigint,price:decimal(6,2),{rest},tags:map<string,double>>"
    assert values[:4] == (date(2026, 1, 5), MOMENT, millis * 1000, Decimal("-12.30"))
    assert values[4:8] == ("B", "A", (None, None, [1, 2]), None)
    with pytest.raises(ValueError, match=r"Invalid version 2 of Avro; it is 1.7 or 1.8"):
        from awsglue import avro_records

        avro_records.version({"version": 2})


def test_a_recursive_type_of_avro_is_refused():
    from awsglue import avro_records

    schema = {"type": "record", "name": "n", "fields": [{"name": "next", "type": ["null", "n"]}]}
    with pytest.raises(NotImplementedError, match="recursive Avro type n"):
        avro_records._type(schema, {}, False)


def test_types_that_version_1_7_writes_as_text():
    from awsglue.avro_records import _as_text

    inner = spark.StructType([spark.StructField("d", spark.ArrayType(spark.DateType()))])
    native = spark.StructType([spark.StructField("a", inner), spark.StructField("n", spark.LongType())])
    assert _as_text(native).simpleString() == "struct<a:struct<d:array<string>>,n:bigint>"
