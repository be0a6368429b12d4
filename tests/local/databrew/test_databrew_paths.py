"""Which objects belong to a dataset: patterns, parameters, conditions, limits. Worked out by hand."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from infra.local.databrew.filters import compiled
from infra.local.databrew.paths import Paths

pytestmark = pytest.mark.unit
NOW = datetime.now(UTC)


def objects(*names):
    """Objects a day older each than the one before."""
    return [SimpleNamespace(name=name, last_modified=NOW - timedelta(days=age)) for age, name in enumerate(names)]


def keys(key, options, *names):
    return [found.key for found in Paths(key, options).chosen(objects(*names))]


def test_a_plain_key_is_a_file_or_a_folder():
    names = ("data/raw.csv", "data/raw/a.csv", "data/raw/_hidden", "data/raw/.x/y", "data/rawer/b.csv", "data/raw/")
    assert keys("data/raw", {}, *names) == ["data/raw/a.csv"]
    assert keys("data/raw.csv", {}, *names) == ["data/raw.csv"]
    assert keys("", {}, *names) == ["data/raw.csv", "data/raw/a.csv", "data/rawer/b.csv"]


def test_regular_expressions_stand_in_angle_brackets():
    names = ("in/2025/a.csv", "in/2026/a.csv", "in/202/a.csv", "in/2026/a.txt")
    assert keys("in/<[0-9]{4}>/a.csv", {}, *names) == ["in/2025/a.csv", "in/2026/a.csv"]


def test_parameters_are_matched_tested_and_become_columns():
    options = {
        "Parameters": {
            "shop": {"Name": "shop", "Type": "String", "CreateColumn": True},
            "number": {
                "Name": "number",
                "Type": "Number",
                "Filter": {"Expression": "is_between :low and :high", "ValuesMap": {":low": "2", ":high": "3"}},
            },
        }
    }
    found = Paths("in/{shop}-{number}.csv", options).chosen(
        objects("in/a-1.csv", "in/b-2.csv", "in/c-x.csv", "in/d-3.csv")
    )
    assert [(one.key, one.columns) for one in found] == [("in/b-2.csv", {"shop": "b"}), ("in/d-3.csv", {"shop": "d"})]


def test_dates_in_a_path_have_a_format():
    options = {
        "Parameters": {
            "day": {
                "Name": "day",
                "Type": "Datetime",
                "DatetimeOptions": {"Format": "yyyy-MM-dd"},
                "Filter": {"Expression": "after :day", "ValuesMap": {":day": "2026-01-01T00:00:00Z"}},
            }
        }
    }
    assert keys("in/{day}.csv", options, "in/2026-02-01.csv", "in/2025-12-31.csv", "in/later.csv") == [
        "in/2026-02-01.csv"
    ]


def test_a_limit_takes_the_newest_and_keeps_the_order_of_keys():
    options = {"FilesLimit": {"MaxFiles": 2, "OrderedBy": "LAST_MODIFIED_DATE", "Order": "DESCENDING"}}
    assert keys("in/", options, "in/c", "in/b", "in/a") == ["in/b", "in/c"]
    options["FilesLimit"]["Order"] = "ASCENDING"
    assert keys("in/", options, "in/c", "in/b", "in/a") == ["in/a", "in/b"]


def test_objects_may_have_to_be_recent():
    condition = {"Expression": "relative_after :span", "ValuesMap": {":span": "-36h"}}
    assert keys("in/", {"LastModifiedDateCondition": condition}, "in/today", "in/yesterday", "in/older") == [
        "in/today",
        "in/yesterday",
    ]


@pytest.mark.parametrize(
    ("expression", "values", "kind", "right", "wrong"),
    [
        ("starts_with :a or ends_with :b", {":a": "x", ":b": "y"}, "String", ["x1", "1y"], ["1x"]),
        ("(starts_with :a or starts_with :b) and not contains :c", {":a": "x", ":b": "y", ":c": "z"}, "String", ["x", "y1"], ["xz", "a"]),
        ("matches :a", {":a": "a+"}, "String", ["aa"], ["aab"]),
        (">= :a and < :b", {":a": "1", ":b": "2.5"}, "Number", [1.0, 2.4], [0.9, 2.5]),
        ("is_not :a", {":a": "7"}, "Number", [7.1], [7.0]),
    ],
)  # fmt: skip
def test_conditions(expression, values, kind, right, wrong):
    test = compiled(expression, values, kind)
    assert [test(value) for value in right] == [True] * len(right)
    assert [test(value) for value in wrong] == [False] * len(wrong)


@pytest.mark.parametrize(
    ("expression", "values", "kind", "why"),
    [
        ("starts_with :a", {}, "String", "ValuesMap has no :a"),
        ("(is :a", {":a": "1"}, "String", "a closing parenthesis is missing"),
        ("resembles :a", {":a": "1"}, "String", "the condition 'resembles' is unknown"),
        ("is :a is :a", {":a": "1"}, "String", "unexpected 'is'"),
        ("is :a", {":a": "one"}, "Number", "'one' is not a number"),
        ("contains :a", {":a": "1"}, "Number", "contains is for strings"),
        ("matches :a", {":a": "("}, "String", "not a regular expression"),
        ("", {}, "String", "a condition is missing"),
    ],
)
def test_conditions_that_are_wrong(expression, values, kind, why):
    with pytest.raises(ValueError, match="filter expression") as caught:
        compiled(expression, values, kind)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("key", "options", "why"),
    [
        ("in/{a}.csv", {}, "{a} is not defined"),
        ("in/{a}{a}", {"Parameters": {"a": {"Name": "a", "Type": "String"}}}, "twice"),
        ("in/x", {"Parameters": {"a": {"Name": "a", "Type": "String"}}}, "has no parameter {a}"),
        ("in/{a}", {"Parameters": {"a": {"Name": "a", "Type": "Datetime"}}}, "DatetimeOptions is required"),
        ("in/<(>", {}, "not a valid pattern"),
    ],
)
def test_paths_that_are_wrong(key, options, why):
    with pytest.raises(ValueError) as caught:
        Paths(key, options)
    assert why in str(caught.value)
