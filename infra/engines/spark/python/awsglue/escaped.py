"""CSV with an escaper (guide: "Using the CSV format"): the sign behind it counts as it is, wherever it stands.

Spark's own reader knows an escape within quotes only, so these files are read in Python, each whole.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType, StringType

from awsglue.paths import quote

WELL_KNOWN = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}  # what the guide leaves from "as it is"
LINE_END = r"\r\n|\n|\r"
FILE = "_metadata.file_path"


class Form(NamedTuple):
    """How a file is written."""

    separator: str
    quote: str  # empty: no quotes
    escaper: str
    multi_line: bool  # whether a quote may hold the end of a line
    header: bool  # the first line names the columns
    skip: bool  # the first line is left out


def read(spark: SparkSession, locations: list[str], recurse: bool, form: Form) -> DataFrame:
    """The records of the files, values under the names in their own file's header, or `col0`, `col1` …."""
    texts = spark.read.text(locations, wholetext=True, recursiveFileLookup=recurse)
    found = texts.select(F.col(FILE).alias("file"), F.udf(lambda text: names(text, form), "array<string>")("value"))
    columns = list(dict.fromkeys(name for _, own in sorted(found.collect()) for name in own))
    return rows(texts, "value", form, {name: name for name in columns})


def rows(texts: DataFrame, column: str, form: Form, named: dict[str, str]) -> DataFrame:
    """The records of whole files in a column of text, beside the other columns.

    Args:
        named: name in the files, or `col0`, `col1` … -> name of the column.
    """
    others = [F.col(quote(name)) for name in texts.columns if name != column]
    kind = ArrayType(MapType(StringType(), StringType()))
    found = texts.select(F.explode(F.udf(lambda text: records(text, form), kind)(column)).alias("record"), *others)
    return found.select(*[F.col("record").getItem(own).alias(name) for own, name in named.items()], *others)


def names(text: str, form: Form) -> list[str]:
    """The names of a file's columns."""
    lines = lines_of(text, form)
    if form.header:
        return [name or "" for name in next(lines, [])]
    return [f"col{number}" for number in range(max(map(len, lines), default=0))]


def records(text: str, form: Form) -> list[dict[str, str | None]]:
    """The values of each record by their names; what a line has beyond the header is left out."""
    columns, lines = names(text, form), lines_of(text, form)
    if form.header or form.skip:
        next(lines, None)
    return [dict(zip(columns, line, strict=False)) for line in lines]


def lines_of(text: str, form: Form) -> Iterator[list[str | None]]:
    """The values of each line that is not empty; nothing between two separators is no value, `""` an empty one."""
    for part in [text] if form.multi_line else re.split(LINE_END, text):
        yield from _values(part, form)


def _values(text: str, form: Form) -> Iterator[list[str | None]]:
    signs = {"escaped": f"{re.escape(form.escaper)}(?P<sign>.)", "separator": re.escape(form.separator)}
    signs |= {"quote": re.escape(form.quote)} if form.quote else {}
    pattern = "|".join(f"(?P<{name}>{sign})" for name, sign in (signs | {"end": LINE_END, "text": "."}).items())
    row: list[str | None] = []
    value, inside, quoted = "", False, False
    for token in re.finditer(rf"{pattern}|\Z", text, re.DOTALL):
        kind = token.lastgroup or "last"
        if kind == "escaped":
            value += WELL_KNOWN.get(token["sign"], token["sign"])
        elif kind == "quote" and (inside or not (value or quoted)):
            inside, quoted = not inside, True
        elif kind == "quote" and quoted and text[token.start() - 1] == form.quote:
            value, inside = value + form.quote, True  # a doubled quote
        elif kind == "last" or (kind in ("separator", "end") and not inside):
            if row or value or quoted or kind == "separator":
                row.append(value if value or quoted else None)
            value, inside, quoted = "", False, False
            if kind != "separator" and row:
                yield row
                row = []
        else:
            value += token[0]
