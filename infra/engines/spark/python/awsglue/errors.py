"""Error records: what a step could not read or compute (guide: "Use errorsAsDynamicFrame to view error records").

An error record is a struct `error` with the fields that the guide shows. `input` is the line that could not be read and
`dynamicRecord` the JSON text of the record that a function failed on; what is not known here is null.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

FAILED = "msg string, stackTrace string, input string, dynamicRecord string"  # how a step gives its failures
SCHEMA = (
    "error struct<callsite: struct<site: string, info: string>, msg: string, stackTrace: string, input: string, "
    "bytesread: bigint, source: string, dynamicRecord: string>"
)


def records(failed: DataFrame, info: str) -> DataFrame:
    """Error records of a step's failures.

    Args:
        failed: frame of the columns FAILED.
        info: what the step was given as `info`.
    """
    nothing = F.lit(None).cast("string")
    fields = {
        "callsite": F.struct(nothing.alias("site"), F.lit(info or "").alias("info")),
        "msg": F.col("msg"),
        "stackTrace": F.col("stackTrace"),
        "input": F.col("input"),
        "bytesread": F.lit(None).cast("bigint"),
        "source": nothing,
        "dynamicRecord": F.col("dynamicRecord"),
    }
    return failed.select(F.struct(*[value.alias(name) for name, value in fields.items()]).alias("error"))


def unreadable(lines: DataFrame) -> DataFrame:
    """The failures of lines (one column `value`) that are no JSON objects, with the message of Glue's own reader."""
    nothing = F.lit(None).cast("string")
    return lines.select(
        F.lit("error in jackson reader").alias("msg"),
        nothing.alias("stackTrace"),
        F.col("value").alias("input"),
        nothing.alias("dynamicRecord"),
    )
