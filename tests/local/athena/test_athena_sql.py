"""The SQL half of Athena: what the statement files can't say (types, names, tables used, text forms, errors of the engine)."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from infra.engines.athena import hive_types, types
from infra.engines.athena.errors import QueryError, SyntaxRefused
from infra.engines.athena.text import to_text
from infra.local.athena.sql.translate import Column, View, connect, run_time_error, translate

RAW = [
    Column("uuid", "varchar"),
    Column("track_id", "integer"),
    Column("tags", "array(varchar)"),
    Column("day", "varchar"),
]


TEXT = Column("d", "varchar")
VIEWS = {
    "runs": View("SELECT uuid, day AS d FROM raw", [Column("uuid", "varchar"), TEXT], "music"),
    "loop": View("SELECT * FROM loop", [TEXT], "music"),
    "wider": View("SELECT track_id FROM raw", [Column("track_id", "bigint")], "music"),
    "counted": View("SELECT uuid, day AS d FROM raw", [TEXT], "music"),
    "named": View("SELECT day FROM raw", [TEXT], "music"),
    "typed": View("SELECT track_id AS d FROM raw", [TEXT], "music"),
    "nameless": View("SELECT 1", [TEXT], "music"),
}


class Catalog:
    def columns(self, database, table):
        return RAW if (database, table) == ("music", "raw") else None

    def database_exists(self, database):
        return database == "music"

    def view(self, database, table):
        return VIEWS.get(table)


def checked(statement, parameters=(), **places):
    return translate(statement, Catalog(), "music", parameters, **places)


def refusal(statement, parameters=()):
    with pytest.raises(QueryError) as caught:
        checked(statement, parameters)
    return caught.value


# --- types


@pytest.mark.parametrize(
    ("hive", "trino"),
    [
        ("string", "varchar"),
        ("int", "integer"),
        ("float", "real"),
        ("binary", "varbinary"),
        ("timestamp", "timestamp(3)"),
        ("decimal(10,2)", "decimal(10,2)"),
        ("char(3)", "char(3)"),
        ("array<string>", "array(varchar)"),
        ("map<string,int>", "map(varchar, integer)"),
        ("struct<a:int,b:array<struct<c:string>>>", "row(a integer, b array(row(c varchar)))"),
        ("ARRAY<STRUCT<A:INT>>", "array(row(a integer))"),
    ],
)
def test_hive_types_are_trinos(hive, trino):
    assert hive_types.hive_to_trino(hive) == trino


def test_trino_types_are_hives_and_duckdbs():
    assert hive_types.trino_to_hive("array(row(a integer, b varchar))") == "array<struct<a:int,b:string>>"
    assert hive_types.trino_to_hive("varchar(10)") == "varchar(10)"
    assert types.trino_to_duckdb("map(varchar, array(decimal(5,2)))") == "MAP(VARCHAR, DECIMAL(5, 2)[])"
    assert types.duckdb_to_trino("STRUCT(a INTEGER, b VARCHAR[])[]") == "array(row(a integer, b array(varchar)))"
    with pytest.raises(QueryError, match="Unsupported Hive type: json"):
        hive_types.trino_to_hive("json")


@pytest.mark.parametrize(
    "text", ["strin", "array(", "row()", "decimal(39,2)", "decimal(5,6)", "map(varchar)", "varchar(3"]
)
def test_what_is_no_type_is_refused(text):
    with pytest.raises(QueryError):
        types.parse(text)


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [
        ("integer", "bigint", "bigint"),
        ("integer", "double", "double"),
        ("integer", "decimal(3,1)", "decimal(11,1)"),
        ("varchar(1)", "varchar(3)", "varchar(3)"),
        ("varchar(1)", "varchar", "varchar"),
        ("date", "timestamp(3)", "timestamp(3)"),
        ("array(integer)", "array(bigint)", "array(bigint)"),
        ("unknown", "date", "date"),
    ],
)
def test_common_types(a, b, both):
    assert str(types.common(types.parse(a), types.parse(b))) == both
    assert str(types.common(types.parse(b), types.parse(a))) == both


def test_types_without_a_common_one():
    assert types.common(types.parse("integer"), types.parse("varchar")) is None
    assert types.common(types.parse("date"), types.parse("integer")) is None


# --- names and types of results


def test_columns_of_a_result():
    found = checked("SELECT uuid AS Id, count(*), track_id + 1, 'ab', tags[1] FROM raw GROUP BY uuid, track_id, tags")
    assert found.columns == [
        ("id", "varchar"),
        ("_col1", "bigint"),
        ("_col2", "integer"),
        ("_col3", "varchar(2)"),
        ("_col4", "varchar"),
    ]


def test_a_name_may_come_twice():
    found = checked("SELECT uuid, uuid FROM raw")
    assert [c.name for c in found.columns] == ["uuid", "uuid"]
    assert found.sql.startswith('SELECT t0."uuid" AS "uuid", t0."uuid" AS "uuid_1" ')


# --- tables


def test_tables_tell_what_is_read():
    found = checked("SELECT uuid FROM raw WHERE day = '01' AND track_id > 5 AND uuid LIKE 'a%'")
    (use,) = found.tables
    assert (use.database, use.table, use.columns) == ("music", "raw", {"uuid", "day", "track_id"})
    assert [(set(c.columns), c.sql, c.text) for c in use.conjuncts] == [
        ({"day"}, "(t0.\"day\" = '01')", "day = '01'"),
        ({"track_id"}, '(t0."track_id" > 5::INTEGER)', "track_id > 5"),
        ({"uuid"}, "(t0.\"uuid\" LIKE 'a%')", "uuid LIKE 'a%'"),
    ]


def test_conditions_behind_unnest_and_views_reach_the_table():
    (use,) = checked("SELECT u FROM raw r CROSS JOIN UNNEST(tags) x(u) WHERE r.day = '01'").tables
    assert [c.sql for c in use.conjuncts] == ["(t0.\"day\" = '01')"]
    assert use.columns == {"tags", "day"}
    (use,) = checked("SELECT uuid FROM runs WHERE d = '01'").tables
    assert [(c.sql, c.text) for c in use.conjuncts] == [("(t0.\"day\" = '01')", "true")]


def test_an_outer_joins_other_side_keeps_its_rows():
    left, right = checked(
        "SELECT 1 FROM raw a LEFT JOIN raw b ON a.uuid = b.uuid WHERE b.day IS NULL AND a.day = '1'"
    ).tables
    assert [c.sql for c in left.conjuncts] == ["(t0.\"day\" = '1')"]
    assert right.conjuncts == []


def test_a_limit_comes_before_the_condition_around_it():
    (use,) = checked("SELECT uuid FROM (SELECT * FROM raw LIMIT 5) WHERE day = '01'").tables
    assert use.conjuncts == []


def test_hidden_columns_are_read_only_when_named():
    assert '"$path"' not in checked("SELECT * FROM raw").sql
    (use,) = checked('SELECT "$path" FROM raw').tables
    assert use.columns == {"$path"}


def test_a_view_that_reads_itself_is_refused():
    assert refusal("SELECT * FROM loop").code == "INVALID_VIEW"


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (
            "counted",
            "stored view column count (1) does not match column count derived from the view query analysis (2)",
        ),
        (
            "named",
            "column [day] of type varchar projected from query view at position 0 has a different name from column [d] "
            "of type varchar stored in view definition",
        ),
        (
            "typed",
            "column [d] of type integer projected from query view at position 0 cannot be coerced to column [d] of type "
            "varchar stored in view definition",
        ),
        ("nameless", "a column of type integer projected from query view at position 0 has no name"),
    ],
)
def test_a_view_whose_columns_changed_is_stale(view, why):
    found = refusal(f"SELECT * FROM {view}")
    name = f"'awsdatacatalog.music.{view}'"
    assert found.message == f"VIEW_IS_STALE: line 1:15: View {name} is stale or in invalid state: {why}"


def test_a_view_keeps_its_types():
    assert checked("SELECT * FROM wider").columns == [Column("track_id", "bigint")]


# --- parameters and places


def test_parameters_are_literals():
    found = checked("SELECT uuid FROM raw WHERE day = ? AND track_id = ? LIMIT ?", ["'01'", "7", "3"])
    assert "t0.\"day\" = '01'" in found.sql and found.sql.endswith("LIMIT 3")
    assert refusal("SELECT ?").message == (
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 0"
    )
    assert refusal("SELECT 1", ["1"]).code == "INVALID_PARAMETER_USAGE"


def test_positions_are_those_of_the_whole_statement():
    text = "CREATE TABLE x AS\nSELECT nope FROM raw"
    with pytest.raises(QueryError) as caught:
        checked(text, start=text.index("SELECT"))
    assert caught.value.message.startswith("COLUMN_NOT_FOUND: line 2:8: Column 'nope'")


def test_syntax_is_refused_at_once_and_types_when_the_query_runs():
    with pytest.raises(SyntaxRefused) as caught:
        checked("SELEC 1")
    assert caught.value.message.startswith("line 1:1: mismatched input 'SELEC'. Expecting: 'ALTER', 'ANALYZE'")
    error = refusal("SELECT 1 + 'a'")
    assert (error.code, error.category, error.type) == ("TYPE_MISMATCH", 2, 1002)
    assert not isinstance(error, SyntaxRefused)
    assert refusal("SELECT nope FROM raw").type == 1006
    assert refusal("SELECT 1 FROM nope").type == 1301
    assert refusal("SELECT nope()").type == 1303


# --- text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "integer", None),
        (True, "boolean", "true"),
        (1.0, "double", "1.0"),
        (1e7, "double", "1.0E7"),
        (0.001, "double", "0.001"),
        (0.0001, "double", "1.0E-4"),
        (-0.0, "double", "-0.0"),
        (float("nan"), "double", "NaN"),
        (float("-inf"), "double", "-Infinity"),
        (0.10000000149011612, "real", "0.1"),
        (Decimal("1.50"), "decimal(5,2)", "1.50"),
        (date(2020, 1, 2), "date", "2020-01-02"),
        (datetime(2020, 1, 2, 3, 4, 5, 678900), "timestamp(6)", "2020-01-02 03:04:05.678"),
        ({"i": datetime(2020, 1, 2, tzinfo=UTC), "z": "Asia/Tokyo"}, "timestamp(3) with time zone",
         "2020-01-02 09:00:00.000 Asia/Tokyo"),
        (b"\x01\xff", "varbinary", "01 ff"),
        ([1, None], "array(integer)", "[1, null]"),
        ({"k": 1.5}, "map(varchar, double)", "{k=1.5}"),
        ({"field0": 1, "field1": "x"}, "row(integer, varchar)", "{field0=1, field1=x}"),
        ({"a": [{"b": None}]}, "row(a array(row(b integer)))", "{a=[{b=null}]}"),
        (timedelta(days=1, hours=2), "interval day to second", "1 02:00:00.000"),
    ],
)  # fmt: skip
def test_text_of_a_value(value, kind, text):
    assert to_text(value, kind) == text


DOUBLES = [
    0.0,
    1.0,
    -1.5,
    0.001,
    0.00099,
    9999999.0,
    1e7,
    1.2345678e7,
    123456789.125,
    1e15,
    1e16,
    1.5e300,
    5e-324,
    0.1 + 0.2,
]


def test_a_whole_result_has_the_same_text_as_its_values():
    rows = ", ".join(f"({value!r}::DOUBLE)" for value in DOUBLES)
    with connect() as connection:
        found = connection.execute(f"SELECT floating_text(v) FROM (VALUES {rows}) t(v)").fetchall()
    assert [text for (text,) in found] == [to_text(value, "double") for value in DOUBLES]


# --- the engine


def test_connections_share_macros_but_not_tables():
    with connect() as one, connect() as two:
        one.execute("CREATE TEMP VIEW t0 AS SELECT 1 AS a")
        assert two.execute("SELECT varchar_to_integer('12')").fetchone() == (12,)
        with pytest.raises(duckdb.CatalogException):
            two.execute("SELECT * FROM t0")


def test_errors_of_the_engine_have_trinos_words_and_no_paths():
    with connect() as connection:
        with pytest.raises(duckdb.Error) as caught:
            connection.execute("SELECT * FROM read_csv('/work/secret/place/file.csv')")
        error = run_time_error(caught.value)
    assert "/work" not in error.message and "file.csv" not in error.message
    assert error.code == "HIVE_CANNOT_OPEN_SPLIT"


def test_no_extension_is_fetched():
    with connect() as connection:
        assert connection.execute("SELECT current_setting('autoinstall_known_extensions')").fetchone() == (False,)


def test_a_statement_that_is_nested_too_deep_is_refused():
    with pytest.raises(SyntaxRefused) as caught:
        checked("SELECT " + "(" * 2000 + "1" + ")" * 2000)
    assert caught.value.message == "line 1:1: statement is too large (stack overflow while parsing)"


def test_a_process_with_the_database_ends_in_silence():
    """DuckDB's binding prints what nobody has let go of at the end."""
    code = "from infra.engines.athena.database import connect; print(connect().execute('SELECT 1').fetchone())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("(1,)\n", "")
