"""Steps on records: which, how often, together with whose (guide: "DynamicFrame class")."""

import json
import traceback
from collections.abc import Callable
from itertools import count as counted
from typing import Self

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, StringType, StructField, StructType

from awsglue import choice, errors, not_there, records
from awsglue.field_steps import key_column, listed
from awsglue.paths import quote
from awsglue.records import as_text
from awsglue.steps import PAGE, Frame, Made, step

COMPARE = {
    ">": lambda column, value: column > value,
    "<": lambda column, value: column < value,
    ">=": lambda column, value: column >= value,
    "<=": lambda column, value: column <= value,
    "=": lambda column, value: column == value,
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
}


class RowSteps(Frame):
    @step
    def repartition(self, num_partitions: int) -> DataFrame:
        """The same records in another number of partitions."""
        return self.df.repartition(num_partitions)

    @step
    def coalesce(self, num_partitions: int, *, shuffle=False) -> DataFrame:
        """The same records in fewer partitions."""
        return self.df.repartition(num_partitions) if shuffle else self.df.coalesce(num_partitions)

    @step
    def filter(self, f: Callable) -> Made:
        """The records for which f(DynamicRecord) is true; a record for which it raises becomes an error record."""
        df = self.df
        schema = df.schema
        names = [F.col(quote(name)) for name in df.columns]
        answer = StructType(
            [StructField("keep", BooleanType()), *(StructField(n, StringType()) for n in ("msg", "stackTrace"))]
        )

        def judge(row: Row):
            try:
                return bool(f(records.to_record(row, schema))), None, None
            except Exception as error:
                return False, *_described(error)

        judged = df.withColumn("__judged", F.udf(judge, answer)(F.struct(*names)))
        failed = judged.where("__judged.msg IS NOT NULL").select(
            "__judged.msg",
            "__judged.stackTrace",
            F.lit(None).cast("string").alias("input"),
            F.to_json(F.struct(*names)).alias("dynamicRecord"),
        )
        return Made(judged.where("__judged.keep").drop("__judged"), failed)

    @step
    def map(self, f: Callable, *, preservesPartitioning=False) -> Made:
        """The records that f(DynamicRecord) returns; where it raises or returns something else there is an error record.

        The new schema is found by running f over all records once more than the result itself needs.
        """
        schema = self.df.schema

        def apply(row: Row):
            try:
                result = f(records.to_record(row, schema))
                if not isinstance(result, dict):
                    kind = "None" if result is None else type(result).__name__
                    raise ValueError(f"User-specified function returned {kind} instead of DynamicRecord")
                records.check(result)
                return result, None
            except Exception as error:
                record = json.dumps(records.to_record(row, schema), default=as_text, ensure_ascii=False)
                return None, (*_described(error), None, record)

        mapped = self.df.rdd.map(apply)
        good = mapped.filter(lambda pair: pair[1] is None).map(lambda pair: pair[0])
        bad = mapped.filter(lambda pair: pair[1] is not None).map(lambda pair: pair[1])
        session = self.glue_ctx.spark_session
        return Made(lambda: records.to_frame(session, good), failed=lambda: session.createDataFrame(bad, errors.FAILED))

    def mapPartitions(self, *arguments, **options):
        raise not_there("DynamicFrame.mapPartitions", PAGE)

    mapPartitionsWithIndex = mapPartitions

    @step
    def union(self, frame2: "Frame") -> Made:
        """The records of both frames; a field of one is null in the other's, a field of two types becomes a choice."""
        return Made(choice.united(self.df, frame2.df), other=frame2)

    @step
    def join(self, paths1: str | list[str], paths2: str | list[str], frame2: "Frame") -> Made:
        """Equality join. All fields of both sides are kept; one that both have gets a leading dot on the right (`.zip`).

        Where there is that too, as after an earlier join, it gets one more (`..zip`). Case does not count, as in Spark.

        Raises:
            ValueError: the lists of keys differ in length, or there is no such field, or it is a choice.
        """
        keys1, keys2 = listed(paths1), listed(paths2)
        if len(keys1) != len(keys2) or not keys1:
            raise ValueError("Join needs the same number of keys, one or more, for both frames")
        left, right = self.df, frame2.df
        taken, names = {name.lower() for name in left.columns}, {}
        for name in right.columns:
            dots = next(dots for dots in counted() if "." * dots + name.lower() not in taken)
            names[name] = "." * dots + name
        # keys as columns of their own: dotted paths, and the same DataFrame on both sides
        left = left.select("*", *[key_column(self.df, k).alias(f"__left_{i}") for i, k in enumerate(keys1)])
        right = right.select(
            *[F.col(quote(old)).alias(new) for old, new in names.items()],
            *[key_column(frame2.df, k).alias(f"__right_{i}") for i, k in enumerate(keys2)],
        )
        same = [F.col(f"__left_{i}") == F.col(f"__right_{i}") for i in range(len(keys1))]
        joined = left.join(right, same, "inner").select(*map(F.col, map(quote, [*self.df.columns, *names.values()])))
        return Made(joined, other=frame2)

    @step
    def split_rows(self, comparison_dict: dict, name1="frame1", name2="frame2") -> dict[str, DataFrame]:
        """The records that fulfil all comparisons (`{"age": {">": 10, "<": 20}}`), and the others.

        Raises:
            ValueError: no such field, or no such comparison.
        """
        condition = F.lit(True)
        for path, comparisons in comparison_dict.items():
            for sign, value in comparisons.items():
                if sign not in COMPARE:
                    raise ValueError(f"Invalid comparator {sign}; it is one of {', '.join(COMPARE)}")
                condition = condition & COMPARE[sign](key_column(self.df, path), value)
        fulfilled = F.coalesce(condition, F.lit(False))
        return {name1: self.df.where(fulfilled), name2: self.df.where(~fulfilled)}

    @step
    def drop_duplicates(self, columns: list[str] | None = None) -> DataFrame:
        """One record of those that are equal, in all fields or in those named."""
        return self.df.dropDuplicates(listed(columns)) if columns else self.df.dropDuplicates()

    @step
    def mergeDynamicFrame(
        self, stage_dynamic_frame: "Frame", primary_keys: list[str], *, options: dict | None = None
    ) -> Made:
        """The staging frame's records, and of this frame those whose keys the staging frame does not have."""
        stage = stage_dynamic_frame.df
        keys = listed(primary_keys)
        seen = stage.select(*[key_column(stage, key).alias(f"__key_{i}") for i, key in enumerate(keys)]).distinct()
        same = [key_column(self.df, key).eqNullSafe(F.col(f"__key_{i}")) for i, key in enumerate(keys)]
        return Made(choice.united(self.df.join(seen, same, "left_anti"), stage), other=stage_dynamic_frame)

    def spigot(self, path: str, options: dict | None = None, transformation_ctx: str = "") -> Self:
        """Write sample records as JSON below a path; `topk` (default 100) of them, each with probability `prob` (default 1).

        Returns:
            This frame.
        """
        options = options or {}
        sample = self.df
        if "prob" in options:
            sample = sample.sample(float(options["prob"]))
        sample = sample.limit(int(options.get("topk", 100)))
        sink = self.glue_ctx.getSink("s3", path=path, transformation_ctx=transformation_ctx)
        sink.setFormat("json")
        sink.writeFrame(type(self)(sample, self.glue_ctx))
        return self


def _described(error: Exception) -> tuple[str, str]:
    """Message and stack of an error of the user's function."""
    return f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error))
