"""Data quality rules: what they check of a frame, and the report of it.

A row's value that is missing meets no condition; a rule without a threshold asks it of every row.
Sources: Rule, Threshold in the API reference; "Available checks" in the guide; the form of a real report of AWS.
"""

import re
from collections.abc import Sequence
from typing import Any

from .check_expressions import OF_DATASET, Aggregate, Group, Test, Tree, Value, listed, parsed, tests
from .distribution import Counts, Numbers
from .errors import StepRefused
from .frame import Column, Frame
from .parameters import REGEX
from .profile import duplicate_rows
from .profile_configuration import KINDS, NUMERIC, selected
from .types import cast, is_number, literal, number, text

_PARAMETERS = {"QUANTILE", "Z_SCORE_OUTLIERS_COUNT", "Z_SCORE_OUTLIERS_PERCENTAGE"}


def check(rule: dict) -> None:
    """Whether a rule can be followed.

    Raises
    ------
    StepRefused : its expression can't be read, mixes aggregates and rows, or does not go with its selectors or threshold.
    """
    found = tests(parsed(rule["CheckExpression"], rule.get("SubstitutionMap") or {}))
    aggregates = [isinstance(test.left, Aggregate) for test in found]
    if any(aggregates) and not all(aggregates):
        raise StepRefused("Aggregated conditions cannot be combined with non-aggregated conditions in the same rule.")
    if all(aggregates) and rule.get("Threshold"):
        raise StepRefused("A threshold goes with non-aggregated conditions only.")
    selectors = rule.get("ColumnSelectors") or []
    for selector in selectors:
        if ("Name" in selector) == ("Regex" in selector):
            raise StepRefused("A column selector has either Name or Regex.")
        if "Regex" in selector:
            _compiled(selector["Regex"])
    for test in found:
        _check_test(test, bool(selectors))


def _check_test(test: Test, selected_: bool) -> None:
    left = test.left
    if isinstance(left, Aggregate):
        if left.statistic not in OF_DATASET and (left.column is None) != selected_:
            raise StepRefused(
                f"AGG({left.statistic}) needs either a column in the expression, AGG(:col, {left.statistic}), or ColumnSelectors."
            )
        if left.statistic == "QUANTILE" and left.parameter not in ("0.25", "0.5", "0.75"):
            raise StepRefused("QUANTILE needs one of '0.25', '0.5', '0.75'.")
        if left.parameter is not None and (left.statistic not in _PARAMETERS or not is_number(left.parameter)):
            raise StepRefused(f"{left.statistic} doesn't take the parameter {left.parameter}.")
        if not all(value.column is None and is_number(value.text) for value in test.right):
            raise StepRefused(f"AGG({left.statistic}) is compared with numbers only.")
        return
    if selected_ and left is not None and left.column is not None:
        raise StepRefused("With ColumnSelectors there is no column on the left side of a condition.")
    if not selected_ and (left is None or left.column is None):
        raise StepRefused("A condition starts with a column, or the rule has ColumnSelectors.")
    if test.operator == "in":
        listed(test.right[0])
    if test.operator == "matches" and test.right[0].column is None:
        REGEX("CheckExpression", test.right[0].text)
    if left is not None and left.length and not all(v.column or is_number(v.text) for v in test.right):
        raise StepRefused("A length is compared with numbers only.")


def _compiled(expression: str) -> None:
    try:
        re.compile(expression)
    except re.error:
        raise StepRefused(f"{expression} is not a valid regular expression.") from None


def validate(frame: Frame, rulesets: Sequence[dict]) -> dict[str, Any]:
    """The report on rulesets, without what only the job knows (jobName, jobRunId, location, startedOn, writtenOn).

    Parameters
    ----------
    rulesets : each with Name, Arn, Rules; Description and LastModifiedDate (text) if it has them.

    Returns
    -------
    dict : sampleSize, rulesetResults with status SUCCEEDED, FAILED or ERROR for each ruleset and rule, version.
    """
    asked = _Asked(frame.stored())
    results = [_ruleset(asked, ruleset) for ruleset in rulesets]
    return {"sampleSize": asked.rows, "rulesetResults": results, "version": "1.0"}


class _Asked:
    """A frame, and what was already computed of it for other rules."""

    def __init__(self, frame: Frame):
        self.frame = frame
        self.rows = frame.count()
        self._counts: dict[str, Counts] = {}
        self._duplicates: int | None = None

    def counts(self, column: Column) -> Counts:
        if column.name not in self._counts:
            self._counts[column.name] = Counts(self.frame, column)
        return self._counts[column.name]

    def duplicates(self) -> int:
        if self._duplicates is None:
            self._duplicates = duplicate_rows(self.frame, self.rows)
        return self._duplicates


def _ruleset(asked: _Asked, ruleset: dict) -> dict[str, Any]:
    results = [_rule(asked, rule) for rule in ruleset["Rules"] if not rule.get("Disabled")]
    shown: dict[str, Any] = {"name": ruleset["Name"]}
    if ruleset.get("Description"):
        shown["description"] = ruleset["Description"]
    shown["arn"] = ruleset["Arn"]
    if ruleset.get("LastModifiedDate"):
        shown["lastModifiedDate"] = ruleset["LastModifiedDate"]
    return {**shown, "ruleResults": results, "status": _worst(result["status"] for result in results)}


def _worst(statuses: Any) -> str:
    found = set(statuses)
    return "ERROR" if "ERROR" in found else "FAILED" if "FAILED" in found else "SUCCEEDED"


def _rule(asked: _Asked, rule: dict) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": rule["Name"], "definition": {"Name": rule["Name"], "Disabled": False, **rule}}
    try:
        check(rule)
        tree = parsed(rule["CheckExpression"], rule.get("SubstitutionMap") or {})
        if not rule.get("ColumnSelectors"):
            return shown | _verdict(asked, tree, rule.get("Threshold"), None)
        columns = [c for c in asked.frame.columns if selected(c, rule["ColumnSelectors"]) and c.type in KINDS]
        if not columns:
            raise StepRefused("The column selectors of the rule match no column.")
        results = [{"name": c.name, **_verdict(asked, tree, rule.get("Threshold"), c)} for c in columns]
        return {**shown, "columnResults": results, "status": _worst(result["status"] for result in results)}
    except StepRefused as refused:
        return {**shown, "status": "ERROR", "message": refused.message}


def _verdict(asked: _Asked, tree: Tree, threshold: dict | None, column: Column | None) -> dict[str, Any]:
    if isinstance(tests(tree)[0].left, Aggregate):
        return {"status": "SUCCEEDED" if _holds(asked, tree, column) else "FAILED"}
    frame = asked.frame
    met = _rows(frame, tree, column)
    found = frame.workspace.execute(f"SELECT count(*) FILTER ({met}) FROM {frame.source}").fetchone()
    passed = int(found[0]) if found else 0
    enough = _enough(passed, asked.rows, threshold)
    return {"failedCount": asked.rows - passed, "status": "SUCCEEDED" if enough else "FAILED"}


def _enough(passed: int, rows: int, threshold: dict | None) -> bool:
    """Whether so many passing rows are enough; without a threshold all must pass."""
    if threshold is None:
        return passed == rows
    share = passed if threshold.get("Unit", "COUNT") == "COUNT" else 100 * passed / rows if rows else 100.0
    return _compare(share, _SIGNS[threshold.get("Type", "GREATER_THAN_OR_EQUAL")], float(threshold["Value"]))


_SIGNS = {"GREATER_THAN_OR_EQUAL": ">=", "LESS_THAN_OR_EQUAL": "<=", "GREATER_THAN": ">", "LESS_THAN": "<"}


def _compare(left: float, sign: str, right: float) -> bool:
    return {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[sign]


# aggregates


def _holds(asked: _Asked, tree: Tree, column: Column | None) -> bool:
    if isinstance(tree, Group):
        held = [_holds(asked, part, column) for part in tree.parts]
        return all(held) if tree.word == "and" else any(held)
    assert isinstance(tree.left, Aggregate)
    of = asked.frame.column(tree.left.column) if tree.left.column else column
    value = _aggregate(asked, tree.left, of)
    if value is None:
        return False
    bounds = [float(v.text) for v in tree.right]
    met = (
        bounds[0] <= value <= bounds[1] if tree.operator == "is_between" else _compare(value, tree.operator, bounds[0])
    )
    return met != tree.negated


def _aggregate(asked: _Asked, wanted: Aggregate, column: Column | None) -> float | None:
    rows, statistic = asked.rows, wanted.statistic
    if statistic == "ROWS_COUNT":
        return rows
    if statistic == "COLUMNS_COUNT":
        return len(asked.frame.columns)
    if statistic in OF_DATASET or column is None:
        return _share(asked.duplicates(), rows, statistic)
    if column.type not in KINDS:
        raise StepRefused(f"Column {column.name} is of type {column.type}; rules are for numbers, text and booleans.")
    counts = asked.counts(column)
    for name, value in (
        ("MISSING_VALUES", rows - counts.present),
        ("VALID_VALUES", counts.present),
        ("DISTINCT_VALUES", counts.distinct),
        ("UNIQUE_VALUES", counts.unique),
        ("DUPLICATE_VALUES", counts.present - counts.distinct),
    ):
        if statistic.startswith(name):
            return _share(value, rows, statistic)
    if statistic == "ENTROPY":
        return counts.entropy
    numbers = counts.numbers()
    if statistic.startswith("Z_SCORE_OUTLIERS"):
        return _share(numbers.outliers(float(wanted.parameter or 3)), rows, statistic)
    return _figure(numbers, wanted, column)


def _share(value: int, rows: int, statistic: str) -> float:
    if statistic.endswith("_PERCENTAGE"):
        return 100 * value / rows if rows else 0.0
    return value


def _figure(numbers: Numbers, asked: Aggregate, column: Column) -> float | None:
    length = KINDS[column.type] is not NUMERIC
    if length and asked.statistic in (
        "SUM",
        "KURTOSIS",
        "SKEWNESS",
        "VARIANCE",
        "MEDIAN_ABSOLUTE_DEVIATION",
        "QUANTILE",
    ):
        raise StepRefused(f"AGG({asked.statistic}) is for numeric columns; column {column.name} is {column.type}.")
    figures = {
        "MIN": lambda: numbers.low,
        "MAX": lambda: numbers.high,
        "MEAN": lambda: numbers.mean,
        "MEDIAN": lambda: numbers.quantile(0.5),
        "MODE": numbers.mode,
        "STANDARD_DEVIATION": lambda: numbers.deviation,
        "SUM": lambda: numbers.sum,
        "KURTOSIS": lambda: numbers.kurtosis,
        "SKEWNESS": lambda: numbers.skewness,
        "VARIANCE": lambda: numbers.variance,
        "MEDIAN_ABSOLUTE_DEVIATION": numbers.median_absolute_deviation,
        "QUANTILE": lambda: numbers.quantile(float(asked.parameter or 0.5)),
    }
    return figures[asked.statistic]()


# rows


def _rows(frame: Frame, tree: Tree, column: Column | None) -> str:
    """SQL that is TRUE for the rows that meet the conditions."""
    if isinstance(tree, Group):
        return "(" + f" {tree.word} ".join(_rows(frame, part, column) for part in tree.parts) + ")"
    left = tree.left if isinstance(tree.left, Value) else None
    of = frame.column(left.column) if left is not None and left.column else column
    assert of is not None
    return (
        f"coalesce({'NOT ' if tree.negated else ''}({_test(frame, tree, of, left is not None and left.length)}), FALSE)"
    )


def _test(frame: Frame, test: Test, column: Column, length: bool) -> str:
    present = f"nullif({column.key}, '')" if column.type == "string" else column.key
    subject = Column(column.name, column.type, present)
    if length:
        subject = Column(column.name, "long", f"length({text(present, column.type)})")
    if test.operator == "in":
        return (
            " OR ".join(_compared(frame, subject, "==", Value(text=item)) for item in listed(test.right[0])) or "FALSE"
        )
    if test.operator == "is_between":
        low, high = test.right
        return f"{_compared(frame, subject, '>=', low)} AND {_compared(frame, subject, '<=', high)}"
    if test.operator in ("starts_with", "ends_with", "contains"):
        return f"{test.operator}({text(subject.key, subject.type)}, {_as_text(frame, test.right[0])})"
    if test.operator == "matches":
        return f"regexp_full_match({text(subject.key, subject.type)}, {_as_text(frame, test.right[0])})"
    return _compared(frame, subject, test.operator, test.right[0])


def _as_text(frame: Frame, value: Value) -> str:
    if value.column is None:
        return literal(value.text)
    column = frame.column(value.column)
    return f"length({text(column.key, column.type)})" if value.length else text(column.key, column.type)


def _compared(frame: Frame, subject: Column, sign: str, value: Value) -> str:
    """Numbers are compared as numbers, text as text, but text with a number in < and > as a number."""
    operator = {"==": "=", "!=": "<>"}.get(sign, sign)
    if value.column is not None:
        other = frame.column(value.column)
        if value.length:
            return f"{number(subject.key, subject.type)} {operator} length({text(other.key, other.type)})"
        if "string" in (subject.type, other.type):
            return f"{text(subject.key, subject.type)} {operator} {text(other.key, other.type)}"
        return (
            f"{subject.key} {operator} {other.key}"
            if subject.type == other.type
            else _as_numbers(subject, operator, other)
        )
    if subject.type == "string" and (sign in ("==", "!=") or not is_number(value.text)):
        return f"{subject.key} {operator} {literal(value.text)}"
    if subject.type == "boolean":
        return f"{subject.key} {operator} {cast(literal(value.text), 'string', 'boolean')}"
    if not is_number(value.text):
        raise StepRefused(f"Column {subject.name} is {subject.type} and can't be compared with {value.text}.")
    return f"{number(subject.key, subject.type)} {operator} CAST({literal(value.text.strip())} AS DOUBLE)"


def _as_numbers(left: Column, operator: str, right: Column) -> str:
    return f"{number(left.key, left.type)} {operator} {number(right.key, right.type)}"
