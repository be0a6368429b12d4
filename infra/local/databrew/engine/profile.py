"""Profiles: DataBrew's statistics of a dataset, in the form of its result file.

The numbers of a column come from its distinct values and their counts; of text from its lengths. Values that are missing (NULL, empty
text, and for numbers NaN and infinities, which JSON has not) count as missing only. Skewness and kurtosis are of the population, as
Spark's are, kurtosis as excess over the normal distribution's 3; standard deviation and variance are of the sample; entropy is in nats.
Sources: "profile.configuration" in the guide, and the form of a real result file for what the guide leaves out.
"""

import itertools
from typing import Any

from . import profile_configuration as configuration_
from .distribution import Counts, Numbers, bare
from .frame import Column, Frame
from .profile_configuration import Chosen, check, defaults

__all__ = ["check", "profile"]
VERSION = "1.0"


def profile(frame: Frame, configuration: dict | None = None) -> dict[str, Any]:
    """The result of a profile job, without what only the job knows (jobName, jobRunId, location, startedOn, writtenOn).

    Parameters
    ----------
    configuration : a ProfileConfiguration of the API.

    Returns
    -------
    dict : JSON-ready, keys in AWS's order up to `columns`, and `version`.

    Raises
    ------
    StepRefused : a configuration that can't be followed.
    """
    configuration = configuration or {}
    check(configuration)
    frame = frame.stored()
    of_dataset = configuration_.of_dataset(configuration)
    rows = frame.count()
    result: dict[str, Any] = {
        "defaultProfileConfiguration": defaults(),
        "datasetConfigurationOverride": of_dataset.override,
        "sampleSize": rows,
    }
    if "DUPLICATE_ROWS_COUNT" in of_dataset.statistics:
        result["duplicateRowsCount"] = duplicate_rows(frame, rows)
    correlations = _correlations(frame, configuration_.correlated(of_dataset, frame.columns))
    wanted = [c for c in frame.columns if configuration_.selected(c, configuration.get("ProfileColumns") or [])]
    result["columns"] = [
        _column(frame, column, rows, configuration_.of_column(configuration, column), correlations.get(column.name))
        for column in wanted
    ]
    result["version"] = VERSION
    return result


def duplicate_rows(frame: Frame, rows: int) -> int:
    """How many rows equal an earlier one."""
    keys = ", ".join(c.key for c in frame.columns)
    found = frame.workspace.execute(f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {frame.source})").fetchone()
    return rows - int(found[0]) if found else 0


def _correlations(frame: Frame, columns: list[Column]) -> dict[str, dict[str, float | None]]:
    """Pearson's coefficient of each pair of columns, over the rows where both have a value."""
    found: dict[str, dict[str, float | None]] = {c.name: {} for c in columns}
    pairs = list(itertools.combinations_with_replacement(columns, 2))
    if not pairs:
        return found
    asked = ", ".join(f"corr({_finite(a)}, {_finite(b)})" for a, b in pairs)
    values = frame.workspace.execute(f"SELECT {asked} FROM {frame.source}").fetchone()
    assert values is not None
    of_pair = {(a.name, b.name): bare(value) for (a, b), value in zip(pairs, values, strict=True)}
    of_pair |= {(c.name, c.name): 1.0 for c in columns if of_pair[(c.name, c.name)] is not None}
    for a, b in itertools.product(columns, repeat=2):
        found[a.name][b.name] = of_pair[(a.name, b.name)] if (a.name, b.name) in of_pair else of_pair[(b.name, a.name)]
    return found


def _finite(column: Column) -> str:
    if column.type in ("float", "double"):
        return f"CASE WHEN isfinite({column.key}) THEN CAST({column.key} AS DOUBLE) END"
    return f"CAST({column.key} AS DOUBLE)"


def _column(
    frame: Frame, column: Column, rows: int, chosen: Chosen | None, correlations: dict[str, float | None] | None
) -> dict[str, Any]:
    result: dict[str, Any] = {"name": column.name, "type": column.type}
    if chosen is None:
        return result
    if correlations is not None:
        result["correlations"] = correlations
    result["columnConfigurationOverride"] = chosen.override
    kind = configuration_.KINDS[column.type]
    if not chosen.statistics:
        return result
    counts = Counts(frame, column)
    shown: dict[str, Any] = {
        "distinctValuesCount": counts.distinct,
        "uniqueValuesCount": counts.unique,
        "entropy": counts.entropy,
        "missingValuesCount": rows - counts.present,
    }
    if "MOST_COMMON_VALUES" in chosen.statistics:
        shown["mostCommonValues"] = counts.common(chosen.most("MOST_COMMON_VALUES"))
    if kind is configuration_.NUMERIC:
        shown |= _number_statistics(counts.numbers(), chosen)
    elif kind is configuration_.STRING:
        shown |= _shared_statistics(counts.numbers(), chosen)
    result |= {
        key: shown[key]
        for statistic, keys in _KEYS.items()
        for key in keys
        if statistic in chosen.statistics and key in shown
    }
    return result


def _shared_statistics(numbers: Numbers, chosen: Chosen) -> dict[str, Any]:
    """What numbers and the lengths of text have."""
    shown: dict[str, Any] = {
        "max": numbers.high,
        "mean": numbers.mean,
        "min": numbers.low,
        "standardDeviation": numbers.deviation,
        "median": numbers.quantile(0.5),
        "mode": numbers.mode(),
    }
    if "VALUE_DISTRIBUTION" in chosen.statistics:
        shown["valueDistribution"] = numbers.distribution(int(chosen.parameters["VALUE_DISTRIBUTION"]["binNumber"]))
    if "OUTLIER_DETECTION" in chosen.statistics:
        threshold = float(chosen.parameters["OUTLIER_DETECTION"]["threshold"])
        mild = chosen.parameter("OUTLIER_DETECTION", "mildThreshold")
        shown["zScoreOutliersCount"] = numbers.outliers(threshold)
        if mild is not None:
            shown["zScoreMildOutliersCount"] = numbers.outliers(float(mild)) - shown["zScoreOutliersCount"]
        shown["zScoreOutliersSample"] = numbers.outliers_sample(
            threshold if mild is None else float(mild), chosen.most("OUTLIER_DETECTION")
        )
    return shown


def _number_statistics(numbers: Numbers, chosen: Chosen) -> dict[str, Any]:
    shown = _shared_statistics(numbers, chosen)
    low, high = numbers.quantile(0.25), numbers.quantile(0.75)
    shown |= {
        "kurtosis": numbers.kurtosis,
        "skewness": numbers.skewness,
        "sum": numbers.sum,
        "zerosCount": numbers.zeros,
        "variance": numbers.variance,
        "range": _difference(numbers.low, numbers.high),
        "percentile5": numbers.quantile(0.05),
        "percentile25": low,
        "percentile75": high,
        "percentile95": numbers.quantile(0.95),
        "interquartileRange": _difference(low, high),
    }
    if "MINIMUM_VALUES" in chosen.statistics:
        shown["minimumValues"] = numbers.ends("ASC", chosen.most("MINIMUM_VALUES"))
    if "MAXIMUM_VALUES" in chosen.statistics:
        shown["maximumValues"] = numbers.ends("DESC", chosen.most("MAXIMUM_VALUES"))
    if "Z_SCORE_DISTRIBUTION" in chosen.statistics:
        shown["zScoreDistribution"] = numbers.z_distribution(
            int(chosen.parameters["Z_SCORE_DISTRIBUTION"]["binNumber"])
        )
    if "MEDIAN_ABSOLUTE_DEVIATION" in chosen.statistics:
        shown["medianAbsoluteDeviation"] = numbers.median_absolute_deviation()
    return shown


def _difference(low: float | None, high: float | None) -> float | None:
    if low is None or high is None:
        return None
    return high - low if isinstance(low, int) else bare(high - low)


# Which statistic gives which keys, in the order of AWS's file.
_KEYS = {
    "DISTINCT_VALUES_COUNT": ("distinctValuesCount",),
    "UNIQUE_VALUES_COUNT": ("uniqueValuesCount",),
    "ENTROPY": ("entropy",),
    "MOST_COMMON_VALUES": ("mostCommonValues",),
    "MISSING_VALUES_COUNT": ("missingValuesCount",),
    "KURTOSIS": ("kurtosis",),
    "MAX": ("max",),
    "MEAN": ("mean",),
    "MIN": ("min",),
    "SKEWNESS": ("skewness",),
    "STANDARD_DEVIATION": ("standardDeviation",),
    "SUM": ("sum",),
    "ZEROS_COUNT": ("zerosCount",),
    "VARIANCE": ("variance",),
    "RANGE": ("range",),
    "PERCENTILES": ("percentile5", "percentile25", "percentile75", "percentile95"),
    "MEDIAN": ("median",),
    "INTER_QUARTILE_RANGE": ("interquartileRange",),
    "MODE": ("mode",),
    "MINIMUM_VALUES": ("minimumValues",),
    "MAXIMUM_VALUES": ("maximumValues",),
    "VALUE_DISTRIBUTION": ("valueDistribution",),
    "OUTLIER_DETECTION": ("zScoreOutliersCount", "zScoreMildOutliersCount", "zScoreOutliersSample"),
    "Z_SCORE_DISTRIBUTION": ("zScoreDistribution",),
    "MEDIAN_ABSOLUTE_DEVIATION": ("medianAbsoluteDeviation",),
}
