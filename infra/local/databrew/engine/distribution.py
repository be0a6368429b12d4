"""Statistics of a column: of its values and how often they occur, and of its numbers or the lengths of its texts."""

import math
from typing import Any

from .errors import StepRefused
from .frame import Column, Frame, Workspace
from .types import literal


def bare(value: Any) -> float | None:
    """A number as JSON can hold it: NaN and infinities become None."""
    return None if value is None or not math.isfinite(value) else float(value)


def present(column: Column) -> str:
    """SQL: the value is not missing. NaN and infinities, which JSON has not, count as missing."""
    if column.type == "string":
        return f"{column.key} <> ''"
    if column.type in ("float", "double"):
        return f"isfinite({column.key})"
    return f"{column.key} IS NOT NULL"


class Counts:
    """A column's values that are not missing, and how often each occurs.

    Attributes
    ----------
    distinct, unique, present : how many different values there are, how many of them occur once, and how many values in all.
    entropy : of the values' shares, in nats; None if there are no values.
    """

    def __init__(self, frame: Frame, column: Column):
        self._workspace, self._column = frame.workspace, column
        self._table = frame.workspace.table(
            f"SELECT {column.key} AS v, count(*) AS n FROM {frame.source} WHERE {present(column)} GROUP BY ALL"
        )
        self._numbers: Numbers | None = None
        found = frame.workspace.execute(
            f"SELECT count(*), count(*) FILTER (n = 1), coalesce(sum(n), 0)::BIGINT, "
            f"-fsum((n / t) * ln(n / t)) FROM {self._table.name}, (SELECT sum(n)::DOUBLE AS t FROM {self._table.name})"
        ).fetchone()
        assert found is not None
        self.distinct, self.unique, self.present, entropy = found
        self.entropy = None if entropy is None else abs(entropy)

    def common(self, most: int | None) -> list[dict]:
        """The values that occur most often, all of them if `most` is None."""
        limit = "" if most is None else f" LIMIT {most}"
        found = self._workspace.execute(f"SELECT v, n FROM {self._table.name} ORDER BY n DESC, v{limit}").fetchall()
        return [{"value": value, "count": count} for value, count in found]

    def numbers(self) -> "Numbers":
        """The values as numbers; of text its lengths.

        Raises
        ------
        StepRefused : the column is boolean.
        """
        if self._column.type == "boolean":
            raise StepRefused(f"Column {self._column.name} is boolean and has no numbers.")
        if self._numbers is None:
            value = "length(v)" if self._column.type == "string" else "v"
            sql = f"SELECT {value} AS v, sum(n)::BIGINT AS n FROM {self._table.name} GROUP BY ALL"
            self._numbers = Numbers(self._workspace, sql, whole=self._column.type not in ("float", "double"))
        return self._numbers


class Numbers:
    """Numbers, summed up.

    Parameters
    ----------
    sql : a query with v, a distinct finite value, and n, how often it occurs.
    whole : whether the values are integers: then bounds of ranges are integers too.

    Attributes
    ----------
    low, high, sum : of the values' own type; None if there are none (sum: 0).
    mean, variance, deviation : variance and standard deviation are the sample's (divided by n - 1).
    skewness, kurtosis : of the population; kurtosis is the excess over 3. None if all values are equal.
    """

    def __init__(self, workspace: Workspace, sql: str, whole: bool):
        self._workspace = workspace
        self._whole = whole
        self._table = workspace.table(f"SELECT v, n, sum(n) OVER (ORDER BY v)::BIGINT AS upto FROM ({sql}) ORDER BY v")
        exact = "sum(v::HUGEINT * n)" if whole else "fsum(v * n)"
        self.count, self.low, self.high, self.sum, self.zeros = self._one(
            f"coalesce(sum(n), 0)::BIGINT, min(v), max(v), coalesce({exact}, 0), coalesce(sum(n) FILTER (v = 0), 0)::BIGINT"
        )
        self.mean = bare(self.sum / self.count) if self.count else None
        if not whole:
            self.sum = bare(self.sum)
        squares = cubes = fourths = 0.0
        if self.mean is not None:
            d = f"(v - {literal(float(self.mean))})"
            squares, cubes, fourths = self._one(f"fsum(n * {d} ** 2), fsum(n * {d} ** 3), fsum(n * {d} ** 4)")
        self.variance = bare(squares / (self.count - 1)) if self.count > 1 else None
        self.deviation = None if self.variance is None else math.sqrt(self.variance)
        spread = squares / self.count if self.count else 0.0
        self.skewness = bare(cubes / self.count / spread**1.5) if spread > 0 else None
        self.kurtosis = bare(fourths / self.count / spread**2 - 3) if spread > 0 else None
        self._quantiles: dict[float, float | None] = {}

    def _one(self, asked: str) -> tuple:
        found = self._workspace.execute(f"SELECT {asked} FROM {self._table.name}").fetchone()
        assert found is not None
        return found

    def _all(self, sql: str) -> list[tuple]:
        return self._workspace.execute(sql).fetchall()

    def quantile(self, share: float) -> float | None:
        """The value below which a share of the values lies, between two values in proportion."""
        if share not in self._quantiles:
            self._quantiles[share] = self._quantile(self._table.name, share)
        return self._quantiles[share]

    def _quantile(self, table: str, share: float) -> float | None:
        if not self.count:
            return None
        at = share * (self.count - 1)
        found = self._workspace.execute(
            f"SELECT min(v) FILTER (upto > {math.floor(at)}), min(v) FILTER (upto > {math.ceil(at)}) FROM {table}"
        ).fetchone()
        assert found is not None
        low, high = found
        return bare(float(low) + (float(high) - float(low)) * (at - math.floor(at)))

    def median_absolute_deviation(self) -> float | None:
        """The median of the values' distances from their median."""
        median = self.quantile(0.5)
        if median is None:
            return None
        distances = self._workspace.table(
            f"SELECT v, sum(n) OVER (ORDER BY v)::BIGINT AS upto FROM "
            f"(SELECT abs(v - {literal(median)}) AS v, sum(n) AS n FROM {self._table.name} GROUP BY ALL)"
        )
        return self._quantile(distances.name, 0.5)

    def mode(self) -> Any:
        """The value that occurs most often, the least of them."""
        found = self._all(f"SELECT v FROM {self._table.name} ORDER BY n DESC, v LIMIT 1")
        return found[0][0] if found else None

    def ends(self, direction: str, most: int | None) -> list[dict]:
        """The least (ASC) or greatest (DESC) values and their counts."""
        limit = "" if most is None else f" LIMIT {most}"
        return [
            {"value": v, "count": n}
            for v, n in self._all(f"SELECT v, n FROM {self._table.name} ORDER BY v {direction}{limit}")
        ]

    def _z(self) -> str | None:
        """SQL of the z-score; None where it is not defined."""
        if not self.deviation or self.mean is None:
            return None
        return f"((v - {literal(float(self.mean))}) / {literal(self.deviation)})"

    def outliers(self, threshold: float) -> int:
        """How many values are further from the mean than so many standard deviations."""
        z = self._z()
        return int(self._one(f"coalesce(sum(n) FILTER (abs({z}) > {literal(threshold)}), 0)::BIGINT")[0]) if z else 0

    def outliers_sample(self, threshold: float, most: int | None) -> list[dict]:
        """Distinct outliers and their z-scores, the furthest first."""
        z = self._z()
        if z is None:
            return []
        limit = "" if most is None else f" LIMIT {most}"
        found = self._all(
            f"SELECT v, {z} AS z FROM {self._table.name} WHERE abs(z) > {literal(threshold)} ORDER BY abs(z) DESC, v{limit}"
        )
        return [{"value": v, "zScore": score} for v, score in found]

    def distribution(self, bins: int) -> list[dict]:
        """How many values lie in each of consecutive ranges from the least to the greatest; the last range is open.

        Integers: the widths are integers, the lesser ones first; a range is one value wide if there are no more values than ranges.
        """
        if not self.count:
            return []
        if self.low == self.high:
            return [{"bucket": [float(self.low), float(self.high)], "count": self.count}]
        bounds = (
            self._whole_bounds(bins)
            if self._whole
            else [self.low + (self.high - self.low) * i / bins for i in range(bins)]
        )
        return _buckets(self._counts("v", bounds), [*bounds, "inf"])

    def _whole_bounds(self, bins: int) -> list:
        width, wider = divmod(self.high - self.low, bins)
        if width == 0:
            return list(range(self.low, self.high + 1))
        bounds = [self.low]
        for i in range(bins - 1):
            bounds.append(bounds[-1] + width + (1 if i >= bins - wider else 0))
        return bounds

    def z_distribution(self, bins: int) -> list[dict]:
        """How many z-scores lie in each of consecutive ranges of one width; the first and the last are open."""
        z = self._z()
        if z is None or self.mean is None or self.deviation is None:
            return []
        low, high = (self.low - self.mean) / self.deviation, (self.high - self.mean) / self.deviation
        bounds = [low + (high - low) * i / bins for i in range(bins)]
        return _buckets(self._counts(z, bounds), ["-inf", *bounds[1:], "inf"])

    def _counts(self, value: str, bounds: list) -> list[int]:
        """How many values there are from each bound up to the next."""
        inner = bounds[1:]
        if not inner:
            return [self.count]
        below = self._one(", ".join(f"coalesce(sum(n) FILTER ({value} < {literal(b)}), 0)::BIGINT" for b in inner))
        upto = [0, *below, self.count]
        return [after - before for before, after in zip(upto, upto[1:], strict=False)]


def _buckets(counts: list[int], bounds: list) -> list[dict]:
    return [
        {"bucket": [low, high], "count": count} for low, high, count in zip(bounds, bounds[1:], counts, strict=False)
    ]
