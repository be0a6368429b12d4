"""Files as frames: formats, types of text, compression, and what is gone, empty, mixed or broken."""

import bz2
import gzip
import json
import struct
import zlib
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook
from pyarrow import orc

from infra.local.databrew.engine import DataRefused, Workspace
from infra.local.databrew.engine.datasets import File, header, read


@pytest.fixture
def data(tmp_path):
    """A workspace over a folder, and a function that writes a file into it."""
    (tmp_path / "in").mkdir()
    with Workspace(folders=[tmp_path / "in"], spill=tmp_path / "spill") as workspace:
        yield Data(workspace, tmp_path / "in")


class Data:
    def __init__(self, workspace, folder):
        self.workspace, self.folder = workspace, folder

    def file(self, name, content=b"", **columns):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return File(path, f"s3://bucket/{name}", columns)

    def read(self, files, format, **options):
        return read(self.workspace, files, format, {format.capitalize(): options} if options else None)


def shape(frame):
    return [(c.name, c.type) for c in frame.columns]


def test_text_gets_the_type_that_all_its_values_have(data):
    text = "i,l,d,b,s,z,mixed,none\n1,3000000000,1.5,true,x,007,1,\n-2,1,1e3,FALSE,,2,1.0,\n 3 ,2,NaN,,y,3,x,\n"
    frame = data.read([data.file("a.csv", text)], "CSV")
    assert shape(frame) == [
        ("i", "int"),
        ("l", "long"),
        ("d", "double"),
        ("b", "boolean"),
        ("s", "string"),
        ("z", "int"),
        ("mixed", "string"),
        ("none", "string"),
    ]
    assert frame.rows()[:2] == [
        (1, 3000000000, 1.5, True, "x", 7, "1", None),
        (-2, 1, 1000.0, False, None, 2, "1.0", None),
    ]
    assert frame.rows()[2][0] == 3


def test_a_value_after_the_first_thousand_rows_counts_too(data):
    rows = "".join(f"{n}\n" for n in range(5000))
    assert shape(data.read([data.file("a.csv", "n\n" + rows)], "CSV")) == [("n", "int")]
    assert shape(data.read([data.file("b.csv", "n\n" + rows + "1.5\n")], "CSV")) == [("n", "double")]
    assert shape(data.read([data.file("c.csv", "n\n" + rows + "x\n")], "CSV")) == [("n", "string")]


def test_csv_options(data):
    frame = data.read([data.file("a.csv", "1;a\n2;b\n")], "CSV", Delimiter=";", HeaderRow=False)
    assert shape(frame) == [("Column_1", "int"), ("Column_2", "string")] and frame.rows() == [(1, "a"), (2, "b")]
    for n, delimiter in enumerate((":", "|", "\t", "^", "\\", " ")):
        frame = data.read([data.file(f"{n}.csv", f"a{delimiter}b\n1{delimiter}x\n")], "CSV", Delimiter=delimiter)
        assert frame.rows() == [(1, "x")]
    quoted = data.read([data.file("q.csv", 'a,b\n"x, ""y""\nz",1\n"",2\n')], "CSV")
    assert quoted.rows() == [('x, "y"\nz', 1), ("", 2)]


def test_headers():
    assert header(["a", " b ", "", "A", "c"]) == ["a0", "b", "Column_3", "A3", "c"]


def test_rows_of_other_lengths_are_cut_or_filled_up(data):
    frame = data.read([data.file("a.csv", "a,b\n1\n2,x,more\n3,y\n")], "CSV")
    assert frame.rows() == [(1, None), (2, "x"), (3, "y")]


def test_blank_lines_are_no_rows_and_open_quotes_lose_nothing(data):
    assert data.read([data.file("a.csv", "\n\na,b\n1,2\n\n3,4\n")], "CSV").rows() == [(1, 2), (3, 4)]
    assert data.read([data.file("b.csv", "a\n1\n\n2\n")], "CSV").rows() == [(1,), (2,)]
    assert data.read([data.file("c.csv", 'a,b\n"x\ny",1\n2\n3,4\n')], "CSV").rows() == [
        ("x\ny", 1),
        ("2", None),
        ("3", 4),
    ]
    for text in ('a,b\n"open,2\n3,4\n', 'a,b\n1,2\n"open,2\n3,4\n'):
        with pytest.raises(DataRefused, match="s3://bucket/d.csv is not valid CSV: a quotation mark is not closed"):
            data.read([data.file("d.csv", text)], "CSV")


def test_several_files_in_order_with_the_parameters_of_their_keys(data):
    files = [data.file(f"day={n}/x*[{n}].csv", f"v\n{n}0\n{n}1\n", day=n, kind="k") for n in (2, 1)]
    frame = data.read(files, "CSV")
    assert shape(frame) == [("v", "int"), ("day", "long"), ("kind", "string")]
    assert frame.rows() == [(20, 2, "k"), (21, 2, "k"), (10, 1, "k"), (11, 1, "k")]


def test_row_order_of_big_files(data):
    files = [
        data.file(f"{k}.csv", "n,t\n" + "".join(f"{k * 200_000 + n},{'x' * 20}\n" for n in range(200_000)))
        for k in range(3)
    ]
    found = data.workspace.execute(
        f"SELECT count(*) FROM (SELECT * FROM ({(frame := data.read(files, 'CSV')).query()})) WHERE n < 0"
    )
    assert found.fetchone() == (0,)
    key = frame.columns[0].key
    assert data.workspace.execute(f"SELECT bool_and({key} = row - 1), count(*) FROM {frame.source}").fetchone() == (
        True,
        600_000,
    )


def snappy_block(content):
    packed = pa.Codec("snappy").compress(content).to_pybytes()
    return struct.pack(">II", len(content), len(packed)) + packed


@pytest.mark.parametrize(
    "end, pack",
    [
        (".gz", gzip.compress),
        (".gz", lambda content: gzip.compress(content[:9]) + gzip.compress(content[9:])),
        (".bz2", bz2.compress),
        (".deflate", zlib.compress),
        (".lz4", lambda content: compressed(content, "lz4")),
        (".snappy", snappy_block),
    ],
)
def test_compressed_text(data, end, pack):
    frame = data.read([data.file(f"a.csv{end}", pack(b"a,b\n1,x\n2,y\n"))], "CSV")
    assert frame.rows() == [(1, "x"), (2, "y")]
    assert data.read([data.file(f"a.json{end}", pack(b'{"a": 1}\n'))], "JSON").rows() == [(1,)]
    assert list((data.folder.parent / "spill").iterdir()) == []
    with pytest.raises(DataRefused, match=f"s3://bucket/b.csv{end} can't be unpacked"):
        data.read([data.file(f"b.csv{end}", b"a,b\n1,x\n" * 20)], "CSV")


def compressed(content, codec):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as out:
        out.write(content)
    return sink.getvalue().to_pybytes()


def test_json_lines(data):
    lines = [
        {"n": 1, "x": 1.5, "ok": True, "when": "2020-01-01", "mixed": 1},
        {"n": None, "o": {"a": [1, 2]}, "mixed": "x"},
    ]
    frame = data.read([data.file("a.json", "".join(json.dumps(line) + "\n" for line in lines))], "JSON")
    assert shape(frame) == [
        ("n", "long"),
        ("x", "double"),
        ("ok", "boolean"),
        ("when", "string"),
        ("mixed", "string"),
        ("o", "struct"),
    ]
    assert frame.rows() == [(1, 1.5, True, "2020-01-01", "1", None), (None, None, None, None, "x", {"a": [1, 2]})]


def test_objects_one_after_the_other_as_firehose_writes_them(data):
    frame = data.read([data.file("a.json", '{"a": 1}{"a": 2, "b": {}}\n{"a": 3}')], "JSON")
    assert [r[0] for r in frame.rows()] == [1, 2, 3]


def test_fields_that_only_late_lines_have(data):
    lines = [json.dumps({"n": n}) for n in range(30_000)] + [
        '{"n": 1.5, "late": [{"x": 1}]}',
        '{"late": [{"y": "z"}, null]}',
    ]
    frame = data.read([data.file("a.json", "\n".join(lines))], "JSON")
    assert shape(frame) == [("n", "double"), ("late", "array")]
    assert frame.rows(29_999) == [(29999.0, None), (1.5, [{"x": 1, "y": None}]), (None, [{"x": None, "y": "z"}, None])]


@pytest.mark.parametrize("text", ["1\n2\n", '"a"\n', "[1, 2]", "null", "{}"])
def test_json_without_columns(data, text):
    with pytest.raises(DataRefused):
        data.read([data.file("a.json", text)], "JSON", MultiLine=True)


def test_json_documents(data):
    array = data.file("a.json", '[\n {"a": 1},\n {"a": 2}\n]')
    assert data.read([array], "JSON", MultiLine=True).rows() == [(1,), (2,)]
    one = data.file("b.json", '{\n "a": 1,\n "b": "x"\n}')
    assert data.read([one], "JSON", MultiLine=True).rows() == [(1, "x")]
    with pytest.raises(DataRefused, match="s3://bucket/a.json is not JSON Lines"):
        data.read([array], "JSON")


def test_parquet_orc_and_excel(data):
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int32()),
            "s": ["a", "b"],
            "u": pa.array([1, 2], pa.uint32()),
            "t": pa.array([datetime(2020, 1, 1), None], pa.timestamp("ns")),
        }
    )
    pq.write_table(table, data.folder / "a.parquet")
    frame = data.read([data.file("a.parquet", None)], "PARQUET")
    assert shape(frame) == [("n", "int"), ("s", "string"), ("u", "long"), ("t", "timestamp")] and frame.rows()[0] == (
        1,
        "a",
        1,
        datetime(2020, 1, 1),
    )
    orc.write_table(table.select(["n", "s"]), data.folder / "a.orc")
    assert data.read([data.file("a.orc", None)], "ORC").rows() == [(1, "a"), (None, "b")]
    book = Workbook()
    book.active.append(["n", "when", "what"])
    book.active.append([1, datetime(2020, 1, 2), "x"])
    book.active.append([2.5, None, 3])
    book.create_sheet("Other").append(["only", 1])
    book.save(data.folder / "a.xlsx")
    frame = data.read([data.file("a.xlsx", None)], "EXCEL")
    assert shape(frame) == [("n", "double"), ("when", "timestamp"), ("what", "string")]
    assert frame.rows() == [(1.0, datetime(2020, 1, 2), "x"), (2.5, None, "3")]
    other = data.read([data.file("a.xlsx", None)], "EXCEL", SheetNames=["Other"], HeaderRow=False)
    assert other.rows() == [("only", 1)] and shape(other)[0] == ("Column_1", "string")
    assert data.read([data.file("a.xlsx", None)], "EXCEL", SheetIndexes=[1], HeaderRow=False).rows() == [("only", 1)]
    with pytest.raises(DataRefused, match="no sheet Third"):
        data.read([data.file("a.xlsx", None)], "EXCEL", SheetNames=["Third"])


def test_parquet_files_of_different_columns(data):
    pq.write_table(pa.table({"a": [1]}), data.folder / "1.parquet")
    pq.write_table(pa.table({"b": ["x"], "a": [2]}), data.folder / "2.parquet")
    frame = data.read([data.file("1.parquet", None), data.file("2.parquet", None)], "PARQUET")
    assert frame.rows() == [(1, None), (2, "x")]


@pytest.mark.parametrize("format", ["CSV", "JSON", "PARQUET", "ORC", "EXCEL"])
def test_gone_empty_and_broken(data, format):
    gone = File(data.folder / "gone", "s3://bucket/gone", {})
    with pytest.raises(DataRefused, match="The file s3://bucket/gone wasn't found"):
        data.read([gone], format)
    with pytest.raises(DataRefused, match="has no files"):
        data.read([], format)
    with pytest.raises(DataRefused, match="all its files are empty"):
        data.read([data.file("empty"), data.file("empty2")], format)
    broken = data.file("broken", b"\x00\xff\xfe{\x80" * 100)
    with pytest.raises(DataRefused, match="The file s3://bucket/broken is not") as caught:
        data.read([broken], format)
    assert str(data.folder) not in caught.value.message and "duckdb" not in caught.value.message.lower()


def test_one_broken_file_among_good_ones_is_named(data):
    good = data.file("good.json", '{"a": 1}\n')
    bad = data.file("bad.json", '{"a": 1}\n{"a": \n')
    with pytest.raises(DataRefused, match="The file s3://bucket/bad.json is not valid JSON"):
        data.read([good, bad], "JSON")
    latin = data.file("latin.csv", "a\nGrüße\n".encode("latin-1"))
    with pytest.raises(DataRefused, match="s3://bucket/latin.csv is not valid CSV or not encoded in UTF-8"):
        data.read([data.file("ok.csv", "a\n1\n"), latin], "CSV")
    pq.write_table(pa.table({"a": [1]}), data.folder / "ok.parquet")
    with pytest.raises(DataRefused, match="s3://bucket/no.parquet is not valid PARQUET"):
        data.read([data.file("ok.parquet", None), data.file("no.parquet", "PAR1 nothing")], "PARQUET")


def test_mixed_kinds_of_files(data):
    pq.write_table(pa.table({"a": [1]}), data.folder / "a.parquet")
    with pytest.raises(DataRefused, match="s3://bucket/a.parquet is not valid CSV"):
        data.read([data.file("a.csv", "a\n1\n"), data.file("a.parquet", None)], "CSV")
    with pytest.raises(DataRefused, match="is not valid JSON"):
        data.read([data.file("a.json", '{"a": 1}\n'), data.file("a.csv", "a\n1\n")], "JSON")
    assert data.read([data.file("empty.json"), data.file("a.json", '{"a": 1}\n')], "JSON").rows() == [(1,)]


def test_only_a_header(data):
    frame = data.read([data.file("a.csv", "a,b\n")], "CSV")
    assert shape(frame) == [("a", "string"), ("b", "string")] and frame.rows() == []
