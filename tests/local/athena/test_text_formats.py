"""Text files as Athena's SerDes read them: by rule, and the fast reader against the exact one on random files."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.engines.athena import hive_types, types
from infra.engines.athena.client import Engine, EngineError
from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import TextTable, rows
from infra.engines.athena.serdes.grok_patterns import PATTERNS
from infra.engines.athena.serdes.grok_text import Grok
from infra.local.athena.lake.files import File
from infra.local.athena.lake.text_files import FileReader, Source

FILES = 150
LINES = 12
SCALARS = (
    "string", "varchar(3)", "char(4)", "boolean", "tinyint", "smallint", "int", "bigint", "double", "float", "date",
    "timestamp", "decimal(6,2)",
)  # fmt: skip
# Values that are of a kind, nearly of it, and none.
TEXTS = (
    "", "x", "abcdef", "  ab ", "true", "FALSE", "t", "0", "-1", "+7", "007", "12.9", ".5", "5.", "-.5", "127", "128",
    "40000", "3000000000", "9223372036854775808", "1e3", "1E400", "NaN", "Infinity", "nan", "1.5d", "0x1F", "-0", "-0.0",
    "1234.567", "99999.999", "2021-01-05", "2021-1-5", "2021-02-30", "2021-13-01", "2021-01-05 10:00:00", "2021-01-05 24:00:00",
    "2021-01-05T10:00:00", "2021-01-05 10:00:00.12", "2021-01-05 10:00:00.123456", "2021-01-05T10:00:00Z",
    "2021-01-05 10:00", "2021-01-05T10:00:00+02:00", "1609841400000", "1609841400", "1609841400.5", "\\N", "é", "日本", "a b", "\u2028",
)  # fmt: skip
JSON_VALUES = (
    '""', '"x"', '"abcdef"', '"é\\n"', '"\\u00e9"', "true", "false", '"true"', "0", "-1", "12.9", "1.50", "1e3", "1E400", "127", "128",
    "3000000000", "9223372036854775808", "123456789012345678901", "-0", "-0.0", "NaN", "null", '"12"', '"0x1F"', "0x1F", "012",
    '"2021-01-05"', '"2021-02-30"', '"2021-01-05 10:00:00"', '"2021-01-05T10:00:00.123"', '"2021-01-05 10:00:00.1235"',
    '"2021-01-05T10:00:00Z"', '"2021-01-05T10:00:00+0200"', "1609841400000", "1609841400", '{"a": [1, 2.50]}', "[1, true]", "'x'", "[]", "{}",
)  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    found = Engine(tmp_path_factory.mktemp("spill"))
    yield found
    found.close()


def read(text: str, columns: str, format: str, **properties: str) -> list[list[Any]]:
    """The values of the rows that the exact reader finds in a text, a failure as one text."""
    path = Path(read.folder) / "file"  # type: ignore[attr-defined]
    path.write_bytes(text.encode())
    parsed = [
        (name, types.parse(hive_types.hive_to_trino(kind)))
        for name, _, kind in (column.strip().partition(" ") for column in columns.split(";"))
    ]
    table = TextTable(format, properties, parsed, [name for name, _ in parsed])
    try:
        return [list(row.values()) for row in rows(table, path, "none")]
    except QueryError as error:
        return [[error.message]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    read.folder = tmp_path  # type: ignore[attr-defined]


# --- the fast reader and the exact one


def both(engine: Engine, path: Path, scratch: Path, table: TextTable) -> tuple[Any, Any]:
    """What the fast reader finds in a file (None where it leaves it to the exact one), and what the exact one finds."""
    reader = FileReader(engine, scratch)
    file = File(path, f"s3://b/{path.name}", path.stat().st_size, 0.0, ())
    source = Source(table.format, "none", table.properties, [file])
    names = ", ".join(types.quoted(name) for name in table.wanted)

    def answer(exact: bool) -> Any:
        try:
            ((select, files),) = reader.read(source, table.columns, table.wanted, exact)
            if not exact and files[0].path != path:
                return None
            return [repr(row) for row in engine.fetch(f"SELECT {names} FROM ({select})")]
        except EngineError as error:
            return None if error.failure.of_data and not exact else error.message

    return answer(False), answer(True)


def compared(engine: Engine, tmp_path: Path, make: Any) -> int:
    """How many of the random files the fast reader read; each must be the same as by the exact one."""
    fast = 0
    for seed in range(FILES):
        choose = random.Random(seed)
        table, text = make(choose)
        path = tmp_path / f"{seed}.txt"
        path.write_bytes(text.encode())
        by_duckdb, exactly = both(engine, path, tmp_path, table)
        if by_duckdb is not None:
            fast += 1
            assert by_duckdb == exactly, f"seed {seed}, {table}\n{text!r}"
    return fast


def columns_for(choose: random.Random, *kinds: str) -> list[tuple[str, types.Type]]:
    count = choose.randint(1, 4)
    return [(f"c{n}", types.parse(hive_types.hive_to_trino(choose.choice(kinds or SCALARS)))) for n in range(count)]


def test_lazy_files_are_read_alike(engine: Engine, tmp_path: Path) -> None:
    def make(choose: random.Random) -> tuple[TextTable, str]:
        columns = columns_for(choose)
        delimiter = choose.choice([",", "\t", "|", "\x01", ";"])
        properties = {"field.delim": delimiter}
        if choose.random() < 0.3:
            properties["serialization.null.format"] = choose.choice(["", "x", "NULL"])
        if choose.random() < 0.2:
            properties["escape.delim"] = "\\"
        lines = [
            delimiter.join(choose.choice(TEXTS) for _ in range(max(1, len(columns) + choose.randint(-1, 1))))
            for _ in range(choose.randint(1, LINES))
        ]
        end = choose.choice(["\n", "\n", "\n", "\r\n"])
        wanted = [name for name, _ in columns if choose.random() < 0.8] or ["c0"]
        return TextTable("lazy", properties, columns, wanted, choose.choice([0, 0, 1])), end.join(
            lines
        ) + choose.choice(["", end])

    assert compared(engine, tmp_path, make) > FILES // 3


def test_csv_files_are_read_alike(engine: Engine, tmp_path: Path) -> None:
    def make(choose: random.Random) -> tuple[TextTable, str]:
        columns = columns_for(choose, "string", "string", "varchar(2)", "char(3)")
        more = ('"q"', '"a,b"', '"open', "\\", '""', 'a"b') if choose.random() < 0.4 else ()
        lines = [
            ",".join(choose.choice(TEXTS + more) for _ in range(max(1, len(columns) + choose.randint(-1, 1))))
            for _ in range(choose.randint(1, LINES))
        ]
        return TextTable("csv", {}, columns, [name for name, _ in columns], choose.choice([0, 0, 1])), "\n".join(
            lines
        ) + "\n"

    assert compared(engine, tmp_path, make) > FILES // 5


def test_json_files_are_read_alike(engine: Engine, tmp_path: Path) -> None:
    def make(choose: random.Random) -> tuple[TextTable, str]:
        columns = columns_for(choose)
        regular = choose.random() < 0.6
        values = {
            name: [v for v in JSON_VALUES if regular and _fits(v, kind)] or list(JSON_VALUES) for name, kind in columns
        }
        lines = []
        for _ in range(choose.randint(1, LINES)):
            parts = [
                f'"{name if choose.random() < 0.98 else name.upper()}": {choose.choice(values[name])}'
                for name, _ in columns
                if choose.random() < 0.9
            ]
            lines.append("{" + ", ".join(parts) + "}" + choose.choice([""] * 30 + [" tail", "{}", ",", " # c"]))
        return TextTable("openx", {}, columns, [name for name, _ in columns]), "\n".join(lines) + "\n"

    assert compared(engine, tmp_path, make) > FILES // 5


def _fits(value: str, kind: types.Type) -> bool:
    if kind.name in ("varchar", "char"):
        return value.startswith('"') or value == "null"
    if kind.name == "boolean":
        return value in ("true", "false", "null")
    if kind.name in ("date", "timestamp"):
        return value.startswith('"2021') or value == "null"
    return value in ("0", "-1", "127", "null") or (kind.name in ("double", "real") and value in ("12.9", "1.50", "1e3"))


# --- rules


def test_open_csv_quotes_and_escapes() -> None:
    lines = {
        "x,c\\,d": ["x", "c", "d"], '1,"open': ["1", None, None], '"a,b","say ""hi""",': ["a,b", 'say "hi"', ""],
        '"back\\"slash","a\\\\b",c\\"d': ['back"slash', "a\\b", 'c"d'], "a": ["a", None, None], "": [None, None, None],
        "abc\"d\"ef,x,y": ['abc"d"ef', "x", "y"], 'xyz,  "q",w': ["xyz", "q", "w"], "a,b,c,d": ["a", "b", "c"], ",,": ["", "", ""],
        '"x"y,z,': ["xy", "z", ""],
    }  # fmt: skip
    for line, expected in lines.items():
        assert read(line + "\nlast,1,2\n", "a string; b string; c string", "csv") == [expected, ["last", "1", "2"]], (
            line
        )
    long = "x" * 200_000
    assert read(f'"{long}",y\n', "a string; b string", "csv") == [[long, "y"]]
    assert read("a;'b;c'\n", "a string; b string", "csv", separatorChar=";", quoteChar="'") == [["a", "b;c"]]
    assert read('"a\\"b",c\n', "a string; b string", "csv", escapeChar='"') == [
        ['a"b', "c"]
    ]  # Hive takes it for the default
    assert read("a\n", "a string", "csv", quoteChar="\\")[0][0].startswith("HIVE_CURSOR_ERROR: The separator, quote")


def test_open_csv_types() -> None:
    assert read("1,true,2.5,18276,1579146280000\n", "a int; b boolean; c double; d date; e timestamp", "csv") == [
        [1, True, 2.5, "2020-01-15", "2020-01-16 03:44:40.000"]
    ]
    for text, kind in (
        ("x", "int"),
        ("", "int"),
        ("1.5", "int"),
        (" 1", "bigint"),
        ("300", "tinyint"),
        ("yes", "boolean"),
        ("2020-01-01", "date"),
    ):
        assert read(f"{text}\n" if text else '""\n', f"a {kind}", "csv")[0][0].startswith(
            "HIVE_BAD_DATA: Error parsing field value"
        ), text
        properties = {"use.null.for.invalid.data": "true"}
        assert read(f"{text}\n" if text else '""\n', f"a {kind}", "csv", **properties) == [[None]]


def test_lazy_values_that_are_none_are_null() -> None:
    comma = {"field.delim": ","}
    assert read("12.9,x,,128,+5,.5\n", "a int; b int; c int; d tinyint; e bigint; f int", "lazy", **comma) == [
        [12, None, None, None, 5, 0]
    ]
    moments = {
        "2021-01-01T10:00:00Z": None, "2021-01-01 10:00:00+02:00": None, "2021-01-01 10:00": None, "2021-01-01": "2021-01-01 00:00:00.000",
        "2021-01-01 10:00:00.5": "2021-01-01 10:00:00.500", "2021-01-01T10:00:00": "2021-01-01 10:00:00.000", "10:00:00": None,
        "2021-1-1 1:2:3": "2021-01-01 01:02:03.000", "2021-01-01 10:00:00.1236": "2021-01-01 10:00:00.124",
    }  # fmt: skip
    for text, expected in moments.items():
        assert read(text + "\n", "t timestamp", "lazy") == [[expected]], text
    assert read("true,T,no,FALSE\n", "a boolean; b boolean; c boolean; d boolean", "lazy", **comma) == [
        [True, None, None, False]
    ]
    assert read(
        "abcdef,abcdef,1234.567,99999\n", "a varchar(3); b char(2); c decimal(6,2); d decimal(6,2)", "lazy", **comma
    ) == [["abc", "ab", "1234.57", None]]
    assert read("05/01/2021 10:30\n", "t timestamp", "lazy", **{"timestamp.formats": "dd/MM/yyyy HH:mm"}) == [
        ["2021-01-05 10:30:00.000"]
    ]
    assert read(
        "a,b,c\n", "a string; b string", "lazy", **comma, **{"serialization.last.column.takes.rest": "true"}
    ) == [["a", "b,c"]]
    assert read("a\rb\r\nc\n", "a string", "lazy") == [["a"], ["b"], ["c"]]


def test_openx_reads_leniently() -> None:
    lines = {
        "{'a': 'x', b: y}": ["x", "y"], '{"a": "x"; "b" => "y"} // c': ["x", "y"], '{"a": 1.50, "b": TRUE}': ["1.50", "true"],
        '{"a": 0x1F, "b": 1e3}': ["31", "1E+3"], '{"a": {"k": [1, 2.50]}, "b": [null, "s"]}': ['{"k":[1,2.50]}', '[null,"s"]'],
        '{"A": 1, "a": 2, "b": null}': ["2", None], '["x", "y", "z"]': ["x", "y"], "text": [None, None], '{"a": "\\u00e9"} {"a": 2}': ["é", None],
        '{/* c */"a": "x" # rest': "HIVE_CURSOR_ERROR: Row is not a valid JSON Object",
        '{"a": "x",}': "HIVE_CURSOR_ERROR: Row is not a valid JSON Object",
    }  # fmt: skip
    for line, expected in lines.items():
        found = read(line + "\n", "a string; b string", "openx")
        assert found == ([[expected]] if isinstance(expected, str) else [expected]), line


def test_openx_timestamps_everywhere() -> None:
    moment = '"2021-01-01T10:00:00+02:00"'
    columns = "t timestamp; s struct<t:timestamp>; a array<timestamp>; m map<string,timestamp>"
    line = f'{{"t": {moment}, "s": {{"t": {moment}}}, "a": [{moment}], "m": {{"k": {moment}}}}}\n'
    utc = "2021-01-01 08:00:00.000"
    assert read(line, columns, "openx") == [[utc, {"t": utc}, [utc], {"k": utc}]]
    forms = {
        '"2021-01-01T10:00:00-0130"': "2021-01-01 11:30:00.000", '"2021-01-01T10:00:00.5Z"': "2021-01-01 10:00:00.500",
        "1609841400000": "2021-01-05 10:10:00.000", "1609841400": "2021-01-05 10:10:00.000", "1609841400.25": "2021-01-05 10:10:00.250",
        '"2021-01-01 10:00:00"': "2021-01-01 10:00:00.000",
    }  # fmt: skip
    for text, expected in forms.items():
        assert read(f'{{"t": {text}}}\n', "t timestamp", "openx") == [[expected]], text
    assert read(
        '{"t": "05.01.2021 10:30 +01:00"}\n', "t timestamp", "openx", **{"timestamp.formats": "dd.MM.yyyy HH:mm XXX"}
    ) == [["2021-01-05 09:30:00.000"]]
    assert read('{"t": "2021-01-01"}\n', "t timestamp", "openx")[0][0].startswith("HIVE_BAD_DATA")


def test_openx_properties() -> None:
    keys = '{"URL": "a", "Url": "b", "a.b": "c", "n": {"X": 1}}\n'
    mapped = {"case.insensitive": "false", "mapping.url1": "URL", "mapping.url2": "Url"}
    assert read(keys, "url1 string; url2 string; url string", "openx", **mapped) == [["a", "b", None]]
    assert read(keys, "a_b string; n struct<x:int>", "openx", **{"dots.in.keys": "true"}) == [["c", {"x": 1}]]
    assert read('{"a": "x"}\n{"a": 1}\n', "a int", "openx", **{"use.null.for.invalid.data": "true"}) == [[None], [1]]
    assert read('{"a": \n{"a": 1}\n', "a int", "openx", **{"ignore.malformed.json": "TRUE"}) == [[None], [1]]
    assert read('{"a": ""}\n{"a": 5}\n', "a array<int>", "openx") == [[None], [[5]]]


def test_numbers_of_json_that_do_not_fit() -> None:
    for text in ("invalid", "true", '"string"', "10000000000000000.00", "1e19"):
        assert read(f'{{"a": {text}}}\n', "a decimal(18,2)", "openx") == [[None]], text
    assert read('{"a": "x"}\n', "a decimal(18,2)", "hive_json") == [[None]]
    assert read('{"a": 1e19}\n', "a decimal(18,2)", "hive_json")[0][0].startswith("HIVE_BAD_DATA")
    assert read('{"a": 129}\n{"a": 255}\n', "a tinyint", "hive_json") == [[-127], [-1]]


def test_regex_groups_are_columns() -> None:
    columns = "a string; n int; t timestamp; b boolean; d decimal(4,1)"
    lines = {
        "x 12 2021-01-05_10:00:00 TRUE 1.25": ["x", 12, None, True, "1.3"], "x 12 2021-01-05T10:00:00 no 12345": ["x", 12, "2021-01-05 10:00:00.000", False, None],
        "x 1x 1 1 1": ["x", None, None, False, "1.0"], "no match": [None] * 5, "": [None] * 5,
    }  # fmt: skip
    pattern = {"input.regex": r"(\S+) (\S+) (\S+) (\S+) (\S+)"}
    for line, expected in lines.items():
        assert read(line + "\n", columns, "regex", **pattern) == [expected], line
    optional = {"input.regex": r"^(?<host>\p{Alpha}+)(?: (\d+))?$", "input.regex.case.insensitive": "true"}
    assert read("Ab 7\nab\n", "h string; n int", "regex", **optional) == [["Ab", 7], ["ab", None]]
    assert read("a\n", "a string; b string", "regex", **{"input.regex": "(.)"}) == [
        ["HIVE_CURSOR_ERROR: Number of matching groups doesn't match the number of columns"]
    ]
    assert read("a\n", "a string", "regex", **{"input.regex": "(."})[0][0].startswith("HIVE_INVALID_METADATA")
    assert read("a\n", "a string", "regex")[0][0].startswith("HIVE_INVALID_METADATA: Schema does not have required")


def test_grok_fields_are_columns() -> None:
    maillog = "Feb  9 07:15:00 m4eastmail postfix/smtpd[19305]: B88C4120838: connect from unknown[192.168.55.4]"
    postfix = {
        "input.format": "%{SYSLOGBASE} %{POSTFIX_QUEUEID:queue_id}: %{GREEDYDATA:syslog_message}",
        "input.grokCustomPatterns": "POSTFIX_QUEUEID [0-9A-F]{7,12}",
    }
    # Trino's test "bug for bug": fields of SYSLOGBASE come first
    expected = ["Feb  9 07:15:00", "m4eastmail", "postfix/smtpd"]
    columns = "syslogbase string; queue_id string; syslog_message string"
    assert read(f"{maillog}\nno match\n\n", columns, "grok", **postfix) == [expected, [None] * 3, [None] * 3]
    job = (
        "2017-09-12 12:10:34,972 INFO - processType=AZ, executionTime=7290, action=receive, hostname=1.abc.def.com\n",
        "%{TIMESTAMP_ISO8601:timestamp} %{LOGLEVEL:loglevel} - processType=%{NO_COMMAS:processtype}, "
        "executionTime=%{POSINT:executiontime}, action=%{C_ACTION:action}, hostname=%{HOST:hostname}",
    )
    own = "C_ACTION (receive|send)\nNO_COMMAS ([^,]+)"
    assert read(
        job[0], "t timestamp; l string; p string; e int; a char(3); h string", "grok",
        **{"input.format": job[1], "input.grokCustomPatterns": own, "grok.nullOnParseError": "true"},
    ) == [[None, "INFO", "AZ", 7290, "rec", "1.abc.def.com"]]  # fmt: skip


def test_grok_of_web_servers() -> None:
    line = '::1 - bob [10/Oct/2000:13:55:36 -0700] "GET /a.gif?b=%20 HTTP/1.0" 200 2326 "http://x.org/" "Mozilla (X)"\n'
    columns = "ip string; ident string; auth string; at string; verb string; request string; version string; status int; bytes bigint; referrer string; agent string"
    expected = [
        "::1", "-", "bob", "10/Oct/2000:13:55:36 -0700", "GET", "/a.gif?b=%20", "1.0", 200, 2326, "http://x.org/", "Mozilla (X)",
    ]  # fmt: skip
    combined = {"input.format": "%{COMBINEDAPACHELOG}"}
    assert read(line, columns, "grok", **combined) == [expected]
    # a field that took no part moves those after it, and a text is no number
    moved = 'HIVE_BAD_DATA: Error Parsing a column in the table: For input string: "http://x.org/"'
    assert read(line.replace(" 2326", " -"), columns, "grok", **combined) == [[moved]]
    typed = {"input.format": r"%{NUMBER:n:int};(?<word>\w+)?;%{QS:q}(?: %{IPV4:ip})?"}
    assert read("""007;ab;"a 'b'" 10.0.0.256\n8;;''\n""", "n int; w string; q string; ip string", "grok", **typed) == [
        [7, "ab", "a 'b'", None], [8, "", None, None],
    ]  # fmt: skip
    assert read("1.5;;''\n", "n int; w string", "grok", **typed) == [["HIVE_CURSOR_ERROR: Grok capture failure."]]


def test_grok_patterns_that_are_none() -> None:
    wrong = {
        "%{NOSUCH:a}": "Pattern NOSUCH is not defined.", " ": "{pattern} should not be empty",
        "%{A}": "Deep recursion pattern compilation of %{A}",
    }  # fmt: skip
    for pattern, said in wrong.items():
        found = read("a\n", "a string", "grok", **{"input.format": pattern, "input.grokCustomPatterns": "A %{A}"})
        assert found == [[f"HIVE_INVALID_METADATA: Grok compilation failure: {said}"]], pattern
    assert read("a\n", "a string", "grok")[0][0].endswith("Schema does not have required 'input.format' property")
    for name in PATTERNS:
        Grok(f"%{{{name}:a}}")


def test_records_of_cloudtrail() -> None:
    event = {
        "eventName": "PutObject",
        "userIdentity": {"type": "Root"},
        "requestParameters": {"k": [1]},
        "responseElements": None,
    }
    text = json.dumps({"Records": [event, {"eventName": "B"}]})
    columns = "eventname string; useridentity struct<type:string>; requestparameters string; responseelements string"
    assert read(f"{text}\n[]\nno\n", columns, "cloudtrail") == [
        ["PutObject", {"type": "Root"}, '{"k":[1]}', None], ["B", None, None, None],
    ]  # fmt: skip


def test_hive_json_is_strict() -> None:
    assert read('{"A": 1, "b": 1.50, "_col2": true}\n', "a int; b string; c boolean", "hive_json") == [
        [1, "1.50", True]
    ]
    bad = "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"
    for line in ("not json", "[1]", "{'a': 1}", '{"a": 1,}', '{"a": NaN}', ""):
        assert read(line + "\n", "a int", "hive_json") == [[bad]], line
    for line, kind in (
        ('{"a": "1"}', "int"),
        ('{"a": [1]}', "string"),
        ('{"a": 1}', "array<int>"),
        ('{"a": "2021-01-01T10:00:00Z"}', "timestamp"),
    ):
        assert read(line + "\n", f"a {kind}", "hive_json")[0][0].startswith("HIVE_BAD_DATA"), line
    assert read('{"a": 1.9, "t": "2021-01-01 10:00:00"} tail\n', "a int; t timestamp", "hive_json") == [
        [1, "2021-01-01 10:00:00.000"]
    ]
    assert read('{"t": "05/01/2021"}\n', "t timestamp", "hive_json", **{"timestamp.formats": "dd/MM/yyyy"}) == [
        ["2021-01-05 00:00:00.000"]
    ]
