"""Column steps, conditions, JOIN and UNION: every expected value is worked out by hand from the guide's words."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from brewing import frame, one, step, when

from infra.local.databrew.engine import StepRefused, Workspace, apply, check, run, sample


@pytest.fixture
def w():
    with Workspace() as workspace:
        yield workspace


def names(f):
    return [c.name for c in f.columns]


def test_numbers_as_text(w):
    given = {"sourceColumn": "a", "columnDataType": "string"}
    assert one(w, ["100", "1.50", "-0.25", "0"], "CHANGE_DATA_TYPE", type_="DECIMAL(10,2)", **given) == [
        "100",
        "1.5",
        "-0.25",
        "0",
    ]
    assert one(w, ["100", "7"], "CHANGE_DATA_TYPE", type_="DECIMAL(10,0)", **given) == ["100", "7"]
    assert one(w, [1.5, 100, "nan"], "CHANGE_DATA_TYPE", type_="DOUBLE", **given) == ["1.5", "100.0", "nan"]
    assert one(
        w,
        ["1.123456789", "12345678901234567890123", "x"],
        "CHANGE_DATA_TYPE",
        sourceColumn="a",
        columnDataType="decimal",
    ) == [Decimal("1.123456789"), None, None]


def test_moments(w):
    texts = [
        "2020-02-29",
        "2020-02-30",
        "02/29/2020 13:05:00",
        "29.02.2020",
        "2020-02-29T13:05:00Z",
        "20200229",
        "29 February 2020",
        "soon",
        "12345",
        "",
    ]
    got = one(w, texts, "CHANGE_DATA_TYPE", sourceColumn="a", columnDataType="date")
    assert got == [date(2020, 2, 29), None, *[date(2020, 2, 29)] * 5, None, None, None]
    assert one(
        w, [86400.5, None], "CHANGE_DATA_TYPE", type_="DOUBLE", sourceColumn="a", columnDataType="timestamp"
    ) == [datetime(1970, 1, 2, 0, 0, 0, 500000), None]
    assert one(
        w, ["1970-01-02 00:00:00"], "CHANGE_DATA_TYPE", type_="TIMESTAMP", sourceColumn="a", columnDataType="long"
    ) == [86400]
    assert one(w, ["2020-01-01"], "CHANGE_DATA_TYPE", type_="DATE", sourceColumn="a", columnDataType="int") == [None]


def test_cast_is_sparks_not_duckdbs(w):
    got = one(
        w,
        ["1.7", " 5 ", "-1.9", "abc", "", None, "1e3", "99999999999", "1_000", ".5"],
        "CHANGE_DATA_TYPE",
        sourceColumn="a",
        columnDataType="int",
    )
    assert got == [1, 5, -1, None, None, None, None, None, None, 0]
    assert one(
        w, [1.7, -1.7, 2.5, 1e20], "CHANGE_DATA_TYPE", type_="DOUBLE", sourceColumn="a", columnDataType="long"
    ) == [1, -1, 2, None]
    assert one(
        w, ["yes", "No", "TRUE", "false", "1", "maybe"], "CHANGE_DATA_TYPE", sourceColumn="a", columnDataType="boolean"
    ) == [True, False, True, False, None, None]


@pytest.mark.parametrize(
    "condition, value, left",
    [
        ("IS", '["b"]', ["a", "ab", "", None]),
        ("IS", "b", ["a", "ab", "", None]),
        ("IS_NOT", '["b"]', ["b", None]),
        ("CONTAINS", "b", ["a", "", None]),
        ("NOT_CONTAINS", "b", ["b", "ab", None]),
        ("STARTS_WITH", "a", ["b", "", None]),
        ("ENDS_WITH", "b", ["a", "", None]),
        ("NOT_ENDS_WITH", "b", ["b", "ab", None]),
        ("IS_MISSING", None, ["a", "b", "ab"]),
        ("GREATER_THAN", "a", ["a", "", None]),
    ],
)
def test_remove_values_deletes_rows_that_satisfy(w, condition, value, left):
    f = frame(w, [("a",), ("b",), ("ab",), ("",), (None,)], a="VARCHAR")
    after = apply(f, step("REMOVE_VALUES", [when(condition, "a", value)], sourceColumn="a"))
    assert [r[0] for r in after.rows()] == left


def test_between_and_numbers(w):
    f = frame(w, [(n,) for n in (1, 2, 3, 4, None)], a="INTEGER")
    between = '{"GREATER_THAN_EQUAL": "2", "LESS_THAN_EQUAL": 3}'
    assert apply(f, step("REMOVE_VALUES", [when("IS_BETWEEN", "a", between)], sourceColumn="a")).rows() == [
        (1,),
        (4,),
        (None,),
    ]
    with pytest.raises(StepRefused, match="not numeric"):
        apply(f, step("REMOVE_VALUES", [when("LESS_THAN", "a", "x")], sourceColumn="a"))


def test_join_keeps_left_order_and_leaves_null_keys_alone(w):
    left = frame(w, [(3, "x"), (1, "y"), (None, "z"), (9, "q")], k="INTEGER", v="VARCHAR")
    right = frame(w, [(1, "one"), (3, "three"), (3, "drei"), (None, "none")], k="BIGINT", name="VARCHAR")
    read = lambda name, location: right  # noqa: E731

    def joined(kind):
        made = apply(
            left,
            step(
                "JOIN",
                joinKeys=[{"key": "k", "value": "k"}],
                joinType=kind,
                leftColumns=["k", "v"],
                rightColumns=["name"],
                secondaryDatasetName="r",
                secondInputLocation="s3://b/k",
            ),
            read,
        )
        return made.rows()

    assert joined("INNER_JOIN") == [(3, "x", "three"), (3, "x", "drei"), (1, "y", "one")]
    assert joined("LEFT_JOIN") == [
        (3, "x", "three"),
        (3, "x", "drei"),
        (1, "y", "one"),
        (None, "z", None),
        (9, "q", None),
    ]
    assert joined("RIGHT_JOIN") == [(3, "x", "three"), (3, "x", "drei"), (1, "y", "one"), (None, None, "none")]
    assert len(joined("OUTER_JOIN")) == 6
    assert joined("LEFT_EXCLUDING_JOIN") == [(None, "z", None), (9, "q", None)]
    assert joined("RIGHT_EXCLUDING_JOIN") == [(None, None, "none")]
    assert joined("OUTER_EXCLUDING_JOIN") == [(None, "z", None), (9, "q", None), (None, None, "none")]
    with pytest.raises(StepRefused, match="Column k is in leftColumns and in rightColumns"):
        apply(
            left,
            step(
                "JOIN",
                joinKeys=[{"key": "k", "value": "k"}],
                joinType="INNER_JOIN",
                leftColumns=["k"],
                rightColumns=["k"],
                secondaryDatasetName="r",
            ),
            read,
        )


def test_sort_custom_order_and_nulls(w):
    f = frame(w, [("b", 1), (None, 2), ("a", 3), ("C", 4), ("b", 5)], a="VARCHAR", n="INTEGER")
    expressions = [{"sourceColumn": "a", "customOrder": ["c", "b"], "nullsOrdering": "NULLS_BOTTOM"}]
    assert [r[1] for r in apply(f, step("SORT", expressions=expressions)).rows()] == [4, 1, 5, 3, 2]


def test_moves_and_names(w):
    f = frame(w, [(1, 2, 3)], a="INT", b="INT", c="INT")
    assert names(apply(f, step("MOVE_AFTER", sourceColumn="a", targetColumn="c"))) == ["b", "c", "a"]
    assert names(apply(f, step("MOVE_BEFORE", sourceColumn="c", targetColumn="b"))) == ["a", "c", "b"]
    assert names(apply(f, step("MOVE_TO_INDEX", sourceColumn="a", targetIndex="1"))) == ["b", "a", "c"]
    assert names(apply(f, step("RENAME", sourceColumn="a", targetColumn='A "x"'))) == ['A "x"', "b", "c"]
    with pytest.raises(StepRefused, match="Column B already exists"):
        apply(f, step("RENAME", sourceColumn="a", targetColumn="B"))


def test_what_is_wrong_is_refused():
    for wrong, words in (
        (step("NO_SUCH"), "Unknown operation NO_SUCH"),
        (step("ENCRYPT", sourceColumn="a"), "recipe-actions.ENCRYPT.html"),
        (step("RENAME", sourceColumn="a"), "Missing required parameter targetColumn"),
        (step("RENAME", sourceColumn="a", targetColumn="b", x="y"), "Unknown parameter x"),
        (step("CHANGE_DATA_TYPE", sourceColumn="a", columnDataType="text"), "must be one of byte"),
        (step("REMOVE_VALUES", sourceColumn="a"), "needs condition"),
        (step("REMOVE_VALUES", [when("LIKE", "a", "b")], sourceColumn="a"), "Invalid condition LIKE"),
        (
            step(
                "JOIN",
                joinKeys="x",
                joinType="INNER_JOIN",
                leftColumns="[]",
                rightColumns="[]",
                secondaryDatasetName="d",
            ),
            "JSON array",
        ),
    ):
        with pytest.raises(StepRefused, match=words) as caught:
            check(wrong)
        assert caught.value.code == "ValidationException"


def test_101_steps(w):
    f = frame(w, [("a",)], a="VARCHAR")
    up = step("DUPLICATE", sourceColumn="a", targetColumn="b"), step("DELETE", sourceColumn="b")
    assert run(list(up) * 50, f).rows() == [("a",)]
    with pytest.raises(StepRefused) as caught:
        run([*up * 50, up[0]], f)
    assert caught.value.code == "ServiceQuotaExceededException"


def test_samples(w):
    f = frame(w, [(n,) for n in range(100)], a="INT")
    assert [r[0] for r in sample(f, "FIRST_N", 3).rows()] == [0, 1, 2]
    assert [r[0] for r in sample(f, "LAST_N", 3).rows()] == [97, 98, 99]
    random = [r[0] for r in sample(f, "RANDOM", 30, seed=1).rows()]
    assert random == sorted(random) and len(set(random)) == 30 and random != list(range(30))
    assert (
        random
        == [r[0] for r in sample(f, "RANDOM", 30, seed=1).rows()]
        != [r[0] for r in sample(f, "RANDOM", 30, seed=2).rows()]
    )


def test_union(w):
    a = frame(w, [(1, "x")], n="INT", s="VARCHAR")
    b = frame(w, [(2.5,)], m="DOUBLE")
    made = apply(
        a,
        step(
            "UNION",
            datasetsColumns=[["n", "s"], ["m", None]],
            secondaryDatasetNames=["b"],
            secondaryInputs=[{"S3InputDefinition": {"Bucket": "x", "Key": "y"}}],
            targetColumnNames=["n", "s"],
        ),
        lambda n, location: b,
    )
    assert made.rows() == [(1.0, "x"), (2.5, None)] and [c.type for c in made.columns] == ["double", "string"]
