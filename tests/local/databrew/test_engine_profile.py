"""Profiles against pandas and numpy on random data, and small ones worked out by hand; ruleset reports."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from brewing import frame

from infra.local.databrew.engine import Frame, StepRefused, Workspace
from infra.local.databrew.engine.profile import check, profile
from infra.local.databrew.engine.rules import check as check_rule
from infra.local.databrew.engine.rules import validate


@pytest.fixture
def w():
    with Workspace() as workspace:
        yield workspace


def column(result, name):
    return next(c for c in result["columns"] if c["name"] == name)


@pytest.fixture(scope="module")
def random():
    """Random data with holes: pandas' frame and the profile of the same rows."""
    rng = np.random.default_rng(7)
    n = 5000
    data = pd.DataFrame(
        {
            "count": rng.integers(-40, 60, n),
            "size": rng.lognormal(2, 1, n),
            "norm": rng.normal(1e6, 3, n),
            "word": ["x" * int(k) for k in rng.poisson(6, n)],
            "flag": rng.random(n) < 0.3,
        }
    )
    data["mixed"] = data["size"] + data["count"]
    data.loc[rng.random(n) < 0.1, "size"] = np.nan
    with Workspace() as workspace:
        workspace.connection.register("given", data)
        yield data, profile(Frame.of(workspace, 'SELECT "count"::INTEGER AS "count", * EXCLUDE ("count") FROM given'))


@pytest.mark.parametrize("name", ["count", "size", "norm", "mixed"])
def test_numbers_are_pandas_numbers(random, name):
    data, result = random
    got, values = column(result, name), data[name].dropna()
    counts = values.value_counts()
    z = (values - values.mean()) / values.std()
    population = (values - values.mean()) / values.std(ddof=0)
    shares = counts / len(values)
    expected = {
        "distinctValuesCount": len(counts),
        "uniqueValuesCount": int((counts == 1).sum()),
        "entropy": -(shares * np.log(shares)).sum(),
        "missingValuesCount": int(data[name].isna().sum()),
        "kurtosis": (population**4).mean() - 3,
        "skewness": (population**3).mean(),
        "max": values.max(),
        "min": values.min(),
        "mean": values.mean(),
        "standardDeviation": values.std(),
        "variance": values.var(),
        "sum": values.sum(),
        "zerosCount": int((values == 0).sum()),
        "range": values.max() - values.min(),
        "percentile5": values.quantile(0.05),
        "percentile25": values.quantile(0.25),
        "percentile75": values.quantile(0.75),
        "percentile95": values.quantile(0.95),
        "median": values.median(),
        "interquartileRange": values.quantile(0.75) - values.quantile(0.25),
        "medianAbsoluteDeviation": (values - values.median()).abs().median(),
        "zScoreOutliersCount": int((z.abs() > 3).sum()),
    }
    for key, value in expected.items():
        assert got[key] == pytest.approx(value, rel=1e-9, abs=1e-9), key
    assert got["mostCommonValues"][0]["count"] == counts.max() and len(got["mostCommonValues"]) == min(50, len(counts))
    assert [v["value"] for v in got["maximumValues"]] == pytest.approx(sorted(counts.index)[:-6:-1])
    assert [v["value"] for v in got["minimumValues"]] == pytest.approx(sorted(counts.index)[:5])
    assert (
        sum(b["count"] for b in got["valueDistribution"])
        == len(values)
        == sum(b["count"] for b in got["zScoreDistribution"])
    )
    assert [abs(o["zScore"]) for o in got["zScoreOutliersSample"]] == pytest.approx(
        sorted(set(z.abs()[z.abs() > 3]), reverse=True)[:50]
    )
    for b in got["valueDistribution"]:
        low, high = b["bucket"][0], math.inf if b["bucket"][1] == "inf" else b["bucket"][1]
        assert b["count"] == ((values >= low) & (values < high)).sum()


def test_text_is_profiled_by_its_lengths(random):
    data, result = random
    got = column(result, "word")
    words = data["word"][data["word"] != ""]
    lengths = words.str.len()
    assert got["missingValuesCount"] == (data["word"] == "").sum() > 0
    assert (got["min"], got["max"], got["median"]) == (lengths.min(), lengths.max(), lengths.median())
    assert got["mean"] == pytest.approx(lengths.mean()) and got["standardDeviation"] == pytest.approx(lengths.std())
    assert got["mode"] == lengths.mode()[0] and got["distinctValuesCount"] == words.nunique()
    assert "sum" not in got and "percentile5" not in got and "correlations" not in got


def test_correlations_are_pearsons(random):
    data, result = random
    expected = data[["count", "size", "norm", "mixed"]].corr()
    for a in expected:
        for b, value in column(result, a)["correlations"].items():
            assert value == pytest.approx(expected.loc[a, b], abs=1e-9)
    assert column(result, "size")["correlations"]["size"] == 1.0


def test_the_result_is_json_in_awss_form(random):
    data, result = random
    json.dumps(result, allow_nan=False)
    assert list(result) == [
        *(
            "defaultProfileConfiguration",
            "datasetConfigurationOverride",
            "sampleSize",
            "duplicateRowsCount",
            "columns",
            "version",
        )
    ]
    numeric = result["defaultProfileConfiguration"]["columnConfiguration"]["numericColumn"]
    assert len(numeric["includedStatistics"]) == 25 and numeric["parameters"]["OUTLIER_DETECTION"] == {
        "threshold": "3",
        "sampleSize": "50",
    }
    assert list(column(result, "count"))[:9] == [
        *(
            "name",
            "type",
            "correlations",
            "columnConfigurationOverride",
            "distinctValuesCount",
            "uniqueValuesCount",
            "entropy",
        ),
        *("mostCommonValues", "missingValuesCount"),
    ]
    assert list(column(result, "flag")) == [
        *("name", "type", "columnConfigurationOverride", "distinctValuesCount", "uniqueValuesCount", "entropy"),
        *("mostCommonValues", "missingValuesCount"),
    ]
    assert column(result, "flag")["mostCommonValues"][0] == {"value": False, "count": int((~data["flag"]).sum())}


def test_five_values_by_hand(w):
    """1, 1, 2, 3, 10 and a hole: mean 3.4; of the deviations the squares sum up to 57.2, the cubes to 257.04, the fourths to 1967.696."""
    got = column(profile(frame(w, [(n,) for n in (1, 1, 2, 3, 10, None)], a="INT")), "a")
    assert (got["sum"], got["mean"], got["median"], got["mode"], got["range"]) == (17, 3.4, 2.0, 1, 9)
    assert got["variance"] == pytest.approx(57.2 / 4) and got["standardDeviation"] == pytest.approx(3.781534)
    assert got["skewness"] == pytest.approx(
        1.32859, abs=1e-5
    )  # 51.408 / 11.44 ** 1.5: the population's, not the sample's 1.9806
    assert got["kurtosis"] == pytest.approx(0.00702, abs=1e-5)  # 393.539 / 11.44 ** 2 - 3
    assert got["entropy"] == pytest.approx(1.3322, abs=1e-4)  # natural logarithm: 0.4 ln 2.5 + 3 · 0.2 ln 5
    assert (got["percentile25"], got["percentile75"], got["interquartileRange"]) == (1.0, 3.0, 2.0)
    assert got["percentile5"] == 1.0 and got["percentile95"] == pytest.approx(8.6)
    assert got["medianAbsoluteDeviation"] == 1.0 and got["missingValuesCount"] == 1 and got["uniqueValuesCount"] == 3


def test_ranges_are_those_of_awss_file(w):
    """A real result: lengths 7 … 32 in 20 ranges, 15 of width 1, then 5 of width 2; 16 … 33 one range each; one value twice in a range."""
    wide = column(profile(frame(w, [("x" * n,) for n in range(7, 33)], a="VARCHAR")), "a")["valueDistribution"]
    assert [b["bucket"][0] for b in wide] == [*range(7, 22), 22, 24, 26, 28, 30] and wide[-1] == {
        "bucket": [30, "inf"],
        "count": 3,
    }
    narrow = column(profile(frame(w, [("x" * n,) for n in range(16, 34)], a="VARCHAR")), "a")["valueDistribution"]
    assert [b["bucket"] for b in narrow] == [*([n, n + 1] for n in range(16, 33)), [33, "inf"]]
    same = column(profile(frame(w, [("x" * 10,)] * 4, a="VARCHAR")), "a")
    assert same["valueDistribution"] == [{"bucket": [10.0, 10.0], "count": 4}]
    assert (same["standardDeviation"], same["zScoreOutliersCount"], same["zScoreOutliersSample"]) == (0.0, 0, [])


def test_configuration_selects_and_overrides(w):
    f = frame(w, [(i, i * 2, "a" * (i % 4)) for i in range(100)], one="INT", two="DOUBLE", word="VARCHAR")
    result = profile(
        f,
        {
            "ProfileColumns": [{"Name": "one"}, {"Regex": "t.*"}],
            "DatasetStatisticsConfiguration": {
                "IncludedStatistics": ["CORRELATION"],
                "Overrides": [{"Statistic": "CORRELATION", "Parameters": {"columnSelectors": '[{"name":"two"}]'}}],
            },
            "ColumnStatisticsConfigurations": [
                {"Statistics": {"IncludedStatistics": ["NONE"]}},
                {
                    "Selectors": [{"Name": "one"}],
                    "Statistics": {
                        "IncludedStatistics": ["VALUE_DISTRIBUTION", "MAXIMUM_VALUES", "OUTLIER_DETECTION"],
                        "Overrides": [
                            {"Statistic": "VALUE_DISTRIBUTION", "Parameters": {"binNumber": "4"}},
                            {"Statistic": "MAXIMUM_VALUES", "Parameters": {"sampleSize": "2"}},
                            {
                                "Statistic": "OUTLIER_DETECTION",
                                "Parameters": {"threshold": "1.6", "mildThreshold": "1"},
                            },
                        ],
                    },
                },
            ],
        },
    )
    assert "duplicateRowsCount" not in result and [c["name"] for c in result["columns"]] == ["one", "two"]
    one, two = result["columns"]
    assert two == {
        "name": "two",
        "type": "double",
        "correlations": {"two": 1.0},
        "columnConfigurationOverride": {"includedStatistics": ["NONE"]},
    }
    assert [b["bucket"] for b in one["valueDistribution"]] == [[0, 24], [24, 49], [49, 74], [74, "inf"]]
    assert one["maximumValues"] == [{"value": 99, "count": 1}, {"value": 98, "count": 1}]
    # sd of 0 … 99 is 29.0115: |z| > 1.6 beyond 46.42 of 49.5 (0–3, 96–99), |z| > 1 beyond 29.01 (0–20, 79–99): 42, less 8
    assert (one["zScoreOutliersCount"], one["zScoreMildOutliersCount"], len(one["zScoreOutliersSample"])) == (8, 34, 42)
    assert one["columnConfigurationOverride"]["parameters"]["VALUE_DISTRIBUTION"] == {"binNumber": "4"}


@pytest.mark.parametrize(
    "configuration",
    [
        {"DatasetStatisticsConfiguration": {"IncludedStatistics": ["NO_SUCH"]}},
        {
            "ColumnStatisticsConfigurations": [
                {"Statistics": {"Overrides": [{"Statistic": "VALUE_DISTRIBUTION", "Parameters": {"binNumber": "0"}}]}}
            ]
        },
        {
            "ColumnStatisticsConfigurations": [
                {"Statistics": {"Overrides": [{"Statistic": "MEAN", "Parameters": {"x": "1"}}]}}
            ]
        },
        {
            "ColumnStatisticsConfigurations": [
                {
                    "Statistics": {
                        "Overrides": [{"Statistic": "OUTLIER_DETECTION", "Parameters": {"mildThreshold": "4"}}]
                    }
                }
            ]
        },
        {"ProfileColumns": [{"Regex": "("}]},
        {"EntityDetectorConfiguration": {"EntityTypes": ["EMAIL"]}},
    ],
)
def test_wrong_configurations_are_refused(configuration):
    with pytest.raises(StepRefused):
        check(configuration)


@pytest.mark.parametrize("rows", [[], [(None, None, None, None)], [("x", math.nan, math.inf, "")]])
def test_empty_and_odd_columns(w, rows):
    result = profile(
        frame(w, [(*r[:1], *r[1:3], r[3]) for r in rows], s="VARCHAR", a="DOUBLE", b="DOUBLE", e="VARCHAR")
    )
    json.dumps(result, allow_nan=False)
    assert column(result, "a")["mean"] is None and column(result, "a")["valueDistribution"] == []
    assert column(result, "b")["missingValuesCount"] == len(rows)


def test_duplicates_and_types_without_statistics(w):
    f = frame(
        w, [(1, "2020-01-01"), (1, "2020-01-01"), (1, "2020-01-01"), (None, None), (None, None)], a="INT", d="DATE"
    )
    result = profile(f)
    assert result["duplicateRowsCount"] == 3 and column(result, "d") == {"name": "d", "type": "date"}


def rule(expression, threshold=None, selectors=None, **values):
    made = {
        "Name": "r",
        "CheckExpression": expression,
        "SubstitutionMap": {":" + name: value for name, value in values.items()},
    }
    if threshold:
        made["Threshold"] = threshold
    if selectors:
        made["ColumnSelectors"] = selectors
    return made


@pytest.mark.parametrize(
    "given, status, failed",
    [
        (rule("AGG(ROWS_COUNT) == :v", v="5"), "SUCCEEDED", None),
        (rule("AGG(COLUMNS_COUNT) > :v", v="3"), "FAILED", None),
        (rule("AGG(DUPLICATE_ROWS_COUNT) <= :v", v="0"), "FAILED", None),
        (rule("AGG(DUPLICATE_ROWS_PERCENTAGE) == :v", v="20"), "SUCCEEDED", None),
        (rule("AGG(:c, MISSING_VALUES_COUNT) == :v", c="`name`", v="1"), "SUCCEEDED", None),
        (rule("AGG(:c, MAX) < :v and AGG(:c, MIN) >= :v2", c="`id`", v="5", v2="0"), "SUCCEEDED", None),
        (rule("AGG(:c, QUANTILE, :p) IS BETWEEN :a AND :b", c="`id`", p="0.5", a="1", b="2"), "SUCCEEDED", None),
        (rule("AGG(:c, DISTINCT_VALUES_PERCENTAGE) >= :v", c="`id`", v="90"), "FAILED", None),
        (rule(":c > :v", c="`id`", v="0"), "FAILED", 1),
        (
            rule(":c > :v", {"Value": 80, "Type": "GREATER_THAN_OR_EQUAL", "Unit": "PERCENTAGE"}, c="`id`", v="0"),
            "SUCCEEDED",
            1,
        ),
        (rule(":c > :v", {"Value": 5}, c="`id`", v="0"), "FAILED", 1),
        (rule(":c IN :l", c="`name`", l='["ann","bob"]'), "FAILED", 2),
        (rule(":c NOT IN :l", c="`name`", l='["ann"]'), "FAILED", 2),
        (rule("LENGTH(:c) <= :v", c="`name`", v="3"), "FAILED", 2),
        (rule(":c STARTS_WITH :v or :c doesnt_exist :v", c="`name`", v="a"), "ERROR", None),
        (
            rule("(:c starts_with :v or :c ends_with :e) and :c matches :m", c="`name`", v="a", e="b", m="[a-z]+"),
            "FAILED",
            2,
        ),
        (rule(":a <= :b", a="`id`", b="`next`"), "SUCCEEDED", 0),
        (rule(":c > :v", c="`nothing`", v="0"), "ERROR", None),
        (rule("AGG(MISSING_VALUES_COUNT) < :v", selectors=[{"Regex": "n.*"}], v="1"), "FAILED", None),
        (rule("> :v", selectors=[{"Name": "id"}], v="-1"), "SUCCEEDED", None),
    ],
)
def test_rules(w, given, status, failed):
    f = frame(
        w,
        [(0, 1, "ann"), (1, 1, "bob"), (2, 9, None), (3, 3, "ann-marie"), (1, 1, "bob")],
        id="INT",
        next="INT",
        name="VARCHAR",
    )
    report = validate(
        f, [{"Name": "set", "Arn": "arn:aws:databrew:::ruleset/set", "Rules": [given, {**given, "Disabled": True}]}]
    )
    (ruleset,) = report["rulesetResults"]
    (result,) = ruleset["ruleResults"]
    assert result["status"] == status == ruleset["status"], result
    assert result.get("failedCount") == failed
    assert list(result["definition"])[:2] == ["Name", "Disabled"]


@pytest.mark.parametrize(
    "wrong",
    [
        rule("AGG(MAX) > :v", v="1"),
        rule("AGG(NO_SUCH) > :v", v="1"),
        rule(":c > :v and AGG(ROWS_COUNT) > :v", c="`a`", v="1"),
        rule(":c > :missing", c="`a`"),
        rule(":c > :v", selectors=[{"Name": "a"}], c="`a`", v="1"),
        rule("AGG(ROWS_COUNT) > :v", {"Value": 1}, v="1"),
        rule(":c > ", c="`a`"),
        rule(":c IN :l", c="`a`", l="S"),
        rule(":c matches :m", c="`a`", m="("),
    ],
)
def test_wrong_rules_are_refused(wrong):
    with pytest.raises(StepRefused):
        check_rule(wrong)
