"""Steps that look at more than one row: missing and invalid values, duplicates, outliers, groups, pivots, nesting, splits."""

import datetime

import pytest
from brewing import frame, one, step, when

from infra.local.databrew.engine import Frame, StepRefused, Workspace, apply, run


@pytest.fixture(scope="module")
def w():
    with Workspace() as workspace:
        yield workspace


def names(f):
    return [c.name for c in f.columns]


def types(f):
    return [c.type for c in f.columns]


@pytest.mark.parametrize(
    "operation, parameters, kind, values, expected",
    [
        ("FILL_WITH_AVERAGE", {}, "INT", [1, None, 2], [1.0, 1.5, 2.0]),
        ("FILL_WITH_MEDIAN", {}, "INT", [1, None, 2, 9], [1.0, 2.0, 2.0, 9.0]),
        ("FILL_WITH_SUM", {}, "INT", [1, None, 2], [1, 3, 2]),
        ("FILL_WITH_LAST_VALID", {}, "VARCHAR", [None, "a", "", None, "b"], [None, "a", "a", "a", "b"]),
        ("FILL_WITH_MOST_FREQUENT", {}, "VARCHAR", ["b", "a", "b", None, ""], ["b", "a", "b", "b", "b"]),
        ("FILL_WITH_MODE", {"modeType": "MINIMUM"}, "INT", [1, 2, 2, 3, 3, 4, None], [1, 2, 2, 3, 3, 4, 2]),
        ("FILL_WITH_MODE", {"modeType": "MAXIMUM"}, "INT", [1, 2, 2, 3, 3, 4, None], [1, 2, 2, 3, 3, 4, 3]),
        ("FILL_WITH_MODE", {"modeType": "AVERAGE"}, "INT", [2, 2, 3, 3, None], [2.0, 2.0, 3.0, 3.0, 2.5]),
        ("FILL_WITH_MODE", {"modeType": "NONE"}, "INT", [2, 2, 3, 3, None], [2, 2, 3, 3, None]),
        (
            "FILL_WITH_CUSTOM",
            {"columnDataType": "string", "value": "No name"},
            "VARCHAR",
            ["a", "", None],
            ["a", "No name", "No name"],
        ),
        ("FILL_WITH_CUSTOM", {"columnDataType": "number", "value": "7"}, "INT", [1, None], [1, 7]),
        ("FILL_WITH_EMPTY", {}, "VARCHAR", ["a", None], ["a", ""]),
        ("FILL_WITH_NULL", {}, "VARCHAR", ["a", ""], ["a", None]),
        (
            "REPLACE_WITH_AVERAGE",
            {"columnDataType": "number"},
            "VARCHAR",
            ["1", "x", "4", None],
            ["1", "2.5", "4", None],
        ),
        ("REPLACE_WITH_SUM", {"columnDataType": "number"}, "DOUBLE", [1, "nan", 4], [1.0, 5.0, 4.0]),
        (
            "REPLACE_WITH_MODE",
            {"columnDataType": "number", "modeType": "MAXIMUM"},
            "VARCHAR",
            ["1", "x", "2"],
            ["1", "2.0", "2"],
        ),
        ("REPLACE_WITH_MOST_FREQUENT", {"columnDataType": "number"}, "VARCHAR", ["1", "1", "x"], ["1", "1", "1"]),
        ("REPLACE_WITH_LAST_VALID", {"columnDataType": "int"}, "VARCHAR", ["x", "1", "y"], [None, "1", "1"]),
        (
            "REPLACE_WITH_NULL",
            {"columnDataType": "date"},
            "VARCHAR",
            ["2020-01-01", "no", ""],
            ["2020-01-01", None, ""],
        ),
        (
            "REPLACE_WITH_EMPTY",
            {"columnDataType": "string", "advancedDataType": "Email"},
            "VARCHAR",
            ["a@b.org", "no"],
            ["a@b.org", ""],
        ),
        ("REPLACE_WITH_CUSTOM", {"columnDataType": "number", "value": "0"}, "VARCHAR", ["1", "x"], ["1", "0"]),
        (
            "REPLACE_WITH_ROLLING_AVERAGE",
            {"columnDataType": "number", "period": "2"},
            "INT",
            [2, 4, 8],
            [2.0, 3.0, 6.0],
        ),
        ("REPLACE_WITH_ROLLING_SUM", {"columnDataType": "number", "period": "2"}, "INT", [2, 4, 8], [2.0, 6.0, 12.0]),
        ("REMOVE_MISSING", {}, "VARCHAR", ["a", "", None, "b"], ["a", "b"]),
        ("REMOVE_INVALID", {"columnDataType": "int"}, "VARCHAR", ["1", "x", None, ""], ["1", None, ""]),
        (
            "REMOVE_INVALID",
            {"columnDataType": "string", "advancedDataType": "IP Address"},
            "VARCHAR",
            ["1.2.3.4", "1.2.3.256"],
            ["1.2.3.4"],
        ),
        ("REMOVE_DUPLICATES", {}, "VARCHAR", ["a", "b", "a", None, None], ["a", "b", None]),
        (
            "REMOVE_OUTLIERS",
            {"outlierStrategy": "IQR", "threshold": "1.5", "removeType": "DELETE_ROWS"},
            "INT",
            [1, 2, 3, 4, 100],
            [1, 2, 3, 4],
        ),
        (
            "REMOVE_OUTLIERS",
            {"outlierStrategy": "Z_SCORE", "threshold": "1.7", "removeType": "CLEAR"},
            "INT",
            [1, 1, 1, 1, 50],
            [1, 1, 1, 1, None],
        ),
        (
            "REMOVE_OUTLIERS",
            {"outlierStrategy": "MODIFIED_Z_SCORE", "removeType": "DELETE_ROWS"},
            "INT",
            [1, 2, 3, 4, 100],
            [1, 2, 3, 4],
        ),
        (
            "REPLACE_OUTLIERS",
            {"outlierStrategy": "IQR", "threshold": "1.5", "replaceType": "REPLACE_WITH_AVERAGE"},
            "INT",
            [1, 2, 3, 4, 100],
            [1.0, 2.0, 3.0, 4.0, 2.5],
        ),
        (
            "REPLACE_OUTLIERS",
            {"outlierStrategy": "IQR", "threshold": "1.5", "replaceType": "REPLACE_WITH_CUSTOM", "value": "-1"},
            "INT",
            [1, 2, 3, 4, 100],
            [1.0, 2.0, 3.0, 4.0, -1.0],
        ),
        (
            "REPLACE_OUTLIERS",
            {
                "outlierStrategy": "IQR",
                "threshold": "1.5",
                "replaceType": "WINSORIZE_VALUES",
                "minValue": "0",
                "maxValue": "75",
            },
            "INT",
            [1, 2, 3, 4, 100],
            [1.0, 2.0, 3.0, 4.0, 4.0],
        ),
        (
            "REPLACE_OUTLIERS",
            {"outlierStrategy": "IQR", "threshold": "1.5", "replaceType": "REPLACE_WITH_NULL"},
            "INT",
            [1, 2, 3, 4, 100],
            [1, 2, 3, 4, None],
        ),
    ],
)
def test_columns_in_place(w, operation, parameters, kind, values, expected):
    got = one(w, values, operation, kind, sourceColumn="a", **parameters)
    assert got == [pytest.approx(e) if isinstance(e, float) else e for e in expected]


def test_outliers_are_flagged(w):
    assert one(
        w,
        [1, 2, 3, 4, 100, None],
        "FLAG_OUTLIERS",
        "INT",
        "t",
        sourceColumn="a",
        targetColumn="t",
        outlierStrategy="IQR",
        threshold="1.5",
    ) == ["False"] * 4 + ["True", "False"]


def test_duplicate_rows(w):
    f = frame(w, [(1, "a"), (2, None), (1, "a"), (2, None)], n="INT", s="VARCHAR")
    assert apply(f, step("DELETE_DUPLICATE_ROWS")).rows() == [(1, "a"), (2, None)]
    flagged = apply(f, step("FLAG_DUPLICATE_ROWS", targetColumn="dup", trueString="TRUE", falseString="FALSE"))
    assert [r[2] for r in flagged.rows()] == ["FALSE", "FALSE", "TRUE", "TRUE"]


ROWS = [("x", "a", 1), ("y", "b", 2), ("x", "a", 3), ("x", "b", None), (None, "a", 5)]


def test_group_by_as_a_new_table(w):
    """The chess recipe of the guide counts so; groups stand in the order in which they first appear, NULL is a group."""
    f = frame(w, ROWS, g="VARCHAR", h="VARCHAR", n="INT")
    options = [
        {"sourceColumnName": "n", "targetColumnName": "count", "targetColumnDataType": "int", "functionName": "COUNT"},
        {"sourceColumnName": "n", "targetColumnName": "sum", "targetColumnDataType": "number", "functionName": "SUM"},
        {"sourceColumnName": "n", "targetColumnName": "mean", "functionName": "AVERAGE"},
        {"sourceColumnName": "h", "targetColumnName": "kinds", "functionName": "COUNT_DISTINCT"},
        {"sourceColumnName": "n", "targetColumnName": "all", "functionName": "UNAGGREGATED"},
    ]
    made = apply(f, step("GROUP_BY", sourceColumns=["g"], groupByAggFunctionOptions=options, useNewDataFrame="true"))
    assert made.rows() == [("x", 2, 4, 2.0, 2, [1, 3]), ("y", 1, 2, 2.0, 1, [2]), (None, 1, 5, 5.0, 1, [5])]
    assert types(made) == ["string", "int", "long", "double", "long", "array"]


def test_group_by_keeps_the_rows(w):
    f = frame(w, ROWS, g="VARCHAR", h="VARCHAR", n="INT")
    options = [{"sourceColumnName": "n", "targetColumnName": "sum", "functionName": "SUM"}]
    made = apply(f, step("GROUP_BY", sourceColumns=["g"], groupByAggFunctionOptions=options))
    assert [r[-1] for r in made.rows()] == [4, 2, 4, 4, 5] and names(made) == ["g", "h", "n", "sum"]
    with pytest.raises(StepRefused, match="Column N already exists"):
        apply(
            f,
            step("GROUP_BY", sourceColumns=["g"], groupByAggFunctionOptions=[{**options[0], "targetColumnName": "N"}]),
        )
    with pytest.raises(StepRefused, match="needs a numeric column"):
        apply(
            f,
            step("GROUP_BY", sourceColumns=["g"], groupByAggFunctionOptions=[{**options[0], "sourceColumnName": "h"}]),
        )


def test_steps_divide_variance_by_the_count(w):
    """As the page of VARIANCE defines it: 2, 4, 9 have mean 5 and squares 9 + 1 + 16; the profile's is the sample's, 13."""
    f = frame(w, [("x", 2), ("x", 4), ("x", 9)], g="VARCHAR", n="INT")
    options = [
        {"sourceColumnName": "n", "targetColumnName": name, "functionName": name}
        for name in ("VARIANCE", "STANDARD_DEVIATION")
    ]
    made = apply(f, step("GROUP_BY", sourceColumns=["g"], groupByAggFunctionOptions=options, useNewDataFrame="true"))
    assert made.rows()[0][1:] == (pytest.approx(26 / 3), pytest.approx((26 / 3) ** 0.5))


def test_pivot_groups_by_all_other_columns(w):
    f = frame(w, ROWS, g="VARCHAR", h="VARCHAR", n="INT")
    made = apply(f, step("PIVOT", sourceColumn="h", valueColumn="n", aggregateFunction="SUM"))
    assert names(made) == ["g", "a", "b"]
    assert made.rows() == [("x", 4, None), ("y", None, 2), (None, 5, None)]
    lists = apply(f, step("PIVOT", sourceColumn="h", valueColumn="n", aggregateFunction="COLLECT_LIST"))
    assert lists.rows()[0] == ("x", [1, 3], [])
    many = frame(w, [(str(n), n) for n in range(11)], h="VARCHAR", n="INT")
    with pytest.raises(StepRefused, match="more than 10 distinct values"):
        apply(many, step("PIVOT", sourceColumn="h", valueColumn="n", aggregateFunction="SUM"))


def test_unpivot_keeps_missing_values(w):
    f = frame(w, [("x", 1, None), ("y", 2, 2.5)], g="VARCHAR", a="INT", b="DOUBLE")
    made = apply(f, step("UNPIVOT", sourceColumns=["a", "b"], unpivotColumn="what", valueColumn="value"))
    assert made.rows() == [("x", "a", 1.0), ("x", "b", None), ("y", "a", 2.0), ("y", "b", 2.5)]
    assert names(made) == ["g", "what", "value"]


def test_transpose(w):
    f = frame(w, [("Ms A", 1, 2), ("Mr B", 3, 4), ("Ms A", 5, 6)], Teacher="VARCHAR", Tom="INT", John="INT")
    made = apply(
        f,
        step(
            "TRANSPOSE",
            pivotColumns=["Teacher"],
            valueColumns=["Tom", "John"],
            aggregateFunction="SUM",
            newColumn="Student",
        ),
    )
    assert names(made) == ["Student", "Mr B", "Ms A"] and made.rows() == [("Tom", 3, 6), ("John", 4, 8)]


def test_one_hot_encoding(w):
    f = frame(w, [("L",), ("M",), ("L",), (None,)], shirt="VARCHAR")
    made = apply(f, step("ONE_HOT_ENCODING", sourceColumn="shirt"))
    assert names(made) == ["shirt", "shirt_L", "shirt_M"] and made.rows() == [
        ("L", 1, 0),
        ("M", 0, 1),
        ("L", 1, 0),
        (None, 0, 0),
    ]


def test_nesting_and_back(w):
    f = frame(w, [(1, 2.5, "x"), (3, None, "y")], a="INT", b="DOUBLE", c="VARCHAR")
    array = apply(f, step("NEST_TO_ARRAY", sourceColumns=["a", "b"], targetColumn="t", removeSourceColumns="true"))
    assert array.rows() == [("x", [1.0, 2.5]), ("y", [3.0, None])] and types(array) == ["string", "array"]
    flat = apply(array, step("UNNEST_ARRAY", sourceColumn="t", targetColumn="t"))
    assert flat.rows() == [("x", 1.0), ("x", 2.5), ("y", 3.0), ("y", None)]
    map_ = apply(f, step("NEST_TO_MAP", sourceColumns=["a", "c"], targetColumn="t"))
    assert map_.rows()[0][-1] == {"a": "1", "c": "x"}
    entries = apply(map_, step("UNNEST_MAP", sourceColumn="t", removeSourceColumn="true", targetColumn="m"))
    assert names(entries) == ["a", "b", "c", "m_key", "m_value"] and entries.rows()[1] == (1, 2.5, "x", "c", "x")
    struct = apply(f, step("NEST_TO_STRUCT", sourceColumns=["a", "c"], targetColumn="t", removeSourceColumns="true"))
    assert struct.rows() == [(2.5, {"a": 1, "c": "x"}), (None, {"a": 3, "c": "y"})]
    back = apply(struct, step("UNNEST_STRUCT", sourceColumn="t", removeSourceColumn="true", targetColumn="t"))
    assert names(back) == ["b", "t_a", "t_c"] and types(back) == ["double", "int", "string"]
    value = apply(struct, step("EXTRACT_VALUE", sourceColumn="t", targetColumn="v", path="`t`.`c`"))
    assert [r[-1] for r in value.rows()] == ["x", "y"]
    with pytest.raises(StepRefused, match="is of type struct; the step needs array"):
        apply(struct, step("UNNEST_ARRAY", sourceColumn="t", targetColumn="u"))


def test_empty_arrays_keep_their_row(w):
    f = Frame.of(w, "SELECT * FROM (VALUES (1, [7, 8]), (2, []), (3, NULL)) v(n, l)")
    assert apply(f, step("UNNEST_ARRAY", sourceColumn="l", targetColumn="x")).rows() == [
        (1, [7, 8], 7),
        (1, [7, 8], 8),
        (2, [], None),
        (3, None, None),
    ]


def test_json_to_structs_merges_what_rows_have(w):
    f = frame(w, [('{"a": 1, "b": {"c": "x"}}',), ('{"a": 2.5}',), ("no json",)], j="VARCHAR")
    made = apply(f, step("JSON_TO_STRUCTS", sourceColumns=["j"], removeSourceColumn="true", unnestLevel="2"))
    assert made.rows() == [({"a": 1.0, "b": {"c": "x"}},), ({"a": 2.5, "b": None},), (None,)]
    deep = apply(
        made, step("UNNEST_STRUCT_N", sourceColumns=["j"], removeSourceColumn="true", unnestLevel="2", delimiter="/")
    )
    assert names(deep) == ["j/a", "j/b/c"] and deep.rows()[0] == (1.0, "x")
    shallow = apply(f, step("JSON_TO_STRUCTS", sourceColumns=["j"], unnestLevel="1"))
    assert shallow.rows()[0][1] == {"a": 1.0, "b": '{"c":"x"}'}


@pytest.mark.parametrize(
    "operation, parameters, value, expected",
    [
        ("SPLIT_COLUMN_SINGLE_DELIMITER", {"pattern": "/", "limit": "2"}, "a/b/c/d", ["a", "b", "c/d"]),
        (
            "SPLIT_COLUMN_SINGLE_DELIMITER",
            {"pattern": "/", "limit": "2", "includeInSplit": "true"},
            "a/b/c/d",
            ["a", "/b", "/c/d"],
        ),
        ("SPLIT_COLUMN_SINGLE_DELIMITER", {"pattern": ".", "limit": "1"}, "ab", ["ab", None]),
        (
            "SPLIT_COLUMN_MULTIPLE_DELIMITER",
            {"limit": "2", "patternOptions": [{"pattern": ",", "includeInSplit": True}, {"pattern": " "}]},
            "a,b c",
            ["a", ",b", "c"],
        ),
        (
            "SPLIT_COLUMN_BETWEEN_DELIMITER",
            {"patternOption1": {"pattern": "H", "includeInSplit": True}, "patternOption2": {"pattern": "M"}},
            "aHbMcM",
            ["a", "Hb", "cM"],
        ),
        ("SPLIT_COLUMN_BETWEEN_POSITIONS", {"startPosition": "2", "endPosition": "3"}, "abcde", ["a", "bc", "de"]),
        ("SPLIT_COLUMN_FROM_START", {"position": "1"}, "abc", ["a", "bc"]),
        ("SPLIT_COLUMN_FROM_END", {"position": "1"}, "abc", ["ab", "c"]),
        ("SPLIT_COLUMN_WITH_INTERVALS", {"startPosition": "1", "interval": "4"}, "abcdefghij", ["abcd", "efgh", "ij"]),
    ],
)
def test_splits(w, operation, parameters, value, expected):
    made = apply(frame(w, [(value,), (None,)], a="VARCHAR"), step(operation, sourceColumn="a", **parameters))
    assert names(made) == ["a", *(f"a_{n}" for n in range(1, len(expected) + 1))]
    assert list(made.rows()[0][1:]) == expected and set(made.rows()[1]) == {None}


def test_a_filter_on_details(w):
    f = frame(w, [("https://a.org/x",), ("http://b.com",), ("no",)], u="VARCHAR")
    given = {"sourceColumn": "u", "advancedDataType": "URL", "pattern": "TLD", "filterValues": ["org"]}
    assert apply(f, step("ADVANCED_DATATYPE_FILTER", strategy="KEEP_ROWS", **given)).rows() == [("https://a.org/x",)]
    cleared = apply(f, step("ADVANCED_DATATYPE_FILTER", strategy="CLEAR_OTHERS", clearWithEmpty="true", **given))
    assert cleared.rows() == [("https://a.org/x",), ("",), ("",)]


def test_a_number_is_formatted(w):
    given = {"sourceColumn": "a", "decimalPlaces": "2", "numericThousandSeparator": ","}
    assert one(w, [1234567.891, None], "NUMBER_FORMAT", "DOUBLE", **given) == ["1,234,567.89", None]
    assert one(
        w,
        [1234567.891],
        "NUMBER_FORMAT",
        "DOUBLE",
        numericAbbreviatedUnit="THOUSAND",
        numericUnitAbbreviation="K",
        **given,
    ) == ["1,234.57K"]
    german = {**given, "numericThousandSeparator": ".", "numericDecimalSeparator": ","}
    assert one(w, [1234.5], "NUMBER_FORMAT", "DOUBLE", **german) == ["1.234,50"]


def test_sessions_and_row_numbers(w):
    rows = [
        ("a", "2020-01-01 00:20:00"),
        ("a", "2020-01-01 00:00:00"),
        ("b", "2020-01-01 00:00:00"),
        ("a", "2020-01-01 00:05:00"),
    ]
    f = frame(w, rows, g="VARCHAR", t="TIMESTAMP")
    given = {"groupByColumns": ["g"], "orderByColumns": ["t"], "targetColumn": "n"}
    assert [r[2] for r in apply(f, step("ROW_NUMBER", **given)).rows()] == [3, 1, 1, 2]
    assert [r[2] for r in apply(f, step("SESSION", sourceColumn="t", units="MINUTES", value="10", **given)).rows()] == [
        2,
        1,
        1,
        1,
    ]


def test_the_chess_recipe_of_the_guide(w):
    """Filter, group, filter, rename values: the recipe that the guide prints, on rows whose result is known."""
    rows = [
        (1900, 1900, "white", "mate"),
        (1900, 1850, "white", "mate"),
        (1900, 1900, "draw", "draw"),
        (1700, 1900, "black", "mate"),
        (1900, 1900, "black", "resign"),
        (1900, 1800, "black", "outoftime"),
    ]
    f = frame(w, rows, black_rating="INT", white_rating="INT", winner="VARCHAR", victory_status="VARCHAR")
    replace = [("mate", "checkmate"), ("resign", "other player resigned"), ("outoftime", "ran out of time")]
    options = '[{"sourceColumnName":"winner","targetColumnName":"winner_count","targetColumnDataType":"int","functionName":"COUNT"}]'
    recipe = [
        step("REMOVE_VALUES", [when("LESS_THAN", "black_rating", "1800")], sourceColumn="black_rating"),
        step("REMOVE_VALUES", [when("LESS_THAN", "white_rating", "1800")], sourceColumn="white_rating"),
        step(
            "GROUP_BY",
            groupByAggFunctionOptions=options,
            sourceColumns=["winner", "victory_status"],
            useNewDataFrame="true",
        ),
        step("REMOVE_VALUES", [when("IS", "winner", '["draw"]')], sourceColumn="winner"),
        *(step("REPLACE_TEXT", pattern=old, sourceColumn="victory_status", value=new) for old, new in replace),
    ]
    assert run(recipe, f).rows() == [
        ("white", "checkmate", 2),
        ("black", "other player resigned", 1),
        ("black", "ran out of time", 1),
    ]


def test_a_recipe_as_the_console_exports_it(w):
    """A published export: lists of columns, functionStepType beside the operation, dates that are numbers, a column and value2."""
    f = frame(
        w,
        [("NY", 20200131, 5, 20, 1), ("TX", 20200131, 9, 9, 2), ("CA", 20200201, 1, 8, 3)],
        state="VARCHAR",
        date="INT",
        up="INT",
        all="INT",
        fips="INT",
    )
    recipe = [
        step("DELETE", sourceColumns='["fips"]'),
        step("REMOVE_VALUES", [when("IS_NOT", "state", '["NY","CA"]')], sourceColumn="state"),
        step(
            "DATE_FORMAT",
            dateTimeFormat="yyyy-mm-dd",
            functionStepType="DATE_FORMAT",
            sourceColumn="date",
            targetColumn="day",
        ),
        step("CHANGE_DATA_TYPE", columnDataType="date", sourceColumn="day"),
        step("DELETE", sourceColumns='["date"]'),
        step("DIVIDE", functionStepType="DIVIDE", sourceColumn1="up", sourceColumn2="all", targetColumn="rate"),
        step("MULTIPLY", functionStepType="MULTIPLY", sourceColumn1="rate", targetColumn="percent", value2="100"),
        step("DELETE", sourceColumns='["up","all","rate"]'),
    ]
    assert run(recipe, f).rows() == [("NY", datetime.date(2020, 1, 31), 25.0), ("CA", datetime.date(2020, 2, 1), 12.5)]


def test_names_that_sql_would_trip_over(w):
    f = frame(w, [(1, 2)], **{'a "b"; drop table x --': "INT", "row": "INT"})
    made = apply(f, step("ADD", sourceColumn1='a "b"; drop table x --', sourceColumn2="row", targetColumn="select"))
    assert made.rows() == [(1, 2, 3)] and made.workspace.connection.execute(made.query()).fetchall() == [(1, 2, 3)]
    assert w.connection.execute(f"DESCRIBE {made.query()}").fetchall()[0][0] == 'a "b"; drop table x --'


def test_on_no_rows_every_step_works(w):
    f = frame(w, [], a="VARCHAR", n="INT")
    for operation, given in (
        ("FILL_WITH_AVERAGE", {"sourceColumn": "n"}),
        ("REMOVE_DUPLICATES", {"sourceColumn": "a"}),
        ("NORMALIZATION", {"sourceColumn": "n", "strategy": "Z_SCORE", "targetColumn": "t"}),
    ):
        assert apply(f, step(operation, **given)).rows() == []
    with pytest.raises(StepRefused, match="has no values"):
        apply(f, step("PIVOT", sourceColumn="a", valueColumn="n", aggregateFunction="SUM"))


def test_memory_and_files_are_limited(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.csv").write_text("a\n1\n")
    with Workspace(folders=[tmp_path / "in"], memory="50MB") as small:
        assert Frame.of(small, f"SELECT * FROM read_csv('{tmp_path}/in/a.csv')").rows() == [(1,)]
        with pytest.raises(StepRefused):
            Frame.of(small, f"SELECT * FROM read_csv('{tmp_path}/b.csv')")
        with pytest.raises(StepRefused, match="more memory"):
            Frame.of(small, "SELECT md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS a FROM range(3000000) t(i)")
        assert small.connection.execute("SELECT current_setting('enable_external_access')").fetchone() == (False,)


def test_what_does_not_fit_into_memory_goes_to_the_spill_folder(tmp_path):
    def last(workspace):
        big = Frame.of(workspace, "SELECT md5(i::VARCHAR) AS a, i AS n FROM range(600000) t(i)")
        sort = step("SORT", expressions=[{"sourceColumn": "n", "ordering": "DESCENDING"}])
        return apply(big, sort).rows(0, 1)[0][1]

    with Workspace(spill=tmp_path / "spill", memory="50MB") as small:
        assert last(small) == 599999
    with Workspace(memory="50MB") as small, pytest.raises(StepRefused, match="more memory"):
        last(small)


def test_tables_that_nobody_needs_are_dropped(w):
    f = frame(w, [(n,) for n in range(10)], a="INT")
    before = len(w.connection.execute("SHOW TABLES").fetchall())
    for _ in range(30):
        apply(f, step("FILL_WITH_AVERAGE", sourceColumn="a")).stored().rows()
    assert len(w.connection.execute("SHOW TABLES").fetchall()) < before + 10
