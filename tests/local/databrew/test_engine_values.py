"""Steps and functions that give one value a row; each expected value is worked out by hand from the guide."""

import math

import pytest
from brewing import frame, one, step, when

from infra.local.databrew.engine import StepRefused, Workspace, apply, check
from infra.local.databrew.engine.refused import REFUSED
from infra.local.databrew.engine.registry import ACTIONS


@pytest.fixture(scope="module")
def w():
    with Workspace() as workspace:
        yield workspace


IN_PLACE = [
    ("UPPER_CASE", {}, ["aé", None, ""], ["AÉ", None, ""]),
    ("LOWER_CASE", {}, ["AÉ"], ["aé"]),
    ("CAPITAL_CASE", {}, ["the qUICK brown", "a  b", ""], ["The Quick Brown", "A  B", ""]),
    (
        "SENTENCE_CASE",
        {},
        ["the QUICK fox. jumped OVER! the fence", "x"],
        ["The quick fox. Jumped over! The fence", "X"],
    ),
    ("ADD_DOUBLE_QUOTES", {}, ["a", None], ['"a"', None]),
    ("ADD_SINGLE_QUOTES", {}, ["a"], ["'a'"]),
    ("ADD_PREFIX", {"pattern": "it's "}, ["a"], ["it's a"]),
    ("ADD_SUFFIX", {"pattern": "{}"}, ["a"], ["a{}"]),
    ("REMOVE_COMBINED", {"removeSpecialCharacters": "true"}, ["a-b_c!d e"], ["abcd e"]),
    ("REMOVE_COMBINED", {"removeNumbers": "true", "collapseConsecutiveWhitespace": "true"}, ["a1  b2"], ["a b"]),
    ("REMOVE_COMBINED", {"removeLeadingAndTrailingWhitespace": "true"}, ["  a b "], ["a b"]),
    ("REMOVE_COMBINED", {"removeLeadingAndTrailingPunctuation": "true"}, ["!a.b?"], ["a.b"]),
    ("REMOVE_COMBINED", {"removeLeadingAndTrailingQuotes": "true"}, ["'a'b\""], ["a'b"]),
    ("REMOVE_COMBINED", {"removeCustomCharacters": "true", "customCharacters": "xy"}, ["axbyc"], ["abc"]),
    ("REMOVE_COMBINED", {"removeCustomValue": "true", "customValue": "ab"}, ["abaxb"], ["axb"]),
    ("REPLACE_TEXT", {"pattern": "x", "value": "a"}, ["xbx"], ["aba"]),
    ("REPLACE_TEXT", {"pattern": "[0-9]", "value": "!"}, ["a1b22"], ["a!b!!"]),
    ("REPLACE_TEXT", {"pattern": "(a)(b)", "value": "$2$1"}, ["abab"], ["baba"]),
    ("REPLACE_TEXT", {"pattern": "a", "value": "c:\\\\"}, ["a"], ["c:\\"]),
    (
        "REPLACE_BETWEEN_DELIMITERS",
        {"startPattern": "<", "endPattern": ">", "value": "?"},
        ["a<b>c<d>", "x"],
        ["a<?>c<?>", "x"],
    ),
    (
        "REPLACE_BETWEEN_POSITIONS",
        {"startPosition": "2", "endPosition": "3", "value": "-"},
        ["abcd", "a"],
        ["a-d", "a"],
    ),
    (
        "FORMAT_DATE",
        {"targetDateFormat": "dd month yyyy"},
        ["2020-05-03", "05/27/2018", "no"],
        ["03 May 2020", "27 May 2018", None],
    ),
    ("MASK_RANGE", {"maskSymbol": "#"}, ["ab c", None], ["####", None]),
    ("MASK_RANGE", {"maskSymbol": "#", "start": "1", "stop": "-1"}, ["abcd", "a"], ["a##d", "a"]),
    ("MASK_RANGE", {"maskSymbol": "*", "alphabet": ["WHITESPACE", "SYMBOLS"]}, ["a b-c"], ["* *-*"]),
    (
        "MASK_DELIMITER",
        {"maskSymbol": "#", "startDelimiter": "<", "endDelimiter": ">", "preserveDelimiters": "true"},
        ["a<bc>d", "x"],
        ["a<##>d", "x"],
    ),
    ("MASK_DELIMITER", {"maskSymbol": "#", "startDelimiter": "@"}, ["me@aws"], ["me####"]),
    ("MASK_CUSTOM", {"maskSymbol": "#", "customValue": "am"}, ["amazon am"], ["##azon ##"]),
    ("MASK_CUSTOM", {"maskSymbol": "#", "customValue": "[0-9]+", "regex": "true"}, ["a12b3"], ["a##b#"]),
    (
        "MASK_DATE",
        {"maskSymbol": "#", "redact": ["YEAR"]},
        ["2020-05-03", "2020-05-03 01:02:03", "x"],
        ["####-05-03", "####-05-03 01:02:03", "x"],
    ),
    ("CRYPTOGRAPHIC_HASH", {"algorithm": "MD5"}, ["a"], ["0cc175b9c0f1b6a831c399e269772661"]),
]
SEVERAL = ("MASK_RANGE", "MASK_DELIMITER", "MASK_CUSTOM", "MASK_DATE", "CRYPTOGRAPHIC_HASH")


@pytest.mark.parametrize("operation, parameters, values, expected", IN_PLACE)
def test_in_place(w, operation, parameters, values, expected):
    source = {"sourceColumns": ["a"]} if operation in SEVERAL else {"sourceColumn": "a"}
    assert one(w, values, operation, **source, **parameters) == expected


NUMBERS = [
    ("ABSOLUTE", {}, [-2, 3], [2, 3], "INT"),
    ("NEGATE", {}, [-2.5], [2.5], "DOUBLE"),
    ("CEILING", {}, [1.2, -1.2], [2, -1], "DOUBLE"),
    ("FLOOR", {}, [1.8, -1.2], [1, -2], "DOUBLE"),
    ("ROUND", {}, [2.5, -2.5, 2.4], [3, -2, 2], "DOUBLE"),
    ("SIGN", {}, [-3, 0, 9], [-1, 0, 1], "INT"),
    ("DEGREES", {}, [math.pi], [180.0], "DOUBLE"),
    ("RADIANS", {}, [180], [math.pi], "INT"),
    ("EXPONENT", {}, [0, 1000], [1.0, None], "INT"),
    ("LN", {}, [1, 0, -1], [0.0, None, None], "INT"),
    ("LOG", {}, [1000, 0], [3.0, None], "INT"),
    ("LOG", {"base": "2"}, [8], [3.0], "INT"),
    ("SQUARE_ROOT", {}, [9, -1], [3.0, None], "INT"),
    ("POWER", {"exponent": "3"}, [2], [8.0], "INT"),
    ("IS_EVEN", {}, ["4", "3", "4.5", "x"], ["True", "False", "False", "False"], "VARCHAR"),
    ("IS_ODD", {"trueString": "odd", "falseString": "no"}, [-3, 4], ["odd", "no"], "INT"),
    ("BINARIZATION", {"threshold": "2"}, [1, 2, 3, None], [0, 0, 1, None], "INT"),
    ("BINARIZATION", {"threshold": "2", "flip": "true"}, [1, 2, 3], [1, 1, 0], "INT"),
    ("SKEWNESS", {"skewFunction": "SQUARE"}, [-3], [9.0], "INT"),
    ("SKEWNESS", {"skewFunction": "ROOT", "value": "3"}, [-8, 27], [-2.0, 3.0], "INT"),
    ("SKEWNESS", {"skewFunction": "LOG", "value": "2.718281828459045"}, [1, -1], [0.0, None], "INT"),
    ("NORMALIZATION", {"strategy": "MIN_MAX"}, [0, 5, 10], [0.0, 0.5, 1.0], "INT"),
    (
        "SCALE",
        {"strategy": "SCALE_BETWEEN", "lowerBound": "10", "upperBound": "20"},
        [0, 5, 10],
        [10.0, 15.0, 20.0],
        "INT",
    ),
    ("NORMALIZATION", {"strategy": "MEAN_NORMALIZATION"}, [0, 5, 10], [-0.5, 0.0, 0.5], "INT"),
    ("NORMALIZATION", {"strategy": "Z_SCORE"}, [1, 2, 3], [-1.0, 0.0, 1.0], "INT"),
    ("NORMALIZATION", {"strategy": "MIN_MAX"}, [7, 7], [None, None], "INT"),
    (
        "BUCKETIZATION",
        {"bucketNames": ["a", "b"], "splits": ["-Infinity", "2", "9"]},
        [1, 2, 9, 10],
        ["a", "b", "b", None],
        "INT",
    ),
    (
        "BUCKETIZATION",
        {"bucketNames": ["low", "high"], "percentage": "50"},
        [1, 2, 3, 4],
        ["low", "low", "high", "high"],
        "INT",
    ),
    ("ROLLING_AVERAGE", {"numRowsBefore": "1", "numRowsAfter": "0"}, [2, 4, None, 8], [2.0, 3.0, 4.0, 8.0], "INT"),
    ("ROLLING_SUM", {"numRowsBefore": "1", "numRowsAfter": "1"}, [1, 2, 3], [3.0, 6.0, 5.0], "INT"),
    ("ROLLING_MIN", {"numRowsBefore": "2", "numRowsAfter": "0"}, [3, 1, 2, 5], [3.0, 1.0, 1.0, 1.0], "INT"),
    ("ROLLING_COUNT_A", {"numRowsBefore": "1", "numRowsAfter": "1"}, ["a", "", None, "b"], [1, 1, 1, 1], "VARCHAR"),
    (
        "ROLLING_KTH_LARGEST",
        {"numRowsBefore": "2", "numRowsAfter": "0", "value": "2"},
        [5, 5, 3],
        [None, 5.0, 5.0],
        "INT",
    ),
    (
        "ROLLING_KTH_LARGEST_UNIQUE",
        {"numRowsBefore": "2", "numRowsAfter": "0", "value": "2"},
        [5, 5, 3],
        [None, None, 3.0],
        "INT",
    ),
    (
        "ROLLING_MODE",
        {"numRowsBefore": "9", "numRowsAfter": "9", "modeType": "AVERAGE"},
        [1, 2, 2, 3, 3, 4],
        [2.5] * 6,
        "INT",
    ),
    ("ROLLING_STANDARD_DEVIATION", {"numRowsBefore": "1", "numRowsAfter": "0"}, [1, 3], [0.0, 1.0], "INT"),
    ("NEXT", {"numRows": "1"}, [1, 2, 3], [2, 3, None], "INT"),
    ("PREV", {"numRows": "2"}, ["a", "b", "c"], [None, None, "a"], "VARCHAR"),
    (
        "FILL",
        {"numRowsBefore": "1", "numRowsAfter": "1"},
        ["a", "", "", "", "b"],
        ["a", "a", None, "b", "b"],
        "VARCHAR",
    ),
    ("RESCALE_OUTLIERS_WITH_Z_SCORE", {"outlierStrategy": "Z_SCORE"}, [1, 2, 3], [-1.0, 0.0, 1.0], "INT"),
    (
        "RESCALE_OUTLIERS_WITH_SKEW",
        {"outlierStrategy": "IQR", "skewFunction": "ROOT", "value": "2"},
        [4, 9],
        [2.0, 3.0],
        "INT",
    ),
    ("IP_TO_INT", {}, ["192.168.1.1", "1.2.3.256", "x"], [3232235777, None, None], "VARCHAR"),
    ("INT_TO_IP", {}, [3232235777, -1], ["192.168.1.1", None], "BIGINT"),
    ("CHAR", {}, [65, 233, -1, 1114112, 55296], ["A", "é", None, None, None], "INT"),
    ("UNIX_TIME_FORMAT", {}, [1601936554], ["2020-10-05 22:22:34"], "BIGINT"),
]


@pytest.mark.parametrize("operation, parameters, values, expected, kind", NUMBERS)
def test_numbers(w, operation, parameters, values, expected, kind):
    got = one(w, values, operation, kind, "t", sourceColumn="a", targetColumn="t", **parameters)
    assert got == [pytest.approx(e) if isinstance(e, float) else e for e in expected]


TEXTS = [
    ("LEN", {}, ["héé", "", None], [3, 0, None]),
    ("LOWER", {}, ["AB"], ["ab"]),
    ("UPPER", {}, ["ab"], ["AB"]),
    ("PROPER", {}, ["MR. H. SMITH"], ["Mr. H. Smith"]),
    ("TRIM", {}, ["\t a b \n"], ["a b"]),
    ("REMOVE_SYMBOLS", {}, ["$&#$&HEY!#@@ é"], ["HEY é"]),
    ("REMOVE_WHITESPACE", {}, [" a\tb "], ["ab"]),
    ("UNICODE", {}, ["?", "é", ""], [63, 233, None]),
    ("LEFT", {"position": "3"}, ["abcd", "a"], ["abc", "a"]),
    ("RIGHT", {"position": "3"}, ["abcd", "a"], ["bcd", "a"]),
    ("REPEAT_STRING", {"count": "3"}, ["ab"], ["ababab"]),
    ("SUBSTRING", {"startPosition": "5", "endPosition": "8"}, ["abcdefghij"], ["efgh"]),
    ("STARTS_WITH", {"pattern": "[AEIOU]|B"}, ["Apt", "xA", "B", None], [True, False, True, None]),
    ("ENDS_WITH", {"pattern": "[Ss]"}, ["es", "sx"], [True, False]),
    ("FIND", {"pattern": "[b]", "position": "1", "ignoreCase": "true"}, ["aBab", "x", None], [2, 0, None]),
    ("FIND", {"pattern": "b", "position": "3"}, ["abab"], [4]),
    ("RIGHT_FIND", {"pattern": "b", "position": "1"}, ["abab", "a"], [4, 0]),
    ("RIGHT_FIND", {"pattern": "b", "position": "2"}, ["abab"], [2]),
    (
        "URL_PARAMS",
        {},
        ["https://example.com/?firstParam=answer&secondParam=42", "http://x/?a=1&a=b%20c"],
        ['{"firstParam": ["answer"], "secondParam": ["42"]}', '{"a": ["1", "b c"]}'],
    ),
    (
        "EXTRACT_BETWEEN_DELIMITERS",
        {"startPattern": "\\/\\/", "endPattern": "\\/"},
        ["http://x.y/z", "no"],
        ["x.y", None],
    ),
    ("EXTRACT_BETWEEN_POSITIONS", {"startPosition": "3", "endPosition": "5"}, ["abcdefg"], ["cde"]),
    ("EXTRACT_PATTERN", {"pattern": "[0-9]+"}, ["a12b3", "x"], ["12", None]),
    ("FLAG_COLUMN_FROM_NULL", {"flagType": "Null values"}, ["a", "", None], ["False", "True", "True"]),
    (
        "FLAG_COLUMN_FROM_PATTERN",
        {"flagType": "Pattern", "pattern": "N.*", "trueString": "yes"},
        ["NW", "S"],
        ["yes", "False"],
    ),
    ("FLAG_DUPLICATES_IN_COLUMN", {}, ["a", "b", "a", None, None], ["False", "False", "True", "False", "True"]),
    ("YEAR", {}, ["2018-05-27", "05/27/2018 10:00:00", "x"], [2018, 2018, None]),
    ("QUARTER", {}, ["2018-05-27"], [2]),
    ("MONTH", {}, ["2018-05-27T01:02:03Z"], [5]),
    ("MONTH_NAME", {}, ["2018-05-27"], ["May"]),
    ("WEEK_NUMBER", {}, ["2021-01-03", "2021-01-04"], [53, 1]),
    ("WEEK_DAY", {}, ["2018-05-27", "2018-05-28"], [1, 2]),
    ("DAY", {}, ["2018-05-27"], [27]),
    ("HOUR", {}, ["22:10:47"], [22]),
    ("MINUTE", {}, ["2018-05-27 22:10:47"], [10]),
    ("SECOND", {}, ["2018-05-27 22:10:47.5"], [47]),
    ("MILLISECOND", {}, ["2018-05-27 22:10:47.125"], [125]),
    ("UNIX_TIME", {}, ["1970-01-02"], [86400]),
    ("DATE_FORMAT", {"dateTimeFormat": "month*dd*yyyy"}, ["2020-01-02"], ["January*02*2020"]),
    ("DATE_FORMAT", {"dateTimeFormat": "HH:MM:SS"}, ["22:10:47"], ["22:10:47"]),
    (
        "DATE_ADD",
        {"units": "DAYS", "dateAddValue": "14", "dateTimeFormat": "mm/dd/yyyy"},
        ["2020-02-20"],
        ["03/05/2020"],
    ),
    ("DATE_ADD", {"units": "MONTHS", "dateAddValue": "-1"}, ["2020-03-31"], ["2020-02-29 00:00:00"]),
    ("DATE_ADD", {"units": "YEARS", "dateAddValue": "999999999"}, ["2020-03-31"], [None]),
    (
        "CONVERT_TIMEZONE",
        {"fromTimeZone": "UTC+08:00", "toTimeZone": "UTC"},
        ["2020-01-01 05:00:00"],
        ["2019-12-31 21:00:00"],
    ),
    ("CONVERT_TIMEZONE", {"toTimeZone": "US/Pacific"}, ["2020-07-01 12:00:00"], ["2020-07-01 05:00:00"]),
    (
        "EXTRACT_ADVANCED_DATATYPE_DETAILS",
        {"advancedDataType": "URL", "pattern": "TLD"},
        ["https://a.example.org/x", "x"],
        ["org", None],
    ),
    (
        "EXTRACT_ADVANCED_DATATYPE_DETAILS",
        {"advancedDataType": "Credit Card", "pattern": "NETWORK"},
        ["4111 1111 1111 1111", "1"],
        ["Visa", None],
    ),
    (
        "ADVANCED_DATATYPE_FLAG",
        {"advancedDataType": "Date Time", "pattern": "YEAR", "filterValues": ["2020"]},
        ["2020-01-01", "2021-01-01"],
        ["True", "False"],
    ),
    ("CATEGORICAL_MAPPING", {"categoryMap": {"a": "1", "b": "2"}, "mapType": "NUMERIC"}, ["a", "b", "c"], [1, 2, None]),
    (
        "CATEGORICAL_MAPPING",
        {"categoryMap": {"a": "1"}, "mapType": "NUMERIC", "keepOthers": "true"},
        ["a", "c"],
        ["1", "c"],
    ),
    ("CATEGORICAL_MAPPING", {"categoryMap": {"a": "1"}, "other": "9", "mapType": "NUMERIC"}, ["a", "c"], [1, 9]),
    ("CATEGORICAL_MAPPING", {"categoryMap": {"a": "x"}, "deleteOtherRows": "true"}, ["a", "c", "a"], ["x", "x"]),
]


@pytest.mark.parametrize("operation, parameters, values, expected", TEXTS)
def test_texts(w, operation, parameters, values, expected):
    assert one(w, values, operation, result="t", sourceColumn="a", targetColumn="t", **parameters) == expected


@pytest.mark.parametrize(
    "operation, parameters, expected",
    [
        ("LEFT", {"position": "5", "value": "How now brown cow"}, "How n"),
        ("REPEAT_STRING", {"count": "3", "value": "*"}, "***"),
        ("CHAR", {"value": "42"}, "*"),
        ("ADD", {"sourceColumn1": "x", "sourceColumn2": "y"}, 9),
        ("ADD", {"sourceColumn1": "x", "value1": "1.5"}, 8.5),
        ("SUBTRACT", {"value1": "1", "sourceColumn2": "y"}, -1),
        ("MULTIPLY", {"value1": "4", "value2": "2"}, 8),
        ("DIVIDE", {"sourceColumn1": "x", "value2": "2"}, 3.5),
        ("DIVIDE", {"sourceColumn1": "x", "value2": "0"}, None),
        ("MOD", {"sourceColumn1": "x", "sourceColumn2": "y"}, 1),
        ("MOD", {"value1": "-7", "value2": "3"}, -1),
        ("EXACT", {"sourceColumn1": "s", "value2": "b"}, True),
        ("STRING_GREATER_THAN", {"sourceColumn1": "s", "value2": "a"}, True),
        ("STRING_LESS_THAN_EQUAL", {"value1": "b", "sourceColumn2": "s"}, True),
        ("DATE_DIFF", {"value1": "2020-01-01", "value2": "2020-10-06", "units": "DAYS"}, 279),
        ("DATE_DIFF", {"value1": "2020-01-31", "value2": "2020-03-30", "units": "MONTHS"}, 1),
        (
            "DATE",
            {
                "dateTimeFormat": "mm/dd/yy",
                "dateTimeParameters": {
                    "year": {"value": "2019"},
                    "month": {"value": "12"},
                    "day": {"value": "31"},
                    "hour": {},
                },
            },
            "12/31/19",
        ),
        ("DATE_TIME", {"dateTimeParameters": {"year": {"value": "2010"}, "month": {"value": "13"}}}, None),
        (
            "TIME",
            {
                "dateTimeFormat": "HH:MM:SS",
                "dateTimeParameters": {"hour": {"sourceColumn": "x"}, "minute": {"value": "5"}},
            },
            "07:05:00",
        ),
        ("CEILING", {"value1": "1.2"}, 2),
        ("FLOOR", {"sourceColumn1": "x"}, 7),
        ("FLOOR", {"value": "42"}, 42),
        ("PI", {}, math.pi),
        ("AVERAGE", {"sourceColumns": ["x", "y", "n"]}, 4.5),
        ("SUM", {"sourceColumns": ["x", "y", "s"]}, 9),
        ("MAX", {"sourceColumns": ["x", "y"]}, 7),
        ("MEDIAN", {"sourceColumns": ["x", "y", "z"]}, 2.0),
        ("MODE", {"sourceColumns": ["x", "y", "z"]}, 2.0),
        ("STANDARD_DEVIATION", {"sourceColumns": ["x", "y"]}, 2.5),
        ("VARIANCE", {"sourceColumns": ["x", "y"]}, 6.25),
        ("KTH_LARGEST", {"sourceColumns": ["x", "y", "z"], "value": "2"}, 2.0),
        ("KTH_LARGEST_UNIQUE", {"sourceColumns": ["x", "y", "z"], "value": "3"}, None),
        ("COUNT", {"sourceColumns": ["x", "n", "e", "s"]}, 2),
        ("COUNT_DISTINCT", {"sourceColumns": ["x", "y", "z", "n"]}, 2),
        ("ANY", {"sourceColumns": ["n", "e", "s"]}, "b"),
        ("COALESCE", {"sourceColumns": ["n", "e", "s"]}, ""),
        ("MERGE", {"sourceColumns": ["s", "n", "x"], "delimiter": "-"}, "b-7"),
        ("MERGE_COLUMNS_AND_VALUES", {"sourceColumns": ["s", "x"], "delimiter": " is "}, "b is 7"),
        ("FLAG_DUPLICATE_ROWS", {}, "False"),
    ],
)
def test_from_several_columns_or_values(w, operation, parameters, expected):
    f = frame(w, [(7, 2, 2, None, "b", "")], x="INT", y="INT", z="DOUBLE", n="INT", s="VARCHAR", e="VARCHAR")
    made = apply(f, step(operation, targetColumn="t", **parameters))
    assert made.columns[-1].name == "t"
    assert made.rows()[0][-1] == (pytest.approx(expected) if isinstance(expected, float) else expected)


def test_sums_that_are_too_big_and_now(w):
    f = frame(w, [(2**63 - 1,)], x="BIGINT")
    assert apply(f, step("ADD", sourceColumn1="x", value1="1", targetColumn="t")).rows() == [(2**63 - 1, None)]
    now = apply(f, step("NOW", targetColumn="t", timeZone="US/Pacific")).rows()[0][1]
    today = apply(f, step("TODAY", targetColumn="t", timeZone="US/Pacific")).rows()[0][1]
    assert len(now) == 19 and now[:10] <= today


def test_random_values_stay_and_are_within(w):
    f = frame(w, [(n,) for n in range(200)], a="INT")
    made = apply(f, step("RANDOM_BETWEEN", lowerBound="1", upperBound="3", targetColumn="t"))
    assert {r[1] for r in made.rows()} == {1, 2, 3} and made.rows() == made.rows()
    dated = apply(
        f,
        step(
            "REPLACE_WITH_RANDOM_DATE_BETWEEN",
            sourceColumns=["a"],
            startDate="2020-12-12 12:12:12",
            endDate="2020-12-12 12:12:14",
        ),
    )
    assert {r[0].second for r in dated.rows()} == {12, 13, 14}
    shuffled = apply(f, step("SHUFFLE_ROWS", sourceColumns=["a"])).rows()
    assert sorted(shuffled) == f.rows() != shuffled


def test_shuffled_within_groups(w):
    f = frame(w, [(n % 2, n, n) for n in range(40)], g="INT", a="INT", b="INT")
    made = apply(f, step("SHUFFLE_ROWS", sourceColumns=["a"], groupByColumns=["g"])).rows()
    assert (
        [r[2] for r in made] == list(range(40))
        and all(r[0] == r[1] % 2 for r in made)
        and any(r[1] != r[2] for r in made)
    )


def test_a_condition_narrows_a_step(w):
    f = frame(w, [("a", 1), ("b", 2), ("c", None)], s="VARCHAR", n="INT")
    upper = apply(f, step("UPPER_CASE", [when("GREATER_THAN", "n", "1")], sourceColumn="s"))
    assert [r[0] for r in upper.rows()] == ["a", "B", "c"]
    new = apply(f, step("LEN", [when("IS", "s", '["a"]')], sourceColumn="s", targetColumn="t"))
    assert [r[2] for r in new.rows()] == [1, None, None]
    filled = apply(
        f, step("FILL_WITH_CUSTOM", [when("IS", "s", '["c"]')], sourceColumn="n", columnDataType="number", value="2.5")
    )
    assert [r[1] for r in filled.rows()] == [1.0, 2.0, 2.5] and filled.column("n").type == "double"


@pytest.mark.parametrize(
    "condition, expected",
    [
        ("`x` < 3", ["yes", "no", "no"]),
        ("`x` >= `y`", ["no", "yes", "no"]),
        ("`x` < `:avg`", ["yes", "no", "no"]),
        ("contains(`s`, 'o') and !startsWith(`s`, 't')", ["yes", "no", "no"]),
        ("matches(`s`, '^t..$') or isMissing(`x`)", ["no", "yes", "yes"]),
        ("!(isBetween(`x`, 1, 3))", ["no", "yes", "no"]),
        ("`d` > '2020-06-01'", ["no", "yes", "no"]),
        ("`b` = TRUE", ["yes", "no", "no"]),
        ("`s` != 'one'", ["no", "yes", "yes"]),
        ("isValid(`s`, int)", ["no", "no", "yes"]),
        ("`n` < 100", ["yes", "no", "no"]),
    ],
)
def test_boolean_operation(w, condition, expected):
    rows = [
        ("one", 1, 2, "2020-01-01", True, "20"),
        ("two", 5, 2, "2021-01-01", False, "300"),
        ("3", None, 2, None, None, "x"),
    ]
    f = frame(w, rows, s="VARCHAR", x="INT", y="INT", d="DATE", b="BOOLEAN", n="VARCHAR")
    made = apply(
        f,
        step(
            "BOOLEAN_OPERATION",
            valueExpression=condition,
            trueValueExpression="yes",
            falseValueExpression="no",
            withExpressions=[{"name": "avg", "value": "avg(`x`)", "type": "aggregate"}],
            targetColumn="t",
        ),
    )
    assert [r[-1] for r in made.rows()] == expected


@pytest.mark.parametrize(
    "aggregate, expected",
    [
        ("sum(`x`)", 17.0),
        ("median(`x`)", 2.0),
        ("product(`x`)", 60.0),
        ("mean_absolute_deviation(`x`)", (2.4 + 2.4 + 1.4 + 0.4 + 6.6) / 5),
        ("stddev(`x`)", math.sqrt(14.3)),
        ("standard_error_of_mean(`x`)", math.sqrt(14.3 / 5)),
        ("skewness(`x`)", 51.408 / 11.44**1.5),
        ("kurtosis(`x`)", 393.5392 / 11.44**2 - 3),
        ("count(distinct `x`)", 4),
        ("max(`s`)", "b"),
    ],
)
def test_aggregates_in_expressions(w, aggregate, expected):
    """Of 1, 1, 2, 3, 10: the moments are the population's, as in the profile's hand-made test."""
    f = frame(w, [(n, "b") for n in (1, 1, 2, 3, 10)], x="INT", s="VARCHAR")
    given = [{"name": "a", "value": aggregate, "type": "aggregate"}]
    made = apply(
        f,
        step(
            "BOOLEAN_OPERATION",
            valueExpression="`x` = `x`",
            trueValueExpression="`:a`",
            falseValueExpression="`:a`",
            withExpressions=given,
            targetColumn="t",
        ),
    )
    assert made.rows()[0][-1] == (pytest.approx(expected) if isinstance(expected, float) else expected)


def test_case_operation(w):
    f = frame(w, [(1,), (5,), (9,), (None,)], x="INT")
    case = "case when `x` < 3 then 'low' when `x` < 6 then 'it''s middling' else 'high' end"
    made = apply(f, step("CASE_OPERATION", valueExpression=case, targetColumn="t"))
    assert [r[1] for r in made.rows()] == ["low", "it's middling", "high", "high"]
    numbers = apply(
        f,
        step(
            "CASE_OPERATION", valueExpression="case when `x` < 3 then 1.5 when `x` < 6 then `x` end", targetColumn="t"
        ),
    )
    assert [r[1] for r in numbers.rows()] == [1.5, 5.0, None, None] and numbers.column("t").type == "double"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "`x` <",
        "`x` < 3 then",
        "case when `x` then 1 end",
        "case when `x` = 1 then 2",
        "drop table t",
        "case when `x` = 1; then 2 end",
    ],
)
def test_wrong_expressions(w, wrong):
    f = frame(w, [(1,)], x="INT")
    with pytest.raises(StepRefused, match="invalid near"):
        apply(f, step("CASE_OPERATION", valueExpression=wrong, targetColumn="t"))


def test_every_action_of_the_guide_is_done_or_refused_with_its_page():
    assert len(ACTIONS) >= 200 and not set(ACTIONS) & set(REFUSED)
    for name in REFUSED:
        with pytest.raises(
            StepRefused,
            match=f"Operation {name} is not supported.*docs.aws.amazon.com/databrew/latest/dg/recipe-actions",
        ):
            check(step(name))


@pytest.mark.parametrize(
    "wrong, words",
    [
        (step("LEFT", sourceColumn="a", value="b", position="1", targetColumn="t"), "either sourceColumn or value"),
        (step("ADD", sourceColumn1="a", targetColumn="t"), "Specify two of"),
        (step("DIVIDE", sourceColumn1="a", value1="2", targetColumn="t"), "sourceColumn2 or value2"),
        (step("LEFT", sourceColumn="a", position="x", targetColumn="t"), "must be an integer"),
        (step("REPLACE_TEXT", sourceColumn="a", pattern="(?=x)", value=""), "regular expression"),
        (step("SUBSTRING", sourceColumn="a", startPosition="4", endPosition="2", targetColumn="t"), "endPosition"),
        (step("CONVERT_TIMEZONE", sourceColumn="a", toTimeZone="Mars/Base", targetColumn="t"), "time zone"),
        (step("DATE", dateTimeParameters={"year": {"value": "x"}}, targetColumn="t"), "must be an integer"),
        (step("CRYPTOGRAPHIC_HASH", sourceColumns=["a"], algorithm="HMAC_SHA256"), "Secrets Manager"),
        (
            step("BUCKETIZATION", sourceColumn="a", targetColumn="t", bucketNames=["a"], splits=["1", "2", "3"]),
            "one more of splits",
        ),
        (step("REMOVE_COMBINED", sourceColumn="a", removeCustomValue="true"), "needs customValue"),
        (step("LOG", sourceColumn="a", base="1", targetColumn="t"), "base must be"),
    ],
)
def test_wrong_parameters(wrong, words):
    with pytest.raises(StepRefused, match=words):
        check(wrong)


def test_a_column_of_the_wrong_type(w):
    f = frame(w, [("x",)], a="VARCHAR")
    for wrong in (
        step("NORMALIZATION", sourceColumn="a", strategy="MIN_MAX", targetColumn="t"),
        step("ROLLING_SUM", sourceColumn="a", numRowsBefore="1", numRowsAfter="1", targetColumn="t"),
    ):
        with pytest.raises(StepRefused, match="Column a is string"):
            apply(f, wrong)
    with pytest.raises(StepRefused, match="Column b doesn't exist"):
        apply(f, step("UPPER_CASE", sourceColumn="b"))
    with pytest.raises(StepRefused, match="Column A already exists"):
        apply(f, step("LEN", sourceColumn="a", targetColumn="A"))
