"""Whatever a step's parameters and the data are, a step is done or refused in words of AWS's form; nothing of DuckDB or Python comes out."""

import json
import random

import duckdb
import pytest
from brewing import step

from infra.local.databrew.engine import Frame, StepRefused, Workspace, apply, check
from infra.local.databrew.engine.parameters import REQUIRED, groups
from infra.local.databrew.engine.registry import ACTIONS

COLUMNS = [
    "text",
    "int",
    "long",
    "double",
    "bool",
    "date",
    "time",
    "list",
    "map",
    "struct",
    "dec",
    "json",
    "empty",
    "Text2",
    "odd \"name'",
]
DATA = """
SELECT * FROM (VALUES
 ('a,b', 1::INTEGER, 9223372036854775807::BIGINT, 1.5::DOUBLE, true, DATE '2020-02-29', TIMESTAMP '2020-02-29 23:59:59.5', [1, 2], MAP {'k': 'v'}, {'a': 1, 'b': {'c': 'x'}}, 1.25::DECIMAL(10,2), '{"a": 1}', NULL::VARCHAR, 'X', 'q'),
 ('', -2147483648, -1, 'nan'::DOUBLE, false, DATE '0001-01-01', TIMESTAMP '9999-12-31 00:00:00', [], MAP {}, NULL, -9.99, '[1]', NULL, 'x', ''),
 (NULL, NULL, NULL, 'inf'::DOUBLE, NULL, NULL, NULL, NULL, NULL, {'a': NULL, 'b': NULL}, NULL, 'no', NULL, NULL, NULL),
 ('2020-01-01 ünï 🎉', 7, 0, -0.0, true, DATE '1969-12-31', TIMESTAMP '1970-01-01 00:00:00', [NULL], MAP {'k': NULL}, {'a': 3, 'b': {'c': NULL}}, 0, NULL, NULL, 'a,b', '😀')
) v
"""
VALUES = [
    "",
    "0",
    "1",
    "-1",
    "2",
    "3",
    "20",
    "1e309",
    "1.5",
    "abc",
    "true",
    "false",
    ",",
    "(",
    "[0-9]+",
    "(a)(b)?",
    "\\",
    "\\p{L}",
    "$1",
    "'",
    '"',
    "%",
    "{}",
    "[]",
    "null",
    '["int"]',
    '["text", "double"]',
    '["a", "b"]',
    '{"a": "1"}',
    "`int`",
    "`int` > 1",
    "case when `int` > 1 then 'x' else 'y' end",
    "UTC+08:00",
    "yyyy-mm-dd",
    "2020-01-01",
    "DAYS",
    "string",
    "number",
    "x" * 300,
    "99999999999999999999",
    "🎉",
]
TRICKS = {
    "sourceColumns": [
        '["int", "double"]',
        '["text"]',
        '["text", "Text2", "list"]',
        '["struct"]',
        '["json"]',
        '["nothing"]',
        "[1]",
    ],
    "groupByColumns": ["[]", '["text"]', '["list"]'],
    "orderByColumns": ['["int"]', '["struct", "time"]'],
    "expressions": [
        '[{"sourceColumn": "text", "customOrder": ["x", 1]}]',
        '[{"sourceColumn": "list", "ordering": "DESCENDING"}]',
        "[{}]",
    ],
    "groupByAggFunctionOptions": [
        json.dumps([{"sourceColumnName": "long", "targetColumnName": "t", "functionName": function}])
        for function in ("SUM", "MODE", "COUNT", "VARIANCE", "UNAGGREGATED")
    ],
    "startDate": ["2020-01-01"],
    "endDate": ["2021-01-01 12:00:00"],
    "valueExpression": ["`int` > 1", "case when `int` > 1 then `text` else 'y' end", "`list` ="],
    "dateTimeParameters": [
        '{"year": {"sourceColumn": "long"}, "day": {"value": "31"}}',
        '{"year": {"value": 2020}}',
        '{"month": {"value": "99"}}',
    ],
    "bucketNames": ['["a", "b"]'],
    "splits": ["[1, 2, 3]", '["-Infinity", "0", "Infinity"]'],
    "percentage": ["50"],
    "path": ["`struct`.`a`", "`struct`.`b`.`c`", "`list`[0]", "`map`.`k`", "`x`"],
    "patternOptions": ['[{"pattern": ","}, {"pattern": "x", "includeInSplit": true}]'],
    "patternOption1": ['{"pattern": ","}'],
    "patternOption2": ['{"pattern": "b"}'],
    "redact": ['["YEAR", "SECOND"]'],
    "filterValues": ['["2020"]'],
    "withExpressions": [
        '[{"name": "a", "value": "max(`int`)", "type": "aggregate"}]',
        '[{"name": "a", "value": "avg(`text`)", "type": "aggregate"}]',
    ],
    "joinKeys": [
        '[{"key": "int", "value": "int"}]',
        '[{"key": "text", "value": "date"}]',
        '[{"key": "list", "value": "list"}]',
    ],
    "leftColumns": ['["int"]', "[]"],
    "rightColumns": ['["double", "struct"]', '["int"]'],
    "datasetsColumns": ['[["int", "text"], ["double", null]]', '[["struct"], ["struct"]]'],
    "secondaryDatasetNames": ['["other"]'],
    "targetColumnNames": ['["p", "q"]', '["p"]'],
    "secondaryInputs": ['[{"S3InputDefinition": {"Bucket": "b", "Key": "k"}}]', "[{}]"],
}
WORDS = [
    "Null values",
    "Pattern",
    "IQR",
    "Z_SCORE",
    "MODIFIED_Z_SCORE",
    "DELETE_ROWS",
    "CLEAR",
    "LOG",
    "ROOT",
    "SQUARE",
    "MINIMUM",
    "AVERAGE",
    "NONE",
    "SUM",
    "COUNT",
    "COLLECT_LIST",
    "MIN_MAX",
    "SCALE_BETWEEN",
    "KEEP_ROWS",
    "CLEAR_OTHERS",
    "Email",
    "URL",
    "DateTime",
    "TLD",
    "YEAR",
    "MD5",
    "THOUSAND",
    "INNER_JOIN",
    "OUTER_EXCLUDING_JOIN",
    "WINSORIZE_VALUES",
    "REPLACE_WITH_AVERAGE",
    "int",
    "date",
    "mm/dd/yyyy",
]
STEPS = 12
CONDITIONS = [
    "IS",
    "IS_NOT",
    "IS_BETWEEN",
    "CONTAINS",
    "STARTS_WITH",
    "LESS_THAN",
    "GREATER_THAN_EQUAL",
    "IS_INVALID",
    "IS_MISSING",
]


@pytest.fixture(scope="module")
def w():
    with Workspace() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def data(w):
    return Frame.of(w, DATA, COLUMNS)


def value(rng, operation, name):
    if name == "targetColumn" and operation in ("MOVE_AFTER", "MOVE_BEFORE"):
        return rng.choice(COLUMNS)
    if "ADVANCED" in operation and name in ("pattern", "advancedDataType", "sourceColumn"):
        return rng.choice(
            {
                "pattern": ["YEAR", "TLD", "x"],
                "advancedDataType": ["URL", "DateTime"],
                "sourceColumn": ["text", "json", "int"],
            }[name]
        )
    if name in TRICKS and rng.random() < 0.9:
        return rng.choice(TRICKS[name])
    if name in ("sourceColumn", "sourceColumn1", "sourceColumn2", "valueColumn") and rng.random() < 0.95:
        return rng.choice(COLUMNS)
    if name in ("targetColumn", "newColumn", "unpivotColumn") and rng.random() < 0.8:
        return f"new {name}"
    return rng.choice(VALUES + WORDS)


def accepted(rng, operation, name, parameter):
    """A value that the parameter takes, if twenty tries find one."""
    for _ in range(20):
        found = value(rng, operation, name)
        try:
            parameter.parse(name, found)
        except StepRefused:
            continue
        return found
    return "x"


def condition(rng):
    return {
        "Condition": rng.choice(CONDITIONS),
        "TargetColumn": rng.choice(COLUMNS),
        "Value": rng.choice([*VALUES, '{"GREATER_THAN_EQUAL": "1", "LESS_THAN_EQUAL": "x"}']),
    }


@pytest.mark.parametrize("operation", sorted(ACTIONS))
def test_no_parameters_break_a_step(data, operation):
    """Steps of each action with parameters that it takes one by one, on columns of every type, with and without conditions."""
    rng = random.Random(operation)
    action = ACTIONS[operation]
    done = 0
    for n in range(100):
        if n >= STEPS and done:
            break
        given = {
            name: accepted(rng, operation, name, parameter)
            for name, parameter in action.parameters.items()
            if rng.random() < (0.97 if parameter.default is REQUIRED else 0.4)
        }
        conditions = [condition(rng)] if action.conditions_needed or (action.conditional and n % 4 == 0) else None
        try:
            made = apply(data, step(operation, conditions, **given), lambda name, location: data)
            made.texts()
        except StepRefused as refused:
            assert refused.code == "ValidationException" and refused.message
            # said where DuckDB refuses what the step should have refused itself, or done
            assert not refused.message.startswith(("The step can't be done on the", "A value of the data")), given
        else:
            done += 1
    assert done, "no step was done: the test checks nothing"


def test_sql_in_names_and_values_is_text(w):
    f = Frame.of(w, "SELECT 'x' AS a")
    evil = "'); DROP TABLE t1; --"
    made = apply(f, step("ADD_PREFIX", sourceColumn="a", pattern=evil))
    made = apply(made, step("RENAME", sourceColumn="a", targetColumn='"; DROP TABLE t1; --'))
    assert made.rows() == [(evil + "x",)]
    filtered = apply(
        made,
        step(
            "REMOVE_VALUES",
            [{"Condition": "IS", "TargetColumn": '"; DROP TABLE t1; --', "Value": evil}],
            sourceColumn='"; DROP TABLE t1; --',
        ),
    )
    assert filtered.rows() == made.rows()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"Action": {}},
        {"Action": {"Operation": ""}},
        {"Action": {"Operation": "LEFT", "Parameters": {"position": 1}}},
        {"Action": {"Operation": "RENAME", "Parameters": None}},
    ],
)
def test_steps_without_form_are_refused(wrong):
    with pytest.raises(StepRefused):
        check(wrong)


def test_groups_are_counted_as_re2_counts_them():
    for pattern in (r"(a)(?:b)(?i:c)", r"\((a)\)", r"[()](x)", r"(?P<n>a)(b)", r"\Q(\E(a)", r"[^]()](a)", r"((a)(b))"):
        parts = ", ".join(f"'g{n}'" for n in range(groups(pattern)))
        if parts:
            duckdb.execute(f"SELECT regexp_extract('', ?, [{parts}])", [pattern])
        with pytest.raises(duckdb.Error):
            duckdb.execute(f"SELECT regexp_extract('', ?, [{parts}{', ' if parts else ''}'more'])", [pattern])
