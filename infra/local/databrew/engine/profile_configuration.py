"""What a profile job computes: the defaults, and what its configuration changes.

Source: "Building a profile job configuration programmatically" in the guide; the defaults are those that a result file of AWS names.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .errors import StepRefused
from .frame import Column
from .types import is_number

DATASET = ("CORRELATION", "DUPLICATE_ROWS_COUNT")
BOOLEAN = ("MOST_COMMON_VALUES", "DISTINCT_VALUES_COUNT", "UNIQUE_VALUES_COUNT", "MISSING_VALUES_COUNT", "ENTROPY")
STRING = (
    *("MIN", "MOST_COMMON_VALUES", "DISTINCT_VALUES_COUNT", "MAX", "MEAN", "UNIQUE_VALUES_COUNT", "MODE"),
    *("MISSING_VALUES_COUNT", "STANDARD_DEVIATION", "ENTROPY", "MEDIAN", "OUTLIER_DETECTION", "VALUE_DISTRIBUTION"),
)
NUMERIC = (
    *("MIN", "PERCENTILES", "ZEROS_COUNT", "UNIQUE_VALUES_COUNT", "ENTROPY", "VALUE_DISTRIBUTION", "SKEWNESS"),
    *(
        "Z_SCORE_DISTRIBUTION",
        "MAX",
        "MISSING_VALUES_COUNT",
        "INTER_QUARTILE_RANGE",
        "MEDIAN_ABSOLUTE_DEVIATION",
        "RANGE",
    ),
    *("MOST_COMMON_VALUES", "DISTINCT_VALUES_COUNT", "VARIANCE", "MEDIAN", "MEAN", "MINIMUM_VALUES", "MODE", "SUM"),
    *("KURTOSIS", "MAXIMUM_VALUES", "STANDARD_DEVIATION", "OUTLIER_DETECTION"),
)
PARAMETERS = {
    "CORRELATION": {"columnNumber": "10"},
    "MOST_COMMON_VALUES": {"sampleSize": "50"},
    "MINIMUM_VALUES": {"sampleSize": "5"},
    "MAXIMUM_VALUES": {"sampleSize": "5"},
    "OUTLIER_DETECTION": {"threshold": "3", "sampleSize": "50"},
    "VALUE_DISTRIBUTION": {"binNumber": "20"},
    "Z_SCORE_DISTRIBUTION": {"binNumber": "20"},
}
KINDS = {"boolean": BOOLEAN, "string": STRING} | dict.fromkeys(
    ("byte", "short", "int", "long", "float", "double"), NUMERIC
)
_EVERY = set(DATASET) | set(STRING) | set(NUMERIC)
_TAKEN = {name: set(given) for name, given in PARAMETERS.items()}
_TAKEN["CORRELATION"].add("columnSelectors")
_TAKEN["OUTLIER_DETECTION"].add("mildThreshold")


@dataclass(frozen=True)
class Chosen:
    """The statistics of a dataset or a column, their parameters, and what of them differs from the defaults."""

    statistics: frozenset[str]
    parameters: dict[str, dict[str, str]]
    override: dict = field(default_factory=dict)

    def parameter(self, statistic: str, name: str) -> str | None:
        """A parameter's text, None if it has none."""
        return self.parameters.get(statistic, {}).get(name)

    def most(self, statistic: str) -> int | None:
        """sampleSize as a number; None for ALL."""
        size = self.parameters[statistic]["sampleSize"]
        return None if size == "ALL" else int(size)


def _for(statistics: Sequence[str]) -> dict:
    return {
        "includedStatistics": list(statistics),
        "parameters": {name: dict(PARAMETERS[name]) for name in PARAMETERS if name in statistics},
    }


def defaults() -> dict:
    """`defaultProfileConfiguration` of a result."""
    return {
        "datasetConfiguration": _for(DATASET),
        "columnConfiguration": {
            "booleanColumn": _for(BOOLEAN),
            "stringColumn": _for(STRING),
            "numericColumn": _for(NUMERIC),
        },
    }


def check(configuration: dict) -> None:
    """Whether a ProfileConfiguration can be followed.

    Raises
    ------
    StepRefused : an unknown statistic, a parameter that its statistic does not take or of a wrong form, or entity detection.
    """
    if configuration.get("EntityDetectorConfiguration"):
        raise StepRefused(
            "EntityDetectorConfiguration is not supported by the local AWS: it needs AWS's own detectors of personal data. "
            "See https://docs.aws.amazon.com/databrew/latest/dg/profile.configuration.html#entity-detector-configuration"
        )
    for selector in configuration.get("ProfileColumns") or []:
        _selector(selector)
    columns = configuration.get("ColumnStatisticsConfigurations") or []
    for part in columns:
        for selector in part.get("Selectors") or []:
            _selector(selector)
    for statistics in [
        configuration.get("DatasetStatisticsConfiguration") or {},
        *(part["Statistics"] for part in columns),
    ]:
        for name in statistics.get("IncludedStatistics") or []:
            if name not in _EVERY | {"NONE"}:
                raise StepRefused(f"Unknown statistic {name}.")
        for override in statistics.get("Overrides") or []:
            _override(override["Statistic"], override["Parameters"])


def _selector(selector: dict) -> None:
    if ("Name" in selector) == ("Regex" in selector):
        raise StepRefused("A column selector has either Name or Regex.")
    if "Regex" in selector:
        try:
            re.compile(selector["Regex"])
        except re.error:
            raise StepRefused(f"{selector['Regex']} is not a valid regular expression.") from None


def _override(statistic: str, parameters: dict[str, str]) -> None:
    if statistic not in _TAKEN:
        raise StepRefused(f"Statistic {statistic} has no parameters to override.")
    for name, value in parameters.items():
        if name not in _TAKEN[statistic]:
            raise StepRefused(
                f"Unknown parameter {name} of {statistic}. It takes {', '.join(sorted(_TAKEN[statistic]))}."
            )
        if name == "columnSelectors":
            _selectors(value)
        elif name in ("threshold", "mildThreshold"):
            if not is_number(value) or not 0 <= float(value) < float("inf"):
                raise StepRefused(f"{name} of {statistic} must be a number of at least 0.")
        elif not (value == "ALL" and name != "binNumber"):
            low = 2 if name == "columnNumber" else 1
            if not value.isdecimal() or int(value) < low:
                raise StepRefused(f"{name} of {statistic} must be an integer of at least {low}.")
    full = {**PARAMETERS[statistic], **parameters}
    if "mildThreshold" in full and float(full["mildThreshold"]) >= float(full["threshold"]):
        raise StepRefused("mildThreshold must be less than threshold.")


def _selectors(value: str) -> list[dict]:
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    if not isinstance(read, list) or not all(isinstance(item, dict) for item in read):
        raise StepRefused("columnSelectors must be a JSON array of objects with name or regex.")
    found = [{name.capitalize(): text for name, text in item.items()} for item in read]
    for selector in found:
        _selector(selector)
    return found


def selected(column: Column, selectors: Sequence[dict]) -> bool:
    """Whether a selector matches the column's name; without selectors each does."""
    return not selectors or any(
        column.name == s["Name"] if "Name" in s else re.fullmatch(s["Regex"], column.name) is not None
        for s in selectors
    )


def _chosen(given: Sequence[dict], kind: Sequence[str]) -> Chosen:
    """What several configurations make of the defaults: of IncludedStatistics the last holds, overrides add up."""
    statistics = frozenset(kind)
    parameters = {name: dict(PARAMETERS[name]) for name in PARAMETERS if name in kind}
    override: dict = {}
    for one in given:
        if one.get("IncludedStatistics"):
            statistics = frozenset(one["IncludedStatistics"]) & frozenset(kind)
            override["includedStatistics"] = list(one["IncludedStatistics"])
        for changed in one.get("Overrides") or []:
            if changed["Statistic"] in kind:
                parameters[changed["Statistic"]].update(changed["Parameters"])
                override.setdefault("parameters", {})[changed["Statistic"]] = dict(changed["Parameters"])
    return Chosen(statistics, parameters, override)


def of_dataset(configuration: dict) -> Chosen:
    """What is computed of the dataset as a whole."""
    return _chosen([configuration.get("DatasetStatisticsConfiguration") or {}], DATASET)


def of_column(configuration: dict, column: Column) -> Chosen | None:
    """What is computed of a column; None for a type that profiles leave out."""
    if column.type not in KINDS:
        return None
    parts = configuration.get("ColumnStatisticsConfigurations") or []
    return _chosen(
        [part["Statistics"] for part in parts if selected(column, part.get("Selectors") or [])], KINDS[column.type]
    )


def correlated(chosen: Chosen, columns: Sequence[Column]) -> list[Column]:
    """The numeric columns between which correlations are computed: the first 10, or what the override says."""
    if "CORRELATION" not in chosen.statistics:
        return []
    numeric = [column for column in columns if KINDS.get(column.type) is NUMERIC]
    if selectors := chosen.parameter("CORRELATION", "columnSelectors"):
        return [column for column in numeric if selected(column, _selectors(selectors))]
    number = chosen.parameter("CORRELATION", "columnNumber")
    return numeric if number == "ALL" else numeric[: int(number or 10)]
